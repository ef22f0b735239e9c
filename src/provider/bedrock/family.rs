//! What differs between the families of models that are reached by the same interface.
//!
//! Converse has fields of its own for what all models share. The rest goes into
//! `additionalModelRequestFields`, in the words of the model's vendor.

use serde_json::{Map, Value, json};

use crate::{
    domain::params::{Effort, Params, Reasoning},
    provider::post,
};

/// The first version of Claude that decides itself how much to think.
const ADAPTIVE: (u32, u32) = (4, 6);

/// The first version of Claude that takes neither sampling parameters nor a thinking budget.
const NO_SAMPLING: (u32, u32) = (4, 7);

const SMALLEST_BUDGET: u64 = 1024;

/// A family of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's Claude, with its version; `None` where the id does not say.
    Claude(Option<(u32, u32)>),
    /// Amazon's Nova of the second generation.
    Nova2,
    /// Amazon's Nova of the first generation.
    Nova,
    /// `OpenAI`'s open models.
    GptOss,
    /// `DeepSeek`.
    DeepSeek,
    /// Cohere's Command.
    Cohere,
    /// Anything else, also what hides behind the address of a profile.
    Other,
}

impl Family {
    /// The family of the model or profile called `id`.
    pub(super) fn of(id: &str) -> Self {
        let id = id.to_ascii_lowercase();
        if let Some((_, rest)) = id.split_once("claude-") {
            return Self::Claude(claude_version(rest));
        }
        let has = |part: &str| id.contains(part);
        if has("nova-2-") {
            Self::Nova2
        } else if has("amazon.nova-") {
            Self::Nova
        } else if has("gpt-oss") {
            Self::GptOss
        } else if has("deepseek") {
            Self::DeepSeek
        } else if has("cohere.command") {
            Self::Cohere
        } else {
            Self::Other
        }
    }

    /// The field for `top_k`, in the words of the vendor.
    pub(super) fn top_k(self, top_k: u64) -> (&'static str, Value) {
        match self {
            Self::Nova | Self::Nova2 => ("inferenceConfig", json!({ "topK": top_k })),
            Self::Cohere => ("k", json!(top_k)),
            _ => ("top_k", json!(top_k)),
        }
    }

    /// Why sampling parameters are left out, if they are.
    pub(super) fn refuses_sampling(self, params: &Params) -> Option<&'static str> {
        match (self, params.reasoning) {
            (Self::Claude(Some(version)), _) if version >= NO_SAMPLING => {
                Some("this model takes none")
            }
            (Self::Claude(_), Some(reasoning)) if reasoning != OFF => {
                Some("this model takes none while it thinks")
            }
            _ => None,
        }
    }

    /// Adds what `params` ask of the model's thinking to `fields`; gives what goes into
    /// `outputConfig.effort` instead.
    ///
    /// # Errors
    ///
    /// What the family cannot do, and what to write instead.
    pub(super) fn reasoning(
        self,
        params: &Params,
        fields: &mut Map<String, Value>,
    ) -> Result<Option<&'static str>, String> {
        match (self, params.reasoning) {
            (_, None) => {}
            (Self::Claude(version), Some(reasoning)) => claude(version, reasoning, params, fields)?,
            (_, Some(Reasoning::MaxTokens(_))) => {
                let message = "only Claude takes `reasoning` in tokens here; use \
                               `reasoning: {effort: low|medium|high}`";
                return Err(message.to_owned());
            }
            (Self::Nova2, Some(Reasoning::Effort(Effort::None))) => {
                fields.insert("reasoningConfig".to_owned(), json!({ "type": "disabled" }));
            }
            (Self::Nova2, Some(Reasoning::Effort(effort))) => {
                if !(Effort::Low..=Effort::High).contains(&effort) {
                    return Err(format!(
                        "Nova 2 knows the efforts `none`, `low`, `medium` and `high`, not `{effort}`"
                    ));
                }
                let config = json!({ "type": "enabled", "maxReasoningEffort": effort });
                fields.insert("reasoningConfig".to_owned(), config);
            }
            (Self::GptOss | Self::DeepSeek, Some(Reasoning::Effort(effort))) => {
                fields.insert("reasoning_effort".to_owned(), json!(effort));
            }
            (_, Some(Reasoning::Effort(effort))) => return known(effort).map(Some),
        }
        Ok(None)
    }
}

const OFF: Reasoning = Reasoning::Effort(Effort::None);

fn claude(
    version: Option<(u32, u32)>,
    reasoning: Reasoning,
    params: &Params,
    fields: &mut Map<String, Value>,
) -> Result<(), String> {
    let adaptive = version.is_none_or(|version| version >= ADAPTIVE);
    match reasoning {
        // Older versions do not think unless they are told to.
        OFF if adaptive => {
            fields.insert("thinking".to_owned(), json!({ "type": "disabled" }));
        }
        OFF => {}
        Reasoning::Effort(_) if !adaptive => {
            return Err(format!(
                "this version of Claude takes `reasoning` in tokens: \
                 `reasoning: {{max_tokens: {SMALLEST_BUDGET}}}` or more"
            ));
        }
        Reasoning::Effort(effort) => {
            let effort = known(effort)?;
            fields.insert("thinking".to_owned(), json!({ "type": "adaptive" }));
            fields.insert("output_config".to_owned(), json!({ "effort": effort }));
        }
        Reasoning::MaxTokens(_) if version.is_some_and(|version| version >= NO_SAMPLING) => {
            let message = "this version of Claude takes no `reasoning` in tokens; use \
                           `reasoning: {effort: low|medium|high|xhigh|max}`";
            return Err(message.to_owned());
        }
        Reasoning::MaxTokens(budget) => {
            if budget < SMALLEST_BUDGET {
                return Err(format!(
                    "Claude thinks with {SMALLEST_BUDGET} tokens or more, not with {budget}"
                ));
            }
            if let Some(most) = post::limit(params).filter(|most| *most <= budget) {
                return Err(format!(
                    "`max_tokens` ({most}) counts thinking as well and must be larger than the \
                     {budget} of `reasoning`"
                ));
            }
            let thinking = json!({ "type": "enabled", "budget_tokens": budget });
            fields.insert("thinking".to_owned(), thinking);
        }
    }
    Ok(())
}

/// The efforts that Converse and Claude have a word for.
fn known(effort: Effort) -> Result<&'static str, String> {
    if effort >= Effort::Low {
        return Ok(effort.name());
    }
    Err(format!("the efforts are `low`, `medium`, `high`, `xhigh` and `max` here, not `{effort}`"))
}

/// The version in what follows `claude-`: `opus-4-6-v1` is 4.6, `3-5-sonnet-20241022` is 3.5. New
/// names without a number, and those after Opus, Sonnet and Haiku, are newer than any number here.
fn claude_version(rest: &str) -> Option<(u32, u32)> {
    let mut words = rest.split(['-', ':', '.']).peekable();
    let first = *words.peek()?;
    if first.starts_with('v') || first == "instant" {
        return Some((2, 0));
    }
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        let name = words.next()?;
        if ["fable", "mythos"].contains(&name) {
            return Some((5, 0));
        }
    }
    // A date, which follows some versions, has eight digits.
    let mut number = || words.next().filter(|word| word.len() <= 2)?.parse().ok();
    let major = number()?;
    Some((major, number().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_the_id() {
        let claude = |major, minor| Family::Claude(Some((major, minor)));
        for (id, family) in [
            ("anthropic.claude-v2:1", claude(2, 0)),
            ("anthropic.claude-3-haiku-20240307-v1:0", claude(3, 0)),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", claude(3, 7)),
            ("anthropic.claude-sonnet-4-20250514-v1:0", claude(4, 0)),
            ("global.anthropic.claude-opus-4-6-v1", claude(4, 6)),
            ("anthropic.claude-opus-5", claude(5, 0)),
            ("anthropic.claude-fable-2-v1:0", claude(5, 0)),
            ("anthropic.claude-new-name", Family::Claude(None)),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova2),
            ("amazon.nova-pro-v1:0", Family::Nova),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("us.deepseek.r1-v1:0", Family::DeepSeek),
            ("cohere.command-r-plus-v1:0", Family::Cohere),
            ("meta.llama3-8b-instruct-v1:0", Family::Other),
            (
                "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
                claude(4, 5),
            ),
            ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc123", Family::Other),
        ] {
            assert_eq!(Family::of(id), family, "{id}");
        }
    }

    fn fields(id: &str, reasoning: &Value, max_tokens: Option<u64>) -> Result<Value, String> {
        let reasoning = Reasoning::from_value(reasoning).expect("reasoning");
        let params = Params { reasoning: Some(reasoning), max_tokens, ..Params::default() };
        let mut fields = Map::new();
        let effort = Family::of(id).reasoning(&params, &mut fields)?;
        Ok(effort.map_or_else(|| Value::Object(fields), |effort| json!(effort)))
    }

    #[test]
    fn thinking_is_asked_for_in_the_words_of_the_family() {
        let effort = |word: &str| json!({ "effort": word });
        let tokens = |count: u64| json!({ "max_tokens": count });
        let (old, new) = ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-4-8");
        let both = "anthropic.claude-opus-4-6-v1";
        for (id, reasoning, becomes) in [
            (old, tokens(2048), json!({"thinking": {"type": "enabled", "budget_tokens": 2048}})),
            (both, tokens(1024), json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})),
            (
                both,
                effort("max"),
                json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
            ),
            (
                new,
                effort("low"),
                json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
            ),
            (new, effort("none"), json!({"thinking": {"type": "disabled"}})),
            (old, effort("none"), json!({})),
            ("openai.gpt-oss-20b-1:0", effort("high"), json!({"reasoning_effort": "high"})),
            (
                "amazon.nova-2-lite-v1:0",
                effort("low"),
                json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
            ),
            (
                "amazon.nova-2-lite-v1:0",
                effort("none"),
                json!({"reasoningConfig": {"type": "disabled"}}),
            ),
            ("x.y", effort("high"), json!("high")),
        ] {
            assert_eq!(fields(id, &reasoning, None), Ok(becomes), "{id} {reasoning}");
        }
        for (id, reasoning, max_tokens) in [
            (old, effort("low"), None),
            (new, tokens(2048), None),
            (old, tokens(100), None),
            (old, tokens(2048), Some(2048)),
            (new, effort("minimal"), None),
            ("amazon.nova-2-lite-v1:0", effort("max"), None),
            ("x.y", effort("none"), None),
            ("x.y", tokens(2048), None),
        ] {
            assert!(fields(id, &reasoning, max_tokens).is_err(), "{id} {reasoning}");
        }
    }
}
