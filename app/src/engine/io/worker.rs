//! What the engine needs of the worker that it runs in: clocks, timers, memory.

use js_sys::{Function, Promise, WebAssembly};
use kernels::LocalBoxFuture;
use std::cell::RefCell;
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

/// The page's address: its worker's script lies beside it.
pub fn page_address() -> String {
    let script = scope().location().href();
    let folder = script.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/")
}

/// The worker this runs in.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// What a promise resolves to.
pub async fn wait<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

/// Bytes of this program's memory, which never shrinks.
pub fn wasm_bytes() -> u64 {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    u64::from(buffer.byte_length())
}

/// Milliseconds since this worker began, on a clock that never goes back: for how long something
/// takes.
pub fn ticks() -> f64 {
    let performance = scope().performance();
    performance.map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// Milliseconds since 1970, as the device's clock has it: for dates.
pub fn epoch_ms() -> f64 {
    js_sys::Date::now()
}

/// A promise that resolves, to `undefined`, after a while; forgotten when dropped.
pub struct Timer {
    promise: Promise,
    id: Option<i32>,
}

impl Timer {
    pub fn start(milliseconds: i32) -> Self {
        let mut id = None;
        let promise = Promise::new(&mut |resolve, _| {
            id = scope()
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds)
                .ok();
        });
        Self { promise, id }
    }

    pub fn promise(&self) -> &Promise {
        &self.promise
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            scope().clear_timeout_with_handle(id);
        }
    }
}

/// Waits.
pub async fn sleep(milliseconds: i32) {
    let timer = Timer::start(milliseconds);
    let _ = JsFuture::from(timer.promise().clone()).await;
}

/// Lets the worker handle the messages that wait, then goes on. A message to oneself is a task of
/// its own; `setTimeout(0)` would wait 4 ms once nested, a resolved promise would not let go at all.
pub fn breathe() -> LocalBoxFuture<'static, ()> {
    Box::pin(async {
        let _ = JsFuture::from(Promise::new(&mut |resolve, _| {
            CHANNEL.with(|channel| channel.wait(resolve));
        }))
        .await;
    })
}

thread_local! {
    static CHANNEL: Breath = Breath::new();
    static WAITING: RefCell<VecDeque<Function>> = const { RefCell::new(VecDeque::new()) };
}

struct Breath {
    channel: Option<MessageChannel>,
}

impl Breath {
    fn new() -> Self {
        let channel = MessageChannel::new().ok();
        if let Some(channel) = &channel {
            let on_message = Closure::<dyn FnMut()>::new(|| {
                if let Some(resolve) = WAITING.with_borrow_mut(VecDeque::pop_front) {
                    let _ = resolve.call0(&JsValue::UNDEFINED);
                }
            });
            // Lives as long as the worker.
            channel
                .port1()
                .set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        }
        Self { channel }
    }

    fn wait(&self, resolve: Function) {
        let sent = self
            .channel
            .as_ref()
            .map(|c| c.port2().post_message(&JsValue::NULL));
        match sent {
            Some(Ok(())) => WAITING.with_borrow_mut(|waiting| waiting.push_back(resolve)),
            _ => drop(resolve.call0(&JsValue::UNDEFINED)),
        }
    }
}
