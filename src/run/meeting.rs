//! Answers that are compared with each other are scored together, when the last of them is there.
//!
//! A trial that is not the last one to arrive leaves its answer in the store and ends; the last one
//! scores them all. So nothing waits, and of a question that is open one number is held.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    judge::Subjects,
    trial::{Shared, score},
};
use crate::{
    domain::{
        contract::SinkError,
        message::Message,
        run::{RunRecord, RunStatus},
        sample::Sample,
        trial::{Answer, TrialKey},
    },
    store::Recorded,
};

/// For each open question, by sample, prompt and epoch: the trials that have not arrived yet.
#[derive(Debug, Default)]
pub(super) struct Meetings(Mutex<HashMap<(u64, u32, u32), usize>>);

impl Meetings {
    /// Whether the trial is the last of its question, of which so many are `due` in all.
    fn completes(&self, key: TrialKey, due: usize) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let question = (key.sample, key.prompt, key.epoch);
        let left = open.entry(question).or_insert(due);
        *left = left.saturating_sub(1);
        let last = *left == 0;
        if last {
            open.remove(&question);
        }
        last
    }
}

/// Takes note that the trial has its answer on the disk; when it is the last one of its question,
/// scores those that are not settled.
pub(super) async fn arrive(
    shared: &Shared,
    key: TrialKey,
    sample: &Arc<Sample>,
    messages: &Arc<[Message]>,
) -> Result<(), SinkError> {
    let header = &shared.plan.header;
    let places: Vec<u64> = (0..header.models.len() as u32)
        .map(|model| header.place(key.sample, key.prompt, model, key.epoch))
        .collect();
    let due: Vec<u64> = places.iter().copied().filter(|seq| !shared.is_settled(*seq)).collect();
    if !shared.meetings.completes(key, due.len()) {
        return Ok(());
    }
    let run = RunRecord { header: header.clone(), status: RunStatus::Running, finished_ms: None };
    let mut all = Vec::new();
    for seq in places {
        if let Some(Recorded { answer, verdicts }) = shared.desk.recorded(&run, seq)? {
            all.push((Arc::new(answer), verdicts));
        }
    }
    let answers: Vec<Arc<Answer>> = all.iter().map(|(answer, _)| Arc::clone(answer)).collect();
    for (answer, known) in all {
        if !due.contains(&answer.key.seq) {
            continue;
        }
        let subjects = Subjects {
            sample: Arc::clone(sample),
            messages: Arc::clone(messages),
            rivals: rivals(&answers, answer.key.model),
            answer,
        };
        score(shared, subjects, known).await?;
    }
    Ok(())
}

/// All but the answer of `model`.
fn rivals(answers: &[Arc<Answer>], model: u32) -> Arc<[Arc<Answer>]> {
    answers.iter().filter(|answer| answer.key.model != model).map(Arc::clone).collect()
}
