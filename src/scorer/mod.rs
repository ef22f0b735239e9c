//! Floor 3: scorers, one a file.
//!
//! A scorer looks at one answer and gives a verdict; it asks nobody and keeps nothing. [`SCORERS`]
//! lists them in the order of help, README and reports. An answer that is missing, refused, cut or
//! empty never reaches a scorer: the runner settles those.

mod args;
mod compare;
mod contains;
mod cost;
mod deep;
mod exact_match;
mod is_html;
mod is_json;
mod is_sql;
mod is_xml;
mod is_yaml;
mod json;
mod json_diff;
mod json_path;
mod json_schema;
mod latency;
mod levenshtein;
mod normalize;
mod numeric;
mod one_of;
mod quantity;
mod regex;
mod schema;
mod sql_execution;
mod tool_calls;

use std::fmt;

pub use args::{ArgError, Args, Site};

use crate::domain::{generation::Generation, sample::Sample, score::Verdict, trial::Answer};

/// What a scorer looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The dataset row.
    pub sample: &'a Sample,
    /// The trial's answer, with its latency and cost.
    pub answer: &'a Answer,
    /// The model's answer itself.
    pub generation: &'a Generation,
    /// The whole output, or what the scorer's extraction found in it; `None` when that is nothing.
    pub output: Option<&'a str>,
}

/// A scorer with its options.
pub trait Scorer: Send + Sync + fmt::Debug {
    /// What the scorer says of `subject`. Never panics, whatever a model or a dataset wrote.
    fn score(&self, subject: &Subject<'_>) -> Verdict;

    /// Whether it can say nothing of a sample without expected answers.
    fn needs_expected(&self) -> bool {
        false
    }

    /// The dataset columns that it reads; a run whose dataset lacks one is refused.
    fn columns(&self) -> &[String] {
        &[]
    }
}

/// A kind of scorer: its description, and the way from written options to a scorer.
pub trait ScorerKind: Sync {
    /// The description.
    fn card(&self) -> &'static Card;

    /// The scorer that `args` ask for.
    ///
    /// # Errors
    /// An option that is missing, of the wrong type, or has a value that is not allowed.
    fn build(&self, args: &Args) -> Result<Built, ArgError>;
}

/// What a kind builds.
#[derive(Debug)]
pub enum Built {
    /// A scorer that computes.
    Pure(Box<dyn Scorer>),
}

impl Built {
    fn pure(scorer: impl Scorer + 'static) -> Self {
        Self::Pure(Box::new(scorer))
    }
}

/// The description of a scorer, for help, documentation and reports.
#[derive(Debug)]
pub struct Card {
    /// Its name in configs.
    pub name: &'static str,
    /// What it measures, in one sentence.
    pub summary: &'static str,
    /// What its values are.
    pub range: Range,
    /// Which values are good.
    pub better: Better,
    /// Whether it reads the output; others are asked about every answer, whatever it says.
    pub reads_output: bool,
    /// Its options, in the order of the documentation.
    pub options: &'static [OptionCard],
    /// What it does in cases that one may wonder about, a sentence each.
    pub edge_cases: &'static [&'static str],
    /// The definition it follows.
    pub source: &'static str,
}

/// What a scorer's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From 0 to 1.
    Unit,
    /// Any number.
    Number {
        /// Its unit.
        unit: &'static str,
    },
}

/// Which of two values is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
}

/// The description of an option.
#[derive(Debug)]
pub struct OptionCard {
    /// Its name.
    pub name: &'static str,
    /// What may be written: `text`, `flag`, `number`, …
    pub kind: &'static str,
    /// What holds when it is not written.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Every scorer.
pub static SCORERS: &[&dyn ScorerKind] = &[
    &exact_match::ExactMatch,
    &contains::Contains,
    &regex::RegexMatch,
    &one_of::OneOf,
    &numeric::Numeric,
    &levenshtein::Levenshtein,
    &is_json::IsJson,
    &json_schema::JsonSchema,
    &json_diff::JsonDiff,
    &json_path::JsonPathMatch,
    &is_xml::IsXml,
    &is_html::IsHtml,
    &is_yaml::IsYaml,
    &is_sql::IsSql,
    &sql_execution::SqlExecution,
    &tool_calls::ToolCalls,
    &latency::Latency,
    &cost::Cost,
];

/// The kind of scorer called `name`.
pub fn find(name: &str) -> Option<&'static dyn ScorerKind> {
    SCORERS.iter().copied().find(|kind| kind.card().name == name)
}

#[cfg(test)]
mod tests;
