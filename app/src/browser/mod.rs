//! What the page asks of its browser: the engine's worker and its supervisor, the address bar, files,
//! the service worker. The store, which components read, is where all of it meets.

mod address_bar;
mod files;
mod last_run;
mod meter;
mod offline;
mod own;
mod save;
mod store;
mod supervisor;
mod surroundings;
mod wake;

pub use address_bar::page_address;
pub use files::{offer_drop, offer_input, pick_prose, pick_texts};
pub use offline::Offline;
pub use save::{save_canvas, save_text, to_clipboard};
pub use store::Store;
pub use surroundings::{around, icon, site};
