//! Examples typed in the page: a box for each label, one text a line.

use crate::recipe::{Goal, MethodChoice, TextSource};
use crate::state::activity::Wish;
use crate::state::{Effect, State};
use serde_json::json;
use std::collections::HashSet;

/// As many labels as fit a page; more belong in a file.
const MAX_BOXES: usize = 12;
/// Different texts that a label needs: one is held out for validation.
const FEWEST: usize = 2;

/// A label and its texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelBox {
    pub label: String,
    pub text: String,
}

impl LabelBox {
    /// An empty one; labels count from 1.
    fn numbered(number: usize) -> Self {
        Self {
            label: format!("Label {number}"),
            text: String::new(),
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty())
    }

    /// How many texts are in it, in words.
    pub fn count(&self) -> String {
        match self.texts().count() {
            1 => "1 text".to_owned(),
            count => format!("{count} texts"),
        }
    }
}

/// The boxes, and whether a run is to begin with what they hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Boxes {
    boxes: Vec<LabelBox>,
    /// The run begins as soon as its plan is there.
    pub(super) awaits_plan: bool,
}

impl Default for Boxes {
    fn default() -> Self {
        Self {
            boxes: vec![LabelBox::numbered(1), LabelBox::numbered(2)],
            awaits_plan: false,
        }
    }
}

impl Boxes {
    pub fn how_many(&self) -> usize {
        self.boxes.len()
    }

    pub fn get(&self, index: usize) -> LabelBox {
        self.boxes.get(index).cloned().unwrap_or_default()
    }

    pub fn edit_label(&mut self, index: usize, label: String) {
        if let Some(edited) = self.boxes.get_mut(index) {
            edited.label = label;
        }
    }

    pub fn edit_text(&mut self, index: usize, text: String) {
        if let Some(edited) = self.boxes.get_mut(index) {
            edited.text = text;
        }
    }

    pub fn may_add(&self) -> bool {
        self.boxes.len() < MAX_BOXES
    }

    pub fn add(&mut self) {
        if self.may_add() {
            self.boxes.push(LabelBox::numbered(self.boxes.len() + 1));
        }
    }

    /// Whether the last box can go: one that holds texts stays, and two do.
    pub fn may_remove(&self) -> bool {
        let is_empty = |last: &LabelBox| last.texts().next().is_none();
        self.boxes.len() > 2 && self.boxes.last().is_some_and(is_empty)
    }

    pub fn remove(&mut self) {
        if self.may_remove() {
            self.boxes.pop();
        }
    }

    fn filled(&self) -> impl Iterator<Item = &LabelBox> {
        let is_filled = |one: &&LabelBox| one.texts().next().is_some();
        self.boxes.iter().filter(is_filled)
    }

    /// What is still missing for a run, in a sentence.
    pub fn problem(&self) -> Option<String> {
        if self.filled().count() < 2 {
            return Some("Type texts under two labels or more, each text on a line.".to_owned());
        }
        let mut labels = HashSet::new();
        for one in self.filled() {
            let label = one.label.trim();
            if label.is_empty() {
                return Some("A label has texts but no name.".to_owned());
            }
            if !labels.insert(label) {
                return Some(format!("Two labels are named {label}."));
            }
            let texts: HashSet<&str> = one.texts().collect();
            if texts.len() < FEWEST {
                return Some(format!(
                    "{label} needs {FEWEST} different texts or more: one is held out for validation."
                ));
            }
        }
        None
    }

    /// One example a line, as JSON: no text can be mistaken for two columns.
    fn lines(&self) -> String {
        let line = |label: &str, text: &str| {
            let line = json!({ "text": text, "label": label });
            format!("{line}\n")
        };
        let of_box = |one: &LabelBox| -> String {
            let label = one.label.trim();
            one.texts().map(|text| line(label, text)).collect()
        };
        self.filled().map(of_box).collect()
    }

    /// Whether these are the labels of the boxes that hold texts, in any order.
    fn are_named(&self, labels: &[String]) -> bool {
        let names: HashSet<&str> = self.filled().map(|one| one.label.trim()).collect();
        names == labels.iter().map(String::as_str).collect()
    }
}

impl State {
    /// Learns what the boxes hold: a head alone, at once.
    pub fn learn_boxes(&mut self) -> Vec<Effect> {
        if self.teach.boxes.problem().is_some() {
            return Vec::new();
        }
        let text = self.teach.boxes.lines();
        let effects = self.open_texts(TextSource::Typed { text });
        if self.teach.failure.is_none() {
            self.teach.settings.goal = Goal::Labels;
            self.teach.settings.choose(MethodChoice::Head);
            self.teach.boxes.awaits_plan = true;
        }
        effects
    }

    /// How far the run over what the boxes hold is, in a sentence, and whether it is over.
    pub fn boxes_run(&self) -> Option<(String, bool)> {
        let Some(TextSource::Typed { text }) = &self.teach.source else {
            return None;
        };
        let run = self.teach.run.as_ref()?;
        let boxes = &self.teach.boxes;
        let is_of_these = boxes.are_named(&run.labels) && boxes.lines() == *text;
        is_of_these.then(|| (run.phase_line(), run.is_over()))
    }

    /// The plan is there: begins the run that waited for it.
    pub(super) fn begin_boxes(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.teach.boxes.awaits_plan) {
            true => self.wish(Wish::Start),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{plan, planned, report, say, started, taught};
    use super::*;
    use crate::protocol::{TeachCommand, TeachEvent};
    use crate::state::teach::run::Phase;
    use bert::train::Method;

    fn filled() -> State {
        let mut state = planned();
        let boxes = &mut state.teach.boxes;
        boxes.edit_label(0, " glad ".into());
        boxes.edit_text(0, "What a day\n\n  I won, \"again\"\t!  \n".into());
        boxes.edit_text(1, "It rains\nI lost my key\nIt rains".into());
        state
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut boxes = Boxes::default();
        let problem = |boxes: &Boxes| boxes.problem().unwrap_or_default();
        assert!(problem(&boxes).contains("under two labels"));
        boxes.edit_text(0, "a\nb".into());
        assert!(problem(&boxes).contains("under two labels"));
        boxes.edit_text(1, "c\nc\n".into());
        assert!(problem(&boxes).contains("Label 2 needs 2 different texts"));
        boxes.edit_text(1, "c\nd".into());
        boxes.edit_label(1, " Label 1".into());
        assert!(problem(&boxes).contains("Two labels are named Label 1"));
        boxes.edit_label(1, " ".into());
        assert!(problem(&boxes).contains("no name"));
        boxes.edit_label(1, "b".into());
        assert_eq!(boxes.problem(), None);
        assert_eq!(boxes.get(0).count(), "2 texts");
    }

    #[test]
    fn boxes_come_and_go_but_none_that_holds_texts() {
        let mut boxes = Boxes::default();
        assert!(!boxes.may_remove());
        boxes.add();
        assert_eq!((boxes.how_many(), &boxes.get(2).label[..]), (3, "Label 3"));
        boxes.edit_text(2, "x".into());
        boxes.remove();
        assert_eq!(boxes.how_many(), 3);
        boxes.edit_text(2, " \n".into());
        boxes.remove();
        assert_eq!(boxes.how_many(), 2);
        (0..20).for_each(|_| boxes.add());
        assert_eq!(boxes.how_many(), MAX_BOXES);
    }

    #[test]
    fn a_head_learns_them_at_once() {
        let mut state = filled();
        state.teach.settings.choose(MethodChoice::All);
        let (id, command) = taught(&state.learn_boxes());
        let TeachCommand::Open { source, .. } = command else {
            panic!("{command:?}");
        };
        let TextSource::Typed { text } = source else {
            panic!("{source:?}");
        };
        let example = |line: &str| -> (String, String) {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let part = |key: &str| line[key].as_str().expect("a text").to_owned();
            (part("label"), part("text"))
        };
        let examples: Vec<_> = text.lines().map(example).collect();
        let expected = [
            ("glad", "What a day"),
            ("glad", "I won, \"again\"\t!"),
            ("Label 2", "It rains"),
            ("Label 2", "I lost my key"),
            ("Label 2", "It rains"),
        ];
        assert_eq!(
            examples,
            expected.map(|(label, text)| (label.into(), text.into()))
        );
        let (id, command) = taught(&say(
            &mut state,
            id,
            TeachEvent::Opened { report: report() },
        ));
        assert!(matches!(command, TeachCommand::Plan { .. }));
        let (_, command) = taught(&say(&mut state, id, TeachEvent::Planned { report: plan() }));
        let TeachCommand::Start { setup, .. } = command else {
            panic!("{command:?}");
        };
        assert_eq!(setup.recipe.method, Method::Head);
        assert_eq!(state.boxes_run(), None, "not begun");
        let labels = vec!["Label 2".to_owned(), "glad".to_owned()];
        let run = state.teach.run.as_mut().expect("a run");
        (run.labels, run.phase) = (labels, Phase::Stopped);
        let (line, over) = state.boxes_run().expect("a run of these");
        assert!(line.starts_with("Stopped") && !over, "{line}");
        state.teach.boxes.edit_text(0, "What a night\nGood".into());
        assert_eq!(state.boxes_run(), None, "other texts");
        // Another plan begins no second run.
        assert!(say(&mut state, id, TeachEvent::Planned { report: plan() }).is_empty());
    }

    #[test]
    fn nothing_begins_where_other_texts_or_a_fault_came_between() {
        let mut state = filled();
        state.learn_boxes();
        let text = "a\tb".to_owned();
        let (id, _) = taught(&state.open_texts(TextSource::Pasted { text }));
        let (id, _) = taught(&say(
            &mut state,
            id,
            TeachEvent::Opened { report: report() },
        ));
        assert!(say(&mut state, id, TeachEvent::Planned { report: plan() }).is_empty());
        let mut state = filled();
        started(&mut state);
        assert!(state.learn_boxes().is_empty());
        assert!(!state.teach.boxes.awaits_plan && state.teach.failure.is_some());
    }
}
