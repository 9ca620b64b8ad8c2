// Times this project's build and its peers by turns, in one page of one Chromium on one adapter.
//
//   cargo xtask build
//   PEERS=FOLDER node tests/tools/peers/run.mjs SUITE [key=value ...]
//
// SUITE is gemm, forward, train, or page (this project's alone: first paint, first guess). PEERS is a folder outside the repository with package.json
// installed (`npm install --ignore-scripts`) and, from export.py, models/. CHROMIUM names the browser,
// else the one on the PATH is taken. Keys: adapter=default (the machine's GPU; else SwiftShader),
// rounds=N, and what suites.mjs says. A table goes to the terminal, the samples to PEERS/results/.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, '../../../dist');
const [suite, ...pairs] = process.argv.slice(2);
const options = Object.fromEntries(pairs.map((pair) => pair.split('=')));
if (!process.env.PEERS || !['gemm', 'forward', 'train', 'page'].includes(suite)) {
  console.error('usage: PEERS=FOLDER node run.mjs gemm|forward|train|page [key=value ...]');
  process.exit(2);
}
const peers = path.resolve(process.env.PEERS);
const worker = fs.existsSync(dist) && fs.readdirSync(dist).find((name) => /^worker.*\.js$/.test(name));
if (!worker) {
  console.error('There is no build to measure: run `cargo xtask build` first.');
  process.exit(2);
}
const { chromium } = createRequire(path.join(peers, 'package.json'))('playwright-core');

const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.wasm': 'application/wasm', '.json': 'application/json',
};
const ORT = '/nm/onnxruntime-web/dist';
const IMPORTS = { 'onnxruntime-common': '/nm/onnxruntime-common/dist/esm/index.js' };
const PAGE = `<!doctype html><meta charset=utf-8><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;
const FOLDERS = { nm: path.join(peers, 'node_modules'), models: path.join(peers, 'models'), unmask: dist, suites: here };

const server = http.createServer((request, response) => {
  // Isolated, as threads of WebAssembly and fine clocks want it.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  response.setHeader('Cache-Control', 'no-store');
  const [, folder, ...rest] = decodeURIComponent(request.url.split('?')[0]).split('/');
  if (!folder) {
    response.setHeader('content-type', 'text/html');
    return response.end(PAGE);
  }
  const file = path.join(FOLDERS[folder] ?? here, ...rest);
  fs.stat(file, (error, stat) => {
    if (error || !stat.isFile() || !FOLDERS[folder]) {
      response.statusCode = 404;
      return response.end();
    }
    response.setHeader('content-type', TYPES[path.extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', stat.size);
    fs.createReadStream(file).pipe(response);
  });
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? execFileSync('which', ['chromium']).toString().trim(),
  args: [
    '--no-sandbox', '--enable-unsafe-webgpu', '--disable-background-networking',
    ...(options.adapter === 'default' ? [] : ['--use-webgpu-adapter=swiftshader']),
  ],
});
// Milliseconds from the request to the first paint with something on it, and to the first guess, each
// time in a fresh profile.
async function opened(address) {
  const samples = [];
  for (let round = 0; round < Number(options.rounds ?? 7); round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(address);
    await page.locator('.bars li').first().waitFor({ timeout: 120_000 });
    samples.push(await page.evaluate(() => [
      performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now(),
    ]));
    await context.close();
  }
  const middle = (i) => samples.map((sample) => sample[i]).sort((a, b) => a - b)[samples.length >> 1];
  console.log(`first paint ${middle(0).toFixed(0)} ms, first guess ${middle(1).toFixed(0)} ms`);
  return { samples };
}

async function compared(address) {
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (message.text().startsWith('· ')) console.log(message.text().slice(2));
    else if (options.verbose) console.error(message.text());
  });
  await page.goto(address);
  return page.evaluate(
    async ([suite, options]) => (await import('/suites/suites.mjs'))[suite](options),
    [suite, { ...options, worker: `/unmask/${worker}`, ort: ORT }],
  );
}

try {
  const address = `http://127.0.0.1:${server.address().port}/`;
  const result = suite === 'page' ? await opened(`${address}unmask/index.html`) : await compared(address);
  Object.assign(result, { suite, options, browser: browser.version(), date: new Date().toISOString() });
  const file = path.join(peers, 'results', `${options.out ?? suite}.json`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(result, null, 1));
} finally {
  await browser.close();
  server.close();
}
