#!/usr/bin/env python3
"""Speed of the scorers of overlap and distance against the Python programs that they follow.

    python3 benches/scorers.py [--profile dev|bench] [--pairs N] [--cache DIR]

Installs the references in the versions of tests/golden/overlap.py, builds the program
`benches/scorers.rs`, and scores the same pairs of texts with each, one after the other, in one
process on one core. Prints a Markdown table for benches/RESULTS.md and writes nothing into the
checkout. The ratio that counts is that of the sentences; long texts must come to an end in seconds.
The profile `dev` tells whether the command works, not how fast the scorers are.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [
    "sacrebleu==2.6.0", "rouge-score==0.1.2", "nltk==3.10.4", "jiwer==4.0.0", "rapidfuzz==3.14.6",
    "autoevals==0.4.1", "scipy==1.17.1",
]
VOCABULARY = [a + b for a in "the of and run jump relation general hope fox dog café Straße".split() for b in ["", "s", "ed", "ing", "ization", "ly", "ness"]]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="bench", choices=["bench", "dev"])
    parser.add_argument("--pairs", type=int, default=1000, help="pairs of sentences")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/evals-bench", help="where the Python packages stay")
    parser.add_argument("--inner", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def text(rng, count):
    return " ".join(rng.choice(VOCABULARY) + (rng.choice(",.;") if rng.random() < 0.1 else "") for _ in range(count))


def edited(rng, original):
    words = original.split(" ")
    for _ in range(max(1, len(words) // 8)):
        at = rng.randrange(len(words))
        words[at] = rng.choice(VOCABULARY)
    at = rng.randrange(len(words))
    return " ".join(words[at:] + words[:at]) if rng.random() < 0.3 else " ".join(words)


def make(rng, count, low, high):
    pairs = []
    for _ in range(count):
        original = text(rng, rng.randint(low, high))
        pairs.append([original, edited(rng, original)])
    return pairs


# Scorer, options, and whether the reference ends in reasonable time on long texts.
SCORERS = [
    ("exact_match", {}), ("levenshtein", {}), ("jaro_winkler", {}), ("bleu", {}), ("bleu", {"tokenize": "intl"}),
    ("chrf", {}), ("chrf", {"word_order": 2}), ("ter", {}), ("rouge1", {}), ("rouge2", {"stem": True}), ("rougeL", {}),
    ("rougeLsum", {}), ("meteor", {}), ("gleu", {}), ("wer", {}), ("cer", {}),
]


def references():
    """What is called for a pair, by scorer and options; imports the packages."""
    import jiwer
    from nltk.translate.gleu_score import sentence_gleu
    from nltk.translate.meteor_score import meteor_score
    from rapidfuzz.distance import JaroWinkler, Levenshtein
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU, CHRF, TER

    class NoSynonyms:
        @staticmethod
        def synsets(_word):
            return []

    def rouge(name, stem=False):
        scorer = RougeScorer([name], use_stemmer=stem)
        return lambda a, b: scorer.score(a, b)[name].fmeasure

    def sacre(metric):
        return lambda a, b: metric.sentence_score(b, [a]).score

    return [
        lambda a, b: a == b, Levenshtein.normalized_similarity, JaroWinkler.normalized_similarity, sacre(BLEU()),
        sacre(BLEU(tokenize="intl")), sacre(CHRF()), sacre(CHRF(word_order=2)), sacre(TER()), rouge("rouge1"),
        rouge("rouge2", True), rouge("rougeL"), rouge("rougeLsum"),
        lambda a, b: meteor_score([a.split()], b.split(), wordnet=NoSynonyms),
        lambda a, b: sentence_gleu([a.split()], b.split()), jiwer.wer, jiwer.cer,
    ]


def inner(path):
    """Times the references; runs in the environment that has them."""
    import logging

    logging.disable(logging.CRITICAL)
    work = json.loads(path.read_text())
    pairs = work["pairs"]["sentences"]
    for (name, options), reference in zip(SCORERS, references()):
        begin = time.perf_counter()
        for expected, output in pairs:
            reference(expected, output)
        print(json.dumps([name, options, (time.perf_counter() - begin) / len(pairs) * 1e9]), flush=True)


def environment(cache):
    home = cache / "scorers-python"
    python = home / "bin/python"
    marker = home / "packages"
    if not marker.exists() or marker.read_text() != "\n".join(PACKAGES):
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr)
        marker.write_text("\n".join(PACKAGES))
    return python


def built(profile):
    command = ["cargo", "bench" if profile == "bench" else "build", "--locked", "--no-default-features", "--bench", "scorers"]
    command += ["--no-run"] if profile == "bench" else []
    command += ["--message-format=json"]
    print("$ " + " ".join(command), file=sys.stderr, flush=True)
    out = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [m["executable"] for m in found if m.get("executable") and m["target"]["name"] == "scorers"][-1]


def one_core(command):
    pin = ["taskset", "-c", "0"] if os.path.exists("/usr/bin/taskset") else []
    out = subprocess.run([*pin, *map(str, command)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def main():
    args = arguments()
    if args.inner:
        return inner(args.inner)
    args.cache.mkdir(parents=True, exist_ok=True)
    python, program = environment(args.cache), built(args.profile)
    rng = random.Random(1)
    long = make(rng, 1, 10_000, 10_000)
    short = make(rng, 20_000, 1, 4)
    work = {
        "pairs": {"sentences": make(rng, args.pairs, 8, 40), "long": long, "short": short},
        "scorers": [[name, options, "sentences"] for name, options in SCORERS]
        + [[name, {}, "short"] for name in ["exact_match", "levenshtein"]]
        + [[name, {}, "long"] for name in ["levenshtein", "ter", "rougeL", "rougeLsum", "chrf", "wer"]],
    }
    file = args.cache / "scorers.json"
    file.write_text(json.dumps(work))
    theirs = {(name, json.dumps(options)): ns for name, options, ns in one_core([python, Path(__file__).resolve(), "--inner", file])}
    ours = one_core([program, file])
    print(f"{args.pairs:,} pairs of 8 to 40 words, one core, profile `{args.profile}`.\n")
    print("| scorer | reference us | evals us | times |\n| --- | --- | --- | --- |")
    for made in (made for made in ours if made["pairs"] == "sentences"):
        options = json.dumps(made["options"])
        reference = theirs[made["scorer"], options]
        name = f"`{made['scorer']}`" + (f" {options}" if made["options"] else "")
        print(f"| {name} | {reference / 1e3:.1f} | {made['ns'] / 1e3:.2f} | {reference / made['ns']:.0f} |")
    short = {made["scorer"]: made["ns"] for made in ours if made["pairs"] == "short"}
    million = sum(short.values()) / 1e3
    print(f"\nA million pairs of 1 to 4 words with `exact_match` and `levenshtein`: {million:.2f} s.")
    lengthy = ", ".join(f"`{made['scorer']}` {made['ns'] / 1e9:.3f} s" for made in ours if made["pairs"] == "long")
    print(f"Two texts of 10,000 words: {lengthy}.")


main()
