//! What the visitor sees: the page, its panels, and what they are made of.

mod later;
pub mod page;
pub mod panels;
pub mod widgets;
