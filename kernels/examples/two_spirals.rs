//! A graph built by hand, differentiated and trained: a small network that tells two spirals apart. On the
//! GPU where there is one, else on the CPU.
//!
//! ```text
//! cargo run --release --package kernels --example two_spirals
//! ```

use kernels::gpu::{Gpu, Options};
use kernels::ops::{AdamW, Function};
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Shape, Storage, Tensor,
    TensorType, Value, gradients,
};
use std::error::Error;

/// Points, and hidden units of each of the two layers.
const POINTS: usize = 192;
const WIDTH: usize = 32;
const STEPS: usize = 400;
const RATE: f64 = 0.02;
const SETTINGS: AdamW = AdamW {
    decayed: 3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weight_decay: 1e-3,
    l2: 0.0,
    max_norm: Some(1.0),
    log: None,
    scales: Vec::new(),
};

/// Points (`[POINTS, 2]`) and which spiral each lies on.
fn spirals() -> (Vec<f32>, Vec<u32>) {
    let point = |i: usize| {
        let (along, which) = ((i / 2) as f32 / (POINTS / 2) as f32, (i % 2) as u32);
        let angle = along * 7.0 + which as f32 * std::f32::consts::PI;
        let (sin, cos) = angle.sin_cos();
        let radius = 0.2 + along;
        ([radius * cos, radius * sin], which)
    };
    let (points, labels): (Vec<_>, Vec<_>) = (0..POINTS).map(point).unzip();
    (points.concat(), labels)
}

/// Weights first, which decay, then biases: the names and shapes of what is learned.
fn learned() -> Vec<ParamSpec> {
    let spec = |(name, shape): (&str, Shape)| ParamSpec {
        name: name.to_owned(),
        shape,
        storage: Storage::F32,
    };
    let shapes: [(&str, Shape); 6] = [
        ("first.weight", [WIDTH, 2].into()),
        ("second.weight", [WIDTH, WIDTH].into()),
        ("third.weight", [2, WIDTH].into()),
        ("first.bias", [WIDTH].into()),
        ("second.bias", [WIDTH].into()),
        ("third.bias", [2].into()),
    ];
    shapes.map(spec).to_vec()
}

/// The same parameters under other names, for the optimiser's moments.
fn renamed(kind: &str) -> Vec<ParamSpec> {
    let spec = |spec: ParamSpec| ParamSpec {
        name: format!("{kind}.{}", spec.name),
        ..spec
    };
    learned().into_iter().map(spec).collect()
}

/// The step's inputs and its plan, which stores the new weights and moments and reads the loss back.
struct Step {
    points: Value,
    labels: Value,
    schedule: Value,
    one: Value,
    plan: Plan,
}

fn step() -> Result<Step, Box<dyn Error>> {
    let mut g = Graph::new();
    let points = g.input("points", TensorType::real([POINTS, 2]));
    let labels = g.input("labels", TensorType::u32([POINTS]));
    let schedule = g.input("schedule", TensorType::real([3]));
    let one = g.input("one", TensorType::real([1]));
    let specs = learned();
    let mut weights = Vec::new();
    for spec in &specs {
        weights.push(g.param(&spec.name, spec.shape)?);
    }
    let hidden = g.linear(points, weights[0], Some(weights[3]))?;
    let hidden = g.activation(hidden, Function::Tanh)?;
    let hidden = g.linear(hidden, weights[1], Some(weights[4]))?;
    let hidden = g.activation(hidden, Function::Tanh)?;
    let logits = g.linear(hidden, weights[2], Some(weights[5]))?;
    let loss = g.cross_entropy(logits, labels, None)?.mean;
    let slopes = gradients(&mut g, loss, one, &weights)?;
    let slopes: Vec<Value> = slopes.into_iter().flatten().collect();
    let new = g.adamw(&slopes, schedule, SETTINGS, None)?;
    let stores: Vec<(Value, String)> = [
        (learned(), &new.weights),
        (renamed("first moment"), &new.first),
        (renamed("second moment"), &new.second),
    ]
    .into_iter()
    .flat_map(|(specs, values)| {
        values
            .iter()
            .copied()
            .zip(specs.into_iter().map(|s| s.name))
    })
    .collect();
    let plan = Plan::with_stores(&g, &[loss], &stores);
    Ok(Step {
        points,
        labels,
        schedule,
        one,
        plan,
    })
}

async fn train(device: &Device) -> Result<(f64, f64), Box<dyn Error>> {
    let (mut params, ready) = Params::new(device, &learned())?;
    ready.await?;
    for kind in ["first moment", "second moment"] {
        params.add(&renamed(kind), false)?.await?;
    }
    // Any numbers of the right size will do to begin with.
    let mut noise = 0x2545_f491_u32;
    for spec in &learned()[..SETTINGS.decayed] {
        let start: Vec<f32> = (0..spec.shape.len())
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        params.write(&spec.name, 0, &start)?;
    }
    let Step {
        points,
        labels,
        schedule,
        one,
        plan,
    } = step()?;
    let mut step = Executable::new(device, plan, &params).await?;
    let (at, which) = spirals();
    let (mut first, mut last) = (None, f64::NAN);
    for t in 1..=STEPS {
        let power = |beta: f64| 1.0 - beta.powi(t as i32);
        let rates = [RATE, power(SETTINGS.beta1), power(SETTINGS.beta2)];
        let inputs = vec![
            (points, Tensor::F32(at.clone())),
            (labels, Tensor::U32(which.clone())),
            (schedule, Tensor::F64(rates.to_vec())),
            (one, Tensor::F32(vec![1.0])),
        ];
        let outputs = step.run(&mut params, inputs, &Control::default()).await?;
        last = outputs[0].to_f64()[0];
        first.get_or_insert(last);
        if t == 1 || t % 50 == 0 {
            println!("step {t:3}: loss {last:.4}");
        }
    }
    Ok((first.unwrap_or(last), last))
}

fn main() -> Result<(), Box<dyn Error>> {
    pollster::block_on(async {
        let device = match Gpu::new(Options::default()).await {
            Ok(gpu) => {
                println!("on {}", gpu.info().name);
                Device::Gpu(gpu)
            }
            Err(error) => {
                println!("on the CPU: {error}");
                Device::Cpu(Precision::F32)
            }
        };
        let (first, last) = train(&device).await?;
        if last > first / 4.0 {
            return Err(format!("it learned too little: {first:.4} to {last:.4}").into());
        }
        Ok(())
    })
}
