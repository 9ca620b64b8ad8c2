//! Spot the swaps: the sentence with its words to press, the answer, the score.

use crate::browser::Store;
use crate::link::inside::{ROUND_HEAT, ROUND_WORDS};
use crate::state::inside::spot::{Mark, Part};
use crate::ui::widgets::focus::focus;
use crate::ui::widgets::slider::Slider;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

#[component]
pub fn SpotCard() -> impl IntoView {
    let store = Store::get();
    let there = store.view(|state| state.inside.spot.play.is_some());
    let dealer = store.view(|state| {
        let play = state.inside.spot.play.as_ref();
        play.map(|play| (play.dealer.clone(), play.counts()[0]))
    });
    let task = move || {
        let (dealer, hidden) = dealer.get()?;
        let what = match hidden {
            1 => "hid one word of this sentence, and drew a word of its own".to_owned(),
            n => format!("hid {n} words of this sentence at once, and drew words of its own"),
        };
        Some(format!(
            "{dealer} {what} from its guesses. Which are swapped? Press them, then “Show”. A word may come out as it was: \
             that counts as the author's."
        ))
    };
    view! {
        <h2>"Spot the swaps"</h2>
        <Show when=move || there.get()>
            <p id="spot-task">{task}</p>
            <Sentence/>
            <Buttons/>
            <Answer/>
        </Show>
        <Judge/>
        <Settings/>
        <ScoreLines/>
        <p class="hint" id="spot-teaches">
            "This is how ELECTRA is trained. BERT learns only at the 15% of places that it hides; a model that must tell \
             of each word whether it is swapped learns at 100% of them."
        </p>
    }
}

fn element_id(word: usize) -> String {
    format!("spot-word-{word}")
}

/// The sentence: one stop in the tab order; arrow keys, Home and End move along it.
#[component]
fn Sentence() -> impl IntoView {
    let store = Store::get();
    let parts = store.view(|state| {
        let play = state.inside.spot.play.as_ref();
        play.map(|play| play.parts()).unwrap_or_default()
    });
    let on_key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let mut reached = None;
        store.change(|state| {
            reached = state.inside.spot.step(&event.key());
            Vec::new()
        });
        if let Some(word) = reached {
            event.prevent_default();
            focus(&element_id(word));
        }
    };
    let words = move || {
        let words = parts.get().into_iter();
        words.map(|part| view! { <Word part/> }).collect_view()
    };
    view! {
        <div
            id="spot-sentence"
            class="spot-sentence"
            role="toolbar"
            aria-label="Words. Press those that you think are swapped."
            dir="auto"
            on:keydown=on_key
        >
            {words}
        </div>
    }
}

#[component]
fn Word(part: Part) -> impl IntoView {
    let store = Store::get();
    let Part {
        word,
        before,
        shown: text,
        after,
    } = part;
    let picked = store.view(move |state| {
        let play = state.inside.spot.play.as_ref();
        play.is_some_and(|play| play.picked.contains(&word))
    });
    let here = store.view(move |state| state.inside.spot.current == word);
    let shown = store.view(|state| state.inside.spot.is_shown());
    let was = store.view(move |state| state.inside.spot.play.as_ref()?.was(word));
    let marks = store.view(move |state| {
        let play = state.inside.spot.play.as_ref();
        play.map(|play| play.marks(word)).unwrap_or_default()
    });
    let names = store.view(|state| judges(state.inside.spot.play.as_ref()));
    let sign = move |(mark, name): (Mark, String)| {
        let spoken = match mark {
            Mark::Clear => String::new(),
            _ => format!(" {name}: {}. ", mark.name()),
        };
        view! {
            <span class=format!("spot-mark {}", mark.name())>
                <span aria-hidden="true">{mark.sign()}</span>
                <span class="unseen">{spoken}</span>
            </span>
        }
    };
    let signs = move || {
        let marks = marks.get().into_iter().zip(names.get());
        marks.map(sign).collect_view()
    };
    view! {
        <span class="spot-word">
            <span class="spot-shown">
                {before}
                <button
                    type="button"
                    id=element_id(word)
                    class="token"
                    class:swapped=move || was.get().is_some()
                    class:picked=move || picked.get()
                    aria-pressed=move || picked.get().to_string()
                    aria-disabled=move || shown.get().then_some("true")
                    tabindex=move || if here.get() { "0" } else { "-1" }
                    on:click=move |_| store.change(|state| {
                        state.inside.spot.pick(word);
                        Vec::new()
                    })
                >
                    {text}
                </button>
                {after}
            </span>
            {move || was.get().map(|was| view! { <span class="spot-was">"was " {was}</span> })}
            {signs}
        </span>
    }
}

/// Whose marks stand under the words, in their order.
fn judges(play: Option<&crate::state::inside::spot::Play>) -> Vec<String> {
    let models = play.into_iter().flat_map(|play| &play.verdicts);
    let models = models.map(|verdict| verdict.model.clone());
    std::iter::once("You".to_owned()).chain(models).collect()
}

#[component]
fn Buttons() -> impl IntoView {
    let store = Store::get();
    let shown = store.view(|state| state.inside.spot.is_shown());
    let deals = store.view(|state| state.can_deal());
    view! {
        <div class="actions">
            <button
                type="button"
                class="primary"
                id="spot-show"
                disabled=move || shown.get()
                on:click=move |_| store.change(|state| state.show_round())
            >
                "Show"
            </button>
            <button
                type="button"
                id="spot-new"
                disabled=move || !deals.get()
                on:click=move |_| store.change(|state| state.deal_round())
            >
                "New round"
            </button>
        </div>
        <Show when=move || !deals.get()>
            <p class="hint" id="spot-no-deal">
                "The loaded model replaces no words. For a new round load one that fills blanks, such as the bundled one."
            </p>
        </Show>
    }
}

/// Who found what.
#[component]
fn Answer() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| {
        let play = state.inside.spot.play.as_ref();
        play.map(|play| play.lines()).unwrap_or_default()
    });
    let chances = store.view(|state| {
        let play = state.inside.spot.play.as_ref();
        play.map(|play| play.chances()).unwrap_or_default()
    });
    let names = store.view(|state| judges(state.inside.spot.play.as_ref()));
    let rows = move || match names.get() {
        names if names.len() > 1 => format!("Under each word, from above: {}. ", names.join(", ")),
        _ => String::new(),
    };
    let list = move || {
        let lines = lines.get().into_iter();
        lines.map(|line| view! { <p>{line}</p> }).collect_view()
    };
    let guesses = move || {
        let lines = chances.get().into_iter();
        lines.map(|line| view! { <li>{line}</li> }).collect_view()
    };
    view! {
        <div id="spot-answer" class="spot-answer" role="status">{list}</div>
        <Show when=move || !lines.with(Vec::is_empty)>
            <p class="hint">
                {rows}
                "✓ swapped and marked, ○ swapped and missed, ✗ the author's and marked."
            </p>
            <details class="paste">
                <summary>"What the model gave each hidden word"</summary>
                <ul id="spot-chances">{guesses}</ul>
            </details>
        </Show>
    }
}

/// A discriminator's turn.
#[component]
fn Judge() -> impl IntoView {
    let store = Store::get();
    let can = store.view(|state| state.can_judge());
    let hint = store.view(|state| state.judge_hint());
    let judging = store.view(|state| state.is_judging());
    view! {
        <Show when=move || can.get()>
            <div class="actions">
                <button
                    type="button"
                    class="primary"
                    id="spot-judge"
                    disabled=move || judging.get()
                    on:click=move |_| store.change(|state| state.judge_round())
                >
                    "Let this model judge"
                </button>
            </div>
        </Show>
        {move || hint.get().map(|hint| view! { <p class="hint" id="spot-judge-hint">{hint}</p> })}
    }
}

#[component]
fn Settings() -> impl IntoView {
    let store = Store::get();
    let words = store.view(|state| state.inside.choice.rounds.words);
    let heat = store.view(|state| state.inside.choice.rounds.heat);
    let typed = store.view(|state| state.inside.spot.typed.clone());
    let long = store.view(|state| state.own_round_hint());
    view! {
        <div class="settings spot-settings">
            <Slider
                id="round-words"
                label="Words to hide"
                range=ROUND_WORDS
                value=words
                set=move |words| store.change(|state| state.set_round_words(words))
            />
            <Slider
                id="round-heat"
                label="Temperature (lower is harder)"
                range=ROUND_HEAT
                value=heat
                words=Signal::derive(move || tenths(heat.get()))
                set=move |heat| store.change(|state| state.set_round_heat(heat))
            />
        </div>
        <details class="paste">
            <summary>"Your own text, for someone else to play"</summary>
            <TextBox
                id="round-text"
                label="Text of the rounds; empty for the page's sentences"
                rows=2
                text=typed
                typed=move |text| store.edit_inside(|inside| inside.spot.typed = text)
            />
            {move || long.get().map(|long| view! { <p class="notice">{long}</p> })}
        </details>
    }
}

fn tenths(heat: usize) -> String {
    format!("{}.{}", heat / 10, heat % 10)
}

/// The score over all rounds.
#[component]
fn ScoreLines() -> impl IntoView {
    let store = Store::get();
    let scores = store.view(|state| state.inside.spot.scores.clone());
    let rows = move || {
        let scores = scores.get();
        let models = scores.models.into_iter();
        let all = std::iter::once(("You".to_owned(), scores.you)).chain(models);
        let row = |(who, score): (String, crate::state::inside::spot::Score)| {
            view! {
                <li><strong>{who}</strong> ": " {score.line()} "."</li>
            }
        };
        all.map(row).collect_view()
    };
    view! {
        <Show when=move || !scores.with(|scores| scores.is_empty())>
            <section class="spot-score" aria-label="Score on this device">
                <h3>"Score on this device"</h3>
                <ul id="spot-scores">{rows}</ul>
                <button
                    type="button"
                    class="quiet"
                    id="spot-reset"
                    on:click=move |_| store.change(|state| state.forget_scores())
                >
                    "Reset the score"
                </button>
            </section>
        </Show>
    }
}
