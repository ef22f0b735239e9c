//! `evals rm`: delete runs.

use std::{fs, path::Path};

use super::{
    Out,
    args::RmArgs,
    ask,
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
        ask::confirm(&format!("delete {} run(s) and all their answers?", runs.len()), out)?;
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
