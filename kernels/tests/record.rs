//! A log on the device: rows are written one by one, and read at once.

use kernels::gpu::{Gpu, Options};
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Storage, Tensor,
    TensorType,
};

fn log(device: &Device, rows: &[u32]) -> Vec<f64> {
    pollster::block_on(async {
        let spec = ParamSpec {
            name: "log".to_owned(),
            shape: [3, 2].into(),
            storage: Storage::F32,
        };
        let (mut params, ready) = Params::new(device, &[spec]).expect("memory");
        ready.await.expect("memory");
        params.write("log", 0, &[9.0; 6]);
        let mut g = Graph::new();
        let [a, b] = ["a", "b"].map(|name| g.input(name, TensorType::real([1])));
        let row = g.input("row", TensorType::u32([1]));
        let log = g.record([a, b], row, 3).expect("it fits");
        let plan = Plan::with_stores(&g, &[], &[(log, "log".to_owned())]);
        let mut write = Executable::new(device, plan, &params).await.expect("plan");
        for &at in rows {
            let x = f64::from(at);
            let inputs = vec![
                (a, Tensor::F64(vec![x + 0.25])),
                (b, Tensor::F64(vec![x + 0.5])),
                (row, Tensor::U32(vec![at])),
            ];
            let control = Control::default();
            write
                .submit(&mut params, inputs, &control)
                .await
                .expect("a run");
        }
        let mut g = Graph::new();
        let x = g.param("log", [3, 2]).expect("new");
        let y = g.copy(x).expect("it fits");
        let mut read = Executable::new(device, Plan::new(&g, &[y]), &params)
            .await
            .expect("a plan");
        let found = read.run(&mut params, vec![], &Control::default()).await;
        found.expect("a run")[0].to_f64()
    })
}

#[test]
fn a_row_is_written_and_the_others_stay() {
    let gpu = pollster::block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    for device in [
        Device::Cpu(Precision::F64),
        Device::Cpu(Precision::F32),
        Device::Gpu(gpu),
    ] {
        assert_eq!(log(&device, &[2, 0]), [0.25, 0.5, 9.0, 9.0, 2.25, 2.5]);
        // There is no fourth row.
        assert_eq!(log(&device, &[3]), [9.0; 6]);
    }
}
