#!/usr/bin/env python3
"""What the engine costs and keeps up: one program, several loads, each next to its limit.

    python3 benches/engine.py [--only NAME ...] [--evals FILE] [--mockd DIR] [--rounds N]

Prints a table: `cpu`, `waves`, `flight`, `added`, `single`, `judged`, `errors`, `rate`, `million`. The
last two take minutes. The mock servers run in processes of their own; what is measured is as in `run.py`,
which also says how the programs come to be.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

import run as base

SINGLES = 20
PER_MINUTE = 600


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(LOADS), default=list(LOADS), help="these loads and no others")
    parser.add_argument("--evals", type=Path, help="a built program to measure instead")
    parser.add_argument("--mockd", type=Path, default=base.ROOT.parent / "shared/bench/mockd", help="source of the mock server")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turns")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/evals-bench", help="where built tools stay")
    return parser.parse_args()


class Bench:
    """The programs, and a directory that is empty before each run."""

    def __init__(self, args, directory):
        evals = args.evals or base.build(base.ROOT / "Cargo.toml", None, "--no-default-features") / "release/evals"
        self.evals, self.oha_program = Path(evals).resolve(), base.oha(args.cache)
        self.mockd = base.build(args.mockd / "Cargo.toml", args.cache / "mockd-target") / "release/mockd"
        self.directory, self.rounds = directory, args.rounds

    def mock(self, *flags):
        return Mock(self.mockd, flags)

    def run(self, url, rows, *flags, concurrency=64, stream=True, judge=None):
        """One run: wall seconds, CPU seconds, peak MB, what it printed. `judge` is the server of a judge
        of every row."""
        directory = self.directory
        for old in [*directory.glob("runs.db*"), *directory.glob("cache.db*")]:
            old.unlink()
        path = directory / f"rows-{rows}.jsonl"
        if not path.exists():
            base.write_rows(path, rows)
        base.write_config(directory / "bench.yaml", path, url, stream)
        if judge:
            judged_by(directory / "bench.yaml", judge)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds, rss, out = base.timed(
            [self.evals, "run", directory / "bench.yaml", "--concurrency", concurrency, "--db", directory / "runs.db",
             "--no-report", "--format", "json", *flags],
            directory,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        result = json.loads(out)
        if result["trials"]["ok"] < 0.99 * rows:
            sys.exit(f"not every trial has an answer: {result['trials']}")
        return seconds, cpu, rss, result

    def calls_per_second(self, calls):
        """Of the last run, from the first to the last one sent."""
        first, last = self.query("SELECT min(started_ms), max(started_ms) FROM attempts")[0]
        return calls / max(1, last - first) * 1000

    def query(self, sql):
        with sqlite3.connect(self.directory / "runs.db") as store:
            return store.execute(sql).fetchall()


class Mock(base.Mock):
    """The mock server with flags; ends with the block."""

    def __init__(self, program, flags):  # starts with the block, not before
        self.program, self.flags = program, flags

    def __enter__(self):
        super().__init__(self.program, *self.flags)
        return self

    def __exit__(self, *_):
        self.stop()


def judged_by(path, url):
    """Adds a judge to a config; the mock server gives one grade to everything."""
    config = json.loads(path.read_text())
    model = config["models"][0] | {"id": "judge", "base_url": url}
    config["scorers"].append({"judge": {
        "id": "judge", "prompt": "Is this an answer? {{output}}", "use_cot": False,
        "choice_scores": {"GRADE: C": 1, "No": 0}, "model": model,
    }})
    path.write_text(json.dumps(config, indent=1) + "\n")


def cpu(bench):
    """User and system time of a row, as such and with the cache off."""
    with bench.mock() as mock:
        lines = []
        for name, flags in [("with the response cache", []), ("`--no-cache`", ["--no-cache"])]:
            costs = [bench.run(mock.url, 10_000, *flags)[1] / 10_000 * 1e6 for _ in range(bench.rounds)]
            lines.append(f"{name} {statistics.median(costs):.0f} us")
        return "CPU a row, 10,000 rows, 0 ms, concurrency 64", ", ".join(lines), "80 us"


def waves(bench):
    """10,000 calls of 100 ms, 256 at a time, next to oha."""
    with bench.mock("--latency-ms", "100") as mock:
        ours, theirs = [], []
        for _ in range(bench.rounds):
            theirs.append(base.run_oha(bench.oha_program, bench.directory, mock, 10_000, True, 256)[0])
            mock.reset()
            ours.append(bench.run(mock.url, 10_000, concurrency=256)[0])
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        return ("10,000 rows at 100 ms, concurrency 256",
                f"{ours:.2f} s, oha {theirs:.2f} s: {ours / theirs:.3f} times", "1.05 times")


def flight(bench):
    """As many calls at a time as there are rows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with bench.mock("--latency-ms", "2000") as mock:
            seconds, _, rss, _ = bench.run(mock.url, 10_000, concurrency=10_000)
            most = mock.stats()["max_in_flight"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return ("10,000 calls in flight at 2 s", f"{most:,} at once, {seconds:.1f} s, {rss:.0f} MB, every trial answered", "hold")


def added(bench):
    """What the program adds to calls of 20 ms at half of the calls a second that it can do. The mock
    server and the machine add to them too, so that oha stands beside it, with as many in flight."""
    with bench.mock() as mock:
        bench.run(mock.url, 10_000, "--no-cache")
        most = bench.calls_per_second(10_000)
    in_flight = max(1, round(most / 2 * 0.021))
    ours, theirs, rates = [], [], []
    with bench.mock("--latency-ms", "20") as mock:
        for _ in range(bench.rounds):
            seen = base.run_oha(bench.oha_program, bench.directory, mock, 10_000, True, in_flight)[2]
            theirs.append([seen[name] * 1000 - 20 for name in ("p50", "p90", "p99")])
            bench.run(mock.url, 10_000, "--no-cache", concurrency=in_flight)
            latencies = sorted(us / 1000 for (us,) in bench.query("SELECT latency_us FROM attempts"))
            ours.append([latencies[int(share * len(latencies))] - 20 for share in (0.5, 0.9, 0.99)])
            rates.append(bench.calls_per_second(10_000))
    ours, theirs = ("p50 {:.1f}, p90 {:.1f}, p99 {:.1f} ms".format(*map(statistics.median, zip(*side))) for side in (ours, theirs))
    return (f"added to calls of 20 ms at {statistics.median(rates):,.0f} calls/s, {in_flight} in flight",
            f"{ours}; what oha sees: {theirs}", "p99 5 ms")


def single(bench):
    """A run of one row, from start to exit."""
    with bench.mock() as mock:
        walls = sorted(bench.run(mock.url, 1, "--no-cache")[0] for _ in range(SINGLES))
    return (f"`evals run` of one row, median of {SINGLES}", f"{statistics.median(walls) * 1000:.0f} ms", "60 ms")


def judged(bench):
    """Calls a second with a judge on every row, next to those of the run without."""
    with bench.mock() as mock, bench.mock("--judge", "grade") as judge:
        plain, twice = [], []
        for _ in range(bench.rounds):
            plain.append(10_000 / bench.run(mock.url, 10_000, "--no-cache")[0])
            twice.append(20_000 / bench.run(mock.url, 10_000, "--no-cache", judge=judge.url)[0])
        plain, twice = statistics.median(plain), statistics.median(twice)
    return ("a judge on every row, 10,000 rows, 0 ms, concurrency 64",
            f"{twice:,.0f} calls/s, {plain:,.0f} without it: {twice / plain:.2f} times", "0.8 times")


def errors(bench):
    """One answer in five is a 503."""
    with Faulty(share=0.2) as server:
        seconds, _, _, _ = bench.run(server.url, 2_000, "--allow-errors", "1%", concurrency=32)
        asked = bench.query("SELECT count(*) FROM attempts")[0][0]
    return ("requests a call, one answer in five a 503", f"{asked / 2_000:.3f} ({seconds:.0f} s for 2,000 rows)", "1.3")


def rate(bench):
    """A server that takes 600 requests a minute; what comes of the second and the third minute."""
    with Faulty(per_minute=PER_MINUTE) as server:
        bench.run(server.url, 3 * PER_MINUTE, concurrency="auto")
        first = bench.query("SELECT min(started_ms) FROM attempts")[0][0]
        inside = f"FROM attempts WHERE started_ms BETWEEN {first + 60_000} AND {first + 150_000}"
        taken = bench.query(f"SELECT count(*) {inside} AND http_status = 200")[0][0]
        refused = bench.query(f"SELECT count(*) {inside} AND http_status = 429")[0][0]
    return (f"{PER_MINUTE} requests a minute allowed, after the first minute",
            f"{taken / (PER_MINUTE * 1.5):.0%} of it used, {refused / max(1, taken + refused):.1%} of answers 429", "90%, 2%")


def million(bench):
    """Memory and CPU of a million rows, next to ten thousand."""
    with bench.mock() as mock:
        _, few_cpu, few, _ = bench.run(mock.url, 10_000)
        _, many_cpu, many, _ = bench.run(mock.url, 1_000_000)
    return ("1,000,000 rows next to 10,000", f"{many:.0f} MB, {many / few:.2f} times; CPU a row {many_cpu / few_cpu / 100:.2f} times",
            "120 MB, 1.3 times")


class Faulty:
    """A server that refuses: a share of the requests with 503, or what goes beyond a rate with 429."""

    def __init__(self, share=0.0, per_minute=None):
        self.share, self.per_minute = share, per_minute

    def __enter__(self):
        here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(there, self.share, self.per_minute), daemon=True)
        self.process.start()
        self.url = f"http://127.0.0.1:{here.recv()}/v1"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()


def serve(pipe, share, per_minute):
    """Serves until it is killed. The rate is a bucket that holds what ten seconds bring."""
    draw, bucket = random.Random(7), {"left": (per_minute or 0) / 6, "at": time.monotonic()}

    def refusal():
        if draw.random() < share:
            return 503, ""
        if per_minute is None:
            return None
        now, most = time.monotonic(), per_minute / 6
        bucket["left"] = min(most, bucket["left"] + (now - bucket["at"]) * per_minute / 60)
        bucket["at"] = now
        if bucket["left"] < 1:
            return 429, "Retry-After: 1\r\n"
        bucket["left"] -= 1
        return None

    async def answer(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                body = json.loads(await reader.readexactly(length))
                await asyncio.sleep(0.05)
                text = "answer: " + body["messages"][-1]["content"]
                status, more, said = 200, "", {
                    "id": "x", "object": "chat.completion", "created": 0, "model": "mock",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
                }
                if refused := refusal():
                    (status, more), said = refused, {"error": {"message": "not now", "type": "server_error"}}
                data = json.dumps(said).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


LOADS = {load.__name__: load for load in [cpu, waves, flight, added, single, judged, errors, rate, million]}


def main():
    args = arguments()
    if not (args.mockd / "Cargo.toml").exists():
        sys.exit(f"there is no mock server at {args.mockd}: give its source with --mockd DIR")
    args.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="evals-bench-") as directory:
        bench = Bench(args, Path(directory))
        print(f"On {base.machine()}:\n\n| what | measured | goal |\n| --- | --- | --- |")
        for name in args.only:
            base.say(name)
            print("| {} | {} | {} |".format(*LOADS[name](bench)), flush=True)


if __name__ == "__main__":
    main()
