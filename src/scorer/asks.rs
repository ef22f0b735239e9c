//! Scorers that ask somebody: a program, an endpoint, a model.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::{sync::watch, time::Instant};

use super::Subject;
use crate::domain::{
    fault::Fault, generation::Generation, message::Message, sample::Sample, score::Verdict,
    target::Target, trial::Status,
};

/// How long a scorer may take for one answer, when nobody says otherwise.
pub const DEFAULT_LIMIT: Duration = Duration::from_mins(1);

/// A scorer that asks somebody, and so has to wait.
///
/// The run sees to the rest: it asks [`Asks::at_once`] things at a time and drops the question when
/// its time is over or the run ends. Whatever goes wrong is a [`Verdict::Failed`], never a score.
pub trait Asks: Send + Sync + fmt::Debug {
    /// What the asked one says of `subject`. Dropping the future abandons the question.
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict>;

    /// Whether it can say nothing of a sample without expected answers.
    fn needs_expected(&self) -> bool {
        false
    }

    /// The dataset columns that it reads; a run whose dataset lacks one is refused.
    fn columns(&self) -> &[String] {
        &[]
    }

    /// How many questions may be open at a time. Who asks models may ask many: the client knows better
    /// when each may be sent.
    fn at_once(&self) -> usize {
        4_096
    }

    /// How long one question may take, when the config does not say; waiting for one's turn is not
    /// counted. Who asks models has the time that the calls have, each of which is limited.
    fn limit(&self) -> Duration {
        Duration::from_hours(24)
    }

    /// The programs that it starts, as a person would type them.
    fn starts(&self) -> Vec<String> {
        Vec::new()
    }

    /// The models that it asks, by which the run knows their prices, limits and credentials.
    fn targets(&self) -> Vec<Arc<Target>> {
        Vec::new()
    }

    /// The calls that it will make about an answer to `sample`, as far as they can be foreseen; for
    /// estimates. What an answer will say is not known: leave it out, the estimate adds its length.
    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        let _ = sample;
        Vec::new()
    }

    /// What a run keeps of it besides its options, under keys of its own: what these stood for then.
    fn facts(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Whether it looks at the answers of other models too, which [`Context::rivals`] then has: it is
    /// asked when all models have answered the question.
    fn compares(&self) -> bool {
        false
    }

    /// The models of the run that it names; a run without one is refused.
    fn names_models(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends what it holds open: the run is over.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Calls that a scorer will make.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// Whom it asks.
    pub target: Arc<Target>,
    /// What it says, without the answer.
    pub messages: Vec<Message>,
    /// How often.
    pub times: u64,
}

/// The answer of another model to the same question.
#[derive(Debug, Clone, Copy)]
pub struct Rival<'a> {
    /// Index of the model.
    pub model: u32,
    /// Its name.
    pub name: &'a str,
    /// How its trial ended.
    pub status: Status,
    /// What the scorer sees of its answer; `None` when there is none, or the extraction found
    /// nothing.
    pub output: Option<&'a str>,
}

/// What is known of a question besides its subject.
#[derive(Debug)]
pub struct Context<'a> {
    /// The scorer's id in results.
    pub scorer: &'a str,
    /// The name of the model that is scored.
    pub model: &'a str,
    /// The id of the prompt.
    pub prompt: &'a str,
    /// What was said to the model that is scored; empty where that is not known.
    pub messages: &'a [Message],
    /// The answers of the other models, by their indices; none for scorers that do not compare.
    pub rivals: &'a [Rival<'a>],
    /// When the question is dropped.
    pub deadline: Instant,
    /// Turns true when nothing new is to be sent to anybody.
    pub halted: watch::Receiver<bool>,
    /// Through whom models are asked. [`judge::Step`](super::judge::Step) does it.
    pub models: &'a dyn Consult,
}

/// Asks models for scorers. The run implements it: calls pass through its client, and what comes back
/// is on the disk before the scorer sees it. A question that was asked before in the same run, of this
/// trial or another, is not asked again.
pub trait Consult: Send + Sync + fmt::Debug {
    /// Asks `question` and reads the reply by `read`.
    ///
    /// A fault means that there is no reply. The scorer then gives a [`Verdict::Failed`]; whether it is
    /// recorded is for the run to say.
    fn consult<'a>(
        &'a self,
        question: &'a Question,
        read: &'a Read<'a>,
    ) -> BoxFuture<'a, Result<Consulted, Fault>>;

    /// Asks `target` for the vectors of `texts`, one for each. What the response cache has is not asked
    /// for; who needs a vector twice in a run keeps it.
    ///
    /// A fault is as with [`Consult::consult`].
    fn vectors<'a>(
        &'a self,
        target: &'a Arc<Target>,
        texts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Fault>>;
}

/// Reads what a scorer asked for out of a reply, or says why it cannot: a fragment, with nothing in it
/// that varies. It is called again on replies that are recorded, so it depends on the reply alone.
pub type Read<'a> = dyn Fn(&Generation) -> Result<Value, String> + Send + Sync + 'a;

/// A question to a model.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is for, for the record: `verdict`, `claims`, …
    pub step: String,
    /// Whom to ask; the same `Arc` every time.
    pub target: Arc<Target>,
    /// What to say.
    pub messages: Vec<Message>,
    /// What simulated and recorded models go by.
    pub sample: Arc<Sample>,
    /// Repeat of the same question, from 0.
    pub repeat: u32,
    /// How often it was asked again because the reply could not be used, from 0.
    pub turn: u32,
    /// Whether the scorer gives up when this reply cannot be used either.
    pub last: bool,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Consulted {
    /// The reply.
    pub generation: Generation,
    /// What was read out of it, or why it cannot be used.
    pub read: Result<Value, String>,
}
