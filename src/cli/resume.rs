//! `evals resume`: take up a run that was stopped, where it stopped.

use std::path::Path;

use super::{
    Out,
    args_compare::FileArgs,
    args_resume::ResumeArgs,
    command,
    exit::{Exit, Failure},
    run::{self, Begin},
};
use crate::{
    domain::run::{ModelInfo, RunHeader, RunRecord, RunStatus},
    run::Before,
    store::{RunLock, Store},
};

pub(super) fn run(args: &ResumeArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let runtime = run::runtime()?;
    // The command is repeated where it was typed first, which may be elsewhere.
    let db = std::path::absolute(db)
        .map_err(|error| Failure::usage(format!("--db `{}`: {error}", db.display())))?;
    let store = Store::open_existing(&db)?;
    let id = meant(&store, args)?;
    let lock = RunLock::take(&db, &id)?;
    // Read under the lock: whoever held it before may have just ended the run.
    let found = store.find_run(&id)?;
    if let Some(old) = found.header.scored_from() {
        return Err(Failure::usage(format!("run {id} was scored anew from run {old}"))
            .hint(format!("begin it anew: evals score {old}")));
    }
    let here = std::env::current_dir().ok();
    let files = absolute(&args.files);
    let mut again = command::repeat(&found.header, args)?;
    again.files = files;
    if here != std::env::current_dir().ok() {
        let directory = found.header.command.as_ref().map_or("", |command| &command.directory);
        out.note(&format!("note: run {id} was begun in `{directory}`; its files are read there"));
    }
    let begin = if args.as_new_run {
        drop(lock);
        Begin::New { forked_from: Some(id) }
    } else {
        Begin::Again(Box::new(Taken { store, run: found, retry: args.retry_errors, lock }))
    };
    run::once(&again, begin, &db, out, &runtime)
}

/// The id of the run that is to go on.
fn meant(store: &Store, args: &ResumeArgs) -> Result<String, Failure> {
    let found = match &args.run {
        Some(reference) => Some(store.find_run(reference)?),
        None => store.last_open_run(args.retry_errors)?,
    };
    let run = found.ok_or_else(|| {
        let what =
            if args.retry_errors { "and none has an error" } else { "nothing is left to do" };
        Failure::usage(format!("every run is complete; {what}"))
    })?;
    Ok(run.header.id)
}

/// What is typed now is relative to where it is typed now.
fn absolute(files: &FileArgs) -> FileArgs {
    let of = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    };
    FileArgs {
        junit: of(&files.junit),
        comment: of(&files.comment),
        code_quality: of(&files.code_quality),
    }
}

/// A run that this process may go on with.
pub(super) struct Taken {
    store: Store,
    run: RunRecord,
    retry: bool,
    lock: RunLock,
}

impl Taken {
    /// What is recorded of the run, which goes on under its own header.
    ///
    /// `fresh` is what the same command would do now. It must be what the run was begun with.
    pub(super) fn take_up(
        self,
        fresh: &RunHeader,
    ) -> Result<(RunHeader, Before, RunLock), Failure> {
        let Self { store, run, retry, lock } = self;
        let header = run.header.clone();
        let id = &header.id;
        if let Some(what) = difference(&header, fresh) {
            return Err(Failure::usage(format!("run {id} cannot go on: {what}")).hint(format!(
                "put back what it was begun with, or begin a new run with what there is now: \
                 `evals resume {id} --as-new-run`"
            )));
        }
        let status = run.status;
        let before = Before::read(store, run, retry)?;
        if before.stopped && before.settled.count() < header.planned_trials() {
            let message = format!(
                "run {id} ended early by its own rule (`stop`): nothing is left to do under it"
            );
            return Err(Failure::usage(message).hint(
                "to ask about the other rows too, begin a new run without `stop`; answers in the \
                 response cache are not asked again",
            ));
        }
        let rest = header.planned_trials() - before.settled.count();
        if rest == 0 && retry {
            return Err(Failure::usage(format!("no trial of run {id} failed")));
        }
        if rest == 0 && status == RunStatus::Complete {
            let failure = Failure::usage(format!("run {id} is complete; nothing is left to do"));
            return Err(match before.failed {
                0 => failure,
                failed => failure.hint(format!(
                    "{failed} of its trials failed: `evals resume {id} --retry-errors` does them \
                     again"
                )),
            });
        }
        Ok((header, before, lock))
    }
}

/// What differs between a stored run and what the same command would do now.
pub(super) fn difference(stored: &RunHeader, fresh: &RunHeader) -> Option<String> {
    let names = |header: &RunHeader| {
        header.models.iter().map(|model| model.name.clone()).collect::<Vec<_>>()
    };
    if stored.dataset_digest != fresh.dataset_digest {
        let (then, now) = (stored.samples, fresh.samples);
        return Some(if then == now {
            "the content of its rows has changed".to_owned()
        } else {
            format!("it has {then} rows, and now there are {now}")
        });
    }
    if names(stored) != names(fresh) {
        let (then, now) = (names(stored).join(", "), names(fresh).join(", "));
        return Some(format!("its models are {then}, and now {now} are named"));
    }
    let model = stored.models.iter().zip(&fresh.models).find_map(|(stored, fresh)| {
        Some(format!("{} of model `{}`", model_difference(stored, fresh)?, stored.name))
    });
    let prompt = stored.prompts.iter().zip(&fresh.prompts).find(|(stored, fresh)| stored != fresh);
    let scorer = stored.scorers.iter().zip(&fresh.scorers).find(|(stored, fresh)| stored != fresh);
    let checks = [
        (prompt.is_none(), prompt.map(|(then, _)| format!("prompt `{}`", then.id))),
        (stored.prompts.len() == fresh.prompts.len(), Some("the number of prompts".to_owned())),
        (model.is_none(), model),
        (stored.extracts == fresh.extracts, Some("what is extracted".to_owned())),
        (same(stored, fresh, "extract"), Some("what is extracted".to_owned())),
        (scorer.is_none(), scorer.map(|(then, _)| format!("scorer `{}`", then.id))),
        (stored.scorers.len() == fresh.scorers.len(), Some("the number of scorers".to_owned())),
        (same(stored, fresh, "score_also"), Some("`score_also`".to_owned())),
        (stored.epochs == fresh.epochs, Some("the number of epochs".to_owned())),
    ];
    if let Some((_, what)) = checks.into_iter().find(|(same, _)| !same) {
        return what.map(|what| format!("{what} has changed"));
    }
    // Scorers are part of the program: two of its versions may judge the same answer differently.
    let (then, now) = (&stored.version, &fresh.version);
    (then != now).then(|| format!("evals {then} began it, and this is evals {now}"))
}

fn same(stored: &RunHeader, fresh: &RunHeader, part: &str) -> bool {
    stored.config[part] == fresh.config[part]
}

fn model_difference(stored: &ModelInfo, fresh: &ModelInfo) -> Option<&'static str> {
    let checks = [
        (stored.provider == fresh.provider, "the provider"),
        (stored.model == fresh.model, "the upstream name"),
        (stored.origin == fresh.origin, "the origin"),
        (stored.params == fresh.params, "a parameter"),
        (stored.price == fresh.price, "the price"),
        (stored.reference == fresh.reference, "the reference"),
        (untitled(stored) == untitled(fresh), "who stands in"),
    ];
    checks.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

/// What people call a model does not matter.
fn untitled(model: &ModelInfo) -> ModelInfo {
    ModelInfo { title: None, ..model.clone() }
}
