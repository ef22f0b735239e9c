//! From parameters to the fields of a request, and to what is said of those that are left out.

use serde_json::{Map, Value, json};

use super::model::{ADAPTS, DECIDES, Generation, THINKS, generation};
use crate::{
    domain::{
        fault::Fault,
        params::{Effort, Params, Reasoning, ResponseFormat, Tool, ToolChoice},
        target::Target,
    },
    provider::post::{self, bad},
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["model", "messages", "system", "stream", "anthropic_version"];

/// The limit on an answer where none is set: the format demands one.
const MAX_TOKENS: u64 = 4_096;

/// The least thinking budget that is accepted.
const MIN_BUDGET: u64 = 1_024;

/// The first version of the interface that takes no sampling parameters, whatever the model.
const NO_SAMPLING: &str = "2026-10-21";

/// What is sent of the parameters.
#[derive(Debug, Default)]
pub(in crate::provider) struct Plan {
    /// The fields.
    pub(in crate::provider) fields: Map<String, Value>,
    /// What is left out or added, in a sentence each.
    pub(in crate::provider) notices: Vec<String>,
}

/// What is sent of the parameters of `target` in `version` of the interface.
pub(in crate::provider) fn plan(target: &Target, version: &str) -> Result<Plan, Fault> {
    let params = &target.params;
    let generation = generation(target.ruling_model());
    let mut plan = Plan::default();
    plan.limit(params);
    let thinks = plan.thinking(params, generation)?;
    let why = if generation.is_some_and(|it| it >= DECIDES) {
        Some(format!("`{}` takes no sampling parameters", target.model))
    } else if date(version) >= NO_SAMPLING {
        Some(format!("version {} of the interface takes none", date(version)))
    } else {
        thinks.then(|| "a model that thinks takes no sampling parameters".to_owned())
    };
    plan.sampling(params, why.as_deref());
    plan.stop(params, generation)?;
    plan.format(params)?;
    plan.tools(params);
    plan.strangers(params);
    post::add_extra(&mut plan.fields, &params.extra, OWN)?;
    Ok(plan)
}

/// The date in a version such as `2023-06-01` or `vertex-2023-10-16`.
fn date(version: &str) -> &str {
    version.trim_start_matches(|c: char| !c.is_ascii_digit())
}

impl Plan {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn limit(&mut self, params: &Params) {
        let budget = match params.reasoning {
            Some(Reasoning::MaxTokens(budget)) => budget,
            _ => 0,
        };
        let limit = post::limit(params);
        if limit.is_none() {
            let total = MAX_TOKENS.saturating_add(budget);
            self.notices.push(format!(
                "`max_tokens` is not set, so {total} is sent: the messages API demands a limit"
            ));
        }
        self.put("max_tokens", limit.unwrap_or(MAX_TOKENS.saturating_add(budget)));
    }

    /// Whether the model is told to think.
    fn thinking(&mut self, params: &Params, generation: Option<Generation>) -> Result<bool, Fault> {
        let before = |first: Generation| generation.is_some_and(|it| it < first);
        if before(THINKS)
            && !matches!(params.reasoning, None | Some(Reasoning::Effort(Effort::None)))
        {
            return Err(bad("this model does not think; remove `reasoning`"));
        }
        match params.reasoning {
            None => {
                let told = params.extra.get("thinking").map(|thinking| &thinking["type"]);
                return Ok(told.is_some_and(|kind| kind != "disabled"));
            }
            // Only the later ones think unless told not to.
            Some(Reasoning::Effort(Effort::None)) => {
                if !before(DECIDES) {
                    self.put("thinking", json!({ "type": "disabled" }));
                }
                return Ok(false);
            }
            Some(Reasoning::Effort(Effort::Minimal)) => {
                return Err(bad("the least `effort` of this provider is `low`, not `minimal`"));
            }
            Some(Reasoning::Effort(_)) if before(ADAPTS) => {
                return Err(bad(format!(
                    "this model takes a budget and no `effort`; write `reasoning: {{max_tokens: …}}` \
                     with a number from {MIN_BUDGET}"
                )));
            }
            Some(Reasoning::Effort(effort)) => {
                self.put("thinking", json!({ "type": "adaptive" }));
                self.put("output_config", json!({ "effort": effort }));
            }
            Some(Reasoning::MaxTokens(budget)) => {
                self.budget(budget, generation, post::limit(params))?;
            }
        }
        Ok(true)
    }

    fn budget(
        &mut self,
        budget: u64,
        generation: Option<Generation>,
        limit: Option<u64>,
    ) -> Result<(), Fault> {
        if generation.is_some_and(|it| it >= DECIDES) {
            return Err(bad(
                "this model decides itself how long it thinks and takes no budget; write \
                 `reasoning: {effort: …}`",
            ));
        }
        if budget < MIN_BUDGET {
            return Err(bad(format!(
                "a thinking budget has at least {MIN_BUDGET} tokens here, not {budget}"
            )));
        }
        if let Some(limit) = limit.filter(|limit| *limit <= budget) {
            return Err(bad(format!(
                "the thinking budget of {budget} tokens leaves no room for an answer: `max_tokens` \
                 is {limit} and counts thinking, too"
            )));
        }
        self.put("thinking", json!({ "type": "enabled", "budget_tokens": budget }));
        Ok(())
    }

    fn sampling(&mut self, params: &Params, refused: Option<&str>) {
        let values = [
            ("temperature", params.temperature.map(Value::from)),
            ("top_p", params.top_p.map(Value::from)),
            ("top_k", params.top_k.map(Value::from)),
        ];
        if let Some(why) = refused {
            let names = post::set(&values.map(|(name, value)| (name, value.is_some())));
            self.notices.extend(post::not_sent(&names, why));
            return;
        }
        for (name, value) in values {
            if let Some(value) = value {
                self.put(name, value);
            }
        }
    }

    fn stop(&mut self, params: &Params, generation: Option<Generation>) -> Result<(), Fault> {
        let blank = params.stop.iter().any(|text| text.trim().is_empty());
        if blank && generation.is_some() {
            return Err(bad("this provider refuses a `stop` of white space alone; remove it"));
        }
        if !params.stop.is_empty() {
            self.put("stop_sequences", json!(params.stop));
        }
        Ok(())
    }

    fn format(&mut self, params: &Params) -> Result<(), Fault> {
        let format = match &params.response_format {
            None => return Ok(()),
            Some(ResponseFormat::Json) => {
                return Err(bad(
                    "this provider has no JSON mode without a schema; write `response_format: \
                     {schema: …}`",
                ));
            }
            Some(ResponseFormat::Schema(answer)) => {
                json!({ "type": "json_schema", "schema": answer.schema })
            }
            Some(ResponseFormat::Verbatim(format)) => format.clone(),
        };
        let config = self.fields.entry("output_config").or_insert_with(|| json!({}));
        config["format"] = format;
        Ok(())
    }

    fn tools(&mut self, params: &Params) {
        if !params.tools.is_empty() {
            let tools: Vec<Value> = params.tools.iter().map(tool).collect();
            self.put("tools", tools);
        }
        let choice = params.tool_choice.as_ref().map(|choice| match choice {
            ToolChoice::Auto => json!({ "type": "auto" }),
            ToolChoice::None => json!({ "type": "none" }),
            ToolChoice::Required => json!({ "type": "any" }),
            ToolChoice::Function(name) => json!({ "type": "tool", "name": name }),
        });
        if let Some(choice) = choice {
            self.put("tool_choice", choice);
        }
    }

    fn strangers(&mut self, params: &Params) {
        let names = post::set(&[
            ("min_p", params.min_p.is_some()),
            ("presence_penalty", params.presence_penalty.is_some()),
            ("frequency_penalty", params.frequency_penalty.is_some()),
            ("repetition_penalty", params.repetition_penalty.is_some()),
            ("seed", params.seed.is_some()),
            ("logprobs", params.logprobs.is_some()),
        ]);
        self.notices.extend(post::not_sent(&names, "the messages API has no such parameter"));
    }
}

fn tool(tool: &Tool) -> Value {
    let mut made = json!({ "name": tool.name });
    if let Some(description) = &tool.description {
        made["description"] = json!(description);
    }
    made["input_schema"] = tool.parameters.clone();
    if let Some(strict) = tool.strict {
        made["strict"] = json!(strict);
    }
    made
}
