//! Made-up runs for the tests of the reports.

pub(super) mod pairs;

use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::{
    base::money::Money,
    domain::{
        comparison::Comparison,
        generation::Usage,
        measure::{
            Detail, Estimate, GateResult, Latency, Measure, ModelTotals, RunMeasures, Spreads,
        },
        message::{Message, Role},
        run::{
            AttemptRecord, ModelInfo, PromptInfo, RunHeader, RunRecord, RunStatus, ScoreRecord,
            ScorerInfo, TrialRecord,
        },
        target::Price,
        trial::{Status, TrialKey},
    },
    report::{ReportError, TrialSource, View},
};

/// Trials held in memory.
pub(super) struct Trials(pub(super) Vec<TrialRecord>);

impl TrialSource for Trials {
    fn each(
        &self,
        take: &mut dyn FnMut(TrialRecord) -> ControlFlow<()>,
    ) -> Result<(), ReportError> {
        let broken = self.0.iter().cloned().any(|trial| take(trial).is_break());
        let _ = broken;
        Ok(())
    }
}

/// A run with all that a report reads.
pub(super) struct Data {
    pub(super) run: RunRecord,
    pub(super) measures: RunMeasures,
    pub(super) gates: Vec<GateResult>,
    pub(super) comparison: Option<Comparison>,
    pub(super) trials: Trials,
}

impl Data {
    pub(super) fn view(&self) -> View<'_> {
        View {
            run: &self.run,
            measures: &self.measures,
            gates: &self.gates,
            comparison: self.comparison.as_ref(),
        }
    }
}

/// A scorer called `id`.
pub(super) fn scorer(id: &str, unit_range: bool) -> ScorerInfo {
    ScorerInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        options: json!({}),
        extract: None,
        unit_range,
        corpus: None,
    }
}

fn model(name: &str, provider: &str, upstream: &str, price: Option<Price>) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        title: None,
        provider: provider.to_owned(),
        model: upstream.to_owned(),
        origin: "https://api.example.com/v1".to_owned(),
        params: json!({"temperature": 0.0, "max_tokens": 256}),
        price,
        fallback: Vec::new(),
        pool: Vec::new(),
        reference: None,
    }
}

fn header() -> RunHeader {
    let price = |input, output| {
        let money = |usd: f64| Money::from_usd(usd / 1e6).expect("in range");
        let cache_read = money(input / 10.0);
        Some(Price { cache_read, ..Price::new(money(input), money(output)) })
    };
    let mut latency = scorer("latency", false);
    latency.options = json!({"unit": "ms"});
    let mut exact = scorer("exact_match", true);
    exact.options = json!({"normalize": ["trim", "casefold", "punctuation"]});
    exact.extract = Some("final".to_owned());
    RunHeader {
        id: "01JZX6T5Q8R9S0T1V2W3X4Y5Z6".to_owned(),
        name: "capitals".to_owned(),
        created_ms: 1_782_900_000_000,
        version: "0.1.0".to_owned(),
        config: json!({"dataset": {"path": "datasets/capitals.csv"}, "epochs": {"count": 1}}),
        dataset: "datasets/capitals.csv".to_owned(),
        dataset_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        samples: 200,
        prompts: vec![PromptInfo {
            id: "terse".to_owned(),
            template: json!([
                {"role": "system", "content": "Answer with the name only."},
                {"role": "user", "content": "{{question}}"}
            ]),
        }],
        models: vec![
            model("openai/gpt-5-mini", "openai-compatible", "gpt-5-mini", price(0.25, 2.0)),
            model("openrouter/meta-llama/llama-4-maverick", "openai-compatible", "llama", None),
            model("local", "openai-compatible", "llama4:maverick", price(0.0, 0.0)),
        ],
        scorers: vec![exact, scorer("levenshtein", true), latency],
        extracts: vec!["final".to_owned()],
        epochs: 1,
        reduce: "mean".to_owned(),
        gates: vec!["exact_match.mean >= 0.90".to_owned()],
        command: None,
        forked_from: None,
        judges: Vec::new(),
        context: crate::domain::run::RunContext::default(),
    }
}

fn measure(model: u32, scorer: u32, values: (f64, f64, f64), unscored: u64) -> Measure {
    let (value, low, high) = values;
    Measure {
        model,
        prompt: 0,
        scorer,
        metric: "mean",
        detail: Detail::default(),
        estimate: Estimate {
            n: 200 - unscored,
            unscored,
            value: Some(value),
            low: Some(low),
            high: Some(high),
        },
    }
}

fn measures() -> RunMeasures {
    let latency = |scale: f64, ttft: Option<f64>| Latency {
        p50: Some(412.0 * scale),
        p90: Some(800.1 * scale),
        p95: Some(1_011.9 * scale),
        p99: Some(1_400.2 * scale),
        ttft_p50: ttft,
    };
    let totals = ModelTotals { trials: 200, ..ModelTotals::default() };
    RunMeasures {
        planned: 600,
        judges: Vec::new(),
        spreads: Spreads::default(),
        measures: vec![
            measure(0, 0, (0.914_572_864, 0.867_7, 0.946), 1),
            measure(0, 1, (0.953_2, 0.931, 0.971), 1),
            measure(0, 2, (468.25, 431.7, 504.8), 0),
            measure(1, 0, (0.855, 0.799_8, 0.897_1), 0),
            measure(1, 1, (0.902_1, 0.871, 0.928), 0),
            measure(1, 2, (1_012.5, 950.1, 1_074.9), 0),
            measure(2, 0, (0.616_161, 0.547_1, 0.681_1), 2),
            measure(2, 1, (0.702_1, 0.651, 0.748), 2),
            measure(2, 2, (97.4, 93.1, 101.7), 0),
        ],
        models: vec![
            ModelTotals {
                errors: 1,
                cost: Money::from_usd(0.123_4).expect("in range"),
                input_tokens: Some(6_213),
                output_tokens: Some(812),
                latency: latency(1.0, Some(97.3)),
                ..totals.clone()
            },
            ModelTotals {
                length: 2,
                refused: 1,
                unpriced_calls: 200,
                cached: 0,
                input_tokens: Some(1_234_567),
                output_tokens: Some(45_678),
                latency: latency(2.3, Some(180.0)),
                ..totals.clone()
            },
            ModelTotals { errors: 2, latency: latency(0.21, None), ..totals },
        ],
        errors: vec![("rate_limited".to_owned(), 2), ("transient".to_owned(), 1)],
        scorer_failures: 0,
        reasons: Vec::new(),
        derived: Vec::new(),
        slices: Vec::new(),
        unsliced: Vec::new(),
        stopped: None,
        calibrations: Vec::new(),
        pairwise: Vec::new(),
    }
}

fn gate(
    gate: &str,
    model: Option<&str>,
    passed: Option<bool>,
    measured: Option<f64>,
) -> GateResult {
    let reason = match passed {
        Some(true) => "0.915 is at least 0.90",
        Some(false) => "1.01s is not below 1s",
        None => "200 calls have no known cost",
    };
    GateResult {
        gate: gate.to_owned(),
        model: model.map(str::to_owned),
        prompt: None,
        passed,
        measured,
        reason: reason.to_owned(),
    }
}

fn score(scorer: u32, value: f64, passed: Option<bool>, explanation: Option<&str>) -> ScoreRecord {
    ScoreRecord {
        scorer,
        value: Some(value),
        passed,
        label: None,
        explanation: explanation.map(str::to_owned),
        error: None,
    }
}

/// An answered trial.
pub(super) fn trial(seq: u64, question: &str, output: &str, expected: &str) -> TrialRecord {
    let right = output.trim_end_matches('.') == expected;
    let vars = json!({"question": question, "answer": expected, "difficulty": "2"});
    TrialRecord {
        key: TrialKey { seq, sample: seq / 3, prompt: 0, model: (seq % 3) as u32, epoch: 0 },
        sample_id: format!("capital-{:03}", seq / 3),
        vars: vars.as_object().cloned().unwrap_or_default(),
        input: Some(question.to_owned()),
        expected: vec![expected.to_owned()],
        tags: vec!["europe".to_owned()],
        cluster: None,
        messages: vec![
            Message::text(Role::System, "Answer with the name only."),
            Message::text(Role::User, question),
        ],
        output: Some(output.to_owned()),
        reasoning: None,
        extracted: vec![Some(output.trim_end_matches('.').to_owned())],
        status: Status::Ok,
        error: None,
        finish_reason: Some("stop".to_owned()),
        served_by: "openai/gpt-5-mini".to_owned(),
        cached: None,
        attempts: 1,
        masked: false,
        latency_us: Some(401_200),
        ttft_us: Some(95_000),
        usage: Some(Usage { input: 31, output: 4, ..Usage::default() }),
        cost_pico: Some(12_300_000),
        cost_source: Some("price".to_owned()),
        logprobs: Vec::new(),
        judgements: Vec::new(),
        tries: Vec::new(),
        scores: vec![
            score(0, f64::from(u8::from(right)), Some(right), None),
            score(1, if right { 1.0 } else { 0.25 }, None, None),
            score(2, 401.2, None, None),
        ],
    }
}

/// A trial without an answer.
pub(super) fn failed_trial(seq: u64, question: &str, expected: &str) -> TrialRecord {
    let message = "429 Too Many Requests: try again in 20s";
    let skipped = |scorer| ScoreRecord {
        scorer,
        value: None,
        passed: None,
        label: None,
        explanation: None,
        error: Some(("skipped".to_owned(), "there is no answer".to_owned())),
    };
    TrialRecord {
        output: None,
        extracted: vec![None],
        status: Status::Error,
        error: Some(("rate_limited".to_owned(), message.to_owned())),
        finish_reason: None,
        attempts: 3,
        masked: false,
        ttft_us: None,
        usage: None,
        cost_pico: None,
        cost_source: None,
        judgements: Vec::new(),
        tries: (0..3)
            .map(|n| AttemptRecord {
                backoff_us: n * 2_000_000,
                latency_us: 80_000,
                http_status: Some(429),
                error: Some(("rate_limited".to_owned(), message.to_owned())),
                ..AttemptRecord::default()
            })
            .collect(),
        scores: vec![skipped(0), skipped(1), skipped(2)],
        ..trial(seq, question, "", expected)
    }
}

/// A run of three models with three scorers in which a little of everything went wrong.
pub(super) fn run() -> Data {
    let mut explained = trial(1, "What is the capital of Australia?", "Sydney.", "Canberra");
    explained.scores[0].explanation = Some("`sydney` is not `canberra`".to_owned());
    let mut cut = trial(4, "What is the capital of Italy?", "The capital of Italy, the", "Rome");
    cut.status = Status::Length;
    cut.finish_reason = Some("length".to_owned());
    cut.reasoning = Some("The user asks for the capital of Italy.".to_owned());
    Data {
        run: RunRecord {
            header: header(),
            status: RunStatus::Complete,
            finished_ms: Some(1_782_900_083_000),
        },
        measures: measures(),
        gates: vec![
            gate("exact_match.mean >= 0.90", Some("openai/gpt-5-mini"), Some(true), Some(0.9146)),
            gate("latency.p95 < 1s", Some("openai/gpt-5-mini"), Some(false), Some(1.011_9)),
            gate("cost.total <= $2.00", None, None, None),
        ],
        comparison: None,
        trials: Trials(vec![
            trial(0, "What is the capital of France?", "Paris.", "Paris"),
            explained,
            trial(2, "What is the capital of Japan?", "Tokyo", "Tokyo"),
            failed_trial(3, "What is the capital of Spain?", "Madrid"),
            cut,
        ]),
    }
}

/// A run of one model of which there is nothing bad to say.
pub(super) fn clean() -> Data {
    let mut data = run();
    let header = &mut data.run.header;
    header.models.truncate(1);
    header.scorers.truncate(1);
    data.measures.planned = 200;
    data.measures.measures.truncate(1);
    data.measures.measures[0].estimate.n = 200;
    data.measures.measures[0].estimate.unscored = 0;
    data.measures.models.truncate(1);
    data.measures.models[0].errors = 0;
    data.measures.errors.clear();
    data.gates.truncate(1);
    data.trials.0.truncate(1);
    data.trials.0[0].scores.truncate(1);
    data
}

/// The run of [`run`] with `payload` in every field that someone else may have written.
pub(super) fn hostile(payload: &str) -> Data {
    let text = || payload.to_owned();
    let mut data = run();
    let mut comparison = pairs::comparison(&data);
    pairs::hostile(&mut comparison, payload);
    data.comparison = Some(comparison);
    let header = &mut data.run.header;
    (header.name, header.dataset, header.version) = (text(), text(), text());
    (header.id, header.dataset_digest, header.reduce) = (text(), text(), text());
    header.config = json!({ "name": payload });
    for prompt in &mut header.prompts {
        prompt.id = text();
        prompt.template = json!([{"role": payload, "content": payload}]);
    }
    for model in &mut header.models {
        (model.name, model.provider, model.model) = (text(), text(), text());
        model.origin = text();
        model.params = json!({ payload: payload });
    }
    for scorer in &mut header.scorers {
        (scorer.id, scorer.name, scorer.extract) = (text(), text(), Some(text()));
        scorer.options = json!({ "unit": payload, "of": payload });
    }
    for gate in &mut data.gates {
        (gate.gate, gate.reason) = (text(), text());
        (gate.model, gate.prompt) = (Some(text()), Some(text()));
    }
    for (kind, _) in &mut data.measures.errors {
        *kind = text();
    }
    for trial in &mut data.trials.0 {
        poison(trial, payload);
    }
    data
}

/// Puts `payload` in every text of `trial`.
pub(super) fn poison(trial: &mut TrialRecord, payload: &str) {
    let text = || payload.to_owned();
    trial.sample_id = text();
    trial.vars.insert(text(), Value::String(text()));
    trial.input = Some(text());
    trial.expected = vec![text(), text()];
    trial.tags = vec![text()];
    trial.messages = vec![Message::text(Role::User, payload)];
    trial.output = Some(text());
    trial.reasoning = Some(text());
    trial.extracted = vec![Some(text())];
    trial.error = Some((text(), text()));
    trial.finish_reason = Some(text());
    trial.served_by = text();
    for score in &mut trial.scores {
        score.label = Some(text());
        score.explanation = Some(text());
        score.error = Some((text(), text()));
    }
}
