//! Floor 5: executes a plan.
//!
//! Models that share an account form a lane. In each lane rows stream in from a reader thread and
//! trials fan out; a lane that has to wait holds up no other. Everything that happens leaves as an
//! [`Event`]. A trial's answer is durable before it is scored; a failure is a
//! recorded outcome and never the end of the run.

mod before;
mod consult;
mod feed;
mod fork;
mod judge;
mod lane;
mod meeting;
mod places;
mod rescore;
mod trial;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinSet, coop::unconstrained},
};

use self::trial::Shared;
pub use self::{
    before::Before,
    consult::Judged,
    fork::Fork,
    places::Places,
    rescore::{Change, Rescore, Rescored, rescore},
};
use crate::{
    client::Embedder,
    domain::{
        contract::{Generate, Sink, SinkError},
        event::Event,
        run::RunStatus,
    },
    plan::Plan,
    store::StoreError,
};

/// How long calls in flight may go on after the run was told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Trials that may wait for the store or be scored, besides those in flight.
const UNSETTLED: u32 = 512;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: RunStatus,
    /// Trials that ended.
    pub ended: u64,
    /// Of them, trials without an answer or with a scorer that failed.
    pub failed: u64,
    /// What of the budget was reached, when that ended it.
    pub over: Option<String>,
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
    /// What was recorded before could not be read.
    #[error("failed to {0}")]
    Store(#[from] StoreError),
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

    /// The status of a run that did all it had to.
    fn ended(self, failed: u64, ended: u64) -> RunStatus {
        if self.covers(failed, ended) { RunStatus::Complete } else { RunStatus::Incomplete }
    }
}

/// Ends a run before all of its trials are asked.
#[derive(Debug, Default)]
pub struct Brake {
    halt: watch::Sender<bool>,
    stop: watch::Sender<bool>,
}

impl Brake {
    /// Nothing that is not under way is sent any more; calls in flight go on.
    pub fn halt(&self) {
        self.halt.send_replace(true);
    }

    /// As [`Brake::halt`], and calls in flight have [`DRAIN`] to end.
    pub fn stop(&self) {
        self.halt();
        self.stop.send_replace(true);
    }

    /// Turns true when nothing is to be sent any more; for the client.
    pub fn halted(&self) -> watch::Receiver<bool> {
        self.halt.subscribe()
    }
}

/// A run to execute.
pub struct Job {
    /// What to do.
    pub plan: Arc<Plan>,
    /// Through whom models are called.
    pub client: Arc<dyn Generate>,
    /// Through whom scorers ask models.
    pub judges: Arc<dyn Generate>,
    /// Who makes vectors for scorers.
    pub vectors: Arc<Embedder>,
    /// What models have said already when scorers asked them; `None` where no scorer asks one.
    pub judged: Option<Judged>,
    /// Who is told what happens.
    pub sinks: Arc<[Arc<dyn Sink>]>,
    /// Ends the run early. Whoever runs the job may use it; the run does when it cannot go on.
    pub brake: Arc<Brake>,
    /// The failures that leave the run complete.
    pub allowed: Allowed,
    /// What is recorded already, when the run goes on.
    pub before: Option<Before>,
    /// The run that this one is made from, whose answers it takes over.
    pub fork: Option<Fork>,
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
    let header = Arc::new(job.plan.header.clone());
    let begin = match &job.before {
        None => Event::Started(header),
        Some(before) if before.retry => Event::Retried(header),
        Some(_) => Event::Resumed(header),
    };
    let (allowed, planned) = (job.allowed, job.plan.header.planned_trials());
    let shared = Arc::new(Shared::new(job));
    shared.emit(&begin).await?;
    let executed = within(shared.plan.budget.time, &shared, lanes(&shared)).await;
    judge::close(&shared.plan.scoring.scorers).await;
    executed?;
    let (ended, failed) = shared.tally();
    let early = ended < planned && shared.knows_enough();
    let status = if early {
        allowed.ended(failed, ended)
    } else if ended < planned && shared.over_budget().is_some() {
        RunStatus::Budget
    } else if ended < planned {
        RunStatus::Interrupted
    } else {
        allowed.ended(failed, ended)
    };
    shared.emit(&Event::Finished(status)).await?;
    Ok(Outcome { status, ended, failed, over: shared.over_budget() })
}

/// Ends the run when its time is over: nothing new begins, and calls in flight have [`DRAIN`].
async fn within<T>(time: Option<Duration>, shared: &Shared, work: impl Future<Output = T>) -> T {
    let Some(time) = time else { return work.await };
    tokio::pin!(work);
    tokio::select! {
        biased;
        outcome = &mut work => return outcome,
        () = tokio::time::sleep(time) => {}
    }
    shared.reach(format!("the time of {} s is over", time.as_secs_f64()));
    shared.brake.stop();
    work.await
}

/// Runs all lanes, side by side or, where the plan says so, one model after the other.
async fn lanes(shared: &Arc<Shared>) -> Result<(), RunError> {
    let plan = &shared.plan;
    // A lane is a task among its trials: it is woken where they end, and no other thread has to be.
    // It always comes to wait for them, so that it needs no other bound.
    let mut lanes = JoinSet::new();
    if plan.by_model {
        for model in 0..plan.targets.len() as u32 {
            lanes.spawn(unconstrained(lane::run(Arc::clone(shared), vec![model])));
            ended(&mut lanes).await?;
        }
        return Ok(());
    }
    let mut accounts: Vec<(String, Vec<u32>)> = Vec::new();
    for (model, target) in (0_u32..).zip(&plan.targets) {
        let account = target.account();
        match accounts.iter_mut().find(|(known, _)| *known == account) {
            Some((_, models)) => models.push(model),
            None => accounts.push((account, vec![model])),
        }
    }
    for (_, models) in accounts {
        lanes.spawn(unconstrained(lane::run(Arc::clone(shared), models)));
    }
    ended(&mut lanes).await
}

/// Waits for all of `lanes`; a lane that breaks stops the others.
async fn ended(lanes: &mut JoinSet<Result<(), RunError>>) -> Result<(), RunError> {
    let mut first = Ok(());
    while let Some(lane) = lanes.join_next().await {
        let ended = lane.unwrap_or_else(|error| Err(RunError::Broken(error.to_string())));
        first = first.and(ended);
    }
    first
}

/// Resolves when the run was told to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The run holds the senders, so the channel cannot close under it.
    stop.wait_for(|stop| *stop).await.ok();
}
