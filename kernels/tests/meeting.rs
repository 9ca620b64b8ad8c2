//! Plans and parameters that do not fit are refused in words, by every executor alike.

use kernels::gpu::{Gpu, Options};
use kernels::ops::AdamW;
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, RunError, Storage,
    Tensor, TensorType, Value,
};

fn gpu() -> Device {
    let gpu = pollster::block_on(Gpu::new(Options::default()));
    Device::Gpu(gpu.expect("a Vulkan adapter: Debian's mesa-vulkan-drivers has a software one"))
}

fn devices() -> Vec<Device> {
    vec![
        Device::Cpu(Precision::F32),
        Device::Cpu(Precision::F64),
        gpu(),
    ]
}

fn spec(name: &str, shape: [usize; 2], storage: Storage) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        shape: shape.into(),
        storage,
    }
}

fn params(device: &Device, specs: &[ParamSpec]) -> Params {
    let (params, ready) = Params::new(device, specs).expect("memory");
    pollster::block_on(ready).expect("memory");
    params
}

/// What every executor says of a plan; they must agree.
fn verdict(plan: &Plan, specs: &[ParamSpec]) -> Result<(), RunError> {
    let verdicts: Vec<_> = devices()
        .iter()
        .map(|device| {
            let params = params(device, specs);
            pollster::block_on(Executable::new(device, plan.clone(), &params)).map(drop)
        })
        .collect();
    assert!(verdicts.iter().all(|v| *v == verdicts[0]), "{verdicts:?}");
    verdicts[0].clone()
}

/// A graph that reads `p` `[4, 4]` by one operation.
fn reads(record: impl FnOnce(&mut Graph, Value, Value) -> Value) -> Plan {
    let mut g = Graph::new();
    let x = g.input("x", TensorType::real([4, 4]));
    let p = g.param("p", [4, 4]).expect("new");
    let out = record(&mut g, x, p);
    Plan::new(&g, &[out])
}

#[test]
fn f16_is_read_only_by_what_can() {
    let halves = [spec("p", [4, 4], Storage::F16)];
    let can = [
        reads(|g, x, p| g.linear(x, p, None).expect("it fits")),
        reads(|g, x, p| g.matmul(x, p, false).expect("it fits")),
        reads(|g, _, p| g.copy(p).expect("it fits")),
    ];
    for plan in can {
        assert_eq!(verdict(&plan, &halves), Ok(()));
    }
    let cannot = [
        reads(|g, x, p| g.linear(p, x, None).expect("it fits")),
        reads(|g, x, p| g.matmul(p, x, false).expect("it fits")),
        reads(|g, x, p| g.add(x, p).expect("it fits")),
        reads(|g, _, p| g.softmax(p).expect("it fits")),
    ];
    let whole = [spec("p", [4, 4], Storage::F32)];
    for plan in cannot {
        assert_eq!(verdict(&plan, &whole), Ok(()));
        let error = verdict(&plan, &halves).expect_err("f16 is read as f32");
        let words = error.to_string();
        assert!(matches!(error, RunError::Param { .. }), "{words}");
        assert!(words.contains("parameter `p` rests in f16"), "{words}");
    }
}

#[test]
fn a_parameter_that_is_not_what_the_plan_reads_is_refused() {
    let plan = reads(|g, x, p| g.linear(x, p, None).expect("it fits"));
    let missing = verdict(&plan, &[spec("q", [4, 4], Storage::F32)]);
    assert_eq!(missing, Err(RunError::MissingParam("p".to_owned())));
    for shape in [[3, 4], [4, 5], [2, 8]] {
        let error = verdict(&plan, &[spec("p", shape, Storage::F32)]).expect_err("another shape");
        let words = error.to_string();
        assert!(words.contains(&format!("{shape:?}")), "{words}");
        assert!(words.contains("the plan needs [4, 4]"), "{words}");
    }
}

#[test]
fn a_value_is_stored_only_where_it_fits() {
    let mut g = Graph::new();
    let x = g.input("x", TensorType::real([4, 4]));
    let y = g.softmax(x).expect("it fits");
    let plan = Plan::with_stores(&g, &[], &[(y, "p".to_owned())]);
    assert_eq!(verdict(&plan, &[spec("p", [4, 4], Storage::F32)]), Ok(()));
    for wrong in [
        spec("p", [4, 3], Storage::F32),
        spec("p", [4, 4], Storage::F16),
    ] {
        let error = verdict(&plan, &[wrong]).expect_err("it does not fit");
        assert!(matches!(error, RunError::Param { .. }), "{error}");
    }
    let missing = verdict(&plan, &[]);
    assert_eq!(missing, Err(RunError::MissingParam("p".to_owned())));
}

#[test]
fn parameters_of_another_device_are_refused() {
    let plan = reads(|g, x, p| g.linear(x, p, None).expect("it fits"));
    let specs = [spec("p", [4, 4], Storage::F32)];
    let mut devices = devices();
    // Another GPU, though maybe the same adapter.
    devices.push(gpu());
    for (i, here) in devices.iter().enumerate() {
        let mine = params(here, &specs);
        for (j, there) in devices.iter().enumerate() {
            let made = pollster::block_on(Executable::new(there, plan.clone(), &mine));
            match i == j {
                true => assert!(made.is_ok(), "{here:?}"),
                false => assert_eq!(made.map(drop), Err(RunError::OtherDevice), "{i}, {j}"),
            }
        }
    }
    // Nor does a prepared plan run with them.
    let (mut here, mut there) = (params(&devices[0], &specs), params(&devices[1], &specs));
    let executable = Executable::new(&devices[0], plan.clone(), &here);
    let mut executable = pollster::block_on(executable).expect("they fit");
    let control = Control::default();
    let mut run = |params: &mut Params| {
        let (x, _) = plan.inputs().next().expect("x");
        let inputs = vec![(x, Tensor::F32(vec![1.0; 16]))];
        pollster::block_on(executable.run(params, inputs, &control)).map(drop)
    };
    assert_eq!(run(&mut there), Err(RunError::OtherDevice));
    assert_eq!(run(&mut here), Ok(()));
}

/// Gradients that lie in more buffers than the norm has partial sums for at 64 each.
#[test]
fn a_norm_over_many_buffers_is_whole() {
    let count = 70;
    for device in devices() {
        let mut g = Graph::new();
        let (mut gradients, mut inputs, mut stores, mut specs) = (vec![], vec![], vec![], vec![]);
        for i in 0..count {
            let x = g.input(&format!("x{i}"), TensorType::real([5, 40]));
            inputs.push((x, Tensor::F32(vec![0.1; 200])));
            gradients.push(x);
        }
        let schedule = g.input("schedule", TensorType::real([3]));
        inputs.push((schedule, Tensor::F64(vec![0.5, 0.1, 0.001])));
        let settings = AdamW {
            decayed: 0,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            l2: 0.0,
            max_norm: Some(1.0),
            log: None,
            scales: Vec::new(),
        };
        let update = g.adamw(&gradients, schedule, settings, None);
        let update = update.expect("it fits");
        let places = [&update.weights, &update.first, &update.second];
        for (kind, values) in places.into_iter().enumerate() {
            for (i, &value) in values.iter().enumerate() {
                let name = format!("{kind}/{i}");
                specs.push(spec(&name, [5, 40], Storage::F32));
                stores.push((value, name));
            }
        }
        let mut params = params(&device, &specs);
        let plan = Plan::with_stores(&g, &[update.report], &stores);
        let norm = pollster::block_on(async {
            let mut step = Executable::new(&device, plan, &params).await?;
            let control = Control::default();
            step.run(&mut params, inputs, &control).await
        });
        let norm = norm.expect("a run")[0].to_f64()[0];
        let exact = (0.01 * 200.0 * count as f64).sqrt();
        assert!(
            (norm - exact).abs() < 1e-5 * exact,
            "{device:?}: {norm}, {exact}"
        );
    }
}
