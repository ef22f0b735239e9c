//! The steps of a pipeline: from what is written to what is done.

use std::borrow::Cow;

use regex::{Captures, Regex};
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::{
    base::text::{nearest, one_line},
    extract::{ExtractError, fence, json, number, pattern, think},
};

/// Every step's name, in the order of the documentation.
const NAMES: [&str; 13] = [
    "trim",
    "strip_think",
    "regex",
    "first_line",
    "last_line",
    "first_number",
    "last_number",
    "after",
    "before",
    "json_path",
    "code_block",
    "lower",
    "upper",
];

/// Longest path, and most brackets in it: the path parser descends for each.
const MAX_PATH_CHARS: usize = 1_000;
const MAX_PATH_BRACKETS: usize = 40;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Trim,
    StripThink,
    Regex { regex: Regex, group: usize, place: Place },
    Line(Place),
    Number(Place),
    After { text: String, place: Place },
    Before { text: String, place: Place },
    JsonPath(Box<JsonPath>),
    CodeBlock { lang: Option<String> },
    Lower,
    Upper,
}

/// Which of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Last,
}

/// Why an entry is no step.
#[derive(Debug)]
pub(super) enum Problem {
    NotAStep(String),
    Unknown(String),
    Argument(&'static str, String),
}

impl Problem {
    /// The error of the step at place `index`, from 1, of `pipeline`.
    pub(super) fn locate(self, pipeline: &str, index: usize) -> ExtractError {
        let pipeline = pipeline.to_owned();
        match self {
            Self::NotAStep(found) => ExtractError::NotAStep { pipeline, index, found },
            Self::Unknown(step) => {
                let all = format!("there are `{}`", NAMES.join("`, `"));
                let hint = nearest(&step, NAMES)
                    .map_or_else(|| all.clone(), |near| format!("did you mean `{near}`? {all}"));
                ExtractError::UnknownStep { pipeline, index, step, hint }
            }
            Self::Argument(step, message) => {
                ExtractError::Argument { pipeline, index, step, message }
            }
        }
    }
}

/// The step that `entry` writes: a name, or a map of one name to its argument.
pub(super) fn parse(entry: &Value) -> Result<Step, Problem> {
    let (written, argument) = match entry {
        Value::String(name) => (name.as_str(), &Value::Null),
        Value::Object(map) => match map.iter().next() {
            Some((name, argument)) if map.len() == 1 => (name.as_str(), argument),
            None => return Err(Problem::NotAStep("an empty map".to_owned())),
            Some(_) => {
                let keys: Vec<&str> = map.keys().map(String::as_str).collect();
                let found = format!("a map of several keys (`{}`)", keys.join("`, `"));
                return Err(Problem::NotAStep(one_line(&found, 200)));
            }
        },
        other => return Err(Problem::NotAStep(format!("`{}`", one_line(&other.to_string(), 60)))),
    };
    let Some(name) = NAMES.into_iter().find(|name| *name == written) else {
        return Err(Problem::Unknown(one_line(written, 60)));
    };
    build(name, argument).map_err(|message| Problem::Argument(name, message))
}

fn build(name: &str, argument: &Value) -> Result<Step, String> {
    match name {
        "regex" => regex(argument),
        "after" => marked(argument).map(|(text, place)| Step::After { text, place }),
        "before" => marked(argument).map(|(text, place)| Step::Before { text, place }),
        "json_path" => json_path(argument),
        "code_block" => code_block(argument),
        _ => {
            if !is_absent(argument) {
                return Err("it takes no argument".to_owned());
            }
            Ok(match name {
                "strip_think" => Step::StripThink,
                "first_line" => Step::Line(Place::First),
                "last_line" => Step::Line(Place::Last),
                "first_number" => Step::Number(Place::First),
                "last_number" => Step::Number(Place::Last),
                "lower" => Step::Lower,
                "upper" => Step::Upper,
                _ => Step::Trim,
            })
        }
    }
}

/// An argument that is not there, in the ways YAML and JSON say so.
fn is_absent(argument: &Value) -> bool {
    match argument {
        Value::Null | Value::Bool(true) => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn regex(argument: &Value) -> Result<Step, String> {
    let options = options(argument, "pattern", &["pattern", "group", "match"])?;
    let source = required_text(&options, "pattern")?;
    let regex = pattern::compile(source, false)?;
    let group = match options.get("group") {
        None => usize::from(regex.captures_len() > 1),
        Some(Value::String(name)) => group_named(&regex, name)?,
        Some(value) => value
            .as_u64()
            .and_then(|group| usize::try_from(group).ok())
            .filter(|group| *group < regex.captures_len())
            .ok_or_else(|| {
                let last = regex.captures_len() - 1;
                format!("`group` is {value}; the pattern has the groups 0 to {last}")
            })?,
    };
    Ok(Step::Regex { regex, group, place: place(&options)? })
}

fn group_named(regex: &Regex, name: &str) -> Result<usize, String> {
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    regex.capture_names().position(|group| group == Some(name)).ok_or_else(|| {
        if names.is_empty() {
            return format!("`group` is `{name}`; the pattern has no named groups");
        }
        format!("`group` is `{name}`; the pattern has the groups `{}`", names.join("`, `"))
    })
}

fn marked(argument: &Value) -> Result<(String, Place), String> {
    let options = options(argument, "text", &["text", "match"])?;
    let text = required_text(&options, "text")?;
    if text.is_empty() {
        return Err("`text` is empty".to_owned());
    }
    Ok((text.to_owned(), place(&options)?))
}

fn json_path(argument: &Value) -> Result<Step, String> {
    let options = options(argument, "path", &["path"])?;
    let source = required_text(&options, "path")?;
    if source.len() > MAX_PATH_CHARS || source.matches(['(', '[']).count() > MAX_PATH_BRACKETS {
        return Err("the path is too long".to_owned());
    }
    let path = JsonPath::parse(source).map_err(|error| {
        format!("bad path at character {}: {}", error.position(), error.message())
    })?;
    Ok(Step::JsonPath(Box::new(path)))
}

fn code_block(argument: &Value) -> Result<Step, String> {
    if is_absent(argument) {
        return Ok(Step::CodeBlock { lang: None });
    }
    let options = options(argument, "lang", &["lang"])?;
    Ok(Step::CodeBlock { lang: Some(required_text(&options, "lang")?.to_owned()) })
}

/// The options that `argument` writes: a map, or the main option alone.
fn options(argument: &Value, main: &str, known: &[&str]) -> Result<Map<String, Value>, String> {
    match argument {
        Value::Null => Err(format!("it needs a `{main}`")),
        Value::Object(map) => match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(map.clone()),
            Some(key) => {
                let near = nearest(key, known.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                Err(format!("unknown option `{key}`; {hint}there are `{}`", known.join("`, `")))
            }
        },
        alone => Ok(Map::from_iter([(main.to_owned(), alone.clone())])),
    }
}

fn required_text<'a>(options: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match options.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => {
            let written = one_line(&other.to_string(), 60);
            Err(format!("`{name}` must be a text, not {written}; put it in quotes"))
        }
        None => Err(format!("it needs a `{name}`")),
    }
}

fn place(options: &Map<String, Value>) -> Result<Place, String> {
    match options.get("match").map(|value| value.as_str()) {
        None | Some(Some("first")) => Ok(Place::First),
        Some(Some("last")) => Ok(Place::Last),
        Some(_) => Err("`match` must be `first` or `last`".to_owned()),
    }
}

impl Step {
    /// What the step finds in `text`.
    pub(super) fn apply<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        match self {
            Self::Trim => Some(Cow::Borrowed(text.trim())),
            Self::StripThink => think::strip(text).map(Cow::Owned),
            Self::Regex { regex, group, place } => {
                let taken =
                    |found: Captures<'a>| found.get(*group).map(|m| Cow::Borrowed(m.as_str()));
                let mut found = regex.captures_iter(text).filter_map(taken);
                match place {
                    Place::First => found.next(),
                    Place::Last => found.last(),
                }
            }
            Self::Line(place) => {
                let mut lines = text.lines().filter(|line| !line.trim().is_empty());
                match place {
                    Place::First => lines.next().map(Cow::Borrowed),
                    Place::Last => lines.next_back().map(Cow::Borrowed),
                }
            }
            Self::Number(place) => {
                let mut found = number::numbers(text);
                let number = match place {
                    Place::First => found.next(),
                    Place::Last => found.last(),
                };
                number.map(|number| Cow::Owned(number.text))
            }
            Self::After { text: mark, place } => {
                let at = find(text, mark, *place)?;
                Some(Cow::Borrowed(&text[at + mark.len()..]))
            }
            Self::Before { text: mark, place } => {
                Some(Cow::Borrowed(&text[..find(text, mark, *place)?]))
            }
            Self::JsonPath(path) => json::find(text, path).map(Cow::Owned),
            Self::CodeBlock { lang } => {
                let wanted = |block: &&fence::Block<'a>| {
                    lang.as_ref().is_none_or(|lang| block.lang.eq_ignore_ascii_case(lang))
                };
                let blocks = fence::blocks(text);
                blocks.iter().rev().find(wanted).map(|block| Cow::Borrowed(block.content))
            }
            Self::Lower => Some(Cow::Owned(text.to_lowercase())),
            Self::Upper => Some(Cow::Owned(text.to_uppercase())),
        }
    }
}

fn find(text: &str, mark: &str, place: Place) -> Option<usize> {
    match place {
        Place::First => text.find(mark),
        Place::Last => text.rfind(mark),
    }
}
