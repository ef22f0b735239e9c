"""Writes tests/fixtures/scorers/json_diff.json: what autoevals says of pairs of JSON values.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install autoevals==0.4.1
    /tmp/golden/bin/python tests/golden/json_diff.py

Where the scorer differs on purpose (scorers/README.md says why) the cases are by hand, below.
"""

import json
import pathlib
import random
from importlib.metadata import version

from autoevals.json import JSONDiff

assert version("autoevals") == "0.4.1"
ROOT = pathlib.Path(__file__).parent.parent
scorer = JSONDiff()
rng = random.Random(5)
WORDS = ["", "a", "hello world", "hello wrld", "été", "e\u0301te\u0301", "東京都", "مرحبا", "हिन्दी", "👩‍👩‍👧", "🇩🇪",
         "a\"b\\c\n\t", "\u0000\u007f", "x" * 300, "{\"a\": [1, 2]}", "[1, 2, 3]", "{broken", "\u202eabc", "null", "1"]
naughty = ROOT.parent.parent / "shared" / "data" / "naughty" / "blns.json"
if naughty.exists():
    WORDS += [word for word in json.loads(naughty.read_text(encoding="utf-8")) if 0 < len(word) < 60][::12]


def leaf():
    return rng.choice([None, rng.choice(WORDS), rng.choice(WORDS), rng.randint(-50, 50), 10**rng.randint(0, 15),
                       round(rng.uniform(-5, 5), 3), rng.choice([1e-7, 1.5e300, 0.1, 1e16, -0.0, 0])])


def value(depth):
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        return leaf()
    if kind < 0.65:
        return [value(depth - 1) for _ in range(rng.randint(0, 4))]
    return {rng.choice("abcdé"): value(depth - 1) for _ in range(rng.randint(0, 4))}


def changed(old):
    if rng.random() < 0.25:
        return value(1)
    if isinstance(old, dict):
        new = {key: changed(inner) for key, inner in old.items()}
        return dict(reversed(new.items()))
    if isinstance(old, list):
        return [changed(inner) for inner in old] + [value(1)] * (rng.random() < 0.2)
    return old


cases = []
while len(cases) < 600:
    expected = value(3)
    output = changed(expected) if rng.random() < 0.7 else value(3)
    # A side that is one number is a text for autoevals.
    if not isinstance(expected, (dict, list)) or not isinstance(output, (dict, list)):
        continue
    score = scorer.eval(output=json.dumps(output), expected=json.dumps(expected)).score
    ascii_ = rng.random() < 0.5
    cases.append({"options": {"missing_is_null": True}, "expected": [json.dumps(expected, ensure_ascii=ascii_)],
                  "output": json.dumps(output, ensure_ascii=ascii_), "value": score})
for output, expected in [("hello wrld", "hello world"), ("", "x"), ("{broken", '{"broken": 1}'), ("word", "[1]")]:
    score = scorer.eval(output=output, expected=expected).score
    cases.append({"expected": [expected], "output": output, "value": score})

by_hand = [
    {"expected": ["{\"a\": null}"], "output": "{}", "value": 0.0, "why": "at `/a`: expected `null`, got nothing"},
    {"expected": ["{\"a\": null}"], "output": "{}", "options": {"missing_is_null": True}, "value": 1.0},
    {"expected": ["[true, false]"], "output": "[true, true]", "value": 0.5, "why": "at `/1`: expected `false`, got `true`"},
    {"expected": ["[1]"], "output": "[true]", "value": 0.0},
    {"expected": ["[\"1\"]"], "output": "[1]", "value": 1 / 3},
    {"expected": ["100"], "output": "105", "value": 1 - 5 / 205},
    {"expected": ["[\"{}\"]"], "output": "[{}]", "value": 1.0},
    {"expected": ["[\"{}\"]"], "output": "[{}]", "options": {"preserve_strings": True}, "value": 0.5},
    {"expected": ["{\"a\": 1, \"b\": 2}"], "output": "{\"b\": 2, \"a\": 1}", "value": 1.0},
    {"expected": ["[1, 2, 3]"], "output": "[9, 1, 2]", "value": (1 - 8 / 10 + 1 - 1 / 3 + 1 - 1 / 5) / 3},
    {"expected": ["[1, 2]"], "output": "[1]", "value": 0.5, "why": "expected 2 items, got 1"},
    {"expected": ["[1]", "[2]"], "output": "[2]", "options": {"threshold": 0.9}, "value": 1.0, "passed": True},
    {"expected": ["[1]"], "output": "[3]", "options": {"threshold": 0.9}, "value": 0.5, "passed": False},
    {"expected": ["[1e308]"], "output": "[-1e308]", "value": 0.0},
    {"expected": [], "output": "[]", "skipped": "the sample has no expected answer"},
    {"expected": ["[]"], "output": None, "value": 0.0, "why": "the extraction found nothing"},
    {"expected": [], "options": {"column": "gold"}, "vars": {"gold": [1, {"a": "b"}]}, "output": "[1, {\"a\": \"b\"}]", "value": 1.0},
    {"expected": [], "options": {"column": "gold"}, "vars": {}, "output": "[]", "skipped": "column `gold` is empty"},
    {"expected": ["[1e999]"], "output": "[]", "failed": "the expected answer cannot be read: number out of range at line 1 column 6"},
]
lines = ",\n    ".join(json.dumps(case) for case in cases + by_hand)
out = ROOT / "fixtures" / "scorers" / "json_diff.json"
out.write_text('{\n  "program": "autoevals, JSONDiff; the last ' + str(len(by_hand)) + ' by hand",\n'
               '  "version": "0.4.1",\n  "cases": [\n    ' + lines + "\n  ]\n}\n")
print(len(cases), out.stat().st_size)
