"""Writes tests/fixtures/stats/inference.json: what other programs say of pairs, several tests,
bootstraps, power, quantiles and confidence sequences.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install \\
        numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    curl -L https://files.pythonhosted.org/packages/68/3d/\\
b0ccdd8cd7b3e4ae10f028f6233509cd5fd7d446091cc7785e9ac250d78f/confseq-0.0.11.tar.gz | tar xz -C /tmp
    PYTHONPATH=/tmp/confseq-0.0.11/src /tmp/golden/bin/python tests/golden/inference.py

Of confseq only the part in Python is used, so that it needs no building.

Sources of the numbers:
- mcnemar: the exact p-value of statsmodels.stats.contingency_tables.mcnemar less the chance of the
  observed split by scipy.stats.binom, which is the mid-p
- tango: no program with pinned versions has it. Worked out here without the closed form that the
  code uses: the likelihood under a given difference is maximised by root finding on its slope,
  and the ends are found by root finding on the score
- flips: scipy.stats.permutation_test of one sample, all flips
- paired: scipy.stats.ttest_rel with its interval; with clusters, statsmodels OLS of the differences
  on a constant, cov_type "cluster", use_t
- welch: scipy.stats.ttest_ind without equal variances, with its interval; with clusters,
  statsmodels OLS on a constant and on which side a value is, cov_type "cluster", use_t
- shares: statsmodels confint_proportions_2indep, method "newcomb"; scipy.stats.fisher_exact less
  half of the chance, by scipy.stats.hypergeom, of tables as likely as the observed one
- holm, benjamini_hochberg: statsmodels.stats.multitest.multipletests
- bca: scipy.stats.bootstrap, method "BCa", of the draws that it made itself
- needed: statsmodels.stats.power.normal_sample_size_one_tail with half of alpha
- detectable: where statsmodels.stats.power.normal_power_het reaches the power, by root finding
- quantile_interval: scipy.stats.quantile_test
- normal_cdf: scipy.stats.norm.cdf
- pass_hat: comb(c, k) / comb(n, k) by Python's integers
- sequence: confseq.betting.hedged_cs, 1,000 steps
"""

import json
import math
import pathlib
import sys
import types

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.power import normal_power_het, normal_sample_size_one_tail

# What confseq imports and these functions do not use; and a name that numpy 2 took away.
for name in ("matplotlib", "matplotlib.pyplot", "multiprocess"):
    sys.modules.setdefault(name, types.ModuleType(name))
np.float_ = np.float64
from confseq.betting import hedged_cs  # noqa: E402

PINS = {"numpy": "2.4.6", "scipy": "1.17.1", "statsmodels": "0.15.0"}
CONFIDENCES = [0.9, 0.95, 0.99]


def mcnemar_cases():
    pairs = [(1, 0), (0, 3), (5, 5), (9, 2), (2, 9), (30, 12), (285, 58), (700, 800), (40, 2000),
             (50_300, 49_700)]
    for wins, losses in pairs:
        exact = mcnemar([[0, wins], [losses, 0]], exact=True).pvalue
        mid = exact - stats.binom.pmf(min(wins, losses), wins + losses, 0.5)
        yield {"wins": wins, "losses": losses, "value": float(min(mid, 1.0)) if wins != losses else 1.0}


def likeliest_losses(wins, losses, n, off):
    """The share of losses that maximises the likelihood when wins exceed them by `off`."""
    low, high = max(0.0, -off), (1 - off) / 2
    ties = n - wins - losses

    def slope(q):
        with np.errstate(divide="ignore"):
            return sum(float(np.float64(weight) / np.float64(at)) if weight else 0.0
                       for weight, at in ((wins, q + off), (losses, q), (-2 * ties, 1 - 2 * q - off)))

    inner = (high - low) * 1e-15
    if slope(low + inner) <= 0:
        return low
    if slope(high - inner) >= 0:
        return high
    return optimize.brentq(slope, low + inner, high - inner, xtol=1e-300, rtol=1e-15, maxiter=500)


def tango_cases():
    tables = [(0, 0, 10), (0, 0, 1), (1, 0, 1), (3, 0, 20), (0, 7, 25), (9, 2, 50), (8, 8, 40), (20, 0, 20),
              (150, 86, 1600), (285, 58, 1319), (1, 999, 1000), (4000, 3900, 100_000)]
    for wins, losses, n in tables:
        for confidence in CONFIDENCES:
            z = stats.norm.isf((1 - confidence) / 2)

            def over(off, sign):
                q = likeliest_losses(wins, losses, n, off)
                return wins - losses - n * off - sign * z * math.sqrt(max(0.0, n * (2 * q + off - off * off)))

            # Where nothing varies, the observed difference itself has a score of 0 by 0.
            observed = (wins - losses) / n
            off = 1e-9 if wins + losses == 0 or abs(observed) == 1 else 0.0
            low = -1.0 if observed == -1 else optimize.brentq(
                over, -1 + 1e-13, observed - off, (1,), xtol=1e-15)
            high = 1.0 if observed == 1 else optimize.brentq(
                over, observed + off, 1 - 1e-13, (-1,), xtol=1e-15)
            yield {"wins": wins, "losses": losses, "n": n, "confidence": confidence,
                   "low": low, "high": high}


def flips(rng):
    sets = [[0.5], [0.5, -0.25], [0.75, 0.5, 0.25, 0.0, -0.25], [1.0] * 7]
    sets += [rng.normal(0.4, 1, n).round(6).tolist() for n in (8, 13, 17)]
    for values in sets:
        result = stats.permutation_test((np.array(values),), np.mean, permutation_type="samples",
                                        n_resamples=np.inf, vectorized=False) if len(values) > 1 else None
        yield {"values": values, "value": float(result.pvalue) if result else 1.0}


def paired(rng):
    for n in (2, 5, 40, 300):
        subject, against = rng.random(n).round(6), rng.random(n).round(6)
        for confidence in CONFIDENCES:
            result = stats.ttest_rel(subject, against)
            interval = result.confidence_interval(confidence)
            off = subject - against
            yield {"subject": subject.tolist(), "against": against.tolist(), "clusters": [],
                   "confidence": confidence, "difference": float(off.mean()), "low": float(interval.low),
                   "high": float(interval.high), "effect": float(off.mean() / off.std(ddof=1))}
    for shape in ([2, 2], [1, 3, 2], [4] * 30):
        clusters = np.repeat(np.arange(len(shape)), shape)
        subject = (0.5 + rng.normal(0, 0.3, len(shape))[clusters] + rng.normal(0, 0.2, len(clusters))).round(6)
        against = rng.normal(0.4, 0.2, len(clusters)).round(6)
        off = subject - against
        for confidence in CONFIDENCES:
            fit = sm.OLS(off, np.ones(len(off))).fit(
                cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
            low, high = fit.conf_int(alpha=1 - confidence)[0]
            yield {"subject": subject.tolist(), "against": against.tolist(), "clusters": clusters.tolist(),
                   "confidence": confidence, "difference": float(fit.params[0]), "low": float(low),
                   "high": float(high), "effect": float(off.mean() / off.std(ddof=1))}


def welch(rng):
    for n, m in ((2, 3), (12, 30), (200, 150)):
        one, other = rng.normal(0.5, 0.3, n).round(6), rng.normal(0.4, 0.1, m).round(6)
        for confidence in CONFIDENCES:
            result = stats.ttest_ind(one, other, equal_var=False)
            interval = result.confidence_interval(confidence)
            yield {"one": one.tolist(), "other": other.tolist(), "clusters": [], "confidence": confidence,
                   "low": float(interval.low), "high": float(interval.high), "p": float(result.pvalue)}
    for shape in ([2, 2, 3], [4] * 25):
        clusters = np.repeat(np.arange(len(shape)), shape)
        values = (0.5 + rng.normal(0, 0.3, len(shape))[clusters] + rng.normal(0, 0.2, len(clusters))).round(6)
        inside = rng.random(len(clusters)) < 0.4
        inside[0], inside[1] = True, False
        order = np.argsort(~inside, kind="stable")
        for confidence in CONFIDENCES:
            fit = sm.OLS(values, np.column_stack([np.ones(len(values)), inside])).fit(
                cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
            low, high = fit.conf_int(alpha=1 - confidence)[1]
            yield {"one": values[inside].tolist(), "other": values[~inside].tolist(),
                   "clusters": clusters[order].tolist(), "confidence": confidence,
                   "low": float(low), "high": float(high), "p": float(fit.pvalues[1])}


def shares():
    tables = [(1, 1, 0, 1), (3, 5, 1, 9), (0, 10, 0, 20), (10, 10, 20, 20), (7, 20, 60, 80),
              (120, 400, 700, 2000), (5, 1000, 20, 1100)]
    for a, n, b, m in tables:
        chances = stats.hypergeom.pmf(np.arange(0, a + b + 1), n + m, a + b, n)
        equal = chances[np.isclose(chances, chances[a], rtol=1e-7, atol=0)].sum()
        p = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue - equal / 2
        if np.count_nonzero(chances) == 1:
            p = 1.0
        for confidence in CONFIDENCES:
            low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", alpha=1 - confidence)
            yield {"table": [[a, n], [b, m]], "confidence": confidence,
                   "low": float(low), "high": float(high), "p": float(p)}


def multiple(rng, method):
    sets = [[0.03], [0.01, 0.04, 0.03], [0.5, 0.5, 0.9, 1.0], rng.random(25).round(6).tolist(),
            (rng.random(12) ** 4).round(8).tolist()]
    for values in sets:
        yield {"values": values, "adjusted": multipletests(values, method=method)[1].tolist()}


def bca(rng):
    for values in ([0.0, 0.1, 0.9], rng.exponential(1, 25).round(6).tolist(), (rng.random(60) ** 6).round(6).tolist()):
        for confidence in CONFIDENCES:
            result = stats.bootstrap((values,), np.mean, n_resamples=400, confidence_level=confidence,
                                     method="BCa", rng=rng)
            whole = np.array(values)
            left_out = [float(np.delete(whole, i).mean()) for i in range(len(whole))]
            yield {"drawn": sorted(result.bootstrap_distribution.tolist()), "observed": float(whole.mean()),
                   "left_out": left_out, "confidence": confidence,
                   "low": float(result.confidence_interval.low), "high": float(result.confidence_interval.high)}


DESIGNS = [(alpha, power) for alpha in (0.05, 0.01) for power in (0.8, 0.95, 0.3)]


def deviations(spread, off):
    """Standard deviations of a pair's difference without a true difference and with one of `off`."""
    if "variance" in spread:
        return spread["variance"] ** 0.5, spread["variance"] ** 0.5
    return spread["discordance"] ** 0.5, (spread["discordance"] - off * off) ** 0.5


SPREADS = [{"discordance": 0.32}, {"discordance": 0.05}, {"variance": 0.09}, {"variance": 2.5}]


def needed():
    for spread in SPREADS:
        for alpha, power in DESIGNS:
            for off in (0.01, 0.03, -0.045):
                null, other = deviations(spread, off)
                n = normal_sample_size_one_tail(abs(off), power, alpha / 2, std_null=null, std_alternative=other)
                yield {**spread, "alpha": alpha, "power": power, "difference": off, "value": math.ceil(n)}


def detectable():
    for spread in SPREADS:
        for alpha, power in DESIGNS:
            for n in (200, 1319, 50_000):
                def lack(off):
                    null, other = deviations(spread, off)
                    got = normal_power_het(off, n, alpha / 2, std_null=null, std_alternative=other,
                                           alternative="larger")
                    return got - power
                most = spread.get("discordance", 9.0) * (1 - 1e-12)
                off = optimize.brentq(lack, 1e-9, most, xtol=1e-15, rtol=1e-14) if lack(most) > 0 else None
                yield {**spread, "alpha": alpha, "power": power, "n": n, "value": off}


def quantile_interval(rng):
    for n in (5, 6, 20, 101, 1000):
        values = sorted(rng.random(n).round(6).tolist())
        for q in (0.5, 0.9, 0.99):
            for confidence in CONFIDENCES:
                found = stats.quantile_test(values, q=0.5, p=q).confidence_interval(confidence)
                known = not (math.isnan(found.low) or math.isnan(found.high))
                yield {"values": values, "q": q, "confidence": confidence,
                       "low": float(found.low) if known else None, "high": float(found.high) if known else None}


def normal_cdf():
    for z in (-8.0, -3.2, -1.96, -0.4, 0.0, 0.7, 2.5758, 5.0):
        yield {"z": z, "value": float(stats.norm.cdf(z))}


def pass_hat():
    for n, c, k in [(1, 1, 1), (5, 3, 1), (5, 3, 3), (5, 3, 4), (10, 9, 5), (100, 97, 64), (64, 64, 64)]:
        yield {"n": n, "c": c, "k": k, "value": math.comb(c, k) / math.comb(n, k)}


def sequence(rng):
    sets = [rng.binomial(1, p, n).astype(float) for p, n in ((0.5, 30), (0.02, 400), (0.98, 200), (0.8, 1500))]
    sets += [rng.beta(2, 5, 300).round(6), rng.random(50).round(6)]
    for values in sets:
        for alpha in (0.05, 0.1):
            low, high = hedged_cs(values, alpha=alpha)
            yield {"values": values.tolist(), "confidence": 1 - alpha,
                   "low": float(low[-1]), "high": float(high[-1])}


def main():
    found = {m.__name__: m.__version__ for m in (np, scipy, statsmodels)}
    assert found == PINS, f"numbers are made with {PINS}, this is {found}"
    rng = np.random.default_rng(20_260_102)
    cases = {
        "made_by": "tests/golden/inference.py",
        "versions": {**PINS, "confseq": "0.0.11"},
        "mcnemar": list(mcnemar_cases()),
        "tango": list(tango_cases()),
        "flips": list(flips(rng)),
        "paired": list(paired(rng)),
        "welch": list(welch(np.random.default_rng(20_260_103))),
        "shares": list(shares()),
        "holm": list(multiple(rng, "holm")),
        "benjamini_hochberg": list(multiple(rng, "fdr_bh")),
        "bca": list(bca(rng)),
        "needed": list(needed()),
        "detectable": list(detectable()),
        "quantile_interval": list(quantile_interval(rng)),
        "normal_cdf": list(normal_cdf()),
        "pass_hat": list(pass_hat()),
        "sequence": list(sequence(rng)),
    }
    root = pathlib.Path(__file__).resolve().parents[1]
    file = root / "fixtures" / "stats" / "inference.json"
    lines = ",\n".join(
        f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(case) for case in value) + "\n]"
        if isinstance(value, list) else f"{json.dumps(key)}: {json.dumps(value)}"
        for key, value in cases.items())
    file.write_text("{\n" + lines + "\n}\n")


main()
