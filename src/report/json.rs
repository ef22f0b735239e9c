//! A run as one JSON object, schema `evals.run/1`. Scripts depend on it: keys are added, never
//! renamed, and their order is fixed.

use serde_json::{Map, Number, Value, json};

use crate::{
    domain::measure::{
        DerivedMeasure, Estimate, GateResult, JudgeTotals, Latency, Measure, ModelTotals, Passes,
        RunMeasures, SliceMeasure, StoppedEarly,
    },
    report::{View, calibration, pairwise},
};

/// The object that `--format json` prints. Unknown is `null`; no number is ever NaN.
///
/// `cost_usd.models` is the sum of what is known, and `null` when nothing is known; so is
/// `saved_by_cache`, which is no part of it. `unscored` says why answers have no score; a `reason` of
/// `null` stands for the rarer ones. A gate carries
/// `prompt` only in a run of several prompts.
pub fn run_json(view: &View<'_>) -> Value {
    let (header, measures) = (&view.run.header, view.measures);
    let named = |index: u32| header.models.get(index as usize).map(|model| model.name.as_str());
    let errors: Map<String, Value> =
        measures.errors.iter().map(|(kind, count)| (kind.clone(), json!(count))).collect();
    let latency = measures.models.iter().zip(0..).map(|(model, index)| {
        let Latency { p50, p90, p95, p99, ttft_p50 } = model.latency;
        json!({
            "model": named(index),
            "p50": number(p50),
            "p90": number(p90),
            "p95": number(p95),
            "p99": number(p99),
            "ttft_p50": number(ttft_p50),
        })
    });
    let stand_ins = header.models.iter().zip(&measures.models).flat_map(|(model, totals)| {
        let by = totals.stand_ins.iter();
        by.map(|(name, n)| json!({"model": model.name, "served_by": name, "trials": n}))
    });
    let mut object = json!({
        "schema": "evals.run/1",
        "run_id": header.id,
        "name": header.name,
        "status": view.run.status.name(),
        "trials": {
            "total": measures.planned,
            "ok": measures.ended().saturating_sub(measures.failed()),
            "error": measures.failed(),
            "cached": measures.cached(),
        },
        "results": measures.measures.iter().map(|measure| result(view, measure)).collect::<Value>(),
        "unscored": measures.reasons.iter().map(|reason| json!({
            "scorer": header.scorers.get(reason.scorer as usize).map(|scorer| &scorer.id),
            "kind": if reason.failed { "scorer" } else { "skipped" },
            "reason": reason.why,
            "n": reason.n,
        })).collect::<Value>(),
        "latency_ms": latency.collect::<Value>(),
        "cost_usd": {
            "models": number(known_cost(measures)),
            "judges": number(known_judge_cost(measures)),
            "saved_by_cache": number(known_saving(measures)),
            "unpriced_calls": measures.unpriced_calls(),
        },
        "judges": measures.judges.iter().map(|totals| judge(view, totals)).collect::<Value>(),
        "judge_noise": measures.spreads.judges.iter().map(|spread| json!({
            "scorer": scorer_id(view, spread.scorer),
            "judge": spread.judge,
            "sd_asked_again": number(spread.asked_again),
            "sd_between_epochs": number(spread.between_epochs),
            "sd_between_samples": number(spread.between_samples),
        })).collect::<Value>(),
        "judge_agreement": measures.spreads.agreements.iter().map(|agreement| json!({
            "scorer": scorer_id(view, agreement.scorer),
            "answers": agreement.answers,
            "krippendorff_alpha": number(agreement.alpha),
        })).collect::<Value>(),
        "stand_ins": stand_ins.collect::<Value>(),
        "errors": errors,
        "metrics": measures.derived.iter().map(|made| derived(view, made)).collect::<Value>(),
        "gates": view.gates.iter().map(|decided| gate(view, decided)).collect::<Value>(),
        "models": header.models.iter().zip(&measures.models).map(|(model, totals)| json!({
            "model": model.name,
            "display_name": model.title,
            "provider": model.provider,
            "upstream_model": model.model,
            "cost_per_trial_usd": number(totals.cost_per_trial()),
            "errors": totals.error_kinds,
        })).collect::<Value>(),
        "seconds": number(view.run.seconds()),
        "calls_per_second": number(calls_per_second(view)),
        "slices": measures.slices.iter().map(|found| slice(view, found)).collect::<Value>(),
        "pairwise": measures.pairwise.iter()
            .map(|found| pairwise::in_run(header, found)).collect::<Value>(),
        "calibrations": measures.calibrations.iter()
            .map(|found| calibration::in_run(header, found)).collect::<Value>(),
    });
    if let Some(found) = &measures.stopped {
        object["stopped_early"] = stopped(view, found);
    }
    object
}

/// By which rule the run ended before its last sample, and what was known then. Only such a run has
/// the key.
fn stopped(view: &View<'_>, found: &StoppedEarly) -> Value {
    let header = &view.run.header;
    json!({
        "scorer": scorer_id(view, found.scorer),
        "half_width": number(Some(found.half_width)),
        "samples": found.samples,
        "interval_method": "confidence sequence",
        "intervals": found.cells.iter().map(|cell| json!({
            "model": header.models.get(cell.model as usize).map(|model| &model.name),
            "prompt": header.prompts.get(cell.prompt as usize).map(|prompt| &prompt.id),
            "n": cell.n,
            "value": number(cell.mean),
            "low": number(Some(cell.low)),
            "high": number(Some(cell.high)),
        })).collect::<Value>(),
    })
}

fn scorer_id<'a>(view: &View<'a>, index: u32) -> Option<&'a str> {
    view.run.header.scorers.get(index as usize).map(|scorer| scorer.id.as_str())
}

/// What a model did that a scorer asked.
fn judge(view: &View<'_>, totals: &JudgeTotals) -> Value {
    let known = totals.unpriced == 0 || totals.cost.pico() != 0;
    json!({
        "scorer": scorer_id(view, totals.scorer),
        "judge": totals.model,
        "questions": totals.questions,
        "cached": totals.cached,
        "requests": totals.requests,
        "errors": totals.errors,
        "unusable": totals.unusable,
        "latency_ms": { "p50": number(totals.latency.0), "p95": number(totals.latency.1) },
        "tokens": { "input": totals.input_tokens, "output": totals.output_tokens },
        "cost_usd": number(known.then(|| totals.cost.usd())),
        "saved_usd": number(
            (totals.unpriced_hits < totals.cached || totals.cached == 0)
                .then(|| totals.saved.usd()),
        ),
    })
}

fn result(view: &View<'_>, measure: &Measure) -> Value {
    let header = &view.run.header;
    let estimate = measure.estimate;
    let detail = &measure.detail;
    json!({
        "model": header.models.get(measure.model as usize).map(|model| &model.name),
        "prompt": header.prompts.get(measure.prompt as usize).map(|prompt| &prompt.id),
        "scorer": header.scorers.get(measure.scorer as usize).map(|scorer| &scorer.id),
        "metric": measure.metric,
        "n": estimate.n,
        "unscored": estimate.unscored,
        "value": number(estimate.value),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "interval_method": Some(detail.interval_method).filter(|method| !method.is_empty()),
        "standard_error": number(detail.standard_error),
        "clusters": detail.clusters,
        "quantiles": detail.quantiles.as_ref().map(|found| json!(found)),
        "correct": detail.correct,
        "cost_per_correct_usd": number(detail.cost_per_correct),
        "passes": detail.passes.iter().map(passes).collect::<Value>(),
    })
}

/// Both chances over k repeats: that some are correct (`any`, pass@k) and that all are (`all`,
/// pass^k).
fn passes(passes: &Passes) -> Value {
    let chance = |chance: &Estimate| {
        json!({
            "n": chance.n,
            "value": number(chance.value),
            "low": number(chance.low),
            "high": number(chance.high),
        })
    };
    json!({"k": passes.k, "any": chance(&passes.any), "all": chance(&passes.all)})
}

/// A slice in one cell of the results, with its difference from the rest.
fn slice(view: &View<'_>, slice: &SliceMeasure) -> Value {
    let header = &view.run.header;
    let estimate = slice.estimate;
    json!({
        "column": slice.column,
        "value": slice.value,
        "model": header.models.get(slice.model as usize).map(|model| &model.name),
        "prompt": header.prompts.get(slice.prompt as usize).map(|prompt| &prompt.id),
        "scorer": header.scorers.get(slice.scorer as usize).map(|scorer| &scorer.id),
        "n": estimate.n,
        "unscored": estimate.unscored,
        "mean": number(estimate.value),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "difference": number(slice.difference),
        "difference_low": number(slice.difference_low),
        "difference_high": number(slice.difference_high),
        "p": number(slice.p_value),
        "p_adjusted": number(slice.p_adjusted),
        "test": slice.test,
    })
}

fn derived(view: &View<'_>, made: &DerivedMeasure) -> Value {
    let header = &view.run.header;
    json!({
        "model": header.models.get(made.model as usize).map(|model| &model.name),
        "prompt": header.prompts.get(made.prompt as usize).map(|prompt| &prompt.id),
        "metric": made.name,
        "expression": made.expression,
        "value": number(made.value),
        "reason": made.reason,
    })
}

fn gate(view: &View<'_>, decided: &GateResult) -> Value {
    let mut object = Map::new();
    object.insert("gate".to_owned(), json!(decided.gate));
    object.insert("model".to_owned(), json!(decided.model));
    if let Some(prompt) = decided.prompt.as_ref().filter(|_| view.run.header.prompts.len() > 1) {
        object.insert("prompt".to_owned(), json!(prompt));
    }
    object.insert("passed".to_owned(), json!(decided.passed));
    object.insert("measured".to_owned(), number(decided.measured));
    object.insert("reason".to_owned(), json!(decided.reason));
    Value::Object(object)
}

/// Trials a second that ended and were not taken from the cache, over the whole run; pauses between
/// a run and its resumption count as time. `None` when it has not ended, or no time passed.
fn calls_per_second(view: &View<'_>) -> Option<f64> {
    let seconds = view.run.seconds().filter(|seconds| *seconds > 0.0)?;
    let called = view.measures.ended().saturating_sub(view.measures.cached());
    Some(called as f64 / seconds)
}

/// The sum of the known costs in dollars; `None` when calls were made and no cost is known.
pub(super) fn known_cost(measures: &RunMeasures) -> Option<f64> {
    let known = measures.unpriced_calls() == 0 || measures.models.iter().any(some_cost_is_known);
    known.then(|| measures.cost().usd())
}

/// The sum of the known costs of what scorers asked models, in dollars; `None` when something was
/// asked and no cost is known.
pub(super) fn known_judge_cost(measures: &RunMeasures) -> Option<f64> {
    let asked: u64 = measures.judges.iter().map(|judge| judge.requests).sum();
    let cost = measures.judge_cost();
    let known = asked == 0 || cost.pico() != 0 || measures.unpriced_judgements() == 0;
    known.then(|| cost.usd())
}

/// What the response cache saved, in dollars: calls that were not made and would have been paid for.
/// `None` when answers came from it and nobody knows what one of them had cost.
pub(super) fn known_saving(measures: &RunMeasures) -> Option<f64> {
    let known = measures.cached() == 0 || measures.unpriced_hits() < measures.cached();
    known.then(|| measures.saved().usd())
}

/// Whether something is known of what the model's calls cost; nothing spent is also known.
pub(super) fn some_cost_is_known(model: &ModelTotals) -> bool {
    let answered = model.trials.saturating_sub(model.errors).saturating_sub(model.cached);
    model.cost.pico() != 0 || answered > model.unpriced_calls
}

/// A JSON number, or null for what is unknown or not a number.
pub(super) fn number(value: Option<f64>) -> Value {
    value.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::money::Money, report::sample};

    #[test]
    fn the_contract() {
        let data = sample::run();
        let text = serde_json::to_string_pretty(&run_json(&data.view())).expect("JSON");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn not_a_number_is_null() {
        let mut data = sample::run();
        data.measures.measures[0].estimate.value = Some(f64::NAN);
        data.gates[0].measured = Some(f64::INFINITY);
        let value = run_json(&data.view());
        assert_eq!(value["results"][0]["value"], Value::Null);
        assert_eq!(value["gates"][0]["measured"], Value::Null);
    }

    #[test]
    fn a_cost_of_which_nothing_is_known_is_null() {
        let model = |cost, answered, unpriced_calls| ModelTotals {
            trials: answered,
            cost: Money::from_pico(cost),
            unpriced_calls,
            ..ModelTotals::default()
        };
        let cost = |models| known_cost(&RunMeasures { models, ..RunMeasures::default() });
        assert_eq!(cost(vec![model(0, 5, 5)]), None);
        assert_eq!(cost(vec![model(0, 5, 0)]), Some(0.0), "a free model");
        assert_eq!(cost(vec![model(0, 5, 2)]), Some(0.0), "a free model that hid some usage");
        assert_eq!(cost(vec![model(0, 5, 5), model(1_000_000, 5, 0)]), Some(1e-6));
        assert_eq!(cost(vec![]), Some(0.0));
    }
}
