//! What parameters refuse: an error each, on every executor, and nothing is written.

use kernels::gpu::{Gpu, Options};
use kernels::{
    Device, DeviceError, Graph, GraphError, ParamSpec, Params, Precision, RunError, Storage,
    TensorType, gradients,
};
use pollster::block_on;

fn spec(name: &str, len: usize, storage: Storage) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        shape: [len].into(),
        storage,
    }
}

fn refused(outcome: Result<(), RunError>) -> String {
    match outcome {
        Err(RunError::Param { name, message }) => format!("{name} {message}"),
        other => panic!("not refused as it should be: {other:?}"),
    }
}

fn check(device: &Device) {
    let specs = [
        spec("a", 5, Storage::F32),
        spec("b", 4, Storage::F32),
        spec("half", 5, Storage::F16),
    ];
    let (mut params, ready) = Params::new(device, &specs).expect("room");
    block_on(ready).expect("room");
    params
        .write("a", 0, &[1.0, 2.0, 3.0, 4.0, 5.0])
        .expect("it fits");
    params.write("half", 4, &[0.5]).expect("the end may be odd");

    for (offset, count) in [(0, 6), (5, 1), (6, 0), (usize::MAX, 2)] {
        let outcome = params.write("a", offset, &vec![9.0; count]);
        assert!(
            refused(outcome).contains("has 5 elements"),
            "{offset}, {count}"
        );
    }
    assert!(refused(params.copy("a", "b")).contains("differ"));
    assert!(refused(params.copy("a", "half")).contains("differ"));
    assert!(refused(params.copy_parts("a", "b", &[(0, 2, 3)])).contains("has 4 elements"));
    assert!(refused(params.copy_parts("a", "half", &[])).contains("f16"));
    assert!(refused(params.copy_parts("a", "a", &[])).contains("into itself"));
    let missing = Err(RunError::MissingParam("x".to_owned()));
    assert_eq!(params.write("x", 0, &[]), missing);
    assert_eq!(params.copy("a", "x"), missing);
    assert_eq!(params.copy_parts("x", "a", &[]), missing);
    assert_eq!(params.rename("x", "a"), missing);
    assert_eq!(params.write_bytes("x", 0, &[]), missing);
    match params.takes_bytes() {
        true => {
            for (offset, count) in [(0, 24), (2, 4), (0, 3), (20, 4), (u64::MAX - 3, 8)] {
                let outcome = params.write_bytes("a", offset, &vec![9; count]);
                assert!(
                    refused(outcome).contains("of 20 bytes"),
                    "{offset}, {count}"
                );
            }
            assert!(refused(params.write("half", 1, &[9.0, 9.0])).contains("whole words"));
            assert!(refused(params.write("half", 0, &[9.0])).contains("whole words"));
        }
        false => assert!(refused(params.write_bytes("a", 0, &[0; 4])).contains("not bytes")),
    }

    let read = |params: &Params, name: &str| block_on(params.read(name, 0, 5));
    assert_eq!(
        read(&params, "a").expect("numbers"),
        [1.0, 2.0, 3.0, 4.0, 5.0]
    );
    assert_eq!(
        read(&params, "half").expect("numbers"),
        [0.0, 0.0, 0.0, 0.0, 0.5]
    );
    assert!(matches!(read(&params, "b"), Err(RunError::Param { .. })));
    params.rename("a", "b").expect("b makes way");
    params.rename("b", "b").expect("nothing to do");
    params.copy("b", "b").expect("nothing to do");
    assert_eq!(read(&params, "b").expect("numbers")[4], 5.0);
    assert_eq!(params.specs().len(), 2);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    check(&Device::Cpu(Precision::F32));
    check(&Device::Cpu(Precision::F64));
    let gpu = block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    check(&Device::Gpu(gpu.clone()));
    gpu.destroy();
}

#[test]
fn what_is_too_large_to_be_counted_has_no_room() {
    let gpu = block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    for device in [Device::Cpu(Precision::F32), Device::Gpu(gpu.clone())] {
        for dims in [[usize::MAX, 2], [usize::MAX / 4, 4], [1 << 40, 1 << 10]] {
            let spec = ParamSpec {
                shape: dims.into(),
                ..spec("huge", 0, Storage::F32)
            };
            let refused = Params::new(&device, &[spec]).err();
            assert!(
                matches!(
                    refused,
                    Some(DeviceError::OutOfMemory { .. } | DeviceError::TooLarge { .. })
                ),
                "{dims:?}: {refused:?}"
            );
        }
    }
    gpu.destroy();
}

#[test]
fn a_value_of_another_graph_is_refused() {
    let (mut mine, mut other) = (Graph::new(), Graph::new());
    let ours = mine.input("x", TensorType::real([2, 3]));
    let theirs = other.input("x", TensorType::real([2, 3]));
    assert!(mine.has(ours) && !mine.has(theirs));
    assert!(matches!(mine.copy(theirs), Err(GraphError::Foreign { .. })));
    let copy = mine.copy(ours).expect("a copy");
    for (output, seed, parameter) in [
        (theirs, ours, ours),
        (copy, theirs, ours),
        (copy, ours, theirs),
    ] {
        let outcome = gradients(&mut mine, output, seed, &[parameter]);
        assert!(matches!(outcome, Err(GraphError::Foreign { .. })));
    }
    assert!(
        mine.clone().copy(ours).is_ok(),
        "a clone has the same values"
    );
}
