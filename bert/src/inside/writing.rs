//! Writing: word by word from the left, or by filling hidden places in one order or another.

use kernels::ops::{NO_TARGET, Sees};
use kernels::{Control, Tensor, TensorType};
use serde::{Deserialize, Serialize};

use super::InsideError;
use super::pass::{Pass, run};
use crate::data::Random;
use crate::model::{Builder, Model, TokenBatch, bucket};
use crate::probe::{Guesses, Prediction, ProbeError, check_vocabulary, spelling};
use crate::tokenizer::Tokenizer;

/// The most tokens that are written at a time.
pub const MAX_WRITTEN: usize = 32;
/// Each token is drawn among this many, the likeliest.
pub const DRAWN_AMONG: usize = 50;

/// What to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// How the text begins; it may be empty.
    pub text: String,
    /// Tokens to add: 1 to [`MAX_WRITTEN`].
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
    /// What the model gave it among all tokens when it was drawn, at temperature 1.
    pub probability: f32,
    /// When it was drawn, from 0.
    pub turn: usize,
}

/// A text that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// In which order.
    pub order: Order,
    /// What was written, as it stands in the text.
    pub tokens: Vec<WrittenToken>,
    /// The natural logarithm of the product of these tokens' probabilities, were they filled in each order: its own, and the others that
    /// the model can go in.
    pub products: Vec<(Order, f64)>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The tokens that the text begins with, as spelled in the vocabulary.
    pub given: Vec<String>,
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

/// Where writing stands.
struct Writing<'a> {
    tokenizer: &'a Tokenizer,
    /// Tokens that are not drawn.
    barred: Vec<u32>,
    causal: bool,
    types: Vec<u32>,
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
            gated: false,
            sees: Sees::Both,
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
        let mut values = pass.values(model.config(), &texts, &[]);
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
        let guesses: Vec<&Prediction> = row.best.iter().filter(may).collect();
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

/// Goes on with a text. A model that reads left to right adds one token after another, until it says that the text ends; one that fills
/// hidden places gets as many `[MASK]`s and fills them in three orders, and each text is then scored in the other two as well: the
/// products of the probabilities differ, so none of them is the text's. `progress` hears how many of how many passes are done.
///
/// # Errors
/// [`InsideError`]: a model that guesses no words, numbers that are out of range, a beginning that leaves no room; the model can be
/// used on.
pub async fn write(
    model: &mut Model,
    tokenizer: &Tokenizer,
    request: &WriteRequest,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Written, InsideError> {
    model.guesses_words().map_err(ProbeError::NoHead)?;
    check_vocabulary(tokenizer, model.config())?;
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
        return Err(range(
            "temperature",
            request.temperature.max(0.0) as usize,
            0,
            10,
        ));
    }
    let (limit, causal) = (model.config().max_tokens(), model.config().causal);
    let given = tokenizer.encode(&request.text, None, limit);
    let around = tokenizer.added_tokens(false);
    let most = limit.saturating_sub(around + 1);
    let found = tokenizer.count(&request.text);
    if found > most {
        return Err(range("tokens of the beginning", found, 0, most));
    }
    let last = given.special.iter().rposition(|special| !special);
    let begins = given.special.iter().take_while(|special| **special).count();
    // Behind the last word, or where there is none, behind what stands before the text.
    let at = last.map_or(begins.min(1), |last| last + 1);
    let room = request.tokens.min(limit.saturating_sub(given.ids.len()));
    let ends: Vec<u32> = given.ids[at..].to_vec();
    let special = [tokenizer.cls_id(), tokenizer.pad_id(), tokenizer.unk_id()];
    let mut barred: Vec<u32> = special.into_iter().chain(tokenizer.mask_id()).collect();
    if !causal {
        barred.push(tokenizer.sep_id());
    }
    let writing = Writing {
        tokenizer,
        barred,
        causal,
        types: vec![0; limit],
    };
    let mut drafts = Vec::new();
    let begun = given.ids[..at].to_vec();
    if causal {
        let draft = from_left(model, &writing, begun, room, request, progress, control).await?;
        drafts.push(draft);
    } else {
        let mask = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
        let mut blank = begun;
        blank.resize(at + room, mask);
        blank.extend(&ends);
        let total = 9 * room;
        let mut done = 0;
        let mut step = || {
            done += 1;
            progress(done, total);
        };
        for order in Order::ALL {
            let text = (&blank[..], at, room);
            let random = Random::new(request.seed, STREAM);
            let drawn = Filling::Drawn(request.temperature, random);
            let filled = fill(model, &writing, text, order, drawn, &mut step, control);
            let (filled, own) = filled.await?;
            let ids: Vec<u32> = filled.iter().map(|token| token.id).collect();
            let mut products = Vec::new();
            for other in Order::ALL {
                let product = match other == order {
                    true => own,
                    false => {
                        let known = Filling::Known(&ids);
                        let scored = fill(model, &writing, text, other, known, &mut step, control);
                        scored.await?.1
                    }
                };
                products.push((other, product));
            }
            drafts.push(Draft {
                order,
                tokens: filled,
                products,
            });
        }
    }
    let words = (0..at).filter(|&i| !given.special[i]);
    Ok(Written {
        given: words.map(|i| given.tokens[i].clone()).collect(),
        drafts,
    })
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
) -> Result<Draft, InsideError> {
    let mut random = Random::new(request.seed, STREAM);
    let mut tokens: Vec<WrittenToken> = Vec::new();
    for turn in 0..room {
        let place = ids.len();
        let rows = writing
            .ask(model, &ids, &[place], &[NO_TARGET], control)
            .await?;
        progress(turn + 1, room);
        let Some(drawn) = writing.draw(&rows[0], request.temperature, &mut random) else {
            break;
        };
        let ends = drawn.id == writing.tokenizer.sep_id();
        ids.push(drawn.id);
        tokens.push(WrittenToken {
            id: drawn.id,
            token: drawn.token,
            probability: drawn.probability,
            turn,
        });
        if ends {
            break;
        }
    }
    let product = tokens
        .iter()
        .map(|token| f64::from(token.probability).ln())
        .sum();
    Ok(Draft {
        order: Order::LeftToRight,
        tokens,
        products: vec![(Order::LeftToRight, product)],
    })
}

/// Fills the `room` places of a text from `at` on: with what is drawn, or with tokens that are `known`. Returns them, and the logarithm of the
/// product of their probabilities.
async fn fill(
    model: &mut Model,
    writing: &Writing<'_>,
    (blank, at, room): (&[u32], usize, usize),
    order: Order,
    mut filling: Filling<'_>,
    step: &mut dyn FnMut(),
    control: &Control,
) -> Result<(Vec<WrittenToken>, f64), InsideError> {
    let mut ids = blank.to_vec();
    let mut open: Vec<usize> = (at..at + room).collect();
    let mut filled: Vec<(usize, WrittenToken)> = Vec::new();
    let mut product = 0.0;
    while !open.is_empty() {
        let asked = Writing::asked(order, &open).to_vec();
        let target = |place: &usize| match &filling {
            Filling::Drawn(..) => NO_TARGET,
            Filling::Known(known) => known[place - at],
        };
        let targets: Vec<u32> = asked.iter().map(target).collect();
        let rows = writing.ask(model, &ids, &asked, &targets, control).await?;
        step();
        let Some((place, row)) = Writing::next(order, &asked, rows) else {
            break;
        };
        let (id, logarithm) = match &mut filling {
            Filling::Known(known) => (known[place - at], row.target),
            Filling::Drawn(temperature, random) => match writing.draw(&row, *temperature, random) {
                Some(drawn) => (drawn.id, f64::from(drawn.probability).ln()),
                None => break,
            },
        };
        product += logarithm;
        ids[place] = id;
        let token = WrittenToken {
            id,
            token: spelling(writing.tokenizer, id),
            probability: logarithm.exp() as f32,
            turn: filled.len(),
        };
        filled.push((place, token));
        open.retain(|other| *other != place);
    }
    filled.sort_by_key(|(place, _)| *place);
    Ok((
        filled.into_iter().map(|(_, token)| token).collect(),
        product,
    ))
}
