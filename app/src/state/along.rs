//! Places in a row that arrow keys move along, which is one stop in the tab order.

/// The place that a key leads to from `here`, of those up to `last`; `None` for a key that moves nothing.
pub(super) fn along(key: &str, here: usize, last: usize) -> Option<usize> {
    let here = here.min(last);
    Some(match key {
        "ArrowRight" | "ArrowDown" => (here + 1).min(last),
        "ArrowLeft" | "ArrowUp" => here.saturating_sub(1),
        "Home" => 0,
        "End" => last,
        _ => return None,
    })
}
