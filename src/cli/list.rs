//! `evals list`: the recorded runs.

use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::{
    Out,
    args::{ListArgs, ListFormat},
    env,
    exit::{Exit, Failure},
};
use crate::{
    base::{clock, text::one_line},
    report::csv::{guarded, io_error},
    store::{RunSummary, Store},
};

pub(super) fn run(args: &ListArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let runs = Store::open_existing(db)?.runs()?;
    match args.format {
        ListFormat::Json => {
            let rows: Vec<_> = runs.iter().map(row_json).collect();
            out.data(&format!("{:#}\n", json!(rows)))?;
        }
        ListFormat::Csv => out.with(|to| write_csv(&runs, to))?,
        ListFormat::Table if runs.is_empty() => {
            out.note("no run is recorded; `evals run` makes one");
        }
        ListFormat::Table => out.data(&table(&runs))?,
    }
    Ok(Exit::Done)
}

fn row_json(run: &RunSummary) -> serde_json::Value {
    let header = &run.record.header;
    json!({
        "run_id": header.id,
        "name": header.name,
        "created": clock::rfc3339(header.created_ms),
        "status": run.record.status.name(),
        "trials": { "planned": header.planned_trials(), "ended": run.ended, "error": run.errors },
        "tags": run.tags,
        "branch": header.context.branch,
        "commit": header.context.commit,
        "shard": header.context.shard.as_ref().map(|shard| format!("{}/{}", shard.index, shard.of)),
        "dataset": header.dataset,
        "models": header.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(),
    })
}

fn write_csv(runs: &[RunSummary], to: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record([
        "run_id", "name", "created", "status", "planned", "ended", "error", "dataset", "models",
        "tags", "branch", "commit",
    ])
    .map_err(io_error)?;
    for run in runs {
        let header = &run.record.header;
        let models: Vec<&str> = header.models.iter().map(|model| model.name.as_str()).collect();
        csv.write_record([
            header.id.as_str(),
            &guarded(&header.name),
            &clock::rfc3339(header.created_ms),
            run.record.status.name(),
            &header.planned_trials().to_string(),
            &run.ended.to_string(),
            &run.errors.to_string(),
            &guarded(&header.dataset),
            &guarded(&models.join(" ")),
            &guarded(&run.tags.join(" ")),
            &guarded(header.context.branch.as_deref().unwrap_or_default()),
            header.context.commit.as_deref().unwrap_or_default(),
        ])
        .map_err(io_error)?;
    }
    csv.flush()
}

fn table(runs: &[RunSummary]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = env::width() {
        table.set_width(width);
    }
    let tagged = runs.iter().any(|run| !run.tags.is_empty());
    let mut heads = vec!["RUN", "NAME", "CREATED", "STATUS", "TRIALS", "ERRORS", "MODELS"];
    heads.extend(tagged.then_some("TAGS"));
    table.set_header(heads);
    for run in runs {
        let header = &run.record.header;
        let models: Vec<_> = (0..header.models.len()).map(|at| header.label(at)).collect();
        let mut row = vec![
            header.id.clone(),
            one_line(&header.name, 30),
            clock::rfc3339(header.created_ms),
            run.record.status.name().to_owned(),
            format!("{}/{}", run.ended, header.planned_trials()),
            run.errors.to_string(),
            one_line(&models.join(", "), 60),
        ];
        row.extend(tagged.then(|| one_line(&run.tags.join(", "), 40)));
        table.add_row(row);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}
