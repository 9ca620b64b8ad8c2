//! What the head of a task says of a text, each kind in its own picture.

use crate::state::format::percent;
use crate::state::said::{ranked, ranked_choices};
use crate::ui::widgets::bar::Bar;
use crate::ui::widgets::painted::{Mark, Painted};
use bert::config::HeadKind;
use bert::probe::{Said, answers, entities, logistic};
use leptos::prelude::*;

/// Outputs that are shown at most.
const SHOWN: usize = 10;
/// Answers that are shown at most.
const ANSWERS: usize = 3;

#[component]
pub fn SaidView(said: Said) -> impl IntoView {
    match said.head.kind {
        HeadKind::Classes | HeadKind::Labels => view! { <Labels said/> }.into_any(),
        HeadKind::Score => view! { <Score said/> }.into_any(),
        HeadKind::Choice => view! { <Choices said/> }.into_any(),
        HeadKind::Tokens => view! { <Entities said/> }.into_any(),
        HeadKind::Span => view! { <Answers said/> }.into_any(),
    }
}

/// A bar each; of several labels, those over one half are given.
#[component]
fn Labels(said: Said) -> impl IntoView {
    let several = said.head.kind == HeadKind::Labels;
    let bars = ranked(&said).into_iter().take(SHOWN).map(|(label, share)| {
        let class = match several && share > 0.5 {
            true => "bar right",
            false => "bar",
        };
        view! {
            <li class=class>
                <Bar share value=percent(share)>{label}</Bar>
            </li>
        }
    });
    let hint = several.then(|| {
        view! { <p class="hint">"Each label by itself: those over 50% are given."</p> }
    });
    view! {
        <ol class="bars">{bars.collect_view()}</ol>
        {hint}
    }
}

/// The choices side by side.
#[component]
fn Choices(said: Said) -> impl IntoView {
    let ranked = ranked_choices(&said).into_iter().enumerate();
    let bars = ranked.map(|(i, (choice, share))| {
        view! {
            <li class=if i == 0 { "bar right" } else { "bar" }>
                <Bar share value=percent(share)>{choice}</Bar>
            </li>
        }
    });
    let bars: Vec<_> = bars.collect();
    let alone = bars.is_empty().then(|| {
        let score = said.logits.first().copied().unwrap_or_default();
        view! { <p class="score">{format!("{score:.3}")}</p> }
    });
    view! {
        {alone}
        <ol class="bars">{bars}</ol>
        <p class="hint">
            "This head chooses: write each choice on a line of its own in the second text."
        </p>
    }
}

#[component]
fn Score(said: Said) -> impl IntoView {
    let score = said.logits.first().copied().unwrap_or_default();
    let share = logistic(score);
    view! {
        <p class="score">{format!("{score:.3}")}</p>
        <ul class="bars">
            <li class="bar">
                <Bar share value=percent(share)>"As a probability"</Bar>
            </li>
        </ul>
        <p class="hint">
            "The number as the head gives it. As a probability (its logistic function) it makes sense only \
             of models that were trained so, such as those that rank passages."
        </p>
    }
}

#[component]
fn Entities(said: Said) -> impl IntoView {
    let found = entities(&said);
    let marks = |sequence: u8| -> Vec<Mark> {
        let own = found.iter().filter(|entity| entity.sequence == sequence);
        let mark = |entity: &bert::probe::Entity| Mark {
            at: entity.at(),
            label: entity.label.clone(),
            share: Some(entity.probability),
        };
        own.map(mark).collect()
    };
    let pair = said.text.pair.clone();
    let pair = pair.map(|pair| view! { <Painted text=pair marks=marks(1)/> });
    let none = found
        .is_empty()
        .then(|| view! { <p class="hint">"It finds no entity here."</p> });
    view! {
        <Painted text=said.text.text.clone() marks=marks(0)/>
        {pair}
        {none}
    }
}

#[component]
fn Answers(said: Said) -> impl IntoView {
    let (found, none) = answers(&said, ANSWERS);
    let best = found.first().filter(|best| best.probability > none);
    let marks = best.map(|best| Mark {
        at: best.at(),
        label: "answer".to_owned(),
        share: Some(best.probability),
    });
    let text = said.text.passage().to_owned();
    let bar = |name: String, share: f32| {
        view! {
            <li class="bar">
                <Bar share value=percent(share)>{name}</Bar>
            </li>
        }
    };
    let mut rows: Vec<(String, f32)> = found
        .iter()
        .map(|answer| (answer.at().of(&text), answer.probability))
        .collect();
    rows.push(("no answer".to_owned(), none));
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bars: Vec<_> = rows
        .into_iter()
        .map(|(name, share)| bar(name, share))
        .collect();
    let parts = (said.windows > 1).then(|| {
        let words = format!(
            "The passage is longer than the model reads at a time: it was read in {} parts, and the one with the \
             likeliest answer is drawn.",
            said.windows
        );
        view! { <p class="hint">{words}</p> }
    });
    let ask = said.text.pair.is_none().then(|| {
        view! {
            <p class="hint">
                "This head answers questions: write the question as the text, and the passage as the second text."
            </p>
        }
    });
    view! {
        <Painted text=text marks=marks.into_iter().collect()/>
        {ask}
        <ol class="bars">{bars}</ol>
        <Curves said/>
        {parts}
    }
}

/// How likely the answer begins at each token, and how likely it ends there.
#[component]
fn Curves(said: Said) -> impl IntoView {
    const HEIGHT: f32 = 60.0;
    let probabilities = said.probabilities();
    let count = said.tokens.len().max(2);
    let line = |column: usize| -> String {
        let points = probabilities.iter().skip(column).step_by(2).enumerate();
        let point = |(i, share): (usize, &f32)| {
            format!(
                "{:.1},{:.1}",
                100.0 * i as f32 / (count - 1) as f32,
                HEIGHT * (1.0 - share)
            )
        };
        points.map(point).collect::<Vec<_>>().join(" ")
    };
    let peak = |column: usize| {
        let shares = probabilities.iter().skip(column).step_by(2).enumerate();
        let best = shares.max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(String::new(), |(i, share)| {
            format!("{}, {}", said.tokens[i].text, percent(*share))
        })
    };
    let words = format!(
        "Over the tokens: the beginning is likeliest at {}; the end at {}.",
        peak(0),
        peak(1)
    );
    view! {
        <figure class="curves">
            <svg
                viewBox=format!("0 -2 100 {}", HEIGHT + 4.0)
                preserveAspectRatio="none"
                role="img"
                aria-label=words.clone()
            >
                <polyline class="begin" points=line(0)/>
                <polyline class="end" points=line(1)/>
            </svg>
            <figcaption class="hint">
                <span class="curve-key begin">"begins"</span>
                " "
                <span class="curve-key end">"ends"</span>
                " "
                {words}
            </figcaption>
        </figure>
    }
}
