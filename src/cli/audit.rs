//! `evals audit`: what was done with credentials, and when.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::{
    Out,
    args::{AuditArgs, ListFormat},
    env,
    exit::{Exit, Failure},
    vault::Places,
};
use crate::{
    base::{clock, text::one_line},
    report::csv::{guarded, io_error},
    vault::audit::{self, Record},
};

pub(super) fn run(args: &AuditArgs, out: &mut Out) -> Result<Exit, Failure> {
    let audit::Log { mut records, unreadable } = audit::read(&Places::find()?.audit)?;
    if unreadable > 0 {
        out.note(&format!(
            "warning: {unreadable} line(s) of the log cannot be read: cut by a crash, or changed"
        ));
    }
    if let Some(slug) = &args.slug {
        records.retain(|record| record.slug.as_ref() == Some(slug));
    }
    match args.format {
        ListFormat::Json => {
            let rows: Vec<_> = records.iter().map(row_json).collect();
            out.data(&format!("{:#}\n", json!(rows)))?;
        }
        ListFormat::Csv => out.with(|to| write_csv(&records, to))?,
        ListFormat::Table if records.is_empty() => out.note("nothing is recorded"),
        ListFormat::Table => out.data(&table(&records))?,
    }
    Ok(Exit::Done)
}

fn row_json(record: &Record) -> serde_json::Value {
    json!({
        "when": clock::rfc3339(record.when_ms),
        "action": record.action,
        "slug": record.slug,
        "run": record.run,
    })
}

fn write_csv(records: &[Record], to: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(["when", "action", "slug", "run"]).map_err(io_error)?;
    for record in records {
        csv.write_record([
            clock::rfc3339(record.when_ms).as_str(),
            &guarded(&record.action),
            &guarded(record.slug.as_deref().unwrap_or_default()),
            &guarded(record.run.as_deref().unwrap_or_default()),
        ])
        .map_err(io_error)?;
    }
    csv.flush()
}

fn table(records: &[Record]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = env::width() {
        table.set_width(width);
    }
    table.set_header(["WHEN", "ACTION", "SLUG", "RUN"]);
    for record in records {
        table.add_row([
            clock::rfc3339(record.when_ms),
            one_line(&record.action, 30),
            one_line(record.slug.as_deref().unwrap_or_default(), 40),
            one_line(record.run.as_deref().unwrap_or_default(), 40),
        ]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}
