//! One trial: call, record, score, record.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Semaphore, watch};

use crate::{
    domain::{
        contract::{Call, Generate, Reply, Sink, SinkError},
        event::Event,
        fault::Fault,
        generation::Generation,
        message::Message,
        sample::Sample,
        score::Verdict,
        trial::{Answer, Scored, Status, TrialKey},
    },
    plan::{Plan, PlannedScorer},
    scorer::Subject,
};

/// What all trials of a run share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) stop: watch::Receiver<bool>,
    client: Arc<dyn Generate>,
    sinks: Arc<[Arc<dyn Sink>]>,
    slots: Semaphore,
    ended: AtomicU64,
    failed: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        plan: Arc<Plan>,
        client: Arc<dyn Generate>,
        sinks: Arc<[Arc<dyn Sink>]>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let slots = Semaphore::new(plan.concurrency as usize);
        let (ended, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { plan, stop, client, sinks, slots, ended, failed }
    }

    /// Tells every sink, without waiting.
    pub(super) fn tell(&self, event: &Event) {
        for sink in self.sinks.iter() {
            drop(sink.emit(event));
        }
    }

    /// Tells every sink and waits until the event is kept.
    pub(super) async fn emit(&self, event: &Event) -> Result<(), SinkError> {
        for receipt in self.sinks.iter().filter_map(|sink| sink.emit(event)).collect::<Vec<_>>() {
            receipt.await?;
        }
        Ok(())
    }

    /// Trials that ended, and those of them that failed.
    pub(super) fn tally(&self) -> (u64, u64) {
        (self.ended.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst))
    }
}

/// Runs one trial. When the run stops before the call was made, nothing is recorded.
pub(super) async fn run(
    shared: Arc<Shared>,
    key: TrialKey,
    sample: Arc<Sample>,
    rendered: Arc<Result<Arc<[Message]>, Fault>>,
) -> Result<(), SinkError> {
    let target = &shared.plan.targets[key.model as usize];
    let reply = match &*rendered {
        Ok(messages) => {
            let call = Call {
                target: Arc::clone(target),
                messages: Arc::clone(messages),
                sample: Arc::clone(&sample),
                prompt: key.prompt,
                epoch: key.epoch,
            };
            let mut stop = shared.stop.clone();
            let slot = tokio::select! {
                biased;
                () = super::stopped(&mut stop) => return Ok(()),
                slot = shared.slots.acquire() => slot,
            };
            let reply = shared.client.generate(&call).await;
            drop(slot);
            reply
        }
        Err(fault) => Reply {
            result: Err(fault.clone()),
            attempts: Vec::new(),
            served_by: target.name.clone(),
            cached: false,
        },
    };
    let extracted = match &reply.result {
        Ok(generation) => {
            shared.plan.extracts.iter().map(|pipeline| pipeline.apply(&generation.text)).collect()
        }
        Err(_) => vec![None; shared.plan.extracts.len()],
    };
    let Reply { result, attempts, served_by, cached } = reply;
    let answer = Arc::new(Answer { key, result, attempts, served_by, cached, extracted });
    shared.emit(&Event::Answered(Arc::clone(&answer))).await?;
    let verdicts = score(&shared.plan, &sample, &answer);
    let broken = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Failed(_)));
    let failed = broken || answer.status() == Status::Error;
    shared.emit(&Event::Scored(Arc::new(Scored { key, verdicts }))).await?;
    shared.failed.fetch_add(u64::from(failed), Ordering::SeqCst);
    shared.ended.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// One verdict a scorer.
fn score(plan: &Plan, sample: &Sample, answer: &Answer) -> Vec<Verdict> {
    let scorers = plan.scorers.iter();
    match &answer.result {
        Err(_) => scorers.map(|_| Verdict::Skipped("there is no answer".to_owned())).collect(),
        Ok(generation) => {
            scorers.map(|scorer| judge(plan, scorer, sample, answer, generation)).collect()
        }
    }
}

fn judge(
    plan: &Plan,
    planned: &PlannedScorer,
    sample: &Sample,
    answer: &Answer,
    generation: &Generation,
) -> Verdict {
    let status = answer.status();
    if planned.card.reads_output && status != Status::Ok && !plan.score_also.contains(&status) {
        let why = match status {
            Status::Length => "the answer was cut at the token limit",
            Status::Refused => "the model declined to answer",
            _ => "the answer is empty",
        };
        return Verdict::Skipped(why.to_owned());
    }
    let output = match planned.extract {
        None => Some(generation.text.as_str()),
        Some(pipeline) => answer.extracted[pipeline].as_deref(),
    };
    planned.scorer.score(&Subject { sample, answer, generation, output })
}
