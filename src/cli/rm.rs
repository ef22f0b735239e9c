//! `evals rm`: delete runs.

use std::{
    fs,
    io::{self, IsTerminal as _},
    path::Path,
};

use super::{
    Out,
    args::RmArgs,
    exit::{Exit, Failure},
    stored::report_path,
};
use crate::store::{RunLock, Store};

pub(super) fn run(args: &RmArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let store = Store::open_existing(db)?;
    // All are found before one is deleted: `last` means what it meant when it was typed.
    let mut runs = Vec::new();
    for reference in &args.runs {
        let run = store.find_run(reference)?;
        if !runs
            .iter()
            .any(|known: &crate::domain::run::RunRecord| known.header.id == run.header.id)
        {
            runs.push(run);
        }
    }
    if !args.yes {
        for run in &runs {
            let header = &run.header;
            out.note(&format!(
                "{} {} ({} trials)",
                header.id,
                header.name,
                header.planned_trials()
            ));
        }
        confirm(runs.len(), out)?;
    }
    // A run that is going on would lose what it still pays for.
    let in_use = |error| Failure::from(error).hint("stop it first; nothing was deleted");
    let locks = runs.iter().map(|run| RunLock::take(db, &run.header.id).map_err(in_use));
    let _locks = locks.collect::<Result<Vec<_>, _>>()?;
    for run in &runs {
        store.delete_run(run)?;
        fs::remove_file(report_path(db, &run.header.id)).ok();
        out.data(&format!("deleted {}\n", run.header.id))?;
    }
    Ok(Exit::Done)
}

fn confirm(count: usize, out: &mut Out) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("deleting needs a yes, and there is no terminal to ask at")
            .hint("`--yes` says it"));
    }
    out.note(&format!("delete {count} run(s) and all their answers? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).ok();
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("nothing was deleted"))
}
