//! Compiling ahead in a browser. wgpu makes pipelines at once: Chromium then compiles in the middle of
//! the GPU process's other work, and whatever is submitted next waits. The same descriptor given to
//! `createComputePipelineAsync` before is compiled beside; Chromium finds that one again when wgpu asks
//! for an equal one. Other browsers would compile twice, so it is done in Chromium only.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::pipelines::Key;
use crate::shader::{Access, Kernel};

/// `GPUShaderStage.COMPUTE`
const COMPUTE: u32 = 4;

/// The pipelines that were asked for and are not made yet.
#[derive(Default)]
pub(super) struct Ahead(RefCell<HashMap<Key, JsFuture>>);

/// Keeps what was compiled ahead until wgpu has asked for the same.
pub(super) struct Kept(#[allow(dead_code)] Vec<JsValue>);

impl Ahead {
    /// Whether this browser finds a pipeline again that was compiled before.
    pub fn helps() -> bool {
        let navigator = get(&js_sys::global(), "navigator");
        let agent = get(&navigator, "userAgent").as_string().unwrap_or_default();
        agent.contains("Chrome/")
    }

    pub fn has(&self, key: &Key) -> bool {
        self.0.borrow().contains_key(key)
    }

    /// Asks for a pipeline. Where that cannot even be asked for, it is left to wgpu.
    pub fn ask(
        &self,
        device: &wgpu::Device,
        kernel: &Kernel,
        wgsl: &str,
        constants: &[(&'static str, f64)],
        key: Key,
    ) {
        let Some(device) = device.as_webgpu() else {
            return;
        };
        if let Ok(promise) = ask(device.as_ref(), kernel, wgsl, constants) {
            self.0.borrow_mut().insert(key, JsFuture::from(promise));
        }
    }

    /// Waits for those of these that were asked for. What went wrong shows when wgpu asks again.
    pub async fn wait(&self, keys: &[Key]) -> Kept {
        let mut kept = Vec::new();
        for key in keys {
            let asked = self.0.borrow_mut().remove(key);
            if let Some(asked) = asked {
                kept.extend(asked.await);
            }
        }
        Kept(kept)
    }
}

fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (key, value) in fields {
        // A fresh object takes any field.
        let _ = Reflect::set(&object, &JsValue::from_str(key), value);
    }
    object.into()
}

fn call(device: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let method: Function = get(device, method).dyn_into()?;
    method.call1(device, argument)
}

/// The descriptor is the one that wgpu makes.
fn ask(
    device: &JsValue,
    kernel: &Kernel,
    wgsl: &str,
    constants: &[(&'static str, f64)],
) -> Result<js_sys::Promise, JsValue> {
    let entry = |binding: usize, ty: &str| {
        let buffer = object(&[("type", ty.into())]);
        object(&[
            ("binding", (binding as u32).into()),
            ("visibility", COMPUTE.into()),
            ("buffer", buffer),
        ])
    };
    let entries = Array::of1(&entry(0, "uniform"));
    for (i, access) in kernel.bindings.iter().enumerate() {
        let ty = match access {
            Access::Read => "read-only-storage",
            Access::Write => "storage",
        };
        entries.push(&entry(i + 1, ty));
    }
    let group = object(&[("entries", entries.into())]);
    let group = call(device, "createBindGroupLayout", &group)?;
    let layout = object(&[("bindGroupLayouts", Array::of1(&group).into())]);
    let layout = call(device, "createPipelineLayout", &layout)?;
    let module = object(&[("code", wgsl.into())]);
    let module = call(device, "createShaderModule", &module)?;
    let values: Vec<(&str, JsValue)> = constants.iter().map(|&(n, v)| (n, v.into())).collect();
    let compute = object(&[
        ("module", module),
        ("entryPoint", "main".into()),
        ("constants", object(&values)),
    ]);
    let descriptor = object(&[("layout", layout), ("compute", compute)]);
    call(device, "createComputePipelineAsync", &descriptor)?.dyn_into()
}
