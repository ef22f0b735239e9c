//! What a host and a model take of the parameters: some are left out, some are refused.
//!
//! Left out is what only shapes sampling, so that one config can ask several models; it is said in
//! a notice before the first call. Refused is what the answer would miss.

use std::borrow::Cow;

use super::dialect::{BudgetForm, Dialect, ModelRule, Quirk};
use crate::{
    domain::{
        fault::{Fault, FaultKind},
        params::{Effort, Params, Reasoning, ResponseFormat, ToolChoice},
        target::{Flavour, HttpEndpoint, Target},
    },
    provider::openai,
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["model", "messages", "prompt", "input", "stream"];

/// What `/responses` does not have.
const NOT_IN_RESPONSES: &[&str] = &[
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "top_k",
    "min_p",
    "repetition_penalty",
];

/// A call's parameters as the host takes them.
#[derive(Debug)]
pub(super) struct Adapted<'a> {
    /// What is left of the parameters.
    pub(super) params: Cow<'a, Params>,
    /// The field for the longest answer.
    pub(super) max_tokens: &'static str,
    /// Whether the answer is streamed.
    pub(super) stream: bool,
    /// What was changed, in a sentence each.
    pub(super) notices: Vec<String>,
}

/// The parameters of `target` as the host takes them.
pub(super) fn adapt<'a>(
    target: &'a Target,
    endpoint: &HttpEndpoint,
    dialect: &Dialect,
) -> Adapted<'a> {
    let chat = endpoint.flavour != Flavour::Completion;
    let rule = Some(()).filter(|()| chat).and_then(|()| rule(target, endpoint, dialect));
    let max_tokens = match endpoint.flavour {
        Flavour::Responses => "max_output_tokens",
        Flavour::Completion => "max_tokens",
        _ => rule.and_then(|rule| rule.max_tokens).unwrap_or(dialect.max_tokens),
    };
    let mut adapted = Adapted {
        params: Cow::Borrowed(&target.params),
        max_tokens,
        stream: endpoint.stream,
        notices: Vec::new(),
    };
    adapted.leave_out(dialect.drops, || format!("{} does not take it", dialect.title));
    if endpoint.flavour == Flavour::Responses {
        adapted.leave_out(NOT_IN_RESPONSES, || "`/responses` has no such field".to_owned());
    }
    if let Some(rule) = rule {
        adapted.follow(rule, model(target, endpoint));
    }
    adapted.one_limit(endpoint.flavour == Flavour::Responses || dialect.has(Quirk::OneLimit));
    let strict = adapted.params.tools.iter().any(|tool| tool.strict.is_some());
    if strict && dialect.has(Quirk::NoStrictTools) {
        for tool in &mut adapted.params.to_mut().tools {
            tool.strict = None;
        }
        adapted
            .notices
            .push(format!("`strict` of tools is left out: {} does not take it", dialect.title));
    }
    let formed = adapted.params.response_format.is_some();
    if formed && adapted.stream && dialect.has(Quirk::NoStreamedJson) {
        adapted.stream = false;
        let notice = "answers are not streamed, and have no time to the first token";
        adapted
            .notices
            .push(format!("{notice}: {} does not stream with `response_format`", dialect.title));
    }
    adapted
}

/// The rule for the model; a base model brings that of its own host, wherever the model runs.
fn rule(target: &Target, endpoint: &HttpEndpoint, dialect: &Dialect) -> Option<&'static ModelRule> {
    match target.base() {
        Some(("openai" | "azure", base)) => openai::DIALECT.rule(base),
        Some((_, base)) => dialect.rule(base),
        None => dialect.rule(model(target, endpoint)),
    }
}

/// The name that rules go by; deployments have names of their own.
fn model<'a>(target: &'a Target, endpoint: &'a HttpEndpoint) -> &'a str {
    match &endpoint.settings.deployment {
        Some(deployment) if target.model.is_empty() => deployment,
        _ => &target.model,
    }
}

impl Adapted<'_> {
    fn leave_out(&mut self, names: &[&'static str], why: impl Fn() -> String) {
        for name in names {
            if is_set(&self.params, name) {
                clear(self.params.to_mut(), name);
                self.notices.push(format!("`{name}` is left out: {}", why()));
            }
        }
    }

    fn follow(&mut self, rule: &ModelRule, model: &str) {
        self.leave_out(rule.drops, || format!("`{model}` does not take it"));
        let thinks = match self.params.reasoning {
            Some(Reasoning::Effort(effort)) => effort != Effort::None,
            Some(Reasoning::MaxTokens(_)) => true,
            None => match self.params.extra.get("reasoning_effort") {
                Some(effort) => effort != "none",
                None => rule.thinks,
            },
        };
        if thinks {
            let mut names = rule.thinking_drops.to_vec();
            // The only temperature that is taken, then.
            names.retain(|name| *name != "temperature" || self.params.temperature != Some(1.0));
            self.leave_out(&names, || format!("`{model}` does not take it while it reasons"));
        }
        if rule.max_tokens.is_some() && self.params.max_tokens.is_some() {
            self.notices.push(format!(
                "`max_tokens` is sent as `{}`, which counts the reasoning of `{model}` as well",
                self.max_tokens
            ));
        }
    }

    /// Sends `max_completion_tokens` under the one name that there is.
    fn one_limit(&mut self, one: bool) {
        const OTHER: &str = "max_completion_tokens";
        if one && self.max_tokens != OTHER && self.params.extra.contains_key(OTHER) {
            let limit = self.params.to_mut().extra.remove(OTHER);
            let limit = limit.and_then(|limit| limit.as_u64());
            self.params.to_mut().max_tokens = limit.or(self.params.max_tokens);
            self.notices.push(format!("`{OTHER}` is sent as `{}`", self.max_tokens));
        }
    }
}

fn is_set(params: &Params, name: &str) -> bool {
    match name {
        "temperature" => params.temperature.is_some(),
        "top_p" => params.top_p.is_some(),
        "max_tokens" => params.max_tokens.is_some(),
        "seed" => params.seed.is_some(),
        "stop" => !params.stop.is_empty(),
        "top_k" => params.top_k.is_some(),
        "min_p" => params.min_p.is_some(),
        "presence_penalty" => params.presence_penalty.is_some(),
        "frequency_penalty" => params.frequency_penalty.is_some(),
        "repetition_penalty" => params.repetition_penalty.is_some(),
        "response_format" => params.response_format.is_some(),
        "tools" => !params.tools.is_empty(),
        "tool_choice" => params.tool_choice.is_some(),
        "reasoning" | "reasoning_effort" => params.reasoning.is_some(),
        "logprobs" | "top_logprobs" => params.logprobs.is_some(),
        _ => false,
    }
}

fn clear(params: &mut Params, name: &str) {
    match name {
        "temperature" => params.temperature = None,
        "top_p" => params.top_p = None,
        "top_k" => params.top_k = None,
        "min_p" => params.min_p = None,
        "presence_penalty" => params.presence_penalty = None,
        "frequency_penalty" => params.frequency_penalty = None,
        "repetition_penalty" => params.repetition_penalty = None,
        "seed" => params.seed = None,
        "stop" => params.stop.clear(),
        "logprobs" => params.logprobs = None,
        _ => {}
    }
}

/// Refuses what the host cannot be asked at all.
pub(super) fn check(
    target: &Target,
    endpoint: &HttpEndpoint,
    dialect: &Dialect,
) -> Result<(), Fault> {
    let Dialect { title, flavours, .. } = dialect;
    let params = &target.params;
    if !flavours.contains(&endpoint.flavour) {
        let known: Vec<&str> = flavours.iter().map(|flavour| flavour.name()).collect();
        let (known, flavour) = (known.join("`, `"), endpoint.flavour.name());
        return Err(bad(format!("{title} has the flavour `{known}` and not `{flavour}`")));
    }
    for name in params.extra.keys() {
        if OWN.contains(&name.as_str()) {
            return Err(bad(format!(
                "the parameter `{name}` is part of every request and cannot be set; remove it"
            )));
        }
        if is_set(params, name) || (name == dialect.seed && params.seed.is_some()) {
            return Err(bad(format!("the parameter `{name}` is set twice; remove one of the two")));
        }
    }
    check_reasoning(params.reasoning, endpoint.flavour, dialect)?;
    match params.response_format {
        Some(ResponseFormat::Json) if dialect.has(Quirk::NoJsonMode) => {
            return Err(bad(format!(
                "{title} gives JSON for a schema only: `response_format: {{schema: …}}`"
            )));
        }
        Some(ResponseFormat::Schema(_)) if dialect.has(Quirk::NoJsonSchema) => {
            return Err(bad(format!("{title} takes no schema; it takes `response_format: json`")));
        }
        _ => {}
    }
    match params.tool_choice {
        Some(ToolChoice::Required) if dialect.required_tool.is_none() => {
            Err(bad(format!("{title} cannot require a tool call; `tool_choice` may be `auto`")))
        }
        Some(ToolChoice::Function(_)) if dialect.has(Quirk::NoNamedTool) => {
            Err(bad(format!("{title} cannot require a certain tool; `tool_choice` may be `auto`")))
        }
        _ => Ok(()),
    }
}

fn check_reasoning(
    reasoning: Option<Reasoning>,
    flavour: Flavour,
    dialect: &Dialect,
) -> Result<(), Fault> {
    let Dialect { title, efforts, .. } = dialect;
    let nested = matches!(dialect.budget, Some(BudgetForm::Nested));
    match reasoning {
        Some(Reasoning::MaxTokens(_))
            if dialect.budget.is_none() || (flavour == Flavour::Responses && !nested) =>
        {
            Err(bad(format!(
                "{title} takes `reasoning` as `{{effort: …}}`, not as `{{max_tokens: …}}`"
            )))
        }
        Some(Reasoning::Effort(effort)) if !efforts.is_empty() && !efforts.contains(&effort) => {
            let known: Vec<&str> = efforts.iter().map(|effort| effort.name()).collect();
            let known = known.join("`, `");
            Err(bad(format!("{title} takes the efforts `{known}`, not `{effort}`")))
        }
        _ => Ok(()),
    }
}

pub(super) fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}
