//! `evals show`: what a run found, or its trials.

use std::{ops::ControlFlow, path::Path};

use serde_json::Value;

use super::{
    Out,
    args::{RunFormat, ShowArgs},
    exit::{Exit, Failure},
    run::rendered,
    stored::Stored,
};
use crate::{
    base::text::{one_line, visible},
    domain::run::{RunHeader, TrialRecord},
    report,
    store::TrialFilter,
};

/// Characters of a text that a listing shows.
const SHOWN: usize = 200;

pub(super) fn run(args: &ShowArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let stored = Stored::load_by(db, &args.run, &args.slice)?;
    if args.trials || args.failed {
        trials(args, &stored, out)?;
    } else {
        out.data(&rendered(&stored, args.format))?;
    }
    Ok(Exit::Done)
}

fn trials(args: &ShowArgs, stored: &Stored, out: &mut Out) -> Result<(), Failure> {
    let header = &stored.run.header;
    let filter =
        TrialFilter { only_failed: args.failed, limit: Some(args.limit), ..TrialFilter::default() };
    let mut shown = Vec::new();
    stored.store.trials(&stored.run, &filter, &mut |trial| {
        shown.push(trial);
        ControlFlow::Continue(())
    })?;
    let text = match args.format {
        RunFormat::Json => {
            let rows: Vec<Value> =
                shown.iter().map(|trial| report::jsonl::trial_json(header, trial)).collect();
            format!("{:#}\n", Value::from(rows))
        }
        RunFormat::Table | RunFormat::Markdown => {
            let rows: Vec<String> = shown.iter().map(|trial| described(header, trial)).collect();
            rows.join("\n")
        }
    };
    if shown.is_empty() {
        out.note(if args.failed { "no trial failed" } else { "no trial is recorded" });
        return Ok(());
    }
    out.data(&text)
}

fn described(header: &RunHeader, trial: &TrialRecord) -> String {
    use std::fmt::Write as _;
    let model = header.label(trial.key.model as usize);
    let prompt = &header.prompts[trial.key.prompt as usize].id;
    let epoch = match header.epochs {
        0 | 1 => String::new(),
        _ => format!(" · epoch {}", trial.key.epoch),
    };
    let mut text = format!(
        "{} · {} · {}{epoch} · {}\n",
        one_line(&trial.sample_id, 60),
        one_line(&model, 60),
        one_line(prompt, 40),
        trial.status.name(),
    );
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<9} {}", one_line(value, SHOWN)).ok();
    };
    if let Some(input) = &trial.input {
        line("input", input);
    }
    if !trial.expected.is_empty() {
        line("expected", &trial.expected.join(" | "));
    }
    if let Some(output) = &trial.output {
        line("output", output);
    }
    if let Some((kind, message)) = &trial.error {
        line("error", &format!("{kind}: {}", visible(message)));
    }
    for score in &trial.scores {
        let name = &header.scorers[score.scorer as usize].id;
        let value = match (score.value, &score.error) {
            (Some(value), _) => format!("{value}"),
            (None, Some((_, why))) => format!("not scored: {why}"),
            (None, None) => "not scored".to_owned(),
        };
        let why = score.explanation.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        line("score", &format!("{name} {value}{why}"));
    }
    text
}
