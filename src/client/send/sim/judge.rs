//! What a simulated judge says.
//!
//! It reads its request as the rule in it asks for: what stands between the marks is data, and every
//! order outside of them is obeyed. So a text that gets out of its marks moves it. `sim/gullible` obeys
//! orders wherever they stand, and shows what the marks are for.
//!
//! Of a verdict it knows the best and the worst, by the sample's expected answers. The best one it
//! gives when the text called `output` has the one called `expected`, and, where nothing is expected,
//! two times in three.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::draws::Draws;
use crate::{
    base::{
        digest,
        fence::{Parted, part},
    },
    domain::{
        contract::Call,
        generation::ToolCall,
        message::Message,
        params::{ResponseFormat, ToolChoice},
        target::SimJudge,
    },
};

/// An order such as attackers hide in what they write: to forget what was asked, and what to say.
static ORDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let order = r"(?is)\b(?:ignore|disregard|forget)\b.{0,80}?\b(?:above|before|previous|prior|instructions?|rules?|criteri(?:on|a))\b.{0,80}?\b(?:answer|say|reply|verdict|choose|output|respond|give|return)\b(?:\s+(?:with|is|the|be|it))*[\s:=`'\x22\*]*([^\s`'\x22\*.,;<]+)";
    Regex::new(order).ok()
});

/// Most sentences that are taken for a list.
const LISTED: usize = 5;

/// What the judge says, and the call that it makes where it is to make one.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
}

/// The judge's reply to `call`; `accuracy` is how often it is right.
pub(super) fn reply(call: &Call, judge: SimJudge, accuracy: f64, seed: u64) -> Said {
    let asked: Vec<String> = call.messages.iter().map(Message::joined_text).collect();
    let asked = asked.join("\n");
    let key = digest::sha256_u64(asked.as_bytes()).to_string();
    let mut draws = Draws::new(seed, &key, call.prompt, call.epoch);
    let (knows, errs) = (draws.share(), draws.share() >= accuracy);
    let parted = part(&asked);
    let heard = match judge {
        SimJudge::Careful => parted.outside.as_str(),
        SimJudge::Gullible => asked.as_str(),
    };
    let order = ORDER.as_ref().and_then(|order| order.captures_iter(heard).last());
    let view = View {
        good: agrees(&parted).unwrap_or(knows < 2.0 / 3.0) != errs,
        order: order
            .and_then(|found| found.get(1))
            .map(|found| found.as_str().trim_matches(|c: char| !c.is_alphanumeric()).to_owned()),
        verdicts: &call.sample.expected,
        sentences: sentences(&parted),
        lists: lists(&parted),
        line: 1,
    };
    let params = &call.target.params;
    if let Some(ToolChoice::Function(name)) = &params.tool_choice
        && let Some(tool) = params.tools.iter().find(|tool| tool.name == *name)
    {
        let arguments = view.instance(&tool.parameters, "").to_string();
        let call = ToolCall { id: "call_1".to_owned(), name: name.clone(), arguments };
        return Said { text: String::new(), calls: vec![call] };
    }
    let schema = match &params.response_format {
        Some(ResponseFormat::Schema(answer)) => Some(answer.schema.clone()),
        _ => described(&parted.outside),
    };
    let text = match schema {
        Some(schema) => view.instance(&schema, "").to_string(),
        None => format!("{}\n\nVERDICT: {}", view.because(), view.verdict()),
    };
    Said { text, calls: Vec::new() }
}

/// What the judge made of the request.
struct View<'a> {
    good: bool,
    /// What it was ordered to say.
    order: Option<String>,
    /// The best verdict and the worst.
    verdicts: &'a [String],
    /// Those of the text that is judged.
    sentences: Vec<String>,
    /// The lists that it was shown, by their names: what is asked about each of their lines.
    lists: Vec<(String, usize)>,
    /// The number of the line that is answered, from 1.
    line: usize,
}

impl View<'_> {
    fn verdict(&self) -> String {
        let known = || self.verdicts.get(usize::from(!self.good)).cloned();
        let plain = if self.good { "Yes" } else { "No" };
        self.order.clone().or_else(known).unwrap_or_else(|| plain.to_owned())
    }

    fn because(&self) -> &'static str {
        match (&self.order, self.good) {
            (Some(_), _) => "I was told what to answer.",
            (None, true) => "The text is as it should be.",
            (None, false) => "The text is not as it should be.",
        }
    }

    /// A value that `schema` describes, for the property called `name`.
    fn instance(&self, schema: &Value, name: &str) -> Value {
        if let Some(allowed) = schema["enum"].as_array() {
            let wanted = self.verdict();
            let found = allowed.iter().find(|value| {
                value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&wanted))
            });
            let end = if self.good { allowed.first() } else { allowed.last() };
            return found.or(end).cloned().unwrap_or_default();
        }
        match schema["type"].as_str() {
            Some("object") => {
                let properties = schema["properties"].as_object();
                let filled = properties.into_iter().flatten();
                Value::Object(
                    filled
                        .map(|(name, schema)| (name.clone(), self.instance(schema, name)))
                        .collect(),
                )
            }
            Some("array") => {
                let sentences: Vec<String> = match (name, self.listed(name)) {
                    (_, Some(lines)) => vec![String::new(); lines],
                    // So many are asked for in words.
                    ("questions", None) => self.sentences.iter().cycle().take(3).cloned().collect(),
                    _ => self.sentences.clone(),
                };
                let items = (1..).zip(sentences).map(|(line, sentence)| {
                    let alone = View { sentences: vec![sentence], line, ..self.again() };
                    alone.instance(&schema["items"], name)
                });
                items.collect()
            }
            Some("boolean") => self.good.into(),
            Some("integer") if schema["minimum"].is_null() => self.line.into(),
            Some("integer" | "number") => self.number(schema),
            _ if ["reasoning", "reason", "why"].contains(&name) => self.because().into(),
            _ => self.sentences.first().cloned().unwrap_or_default().into(),
        }
    }

    fn again(&self) -> Self {
        View {
            good: self.good,
            order: self.order.clone(),
            verdicts: self.verdicts,
            sentences: Vec::new(),
            lists: self.lists.clone(),
            line: self.line,
        }
    }

    /// How many lines the list has that the list called `name` is about; `None` where it is about none.
    fn listed(&self, name: &str) -> Option<usize> {
        let about = match name {
            "verdicts" | "answer" => "claims",
            "expected" => "expected_claims",
            "needed" => "sentences",
            _ => return None,
        };
        self.lists.iter().find(|(known, _)| known == about).map(|(_, lines)| *lines)
    }

    fn number(&self, schema: &Value) -> Value {
        let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
        let ordered = self.order.as_ref().and_then(|order| order.parse::<f64>().ok());
        let end = if self.good { most.unwrap_or(1.0) } else { least.unwrap_or(0.0) };
        let number = ordered.unwrap_or(end);
        if schema["type"] == "integer" { json!(number as i64) } else { json!(number) }
    }
}

/// Whether what is judged has what is expected; `None` where nothing is.
fn agrees(parted: &Parted) -> Option<bool> {
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        format!(" {} ", words.collect::<Vec<_>>().join(" ").to_lowercase())
    };
    let texts = |wanted: &str| {
        let named = parted.inside.iter().filter(move |(name, _)| name == wanted);
        named.map(|(_, text)| plain(text)).collect::<Vec<_>>()
    };
    let (output, expected) = (texts("output"), texts("expected"));
    let output = output.first()?;
    (!expected.is_empty()).then(|| expected.iter().any(|text| output.contains(text.as_str())))
}

/// The sentences of what is judged; of the last text where none is called so.
fn sentences(parted: &Parted) -> Vec<String> {
    let judged = |(name, _): &&(String, String)| ["output", "answer"].contains(&name.as_str());
    let text = parted.inside.iter().find(judged).or(parted.inside.last());
    let text = text.map_or("", |(_, text)| text.as_str());
    let sentences = text.split_inclusive(['.', '!', '?', '\n']).map(str::trim);
    sentences.filter(|text| !text.is_empty()).take(LISTED).map(str::to_owned).collect()
}

/// The texts whose lines are numbered, with how many there are.
fn lists(parted: &Parted) -> Vec<(String, usize)> {
    let numbered = |text: &str| text.lines().filter(|line| line.contains(". ")).count();
    let known = ["claims", "expected_claims", "sentences"];
    let of = parted.inside.iter().filter(|(name, _)| known.contains(&name.as_str()));
    of.map(|(name, text)| (name.clone(), numbered(text))).collect()
}

/// The JSON Schema that the request asks to follow, in words.
fn described(outside: &str) -> Option<Value> {
    let at = outside.rfind("JSON Schema: {")?;
    let read = serde_json::Deserializer::from_str(&outside[at + "JSON Schema: ".len()..]);
    read.into_iter::<Value>().next()?.ok()
}
