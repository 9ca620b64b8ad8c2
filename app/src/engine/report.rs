//! What the engine says when it breaks, and where its log goes.

use super::port::post;
use crate::failure::Failure;
use crate::protocol::Event;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::panic::PanicHookInfo;
use wasm_bindgen::JsValue;

/// A panic ends this worker. The page hears why, and offers to start another.
pub fn on_panic(info: &PanicHookInfo<'_>) {
    let details = info.to_string();
    web_sys::console::error_1(&JsValue::from_str(&details));
    let failure = Failure::new(
        "The engine stopped",
        "It ran into a mistake in its own program. Your text and your files are untouched.",
        "Start it again. If the same thing stops it twice, please report the details below.",
    )
    .with_details(details);
    post(&Event::Fatal { failure });
}

struct Console;

impl Log for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = JsValue::from_str(&format!("{}: {}", record.target(), record.args()));
            match record.level() {
                Level::Error => web_sys::console::error_1(&line),
                _ => web_sys::console::warn_1(&line),
            }
        }
    }

    fn flush(&self) {}
}

/// Sends the log's warnings and errors to the browser's console.
pub fn log_to_console() {
    if log::set_logger(&Console).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
