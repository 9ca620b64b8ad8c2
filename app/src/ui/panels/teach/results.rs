//! What the model makes of texts by now: a box to try, figures, the confusion matrix, mistakes.

use crate::browser::Store;
use crate::protocol::{Verdict, Wrong};
use crate::state::format::{grouped, milliseconds, percent};
use crate::state::teach::run::Run;
use crate::ui::widgets::painted::{Mark, Painted};
use crate::ui::widgets::said::SaidView;
use crate::ui::widgets::text_box::TextBox;
use bert::data::Stretch;
use bert::metrics::{ClassMetrics, Confusion, Figures};
use leptos::prelude::*;

/// Mistakes that are shown at once.
const SHOWN: usize = 20;
/// A confusion matrix of more classes is read better in the exported card.
const MATRIX: usize = 30;

/// The texts that were asked of, and the answer in words.
type Heard = ((String, String), String);

#[component]
pub fn TryCard() -> impl IntoView {
    let store = Store::get();
    let text = store.view(|state| state.teach.trial.text.clone());
    let pair = store.view(|state| state.teach.trial.pair.clone());
    let answer = store.view(|state| state.teach.trial.answer.clone());
    let took = store.view(|state| state.teach.trial.milliseconds.map(milliseconds));
    let doubt = store.view(|state| state.trial_doubt());
    let attached = store.view(|state| state.teach.attached.clone());
    let pairs = store.view(|state| {
        let report = state.teach.report.as_ref();
        report.is_some_and(|report| report.chosen.pair.is_some())
    });
    // A run answers anew several times a second: only another text is told of.
    let heard = store.view(|state| {
        let (asked, words) = state.teach.trial.heard()?;
        Some((asked.clone(), words))
    });
    let heard = Memo::new(move |told: Option<&Option<Heard>>| {
        let told = told.cloned().flatten();
        match (heard.get(), told) {
            (Some((asked, _)), Some(told)) if told.0 == asked => Some(told),
            (None, told) => told,
            (new, _) => new,
        }
    });
    let heard = move || heard.get().map(|(_, words)| words);
    view! {
        <section class="try card" aria-labelledby="try-heading">
            <h2 id="try-heading">"What would it say now?"</h2>
            <TextBox
                id="try-text"
                label="Text to try"
                rows=1
                text=text
                typed=move |text| store.edit_trial(move |trial| trial.text = text)
            />
            <Show when=move || pairs.get()>
                <TextBox
                    id="try-pair"
                    label="Second text to try"
                    rows=1
                    text=pair
                    typed=move |text| store.edit_trial(move |trial| trial.pair = text)
                />
            </Show>
            <div id="try-answer" role="group" aria-label="Answer">
                {move || answer.get().map(|said| view! { <SaidView said/> })}
            </div>
            <p class="unseen" role="status" id="try-heard">{heard}</p>
            {move || took.get().map(|took| view! {
                <p class="hint">"Computed in " {took}</p>
            })}
            {move || doubt.get().map(|doubt| view! {
                <p class="notice" id="try-doubt" role="status">{doubt}</p>
            })}
            {move || attached.get().map(|machine| view! {
                <p class="hint" id="head-machine">"This head: " {machine.words()}</p>
                {machine.doubt.map(|doubt| view! { <p class="notice">{doubt}</p> })}
            })}
        </section>
    }
}

#[component]
pub fn ResultCards() -> impl IntoView {
    let store = Store::get();
    let figures = store.view(|state| state.teach.run.as_ref().map(Run::figures));
    let doubt = store.view(|state| state.teach.run.as_ref().and_then(Run::figures_doubt));
    let matrix = store.view(|state| {
        let run = state.teach.run.as_ref()?;
        let (epoch, _) = run.shown()?;
        Some((epoch.epoch, run.labels.clone(), epoch.figures.clone()))
    });
    let wrong = store.view(|state| {
        let run = state.teach.run.as_ref().filter(|run| run.has_labels())?;
        let (_, wrong) = run.shown()?;
        Some(wrong.to_vec())
    });
    let figure_list = move || {
        let figures = figures.get().unwrap_or_default().into_iter();
        figures
            .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
            .collect_view()
    };
    view! {
        <Show when=move || figures.with(|f| f.as_ref().is_some_and(|f| !f.is_empty()))>
            <section class="figures card" aria-labelledby="figures-heading">
                <h2 id="figures-heading">"How well it does"</h2>
                <dl class="facts" id="figures">{figure_list}</dl>
                {move || doubt.get().map(|doubt| view! {
                    <p class="hint" id="figures-doubt">{doubt}</p>
                })}
                <BeforeAfter/>
                {move || matrix.get().map(|(epoch, labels, figures)| view! {
                    <Each epoch labels figures/>
                })}
            </section>
        </Show>
        {move || wrong.get().map(|wrong| view! { <Mistakes wrong/> })}
    }
}

/// What was guessed of hidden words before the run, and after it.
#[component]
fn BeforeAfter() -> impl IntoView {
    let store = Store::get();
    let rows = store.view(|state| {
        state
            .teach
            .run
            .as_ref()
            .map(Run::before_after)
            .unwrap_or_default()
    });
    let lines = store.view(|state| {
        let run = state.teach.run.as_ref();
        run.map(Run::before_after_lines).unwrap_or_default()
    });
    let shown = Memo::new(move |_| rows.with(|rows| !rows.is_empty()));
    let row = |texts: &str, when: &str, [loss, first, five]: [String; 3]| {
        view! {
            <tr>
                <th scope="row">{format!("{texts}, {when}")}</th>
                <td>{loss}</td>
                <td>{first}</td>
                <td>{five}</td>
            </tr>
        }
    };
    view! {
        <Show when=move || shown.get()>
            <div class="scroll" tabindex="0" role="region" aria-label="Guessed words before and after">
                <table class="before-after" id="before-after">
                    <thead>
                        <tr>
                            <th scope="col">"Guessed words of"</th>
                            <th scope="col">"Loss"</th>
                            <th scope="col">"Right"</th>
                            <th scope="col">"Among five"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || rows.get().into_iter().map(|found| {
                            let after = found.after.clone();
                            view! {
                                {row(found.texts, "before", found.before)}
                                {after.map(|after| row(found.texts, "after", after))}
                            }
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
            {move || lines.get().into_iter().map(|line| view! {
                <p class="hint before-after-line">{line}</p>
            }).collect_view()}
        </Show>
    }
}

/// What stands behind the figures: truth against prediction, and the figures of each class, label or type.
#[component]
fn Each(epoch: usize, labels: Vec<String>, figures: Figures) -> impl IntoView {
    let thresholds = match &figures {
        Figures::Labels(found) => &found.thresholds[..],
        _ => &[],
    };
    let row = |(i, (label, class)): (usize, (&str, &ClassMetrics))| {
        let threshold = thresholds.get(i).copied().flatten();
        (label.to_owned(), *class, threshold.map(|t| t.probability))
    };
    let rows = figures.each(&labels).into_iter().enumerate().map(row);
    let rows: Vec<(String, ClassMetrics, Option<f32>)> = rows.collect();
    let matrix = match figures {
        Figures::Classes { confusion, .. } => {
            Some(view! { <Matrix epoch labels confusion/> }.into_any())
        }
        _ => None,
    };
    let table = (!rows.is_empty()).then(|| view! { <PerLabel rows/> });
    view! { {matrix} {table} }
}

/// Precision, recall and F1 of each label; the best threshold where several are given.
#[component]
fn PerLabel(rows: Vec<(String, ClassMetrics, Option<f32>)>) -> impl IntoView {
    let share = |value: f64| format!("{value:.2}");
    let has_thresholds = rows.iter().any(|(.., threshold)| threshold.is_some());
    let rows = rows.into_iter().map(|(label, class, threshold)| {
        let threshold = has_thresholds.then(|| {
            let words = threshold.map_or("–".to_owned(), percent);
            view! { <td>{words}</td> }
        });
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td>{share(class.precision)}</td>
                <td>{share(class.recall)}</td>
                <td>{share(class.f1)}</td>
                <td>{grouped(class.support)}</td>
                {threshold}
            </tr>
        }
    });
    let column = has_thresholds.then(|| view! { <th scope="col">"Best threshold"</th> });
    view! {
        <details class="per-class">
            <summary>"Label by label"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Label by label">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Label"</th>
                            <th scope="col">"Precision"</th>
                            <th scope="col">"Recall"</th>
                            <th scope="col">"F1"</th>
                            <th scope="col">"There"</th>
                            {column}
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}

/// Truth against prediction.
#[component]
fn Matrix(epoch: usize, labels: Vec<String>, confusion: Confusion) -> impl IntoView {
    (labels.len() <= MATRIX).then(|| {
        let head = labels.iter().map(|label| view! { <th scope="col">{label.clone()}</th> });
        let rows = labels.iter().zip(&confusion.counts).enumerate();
        let rows = rows.map(|(truth, (label, counts))| {
            let all = counts.iter().sum::<u64>().max(1) as f64;
            let cells = counts.iter().enumerate().map(|(predicted, &count)| {
                let tone = match (count, truth == predicted) {
                    (0, _) => "none",
                    (_, true) => "right",
                    (_, false) => "wrong",
                };
                let weight = format!("{:.2}", count as f64 / all);
                view! { <td class=tone style:--weight=weight>{grouped(count)}</td> }
            });
            view! { <tr><th scope="row">{label.clone()}</th>{cells.collect_view()}</tr> }
        });
        view! {
            <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
                <table class="matrix" id="confusion">
                    <caption>
                        {format!("After epoch {epoch}: rows are the true labels, columns the predicted ones.")}
                    </caption>
                    <thead><tr><td></td>{head.collect_view()}</tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
    })
}

/// What it gets wrong, the surest mistakes first.
#[component]
fn Mistakes(wrong: Vec<Wrong>) -> impl IntoView {
    let count = wrong.len();
    let line = match count {
        0 => "No mistakes on the validation set.".to_owned(),
        n if n > SHOWN => format!("The {SHOWN} surest of its mistakes."),
        _ => "Most confident mistakes first.".to_owned(),
    };
    let items = wrong
        .into_iter()
        .take(SHOWN)
        .map(|wrong| view! { <Mistake wrong/> });
    view! {
        <section class="mistakes card" aria-labelledby="mistakes-heading">
            <h2 id="mistakes-heading">"What it gets wrong"</h2>
            <p class="hint">{line}</p>
            <ol class="wrong">{items.collect_view()}</ol>
        </section>
    }
}

/// A text, what the model says of it, and what is right.
#[component]
fn Mistake(wrong: Wrong) -> impl IntoView {
    let Wrong {
        text,
        pair,
        truth,
        found,
    } = wrong;
    let painted = |verdict: &Verdict| -> Option<(String, Vec<Mark>)> {
        let mark = |(label, at): &(String, Stretch)| Mark {
            at: *at,
            label: label.clone(),
            share: None,
        };
        match verdict {
            Verdict::Entities(found) => Some((text.clone(), found.iter().map(mark).collect())),
            Verdict::Answer(at) => {
                let at = at.map(|at| mark(&("answer".to_owned(), at)));
                Some((pair.clone().unwrap_or_default(), at.into_iter().collect()))
            }
            _ => None,
        }
    };
    if let (Some((shown, said)), Some((_, right))) = (painted(&found), painted(&truth)) {
        let question = pair
            .is_some()
            .then(|| view! { <p dir="auto">{text.clone()}</p> });
        return view! {
            <li>
                {question}
                <p class="hint">"It says:"</p>
                <Painted text=shown.clone() marks=said/>
                <p class="hint">"Right is:"</p>
                <Painted text=shown marks=right/>
            </li>
        }
        .into_any();
    }
    let words = |verdict: Verdict| match verdict {
        Verdict::Class { label, probability }
        | Verdict::Choice {
            text: label,
            probability,
        } => (label, format!(", {}", percent(probability))),
        Verdict::Labels(labels) if labels.is_empty() => ("no label".to_owned(), String::new()),
        Verdict::Labels(labels) => (labels.join(", "), String::new()),
        Verdict::Score(score) => (format!("{score:.3}"), String::new()),
        Verdict::Entities(_) | Verdict::Answer(_) => (String::new(), String::new()),
    };
    let ((said, sure), (right, share)) = (words(found), words(truth));
    let pair = pair.map(|pair| view! { <p dir="auto">{pair}</p> });
    view! {
        <li>
            <p dir="auto">{text}</p>
            {pair}
            <p class="hint">
                "says " <strong>{said}</strong> {sure}
                "; it is " <strong>{right}</strong> {share}
            </p>
        </li>
    }
    .into_any()
}
