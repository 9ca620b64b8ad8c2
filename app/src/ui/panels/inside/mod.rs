//! Inside: what happens between a text and the model's answer, one picture at a time.

mod attention;
mod lens;
mod neighbours;
mod plain;
mod spot;
mod surprise;

use crate::browser::Store;
use crate::link::Panel;
use crate::link::inside::{Picture, written};
use crate::state::format;
use crate::ui::panels::probe::SecondText;
use crate::ui::widgets::failure_card::Retry;
use crate::ui::widgets::progress_bar::ProgressBar;
use crate::ui::widgets::text_box::TextBox;
use crate::ui::widgets::token_strip::TokenStrip;
use attention::AttentionCard;
use lens::LensCard;
use leptos::prelude::*;
use neighbours::NeighboursCard;
use plain::{ChangeCard, GroundsCard, SidesCard};
use spot::SpotCard;
use surprise::SurpriseCard;

/// Nothing is drawn, and nothing asked, while another panel shows.
#[component]
pub fn InsidePanel() -> impl IntoView {
    let open = Store::get().view(|state| state.panel == Panel::Inside);
    view! {
        <Show when=move || open.get()>
            <Subject/>
            <LookFailure/>
            <PictureCard/>
        </Show>
    }
}

/// Probe's text and what is hidden in it, and the picture that is chosen.
#[component]
fn Subject() -> impl IntoView {
    let store = Store::get();
    let text = store.view(|state| state.probe.text.clone());
    let truncation = store.view(|state| state.probe.truncation());
    let hint = store.view(|state| state.inside_hint());
    let game = store.view(|state| state.inside.choice.picture == Picture::Spot);
    view! {
        <section class="inside card" aria-label="What is looked at">
            // The game has sentences of its own.
            <Show when=move || !game.get()>
                <TextBox
                    id="inside-text"
                    label="Text"
                    rows=2
                    text=text
                    typed=move |text| store.edit(|state| state.probe.edit_text(text))
                />
                <SecondText id="inside-pair"/>
                <TokenStrip id="inside-tokens"/>
                {move || truncation.get().map(|notice| view! { <p class="notice">{notice}</p> })}
            </Show>
            <Pictures/>
            <Show when=move || !game.get()>
                <HeadsOff/>
            </Show>
            {move || hint.get().map(|hint| view! { <p class="hint" id="inside-hint">{hint}</p> })}
        </section>
    }
}

#[component]
fn Pictures() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.inside.choice.picture);
    let choice = |picture: Picture| {
        view! {
            <label>
                <input
                    type="radio"
                    name="inside-picture"
                    value=picture.name()
                    prop:checked=move || here.get() == picture
                    on:change=move |_| store.change(|state| {
                        state.inside.see(picture);
                        Vec::new()
                    })
                />
                <span>{picture.label()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="executors pictures">
            <legend>"Picture"</legend>
            {Picture::ALL.map(choice).into_iter().collect_view()}
        </fieldset>
    }
}

/// The heads that are switched off, in every picture.
#[component]
fn HeadsOff() -> impl IntoView {
    let store = Store::get();
    let off = store.view(|state| state.heads_off());
    let words = move || {
        let names: Vec<String> = off.get().into_iter().map(written).collect();
        match names.len() {
            1 => format!("Head {} is switched off, in every picture here.", names[0]),
            _ => format!(
                "Heads {} are switched off, in every picture here.",
                names.join(", ")
            ),
        }
    };
    view! {
        <Show when=move || !off.with(Vec::is_empty)>
            <div class="heads-off" id="heads-off">
                <p>{words}</p>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| store.change(|state| {
                        state.inside.choice.off.clear();
                        Vec::new()
                    })
                >
                    "Switch all on"
                </button>
            </div>
        </Show>
    }
}

#[component]
fn LookFailure() -> impl IntoView {
    let store = Store::get();
    let failure = store.view(|state| state.look_failure());
    view! { <Retry failure again=move |()| store.change(|state| state.see_again())/> }
}

/// The picture that is chosen, and how its asking goes.
#[component]
fn PictureCard() -> impl IntoView {
    let store = Store::get();
    let picture = store.view(|state| state.inside.choice.picture);
    let there = store.view(|state| state.inside_hint().is_none());
    let busy = store.view(|state| state.inside.is_busy());
    let doubt = store.view(|state| state.probe_doubt());
    view! {
        <Show when=move || there.get()>
            <section
                class="inside card"
                aria-label=move || picture.get().label()
                aria-busy=move || busy.get().to_string()
            >
                {move || doubt.get().map(|doubt| view! {
                    <p class="notice" role="status">{doubt}</p>
                })}
                {move || match picture.get() {
                    Picture::Lens => view! { <LensCard/> }.into_any(),
                    Picture::Attention => view! { <AttentionCard/> }.into_any(),
                    Picture::Sides => view! { <SidesCard/> }.into_any(),
                    Picture::Surprise => view! { <SurpriseCard/> }.into_any(),
                    Picture::Grounds => view! { <GroundsCard/> }.into_any(),
                    Picture::Neighbours => view! { <NeighboursCard/> }.into_any(),
                    Picture::Change => view! { <ChangeCard/> }.into_any(),
                    Picture::Spot => view! { <SpotCard/> }.into_any(),
                }}
                <RunLine/>
            </section>
        </Show>
    }
}

/// What goes on, and the way to stop it.
#[component]
fn RunLine() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.inside.is_busy());
    let stopped = store.view(|state| state.is_look_stopped());
    let fraction = store.view(|state| state.inside.fraction());
    let line = store.view(|state| state.inside.line());
    let took = store.view(|state| state.inside.milliseconds.map(format::milliseconds));
    let runs_on = store.view(|state| state.session.runs_on());
    view! {
        <Show when=move || busy.get() && fraction.get().is_some()>
            <ProgressBar label="Looking inside" fraction words=line/>
        </Show>
        <div class="run-line" class:busy=move || busy.get()>
            <Show when=move || busy.get()>
                <p>{move || line.get()}</p>
                <button
                    type="button"
                    class="quiet"
                    id="cancel-look"
                    on:click=move |_| store.change(|state| state.cancel_look())
                >
                    "Stop"
                </button>
            </Show>
            <Show when=move || !busy.get() && stopped.get()>
                <p>"Stopped."</p>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| store.change(|state| state.see_again())
                >
                    "Look again"
                </button>
            </Show>
            <Show when=move || !busy.get() && !stopped.get() && took.get().is_some()>
                <p id="looked">"Computed in " {move || took.get()} " on the " {move || runs_on.get()}</p>
            </Show>
        </div>
    }
}

/// Which of several hidden words is looked at.
#[component]
fn PlaceChoice() -> impl IntoView {
    let store = Store::get();
    let places = store.view(|state| state.hidden_places());
    let here = store.view(|state| state.place());
    let options = move || {
        let options = places.get().into_iter().map(|(place, word)| {
            view! {
                <option value=place.to_string() selected=move || here.get() == Some(place)>
                    {format!("{place}: {word}")}
                </option>
            }
        });
        options.collect_view()
    };
    view! {
        <Show when=move || places.with(|places| places.len() > 1)>
            <label class="setting">
                "Hidden word"
                <select
                    id="inside-place"
                    on:change:target=move |event| {
                        let place = event.target().value().parse().ok();
                        store.change(|state| {
                            state.inside.choice.place = place;
                            Vec::new()
                        });
                    }
                >
                    {options}
                </select>
            </label>
        </Show>
    }
}

/// The box for a word to follow.
#[component]
fn FollowBox(label: &'static str) -> impl IntoView {
    let store = Store::get();
    let typed = store.view(|state| state.inside.typed_follow.clone());
    view! {
        <label class="setting">
            {label}
            <input
                type="text"
                id="inside-follow"
                dir="auto"
                spellcheck="false"
                autocomplete="off"
                prop:value=move || typed.get()
                on:input:target=move |event| {
                    let word = event.target().value();
                    store.edit_inside(|inside| inside.typed_follow = word);
                }
            />
        </label>
    }
}
