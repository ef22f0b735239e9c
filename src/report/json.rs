//! A run as one JSON object, schema `evals.run/1`. Scripts depend on it: keys are added, never
//! renamed, and their order is fixed.

use serde_json::{Map, Number, Value, json};

use crate::{
    domain::measure::{GateResult, Latency, Measure, ModelTotals, RunMeasures},
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
    json!({
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
            "judges": 0.0,
            "saved_by_cache": number(known_saving(measures)),
            "unpriced_calls": measures.unpriced_calls(),
        },
        "stand_ins": stand_ins.collect::<Value>(),
        "errors": errors,
        "gates": view.gates.iter().map(|decided| gate(view, decided)).collect::<Value>(),
        "models": header.models.iter().map(|model| json!({
            "model": model.name,
            "display_name": model.title,
            "provider": model.provider,
            "upstream_model": model.model,
        })).collect::<Value>(),
        "pairwise": measures.pairwise.iter()
            .map(|found| pairwise::in_run(header, found)).collect::<Value>(),
        "calibrations": measures.calibrations.iter()
            .map(|found| calibration::in_run(header, found)).collect::<Value>(),
    })
}

fn result(view: &View<'_>, measure: &Measure) -> Value {
    let header = &view.run.header;
    let estimate = measure.estimate;
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

/// The sum of the known costs in dollars; `None` when calls were made and no cost is known.
pub(super) fn known_cost(measures: &RunMeasures) -> Option<f64> {
    let known = measures.unpriced_calls() == 0 || measures.models.iter().any(some_cost_is_known);
    known.then(|| measures.cost().usd())
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
