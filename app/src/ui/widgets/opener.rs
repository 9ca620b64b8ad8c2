//! Opening a checkpoint by its name or address, and the list of those kept on this device.

use crate::browser::Store;
use crate::checkpoint::own::OwnModel;
use crate::state::format;
use crate::state::opening::{KeptLine, offer_lines, own_weights};
use crate::ui::widgets::gallery::GalleryList;
use crate::ui::widgets::later::{Later, Part};
use crate::ui::widgets::make::MakeForm;
use leptos::{ev, html, prelude::*};
use wasm_split_helpers::wasm_split;

/// Where other models come from, once that is asked for.
#[component]
pub fn LaterOpener(#[prop(into)] open: Signal<bool>) -> impl IntoView {
    view! { <Later open fetch=|| Box::pin(opener())/> }
}

#[wasm_split(opener, fallible)]
fn opener() -> Part {
    Ok(|| view! { <Opener/> }.into_any())
}

/// The gallery, making one, the box for a name or an address, and what follows from it.
#[component]
fn Opener() -> impl IntoView {
    let store = Store::get();
    let typed = store.view(|state| state.opening.typed.clone());
    let bad = store.view(|state| state.opening.bad.clone());
    let open = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        store.change(|state| state.open_typed());
    };
    view! {
        <GalleryList/>
        <MakeForm/>
        <details class="opener" id="opener">
        <summary>"Open by name or address"</summary>
        <form on:submit=open>
            <label class="field" for="address">"Name on Hugging Face, or address"</label>
            <div class="opener-row">
                <input
                    type="text"
                    id="address"
                    inputmode="url"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    placeholder="google-bert/bert-base-uncased"
                    aria-describedby="address-hint"
                    aria-invalid=move || bad.with(Option::is_some).then_some("true")
                    prop:value=move || typed.get()
                    on:input:target=move |event| {
                        let value = event.target().value();
                        store.change(|state| {
                            state.opening.typed = value;
                            state.opening.bad = None;
                            Vec::new()
                        });
                    }
                />
                <button type="submit">"Show details"</button>
            </div>
            <p class="hint" id="address-hint">
                "OWNER/NAME, with @REVISION if you like; or an https address of a folder with "
                "model.safetensors, config.json and tokenizer.json."
            </p>
            {move || bad.get().map(|reason| view! {
                <p class="notice" role="alert" id="address-bad">{reason}</p>
            })}
        </form>
        </details>
        <Looking/>
        <OfferCard/>
        <OwnList/>
        <KeptList/>
    }
}

#[component]
fn Looking() -> impl IntoView {
    let store = Store::get();
    let looking = store.view(|state| state.opening.looking());
    let stop = move |_| {
        store.change(|state| {
            state.decline_offer();
            Vec::new()
        });
    };
    move || {
        looking.get().map(|address| {
            view! {
                <div class="looking" id="looking">
                    <p role="status">"Looking at "<strong>{address}</strong></p>
                    <button type="button" class="quiet" on:click=stop>"Cancel"</button>
                </div>
            }
        })
    }
}

/// What loading would mean, and the button that says yes.
#[component]
fn OfferCard() -> impl IntoView {
    let store = Store::get();
    let offer = store.view(|state| state.opening.offer().cloned());
    let gone = store.view(|state| state.opening.gone);
    let device = store.view(|state| state.session.device.clone());
    let accept = move |_| store.change(|state| state.accept_offer());
    let accept_own = move |_| store.change(|state| state.accept_own());
    let decline = move |_| {
        store.change(|state| {
            state.decline_offer();
            Vec::new()
        });
    };
    move || {
        offer.get().map(|offer| {
            let own = offer.conversion.as_ref().map(own_weights);
            let lines = offer_lines(&offer, device.get().as_ref());
            let lines = lines
                .into_iter()
                .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
                .collect_view();
            let (title, word, button) = match &offer.listing {
                Some(listing) => (
                    listing.address.name().to_owned(),
                    match gone.get() {
                        true => {
                            "It is not on this device. Nothing is downloaded before you say so."
                        }
                        false => "Nothing has been downloaded yet.",
                    },
                    "Load".to_owned(),
                ),
                None => (
                    offer.asked.to_string(),
                    "A link names this address. Its host has not been asked for anything yet.",
                    format!("Ask {}", offer.host),
                ),
            };
            view! {
                <section class="offer" id="offer" aria-labelledby="offer-title">
                    <h3 id="offer-title">{title}</h3>
                    <p role="status">{word}</p>
                    <dl class="facts">{lines}</dl>
                    <div class="actions">
                        <button type="button" class="primary" on:click=accept>{button}</button>
                        {own.map(|file| view! {
                            <button type="button" on:click=accept_own>
                                {format!("Load the owners' {file} instead")}
                            </button>
                        })}
                        <button type="button" class="quiet" on:click=decline>"Not now"</button>
                    </div>
                </section>
            }
        })
    }
}

/// A moment as the visitor's own calendar shows it.
fn day(milliseconds: f64) -> String {
    let date = js_sys::Date::new(&milliseconds.into());
    date.to_locale_date_string("default", &js_sys::Object::new())
        .into()
}

/// Models that were made or taught here; absent where there is none.
#[component]
fn OwnList() -> impl IntoView {
    let store = Store::get();
    let own = store.view(|state| state.opening.own.clone());
    let shown = Memo::new(move |_| own.with(|own| !own.is_empty()));
    view! {
        <Show when=move || shown.get()>
            <details class="kept" id="own">
                <summary>{move || format!("Your own models ({})", own.with(Vec::len))}</summary>
                <ul>
                    <For each=move || own.get() key=|own| format!("{own:?}") let(own)>
                        <OwnItem own/>
                    </For>
                </ul>
            </details>
        </Show>
    }
}

#[component]
fn OwnItem(own: OwnModel) -> impl IntoView {
    let store = Store::get();
    let line = KeptLine {
        key: own.name.clone(),
        name: own.name.clone(),
        size: format::bytes(own.bytes()),
        saved: own.saved,
        complete: true,
        readable: true,
    };
    let name = own.name.clone();
    let open = move |_| store.change(|state| state.open_own(&name));
    let name = own.name;
    let forget = move |_| store.change(|state| state.forget_own(&name));
    view! { <Kept line open forget question="Delete it? It is nowhere else, unless you downloaded it."/> }
}

/// The checkpoints on this device; absent where there is none.
#[component]
fn KeptList() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| state.opening.kept_lines());
    let shown = Memo::new(move |_| lines.with(|lines| !lines.is_empty()));
    let how_long = store.view(|state| state.opening.kept_how_long());
    view! {
        <Show when=move || shown.get()>
            <details class="kept" id="kept">
                <summary>{move || format!("Saved on this device ({})", lines.with(Vec::len))}</summary>
                <ul>
                    <For each=move || lines.get() key=|line| format!("{line:?}") let(line)>
                        <KeptItem line/>
                    </For>
                </ul>
                {move || how_long.get().map(|how_long| view! {
                    <p class="hint" id="kept-how-long">{how_long}</p>
                })}
            </details>
        </Show>
    }
}

#[component]
fn KeptItem(line: KeptLine) -> impl IntoView {
    let store = Store::get();
    let (open_key, forget_key) = (line.key.clone(), line.key.clone());
    let open = move |_| store.change(|state| state.open_kept(&open_key));
    let forget = move |_| store.change(|state| state.forget_kept(&forget_key));
    let question = "Delete it? To have it again it must be downloaded again.";
    view! { <Kept line open forget question/> }
}

/// One of them, with its buttons; deleting it asks `question` first.
#[component]
fn Kept(
    line: KeptLine,
    #[prop(into)] open: Callback<ev::MouseEvent>,
    #[prop(into)] forget: Callback<ev::MouseEvent>,
    question: &'static str,
) -> impl IntoView {
    let asks = RwSignal::new(false);
    let (delete, keep) = (
        NodeRef::<html::Button>::new(),
        NodeRef::<html::Button>::new(),
    );
    // Another Enter in haste keeps it.
    Effect::new(move |_| {
        if let Some(keep) = keep.get() {
            let _ = keep.focus();
        }
    });
    let stop = move |_| {
        asks.set(false);
        if let Some(delete) = delete.get_untracked() {
            let _ = delete.focus();
        }
    };
    let (name, whose) = (line.name.clone(), line.name.clone());
    let verb = if line.complete { "Open" } else { "Go on with" };
    let hint = match line.readable {
        true => format!("{} · {}", line.size, day(line.saved)),
        false => line.size,
    };
    let open = line.readable.then(|| {
        view! {
            <button type="button" aria-label=format!("{verb} {}", line.name) on:click=move |event| open.run(event)>
                {if line.complete { "Open" } else { "Go on" }}
            </button>
        }
    });
    view! {
        <li>
            <span class="kept-name">{line.name.clone()}</span>
            <span class="hint">{hint}</span>
            <span class="actions">
                {open}
                <button
                    type="button"
                    class="quiet"
                    node_ref=delete
                    aria-label=format!("Delete {name} from this device")
                    aria-expanded=move || asks.get().to_string()
                    on:click=move |_| asks.set(true)
                >
                    "Delete"
                </button>
            </span>
            <Show when=move || asks.get()>
                <p class="kept-question" role="group" aria-label=format!("Delete {whose}?")>
                    {question}
                    <span class="actions">
                        <button type="button" node_ref=keep on:click=stop>"Keep"</button>
                        <button type="button" class="danger" on:click=move |event| forget.run(event)>
                            "Yes, delete"
                        </button>
                    </span>
                </p>
            </Show>
        </li>
    }
}
