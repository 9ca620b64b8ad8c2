//! Faults that are put in on purpose: each ends with an error or a right answer, and the device serves
//! on where there still is one.

use std::cell::RefCell;
use std::rc::Rc;

use kernels::cases::{self, Case};
use kernels::gpu::{Faults, Gpu, Options, Style, Tuning};
use kernels::{
    CancelToken, Control, Device, DeviceError, Executable, Extent, Graph, LocalBoxFuture,
    ParamSpec, Params, Plan, RunError, SelfTest, Storage, Tensor, TensorType, Value, check,
    self_test,
};

fn open(style: Style, shader: Option<fn(&str, String) -> String>) -> (Rc<Gpu>, Device) {
    let options = Options {
        style: Some(style),
        faults: Faults {
            shader,
            ..Faults::default()
        },
        ..Options::default()
    };
    let gpu = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
    (gpu.clone(), Device::Gpu(gpu))
}

fn test(device: &Device, extent: Extent) -> SelfTest {
    pollster::block_on(self_test(device, extent))
}

/// Every variant that has not been tried, one by one.
fn test_variants(gpu: &Gpu, device: &Device) -> SelfTest {
    let mut all = test(device, Extent::Variant);
    while gpu.has_untested() {
        let found = test(device, Extent::Variant);
        all.trusted &= found.trusted;
        all.reports.extend(found.reports);
    }
    all
}

fn left_out(gpu: &Gpu) -> Vec<String> {
    gpu.left_out().into_iter().map(|left| left.what).collect()
}

fn assert_right(device: &Device, case: &Case) {
    let report = pollster::block_on(check(device, case));
    assert!(report.passed, "{report:?}");
}

fn try_out(gpu: &Rc<Gpu>) {
    let control = Control::default();
    pollster::block_on(gpu.run_trials(120_000.0, &control)).expect("the device is there");
}

/// A product whose likeliest tiles are 64x64.
fn tiled() -> Case {
    cases::linear([1024, 64, 1024], Storage::F32, true, None)
}

const TILES_64: &str = "matrix product, tiles 64x64";

/// Whether a shader belongs to that variant: it has one for each way to store.
fn is_tiles_64(name: &str) -> bool {
    name.strip_prefix(TILES_64)
        .is_some_and(|rest| rest.is_empty() || rest == ", fours")
}

#[test]
fn a_variant_that_does_not_compile_is_left_out_and_the_plan_runs() {
    let (gpu, device) = open(
        Style::Tiles,
        Some(|name, wgsl| match name {
            name if is_tiles_64(name) => "this is no shader".to_owned(),
            _ => wgsl,
        }),
    );
    assert_right(&device, &tiled());
    assert_eq!(left_out(&gpu), ["tiles-64x64"]);
    let why = &gpu.left_out()[0].why;
    assert!(
        why.starts_with("The driver does not take its shader"),
        "{why}"
    );
    // A trial does not choose what cannot run either, fast as that seems.
    try_out(&gpu);
    let record = gpu.tuning().to_string();
    assert!(record.contains("nt-10-10-6 "), "{record}");
    assert!(!record.contains("nt-10-10-6 tiles-64x64\n"), "{record}");
    // Another visit begins with what this one found.
    let options = Options {
        style: Some(Style::Tiles),
        tuning: Some(Tuning::parse(&record)),
        ..Options::default()
    };
    let next = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
    assert_eq!(left_out(&next), ["tiles-64x64"]);
}

#[test]
fn a_variant_that_computes_wrong_is_left_out_by_name() {
    let (gpu, device) = open(
        Style::Tiles,
        Some(|name, wgsl| match name {
            name if is_tiles_64(name) => wgsl.replace(
                "fn activate(x: f32) -> f32 {",
                "fn activate(y: f32) -> f32 { let x = y * 1.01;",
            ),
            _ => wgsl,
        }),
    );
    // Prepared before anyone knows.
    let case = tiled();
    let report = pollster::block_on(check(&device, &case));
    assert!(!report.passed, "the fault is there");
    let found = test(&device, Extent::Start);
    let (start, known) = (found.trusted, left_out(&gpu));
    let found = test_variants(&gpu, &device);
    assert!(start && found.trusted, "{start}, {found:?}, {known:?}");
    assert_eq!(left_out(&gpu), ["tiles-64x64"], "{known:?} after the start");
    assert!(
        found
            .reports
            .iter()
            .all(|report| report.passed || report.kernel == TILES_64)
    );
    assert_right(&device, &case);
}

#[test]
fn a_plan_that_was_prepared_before_follows_what_is_left_out() {
    let (gpu, device) = open(
        Style::Tiles,
        Some(|name, wgsl| match name {
            name if is_tiles_64(name) => wgsl.replace(
                "fn activate(x: f32) -> f32 {",
                "fn activate(y: f32) -> f32 { let x = y * 2.0;",
            ),
            _ => wgsl,
        }),
    );
    let mut product = Product::new(&device, 16_384, 64, 1);
    let wrong = product.answer();
    test_variants(&gpu, &device);
    assert_eq!(left_out(&gpu), ["tiles-64x64"]);
    let right = product.answer();
    assert!(
        (wrong - 2.0 * right).abs() < 1e-3 * right.abs(),
        "{wrong}, {right}"
    );
}

#[test]
fn an_operation_that_is_always_wrong_ends_the_trust() {
    for style in [Style::Tiles, Style::Lanes] {
        let (gpu, device) = open(
            style,
            Some(|name, wgsl| match name {
                "softmax" => wgsl.replace("/ sum", "/ (1.5 * sum)"),
                _ => wgsl,
            }),
        );
        let found = test(&device, Extent::Start);
        assert!(!found.trusted);
        let wrong: Vec<_> = found
            .reports
            .iter()
            .filter(|r| !r.passed)
            .map(|r| r.kernel)
            .collect();
        assert!(wrong.contains(&"softmax"), "{wrong:?}");
        // Doing without subgroups did not help, so they are there again.
        assert_eq!(left_out(&gpu), Vec::<String>::new());
    }
}

#[test]
fn shaders_that_are_wrong_with_subgroups_are_left_out_with_them() {
    let (gpu, device) = open(
        Style::Lanes,
        Some(|name, wgsl| match name {
            name if name.starts_with("attention, quads") => wgsl.replace("exp(", "1.5 * exp("),
            _ => wgsl,
        }),
    );
    assert!(gpu.capabilities().subgroups, "Mesa has them");
    let found = test(&device, Extent::Start);
    assert!(found.trusted, "{found:?}");
    assert_eq!(left_out(&gpu), ["subgroups"]);
    assert!(!gpu.capabilities().subgroups);
    let why = &gpu.left_out()[0].why;
    assert!(why.contains("attention"), "{why}");
}

#[test]
fn lanes_in_another_order_are_found_when_the_device_opens() {
    let (gpu, device) = open(
        Style::Lanes,
        Some(|name, wgsl| match name {
            "lane order" => wgsl.replace("quadBroadcast(i, 1u)", "quadBroadcast(i, 2u)"),
            _ => wgsl,
        }),
    );
    assert!(!gpu.capabilities().subgroups);
    assert_eq!(left_out(&gpu), ["subgroups"]);
    assert!(test(&device, Extent::Start).trusted);
}

#[test]
fn a_slow_variant_is_not_chosen() {
    let (gpu, device) = open(
        Style::Tiles,
        Some(|name, wgsl| match name {
            // Each thread first counts for a while.
            name if is_tiles_64(name) => wgsl.replace(
                "var c0_0_0 = vec4f();",
                "var idle = local.x;
                for (var i = 0u; i < 20000u; i++) { idle = idle * 1664525u + 1013904223u; }
                var c0_0_0 = vec4f(f32(idle) * 1e-30);",
            ),
            _ => wgsl,
        }),
    );
    assert_right(&device, &tiled());
    try_out(&gpu);
    let record = gpu.tuning().to_string();
    assert!(record.contains("nt-10-10-6 "), "{record}");
    assert!(!record.contains("nt-10-10-6 tiles-64x64\n"), "{record}");
}

/// The same product so many times in a row, each a piece of its own: `x w w … w`, of which one
/// element is read.
struct Product {
    params: Params,
    executable: Executable,
    input: Value,
    rows: usize,
    columns: usize,
}

impl Product {
    fn new(device: &Device, rows: usize, columns: usize, times: usize) -> Self {
        let spec = ParamSpec {
            name: "w".to_owned(),
            shape: [columns, columns].into(),
            storage: Storage::F32,
        };
        pollster::block_on(async {
            let (mut params, ready) =
                Params::new(device, std::slice::from_ref(&spec)).expect("memory");
            ready.await.expect("memory");
            let count = spec.shape.len();
            let numbers: Vec<f32> = (0..count)
                .map(|i| (i as f32 * 0.37).cos() / columns as f32)
                .collect();
            params.write("w", 0, &numbers).expect("it fits");
            let mut g = Graph::new();
            let input = g.input("x", TensorType::real([rows, columns]));
            let w = g.param("w", spec.shape).expect("new");
            let mut y = input;
            for _ in 0..times {
                y = g.linear(y, w, None).expect("it fits");
            }
            let executable = Executable::new(device, Plan::new(&g, &[y]), &params);
            let executable = executable.await.expect("a plan");
            Self {
                params,
                executable,
                input,
                rows,
                columns,
            }
        })
    }

    fn run(&mut self, control: &Control) -> Result<f64, RunError> {
        let numbers = (0..self.rows * self.columns).map(|i| (i as f32 * 0.11).sin());
        let inputs = vec![(self.input, Tensor::F32(numbers.collect()))];
        let run = self.executable.run(&mut self.params, inputs, control);
        Ok(pollster::block_on(run)?[0].to_f64()[0])
    }

    fn answer(&mut self) -> f64 {
        self.run(&Control::default()).expect("an answer")
    }
}

/// Ten products of 2^30 operations.
fn long(device: &Device) -> Product {
    Product::new(device, 512, 512, 10)
}

#[test]
fn a_device_that_is_lost_between_pieces_ends_the_run_with_that_error() {
    let (gpu, device) = open(Style::Lanes, None);
    let mut product = Product::new(&device, 1024, 1024, 6);
    gpu.inject(Faults {
        lose_at: Some(1),
        ..Faults::default()
    });
    let lost = product.run(&Control::default());
    assert!(
        matches!(lost, Err(RunError::Device(DeviceError::Lost(_)))),
        "{lost:?}"
    );
    let again = product.run(&Control::default());
    assert!(
        matches!(again, Err(RunError::Device(DeviceError::Lost(_)))),
        "{again:?}"
    );
    // A self-test on what is gone finds nothing wrong, and keeps nothing of it.
    assert!(test(&device, Extent::Start).trusted);
    assert!(gpu.tuning().is_empty());
}

#[test]
fn a_submission_without_memory_is_never_an_answer() {
    let mut answers = Vec::new();
    for refused in 0..2 {
        // A device that nothing is known of yet gets the run in pieces.
        let (gpu, device) = open(Style::Lanes, None);
        let mut product = long(&device);
        gpu.inject(Faults {
            refuse_at: Some(refused),
            ..Faults::default()
        });
        let found = product.run(&Control::default());
        let expected = matches!(
            found,
            Err(RunError::Device(DeviceError::OutOfMemory { .. }))
        );
        assert!(expected, "{refused}: {found:?}");
        // The next run is as good as ever.
        answers.push(product.answer());
    }
    let (_, device) = open(Style::Lanes, None);
    assert_eq!(answers, [long(&device).answer(); 2]);
}

thread_local! {
    static TOKEN: RefCell<CancelToken> = RefCell::default();
}

fn cancel_at_once() -> LocalBoxFuture<'static, ()> {
    TOKEN.with_borrow(CancelToken::cancel);
    Box::pin(async {})
}

#[test]
fn a_cancel_is_heard_within_two_pieces() {
    let (gpu, device) = open(Style::Lanes, None);
    // Its first run on a device that nothing is known of yet is in pieces on any.
    let mut product = Product::new(&device, 1024, 1024, 12);
    let token = CancelToken::default();
    TOKEN.set(token.clone());
    let found = product.run(&Control::new(token, cancel_at_once));
    assert_eq!(found, Err(RunError::Cancelled));
    let cut = gpu.take_submits();
    assert!((1..=2).contains(&cut.count), "{cut:?}");
    // Nothing is lost by it.
    let (_, another) = open(Style::Lanes, None);
    let right = Product::new(&another, 1024, 1024, 12).answer();
    assert_eq!(product.answer(), right);
}

#[test]
fn prepared_plans_share_their_memory_and_keep_their_answers() {
    let (gpu, device) = open(Style::Lanes, None);
    let before = gpu.memory_in_use();
    let mut products: Vec<Product> = [64, 256, 128, 512]
        .map(|rows| Product::new(&device, rows, 64, 3))
        .into();
    let alone: Vec<f64> = [64, 256, 128, 512]
        .map(|rows| Product::new(&device, rows, 64, 3).answer())
        .into();
    for _ in 0..2 {
        let found: Vec<f64> = products.iter_mut().map(Product::answer).collect();
        assert_eq!(found, alone);
    }
    // The largest leaves: what only it needed is free at once.
    let all = gpu.memory_in_use() - before;
    let largest = products.pop();
    drop(largest);
    let fewer = gpu.memory_in_use() - before;
    assert!(fewer + 2 * 256 * 64 * 4 <= all, "{all}, {fewer}");
    let found: Vec<f64> = products.iter_mut().map(Product::answer).collect();
    assert_eq!(found, alone[..3]);
    drop(products);
    assert_eq!(gpu.memory_in_use(), before);
}

#[test]
fn a_profile_names_every_dispatch() {
    let (gpu, device) = open(Style::Lanes, None);
    let mut product = Product::new(&device, 64, 64, 5);
    let right = product.answer();
    if !gpu.start_profile() {
        eprintln!("skipped: this adapter grants no timestamps");
        return;
    }
    assert_eq!(product.answer(), right);
    let profile = pollster::block_on(gpu.take_profile()).expect("the device is there");
    let dispatches: usize = profile.iter().map(|time| time.dispatches).sum();
    assert_eq!(dispatches, 5, "{profile:?}");
    assert!(
        profile
            .iter()
            .all(|time| time.kernel.starts_with("matrix product"))
    );
    assert!(profile[0].microseconds > 0.0, "{profile:?}");
    // Nothing is measured any more.
    product.answer();
    let profile = pollster::block_on(gpu.take_profile()).expect("the device is there");
    assert_eq!(profile, []);
}
