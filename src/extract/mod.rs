//! Floor 2: extraction pipelines: which part of an output scorers see.
//!
//! A pipeline is a list of steps; each takes the text that the one before it gave. A step that
//! finds nothing ends the pipeline, and the answer counts as one without the thing that was asked
//! for. The whole output is kept beside what was extracted.

mod fence;
mod json;
pub mod number;
pub mod pattern;
mod step;
mod think;

use std::borrow::Cow;

use serde_json::Value;

use crate::extract::step::Step;

/// A pipeline that cannot be built. `index` is the step's place, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// There is no step.
    #[error("extract `{pipeline}` has no steps")]
    Empty {
        /// The pipeline's id.
        pipeline: String,
    },
    /// An entry is neither a name nor a map of one key.
    #[error(
        "extract `{pipeline}`, step {index}: {found} is no step; write a step's name, or \
         `name: argument`"
    )]
    NotAStep {
        /// The pipeline's id.
        pipeline: String,
        /// Which step.
        index: usize,
        /// What stands there.
        found: String,
    },
    /// No step has this name.
    #[error("extract `{pipeline}`, step {index}: unknown step `{step}`; {hint}")]
    UnknownStep {
        /// The pipeline's id.
        pipeline: String,
        /// Which step.
        index: usize,
        /// The name as written.
        step: String,
        /// The nearest name and all that there are.
        hint: String,
    },
    /// A step's argument is wrong.
    #[error("extract `{pipeline}`, step {index}, `{step}`: {message}")]
    Argument {
        /// The pipeline's id.
        pipeline: String,
        /// Which step.
        index: usize,
        /// The step's name.
        step: &'static str,
        /// What is wrong, and what is allowed.
        message: String,
    },
}

/// A named list of steps over one output.
#[derive(Debug, Clone)]
pub struct Pipeline {
    id: String,
    steps: Vec<Step>,
}

impl Pipeline {
    /// The pipeline that `value` writes: a step's name, a map of one step and its argument, or a
    /// list of those. Patterns and paths are compiled here, once.
    ///
    /// # Errors
    /// No steps, a step that does not exist, an argument that is wrong.
    pub fn from_value(id: &str, value: &Value) -> Result<Self, ExtractError> {
        let entries = match value {
            Value::Array(entries) => entries.as_slice(),
            Value::Null => &[],
            single => std::slice::from_ref(single),
        };
        if entries.is_empty() {
            return Err(ExtractError::Empty { pipeline: id.to_owned() });
        }
        let parse = |(at, entry)| step::parse(entry).map_err(|problem| problem.locate(id, at + 1));
        let steps = entries.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { id: id.to_owned(), steps })
    }

    /// The pipeline's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the steps make of `output`; `None` when one of them finds nothing.
    pub fn apply(&self, output: &str) -> Option<String> {
        let whole = Some(Cow::Borrowed(output));
        let found = self.steps.iter().fold(whole, |text, step| match text? {
            Cow::Borrowed(text) => step.apply(text),
            Cow::Owned(text) => step.apply(&text).map(|found| Cow::Owned(found.into_owned())),
        });
        found.map(Cow::into_owned)
    }
}

#[cfg(test)]
mod tests;
