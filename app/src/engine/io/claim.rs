//! Who may write a checkpoint: one load at a time, over all tabs, by a lock that ends with its tab.

use super::worker::{Timer, scope};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

/// A load that has just been given up lets go within this time.
const PATIENCE_MS: i32 = 1500;

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which `web_sys` has behind a flag only.
    type Locks;

    #[wasm_bindgen(method)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &JsValue) -> Promise;
}

/// The right to write a checkpoint, until dropped.
pub struct Claim(Option<Function>);

impl Claim {
    /// Claims the checkpoint `key`; `None` where another tab has it. A browser without locks lets
    /// everyone write, and its file handles keep two tabs apart.
    pub async fn take(key: &str) -> Option<Self> {
        let locks = Reflect::get(&scope().navigator(), &"locks".into()).ok();
        let Some(locks) = locks.filter(JsValue::is_object) else {
            return Some(Self(None));
        };
        let locks: Locks = locks.unchecked_into();
        let abort = AbortController::new().ok()?;
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &abort.signal()).ok()?;

        // The browser holds the lock until the promise that the callback returns is settled.
        let (held, release) = promise();
        let (granted, grant) = promise();
        let callback = Closure::once_into_js(move |_: JsValue| {
            let _ = grant.call1(&JsValue::UNDEFINED, &JsValue::TRUE);
            held
        });
        let name = format!("unmask-checkpoint-{key}");
        let asked = locks.request(&name, &options, &callback);

        let timer = Timer::start(PATIENCE_MS);
        let first = Promise::race(&Array::of3(&granted, &asked, timer.promise()));
        let mut outcome = JsFuture::from(first).await;
        if outcome.as_ref().is_ok_and(JsValue::is_undefined) {
            abort.abort();
            // Refused by now, unless it was granted at the last moment.
            outcome = JsFuture::from(Promise::race(&Array::of2(&granted, &asked))).await;
        }
        outcome.is_ok().then_some(Self(Some(release)))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(release) = &self.0 {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// A promise, and what resolves it.
fn promise() -> (Promise, Function) {
    let mut resolve = None;
    let promise = Promise::new(&mut |resolved, _| resolve = Some(resolved));
    (promise, resolve.unwrap_throw())
}
