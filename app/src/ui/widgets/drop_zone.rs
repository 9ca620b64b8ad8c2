//! The whole page takes dropped files; while something hovers, it says so.

use crate::browser::{Store, offer_drop};
use leptos::{ev, prelude::*};
use web_sys::DragEvent;

/// Whether the drag carries files rather than, say, selected text.
fn carries_files(event: &DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0))
}

#[component]
pub fn DropZone() -> impl IntoView {
    let store = Store::get();
    let (hovering, set_hovering) = signal(false);
    let over = window_event_listener(ev::dragover, move |event| {
        if carries_files(&event) {
            event.prevent_default();
            set_hovering.set(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        // Leaving one element for another inside the page also says `dragleave`.
        if event.related_target().is_none() {
            set_hovering.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        set_hovering.set(false);
        if carries_files(&event) {
            event.prevent_default();
            if let Some(transfer) = event.data_transfer() {
                offer_drop(store, &transfer);
            }
        }
    });
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
    });
    view! {
        <div class="drop-zone" class:hovering=hovering aria-hidden="true">
            <p>"Drop a checkpoint's folder or files, or a file of examples"</p>
        </div>
    }
}
