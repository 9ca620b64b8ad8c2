//! What the other tests here lean on: that the browser has WebGPU, in a worker, and that the
//! harness sees a page as its visitor does. If these fail, look at the machine, not at the page.

use serde_json::json;
use unmask_tests::browser::{Bench, Browser, Gpu, Page};
use xtask::server::{Reply, Server, Site};

const PAGE: &str = "<!doctype html><title>Harness</title>
    <style>:root { color-scheme: light dark }</style>
    <button onclick='this.nextElementSibling.textContent = `pressed`; console.error(`on purpose`)'><i>x</i> Press me</button>
    <output aria-label='Answer'>not yet</output>
    <button hidden>Press me</button>
    <label for=words>Words</label><input id=words>
    <input type=file multiple>
    <output aria-label='Worker'></output>
    <script>
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = (event) => {
            document.querySelector('[aria-label=Worker]').textContent = event.data;
        };
    </script>";

/// Doubles three numbers on the GPU.
const WORKER: &str = "
    try {
        const adapter = await navigator.gpu.requestAdapter();
        const device = await adapter.requestDevice();
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const values = device.createBuffer({ size: 12, usage });
        const result = device.createBuffer(
            { size: 12, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
        device.queue.writeBuffer(values, 0, new Float32Array([1, 2.5, -3]));
        const code = `
            @group(0) @binding(0) var<storage, read_write> values: array<f32>;
            @compute @workgroup_size(3) fn main(@builtin(local_invocation_index) i: u32) {
                values[i] *= 2.0;
            }`;
        const pipeline = device.createComputePipeline(
            { layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
        const group = device.createBindGroup({
            layout: pipeline.getBindGroupLayout(0),
            entries: [{ binding: 0, resource: { buffer: values } }],
        });
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(1);
        pass.end();
        encoder.copyBufferToBuffer(values, 0, result, 0, 12);
        device.queue.submit([encoder.finish()]);
        await result.mapAsync(GPUMapMode.READ);
        postMessage(new Float32Array(result.getMappedRange()).join(' '));
    } catch (error) {
        postMessage(`failed: ${error}`);
    }";

fn serve() -> Server {
    let page = || Reply::bytes("text/html; charset=utf-8", PAGE.into());
    let worker = || Reply::bytes("text/javascript", WORKER.into());
    let site = Site::new("/nonexistent")
        .answer("/", page)
        .answer("/worker.js", worker);
    Server::start(site, 0).unwrap()
}

scenario!(webgpu_computes_in_a_worker: Chromium Firefox);
fn webgpu_computes_in_a_worker(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let server = serve();
    let page = Page::open(&bench, &server, "", Gpu::Software, false);
    let worker = page.find("status", "Worker");
    page.wait("the worker's answer", || !worker.text().is_empty());
    assert_eq!(worker.text(), "2 5 -6");
}

scenario!(a_page_without_webgpu_sees_none: Chromium Firefox WebKit);
fn a_page_without_webgpu_sees_none(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let server = serve();
    let page = Page::open(&bench, &server, "", Gpu::None, false);
    let worker = page.find("status", "Worker");
    page.wait("the worker's answer", || !worker.text().is_empty());
    assert!(worker.text().starts_with("failed:"), "{}", worker.text());
}

scenario!(the_harness_sees_and_acts_as_a_visitor: Chromium Firefox WebKit);
fn the_harness_sees_and_acts_as_a_visitor(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let server = serve();
    let page = Page::open(&bench, &server, "", Gpu::Software, false);

    assert_eq!(
        page.all("button", "Press me").len(),
        1,
        "the hidden one does not count"
    );
    assert_eq!(page.all("link", "Press me").len(), 0);
    page.click("button", "Press me");
    assert_eq!(page.find("status", "Answer").text(), "pressed");

    let words = page.find("textbox", "Words");
    words.fill("two words");
    words.focus();
    page.press(" more");
    assert_eq!(words.value(), "two words more");
    assert_eq!(page.focused(), "textbox Words");

    let files = [
        bench.site.join("index.html"),
        std::env::current_exe().unwrap(),
    ];
    page.upload("input[type=file]", &files);
    let count = page.run(
        "return document.querySelector('input[type=file]').files.length",
        &[],
    );
    assert_eq!(count, json!(2));

    for dark in [true, false] {
        if !page.prefer_dark(dark) {
            break;
        }
        let seen = page.run(
            "return matchMedia('(prefers-color-scheme: dark)').matches",
            &[],
        );
        assert_eq!(seen, json!(dark));
    }
    let size = || page.run("return [innerWidth, innerHeight]", &[]);
    if page.resize(390, 844) {
        assert_eq!(size(), json!([390, 844]));
    }
    assert!(page.resize(780, 900));
    assert_eq!(size(), json!([780, 900]));
    let picture = std::fs::read(page.screenshot("harness")).unwrap();
    assert_eq!(&picture[1..4], b"PNG");

    let errors = page.console_errors();
    assert!(
        errors.iter().any(|line| line.contains("on purpose")),
        "{errors:?}"
    );
}
