//! Hostile bytes: every parser of what strangers send, under a great many damaged inputs. `UNMASK_INPUTS`
//! says how many each parser gets (a few thousand without it), `UNMASK_SEED` which ones.

mod app_side;
mod damage;
mod kept;
mod memory;
mod model_side;
mod names;
mod texts;
mod tokenizers;
