#!/usr/bin/env python3
"""How long a first visitor waits: from the navigation to the page's own program and to its first guess.

    python3 tests/tools/first_guess.py DIST [--rounds 3] [--ms 40] [--mbit 10]

Serves DIST over a made-up line: every answer begins `--ms` late (a new connection that much later
still), and all of them share `--mbit`. The server does it, so that
workers are slowed like the page. Chromium begins each round with an empty profile and computes on the CPU. Prints
seconds, one line a round. Wants CHROMIUM and CHROMEDRIVER, or both on the PATH.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
PIECE = 8 << 10

# What is seen first, noted by the page's own clock.
WATCH = """
window.seen = {};
const note = (name, there) => {
  if (!(name in window.seen) && there) window.seen[name] = performance.now() / 1000;
};
new MutationObserver(() => {
  note("page", document.querySelector("#text"));
  note("engine", /CPU/.test(document.querySelector(".badge")?.textContent ?? ""));
  note("guess", document.querySelector(".mask .bar"));
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


class Line:
    """A static host behind a slow line."""

    def __init__(self, root, ms, mbit):
        self.root, self.delay, self.rate = root, ms / 1000, mbit * 1e6 / 8
        self.free = 0.0
        self.total = 0

    async def carry(self, writer, data):
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            now = time.monotonic()
            # A sleep that took too long is made up for.
            self.free = max(self.free, now - 0.05) + len(piece) / self.rate
            self.total += len(piece)
            await asyncio.sleep(max(self.free - now, 0))
            writer.write(piece)
            await writer.drain()

    async def visit(self, reader, writer):
        try:
            await asyncio.sleep(self.delay)
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                await asyncio.sleep(self.delay)
                await self.carry(writer, self.answer(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, head):
        path = head.split()[1].split("?")[0].lstrip("/") or "index.html"
        file = self.root / path
        lines = ["Cache-Control: " + ("max-age=31536000, immutable" if re.search(r"-[0-9a-f]{8}\.", path) else "no-cache")]
        if path == "blank":
            status, body, kind = "200 OK", b"<!doctype html><link rel=icon href=data:,>", ".html"
        elif not file.is_file():
            status, body, kind = "404 Not Found", b"", ".html"
        else:
            packed = file.with_name(file.name + ".br")
            if packed.is_file():
                lines.append("Content-Encoding: br")
            body = (packed if packed.is_file() else file).read_bytes()
            status, kind = "200 OK", file.suffix
        lines += [f"Content-Type: {TYPES.get(kind, 'application/octet-stream')}", f"Content-Length: {len(body)}"]
        return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body

    def start(self):
        """Serves in a thread of its own; returns the port."""
        ready, port = threading.Event(), []

        async def serve():
            server = await asyncio.start_server(self.visit, "127.0.0.1", 0)
            port.append(server.sockets[0].getsockname()[1])
            ready.set()
            await server.serve_forever()

        threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
        ready.wait()
        return port[0]


class Browser:
    """One Chromium with an empty profile, by WebDriver."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        driver = os.environ.get("CHROMEDRIVER", "chromedriver")
        self.process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.base = f"http://127.0.0.1:{found[1]}/session"
                break
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-features=WebGPU,WebGPUService",
            f"--user-data-dir={self.profile.name}",
        ]
        options = {"args": arguments, "binary": os.environ.get("CHROMIUM", "chromium")}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "timeouts": {"pageLoad": 300000}}
        self.base += "/" + self.post("", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def post(self, path, body, method="POST"):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=400) as answer:
            return json.load(answer)["value"]

    def run(self, script):
        return self.post("/execute/sync", {"script": script, "args": []})

    def close(self):
        try:
            self.post("", None, "DELETE")
        finally:
            self.process.kill()
            self.process.wait()


def visit(port):
    browser = Browser()
    try:
        browser.post("/url", {"url": f"http://127.0.0.1:{port}/blank"})
        browser.run("localStorage.setItem('unmask.device', 'cpu')")
        watch = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": WATCH}}
        browser.post("/goog/cdp/execute", watch)
        browser.post("/url", {"url": f"http://127.0.0.1:{port}/"})
        for _ in range(600):
            seen = browser.run("return window.seen")
            if "guess" in seen:
                return seen
            time.sleep(0.2)
        raise SystemExit(f"no guess came; seen: {seen}")
    finally:
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ms", type=float, default=40)
    parser.add_argument("--mbit", type=float, default=10)
    given = parser.parse_args()
    for _ in range(given.rounds):
        line = Line(given.dist, given.ms, given.mbit)
        seen = visit(line.start())
        times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in seen.items())
        print(f"{times} ({line.total / 1e6:.1f} MB)", flush=True)


if __name__ == "__main__":
    main()
