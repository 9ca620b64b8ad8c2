//! The record of what was found about shaders on one adapter: which variant makes which products
//! fastest, and what does not work.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::choice::AdapterInfo;
use super::product::Class;

/// Begins the line of what is left out.
const WITHOUT: &str = "without ";

/// A record. As text (`Display`, [`Tuning::parse`]), a line holds a class of products and the name of
/// the variant that a trial chose for it, or `without`, a name, and why that is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    chosen: BTreeMap<String, String>,
    left_out: BTreeMap<String, String>,
}

impl Tuning {
    /// Reads a record that was written down. What is no choice is left out, and a class or a
    /// variant that is not known here is not used: the text may be of another version.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines().map(str::trim_end) {
            let (choices, line) = match line.strip_prefix(WITHOUT) {
                Some(line) => (&mut found.left_out, line),
                None => (&mut found.chosen, line),
            };
            if let Some((name, value)) = line.split_once(' ') {
                choices.insert(name.to_owned(), value.to_owned());
            }
        }
        found
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.left_out.is_empty()
    }

    /// The record with the adapter, the driver and the version that it was made for, to be kept.
    pub fn record(&self, adapter: &AdapterInfo) -> String {
        format!("{}\n{self}", heading(adapter))
    }

    /// Reads what [`Tuning::record`] wrote, if it was for this adapter, driver and version.
    pub fn recall(record: &str, adapter: &AdapterInfo) -> Option<Self> {
        let (first, choices) = record.split_once('\n')?;
        (first == heading(adapter)).then(|| Self::parse(choices))
    }

    /// Eight hexadecimal digits of the record on an adapter (FNV-1a, 32 bits: a name, no proof);
    /// `None` of an empty one.
    pub fn id(&self, adapter: &AdapterInfo) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = self.record(adapter).bytes().fold(0x811c_9dc5, step);
        Some(format!("{hash:08x}"))
    }

    /// What is left out, and why.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.left_out.iter();
        lines.map(|(what, why)| (what.as_str(), why.as_str()))
    }

    pub(crate) fn leave_out(&mut self, what: &str, why: &str) {
        // A line holds it.
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        self.left_out.insert(what.to_owned(), why);
        self.chosen.retain(|_, variant| variant != what);
    }

    pub(crate) fn get(&self, class: &Class) -> Option<&str> {
        self.chosen.get(&class.to_string()).map(String::as_str)
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.chosen.extend(other.chosen);
        self.left_out.extend(other.left_out);
    }

    pub(crate) fn set(&mut self, class: &Class, variant: &str) {
        self.chosen.insert(class.to_string(), variant.to_owned());
    }
}

impl Display for Tuning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (class, variant) in &self.chosen {
            writeln!(f, "{class} {variant}")?;
        }
        for (what, why) in &self.left_out {
            writeln!(f, "{WITHOUT}{what} {why}")?;
        }
        Ok(())
    }
}

fn heading(adapter: &AdapterInfo) -> String {
    let AdapterInfo {
        name,
        backend,
        driver,
        ..
    } = adapter;
    let line = format!("{} {backend} {name}; {driver}", env!("CARGO_PKG_VERSION"));
    line.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, driver: &str) -> AdapterInfo {
        AdapterInfo {
            name: name.to_owned(),
            backend: "Vulkan".to_owned(),
            driver: driver.to_owned(),
            software: false,
        }
    }

    #[test]
    fn choices_survive_as_text_and_garbage_does_not() {
        let text = "nt-7-10-10 tiles-64x64\ntn-1-9-5 tiles-32x32-4\n\
                    without subgroups Some kernels are wrong with them.\n";
        let read = Tuning::parse(text);
        assert_eq!(read.to_string(), text);
        let left_out: Vec<_> = read.left_out().collect();
        assert_eq!(
            left_out,
            [("subgroups", "Some kernels are wrong with them.")]
        );
        assert!(Tuning::parse("\n{}\n<b>\nwithout\nwithout x").is_empty());
    }

    #[test]
    fn a_record_is_for_one_adapter_and_driver() {
        let one = adapter("one", "1.0");
        let tuning = Tuning::parse("nt-7-10-10 tiles-64x64");
        let record = tuning.record(&one);
        assert_eq!(Tuning::recall(&record, &one), Some(tuning.clone()));
        for other in [adapter("another", "1.0"), adapter("one", "1.1")] {
            assert_eq!(Tuning::recall(&record, &other), None);
            assert_ne!(tuning.id(&other), tuning.id(&one));
        }
        assert_eq!(Tuning::recall("", &one), None);
    }

    #[test]
    fn an_id_tells_records_apart() {
        let one = adapter("one", "1.0");
        assert_eq!(Tuning::default().id(&one), None);
        let ids = ["nt-7-10-10 tiles-64x64", "nt-7-10-10 tiles-32x32-4"]
            .map(|text| Tuning::parse(text).id(&one).expect("not empty"));
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| id.len() == 8));
    }

    #[test]
    fn what_is_left_out_is_chosen_no_more() {
        let mut tuning = Tuning::parse("nt-7-10-10 tiles-64x64\nnn-7-10-10 tiles-32x32-4\n");
        tuning.leave_out("tiles-64x64", "The driver\n does not take it.");
        let expected =
            "nn-7-10-10 tiles-32x32-4\nwithout tiles-64x64 The driver does not take it.\n";
        assert_eq!(tuning.to_string(), expected);
    }
}
