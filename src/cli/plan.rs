//! `evals plan`: what a run would call, and what it would cost; nothing is sent.

use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle, presets};
use serde_json::{Value, json};

use super::{
    Out,
    args::{RunArgs, RunFormat},
    cache,
    exit::{Exit, Failure},
    run,
};
use crate::{
    base::{money::Money, text::one_line},
    domain::{contract::CacheKey, run::ModelInfo, target::Target},
    plan::{Estimate, Known, ModelEstimate, Past, Plan},
    store::Store,
};

/// Rows that the line before a run is estimated from.
const FEW_ROWS: u64 = 200;

/// Trials that the line before a run looks up in the response cache.
const LOOKED_UP: u64 = 10_000;

/// Runs the command.
pub(super) fn run(args: &RunArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let runtime = run::runtime()?;
    let plan = run::planned(args, db, &runtime)?;
    for notice in plan.notices.iter().filter(|_| !args.quiet) {
        out.note(&format!("note: {notice}"));
    }
    let estimate = estimate(&plan, args.refresh, db, u64::MAX)?;
    match args.format {
        RunFormat::Json => out.data(&format!("{:#}\n", as_json(&plan, &estimate)))?,
        RunFormat::Table => out.data(&table(&plan, &estimate, presets::NOTHING))?,
        RunFormat::Markdown => out.data(&table(&plan, &estimate, presets::ASCII_MARKDOWN))?,
    }
    Ok(Exit::Done)
}

/// The line before a run: how many calls, and what they may cost.
pub(super) fn line(plan: &Plan, refresh: bool, db: &Path) -> Result<String, Failure> {
    let header = &plan.header;
    let a_row = (header.planned_trials() / header.samples.max(1)).max(1);
    let estimate = estimate(plan, refresh, db, LOOKED_UP / a_row)?;
    let mut parts = vec![
        of(header.samples, "sample"),
        of(header.prompts.len() as u64, "prompt"),
        of(header.models.len() as u64, "model"),
    ];
    if header.epochs > 1 {
        parts.push(of(u64::from(header.epochs), "epoch"));
    }
    let mut trials = format!("{}: {}", of(header.planned_trials(), "trial"), parts.join(" x "));
    let judged: u64 = estimate.judges.iter().map(|judge| judge.calls).sum();
    if judged > 0 {
        let some = plan.scoring.scorers.iter().any(|scorer| scorer.when.is_some());
        let bound = if some { "at most " } else { "" };
        write!(trials, "; {bound}{}", of(judged, "judge call")).ok();
    }
    let cost = match (estimate.sum(|model| model.cost), estimate.sum(|model| model.cost_at_most)) {
        (_, Some(most)) if most == Money::ZERO => "free of charge".to_owned(),
        (Some(cost), Some(most)) => format!("about {cost}, at most {most}"),
        (None, Some(most)) => format!("at most {most}"),
        (_, None) => {
            let models = plan.targets.iter().zip(&estimate.models);
            let unpriced = models.chain(plan.judges.iter().zip(&estimate.judges));
            let unpriced = unpriced.filter(|(_, model)| model.cost_at_most.is_none());
            let names: Vec<String> =
                unpriced.map(|(target, _)| one_line(&target.name, 60)).collect();
            format!("no price is known for {}", names.join(", "))
        }
    };
    let time = estimate.time(plan.concurrency).filter(|time| time.as_secs() > 0);
    let time = time.map(|time| format!("about {}", duration(time)));
    let cached = match estimate.models.iter().map(|model| model.cached).sum() {
        0 => None,
        cached if estimate.seen < header.samples => {
            Some(format!("at least {cached} of them in the cache"))
        }
        cached => Some(format!("{cached} of them in the cache")),
    };
    let line: Vec<String> =
        std::iter::once(trials).chain(cached).chain([cost]).chain(time).collect();
    let line = line.join("; ");
    Ok(line)
}

/// Estimates `plan` from its first `rows` rows; from fewer, where there is no cache to look at.
fn estimate(plan: &Plan, refresh: bool, db: &Path, rows: u64) -> Result<Estimate, Failure> {
    let look_up = cache::look_up(plan, refresh, db);
    let cached = look_up.as_ref().map(|has| has as &dyn Fn(&CacheKey) -> bool);
    let rows = if cached.is_none() && rows < u64::MAX { FEW_ROWS } else { rows.max(FEW_ROWS) };
    // A database that cannot be read is told of by the run itself.
    let store = db.exists().then(|| Store::open_existing(db).ok()).flatten();
    let past = |model: &ModelInfo| -> Option<Past> {
        let (output, latency_us) = store.as_ref()?.usual(model).ok()??;
        Some(Past {
            output: Some(output),
            latency: Duration::try_from_secs_f64(latency_us / 1e6).ok()?,
        })
    };
    let past_judge = |model: &ModelInfo| -> Option<Past> {
        let (output, latency_us) = store.as_ref()?.usual_judge(model).ok()??;
        Some(Past {
            output: Some(output),
            latency: Duration::try_from_secs_f64(latency_us / 1e6).ok()?,
        })
    };
    plan.estimate(rows, Known { past: &past, past_judge: &past_judge, cached })
        .map_err(|error| Failure::usage(error.to_string()))
}

fn as_json(plan: &Plan, estimate: &Estimate) -> Value {
    let usd = |money: Option<Money>| money.map(Money::usd);
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let each = |(target, model): (&Arc<Target>, &ModelEstimate)| {
        json!({
            "model": target.name,
            "calls": model.calls,
            "cached": model.cached,
            "tokens": {
                "input": model.input,
                "output": model.output,
                "at_most": model.tokens_at_most,
            },
            "cost_usd": { "expected": usd(model.cost), "at_most": usd(model.cost_at_most) },
        })
    };
    let models = plan.targets.iter().zip(&estimate.models).map(each);
    let judges = plan.judges.iter().zip(&estimate.judges).map(each);
    let header = &plan.header;
    json!({
        "schema": "evals.plan/1",
        "name": header.name,
        "samples": header.samples,
        "prompts": header.prompts.len(),
        "epochs": header.epochs,
        "trials": header.planned_trials(),
        "calls": estimate.models.iter().map(|model| model.calls).sum::<u64>(),
        "cached": estimate.models.iter().map(|model| model.cached).sum::<u64>(),
        "judge_calls": estimate.judges.iter().map(|judge| judge.calls).sum::<u64>(),
        "tokens": {
            "input": estimate.sum(|model| Some(model.input)),
            "output": estimate.sum(|model| model.output),
            "at_most": estimate.sum(|model| Some(model.tokens_at_most)),
        },
        "cost_usd": {
            "expected": usd(estimate.sum(|model| model.cost)),
            "at_most": usd(estimate.sum(|model| model.cost_at_most)),
        },
        "seconds": seconds(estimate.time(plan.concurrency)),
        "models": models.collect::<Value>(),
        "judges": judges.collect::<Value>(),
    })
}

fn table(plan: &Plan, estimate: &Estimate, style: TableStyle) -> String {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["model", "calls", "cached", "tok in", "tok out", "cost", "at most"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let row = |name: String, model: &ModelEstimate| {
        [
            name,
            model.calls.to_string(),
            model.cached.to_string(),
            model.input.to_string(),
            or_dash(model.output),
            or_dash(model.cost),
            or_dash(model.cost_at_most),
        ]
    };
    for (target, model) in plan.targets.iter().zip(&estimate.models) {
        table.add_row(row(one_line(&target.name, 60), model));
    }
    for (target, judge) in plan.judges.iter().zip(&estimate.judges) {
        table.add_row(row(format!("{} (judge)", one_line(&target.name, 60)), judge));
    }
    if estimate.models.len() + estimate.judges.len() > 1 {
        let each = || estimate.models.iter().chain(&estimate.judges);
        let all = ModelEstimate {
            calls: each().map(|model| model.calls).sum(),
            cached: estimate.models.iter().map(|model| model.cached).sum(),
            input: each().map(|model| model.input).sum(),
            output: estimate.sum(|model| model.output),
            cost: estimate.sum(|model| model.cost),
            cost_at_most: estimate.sum(|model| model.cost_at_most),
            ..ModelEstimate::default()
        };
        table.add_row(row("all".to_owned(), &all));
    }
    let time = estimate.time(plan.concurrency);
    let time = time.map_or_else(|| "not known".to_owned(), duration);
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect();
    let unknown = |model: &ModelEstimate| model.output.is_none() && model.cost.is_none();
    let note = if estimate.models.iter().chain(&estimate.judges).any(unknown) {
        "What answers take is known from earlier runs in this database; not every model had one.\n"
    } else {
        ""
    };
    format!(
        "{}\n\n{}, {} in flight at most; time: {time}\n{note}",
        lines.join("\n"),
        of(plan.header.planned_trials(), "trial"),
        plan.concurrency,
    )
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

fn of(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => "less than a second".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3_600.0),
    }
}
