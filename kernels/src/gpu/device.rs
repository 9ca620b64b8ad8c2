//! Opening a device, and what everything on it shares.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::adapter::{adapter, describe, has_subgroups};
use super::arena::Arena;
use super::buffer::{Buffer, Memory};
use super::choosing::Choosing;
use super::clock::now;
use super::faults::{Faults, Injected};
use super::lanes;
use super::options::Options;
use super::pipelines::Pipelines;
use super::profile::Profile;
use super::signal::Wait;
use super::submit::Submissions;
use crate::control::LocalBoxFuture;
use crate::error::DeviceError;
use crate::shader::{AdapterInfo, Capabilities, Style};

/// What is asked of an adapter that has it.
const WANTED: wgpu::Features = wgpu::Features::SUBGROUP.union(wgpu::Features::TIMESTAMP_QUERY);

/// What is left out where a device does without subgroups that it has.
pub(crate) const SUBGROUPS: &str = "subgroups";

/// An open GPU device, with its pipelines and a count of its memory.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    info: AdapterInfo,
    lost: Arc<Mutex<Option<String>>>,
    memory: Arc<Memory>,
    pub(super) choosing: Choosing,
    pub(super) pipelines: Pipelines,
    pub(super) submissions: Submissions,
    pub(super) arena: RefCell<Arena>,
    pub(super) profile: RefCell<Option<Profile>>,
    pub(super) injected: RefCell<Injected>,
    /// Held by the run under way.
    pub(super) turn: async_lock::Mutex<()>,
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
                required_features: adapter.features() & WANTED,
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
        let lanes = info.subgroup_min_size.clamp(4, 64);
        let info = describe(&info, &device);
        let submissions = Submissions::new(info.software);
        let said = submissions.uncaptured.clone();
        device.on_uncaptured_error(Arc::new(move |error| {
            log::error!("GPU: {error}");
            let mut said = said.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            said.get_or_insert_with(|| error.to_string());
        }));
        let rewrite = options.faults.shader;
        let subgroups = !options.no_subgroups && has_subgroups(&device);
        let order = match subgroups {
            true => lanes::probe(&device, &queue, lanes, rewrite).await,
            false => lanes::Order::Unknown,
        };
        let style = options.style.unwrap_or(if info.software {
            Style::Lanes
        } else {
            Style::Tiles
        });
        let limits = device.limits();
        let subgroups = matches!(order, lanes::Order::AsIndexed { .. });
        let capabilities = Capabilities {
            style,
            subgroups,
            lanes: if subgroups { lanes } else { 4 },
            left_out: BTreeSet::new(),
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
        let choosing = Choosing::new(capabilities, options.tuning.unwrap_or_default());
        if let lanes::Order::Other { why } = &order {
            choosing.note_left_out(SUBGROUPS, why.clone());
        }
        let directive = matches!(order, lanes::Order::AsIndexed { directive: true });
        let pipelines = Pipelines::new(directive, rewrite);
        let gpu = Self {
            device,
            queue,
            info,
            lost,
            memory: Arc::default(),
            choosing,
            pipelines,
            submissions,
            arena: RefCell::default(),
            profile: RefCell::default(),
            injected: RefCell::new(Injected::new(options.faults)),
            turn: async_lock::Mutex::new(()),
            unused,
        };
        // How late one hears of the end of a submission; the first may wait for other things.
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let begun = now();
            gpu.queue.submit([]);
            gpu.finished().await?;
            least = least.min(now() - begun);
            gpu.submissions.pace.set_latency(least);
        }
        Ok(Rc::new(gpu))
    }

    /// Puts faults in, in place of those before; submissions are counted from now on. The shaders
    /// of a device are rewritten only by what [`Options::faults`] said when it was opened.
    pub fn inject(&self, faults: Faults) {
        *self.injected.borrow_mut() = Injected::new(faults);
    }

    /// The adapter, in words.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
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
            true => self.capabilities().max_tensor(),
            false => self.capabilities().max_buffer,
        };
        if bytes > limit {
            return Err(DeviceError::TooLarge {
                what: label.to_owned(),
                bytes,
                limit,
            });
        }
        let size = Buffer::rounded(bytes);
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

    /// Resolves when the GPU has finished what was submitted so far.
    pub(super) async fn finished(&self) -> Result<(), DeviceError> {
        let (signal, wait) = super::signal::signal();
        self.queue.on_submitted_work_done(move || signal.done(()));
        self.wait_natively();
        self.hear(wait).await;
        self.check_lost()
    }

    /// The bytes of a buffer that can be mapped, once the GPU has written them.
    pub(super) async fn map(&self, buffer: &Buffer) -> Result<Vec<u8>, DeviceError> {
        let (signal, wait) = super::signal::signal();
        buffer
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |result| signal.done(result));
        self.wait_natively();
        let mapped = self.hear(wait).await;
        mapped.map_err(|error| self.unreadable(&error))?;
        let range = buffer.slice(..).get_mapped_range();
        Ok(range.map_err(|error| self.unreadable(&error))?.to_vec())
    }

    /// Why a read-back failed: the device may be gone, which the driver does not say there.
    pub(super) fn unreadable(&self, error: &dyn std::error::Error) -> DeviceError {
        match self.lost() {
            Some(reason) => DeviceError::Lost(reason),
            None => DeviceError::Rejected {
                what: "read-back".to_owned(),
                message: error.to_string(),
            },
        }
    }

    /// Waits for what a callback tells. Firefox looks for what the GPU has done every 100 ms, or when
    /// something is submitted: there nothing is, until the news come (Mozilla bug 1870699).
    pub(super) async fn hear<T>(&self, wait: Wait<T>) -> T {
        #[cfg(target_arch = "wasm32")]
        while self.submissions.pace.nudges() && !wait.is_done() {
            self.queue.submit([]);
            super::clock::pause().await;
        }
        wait.await
    }

    /// Natively, callbacks run inside `poll`; in a browser, from its event loop.
    pub(super) fn wait_natively(&self) {
        #[cfg(not(target_arch = "wasm32"))]
        if let Err(error) = self.device.poll(wgpu::PollType::wait_indefinitely()) {
            log::error!("waiting for the GPU: {error}");
        }
    }
}
