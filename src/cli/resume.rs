//! `evals run --resume`: take up a run that was stopped, where it stopped.

use std::{ops::ControlFlow, path::Path};

use super::exit::Failure;
use crate::{
    base::money::Money,
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation},
        run::{ModelInfo, RunHeader, RunStatus, TrialRecord},
        trial::{Answer, Attempt, Status},
    },
    run::Before,
    store::{Store, TrialFilter},
};

/// Finds the run to go on with, and what is recorded of it.
///
/// `fresh` is what the same command would do now. It must be what the run was begun with: rows,
/// prompts, models, parameters and scorers.
pub(super) fn take_up(
    db: &Path,
    reference: &str,
    fresh: &RunHeader,
) -> Result<(RunHeader, Before), Failure> {
    let store = Store::open_existing(db)?;
    let run = store.find_run(reference)?;
    let id = &run.header.id;
    if let Some(what) = difference(&run.header, fresh) {
        return Err(Failure::usage(format!("run {id} was begun with {what}"))
            .hint("repeat the command that began it, or leave out `--resume` for a new run"));
    }
    if run.status == RunStatus::Complete {
        return Err(Failure::usage(format!("run {id} is complete; nothing is left to do")));
    }
    let scorers = run.header.scorers.len();
    let mut before = Before::default();
    let mut unscored = false;
    store.digests(&run, &mut |digest| {
        if digest.scores.len() < scorers {
            unscored = true;
            return;
        }
        let failed = digest.status == Status::Error || digest.scores.iter().any(|s| s.failed);
        before.failed += u64::from(failed);
        before.settled.insert(digest.key.seq);
    })?;
    if unscored {
        store.trials(&run, &TrialFilter::default(), &mut |trial| {
            if trial.scores.len() < scorers {
                before.answered.insert(trial.key.seq, answer(trial));
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok((run.header, before))
}

/// What differs between a stored run and what the same command would do now.
fn difference(stored: &RunHeader, fresh: &RunHeader) -> Option<&'static str> {
    let checks = [
        (stored.dataset_digest == fresh.dataset_digest, "other rows"),
        (stored.prompts == fresh.prompts, "other prompts"),
        (same_models(stored, fresh), "other models, parameters or prices"),
        (stored.scorers == fresh.scorers, "other scorers"),
        (stored.extracts == fresh.extracts, "other extractions"),
        (stored.epochs == fresh.epochs, "another number of epochs"),
        (stored.config["extract"] == fresh.config["extract"], "other extractions"),
    ];
    checks.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

/// Whether the models are the same; what people call them does not matter.
fn same_models(stored: &RunHeader, fresh: &RunHeader) -> bool {
    let untitled = |header: &RunHeader| -> Vec<ModelInfo> {
        let models = header.models.iter().cloned();
        models.map(|model| ModelInfo { title: None, ..model }).collect()
    };
    untitled(stored) == untitled(fresh)
}

/// A recorded answer as scorers see it.
fn answer(trial: TrialRecord) -> Answer {
    let result = match trial.error {
        Some((_, message)) => Err(Fault::new(FaultKind::Protocol, message)),
        None => Ok(Generation {
            text: trial.output.unwrap_or_default(),
            reasoning: trial.reasoning,
            finish_reason: trial
                .finish_reason
                .as_deref()
                .and_then(FinishReason::from_name)
                .unwrap_or_default(),
            usage: trial.usage,
            ..Generation::default()
        }),
    };
    let attempt = trial.latency_us.map(|latency_us| Attempt {
        latency_us,
        ttft_us: trial.ttft_us,
        usage: trial.usage,
        cost: trial.cost_pico.map(Money::from_pico),
        ..Attempt::default()
    });
    Answer {
        key: trial.key,
        result,
        attempts: attempt.into_iter().collect(),
        served_by: trial.served_by,
        cached: trial.cached,
        extracted: trial.extracted,
    }
}
