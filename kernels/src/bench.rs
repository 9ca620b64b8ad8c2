//! Timing matrix products, natively and in the browser: each is recorded, planned and run as a
//! model would run it.

use crate::control::Control;
use crate::device::{Device, Executable, Params};
use crate::error::RunError;
use crate::gpu::Gpu;
use crate::graph::Graph;
use crate::ops::gemm::Variant;
use crate::plan::Plan;
pub use crate::shader::Kind;
use crate::tensor::{ParamSpec, Storage};

/// Milliseconds on a clock that never goes back; only differences count.
pub type Clock = fn() -> f64;

/// Products in one command buffer of a real GPU, where submitting costs as much as a small product.
const COPIES: usize = 16;
/// Waits for an idle device, of which the shortest counts.
const IDLE_WAITS: usize = 3;
/// The most runs of a sample.
const MOST_RUNS: usize = 1 << 12;

/// A product and its sizes; the result is `[M, N]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Which factor is transposed.
    pub kind: Kind,
    /// Rows of the result.
    pub m: usize,
    /// Terms of each of its elements.
    pub k: usize,
    /// Its columns.
    pub n: usize,
}

impl Product {
    /// Additions and multiplications: `2 M K N`.
    pub fn flops(&self) -> f64 {
        2.0 * self.m as f64 * self.k as f64 * self.n as f64
    }

    /// Billions of them a second, where one product takes so long.
    pub fn gflops(&self, milliseconds: f64) -> f64 {
        self.flops() / (milliseconds * 1e6)
    }
}

/// A product prepared for a device.
pub struct ProductBench {
    executable: Executable,
    params: Params,
    /// Products of one run.
    copies: usize,
    /// How long reading a number takes when nothing else is to be done: every sample ends with that.
    idle: f64,
}

impl ProductBench {
    /// Allocates both factors and the result, compiles the shader and runs it once.
    ///
    /// # Errors
    /// The device has no room, or failed.
    pub async fn new(
        device: &Device,
        product: &Product,
        clock: Clock,
        control: &Control,
    ) -> Result<Self, RunError> {
        let Product { kind, m, k, n } = *product;
        let (a, b) = match kind {
            Kind::Nt => ([m, k], [n, k]),
            Kind::Nn => ([m, k], [k, n]),
            Kind::Tn => ([k, m], [k, n]),
        };
        let shapes = [("a", a), ("b", b), ("c", [m, n])];
        let specs = shapes.map(|(name, shape)| ParamSpec {
            name: name.to_owned(),
            shape: shape.into(),
            storage: Storage::F32,
        });
        let (mut params, ready) = Params::new(device, &specs)?;
        ready.await?;
        for spec in &specs[..2] {
            params.write(&spec.name, 0, &numbers(spec.shape.len()))?;
        }
        let copies = match device {
            Device::Gpu(gpu) if !gpu.info().software => COPIES,
            _ => 1,
        };
        let executable = Executable::new(device, plan(kind, a, b, copies), &params).await?;
        let mut bench = Self {
            executable,
            params,
            copies,
            idle: 0.0,
        };
        bench.run(control).await?;
        bench.wait().await?;
        let mut idle = f64::INFINITY;
        for _ in 0..IDLE_WAITS {
            let begin = clock();
            bench.wait().await?;
            idle = (clock() - begin).min(idle);
        }
        bench.idle = idle;
        Ok(bench)
    }

    /// Milliseconds of one product, in a sample of so many runs in a row.
    ///
    /// # Errors
    /// [`RunError::Cancelled`], or the device failed.
    pub async fn sample(
        &mut self,
        runs: usize,
        clock: Clock,
        control: &Control,
    ) -> Result<f64, RunError> {
        let begin = clock();
        for _ in 0..runs {
            self.run(control).await?;
        }
        self.wait().await?;
        let spent = clock() - begin;
        // A clock may be coarse: what it cannot see is not less than nothing.
        Ok((spent - self.idle).max(0.0) / (runs * self.copies) as f64)
    }

    /// How many runs a sample needs to last `milliseconds`, found by doubling; and how long one
    /// product took meanwhile, in milliseconds.
    ///
    /// # Errors
    /// As [`ProductBench::sample`].
    pub async fn calibrate(
        &mut self,
        milliseconds: f64,
        clock: Clock,
        control: &Control,
    ) -> Result<(usize, f64), RunError> {
        let mut runs = 1;
        loop {
            let each = self.sample(runs, clock, control).await?;
            let lasts = each * (runs * self.copies) as f64;
            if lasts >= milliseconds || runs >= MOST_RUNS {
                return Ok((runs, each));
            }
            runs *= 2;
        }
    }

    /// Products of one run.
    pub fn copies(&self) -> usize {
        self.copies
    }

    async fn run(&mut self, control: &Control) -> Result<(), RunError> {
        let Self {
            executable, params, ..
        } = self;
        executable.submit(params, Vec::new(), control).await
    }

    /// Waits for what was submitted: a number of the result is there only after it.
    async fn wait(&self) -> Result<(), RunError> {
        self.params.read("c", 0, 1).await.map(drop)
    }
}

/// The names of the shaders that a device may make products with, the smallest tile first.
pub fn variants(gpu: &Gpu) -> Vec<&'static str> {
    let all = Variant::all(&gpu.capabilities());
    all.into_iter().map(Variant::name).collect()
}

/// The same product `copies` times over, each into the parameter `c`: nothing is uploaded or read
/// back.
fn plan(kind: Kind, a: [usize; 2], b: [usize; 2], copies: usize) -> Plan {
    let mut graph = Graph::new();
    let mut stores = Vec::new();
    for _ in 0..copies {
        let (a, b) = (graph.param("a", a), graph.param("b", b));
        let c = a.and_then(|a| {
            let b = b?;
            match kind {
                Kind::Nt => graph.linear(a, b, None),
                Kind::Nn => graph.matmul(a, b, false),
                Kind::Tn => graph.matmul(a, b, true),
            }
        });
        stores.push((c.expect("the sizes fit"), "c".to_owned()));
    }
    Plan::with_stores(&graph, &[], &stores)
}

/// Numbers between -0.5 and 0.5, without a pattern that a cache or a multiplier could profit from.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// The middle of some samples, and the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle one, or the mean of the two.
    pub median: f64,
    /// The smallest.
    pub least: f64,
}

impl Summary {
    /// Of samples in any order; `None` where there are none.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = Vec::with_capacity(samples.len());
        for &sample in samples {
            // By hand: they are few, and the library's sort is more code than all of this.
            let place = sorted.partition_point(|&other| other < sample);
            sorted.insert(place, sample);
        }
        let half = sorted.len() / 2;
        let median = match sorted.len() {
            0 => return None,
            odd if !odd.is_multiple_of(2) => sorted[half],
            _ => (sorted[half - 1] + sorted[half]) / 2.0,
        };
        Some(Self {
            median,
            least: sorted[0],
        })
    }
}
