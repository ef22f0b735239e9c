//! Whether a run meets its gates, and why.

use super::{
    evidence::{Evidence, Found},
    measured::{Measured, Quantile, Tokens},
    parse::{Allow, Gate, Op},
    versus,
};
use crate::{
    base::money::Money,
    domain::{
        measure::{DerivedMeasure, Estimate, GateResult, Latency, ModelTotals, RunMeasures},
        run::{RunHeader, RunStatus},
    },
    metric::{CONFIDENCE, derived, probe::Stat},
    stats::wilson,
};

/// Decides every gate, in order: one result for each model and prompt that it is about. `allow` holds
/// for all of them.
///
/// A measure that is unknown leaves the gate undecided: neither passed nor failed. So does a run in
/// which trials are still missing, and a baseline that is not like the run. Samples that have no score
/// though their answers are there make a gate on scores fail, unless it allows them.
pub fn decide(gates: &[Gate], evidence: &Evidence<'_>, allow: &Allow) -> Vec<GateResult> {
    let (header, measures) = (&evidence.run.header, evidence.measures);
    let mut results = Vec::new();
    for (index, gate) in gates.iter().enumerate() {
        let allow = gate.allow.clone().and(allow);
        if gate.versus.is_some() {
            results.extend(versus::decide(index, gate, evidence, &allow));
            continue;
        }
        if let Measured::Derived(metric) = gate.measured {
            results.extend(derived(gate, metric, header, measures));
            continue;
        }
        match (&gate.measured, &evidence.probed[index]) {
            (Measured::Score(_, stat), Some(cells)) => {
                let one = |found| score(gate, *stat, found, evidence, &allow);
                results.extend(cells.iter().map(one));
            }
            _ => results.extend(of_run(gate, evidence)),
        }
    }
    let (ended, planned) = (measures.ended(), header.planned_trials());
    // A run that knew enough has asked all that it had to.
    if ended < planned && measures.stopped.is_none() {
        for result in &mut results {
            result.passed = None;
            let so_far = result.reason.replace("undecided: ", "");
            result.reason = format!("undecided: {ended} of {planned} trials ended; {so_far}");
        }
    }
    results
}

/// Names the model and prompt that a result is of.
pub(super) fn place(mut result: GateResult, header: &RunHeader, cell: (u32, u32)) -> GateResult {
    result.model = Some(header.models[cell.0 as usize].name.clone());
    if header.prompts.len() > 1 {
        result.prompt = Some(header.prompts[cell.1 as usize].id.clone());
    }
    result
}

fn score(
    gate: &Gate,
    stat: Stat,
    found: &Found,
    evidence: &Evidence<'_>,
    allow: &Allow,
) -> GateResult {
    let header = &evidence.run.header;
    let estimate = found.probed.estimate;
    let shown = estimate.value.map(|value| shown(value, estimate));
    let none = match &gate.slice {
        Some(slice) if estimate.n + estimate.unscored == 0 => {
            format!("no sample has `{}` in `{}`", slice.value, slice.column)
        }
        _ => "nothing could be scored".to_owned(),
    };
    let mut result = verdict(gate, estimate.value, shown, &none);
    if let (Stat::AtLeast(k), Some(false)) = (stat, result.passed) {
        let more = if found.probed.below > found.below.len() as u64 { ", …" } else { "" };
        let (below, named) = (found.probed.below, found.below.join(", "));
        let reason = &result.reason;
        result.reason =
            format!("{reason}; {below} samples were right less than {k} times: {named}{more}");
    }
    if let Some(unscored) = unscored(found, evidence, gate, allow) {
        (result.passed, result.reason) = unscored.over(&result.reason);
    }
    place(result, header, (found.probed.model, found.probed.prompt))
}

/// Why samples without a score decide a gate.
pub(super) struct Unscored {
    /// Whether calls or scorers failed, of which nothing follows for the model.
    failed: bool,
    why: String,
}

impl Unscored {
    /// What becomes of a gate with this reason.
    pub(super) fn over(self, reason: &str) -> (Option<bool>, String) {
        let reason = reason.replace("undecided: ", "");
        let why = self.why;
        if self.failed {
            return (None, format!("undecided: {why}; {reason}"));
        }
        (Some(false), format!("{why}; {reason}"))
    }
}

/// Whether samples without a score keep a gate from passing. Failed calls do not in a run that is
/// complete: it was told how many may fail.
pub(super) fn unscored(
    found: &Found,
    evidence: &Evidence<'_>,
    gate: &Gate,
    allow: &Allow,
) -> Option<Unscored> {
    let probed = &found.probed;
    if allow.unscored {
        return None;
    }
    let header = &evidence.run.header;
    if probed.failed > 0 && evidence.run.status != RunStatus::Complete {
        let why =
            format!("{} samples have no score since a call or a scorer failed", probed.failed);
        return Some(Unscored { failed: true, why });
    }
    let scorer = gate.measured.scorer().and_then(|index| header.scorers.get(index))?;
    // A scorer that the config itself keeps from some rows is not missing there.
    let chosen = !header.config["dataset"]["scorers"].is_null()
        || scorer.options.get("when").is_some_and(|when| !when.is_null());
    let skipped = if chosen { 0 } else { probed.skipped };
    let lacking = probed.declined + skipped;
    if lacking == 0 {
        return None;
    }
    let parts =
        [(probed.declined, "refused, cut or empty"), (skipped, "the scorer does not apply")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
    let all = probed.estimate.n + probed.estimate.unscored;
    let why = format!(
        "{lacking} of {all} samples have no score ({}); `allow unscored` leaves them out",
        parts.join(", ")
    );
    Some(Unscored { failed: false, why })
}

fn shown(value: f64, estimate: Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => {
            format!("{value:.4} (95% interval {low:.4} to {high:.4}, n = {})", estimate.n)
        }
        _ => format!("{value:.4} (n = {})", estimate.n),
    }
}

/// A metric made of others, for every model and prompt.
fn derived(
    gate: &Gate,
    metric: usize,
    header: &RunHeader,
    measures: &RunMeasures,
) -> Vec<GateResult> {
    let names = derived::names(header);
    let of = measures.derived.iter().filter(|made| Some(&made.name.as_str()) == names.get(metric));
    let one = |made: &DerivedMeasure| {
        let shown = made.value.map(|value| amount(&gate.measured, value));
        let unknown = made.reason.as_deref().unwrap_or("it has no value");
        place(verdict(gate, made.value, shown, unknown), header, (made.model, made.prompt))
    };
    of.map(one).collect()
}

fn of_run(gate: &Gate, evidence: &Evidence<'_>) -> Vec<GateResult> {
    let (header, measures) = (&evidence.run.header, evidence.measures);
    if !per_model(&gate.measured) {
        return vec![whole(gate, measures)];
    }
    let models = header.models.iter().zip(&measures.models).enumerate();
    let each = models.map(|(at, (model, totals))| {
        let (value, why) = of_model(&gate.measured, totals, header);
        let within = match gate.measured {
            Measured::Latency(quantile) => within(quantile, at, evidence),
            _ => String::new(),
        };
        let shown = value.map(|value| format!("{}{within}", amount(&gate.measured, value)));
        let mut result = verdict(gate, value, shown, &why);
        result.model = Some(model.name.clone());
        result
    });
    each.collect()
}

/// The interval of a latency quantile, in brackets.
fn within(quantile: Quantile, model: usize, evidence: &Evidence<'_>) -> String {
    let (first, q) = match quantile {
        Quantile::P50 => (false, 0.5),
        Quantile::P90 => (false, 0.9),
        Quantile::P95 => (false, 0.95),
        Quantile::P99 => (false, 0.99),
        Quantile::TtftP50 => (true, 0.5),
    };
    let found = evidence.latencies.as_ref().and_then(|all| all.interval(model, first, q));
    found.map_or_else(String::new, |(interval, n)| {
        format!(" (95% interval {:.1} to {:.1} ms, n = {n})", interval.low, interval.high)
    })
}

/// Whether a measure is decided for each model.
pub(super) fn per_model(measured: &Measured) -> bool {
    matches!(
        measured,
        Measured::Latency(_)
            | Measured::CostModel
            | Measured::CostPerSample
            | Measured::TokensPerSample
    )
}

/// What a model measured, and why it is not known when it is not.
pub(super) fn of_model(
    measured: &Measured,
    totals: &ModelTotals,
    header: &RunHeader,
) -> (Option<f64>, String) {
    let samples = header.samples.max(1) as f64;
    match measured {
        Measured::Latency(quantile) => {
            let unknown = match totals.cached {
                0 => "no latency was measured",
                _ => {
                    "no latency was measured, since answers came from the cache; `--no-cache` measures"
                }
            };
            (pick(&totals.latency, *quantile), unknown.to_owned())
        }
        Measured::CostModel | Measured::CostPerSample => {
            let of = if *measured == Measured::CostModel { 1.0 } else { samples };
            let known = totals.unpriced_calls == 0;
            let unknown = format!("{} calls have no known cost", totals.unpriced_calls);
            (known.then(|| totals.cost.usd() / of), unknown)
        }
        _ => {
            let tokens = totals.input_tokens.zip(totals.output_tokens);
            let value = tokens.map(|(input, output)| (input + output) as f64 / samples);
            (value, "no tokens were reported".to_owned())
        }
    }
}

/// What the whole run measured, and why it is not known when it is not.
pub(super) fn of_whole(measured: &Measured, measures: &RunMeasures) -> (Option<f64>, String) {
    match measured {
        Measured::Tokens(which) => {
            let sum = |part: fn(&ModelTotals) -> Option<u64>| {
                let known = measures.models.iter().filter(|model| model.trials > model.errors);
                known.map(part).try_fold(0_u64, |sum, part| part.map(|part| sum + part))
            };
            let (input, output) =
                (sum(|model| model.input_tokens), sum(|model| model.output_tokens));
            let value = match which {
                Tokens::Input => input,
                Tokens::Output => output,
                Tokens::Total => input.zip(output).map(|(input, output)| input + output),
            };
            (value.map(|value| value as f64), "a model reported no tokens".to_owned())
        }
        Measured::ErrorRate => {
            let known = measures.ended() > 0;
            (known.then(|| measures.error_rate()), "no trial ended".to_owned())
        }
        Measured::ErrorCount => (Some(measures.failed() as f64), String::new()),
        _ => {
            let unpriced = measures.unpriced_calls() + measures.unpriced_judgements();
            let known = (unpriced == 0).then(|| (measures.cost() + measures.judge_cost()).usd());
            (known, format!("{unpriced} calls have no known cost"))
        }
    }
}

fn whole(gate: &Gate, measures: &RunMeasures) -> GateResult {
    let (mut value, why) = of_whole(&gate.measured, measures);
    if gate.measured == Measured::CostTotal {
        // The known part alone may already be too much; otherwise an unknown part leaves it open.
        let known = (measures.cost() + measures.judge_cost()).usd();
        let over = matches!(gate.op, Op::AtMost | Op::Below) && !gate.op.holds(known, gate.bound);
        value = value.or_else(|| over.then_some(known));
    }
    let shown = value.map(|value| match gate.measured {
        Measured::ErrorRate => {
            let (failed, ended) = (measures.failed(), measures.ended());
            let percent = |share: f64| format!("{:.2}%", share * 100.0);
            let within = wilson(failed, ended, CONFIDENCE).map_or_else(String::new, |found| {
                format!(", 95% interval {} to {}", percent(found.low), percent(found.high))
            });
            format!("{} ({failed} of {ended} trials{within})", percent(value))
        }
        _ => amount(&gate.measured, value),
    });
    verdict(gate, value, shown, &why)
}

/// A value in the unit of its measure.
pub(super) fn amount(measured: &Measured, value: f64) -> String {
    match measured {
        Measured::Score(..) | Measured::Derived(_) => format!("{value:.4}"),
        Measured::Latency(_) => format!("{value:.1} ms"),
        Measured::CostTotal | Measured::CostModel | Measured::CostPerSample => {
            Money::from_usd(value).map_or_else(|| format!("${value}"), |money| money.to_string())
        }
        Measured::Tokens(_) => format!("{value:.0} tokens"),
        Measured::TokensPerSample => format!("{value:.1} tokens"),
        Measured::ErrorRate => format!("{:.2}%", value * 100.0),
        Measured::ErrorCount => format!("{value:.0} trials"),
    }
}

fn verdict(gate: &Gate, value: Option<f64>, shown: Option<String>, unknown: &str) -> GateResult {
    let passed = value.map(|value| gate.op.holds(value, gate.bound));
    let reason = match (passed, shown) {
        (Some(passed), Some(shown)) => {
            let is = if passed { "is" } else { "is not" };
            let bound = amount(&gate.measured, gate.bound);
            format!("measured {shown}, which {is} {} {bound}", gate.op.sign())
        }
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
