//! `evals scorers`: what there is to score with.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Out,
    args_scorers::{ScorersCommand, ScorersFormat},
    exit::{Exit, Failure},
};
use crate::{
    config::error::suggestion,
    report::csv::io_error,
    scorer::{self, SCORERS, ScorerKind, family, reference},
};

pub(super) fn run(command: &ScorersCommand, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        ScorersCommand::List(args) => list(args.format, out)?,
        ScorersCommand::Show(args) => {
            let kind = named(&args.name)?;
            match args.format {
                ScorersFormat::Table => out.data(&reference::described(kind))?,
                ScorersFormat::Json => out.data(&format!("{:#}\n", reference::json(kind)))?,
                ScorersFormat::Csv => csv(std::iter::once(kind), out)?,
            }
        }
    }
    Ok(Exit::Done)
}

fn named(name: &str) -> Result<&'static dyn ScorerKind, Failure> {
    scorer::find(name).ok_or_else(|| {
        let known: Vec<&str> = SCORERS.iter().map(|kind| kind.card().name).collect();
        Failure::usage(format!("there is no scorer `{name}`")).hint(suggestion(
            name,
            known.iter().copied(),
            "scorers",
        ))
    })
}

fn list(format: ScorersFormat, out: &mut Out) -> Result<(), Failure> {
    match format {
        ScorersFormat::Table => out.data(&table()),
        ScorersFormat::Json => {
            let rows: Vec<Value> = family::all()
                .map(|(family, kind)| {
                    let card = kind.card();
                    json!({
                        "name": card.name,
                        "family": family.name,
                        "summary": card.summary,
                        "values": reference::values(card),
                        "better": reference::better(card),
                        "inputs": reference::inputs(kind),
                    })
                })
                .collect();
            out.data(&format!("{:#}\n", Value::from(rows)))
        }
        ScorersFormat::Csv => csv(family::all().map(|(_, kind)| kind), out),
    }
}

fn table() -> String {
    let width = SCORERS.iter().map(|kind| kind.card().name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut last = "";
    for (family, kind) in family::all() {
        let card = kind.card();
        if family.name != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}{}: {}", family.name, family.about).ok();
            last = family.name;
        }
        writeln!(text, "  {:<width$}  {}", card.name, card.summary).ok();
    }
    text += "\n`evals scorers show NAME` says more.\n";
    text
}

fn csv(kinds: impl Iterator<Item = &'static dyn ScorerKind>, out: &mut Out) -> Result<(), Failure> {
    out.with(|to| {
        let mut table = ::csv::Writer::from_writer(to);
        let head = ["name", "family", "summary", "values", "better", "inputs"];
        table.write_record(head).map_err(io_error)?;
        for kind in kinds {
            let card = kind.card();
            let family = family::of(card.name).map_or("", |family| family.name);
            let inputs = reference::inputs(kind).join(" ");
            let (values, better) = (reference::values(card), reference::better(card));
            let row = [card.name, family, card.summary, &values, better, &inputs];
            table.write_record(row).map_err(io_error)?;
        }
        table.flush()
    })
}
