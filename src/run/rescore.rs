//! Scores the answers of a recorded run anew, as a run of its own. No model is called.
//!
//! The old run stays as it is. What it has of rows, messages, answers and attempts is copied by the
//! events that any run emits, so a stop leaves a whole store.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{
    Allowed, Brake, Judged, Outcome, RunError,
    consult::Bench,
    judge::{self, Desk, Subjects},
};
use crate::{
    client::Embedder,
    domain::{
        contract::{Generate, Sink, SinkError},
        event::Event,
        message::Message,
        run::{RunHeader, RunRecord, RunStatus},
        sample::Sample,
        score::Verdict,
        trial::{Answer, Scored, Status, TrialKey},
    },
    plan::Scoring,
    store::{Recorded, Store, StoreError},
};

/// Answers that are scored side by side.
const AT_ONCE: usize = 64;

/// What is to be scored anew.
pub struct Rescore<'a> {
    /// The new run.
    pub header: RunHeader,
    /// How.
    pub scoring: Arc<Scoring>,
    /// Where the old run is.
    pub store: &'a Store,
    /// The old run.
    pub run: &'a RunRecord,
    /// Through whom scorers ask models.
    pub judges: Arc<dyn Generate>,
    /// Who makes vectors for scorers.
    pub vectors: Arc<Embedder>,
    /// Where what these say is found again; `None` where no scorer asks one.
    pub judged: Option<Judged>,
    /// Who is told what happens.
    pub sinks: Arc<[Arc<dyn Sink>]>,
    /// Ends it early.
    pub brake: Arc<Brake>,
    /// The failures that leave the run complete.
    pub allowed: Allowed,
}

impl std::fmt::Debug for Rescore<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rescore").field("run", &self.run.header.id).finish_non_exhaustive()
    }
}

/// A verdict that is another one now.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which trial.
    pub key: TrialKey,
    /// The sample's id.
    pub sample: String,
    /// Index of the scorer in the new run.
    pub scorer: usize,
    /// The verdict before.
    pub before: Verdict,
    /// The verdict now.
    pub now: Verdict,
}

/// What came of it.
#[derive(Debug)]
pub struct Rescored {
    /// How it ended.
    pub outcome: Outcome,
    /// For each scorer of the new run: verdicts that could be compared with the old run's. `None`:
    /// the old run has no scorer of this id.
    pub compared: Vec<Option<u64>>,
}

/// Scores every answer of a run anew, in the order of the plan. `tell` hears of every verdict that
/// has changed.
///
/// # Errors
/// The store cannot be read, or what happens cannot be recorded.
pub async fn rescore(
    mut job: Rescore<'_>,
    tell: &mut (dyn FnMut(Change) + Send),
) -> Result<Rescored, RunError> {
    let old = &job.run.header;
    let bench = Bench::new(
        (Arc::clone(&job.judges), Arc::clone(&job.vectors)),
        Arc::clone(&job.sinks),
        job.judged.take(),
    );
    let desk = Desk::new(Arc::clone(&job.scoring), Arc::clone(&job.brake), bench);
    let places: Vec<Option<usize>> = (job.header.scorers.iter())
        .map(|scorer| old.scorers.iter().position(|known| known.id == scorer.id))
        .collect();
    let mut compared: Vec<Option<u64>> = places.iter().map(|place| place.map(|_| 0)).collect();
    let (mut ended, mut failed) = (0, 0);
    emit(&job, &Event::Started(Arc::new(job.header.clone()))).await?;
    let per_sample = old.planned_trials().checked_div(old.samples).unwrap_or(0);
    let (mut halted, mut over) = (false, None);
    for index in 0..old.samples {
        if *job.brake.halted().borrow() {
            halted = true;
            break;
        }
        let Some(sample) = job.store.sample(job.run, index)? else { continue };
        let sample = Arc::new(sample);
        emit(&job, &Event::Sample(Arc::clone(&sample))).await?;
        let mut said: Vec<Arc<[Message]>> = Vec::new();
        for prompt in 0..old.prompts.len() as u32 {
            let messages = job.store.messages(job.run, index, prompt)?;
            said.push(messages.unwrap_or_default().into());
            if let Some(messages) = said.last().filter(|messages| !messages.is_empty()) {
                let messages = Arc::clone(messages);
                emit(&job, &Event::Rendered { sample: index, prompt, messages }).await?;
            }
        }
        let mut seqs = index * per_sample..(index + 1) * per_sample;
        loop {
            let mut batch = Vec::new();
            for seq in seqs.by_ref().take(AT_ONCE) {
                batch.extend(job.store.recorded(job.run, seq)?);
            }
            let done = seqs.is_empty();
            let scored = batch.into_iter().map(|recorded| {
                let rivals = rivals(&job, &desk, recorded.answer.key);
                one(&job, &desk, (&sample, &said), (recorded, rivals))
            });
            for trial in join_all(scored).await {
                let (key, before, verdicts) = match trial? {
                    Ok(judged) => judged,
                    Err(why) => {
                        halted = true;
                        over = over.or(why.map(|why| format!("judges: {why}")));
                        if over.is_some() {
                            // What is paid for is kept, and nothing more is asked.
                            job.brake.halt();
                        }
                        continue;
                    }
                };
                ended += 1;
                let broken = verdicts.iter().any(Verdict::is_failure);
                failed += u64::from(broken || key.1 == Status::Error);
                for (scorer, now) in verdicts.into_iter().enumerate() {
                    let (Some(place), Some(count)) = (places[scorer], &mut compared[scorer]) else {
                        continue;
                    };
                    let Some(before) = before.get(place) else { continue };
                    *count += 1;
                    let before = before.clone().unwrap_or_else(|| {
                        Verdict::Failed("the scorer could not do its work".to_owned())
                    });
                    if differs(&before, &now) {
                        let sample = sample.id.clone();
                        tell(Change { key: key.0, sample, scorer, before, now });
                    }
                }
            }
            if done {
                break;
            }
        }
    }
    judge::close(&job.scoring.scorers).await;
    let status = if over.is_some() {
        RunStatus::Budget
    } else if halted {
        RunStatus::Interrupted
    } else if ended == old.planned_trials() && job.allowed.covers(failed, ended) {
        RunStatus::Complete
    } else {
        RunStatus::Incomplete
    };
    emit(&job, &Event::Finished(status)).await?;
    Ok(Rescored { outcome: Outcome { status, ended, failed, over }, compared })
}

type Scores = ((TrialKey, Status), Vec<Option<Verdict>>, Vec<Verdict>);

/// The answers of the other models to a question.
type Rivals = Arc<[Arc<Answer>]>;

/// One trial; `Err` when the run was stopped before all scorers could be asked, with the reason where
/// the budget did.
async fn one(
    job: &Rescore<'_>,
    desk: &Desk,
    (sample, said): (&Arc<Sample>, &[Arc<[Message]>]),
    (recorded, rivals): (Recorded, Result<Rivals, StoreError>),
) -> Result<Result<Scores, Option<String>>, SinkError> {
    let Recorded { answer, verdicts: before } = recorded;
    let rivals = rivals.map_err(|error| SinkError(error.to_string()))?;
    let answer = extracted(desk, answer);
    emit(job, &Event::Answered(Arc::clone(&answer))).await?;
    let key = answer.key;
    let messages = said.get(key.prompt as usize).map(Arc::clone).unwrap_or_default();
    let status = answer.status();
    let subjects = Subjects { sample: Arc::clone(sample), answer, messages, rivals };
    let verdicts = match judge::verdicts(desk, &subjects, Vec::new()).await? {
        judge::Outcome::Verdicts(verdicts) => verdicts,
        judge::Outcome::Open(why) => return Ok(Err(why)),
    };
    let scored = Scored { key, verdicts: verdicts.clone() };
    emit(job, &Event::Scored(Arc::new(scored))).await?;
    Ok(Ok(((key, status), before, verdicts)))
}

/// The answer with what the new extractions find in it.
fn extracted(desk: &Desk, mut answer: Answer) -> Arc<Answer> {
    let text = answer.result.as_ref().ok().map(|generation| generation.text.as_str());
    let extracts = desk.scoring.extracts.iter();
    answer.extracted = extracts.map(|pipeline| pipeline.apply(text?)).collect();
    Arc::new(answer)
}

/// The answers of the other models to the question of `key`, where a scorer compares them.
fn rivals(job: &Rescore<'_>, desk: &Desk, key: TrialKey) -> Result<Rivals, StoreError> {
    let mut found = Vec::new();
    let old = &job.run.header;
    let others = (0..old.models.len() as u32).filter(|model| *model != key.model);
    for model in others.filter(|_| desk.compares()) {
        let seq = old.place(key.sample, key.prompt, model, key.epoch);
        if let Some(recorded) = job.store.recorded(job.run, seq)? {
            found.push(extracted(desk, recorded.answer));
        }
    }
    Ok(found.into())
}

async fn emit(job: &Rescore<'_>, event: &Event) -> Result<(), SinkError> {
    for sink in job.sinks.iter() {
        if let Some(receipt) = sink.emit(event) {
            receipt.await?;
        }
    }
    Ok(())
}

/// Whether two verdicts say different things; why they say so does not matter.
fn differs(before: &Verdict, now: &Verdict) -> bool {
    match (before, now) {
        (Verdict::Scored(before), Verdict::Scored(now)) => {
            before.value.to_bits() != now.value.to_bits() || before.passed != now.passed
        }
        (Verdict::Skipped(_), Verdict::Skipped(_)) => false,
        (before, now) => !(before.is_failure() && now.is_failure()),
    }
}
