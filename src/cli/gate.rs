//! `evals gate`: whether a recorded run meets conditions.

use std::path::Path;

use super::{
    Out,
    args::RunFormat,
    args_compare::GateArgs,
    baseline, ci, env,
    exit::{Exit, Failure},
    run::{gates_exit, rendered},
    stored::Stored,
};
use crate::{
    compare::{Reference, open},
    gate::{self, Allow, Evidence, Gate},
    report,
};

pub(super) fn run(args: &GateArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let reference = Reference { run: args.run.clone(), model: None, prompt: None };
    let opened = open(db, &reference, None)?;
    let header = &opened.run.header;
    let texts = if args.gate.is_empty() { &header.gates } else { &args.gate };
    if texts.is_empty() {
        return Err(Failure::usage(format!("run {} has no gates", header.id))
            .hint("name one: evals gate last --gate 'exact_match.mean >= 0.9'"));
    }
    let read = |text: &String| gate::parse(text, header).map_err(Failure::from);
    let gates: Vec<Gate> = texts.iter().map(read).collect::<Result<_, _>>()?;
    let named = if args.allow.is_empty() { &header.context.allow } else { &args.allow };
    let allow = Allow::parse(named.iter().map(String::as_str))?;
    let found = match &args.baseline {
        Some(reference) => Ok(baseline::find(db, reference, Some(header))?.0),
        None => baseline::of(&opened.store, &opened.run),
    };
    if found.is_err() {
        baseline::check(header, &gates, None, &allow)?;
    }
    let measures = gate::measures(&opened.store, &opened.run)?;
    let other = found.as_ref().map(|opened| opened.source()).map_err(Clone::clone);
    let evidence = Evidence::gather(&gates, opened.source(), &measures, other)?;
    let results = gate::decide(&gates, &evidence, &allow);
    drop(evidence);
    let file = opened.file.clone();
    let (store, run, _keep) = opened.into_parts();
    let stored = Stored { store, run, measures, gates: results };
    let text = match args.format {
        RunFormat::Table => {
            let style =
                report::table::Style { color: env::stdout_color(), unicode: env::unicode() };
            report::table::gates(&stored.view(), env::width(), style)
        }
        format => rendered(&stored, format),
    };
    out.data(&text)?;
    ci::write(&stored, &args.files, found.as_ref().ok(), out)?;
    // A file has no status: what is in it is all that there is.
    let status = match file {
        Some(_) => crate::domain::run::RunStatus::Complete,
        None => stored.run.status,
    };
    Ok(gates_exit(status, &stored.gates))
}
