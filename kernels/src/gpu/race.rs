//! A race: which of several dispatches that do the same is the fastest on the adapter at hand.

use std::rc::Rc;

use super::buffer::Buffer;
use super::clock::now;
use super::device::Gpu;
use crate::control::Control;
use crate::error::DeviceError;
use crate::shader::{Dispatch, Operand};

/// A sample that is timed from outside lasts at least so many milliseconds.
const SAMPLE_MS: f64 = 10.0;
/// The same where the GPU's own clock tells, which browsers round to a tenth of one.
const STAMPED_MS: f64 = 2.0;
/// Where hearing that the GPU is done takes longer than this many milliseconds, a race is not worth it.
const MOST_LATENCY_MS: f64 = 20.0;
/// Samples of each dispatch, taken by turns.
const SAMPLES: usize = 3;
/// How many times as long as the fastest one may take that stays in the race.
const SLOWER: f64 = 1.5;
/// The most runs of a sample.
const MOST_RUNS: usize = 1 << 10;

/// Bytes between the `Params` of two: what every adapter takes for an offset.
const PARAMS: u64 = 256;

/// What all who race work on.
struct Track<'a> {
    gpu: &'a Rc<Gpu>,
    /// Input 0, input 1, output 0, scratch memory.
    buffers: [Buffer; 4],
    /// The `Params` of one that races after another's.
    uniforms: wgpu::Buffer,
}

/// One that races, ready to run.
struct Ready {
    /// Its place among those that race.
    place: usize,
    dispatches: Vec<(wgpu::ComputePipeline, wgpu::BindGroup, [u32; 3])>,
}

impl Gpu {
    /// Whether waiting for the device costs less than a race could gain.
    pub(crate) fn is_worth_a_race(&self) -> bool {
        self.submissions.pace.latency() <= MOST_LATENCY_MS
    }

    /// The place of the fastest of some ways to do the same, each of one dispatch or several that have the
    /// same `Params`. All of them read inputs 0 and 1, write output 0 and have these bytes there; the one
    /// that ought to be fastest is first. `None` where there is no room to race, or where it was cancelled.
    /// One whose shader the driver does not take is left out, and what falls far behind is not run again.
    ///
    /// # Errors
    /// The device was lost.
    pub(crate) async fn race(
        self: &Rc<Self>,
        bytes: [u64; 3],
        ways: &[Vec<Dispatch>],
        control: &Control,
    ) -> Result<Option<usize>, DeviceError> {
        let _turn = self.turn.lock().await;
        let track = match Track::new(self, bytes, ways).await {
            Ok(track) => track,
            Err(DeviceError::Lost(reason)) => return Err(DeviceError::Lost(reason)),
            Err(_) => return Ok(None),
        };
        let mut ready = Vec::new();
        for (place, dispatches) in ways.iter().enumerate() {
            match self.pipelines.compile(&self.device, dispatches).await {
                Ok(pipelines) => ready.push(track.prepare(place, dispatches, pipelines)),
                Err(unusable) => {
                    self.check_lost()?;
                    self.leave_out_unusable(&unusable);
                }
            }
        }
        let mut best = vec![f64::INFINITY; ready.len()];
        // The first round brings the shaders to the GPU, and tells how many runs make a sample.
        let mut runs = 1;
        for round in 0..=SAMPLES {
            let least = best.iter().copied().fold(f64::INFINITY, f64::min);
            for (ready, best) in ready.iter().zip(&mut best) {
                if round > 1 && *best > SLOWER * least {
                    continue;
                }
                control.breathe().await;
                if control.is_cancelled() {
                    return Ok(None);
                }
                if round == 0 {
                    runs = runs.max(track.calibrate(ready).await?);
                } else {
                    *best = best.min(track.sample(ready, runs).await?);
                }
            }
        }
        let mut fastest: Option<(usize, f64)> = None;
        for (ready, time) in ready.iter().zip(best) {
            // The one that ought to be fastest stays unless another is so beyond doubt.
            if fastest.is_none_or(|(_, least)| time < 0.97 * least) {
                fastest = Some((ready.place, time));
            }
        }
        Ok(fastest.map(|(place, _)| place))
    }
}

impl<'a> Track<'a> {
    async fn new(
        gpu: &'a Rc<Gpu>,
        [a, b, c]: [u64; 3],
        ways: &[Vec<Dispatch>],
    ) -> Result<Self, DeviceError> {
        let usage = wgpu::BufferUsages::STORAGE;
        let operands = ways.iter().flatten().flat_map(|way| &way.operands);
        let scratch = operands.map(Operand::scratch).max().unwrap_or(0);
        let bytes = [a, b, c, 4 * scratch.max(1) as u64];
        let make = |bytes| gpu.buffer("race", bytes, usage);
        let ((buffers, uniforms), check) = gpu.guarded("a race", bytes.iter().sum(), || {
            let [a, b, c, d] = bytes.map(make);
            let uniforms = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("race"),
                size: PARAMS * ways.len() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let buffers = || Ok::<_, DeviceError>([a?, b?, c?, d?]);
            (buffers(), uniforms)
        });
        check.await?;
        let buffers = buffers?;
        Ok(Self {
            gpu,
            buffers,
            uniforms,
        })
    }

    /// Binds what dispatches need, which is no part of what is timed.
    fn prepare(
        &self,
        place: usize,
        dispatches: &[Dispatch],
        pipelines: Vec<wgpu::ComputePipeline>,
    ) -> Ready {
        let uniform = PARAMS * place as u64;
        let params = &dispatches[0].params;
        self.gpu.queue.write_buffer(&self.uniforms, uniform, params);
        let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.uniforms,
            offset: uniform,
            size: std::num::NonZeroU64::new(params.len() as u64),
        });
        let [a, b, c, scratch] = &self.buffers;
        let bind = |operand: &Operand| match operand {
            Operand::Input(0) => a.as_entire_binding(),
            Operand::Input(_) => b.as_entire_binding(),
            Operand::Output(_) => c.as_entire_binding(),
            Operand::Scratch(_) => scratch.as_entire_binding(),
            _ => self.gpu.unused.as_entire_binding(),
        };
        let ready = |(dispatch, pipeline): (&Dispatch, wgpu::ComputePipeline)| {
            let entries: Vec<_> = std::iter::once(uniform.clone())
                .chain(dispatch.operands.iter().map(bind))
                .enumerate()
                .map(|(binding, resource)| wgpu::BindGroupEntry {
                    binding: binding as u32,
                    resource,
                })
                .collect();
            let descriptor = wgpu::BindGroupDescriptor {
                label: Some("race"),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            };
            let group = self.gpu.device.create_bind_group(&descriptor);
            (pipeline, group, dispatch.workgroups)
        };
        Ready {
            place,
            dispatches: dispatches.iter().zip(pipelines).map(ready).collect(),
        }
    }

    /// How many runs make a sample, found by doubling.
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

    /// Milliseconds of one run among `runs` in a row: by the GPU's clock, or from outside, less
    /// the time that it takes to hear of it.
    async fn sample(&self, ready: &Ready, runs: usize) -> Result<f64, DeviceError> {
        let gpu = self.gpu;
        let queries = match gpu.has_timestamps() {
            true => Some(gpu.queries(vec!["race"])?),
            false => None,
        };
        let begun = now();
        let ((), check) = gpu.guarded("a race", 0, || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some("race"),
                    timestamp_writes: queries.as_ref().map(|queries| queries.writes(0)),
                });
                for _ in 0..runs {
                    for (pipeline, group, [x, y, z]) in &ready.dispatches {
                        pass.set_pipeline(pipeline);
                        pass.set_bind_group(0, group, &[]);
                        pass.dispatch_workgroups(*x, *y, *z);
                    }
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
