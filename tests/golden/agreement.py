"""Writes tests/fixtures/stats/agreement.json: what other programs say of raters and judges.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==1.26.4 scipy==1.12.0 \\
        scikit-learn==1.9.1 krippendorff==0.9.0 choix==0.4.1 ppi-python==0.2.3 irrCAC==0.4.4
    /tmp/golden/bin/pip install coverage==7.6.10   # irrCAC asks for one that numba cannot load
    /tmp/golden/bin/python tests/golden/agreement.py

Sources of the numbers:
- confusion: sklearn.metrics: accuracy_score, confusion_matrix, cohen_kappa_score with weights None,
  "linear" and "quadratic"; irrCAC.raw.CAC(...).gwet() with weights "identity", "linear",
  "quadratic"
- alpha: krippendorff.alpha at the three levels of measurement
- rank: scipy.stats.spearmanr, kendalltau (variant b), pearsonr
- bradley_terry: choix.ilsr_pairwise_dense with a tolerance of 1e-13; ties are halves of wins
- powered: ppi_py.ppi_mean_pointestimate and ppi_mean_ci. With lam=None the two tune lambda in the
  same way, about the same point.
- rogan_gladen: no package of Python has the interval of Lang and Reiczigel (2014); here are the
  paper's equations 4, 6, 7, 16 and 17 once more, in the paper's own notation
"""

import importlib.metadata
import json
import pathlib

import choix
import krippendorff
import numpy as np
import pandas as pd
import ppi_py
from irrCAC.raw import CAC
from scipy import stats
from sklearn import metrics

PINS = {"numpy": "1.26.4", "scipy": "1.12.0", "scikit-learn": "1.9.1", "krippendorff": "0.9.0",
        "choix": "0.4.1", "ppi-python": "0.2.3", "irrCAC": "0.4.4"}


def confusion(rng):
    shapes = [(2, 12, 0.8), (2, 200, 0.9), (3, 50, 0.6), (5, 120, 0.5), (4, 40, 0.2)]
    for categories, n, agree in shapes:
        for skewed in (False, True):
            share = np.geomspace(1, 12, categories) if skewed else np.ones(categories)
            first = rng.choice(categories, n, p=share / share.sum())
            other = rng.integers(0, categories, n)
            second = np.where(rng.random(n) < agree, first, other)
            first[:categories] = second[:categories] = np.arange(categories)
            frame = pd.DataFrame({"a": first, "b": second})
            gwet = []
            for weights in ("identity", "linear", "quadratic"):
                found = CAC(frame, weights=weights, digits=15).gwet()
                gwet.append(float(found["est"]["coefficient_value"]))
            labels = list(range(categories))
            yield {
                "first": first.tolist(), "second": second.tolist(), "categories": categories,
                "accuracy": float(metrics.accuracy_score(first, second)),
                "matrix": metrics.confusion_matrix(first, second, labels=labels).tolist(),
                "kappa": [float(metrics.cohen_kappa_score(first, second, weights=weights))
                          for weights in (None, "linear", "quadratic")],
                "gwet": gwet,
            }


def alphas(rng):
    shapes = [(2, 10, 0.0, 3), (2, 60, 0.0, 5), (3, 25, 0.2, 4), (5, 40, 0.4, 7), (4, 12, 0.5, 2)]
    for raters, units, gaps, values in shapes:
        for real in (False, True):
            truth = rng.integers(0, values, units)
            noise = rng.integers(-1, 2, (raters, units))
            data = np.clip(truth + noise, 0, values - 1).astype(float)
            if real:
                data = (data * data + 0.25 * data).round(6)
            data[rng.random(data.shape) < gaps] = np.nan
            found = {level: float(krippendorff.alpha(data, level_of_measurement=level))
                     for level in ("nominal", "ordinal", "interval")}
            given = [[None if np.isnan(v) else v for v in unit] for unit in data.T.tolist()]
            yield {"units": given, **found}


def rank(rng):
    sets = [([1, 2, 3, 4], [1, 3, 2, 4]), ([0, 0, 1, 1, 1], [0.1, 0.5, 0.5, 0.9, 0.2])]
    for n in (10, 75, 400):
        first = rng.normal(size=n).round(2)
        second = (first + rng.normal(size=n)).round(1)
        sets.append((first.tolist(), second.tolist()))
        sets.append((rng.integers(0, 2, n).tolist(), second.tolist()))
    for first, second in sets:
        yield {"first": [float(v) for v in first], "second": [float(v) for v in second],
               "spearman": float(stats.spearmanr(first, second).statistic),
               "kendall": float(stats.kendalltau(first, second).statistic),
               "pearson": float(stats.pearsonr(first, second).statistic)}


def bradley_terry(rng):
    for players, games in ((2, 9), (3, 20), (4, 30), (6, 12), (10, 40)):
        strength = rng.normal(0, 1, players)
        wins = np.zeros((players, players))
        for a in range(players):
            for b in range(a):
                chance = 1 / (1 + np.exp(strength[b] - strength[a]))
                won = rng.binomial(games, chance)
                ties = int(rng.integers(1, 4))
                wins[a, b] += won + ties / 2
                wins[b, a] += games - won + ties / 2
        found = choix.ilsr_pairwise_dense(wins, max_iter=100_000, tol=1e-13)
        yield {"wins": wins.tolist(), "strengths": (found - found.mean()).tolist()}


def powered(rng):
    for n, more, binary in ((20, 100, True), (60, 300, True), (40, 80, False), (100, 400, False)):
        truth = rng.random(n + more)
        if binary:
            human = (truth < 0.6).astype(float)
            judge = np.where(rng.random(n + more) < 0.85, human, 1 - human)
        else:
            human = truth.round(6)
            judge = np.clip(truth + rng.normal(0.1, 0.15, n + more), 0, 1).round(6)
        for lam in (None, 1.0, 0.0, 0.4):
            for confidence in (0.9, 0.95) if lam is None else (0.95,):
                args = (human[:n], judge[:n], judge[n:])
                value = ppi_py.ppi_mean_pointestimate(*args, lam=lam)
                low, high = ppi_py.ppi_mean_ci(*args, alpha=1 - confidence, lam=lam)
                yield {"human": human[:n].tolist(), "judge": judge[:n].tolist(),
                       "unlabelled": judge[n:].tolist(), "lambda": lam, "confidence": confidence,
                       "value": float(np.squeeze(value)), "low": float(np.squeeze(low)),
                       "high": float(np.squeeze(high))}


def rogan_gladen():
    for n, yes, n_se, tp, n_sp, tn in ((500, 260, 40, 36, 30, 24), (60, 10, 12, 12, 9, 8),
                                       (1000, 990, 80, 76, 20, 15), (200, 4, 10, 9, 90, 88)):
        for confidence in (0.9, 0.95, 0.99):
            z = stats.norm.ppf(1 - (1 - confidence) / 2)
            ap, se, sp = yes / n, tp / n_se, tn / n_sp
            p = (ap + sp - 1) / (se + sp - 1)

            def variance(ap, n, se, n_se, sp, n_sp, p):
                return (ap * (1 - ap) / n + p**2 * se * (1 - se) / n_se
                        + (1 - p)**2 * sp * (1 - sp) / n_sp) / (se + sp - 1)**2

            half = z * variance(ap, n, se, n_se, sp, n_sp, p)**0.5
            m, m_se, m_sp = n + z**2, n_se + 2, n_sp + 2
            ap_, se_, sp_ = (n * ap + z**2 / 2) / m, (tp + 1) / m_se, (tn + 1) / m_sp
            p_ = (ap_ + sp_ - 1) / (se_ + sp_ - 1)
            dp = 2 * z**2 * (p_ * se_ * (1 - se_) / m_se - (1 - p_) * sp_ * (1 - sp_) / m_sp)
            half_ = z * variance(ap_, m, se_, m_se, sp_, m_sp, p_)**0.5
            cut = lambda x: float(min(1, max(0, x)))
            yield {"items": n, "yes": yes, "positives": n_se, "true_positives": tp,
                   "negatives": n_sp, "true_negatives": tn, "confidence": confidence,
                   "value": cut(p), "low": cut(p_ + dp - half_), "high": cut(p_ + dp + half_),
                   "delta_low": cut(p - half), "delta_high": cut(p + half)}


def main():
    found = {name: importlib.metadata.version(name) for name in PINS}
    assert found == PINS, f"numbers are made with {PINS}, this is {found}"
    rng = np.random.default_rng(20_261_201)
    cases = {
        "made_by": "tests/golden/agreement.py",
        "versions": PINS,
        "confusion": list(confusion(rng)),
        "alpha": list(alphas(rng)),
        "rank": list(rank(rng)),
        "bradley_terry": list(bradley_terry(rng)),
        "powered": list(powered(rng)),
        "rogan_gladen": list(rogan_gladen()),
    }
    root = pathlib.Path(__file__).resolve().parents[1]
    file = root / "fixtures" / "stats" / "agreement.json"
    lines = ",\n".join(
        f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(case) for case in value) + "\n]"
        if isinstance(value, list) else f"{json.dumps(key)}: {json.dumps(value)}"
        for key, value in cases.items())
    file.write_text("{\n" + lines + "\n}\n")


main()
