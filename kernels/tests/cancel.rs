//! A run that updates parameters in place is cancelled before it has touched them, or not at all.

use std::cell::{Cell, RefCell};

use kernels::gpu::{Gpu, Options};
use kernels::ops::AdamW;
use kernels::{
    CancelToken, Control, Device, Executable, Graph, LocalBoxFuture, ParamSpec, Params, Plan,
    Precision, RunError, Storage, Tensor, TensorType,
};

/// Rows and columns: a product takes more than lies between two looks at the event loop.
const N: usize = 512;
const K: usize = 1024;

thread_local! {
    static TOKEN: RefCell<CancelToken> = RefCell::default();
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

fn breathe() -> LocalBoxFuture<'static, ()> {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    if left == 1 {
        TOKEN.with_borrow(CancelToken::cancel);
    }
    Box::pin(async {})
}

/// Runs product, AdamW, product, product, cancelled at the `breath`-th look at the event loop (0:
/// before it begins). Returns whether it was cancelled, whether it was asked to be, and the weight.
fn run(device: &Device, breath: usize) -> (bool, bool, Vec<f64>) {
    let spec = |name: &str, shape: [usize; 2]| ParamSpec {
        name: name.to_owned(),
        shape: shape.into(),
        storage: Storage::F32,
    };
    let places = ["weight", "first", "second"].map(|name| spec(name, [N, K]));
    let token = CancelToken::default();
    TOKEN.set(token.clone());
    LEFT.set(breath);
    if breath == 0 {
        token.cancel();
    }
    let control = Control::new(token.clone(), breathe);
    pollster::block_on(async {
        let mut specs = places.to_vec();
        specs.push(spec("matrix", [K, K]));
        let (mut params, ready) = Params::new(device, &specs).expect("memory");
        ready.await.expect("memory");
        let numbers: Vec<f32> = (0..K * K).map(|i| (i as f32).sin() / K as f32).collect();
        params.write("matrix", 0, &numbers).expect("it fits");
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([N, K]));
        let schedule = g.input("schedule", TensorType::real([3]));
        let matrix = g.param("matrix", [K, K]).expect("new");
        let y = g.linear(x, matrix, None).expect("it fits");
        let settings = AdamW {
            decayed: 0,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            l2: 0.0,
            max_norm: None,
            log: None,
            scales: Vec::new(),
        };
        let update = g.adamw(&[y], schedule, settings, None).expect("it fits");
        let z = g.linear(y, matrix, None).expect("it fits");
        let z = g.linear(z, matrix, None).expect("it fits");
        let stores = [update.weights[0], update.first[0], update.second[0]]
            .into_iter()
            .zip(places.iter().map(|s| s.name.clone()))
            .collect::<Vec<_>>();
        let plan = Plan::with_stores(&g, &[z], &stores);
        let inputs = vec![
            (x, Tensor::F32(vec![1.0; N * K])),
            (schedule, Tensor::F64(vec![0.5, 0.1, 0.001])),
        ];
        let mut step = Executable::new(device, plan, &params).await.expect("plan");
        let cancelled = match step.submit(&mut params, inputs, &control).await {
            Ok(()) => false,
            Err(RunError::Cancelled) => true,
            Err(error) => panic!("{error}"),
        };
        let mut g = Graph::new();
        let weight = g.param("weight", [N, K]).expect("new");
        let copy = g.copy(weight).expect("it fits");
        let plan = Plan::new(&g, &[copy]);
        let mut read = Executable::new(device, plan, &params).await.expect("plan");
        let found = read.run(&mut params, vec![], &Control::default()).await;
        let weight = found.expect("a run")[0].to_f64();
        (cancelled, token.is_cancelled(), weight)
    })
}

#[test]
fn an_update_is_never_cut() {
    let gpu = pollster::block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    let breathes = gpu.info().software;
    for device in [Device::Cpu(Precision::F32), Device::Gpu(gpu)] {
        let (_, _, whole) = run(&device, 99);
        assert!(whole.iter().all(|&w| w != 0.0));
        let (mut before, mut after) = (0, 0);
        for breath in 0..6 {
            let (cancelled, asked, weight) = run(&device, breath);
            if cancelled {
                before += 1;
                assert!(weight.iter().all(|&w| w == 0.0), "{device:?}, {breath}");
            } else {
                after += usize::from(asked);
                assert!(weight == whole, "{device:?}, {breath}");
            }
        }
        // A real GPU gets all at once and does not look.
        if breathes || matches!(device, Device::Cpu(_)) {
            assert!(before >= 2 && after >= 1, "{device:?}: {before}, {after}");
        }
    }
}
