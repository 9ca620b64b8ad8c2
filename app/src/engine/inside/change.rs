//! Before and after a run: the checkpoint is read again from where it came, and takes the place of what was learned,
//! which waits in the browser's own store until it is put back. There is never a second model on the device.

use super::Unseen;
use crate::checkpoint::Source;
use crate::engine::Engine;
use crate::engine::io::worker::breathe;
use crate::engine::load::Load;
use crate::engine::resident::Resident;
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::Change;
use bert::inside::{
    AttentionRequest, Displaced, HiddenStates, InsideError, LayerAttention, LensPlace, LensRequest,
    Moved, Rewind, RewindError, Subject, Surprisal, attention, attention_shift, cosines, guesses,
    hidden_states, lens, surprisal,
};
use bert::model::Model;
use bert::probe::{MaskResult, ProbeError};
use bert::tokenizer::Tokenizer;
use kernels::Control;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

const TITLE: &str = "The model before the run could not be looked at";

/// What is compared.
struct Side {
    states: HiddenStates,
    guesses: Vec<MaskResult>,
    surprisal: Option<Surprisal>,
    /// Of every layer.
    attention: Vec<LayerAttention>,
    lens: Option<LensPlace>,
}

/// The text, the hidden token that the lens looks at, and how many guesses are wanted.
type Asked<'a> = (&'a Subject, Option<usize>, usize);

impl Engine {
    /// The model as it is and as its checkpoint was, on one text.
    pub(super) async fn change(
        &self,
        resident: &mut Resident,
        asked: Asked<'_>,
        progress: &mut dyn FnMut(usize, usize),
        control: &Control,
    ) -> Result<Change, Unseen> {
        if self.classroom.is_teaching() {
            return Err(because(
                "A run is under way, and changes the weights.",
                "Wait for its end, or stop it, then look again.",
            ));
        }
        let again = self.again(resident).await?;
        let language = resident.language.clone();
        let (model, tokenizer) = (&mut resident.model, &language.tokenizer);
        let after = side(model, tokenizer, asked, progress, control).await?;
        let mut kept = Kept::default();
        let outcome = rewind(model, &again, language.config.clone(), &mut kept, control).await;
        let outcome = match outcome {
            // What has not moved says the same.
            Ok(moved) if kept.is_empty() => Ok((moved, None)),
            Ok(moved) => side(model, tokenizer, asked, progress, control)
                .await
                .map(|before| (moved, Some(before))),
            Err(unseen) => Err(unseen),
        };
        // Whatever happened, and whoever has cancelled.
        kept.put_back(model).await?;
        let (moved, before) = outcome?;
        let same = before.is_none();
        let before = before.as_ref().unwrap_or(&after);
        let mut cosines = cosines(&before.states, &after.states);
        if same {
            cosines.fill(1.0);
        }
        Ok(Change {
            seen: after.states.seen.clone(),
            moved,
            cosines,
            guesses: [before.guesses.clone(), after.guesses.clone()],
            attention: (before.attention.iter().zip(&after.attention))
                .map(|(before, after)| attention_shift(before, after))
                .collect(),
            lens: before.lens.clone().zip(after.lens.clone()).map(Into::into),
            surprisal: before
                .surprisal
                .clone()
                .zip(after.surprisal)
                .map(Into::into),
        })
    }

    /// The checkpoint's weights once more, from where they lie on this device or beside the page.
    async fn again(&self, resident: &Resident) -> Result<Load, Unseen> {
        let origin = &resident.origin;
        if resident.model.sha256().is_empty() {
            return Err(because(
                "This model was made here: there is no checkpoint that it began from.",
                "Load a checkpoint, teach it, and look again.",
            ));
        }
        let (source, files) = (origin.source.clone().kept(), origin.files.clone());
        let is_remote = matches!(source, Source::Remote { .. });
        let again = Load::new(origin.id, source, files, self.hub.borrow().clone());
        if is_remote && again.must_download().await.map_err(Unseen::Because)? {
            return Err(because(
                "The checkpoint is not kept on this device, and comparing would mean to download it again.",
                "Load it again where there is room for it, teach it, and look again.",
            ));
        }
        Ok(again)
    }
}

/// What the model says of the text as it is now.
async fn side(
    model: &mut Model,
    tokenizer: &Tokenizer,
    (subject, place, top_k): Asked<'_>,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Side, Unseen> {
    let states = hidden_states(model, tokenizer, subject, control).await?;
    let mut layers = Vec::new();
    for layer in 0..model.config().num_hidden_layers {
        let request = AttentionRequest { layer, row: None };
        layers.push(attention(model, tokenizer, subject, &request, control).await?);
    }
    if model.has_mlm().is_err() {
        return Ok(Side {
            states,
            guesses: Vec::new(),
            surprisal: None,
            attention: layers,
            lens: None,
        });
    }
    let lens = match place {
        Some(place) => {
            let request = LensRequest {
                places: vec![place],
                top_k,
                follow: None,
            };
            let lens = lens(model, tokenizer, subject, &request, control).await?;
            lens.places.into_iter().next()
        }
        None => None,
    };
    let says = guesses(model, tokenizer, subject, top_k, control).await?;
    let bits = surprisal(model, tokenizer, subject, true, progress, control).await;
    Ok(Side {
        states,
        guesses: says.masks,
        surprisal: match bits {
            Ok(bits) => Some(bits),
            // Without a [MASK] in the vocabulary there is nothing to hide a word by.
            Err(InsideError::Probe(ProbeError::NoMask)) => None,
            Err(error) => return Err(error.into()),
        },
        attention: layers,
        lens,
    })
}

/// Takes the model back to its checkpoint, and keeps what was learned.
async fn rewind(
    model: &mut Model,
    again: &Load,
    config: bert::config::Config,
    kept: &mut Kept,
    control: &Control,
) -> Result<Vec<Moved>, Unseen> {
    let mut reader = again.weights_reader().await.map_err(Unseen::Because)?;
    let outcome = stream(model, &mut reader, config, kept, control).await;
    if outcome.is_err() {
        reader.close();
    }
    outcome
}

async fn stream(
    model: &mut Model,
    reader: &mut crate::engine::io::reader::Reader,
    config: bert::config::Config,
    kept: &mut Kept,
    control: &Control,
) -> Result<Vec<Moved>, Unseen> {
    let mut rewind = Rewind::new(model, config, reader.len);
    let mut piece = Vec::new();
    while reader
        .next_into(&mut piece)
        .await
        .map_err(Unseen::Because)?
    {
        let mut displaced = Vec::new();
        let pushed = rewind.push(model, &piece, &mut displaced).await;
        let taken = kept.take(displaced);
        pushed.map_err(|error| unread(&error))?;
        taken?;
        if control.is_cancelled() {
            return Err(InsideError::Probe(ProbeError::Cancelled).into());
        }
        breathe().await;
    }
    rewind.finish(model).map_err(|error| unread(&error))
}

/// What was learned, while the checkpoint's weights stand in its place.
#[derive(Default)]
struct Kept {
    /// In the browser's own store, which may lie on a disk: the parameter, the first element, how many.
    pieces: Vec<(String, usize, Blob)>,
    /// What that had no room for.
    here: Vec<Displaced>,
}

impl Kept {
    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.here.is_empty()
    }

    /// # Errors
    /// The browser has no room; all of it is kept here all the same.
    fn take(&mut self, displaced: Vec<Displaced>) -> Result<(), Unseen> {
        let mut full = false;
        for piece in displaced {
            let bytes = js_sys::Uint8Array::from(bytemuck::cast_slice::<f32, u8>(&piece.numbers));
            match Blob::new_with_u8_array_sequence(&js_sys::Array::of1(&bytes)) {
                Ok(blob) => self.pieces.push((piece.param, piece.offset, blob)),
                Err(_) => {
                    full = true;
                    self.here.push(piece);
                }
            }
        }
        match full {
            false => Ok(()),
            true => Err(because(
                "This browser has no room to put what was learned aside.",
                "Close other tabs, then look again.",
            )),
        }
    }

    /// Puts what was learned back.
    async fn put_back(self, model: &mut Model) -> Result<(), Unseen> {
        let broken = |details: String| {
            let failure = Failure::new(
                "What the run has learned is damaged",
                "It was put aside for the comparison, and could not be put back.",
                "Load the checkpoint again, and begin the run anew.",
            );
            Unseen::Because(failure.with_details(details))
        };
        let unreadable = |error: JsValue| broken(format!("{error:?}"));
        for (param, offset, blob) in self.pieces {
            let buffer = JsFuture::from(blob.array_buffer())
                .await
                .map_err(unreadable)?;
            let numbers = js_sys::Float32Array::new(&buffer).to_vec();
            let displaced = Displaced {
                param,
                offset,
                numbers,
            };
            let put = displaced.put_back(model);
            put.map_err(|error| broken(error.to_string()))?;
        }
        for displaced in self.here {
            let put = displaced.put_back(model);
            put.map_err(|error| broken(error.to_string()))?;
        }
        Ok(())
    }
}

fn because(cause: &str, advice: &str) -> Unseen {
    Unseen::Because(Failure::new(TITLE, cause, advice))
}

fn unread(error: &RewindError) -> Unseen {
    because(
        &sentence(error),
        "Load the checkpoint again, teach it, and look again.",
    )
}
