//! The data of the page around the trials.

use serde::Serialize;
use serde_json::Value;

use crate::{
    base::{clock::rfc3339, money::Money},
    domain::{
        measure::{Latency, ModelTotals},
        run::{ModelInfo, PromptInfo, RunHeader, ScorerInfo},
        target::Price,
    },
    report::{
        View,
        facts::{
            ResultLine, Tone, gate_scope, gate_word, model_cost, models, results, run_cost, saved,
            verdict, warnings,
        },
        html::{
            bar::{Bar, bar, scale},
            text::{Text, name, options, text},
        },
        number::{count, duration_ms, of, or_unknown, percent, tokens},
    },
};

/// What `head.hbs` and its parts show.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    policy: &'a str,
    style: &'a str,
    name: String,
    id: String,
    started: String,
    duration: Option<String>,
    status: &'static str,
    dataset: String,
    digest: String,
    short_digest: String,
    plan: String,
    tone: &'static str,
    verdict: String,
    tiles: Vec<Tile>,
    gates: Vec<Gate>,
    warnings: Vec<String>,
    prompts_differ: bool,
    groups: Vec<Group>,
    scale_note: &'static str,
    models: Vec<Model>,
    errors: Vec<Errors>,
    n_prompts: usize,
    prompts: Vec<Prompt>,
    n_models: usize,
    setup_models: Vec<SetupModel>,
    n_scorers: usize,
    setup_scorers: Vec<SetupScorer>,
    config: Text,
    trials_note: String,
}

#[derive(Debug, Serialize)]
struct Tile {
    label: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Gate {
    tone: &'static str,
    word: &'static str,
    condition: String,
    scope: Option<String>,
    reason: String,
}

/// The results of one scorer.
#[derive(Debug, Serialize)]
struct Group {
    scorer: String,
    note: String,
    columns: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: String,
    prompt: String,
    value: String,
    interval: String,
    bar: Bar,
    n: String,
    unscored: String,
    lacking: bool,
}

#[derive(Debug, Serialize)]
struct Model {
    name: String,
    trials: String,
    errors: String,
    failing: bool,
    p50: String,
    p90: String,
    p95: String,
    p99: String,
    ttft: String,
    input: String,
    output: String,
    cost: String,
}

#[derive(Debug, Serialize)]
struct Errors {
    kind: String,
    trials: String,
    share: String,
}

#[derive(Debug, Serialize)]
struct Prompt {
    id: String,
    messages: Vec<Template>,
}

#[derive(Debug, Serialize)]
struct Template {
    label: Option<String>,
    text: Text,
}

#[derive(Debug, Serialize)]
struct SetupModel {
    name: String,
    called: Option<String>,
    provider: String,
    model: String,
    origin: String,
    price: String,
    params: String,
}

#[derive(Debug, Serialize)]
struct SetupScorer {
    id: String,
    name: String,
    reads: String,
    options: String,
}

/// What `foot.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Foot {
    shown: String,
    version: String,
}

/// The data of everything above the trials.
pub(super) fn head<'a>(
    view: &View<'_>,
    style: &'a str,
    policy: &'a str,
    max_trials: u64,
) -> Head<'a> {
    let (header, measures) = (&view.run.header, view.measures);
    let (tone, verdict) = verdict(view);
    let took = view.run.finished_ms.map(|end| end.saturating_sub(header.created_ms).max(0));
    let all_shares = header.scorers.iter().all(|scorer| scorer.unit_range);
    Head {
        policy,
        style,
        name: name(&header.name),
        id: name(&header.id),
        started: rfc3339(header.created_ms),
        duration: took.map(|ms| duration_ms(ms as f64)),
        status: view.run.status.name(),
        dataset: name(&header.dataset),
        digest: name(&header.dataset_digest),
        short_digest: name(&header.dataset_digest.chars().take(12).collect::<String>()),
        plan: plan(header),
        tone: tone.name(),
        verdict,
        tiles: tiles(view),
        gates: gates(view),
        warnings: warnings(view).iter().map(|warning| name(warning)).collect(),
        prompts_differ: header.prompts.len() > 1,
        groups: groups(view),
        scale_note: if all_shares {
            "Every scale runs from 0 to 1."
        } else {
            "Scales run from 0 to 1; those of other numbers from 0 over all that occurs."
        },
        models: models(view).map(|(label, totals)| model(&label, totals)).collect(),
        errors: measures
            .errors
            .iter()
            .map(|(kind, trials)| Errors {
                kind: name(kind),
                trials: count(*trials),
                share: percent(*trials, measures.ended()),
            })
            .collect(),
        n_prompts: header.prompts.len(),
        prompts: header.prompts.iter().map(prompt).collect(),
        n_models: header.models.len(),
        setup_models: (0..)
            .zip(&header.models)
            .map(|(at, info)| setup_model(&header.label(at), info))
            .collect(),
        n_scorers: header.scorers.len(),
        setup_scorers: header.scorers.iter().map(setup_scorer).collect(),
        config: text(&pretty(&header.config)),
        trials_note: trials_note(view, max_trials),
    }
}

/// The data of everything below the trials, of which `listed` are in the page.
pub(super) fn foot(view: &View<'_>, listed: u64) -> Foot {
    let all = view.measures.ended().max(listed);
    let id = name(&view.run.header.id);
    let shown = format!(
        "{} of {} listed. `evals export {id}` writes all there is to know of each.",
        count(listed),
        of(all, "trial is", "trials are")
    );
    Foot { shown, version: name(&view.run.header.version) }
}

fn trials_note(view: &View<'_>, max_trials: u64) -> String {
    let mut note = "What went wrong comes first: no answer, an answer that is not whole, a failed \
                    or missing score."
        .to_owned();
    if view.measures.ended() > max_trials {
        note.extend([" At most ", &of(max_trials, "trial", "trials"), " are listed."]);
    }
    note
}

fn plan(header: &RunHeader) -> String {
    let mut factors = vec![
        of(header.samples, "sample", "samples"),
        of(header.prompts.len() as u64, "prompt", "prompts"),
        of(header.models.len() as u64, "model", "models"),
    ];
    if header.epochs > 1 {
        let reduce = name(&header.reduce);
        factors
            .push(format!("{} (folded by {reduce})", of(header.epochs.into(), "epoch", "epochs")));
    }
    factors.join(" × ")
}

fn tiles(view: &View<'_>) -> Vec<Tile> {
    let measures = view.measures;
    let answered = measures.ended().saturating_sub(measures.failed());
    let mut tiles = vec![
        Tile { label: "Trials", value: count(measures.planned) },
        Tile { label: "Answered", value: count(answered) },
        Tile { label: "Errors", value: count(measures.failed()) },
    ];
    if measures.cached() > 0 {
        tiles.push(Tile { label: "From the cache", value: count(measures.cached()) });
        let saved = saved(view).map_or_else(|| "unknown".to_owned(), |saved| saved.show("≥ "));
        tiles.push(Tile { label: "Saved by it", value: saved });
    }
    let cost = run_cost(view).map_or_else(|| "unknown".to_owned(), |cost| cost.show("≥ "));
    tiles.push(Tile { label: "Cost", value: cost });
    tiles
}

fn gates(view: &View<'_>) -> Vec<Gate> {
    view.gates
        .iter()
        .map(|gate| Gate {
            tone: match gate.passed {
                Some(true) => Tone::Good,
                Some(false) => Tone::Bad,
                None => Tone::Unsure,
            }
            .name(),
            word: gate_word(gate),
            condition: name(&gate.gate),
            scope: gate_scope(&view.run.header, gate).map(|scope| name(&scope)),
            reason: name(&gate.reason),
        })
        .collect()
}

/// The results by scorer and metric, so that models and prompts stand under each other.
fn groups(view: &View<'_>) -> Vec<Group> {
    let lines = results(view);
    let mut groups: Vec<Vec<ResultLine<'_>>> = Vec::new();
    for line in lines {
        let same = |group: &&mut Vec<ResultLine<'_>>| {
            group.first().is_some_and(|first| {
                std::ptr::eq(first.scorer, line.scorer) && first.metric == line.metric
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    let columns = if view.run.header.prompts.len() > 1 { 7 } else { 6 };
    groups.iter().filter_map(|lines| group(lines, columns)).collect()
}

fn group(lines: &[ResultLine<'_>], columns: usize) -> Option<Group> {
    let first = lines.first()?;
    let ends = scale(first.scorer.unit_range, lines.iter().map(|line| &line.estimate));
    let mut note = first.metric.to_owned();
    if let Some(extract) = &first.scorer.extract {
        note.extend([" · reads ", &name(extract)]);
    }
    let rows = lines.iter().map(|line| Row {
        model: name(&line.model),
        prompt: name(line.prompt),
        value: name(&or_unknown(line.value())),
        interval: name(&or_unknown(line.interval())),
        bar: bar(&line.estimate, ends),
        n: count(line.estimate.n),
        unscored: count(line.estimate.unscored),
        lacking: line.estimate.unscored > 0,
    });
    Some(Group { scorer: name(&first.scorer.id), note, columns, rows: rows.collect() })
}

fn model(label: &str, totals: &ModelTotals) -> Model {
    let Latency { p50, p90, p95, p99, ttft_p50 } = totals.latency;
    let duration = |ms: Option<f64>| or_unknown(ms.map(duration_ms));
    Model {
        name: name(label),
        trials: count(totals.trials),
        errors: count(totals.errors),
        failing: totals.errors > 0,
        p50: duration(p50),
        p90: duration(p90),
        p95: duration(p95),
        p99: duration(p99),
        ttft: duration(ttft_p50),
        input: or_unknown(totals.input_tokens.map(tokens)),
        output: or_unknown(totals.output_tokens.map(tokens)),
        cost: model_cost(totals).map_or_else(|| "unknown".to_owned(), |cost| cost.show("≥ ")),
    }
}

fn prompt(info: &PromptInfo) -> Prompt {
    Prompt { id: name(&info.id), messages: templates(&info.template) }
}

/// A template as labelled texts: a text as it is, messages by their roles, the fields of an object
/// by their names.
fn templates(value: &Value) -> Vec<Template> {
    let one = |label: Option<&str>, value: &Value| Template {
        label: label.map(name),
        text: match value {
            Value::String(template) => text(template),
            other => text(&pretty(other)),
        },
    };
    match value {
        Value::Array(messages) => messages
            .iter()
            .map(|message| match (message.get("role").and_then(Value::as_str), message) {
                (Some(role), Value::Object(fields)) if fields.contains_key("content") => {
                    one(Some(role), &fields["content"])
                }
                _ => one(None, message),
            })
            .collect(),
        Value::Object(fields) if fields.len() == 1 && fields.values().all(Value::is_array) => {
            fields.values().flat_map(templates).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(label, value)| one(Some(label), value))
            .collect(),
        other => vec![one(None, other)],
    }
}

fn setup_model(label: &str, info: &ModelInfo) -> SetupModel {
    SetupModel {
        name: name(label),
        called: info.title.as_ref().map(|_| name(&info.name)),
        provider: name(&info.provider),
        model: name(&info.model),
        origin: name(&info.origin),
        price: info.price.as_ref().map_or_else(|| "unknown".to_owned(), price),
        params: options(&info.params),
    }
}

fn price(price: &Price) -> String {
    let million = |of: Money| of.times(1_000_000).to_string();
    format!("{} in, {} out per million tokens", million(price.input), million(price.output))
}

fn setup_scorer(info: &ScorerInfo) -> SetupScorer {
    let reads = info.extract.as_deref().map_or_else(|| "the whole output".to_owned(), name);
    SetupScorer {
        id: name(&info.id),
        name: name(&info.name),
        reads,
        options: options(&info.options),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
