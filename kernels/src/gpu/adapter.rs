//! Finding an adapter, and what it says of itself.

use super::options::Options;
use crate::error::DeviceError;
use crate::shader::AdapterInfo;

/// The adapter that was asked for, or the best.
pub(super) async fn adapter(options: &Options) -> Result<wgpu::Adapter, DeviceError> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    if let Some(name) = &options.adapter {
        let wanted = name.to_lowercase();
        let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
        let names: Vec<String> = adapters.iter().map(|a| a.get_info().name).collect();
        return adapters
            .into_iter()
            .find(|a| a.get_info().name.to_lowercase().contains(&wanted))
            .ok_or_else(|| DeviceError::NoAdapter(format!("none of {names:?} is `{name}`")));
    }
    let request = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    instance
        .request_adapter(&request)
        .await
        .map_err(|e| DeviceError::NoAdapter(e.to_string()))
}

/// Whether shaders on the device may use subgroups.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn has_subgroups(device: &wgpu::Device) -> bool {
    device.features().contains(wgpu::Features::SUBGROUP)
}

/// wgpu does not tell of a browser's subgroups; `worker.js` asks for them beside it.
#[cfg(target_arch = "wasm32")]
pub(super) fn has_subgroups(device: &wgpu::Device) -> bool {
    device
        .as_webgpu()
        .is_some_and(|device| device.features().has("subgroups"))
}

/// The adapter, in words.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn describe(info: &wgpu::AdapterInfo, _device: &wgpu::Device) -> AdapterInfo {
    AdapterInfo {
        name: info.name.clone(),
        backend: format!("{:?}", info.backend),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
        software: info.device_type == wgpu::DeviceType::Cpu,
    }
}

/// In a browser wgpu's name is mostly empty; vendor and architecture tell more.
#[cfg(target_arch = "wasm32")]
pub(super) fn describe(info: &wgpu::AdapterInfo, device: &wgpu::Device) -> AdapterInfo {
    use wasm_bindgen::JsValue;
    let get = |object: &JsValue, key: &str| {
        js_sys::Reflect::get(object, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
    };
    let adapter = device
        .as_webgpu()
        .map_or(JsValue::UNDEFINED, |d| get(d.as_ref(), "adapterInfo"));
    let text = |key: &str| get(&adapter, key).as_string().unwrap_or_default();
    let (vendor, architecture) = (text("vendor"), text("architecture"));
    let name = match info.name.trim() {
        "" => format!("{vendor} {architecture}").trim().to_owned(),
        name => name.to_owned(),
    };
    let known = ["swiftshader", "llvmpipe", "lavapipe", "warp"];
    let lower = format!("{name} {architecture}").to_lowercase();
    AdapterInfo {
        name: if name.is_empty() {
            "unnamed adapter".to_owned()
        } else {
            name
        },
        backend: "WebGPU".to_owned(),
        driver: user_agent(),
        software: info.device_type == wgpu::DeviceType::Cpu
            || known.iter().any(|k| lower.contains(k)),
    }
}

/// A browser's own name for itself, which has its version.
#[cfg(target_arch = "wasm32")]
fn user_agent() -> String {
    use wasm_bindgen::JsValue;
    let get = |object: &JsValue, key: &str| {
        js_sys::Reflect::get(object, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
    };
    let navigator = get(&js_sys::global(), "navigator");
    get(&navigator, "userAgent").as_string().unwrap_or_default()
}
