//! `evals judge list`: every judge in a line.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    base::text::one_line,
    cli::{
        Out,
        args_judge::JudgeListArgs,
        args_scorers::ScorersFormat,
        exit::{Exit, Failure},
    },
    report::csv::io_error,
    scorer::judge::{
        builtin,
        card::{Definition, FOLDER},
    },
};

/// Runs the command.
pub(super) fn run(args: &JudgeListArgs, out: &mut Out) -> Result<Exit, Failure> {
    let own = own(out);
    let rows: Vec<(&Definition, &str)> = (own.iter().map(|judge| (judge, "yours")))
        .chain(builtin::all().iter().map(|judge| (judge, "built in")))
        .collect();
    match args.format {
        ScorersFormat::Table => out.data(&table(&rows))?,
        ScorersFormat::Json => {
            let row = |(judge, origin): &(&Definition, &str)| {
                json!({
                    "name": judge.name,
                    "version": judge.version,
                    "summary": judge.summary,
                    "needs": judge.needs,
                    "origin": origin,
                })
            };
            out.data(&format!("{:#}\n", Value::from(rows.iter().map(row).collect::<Vec<_>>())))?;
        }
        ScorersFormat::Csv => csv(&rows, out)?,
    }
    Ok(Exit::Done)
}

/// The judges beside a config in this directory; one that cannot be read is said so.
fn own(out: &mut Out) -> Vec<Definition> {
    let Ok(entries) = fs::read_dir(FOLDER) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
    paths.sort();
    paths.iter().filter_map(|path| read(path, out)).collect()
}

fn read(path: &Path, out: &mut Out) -> Option<Definition> {
    let shown = path.display().to_string();
    let read = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"));
    let judge =
        read.and_then(|text| Definition::read(&text, &shown).map_err(|error| error.to_string()));
    judge.map_err(|why| out.note(&format!("note: {why}"))).ok()
}

fn table(rows: &[(&Definition, &str)]) -> String {
    let width = rows.iter().map(|(judge, _)| judge.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut last = "";
    for (judge, origin) in rows {
        if *origin != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}{origin}").ok();
            last = origin;
        }
        writeln!(text, "  {:<width$}  {}", judge.name, one_line(&judge.summary, 120)).ok();
    }
    text += "\n`evals judge show NAME` says more.\n";
    text
}

fn csv(rows: &[(&Definition, &str)], out: &mut Out) -> Result<(), Failure> {
    out.with(|to| {
        let mut table = ::csv::Writer::from_writer(to);
        let head = ["name", "version", "summary", "needs", "origin"];
        table.write_record(head).map_err(io_error)?;
        for (judge, origin) in rows {
            let (version, needs) = (judge.version.to_string(), judge.needs.join(" "));
            let row = [&judge.name, &version, &judge.summary, &needs, *origin];
            table.write_record(row).map_err(io_error)?;
        }
        table.flush()
    })
}
