//! Looking into the model, one question at a time, each for as long as a probe would hold the model.

mod change;

use super::Engine;
use super::io::worker::{breathe, ticks};
use super::port::answer;
use super::words::sentence;
use crate::failure::Failure;
use crate::protocol::{
    Aim, Found, HeadMap, InsideCommand, InsideEvent, Look, RequestId, Topic, Word,
};
use bert::inside::{
    AttentionRequest, AttributionRequest, Head, InsideError, LayerAttention, LensRequest, Subject,
    Surprisal, Target, attention, attribution, contextual, guesses, lens, neighbours, replace,
    sides, surprisal, survey, write,
};
use bert::model::Model;
use bert::probe::{ProbeError, Request, replaced};
use bert::tokenizer::Tokenizer;
use kernels::{CancelToken, Control};
use std::rc::Rc;

/// Why a look failed.
enum Unseen {
    Failed(InsideError),
    /// A typed word that is no token: why, in a sentence.
    NoWord(String),
    /// Something else than the model is in the way.
    Because(Failure),
}

impl From<InsideError> for Unseen {
    fn from(error: InsideError) -> Self {
        Self::Failed(error)
    }
}

impl Engine {
    /// Does what a command asks.
    pub(super) fn inside(self: Rc<Self>, id: RequestId, command: InsideCommand) {
        match command {
            InsideCommand::Look { look } => {
                self.looks.borrow_mut().push(id, look);
                self.drain();
            }
            InsideCommand::Cancel => {
                if self.looks.borrow_mut().cancel(id) {
                    tell(id, InsideEvent::Cancelled);
                }
            }
        }
    }

    /// Answers one question. A probe that comes meanwhile goes first: the look begins anew after it.
    pub(super) async fn look_inside(&self, id: RequestId, look: Look, cancel: CancelToken) {
        let Some(mut resident) = self.place.lock().await else {
            return tell(id, InsideEvent::Cancelled);
        };
        let resident = &mut *resident;
        let tokenizer = &resident.language.tokenizer;
        let control = Control::new(cancel, breathe);
        let began = ticks();
        let mut progress = |done, total| tell(id, InsideEvent::Progress { done, total });
        let outcome = match &look {
            Look::Change {
                subject,
                place,
                top_k,
            } => {
                let asked = (subject, *place, *top_k);
                let change = self.change(resident, asked, &mut progress, &control);
                change.await.map(|change| Found::Change(Box::new(change)))
            }
            _ => {
                let (model, progress) = (&mut resident.model, &mut progress);
                see(model, tokenizer, &look, progress, &control).await
            }
        };
        match outcome {
            Ok(found) => tell(
                id,
                InsideEvent::Found {
                    found: Box::new(found),
                    milliseconds: ticks() - began,
                },
            ),
            Err(Unseen::Failed(InsideError::Probe(ProbeError::Cancelled))) => {
                if !self.looks.borrow_mut().again(id, look) {
                    tell(id, InsideEvent::Cancelled);
                }
            }
            Err(unseen) => tell(
                id,
                InsideEvent::Failed {
                    failure: failure(unseen),
                },
            ),
        }
    }
}

fn tell(id: RequestId, event: InsideEvent) {
    answer(Topic::Inside, id, &event);
}

async fn see(
    model: &mut Model,
    tokenizer: &Tokenizer,
    look: &Look,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Found, Unseen> {
    Ok(match look {
        Look::Lens {
            subject,
            place,
            top_k,
            follow,
        } => {
            let follow = match follow {
                Some(word) => Some(token(tokenizer, word)?),
                None => None,
            };
            let request = LensRequest {
                places: place.iter().copied().collect(),
                top_k: *top_k,
                follow,
            };
            Found::Lens(lens(model, tokenizer, subject, &request, control).await?)
        }
        Look::Guesses { subject, top_k } => {
            Found::Guesses(guesses(model, tokenizer, subject, *top_k, control).await?)
        }
        Look::Survey { subject, top_k } => {
            Found::Survey(survey(model, tokenizer, subject, *top_k, control).await?)
        }
        Look::Map { subject, head, row } => {
            let request = AttentionRequest {
                layer: head.layer,
                row: *row,
            };
            let layer = attention(model, tokenizer, subject, &request, control).await?;
            Found::Map(one_head(layer, *head)?)
        }
        Look::Sides { subject, top_k } => {
            Found::Sides(sides(model, tokenizer, subject, *top_k, control).await?)
        }
        Look::Surprisal {
            subject,
            within_word,
        } => {
            let found = surprisal(model, tokenizer, subject, *within_word, progress, control);
            Found::Surprisal(found.await?)
        }
        Look::Swaps {
            sentences,
            without,
            within_word,
        } => {
            let mut found: Vec<Surprisal> = Vec::new();
            for (number, sentence) in sentences.iter().enumerate() {
                let subject = Subject {
                    text: sentence.clone(),
                    without: without.clone(),
                    ..Subject::default()
                };
                let before: usize = found.iter().map(|found| found.scored).sum();
                // The others are about as long.
                let rest = sentences.len() - number;
                let mut progress = |done, of| progress(before + done, before + of * rest);
                let surprisal = surprisal(
                    model,
                    tokenizer,
                    &subject,
                    *within_word,
                    &mut progress,
                    control,
                );
                found.push(surprisal.await?);
            }
            Found::Swaps(found)
        }
        Look::Neighbours { word, count } => {
            let id = token(tokenizer, word)?;
            Found::Neighbours(neighbours(model, tokenizer, id, *count, control).await?)
        }
        Look::Contextual {
            occurrences,
            without,
        } => Found::Contextual(contextual(model, tokenizer, occurrences, without, control).await?),
        Look::Replace(request) => Found::Round(replace(model, tokenizer, request, control).await?),
        Look::Judge { text } => {
            let request = Request {
                text: text.clone(),
                pair: None,
                hidden: Vec::new(),
                top_k: 1,
                compare: Vec::new(),
            };
            let marks = replaced(model, tokenizer, &request, control).await;
            Found::Judged(marks.map_err(InsideError::from)?)
        }
        Look::Write { request } => {
            Found::Written(write(model, tokenizer, request, progress, control).await?)
        }
        Look::Change { .. } => unreachable!("a change takes more than the model"),
        Look::Attribution {
            subject,
            aim,
            baseline,
            points,
        } => {
            let target = match aim {
                Aim::Guess { place, word } => Target::Guess {
                    place: *place,
                    id: token(tokenizer, word)?,
                },
                Aim::Class { output } => Target::Class { output: *output },
                Aim::Token { place, output } => Target::Token {
                    place: *place,
                    output: *output,
                },
            };
            let request = AttributionRequest {
                target,
                baseline: *baseline,
                points: *points,
            };
            let found = attribution(model, tokenizer, subject, &request, progress, control).await?;
            Found::Attribution(found)
        }
    })
}

/// One head of a layer: the others need not travel.
fn one_head(layer: LayerAttention, head: Head) -> Result<HeadMap, InsideError> {
    if head.head >= layer.heads {
        return Err(InsideError::NoSuchHead {
            head: head.head,
            last: layer.heads.saturating_sub(1),
        });
    }
    let numbers = layer.rows.len() * layer.seen.tokens.len();
    let own = head.head * numbers..(head.head + 1) * numbers;
    let cut = |all: &[f32]| all.get(own.clone()).unwrap_or_default().to_vec();
    Ok(HeadMap {
        head,
        weights: cut(&layer.weights),
        arrives: cut(&layer.arrives),
        rows: layer.rows,
        seen: layer.seen,
    })
}

/// The id of a word that is asked about.
fn token(tokenizer: &Tokenizer, word: &Word) -> Result<u32, Unseen> {
    match word {
        Word::Id(id) => Ok(*id),
        Word::Typed(typed) => tokenizer
            .word(typed)
            .map_err(|error| Unseen::NoWord(sentence(&error))),
    }
}

fn failure(unseen: Unseen) -> Failure {
    match unseen {
        Unseen::NoWord(cause) => Failure::new(
            "This word cannot be followed",
            cause,
            "Write another word, or leave the box empty.",
        ),
        Unseen::Because(failure) => failure,
        Unseen::Failed(error) => Failure::new(
            "The model could not be looked into",
            sentence(&error),
            "Change the text or what is hidden, or try again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::inside::Seen;
    use bert::probe::Token;

    #[test]
    fn one_head_is_cut_out_of_its_layer() {
        let word = Token {
            id: 1,
            text: "a".into(),
            special: false,
            masked: false,
            sequence: Some(0),
            start: 0,
            end: 1,
        };
        let layer = LayerAttention {
            seen: Seen {
                tokens: vec![word.clone(), word],
                truncated: None,
            },
            layer: 4,
            heads: 2,
            rows: vec![0, 1],
            weights: (0..8).map(|number| number as f32).collect(),
            arrives: (10..18).map(|number| number as f32).collect(),
        };
        let map = one_head(layer.clone(), Head { layer: 4, head: 1 }).unwrap();
        assert_eq!(map.weights, [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(map.arrives, [14.0, 15.0, 16.0, 17.0]);
        assert!(one_head(layer, Head { layer: 4, head: 2 }).is_err());
    }
}
