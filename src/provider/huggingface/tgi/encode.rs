//! From a call to the request.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        contract::Call,
        fault::Fault,
        message::Message,
        params::{Params, ResponseFormat},
        target::{HttpEndpoint, Target},
    },
    provider::{
        HttpRequest,
        huggingface::{address, embed},
        post::{self, bad, not_sent},
    },
};

/// The request that asks `call`.
pub(in crate::provider::huggingface) fn request(
    call: &Call,
    endpoint: &HttpEndpoint,
) -> Result<HttpRequest, Fault> {
    if call.messages.iter().any(Message::has_image) {
        return Err(bad("the `tgi` flavour takes text only, and the prompt holds an image"));
    }
    // The server applies no chat template here, and the names of roles would be taken for text.
    let texts: Vec<String> = call.messages.iter().map(Message::joined_text).collect();
    let mut body = Map::new();
    body.insert("inputs".to_owned(), json!(texts.join("\n\n")));
    body.insert("parameters".to_owned(), json!(parameters(&call.target.params).map_err(bad)?));
    body.insert("stream".to_owned(), json!(endpoint.stream));
    embed::ask(address::native(&endpoint.base_url), endpoint, &body)
}

/// Refuses what no call to `target` could say.
pub(in crate::provider::huggingface) fn check(
    target: &Target,
    endpoint: &HttpEndpoint,
) -> Result<(), Fault> {
    if address::is_router(&endpoint.base_url) {
        return Err(bad(
            "the flavour `tgi` needs `base_url`, the address of an endpoint of yours; \
                        the router speaks `chat` alone",
        ));
    }
    parameters(&target.params).map(|_| ()).map_err(bad)
}

/// What of the parameters is left out or sent in another form.
pub(in crate::provider::huggingface) fn notices(params: &Params) -> Vec<String> {
    let mut notices = vec![
        "the messages are joined by blank lines, without the model's chat template; write the \
         template into the prompt where the model needs one"
            .to_owned(),
    ];
    let unknown = post::set(&[
        ("min_p", params.min_p.is_some()),
        ("presence_penalty", params.presence_penalty.is_some()),
        ("tool_choice", params.tool_choice.is_some()),
        ("reasoning", params.reasoning.is_some()),
        ("top_p", params.top_p.is_some() && top_p(params).is_none()),
        ("top_k", params.top_k == Some(0)),
    ]);
    notices.extend(not_sent(&unknown, "the `tgi` flavour does not take them"));
    if is_greedy(params) {
        notices.push("`temperature: 0` is sent as `do_sample: false`".to_owned());
    }
    notices
}

fn is_greedy(params: &Params) -> bool {
    params.temperature.is_some_and(|temperature| temperature <= 0.0)
}

/// Shares outside of 0 and 1 are refused; 1 changes nothing.
fn top_p(params: &Params) -> Option<f64> {
    params.top_p.filter(|top_p| (f64::MIN_POSITIVE..1.0).contains(top_p))
}

fn parameters(params: &Params) -> Result<Map<String, Value>, String> {
    if !params.tools.is_empty() {
        return Err("the `tgi` flavour has no tools; use the flavour `chat`".to_owned());
    }
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("max_new_tokens", post::limit(params).map(Value::from));
    if is_greedy(params) {
        put("do_sample", Some(json!(false)));
    } else {
        // Without the switch some servers ignore the temperature.
        put("do_sample", params.temperature.map(|_| json!(true)));
        put("temperature", params.temperature.map(Value::from));
    }
    put("top_p", top_p(params).map(Value::from));
    put("top_k", params.top_k.filter(|top_k| *top_k > 0).map(Value::from));
    put("repetition_penalty", params.repetition_penalty.map(Value::from));
    put("frequency_penalty", params.frequency_penalty.map(Value::from));
    put("seed", params.seed.map(Value::from));
    put("stop", (!params.stop.is_empty()).then(|| json!(params.stop)));
    put("grammar", params.response_format.as_ref().map(grammar).transpose()?);
    // Log probabilities come in any case; the alternatives show that they were asked for.
    put("top_n_tokens", params.logprobs.map(|top| json!(top.max(1))));
    put("return_full_text", Some(json!(false)));
    put("details", Some(json!(true)));
    for (name, value) in params.extra.iter().filter(|(name, _)| *name != post::OTHER_LIMIT) {
        let own = ["return_full_text", "details"].contains(&name.as_str());
        if fields.contains_key(name) && !own {
            return Err(format!("the parameter `{name}` is set twice; remove one of the two"));
        }
        fields.insert(name.clone(), value.clone());
    }
    Ok(fields)
}

fn grammar(format: &ResponseFormat) -> Result<Value, String> {
    match format {
        ResponseFormat::Json => Err("the `tgi` flavour has no answers in JSON without a schema; \
                                     use `response_format: {schema: …}`"
            .to_owned()),
        ResponseFormat::Schema(schema) => Ok(json!({ "type": "json", "value": schema.schema })),
        ResponseFormat::Verbatim(value) => Ok(value.clone()),
    }
}
