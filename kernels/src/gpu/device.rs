//! Opening a device, and what everything on it shares.

use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::adapter::{adapter, describe, has_subgroups};
use super::buffer::{Buffer, Memory};
use super::context::{AdapterInfo, Capabilities, Options, Style};
use super::kernel::{Access, Dispatch, Kernel};
use super::tuning::Tuning;
use crate::control::LocalBoxFuture;
use crate::error::DeviceError;

/// A pipeline is a shader with fixed values of its `override` constants.
type PipelineKey = (&'static str, Vec<(&'static str, u64)>);

/// Hears what trials have found.
type Hear = Box<dyn Fn(&Tuning)>;

#[derive(Default)]
struct OnTrials(RefCell<Option<Hear>>);

impl Debug for OnTrials {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnTrials").finish_non_exhaustive()
    }
}

/// An open GPU device, with its pipelines and a count of its memory.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    info: AdapterInfo,
    capabilities: Capabilities,
    lost: Arc<Mutex<Option<String>>>,
    memory: Arc<Memory>,
    tuning: RefCell<Tuning>,
    on_trials: OnTrials,
    trials: bool,
    modules: RefCell<HashMap<&'static str, wgpu::ShaderModule>>,
    pipelines: RefCell<HashMap<PipelineKey, Rc<wgpu::ComputePipeline>>>,
    pub(super) unused: wgpu::Buffer,
}

impl Gpu {
    /// Opens the device of the best adapter, with all that the adapter offers; if that is
    /// refused, with the limits that every adapter must grant.
    pub async fn new(options: Options) -> Result<Rc<Self>, DeviceError> {
        let adapter = adapter(&options).await?;
        let info = adapter.get_info();
        let open = async |limits: wgpu::Limits| {
            let descriptor = wgpu::DeviceDescriptor {
                label: Some("unmask"),
                required_features: adapter.features() & wgpu::Features::SUBGROUP,
                required_limits: limits,
                memory_hints: wgpu::MemoryHints::MemoryUsage,
                ..Default::default()
            };
            adapter.request_device(&descriptor).await
        };
        let (device, queue) = match open(adapter.limits()).await {
            Ok(opened) => opened,
            Err(_) => {
                open(wgpu::Limits::defaults())
                    .await
                    .map_err(|error| DeviceError::Refused {
                        adapter: info.name.clone(),
                        reason: error.to_string(),
                    })?
            }
        };
        let lost = Arc::new(Mutex::new(None));
        let on_lost = lost.clone();
        device.set_device_lost_callback(move |reason, message| {
            let mut lost = on_lost
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            lost.get_or_insert_with(|| match message.trim() {
                "" => format!("{reason:?}"),
                message => message.to_owned(),
            });
        });
        device.on_uncaptured_error(Arc::new(|error| log::error!("GPU: {error}")));
        let subgroups = !options.no_subgroups && has_subgroups(&device);
        let lanes = info.subgroup_min_size.clamp(4, 64);
        let info = describe(&info, &device);
        let style = options.style.unwrap_or(if info.software {
            Style::Lanes
        } else {
            Style::Tiles
        });
        let limits = device.limits();
        let capabilities = Capabilities {
            style,
            subgroups,
            lanes: if subgroups { lanes } else { 4 },
            max_binding: options
                .max_binding
                .unwrap_or(u64::MAX)
                .min(limits.max_storage_buffer_binding_size),
            max_buffer: limits.max_buffer_size,
        };
        let unused = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("unused"),
            size: 16,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        Ok(Rc::new(Self {
            device,
            queue,
            info,
            capabilities,
            lost,
            memory: Arc::default(),
            tuning: RefCell::new(options.tuning.unwrap_or_default()),
            on_trials: OnTrials::default(),
            trials: options.trials,
            modules: RefCell::default(),
            pipelines: RefCell::default(),
            unused,
        }))
    }

    /// The adapter, in words.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// What the choice of shaders depends on.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What trials have found so far, [`Options::tuning`] included.
    pub fn tuning(&self) -> Ref<'_, Tuning> {
        self.tuning.borrow()
    }

    /// Takes choices that were found before, in place of what is known now.
    pub fn set_tuning(&self, tuning: Tuning) {
        *self.tuning.borrow_mut() = tuning;
    }

    /// Has `hear` told of all choices whenever trials have added some.
    pub fn on_trials(&self, hear: impl Fn(&Tuning) + 'static) {
        *self.on_trials.0.borrow_mut() = Some(Box::new(hear));
    }

    /// Adds what trials have found.
    pub(super) fn add_tuning(&self, found: Tuning) {
        if found.is_empty() {
            return;
        }
        self.tuning.borrow_mut().extend(found);
        if let Some(hear) = &*self.on_trials.0.borrow() {
            hear(&self.tuning());
        }
    }

    /// Whether to measure which shaders are the fastest.
    pub(super) fn runs_trials(&self) -> bool {
        self.trials
    }

    /// Bytes of GPU memory held now.
    pub fn memory_in_use(&self) -> u64 {
        self.memory.now.load(Ordering::Relaxed)
    }

    /// The most bytes of GPU memory held at a time since the device was opened, or since
    /// [`Gpu::forget_peak`].
    pub fn memory_peak(&self) -> u64 {
        self.memory.peak.load(Ordering::Relaxed)
    }

    /// Measures the peak of what comes from now on.
    pub fn forget_peak(&self) {
        self.memory
            .peak
            .store(self.memory_in_use(), Ordering::Relaxed);
    }

    /// Why the device was lost, if it was.
    pub fn lost(&self) -> Option<String> {
        self.lost
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    /// Gives the device back; everything on it is gone and runs fail from now on.
    pub fn destroy(&self) {
        self.device.destroy();
        // wgpu tells of it only later: natively at the next `poll`, in a browser from its event loop.
        self.lost
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .get_or_insert_with(|| "it was given back".to_owned());
    }

    pub(super) fn check_lost(&self) -> Result<(), DeviceError> {
        self.lost()
            .map_or(Ok(()), |reason| Err(DeviceError::Lost(reason)))
    }

    /// Allocates memory, refusing what the adapter's limits cannot hold. The driver may still
    /// have no room: create inside [`Gpu::guarded`] to hear of it.
    pub(super) fn buffer(
        &self,
        label: &str,
        bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<Buffer, DeviceError> {
        let limit = match usage.contains(wgpu::BufferUsages::STORAGE) {
            true => self.capabilities.max_tensor(),
            false => self.capabilities.max_buffer,
        };
        if bytes > limit {
            return Err(DeviceError::TooLarge {
                what: label.to_owned(),
                bytes,
                limit,
            });
        }
        // Whole vectors: shaders that read by vec4 must reach the last elements too.
        let size = bytes.next_multiple_of(16).max(16);
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        };
        Ok(Buffer::new(
            self.device.create_buffer(&descriptor),
            self.memory.clone(),
        ))
    }

    /// Runs `create`, and returns its result with a future that tells whether the driver took it.
    /// The error scopes close before this returns, so several may be pending at once.
    pub(super) fn guarded<T>(
        &self,
        what: &str,
        bytes: u64,
        create: impl FnOnce() -> T,
    ) -> (T, LocalBoxFuture<'static, Result<(), DeviceError>>) {
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let created = create();
        let memory = memory.pop();
        let validation = validation.pop();
        let what = what.to_owned();
        let check = async move {
            if memory.await.is_some() {
                return Err(DeviceError::OutOfMemory { what, bytes });
            }
            match validation.await {
                Some(error) => Err(DeviceError::Rejected {
                    what,
                    message: error.to_string(),
                }),
                None => Ok(()),
            }
        };
        (created, Box::pin(check))
    }

    /// The pipeline of a dispatch, compiled at its first use.
    pub(super) fn pipeline(&self, dispatch: &Dispatch) -> Rc<wgpu::ComputePipeline> {
        let kernel = dispatch.kernel;
        let constants = dispatch
            .constants
            .iter()
            .map(|&(n, v)| (n, v.to_bits()))
            .collect();
        let key = (kernel.name, constants);
        if let Some(pipeline) = self.pipelines.borrow().get(&key) {
            return pipeline.clone();
        }
        let module = self.module(kernel);
        let layout = self.layout(kernel);
        let pipeline = self
            .device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.name),
                layout: Some(&layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &dispatch.constants,
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
        let pipeline = Rc::new(pipeline);
        self.pipelines.borrow_mut().insert(key, pipeline.clone());
        pipeline
    }

    fn module(&self, kernel: &Kernel) -> wgpu::ShaderModule {
        let mut modules = self.modules.borrow_mut();
        let create = || {
            self.device
                .create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some(kernel.name),
                    source: wgpu::ShaderSource::Wgsl(kernel.wgsl().into()),
                })
        };
        modules.entry(kernel.name).or_insert_with(create).clone()
    }

    /// The explicit layout: one that is derived from a shader leaves out bindings that its
    /// `override` constants make dead, and would differ between variants.
    fn layout(&self, kernel: &Kernel) -> wgpu::PipelineLayout {
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
        let group = self
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(kernel.name),
                entries: &entries,
            });
        self.device
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(kernel.name),
                bind_group_layouts: &[Some(&group)],
                immediate_size: 0,
            })
    }

    /// Resolves when the GPU has finished what was submitted so far.
    pub(super) async fn finished(&self) -> Result<(), DeviceError> {
        let (signal, wait) = super::signal::signal();
        self.queue
            .on_submitted_work_done(move || signal.done(Ok(())));
        self.wait_natively();
        wait.await.ok();
        self.check_lost()
    }

    /// The bytes of a buffer that can be mapped, once the GPU has written them.
    pub(super) async fn map(&self, buffer: &Buffer) -> Result<Vec<u8>, DeviceError> {
        let (signal, wait) = super::signal::signal();
        buffer
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |result| signal.done(result));
        self.wait_natively();
        let failed = |message: String| match self.lost() {
            Some(reason) => DeviceError::Lost(reason),
            None => DeviceError::Rejected {
                what: "read-back".to_owned(),
                message,
            },
        };
        wait.await.map_err(|e| failed(e.to_string()))?;
        let range = buffer.slice(..).get_mapped_range();
        Ok(range.map_err(|e| failed(e.to_string()))?.to_vec())
    }

    /// Natively, callbacks run inside `poll`; in a browser, from its event loop.
    pub(super) fn wait_natively(&self) {
        #[cfg(not(target_arch = "wasm32"))]
        if let Err(error) = self.device.poll(wgpu::PollType::wait_indefinitely()) {
            log::error!("waiting for the GPU: {error}");
        }
    }
}
