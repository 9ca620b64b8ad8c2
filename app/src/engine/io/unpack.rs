//! The browser's own unpacking, which `web-sys` does not have yet.

use wasm_bindgen::prelude::*;
use web_sys::ReadableStream;

#[wasm_bindgen]
extern "C" {
    /// A pair of streams.
    type DecompressionStream;

    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

/// What a zlib stream holds.
///
/// # Errors
/// In a browser that cannot do this.
pub fn inflate(stream: &ReadableStream) -> Result<ReadableStream, JsValue> {
    let pair = DecompressionStream::new("deflate")?;
    Ok(stream.pipe_through(pair.unchecked_ref()))
}
