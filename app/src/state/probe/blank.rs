//! Blanks put into the text by a button, and words that are compared there.

use super::Probe;
use crate::link::MAX_COMPARE;
use bert::probe::MAX_COMPARED;

impl Probe {
    /// Puts a blank in place of the selected characters of the text, or where the caret is, with spaces around it
    /// where words touch. `from` and `to` count as the browser does, in UTF-16 units. Returns where the caret
    /// stands then.
    pub fn insert_blank(&mut self, mask: &str, from: usize, to: usize) -> usize {
        let (from, to) = (self.byte_at(from), self.byte_at(to));
        let (before, after) = (&self.text[..from.min(to)], &self.text[from.max(to)..]);
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let space = |touches: bool| if touches { " " } else { "" };
        let left = space(touches(before.chars().next_back()));
        let right = space(touches(after.chars().next()));
        let head = format!("{before}{left}{mask}");
        let caret = head.encode_utf16().count();
        let text = format!("{head}{right}{after}");
        self.edit_text(text);
        caret
    }

    /// The byte at which the character with this UTF-16 unit begins.
    fn byte_at(&self, unit: usize) -> usize {
        let mut units = 0;
        for (byte, c) in self.text.char_indices() {
            if units >= unit {
                return byte;
            }
            units += c.len_utf16();
        }
        self.text.len()
    }

    /// Changes the words that are compared.
    pub fn edit_compare(&mut self, words: &str) {
        self.compare = words.chars().take(MAX_COMPARE).collect();
    }

    /// The words to compare: a slash or a comma stands between two.
    pub fn compared_words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in self.compare.split(['/', ',']).map(str::trim) {
            if !word.is_empty() && !words.iter().any(|earlier| earlier == word) {
                words.push(word.to_owned());
            }
        }
        words.truncate(MAX_COMPARED);
        words
    }
}
