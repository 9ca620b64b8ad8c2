//! A clock that never goes back.

/// Milliseconds; only differences count.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64() * 1e3
}

/// The same in a window or a worker.
#[cfg(target_arch = "wasm32")]
pub(crate) fn now() -> f64 {
    use wasm_bindgen::{JsCast, JsValue};
    let get = |object: &JsValue, key: &str| js_sys::Reflect::get(object, &JsValue::from_str(key));
    let performance = get(&js_sys::global(), "performance");
    let time = performance.and_then(|performance| {
        let now: js_sys::Function = get(&performance, "now")?.unchecked_into();
        now.call0(&performance)
    });
    time.ok().and_then(|time| time.as_f64()).unwrap_or_default()
}

/// Lets the browser do other things for a millisecond or so.
#[cfg(target_arch = "wasm32")]
pub(super) async fn pause() {
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast, JsValue};
    let (signal, wait) = super::signal::signal();
    let done = Closure::once_into_js(move || signal.done(()));
    let global = js_sys::global();
    let timeout = js_sys::Reflect::get(&global, &JsValue::from_str("setTimeout"));
    let timeout = timeout.and_then(|f| f.dyn_into::<js_sys::Function>());
    let begun = timeout.and_then(|f| f.call2(&global, &done, &JsValue::from_f64(1.0)));
    if begun.is_ok() {
        wait.await;
    }
}
