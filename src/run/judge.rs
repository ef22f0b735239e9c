//! Scoring an answer: cheap scorers at once, the others where nobody waits for them.
//!
//! A scorer that computes for long gets a thread, one that asks somebody is awaited; each of both
//! has its own bound. A scorer that breaks or takes too long has failed, which is recorded and no
//! score; the trial and the run go on.

use std::{
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use super::{Brake, stopped};
use crate::{
    domain::{
        sample::Sample,
        score::Verdict,
        trial::{Answer, Status},
    },
    plan::{PlannedScorer, Scoring},
    scorer::{Asks, Built, Context, Scorer, Subject},
};

/// How much later than it should a question may end, to say why.
const SLACK: Duration = Duration::from_secs(1);

/// Where answers are scored.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) scoring: Arc<Scoring>,
    turns: Turns,
    brake: Arc<Brake>,
}

impl Desk {
    pub(super) fn new(scoring: Arc<Scoring>, brake: Arc<Brake>) -> Self {
        Self { turns: Turns::of(&scoring.scorers), scoring, brake }
    }
}

/// Where scorers wait for their turn.
#[derive(Debug)]
struct Turns {
    /// Threads that compute.
    threads: Semaphore,
    /// Questions that may be open, by scorer.
    questions: Vec<Semaphore>,
}

impl Turns {
    fn of(scorers: &[PlannedScorer]) -> Self {
        let at_once = |planned: &PlannedScorer| match &planned.scorer {
            Built::Pure(_) => 0,
            Built::Asks(scorer) => scorer.at_once().clamp(1, Semaphore::MAX_PERMITS),
        };
        Self {
            threads: Semaphore::new(thread::available_parallelism().map_or(2, NonZero::get)),
            questions: scorers.iter().map(|planned| Semaphore::new(at_once(planned))).collect(),
        }
    }
}

/// One verdict a scorer; those that are `known` stand. `None` when the run ended before all could be
/// asked: the verdicts are then made when it is resumed.
pub(super) async fn verdicts(
    desk: &Desk,
    sample: &Arc<Sample>,
    answer: &Arc<Answer>,
    known: Vec<Option<Verdict>>,
) -> Option<Vec<Verdict>> {
    let scoring = &desk.scoring;
    let known = known.into_iter().chain(std::iter::repeat(None));
    let mut verdicts: Vec<Option<Verdict>> = scoring
        .scorers
        .iter()
        .zip(known)
        .map(|(planned, known)| known.or_else(|| at_once(scoring, planned, sample, answer)))
        .collect();
    let open = (0..verdicts.len()).filter(|index| verdicts[*index].is_none());
    let open: Vec<usize> = open.collect();
    if !open.is_empty() {
        let later = open.iter().map(|index| later(desk, *index, sample, answer));
        for (index, verdict) in open.iter().zip(join_all(later).await) {
            verdicts[*index] = verdict;
        }
    }
    verdicts.into_iter().collect()
}

/// Ends what scorers hold open.
pub(super) async fn close(scorers: &[PlannedScorer]) {
    let asking = scorers.iter().filter_map(|planned| match &planned.scorer {
        Built::Pure(_) => None,
        Built::Asks(scorer) => Some(scorer.close()),
    });
    join_all(asking).await;
}

/// The verdict that needs no waiting; `None` where the scorer asks somebody or may take long.
fn at_once(
    scoring: &Scoring,
    planned: &PlannedScorer,
    sample: &Sample,
    answer: &Answer,
) -> Option<Verdict> {
    let subject = match subject(scoring, planned, sample, answer) {
        Ok(subject) => subject,
        Err(skipped) => return Some(skipped),
    };
    match &planned.scorer {
        Built::Pure(scorer) if !planned.limited && !scorer.is_heavy(&subject) => {
            Some(guarded(&**scorer, &subject))
        }
        _ => None,
    }
}

/// What the scorer looks at, or why it does not apply.
fn subject<'a>(
    scoring: &Scoring,
    planned: &PlannedScorer,
    sample: &'a Sample,
    answer: &'a Answer,
) -> Result<Subject<'a>, Verdict> {
    let skipped = |why: &str| Err(Verdict::Skipped(why.to_owned()));
    let Ok(generation) = &answer.result else { return skipped("there is no answer") };
    let status = answer.status();
    if planned.card.reads_output && status != Status::Ok && !scoring.score_also.contains(&status) {
        return skipped(match status {
            Status::Length => "the answer was cut at the token limit",
            Status::Refused => "the model declined to answer",
            _ => "the answer is empty",
        });
    }
    let output = match planned.extract {
        None => Some(generation.text.as_str()),
        Some(pipeline) => answer.extracted[pipeline].as_deref(),
    };
    Ok(Subject { sample, answer, generation, output })
}

/// The verdict of a scorer that is waited for.
async fn later(
    desk: &Desk,
    index: usize,
    sample: &Arc<Sample>,
    answer: &Arc<Answer>,
) -> Option<Verdict> {
    match &desk.scoring.scorers[index].scorer {
        Built::Pure(_) => computed(desk, index, sample, answer).await,
        Built::Asks(scorer) => asked(desk, index, &**scorer, sample, answer).await,
    }
}

/// Scores in a thread of its own.
async fn computed(
    desk: &Desk,
    index: usize,
    sample: &Arc<Sample>,
    answer: &Arc<Answer>,
) -> Option<Verdict> {
    // Given back when the time is over, although the thread may still be at work: else a few that
    // never end would stop the run.
    let _place = turn(desk, &desk.turns.threads).await?;
    let (scoring, sample, answer) =
        (Arc::clone(&desk.scoring), Arc::clone(sample), Arc::clone(answer));
    let limit = scoring.scorers[index].limit;
    let work = tokio::task::spawn_blocking(move || {
        let planned = &scoring.scorers[index];
        match (&planned.scorer, subject(&scoring, planned, &sample, &answer)) {
            (Built::Pure(scorer), Ok(subject)) => guarded(&**scorer, &subject),
            (_, Err(skipped)) => skipped,
            (Built::Asks(_), _) => broken(),
        }
    });
    Some(match timeout_at(Instant::now() + limit, work).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => broken(),
        Err(_) => late(limit),
    })
}

/// Asks whom the scorer asks.
async fn asked(
    desk: &Desk,
    index: usize,
    scorer: &dyn Asks,
    sample: &Sample,
    answer: &Answer,
) -> Option<Verdict> {
    let scoring = &desk.scoring;
    let planned = &scoring.scorers[index];
    let subject = match subject(scoring, planned, sample, answer) {
        Ok(subject) => subject,
        Err(skipped) => return Some(skipped),
    };
    let _place = turn(desk, &desk.turns.questions[index]).await?;
    let deadline = Instant::now() + planned.limit;
    let context = Context {
        scorer: &planned.id,
        model: &scoring.models[answer.key.model as usize],
        prompt: &scoring.prompts[answer.key.prompt as usize],
        deadline,
        halted: desk.brake.halted(),
    };
    let asking = AssertUnwindSafe(scorer.ask(subject, &context)).catch_unwind();
    // The scorer knows its deadline, and what to say of it; this is for those who forget it.
    Some(match timeout_at(deadline + SLACK, asking).await {
        Ok(Ok(verdict)) => sound(verdict),
        Ok(Err(_)) => broken(),
        Err(_) => late(planned.limit),
    })
}

/// Waits for a place; `None` when the run ends first.
async fn turn<'a>(desk: &Desk, places: &'a Semaphore) -> Option<SemaphorePermit<'a>> {
    if let Ok(place) = places.try_acquire() {
        return Some(place);
    }
    let mut halt = desk.brake.halted();
    tokio::select! {
        biased;
        place = places.acquire() => place.ok(),
        () = stopped(&mut halt) => None,
    }
}

/// What `scorer` says of `subject`, whatever becomes of it.
fn guarded(scorer: &dyn Scorer, subject: &Subject<'_>) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| scorer.score(subject))).map_or_else(|_| broken(), sound)
}

/// A score that is no number is a failure.
fn sound(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Scored(score) if !score.value.is_finite() => {
            Verdict::Failed("the scorer gave no finite number".to_owned())
        }
        verdict => verdict,
    }
}

fn broken() -> Verdict {
    Verdict::Failed("the scorer broke; this is an error of the program".to_owned())
}

fn late(limit: Duration) -> Verdict {
    Verdict::Failed(format!("took longer than {} s", limit.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{generation::Generation, score::Score, trial::TrialKey},
        scorer::Scorer,
    };

    #[derive(Debug)]
    struct Says(fn() -> Verdict);

    impl Scorer for Says {
        fn score(&self, _: &Subject<'_>) -> Verdict {
            (self.0)()
        }
    }

    #[test]
    fn a_scorer_that_breaks_or_gives_no_number_has_failed() {
        let sample = Sample {
            index: 0,
            id: "s".into(),
            input: None,
            expected: Vec::new(),
            vars: serde_json::Map::new(),
            metadata: serde_json::Map::new(),
            cluster: None,
            tags: Vec::new(),
        };
        let answer = Answer {
            key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
            result: Ok(Generation::default()),
            attempts: Vec::new(),
            served_by: "m".into(),
            cached: None,
            extracted: Vec::new(),
        };
        let generation = Generation::default();
        let subject =
            Subject { sample: &sample, answer: &answer, generation: &generation, output: None };
        let says = |verdict| guarded(&Says(verdict), &subject);
        assert_eq!(says(|| panic!("on purpose")), broken());
        let no_number = says(|| Verdict::Scored(Score::number(f64::NAN)));
        assert_eq!(no_number, Verdict::Failed("the scorer gave no finite number".to_owned()));
        let passed = || Verdict::Scored(Score::binary(true));
        assert_eq!(says(passed), passed());
    }
}
