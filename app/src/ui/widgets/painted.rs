//! A text with stretches painted on it.

use crate::state::format::percent;
use bert::data::Stretch;
use leptos::prelude::*;

/// Colours in turn.
const TONES: usize = 6;

/// A stretch with its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub at: Stretch,
    pub label: String,
    /// How sure the model is of it.
    pub share: Option<f32>,
}

/// The colour of a label: the same wherever it stands.
fn tone(label: &str) -> usize {
    label.bytes().fold(0usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) % TONES
}

/// `marks` stand in the order of the text and do not overlap; what does is left out.
#[component]
pub fn Painted(text: String, marks: Vec<Mark>) -> impl IntoView {
    let characters: Vec<char> = text.chars().collect();
    let piece = |start: usize, end: usize| -> String { characters[start..end].iter().collect() };
    let (mut at, mut pieces) = (0, Vec::new());
    for Mark {
        at: stretch,
        label,
        share,
    } in marks
    {
        if stretch.start < at || stretch.end > characters.len() || stretch.end <= stretch.start {
            continue;
        }
        pieces.push(piece(at, stretch.start).into_any());
        let title = match share {
            Some(share) => format!("{label}, {}", percent(share)),
            None => label.clone(),
        };
        let class = format!("entity tone-{}", tone(&label));
        let inside = piece(stretch.start, stretch.end);
        pieces.push(
            view! {
                <mark class=class title=title>
                    {inside}
                    " "
                    <span class="entity-label">{label}</span>
                </mark>
            }
            .into_any(),
        );
        at = stretch.end;
    }
    pieces.push(piece(at, characters.len()).into_any());
    view! { <p class="painted" dir="auto">{pieces}</p> }
}
