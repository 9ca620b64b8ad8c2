//! Sharing: the link to the page as it stands, and what could not be read of the one that was
//! opened.

use crate::browser::{Store, page_address, to_clipboard};
use crate::link::Part;
use crate::link::qr::{MAX_QR, Qr};
use crate::protocol::Export;
use crate::ui::widgets::card_head::CardHead;
use crate::ui::widgets::copy_box::CopyBox;
use crate::ui::widgets::later::{Later, Part as LaterPart};
use leptos::{html, prelude::*, task::spawn_local};
use std::collections::BTreeSet;
use std::time::Duration;
use wasm_split_helpers::wasm_split;

/// How long it is said that something was copied.
const SAID: Duration = Duration::from_secs(4);

#[component]
pub fn ShareButton() -> impl IntoView {
    let open = RwSignal::new(false);
    let card = NodeRef::<html::Div>::new();
    let toggled = move |_| {
        let shows = |card: web_sys::HtmlDivElement| card.matches(":popover-open").unwrap_or(false);
        open.set(card.get_untracked().is_some_and(shows));
    };
    view! {
        <button type="button" class="share-button" id="share-button" popovertarget="share-card">
            "Share"
        </button>
        <div
            node_ref=card
            id="share-card"
            class="popover-card"
            popover="auto"
            role="dialog"
            aria-label="Share"
            on:toggle=toggled
        >
            <CardHead title="Link to this page as it stands" card="share-card"/>
            <Show when=move || open.get()>
                <Later open=true fetch=|| Box::pin(share_card())/>
            </Show>
        </div>
    }
}

#[wasm_split(share, fallible)]
fn share_card() -> LaterPart {
    Ok(|| view! { <ShareCard/> }.into_any())
}

/// Made anew whenever the box opens, so that nothing is worked out while it is closed.
#[component]
fn ShareCard() -> impl IntoView {
    let store = Store::get();
    let page = page_address();
    let share = store.view(move |state| state.share(&page));
    let said = store.view(|state| state.linked.said);
    let field = NodeRef::<html::Textarea>::new();
    let save = move |_| store.change(|state| state.export(Export::Head));
    let copy = move |_| {
        store.change(|state| {
            state.on_copied();
            Vec::new()
        });
        store.write_address();
        let link = share.with_untracked(|share| share.link.clone());
        spawn_local(async move {
            let said = match to_clipboard(&link).await {
                true => "Copied",
                false => {
                    if let Some(field) = field.get_untracked() {
                        let _ = field.focus();
                        field.select();
                    }
                    "Press Ctrl or Cmd and C to copy"
                }
            };
            store.say(said);
        });
    };
    view! {
        <label class="field" for="share-link">"Link"</label>
        <textarea
            node_ref=field
            id="share-link"
            rows="4"
            readonly=true
            spellcheck="false"
            prop:value=move || share.with(|share| share.link.clone())
        ></textarea>
        <div class="share-row">
            <button type="button" class="primary" id="copy-link" on:click=copy>"Copy link"</button>
            <span id="share-length">{move || share.with(|share| share.length.clone())}</span>
            <span class="said" aria-hidden="true">{move || said.get()}</span>
        </div>
        <ul class="share-notes" aria-label="About this link">
            {move || share.with(|share| share.warnings.clone()).into_iter().map(|words| view! {
                <li>{words}</li>
            }).collect_view()}
        </ul>
        <Show when=move || share.with(|share| share.offers_file)>
            <button type="button" id="share-head" on:click=save>"Download the head"</button>
        </Show>
        <Badge badge=Signal::derive(move || share.with(|share| share.badge.clone()))/>
        <QrCode code=Signal::derive(move || share.with(|share| share.qr.clone()))/>
        <EmbedBox/>
    }
}

/// The link for those who sit in front of a projector.
#[component]
fn QrCode(code: Signal<Option<Qr>>) -> impl IntoView {
    view! {
        <details class="share-embed" id="share-qr">
            <summary>"QR code"</summary>
            {move || match code.get() {
                Some(Qr { side, path }) => view! {
                    <svg
                        class="qr"
                        role="img"
                        aria-label="QR code of the link"
                        viewBox=format!("0 0 {side} {side}")
                    >
                        <rect class="qr-ground" width=side height=side/>
                        <path class="qr-ink" d=path/>
                    </svg>
                }
                .into_any(),
                None => view! {
                    <p class="hint">
                        {format!("Only links of up to {MAX_QR} characters have one: phones cannot read finer squares \
                                  across a room. Shorten the text, or share without a trained head.")}
                    </p>
                }
                .into_any(),
            }}
        </details>
    }
}

/// The page in a frame of a lesson's own page.
#[component]
fn EmbedBox() -> impl IntoView {
    let store = Store::get();
    let page = page_address();
    let hide = RwSignal::new(BTreeSet::from([Part::Hero, Part::Footer]));
    let embed = Memo::new(move |_| hide.with(|hide| store.read(|state| state.embed(&page, hide))));
    let parts = Part::ALL.map(|part| {
        let chosen = move || hide.with(|hide| hide.contains(&part));
        let toggle = move |_| {
            hide.update(|hide| {
                if !hide.remove(&part) {
                    hide.insert(part);
                }
            });
        };
        view! {
            <label class="check">
                <input type="checkbox" prop:checked=chosen on:change=toggle/>
                <span>{part.label()}</span>
            </label>
        }
    });
    view! {
        <details class="share-embed" id="share-embed">
            <summary>"For teachers: in a page of your own"</summary>
            <fieldset class="embed-parts">
                <legend>"Leave out"</legend>
                {parts.into_iter().collect_view()}
            </fieldset>
            <CopyBox
                button="Copy the frame"
                id="copy-embed"
                summary="The frame as HTML"
                label="Frame as HTML"
                field_id="embed-html"
                text=Signal::derive(move || embed.with(|embed| embed.html.clone()))
            />
            <p>
                <a
                    id="embed-preview"
                    target="_blank"
                    rel="noopener"
                    href=move || embed.with(|embed| embed.address.clone())
                >
                    "See it in a tab"
                </a>
            </p>
            <p class="hint">
                "Browsers keep storage apart for each site that shows the frame, so a large model is downloaded \
                 once for each. For texts of your own to learn from, add "<code>"&data="</code>" and the https address \
                 of a TSV, CSV or JSON file to the link: the page asks before it fetches them."
            </p>
        </details>
    }
}

/// A badge for the model's card.
#[component]
fn Badge(badge: Signal<Option<String>>) -> impl IntoView {
    let store = Store::get();
    let copy = move |_| {
        let Some(badge) = badge.get_untracked() else {
            return;
        };
        spawn_local(async move {
            store.say(match to_clipboard(&badge).await {
                true => "Copied",
                false => "Mark the Markdown and copy it",
            });
        });
    };
    view! {
        <details class="share-embed" id="share-badge">
            <summary>"A badge for the model's card"</summary>
            {move || match badge.get() {
                Some(markdown) => view! {
                    <p><img src="badge.svg" alt="Try it in your browser: Unmask" width="196" height="24"/></p>
                    <label class="field" for="badge-markdown">"Markdown"</label>
                    <textarea
                        id="badge-markdown"
                        rows="4"
                        readonly=true
                        spellcheck="false"
                        prop:value=markdown
                    ></textarea>
                    <button type="button" id="copy-badge" on:click=copy>"Copy Markdown"</button>
                }
                .into_any(),
                None => view! {
                    <p class="hint">
                        "A badge can lead to a model that others can load. Open one by name or address; \
                         the card of a folder that you download under Teach has a badge as well."
                    </p>
                }
                .into_any(),
            }}
        </details>
    }
}

impl Store {
    /// Says for a moment, to eyes and ears, what was done.
    pub(crate) fn say(self, said: &'static str) {
        let say = move |said| {
            self.change(|state| {
                state.say(said);
                Vec::new()
            });
        };
        say(Some(said));
        set_timeout(move || say(None), SAID);
    }
}

/// What could not be read of a link.
#[component]
pub fn LinkNotices() -> impl IntoView {
    let store = Store::get();
    let notices = store.view(|state| state.linked.notices.clone());
    let dismiss = move |_| {
        store.change(|state| {
            state.linked.dismiss();
            Vec::new()
        });
    };
    view! {
        <div role="status" aria-label="About the link that was opened" id="link-notices">
            <Show when=move || notices.with(|notices| !notices.is_empty())>
                <div class="notice link-notices">
                    <ul>
                        {move || notices.get().into_iter().map(|notice| view! {
                            <li>{notice.0}</li>
                        }).collect_view()}
                    </ul>
                    <button type="button" class="quiet" on:click=dismiss>"Dismiss"</button>
                </div>
            </Show>
        </div>
    }
}
