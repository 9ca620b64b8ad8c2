// What run.mjs measures. A sample is the milliseconds of one run.
import { jaxjs, onnxruntime, random, rounds, say, sizes, tensorflow } from './contest.mjs';
import { Unmask } from './unmask.mjs';

export { train } from './train.mjs';

// Wraps `run(count)`, which takes ms for count runs, so that a sample lasts about 60 ms.
async function repeated(run) {
  await run(1);
  const count = Math.max(1, Math.min(200, Math.round(60 / (await run(1)))));
  return async () => (await run(count)) / count;
}

// Matrix products a b, shapes=MxKxN,...: this project multiplies by a transposed weight, as a linear
// layer does, the others by a matrix as it is.
export async function gemm(options) {
  const shapes = (options.shapes ?? '128x768x768,128x768x3072,512x512x512,1024x1024x1024,128x128x30522').split(',');
  const engine = await Unmask.start(options.worker, 'gpu');
  const tf = await tensorflow(), jax = await jaxjs(), ort = await onnxruntime(options, true);
  const result = {};
  for (const shape of shapes) {
    const [m, k, n] = sizes(shape);
    const a = random(m * k, 1), b = random(k * n, 0.1);
    const contenders = { unmask: async () => (await engine.measure({ product: { m, k, n } })).median };
    const [ta, tb] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])];
    contenders['TensorFlow.js'] = await repeated(async (count) => {
      const begin = performance.now();
      for (let i = 0; i < count; i++) tf.matMul(ta, tb).dispose();
      const backend = tf.backend();
      backend.endComputePassEncoder?.();
      backend.submitQueue();
      await backend.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    });
    const session = await ort.InferenceSession.create(`/models/gemm/mm_${shape}.onnx`, {
      executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer',
    });
    const device = await ort.env.webgpu.device;
    const buffer = device.createBuffer({ size: a.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
    device.queue.writeBuffer(buffer, 0, a);
    const A = ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: [m, k] });
    contenders['ONNX Runtime'] = await repeated(async (count) => {
      const begin = performance.now();
      for (let i = 0; i < count; i++) (await session.run({ A })).C.dispose();
      await device.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    });
    const { numpy: np, jit } = jax;
    const [ja, jb] = [np.array(a).reshape([m, k]), np.array(b).reshape([k, n])];
    const product = jit((x, y) => np.matmul(x, y));
    contenders['jax-js'] = await repeated(async (count) => {
      const begin = performance.now();
      const made = Array.from({ length: count }, () => product(ja.ref, jb.ref));
      for (const one of made) await one.ref.blockUntilReady();
      const time = performance.now() - begin;
      made.forEach((one) => one.dispose());
      return time;
    });
    const rate = (time) => `${((2 * m * k * n) / time / 1e6).toFixed(2)} GFLOP/s`;
    result[shape] = await rounds(`${m} x ${k} x ${n}`, contenders, options, rate);
    [ta, tb].forEach((tensor) => tensor.dispose());
    buffer.destroy();
  }
  return { result };
}

// The encoder over texts: shape=TEXTSxTOKENS, ep=webgpu or wasm (one thread); all-MiniLM-L6-v2.
export async function forward(options) {
  const gpu = options.ep !== 'wasm', folder = '/models/minilm';
  const [texts, tokens] = sizes(options.shape ?? '1x128');
  const engine = await Unmask.start(options.worker, gpu ? 'gpu' : 'cpu');
  await engine.load(`${folder}/`);
  const ort = await onnxruntime(options, gpu);
  const session = await ort.InferenceSession.create(`${folder}/onnx/model.onnx`, {
    executionProviders: [gpu ? 'webgpu' : 'wasm'], graphOptimizationLevel: 'all',
  });
  const ids = BigInt64Array.from({ length: texts * tokens }, (_, i) => BigInt(1000 + ((i * 7919) % 20000)));
  const tensor = (data) => new ort.Tensor('int64', data, [texts, tokens]);
  const ones = new BigInt64Array(ids.length).fill(1n), zeros = new BigInt64Array(ids.length);
  const dispatches = {};
  const contenders = {
    unmask: async () => {
      const measured = await engine.measure({ forward: { texts, tokens } });
      dispatches.unmask = measured.dispatches;
      return measured.median;
    },
    'ONNX Runtime': async () => {
      const begin = performance.now();
      const out = await session.run({ input_ids: tensor(ids), attention_mask: tensor(ones), token_type_ids: tensor(zeros) });
      void out[session.outputNames[0]].data;
      return performance.now() - begin;
    },
  };
  const result = await rounds(`MiniLM ${texts} x ${tokens}, ${gpu ? 'WebGPU' : 'WebAssembly, one thread'}`, contenders, options);
  say(`  dispatches or steps of unmask: ${dispatches.unmask}`);
  return { result, dispatches };
}
