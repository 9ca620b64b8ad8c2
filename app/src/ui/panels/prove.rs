//! Prove: what a pretrained encoder is worth, as accuracy over the number of examples.

use crate::browser::Store;
use crate::link::Panel;
use crate::link::prove::Line;
use crate::recipe::TextSource;
use crate::state::activity::Wish;
use crate::state::prove::Prove;
use crate::state::prove::view::Draw;
use crate::state::teach::SAMPLES;
use crate::ui::widgets::failure_card::PanelFailure;
use crate::ui::widgets::progress_bar::ProgressBar;
use crate::ui::widgets::sight::SightFigure;
use leptos::prelude::*;

/// Of the published sets those with one label each.
const LABELLED: usize = 2;

/// Nothing is drawn while another panel shows.
#[component]
pub fn ProvePanel() -> impl IntoView {
    let open = Store::get().view(|state| state.panel == Panel::Prove);
    view! {
        <Show when=move || open.get()>
            <DrawCard/>
            <PanelFailure
                failure=|state| state.prove.failure.clone()
                dismiss=|state| state.prove.dismiss()
            />
            <CurveCard/>
        </Show>
    }
}

/// The texts, the form, and the hands on it.
#[component]
fn DrawCard() -> impl IntoView {
    let store = Store::get();
    let running = store.view(|state| state.prove.is_running());
    let hint = store.view(|state| state.curve_hint());
    view! {
        <section class="prove card" aria-labelledby="prove-heading">
            <h2 id="prove-heading">"What is pretraining worth here?"</h2>
            <p class="hint">
                "Accuracy on texts that were put aside, over the number of labelled examples that were learned \
                 from. Whoever pretrains once needs few of them later: the lines show how few."
            </p>
            <Texts/>
            <div class="settings">
                <Setting
                    id="curve-sizes"
                    label="Numbers of examples"
                    placeholder="8, 16, 32 … all"
                    text=|prove| &prove.sizes
                    edit=|prove, text| prove.sizes = text
                />
                <Setting
                    id="curve-seeds"
                    label="Seeds"
                    placeholder=""
                    text=|prove| &prove.seeds
                    edit=|prove, text| prove.seeds = text
                />
                <Setting
                    id="curve-steps"
                    label="Steps of each whole run"
                    placeholder=""
                    text=|prove| &prove.steps
                    edit=|prove, text| prove.steps = text
                />
            </div>
            <p class="hint" id="curve-hint">{move || hint.get()}</p>
            <Show when=move || running.get()>
                <Progress/>
            </Show>
            <Hands/>
        </section>
    }
}

/// Which texts there are, or where to get some.
#[component]
fn Texts() -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| {
        let report = state.teach.report.as_ref()?;
        Some((
            report.name.clone(),
            state.teach.data_line().unwrap_or_default(),
        ))
    });
    let why_not = store.view(|state| state.why_not(&Wish::ReadTexts));
    let samples = SAMPLES.into_iter().take(LABELLED).map(move |(name, address)| {
        let open = move |_| {
            let (name, address) = (name.to_owned(), address.to_owned());
            store.change(|state| state.open_texts(TextSource::Sample { name, address }));
        };
        view! {
            <button type="button" disabled=move || why_not.get().is_some() on:click=open>{name}</button>
        }
    });
    let teach = move |_| {
        store.change(|state| {
            state.panel = Panel::Teach;
            Vec::new()
        });
    };
    view! {
        <p class="data-line" id="prove-data">
            {move || match line.get() {
                Some((name, line)) => view! { <strong>{name}</strong> ": " {line} }.into_any(),
                None => "No labelled texts are open yet.".into_any(),
            }}
        </p>
        <div class="pickers" role="group" aria-label="Labelled texts">
            {samples.collect_view()}
            <button type="button" class="quiet" on:click=teach>"Open other texts under Teach"</button>
        </div>
    }
}

/// A field of the form.
#[component]
fn Setting(
    id: &'static str,
    label: &'static str,
    placeholder: &'static str,
    text: fn(&Prove) -> &String,
    edit: fn(&mut Prove, String),
) -> impl IntoView {
    let store = Store::get();
    let typed = store.view(move |state| text(&state.prove).clone());
    let running = store.view(|state| state.prove.is_running());
    view! {
        <label class="setting">
            {label}
            <input
                type="text"
                id=id
                placeholder=placeholder
                autocomplete="off"
                spellcheck="false"
                disabled=move || running.get()
                aria-describedby="curve-hint"
                prop:value=move || typed.get()
                on:input:target=move |event| {
                    let text = event.target().value();
                    store.change(|state| {
                        edit(&mut state.prove, text);
                        Vec::new()
                    });
                }
            />
        </label>
    }
}

#[component]
fn Progress() -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| state.prove.line());
    let left = store.view(|state| state.prove.left_line());
    let fraction = store.view(|state| Some(state.prove.fraction()));
    view! {
        <ProgressBar label="Drawing the curve" fraction words=line/>
        <p class="hint" id="curve-line">{move || line.get()} " " {move || left.get()}</p>
    }
}

/// Draw, add a line, stop.
#[component]
fn Hands() -> impl IntoView {
    let store = Store::get();
    let running = store.view(|state| state.prove.is_running());
    let stopping = store.view(|state| state.prove.is_stopping());
    let draw = store.view(|state| state.curve_draw());
    let why_not = store.view(|state| state.why_not(&Wish::Prove(None)));
    let rest = store.view(|state| match state.curve_draw() {
        Draw::Rest => format!("{} {}", state.prove.line(), state.prove.left_line()),
        _ => String::new(),
    });
    view! {
        <div class="actions">
            <Show when=move || running.get()>
                <button
                    type="button"
                    id="stop-curve"
                    disabled=move || stopping.get()
                    on:click=move |_| store.change(|state| state.stop_curve())
                >
                    "Stop drawing"
                </button>
            </Show>
            <Show when=move || !running.get() && draw.get() != Draw::Nothing>
                <button
                    type="button"
                    class="primary"
                    id="start-curve"
                    aria-describedby="curve-hint"
                    disabled=move || why_not.get().is_some()
                    on:click=move |_| store.change(|state| state.start_curve())
                >
                    {move || draw.get().label()}
                </button>
                <span class="hint">{move || rest.get()}</span>
            </Show>
            <Addition line=Line::Whole/>
            <Addition line=Line::Scratch/>
        </div>
    }
}

/// The button that adds a line, with what that takes.
#[component]
fn Addition(line: Line) -> impl IntoView {
    let store = Store::get();
    let shows = store.view(move |state| state.can_add(line));
    let estimate = store.view(move |state| state.estimate(line));
    let why_not = store.view(move |state| state.why_not(&Wish::Prove(Some(line))));
    let name = match line {
        Line::Scratch => "Add a model from scratch",
        _ => "Add the whole model",
    };
    let id = format!("curve-{}", line.name());
    let takes = format!("{id}-takes");
    view! {
        <Show when=move || shows.get()>
            <span class="addition">
                <button
                    type="button"
                    id=id.clone()
                    aria-describedby=takes.clone()
                    disabled=move || why_not.get().is_some()
                    on:click=move |_| store.change(|state| state.add_line(line))
                >
                    {name}
                </button>
                <span class="hint" id=takes.clone()>{move || estimate.get()}</span>
            </span>
        </Show>
    }
}

/// The curve as far as it is known.
#[component]
fn CurveCard() -> impl IntoView {
    let store = Store::get();
    let there = store.view(|state| state.curve_sentence().is_some());
    let running = store.view(|state| state.prove.is_running());
    let origin = store.view(|state| state.curve_origin());
    let doubt = store.view(|state| state.curve_doubt());
    let look = Callback::new(move |width| store.read(|state| state.curve_sight(width)));
    view! {
        <Show when=move || there.get()>
            <section
                class="prove card"
                aria-labelledby="curve-heading"
                aria-busy=move || running.get().to_string()
            >
                <h2 id="curve-heading">"Accuracy over the number of examples"</h2>
                {move || origin.get().map(|origin| view! {
                    <p class="notice" id="curve-origin">{origin}</p>
                })}
                {move || doubt.get().map(|doubt| view! {
                    <p class="notice" role="status">{doubt}</p>
                })}
                <SightFigure name="curve" title="Accuracy over the number of examples" sight=look/>
                <div class="actions">
                    <button
                        type="button"
                        class="quiet"
                        id="forget-curve"
                        disabled=move || running.get()
                        on:click=move |_| store.change(|state| state.forget_curve())
                    >
                        "Forget this curve"
                    </button>
                </div>
            </section>
        </Show>
    }
}
