//! Before and after: what a run has changed in the model, part by part, and what both say of one text.

mod heads;
mod layers;

use super::drawing::{Anchor, Drawing, Ink, fit};
use super::sight::{Sight, Table};
use super::{GUESSES, State};
use crate::link::inside::Picture;
use crate::protocol::{Change, Found, Look};
use crate::state::format::percent;
use bert::inside::{MAX_ALL_ROWS, MovedPart};
use bert::probe::MaskResult;

const CAVEAT: &str = "How it misleads: weights that moved far need not matter, and those that hardly moved may. The cosines \
                      are of this text alone; another text, above all one like those of the run, may have moved \
                      more.";
const TEXT_CAVEAT: &str = "How it misleads: one text is a sample of one. Where the run taught a head for a task, the \
                           word head was not taught along, so worse guesses show what the layers below have \
                           forgotten, not what they have learned.";
const ROW: f64 = 26.0;
const TOP: f64 = 30.0;
const NAMES: f64 = 92.0;
/// The smallest change that has a bar, a hundred thousandth; the axis goes up to all of it.
const LEAST: f64 = 1e-5;

/// A row of the first picture.
struct Part {
    name: String,
    /// The share by which the weights have moved.
    moved: Option<f64>,
    cosine: Option<f32>,
}

impl State {
    pub(super) fn change_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        Some(Look::Change {
            subject: self.subject(),
            place: self.place(),
            top_k: GUESSES,
        })
    }

    /// Why there is no change to look at.
    pub(super) fn change_hint(&self) -> Option<String> {
        if self.teach.is_busy() {
            return Some("A run is under way under Teach. At its end, this picture shows what it has changed.".to_owned());
        }
        let run = self.teach.run.as_ref();
        let learned = run.is_some_and(|run| run.is_present && run.is_over());
        if !learned && !self.teach.is_taught() {
            return Some(
                "No run has changed this model: it is as its checkpoint has it. Teach it something under Teach, \
                 then look here again."
                    .to_owned(),
            );
        }
        let tokens = self.probe.tokens.len();
        (tokens > MAX_ALL_ROWS).then(|| {
            format!(
                "This text has {tokens} tokens; texts of up to {MAX_ALL_ROWS} are compared before and after. \
                 Shorten it."
            )
        })
    }

    fn change(&self) -> Option<&Change> {
        if self.inside.choice.picture != Picture::Change {
            return None;
        }
        self.inside
            .shown(&self.change_look()?, |found| match found {
                Found::Change(change) => Some(&**change),
                _ => None,
            })
    }

    /// How far each part has moved, as it is shown.
    pub fn moved_sight(&self, width: f64) -> Option<Sight> {
        Some(moved(self.change()?, width))
    }

    /// The same text before and after, as it is shown.
    pub fn change_sight(&self, width: f64) -> Option<Sight> {
        let change = self.change()?;
        change.surprisal.as_ref()?;
        Some(said(change, self.place(), width))
    }

    /// The lens before and after, as it is shown.
    pub fn change_lens_sight(&self, width: f64) -> Option<Sight> {
        let lens = self.change()?.lens.as_ref()?;
        Some(layers::sight(lens, width))
    }

    /// Which heads look elsewhere now, as it is shown.
    pub fn change_heads_sight(&self, width: f64) -> Option<Sight> {
        let attention = &self.change()?.attention;
        (!attention.is_empty()).then(|| heads::sight(attention, width))
    }
}

/// The parts from the bottom up, each with its hidden states where it has some.
fn parts(change: &Change) -> Vec<Part> {
    let share = |part: MovedPart| {
        let found = change.moved.iter().find(|moved| moved.part == part);
        found.map(|moved| moved.relative)
    };
    let groups = change.moved.iter();
    let groups = groups
        .filter(|moved| matches!(moved.part, MovedPart::Layer(_)))
        .count()
        .max(1);
    let layers = change.cosines.len().saturating_sub(1);
    // Of layers that share their weights, each shows those of its group.
    let group = |layer: usize| layer * groups / layers.max(1);
    let mut parts = vec![Part {
        name: "Embeddings".to_owned(),
        moved: share(MovedPart::Embeddings),
        cosine: change.cosines.first().copied(),
    }];
    parts.extend((0..layers).map(|layer| Part {
        name: format!("Layer {}", layer + 1),
        moved: share(MovedPart::Layer(group(layer))),
        cosine: change.cosines.get(layer + 1).copied(),
    }));
    let heads = [
        (MovedPart::Pooler, "Pooler"),
        (MovedPart::WordHead, "Word head"),
        (MovedPart::OtherHeads, "Other heads"),
    ];
    parts.extend(heads.into_iter().filter_map(|(part, name)| {
        share(part).map(|share| Part {
            name: name.to_owned(),
            moved: Some(share),
            cosine: None,
        })
    }));
    parts
}

/// A share in per cent, of any size.
fn per_cent(share: f64) -> String {
    let share = share * 100.0;
    match share {
        0.0 => "0%".to_owned(),
        share if share < 0.001 => "< 0.001%".to_owned(),
        share if share < 1.0 => format!("{share:.3}%"),
        share => format!("{share:.1}%"),
    }
}

fn moved(change: &Change, width: f64) -> Sight {
    let parts = parts(change);
    let encoder = parts.iter().filter(|part| part.cosine.is_some());
    let most = encoder.max_by(|a, b| a.moved.unwrap_or(0.0).total_cmp(&b.moved.unwrap_or(0.0)));
    let sentence = match most {
        Some(Part { moved: Some(share), name, .. }) if *share > 0.0 => format!(
            "By how much the run has moved the weights of each part (the norm of the difference over the norm \
             before, log axis), and how alike the hidden states of this text are (cosine). Of the encoder, {name} has moved most, \
             by {}.",
            per_cent(*share)
        ),
        _ => "Nothing below the head has moved: the run trained the head alone, so every weight of the encoder and \
              every hidden state is as it was."
            .to_owned(),
    };
    let mut table = Table::new(&["Part", "Weights moved by", "Cosine of hidden states"]);
    for part in parts.iter().rev() {
        table.rows.push(vec![
            part.name.clone(),
            part.moved.map_or(String::new(), per_cent),
            part.cosine
                .map_or(String::new(), |cosine| format!("{cosine:.4}")),
        ]);
    }
    Sight {
        sentence,
        drawing: bars(&parts, width),
        table,
        caveat: CAVEAT,
    }
}

/// A bar for each part, the last layer above; beside it the cosine.
fn bars(parts: &[Part], width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, TOP + parts.len() as f64 * ROW + 6.0);
    let cosines = 74.0;
    let (left, right) = (NAMES, width - cosines - 66.0);
    let decades = -LEAST.log10();
    let across =
        |share: f64| left + ((share / LEAST).log10() / decades).clamp(0.0, 1.0) * (right - left);
    drawing.text([width, 16.0], "cosine", Ink::Soft, Anchor::End, 12.0, false);
    let bottom = TOP + parts.len() as f64 * ROW;
    for (share, name) in [(1e-5, "0.001%"), (1e-3, "0.1%"), (1e-1, "10%")] {
        let x = across(share);
        drawing.line([x, TOP - 4.0], [x, bottom], Ink::Grid, 1.0);
        // There is no room for all names on a phone.
        if share == 1e-3 && right - left < 180.0 {
            continue;
        }
        let at = [x, 16.0];
        drawing.text(at, name, Ink::Soft, Anchor::Middle, 11.0, false);
    }
    for (row, part) in parts.iter().rev().enumerate() {
        let y = TOP + row as f64 * ROW;
        let name = fit(&part.name, NAMES - 6.0, 13.0);
        drawing.word([0.0, y + 16.5], &name, Ink::Soft, Anchor::Start);
        if let Some(share) = part.moved {
            let end = if share > 0.0 {
                across(share).max(left + 3.0)
            } else {
                left
            };
            drawing.fill([left, y + 3.0], [end - left, ROW - 8.0], Ink::Accent, 0.5);
            let at = [end + 7.0, y + 16.5];
            drawing.text(at, &per_cent(share), Ink::Plain, Anchor::Start, 12.0, false);
        }
        if let Some(cosine) = part.cosine {
            let at = [width, y + 16.5];
            drawing.text(
                at,
                &format!("{cosine:.4}"),
                Ink::Plain,
                Anchor::End,
                12.0,
                false,
            );
        }
    }
    drawing
}

/// The guesses and the loss before and after.
fn said(change: &Change, place: Option<usize>, width: f64) -> Sight {
    let at = |masks: &[MaskResult]| {
        masks
            .iter()
            .find(|mask| Some(mask.position) == place)
            .cloned()
    };
    let [before, after] = &change.guesses;
    let columns = at(before)
        .zip(at(after))
        .map(|(before, after)| [("Before", before), ("After", after)]);
    let mut sentence = String::new();
    let mut table = Table::new(&["What", "Before", "After"]);
    if let Some([before, after]) = &change.surprisal {
        // The loss as training counts it, in nats a word.
        let loss = |bits: f64, scored: usize| bits / scored.max(1) as f64 * std::f64::consts::LN_2;
        let [then, now] = [before, after].map(|found| loss(found.total, found.scored));
        let change = match now - then {
            0.0 => "which is the same".to_owned(),
            more if more > 0.0 => format!("{more:.3} more"),
            less => format!("{:.3} less", -less),
        };
        sentence += &format!(
            "Each token of this text hidden in turn: the masked loss was {then:.3} before the run and is {now:.3} \
             after it, {change} (pseudo-perplexity {:.2} and {:.2}).",
            before.pseudo_perplexity, after.pseudo_perplexity
        );
        table.rows.push(vec![
            "Masked loss".to_owned(),
            format!("{then:.4}"),
            format!("{now:.4}"),
        ]);
        table.rows.push(vec![
            "Pseudo-perplexity".to_owned(),
            format!("{:.3}", before.pseudo_perplexity),
            format!("{:.3}", after.pseudo_perplexity),
        ]);
    }
    let best = |mask: &MaskResult| {
        let best = mask.predictions.first();
        best.map_or(String::new(), |best| {
            format!("“{}” ({})", best.token, percent(best.probability))
        })
    };
    match &columns {
        Some([before, after]) => {
            sentence += &format!(
                " For the hidden word it guessed {}, and guesses {} now.",
                best(&before.1),
                best(&after.1)
            );
            for row in 0..before.1.predictions.len().max(after.1.predictions.len()) {
                let cell = |mask: &MaskResult| {
                    let guess = mask.predictions.get(row);
                    guess.map_or(String::new(), |guess| {
                        format!("{} {}", guess.token, percent(guess.probability))
                    })
                };
                table.rows.push(vec![
                    format!("Guess {}", row + 1),
                    cell(&before.1),
                    cell(&after.1),
                ]);
            }
        }
        None => sentence += " Hide a word above to see what it guessed and guesses.",
    }
    Sight {
        sentence,
        drawing: match &columns {
            Some(columns) => super::sides::drawing(columns, None, width),
            None => losses(change, width),
        },
        table,
        caveat: TEXT_CAVEAT,
    }
}

/// Two bars: the mean bits before and after.
fn losses(change: &Change, width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, 2.0 * ROW + 4.0);
    let Some(both) = &change.surprisal else {
        return drawing;
    };
    let mean = both
        .each_ref()
        .map(|found| found.total / found.scored.max(1) as f64);
    let most = mean[0].max(mean[1]).max(1e-9);
    for (row, (name, bits)) in ["Before", "After"].into_iter().zip(mean).enumerate() {
        let y = row as f64 * ROW;
        drawing.word([0.0, y + 16.5], name, Ink::Soft, Anchor::Start);
        let room = width - NAMES - 110.0;
        let wide = bits.max(0.0) / most * room;
        drawing.fill([NAMES, y + 3.0], [wide, ROW - 8.0], Ink::Accent, 0.5);
        let at = [NAMES + wide + 7.0, y + 16.5];
        drawing.text(
            at,
            &format!("{bits:.2} bits a token"),
            Ink::Plain,
            Anchor::Start,
            12.0,
            false,
        );
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::inside::{Moved, Seen};

    fn change(layer: f64, cosine: f32) -> Change {
        let moved = |part, relative| Moved { part, relative };
        Change {
            seen: Seen {
                tokens: Vec::new(),
                truncated: None,
            },
            moved: vec![
                moved(MovedPart::Embeddings, 0.0),
                moved(MovedPart::Layer(0), layer / 10.0),
                moved(MovedPart::Layer(1), layer),
                moved(MovedPart::WordHead, 0.0),
            ],
            cosines: vec![1.0, cosine, cosine],
            guesses: [Vec::new(), Vec::new()],
            surprisal: None,
            attention: Vec::new(),
            lens: None,
        }
    }

    #[test]
    fn a_head_alone_is_told_from_a_run_of_the_whole_model() {
        let sight = moved(&change(0.0, 1.0), 400.0);
        assert!(
            sight.sentence.contains("Nothing below the head has moved"),
            "{}",
            sight.sentence
        );
        assert_eq!(sight.table.rows[1], ["Layer 2", "0%", "1.0000"]);

        let sight = moved(&change(0.004, 0.98), 400.0);
        assert!(
            sight.sentence.contains("Layer 2 has moved most, by 0.400%"),
            "{}",
            sight.sentence
        );
        assert_eq!(sight.table.rows[0], ["Word head", "0%", ""]);
        assert_eq!(sight.table.rows[2], ["Layer 1", "0.040%", "0.9800"]);
        assert_eq!(sight.table.rows[3], ["Embeddings", "0%", "1.0000"]);
    }

    #[test]
    fn layers_that_share_their_weights_show_them_each() {
        let mut shared = change(0.01, 0.9);
        shared.moved.remove(2);
        shared.cosines = vec![1.0; 13];
        let parts = parts(&shared);
        assert_eq!(parts.len(), 14);
        assert!(parts[1..13].iter().all(|part| part.moved == Some(0.001)));
    }

    #[test]
    fn shares_of_any_size_are_read() {
        assert_eq!(
            [0.0, 1e-7, 0.00123, 0.5].map(per_cent),
            ["0%", "< 0.001%", "0.123%", "50.0%"]
        );
    }
}
