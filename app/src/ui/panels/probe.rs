//! Probe: type a text, hide words, see what the model expects in their place.

use crate::browser::Store;
use crate::link::{Panel, TOP_K};
use crate::state::format;
use crate::state::probe::{EXAMPLES, Example};
use crate::ui::widgets::failure_card::Retry;
use crate::ui::widgets::mask_card::MaskCard;
use crate::ui::widgets::said::SaidView;
use crate::ui::widgets::script::ScriptBox;
use crate::ui::widgets::slider::Slider;
use crate::ui::widgets::tabs::focus_tab;
use crate::ui::widgets::text_box::TextBox;
use crate::ui::widgets::token_strip::TokenStrip;
use bert::config::HeadKind;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

#[component]
pub fn ProbePanel() -> impl IntoView {
    view! {
        <section class="probe card" aria-label="Probe">
            <Examples/>
            <Texts/>
            <TokenStrip id="tokens"/>
            <Truncation/>
            <Hint/>
        </section>
        <ProbeFailure/>
        <Results/>
        <Controls/>
        <Elsewhere/>
    }
}

/// A row of sentences to start from.
#[component]
fn Examples() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.probe.example(state.mask()).map(|here| here.name));
    let chip = move |example: &'static Example| {
        let is_here = move || (here.get() == Some(example.name)).to_string();
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=is_here
                on:click=move |_| store.change(|state| state.put_example(example))
            >
                {example.name}
            </button>
        }
    };
    view! {
        <div class="chips" role="group" aria-label="Examples">
            {EXAMPLES.iter().map(chip).collect_view()}
        </div>
    }
}

/// What to look at in the example that is shown.
#[component]
fn Shows() -> impl IntoView {
    let shows = Store::get().view(|state| state.example_shows());
    move || {
        shows
            .get()
            .map(|shows| view! { <p class="hint" id="example-shows">{shows}</p> })
    }
}

#[component]
fn Texts() -> impl IntoView {
    let store = Store::get();
    let text = store.view(|state| state.probe.text.clone());
    let fills = store.view(|state| state.fills_blanks());
    view! {
        <div class="field-row">
            <label class="field" for="text">"Text"</label>
            <Show when=move || fills.get()>
                <button type="button" class="quiet" id="insert-blank" on:click=move |_| insert_blank(store)>
                    "Insert a blank"
                </button>
            </Show>
        </div>
        <TextBox
            id="text"
            rows=2
            text=text
            typed=move |text| store.edit(|state| state.probe.edit_text(text))
        />
        <SecondText id="pair"/>
    }
}

/// Puts a blank where the caret is in the text, or in place of what is selected there.
fn insert_blank(store: Store) {
    let area = document().get_element_by_id("text");
    let Some(Ok(area)) = area.map(|area| area.dyn_into::<HtmlTextAreaElement>()) else {
        return;
    };
    let end = area.value().encode_utf16().count();
    let place = |at: Result<Option<u32>, _>| at.ok().flatten().map_or(end, |at| at as usize);
    let (from, to) = (place(area.selection_start()), place(area.selection_end()));
    let mut caret = 0;
    store.edit(|state| {
        let mask = state.mask().to_owned();
        caret = state.probe.insert_blank(&mask, from, to);
    });
    // The box shows the new text once this turn is over.
    request_animation_frame(move || {
        let _ = area.focus();
        let _ = area.set_selection_range(caret as u32, caret as u32);
    });
}

/// Probe's second text, where there are two.
#[component]
pub fn SecondText(id: &'static str) -> impl IntoView {
    let store = Store::get();
    let pair = store.view(|state| state.probe.pair.clone());
    let paired = store.view(|state| state.probe.paired);
    view! {
        <Show when=move || paired.get()>
            <TextBox
                id
                label="Second text"
                rows=2
                text=pair
                typed=move |text| store.edit(|state| state.probe.edit_pair(text))
            />
        </Show>
    }
}

#[component]
fn Truncation() -> impl IntoView {
    let store = Store::get();
    let notice = store.view(|state| state.probe.truncation());
    move || {
        notice
            .get()
            .map(|notice| view! { <p class="notice" id="truncated">{notice}</p> })
    }
}

#[component]
fn Hint() -> impl IntoView {
    let store = Store::get();
    let hint = store.view(|state| state.hint());
    move || {
        hint.get()
            .map(|hint| view! { <p class="hint" id="hint">{hint}</p> })
    }
}

#[component]
fn ProbeFailure() -> impl IntoView {
    let store = Store::get();
    let failure = store.view(|state| state.probe.failure.clone());
    view! { <Retry failure again=move |()| store.change(|state| state.refresh())/> }
}

#[component]
fn Results() -> impl IntoView {
    let store = Store::get();
    let positions = store.view(|state| state.probe.shown());
    let busy = store.view(|state| state.probe.running());
    let runs_on = store.view(|state| state.session.runs_on());
    let doubt = store.view(|state| state.probe_doubt());
    let took = store.view(|state| state.probe.milliseconds.map(format::milliseconds));
    view! {
        <section class="results" aria-label="Predictions" aria-busy=move || busy.get().to_string()>
            {move || doubt.get().map(|doubt| view! {
                <p class="notice" id="probe-doubt" role="status">{doubt}</p>
            })}
            <Verdict/>
            <Head/>
            <div class="masks">
                <For each=move || positions.get() key=|position| *position let(position)>
                    <MaskCard position positions/>
                </For>
            </div>
            <Shows/>
            <div class="run-line" class:busy=move || busy.get()>
                <Show when=move || busy.get()>
                    <p>"Running"</p>
                    <button
                        type="button"
                        class="quiet"
                        id="cancel-probe"
                        on:click=move |_| store.change(|state| state.cancel_probe())
                    >
                        "Stop"
                    </button>
                </Show>
                <Show when=move || !busy.get() && took.get().is_some()>
                    <p id="took">"Computed in " {move || took.get()} " on the " {move || runs_on.get()}</p>
                </Show>
            </div>
            <ScriptBox/>
        </section>
    }
}

#[component]
fn Controls() -> impl IntoView {
    let store = Store::get();
    let paired = store.view(|state| state.probe.paired);
    let top_k = store.view(|state| state.probe.top_k);
    let any_hidden = store.view(|state| !state.probe.hidden.is_empty());
    let compare = store.view(|state| state.probe.compare.clone());
    view! {
        <section class="controls card" aria-label="Options">
            <label class="check">
                <input
                    type="checkbox"
                    id="paired"
                    prop:checked=move || paired.get()
                    on:change:target=move |event| {
                        let paired = event.target().checked();
                        store.change(|state| {
                            state.probe.paired = paired;
                            state.refresh()
                        });
                    }
                />
                <span>"Second text"</span>
            </label>
            <Slider
                id="top-k"
                label="Predictions"
                range=TOP_K
                value=top_k
                set=move |count| store.change(|state| {
                    state.probe.set_top_k(count);
                    state.run()
                })
            />
            <Show when=move || any_hidden.get()>
                <button
                    type="button"
                    class="quiet"
                    id="show-all"
                    on:click=move |_| store.change(|state| {
                        if state.probe.show_all() { state.run() } else { Vec::new() }
                    })
                >
                    "Show every word"
                </button>
            </Show>
            <label class="compare" for="compare">
                <span>"Words to compare"</span>
                <input
                    type="text"
                    id="compare"
                    placeholder="she / he"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    dir="auto"
                    prop:value=move || compare.get()
                    on:input:target=move |event| {
                        let words = event.target().value();
                        store.change(|state| {
                            state.probe.edit_compare(&words);
                            state.run()
                        });
                    }
                />
            </label>
        </section>
    }
}

/// What else there is, for those who are here for the first time.
#[component]
fn Elsewhere() -> impl IntoView {
    let store = Store::get();
    let places = [
        (
            Panel::Inside,
            "See why: what each layer would say, where its heads look, and what changes when one is off.",
        ),
        (
            Panel::Teach,
            "Fine-tune it on your own texts: a few examples are a start.",
        ),
        (
            Panel::Prove,
            "Draw how few examples it needs, with pretraining and without.",
        ),
        (
            Panel::Learn,
            "A lesson through all of it: eleven short steps, each a question first.",
        ),
    ];
    let place = move |(panel, what): (Panel, &'static str)| {
        let go = move |_| {
            store.change(|state| {
                state.panel = panel;
                Vec::new()
            });
            // What was pressed is hidden now.
            focus_tab(panel);
        };
        view! {
            <li>
                <button type="button" class="place" on:click=go>
                    <strong>{panel.label()}</strong>
                    <span>{what}</span>
                </button>
            </li>
        }
    };
    view! {
        <nav class="elsewhere" aria-label="What else there is">
            <ul>{places.map(place).into_iter().collect_view()}</ul>
        </nav>
    }
}

/// What the head of a task says of the text, where the model has one and nothing is hidden.
#[component]
fn Head() -> impl IntoView {
    let store = Store::get();
    let said = store.view(|state| state.probe.said.clone());
    move || {
        said.get().map(|said| {
            view! {
                <section class="verdict card" id="head" aria-labelledby="head-heading">
                    <h2 class="minor" id="head-heading">{heading(said.head.kind)}</h2>
                    <SaidView said/>
                </section>
            }
        })
    }
}

/// What a kind of head is asked.
fn heading(kind: HeadKind) -> &'static str {
    match kind {
        HeadKind::Classes => "Which class is it?",
        HeadKind::Labels => "Which labels fit?",
        HeadKind::Score => "How does it score?",
        HeadKind::Choice => "Which does it choose?",
        HeadKind::Tokens => "What is named here?",
        HeadKind::Span => "What is the answer?",
    }
}

/// The next-sentence head's opinion, where the model has one and there are two texts.
#[component]
fn Verdict() -> impl IntoView {
    let store = Store::get();
    let verdict = store.view(|state| state.probe.verdict().cloned());
    let lacking = store.view(|state| state.lacks_verdict());
    move || {
        if let Some(nsp) = verdict.get() {
            let width = format!("{}%", nsp.is_next.clamp(0.0, 1.0) * 100.0);
            let logits = format!("logits {:.3} and {:.3}", nsp.logits[0], nsp.logits[1]);
            view! {
                <section class="verdict card" id="nsp" aria-label="Next sentence">
                    <h2 class="minor">"Does the second text follow the first?"</h2>
                    <div class="bar right" title=logits>
                        <span class="bar-fill" aria-hidden="true" style:width=width></span>
                        <span class="bar-token">"It follows"</span>
                        <span class="bar-value">{format::percent(nsp.is_next)}</span>
                    </div>
                </section>
            }
            .into_any()
        } else if lacking.get() {
            view! {
                <p class="hint">
                    "This checkpoint has no next-sentence head, so there is no verdict on the pair; \
                     hidden words are still predicted from both texts."
                </p>
            }
            .into_any()
        } else {
            ().into_any()
        }
    }
}
