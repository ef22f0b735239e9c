//! Whether a run meets its gates, and why.

use super::parse::{Gate, Measured, Op, Quantile};
use crate::{
    base::money::Money,
    domain::{
        measure::{GateResult, Latency, RunMeasures},
        run::RunHeader,
    },
};

/// Decides every gate, in order: one result for each model and prompt that it is about.
///
/// A measure that is unknown leaves the gate undecided: neither passed nor failed. So does a run in
/// which trials are still missing.
pub fn decide(gates: &[Gate], header: &RunHeader, measures: &RunMeasures) -> Vec<GateResult> {
    let mut results: Vec<GateResult> =
        gates.iter().flat_map(|gate| one(gate, header, measures)).collect();
    let (ended, planned) = (measures.ended(), header.planned_trials());
    if ended < planned {
        for result in &mut results {
            result.passed = None;
            let so_far = result.reason.replace("undecided: ", "");
            result.reason = format!("undecided: {ended} of {planned} trials ended; {so_far}");
        }
    }
    results
}

fn one(gate: &Gate, header: &RunHeader, measures: &RunMeasures) -> Vec<GateResult> {
    let metric = match &gate.measured {
        Measured::ScorerCorpus(_) => "corpus",
        _ => "mean",
    };
    match &gate.measured {
        Measured::ScorerMean(scorer) | Measured::ScorerCorpus(scorer) => measures
            .measures
            .iter()
            .filter(|cell| cell.scorer as usize == *scorer && cell.metric == metric)
            .map(|cell| {
                let estimate = cell.estimate;
                let shown = estimate.value.map(|value| match (estimate.low, estimate.high) {
                    (Some(low), Some(high)) => {
                        format!(
                            "{value:.4} (95% interval {low:.4} to {high:.4}, n = {})",
                            estimate.n
                        )
                    }
                    _ => format!("{value:.4} (n = {})", estimate.n),
                });
                let unknown = "nothing could be scored";
                let mut result = verdict(gate, estimate.value, shown, unknown);
                result.model = Some(header.models[cell.model as usize].name.clone());
                if header.prompts.len() > 1 {
                    result.prompt = Some(header.prompts[cell.prompt as usize].id.clone());
                }
                result
            })
            .collect(),
        Measured::Derived(name) => measures
            .derived
            .iter()
            .filter(|measure| measure.name == *name)
            .map(|measure| {
                let shown = measure.value.map(|value| format!("{value:.4}"));
                let unknown = measure.reason.as_deref().unwrap_or("it has no value");
                let mut result = verdict(gate, measure.value, shown, unknown);
                result.model = Some(header.models[measure.model as usize].name.clone());
                if header.prompts.len() > 1 {
                    result.prompt = Some(header.prompts[measure.prompt as usize].id.clone());
                }
                result
            })
            .collect(),
        Measured::Latency(quantile) => header
            .models
            .iter()
            .zip(&measures.models)
            .map(|(model, totals)| {
                let value = pick(&totals.latency, *quantile);
                let shown = value.map(|ms| format!("{ms:.1} ms"));
                let unknown = match totals.cached {
                    0 => "no latency was measured",
                    _ => {
                        "no latency was measured, since answers came from the cache; `--no-cache` \
                         measures"
                    }
                };
                let mut result = verdict(gate, value, shown, unknown);
                result.model = Some(model.name.clone());
                result
            })
            .collect(),
        Measured::CostTotal => {
            let unpriced = measures.unpriced_calls() + measures.unpriced_judgements();
            let known = measures.cost() + measures.judge_cost();
            let over = matches!(gate.op, Op::AtMost | Op::Below)
                && !gate.op.holds(known.usd(), gate.bound);
            // The known part alone may already be too much; otherwise an unknown part leaves it open.
            let value = (unpriced == 0 || over).then(|| known.usd());
            let shown = value.map(|usd| Money::from_usd(usd).unwrap_or(known).to_string());
            let unknown = format!("{unpriced} calls have no known cost");
            vec![verdict(gate, value, shown, &unknown)]
        }
        Measured::ErrorRate => {
            let known = measures.ended() > 0;
            let value = known.then(|| measures.error_rate());
            let shown = value.map(|rate| {
                let (failed, ended) = (measures.failed(), measures.ended());
                format!("{:.2}% ({failed} of {ended} trials)", rate * 100.0)
            });
            vec![verdict(gate, value, shown, "no trial ended")]
        }
        Measured::ErrorCount => {
            let count = measures.failed();
            vec![verdict(gate, Some(count as f64), Some(format!("{count} trials")), "")]
        }
    }
}

fn verdict(gate: &Gate, value: Option<f64>, shown: Option<String>, unknown: &str) -> GateResult {
    let passed = value.map(|value| gate.op.holds(value, gate.bound));
    let reason = match (passed, shown) {
        (Some(_), Some(shown)) => format!("measured {shown}"),
        _ => format!("undecided: {unknown}"),
    };
    GateResult {
        gate: gate.text.clone(),
        model: None,
        prompt: None,
        passed,
        measured: value,
        reason,
    }
}

fn pick(latency: &Latency, quantile: Quantile) -> Option<f64> {
    match quantile {
        Quantile::P50 => latency.p50,
        Quantile::P90 => latency.p90,
        Quantile::P95 => latency.p95,
        Quantile::P99 => latency.p99,
        Quantile::TtftP50 => latency.ttft_p50,
    }
}
