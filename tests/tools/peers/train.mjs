// Steps of training: what=head,block. head: a classifier 384 to 2 over 32 vectors. block: one post-LN
// transformer layer of 128, 2 heads, 512 between, over 4 x 32 tokens. Forward, backward and AdamW (the
// peers: Adam). This project's layer has dropout, embeddings, a classifier and gradient clipping
// beside; the peers' loss is the mean of squares.
import { jaxjs, random, rounds, say, tensorflow } from './contest.mjs';
import { Unmask } from './unmask.mjs';

const H = 128, A = 2, I = 512, B = 4, S = 32, D = H / A;
const SHAPES = {
  wq: [H, H], wk: [H, H], wv: [H, H], wo: [H, H], bq: [H], bk: [H], bv: [H], bo: [H], g1: [H], b1: [H],
  w1: [H, I], c1: [I], w2: [I, H], c2: [H], g2: [H], b2: [H],
};
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const PARAMS = Object.entries(SHAPES).map(([name, shape]) => [
  name, name[0] === 'g' ? new Float32Array(size(shape)).fill(1) : random(size(shape), 0.05), shape,
]);

const timed = (step) => async () => {
  const begin = performance.now();
  await step();
  return performance.now() - begin;
};

function tensorflowBlock(tf) {
  const p = Object.fromEntries(PARAMS.map(([name, data, shape]) => [name, tf.variable(tf.tensor(data, shape))]));
  const x = tf.tensor2d(random(B * S * H, 1), [B * S, H]);
  const adam = tf.train.adam(1e-4);
  const linear = (x, w, b) => tf.add(tf.matMul(x, w), b);
  const norm = (x, g, b) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), g), b);
  };
  const heads = (x) => x.reshape([B, S, A, D]).transpose([0, 2, 1, 3]);
  const loss = () => {
    const [q, k, v] = [[p.wq, p.bq], [p.wk, p.bk], [p.wv, p.bv]].map(([w, b]) => heads(linear(x, w, b)));
    const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)));
    const o = tf.matMul(weights, v).transpose([0, 2, 1, 3]).reshape([B * S, H]);
    const h = norm(tf.add(x, linear(o, p.wo, p.bo)), p.g1, p.b1);
    const u = linear(h, p.w1, p.c1);
    const gelu = tf.mul(u, tf.mul(0.5, tf.add(1, tf.erf(tf.mul(u, Math.SQRT1_2)))));
    return norm(tf.add(h, linear(gelu, p.w2, p.c2)), p.g2, p.b2).square().mean();
  };
  return timed(async () => {
    const value = adam.minimize(loss, true, Object.values(p));
    await value.data();
    value.dispose();
  });
}

function tensorflowHead(tf) {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [384], activation: 'softmax' })] });
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
  const x = tf.tensor2d(random(32 * 384, 1), [32, 384]);
  const y = tf.oneHot(tf.tensor1d(Int32Array.from({ length: 32 }, (_, i) => i % 2), 'int32'), 2).toFloat();
  return timed(() => model.trainOnBatch(x, y));
}

// A step of `loss(params, x)` with Adam.
function jaxStep(jax, loss, params, x) {
  const { numpy: np, jit, valueAndGrad } = jax;
  const adam = jit((p, m, v, g) => {
    const first = m.mul(0.9).add(g.ref.mul(0.1)), second = v.mul(0.999).add(g.ref.mul(g).mul(0.001));
    return [p.sub(first.ref.div(np.sqrt(second.ref).add(1e-8)).mul(1e-4)), first, second];
  });
  const gradients = jit((p, x) => valueAndGrad(loss)(p, x));
  const state = Object.fromEntries(params.map(([name, data, shape]) => [
    name, [np.array(data).reshape(shape), np.zeros(shape), np.zeros(shape)],
  ]));
  return timed(async () => {
    const [value, g] = gradients(Object.fromEntries(Object.entries(state).map(([name, [p]]) => [name, p.ref])), x.ref);
    for (const name of Object.keys(state)) state[name] = adam(...state[name], g[name]);
    if (!Number.isFinite((await value.data())[0])) throw new Error('the loss is no number');
    await jax.blockUntilReady(Object.values(state).map(([p]) => p.ref));
  });
}

function jaxHead(jax) {
  const { numpy: np, nn } = jax;
  const y = np.array(Float32Array.from({ length: 64 }, (_, i) => Number((i >> 1) % 2 === i % 2))).reshape([32, 2]);
  const loss = (p, x) => nn.logSoftmax(np.matmul(x, p.w).add(p.b)).mul(y.ref).sum().mul(-1 / 32);
  const params = [['w', random(768, 0.05), [384, 2]], ['b', new Float32Array(2), [2]]];
  return jaxStep(jax, loss, params, np.array(random(32 * 384, 1)).reshape([32, 384]));
}

function jaxBlock(jax) {
  const { numpy: np, nn } = jax;
  const linear = (x, w, b) => np.matmul(x, w).add(b);
  const norm = (x, g, b) => nn.standardize(x, -1).mul(g).add(b);
  const heads = (x) => x.reshape([B, S, A, D]).transpose([0, 2, 1, 3]);
  const loss = (p, x) => {
    const [q, k, v] = [[p.wq, p.bq], [p.wk, p.bk], [p.wv, p.bv]].map(([w, b]) => heads(linear(x.ref, w, b)));
    const weights = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(D)), -1);
    const o = np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([B * S, H]);
    const h = norm(x.add(linear(o, p.wo, p.bo)), p.g1, p.b1);
    return np.square(norm(h.ref.add(linear(nn.gelu(linear(h, p.w1, p.c1)), p.w2, p.c2)), p.g2, p.b2)).mean();
  };
  return jaxStep(jax, loss, PARAMS, np.array(random(B * S * H, 1)).reshape([B * S, H]));
}

export async function train(options) {
  const engine = await Unmask.start(options.worker, 'gpu');
  const tf = await tensorflow(), jax = await jaxjs();
  const suites = {
    head: ['/models/minilm/', { head_step: { texts: 32 } }, tensorflowHead, jaxHead],
    block: ['/models/block/', { layer_step: { texts: B, tokens: S } }, tensorflowBlock, jaxBlock],
  };
  const result = {};
  for (const what of (options.what ?? 'head,block').split(',')) {
    const [folder, one, inTensorflow, inJax] = suites[what];
    await engine.load(folder);
    let dispatches;
    const contenders = {
      unmask: async () => {
        const measured = await engine.measure(one);
        dispatches = measured.dispatches;
        return measured.median;
      },
      'TensorFlow.js': inTensorflow(tf),
      'jax-js': inJax(jax),
    };
    result[what] = await rounds(`step of the ${what}`, contenders, options);
    say(`  dispatches of unmask: ${dispatches}`);
    result[what].dispatches = dispatches;
  }
  return { result };
}
