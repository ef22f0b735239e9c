//! A small real call, to see that a connection works.

use std::{fmt::Write as _, sync::Arc};

use serde_json::{Value, json};

use super::super::{catalog::OwnTable, exit::Exit, exit::Failure, home::Home, vault};
use super::lookup;
use crate::{
    base::clock,
    catalog::{
        self,
        registry::{Entry, Kind, Registered as _, Tested},
    },
    client::{self, ClientOptions, Embedded, Embedder},
    config::{
        At,
        entry::{ModelEntry, ModelMap},
    },
    domain::{
        contract::{Call, Reply},
        fault::Fault,
        generation::{FinishReason, Generation, Texts, Usage},
        message::{Message, Role},
        params::{AnswerSchema, Params, ResponseFormat},
        sample::{Sample, Vars},
        target::{Endpoint, Flavour, Target},
        trial::Attempt,
    },
};

/// What is asked, with and without the provider's own JSON mode.
const QUESTION: &str =
    "Reply with this JSON object and nothing else, without a code fence: {\"status\":\"ok\"}";

/// A call that is ready to be made.
pub(super) struct Probe {
    target: Target,
    json_mode: bool,
    /// Whether the catalog knows it as a model of vectors.
    embeds: bool,
}

/// A call that went well.
pub(super) struct Passed {
    pub(super) tested: Tested,
    /// What was odd about the answer all the same.
    pub(super) remark: Option<String>,
}

impl Probe {
    /// The call that tests `entry`, as it is in `home`; of an endpoint, `model` is asked.
    pub(super) fn of(
        kind: Kind,
        entry: &Entry,
        model: Option<&str>,
        home: &Home,
    ) -> Result<Self, Failure> {
        let reference = reference(kind, entry, model)?;
        // Within a project that may use the credential: the limit is for configs.
        let registry = home.registry().map_err(Failure::usage)?;
        let credential =
            entry.credential.as_deref().and_then(|slug| registry.credential(slug).ok());
        let project = credential.and_then(|credential| credential.projects.first().cloned());
        let params = Params::default();
        let table = OwnTable::load()?;
        let context = catalog::Context {
            origin: &reference,
            lookup: &lookup,
            params: &params,
            base_dir: std::path::Path::new(""),
            registered: home,
            project: project.as_deref(),
            table: table.table(),
            aliases: &catalog::NO_ALIASES,
        };
        let map =
            ModelMap { reference: Some(At::nowhere(reference.clone())), ..ModelMap::default() };
        let mut target = catalog::resolve(&At::nowhere(ModelEntry(map)), context)?;
        let region = match &target.endpoint {
            Endpoint::Http(http) => http.settings.region.as_deref(),
            _ => None,
        };
        let row = table.table().find(target.provider, &target.model, region);
        let embeds = row.is_some_and(|row| row.mode == "embedding");
        let chat =
            matches!(&target.endpoint, Endpoint::Http(http) if http.flavour != Flavour::Completion);
        client::check(&target).map_err(|fault| Failure::usage(fault.message))?;
        let takes = entry.takes(kind, table.table());
        let mut json_mode = chat && !embeds && takes.toggles.json == Some(true);
        if json_mode {
            // Some providers have a mode, others know schemas only.
            let formats = [ResponseFormat::Json, ResponseFormat::Schema(answer_schema())];
            let taken = formats.into_iter().find(|format| {
                target.params.response_format = Some(format.clone());
                client::check(&target).is_ok()
            });
            json_mode = taken.is_some();
            target.params.response_format = taken;
        }
        Ok(Self { target, json_mode, embeds })
    }

    /// Makes the call.
    pub(super) fn run(self) -> Result<Passed, Failure> {
        if let Some(slug) = self.target.credential_slug() {
            vault::note("key.test", Some(&slug), None)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::usage(format!("failed to start: {error}")))?;
        let target = Arc::new(self.target);
        if self.embeds {
            let texts = vec!["ok".to_owned()];
            let asked = Texts { target, texts, kind: None };
            let Embedded { result, attempts, .. } =
                runtime.block_on(Embedder::default().embed(&asked));
            let made = result.map_err(|fault| refused(&fault, attempts.last()))?;
            let latency_us = attempts.last().map_or(0, |attempt| attempt.latency_us);
            let tested = tested(latency_us, made.usage);
            let size = made.vectors.first().map_or(0, Vec::len);
            return Ok(Passed { tested, remark: Some(format!("a vector of {size} numbers")) });
        }
        let call = Call {
            target,
            messages: Arc::from([Message::text(Role::User, QUESTION)]),
            sample: Arc::new(Sample {
                index: 0,
                id: "test".to_owned(),
                input: None,
                expected: Vec::new(),
                vars: Vars::new(),
                metadata: Vars::new(),
                cluster: None,
                tags: Vec::new(),
            }),
            prompt: 0,
            epoch: 0,
            requests: Call::MOST_REQUESTS,
            encoded: None,
        };
        let client = client::stack(ClientOptions::default());
        let reply = runtime.block_on(client.generate(&call));
        judged(reply, self.json_mode)
    }
}

impl Passed {
    /// What is said of it.
    pub(super) fn lines(&self) -> String {
        let Tested { latency_us, input_tokens, output_tokens, .. } = self.tested;
        let mut text = format!("Connection test passed. {} ms", latency_us / 1000);
        match (input_tokens, output_tokens) {
            (Some(input), Some(output)) => {
                write!(text, ", {input} tokens in, {output} tokens out").ok();
            }
            _ => text.push_str(", tokens not reported"),
        }
        text.push('\n');
        if let Some(remark) = &self.remark {
            writeln!(text, "note: {}", crate::base::text::visible(remark)).ok();
        }
        text
    }
}

fn reference(kind: Kind, entry: &Entry, model: Option<&str>) -> Result<String, Failure> {
    if kind == Kind::Model {
        return Ok(format!("byo:{}", entry.slug));
    }
    let first = || entry.allow.iter().find(|allowed| !allowed.ends_with('*')).map(String::as_str);
    let model = model.or_else(first).ok_or_else(|| {
        Failure::usage(format!("which model of the endpoint `{}` shall be asked?", entry.slug))
            .hint(
                "name one: `--test-model MODEL` with `add` and `edit`, `--model MODEL` with `test`",
            )
    })?;
    Ok(format!("byo:{}/{model}", entry.slug))
}

fn judged(reply: Reply, json_mode: bool) -> Result<Passed, Failure> {
    let latency_us = reply.attempts.last().map_or(0, |attempt| attempt.latency_us);
    let generation = match reply.result {
        Ok(generation) => generation,
        Err(fault) => return Err(refused(&fault, reply.attempts.last())),
    };
    let tested = tested(latency_us, generation.usage);
    let Some(odd) = odd(&generation) else { return Ok(Passed { tested, remark: None }) };
    if json_mode {
        let took = latency_us / 1000;
        return Err(failed(&format!("(JSON mode, {took} ms): {odd}"))
            .hint("if the model has no JSON mode of its own, turn it off: `--json-mode off`"));
    }
    Ok(Passed { tested, remark: Some(odd) })
}

fn tested(latency_us: u64, usage: Option<Usage>) -> Tested {
    Tested {
        at_ms: clock::now_ms(),
        latency_us,
        input_tokens: usage.map(|usage| usage.input),
        output_tokens: usage.map(|usage| usage.output),
    }
}

fn refused(fault: &Fault, last: Option<&Attempt>) -> Failure {
    let status = fault.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let took = match last {
        Some(attempt) => format!(", {} ms", attempt.latency_us / 1000),
        None => ", nothing was sent".to_owned(),
    };
    failed(&format!("({}{status}{took}): {}", fault.kind, fault.message))
}

fn failed(message: &str) -> Failure {
    Failure {
        exit: Exit::Incomplete,
        message: format!("connection test failed {message}"),
        hint: None,
    }
}

/// What is odd about an answer that should be `{"status":"ok"}`.
fn odd(generation: &Generation) -> Option<String> {
    let text = generation.text.trim();
    let inner = text.find('{').zip(text.rfind('}')).filter(|(begin, end)| begin < end);
    let object = inner.and_then(|(begin, end)| serde_json::from_str(&text[begin..=end]).ok());
    if object.is_some_and(|object: Value| object["status"] == "ok") {
        return None;
    }
    if text.is_empty() {
        let why = match generation.finish_reason {
            FinishReason::Length => "it was cut at the token limit; raise `--max-tokens`",
            _ => "there is no text in it",
        };
        return Some(format!("the model answered, but {why}"));
    }
    let text = crate::base::text::one_line(text, 200);
    Some(format!("the model answered, but not with the JSON that was asked for: {text}"))
}

/// What the answer looks like.
fn answer_schema() -> AnswerSchema {
    AnswerSchema {
        name: "status".to_owned(),
        description: None,
        schema: json!({
            "type": "object",
            "properties": {"status": {"type": "string"}},
            "required": ["status"],
            "additionalProperties": false,
        }),
        strict: None,
    }
}
