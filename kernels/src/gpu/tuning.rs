//! Which shader is the fastest for which products, measured on the adapter at hand.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::buffer::Buffer;
use super::context::AdapterInfo;
use super::device::Gpu;
use super::kernel::{Dispatch, Operand};
use crate::error::DeviceError;
use crate::ops::gemm::{Class, Epilogue, Product, Variant};

/// Products smaller than this are not worth a trial.
const FEWEST_FLOPS: f64 = 5e6;
/// What one sample of a trial computes, so that it lasts longer than a clock's tick.
const FLOPS_PER_SAMPLE: f64 = 2e9;
/// Samples of each variant, taken by turns.
const SAMPLES: usize = 3;

/// Choices that trials have made, by class of products. As text (`Display`, [`Tuning::parse`]), a
/// line holds a class and the name of a variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    chosen: BTreeMap<String, String>,
}

impl Tuning {
    /// Reads choices that were written down. What is no choice is left out, and a class or a
    /// variant that is not known here is not used: the text may be of another version.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (class, variant) = line.split_once(' ')?;
            Some((class.to_owned(), variant.to_owned()))
        };
        let chosen = text.lines().filter_map(line).collect();
        Self { chosen }
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// The choices with the adapter and the version that they were made for, to be kept.
    pub fn record(&self, adapter: &AdapterInfo) -> String {
        format!("{}\n{self}", heading(adapter))
    }

    /// Reads what [`Tuning::record`] wrote, if it was for this adapter and version.
    pub fn recall(record: &str, adapter: &AdapterInfo) -> Option<Self> {
        let (first, choices) = record.split_once('\n')?;
        (first == heading(adapter)).then(|| Self::parse(choices))
    }

    pub(crate) fn get(&self, class: &Class) -> Option<&str> {
        self.chosen.get(&class.to_string()).map(String::as_str)
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.chosen.extend(other.chosen);
    }

    fn set(&mut self, class: &Class, variant: Variant) {
        self.chosen
            .insert(class.to_string(), variant.name().to_owned());
    }
}

impl Display for Tuning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.chosen
            .iter()
            .try_for_each(|(class, variant)| writeln!(f, "{class} {variant}"))
    }
}

fn heading(adapter: &AdapterInfo) -> String {
    let AdapterInfo { name, backend, .. } = adapter;
    format!("{} {backend} {name}", env!("CARGO_PKG_VERSION"))
}

/// A product that several variants may make, with buffers of its size.
struct Trial<'a> {
    gpu: &'a Rc<Gpu>,
    product: &'a Product,
    /// a, b and c.
    buffers: [Buffer; 3],
}

/// Measures the variants of each class of `products` that has no choice yet.
pub(super) async fn tune(gpu: &Rc<Gpu>, products: &[Product]) -> Result<(), DeviceError> {
    let mut found = Tuning::default();
    for product in products {
        let class = Class::of(product);
        let variants = Variant::candidates(gpu.capabilities(), product);
        let known = found.get(&class).is_some() || gpu.tuning().get(&class).is_some();
        if known || variants.len() < 2 || product.flops() < FEWEST_FLOPS {
            continue;
        }
        // Where there is no room to try, the likeliest will do.
        let Ok(trial) = Trial::new(gpu, product).await else {
            continue;
        };
        let fastest = trial.fastest(&variants).await?;
        log::info!("{class}: {} of {}", fastest.name(), variants.len());
        found.set(&class, fastest);
    }
    gpu.add_tuning(found);
    Ok(())
}

impl<'a> Trial<'a> {
    async fn new(gpu: &'a Rc<Gpu>, product: &'a Product) -> Result<Self, DeviceError> {
        let bytes = product.bytes();
        let usage = wgpu::BufferUsages::STORAGE;
        let make = |bytes| gpu.buffer("trial", bytes, usage);
        let (buffers, check) = gpu.guarded("a trial", bytes.iter().sum(), || {
            let [a, b, c] = bytes.map(make);
            Ok::<_, DeviceError>([a?, b?, c?])
        });
        check.await?;
        Ok(Self {
            gpu,
            product,
            buffers: buffers?,
        })
    }

    async fn fastest(&self, variants: &[Variant]) -> Result<Variant, DeviceError> {
        let runs = (FLOPS_PER_SAMPLE / self.product.flops())
            .ceil()
            .clamp(1.0, 100.0);
        let mut best = vec![f64::INFINITY; variants.len()];
        // The first round compiles.
        for round in 0..=SAMPLES {
            for (&variant, best) in variants.iter().zip(&mut best) {
                let start = now();
                self.run(variant, if round == 0 { 1 } else { runs as usize });
                self.gpu.finished().await?;
                if round > 0 {
                    *best = best.min(now() - start);
                }
            }
        }
        let (mut fastest, mut time) = (variants[0], best[0]);
        for (&variant, &best) in variants.iter().zip(&best).skip(1) {
            // The one that ought to be fastest stays unless another is so beyond doubt.
            if best < 0.97 * time {
                (fastest, time) = (variant, best);
            }
        }
        Ok(fastest)
    }

    fn run(&self, variant: Variant, times: usize) {
        let epilogue = Epilogue {
            extra: None,
            function: None,
            operands: [Operand::Input(0), Operand::Input(1), Operand::Output(0)],
        };
        let dispatch = self
            .product
            .dispatch_by(variant, self.gpu.capabilities(), epilogue);
        let pipeline = self.gpu.pipeline(&dispatch);
        let group = self.group(&dispatch, &pipeline);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            let [x, y, z] = dispatch.workgroups;
            for _ in 0..times {
                pass.dispatch_workgroups(x, y, z);
            }
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    fn group(&self, dispatch: &Dispatch, pipeline: &wgpu::ComputePipeline) -> wgpu::BindGroup {
        let uniform = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("trial"),
            size: dispatch.params.len().next_multiple_of(16) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.gpu.queue.write_buffer(&uniform, 0, &dispatch.params);
        let [a, b, c] = &self.buffers;
        let operands = dispatch.operands.iter().map(|operand| match operand {
            Operand::Input(0) => a.as_entire_binding(),
            Operand::Input(_) => b.as_entire_binding(),
            Operand::Output(_) => c.as_entire_binding(),
            _ => self.gpu.unused.as_entire_binding(),
        });
        let entries: Vec<_> = std::iter::once(uniform.as_entire_binding())
            .chain(operands)
            .enumerate()
            .map(|(binding, resource)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource,
            })
            .collect();
        self.gpu
            .device
            .create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("trial"),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            })
    }
}

/// Milliseconds of a clock that only differences are taken of.
#[cfg(not(target_arch = "wasm32"))]
fn now() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64() * 1e3
}

/// The same in a window or a worker.
#[cfg(target_arch = "wasm32")]
fn now() -> f64 {
    use wasm_bindgen::{JsCast, JsValue};
    let get = |object: &JsValue, key: &str| js_sys::Reflect::get(object, &JsValue::from_str(key));
    let performance = get(&js_sys::global(), "performance");
    let time = performance.and_then(|performance| {
        let now: js_sys::Function = get(&performance, "now")?.unchecked_into();
        now.call0(&performance)
    });
    time.ok().and_then(|time| time.as_f64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_survive_as_text_and_garbage_does_not() {
        let text = "nt-7-10-10 tiles-64x64\ntn-1-9-5 tiles-32x32-4\n";
        assert_eq!(Tuning::parse(text).to_string(), text);
        assert!(Tuning::parse("\n{}\n<b>").is_empty());
    }

    #[test]
    fn a_record_is_for_one_adapter() {
        let adapter = |name: &str| AdapterInfo {
            name: name.to_owned(),
            backend: "Vulkan".to_owned(),
            software: false,
        };
        let tuning = Tuning::parse("nt-7-10-10 tiles-64x64");
        let record = tuning.record(&adapter("one"));
        assert_eq!(Tuning::recall(&record, &adapter("one")), Some(tuning));
        assert_eq!(Tuning::recall(&record, &adapter("another")), None);
        assert_eq!(Tuning::recall("", &adapter("one")), None);
    }
}
