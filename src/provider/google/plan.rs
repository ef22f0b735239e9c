//! From parameters to the fields of a request, and to what is said of those that are left out.

use serde_json::{Map, Value, json};

use super::model::{Generation, LEVELS, THINKS, generation};
use crate::{
    domain::{
        fault::Fault,
        params::{Effort, Params, Reasoning, ResponseFormat, Tool, ToolChoice},
        target::Target,
    },
    provider::post::{self, bad},
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["model", "contents", "systemInstruction"];

/// The field that holds most parameters.
const CONFIG: &str = "generationConfig";

/// What is sent of the parameters.
#[derive(Debug, Default)]
pub(in crate::provider) struct Plan {
    /// The fields.
    pub(in crate::provider) fields: Map<String, Value>,
    /// What is left out, in a sentence each.
    pub(in crate::provider) notices: Vec<String>,
}

/// What is sent of the parameters of `target`.
pub(in crate::provider) fn plan(target: &Target) -> Result<Plan, Fault> {
    let params = &target.params;
    let generation = generation(target.ruling_model());
    let mut plan = Plan::default();
    let mut config = sampling(params);
    config.extend(format(params));
    if let Some(reasoning) = params.reasoning {
        if let Some(thinking) = thinking(reasoning, generation)? {
            config.insert("thinkingConfig".to_owned(), thinking);
        }
        let budget = matches!(reasoning, Reasoning::MaxTokens(_));
        if budget && generation.is_some_and(|it| it >= LEVELS) {
            let model = &target.model;
            plan.notices.push(format!(
                "a thinking budget is deprecated for `{model}`; write `reasoning: {{effort: …}}`"
            ));
        }
    }
    let mut extra = params.extra.clone();
    if let Some(more) = extra.remove(CONFIG) {
        let Value::Object(more) = more else {
            return Err(bad(format!("the parameter `{CONFIG}` is a mapping")));
        };
        post::add_extra(&mut config, &more.into_iter().collect(), &[])?;
    }
    if !config.is_empty() {
        plan.fields.insert(CONFIG.to_owned(), Value::Object(config));
    }
    tools(&mut plan.fields, params);
    post::add_extra(&mut plan.fields, &extra, OWN)?;
    plan.strangers(params);
    Ok(plan)
}

fn sampling(params: &Params) -> Map<String, Value> {
    let fields = [
        ("maxOutputTokens", post::limit(params).map(Value::from)),
        ("temperature", params.temperature.map(Value::from)),
        ("topP", params.top_p.map(Value::from)),
        ("topK", params.top_k.map(Value::from)),
        ("seed", params.seed.map(Value::from)),
        ("stopSequences", (!params.stop.is_empty()).then(|| json!(params.stop))),
        ("presencePenalty", params.presence_penalty.map(Value::from)),
        ("frequencyPenalty", params.frequency_penalty.map(Value::from)),
        ("responseLogprobs", params.logprobs.map(|_| json!(true))),
        ("logprobs", params.logprobs.filter(|top| *top > 0).map(Value::from)),
    ];
    let set = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    set.collect()
}

fn format(params: &Params) -> Map<String, Value> {
    let fields = match &params.response_format {
        None => json!({}),
        Some(ResponseFormat::Json) => json!({ "responseMimeType": "application/json" }),
        Some(ResponseFormat::Schema(answer)) => {
            json!({ "responseMimeType": "application/json", "responseJsonSchema": answer.schema })
        }
        Some(ResponseFormat::Verbatim(fields)) => fields.clone(),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// How much the model thinks, in the form that its generation takes.
fn thinking(reasoning: Reasoning, generation: Option<Generation>) -> Result<Option<Value>, Fault> {
    let before = |first: Generation| generation.is_some_and(|it| it < first);
    let off = reasoning == Reasoning::Effort(Effort::None);
    if before(THINKS) {
        let refused = Err(bad("this model does not think; remove `reasoning`"));
        return if off { Ok(None) } else { refused };
    }
    let level = match reasoning {
        Reasoning::MaxTokens(budget) => {
            return Ok(Some(json!({ "includeThoughts": true, "thinkingBudget": budget })));
        }
        Reasoning::Effort(Effort::None) if before(LEVELS) => {
            return Ok(Some(json!({ "thinkingBudget": 0 })));
        }
        Reasoning::Effort(_) if before(LEVELS) => {
            return Err(bad(
                "this model takes a budget and no `effort`; write `reasoning: {max_tokens: …}`",
            ));
        }
        Reasoning::Effort(Effort::None) => {
            return Err(bad(
                "the thinking of this model cannot be turned off; its least `effort` is `minimal`",
            ));
        }
        Reasoning::Effort(Effort::Max) => {
            return Err(bad("the greatest `effort` of this provider is `xhigh`, not `max`"));
        }
        Reasoning::Effort(effort) => effort.name().to_ascii_uppercase(),
    };
    Ok(Some(json!({ "includeThoughts": true, "thinkingLevel": level })))
}

fn tools(fields: &mut Map<String, Value>, params: &Params) {
    if !params.tools.is_empty() {
        let functions: Vec<Value> = params.tools.iter().map(declaration).collect();
        let tools = json!([{ "functionDeclarations": functions }]);
        fields.insert("tools".to_owned(), tools);
    }
    let calling = params.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Function(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    });
    if let Some(calling) = calling {
        let config = json!({ "functionCallingConfig": calling });
        fields.insert("toolConfig".to_owned(), config);
    }
}

fn declaration(tool: &Tool) -> Value {
    let mut made = json!({ "name": tool.name });
    if let Some(description) = &tool.description {
        made["description"] = json!(description);
    }
    made["parametersJsonSchema"] = tool.parameters.clone();
    made
}

impl Plan {
    fn strangers(&mut self, params: &Params) {
        let names = post::set(&[
            ("min_p", params.min_p.is_some()),
            ("repetition_penalty", params.repetition_penalty.is_some()),
            ("strict", params.tools.iter().any(|tool| tool.strict.is_some())),
        ]);
        self.notices.extend(post::not_sent(&names, "Gemini has no such parameter"));
    }
}
