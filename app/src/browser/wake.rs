//! Keeps the screen on while a run goes on: a phone that locks its screen would end it.
//!
//! Called through `Reflect`, since its types are not in `web-sys` yet. Where the browser has no such
//! lock, or refuses it, the run goes on without.

use super::Store;
use js_sys::{Function, Promise, Reflect};
use leptos::task::spawn_local;
use leptos::{ev, prelude::*};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The lock that is held, if any.
type Held = Rc<RefCell<Option<JsValue>>>;

impl Store {
    /// Holds the lock from here on whenever a run goes on.
    pub(super) fn stay_awake(self) {
        let held = Held::default();
        let wanted = self.view(|state| state.teach.goes_on() || state.prove.is_running());
        let hold = {
            let held = held.clone();
            move || {
                let held = held.clone();
                spawn_local(async move {
                    let lock = request().await;
                    if wanted.try_get_untracked() == Some(true) {
                        give_back(held.replace(lock));
                    } else {
                        // The run ended meanwhile.
                        give_back(lock);
                    }
                });
            }
        };
        Effect::new({
            let hold = hold.clone();
            move |_| match wanted.get() {
                true => hold(),
                false => give_back(held.take()),
            }
        });
        // A hidden page loses the lock.
        let listener = window_event_listener(ev::visibilitychange, move |_| {
            if wanted.get_untracked() && !document().hidden() {
                hold();
            }
        });
        on_cleanup(move || listener.remove());
    }
}

fn call(object: &JsValue, method: &str, argument: &JsValue) -> Option<JsValue> {
    let function = Reflect::get(object, &method.into()).ok()?;
    let function: Function = function.dyn_into().ok()?;
    function.call1(object, argument).ok()
}

async fn request() -> Option<JsValue> {
    let locks = Reflect::get(&window().navigator(), &"wakeLock".into()).ok()?;
    let lock = call(&locks, "request", &"screen".into())?;
    JsFuture::from(Promise::resolve(&lock)).await.ok()
}

fn give_back(lock: Option<JsValue>) {
    // It ends in a moment; nobody waits for it.
    lock.and_then(|lock| call(&lock, "release", &JsValue::UNDEFINED));
}
