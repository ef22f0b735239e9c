//! A comparison as one JSON object, schema `evals.compare/1`. Scripts depend on it: keys are added,
//! never renamed, and their order is fixed.

use serde_json::{Value, json};

use crate::{
    domain::comparison::{Comparison, Difference, Missing, Pair, PairedScore, Side},
    report::json::number,
};

/// The object that `--format json` prints. Unknown is `null`; no number is ever NaN.
///
/// Differences are those of `b` less those of `a`, in the scorer's own values; `a` and `b` are places in
/// `sides`. `p_adjusted` is Holm's, for all `tests` of the comparison.
pub fn compare_json(comparison: &Comparison) -> Value {
    json!({
        "schema": "evals.compare/1",
        "confidence": comparison.confidence,
        "baseline": comparison.baseline,
        "tests": comparison.tests,
        "sides": comparison.sides.iter().map(side).collect::<Value>(),
        "pairs": comparison.pairs.iter().map(pair).collect::<Value>(),
        "warnings": comparison.warnings,
    })
}

fn side(side: &Side) -> Value {
    json!({
        "label": side.label,
        "run_id": side.run_id,
        "run_name": side.run_name,
        "file": side.file,
        "branch": side.branch,
        "commit": side.commit,
        "status": side.status.name(),
        "model": side.model,
        "prompt": side.prompt,
        "samples": side.samples,
        "trials": side.trials,
        "errors": side.errors,
        "cost_usd": number(side.known_cost().map(crate::base::money::Money::usd)),
        "latency_ms": {
            "p50": number(side.latency.p50),
            "p90": number(side.latency.p90),
            "p95": number(side.latency.p95),
            "p99": number(side.latency.p99),
            "ttft_p50": number(side.latency.ttft_p50),
        },
    })
}

fn pair(pair: &Pair) -> Value {
    json!({
        "a": pair.a,
        "b": pair.b,
        "scores": pair.scores.iter().map(score).collect::<Value>(),
        "unmatched_scorers": pair.unmatched_scorers,
        "cost_ratio": number(pair.cost_ratio),
        "latency_ratio": number(pair.latency_ratio),
        "differences": pair.differences.iter().map(difference).collect::<Value>(),
    })
}

fn score(score: &PairedScore) -> Value {
    json!({
        "scorer": score.scorer,
        "lower_is_better": score.lower_is_better,
        "n": score.n,
        "units": score.units,
        "mean_a": number(score.mean_a),
        "mean_b": number(score.mean_b),
        "difference": number(score.difference),
        "low": number(score.low),
        "high": number(score.high),
        "interval_method": score.interval_method,
        "p": number(score.p),
        "p_adjusted": number(score.p_adjusted),
        "test": score.test,
        "effect": number(score.effect),
        "effect_name": score.effect_name,
        "wins": score.wins,
        "losses": score.losses,
        "ties": score.ties,
        "verdict": score.verdict.name(),
        "detectable": number(score.detectable),
        "missing_a": missing(&score.missing_a),
        "missing_b": missing(&score.missing_b),
    })
}

fn missing(missing: &Missing) -> Value {
    json!({"samples": missing.samples, "absent": missing.absent, "first": missing.first})
}

/// A difference between two sides.
pub(crate) fn difference(difference: &Difference) -> Value {
    json!({
        "what": difference.what.name(),
        "of": difference.of,
        "a": difference.a,
        "b": difference.b,
        "unknown": difference.unknown,
    })
}
