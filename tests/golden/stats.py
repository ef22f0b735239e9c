"""Writes tests/fixtures/stats/intervals.json: what other programs say the intervals are.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install \\
        numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    /tmp/golden/bin/python tests/golden/stats.py

Sources of the numbers:
- wilson: statsmodels.stats.proportion.proportion_confint, method "wilson"
- t: scipy.stats.t.interval around numpy's mean, with scipy.stats.sem (n - 1 degrees of freedom)
- clustered: statsmodels OLS on a constant, cov_type "cluster", use_t. Its small-sample correction
  is C / (C - 1) * (n - 1) / (n - k); with k = 1, the constant alone, that is C / (C - 1). The
  interval is t with C - 1 degrees of freedom.
- quantiles: numpy.quantile, method "linear" (Hyndman and Fan, type 7)
- normal, student: the ppf of scipy.stats.norm and scipy.stats.t
"""

import json
import pathlib

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

PINS = {"numpy": "2.4.6", "scipy": "1.17.1", "statsmodels": "0.15.0"}
CONFIDENCES = [0.9, 0.95, 0.99]


def wilson():
    pairs = [(0, 1), (1, 1), (0, 10), (10, 10), (1, 3), (7, 10), (286, 1319), (742, 1319)]
    pairs += [(0, 1000), (999, 1000), (123_456, 1_000_000)]
    for successes, n in pairs:
        for confidence in CONFIDENCES:
            low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
            yield {"successes": successes, "n": n, "confidence": confidence,
                   "low": float(low), "high": float(high)}


def t_intervals(rng):
    sets = [[0.0, 1.0], [0.2, 0.4, 0.9], [3.0, 3.5, 2.25, 8.0, -1.0], [1e9 + x for x in range(7)]]
    sets += [rng.random(n).round(6).tolist() for n in (10, 57, 400)]
    for values in sets:
        for confidence in CONFIDENCES:
            mean, error = np.mean(values), stats.sem(values)
            low, high = stats.t.interval(confidence, len(values) - 1, loc=mean, scale=error)
            yield {"values": values, "confidence": confidence, "mean": float(mean),
                   "standard_error": float(error), "low": float(low), "high": float(high)}


def clustered(rng):
    shapes = [[2, 2], [1, 3, 2], [5] * 8, [1, 1, 1, 20], [3] * 60]
    for shape in shapes:
        clusters = np.repeat(np.arange(len(shape)), shape)
        effect = rng.normal(0, 0.3, len(shape))[clusters]
        values = (0.5 + effect + rng.normal(0, 0.2, len(clusters))).round(6)
        for confidence in CONFIDENCES:
            fit = sm.OLS(values, np.ones(len(values))).fit(
                cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
            low, high = fit.conf_int(alpha=1 - confidence)[0]
            yield {"values": values.tolist(), "clusters": clusters.tolist(),
                   "confidence": confidence, "mean": float(fit.params[0]),
                   "standard_error": float(fit.bse[0]), "low": float(low), "high": float(high)}


def quantiles(rng):
    sets = [[4.0], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0], sorted(rng.random(101).round(6).tolist())]
    for values in sets:
        for q in (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0):
            yield {"values": values, "q": q, "value": float(np.quantile(values, q))}


def normal():
    for p in (1e-6, 0.001, 0.025, 0.3, 0.5, 0.8, 0.95, 0.975, 0.995, 0.9999):
        yield {"p": p, "value": float(stats.norm.ppf(p))}


def student():
    for df in (1, 2, 3, 4, 5, 7, 10, 29, 30, 100, 1318, 100_000):
        for p in (0.001, 0.025, 0.3, 0.5, 0.8, 0.95, 0.975, 0.995, 0.9999):
            yield {"p": p, "df": df, "value": float(stats.t.ppf(p, df))}


def main():
    found = {m.__name__: m.__version__ for m in (np, scipy, statsmodels)}
    assert found == PINS, f"numbers are made with {PINS}, this is {found}"
    rng = np.random.default_rng(20_260_101)
    cases = {
        "made_by": "tests/golden/stats.py",
        "versions": PINS,
        "wilson": list(wilson()),
        "t": list(t_intervals(rng)),
        "clustered": list(clustered(rng)),
        "quantiles": list(quantiles(rng)),
        "normal": list(normal()),
        "student": list(student()),
    }
    root = pathlib.Path(__file__).resolve().parents[1]
    file = root / "fixtures" / "stats" / "intervals.json"
    lines = ",\n".join(
        f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(case) for case in value) + "\n]"
        if isinstance(value, list) else f"{json.dumps(key)}: {json.dumps(value)}"
        for key, value in cases.items())
    file.write_text("{\n" + lines + "\n}\n")


main()
