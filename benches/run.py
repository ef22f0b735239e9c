#!/usr/bin/env python3
"""Speed, start-up and memory of `evals` against a mock server, with `oha` as the ceiling.

    python3 benches/run.py [--mockd DIR] [--rows N] [--rounds N] [--evals FILE] [--cached]

Builds the release program, a mock server from its source (an OpenAI-compatible one that answers
`answer: <last user text>` and counts requests under /stats) and installs `oha`; then asks the mock
the same number of times with each, in turns. Prints a Markdown table for benches/RESULTS.md and
writes nothing into the checkout. What is built or installed stays in --cache. Only the Python
standard library; Linux. A peak of memory below that of this Python, some 20 MB, is not seen.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OHA = "1.16.0"
START_UPS = 20


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mockd", type=Path, default=ROOT.parent / "shared/bench/mockd", help="source of the mock server")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of a run; the memory is measured with ten times as many too")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turns")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--evals", type=Path, help="a built program to measure instead")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/evals-bench", help="where built tools stay")
    parser.add_argument("--cached", action="store_true", help="measure runs again with every answer in the response cache, too")
    parser.add_argument("--no-memory", action="store_true", help="leave out the run of ten times as many rows")
    return parser.parse_args()


def build(manifest, target, *flags):
    """Builds a package in release mode; gives its target directory."""
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", str(manifest), *flags]
    say("$ " + " ".join(command))
    environment = dict(os.environ) | ({"CARGO_TARGET_DIR": str(target)} if target else {})
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    described = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version=1", "--manifest-path", str(manifest)],
        check=True, env=environment, capture_output=True,
    )
    return Path(json.loads(described.stdout)["target_directory"])


def oha(cache):
    """The path of `oha` in the version measured, installed when absent."""
    program = cache / "tools/bin/oha"
    if not program.exists():
        command = ["cargo", "install", "oha", "--locked", "--version", OHA, "--root", str(cache / "tools")]
        say("$ " + " ".join(command))
        environment = dict(os.environ) | {"CARGO_TARGET_DIR": str(cache / "oha-target")}
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
        shutil.rmtree(cache / "oha-target")
    return program


class Mock:
    """The mock server as a process of its own."""

    def __init__(self, program, *flags):
        self.process = subprocess.Popen([program, "--port", "0", *flags], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+/v1", line)
        if not found:
            sys.exit(f"the mock server did not start: {line}")
        self.url = found[0]

    def reset(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url[:-3]}/stats/reset", method="POST")).read()

    def stats(self):
        return json.load(urllib.request.urlopen(f"{self.url[:-3]}/stats"))

    def check(self, requests, streamed, who):
        stats = self.stats()
        expected = {"requests": requests, "ok": requests, "streamed": requests if streamed else 0}
        seen = {name: stats[name] for name in expected}
        if seen != expected:
            sys.exit(f"{who}: the mock server counts {seen}, not {expected}")

    def stop(self):
        self.process.kill()
        self.process.wait()


def timed(command, directory):
    """Runs a command: (seconds from start to exit, peak resident MB, standard output)."""
    out, err = directory / "stdout", directory / "stderr"
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "EVALS_HOME": str(directory / "home")}
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            cwd=directory, env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} gave exit code {process.returncode}:\n{err.read_text()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, out.read_text()


def write_rows(path, count):
    with open(path, "w", encoding="utf-8") as file:
        for n in range(count):
            question = f"Question {n}: what is {n} plus {n * 7 % 1000}?"
            row = {"id": f"r{n}", "question": question, "answer": f"answer: {question}"}
            file.write(json.dumps(row) + "\n")


def write_config(path, rows, url, stream):
    # JSON is YAML.
    config = {
        "name": "bench",
        "dataset": {"path": str(rows), "id": "id", "input": "question", "expected": "answer"},
        "prompts": ["{{question}}"],
        "models": [{
            "id": "mock", "provider": "openai-compatible", "base_url": url, "model": "mock",
            "stream": stream, "price": {"input": 1, "output": 1},
        }],
        "scorers": ["exact_match"],
    }
    path.write_text(json.dumps(config, indent=1) + "\n")


def run_evals(program, directory, mock, rows, count, stream, concurrency, cached=False):
    """One whole run, recorded and scored: (seconds, peak resident MB). The cache is empty before it,
    unless the answers are to come from there."""
    config = directory / "bench.yaml"
    write_config(config, rows, mock.url, stream)
    for kind in ["runs.db*"] if cached else ["runs.db*", "cache.db*"]:
        for old in directory.glob(kind):
            old.unlink()
    mock.reset()
    seconds, rss, out = timed(
        [program, "run", config, "--concurrency", concurrency, "--db", directory / "runs.db",
         "--no-report", "--format", "json"],
        directory,
    )
    mock.check(0 if cached else count, stream, "evals")
    result = json.loads(out)
    means = [cell["value"] for cell in result["results"] if cell["scorer"] == "exact_match" and cell["metric"] == "mean"]
    if result["trials"]["ok"] != count or means != [1.0]:
        sys.exit(f"evals did not score {count} right answers: {result['trials']}, {means}")
    if result["trials"]["cached"] != (count if cached else 0):
        sys.exit(f"evals took {result['trials']['cached']} answers from the cache")
    return seconds, rss


def cached_runs(args, program, directory, mock, rows):
    """A line of text: runs that fill the cache, each with one after it that finds all answers there."""
    asked, found = [], []
    for round_ in range(args.rounds):
        say(f"answers from the cache, round {round_ + 1} of {args.rounds}")
        for seconds, cached in (asked, False), (found, True):
            seconds.append(run_evals(program, directory, mock, rows, args.rows, True, args.concurrency, cached)[0])
    asked, found = statistics.median(asked), statistics.median(found)
    return (f"With every answer in the response cache: {found:.2f} s for {args.rows:,} rows, "
            f"{found / asked:.2f} times of the {asked:.2f} s that asking and keeping them takes.")


def run_oha(program, directory, mock, count, stream, concurrency):
    """The same requests by `oha`: (seconds, peak resident MB, percentiles of latency in seconds)."""
    body = {"model": "mock", "messages": [{"role": "user", "content": "Question 5000: what is 5000 plus 0?"}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    mock.reset()
    seconds, rss, out = timed(
        [program, "-n", count, "-c", concurrency, "--no-tui", "--output-format", "json", "-m", "POST",
         "-T", "application/json", "-d", json.dumps(body), f"{mock.url}/chat/completions"],
        directory,
    )
    mock.check(count, stream, "oha")
    return seconds, rss, json.loads(out)["latencyPercentiles"]


def speed(args, programs, directory, mock, rows):
    """The lines of the table of speed: both ways of asking, both programs in turns."""
    lines = ["| answers | program | runs | wall s (min-max) | calls/s | peak RSS MB | x of `oha` |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for stream in (True, False):
        seen = {"oha": [], "evals": []}
        for round_ in range(args.rounds):
            say(f"{'streamed' if stream else 'whole'} answers, round {round_ + 1} of {args.rounds}")
            seen["oha"].append(run_oha(programs["oha"], directory, mock, args.rows, stream, args.concurrency)[:2])
            seen["evals"].append(run_evals(programs["evals"], directory, mock, rows, args.rows, stream, args.concurrency))
        ceiling = statistics.median(seconds for seconds, _ in seen["oha"])
        for name, runs in seen.items():
            walls = [seconds for seconds, _ in runs]
            median = statistics.median(walls)
            lines.append(
                f"| {'streamed' if stream else 'whole'} | {name} | {len(runs)} "
                f"| {median:.2f} ({min(walls):.2f}-{max(walls):.2f}) | {args.rows / median:,.0f} "
                f"| {statistics.median(rss for _, rss in runs):.0f} | 1/{median / ceiling:.1f} |"
            )
    return lines


def start_up(program, directory):
    """Median milliseconds of `--version`, and of a program that does nothing, for comparison."""
    def median(command):
        return statistics.median(timed(command, directory)[0] for _ in range(START_UPS)) * 1000

    return median([program, "--version"]), median([shutil.which("true")])


def memory(args, program, directory, mock):
    """Peak resident MB at the number of rows and at ten times as many."""
    peaks = []
    for count in (args.rows, args.rows * 10):
        say(f"memory at {count:,} rows")
        rows = directory / "rows.jsonl"
        write_rows(rows, count)
        peaks.append(run_evals(program, directory, mock, rows, count, True, args.concurrency)[1])
    return peaks


def machine():
    try:
        models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        models = []
    return f"{os.cpu_count()} x {models[0] if models else platform.machine()}, {platform.system()} {platform.release()}"


def main():
    args = arguments()
    if not (args.mockd / "Cargo.toml").exists():
        sys.exit(f"there is no mock server at {args.mockd}: give its source with --mockd DIR")
    args.cache.mkdir(parents=True, exist_ok=True)
    evals = args.evals or build(ROOT / "Cargo.toml", None, "--no-default-features") / "release/evals"
    programs = {"evals": Path(evals).resolve(), "oha": oha(args.cache)}
    mockd = build(args.mockd / "Cargo.toml", args.cache / "mockd-target") / "release/mockd"

    with tempfile.TemporaryDirectory(prefix="evals-bench-") as directory:
        directory = Path(directory)
        mock = Mock(mockd)
        try:
            rows = directory / "rows.jsonl"
            write_rows(rows, args.rows)
            lines = speed(args, programs, directory, mock, rows)
            cached = cached_runs(args, programs["evals"], directory, mock, rows) if args.cached else None
            version, nothing = start_up(programs["evals"], directory)
            peaks = [] if args.no_memory else memory(args, programs["evals"], directory, mock)
        finally:
            mock.stop()

    revision = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    print(f"Measured {time.strftime('%Y-%m-%d')} at {revision or 'an unknown revision'} on {machine()}.")
    print(f"{args.rows:,} rows, concurrency {args.concurrency}, mock server at 0 ms in another process, "
          "recording and scoring on. Medians; wall includes start-up.\n")
    print("\n".join(lines))
    print(f"\n`evals --version`: {version:.1f} ms, median of {START_UPS} (a program that does nothing: {nothing:.1f} ms).")
    if cached:
        print(cached)
    if peaks:
        print(f"Peak memory: {peaks[0]:.0f} MB at {args.rows:,} rows, {peaks[1]:.0f} MB at {args.rows * 10:,}: "
              f"{peaks[1] / peaks[0]:.2f} times.")


if __name__ == "__main__":
    main()
