//! Floor 5: executes a plan.
//!
//! Rows stream in from a reader thread, trials fan out under the concurrency, and everything that
//! happens leaves as an [`Event`]. A trial's answer is durable before it is scored; a failure is a
//! recorded outcome and never the end of the run.

mod feed;
mod trial;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use self::trial::Shared;
use crate::{
    domain::{
        contract::{Generate, Sink, SinkError},
        event::Event,
        run::RunStatus,
        trial::{Answer, TrialKey},
    },
    plan::Plan,
};

/// How long calls in flight may go on after the run was told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Trials that may wait for the store or be scored, besides those in flight.
const UNSETTLED: u32 = 512;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: RunStatus,
    /// Trials that ended.
    pub ended: u64,
    /// Of them, trials without an answer or with a scorer that failed.
    pub failed: u64,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What happened could not be recorded.
    #[error("failed to record the run: {0}")]
    Sink(#[from] SinkError),
    /// The dataset changed or became unreadable under the run.
    #[error("failed to go on reading the dataset: {0}")]
    Dataset(String),
    /// A part of the program broke.
    #[error("failed to finish a trial: {0}")]
    Broken(String),
}

/// How many failed trials still make a complete run. Default: none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// This share of the trials, from 0 to 1.
    pub share: f64,
    /// Or this many, whichever is more.
    pub count: u64,
}

impl Allowed {
    fn covers(self, failed: u64, ended: u64) -> bool {
        failed <= self.count || failed as f64 <= self.share * ended as f64
    }
}

/// What was recorded of a run before this process took it up.
#[derive(Debug, Default)]
pub struct Before {
    /// Places in the plan of the trials that have their verdicts.
    pub settled: HashSet<u64>,
    /// Of these, trials without an answer or with a scorer that failed.
    pub failed: u64,
    /// Trials that have an answer and no verdicts, by their place: they are scored, not asked.
    pub answered: HashMap<u64, Answer>,
}

/// A run to execute.
pub struct Job {
    /// What to do.
    pub plan: Arc<Plan>,
    /// Through whom models are called.
    pub client: Arc<dyn Generate>,
    /// Who is told what happens.
    pub sinks: Arc<[Arc<dyn Sink>]>,
    /// Turns true when no new call is to be made; calls in flight then have [`DRAIN`] to end.
    pub stop: watch::Receiver<bool>,
    /// The failures that leave the run complete.
    pub allowed: Allowed,
    /// What is recorded already, when the run goes on.
    pub before: Option<Before>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("run", &self.plan.header.id).finish_non_exhaustive()
    }
}

/// Executes a run.
///
/// # Errors
///
/// A sink that cannot record, or a dataset that cannot be read on. What was recorded stays.
pub async fn execute(job: Job) -> Result<Outcome, RunError> {
    let Job { plan, client, sinks, stop, allowed, before } = job;
    let header = Arc::new(plan.header.clone());
    let begin = match before {
        None => Event::Started(header),
        Some(_) => Event::Resumed(header),
    };
    let mut before = before.unwrap_or_default();
    let counts = (before.settled.len() as u64, before.failed);
    let shared = Arc::new(Shared::new(plan, client, sinks, stop, counts));
    shared.emit(&begin).await?;
    let mut trials = JoinSet::new();
    let scheduled = schedule(&shared, &mut before, &mut trials).await;
    let drained = drain(&shared, &mut trials, scheduled.is_err()).await;
    scheduled.and(drained)?;
    let (ended, failed) = shared.tally();
    let planned = shared.plan.header.planned_trials();
    let status = if ended < planned {
        RunStatus::Interrupted
    } else if allowed.covers(failed, ended) {
        RunStatus::Complete
    } else {
        RunStatus::Incomplete
    };
    shared.emit(&Event::Finished(status)).await?;
    Ok(Outcome { status, ended, failed })
}

type Trials = JoinSet<Result<(), SinkError>>;

/// Starts every trial, in the order of the plan, as places become free.
async fn schedule(
    shared: &Arc<Shared>,
    before: &mut Before,
    trials: &mut Trials,
) -> Result<(), RunError> {
    let plan = &shared.plan;
    let unsettled =
        Arc::new(Semaphore::new((plan.concurrency.saturating_mul(2) + UNSETTLED) as usize));
    let mut stop = shared.stop.clone();
    let mut rows = feed::start(Arc::clone(plan));
    let mut seq = 0;
    loop {
        let row = tokio::select! {
            biased;
            () = stopped(&mut stop) => return Ok(()),
            row = rows.recv() => row,
        };
        let Some(row) = row else { return Ok(()) };
        let row = row.map_err(RunError::Dataset)?;
        shared.tell(&Event::Sample(Arc::clone(&row.sample)));
        for (prompt, rendered) in row.prompts.into_iter().enumerate() {
            let prompt = prompt as u32;
            if let Ok(messages) = &rendered {
                let messages = Arc::clone(messages);
                shared.tell(&Event::Rendered { sample: row.sample.index, prompt, messages });
            }
            let rendered = Arc::new(rendered);
            for model in 0..plan.targets.len() as u32 {
                for epoch in 0..plan.header.epochs {
                    let key = TrialKey { seq, sample: row.sample.index, prompt, model, epoch };
                    seq += 1;
                    if before.settled.contains(&key.seq) {
                        continue;
                    }
                    let place = tokio::select! {
                        biased;
                        () = stopped(&mut stop) => return Ok(()),
                        place = Arc::clone(&unsettled).acquire_owned() => place,
                    };
                    let Ok(place) = place else { return Ok(()) };
                    let trial = trial::Trial {
                        key,
                        sample: Arc::clone(&row.sample),
                        rendered: Arc::clone(&rendered),
                        answer: before.answered.remove(&key.seq),
                    };
                    let trial = trial.run(Arc::clone(shared));
                    trials.spawn(async move {
                        let outcome = trial.await;
                        drop(place);
                        outcome
                    });
                    while let Some(ended) = trials.try_join_next() {
                        settle(ended)?;
                    }
                }
            }
        }
    }
}

/// Waits for the trials under way; once the run was told to stop, or broke, no longer than [`DRAIN`].
async fn drain(shared: &Shared, trials: &mut Trials, broke: bool) -> Result<(), RunError> {
    let mut stop = shared.stop.clone();
    let mut first = Ok(());
    let mut join = async |trials: &mut Trials| {
        while let Some(ended) = trials.join_next().await {
            first = std::mem::replace(&mut first, Ok(())).and(settle(ended));
        }
    };
    tokio::select! {
        () = join(trials) => {}
        () = async {
            if !broke {
                stopped(&mut stop).await;
            }
            tokio::time::sleep(DRAIN).await;
        } => {}
    }
    trials.abort_all();
    // Aborted trials end at their next await; what they had recorded stays recorded.
    timeout(DRAIN, join(trials)).await.ok();
    first
}

fn settle(ended: Result<Result<(), SinkError>, tokio::task::JoinError>) -> Result<(), RunError> {
    match ended {
        Ok(outcome) => outcome.map_err(RunError::Sink),
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => Err(RunError::Broken(error.to_string())),
    }
}

/// Resolves when the run was told to stop; never, when nobody can tell it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
