//! The newest runs of two models on the same text: one that learned hidden words, one that learned the next word.

use super::picture::{drawing, points};
use super::{Past, PastRun};
use crate::recipe::Goal;
use crate::state::format;
use crate::state::inside::sight::Sight;

const CAVEAT: &str = "How it misleads: the losses are of different questions, so which line is lower says nothing. Look at how \
                      fast each falls. A hidden word has both sides to be guessed from, the next word one.";

impl Past {
    /// The losses of two models' newest runs over the same text, whichever of them reads left to right; `None` where there are not both.
    pub fn side_by_side(&self, models: [(&str, bool); 2], width: f64) -> Option<Sight> {
        let [(_, one), (_, other)] = models;
        if one == other {
            return None;
        }
        let newest = |(model, causal): (&str, bool)| {
            let goal = match causal {
                true => Goal::NextWord,
                false => Goal::Masks,
            };
            let mut runs = self.runs.iter().enumerate().rev();
            runs.find(|(_, run)| {
                run.setup.goal == goal && is_of(run, model) && !run.training.is_empty()
            })
        };
        let runs = [newest(models[0])?, newest(models[1])?];
        if runs[0].1.texts != runs[1].1.texts {
            return None;
        }
        let asked = |(_, run): &(usize, &PastRun)| match run.setup.goal {
            Goal::NextWord => "100% of the positions".to_owned(),
            _ => format!(
                "{} of the positions",
                format::share(run.setup.recipe.masking.share)
            ),
        };
        let told = |run: &(usize, &PastRun)| {
            let last = run.1.training.last().map_or(0.0, |point| point.1);
            format!(
                "{} was taught by {}, to a loss of {last:.2}",
                run.1.model,
                asked(run)
            )
        };
        let labels = [0, 1].map(|i| format!("{}: {}", runs[i].1.model, asked(&runs[i])));
        Some(Sight {
            sentence: format!(
                "Over the same text, {}: {}; {}.",
                runs[0].1.texts,
                told(&runs[0]),
                told(&runs[1])
            ),
            drawing: drawing(&runs, &labels, width),
            table: points(&runs),
            caveat: CAVEAT,
        })
    }
}

/// Whether a run was of this model; one that was kept after a run bears the run's texts behind its name.
fn is_of(run: &PastRun, model: &str) -> bool {
    let rest = model.strip_prefix(run.model.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
