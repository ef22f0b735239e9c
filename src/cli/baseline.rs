//! The run that gates compare with: found before the first call, and again whenever gates are decided.

use std::path::Path;

use super::{args::RunArgs, asked::Asked, exit::Failure, git, tag};
use crate::{
    compare::{Opened, Reference, matched_cells, open},
    domain::{
        comparison::What,
        run::{RunHeader, RunRecord},
    },
    gate::{Allow, Gate},
    plan::Plan,
    store::Store,
};

/// What a new run is compared with, and where it stands in a project: kept in its header.
pub(super) fn settle(
    plan: &mut Plan,
    asked: &Asked,
    args: &RunArgs,
    gates: &[Gate],
    db: &Path,
) -> Result<(), Failure> {
    let allow = Allow::parse(args.allow.iter().map(String::as_str))?;
    args.tag.iter().try_for_each(|name| tag::checked(name).map(drop))?;
    let named = asked.file.baseline.as_ref().map(|at| at.value.as_str());
    let found = named.map(|name| find(db, name, Some(&plan.header))).transpose()?;
    check(&plan.header, gates, found.as_ref().map(|(opened, _)| opened), &allow)?;
    let here = std::env::current_dir().unwrap_or_default();
    let (branch, commit) = git::head(&here);
    let context = &mut plan.header.context;
    (context.branch, context.commit) = (branch, commit);
    context.baseline = found.map(|(_, again)| again);
    context.allow.clone_from(&args.allow);
    Ok(())
}

/// Opens the run that `reference` means, and says how it is found again: by its id, or by the path of
/// the file.
pub(super) fn find(
    db: &Path,
    reference: &str,
    like: Option<&RunHeader>,
) -> Result<(Opened, String), Failure> {
    let reference = Reference { run: reference.to_owned(), model: None, prompt: None };
    let opened = open(db, &reference, like).map_err(|error| {
        let failure = Failure::from(error);
        Failure { message: format!("the baseline: {}", failure.message), ..failure }
    })?;
    let again = match &opened.file {
        Some(path) => std::path::absolute(path).unwrap_or(path.clone()).display().to_string(),
        None => opened.run.header.id.clone(),
    };
    Ok((opened, again))
}

/// The baseline of a recorded run; `Err` says why there is none.
pub(super) fn of(store: &Store, run: &RunRecord) -> Result<Opened, String> {
    let Some(reference) = run.header.context.baseline.clone() else {
        return Err("no baseline is named; `--baseline RUN` names one".to_owned());
    };
    let named = Reference { run: reference.clone(), model: None, prompt: None };
    open(store.path(), &named, Some(&run.header))
        .map_err(|_| format!("the baseline {reference} is not there any more"))
}

/// Refuses, before anything is called, a baseline that a gate could not compare with.
pub(super) fn check(
    header: &RunHeader,
    gates: &[Gate],
    baseline: Option<&Opened>,
    allow: &Allow,
) -> Result<(), Failure> {
    let Some(gate) = gates.iter().find(|gate| gate.versus.is_some()) else { return Ok(()) };
    let Some(baseline) = baseline else {
        return Err(Failure::usage(format!(
            "gate `{}` compares, and no baseline is named",
            gate.text
        ))
        .hint("name it: `--baseline last:main`, or `baseline:` in the config"));
    };
    let other = &baseline.run.header;
    if matched_cells(header, other).is_empty() {
        let message = format!(
            "the baseline {} has no model and prompt of the same name",
            baseline.run.header.id
        );
        return Err(Failure::usage(message).hint("gates compare models and prompts by their names"));
    }
    if baseline.file.is_some() {
        return Ok(());
    }
    for gate in gates.iter().filter(|gate| gate.versus.is_some()) {
        let allow = gate.allow.clone().and(allow);
        let differs = |what: What| !allow.what.contains(&what);
        if header.dataset_digest != other.dataset_digest && differs(What::Dataset) {
            return Err(unlike(gate, other, What::Dataset));
        }
        let prompts = matched_cells(header, other);
        let prompt = prompts.iter().any(|(here, there)| {
            header.prompts[here.1 as usize].template != other.prompts[there.1 as usize].template
        });
        if prompt && differs(What::Prompt) {
            return Err(unlike(gate, other, What::Prompt));
        }
        let params = prompts.iter().any(|(here, there)| {
            header.models[here.0 as usize].params != other.models[there.0 as usize].params
        });
        if params && differs(What::Params) {
            return Err(unlike(gate, other, What::Params));
        }
    }
    Ok(())
}

fn unlike(gate: &Gate, other: &RunHeader, what: What) -> Failure {
    let message = format!(
        "gate `{}`: {} of the baseline {} {} not {} of this run",
        gate.text,
        what.words(),
        other.id,
        if what == What::Params { "are" } else { "is" },
        if what == What::Params { "those" } else { "that" },
    );
    let name = what.name();
    Failure::usage(message).hint(format!(
        "`evals compare` shows what differs; if it is what you mean: `--allow {name}`, or \
         `… allow {name}` behind the gate"
    ))
}
