//! The options of a scorer as written, read with types.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    base::{
        money::Money,
        text::{nearest, one_line},
    },
    config::{entry, variables},
    domain::{params::Tool, target::Target},
    scorer::Card,
};

/// An option that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scorer `{scorer}`, option `{option}`: {message}")]
pub struct ArgError {
    /// The scorer's name.
    pub scorer: &'static str,
    /// The option as written, or the one that is missing.
    pub option: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

/// Where a scorer stands: what its paths are relative to, and what programs may be told of the
/// environment.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The directory of the config.
    pub base_dir: PathBuf,
    /// Variables of the environment that hold no keys, such as `PATH`.
    pub variables: Vec<(String, String)>,
    /// What the names in `${NAME}` of `env` stand for.
    pub named: BTreeMap<String, String>,
    /// How many scorers stand around it.
    pub depth: usize,
    /// Ids of the extractions, in order.
    pub extracts: Vec<String>,
    /// The functions that each model may call, by its name.
    pub tools: Vec<(String, Vec<Tool>)>,
    /// Whether code that models wrote may run without a sandbox: somebody typed so.
    pub unsafe_no_sandbox: bool,
    /// This program, where it can be started with [`CONFINED`](super::CONFINED).
    pub confiner: Option<PathBuf>,
    /// The models that options name, as they are written there, each with what it resolved to.
    pub models: Vec<(Value, Arc<Target>)>,
    /// How many models are scored; 0 where that is not known.
    pub subjects: usize,
}

impl Site {
    /// `text` with `${NAME}` filled in.
    ///
    /// # Errors
    /// The name that has no value, or what is wrong with the notation.
    pub fn fill_in(&self, text: &str) -> Result<String, String> {
        variables::fill_in(text, &|name| self.named.get(name).cloned())
    }
}

/// `options` with a value in place of the mapping, as in `python: judge.py:score`, under its name.
#[must_use]
pub fn spelled_out(card: &Card, mut options: Map<String, Value>) -> Map<String, Value> {
    if let Some(value) = options.shift_remove(entry::SHORT)
        && let Some(first) = card.options.first()
    {
        options.insert(first.name.to_owned(), value);
    }
    options
}

/// The options of one scorer. Holds only options that its card names.
#[derive(Debug, Clone)]
pub struct Args {
    scorer: &'static str,
    options: Map<String, Value>,
    site: Site,
}

impl Args {
    /// The `options` written for the scorer that `card` describes.
    ///
    /// # Errors
    /// An option that the card does not name.
    pub fn new(card: &'static Card, options: &Map<String, Value>) -> Result<Self, ArgError> {
        let known = || card.options.iter().map(|option| option.name);
        if let Some(unknown) = options.keys().find(|name| !known().any(|known| known == *name)) {
            let all = match known().collect::<Vec<_>>() {
                all if all.is_empty() => format!("`{}` has no options", card.name),
                all => format!("there are `{}`", all.join("`, `")),
            };
            let near = nearest(unknown, known());
            let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            return Err(ArgError {
                scorer: card.name,
                option: one_line(unknown, 60),
                message: format!("unknown option; {hint}{all}"),
            });
        }
        Ok(Self { scorer: card.name, options: options.clone(), site: Site::default() })
    }

    /// The same options of a scorer that stands at `site`.
    #[must_use]
    pub fn at(mut self, site: Site) -> Self {
        self.site = site;
        self
    }

    /// Where the scorer stands.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// An error about `option`.
    pub fn error(&self, option: &str, message: impl Into<String>) -> ArgError {
        ArgError { scorer: self.scorer, option: option.to_owned(), message: message.into() }
    }

    /// A switch; off when it is not written.
    ///
    /// # Errors
    /// A value that is no boolean.
    pub fn flag(&self, name: &str) -> Result<bool, ArgError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(other) => Err(self.mistyped(name, "`true` or `false`", other)),
        }
    }

    /// A switch that somebody may leave alone.
    ///
    /// # Errors
    /// A value that is no boolean.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, ArgError> {
        self.get(name).map(|_| self.flag(name)).transpose()
    }

    /// Any value, as written.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    /// A whole number from `least` to `most`.
    ///
    /// # Errors
    /// A value that is no whole number, or out of range.
    pub fn whole(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, ArgError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            self.mistyped(name, &format!("a whole number from {least} to {most}"), value)
        })
    }

    /// A text.
    ///
    /// # Errors
    /// A value that is no text; numbers need quotes, since reading them would change them.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ArgError> {
        self.get(name).map(|value| self.as_text(name, value)).transpose()
    }

    /// The model that an option of kind [`MODEL`](crate::scorer::MODEL) names.
    ///
    /// # Errors
    /// A value that the run did not resolve.
    pub fn model(&self, name: &str) -> Result<Option<Arc<Target>>, ArgError> {
        self.get(name).map(|written| self.resolved(name, written)).transpose()
    }

    /// The models that an option of kind [`MODELS`](crate::scorer::MODELS) lists; none when it is not
    /// written.
    ///
    /// # Errors
    /// A value that is no list, or that the run did not resolve.
    pub fn models(&self, name: &str) -> Result<Vec<Arc<Target>>, ArgError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|written| self.resolved(name, written)).collect()
            }
            Some(other) => Err(self.mistyped(name, "a list of models", other)),
        }
    }

    fn resolved(&self, name: &str, written: &Value) -> Result<Arc<Target>, ArgError> {
        let found = self.site.models.iter().find(|(known, _)| known == written);
        found
            .map(|(_, target)| Arc::clone(target))
            .ok_or_else(|| self.mistyped(name, "a model", written))
    }

    /// A text or a list of texts; `None` when it is not written, at least one text else.
    ///
    /// # Errors
    /// A value that is neither, or an empty list.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ArgError> {
        let texts = match self.get(name) {
            None => return Ok(None),
            Some(Value::Array(items)) if items.is_empty() => {
                return Err(self.error(name, "the list is empty"));
            }
            Some(Value::Array(items)) => {
                items.iter().map(|item| self.as_text(name, item).map(str::to_owned)).collect()
            }
            Some(single) => self.as_text(name, single).map(|text| vec![text.to_owned()]),
        };
        texts.map(Some)
    }

    /// Names out of `allowed`: one of them, or a list.
    ///
    /// # Errors
    /// A name that is not among them.
    pub fn names(
        &self,
        name: &str,
        allowed: &[&'static str],
    ) -> Result<Vec<&'static str>, ArgError> {
        let written = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let known = |value: &Value| {
            let text = self.as_text(name, value)?;
            allowed.iter().copied().find(|known| *known == text).ok_or_else(|| {
                let near = nearest(text, allowed.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                let all = allowed.join("`, `");
                self.error(
                    name,
                    format!("unknown `{}`; {hint}there are `{all}`", one_line(text, 60)),
                )
            })
        };
        written.iter().map(known).collect()
    }

    /// One name out of `allowed`.
    ///
    /// # Errors
    /// A name that is not among them, or a list.
    pub fn name(
        &self,
        name: &str,
        allowed: &[&'static str],
    ) -> Result<Option<&'static str>, ArgError> {
        if let Some(list @ Value::Array(_)) = self.get(name) {
            return Err(self.mistyped(name, "one name", list));
        }
        Ok(self.names(name, allowed)?.first().copied())
    }

    /// A number from `least` to `most`.
    ///
    /// # Errors
    /// A value that is no number, or out of range.
    pub fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, ArgError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wanted = match most {
            most if most < f64::MAX => format!("a number from {least} to {most}"),
            _ => format!("a number of at least {least}"),
        };
        value
            .as_f64()
            .filter(|number| (least..=most).contains(number))
            .map(Some)
            .ok_or_else(|| self.mistyped(name, &wanted, value))
    }

    /// A duration with its unit (`500ms`, `3s`, `2m`), in milliseconds.
    ///
    /// # Errors
    /// A value without a number or a unit.
    pub fn milliseconds(&self, name: &str) -> Result<Option<f64>, ArgError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let units = [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0)];
        let parsed = value.as_str().and_then(|text| {
            let (number, scale) = units
                .iter()
                .find_map(|(unit, scale)| Some((text.trim().strip_suffix(unit)?, scale)))?;
            Some(amount(number)? * scale)
        });
        parsed
            .map(Some)
            .ok_or_else(|| self.mistyped(name, "a duration such as `500ms` or `3s`", value))
    }

    /// An amount of US dollars: `$0.01`, or a number.
    ///
    /// # Errors
    /// A value that is no such amount.
    pub fn money(&self, name: &str) -> Result<Option<Money>, ArgError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let usd = match value {
            Value::String(text) => amount(text.trim().strip_prefix('$').unwrap_or(text)),
            other => other.as_f64().filter(|usd| *usd >= 0.0),
        };
        usd.and_then(Money::from_usd)
            .map(Some)
            .ok_or_else(|| self.mistyped(name, "an amount such as `$0.01`", value))
    }

    /// The value as it is written; `None` for null.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.options.get(name).filter(|value| !value.is_null())
    }

    fn as_text<'a>(&self, name: &str, value: &'a Value) -> Result<&'a str, ArgError> {
        value.as_str().ok_or_else(|| match value {
            Value::Number(_) | Value::Bool(_) => {
                self.error(name, format!("`{value}` must be a text; put it in quotes"))
            }
            other => self.mistyped(name, "a text", other),
        })
    }

    fn mistyped(&self, name: &str, wanted: &str, value: &Value) -> ArgError {
        let written = one_line(&value.to_string(), 60);
        self.error(name, format!("must be {wanted}, not `{written}`"))
    }
}

/// A number that is written plainly and not negative.
fn amount(text: &str) -> Option<f64> {
    let plain = text.trim();
    let digits = plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.parse().ok().filter(|_| digits)
}
