//! The trials of models that share an account, in the order of the plan.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use super::{
    DRAIN, RunError, UNSETTLED, feed, stopped,
    trial::{Shared, Trial},
};
use crate::domain::{contract::SinkError, trial::TrialKey};

type Trials = JoinSet<Result<(), SinkError>>;

/// Runs every trial of `models`. A lane that breaks stops the others too.
pub(super) async fn run(shared: Arc<Shared>, models: Vec<u32>) -> Result<(), RunError> {
    let mut trials = Trials::new();
    let scheduled = schedule(&shared, &models, &mut trials).await;
    if scheduled.is_err() {
        shared.brake.stop();
    }
    let drained = drain(&shared, &mut trials).await;
    scheduled.and(drained)
}

/// Starts every trial as places become free.
async fn schedule(
    shared: &Arc<Shared>,
    models: &[u32],
    trials: &mut Trials,
) -> Result<(), RunError> {
    let plan = &shared.plan;
    let unsettled =
        Arc::new(Semaphore::new((plan.concurrency.saturating_mul(2) + UNSETTLED) as usize));
    let mut end = shared.end.subscribe();
    let mut stop = shared.brake.halted();
    let mut rows = feed::start(Arc::clone(plan));
    let mut begun = 0;
    loop {
        if rows.is_empty() {
            keep_order(trials, &mut begun);
        }
        let row = tokio::select! {
            biased;
            () = stopped(&mut stop) => return Ok(()),
            () = stopped(&mut end) => return Ok(()),
            ended = trials.join_next(), if !trials.is_empty() => {
                settle(ended)?;
                continue;
            }
            row = rows.next() => row,
        };
        let Some(row) = row else { return Ok(()) };
        let row = row.map_err(RunError::Dataset)?;
        shared.tell_row(&row);
        for (prompt, rendered) in (0_u32..).zip(row.prompts) {
            let rendered = Arc::new(rendered);
            for &model in models {
                for epoch in 0..plan.header.epochs {
                    let key = key(shared, row.sample.index, prompt, model, epoch);
                    if shared.is_settled(key.seq) {
                        continue;
                    }
                    if unsettled.available_permits() == 0 {
                        keep_order(trials, &mut begun);
                    }
                    let place = loop {
                        tokio::select! {
                            biased;
                            () = stopped(&mut stop) => return Ok(()),
                            () = stopped(&mut end) => return Ok(()),
                            ended = trials.join_next(), if !trials.is_empty() => settle(ended)?,
                            place = Arc::clone(&unsettled).acquire_owned() => break place,
                        }
                    };
                    let Ok(place) = place else { return Ok(()) };
                    let recorded = shared.recorded(key.seq)?;
                    let known = match (&recorded, rendered.as_ref()) {
                        (None, Ok(messages)) => shared.known(key, messages)?,
                        _ => None,
                    };
                    let trial = Trial {
                        key,
                        sample: Arc::clone(&row.sample),
                        rendered: Arc::clone(&rendered),
                        recorded: recorded.map(Box::new),
                        known: known.map(Box::new),
                    };
                    let shared = Arc::clone(shared);
                    // Boxed: a task copies its future several times, and this one is large.
                    trials.spawn(Box::pin(async move {
                        let outcome = trial.run(shared).await;
                        drop(place);
                        outcome
                    }));
                    begun += 1;
                }
            }
        }
    }
}

/// Before the lane waits: of several tasks that were spawned at a time, the runtime begins with the
/// last one. One without work takes that place, and the trials begin in the order of the plan.
fn keep_order(trials: &mut Trials, begun: &mut u32) {
    if std::mem::take(begun) > 1 {
        trials.spawn(async { Ok(()) });
    }
}

/// The trial with its place in the plan.
fn key(shared: &Shared, sample: u64, prompt: u32, model: u32, epoch: u32) -> TrialKey {
    let seq = shared.plan.header.place(sample, prompt, model, epoch);
    TrialKey { seq, sample, prompt, model, epoch }
}

/// Waits for the trials under way; once the run was told to stop, no longer than [`DRAIN`].
async fn drain(shared: &Shared, trials: &mut Trials) -> Result<(), RunError> {
    let mut stop = shared.brake.stop.subscribe();
    let mut first = Ok(());
    tokio::select! {
        () = join(shared, trials, &mut first) => {}
        () = async {
            stopped(&mut stop).await;
            tokio::time::sleep(DRAIN).await;
        } => {}
    }
    trials.abort_all();
    // Aborted trials end at their next await; what they had recorded stays recorded.
    timeout(DRAIN, join(shared, trials, &mut first)).await.ok();
    first
}

/// Waits for the trials under way. A trial that breaks stops the run; the `first` one tells why.
async fn join(shared: &Shared, trials: &mut Trials, first: &mut Result<(), RunError>) {
    while let Some(ended) = trials.join_next().await {
        let outcome = settle(Some(ended));
        if outcome.is_err() {
            shared.brake.stop();
        }
        if first.is_ok() {
            *first = outcome;
        }
    }
}

type Ended = Result<Result<(), SinkError>, tokio::task::JoinError>;

fn settle(ended: Option<Ended>) -> Result<(), RunError> {
    match ended {
        None => Ok(()),
        Some(Ok(outcome)) => outcome.map_err(RunError::Sink),
        Some(Err(error)) if error.is_cancelled() => Ok(()),
        Some(Err(error)) => Err(RunError::Broken(error.to_string())),
    }
}
