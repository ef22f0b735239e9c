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

use super::{
    Brake,
    consult::{Bench, End},
    stopped,
};
use crate::{
    domain::{
        contract::SinkError,
        message::Message,
        run::RunRecord,
        sample::Sample,
        score::Verdict,
        trial::{Answer, Status},
    },
    plan::{PlannedScorer, Scoring},
    scorer::{Asks, Built, Context, Rival, Scorer, Subject},
    store::Recorded,
};

/// How much later than it should a question may end, to say why.
const SLACK: Duration = Duration::from_secs(1);

/// Where answers are scored.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) scoring: Arc<Scoring>,
    turns: Turns,
    brake: Arc<Brake>,
    /// Through what scorers ask models.
    bench: Bench,
}

impl Desk {
    pub(super) fn new(scoring: Arc<Scoring>, brake: Arc<Brake>, bench: Bench) -> Self {
        Self { turns: Turns::of(&scoring.scorers), scoring, brake, bench }
    }

    /// Whether a scorer looks at the answers of all models.
    pub(super) fn compares(&self) -> bool {
        self.scoring.compares()
    }

    /// The answer at the place `seq` of `run`, with its verdicts, out of the record.
    pub(super) fn recorded(
        &self,
        run: &RunRecord,
        seq: u64,
    ) -> Result<Option<Recorded>, SinkError> {
        self.bench.recorded(run, seq)
    }
}

/// What is scored.
#[derive(Debug, Clone)]
pub(super) struct Subjects {
    pub(super) sample: Arc<Sample>,
    pub(super) answer: Arc<Answer>,
    /// What was said to the model; nothing where that is not known.
    pub(super) messages: Arc<[Message]>,
    /// The answers of the other models to the same question, where a scorer compares them.
    pub(super) rivals: Arc<[Arc<Answer>]>,
}

/// What came of scoring.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// One verdict a scorer.
    Verdicts(Vec<Verdict>),
    /// The run ended before all could be asked: the verdicts are made when it is resumed. With the
    /// reason, where its budget did.
    Open(Option<String>),
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

/// One verdict a scorer; those that are `known` stand. Cheap scorers come first, and those that wait
/// for the scores of others last.
///
/// # Errors
/// What a model said could not be recorded.
pub(super) async fn verdicts(
    desk: &Desk,
    subjects: &Subjects,
    known: Vec<Option<Verdict>>,
) -> Result<Outcome, SinkError> {
    let scorers = &desk.scoring.scorers;
    let known = known.into_iter().chain(std::iter::repeat(None));
    let mut verdicts: Vec<Option<Verdict>> = known.take(scorers.len()).collect();
    let last = scorers.iter().map(|planned| planned.stage).max().unwrap_or(0);
    for stage in 0..=last {
        let due = (0..scorers.len()).filter(|index| scorers[*index].stage == stage);
        let due: Vec<usize> = due.filter(|index| verdicts[*index].is_none()).collect();
        let mut open = Vec::new();
        for index in due {
            let planned = &scorers[index];
            let verdict = uncalled(planned, scorers, &verdicts)
                .or_else(|| at_once(&desk.scoring, planned, subjects));
            open.extend(verdict.is_none().then_some(index));
            verdicts[index] = verdict;
        }
        let later = open.iter().map(|index| later(desk, *index, subjects));
        let mut unsettled = None;
        for (index, settled) in open.iter().zip(join_all(later).await) {
            match settled? {
                Settled::Verdict(verdict) => verdicts[*index] = Some(verdict),
                Settled::Open(why) => unsettled = unsettled.or(Some(why)),
            }
        }
        if let Some(why) = unsettled {
            return Ok(Outcome::Open(why));
        }
    }
    Ok(Outcome::Verdicts(verdicts.into_iter().flatten().collect()))
}

/// That the scorer is not called on, by what the others said.
fn uncalled(
    planned: &PlannedScorer,
    scorers: &[PlannedScorer],
    verdicts: &[Option<Verdict>],
) -> Option<Verdict> {
    let when = planned.when.as_ref()?;
    let verdict = |id: &str| {
        let index = scorers.iter().position(|scorer| scorer.id == id)?;
        verdicts[index].as_ref()
    };
    let text = when.text();
    match when.holds(&verdict) {
        Some(true) => None,
        Some(false) => Some(Verdict::Skipped(format!("`when: {text}` does not hold"))),
        None => Some(Verdict::Skipped(format!("`when: {text}` rests on a score that is missing"))),
    }
}

/// What came of a scorer that is waited for.
enum Settled {
    Verdict(Verdict),
    /// The run ended first; with the reason, where its budget did.
    Open(Option<String>),
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
    Subjects { sample, answer, .. }: &Subjects,
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
async fn later(desk: &Desk, index: usize, subjects: &Subjects) -> Result<Settled, SinkError> {
    match &desk.scoring.scorers[index].scorer {
        Built::Pure(_) => {
            let verdict = computed(desk, index, subjects).await;
            Ok(verdict.map_or(Settled::Open(None), Settled::Verdict))
        }
        Built::Asks(scorer) => asked(desk, index, &**scorer, subjects).await,
    }
}

/// Scores in a thread of its own.
async fn computed(desk: &Desk, index: usize, subjects: &Subjects) -> Option<Verdict> {
    // Given back when the time is over, although the thread may still be at work: else a few that
    // never end would stop the run.
    let _place = turn(desk, &desk.turns.threads).await?;
    let (scoring, Subjects { sample, answer, .. }) = (Arc::clone(&desk.scoring), subjects.clone());
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
    Subjects { sample, answer, messages, rivals }: &Subjects,
) -> Result<Settled, SinkError> {
    let scoring = &desk.scoring;
    let planned = &scoring.scorers[index];
    let subject = match subject(scoring, planned, sample, answer) {
        Ok(subject) => subject,
        Err(skipped) => return Ok(Settled::Verdict(skipped)),
    };
    let Some(_place) = turn(desk, &desk.turns.questions[index]).await else {
        return Ok(Settled::Open(None));
    };
    let deadline = Instant::now() + planned.limit;
    let models = desk.bench.about(answer.key, index);
    let rivals: Vec<Rival<'_>> =
        rivals.iter().map(|rival| as_rival(scoring, planned, rival)).collect();
    let context = Context {
        rivals: &rivals,
        scorer: &planned.id,
        model: &scoring.models[answer.key.model as usize],
        prompt: &scoring.prompts[answer.key.prompt as usize],
        messages,
        deadline,
        halted: desk.brake.halted(),
        models: &models,
    };
    let asking = AssertUnwindSafe(scorer.ask(subject, &context)).catch_unwind();
    // The scorer knows its deadline, and what to say of it; this is for those who forget it.
    let verdict = match timeout_at(deadline + SLACK, asking).await {
        Ok(Ok(verdict)) => answered(sound(verdict), models.used()),
        Ok(Err(_)) => broken(),
        Err(_) => answered(late(planned.limit), models.used()),
    };
    match models.end() {
        End::None => Ok(Settled::Verdict(verdict)),
        End::Stopped => Ok(Settled::Open(None)),
        End::Budget(why) => Ok(Settled::Open(Some(why))),
        End::Broken(error) => Err(error),
    }
}

/// Another model's answer, as a scorer sees it.
fn as_rival<'a>(scoring: &'a Scoring, planned: &PlannedScorer, rival: &'a Answer) -> Rival<'a> {
    let generation = rival.result.as_ref().ok();
    Rival {
        model: rival.key.model,
        name: &scoring.models[rival.key.model as usize],
        status: rival.status(),
        output: match planned.extract {
            None => generation.map(|generation| generation.text.as_str()),
            Some(pipeline) => rival.extracted.get(pipeline).and_then(Option::as_deref),
        },
    }
}

/// A scorer that asked a model and has failed may do better when it asks again.
fn answered(verdict: Verdict, asked: bool) -> Verdict {
    match verdict {
        Verdict::Failed(why) if asked => Verdict::Unanswered(why),
        verdict => verdict,
    }
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
