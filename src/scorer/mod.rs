//! Floor 3: scorers, one a file.
//!
//! A scorer looks at one answer and gives a verdict. Most compute it, asking nobody and keeping
//! nothing ([`Scorer`]); some ask a program or a model ([`Asks`]). [`SCORERS`] lists them in the
//! order of help, README and reports. An answer that is missing, refused, cut or empty never reaches
//! a scorer: the runner settles those.

mod against;
mod args;
mod asks;
mod assignment;
mod bleu;
mod bounds;
mod cer;
mod checklist;
mod choice;
mod chrf;
mod classify;
mod code_exec;
mod compare;
mod compose;
mod contains;
mod contains_all;
mod contains_any;
mod cost;
mod deep;
mod drop_f1;
mod edits;
mod embedding_similarity;
mod ends_with;
mod error_rate;
mod exact_match;
mod exec;
mod expr;
pub mod family;
mod finish_reason;
mod g_eval;
mod gleu;
mod graded;
mod ifeval;
mod instruction;
mod is_html;
mod is_json;
mod is_sql;
mod is_xml;
mod is_yaml;
mod jaro_winkler;
mod js;
mod json;
mod json_diff;
mod json_path;
mod json_schema;
pub mod judge;
mod language;
mod latency;
mod latex;
mod length;
mod letter;
mod levenshtein;
mod list_contains;
mod material;
mod math;
mod meteor;
mod ngrams;
mod normalize;
mod numeric;
mod numeric_diff;
mod one_of;
mod parts;
mod perplexity;
mod porter;
mod python;
mod python_text;
mod quantity;
mod rag;
pub mod reference;
mod refusal;
mod regex;
mod rouge;
mod rouge1;
mod rouge2;
mod rouge_l;
mod rouge_lsum;
mod schema;
mod script;
mod sheet;
mod sql_execution;
mod squad;
mod squad_em;
mod squad_f1;
mod starts_with;
mod subsequence;
mod ter;
mod tokens;
mod tokens_per_second;
mod tongue;
mod tool_calls;
mod ttft;
mod vectors;
mod wer;
mod western;
pub mod when;
mod words;

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value};

pub use args::{ArgError, Args, Site, spelled_out};
pub use asks::{Asks, Consult, Consulted, Context, DEFAULT_LIMIT, Foreseen, Question, Read, Rival};
pub use code_exec::{CONFINED, confined};
pub use compose::{Assembled, RowScorers, assemble};

use crate::domain::{
    generation::Generation,
    sample::Sample,
    score::{Corpus, Verdict},
    target::Target,
    trial::Answer,
};

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

    /// How what it counts becomes a value for a whole run; `None` when it does not count.
    fn corpus(&self) -> Option<Corpus> {
        None
    }

    /// Whether it can say nothing of a sample without expected answers.
    fn needs_expected(&self) -> bool {
        false
    }

    /// The dataset columns that it reads; a run whose dataset lacks one is refused.
    fn columns(&self) -> &[String] {
        &[]
    }

    /// Whether `subject` may take so long that other work should not wait for it: it is then scored
    /// in a thread of its own. By default long texts do.
    fn is_heavy(&self, subject: &Subject<'_>) -> bool {
        subject.output.is_some_and(|output| output.len() > LIGHT_BYTES)
            || subject.sample.expected.iter().map(String::len).sum::<usize>() > LIGHT_BYTES
    }
}

/// Bytes of a text that any scorer is quickly done with.
const LIGHT_BYTES: usize = 4 << 10;

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
    /// A scorer that asks somebody.
    Asks(Arc<dyn Asks>),
}

impl Built {
    fn pure(scorer: impl Scorer + 'static) -> Self {
        Self::Pure(Box::new(scorer))
    }

    /// Whether it can say nothing of a sample without expected answers.
    pub fn needs_expected(&self) -> bool {
        match self {
            Self::Pure(scorer) => scorer.needs_expected(),
            Self::Asks(scorer) => scorer.needs_expected(),
        }
    }

    /// The dataset columns that it reads.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Pure(scorer) => scorer.columns(),
            Self::Asks(scorer) => scorer.columns(),
        }
    }

    /// How what it counts becomes a value for a whole run; `None` when it does not count.
    pub fn corpus(&self) -> Option<Corpus> {
        match self {
            Self::Pure(scorer) => scorer.corpus(),
            Self::Asks(_) => None,
        }
    }

    /// How long it may take for one answer, when the config does not say.
    pub fn limit(&self) -> Duration {
        match self {
            Self::Pure(_) => DEFAULT_LIMIT,
            Self::Asks(scorer) => scorer.limit(),
        }
    }

    /// The programs that it starts, as a person would type them.
    pub fn starts(&self) -> Vec<String> {
        self.asks().map(Asks::starts).unwrap_or_default()
    }

    /// The models that it asks.
    pub fn targets(&self) -> Vec<Arc<Target>> {
        self.asks().map(Asks::targets).unwrap_or_default()
    }

    /// What a run keeps of it besides its options.
    pub fn facts(&self) -> Map<String, Value> {
        self.asks().map(Asks::facts).unwrap_or_default()
    }

    /// The scorer, where it asks somebody.
    pub fn asks(&self) -> Option<&dyn Asks> {
        match self {
            Self::Pure(_) => None,
            Self::Asks(scorer) => Some(&**scorer),
        }
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

/// The kind of an option that names a model to ask, as under `models` of a config.
pub const MODEL: &str = "model";

/// The kind of an option that lists models to ask.
pub const MODELS: &str = "list of models";

/// Every scorer.
pub static SCORERS: &[&dyn ScorerKind] = &[
    &exact_match::ExactMatch,
    &contains::Contains,
    &contains_all::ContainsAll,
    &contains_any::ContainsAny,
    &starts_with::StartsWith,
    &ends_with::EndsWith,
    &regex::RegexMatch,
    &one_of::OneOf,
    &length::Length,
    &language::Language,
    &refusal::Refusal,
    &choice::Choice,
    &numeric::Numeric,
    &math::Math,
    &squad_em::SquadEm,
    &squad_f1::SquadF1,
    &drop_f1::DropF1,
    &levenshtein::Levenshtein,
    &jaro_winkler::JaroWinkler,
    &bleu::Bleu,
    &chrf::Chrf,
    &ter::Ter,
    &rouge1::Rouge1,
    &rouge2::Rouge2,
    &rouge_l::RougeL,
    &rouge_lsum::RougeLsum,
    &meteor::Meteor,
    &gleu::Gleu,
    &wer::Wer,
    &cer::Cer,
    &numeric_diff::NumericDiff,
    &list_contains::ListContains,
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
    &ifeval::IfEval,
    &code_exec::CodeExec,
    &latency::Latency,
    &ttft::Ttft,
    &tokens::Tokens,
    &cost::Cost,
    &finish_reason::Finish,
    &tokens_per_second::TokensPerSecond,
    &perplexity::Perplexity,
    &embedding_similarity::EmbeddingSimilarity,
    &judge::Judge,
    &g_eval::GEval,
    &checklist::Checklist,
    &classify::Classify,
    &judge::Pairwise,
    &judge::SelectBest,
    &rag::faithfulness::Faithfulness,
    &rag::answer_relevancy::AnswerRelevancy,
    &rag::answer_correctness::AnswerCorrectness,
    &rag::context_precision::ContextPrecision,
    &rag::context_recall::ContextRecall,
    &rag::context_relevancy::ContextRelevancy,
    &rag::context_entity_recall::ContextEntityRecall,
    &rag::noise_sensitivity::NoiseSensitivity,
    &exec::Exec,
    &python::Python,
    &js::Js,
    &expr::Expr,
    &compose::not::Not,
    &compose::all_of::AllOf,
    &compose::any_of::AnyOf,
    &compose::weighted::Weighted,
    &compose::threshold::Threshold,
    &compose::cascade::Cascade,
];

/// The kind of scorer called `name`.
pub fn find(name: &str) -> Option<&'static dyn ScorerKind> {
    SCORERS.iter().copied().find(|kind| kind.card().name == name)
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
