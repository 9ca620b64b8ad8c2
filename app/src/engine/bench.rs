//! Measuring: each case in rounds, of which the page gets the middle one and the quickest.

use super::Engine;
use super::io::worker::{breathe, ticks};
use super::port::answer;
use super::words::sentence;
use crate::protocol::{
    BenchCommand, BenchEvent, Case, KernelTime, Measured, Outcome, Profile, RequestId, Topic,
};
use bert::bench::{ForwardBench, StepBench, stand_in};
use bert::config::Config;
use bert::model::{LoadError, Model};
use bert::train::Method;
use kernels::bench::{Kind, Product, ProductBench, Summary};
use kernels::gpu::Gpu;
use kernels::{CancelToken, Control, Device, DeviceError, RunError};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// The rounds of a case, where there is time for them.
const ROUNDS: usize = 9;
/// No further round begins after this.
const ENOUGH_MS: f64 = 3000.0;
/// A sample of something quick is so many of it that it lasts about this long.
const SAMPLE_MS: f64 = 50.0;
/// The most steps of training in a sample.
const MOST_STEPS: f64 = 32.0;
/// A product that would take longer than this is left out.
const PATIENCE_MS: f64 = 5000.0;

/// Why a case has no figures.
enum Unmeasured {
    Cancelled,
    /// A sentence.
    Skipped(String),
}

impl From<RunError> for Unmeasured {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cancelled => Self::Cancelled,
            error => Self::Skipped(sentence(&error)),
        }
    }
}

impl From<DeviceError> for Unmeasured {
    fn from(error: DeviceError) -> Self {
        Self::Skipped(sentence(&error))
    }
}

impl From<LoadError> for Unmeasured {
    fn from(error: LoadError) -> Self {
        Self::Skipped(sentence(&error))
    }
}

fn no_model() -> Unmeasured {
    Unmeasured::Skipped("No model is loaded.".to_owned())
}

/// The rounds of a case until there are enough of them, or time is up.
#[derive(Default)]
struct Rounds {
    /// Milliseconds.
    samples: Vec<f64>,
    spent: f64,
}

impl Rounds {
    fn wants_more(&self) -> bool {
        self.samples.is_empty() || (self.samples.len() < ROUNDS && self.spent < ENOUGH_MS)
    }

    /// Takes a sample of `count` at once, `each` milliseconds each.
    fn add(&mut self, each: f64, count: usize) {
        self.samples.push(each);
        self.spent += each * count as f64;
    }

    fn measured(&self, dispatches: usize) -> Measured {
        let Summary { median, least } =
            Summary::of(&self.samples).expect("one round is the least there is");
        Measured {
            median,
            least,
            rounds: self.samples.len(),
            dispatches,
        }
    }
}

/// Why a product is not even begun: `flops` operations, after a product that ran at `rate` of them a
/// millisecond.
fn too_slow(flops: f64, rate: Option<f64>) -> Option<String> {
    let estimate = flops / rate?;
    (estimate > PATIENCE_MS).then(|| {
        format!(
            "One product would take about {:.0} s here.",
            estimate / 1000.0
        )
    })
}

impl Engine {
    /// Does what a command asks.
    pub(super) fn bench(self: Rc<Self>, id: RequestId, command: BenchCommand) {
        match command {
            BenchCommand::Start { cases } => {
                let cancel = CancelToken::default();
                let earlier = self.benching.borrow_mut().replace(cancel.clone());
                if let Some(earlier) = earlier {
                    earlier.cancel();
                }
                let work = self.work();
                // Where there is no model yet, a load would take nothing away.
                let lease = self.place.lease().ok();
                spawn_local(async move {
                    self.measure_all(id, &cases, cancel).await;
                    drop((lease, work));
                    self.drain();
                });
            }
            BenchCommand::Cancel => {
                if let Some(token) = &*self.benching.borrow() {
                    token.cancel();
                }
            }
        }
    }

    async fn measure_all(&self, id: RequestId, cases: &[Case], cancel: CancelToken) {
        let tell = |event: BenchEvent| answer(Topic::Bench, id, &event);
        let control = Control::new(cancel, breathe);
        let mut rate = None;
        for (place, &case) in cases.iter().enumerate() {
            tell(BenchEvent::Began { place });
            // A cancel that came meanwhile is heard before anything is allocated.
            breathe().await;
            let outcome = match control.is_cancelled() {
                true => Err(Unmeasured::Cancelled),
                false => self.measure(case, &mut rate, &control).await,
            };
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(Unmeasured::Skipped(reason)) => Outcome::Skipped { reason },
                Err(Unmeasured::Cancelled) => return tell(BenchEvent::Cancelled),
            };
            tell(BenchEvent::Ended { place, outcome });
            self.tell_memory();
        }
        tell(BenchEvent::Done);
    }

    /// Measures a case. `rate` is how fast the last product ran, in operations a millisecond.
    async fn measure(
        &self,
        case: Case,
        rate: &mut Option<f64>,
        control: &Control,
    ) -> Result<Outcome, Unmeasured> {
        let measured = match case {
            Case::Product { m, k, n } => {
                let kind = Kind::Nt;
                let product = Product { kind, m, k, n };
                if let Some(reason) = too_slow(product.flops(), *rate) {
                    return Err(Unmeasured::Skipped(reason));
                }
                let measured = product_rounds(&self.opened()?, &product, control).await?;
                *rate = Some(product.flops() / measured.median);
                measured
            }
            Case::Forward { texts, tokens } => self.forward_rounds(texts, tokens, control).await?,
            Case::HeadStep { texts } => {
                let (config, method) = (self.stand_in()?, Method::Head);
                step_rounds(&self.opened()?, config, method, [texts, 1], control).await?
            }
            Case::LayerStep { texts, tokens } => {
                let (config, method) = (self.stand_in()?, Method::LastLayers(1));
                let tokens = tokens.min(config.max_tokens());
                step_rounds(&self.opened()?, config, method, [texts, tokens], control).await?
            }
            Case::ForwardProfile { texts, tokens } => {
                let profile = self.forward_profile(texts, tokens, control).await?;
                return Ok(Outcome::Profiled(profile));
            }
            Case::StepProfile { texts, tokens } => {
                let profile = self.step_profile(texts, tokens, control).await?;
                return Ok(Outcome::Profiled(profile));
            }
        };
        Ok(Outcome::Measured(measured))
    }

    async fn forward_profile(
        &self,
        texts: usize,
        tokens: usize,
        control: &Control,
    ) -> Result<Profile, Unmeasured> {
        let gpu = self.profiled_gpu()?;
        let mut resident = self.place.lock().await.ok_or_else(no_model)?;
        let model = &mut resident.model;
        let mut bench = prepared_pass(model, texts, tokens).await?;
        bench.sample(model, ticks, control).await?;
        let recording = begin_profile(&gpu);
        let outcome = bench.sample(model, ticks, control).await;
        let profile = end_profile(&gpu, recording).await;
        outcome?;
        profile
    }

    async fn step_profile(
        &self,
        texts: usize,
        tokens: usize,
        control: &Control,
    ) -> Result<Profile, Unmeasured> {
        let (gpu, device) = (self.profiled_gpu()?, self.opened()?);
        let config = self.stand_in()?;
        let tokens = tokens.min(config.max_tokens());
        // So that nothing else is timed.
        let _resident = self.place.lock().await;
        let model = Model::fresh(&device, config, false, 1).await?;
        let method = Method::LastLayers(1);
        let mut bench = StepBench::new(model, method, texts, tokens, control).await?;
        let recording = begin_profile(&gpu);
        let outcome = bench.sample(1, ticks, control).await;
        let profile = end_profile(&gpu, recording).await;
        outcome?;
        profile
    }

    fn profiled_gpu(&self) -> Result<Rc<Gpu>, Unmeasured> {
        match self.opened()? {
            Device::Gpu(gpu) => Ok(gpu),
            Device::Cpu(_) => Err(Unmeasured::Skipped(
                "Only a GPU has a clock for each kernel.".to_owned(),
            )),
        }
    }

    async fn forward_rounds(
        &self,
        texts: usize,
        tokens: usize,
        control: &Control,
    ) -> Result<Measured, Unmeasured> {
        let mut resident = self.place.lock().await.ok_or_else(no_model)?;
        let model = &mut resident.model;
        let mut bench = prepared_pass(model, texts, tokens).await?;
        // The first pass compiles what the driver left for later.
        bench.sample(model, ticks, control).await?;
        let mut rounds = Rounds::default();
        while rounds.wants_more() {
            rounds.add(bench.sample(model, ticks, control).await?, 1);
            breathe().await;
        }
        Ok(rounds.measured(bench.dispatches()))
    }

    fn opened(&self) -> Result<Device, Unmeasured> {
        let device = self.device.borrow().clone();
        device.ok_or_else(|| Unmeasured::Skipped("The device is not open yet.".to_owned()))
    }

    /// The configuration of one layer like the loaded model's.
    fn stand_in(&self) -> Result<Config, Unmeasured> {
        let language = self.place.language().ok_or_else(no_model)?;
        Ok(stand_in(&language.config))
    }
}

async fn prepared_pass(
    model: &mut Model,
    texts: usize,
    tokens: usize,
) -> Result<ForwardBench, Unmeasured> {
    let limit = model.config().max_tokens();
    if tokens > limit {
        let reason = format!("This model reads {limit} tokens at most.");
        return Err(Unmeasured::Skipped(reason));
    }
    Ok(match texts {
        1 if model.has_mlm().is_ok() => ForwardBench::fill(model, tokens).await?,
        _ => ForwardBench::encoder(model, texts, tokens).await?,
    })
}

/// Says whether the adapter grants timestamps.
fn begin_profile(gpu: &Gpu) -> bool {
    gpu.take_submits();
    gpu.start_profile()
}

async fn end_profile(gpu: &Gpu, recording: bool) -> Result<Profile, Unmeasured> {
    let times = match recording {
        true => gpu.take_profile().await?,
        false => Vec::new(),
    };
    let submits = gpu.take_submits();
    let kernels = times.into_iter().map(|time| KernelTime {
        kernel: time.kernel.to_owned(),
        dispatches: time.dispatches,
        microseconds: time.microseconds,
    });
    Ok(Profile {
        kernels: kernels.collect(),
        submits: submits.count,
        longest_ms: submits.longest_ms,
    })
}

async fn product_rounds(
    device: &Device,
    product: &Product,
    control: &Control,
) -> Result<Measured, Unmeasured> {
    let mut bench = ProductBench::new(device, product, ticks, control).await?;
    let (runs, _) = bench.calibrate(SAMPLE_MS, ticks, control).await?;
    let mut rounds = Rounds::default();
    while rounds.wants_more() {
        let each = bench.sample(runs, ticks, control).await?;
        rounds.add(each, runs * bench.copies());
        breathe().await;
    }
    Ok(rounds.measured(1))
}

/// Steps on a model that is made for them, `[texts, tokens]` each.
async fn step_rounds(
    device: &Device,
    config: Config,
    method: Method,
    [texts, tokens]: [usize; 2],
    control: &Control,
) -> Result<Measured, Unmeasured> {
    let model = Model::fresh(device, config, false, 1).await?;
    let mut bench = StepBench::new(model, method, texts, tokens, control).await?;
    let first = bench.sample(1, ticks, control).await?;
    let steps = (SAMPLE_MS / first).clamp(1.0, MOST_STEPS) as usize;
    let mut rounds = Rounds::default();
    while rounds.wants_more() {
        let each = bench.sample(steps, ticks, control).await?;
        rounds.add(each, steps);
        breathe().await;
    }
    Ok(rounds.measured(bench.dispatches()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_end_when_there_are_enough_or_time_is_up() {
        let mut quick = Rounds::default();
        while quick.wants_more() {
            quick.add(2.0, 10);
        }
        assert_eq!(quick.measured(3).rounds, ROUNDS);
        assert_eq!(quick.measured(3).dispatches, 3);
        let mut slow = Rounds::default();
        for each in [1600.0, 1500.0] {
            assert!(slow.wants_more());
            slow.add(each, 1);
        }
        assert!(!slow.wants_more());
        let measured = slow.measured(1);
        assert_eq!((measured.median, measured.least), (1550.0, 1500.0));
        let mut glacial = Rounds::default();
        assert!(glacial.wants_more(), "one round there always is");
        glacial.add(60_000.0, 1);
        assert!(!glacial.wants_more());
    }

    #[test]
    fn a_product_is_left_out_only_where_the_last_one_was_too_slow() {
        assert_eq!(too_slow(1e15, None), None, "nobody knows yet");
        assert_eq!(too_slow(2e9, Some(5e6)), None, "0.4 s");
        let words = too_slow(2e9, Some(1e5)).unwrap();
        assert_eq!(words, "One product would take about 20 s here.");
    }
}
