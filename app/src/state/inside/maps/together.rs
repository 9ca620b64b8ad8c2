//! The heads of a layer taken together: their mean, and attention rollout.

use bert::inside::Survey;

/// What the maps are called beside the heads' numbers.
pub(super) const MEAN: &str = "mean";
pub(super) const ROLLOUT: &str = "roll";

/// The mean of each layer's heads, of those that are on; of a text that is short enough to be seen token by token also
/// the rollout (Abnar and Zuidema 2020): that mean, half and half with what passes a layer by, multiplied from the
/// first layer up.
pub(super) fn maps(survey: &Survey) -> Vec<(&'static str, Vec<f32>)> {
    let side = survey.side;
    let means: Vec<Vec<f32>> = survey
        .layers
        .iter()
        .map(|heads| {
            let on = heads.iter().filter(|head| !head.off);
            let count = on.clone().count().max(1) as f32;
            let mut mean = vec![0.0; side * side];
            for head in on {
                for (mean, number) in mean.iter_mut().zip(&head.thumbnail) {
                    *mean += number / count;
                }
            }
            mean
        })
        .collect();
    let mut found = Vec::new();
    if survey.seen.tokens.len() == side {
        let mut flow: Vec<f32> = identity(side);
        let mut rollout = Vec::new();
        for mean in &means {
            let mut half = identity(side);
            for (half, mean) in half.iter_mut().zip(mean) {
                *half = (*half + mean) / 2.0;
            }
            flow = product(&half, &flow, side);
            rollout.extend(&flow);
        }
        found.push((ROLLOUT, rollout));
    }
    found.insert(0, (MEAN, means.concat()));
    found
}

fn identity(side: usize) -> Vec<f32> {
    (0..side * side)
        .map(|at| f32::from(u8::from(at % side == at / side)))
        .collect()
}

fn product(a: &[f32], b: &[f32], side: usize) -> Vec<f32> {
    let cell = |at: usize| {
        let (row, column) = (at / side, at % side);
        (0..side)
            .map(|i| a[row * side + i] * b[i * side + column])
            .sum()
    };
    (0..side * side).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::inside::{Guesses, Head, HeadSurvey, HeadTraits, Seen};
    use bert::probe::Token;

    fn survey(tokens: usize) -> Survey {
        let token = Token {
            id: 1,
            text: "a".into(),
            special: false,
            masked: false,
            sequence: Some(0),
            start: 0,
            end: 1,
        };
        let seen = Seen {
            tokens: vec![token; tokens],
            truncated: None,
        };
        let head = |layer, head, off, thumbnail: [f32; 4]| HeadSurvey {
            head: Head { layer, head },
            off,
            thumbnail: thumbnail.to_vec(),
            traits: HeadTraits::default(),
        };
        let swap = [0.0, 1.0, 1.0, 0.0];
        let even = [0.5; 4];
        Survey {
            side: 2,
            layers: vec![
                vec![
                    head(0, 0, false, swap),
                    head(0, 1, false, even),
                    head(0, 2, true, [1.0; 4]),
                ],
                vec![
                    head(1, 0, false, swap),
                    head(1, 1, false, swap),
                    head(1, 2, false, swap),
                ],
            ],
            guesses: Guesses {
                seen: seen.clone(),
                masks: Vec::new(),
                said: None,
            },
            seen,
        }
    }

    #[test]
    fn heads_that_are_on_are_averaged_and_rolled_out() {
        let found = maps(&survey(2));
        assert_eq!(
            found[0],
            ("mean", vec![0.25, 0.75, 0.75, 0.25, 0.0, 1.0, 1.0, 0.0])
        );
        // Layer 1: half of the mean and half of itself; layer 2 mixes that evenly with its mirror image.
        assert_eq!(
            found[1],
            ("roll", vec![0.625, 0.375, 0.375, 0.625, 0.5, 0.5, 0.5, 0.5])
        );
        // A longer text is seen in stretches, whose product is no rollout.
        assert_eq!(maps(&survey(5)).len(), 1);
    }
}
