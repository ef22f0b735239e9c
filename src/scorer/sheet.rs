//! How scorers of several steps put a question: what is to be done, and the texts that it is about,
//! each between marks.

use serde_json::Value;

use crate::{
    base::fence::Fence,
    domain::score::Verdict,
    scorer::{
        Context, Foreseen, MODEL, OptionCard, Subject,
        judge::{Asked, Check, Step},
    },
};

/// The option for who judges.
pub(super) const JUDGE: OptionCard = OptionCard {
    name: "model",
    kind: MODEL,
    default: "required",
    doc: "Who judges: written as under `models` of a config.",
};

/// The option for how the judge is made to answer.
pub(super) const ANSWERS: OptionCard = OptionCard {
    name: "answers",
    kind: "name",
    default: "`auto`: the strictest that the model is known to have",
    doc: "How it is made to answer: `schema` (a JSON Schema), `tool` (a call), `json`, `text`.",
};

/// A task with what it is about.
#[derive(Debug, Clone)]
pub(super) struct Sheet<'a> {
    task: String,
    shown: Vec<(&'static str, &'a str)>,
}

impl<'a> Sheet<'a> {
    /// What is to be done. It comes from the program or the config, never from a model or a row.
    pub(super) fn new(task: impl Into<String>) -> Self {
        Self { task: task.into(), shown: Vec::new() }
    }

    /// With `text`, which is called `name`.
    #[must_use]
    pub(super) fn show(mut self, name: &'static str, text: &'a str) -> Self {
        self.shown.push((name, text));
        self
    }

    fn fence(&self) -> Fence {
        Fence::around(self.shown.iter().map(|(_, text)| *text))
    }

    fn body(&self, fence: &Fence) -> String {
        let texts = self.shown.iter().map(|(name, text)| fence.wrap(name, text));
        std::iter::once(self.task.trim().to_owned()).chain(texts).collect::<Vec<_>>().join("\n\n")
    }

    /// Asks `step`, and gives what it says.
    ///
    /// # Errors
    /// The verdict to hand on when nothing usable came.
    pub(super) async fn put(
        &self,
        step: &Step,
        subject: &Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Value, Verdict> {
        self.put_checked(step, subject, context, &|_| Ok(())).await
    }

    /// As [`Sheet::put`], for a reply that `check` finds nothing wrong with.
    ///
    /// # Errors
    /// The verdict to hand on when nothing usable came.
    pub(super) async fn put_checked(
        &self,
        step: &Step,
        subject: &Subject<'_>,
        context: &Context<'_>,
        check: &Check<'_>,
    ) -> Result<Value, Verdict> {
        let fence = self.fence();
        let body = self.body(&fence);
        step.ask(context, &Asked::about(subject, &fence, &body).checked(check)).await
    }

    /// The calls that asking `step` so often will make.
    pub(super) fn foreseen(&self, step: &Step, times: u64) -> Foreseen {
        let fence = self.fence();
        Foreseen { times, ..step.foreseen(&fence, &self.body(&fence)) }
    }
}
