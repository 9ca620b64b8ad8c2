//! What the model makes of texts by now: a box to try, figures, the confusion matrix, mistakes.

use crate::browser::Store;
use crate::protocol::Wrong;
use crate::state::format::{grouped, milliseconds, percent};
use crate::state::teach::run::Run;
use crate::ui::widgets::bar::Bar;
use crate::ui::widgets::text_box::TextBox;
use bert::metrics::{ClassMetrics, Confusion};
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
    let bars = move || {
        let answer = answer.get().into_iter().take(10);
        answer
            .map(|(label, probability)| {
                view! {
                    <li class="bar">
                        <Bar share=probability value=percent(probability)>{label}</Bar>
                    </li>
                }
            })
            .collect_view()
    };
    // A run answers anew several times a second: only another text is told of.
    let heard = store.view(|state| {
        let (asked, label, share) = state.teach.trial.heard()?;
        Some((asked.clone(), format!("{label}, {}", percent(share))))
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
                label="Text to classify"
                rows=1
                text=text
                typed=move |text| store.edit_trial(move |trial| trial.text = text)
            />
            <Show when=move || pairs.get()>
                <TextBox
                    id="try-pair"
                    label="Second text to classify"
                    rows=1
                    text=pair
                    typed=move |text| store.edit_trial(move |trial| trial.pair = text)
                />
            </Show>
            <ol class="bars" id="try-answer" aria-label="Answer">{bars}</ol>
            <p class="unseen" role="status" id="try-heard">{heard}</p>
            {move || took.get().map(|took| view! {
                <p class="hint">"Computed in " {took}</p>
            })}
            {move || doubt.get().map(|doubt| view! {
                <p class="notice" id="try-doubt" role="status">{doubt}</p>
            })}
            {move || attached.get().map(|machine| view! {
                <p class="hint" id="head-machine">"This classifier: " {machine.words()}</p>
                {machine.doubt.map(|doubt| view! { <p class="notice">{doubt}</p> })}
            })}
        </section>
    }
}

#[component]
pub fn ResultCards() -> impl IntoView {
    let store = Store::get();
    let figures = store.view(|state| state.teach.run.as_ref().map(Run::figures));
    let matrix = store.view(|state| {
        let run = state.teach.run.as_ref().filter(|run| run.has_labels())?;
        let (epoch, _) = run.shown()?;
        let classes = epoch.validation.classes.clone();
        Some((
            epoch.epoch,
            run.labels.clone(),
            epoch.confusion.clone(),
            classes,
        ))
    });
    let wrong = store.view(|state| {
        let run = state.teach.run.as_ref().filter(|run| run.has_labels())?;
        let (_, wrong) = run.shown()?;
        Some((run.labels.clone(), wrong.to_vec()))
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
                {move || matrix.get().map(|(epoch, labels, confusion, classes)| view! {
                    <Matrix epoch labels confusion classes/>
                })}
            </section>
        </Show>
        {move || wrong.get().map(|(labels, wrong)| view! { <Mistakes labels wrong/> })}
    }
}

/// Truth against prediction, with the figures of each class.
#[component]
fn Matrix(
    epoch: usize,
    labels: Vec<String>,
    confusion: Confusion,
    classes: Vec<ClassMetrics>,
) -> impl IntoView {
    let share = |value: f64| format!("{value:.2}");
    let per_class = labels.iter().zip(&classes).map(|(label, class)| {
        view! {
            <tr>
                <th scope="row">{label.clone()}</th>
                <td>{share(class.precision)}</td>
                <td>{share(class.recall)}</td>
                <td>{share(class.f1)}</td>
                <td>{grouped(class.support)}</td>
            </tr>
        }
    });
    let matrix = (labels.len() <= MATRIX).then(|| {
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
    });
    view! {
        {matrix}
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
                            <th scope="col">"Rows"</th>
                        </tr>
                    </thead>
                    <tbody>{per_class.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}

/// What it gets wrong, the surest mistakes first.
#[component]
fn Mistakes(labels: Vec<String>, wrong: Vec<Wrong>) -> impl IntoView {
    let name = move |class: usize| labels.get(class).cloned().unwrap_or_default();
    let count = wrong.len();
    let line = match count {
        0 => "It gets every example right that was put aside.".to_owned(),
        n if n > SHOWN => format!("The {SHOWN} surest of its mistakes."),
        _ => "The surest first.".to_owned(),
    };
    let items = wrong.into_iter().take(SHOWN).map(|wrong| {
        let [predicted, truth] = wrong.probabilities;
        let pair = wrong.pair.map(|pair| view! { <p dir="auto">{pair}</p> });
        view! {
            <li>
                <p dir="auto">{wrong.text}</p>
                {pair}
                <p class="hint">
                    "says " <strong>{name(wrong.predicted)}</strong> ", " {percent(predicted)}
                    "; it is " <strong>{name(wrong.label)}</strong> ", " {percent(truth)}
                </p>
            </li>
        }
    });
    view! {
        <section class="mistakes card" aria-labelledby="mistakes-heading">
            <h2 id="mistakes-heading">"What it gets wrong"</h2>
            <p class="hint">{line}</p>
            <ol class="wrong">{items.collect_view()}</ol>
        </section>
    }
}
