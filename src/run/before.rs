//! What was recorded of a run before this process took it up.

use std::sync::{Mutex, PoisonError};

use super::Places;
use crate::{
    domain::{
        run::{RunRecord, RunStatus},
        trial::Status,
    },
    metric::early::EarlyStop,
    store::{Recorded, Store, StoreError},
};

/// What was recorded of a run before this process took it up. Answers stay where they are until
/// their trial's turn comes.
#[derive(Debug)]
pub struct Before {
    /// Places in the plan of the trials that have their verdicts.
    pub settled: Places,
    /// Of these, trials without an answer or with a scorer that failed.
    pub failed: u64,
    /// Places of the trials that have an answer and lack verdicts: they are scored, not asked.
    pub answered: Places,
    /// Whether what failed is done again: such trials are not among the settled ones.
    pub retry: bool,
    /// What the run's rule for ending early knows from the settled trials.
    pub(super) early: Option<EarlyStop>,
    /// Whether all that is recorded is enough for that rule.
    pub stopped: bool,
    /// Where the answers are.
    store: Mutex<Store>,
    run: RunRecord,
}

impl Before {
    /// What `store` holds of `run`. With `retry`, what failed is done again.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn read(store: Store, run: RunRecord, retry: bool) -> Result<Self, StoreError> {
        let scorers = run.header.scorers.len();
        let mut early = EarlyStop::new(&run.header);
        let mut whole = EarlyStop::new(&run.header);
        let open = run.status != RunStatus::Complete;
        let (mut settled, mut answered, mut failures) = (Places::default(), Places::default(), 0);
        store.digests(&run, &mut |digest| {
            if let Some(whole) = &mut whole {
                whole.add_recorded(&digest, scorers);
            }
            let error = digest.status == Status::Error;
            let broken = digest.scores.iter().any(|score| score.failed);
            // A run that is complete is so with what its judges failed to say.
            let unanswered = open && digest.scores.iter().any(|score| score.unanswered);
            if retry && error {
                return;
            }
            if digest.scores.len() < scorers || (retry && broken) || unanswered {
                answered.insert(digest.key.seq);
                return;
            }
            failures += u64::from(error || broken);
            settled.insert(digest.key.seq);
            if let Some(early) = &mut early {
                early.add_recorded(&digest, scorers);
            }
        })?;
        let stopped = whole.is_some_and(|whole| whole.is_reached());
        let store = Mutex::new(store);
        Ok(Self { settled, failed: failures, answered, retry, early, stopped, store, run })
    }

    /// The answer of the trial at the place `seq`, if it has one and lacks verdicts.
    pub(super) fn recorded(&self, seq: u64) -> Result<Option<Recorded>, StoreError> {
        if !self.answered.contains(seq) {
            return Ok(None);
        }
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.recorded(&self.run, seq)
    }
}
