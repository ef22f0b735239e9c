//! What every report for people says of a run, before it is dressed for one of them. The text here
//! is as it came: each format makes it harmless itself.

use std::borrow::Cow;

use crate::{
    base::text::one_line,
    domain::{
        family,
        measure::{
            DerivedMeasure, Estimate, GateResult, JudgeSpread, JudgeTotals, Measure, ModelTotals,
            StoppedEarly,
        },
        run::{ModelInfo, RunHeader, RunStatus, ScorerInfo},
    },
    report::{
        View,
        json::{known_cost, known_judge_cost, known_saving, some_cost_is_known},
        number::{UNKNOWN, Unit, count, of, percent},
    },
};

/// Samples below which a warning says that intervals are wide.
const FEW_SAMPLES: u64 = 30;

/// One line of the results, with the names of what it is about.
#[derive(Debug, Clone)]
pub(super) struct ResultLine<'a> {
    /// What the model is called.
    pub(super) model: Cow<'a, str>,
    /// The prompt's id.
    pub(super) prompt: &'a str,
    /// The scorer.
    pub(super) scorer: &'a ScorerInfo,
    /// The metric's name.
    pub(super) metric: &'a str,
    /// What was measured.
    pub(super) estimate: Estimate,
}

impl<'a> ResultLine<'a> {
    /// The unit of the scorer's values.
    fn unit(&self) -> Unit<'a> {
        unit_of(self.scorer)
    }

    /// The value.
    pub(super) fn value(&self) -> Option<String> {
        self.estimate.value.map(|value| self.unit().show(value))
    }

    /// The 95% interval.
    pub(super) fn interval(&self) -> Option<String> {
        let (low, high) = self.estimate.low.zip(self.estimate.high)?;
        Some(format!("[{}, {}]", self.unit().show(low), self.unit().show(high)))
    }
}

/// The unit of a scorer's values: the one its options name, unless they are shares.
pub(super) fn unit_of(scorer: &ScorerInfo) -> Unit<'_> {
    let named = scorer.options.get("unit").and_then(serde_json::Value::as_str);
    match named {
        _ if scorer.unit_range => Unit::Share,
        Some(name) => Unit::named(name),
        None => Unit::Plain,
    }
}

/// The results in the order of the plan.
pub(super) fn results<'a>(view: &View<'a>) -> Vec<ResultLine<'a>> {
    view.measures.measures.iter().filter_map(|measure| line(*view, measure)).collect()
}

fn line<'a>(view: View<'a>, measure: &Measure) -> Option<ResultLine<'a>> {
    let header = &view.run.header;
    let model = measure.model as usize;
    header.models.get(model)?;
    Some(ResultLine {
        model: header.label(model),
        prompt: &header.prompts.get(measure.prompt as usize)?.id,
        scorer: header.scorers.get(measure.scorer as usize)?,
        metric: measure.metric,
        estimate: measure.estimate,
    })
}

/// A metric made of others, with the names of what it is about.
#[derive(Debug, Clone)]
pub(super) struct DerivedLine<'a> {
    /// What the model is called.
    pub(super) model: Cow<'a, str>,
    /// The prompt's id.
    pub(super) prompt: &'a str,
    /// The metric.
    pub(super) measure: &'a DerivedMeasure,
}

impl DerivedLine<'_> {
    /// The value, or why there is none.
    pub(super) fn value(&self) -> Result<String, &str> {
        match (self.measure.value, &self.measure.reason) {
            (Some(value), _) => Ok(Unit::Plain.show(value)),
            (None, why) => Err(why.as_deref().unwrap_or("it has no value")),
        }
    }
}

/// The metrics made of others, in the order of the plan.
pub(super) fn derived<'a>(view: &View<'a>) -> Vec<DerivedLine<'a>> {
    let header = &view.run.header;
    let line = |measure: &'a DerivedMeasure| {
        let model = measure.model as usize;
        header.models.get(model)?;
        let prompt = &header.prompts.get(measure.prompt as usize)?.id;
        Some(DerivedLine { model: header.label(model), prompt, measure })
    };
    view.measures.derived.iter().filter_map(line).collect()
}

/// The models, as they are called, with what they did; in the order of the plan.
pub(super) fn models<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = (Cow<'a, str>, &'a ModelTotals)> + use<'a> {
    let header = &view.run.header;
    let labels = (0..header.models.len()).map(|index| header.label(index));
    labels.zip(&view.measures.models)
}

/// What a model's calls cost: nothing when nothing is known, a lower bound when not all is.
pub(super) fn model_cost(model: &ModelTotals) -> Option<Cost> {
    let known = model.unpriced_calls == 0 || some_cost_is_known(model);
    known.then(|| Cost { amount: model.cost.to_string(), at_least: model.unpriced_calls > 0 })
}

/// What the run cost, in the same way.
pub(super) fn run_cost(view: &View<'_>) -> Option<Cost> {
    known_cost(view.measures).map(|_| Cost {
        amount: view.measures.cost().to_string(),
        at_least: view.measures.unpriced_calls() > 0,
    })
}

/// An amount of money, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cost {
    amount: String,
    at_least: bool,
}

impl Cost {
    /// The amount, behind `bound` when more may have been spent.
    pub(super) fn show(&self, bound: &str) -> String {
        let bound = if self.at_least { bound } else { "" };
        format!("{bound}{}", self.amount)
    }
}

/// The word for what became of a gate.
pub(super) fn gate_word(gate: &GateResult) -> &'static str {
    match gate.passed {
        Some(true) => "PASS",
        Some(false) => "FAIL",
        None => "UNKNOWN",
    }
}

/// What a gate was decided for, when that is not the whole run.
pub(super) fn gate_scope(header: &RunHeader, gate: &GateResult) -> Option<String> {
    let model = gate.model.as_deref().map(|name| header.label_of(name));
    match (model, &gate.prompt) {
        (Some(model), Some(prompt)) => Some(format!("{model}, {prompt}")),
        (Some(model), None) => Some(model.into_owned()),
        (None, Some(prompt)) => Some(prompt.clone()),
        (None, None) => None,
    }
}

/// How good the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Every gate passed.
    Good,
    /// A gate failed.
    Bad,
    /// Something is missing or undecided.
    Unsure,
    /// Nothing was asked.
    Neutral,
}

impl Tone {
    /// The tone's name, for style sheets.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
            Self::Neutral => "neutral",
        }
    }
}

/// The run in one sentence.
pub(super) fn verdict(view: &View<'_>) -> (Tone, String) {
    let gates = gates(view);
    let all = gates.len() as u64;
    let decided = |wanted| gates.iter().filter(|(_, passed)| *passed == wanted).count() as u64;
    let (passed, failed, unknown) = (decided(Some(true)), decided(Some(false)), decided(None));
    let complete = view.run.status == RunStatus::Complete;
    let (tone, text) = if all == 0 {
        (Tone::Neutral, "No gates were set".to_owned())
    } else if failed > 0 {
        (Tone::Bad, format!("{} of {} failed", count(failed), of(all, "gate", "gates")))
    } else if unknown > 0 {
        let text = format!(
            "{} of {} passed, {} could not be decided",
            count(passed),
            of(all, "gate", "gates"),
            count(unknown)
        );
        (Tone::Unsure, text)
    } else if all == 1 {
        (Tone::Good, "The gate passed".to_owned())
    } else {
        (Tone::Good, format!("All {} gates passed", count(all)))
    };
    let state = match view.run.status {
        RunStatus::Complete => return (tone, format!("{text}.")),
        RunStatus::Running => "the run has not ended",
        RunStatus::Incomplete => "the run is incomplete",
        RunStatus::Budget => "the run was stopped by its budget",
        RunStatus::Interrupted => "the run was interrupted",
    };
    let tone = if tone == Tone::Bad || complete { tone } else { Tone::Unsure };
    (tone, format!("{text}; {state}."))
}

/// The gates as written, each with what became of it: one that is decided for several models or
/// prompts holds when it holds for all of them.
fn gates<'a>(view: &View<'a>) -> Vec<(&'a str, Option<bool>)> {
    let mut gates: Vec<(&str, Option<bool>)> = Vec::new();
    for decided in view.gates {
        match gates.iter_mut().find(|(gate, _)| *gate == decided.gate) {
            None => gates.push((&decided.gate, decided.passed)),
            Some((_, passed)) => {
                *passed = match (*passed, decided.passed) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (None, _) | (_, None) => None,
                    (Some(true), Some(true)) => Some(true),
                }
            }
        }
    }
    gates
}

/// How many trials there are and how they ended, in one line.
pub(super) fn trials_line(view: &View<'_>) -> String {
    let measures = view.measures;
    let answered = measures.ended().saturating_sub(measures.failed());
    let mut line = format!(
        "{}: {} answered, {}",
        of(measures.planned, "trial", "trials"),
        count(answered),
        of(measures.failed(), "error", "errors")
    );
    if measures.cached() > 0 {
        line.extend([", ", &count(measures.cached()), " from the cache"]);
        if let Some(saved) = saved(view) {
            line.extend([" (", &saved.show("at least "), " saved)"]);
        }
    }
    line
}

/// What scorers that ask models cost; nothing where none do, or nothing is known.
pub(super) fn judge_cost(view: &View<'_>) -> Option<Cost> {
    let measures = view.measures;
    known_judge_cost(measures).filter(|_| !measures.judges.is_empty()).map(|_| Cost {
        amount: measures.judge_cost().to_string(),
        at_least: measures.unpriced_judgements() > 0,
    })
}

/// What one model cost that a scorer asks.
pub(super) fn cost_of_judge(judge: &JudgeTotals) -> Option<Cost> {
    let known = judge.unpriced == 0 || judge.cost.pico() != 0;
    known.then(|| Cost { amount: judge.cost.to_string(), at_least: judge.unpriced > 0 })
}

/// How far judges agree with themselves and with each other, a sentence each.
pub(super) fn judge_spread(view: &View<'_>) -> Vec<String> {
    let id = |index: u32| {
        view.run.header.scorers.get(index as usize).map_or("", |scorer| scorer.id.as_str())
    };
    let spreads = &view.measures.spreads;
    let deviation = |value: Option<f64>| value.map(|value| format!("{value:.3}"));
    let noise = spreads.judges.iter().map(|spread| {
        let JudgeSpread { scorer, judge, asked_again, between_epochs, between_samples } = spread;
        let parts = [
            (deviation(*asked_again), "asked again"),
            (deviation(*between_epochs), "between epochs"),
            (deviation(*between_samples), "between samples"),
        ];
        let parts = parts.into_iter().filter_map(|(sd, what)| Some(format!("{} {what}", sd?)));
        let parts: Vec<String> = parts.collect();
        format!("{}, {judge}: standard deviation {}", id(*scorer), parts.join(", "))
    });
    let agreement = spreads.agreements.iter().map(|agreement| {
        let answers = of(agreement.answers, "answer", "answers");
        match agreement.alpha {
            Some(alpha) => {
                format!(
                    "{}: judges agree by Krippendorff's alpha {alpha:.3} over {answers}",
                    id(agreement.scorer)
                )
            }
            None => format!("{}: judges say the same of all {answers}", id(agreement.scorer)),
        }
    });
    noise.chain(agreement).collect()
}

/// What the response cache saved: nothing when nothing is known, a lower bound when not all is.
pub(super) fn saved(view: &View<'_>) -> Option<Cost> {
    known_saving(view.measures).map(|_| Cost {
        amount: view.measures.saved().to_string(),
        at_least: view.measures.unpriced_hits() > 0,
    })
}

/// What a reader must know before trusting the numbers.
pub(super) fn warnings(view: &View<'_>) -> Vec<String> {
    let measures = view.measures;
    let sum = |part: fn(&ModelTotals) -> u64| measures.models.iter().map(part).sum::<u64>();
    let (planned, ended, failed) = (measures.planned, measures.ended(), measures.failed());
    let mut warnings = Vec::new();
    if view.run.header.config["unsafe_no_sandbox"] == true {
        warnings.push("code that models wrote ran without a sandbox".to_owned());
    }
    if let Some(old) = view.run.header.scored_from() {
        warnings.push(format!(
            "Scored anew from run {old}: no model was called; times and costs are those of that run"
        ));
    }
    if let Some(found) = &measures.stopped {
        warnings.push(stopped(view, found));
    } else if ended < planned {
        let missing = planned - ended;
        let verb = if missing == 1 { "has" } else { "have" };
        warnings.push(format!(
            "{} of {} {verb} not ended ({})",
            count(missing),
            of(planned, "trial", "trials"),
            percent(missing, planned)
        ));
    }
    if failed > 0 {
        let verb = if failed == 1 { "has" } else { "have" };
        let kinds: Vec<String> =
            measures.errors.iter().map(|(kind, n)| format!("{} {kind}", count(*n))).collect();
        let kinds =
            if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        warnings.push(format!(
            "{} of {} {verb} no answer ({}){kinds}",
            count(failed),
            of(ended, "trial", "trials"),
            percent(failed, ended)
        ));
    }
    let odd: Vec<String> = [
        (sum(|model| model.length), "cut at the token limit"),
        (sum(|model| model.refused), "refused"),
        (sum(|model| model.empty), "empty"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", count(n)))
    .collect();
    if !odd.is_empty() {
        warnings.push(format!("answers that are not whole: {}", odd.join(", ")));
    }
    warnings.extend(stand_ins(view));
    warnings.extend(own_family(&view.run.header));
    warnings.extend(unscored(view));
    warnings.extend(reasons(view));
    if measures.scorer_failures > 0 {
        warnings.push(format!(
            "a scorer itself failed {}",
            of(measures.scorer_failures, "time", "times")
        ));
    }
    match measures.unpriced_calls() {
        0 => {}
        n => warnings.push(format!(
            "the cost of {} is not known; what is shown is the rest",
            of(n, "call", "calls")
        )),
    }
    for (column, why) in &measures.unsliced {
        warnings.push(format!("not told apart by `{column}`: {why}"));
    }
    let fewest = measures.measures.iter().map(|m| m.estimate.n).filter(|n| *n > 0).min();
    if let Some(n) = fewest.filter(|n| *n < FEW_SAMPLES) {
        warnings.push(format!("few samples: intervals are wide (n = {n})"));
    }
    warnings
}

/// That the run ended by its own rule, with the intervals that hold all the same.
fn stopped(view: &View<'_>, found: &StoppedEarly) -> String {
    let header = &view.run.header;
    let scorer = header.scorers.get(found.scorer as usize).map_or("", |scorer| &scorer.id);
    let show = |value| Unit::Share.show(value);
    let known: Vec<String> = found
        .cells
        .iter()
        .map(|cell| {
            let model = header.label(cell.model as usize);
            let prompt = header.prompts.get(cell.prompt as usize);
            let prompt = prompt.filter(|_| header.prompts.len() > 1);
            let prompt = prompt.map_or_else(String::new, |prompt| format!(" with {}", prompt.id));
            let mean = cell.mean.map_or_else(|| UNKNOWN.to_owned(), show);
            let (low, high) = (show(cell.low), show(cell.high));
            format!("{model}{prompt} {mean} [{low}, {high}] (n = {})", count(cell.n))
        })
        .collect();
    format!(
        "stopped early by its own rule, after {} of {}: {scorer} is known to a half width of {}. \
         The intervals of other tables are for a number of samples fixed beforehand; those that hold \
         after looking at every sample are: {}",
        count(found.samples),
        of(header.samples, "sample", "samples"),
        found.half_width,
        known.join("; ")
    )
}

/// Judges that are of the family of a model that they judge.
fn own_family(header: &RunHeader) -> Vec<String> {
    let family = |model: &ModelInfo| {
        let called = !["sim", "replay"].contains(&model.provider.as_str());
        called.then(|| family::of(&model.model)).flatten()
    };
    let mut told = Vec::new();
    for judge in &header.judges {
        let of = family(judge);
        let same = header.models.iter().filter(|model| of.is_some() && family(model) == of);
        let names: Vec<&str> = same.map(|model| model.name.as_str()).collect();
        if let (Some(of), false) = (of, names.is_empty()) {
            told.push(format!(
                "judge {} is of the same family as {} ({of}); judges tend to favour their own",
                judge.name,
                names.join(", ")
            ));
        }
    }
    told
}

/// One warning for each model in whose place others answered.
fn stand_ins(view: &View<'_>) -> Vec<String> {
    let models = view.run.header.models.iter().zip(&view.measures.models);
    let told = models.filter(|(_, totals)| !totals.stand_ins.is_empty());
    told.map(|(model, totals)| {
        let who: Vec<String> =
            totals.stand_ins.iter().map(|(name, n)| format!("{} by {name}", count(*n))).collect();
        let (all, others) = (of(totals.trials, "trial", "trials"), who.join(", "));
        if model.pool.is_empty() {
            format!("of {all} of {} some were answered by another model: {others}", model.name)
        } else {
            format!("{all} of {} were shared out: {others}", model.name)
        }
    })
    .collect()
}

/// What scorers left without a score: one warning for all of which the same is true.
fn unscored(view: &View<'_>) -> Vec<String> {
    let measures = &view.measures.measures;
    let mut found: Vec<((u64, u64), Vec<&str>)> = Vec::new();
    for (scorer, index) in view.run.header.scorers.iter().zip(0..) {
        // Every metric of a scorer counts the same samples: one is enough.
        let Some(first) = measures.iter().find(|m| m.scorer == index) else { continue };
        let counts = measures
            .iter()
            .filter(|m| m.scorer == index && m.metric == first.metric)
            .fold((0, 0), |(n, un), m| (n + m.estimate.n, un + m.estimate.unscored));
        match found.iter_mut().find(|(known, _)| *known == counts) {
            Some((_, scorers)) => scorers.push(&scorer.id),
            None => found.push((counts, vec![&scorer.id])),
        }
    }
    found
        .into_iter()
        .filter(|((_, unscored), _)| *unscored > 0)
        .map(|((scored, unscored), scorers)| {
            format!(
                "{} left {} of {} unscored ({})",
                scorers.join(", "),
                count(unscored),
                of(scored + unscored, "sample", "samples"),
                percent(unscored, scored + unscored)
            )
        })
        .collect()
}

/// Why answers have no score, a line for each scorer. That there is no answer is said elsewhere.
fn reasons(view: &View<'_>) -> Vec<String> {
    let told = |(scorer, index): (&ScorerInfo, u32)| {
        let mine = view.measures.reasons.iter().filter(|reason| reason.scorer == index);
        let said: Vec<String> = mine
            .filter(|reason| reason.why.as_deref() != Some("there is no answer"))
            .map(|reason| {
                let failed = if reason.failed { "failed, " } else { "" };
                let why = reason.why.as_deref().unwrap_or("other reasons");
                format!("{} × {failed}{}", count(reason.n), one_line(why, 160))
            })
            .collect();
        (!said.is_empty()).then(|| format!("not scored by {}: {}", scorer.id, said.join("; ")))
    };
    view.run.header.scorers.iter().zip(0..).filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn verdicts() {
        let mut data = sample::run();
        let say = |data: &sample::Data| {
            let (tone, text) = verdict(&data.view());
            format!("{}: {text}", tone.name())
        };
        assert_eq!(say(&data), "bad: 1 of 3 gates failed.");
        data.gates.remove(1);
        assert_eq!(say(&data), "unsure: 1 of 2 gates passed, 1 could not be decided.");
        data.gates.truncate(1);
        assert_eq!(say(&data), "good: The gate passed.");
        data.run.status = RunStatus::Budget;
        assert_eq!(say(&data), "unsure: The gate passed; the run was stopped by its budget.");
        // One gate that two models are held to is still one gate.
        data.gates.push(data.gates[0].clone());
        data.run.status = RunStatus::Complete;
        assert_eq!(say(&data), "good: The gate passed.");
        data.gates[1].passed = None;
        assert_eq!(say(&data), "unsure: 0 of 1 gate passed, 1 could not be decided.");
        data.gates.clear();
        data.run.status = RunStatus::Complete;
        assert_eq!(say(&data), "neutral: No gates were set.");
    }

    #[test]
    fn what_must_be_known_before_trusting_the_numbers() {
        let mut data = sample::run();
        data.measures.scorer_failures = 1;
        data.measures.planned += 1;
        insta::assert_snapshot!(warnings(&data.view()).join("\n"));
        let clean = sample::clean();
        assert!(warnings(&clean.view()).is_empty(), "{:?}", warnings(&clean.view()));
    }
}
