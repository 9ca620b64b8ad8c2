//! Examples painted in the page: words of one's own texts, with labels.

use crate::recipe::{Goal, TextSource};
use crate::state::along::along;
use crate::state::{Effect, State};
use bert::data::{Stretch, tags_of};
use serde_json::json;

/// As many labels as have a colour.
const MAX_LABELS: usize = 6;
/// As many texts as fit a page; more belong in a file.
const MAX_TEXTS: usize = 50;
/// Painted texts that a run needs: one is held out for validation.
const FEWEST: usize = 2;

/// Words in a row with one label, by their places in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    pub first: usize,
    pub last: usize,
    pub label: usize,
}

/// A text that is painted.
#[derive(Clone, Debug, PartialEq)]
pub struct Painting {
    pub text: String,
    pub words: Vec<Stretch>,
    /// In the order of the text.
    pub strokes: Vec<Stroke>,
}

impl Painting {
    fn new(text: &str) -> Self {
        let words = tags_of(text, &[]).into_iter().map(|(word, _)| word);
        Self {
            text: text.to_owned(),
            words: words.collect(),
            strokes: Vec::new(),
        }
    }

    /// The label of a word, and whether its stroke begins there.
    pub fn label_of(&self, word: usize) -> Option<(usize, bool)> {
        let over = |stroke: &&Stroke| (stroke.first..=stroke.last).contains(&word);
        let stroke = self.strokes.iter().find(over)?;
        Some((stroke.label, stroke.first == word))
    }

    pub fn word(&self, word: usize) -> String {
        self.words[word].of(&self.text)
    }

    /// Paints words; the same stroke again takes it away, and what lies under a new one goes.
    fn paint(&mut self, stroke: Stroke) {
        let touches = |other: &Stroke| other.first <= stroke.last && stroke.first <= other.last;
        let was_there = stroke.first == stroke.last
            && self
                .label_of(stroke.first)
                .is_some_and(|(label, _)| label == stroke.label)
            || self.strokes.contains(&stroke);
        self.strokes.retain(|other| !touches(other));
        if !was_there {
            self.strokes.push(stroke);
            self.strokes.sort_by_key(|stroke| stroke.first);
        }
    }
}

/// The texts, the labels, and where the brush is.
#[derive(Clone, Debug, PartialEq)]
pub struct Paint {
    /// What stands in the box for texts.
    pub typed: String,
    pub texts: Vec<Painting>,
    pub labels: Vec<String>,
    /// The label that is painted with.
    pub brush: usize,
    /// The text and the word where a stroke began that is not yet ended.
    began: Option<(usize, usize)>,
    /// The word that the keyboard is on, of each text.
    pub here: Vec<usize>,
}

impl Default for Paint {
    fn default() -> Self {
        Self {
            typed: String::new(),
            texts: Vec::new(),
            labels: ["person", "place"].map(str::to_owned).to_vec(),
            brush: 0,
            began: None,
            here: Vec::new(),
        }
    }
}

impl Paint {
    /// Takes the texts of the box, one a line, behind those that are there.
    pub fn take_texts(&mut self) {
        let lines = self
            .typed
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let new: Vec<Painting> = lines
            .map(Painting::new)
            .filter(|p| !p.words.is_empty())
            .collect();
        self.texts.extend(new);
        self.texts.truncate(MAX_TEXTS);
        self.here.resize(self.texts.len(), 0);
        self.typed.clear();
    }

    pub fn may_add_label(&self) -> bool {
        self.labels.len() < MAX_LABELS
    }

    pub fn add_label(&mut self) {
        if self.may_add_label() {
            self.labels.push(format!("label {}", self.labels.len() + 1));
            self.brush = self.labels.len() - 1;
        }
    }

    pub fn rename(&mut self, label: usize, name: String) {
        if let Some(label) = self.labels.get_mut(label) {
            *label = name;
        }
    }

    /// The pointer or the keyboard goes down on a word.
    pub fn press(&mut self, text: usize, word: usize) {
        self.began = Some((text, word));
        if let Some(here) = self.here.get_mut(text) {
            *here = word;
        }
    }

    /// It goes up on a word: of the same text, all between them are painted.
    pub fn release(&mut self, text: usize, word: usize) {
        let Some((from, began)) = self.began.take().filter(|(from, _)| *from == text) else {
            return;
        };
        let label = self.brush;
        if let Some(painting) = self.texts.get_mut(from) {
            let (first, last) = (began.min(word), began.max(word));
            painting.paint(Stroke { first, last, label });
        }
    }

    /// Whether a word lies between where the brush went down and this one, before it goes up.
    pub fn is_under_way(&self) -> bool {
        self.began.is_some()
    }

    /// Moves the keyboard's place along a text; with a stroke under way it is drawn out. Returns the new place.
    pub fn step(&mut self, text: usize, key: &str) -> Option<usize> {
        let last = self.texts.get(text)?.words.len().checked_sub(1)?;
        let here = self.here.get_mut(text)?;
        *here = along(key, *here, last)?;
        Some(*here)
    }

    /// Paints a word and its neighbours in one direction, as with Shift and an arrow: a stroke that ends at `from` grows.
    pub fn extend(&mut self, text: usize, key: &str) -> Option<usize> {
        let from = *self.here.get(text)?;
        let to = self.step(text, key)?;
        let label = self.brush;
        let painting = self.texts.get_mut(text)?;
        let over = |stroke: &&Stroke| (stroke.first..=stroke.last).contains(&from);
        let (first, last) = painting
            .strokes
            .iter()
            .find(over)
            .map_or((from, from), |s| (s.first, s.last));
        let stroke = Stroke {
            first: first.min(to),
            last: last.max(to),
            label,
        };
        if !painting.strokes.contains(&stroke) {
            painting.paint(stroke);
        }
        Some(to)
    }

    /// What is still missing for a run, in a sentence.
    pub fn problem(&self) -> Option<String> {
        let painted = self
            .texts
            .iter()
            .filter(|text| !text.strokes.is_empty())
            .count();
        if painted < FEWEST {
            return Some(format!(
                "Paint words in {FEWEST} texts or more: one is held out for validation."
            ));
        }
        let used = |label: usize| {
            self.texts
                .iter()
                .flat_map(|t| &t.strokes)
                .any(|s| s.label == label)
        };
        for (i, label) in self.labels.iter().enumerate() {
            if used(i) && label.trim().is_empty() {
                return Some("A label has words but no name.".to_owned());
            }
            if label.trim() == "O" {
                return Some(
                    "O is what words without a label are called: choose another name.".to_owned(),
                );
            }
        }
        None
    }

    /// A JSON object a line: the text, and its stretches in characters.
    pub fn lines(&self) -> String {
        let line = |painting: &Painting| {
            let span = |stroke: &Stroke| {
                let (start, end) = (
                    painting.words[stroke.first].start,
                    painting.words[stroke.last].end,
                );
                json!({"start": start, "end": end, "label": self.labels[stroke.label].trim()})
            };
            let spans: Vec<_> = painting.strokes.iter().map(span).collect();
            let line = json!({"text": painting.text, "spans": spans});
            format!("{line}\n")
        };
        self.texts.iter().map(line).collect()
    }
}

impl State {
    /// Opens what was painted as examples.
    pub fn use_paintings(&mut self) -> Vec<Effect> {
        if self.teach.paint.problem().is_some() {
            return Vec::new();
        }
        let text = self.teach.paint.lines();
        let effects = self.open_texts(TextSource::Typed { text });
        if self.teach.failure.is_none() {
            self.teach.settings.goal = Goal::Labels;
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted() -> Paint {
        let mut paint = Paint {
            typed: "Ada saw New York.\n\n  no one  \n".to_owned(),
            ..Paint::default()
        };
        paint.take_texts();
        paint
    }

    fn stroke(paint: &mut Paint, text: usize, from: usize, to: usize) {
        paint.press(text, from);
        paint.release(text, to);
    }

    #[test]
    fn words_are_painted_and_taken_back() {
        let mut paint = painted();
        assert_eq!((paint.texts.len(), paint.texts[0].words.len()), (2, 5));
        assert!(paint.typed.is_empty() && paint.problem().expect("a problem").contains("2 texts"));
        stroke(&mut paint, 0, 0, 0);
        paint.brush = 1;
        // Backwards, too.
        stroke(&mut paint, 0, 3, 2);
        let lines = paint.lines();
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(
            first["spans"],
            json!([{"start": 0, "end": 3, "label": "person"}, {"start": 8, "end": 16, "label": "place"}])
        );
        assert_eq!(paint.texts[0].label_of(3), Some((1, false)));
        // What lies under a new stroke goes; one word of a stroke takes it away.
        stroke(&mut paint, 0, 0, 2);
        assert_eq!(paint.texts[0].strokes.len(), 1);
        stroke(&mut paint, 0, 1, 1);
        assert_eq!(paint.texts[0].strokes, []);
        // A stroke that leaves its text paints nothing.
        paint.press(0, 1);
        paint.release(1, 0);
        assert!(paint.texts.iter().all(|text| text.strokes.is_empty()));
    }

    #[test]
    fn the_keyboard_paints_too() {
        let mut paint = painted();
        assert_eq!(paint.step(0, "End"), Some(4));
        assert_eq!(paint.step(0, "Home"), Some(0));
        paint.step(0, "ArrowRight");
        paint.step(0, "ArrowRight");
        assert_eq!(paint.extend(0, "ArrowRight"), Some(3));
        let label = 0;
        assert_eq!(
            paint.texts[0].strokes,
            [Stroke {
                first: 2,
                last: 3,
                label
            }]
        );
        assert_eq!(paint.step(0, "x"), None);
    }

    #[test]
    fn labels_have_names_of_their_own() {
        let mut paint = painted();
        stroke(&mut paint, 0, 0, 0);
        stroke(&mut paint, 1, 0, 1);
        assert_eq!(paint.problem(), None);
        paint.rename(0, " ".to_owned());
        assert!(paint.problem().expect("a problem").contains("no name"));
        paint.rename(0, "O".to_owned());
        assert!(
            paint
                .problem()
                .expect("a problem")
                .contains("choose another")
        );
        for _ in 0..9 {
            paint.add_label();
        }
        assert_eq!(paint.labels.len(), MAX_LABELS);
    }
}
