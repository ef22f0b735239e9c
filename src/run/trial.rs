//! One trial: call, record, score, record.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::{
    Before, Brake, Fork, Job,
    consult::Bench,
    judge::{self, Desk, Outcome, Subjects},
    meeting::{self, Meetings},
};
use crate::{
    domain::{
        contract::{Call, Generate, Reply, Sink, SinkError},
        event::Event,
        fault::{Fault, FaultKind},
        message::Message,
        sample::Sample,
        score::Verdict,
        trial::{Answer, Scored, Status, TrialKey},
    },
    metric::early::EarlyStop,
    plan::{Plan, Row},
    store::{Recorded, StoreError},
};

/// Over fewer trials than this no rate of errors is taken.
const FEW: u64 = 20;

/// What all trials of a run share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) brake: Arc<Brake>,
    /// Turns true when the budget is reached, or enough is known: no further trial begins.
    pub(super) end: watch::Sender<bool>,
    /// Why it is.
    over: Mutex<Option<String>>,
    /// The rule by which the run may end early.
    early: Option<Mutex<EarlyStop>>,
    client: Arc<dyn Generate>,
    sinks: Arc<[Arc<dyn Sink>]>,
    before: Option<Before>,
    fork: Option<Fork>,
    /// Where answers are scored.
    pub(super) desk: Desk,
    /// Which answers are there of those that are compared.
    pub(super) meetings: Meetings,
    /// The first row that the sinks do not know yet.
    untold: Mutex<u64>,
    ended: AtomicU64,
    failed: AtomicU64,
    replies: AtomicU64,
    faults: AtomicU64,
}

impl Shared {
    pub(super) fn new(job: Job) -> Self {
        let Job { plan, client, judges, vectors, judged, sinks, brake, mut before, fork, .. } = job;
        let early = match &mut before {
            Some(before) => before.early.take(),
            None => EarlyStop::new(&plan.header),
        };
        let bench = Bench::new((judges, vectors), Arc::clone(&sinks), judged);
        let (settled, failed) =
            before.as_ref().map_or((0, 0), |before| (before.settled.count(), before.failed));
        Self {
            desk: Desk::new(Arc::clone(&plan.scoring), Arc::clone(&brake), bench),
            plan,
            brake,
            end: watch::Sender::new(false),
            over: Mutex::default(),
            early: early.map(Mutex::new),
            client,
            sinks,
            ended: AtomicU64::new(settled),
            failed: AtomicU64::new(failed),
            replies: AtomicU64::default(),
            faults: AtomicU64::default(),
            before,
            fork,
            untold: Mutex::new(0),
            meetings: Meetings::default(),
        }
    }

    /// Whether the trial had its verdicts before this process took the run up.
    pub(super) fn is_settled(&self, seq: u64) -> bool {
        self.before.as_ref().is_some_and(|before| before.settled.contains(seq))
    }

    /// The answer that was recorded before this process took the run up.
    pub(super) fn recorded(&self, seq: u64) -> Result<Option<Recorded>, StoreError> {
        self.before.as_ref().map_or(Ok(None), |before| before.recorded(seq))
    }

    /// What the run that this one is made from has to say to the same request.
    pub(super) fn known(
        &self,
        key: TrialKey,
        messages: &[Message],
    ) -> Result<Option<Reply>, StoreError> {
        self.fork.as_ref().map_or(Ok(None), |fork| fork.answer(key, messages))
    }

    /// Lets no further trial begin, and keeps the first reason why.
    pub(super) fn reach(&self, why: String) {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.end.send_replace(true);
    }

    /// What of the budget is reached.
    pub(super) fn over_budget(&self) -> Option<String> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts an ended trial for the rule by which the run may end early: once enough is known, no
    /// further call begins.
    fn count_ended(&self, key: TrialKey, verdicts: &[Verdict]) {
        let Some(early) = &self.early else { return };
        let mut early = early.lock().unwrap_or_else(PoisonError::into_inner);
        let value = match verdicts.get(early.scorer()) {
            Some(Verdict::Scored(score)) => Some(score.value),
            _ => None,
        };
        early.add(key, value);
        if early.is_reached() {
            self.end.send_replace(true);
            self.brake.halt();
        }
    }

    /// Whether the run knows enough by its own rule.
    pub(super) fn knows_enough(&self) -> bool {
        let early = self.early.as_ref().map(|early| early.lock());
        early.is_some_and(|early| early.unwrap_or_else(PoisonError::into_inner).is_reached())
    }

    /// Tells the sinks of a row, once for all lanes, before any of its trials.
    pub(super) fn tell_row(&self, row: &Row) {
        // The lock is held while telling, so that no other lane gets ahead of the row.
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let sample = row.sample.index;
        if sample < *untold {
            return;
        }
        *untold = sample + 1;
        self.tell(&Event::Sample(Arc::clone(&row.sample)));
        for (prompt, rendered) in (0_u32..).zip(&row.prompts) {
            if let Ok(messages) = rendered {
                let messages = Arc::clone(messages);
                self.tell(&Event::Rendered { sample, prompt, messages });
            }
        }
    }

    /// Tells every sink, without waiting.
    pub(super) fn tell(&self, event: &Event) {
        for sink in self.sinks.iter() {
            drop(sink.emit(event));
        }
    }

    /// Tells every sink in turn, and waits until each has kept the event: what the ones behind the
    /// store show is in the store.
    pub(super) async fn emit(&self, event: &Event) -> Result<(), SinkError> {
        for sink in self.sinks.iter() {
            if let Some(receipt) = sink.emit(event) {
                receipt.await?;
            }
        }
        Ok(())
    }

    /// Counts a reply, before it is recorded: too many faults end the run at once.
    fn count_reply(&self, fault: bool) {
        let faults = self.faults.fetch_add(u64::from(fault), Ordering::SeqCst) + u64::from(fault);
        let replies = self.replies.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(rate) = self.plan.budget.error_rate
            && faults as f64 > rate * replies.max(FEW) as f64
        {
            self.reach(format!("{faults} of {replies} trials had no answer"));
            self.brake.halt();
        }
    }

    /// Trials that ended, and those of them that failed.
    pub(super) fn tally(&self) -> (u64, u64) {
        (self.ended.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst))
    }
}

/// What to say to the model, or why that could not be made.
type Rendered = Result<Arc<[Message]>, Fault>;

/// One trial to run.
pub(super) struct Trial {
    pub(super) key: TrialKey,
    pub(super) sample: Arc<Sample>,
    /// What to say to the model, or why that could not be made.
    pub(super) rendered: Arc<Rendered>,
    /// The answer and some of its verdicts, when these are recorded already. Boxed, since hundreds of
    /// trials wait at a time and few have any.
    pub(super) recorded: Option<Box<Recorded>>,
    /// The reply, when another run has it.
    pub(super) known: Option<Box<Reply>>,
}

impl Trial {
    /// Runs the trial. When the run stops before the call was made, nothing is recorded.
    pub(super) async fn run(self, shared: Arc<Shared>) -> Result<(), SinkError> {
        let Self { key, sample, rendered, recorded, known: reply } = self;
        let (answer, known) = match recorded {
            Some(recorded) => {
                let Recorded { answer, verdicts } = *recorded;
                (Arc::new(answer), verdicts)
            }
            None => {
                let Some(answer) = ask(&shared, key, &sample, (&rendered, reply)).await? else {
                    return Ok(());
                };
                shared.emit(&Event::Answered(Arc::clone(&answer))).await?;
                (answer, Vec::new())
            }
        };
        let messages = rendered.as_ref().as_ref().map(Arc::clone).unwrap_or_default();
        if shared.desk.compares() {
            return Box::pin(meeting::arrive(&shared, key, &sample, &messages)).await;
        }
        let rivals = Arc::default();
        score(&shared, Subjects { sample, answer, messages, rivals }, known).await
    }
}

/// Scores an answer that is recorded, except for the verdicts that are `known`. When the run stops
/// first, nothing is recorded.
pub(super) async fn score(
    shared: &Shared,
    subjects: Subjects,
    known: Vec<Option<Verdict>>,
) -> Result<(), SinkError> {
    let verdicts = match judge::verdicts(&shared.desk, &subjects, known).await? {
        Outcome::Verdicts(verdicts) => verdicts,
        Outcome::Open(why) => {
            if let Some(why) = why {
                shared.reach(format!("judges: {why}"));
            }
            return Ok(());
        }
    };
    let answer = &subjects.answer;
    let broken = verdicts.iter().any(Verdict::is_failure);
    let failed = broken || answer.status() == Status::Error;
    let scored = Arc::new(Scored { key: answer.key, verdicts });
    shared.emit(&Event::Scored(Arc::clone(&scored))).await?;
    shared.count_ended(scored.key, &scored.verdicts);
    shared.failed.fetch_add(u64::from(failed), Ordering::SeqCst);
    shared.ended.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// Calls the model, unless the reply is known. `None` when the run stopped, or reached its budget, before there was an answer.
async fn ask(
    shared: &Shared,
    key: TrialKey,
    sample: &Arc<Sample>,
    (rendered, known): (&Rendered, Option<Box<Reply>>),
) -> Result<Option<Arc<Answer>>, SinkError> {
    let target = &shared.plan.targets[key.model as usize];
    let reply = match (rendered, known) {
        (_, Some(reply)) => *reply,
        (Ok(messages), None) => {
            let call = Call {
                target: Arc::clone(target),
                messages: Arc::clone(messages),
                sample: Arc::clone(sample),
                prompt: key.prompt,
                epoch: key.epoch,
                requests: Call::MOST_REQUESTS,
                encoded: None,
            };
            shared.client.generate(&call).await
        }
        (Err(fault), None) => Reply {
            result: Err(fault.clone()),
            attempts: Vec::new(),
            served_by: target.name.clone(),
            cached: None,
            limits: None,
        },
    };
    if let Err(fault) = &reply.result
        && matches!(fault.kind, FaultKind::Stopped | FaultKind::Budget)
    {
        if fault.kind == FaultKind::Budget {
            shared.reach(fault.message.clone());
        }
        if !reply.attempts.is_empty() {
            shared.emit(&Event::Left { key, attempts: reply.attempts.into() }).await?;
        }
        return Ok(None);
    }
    shared.count_reply(reply.result.is_err());
    let extracts = &shared.plan.scoring.extracts;
    let extracted = match &reply.result {
        Ok(generation) => {
            extracts.iter().map(|pipeline| pipeline.apply(&generation.text)).collect()
        }
        Err(_) => vec![None; extracts.len()],
    };
    let Reply { result, attempts, served_by, cached, limits: _ } = reply;
    Ok(Some(Arc::new(Answer { key, result, attempts, served_by, cached, extracted })))
}
