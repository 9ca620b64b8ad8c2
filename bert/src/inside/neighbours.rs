//! Tokens near a token, and a word in several sentences.

use kernels::ops::Lookup;
use kernels::{Control, Tensor, TensorType, Value};

use super::pass::{Pass, Text, rows_of_layers, rows_values, run};
use super::states::cosine;
use super::{Contextual, Head, InsideError, MAX_OCCURRENCES, Neighbour, Occurrence, Subject};
use crate::model::{Builder, Model, all_finite, names};
use crate::probe::{MAX_TOP_K, check_vocabulary, spelling};
use crate::tokenizer::Tokenizer;

/// Numbers of the embedding that are read back at a time.
const CHUNK: usize = 1 << 20;

/// The `count` nearest tokens to token `id` in the word embedding, by cosine, the nearest first, itself
/// left out.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn neighbours(
    model: &mut Model,
    tokenizer: &Tokenizer,
    id: u32,
    count: usize,
    control: &Control,
) -> Result<Vec<Neighbour>, InsideError> {
    check_vocabulary(tokenizer, model.config())?;
    let vocabulary = model.config().vocab_size;
    if id as usize >= vocabulary {
        return Err(InsideError::NoSuchToken { id, vocabulary });
    }
    if !(1..=MAX_TOP_K).contains(&count) {
        return Err(InsideError::Range {
            what: "the number of neighbours",
            found: count,
            least: 1,
            most: MAX_TOP_K,
        });
    }
    let width = model.config().embedding_size;
    let rows = (CHUNK / width).clamp(1, vocabulary);
    let own = embeddings(model, id, rows, control).await?;
    let own = own[..width].to_vec();
    let mut best: Vec<(f32, u32)> = Vec::new();
    for first in (0..vocabulary).step_by(rows) {
        let found = embeddings(model, first as u32, rows, control).await?;
        let ids = first as u32..vocabulary as u32;
        // Numbers that the tokenizer leaves out are rows that nothing was learned for.
        let known = ids.zip(found.chunks_exact(width));
        let known =
            known.filter(|(other, _)| *other != id && (*other as usize) < tokenizer.vocab_size());
        for (other, row) in known {
            let cosine = cosine(&own, row);
            if best.len() == count && best.last().is_some_and(|(least, _)| cosine <= *least) {
                continue;
            }
            best.truncate(count - 1);
            let place = best.partition_point(|(kept, _)| *kept >= cosine);
            best.insert(place, (cosine, other));
        }
    }
    let neighbour = |(cosine, id)| Neighbour {
        id,
        token: spelling(tokenizer, id),
        cosine,
    };
    Ok(best.into_iter().map(neighbour).collect())
}

/// Rows of the word embedding from `first` on, as many as there are, up to `rows`; what is beyond the last repeats it.
async fn embeddings(
    model: &mut Model,
    first: u32,
    rows: usize,
    control: &Control,
) -> Result<Vec<f32>, InsideError> {
    let (vocabulary, width) = (model.config().vocab_size, model.config().embedding_size);
    let last = vocabulary as u32 - 1;
    let mut ids: Vec<u32> = (first..first.saturating_add(rows as u32))
        .map(|id| id.min(last))
        .collect();
    ids.resize(2 * rows, 0);
    let record = |builder: &mut Builder<'_>| {
        let at = builder.graph.input("ids", TensorType::u32([2 * rows]));
        let zero = builder.graph.input("zero", TensorType::real([1, width]));
        let table = |blocks: Vec<Value>| Lookup {
            blocks,
            padding: None,
        };
        let words = builder.vocabulary(names::WORD)?;
        let found = builder
            .graph
            .embed(at, &[table(words), table(vec![zero])])?;
        Ok((vec![at, zero], vec![found]))
    };
    let inputs = vec![Tensor::U32(ids), Tensor::F32(vec![0.0; width])];
    let found = run(model, format!("embeddings {rows}"), record, inputs, control).await?;
    Ok(found[0].to_f32())
}

/// How alike the vectors of a word are in several sentences (at most [`MAX_OCCURRENCES`]), layer by
/// layer, with the heads `without` switched off.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn contextual(
    model: &mut Model,
    tokenizer: &Tokenizer,
    occurrences: &[Occurrence],
    without: &[Head],
    control: &Control,
) -> Result<Contextual, InsideError> {
    let found = occurrences.len();
    if !(1..=MAX_OCCURRENCES).contains(&found) {
        return Err(InsideError::Range {
            what: "the number of sentences",
            found,
            least: 1,
            most: MAX_OCCURRENCES,
        });
    }
    let layers = model.config().num_hidden_layers + 1;
    let mut pieces = Vec::new();
    // Of each sentence, each layer's vector.
    let mut vectors: Vec<Vec<Vec<f32>>> = Vec::new();
    for (i, occurrence) in occurrences.iter().enumerate() {
        let subject = Subject {
            text: occurrence.text.clone(),
            without: without.to_vec(),
            ..Subject::default()
        };
        let text = Text::read(model, tokenizer, &subject)?;
        let (from, to) = occurrence.characters;
        let tokens = text.seen.tokens.iter().enumerate();
        let inside = tokens
            .filter(|(_, token)| token.sequence.is_some() && token.start < to && token.end > from);
        let places: Vec<usize> = inside.map(|(place, _)| place).collect();
        if places.is_empty() {
            let sentence = i + 1;
            return Err(InsideError::NotInSentence { sentence, from, to });
        }
        let spelled = |&place: &usize| text.seen.tokens[place].text.clone();
        pieces.push(places.iter().map(spelled).collect());
        vectors.push(means(model, &text, &places, control).await?);
    }
    let matrix = |layer: usize| {
        let pairs = vectors
            .iter()
            .flat_map(|a| vectors.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| cosine(&a[layer], &b[layer])).collect()
    };
    Ok(Contextual {
        pieces,
        cosines: (0..layers).map(matrix).collect(),
    })
}

/// Each layer's mean over these places: `[L + 1][H]`.
async fn means(
    model: &mut Model,
    text: &Text,
    places: &[usize],
    control: &Control,
) -> Result<Vec<Vec<f32>>, InsideError> {
    let pass = Pass::new(model, text, 1);
    let count = places.len().next_power_of_two();
    let width = model.config().hidden_size;
    let mut values = pass.values(model.config(), &text.batch(), &text.off);
    values.extend(rows_values(model.config(), &pass, places, count));
    let record = |builder: &mut Builder<'_>| {
        let mut wired = pass.wire(builder)?;
        let rows = rows_of_layers(builder, &mut wired, count)?;
        Ok((wired.inputs, vec![rows]))
    };
    let key = pass.key(&format!("rows {count}"));
    let found = run(model, key, record, values, control).await?;
    let rows = found[0].to_f32();
    if !all_finite(&rows) {
        return Err(text.not_finite(model, "encoder", control).await);
    }
    let mean = |rows: &[f32]| {
        let mut sum = vec![0.0; width];
        for row in rows.chunks_exact(width).take(places.len()) {
            for (sum, x) in sum.iter_mut().zip(row) {
                *sum += x / places.len() as f32;
            }
        }
        sum
    };
    Ok(rows.chunks_exact(count * width).map(mean).collect())
}
