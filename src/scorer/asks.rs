//! Scorers that ask somebody: a program, an endpoint, a model.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{sync::watch, time::Instant};

use super::Subject;
use crate::domain::score::Verdict;

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

    /// How many questions may be open at a time.
    fn at_once(&self) -> usize {
        8
    }

    /// How long one question may take, when the config does not say; waiting for one's turn is not
    /// counted.
    fn limit(&self) -> Duration {
        DEFAULT_LIMIT
    }

    /// The programs that it starts, as a person would type them.
    fn starts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends what it holds open: the run is over.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
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
    /// When the question is dropped.
    pub deadline: Instant,
    /// Turns true when nothing new is to be sent to anybody.
    pub halted: watch::Receiver<bool>,
}
