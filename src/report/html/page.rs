//! The data of the page around the trials.

use serde::Serialize;

use crate::{
    base::{clock::rfc3339, text::one_line},
    domain::{
        measure::{Latency, ModelTotals},
        run::RunHeader,
    },
    report::{
        View,
        facts::{
            Tone, gate_scope, gate_word, model_cost, models, run_cost, saved, verdict, warnings,
        },
        html::{
            chart::{Scatter, Spread, Trouble, scatters, spread, trouble},
            gathered::Gathered,
            matrix::{Matrix, matrix},
            pairs::{Pairs, pairs},
            results::{Group, groups},
            setup::{Setup, setup},
            sheets::{Sheets, beside, judged},
            side::quality,
            slices::{Slices, slices},
            text::name,
        },
        number::{count, duration_ms, of, or_unknown, tokens},
        verdict::sentence,
    },
};

/// Characters of a sentence that are shown.
pub(super) const SENTENCE_WIDTH: usize = 600;

/// What `head.hbs` shows: the page's beginning, whatever it is about.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    pub(super) policy: &'a str,
    pub(super) style: &'a str,
    pub(super) title: String,
}

/// What `run.hbs` and its parts show.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
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
    /// What was found, and what became of the gates where that is something else.
    verdict: String,
    decided: Option<String>,
    tiles: Vec<Tile>,
    gates: Vec<Gate>,
    warnings: Vec<String>,
    prompts_differ: bool,
    matrix: Option<Matrix>,
    scatters: Vec<Scatter>,
    pairs: Option<Pairs>,
    slices: Option<Slices>,
    beside: Vec<Sheets>,
    judged: Vec<Sheets>,
    groups: Vec<Group>,
    scale_note: &'static str,
    models: Vec<Model>,
    spread: Option<Spread>,
    trouble: Option<Trouble>,
    setup: Setup,
    /// Which trials are in the page, where that is not all of them.
    trials_note: Option<String>,
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

/// What `foot.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Foot<'a> {
    pub(super) script: Option<&'a str>,
    pub(super) version: String,
}

/// The data of everything above the trials, of which `gathered.trials` are in the page.
pub(super) fn summary(view: &View<'_>, gathered: &Gathered) -> Summary {
    let (header, measures) = (&view.run.header, view.measures);
    let (tone, gates_say) = verdict(view);
    let found = view.comparison.and_then(sentence);
    let decided = found.is_some().then(|| gates_say.clone());
    let took = view.run.finished_ms.map(|end| end.saturating_sub(header.created_ms).max(0));
    let all_shares = header.scorers.iter().all(|scorer| scorer.unit_range);
    let labels: Vec<String> = (0..header.models.len()).map(|at| name(&header.label(at))).collect();
    let first = view.comparison.and_then(|comparison| quality(header, comparison));
    Summary {
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
        verdict: one_line(&found.unwrap_or(gates_say), SENTENCE_WIDTH),
        decided,
        tiles: tiles(view),
        gates: gates(view),
        warnings: all_warnings(view),
        prompts_differ: header.prompts.len() > 1,
        matrix: matrix(view),
        scatters: view.comparison.map(|c| scatters(view, c)).unwrap_or_default(),
        pairs: view.comparison.map(|c| pairs(c, first.map(|first| first.scorer))),
        slices: sliced(view, gathered),
        beside: beside(view),
        judged: judged(view),
        groups: groups(view),
        scale_note: if all_shares {
            "Every scale runs from 0 to 1."
        } else {
            "Scales run from 0 to 1; those of other numbers from 0 over all that occurs."
        },
        models: models(view).map(|(label, totals)| model(&label, totals)).collect(),
        spread: spread(&labels, &measures.models, gathered),
        trouble: trouble(&labels, gathered),
        setup: setup(header),
        trials_note: trials_note(view, gathered.trials),
    }
}

/// What must be known before trusting the numbers of the run, then those of its comparison.
fn all_warnings(view: &View<'_>) -> Vec<String> {
    let mut all = warnings(view);
    let cached = view.measures.cached();
    if cached > 0 {
        all.push(format!(
            "{} came from the response cache: they have no latency and no cost of this run",
            of(cached, "answer", "answers")
        ));
    }
    for warning in view.comparison.iter().flat_map(|comparison| &comparison.warnings) {
        if !all.contains(warning) {
            all.push(warning.clone());
        }
    }
    all.iter().map(|warning| one_line(warning, SENTENCE_WIDTH)).collect()
}

/// Slices of a run whose trials were all seen.
fn sliced(view: &View<'_>, gathered: &Gathered) -> Option<Slices> {
    let header = &view.run.header;
    let sides = (0..header.models.len())
        .flat_map(|model| header.prompts.iter().map(move |prompt| (model, prompt)));
    let sides = sides.map(|(model, prompt)| {
        let label = header.label(model);
        let several = header.prompts.len() > 1;
        if several { name(&format!("{label} · {}", prompt.id)) } else { name(&label) }
    });
    let labels: Vec<String> = sides.collect();
    let all = gathered.trials >= view.measures.ended();
    if all { slices(header, &gathered.samples, &labels) } else { None }
}

fn trials_note(view: &View<'_>, listed: u64) -> Option<String> {
    let all = view.measures.ended().max(listed);
    let id = name(&view.run.header.id);
    (listed < all).then(|| {
        format!(
            "{} of {}, those in which something went wrong first. `evals export {id}` writes all.",
            count(listed),
            of(all, "trial", "trials")
        )
    })
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
