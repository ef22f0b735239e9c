//! How one host's way of speaking the format differs from the plain one: data, so that a host is a
//! row.

use serde_json::{Map, Value, json};

use crate::domain::{params::Effort, target::Flavour};

/// What a host calls things, takes and refuses.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) struct Dialect {
    /// The host in messages for people.
    pub(in crate::provider) title: &'static str,
    /// The endpoints that it has.
    pub(in crate::provider) flavours: &'static [Flavour],
    /// The field for the longest answer in chats.
    pub(in crate::provider) max_tokens: &'static str,
    /// The field for the seed.
    pub(in crate::provider) seed: &'static str,
    /// The field for the length of vectors; `None` where the host makes none.
    pub(in crate::provider) dimensions: Option<&'static str>,
    /// How log probabilities are asked for.
    pub(in crate::provider) logprobs: LogprobForm,
    /// The efforts that it knows; empty: the model decides.
    pub(in crate::provider) efforts: &'static [Effort],
    /// How an effort is written.
    pub(in crate::provider) effort: EffortForm,
    /// How a budget of tokens for thinking is written; `None` where there is no such thing.
    pub(in crate::provider) budget: Option<BudgetForm>,
    /// The word for a tool choice of "at least one"; `None` where there is none.
    pub(in crate::provider) required_tool: Option<&'static str>,
    /// The flag that marks a last message of the assistant as the beginning of the answer.
    pub(in crate::provider) prefill: Option<&'static str>,
    /// Parameters that it refuses, by our names. They are left out, and that is said.
    pub(in crate::provider) drops: &'static [&'static str],
    /// What some of its models refuse; the first rule that fits counts.
    pub(in crate::provider) rules: &'static [ModelRule],
    /// Fields that every request has, unless the config gives them.
    pub(in crate::provider) fixed: &'static [(&'static str, Fixed)],
    /// What else is different.
    pub(in crate::provider) quirks: &'static [Quirk],
}

/// The plain form.
pub(in crate::provider) const PLAIN: Dialect = Dialect {
    title: "the server",
    flavours: &[Flavour::Chat],
    max_tokens: "max_tokens",
    seed: "seed",
    dimensions: None,
    logprobs: LogprobForm::FlagAndCount,
    efforts: &[],
    effort: EffortForm::Flat,
    budget: None,
    required_tool: Some("required"),
    prefill: None,
    drops: &[],
    rules: &[],
    fixed: &[],
    quirks: &[],
};

/// How log probabilities are asked for in chats. Text completions always take the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum LogprobForm {
    /// `logprobs: true` and `top_logprobs: N`.
    FlagAndCount,
    /// `logprobs: N`.
    Count,
}

/// How an effort is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum EffortForm {
    /// `reasoning_effort: WORD`.
    Flat,
    /// `reasoning: {effort: WORD}`.
    Nested,
}

/// How a budget of tokens is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum BudgetForm {
    /// `reasoning: {max_tokens: N}`.
    Nested,
    /// `reasoning_effort: N`.
    Effort,
}

/// What some models of a host refuse.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) struct ModelRule {
    /// The models: whole ids, or their beginnings up to a `-`, `.`, `:` or `@`.
    pub(in crate::provider) models: &'static [&'static str],
    /// Parameters that they never take.
    pub(in crate::provider) drops: &'static [&'static str],
    /// Parameters that they do not take while they reason.
    pub(in crate::provider) thinking_drops: &'static [&'static str],
    /// Whether they reason when no effort is set.
    pub(in crate::provider) thinks: bool,
    /// Their field for the longest answer, where it is another than the host's.
    pub(in crate::provider) max_tokens: Option<&'static str>,
}

/// A rule that changes nothing.
pub(in crate::provider) const NO_RULE: ModelRule =
    ModelRule { models: &[], drops: &[], thinking_drops: &[], thinks: false, max_tokens: None };

/// A fixed value.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) enum Fixed {
    /// `true`.
    True,
    /// A text.
    Text(&'static str),
    /// An object.
    Object(&'static [(&'static str, Self)]),
}

/// A difference that is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Quirk {
    /// `max_completion_tokens` is sent under the name in `max_tokens`.
    OneLimit,
    /// `stream_options` is refused, or not needed.
    NoStreamOptions,
    /// Answers in a given form are not streamed.
    NoStreamedJson,
    /// There is no JSON mode without a schema.
    NoJsonMode,
    /// There is no JSON mode with a schema.
    NoJsonSchema,
    /// `strict` is refused in tools.
    NoStrictTools,
    /// No tool can be chosen by name.
    NoNamedTool,
    /// The role `developer` is sent as `system`.
    NoDeveloper,
    /// A 403 about tokens means that the context is full.
    ForbiddenIsContext,
    /// A reply with neither choices nor error comes from a model that is still being loaded.
    ColdStart,
}

impl Dialect {
    /// Whether the host is different in this way.
    pub(in crate::provider) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// The rule for the model called `model`.
    pub(super) fn rule(&self, model: &str) -> Option<&'static ModelRule> {
        // Fine-tuned models are `ft:BASE:ORGANISATION::ID`; gateways write `vendor/model`.
        let model = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let model = model.strip_prefix("ft:").unwrap_or(&model);
        let fits = |name: &&str| {
            let rest = model.strip_prefix(*name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', ':', '@']))
        };
        self.rules.iter().find(|rule| rule.models.iter().any(&fits))
    }

    /// Adds the fixed fields; in objects that `fields` already has, only what is missing.
    pub(super) fn fill_in(&self, fields: &mut Map<String, Value>) {
        for (name, fixed) in self.fixed {
            match (fields.get_mut(*name), fixed) {
                (None, fixed) => {
                    fields.insert((*name).to_owned(), fixed.to_value());
                }
                (Some(Value::Object(given)), Fixed::Object(inner)) => {
                    for (name, fixed) in *inner {
                        given.entry(*name).or_insert_with(|| fixed.to_value());
                    }
                }
                (Some(_), _) => {}
            }
        }
    }
}

impl Fixed {
    fn to_value(self) -> Value {
        match self {
            Self::True => json!(true),
            Self::Text(text) => json!(text),
            Self::Object(fields) => fields
                .iter()
                .map(|(name, fixed)| ((*name).to_owned(), fixed.to_value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}
