//! A judge as a file: what it is told, what it may answer, and what that is worth.
//!
//! ```yaml
//! name: correct
//! version: 1
//! summary: Whether the answer is right.
//! source: our own
//! needs: [input, output, expected]
//! cot: true
//! prompt: |
//!   Question: {{input}}
//!   Right answer: {{expected}}
//!   Answer: {{output}}
//! choices:
//!   C: {score: 1, means: The answer is right.}
//!   I: 0
//! ```

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    base::digest::sha256_hex,
    config::{self, At, ConfigError, Place, error::suggestion},
    prompt::Template,
};

/// Where the judges of a user's own are, beside the config.
pub const FOLDER: &str = "judges";

/// What a sample can have, for the prompt of a judge.
pub const VARIABLES: [(&str, &str); 8] = [
    ("input", "what the model was asked"),
    ("output", "what it answered; what the extraction found, where there is one"),
    ("expected", "the accepted answers"),
    ("context", "the texts that the answer is to rest on, out of the column `context`"),
    ("vars", "the row: `vars.NAME` is its column `NAME`"),
    ("conversation", "what was said to the model, message by message, and its answer"),
    ("tool_calls", "the functions that the model called, with their arguments"),
    ("reasoning", "what the model thought, where it was shown"),
];

/// Most choices, and most places of a whole number's scale.
const MOST_CHOICES: usize = 100;

/// A judge, ready to be asked.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Raised when what it is told changes.
    pub version: u64,
    /// What it judges, in one sentence.
    pub summary: String,
    /// Where the idea is from.
    pub source: String,
    /// What a sample must have: names of [`VARIABLES`].
    pub needs: Vec<String>,
    /// Whether it reasons before its verdict.
    pub cot: bool,
    /// What it is told, around what is judged.
    pub prompt: Template,
    /// What it may answer.
    pub scale: Scale,
    /// The score from which on an answer has passed.
    pub threshold: f64,
    /// What the user says besides: by name, what it is and what holds when nothing is said.
    pub with: BTreeMap<String, Parameter>,
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
}

/// What a judge may answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// One of these, in order.
    Choices(Vec<Choice>),
    /// A number.
    Number {
        /// The least, worth 0.
        least: f64,
        /// The most, worth 1.
        most: f64,
        /// Whether it is whole.
        whole: bool,
        /// What the places of the scale mean.
        means: Option<String>,
    },
}

/// One thing that a judge may answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What it says.
    pub label: String,
    /// What that is worth, from 0 to 1.
    pub score: f64,
    /// What it means.
    pub means: Option<String>,
}

/// Something that the user says to a judge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// What it is.
    pub doc: String,
    /// What holds when nothing is said; without it something has to be.
    pub default: Option<String>,
}

impl Scale {
    /// The score of a verdict: a label or a number, as [`Form`](super::Form) reads it.
    pub fn score(&self, verdict: &serde_json::Value) -> Option<f64> {
        match self {
            Self::Choices(choices) => {
                let label = verdict.as_str()?;
                choices.iter().find(|choice| choice.label == label).map(|choice| choice.score)
            }
            Self::Number { least, most, .. } => Some((verdict.as_f64()? - least) / (most - least)),
        }
    }

    /// The best and the worst verdict, as texts.
    pub fn ends(&self) -> [String; 2] {
        match self {
            Self::Choices(choices) => {
                let by = |one: &&Choice, other: &&Choice| one.score.total_cmp(&other.score);
                // Of several that are best the first.
                let best = choices.iter().rev().max_by(by);
                let worst = choices.iter().min_by(by);
                [best, worst].map(|choice| choice.map(|c| c.label.clone()).unwrap_or_default())
            }
            Self::Number { least, most, .. } => [most.to_string(), least.to_string()],
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    name: Option<At<String>>,
    version: Option<u64>,
    summary: Option<At<String>>,
    source: Option<String>,
    needs: Vec<At<String>>,
    cot: Option<bool>,
    prompt: Option<At<String>>,
    choices: Option<At<Choices>>,
    scale: Option<At<WrittenScale>>,
    threshold: Option<At<f64>>,
    with: BTreeMap<String, Parameter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenScale {
    min: Option<f64>,
    max: Option<f64>,
    whole: bool,
    means: Option<String>,
}

/// Choices in their order.
#[derive(Debug)]
struct Choices(Vec<(String, At<Worth>)>);

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Choices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of choices to scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choices, A::Error> {
                let mut choices = Vec::new();
                while let Some(entry) = map.next_entry::<String, At<Worth>>()? {
                    choices.push(entry);
                }
                Ok(Choices(choices))
            }
        }
        from.deserialize_map(Entries)
    }
}

/// What a choice is worth.
#[derive(Debug, Default)]
struct Worth {
    score: Option<f64>,
    means: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LongWorth {
    score: Option<f64>,
    means: Option<String>,
}

impl<'de> Deserialize<'de> for Worth {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = Worth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a score, or `{score, means}`")
            }

            fn visit_f64<E>(self, score: f64) -> Result<Worth, E> {
                Ok(Worth { score: Some(score), means: None })
            }

            fn visit_u64<E>(self, score: u64) -> Result<Worth, E> {
                Ok(Worth { score: Some(score as f64), means: None })
            }

            fn visit_i64<E>(self, score: i64) -> Result<Worth, E> {
                Ok(Worth { score: Some(score as f64), means: None })
            }

            fn visit_unit<E>(self) -> Result<Worth, E> {
                Ok(Worth::default())
            }

            fn visit_none<E>(self) -> Result<Worth, E> {
                Ok(Worth::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Worth, A::Error> {
                let from = serde::de::value::MapAccessDeserializer::new(map);
                LongWorth::deserialize(from)
                    .map(|LongWorth { score, means }| Worth { score, means })
            }
        }
        from.deserialize_any(Entry)
    }
}

impl Definition {
    /// Reads the text of a judge file; `origin` names it in messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn read(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let written: Written = config::parse_flag(text, origin)?;
        let reader = Reader { text, origin };
        let missing = |key: &str| {
            ConfigError::new(origin, Place { line: 1, column: 1 }, format!("`{key}` is missing"))
        };
        let name = written.name.ok_or_else(|| missing("name"))?;
        let simple = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.value.is_empty() || !name.value.chars().all(simple) {
            let message = format!("`{}` is no name: letters, digits, `_` and `-`", name.value);
            return Err(ConfigError::new(origin, name.place, message));
        }
        let prompt = written.prompt.ok_or_else(|| missing("prompt"))?;
        let template = reader.template(&prompt, &written.with)?;
        let needs = reader.needs(&written.needs, &template)?;
        let threshold = match written.threshold {
            Some(At { value, .. }) if (0.0..=1.0).contains(&value) => value,
            Some(At { value, place }) => {
                let message = format!("`threshold` lies between 0 and 1, not {value}");
                return Err(ConfigError::new(origin, place, message));
            }
            None => 0.5,
        };
        Ok(Self {
            scale: reader.scale(written.choices, written.scale)?,
            name: name.value,
            version: written.version.unwrap_or(1),
            summary: written.summary.map(|at| at.value.trim().to_owned()).unwrap_or_default(),
            source: written.source.unwrap_or_else(|| "your own".to_owned()),
            needs,
            cot: written.cot.unwrap_or(true),
            prompt: template,
            threshold,
            with: written.with,
            digest: sha256_hex(text.as_bytes()),
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    origin: &'a str,
}

impl Reader<'_> {
    fn error(&self, place: Place, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.origin, place, message)
    }

    fn template(
        &self,
        prompt: &At<String>,
        with: &BTreeMap<String, Parameter>,
    ) -> Result<Template, ConfigError> {
        let template = Template::compile(&prompt.value).map_err(|wrong| {
            let place = self.in_block(prompt.place, wrong.line, wrong.column);
            self.error(place, format!("the prompt: {}", wrong.message))
        })?;
        let known: Vec<&str> = VARIABLES
            .iter()
            .map(|(name, _)| *name)
            .chain(with.keys().map(String::as_str))
            .collect();
        let stranger = template.variables().iter().find(|name| !known.contains(&name.as_str()));
        let Some(name) = stranger else { return Ok(template) };
        let (line, column) = found(&prompt.value, name);
        let place = self.in_block(prompt.place, line, column);
        let message = format!("the prompt reads `{name}`, which no sample has");
        Err(self.error(place, message).hint(format!(
            "{}; a column is `vars.NAME`, and what the user says stands under `with`",
            suggestion(name, known.iter().copied(), "variables")
        )))
    }

    /// The place in the file of a place in a text that begins at `begin`. What a `|` introduces
    /// begins on the line after it.
    fn in_block(&self, begin: Place, line: usize, column: usize) -> Place {
        let Some(begins) = (begin.line as usize).checked_sub(1) else { return begin };
        let lines: Vec<&str> = self.text.lines().collect();
        let introduces = |at: usize| {
            let head = lines.get(at).map_or("", |line| line.trim_end());
            head.trim_end_matches(['-', '+']).ends_with(['|', '>'])
        };
        let first = match begins.checked_sub(1) {
            _ if introduces(begins) => begins + 1,
            Some(before) if introduces(before) => begins,
            _ => return begin,
        };
        let at = first + line - 1;
        let indent = lines.get(at).map_or(0, |line| line.len() - line.trim_start().len());
        let indent = indent.min(lines.get(first).map_or(0, |l| l.len() - l.trim_start().len()));
        Place { line: at as u64 + 1, column: (indent + column) as u64 }
    }

    fn needs(&self, needs: &[At<String>], template: &Template) -> Result<Vec<String>, ConfigError> {
        let known: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
        for At { value, place } in needs {
            if !known.contains(&value.as_str()) {
                let message = format!("a judge cannot need `{value}`, which no sample has");
                let hint = suggestion(value, known.iter().copied(), "variables");
                return Err(self.error(*place, message).hint(hint));
            }
            if !template.variables().contains(value) {
                let message = format!("it needs `{value}`, and the prompt does not show it");
                return Err(self.error(*place, message));
            }
        }
        Ok(needs.iter().map(|need| need.value.clone()).collect())
    }

    fn scale(
        &self,
        choices: Option<At<Choices>>,
        scale: Option<At<WrittenScale>>,
    ) -> Result<Scale, ConfigError> {
        match (choices, scale) {
            (Some(choices), None) => self.choices(choices).map(Scale::Choices),
            (None, Some(At { value: scale, place })) => {
                let (Some(least), Some(most)) = (scale.min, scale.max) else {
                    return Err(self.error(place, "a `scale` needs `min` and `max`"));
                };
                if !(least.is_finite() && most.is_finite() && least < most) {
                    let message = format!("the `scale` from {least} to {most} is none");
                    return Err(self.error(place, message));
                }
                Ok(Scale::Number { least, most, whole: scale.whole, means: scale.means })
            }
            (None, None) => Err(self
                .error(Place { line: 1, column: 1 }, "the judge may answer nothing")
                .hint("add `choices: {Yes: 1, No: 0}`, or `scale: {min: 1, max: 10}`")),
            (Some(choices), Some(_)) => {
                Err(self.error(choices.place, "a judge takes one of `choices` and `scale`"))
            }
        }
    }

    fn choices(&self, choices: At<Choices>) -> Result<Vec<Choice>, ConfigError> {
        let count = choices.value.0.len();
        if !(2..=MOST_CHOICES).contains(&count) {
            let message = format!("a judge has 2 to {MOST_CHOICES} choices, not {count}");
            return Err(self.error(choices.place, message));
        }
        let mut found: Vec<Choice> = Vec::with_capacity(count);
        for (label, At { value: worth, place }) in choices.value.0 {
            let Some(score) = worth.score else {
                let message = format!("the choice `{label}` has no score");
                return Err(self.error(place, message).hint(format!("write `{label}: 1`")));
            };
            if !(0.0..=1.0).contains(&score) {
                let message = format!("the score of `{label}` lies between 0 and 1, not {score}");
                return Err(self.error(place, message));
            }
            let label = label.trim().to_owned();
            if label.is_empty() || label.contains(['\n', '`']) {
                return Err(self.error(place, format!("`{label}` cannot be a choice")));
            }
            if found.iter().any(|other| other.label.eq_ignore_ascii_case(&label)) {
                let message = format!("two choices are called `{label}`, whatever the case");
                return Err(self.error(place, message));
            }
            found.push(Choice { label, score, means: worth.means });
        }
        Ok(found)
    }
}

/// Line and column of the first tag in `text` that names `name`.
fn found(text: &str, name: &str) -> (usize, usize) {
    let mut from = 0;
    while let Some(at) = text[from..].find(name) {
        let at = from + at;
        let before = &text[..at];
        if before.rfind("{{") > before.rfind("}}") {
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            return (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
        }
        from = at + name.len();
    }
    (1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name: ok\nneeds: [output]\nprompt: |\n  Is {{output}} good?\n  {{#if \
                        context}}By {{context}}{{/if}}\nchoices:\n  Yes: {score: 1, means: It is.}\n  \
                        No: 0\n";

    #[test]
    fn a_file_is_read_in_its_order() {
        let judge = Definition::read(GOOD, "ok.yaml").expect("a judge");
        let Scale::Choices(choices) = &judge.scale else { panic!("{judge:?}") };
        let read: Vec<_> = choices.iter().map(|c| (c.label.as_str(), c.score)).collect();
        assert_eq!(read, [("Yes", 1.0), ("No", 0.0)]);
        assert_eq!(choices[0].means.as_deref(), Some("It is."));
        assert_eq!((judge.version, judge.cot, judge.threshold), (1, true, 0.5));
        assert_eq!(judge.scale.ends(), ["Yes", "No"]);
        let scale = "name: s\nprompt: '{{output}}'\nscale: {min: 1, max: 5, whole: true}\n";
        let judge = Definition::read(scale, "s.yaml").expect("a judge");
        assert_eq!(judge.scale.score(&4.into()), Some(0.75));
        assert_eq!(judge.scale.ends(), ["5", "1"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let check = |from: &str, to: &str, said: &str| {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let error = Definition::read(&text, "j.yaml").expect_err(said);
            let text = format!("{error}\n{}", error.hint.clone().unwrap_or_default());
            assert!(text.contains(said), "{said}: {text}");
        };
        check("prompt:", "promt:", "j.yaml:3:1: unknown key `promt`");
        check("No: 0", "No:", "the choice `No` has no score");
        check("No: 0", "No: {means: x}", "j.yaml:8:7: the choice `No` has no score");
        check("No: 0", "No: 2", "the score of `No` lies between 0 and 1, not 2");
        check("No: 0", "yes: 0", "two choices are called `yes`");
        check("No: 0", "No: high", "j.yaml:8:");
        check("  No: 0\n", "", "2 to 100 choices, not 1");
        check("{{output}} good", "{{answer}} good", "j.yaml:4:8: the prompt reads `answer`");
        check("By {{context}}", "By {{contxt}}", "did you mean `context`?");
        check("By {{context}}", "By {{context}", "j.yaml:5:");
        check(
            "[output]",
            "[output, expected]",
            "needs `expected`, and the prompt does not show it",
        );
        check("[output]", "[outptu]", "j.yaml:2:9: a judge cannot need `outptu`");
        check("name: ok", "name: a b", "`a b` is no name");
        check("name: ok\n", "", "`name` is missing");
        check("name: ok", "name: ok\nthreshold: 3", "`threshold` lies between 0 and 1");
        check("name: ok", "name: ok\nscale: {min: 1, max: 2}", "one of `choices` and `scale`");
        check("name: ok", "name: ok\nversion: x", "j.yaml:2:");
    }
}
