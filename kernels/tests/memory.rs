//! Memory: what has no room is an error, and the plans of the same parameters share theirs.

use std::rc::Rc;

use kernels::gpu::{Gpu, Options};
use kernels::{
    CancelToken, Control, Device, DeviceError, Executable, Graph, ParamSpec, Params, Plan,
    Precision, RunError, Storage, Tensor, TensorType, Value,
};
use pollster::block_on;

const CPUS: [Device; 2] = [Device::Cpu(Precision::F32), Device::Cpu(Precision::F64)];

fn devices() -> Vec<Device> {
    let gpu: Rc<Gpu> = block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    CPUS.into_iter().chain([Device::Gpu(gpu)]).collect()
}

fn spec(name: &str, shape: [usize; 2]) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        shape: shape.into(),
        storage: Storage::F32,
    }
}

fn params(device: &Device, specs: &[ParamSpec]) -> Params {
    let (params, ready) = Params::new(device, specs).expect("memory");
    block_on(ready).expect("memory");
    params
}

/// More than any address space holds.
const ABSURD: [usize; 2] = [1 << 31, 1 << 31];

fn assert_no_room(error: &DeviceError, what: &str) {
    let DeviceError::OutOfMemory { what: found, bytes } = error else {
        panic!("{error:?}");
    };
    assert_eq!(found, what);
    assert!(*bytes >= 1 << 62, "{bytes}");
    let words = error.to_string();
    assert!(words.starts_with("there is no room for "), "{words}");
    assert!(!words.contains("GPU"), "{words}");
}

#[test]
fn parameters_without_room_are_an_error_and_change_nothing() {
    for device in CPUS {
        let absurd = spec("absurd", ABSURD);
        let error = Params::new(&device, std::slice::from_ref(&absurd))
            .err()
            .expect("no room");
        assert_no_room(&error, "absurd");
        let small = spec("small", [2, 3]);
        let mut params = params(&device, std::slice::from_ref(&small));
        params.write("small", 0, &[7.0; 6]).expect("it fits");
        // The first of them would have had room.
        let again = [small.clone(), absurd];
        let error = params.add(&again, false).err().expect("no room");
        assert_no_room(&error, "absurd");
        assert_eq!(params.specs(), [small]);
        assert_eq!(block_on(params.read("small", 0, 6)), Ok(vec![7.0; 6]));
    }
}

#[test]
fn a_plan_without_room_is_an_error_and_leaves_room_for_others() {
    for device in CPUS {
        let params = &mut params(&device, &[spec("w", [8, 8])]);
        let mut small = Chain::new(&device, params, 4, 3);
        let right = small.run(params);
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real(ABSURD));
        let y = g.softmax(x).expect("it fits");
        let made = block_on(Executable::new(&device, Plan::new(&g, &[y]), params));
        match made.err() {
            Some(RunError::Device(error)) => assert_no_room(&error, "intermediate values"),
            other => panic!("{other:?}"),
        }
        assert_eq!(small.run(params), right);
    }
}

/// `softmax(x w)`, and so on so many times.
struct Chain {
    executable: Executable,
    input: Value,
    rows: usize,
}

impl Chain {
    fn new(device: &Device, params: &Params, rows: usize, times: usize) -> Self {
        let mut g = Graph::new();
        let input = g.input("x", TensorType::real([rows, 8]));
        let w = g.param("w", [8, 8]).expect("new");
        let mut y = input;
        for _ in 0..times {
            let product = g.linear(y, w, None).expect("it fits");
            y = g.softmax(product).expect("it fits");
        }
        let plan = Plan::new(&g, &[y]);
        let executable = block_on(Executable::new(device, plan, params)).expect("a plan");
        Self {
            executable,
            input,
            rows,
        }
    }

    fn submit(&mut self, params: &mut Params) {
        let numbers = (0..self.rows * 8)
            .map(|i| (i as f32 * 0.11).sin())
            .collect();
        let inputs = vec![(self.input, Tensor::F32(numbers))];
        let control = Control::default();
        block_on(self.executable.submit(params, inputs, &control)).expect("a run");
    }

    fn read(&mut self, params: &Params) -> Vec<f64> {
        block_on(self.executable.read(params)).expect("an answer")[0].to_f64()
    }

    fn run(&mut self, params: &mut Params) -> Vec<f64> {
        self.submit(params);
        self.read(params)
    }
}

fn weights(device: &Device) -> Params {
    let mut params = params(device, &[spec("w", [8, 8])]);
    let numbers: Vec<f32> = (0..64).map(|i| (i as f32 * 0.37).cos()).collect();
    params.write("w", 0, &numbers).expect("it fits");
    params
}

const ROWS: [usize; 4] = [5, 40, 17, 64];

#[test]
fn plans_share_their_memory_and_keep_their_answers() {
    for (device, bytes) in CPUS.into_iter().zip([4, 8]) {
        let params = &mut weights(&device);
        let alone = ROWS.map(|rows| {
            let params = &mut weights(&device);
            Chain::new(&device, params, rows, 3).run(params)
        });
        let mut chains: Vec<Chain> = ROWS.map(|rows| Chain::new(&device, params, rows, 3)).into();
        // Two slots of the largest.
        assert_eq!(params.shared_bytes(), 2 * 64 * 8 * bytes);
        for _ in 0..2 {
            for (chain, right) in chains.iter_mut().zip(&alone) {
                chain.executable.poison();
                assert_eq!(chain.run(params), *right);
            }
        }
        // The largest leaves, and what only it needed with the next run.
        chains.pop();
        assert_eq!(chains[0].run(params), alone[0]);
        assert_eq!(params.shared_bytes(), 2 * 40 * 8 * bytes);
        for (chain, right) in chains.iter_mut().zip(&alone) {
            assert_eq!(chain.run(params), *right);
        }
        drop(chains);
        let ready = params.add(&[spec("other", [1, 1])], false).expect("memory");
        block_on(ready).expect("memory");
        assert_eq!(params.shared_bytes(), 0);
    }
}

#[test]
fn an_answer_is_read_after_another_plan_has_run() {
    for device in devices() {
        let params = &mut weights(&device);
        let [mut first, mut second] = [17, 40].map(|rows| Chain::new(&device, params, rows, 3));
        let right = first.run(params);
        first.submit(params);
        second.executable.poison();
        second.run(params);
        assert_eq!(first.read(params), right, "{device:?}");
    }
}

#[test]
fn nobody_reads_what_was_not_run() {
    for device in CPUS {
        let params = &mut weights(&device);
        let mut chain = Chain::new(&device, params, 5, 1);
        let unread = |chain: &mut Chain, params: &Params| {
            let found = block_on(chain.executable.read(params));
            assert_eq!(found, Err(RunError::Unread), "{device:?}");
        };
        unread(&mut chain, params);
        chain.run(params);
        // A run that is cancelled leaves no answer, and not the one before.
        let token = CancelToken::default();
        token.cancel();
        let control = Control::new(token, || Box::pin(async {}));
        let inputs = vec![(chain.input, Tensor::F32(vec![0.5; 40]))];
        let cut = block_on(chain.executable.submit(params, inputs, &control));
        assert_eq!(cut, Err(RunError::Cancelled));
        unread(&mut chain, params);
    }
}

#[test]
fn parts_are_copied_to_their_places() {
    for device in devices() {
        let specs = [spec("from", [4, 3]), spec("to", [5, 3])];
        let mut params = params(&device, &specs);
        let numbers: Vec<f32> = (0..12u8).map(f32::from).collect();
        params.write("from", 0, &numbers).expect("it fits");
        params.write("to", 0, &[-1.0; 15]).expect("it fits");
        let parts = [(0, 12, 3), (9, 0, 3), (4, 7, 1)];
        params.copy_parts("from", "to", &parts).expect("they fit");
        let found = block_on(params.read("to", 0, 15)).expect("there");
        let right = [
            9.0, 10.0, 11.0, -1.0, -1.0, -1.0, -1.0, 4.0, -1.0, -1.0, -1.0, -1.0, 0.0, 1.0, 2.0,
        ];
        assert_eq!(found, right, "{device:?}");
        for (from, to, part, refused) in [
            ("from", "to", (10, 0, 3), "from"),
            ("from", "to", (0, 13, 3), "to"),
            ("from", "to", (usize::MAX, 0, 3), "from"),
            ("to", "to", (0, 3, 3), "to"),
        ] {
            let error = params.copy_parts(from, to, &[part]);
            assert!(matches!(error, Err(RunError::Param { name, .. }) if name == refused));
        }
        for (from, to) in [("none", "to"), ("from", "none")] {
            let error = params.copy_parts(from, to, &[(0, 0, 3)]);
            assert_eq!(error, Err(RunError::MissingParam("none".to_owned())));
        }
        assert_eq!(block_on(params.read("to", 0, 15)), Ok(right.to_vec()));
    }
}
