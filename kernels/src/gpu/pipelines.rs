//! Shaders as pipelines: each compiled once, inside an error scope; natively side by side, in a browser
//! that can beside other work.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use async_lock::OnceCell;

#[cfg(target_arch = "wasm32")]
use super::ahead::Ahead;
use super::faults::Rewrite;
use crate::control::LocalBoxFuture;
use crate::shader::{Access, Dispatch, Kernel};

/// A pipeline is a shader with fixed values of its `override` constants.
pub(super) type Key = (&'static str, Vec<(&'static str, u64)>);

/// What a driver said against a shader; `None` if it took it.
type Verdict = Option<String>;

struct Entry {
    pipeline: wgpu::ComputePipeline,
    /// Tells the verdict; taken by whoever asks first.
    check: RefCell<Option<LocalBoxFuture<'static, Verdict>>>,
    verdict: OnceCell<Verdict>,
}

/// A shader that the driver does not take.
#[derive(Clone, Debug)]
pub(super) struct Unusable {
    pub kernel: &'static Kernel,
    /// The driver's words.
    pub message: String,
}

/// The pipelines of a device.
pub(super) struct Pipelines {
    entries: RefCell<HashMap<Key, Rc<Entry>>>,
    modules: RefCell<HashMap<&'static str, wgpu::ShaderModule>>,
    #[cfg(target_arch = "wasm32")]
    ahead: Ahead,
    /// Whether WGSL must say that it uses subgroups: browsers want it, naga does not know it yet.
    subgroups_directive: bool,
    /// Gives the driver something else than a shader's WGSL, in tests.
    rewrite: Option<Rewrite>,
}

impl std::fmt::Debug for Pipelines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pipelines").finish_non_exhaustive()
    }
}

/// A shader to compile, with its sets of constants.
struct Job {
    kernel: &'static Kernel,
    /// Its text as the driver has read it, if it has.
    module: Option<wgpu::ShaderModule>,
    wgsl: String,
    constants: Vec<Vec<(&'static str, f64)>>,
}

fn key(kernel: &Kernel, constants: &[(&'static str, f64)]) -> Key {
    let constants = constants.iter().map(|&(n, v)| (n, v.to_bits())).collect();
    (kernel.name, constants)
}

fn key_of(dispatch: &Dispatch) -> Key {
    key(dispatch.kernel, &dispatch.constants)
}

impl Pipelines {
    /// None yet. Shaders that use subgroups say so where `subgroups_directive` asks for it; `rewrite`
    /// is a fault of [`Faults`](super::Faults).
    pub fn new(subgroups_directive: bool, rewrite: Option<Rewrite>) -> Self {
        Self {
            entries: RefCell::default(),
            modules: RefCell::default(),
            #[cfg(target_arch = "wasm32")]
            ahead: Ahead::default(),
            subgroups_directive,
            rewrite,
        }
    }

    /// Compiles what is not there yet. Returns the pipelines in the order of the dispatches.
    ///
    /// # Errors
    /// The first shader that the driver does not take.
    pub async fn compile(
        &self,
        device: &wgpu::Device,
        dispatches: &[Dispatch],
    ) -> Result<Vec<wgpu::ComputePipeline>, Unusable> {
        #[cfg(target_arch = "wasm32")]
        let _kept = {
            self.start(device, dispatches);
            let keys: Vec<Key> = dispatches.iter().map(key_of).collect();
            self.ahead.wait(&keys).await
        };
        self.make(device, dispatches);
        let mut made = Vec::with_capacity(dispatches.len());
        for dispatch in dispatches {
            let entry = self.entries.borrow().get(&key_of(dispatch)).cloned();
            let Some(entry) = entry else {
                unreachable!("started above, and entries are never removed")
            };
            let ask = || async {
                let check = entry.check.borrow_mut().take();
                match check {
                    Some(check) => check.await,
                    None => None,
                }
            };
            if let Some(message) = entry.verdict.get_or_init(ask).await {
                return Err(Unusable {
                    kernel: dispatch.kernel,
                    message: message.clone(),
                });
            }
            made.push(entry.pipeline.clone());
        }
        Ok(made)
    }

    /// Asks for pipelines without waiting for them.
    pub fn start(&self, device: &wgpu::Device, dispatches: &[Dispatch]) {
        #[cfg(target_arch = "wasm32")]
        if Ahead::helps() {
            for job in self.jobs(dispatches) {
                for constants in &job.constants {
                    let key = key(job.kernel, constants);
                    if !self.ahead.has(&key) {
                        let Job { kernel, wgsl, .. } = &job;
                        self.ahead.ask(device, kernel, wgsl, constants, key);
                    }
                }
            }
            return;
        }
        self.make(device, dispatches);
    }

    /// What is not made yet.
    fn jobs(&self, dispatches: &[Dispatch]) -> Vec<Job> {
        let entries = self.entries.borrow();
        let mut jobs: Vec<Job> = Vec::new();
        let mut asked: Vec<Key> = Vec::new();
        for dispatch in dispatches {
            let key = key_of(dispatch);
            if entries.contains_key(&key) || asked.contains(&key) {
                continue;
            }
            asked.push(key);
            let kernel = dispatch.kernel;
            let constants = dispatch.constants.clone();
            match jobs.iter_mut().find(|job| job.kernel.name == kernel.name) {
                Some(job) => job.constants.push(constants),
                None => jobs.push(Job {
                    kernel,
                    module: self.modules.borrow().get(kernel.name).cloned(),
                    wgsl: self.wgsl(kernel),
                    constants: vec![constants],
                }),
            }
        }
        jobs
    }

    /// Makes what is not made yet; what the driver says of it comes later.
    fn make(&self, device: &wgpu::Device, dispatches: &[Dispatch]) {
        let jobs = self.jobs(dispatches);
        for (job, (module, made)) in jobs.iter().zip(compile_all(device, &jobs)) {
            self.modules.borrow_mut().insert(job.kernel.name, module);
            for made in made {
                let entry = Entry {
                    pipeline: made.pipeline,
                    check: RefCell::new(Some(made.check)),
                    verdict: OnceCell::new(),
                };
                let key = key(job.kernel, &made.constants);
                self.entries.borrow_mut().insert(key, Rc::new(entry));
            }
        }
    }

    /// What the driver gets.
    fn wgsl(&self, kernel: &Kernel) -> String {
        let mut wgsl = kernel.wgsl();
        if self.subgroups_directive && kernel.needs_subgroups() {
            wgsl.insert_str(0, "enable subgroups;\n");
        }
        match self.rewrite {
            Some(rewrite) => rewrite(kernel.name, wgsl),
            None => wgsl,
        }
    }
}

/// A pipeline with the constants that it was asked for with, and what the driver says of it.
struct Made {
    constants: Vec<(&'static str, f64)>,
    pipeline: wgpu::ComputePipeline,
    check: LocalBoxFuture<'static, Verdict>,
}

/// Compiles a shader with each set of its constants.
fn compile(device: &wgpu::Device, job: &Job) -> (wgpu::ShaderModule, Vec<Made>) {
    let scope = || device.push_error_scope(wgpu::ErrorFilter::Validation);
    let words = |error: Option<wgpu::Error>| error.map(|error| error.to_string());
    let name = Some(job.kernel.name);
    let mut read: Option<LocalBoxFuture<'static, Option<wgpu::Error>>> = None;
    let module = job.module.clone().unwrap_or_else(|| {
        let validation = scope();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: name,
            source: wgpu::ShaderSource::Wgsl(job.wgsl.as_str().into()),
        });
        read = Some(Box::pin(validation.pop()));
        module
    });
    let layout = layout(device, job.kernel);
    let mut made = Vec::with_capacity(job.constants.len());
    for constants in &job.constants {
        let validation = scope();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: name,
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        let (read, built) = (read.take(), validation.pop());
        let check = Box::pin(async move {
            // What is wrong with the text says more than that there is no shader to build.
            let misread = match read {
                Some(read) => words(read.await),
                None => None,
            };
            let unbuilt = words(built.await);
            misread.or(unbuilt)
        });
        made.push(Made {
            constants: constants.clone(),
            pipeline,
            check,
        });
    }
    (module, made)
}

/// On the machine's cores, since a native driver compiles while it is called.
#[cfg(not(target_arch = "wasm32"))]
fn compile_all(device: &wgpu::Device, jobs: &[Job]) -> Vec<(wgpu::ShaderModule, Vec<Made>)> {
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    // Natively the verdict is there at once.
    let verdict = |mut made: Made| match made
        .check
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(verdict) => (made.constants, made.pipeline, verdict),
        Poll::Pending => (made.constants, made.pipeline, None),
    };
    let next = Mutex::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        loop {
            let place = {
                let mut next = next.lock().unwrap_or_else(|broken| broken.into_inner());
                *next += 1;
                *next - 1
            };
            let Some(job) = jobs.get(place) else { break };
            let (module, made) = compile(device, job);
            let made: Vec<_> = made.into_iter().map(verdict).collect();
            let mut done = done.lock().unwrap_or_else(|broken| broken.into_inner());
            done.push((place, module, made));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match cores.min(jobs.len()) {
        0 | 1 => work(),
        threads => std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        }),
    }
    let mut done = done
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner());
    done.sort_by_key(|(place, ..)| *place);
    let known = |(constants, pipeline, verdict)| Made {
        constants,
        pipeline,
        check: Box::pin(async move { verdict }),
    };
    done.into_iter()
        .map(|(_, module, made)| (module, made.into_iter().map(known).collect()))
        .collect()
}

/// A browser tells later.
#[cfg(target_arch = "wasm32")]
fn compile_all(device: &wgpu::Device, jobs: &[Job]) -> Vec<(wgpu::ShaderModule, Vec<Made>)> {
    jobs.iter().map(|job| compile(device, job)).collect()
}

/// The explicit layout: one that is derived from a shader leaves out bindings that its `override`
/// constants make dead, and would differ between variants.
fn layout(device: &wgpu::Device, kernel: &Kernel) -> wgpu::PipelineLayout {
    let entry = |binding: usize, ty| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
    entries.extend(kernel.bindings.iter().enumerate().map(|(i, &access)| {
        let read_only = access == Access::Read;
        entry(i + 1, wgpu::BufferBindingType::Storage { read_only })
    }));
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(kernel.name),
        entries: &entries,
    });
    device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(kernel.name),
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    })
}
