//! The parameters that a config says.

use serde_json::Value;

use crate::{
    config::file::ParamsEntry,
    domain::params::{Effort, Params, Reasoning, ResponseFormat, Tool, ToolChoice},
};

/// The parameters that `entry` says.
///
/// # Errors
///
/// What is wrong with one that has a form of its own, as a fragment.
pub fn params(entry: &ParamsEntry) -> Result<Params, String> {
    let mut extra = entry.extra.clone();
    if let Some(tokens) = entry.max_completion_tokens {
        extra.insert("max_completion_tokens".to_owned(), Value::from(tokens));
    }
    let effort = entry.reasoning_effort.as_deref().map(Effort::from_name).transpose()?;
    let reasoning = entry.reasoning.as_ref().map(Reasoning::from_value).transpose()?;
    if effort.is_some() && reasoning.is_some() {
        return Err("`reasoning` and `reasoning_effort` say the same; remove one".to_owned());
    }
    let tool_choice = entry.tool_choice.as_ref().map(ToolChoice::from_value).transpose()?;
    let tools = entry.tools.iter().map(Tool::from_value).collect::<Result<Vec<_>, _>>()?;
    if let Some(ToolChoice::Function(name)) = &tool_choice
        && !tools.is_empty()
        && !tools.iter().any(|tool| tool.name == *name)
    {
        return Err(format!("`tool_choice` names `{name}`, which is not among the tools"));
    }
    Ok(Params {
        temperature: entry.temperature,
        top_p: entry.top_p,
        top_k: entry.top_k,
        min_p: entry.min_p,
        presence_penalty: entry.presence_penalty,
        frequency_penalty: entry.frequency_penalty,
        repetition_penalty: entry.repetition_penalty,
        max_tokens: entry.max_tokens,
        seed: entry.seed,
        stop: entry.stop.clone(),
        response_format: entry
            .response_format
            .as_ref()
            .map(ResponseFormat::from_value)
            .transpose()?,
        tools,
        tool_choice,
        reasoning: reasoning.or(effort.map(Reasoning::Effort)),
        logprobs: entry.logprobs,
        extra,
        omit: entry.omit.clone(),
    })
}
