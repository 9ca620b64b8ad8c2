//! Writing: word by word from the left, or by filling hidden places in one order or another.

use kernels::ops::{Mask, NO_TARGET};
use kernels::{Control, Tensor, TensorType};
use serde::{Deserialize, Serialize};

use super::pass::{Pass, Text, run};
use super::{Head, InsideError, Subject};
use crate::data::Random;
use crate::model::{Builder, Model, TokenBatch, bucket};
use crate::probe::{Guesses, Prediction, ProbeError, spelling};
use crate::tokenizer::Tokenizer;

/// The most tokens that are written at a time.
pub const MAX_WRITTEN: usize = 32;
/// Each token is drawn among this many, the likeliest.
pub const DRAWN_AMONG: usize = 50;

/// What to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// The text. Where places of it are hidden, those are filled; else it is gone on with, and may be empty. A model that reads left
    /// to right goes on from the first hidden place, and sees nothing of what stands behind.
    pub subject: Subject,
    /// Tokens to add where none is hidden, or where the model reads left to right: 1 to [`MAX_WRITTEN`].
    pub tokens: usize,
    /// What logits are divided by before a token is drawn; 0 takes the likeliest.
    pub temperature: f64,
    /// Seeds the draws.
    pub seed: u64,
}

/// In which order places are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The first place first.
    LeftToRight,
    /// The last place first.
    RightToLeft,
    /// Each time the place whose best guess has the highest probability.
    SurestFirst,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LeftToRight, Self::RightToLeft, Self::SurestFirst];
}

/// A token that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenToken {
    /// Its id.
    pub id: u32,
    /// Its spelling in the vocabulary.
    pub token: String,
    /// Where it stands in the finished text, from 0, special tokens not counted.
    pub place: usize,
    /// What the model gave it among all tokens when it was drawn, at temperature 1.
    pub probability: f32,
    /// When it was drawn, from 0.
    pub turn: usize,
}

/// When a place is filled, and how likely what stands there is then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// From 0.
    pub turn: usize,
    /// The natural logarithm of its probability among all tokens, at temperature 1.
    pub logarithm: f64,
}

/// A written text, multiplied in one order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// In which order.
    pub order: Order,
    /// Of each written token, as they stand in the text.
    pub steps: Vec<Step>,
    /// The natural logarithm of the product of their probabilities.
    pub product: f64,
}

impl Count {
    fn new(order: Order, steps: Vec<Step>) -> Self {
        let product = steps.iter().map(|step| step.logarithm).sum();
        Self {
            order,
            steps,
            product,
        }
    }
}

/// A text that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// In which order.
    pub order: Order,
    /// What was written, as it stands in the text.
    pub tokens: Vec<WrittenToken>,
    /// The product of these tokens' probabilities, were they filled in each order: of [`Order::ALL`], or of the only one that the model
    /// can go in.
    pub counts: Vec<Count>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The tokens that were given, as spelled in the vocabulary: all of the text but what is written into it and special tokens.
    pub given: Vec<String>,
    /// Whether hidden places of the text were filled; else it was gone on with.
    pub filled: bool,
    /// One text by a model that reads left to right; one in each order by one that fills hidden places.
    pub drafts: Vec<Draft>,
}

/// The stream of the seed that tokens are drawn from.
const STREAM: u64 = 0x3717;

/// What places are filled with.
enum Filling<'a> {
    /// What is drawn at this temperature.
    Drawn(f64, Random),
    /// These tokens, place by place.
    Known(&'a [u32]),
}

/// What the model gives a place.
struct Row {
    best: Vec<Prediction>,
    /// The logarithm of the target's probability.
    target: f64,
}

/// What writing goes by.
struct Writing<'a> {
    tokenizer: &'a Tokenizer,
    /// Tokens that are not drawn.
    barred: Vec<u32>,
    causal: bool,
    /// Token types, of as many tokens as the text comes to.
    types: Vec<u32>,
    /// Heads that are off.
    off: Vec<Head>,
}

impl Writing<'_> {
    /// What the model gives these places of a text.
    async fn ask(
        &self,
        model: &mut Model,
        ids: &[u32],
        places: &[usize],
        targets: &[u32],
        control: &Control,
    ) -> Result<Vec<Row>, InsideError> {
        let most = model.config().max_tokens();
        let pass = Pass {
            batch: 1,
            tokens: bucket(ids.len()).min(most).max(ids.len()),
            gated: !self.off.is_empty(),
            mask: Mask::ALL,
            one_row: false,
        };
        let top_k = DRAWN_AMONG.min(model.config().vocab_size);
        let room = places.len().next_power_of_two();
        let key = pass.key(&format!("writing {room}"));
        let texts = TokenBatch {
            tokens: ids.len(),
            ids: vec![ids.to_vec()],
            types: vec![self.types[..ids.len()].to_vec()],
        };
        let mut values = pass.values(model.config(), &texts, &self.off);
        let row = |&place: &usize| place.saturating_sub(usize::from(self.causal)) as u32;
        let mut at: Vec<u32> = places.iter().map(row).collect();
        at.resize(room, at[0]);
        let mut wanted = targets.to_vec();
        wanted.resize(room, NO_TARGET);
        values.extend([Tensor::U32(at), Tensor::U32(wanted)]);
        let record = |builder: &mut Builder<'_>| {
            let mut wired = pass.wire(builder)?;
            let graph = &mut builder.graph;
            let at = graph.input("rows", TensorType::u32([room]));
            let wanted = graph.input("targets", TensorType::u32([room]));
            wired.inputs.extend([at, wanted]);
            let rows = graph.gather_rows(wired.encoder.output(), at)?;
            let logits = builder.mlm(rows)?;
            let top = builder.graph.top_k(logits, wanted, top_k)?;
            Ok((wired.inputs, vec![top.values, top.columns, top.figures]))
        };
        let found = run(model, key, record, values, control).await?;
        let guesses = Guesses::new([&found[0], &found[1], &found[2]]);
        if !(0..places.len()).all(|row| guesses.is_finite(row)) {
            let head = "masked-language-model head";
            return Err(match model.not_finite(&texts, head, control).await {
                Ok(error) => error.into(),
                Err(error) => error.into(),
            });
        }
        let row = |row: usize| {
            let [sum, logit] = guesses.target(row);
            Row {
                best: guesses.best(row, self.tokenizer, top_k),
                target: f64::from(logit) - f64::from(sum),
            }
        };
        Ok((0..places.len()).map(row).collect())
    }

    /// Draws one of the best guesses that may stand in a text.
    fn draw(&self, row: &Row, temperature: f64, random: &mut Random) -> Option<Prediction> {
        let may = |guess: &&Prediction| !self.barred.contains(&guess.id);
        let mut guesses: Vec<&Prediction> = row.best.iter().filter(may).collect();
        if guesses.is_empty() {
            // A vocabulary of little else.
            guesses.extend(&row.best);
        }
        draw(&guesses, temperature, random).cloned()
    }

    /// Which of the open places comes next, and what the model gives it.
    fn next(order: Order, open: &[usize], rows: Vec<Row>) -> Option<(usize, Row)> {
        let sure = |row: &Row| row.best.first().map_or(0.0, |guess| guess.probability);
        let rows = open.iter().copied().zip(rows);
        match order {
            Order::LeftToRight => rows.min_by_key(|(place, _)| *place),
            Order::RightToLeft => rows.max_by_key(|(place, _)| *place),
            Order::SurestFirst => rows.max_by(|(a, left), (b, right)| {
                // Of equals the first.
                (sure(left).total_cmp(&sure(right))).then(b.cmp(a))
            }),
        }
    }

    /// The places to ask about in this order.
    fn asked(order: Order, open: &[usize]) -> &[usize] {
        match order {
            Order::LeftToRight => &open[..1],
            Order::RightToLeft => &open[open.len() - 1..],
            Order::SurestFirst => open,
        }
    }
}

/// Draws one of some guesses, the likeliest of which comes first, after their logits are divided by the temperature; at 0 the first.
pub(super) fn draw<'a>(
    guesses: &[&'a Prediction],
    temperature: f64,
    random: &mut Random,
) -> Option<&'a Prediction> {
    let first = *guesses.first()?;
    if temperature == 0.0 {
        return Some(first);
    }
    let weight = |guess: &&Prediction| (f64::from(guess.logit - first.logit) / temperature).exp();
    let weights: Vec<f64> = guesses.iter().map(weight).collect();
    let mut left = random.uniform() * weights.iter().sum::<f64>();
    for (guess, weight) in guesses.iter().zip(&weights) {
        left -= weight;
        if left <= 0.0 {
            return Some(guess);
        }
    }
    Some(first)
}

/// A text with its places to fill.
struct Blanks {
    /// The ids, `[MASK]` at each place.
    ids: Vec<u32>,
    /// The places, from the left.
    places: Vec<usize>,
}

/// Writes. A model that reads left to right adds one token after another, until it says that the text ends; one that fills hidden places
/// fills those of the text, or as many at its end as are asked for, in three orders, and each text is then multiplied in all of them: the
/// products of the probabilities differ, so none of them is the text's. `progress` hears how many of how many passes are done.
///
/// # Errors
/// [`InsideError`]: a model that guesses no words, numbers that are out of range, a text that leaves no room; the model can be used on.
pub async fn write(
    model: &mut Model,
    tokenizer: &Tokenizer,
    request: &WriteRequest,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Written, InsideError> {
    model.guesses_words().map_err(ProbeError::NoHead)?;
    let range = |what, found, least, most| InsideError::Range {
        what,
        found,
        least,
        most,
    };
    if !(1..=MAX_WRITTEN).contains(&request.tokens) {
        return Err(range("tokens to write", request.tokens, 1, MAX_WRITTEN));
    }
    if !(0.0..=10.0).contains(&request.temperature) {
        let found = request.temperature.max(0.0) as usize;
        return Err(range("temperature", found, 0, 10));
    }
    let text = Text::read_any(model, tokenizer, &request.subject)?;
    let (limit, causal) = (model.config().max_tokens(), model.config().causal);
    let special = |place: &usize| text.seen.tokens[*place].special && !text.masked.contains(place);
    // Behind the last word, or where there is none, behind what stands before the text.
    let last = (0..text.len()).rev().find(|place| !special(place));
    let end = last.map_or(1.min(text.len()), |last| last + 1);
    let filled = !text.masked.is_empty();
    let most = match (filled, causal) {
        (true, false) => text.masked.len(),
        (true, true) => limit.saturating_sub(text.masked[0]),
        (false, _) => limit.saturating_sub(text.len()),
    };
    if most == 0 {
        let around = tokenizer.added_tokens(request.subject.pair.is_some());
        let least = limit.saturating_sub(around + 1);
        let found = tokenizer.count(&request.subject.text);
        return Err(range(
            "tokens of the beginning",
            found.max(least + 1),
            0,
            least,
        ));
    }
    if filled && !causal && most > MAX_WRITTEN {
        return Err(range("blanks to fill", most, 1, MAX_WRITTEN));
    }
    let at = match (filled, causal) {
        (true, true) => text.masked[0],
        _ => end,
    };
    let room = most.min(request.tokens);
    let kind = at.checked_sub(1).map_or(0, |before| text.types[before]);
    let mut types = text.types.clone();
    match (filled, causal) {
        (true, false) => {}
        (_, true) => {
            types.truncate(at);
            types.resize(at + room, kind);
        }
        (false, false) => {
            types.splice(at..at, vec![kind; room]);
        }
    }
    let special_ids = [tokenizer.cls_id(), tokenizer.pad_id(), tokenizer.unk_id()];
    let mut barred: Vec<u32> = special_ids.into_iter().chain(tokenizer.mask_id()).collect();
    if !causal {
        barred.push(tokenizer.sep_id());
    }
    let writing = Writing {
        tokenizer,
        barred,
        causal,
        types,
        off: text.off.clone(),
    };
    let shown = match causal {
        true => at,
        false => text.len(),
    };
    let given = (0..shown).filter(|place| !special(place) && !text.masked.contains(place));
    let given: Vec<String> = given
        .map(|place| text.seen.tokens[place].text.clone())
        .collect();
    let drafts = match causal {
        true => {
            let begun = text.ids[..at].to_vec();
            let written =
                from_left(model, &writing, begun, room, request, progress, control).await?;
            let count = Count::new(
                Order::LeftToRight,
                written.iter().map(|(_, step)| *step).collect(),
            );
            vec![Draft {
                order: Order::LeftToRight,
                tokens: written_tokens(tokenizer, &written, |number| given.len() + number),
                counts: vec![count],
            }]
        }
        false => {
            let mut blanks = Blanks {
                ids: text.ids.clone(),
                places: text.masked.clone(),
            };
            if !filled {
                let mask = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
                blanks.ids.splice(at..at, vec![mask; room]);
                blanks.places = (at..at + room).collect();
            }
            let before = |place: usize| {
                (0..place.min(text.len()))
                    .filter(|place| !special(place))
                    .count()
            };
            let places: Vec<usize> = match filled {
                true => blanks.places.iter().map(|&place| before(place)).collect(),
                false => (0..room).map(|number| given.len() + number).collect(),
            };
            in_all_orders(
                model, &writing, &blanks, &places, request, progress, control,
            )
            .await?
        }
    };
    Ok(Written {
        given,
        filled,
        drafts,
    })
}

/// What was written, with where the number so and so of it stands.
fn written_tokens(
    tokenizer: &Tokenizer,
    written: &[(u32, Step)],
    place: impl Fn(usize) -> usize,
) -> Vec<WrittenToken> {
    let token = |(number, &(id, step)): (usize, &(u32, Step))| WrittenToken {
        id,
        token: spelling(tokenizer, id),
        place: place(number),
        probability: step.logarithm.exp() as f32,
        turn: step.turn,
    };
    written.iter().enumerate().map(token).collect()
}

/// One token after another, until the text ends.
async fn from_left(
    model: &mut Model,
    writing: &Writing<'_>,
    mut ids: Vec<u32>,
    room: usize,
    request: &WriteRequest,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Vec<(u32, Step)>, InsideError> {
    let mut random = Random::new(request.seed, STREAM);
    let mut written = Vec::new();
    for turn in 0..room {
        let place = ids.len();
        let rows = writing
            .ask(model, &ids, &[place], &[NO_TARGET], control)
            .await?;
        progress(turn + 1, room);
        let Some(drawn) = writing.draw(&rows[0], request.temperature, &mut random) else {
            break;
        };
        ids.push(drawn.id);
        let logarithm = f64::from(drawn.probability).ln();
        written.push((drawn.id, Step { turn, logarithm }));
        if drawn.id == writing.tokenizer.sep_id() {
            break;
        }
    }
    Ok(written)
}

/// A text in each order, each multiplied in all of them. `places`: where its tokens stand, special ones not counted.
async fn in_all_orders(
    model: &mut Model,
    writing: &Writing<'_>,
    blanks: &Blanks,
    places: &[usize],
    request: &WriteRequest,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Vec<Draft>, InsideError> {
    let orders = Order::ALL.len();
    let total = orders * orders * blanks.places.len();
    let mut done = 0;
    let mut step = || {
        done += 1;
        progress(done, total);
    };
    let mut drafts = Vec::new();
    for order in Order::ALL {
        let random = Random::new(request.seed, STREAM);
        let drawn = Filling::Drawn(request.temperature, random);
        let written = fill(model, writing, blanks, order, drawn, &mut step, control).await?;
        let ids: Vec<u32> = written.iter().map(|(id, _)| *id).collect();
        let mut counts = Vec::new();
        for other in Order::ALL {
            let steps = match other == order {
                true => written.clone(),
                false => {
                    let known = Filling::Known(&ids);
                    fill(model, writing, blanks, other, known, &mut step, control).await?
                }
            };
            counts.push(Count::new(
                other,
                steps.iter().map(|(_, step)| *step).collect(),
            ));
        }
        drafts.push(Draft {
            order,
            tokens: written_tokens(writing.tokenizer, &written, |number| places[number]),
            counts,
        });
    }
    Ok(drafts)
}

/// Fills the places of a text: with what is drawn, or with tokens that are known. Returns what stands there, from the left.
async fn fill(
    model: &mut Model,
    writing: &Writing<'_>,
    blanks: &Blanks,
    order: Order,
    mut filling: Filling<'_>,
    step: &mut dyn FnMut(),
    control: &Control,
) -> Result<Vec<(u32, Step)>, InsideError> {
    let mut ids = blanks.ids.clone();
    let places = &blanks.places;
    // Numbers of places.
    let mut open: Vec<usize> = (0..places.len()).collect();
    let mut filled: Vec<(usize, (u32, Step))> = Vec::new();
    while !open.is_empty() {
        let asked = Writing::asked(order, &open).to_vec();
        let target = |number: &usize| match &filling {
            Filling::Drawn(..) => NO_TARGET,
            Filling::Known(known) => known.get(*number).copied().unwrap_or(NO_TARGET),
        };
        let targets: Vec<u32> = asked.iter().map(target).collect();
        let at: Vec<usize> = asked.iter().map(|&number| places[number]).collect();
        let rows = writing.ask(model, &ids, &at, &targets, control).await?;
        step();
        let Some((number, row)) = Writing::next(order, &asked, rows) else {
            break;
        };
        let (id, logarithm) = match &mut filling {
            Filling::Known(known) => match known.get(number) {
                Some(&id) => (id, row.target),
                None => break,
            },
            Filling::Drawn(temperature, random) => match writing.draw(&row, *temperature, random) {
                Some(drawn) => (drawn.id, f64::from(drawn.probability).ln()),
                None => break,
            },
        };
        ids[places[number]] = id;
        let turn = filled.len();
        filled.push((number, (id, Step { turn, logarithm })));
        open.retain(|other| *other != number);
    }
    filled.sort_by_key(|(number, _)| *number);
    Ok(filled.into_iter().map(|(_, written)| written).collect())
}
