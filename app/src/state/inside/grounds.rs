//! What a guess rests on: the sentence three times, each token coloured by one way to ask.

use super::State;
use super::drawing::{Anchor, Drawing, Ink, fit, width_of};
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::protocol::{Aim, Found, Look, Word};
use bert::config::HeadKind;
use bert::inside::Attribution;

const CAVEAT: &str = "How it misleads: these are three answers to three questions, not one truth. Gradients speak of \
                      tiny changes, integrated gradients of the way from a baseline that is chosen, and a word that is \
                      hidden leaves a sentence that says something else.";
/// Points of the integral.
const POINTS: usize = 32;
/// Smaller numbers are rounding.
const NOTHING: f32 = 1e-3;
const LINE: f64 = 32.0;
/// What a method is called.
const METHODS: [&str; 3] = [
    "Gradient × input",
    "Integrated gradients",
    "One word hidden",
];

impl State {
    /// What is explained: the guess that is followed, or what the head of a task says.
    fn aim(&self) -> Option<Aim> {
        if let Some(place) = self.place() {
            let word = self.explained(place)?;
            return Some(Aim::Guess { place, word });
        }
        let said = self.probe.said.as_ref()?;
        let best = |logits: &[f32]| {
            let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map(|(output, _)| output)
        };
        match said.head.kind {
            HeadKind::Tokens => {
                let place = self
                    .inside
                    .choice
                    .row
                    .filter(|&row| row < said.tokens.len())?;
                let labels = said.head.labels.len();
                let output = best(said.logits.get(place * labels..(place + 1) * labels)?)?;
                Some(Aim::Token { place, output })
            }
            HeadKind::Span => {
                let starts: Vec<f32> = said.logits.iter().step_by(2).copied().collect();
                let place = best(&starts)?;
                Some(Aim::Token { place, output: 0 })
            }
            _ => Some(Aim::Class {
                output: best(&said.logits)?,
            }),
        }
    }

    /// The guess that is explained: the typed word, or else the best one.
    fn explained(&self, place: usize) -> Option<Word> {
        if self.inside.choice.follow.is_empty() {
            let best = self.probe.result(place)?.predictions.first()?;
            return Some(Word::Id(best.id));
        }
        self.followed(place)
    }

    pub(super) fn grounds_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        Some(Look::Attribution {
            subject: self.subject(),
            aim: self.aim()?,
            baseline: self.inside.choice.baseline,
            points: POINTS,
        })
    }

    /// The three lines as they are shown.
    pub fn grounds_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Grounds {
            return None;
        }
        let look = self.grounds_look()?;
        let found = self.inside.shown(&look, |found| match found {
            Found::Attribution(attribution) => Some(attribution),
            _ => None,
        })?;
        Some(sight(found, &self.explained_name(), width))
    }

    /// What is explained, in words.
    fn explained_name(&self) -> String {
        let Some(place) = self.place() else {
            return self.explained_output();
        };
        match self.explained(place) {
            Some(Word::Typed(word)) => format!("the guess “{word}”"),
            Some(Word::Id(_)) => {
                let guess = self.probe.guess(place).unwrap_or_default();
                format!("the guess “{guess}”")
            }
            None => "the guess".to_owned(),
        }
    }

    fn explained_output(&self) -> String {
        let label = |output: usize| {
            let said = self.probe.said.as_ref();
            said.and_then(|said| said.head.labels.get(output).cloned())
        };
        let word = |place: usize| {
            let token = self.probe.tokens.get(place);
            token.map_or(String::new(), |token| token.text.clone())
        };
        match self.aim() {
            Some(Aim::Class { output }) => match label(output) {
                Some(label) => format!("the verdict “{label}”"),
                None => "the verdict".to_owned(),
            },
            Some(Aim::Token { place, output }) => match label(output) {
                Some(label) => format!("the tag “{label}” of “{}”", word(place)),
                None => format!("the answer's beginning at “{}”", word(place)),
            },
            _ => "the answer".to_owned(),
        }
    }
}

/// A method's numbers, one a token; `None` where it says nothing of one.
type Line = Vec<Option<f32>>;

fn sight(found: &Attribution, name: &str, width: f64) -> Sight {
    let some = |numbers: &[f32]| -> Line { numbers.iter().copied().map(Some).collect() };
    let lines = [
        some(&found.gradient_x_input),
        some(&found.integrated_gradients),
        found.mask_one_out.clone(),
    ];
    let words: Vec<&str> = found.seen.tokens.iter().map(|token| &*token.text).collect();
    let mut table = Table::new(&["Token", METHODS[0], METHODS[1], METHODS[2]]);
    for (place, word) in words.iter().enumerate() {
        let cell = |line: &Line| {
            let number = line.get(place).copied().flatten();
            number.map_or(String::new(), |number| format!("{number:+.4}"))
        };
        let mut cells = vec![(*word).to_owned()];
        cells.extend(lines.iter().map(cell));
        table.rows.push(cells);
    }
    Sight {
        sentence: sentence(found, &lines, name),
        drawing: drawing(&words, &lines, width),
        table,
        caveat: CAVEAT,
    }
}

/// The word of the text that a method finds most in favour.
fn first(found: &Attribution, line: &Line) -> Option<usize> {
    let words = line.iter().enumerate().filter_map(|(place, number)| {
        let token = found.seen.tokens.get(place)?;
        let number = number.filter(|number| *number > NOTHING)?;
        (!token.special && !token.masked).then_some((place, number))
    });
    let best = words.max_by(|a, b| a.1.total_cmp(&b.1));
    best.map(|(place, _)| place)
}

/// Numbers that no rounding makes.
fn speaks(line: &Line) -> bool {
    line.iter().flatten().any(|number| number.abs() > NOTHING)
}

fn sentence(found: &Attribution, lines: &[Line; 3], name: &str) -> String {
    let word = |place: usize| format!("“{}”", found.seen.tokens[place].text);
    let mut bests = Vec::new();
    let mut silent = String::new();
    for (line, method) in lines.iter().zip(METHODS) {
        match speaks(line) {
            true => bests.push((first(found, line), method.to_lowercase())),
            false => silent += &format!(" {method}: nothing here{}.", why_nothing(method)),
        }
    }
    let best = bests.first().and_then(|(best, _)| *best);
    let agree = bests.iter().all(|(other, _)| *other == best);
    let most = match (best, agree) {
        (Some(best), true) => {
            let all = if bests.len() == 3 {
                "All three ways find"
            } else {
                "The ways that speak find"
            };
            format!("{all} that {name} rests most on {}.", word(best))
        }
        _ => {
            let named = bests.iter().map(|(best, method)| {
                let found = best.map_or("no word".to_owned(), word);
                format!("{found} by {method}")
            });
            let named: Vec<String> = named.collect();
            format!(
                "The ways disagree on what {name} rests on most: {}.",
                named.join(", ")
            )
        }
    };
    let whole = found.completeness.map_or(String::new(), |share| {
        format!(
            " The integrated gradients add up to {share:.1}% of what there is to explain: the logit {:.2} \
             here, {:.2} for the baseline.",
            found.logit, found.baseline_logit
        )
    });
    format!("Teal speaks for it, red against it. {most}{silent}{whole}")
}

/// Why a method has no numbers, where that is known.
fn why_nothing(method: &str) -> &'static str {
    match method == METHODS[1] {
        true => {
            ", since the sum of embeddings is normed at once: how long it is makes no difference"
        }
        false => "",
    }
}

/// The sentence once for each method, in as many lines as the width takes.
fn drawing(words: &[&str], lines: &[Line; 3], width: f64) -> Drawing {
    let (mut x, mut row, mut places) = (0.0, 0_usize, Vec::new());
    for word in words {
        let wide = (width_of(word, 14.0) + 12.0).clamp(24.0, width);
        if x > 0.0 && x + wide > width {
            (x, row) = (0.0, row + 1);
        }
        places.push((x, row, wide));
        x += wide + 3.0;
    }
    let block = 26.0 + (row + 1) as f64 * LINE + 8.0;
    let mut drawing = Drawing::new(width, 3.0 * block);
    for (number, (line, method)) in lines.iter().zip(METHODS).enumerate() {
        let top = number as f64 * block;
        drawing.text(
            [0.0, top + 16.0],
            method,
            Ink::Soft,
            Anchor::Start,
            13.0,
            true,
        );
        let most = line
            .iter()
            .flatten()
            .fold(0.0_f32, |most, number| most.max(number.abs()));
        for ((word, number), (x, row, wide)) in words.iter().zip(line).zip(&places) {
            let y = top + 26.0 + *row as f64 * LINE;
            let value = f64::from(number.unwrap_or(0.0));
            let share = if most > NOTHING {
                value.abs() / f64::from(most)
            } else {
                0.0
            };
            let ink = if value >= 0.0 { Ink::Second } else { Ink::Bad };
            drawing.fill([*x, y], [*wide, LINE - 4.0], Ink::Soft, 0.07);
            if share > 0.01 {
                drawing.fill([*x, y], [*wide, LINE - 4.0], ink, 0.5 * share);
            }
            let ink = if number.is_some() {
                Ink::Plain
            } else {
                Ink::Soft
            };
            let text = fit(word, wide - 6.0, 14.0);
            let at = [x + wide / 2.0, y + 18.5];
            drawing.text(at, &text, ink, Anchor::Middle, 14.0, false);
        }
    }
    drawing
}
