#!/usr/bin/env python3
"""Size of the HTML report, memory and time it takes to make, and how quick it is in a browser.

    python3 benches/report.py [--binary PATH] [--trials N ...] [--words N | --gsm8k FILE]

Builds the release program unless one is named, records runs of two models with answers of so many
words each, or of four with the solutions of GSM8K in FILE (`example_model_solutions.jsonl`; their
numbers are drawn anew where rows come again), writes their reports again under a clock, and opens them
in headless Chromium, which is driven over its DevTools protocol. Prints a Markdown table for
benches/RESULTS.md and writes nothing into the checkout. Goals: the file at most 1.2 times the
compressed text of the outputs plus 500 kB, by gzip and, which is stricter, by xz; 256 MiB to make it;
10,000 trials open in 2 s and filter in 100 ms, 100,000 open in 10 s.
"""

import argparse
import json
import lzma
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"]

# Run in the page: how long each act takes until the browser has drawn what came of it.
MEASURE = """(async () => {
  const out = {};
  const time = async (name, act) => {
    const begin = performance.now();
    await act();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    out[name] = performance.now() - begin;
  };
  const field = (id) => document.getElementById(id);
  const set = (id, value) => { field(id).value = value; field(id).dispatchEvent(new Event("change")); };
  const find = (text) => { field("q").value = text; field("q").dispatchEvent(new Event("input")); };
  const searched = async () => { while (/^Reading/.test(field("count").textContent)) await new Promise((done) => setTimeout(done, 5)); };
  await time("drawing alone", () => {});
  await time("by model", () => set("f-model", "1"));
  await time("by result", () => set("f-result", "failed"));
  await time("models disagree", () => field("f-differ").click());
  await time("clear", () => field("clear").click());
  await time("sorted by score", () => document.querySelector("[data-key=score0] button").click());
  await time("first search", async () => { find("relation"); await new Promise((done) => setTimeout(done, 0)); await searched(); });
  await time("next search", () => find("relation hope"));
  await time("nothing found", () => find("relation hope zzz"));
  find("");
  await time("opened trial", async () => {
    document.querySelector("#grid-body [role=row]").click();
    while (!document.body.dataset.opened) await new Promise((done) => setTimeout(done, 5));
  });
  return out;
})()"""


class Page:
    """A page of a browser that listens at `address`."""

    def __init__(self, address):
        host, path = address.split("/", 1)
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)))
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        while self.file.readline().strip():
            pass
        self.last, self.session = 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        text = json.dumps(message).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        self.socket.sendall(b"\x81" + size + bytes(4) + text)
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self):
        text = b""
        while True:
            first, second = self.file.read(2)
            size = second & 127
            if size >= 126:
                size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
            text += self.file.read(size)
            if first & 0x80:
                return json.loads(text)

    def value(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            sys.exit(json.dumps(found["exceptionDetails"]))
        return found["result"].get("value")

    def open(self, path):
        begin = time.monotonic()
        self.call("Page.navigate", url=f"file://{path}")
        self.value("new Promise((done) => { const look = () => document.getElementById('app') && "
            "!document.getElementById('app').hidden ? done(true) : setTimeout(look, 5); look(); })")
        return time.monotonic() - begin


def words(rng, count):
    base = "the of and run jump relation general hope fox dog café Straße number answer because therefore equal".split()
    return " ".join(rng.choice(base) + rng.choice(["", "s", "ed", "ing", "ization", "ly", "ness", str(rng.randrange(1000))]) for _ in range(count))


def drawn(trials, count):
    """Rows of an invented question, with the answers of two models."""
    rng = random.Random(trials)
    for row in range(trials // 2):
        expected = words(rng, 2)
        answers = {model: words(rng, rng.randint(count // 2, count * 3 // 2)) + (expected if rng.random() < 0.6 else "") for model in ("one", "two")}
        yield {"id": f"row-{row:06}", "input": f"{words(rng, 20)}?", "expected": expected, "tags": rng.choice("abc")}, answers


def solved(trials, path):
    """Questions of GSM8K, with what four models wrote."""
    rng = random.Random(trials)
    known = [json.loads(line) for line in open(path)]
    models = [name for name, said in known[0].items() if isinstance(said, dict)]
    for row in range(trials // len(models)):
        one, anew = known[row % len(known)], row >= len(known)
        text = lambda text: re.sub(r"\d+", lambda found: str(rng.randrange(1, 10 ** len(found[0]))), text) if anew else text
        expected = one["ground_truth"].split("A:")[-1].strip()
        yield {"id": f"row-{row:06}", "input": text(one["question"]), "expected": expected, "tags": str(row % 3)}, {
            model: text(one[model]["solution"]) for model in models}


def record(binary, directory, rows):
    """Records a run of these rows and answers; gives the sizes of its outputs by gzip and by xz."""
    rng = random.Random(7)
    packers = [zlib.compressobj(6, zlib.DEFLATED, 31), lzma.LZMACompressor(preset=6)]
    sizes, models = [0, 0], []
    with open(directory / "rows.jsonl", "w") as questions, open(directory / "answers.jsonl", "w") as answers:
        for row, said in rows:
            questions.write(json.dumps(row) + "\n")
            models = list(said)
            for model, output in said.items():
                sizes = [size + len(packer.compress(f"{output}\n".encode())) for size, packer in zip(sizes, packers)]
                answers.write(json.dumps({"id": row["id"], "model": model, "output": output, "latency_ms": rng.lognormvariate(6, 0.5)}) + "\n")
    asked = [part for model in models for part in ("-m", f"replay:answers.jsonl#{model}")]
    subprocess.run([binary, "run", "rows.jsonl", *asked, "-s", "contains", "-s", "levenshtein", "--no-report"],
        cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [size + len(packer.flush()) for size, packer in zip(sizes, packers)]


def make(binary, directory):
    """Writes the report; gives seconds of the processor and the peak of its memory in MiB."""
    process = subprocess.Popen([binary, "report", "-o", "report.html"], cwd=directory, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the report failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, help="the program; it is built when none is named")
    parser.add_argument("--trials", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--words", type=int, default=150, help="of an answer, about")
    parser.add_argument("--gsm8k", type=Path, help="solutions to take the answers from")
    options = parser.parse_args()
    binary = options.binary
    if not binary:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        binary = target / "release/evals"
    binary = binary.resolve()
    with tempfile.TemporaryDirectory() as top:
        browser = subprocess.Popen(["chromium", *FLAGS, f"--user-data-dir={top}/profile", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        address = next(line.split("ws://")[1].strip() for line in browser.stderr if "DevTools listening on" in line)
        page = Page(address)
        print("| trials | file MB | allowed by gzip MB | by xz | made in CPU s | peak MiB | open s | acts in the page, ms |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for trials in options.trials:
            directory = Path(top) / str(trials)
            directory.mkdir()
            rows = solved(trials, options.gsm8k) if options.gsm8k else drawn(trials, options.words)
            packed = record(binary, directory, rows)
            seconds, peak = make(binary, directory)
            size = (directory / "report.html").stat().st_size
            opened = page.open(directory / "report.html")
            acts = page.value(MEASURE)
            told = ", ".join(f"{name} {value:.0f}" for name, value in acts.items())
            allowed = [f"{(size * 1.2 + 5e5) / 1e6:.2f}" for size in packed]
            print(f"| {trials:,} | {size / 1e6:.2f} | {allowed[0]} | {allowed[1]} | {seconds:.1f} | {peak:.0f} | {opened:.2f} | {told} |", flush=True)
        browser.kill()
        browser.wait()


if __name__ == "__main__":
    main()
