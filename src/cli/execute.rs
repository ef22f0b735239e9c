//! A plan is executed: its sinks, its cache, its client, and what Ctrl-C does.

use std::{path::Path, sync::Arc};

use super::{
    Out,
    args::RunArgs,
    cache, env,
    exit::{Exit, Failure},
    log::Log,
    progress::Progress,
    run::resume_command,
};
use crate::{
    client::{self, ClientOptions, Notice},
    domain::{contract::Sink, target::Target},
    plan::Plan,
    run::{self as runner, Allowed, Before, Fork, Judged, Outcome},
    store::{Store, Writer},
};

/// What is ready to be executed.
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) books: ClientOptions,
    pub(super) allowed: Allowed,
    pub(super) before: Option<Before>,
    /// The run that this one is made from, whose answers it takes over.
    pub(super) fork: Option<Fork>,
}

/// A run that was executed.
pub(super) struct Executed {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    /// Why it was stopped, when the disk was the reason.
    pub(super) trouble: Option<String>,
}

/// Executes the plan.
pub(super) fn execute(
    work: Work,
    db: &Path,
    args: &RunArgs,
    out: &mut Out,
    runtime: &tokio::runtime::Runtime,
) -> Result<Executed, Failure> {
    let Work { plan, books, allowed, before, fork } = work;
    let id = plan.header.id.clone();
    let log = args.log.as_ref().map(|path| {
        Log::create(path).map_err(|error| {
            Failure::usage(format!("failed to write log `{}`: {error}", path.display()))
        })
    });
    let log = log.transpose()?;
    let settled = before.as_ref().map_or(0, |before| before.settled.count());
    let brake = Arc::new(runner::Brake::default());
    let on_trouble = Arc::clone(&brake);
    // What is in flight is waited for: it is paid, and there is room for it.
    let writer = Arc::new(Writer::guarded(db, Box::new(move || on_trouble.halt()))?);
    let progress = Arc::new(Progress::new(plan.header.planned_trials() - settled, args.quiet));
    let mut sinks: Vec<Arc<dyn Sink>> = vec![Arc::clone(&writer) as _, Arc::clone(&progress) as _];
    sinks.extend(log.map(|log| Arc::new(log) as Arc<dyn Sink>));
    let sinks: Arc<[Arc<dyn Sink>]> = sinks.into();
    let cache = cache::Used::open(&plan, args.refresh, db, out);
    let told = Arc::clone(&progress);
    let client = client::client(ClientOptions {
        concurrency: plan.concurrency,
        cache: cache.as_ref().map(cache::Used::caching),
        budget: plan.budget,
        judge_budget: plan.judge_budget,
        stop: Some(brake.halted()),
        retry: Some(plan.retry),
        limits: plan.limits.clone(),
        adaptive: plan.adaptive,
        shared: env::home().map(|home| home.join("limits")),
        notice: Some(Notice::new(move |text| told.say(text, &mut Out::new()))),
        ..books
    });
    let judged = judged(&plan.judges, &id, db)?;
    let outcome = runtime.block_on(async {
        let plan = Arc::new(plan);
        let of_job = Arc::clone(&brake);
        let job = runner::Job {
            plan,
            client: client.calls,
            judges: client.judges,
            vectors: client.vectors,
            judged,
            sinks,
            brake: of_job,
            allowed,
            before,
            fork,
        };
        let run = runner::execute(job);
        tokio::pin!(run);
        let mut interrupts = Interrupts::new();
        let mut told = false;
        loop {
            tokio::select! {
                outcome = &mut run => return Some(outcome),
                () = interrupts.next() => {
                    if told {
                        return None;
                    }
                    told = true;
                    brake.stop();
                    progress.say(
                        "stopping: calls in flight have 10 s to end; Ctrl-C again quits at once",
                        out,
                    );
                }
            }
        }
    });
    progress.finish();
    let Some(outcome) = outcome else {
        // The second Ctrl-C waits for nothing: what was answered is durable already.
        quit(Exit::Interrupted)
    };
    if let Some(cache) = cache {
        cache.close(out);
    }
    let trouble = writer.trouble().map(str::to_owned);
    let recorded = Arc::try_unwrap(writer).map_or(Ok(()), Writer::close);
    let go_on = |failure: Failure| failure.hint(format!("to go on: {}", resume_command(db, &id)));
    let outcome = outcome.map_err(|error| go_on(error.into()))?;
    recorded.map_err(|error| go_on(Failure::incomplete(error.to_string())))?;
    Ok(Executed { id, outcome, trouble })
}

/// Where what `judges` say in run `id` is found again; `None` where there are none.
pub(super) fn judged(
    judges: &[Arc<Target>],
    id: &str,
    db: &Path,
) -> Result<Option<Judged>, Failure> {
    if judges.is_empty() {
        return Ok(None);
    }
    Ok(Some(Judged::read(Store::open_existing(db)?, id.to_owned())))
}

/// Ends the process at once.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a second Ctrl-C must not wait for threads that are still at work"
)]
fn quit(exit: Exit) -> ! {
    std::process::exit(i32::from(exit.code()))
}

/// Ctrl-C and, where there is one, the signal to terminate.
pub(super) struct Interrupts {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Interrupts {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .ok(),
        }
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(terminate) = &mut self.terminate {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        tokio::signal::ctrl_c().await.ok();
    }
}
