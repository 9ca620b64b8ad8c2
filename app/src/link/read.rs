//! From whatever stands in a fragment to a link, and what could not be read.

use super::escape::unescape;
use super::inside::{
    BASELINES, Enlarged, MAX_DRAW, MAX_HEADS, MAX_OFF, MAX_ROUND, MAX_WORD, MOST_TENTHS, ORDERS,
    Picture, ROUND_HEAT, ROUND_WORDS, TO_WRITE, read_head,
};
use super::prove::Drawn;
use super::write::PANELS;
use super::{
    Link, MAX_COMPARE, MAX_FRAGMENT, MAX_LESSON, MAX_MASKS, MAX_POSITION, MAX_TEXT, Notice, Part,
    TOP_K, key,
};
use crate::checkpoint::address::Address;
use crate::recipe::carried::{GOALS, LAYERS, METHODS, Number, POOLINGS, number};
use crate::recipe::{Field, WebTexts};
use bert::decimal::parse_decimal;
use bert::export::MAX_LINK_HEAD;
use std::ops::RangeInclusive;

/// More settings than there are keys, by far.
const MAX_SETTINGS: usize = 100;
/// More notices than anyone reads.
const MAX_NOTICES: usize = 12;
/// How much of a value is quoted.
const QUOTED: usize = 40;

/// What has been read so far.
#[derive(Default)]
struct Reading {
    link: Link,
    notices: Vec<Notice>,
}

impl Link {
    /// Reads a fragment, with or without its `#`. Never fails: what cannot be read is as by
    /// default, and a notice says so.
    pub fn parse(fragment: &str) -> (Self, Vec<Notice>) {
        let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
        if fragment.is_empty() {
            return (Self::default(), Vec::new());
        }
        let unread = |words: String| (Self::default(), vec![Notice(words)]);
        if fragment.len() > MAX_FRAGMENT {
            return unread(format!(
                "This link was not read: it has {} characters, and {MAX_FRAGMENT} are the most.",
                fragment.len()
            ));
        }
        let settings: Vec<(&str, &str)> = fragment
            .split('&')
            .filter(|part| !part.is_empty())
            .take(MAX_SETTINGS)
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .collect();
        let version = settings.iter().find(|(key, _)| *key == key::VERSION);
        match version.map(|(_, version)| *version) {
            Some("1") => {}
            Some(version) if version.parse::<u32>().is_ok_and(|version| version > 1) => {
                return unread(format!(
                    "This link was made by a newer version of this page (v={}) and was not read. \
                     Reload the page to get its newest version.",
                    quoted(version)
                ));
            }
            _ => {
                return unread(format!(
                    "The part after # in this address, “{}”, is not an Unmask link (v=1 is missing), so it was \
                     ignored.",
                    quoted(fragment)
                ));
            }
        }
        let mut reading = Reading::default();
        for (place, &(key, value)) in settings.iter().enumerate() {
            if settings[..place].iter().any(|(earlier, _)| *earlier == key) {
                reading.tell(format!(
                    "“{}” stands more than once; the first counts.",
                    quoted(key)
                ));
                continue;
            }
            match unescape(value) {
                Some(value) => reading.take(key, value),
                None => reading.tell(format!(
                    "“{}” was left out: its value is damaged (a % without two digits, or no UTF-8).",
                    quoted(key)
                )),
            }
        }
        if fragment.split('&').filter(|part| !part.is_empty()).count() > MAX_SETTINGS {
            reading.tell(format!(
                "This link has more than {MAX_SETTINGS} settings; the rest was left out."
            ));
        }
        reading.notices.truncate(MAX_NOTICES);
        (reading.link, reading.notices)
    }
}

impl Reading {
    fn tell(&mut self, words: String) {
        // Whoever writes a thousand wrong keys gets no thousand sentences.
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(Notice(words));
        }
    }

    fn take(&mut self, key: &str, value: String) {
        match key {
            key::VERSION => {}
            key::MODEL => match Address::parse(&value) {
                Ok(address) => self.link.model = Some(address),
                Err(reason) => self.tell(format!(
                    "The model “{}” was not taken: {reason}.",
                    quoted(&value)
                )),
            },
            key::PANEL => {
                if let Some(panel) = self.choice(key, &PANELS, &value) {
                    self.link.panel = panel;
                }
            }
            key::LESSON => self.link.lesson = self.count(key, &value, 1..=MAX_LESSON),
            key::TEXT => self.link.text = self.text(key, value),
            key::PAIR => self.link.pair = Some(self.text(key, value)),
            key::MASK => self.masks(&value),
            key::TOP => {
                if let Some(top) = self.count(key, &value, TOP_K) {
                    self.link.top_k = top;
                }
            }
            key::COMPARE => self.link.compare = self.cut(key, value, MAX_COMPARE),
            key::SEE => {
                let names = Picture::ALL.map(|picture| (picture, picture.name()));
                if let Some(picture) = self.choice(key, &names, &value) {
                    self.link.inside.picture = picture;
                }
            }
            key::AT => self.link.inside.place = self.count(key, &value, 0..=MAX_POSITION - 1),
            key::FOLLOW => self.link.inside.follow = self.cut(key, value, MAX_WORD),
            key::MAP => {
                self.link.inside.map = Enlarged::read(&value);
                if self.link.inside.map.is_none() {
                    self.no_head(key, &value);
                }
            }
            key::ROW => self.link.inside.row = self.count(key, &value, 0..=MAX_POSITION - 1),
            key::ARRIVES => self.link.inside.arrives = self.is_one(key, &value),
            key::APART => self.link.inside.apart = self.is_one(key, &value),
            key::OFF => self.off(&value),
            key::BASELINE => {
                if let Some(baseline) = self.choice(key, &BASELINES, &value) {
                    self.link.inside.baseline = baseline;
                }
            }
            key::OTHER => self.link.inside.other = self.text(key, value),
            key::SWAPS => self.link.inside.swaps = self.text(key, value),
            key::SENTENCES => self.link.inside.sentences = self.text(key, value),
            key::ROUND_WORDS => {
                if let Some(words) = self.count(key, &value, ROUND_WORDS) {
                    self.link.inside.rounds.words = words;
                }
            }
            key::ROUND_HEAT => {
                if let Some(heat) = self.count(key, &value, ROUND_HEAT) {
                    self.link.inside.rounds.heat = heat;
                }
            }
            key::ROUND => {
                self.link.inside.rounds.number = self.count(key, &value, 0..=MAX_ROUND - 1);
            }
            key::ROUND_OWN => self.link.inside.rounds.own = self.text(key, value),
            key::WRITE => {
                if let Some(tokens) = self.count(key, &value, TO_WRITE) {
                    self.link.inside.writing.tokens = tokens;
                }
            }
            key::TEMPERATURE => self.temperature(key, &value),
            key::DRAW => {
                if let Some(draw) = self.count(key, &value, 0..=MAX_DRAW as usize) {
                    self.link.inside.writing.draw = draw as u32;
                }
            }
            key::ORDER => {
                if let Some(order) = self.choice(key, &ORDERS, &value) {
                    self.link.inside.writing.order = order;
                }
            }
            key::GOAL => {
                if let Some(goal) = self.choice(key, &GOALS, &value) {
                    self.link.recipe.goal = goal;
                }
            }
            key::METHOD => {
                if let Some(method) = self.choice(key, &METHODS, &value) {
                    self.link.recipe.method = method;
                }
            }
            key::LAYERS => {
                if let Some(layers) = self.count(key, &value, LAYERS) {
                    self.link.recipe.layers = layers;
                }
            }
            key::POOLING => self.link.recipe.pooling = self.choice(key, &POOLINGS, &value),
            key::WHOLE_WORDS => match value.as_str() {
                "1" => self.link.recipe.whole_words = true,
                "0" => {}
                other => self.tell(format!("“{key}” is “{}”: it is 0 or 1.", quoted(other))),
            },
            key::DATA => match WebTexts::parse(&value) {
                Ok(address) => self.link.data = Some(address),
                Err(reason) => self.tell(format!(
                    "The texts at “{}” were not taken: {reason}.",
                    quoted(&value)
                )),
            },
            key::TRY => self.link.trial = self.text(key, value),
            key::TRY_PAIR => self.link.trial_pair = self.text(key, value),
            key::CURVE => self.curve(&value),
            key::HIDE => self.hide(&value),
            key::HEAD => self.head(&value),
            _ => match Field::ALL.into_iter().find(|field| field.id() == key) {
                Some(field) => self.field(field, &value),
                None => self.tell(format!(
                    "“{}” was left out: this page has no such setting.",
                    quoted(key)
                )),
            },
        }
    }

    fn text(&mut self, key: &str, value: String) -> String {
        self.cut(key, value, MAX_TEXT)
    }

    fn cut(&mut self, key: &str, value: String, most: usize) -> String {
        match value.char_indices().nth(most) {
            None => value,
            Some((end, _)) => {
                self.tell(format!("“{key}” was cut to its first {most} characters."));
                value[..end].to_owned()
            }
        }
    }

    fn is_one(&mut self, key: &str, value: &str) -> bool {
        if value != "1" {
            self.tell(format!("“{key}” is “{}”; there is only 1.", quoted(value)));
        }
        value == "1"
    }

    fn no_head(&mut self, key: &str, value: &str) {
        self.tell(format!(
            "“{key}” names heads such as 3.5, the fifth of layer 3, both from 1 to {MAX_HEADS}; what is \
             none in “{}” was left out.",
            quoted(value)
        ));
    }

    fn temperature(&mut self, key: &str, value: &str) {
        let most = f64::from(MOST_TENTHS) / 10.0;
        let Some(number) = parse_decimal(value).filter(|number| number.is_finite()) else {
            return self.tell(format!(
                "“{key}” was left out: “{}” is not a number from 0 to {most}.",
                quoted(value)
            ));
        };
        let tenths = (number.clamp(0.0, most) * 10.0).round();
        if (tenths / 10.0 - number).abs() > 1e-9 {
            self.tell(format!(
                "“{key}” is {} instead of {}: it goes from 0 to {most} in tenths.",
                tenths / 10.0,
                quoted(value)
            ));
        }
        self.link.inside.writing.tenths = tenths as u32;
    }

    fn off(&mut self, value: &str) {
        let (mut wrong, mut many) = (false, false);
        for head in value.split(',') {
            let off = &mut self.link.inside.off;
            match read_head(head) {
                Some(head) if off.len() < MAX_OFF || off.contains(&head) => {
                    off.insert(head);
                }
                Some(_) => many = true,
                None => wrong = true,
            }
        }
        if wrong {
            self.no_head(key::OFF, value);
        }
        if many {
            self.tell(format!(
                "“off” names more than {MAX_OFF} heads; only the first {MAX_OFF} are switched off."
            ));
        }
    }

    fn choice<T: Copy>(&mut self, key: &str, names: &[(T, &str)], value: &str) -> Option<T> {
        let found = names.iter().find(|(_, name)| *name == value);
        if found.is_none() {
            let names: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
            self.tell(format!(
                "“{key}” is “{}”; there is only {}.",
                quoted(value),
                names.join(", ")
            ));
        }
        found.map(|(choice, _)| *choice)
    }

    fn count(&mut self, key: &str, value: &str, range: RangeInclusive<usize>) -> Option<usize> {
        let number = parse_decimal(value).filter(|number| number.fract() == 0.0);
        let Some(number) = number else {
            self.tell(format!(
                "“{key}” was left out: “{}” is not a whole number.",
                quoted(value)
            ));
            return None;
        };
        let (low, high) = (*range.start(), *range.end());
        let near = number.clamp(low as f64, high as f64) as usize;
        if near as f64 != number {
            self.tell(format!(
                "“{key}” is {near} instead of {}: it lies between {low} and {high}.",
                quoted(value)
            ));
        }
        Some(near)
    }

    fn field(&mut self, field: Field, value: &str) {
        let (key, label) = (field.id(), field.label());
        let text = match number(field, value) {
            Number::Fine(text) => text,
            Number::Clamped(text) => {
                self.tell(format!(
                    "“{key}” ({label}) is {text} instead of {}, the nearest that is allowed.",
                    quoted(value)
                ));
                text
            }
            Number::Bad => {
                return self.tell(format!(
                    "“{key}” ({label}) was left out: “{}” is not a number that fits there.",
                    quoted(value)
                ));
            }
        };
        self.link.recipe.fields.insert(field, text);
    }

    fn masks(&mut self, value: &str) {
        let places = value.split(',').map(|place| {
            let digits = place.len() <= 6 && place.bytes().all(|byte| byte.is_ascii_digit());
            let place = place.parse::<usize>().ok().filter(|_| digits);
            place.filter(|place| *place < MAX_POSITION)
        });
        let (mut masks, mut wrong) = (Vec::new(), false);
        for place in places {
            match place {
                Some(place) => masks.push(place),
                None => wrong = true,
            }
        }
        masks.sort_unstable();
        masks.dedup();
        if wrong {
            self.tell(format!(
                "“mask” is a list of places such as 3,7; what is none in “{}” was left out.",
                quoted(value)
            ));
        }
        if masks.len() > MAX_MASKS {
            self.tell(format!(
                "“mask” has {} places; only the first {MAX_MASKS} are hidden.",
                masks.len()
            ));
            masks.truncate(MAX_MASKS);
        }
        self.link.masks = masks;
    }

    fn hide(&mut self, value: &str) {
        let mut unknown = false;
        for name in value.split(',') {
            match Part::ALL.into_iter().find(|part| part.name() == name) {
                Some(part) => {
                    self.link.hide.insert(part);
                }
                None => unknown = true,
            }
        }
        if unknown {
            let names = Part::ALL.map(Part::name).join(", ");
            self.tell(format!(
                "“hide” names something in “{}” that is none of {names}.",
                quoted(value)
            ));
        }
    }

    fn curve(&mut self, value: &str) {
        self.link.curve = Drawn::read(value).map(Box::new);
        if self.link.curve.is_none() {
            self.tell(
                "The curve in this link was left out: it is damaged, or part of the link is missing."
                    .to_owned(),
            );
        }
    }

    fn head(&mut self, value: &str) {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if value.is_empty() || value.len() > MAX_LINK_HEAD || !value.bytes().all(allowed) {
            return self.tell(
                "The trained head in this link was left out: it is damaged, or part of the link \
                 is missing."
                    .to_owned(),
            );
        }
        self.link.head = Some(value.into());
    }
}

/// The beginning of a text from a link, safe to stand in a sentence.
fn quoted(text: &str) -> String {
    // Marks that turn the direction of writing would turn the sentence around them.
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| if c.is_control() || turns(c) { ' ' } else { c };
    let mut short: String = text.chars().take(QUOTED).map(plain).collect();
    if text.chars().nth(QUOTED).is_some() {
        short.push('…');
    }
    short
}
