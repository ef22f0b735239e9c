//! Metrics made of other metrics: `f1: 2 * p.mean * r.mean / (p.mean + r.mean)`.
//!
//! Each is decided for every model and prompt. One that depends on something unknown is unknown and
//! says why. There is no interval: how the parts vary together is not known from their intervals.

use serde_json::{Map, Value};

use super::{
    METRICS,
    expression::{self, Node, Unknown, Wrong},
};
use crate::{
    base::text::{nearest, one_line},
    domain::{
        measure::{DerivedMeasure, ModelTotals, RunMeasures},
        run::{RunHeader, ScorerInfo},
    },
};

/// The key of a run's snapshot under which they stand.
pub const KEY: &str = "metrics";

/// First parts of measures that belong to the run and not to a scorer.
const RESERVED: [&str; 5] = ["latency", "cost", "errors", "tokens", "trials"];

/// How a figure of a model is had.
type Figure = fn(&ModelTotals) -> Option<f64>;

/// Figures of a model, by their names. Times are in milliseconds, money in US dollars.
const OF_MODEL: [(&str, Figure); 12] = [
    ("latency.p50", |model| model.latency.p50),
    ("latency.p90", |model| model.latency.p90),
    ("latency.p95", |model| model.latency.p95),
    ("latency.p99", |model| model.latency.p99),
    ("latency.ttft_p50", |model| model.latency.ttft_p50),
    ("cost.total", |model| (model.unpriced_calls == 0).then(|| model.cost.usd())),
    ("errors.rate", |model| (model.trials > 0).then(|| model.errors as f64 / model.trials as f64)),
    ("errors.count", |model| Some(model.errors as f64)),
    ("tokens.input", |model| model.input_tokens.map(|tokens| tokens as f64)),
    ("tokens.output", |model| model.output_tokens.map(|tokens| tokens as f64)),
    ("trials.ended", |model| Some(model.trials as f64)),
    ("trials.cached", |model| Some(model.cached as f64)),
];

/// What else there is of a scorer's metric besides its value.
const COUNTS: [&str; 2] = ["n", "unscored"];

/// A metric made of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// Its name in gates and reports.
    pub name: String,
    /// As it was written.
    pub text: String,
    body: Node<Input>,
}

/// What a name in an expression stands for.
#[derive(Debug, Clone, PartialEq)]
enum Input {
    /// A metric of a scorer, by its index.
    Scorer(usize, String),
    /// A figure of the model, by its index in the table.
    Model(usize),
    /// Another one of these, by its index.
    Derived(usize),
}

/// Why a metric cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedError {
    /// Its name.
    pub name: String,
    /// What is wrong, and where in the expression.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// The metrics that `written` describes, names and expressions, over those of `scorers`.
///
/// # Errors
/// The first one that cannot be read, names something that does not exist, or depends on itself.
pub fn derived(
    written: &[(String, String)],
    scorers: &[ScorerInfo],
) -> Result<Vec<Derived>, DerivedError> {
    let names: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
    let mut all = Vec::with_capacity(written.len());
    for (name, text) in written {
        let error = |message: String, hint: Option<String>| DerivedError {
            name: name.clone(),
            message,
            hint,
        };
        check_name(name, scorers).map_err(|message| error(message, None))?;
        let body = expression::parse(text, &mut |input| resolved(input, scorers, &names)).map_err(
            |Wrong { at, message, hint }| error(format!("character {at}: {message}"), hint),
        )?;
        all.push(Derived { name: name.clone(), text: text.clone(), body });
    }
    if let Some(first) = (0..all.len()).find(|index| depends_on_itself(&all, *index)) {
        let name = all[first].name.clone();
        return Err(DerivedError { name, message: "it depends on itself".to_owned(), hint: None });
    }
    Ok(all)
}

fn check_name(name: &str, scorers: &[ScorerInfo]) -> Result<(), String> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(
            "a name has letters, digits, `_` and `-`, and does not begin with a digit".to_owned()
        );
    }
    if RESERVED.contains(&name) {
        return Err("the name stands for figures of the run; take another one".to_owned());
    }
    if scorers.iter().any(|scorer| scorer.id == name) {
        return Err("a scorer is called so; take another name".to_owned());
    }
    Ok(())
}

/// The metrics that there are of `scorer`.
fn metrics_of(scorer: &ScorerInfo) -> impl Iterator<Item = &'static str> {
    METRICS.iter().filter(|metric| metric.start(scorer).is_some()).map(|metric| metric.name())
}

fn resolved(input: &str, scorers: &[ScorerInfo], names: &[&str]) -> Result<Input, Unknown> {
    if let Some(index) = OF_MODEL.iter().position(|(name, _)| *name == input) {
        return Ok(Input::Model(index));
    }
    if let Some((id, metric)) = input.rsplit_once('.')
        && let Some(index) = scorers.iter().position(|scorer| scorer.id == id)
        && (COUNTS.contains(&metric) || metrics_of(&scorers[index]).any(|known| known == metric))
    {
        return Ok(Input::Scorer(index, metric.to_owned()));
    }
    if let Some(index) = names.iter().position(|name| *name == input) {
        return Ok(Input::Derived(index));
    }
    let of_scorers = scorers
        .iter()
        .flat_map(|scorer| metrics_of(scorer).map(|metric| format!("{}.{metric}", scorer.id)));
    let known: Vec<String> = of_scorers
        .chain(OF_MODEL.iter().map(|(name, _)| (*name).to_owned()))
        .chain(names.iter().map(|name| (*name).to_owned()))
        .collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(input, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? known measures: {list}"),
        None => format!("known measures: {list}"),
    };
    Err((format!("there is no measure `{}`", one_line(input, 60)), Some(hint)))
}

fn depends_on_itself(all: &[Derived], start: usize) -> bool {
    let (mut seen, mut open) = (vec![false; all.len()], vec![start]);
    while let Some(index) = open.pop() {
        for input in all[index].body.names() {
            let Input::Derived(next) = input else { continue };
            if *next == start {
                return true;
            }
            if !std::mem::replace(&mut seen[*next], true) {
                open.push(*next);
            }
        }
    }
    false
}

/// The names of a run's metrics that are made of others.
pub fn names(header: &RunHeader) -> Vec<&str> {
    let stored = header.config.get(KEY).and_then(Value::as_object);
    stored.into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// Names and expressions, as a run's snapshot keeps them.
pub fn as_json(all: &[Derived]) -> Value {
    all.iter().map(|metric| (metric.name.clone(), Value::from(metric.text.clone()))).collect()
}

/// The metrics of a recorded run, which were checked before it began.
pub fn of_run(header: &RunHeader) -> Vec<Derived> {
    let none = Map::new();
    let stored = header.config.get(KEY).and_then(Value::as_object).unwrap_or(&none);
    let written: Vec<(String, String)> = stored
        .iter()
        .filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
        .collect();
    derived(&written, &header.scorers).unwrap_or_default()
}

/// The values of `all` for each model and prompt that `measures` has, in the order of the plan.
pub fn values(all: &[Derived], header: &RunHeader, measures: &RunMeasures) -> Vec<DerivedMeasure> {
    let mut found = Vec::new();
    for model in 0..measures.models.len() as u32 {
        for prompt in 0..header.prompts.len() as u32 {
            let about = About { all, header, measures, model, prompt };
            let mut known: Vec<Option<Result<f64, String>>> = vec![None; all.len()];
            for (index, metric) in all.iter().enumerate() {
                let value = about.value(index, &mut known);
                found.push(DerivedMeasure {
                    name: metric.name.clone(),
                    expression: metric.text.clone(),
                    model,
                    prompt,
                    reason: value.as_ref().err().cloned(),
                    value: value.ok(),
                });
            }
        }
    }
    found
}

/// What the values of a model and a prompt are made of.
struct About<'a> {
    all: &'a [Derived],
    header: &'a RunHeader,
    measures: &'a RunMeasures,
    model: u32,
    prompt: u32,
}

impl About<'_> {
    fn value(
        &self,
        index: usize,
        known: &mut Vec<Option<Result<f64, String>>>,
    ) -> Result<f64, String> {
        if let Some(known) = &known[index] {
            return known.clone();
        }
        let value = expression::value(&self.all[index].body, &mut |input| match input {
            Input::Derived(other) => {
                let value = self.value(*other, known);
                value.map_err(|why| format!("`{}` is unknown: {why}", self.all[*other].name))
            }
            Input::Model(index) => {
                let (name, figure) = OF_MODEL[*index];
                let totals = self.measures.models.get(self.model as usize);
                totals.and_then(figure).ok_or_else(|| format!("`{name}` is unknown"))
            }
            Input::Scorer(scorer, metric) => self.of_scorer(*scorer, metric).ok_or_else(|| {
                format!("`{}.{metric}` is unknown", self.header.scorers[*scorer].id)
            }),
        });
        known[index] = Some(value.clone());
        value
    }

    fn of_scorer(&self, scorer: usize, metric: &str) -> Option<f64> {
        let is_count = COUNTS.contains(&metric);
        let cell = self.measures.measures.iter().find(|cell| {
            let here = cell.model == self.model && cell.prompt == self.prompt;
            here && cell.scorer as usize == scorer && (is_count || cell.metric == metric)
        })?;
        match metric {
            "n" => Some(cell.estimate.n as f64),
            "unscored" => Some(cell.estimate.unscored as f64),
            _ => cell.estimate.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        base::money::Money,
        domain::{
            measure::{Detail, Estimate, Latency, Measure},
            run::PromptInfo,
            score::Corpus,
        },
    };

    fn scorers() -> Vec<ScorerInfo> {
        ["precision", "recall", "chrf++"]
            .map(|id| ScorerInfo {
                id: id.to_owned(),
                name: id.to_owned(),
                options: json!({}),
                extract: None,
                unit_range: true,
                corpus: (id == "chrf++").then_some(Corpus::Share),
            })
            .to_vec()
    }

    fn made(written: &[(&str, &str)]) -> Result<Vec<Derived>, DerivedError> {
        let written: Vec<(String, String)> =
            written.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        derived(&written, &scorers())
    }

    fn header() -> RunHeader {
        let mut header: RunHeader = serde_json::from_value(json!({
            "id": "r", "name": "n", "created_ms": 0, "version": "1", "config": {}, "dataset": "d",
            "dataset_digest": "x", "samples": 1, "prompts": [], "models": [], "scorers": [],
            "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
        }))
        .expect("a header");
        header.prompts = vec![PromptInfo { id: "p".to_owned(), template: json!("x") }];
        header.scorers = scorers();
        header
    }

    fn measures() -> RunMeasures {
        let cell = |scorer, metric, value| Measure {
            model: 0,
            prompt: 0,
            scorer,
            metric,
            estimate: Estimate { n: 4, unscored: 1, value, low: None, high: None },
            detail: Detail::default(),
        };
        RunMeasures {
            planned: 5,
            measures: vec![
                cell(0, "mean", Some(0.5)),
                cell(1, "mean", Some(0.25)),
                cell(2, "mean", None),
                cell(2, "corpus", Some(0.75)),
            ],
            models: vec![ModelTotals {
                trials: 5,
                errors: 1,
                cost: Money::from_usd(2.0).expect("money"),
                latency: Latency { p95: Some(1500.0), ..Latency::default() },
                ..ModelTotals::default()
            }],
            ..RunMeasures::default()
        }
    }

    #[test]
    fn values_are_made_of_other_metrics() {
        let all = made(&[
            ("f1", "2 * precision.mean * recall.mean / (precision.mean + recall.mean)"),
            ("half", "f1 / 2"),
            ("per_right", "cost.total / (precision.mean * precision.n)"),
            ("slow", "latency.p95 / 1000"),
            ("lost", "errors.rate + precision.unscored"),
            ("corpus", "`chrf++`.corpus"),
            ("unknown", "`chrf++`.mean"),
            ("unknown_too", "1 - unknown"),
            ("none", "1 / (errors.count - 1)"),
            ("streamed", "latency.ttft_p50"),
        ]);
        let found = values(&all.expect("metrics"), &header(), &measures());
        let expected = [1.0 / 3.0, 1.0 / 6.0, 1.0, 1.5, 1.2, 0.75];
        for (measure, expected) in found.iter().zip(expected) {
            let value = measure.value.unwrap_or_else(|| panic!("{measure:?}"));
            assert!((value - expected).abs() < 1e-12, "{measure:?}");
        }
        let why: Vec<&str> = found[6..].iter().filter_map(|m| m.reason.as_deref()).collect();
        assert_eq!(
            why,
            [
                "`chrf++.mean` is unknown",
                "`unknown` is unknown: `chrf++.mean` is unknown",
                "it divides by 0",
                "`latency.ttft_p50` is unknown",
            ]
        );
        assert!(found[6..].iter().all(|measure| measure.value.is_none()));
    }

    #[test]
    fn what_cannot_be_made_is_refused_with_a_way_out() {
        for (written, said, hint) in [
            (
                vec![("f1", "precison.mean")],
                "character 1: there is no measure",
                "`precision.mean`?",
            ),
            (vec![("f1", "1 + precision.median2")], "character 5", "known measures"),
            (vec![("f1", "precision.corpus")], "there is no measure", "known measures"),
            (vec![("f1", "f1 + 1")], "depends on itself", ""),
            (vec![("a", "b"), ("b", "c"), ("c", "a")], "depends on itself", ""),
            (vec![("latency", "1")], "stands for figures", ""),
            (vec![("recall", "1")], "a scorer is called so", ""),
            (vec![("a b", "1")], "a name has letters", ""),
            (vec![("1a", "1")], "does not begin with a digit", ""),
            (vec![("a", "1 +")], "character 4: a value is expected", ""),
        ] {
            let error = made(&written).expect_err("refused");
            assert!(error.message.contains(said), "{error:?}");
            assert!(error.hint.unwrap_or_default().contains(hint), "{written:?}");
        }
        made(&[("a", "b + c"), ("b", "c"), ("c", "1")]).expect("no circle");
    }
}
