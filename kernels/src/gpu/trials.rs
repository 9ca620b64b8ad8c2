//! Trials: which variant makes which products fastest, measured on the adapter at hand while nothing
//! else is to be done.

use std::rc::Rc;

use super::buffer::Buffer;
use super::clock::now;
use super::device::Gpu;
use super::kernel::{Dispatch, Operand};
use super::tuning::Tuning;
use crate::control::Control;
use crate::error::DeviceError;
use crate::ops::gemm::{Class, Epilogue, Product, Variant};

/// Products smaller than this are not worth a trial.
const FEWEST_FLOPS: f64 = 5e6;
/// A sample that is timed from outside lasts at least so many milliseconds.
const SAMPLE_MS: f64 = 10.0;
/// The same where the GPU's own clock tells, which browsers round to a tenth of one.
const STAMPED_MS: f64 = 2.0;
/// Where hearing that the GPU is done takes longer than this many milliseconds, there are no trials.
const MOST_LATENCY_MS: f64 = 20.0;
/// Samples of each variant, taken by turns.
const SAMPLES: usize = 3;
/// The most products of a sample.
const MOST_RUNS: usize = 1 << 10;

/// A product that several variants may make, with buffers of its size.
struct Trial<'a> {
    gpu: &'a Rc<Gpu>,
    /// a, b and c.
    buffers: [Buffer; 3],
    uniform: wgpu::Buffer,
}

/// A variant, ready to run.
struct Ready {
    variant: Variant,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Gpu {
    /// Whether plans make products of a class for which several variants are in question and no
    /// trial has decided. Never where waiting for the device costs more than a trial could gain.
    pub fn wants_trials(&self) -> bool {
        self.submissions.pace.latency() <= MOST_LATENCY_MS && !self.undecided().is_empty()
    }

    /// The products to be tried, each with its candidates.
    fn undecided(&self) -> Vec<(Product, Vec<Variant>)> {
        let (capabilities, tuning) = (self.capabilities(), self.tuning());
        let candidates = |product: Product| {
            let undecided = tuning.get(&Class::of(&product)).is_none();
            let worth = product.flops() >= FEWEST_FLOPS;
            let found = Variant::candidates(&capabilities, &product);
            (undecided && worth && found.len() > 1).then_some((product, found))
        };
        self.wanted().into_iter().filter_map(candidates).collect()
    }

    /// Measures the variants in question for the products of prepared plans, a class after the
    /// other, until `budget_ms` milliseconds are over, and keeps what it finds: prepared plans go by
    /// it from their next run on. To be called when nothing else is to be done, and not in the middle
    /// of a run of training, whose bits would change.
    ///
    /// # Errors
    /// The device was lost. A cancel is no error: what was found by then is kept.
    pub async fn run_trials(
        self: &Rc<Self>,
        budget_ms: f64,
        control: &Control,
    ) -> Result<(), DeviceError> {
        let begun = now();
        if !self.wants_trials() {
            return Ok(());
        }
        for (product, candidates) in self.undecided() {
            control.breathe().await;
            if control.is_cancelled() || now() - begun > budget_ms {
                break;
            }
            let _turn = self.turn.lock().await;
            let class = Class::of(&product);
            let Some(fastest) = self.fastest(&product, &candidates, control).await? else {
                continue;
            };
            log::info!("{class}: {} of {}", fastest.name(), candidates.len());
            let mut found = Tuning::default();
            found.set(&class, fastest);
            self.add_tuning(found);
        }
        Ok(())
    }

    /// The fastest of some variants; `None` where there is no room to try, or where it was cancelled.
    async fn fastest(
        self: &Rc<Self>,
        product: &Product,
        candidates: &[Variant],
        control: &Control,
    ) -> Result<Option<Variant>, DeviceError> {
        let trial = match Trial::new(self, product).await {
            Ok(trial) => trial,
            Err(DeviceError::Lost(reason)) => return Err(DeviceError::Lost(reason)),
            Err(_) => return Ok(None),
        };
        let mut ready = Vec::new();
        for &variant in candidates {
            let dispatch = trial.dispatch(product, variant);
            let compiled = self
                .pipelines
                .compile(&self.device, std::slice::from_ref(&dispatch));
            match compiled.await {
                Ok(pipelines) => ready.push(trial.prepare(variant, &dispatch, &pipelines[0])),
                Err(unusable) => {
                    self.check_lost()?;
                    self.leave_out_unusable(&unusable);
                }
            }
        }
        let mut best = vec![f64::INFINITY; ready.len()];
        // The first round brings the shaders to the GPU, and tells how many make a sample.
        let mut runs = 1;
        for round in 0..=SAMPLES {
            for (ready, best) in ready.iter().zip(&mut best) {
                control.breathe().await;
                if control.is_cancelled() {
                    return Ok(None);
                }
                if round == 0 {
                    runs = runs.max(trial.calibrate(ready).await?);
                } else {
                    *best = best.min(trial.sample(ready, runs).await?);
                }
            }
        }
        let mut fastest: Option<(Variant, f64)> = None;
        for (ready, time) in ready.iter().zip(best) {
            // The one that ought to be fastest stays unless another is so beyond doubt.
            if fastest.is_none_or(|(_, least)| time < 0.97 * least) {
                fastest = Some((ready.variant, time));
            }
        }
        Ok(fastest.map(|(variant, _)| variant))
    }
}

impl<'a> Trial<'a> {
    async fn new(gpu: &'a Rc<Gpu>, product: &Product) -> Result<Self, DeviceError> {
        let bytes = product.bytes();
        let usage = wgpu::BufferUsages::STORAGE;
        let make = |bytes| gpu.buffer("trial", bytes, usage);
        let ((buffers, uniform), check) = gpu.guarded("a trial", bytes.iter().sum(), || {
            let [a, b, c] = bytes.map(make);
            let uniform = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("trial"),
                size: 256,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let buffers = || Ok::<_, DeviceError>([a?, b?, c?]);
            (buffers(), uniform)
        });
        check.await?;
        let buffers = buffers?;
        Ok(Self {
            gpu,
            buffers,
            uniform,
        })
    }

    fn dispatch(&self, product: &Product, variant: Variant) -> Dispatch {
        let epilogue = Epilogue {
            extra: None,
            function: None,
            operands: [Operand::Input(0), Operand::Input(1), Operand::Output(0)],
        };
        product.dispatch_by(variant, &self.gpu.capabilities(), epilogue)
    }

    /// Binds what a variant needs, which is no part of what is timed.
    fn prepare(
        &self,
        variant: Variant,
        dispatch: &Dispatch,
        pipeline: &wgpu::ComputePipeline,
    ) -> Ready {
        // All variants of a product have the same `Params`.
        self.gpu
            .queue
            .write_buffer(&self.uniform, 0, &dispatch.params);
        let [a, b, c] = &self.buffers;
        let operands = dispatch.operands.iter().map(|operand| match operand {
            Operand::Input(0) => a.as_entire_binding(),
            Operand::Input(_) => b.as_entire_binding(),
            Operand::Output(_) => c.as_entire_binding(),
            _ => self.gpu.unused.as_entire_binding(),
        });
        let entries: Vec<_> = std::iter::once(self.uniform.as_entire_binding())
            .chain(operands)
            .enumerate()
            .map(|(binding, resource)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource,
            })
            .collect();
        let group = self
            .gpu
            .device
            .create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("trial"),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
        Ready {
            variant,
            pipeline: pipeline.clone(),
            group,
            workgroups: dispatch.workgroups,
        }
    }

    /// How many products make a sample, found by doubling.
    async fn calibrate(&self, ready: &Ready) -> Result<usize, DeviceError> {
        let least = match self.gpu.has_timestamps() {
            true => STAMPED_MS,
            false => SAMPLE_MS,
        };
        // The first one may wait for the shader.
        self.sample(ready, 1).await?;
        let mut runs = 1;
        while runs < MOST_RUNS && self.sample(ready, runs).await? * (runs as f64) < least {
            runs *= 2;
        }
        Ok(runs)
    }

    /// Milliseconds of one product among `runs` in a row: by the GPU's clock, or from outside, less
    /// the time that it takes to hear of it.
    async fn sample(&self, ready: &Ready, runs: usize) -> Result<f64, DeviceError> {
        let gpu = self.gpu;
        let queries = match gpu.has_timestamps() {
            true => Some(gpu.queries(vec!["trial"])?),
            false => None,
        };
        let begun = now();
        let ((), check) = gpu.guarded("a trial", 0, || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some("trial"),
                    timestamp_writes: queries.as_ref().map(|queries| queries.writes(0)),
                });
                pass.set_pipeline(&ready.pipeline);
                pass.set_bind_group(0, &ready.group, &[]);
                let [x, y, z] = ready.workgroups;
                for _ in 0..runs {
                    pass.dispatch_workgroups(x, y, z);
                }
            }
            if let Some(queries) = &queries {
                queries.resolve(&mut encoder);
            }
            gpu.queue.submit([encoder.finish()]);
        });
        gpu.finished().await?;
        let spent = now() - begun;
        // What did not run took no time, and must not win.
        if check.await.is_err() {
            return Ok(f64::INFINITY);
        }
        let lasted = match queries {
            Some(queries) => gpu.read_stamped(queries).await? / 1e3,
            None => spent - gpu.submissions.pace.latency(),
        };
        // A clock may be coarse: what it cannot see is not less than nothing.
        Ok(lasted.max(0.0) / runs as f64)
    }
}
