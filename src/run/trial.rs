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
        (ended, failed): (u64, u64),
    ) -> Self {
        let slots = Semaphore::new(plan.concurrency as usize);
        let (ended, failed) = (AtomicU64::new(ended), AtomicU64::new(failed));
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

/// One trial to run.
pub(super) struct Trial {
    pub(super) key: TrialKey,
    pub(super) sample: Arc<Sample>,
    /// What to say to the model, or why that could not be made.
    pub(super) rendered: Arc<Result<Arc<[Message]>, Fault>>,
    /// The answer, when it is recorded already.
    pub(super) answer: Option<Answer>,
}

impl Trial {
    /// Runs the trial. When the run stops before the call was made, nothing is recorded.
    pub(super) async fn run(self, shared: Arc<Shared>) -> Result<(), SinkError> {
        let Self { key, sample, rendered, answer } = self;
        let answer = match answer {
            Some(answer) => Arc::new(answer),
            None => {
                let Some(answer) = ask(&shared, key, &sample, &rendered).await else {
                    return Ok(());
                };
                let answer = Arc::new(answer);
                shared.emit(&Event::Answered(Arc::clone(&answer))).await?;
                answer
            }
        };
        let verdicts = score(&shared.plan, &sample, &answer);
        let broken = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Failed(_)));
        let failed = broken || answer.status() == Status::Error;
        shared.emit(&Event::Scored(Arc::new(Scored { key, verdicts }))).await?;
        shared.failed.fetch_add(u64::from(failed), Ordering::SeqCst);
        shared.ended.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Calls the model. `None` when the run stopped before.
async fn ask(
    shared: &Shared,
    key: TrialKey,
    sample: &Arc<Sample>,
    rendered: &Result<Arc<[Message]>, Fault>,
) -> Option<Answer> {
    let target = &shared.plan.targets[key.model as usize];
    let reply = match rendered {
        Ok(messages) => {
            let call = Call {
                target: Arc::clone(target),
                messages: Arc::clone(messages),
                sample: Arc::clone(sample),
                prompt: key.prompt,
                epoch: key.epoch,
            };
            let mut stop = shared.stop.clone();
            let slot = tokio::select! {
                biased;
                () = super::stopped(&mut stop) => return None,
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
            limits: None,
        },
    };
    let extracts = &shared.plan.extracts;
    let extracted = match &reply.result {
        Ok(generation) => {
            extracts.iter().map(|pipeline| pipeline.apply(&generation.text)).collect()
        }
        Err(_) => vec![None; extracts.len()],
    };
    let Reply { result, attempts, served_by, cached, limits: _ } = reply;
    Some(Answer { key, result, attempts, served_by, cached, extracted })
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
