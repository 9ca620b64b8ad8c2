//! Whether the lanes of a quad are the threads that shaders take them for. WebGPU promises no order
//! of the threads in a subgroup; all that is known of keep the one of their indices. Elsewhere shaders
//! that hand values around in a quad would compute wrong without a word.

use super::faults::Rewrite;
use super::signal::signal;

/// Threads of the probe: more than a subgroup of any device.
const GROUPS: u32 = 4;

/// What a device's subgroups are like.
pub(super) enum Order {
    /// It has none, or is to do without.
    Unknown,
    /// Lane i of a quad is thread i of four with neighbouring indices.
    AsIndexed {
        /// Whether WGSL must begin with `enable subgroups;`.
        directive: bool,
    },
    /// Another order, or the probe could not be run.
    Other {
        /// A sentence.
        why: String,
    },
}

/// Every thread writes the indices of the four threads of its quad.
const WGSL: &str = "
override WG: u32 = 32u;
@group(0) @binding(0) var<storage, read_write> found: array<vec4u>;
@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u) {
    found[group.x * WG + i] = vec4u(
        quadBroadcast(i, 0u), quadBroadcast(i, 1u), quadBroadcast(i, 2u), quadBroadcast(i, 3u),
    );
}
";

/// Finds out, with workgroups of `lanes` threads as shaders have them.
pub(super) async fn probe(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    lanes: u32,
    rewrite: Option<Rewrite>,
) -> Order {
    let mut message = String::new();
    // Browsers want the directive; naga has subgroups and does not know it.
    for directive in [true, false] {
        let mut wgsl = WGSL.to_owned();
        if directive {
            wgsl.insert_str(0, "enable subgroups;");
        }
        if let Some(rewrite) = rewrite {
            wgsl = rewrite("lane order", wgsl);
        }
        match run(device, queue, lanes, wgsl).await {
            Ok(found) if is_as_indexed(&found, lanes) => return Order::AsIndexed { directive },
            Ok(_) => {
                let why = "The lanes of its subgroups are not in the order of their threads.";
                return Order::Other {
                    why: why.to_owned(),
                };
            }
            Err(error) => message = error,
        }
    }
    let why = format!("Its subgroups could not be tried: {message}");
    Order::Other { why }
}

fn is_as_indexed(found: &[u32], lanes: u32) -> bool {
    let expected = |place: usize| {
        let (thread, lane) = (place as u32 / 4 % lanes, place as u32 % 4);
        thread - thread % 4 + lane
    };
    let mut found = found.iter().enumerate();
    found.all(|(place, &thread)| thread == expected(place))
}

async fn run(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    lanes: u32,
    wgsl: String,
) -> Result<Vec<u32>, String> {
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("lane order"),
        source: wgpu::ShaderSource::Wgsl(wgsl.into()),
    });
    if let Some(error) = scope.pop().await {
        return Err(error.to_string());
    }
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("lane order"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &[("WG", f64::from(lanes))],
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    });
    let size = u64::from(GROUPS * lanes) * 16;
    let buffer = |usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("lane order"),
            size,
            usage,
            mapped_at_creation: false,
        })
    };
    let found = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let read = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("lane order"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry {
            binding: 0,
            resource: found.as_entire_binding(),
        }],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(GROUPS, 1, 1);
    }
    encoder.copy_buffer_to_buffer(&found, 0, &read, 0, size);
    queue.submit([encoder.finish()]);
    if let Some(error) = scope.pop().await {
        return Err(error.to_string());
    }
    let (signal, wait) = signal();
    let told = move |result| signal.done(result);
    read.slice(..).map_async(wgpu::MapMode::Read, told);
    #[cfg(not(target_arch = "wasm32"))]
    device
        .poll(wgpu::PollType::wait_indefinitely())
        .map_err(|error| error.to_string())?;
    wait.await.map_err(|error| error.to_string())?;
    let bytes = read.slice(..).get_mapped_range();
    let bytes = bytes.map_err(|error| error.to_string())?;
    let numbers = bytemuck::pod_collect_to_vec(&bytes);
    drop(bytes);
    found.destroy();
    read.destroy();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::is_as_indexed;

    #[test]
    fn an_order_is_told_from_another() {
        let indexed: Vec<u32> = (0..2)
            .flat_map(|_| (0..8).flat_map(|i| [0, 1, 2, 3].map(|lane| i / 4 * 4 + lane)))
            .collect();
        assert!(is_as_indexed(&indexed, 8));
        let mut strided = indexed.clone();
        strided.swap(1, 5);
        strided[0] = 2;
        assert!(!is_as_indexed(&strided, 8));
    }
}
