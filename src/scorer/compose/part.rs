//! A scorer inside another, or one that a row has a say in.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Map, Value};

use super::{RowScorers, per_row::PerRow};
use crate::{
    base::text::{nearest, one_line},
    domain::{
        sample::{Sample, value_text},
        score::{Corpus, Verdict},
    },
    scorer::{
        ArgError, Args, Asks, Built, Card, Context, DEFAULT_LIMIT, Range, SCORERS, ScorerKind,
        Site, Subject, find, spelled_out,
    },
};

/// A scorer with what it reads of the row.
#[derive(Debug)]
pub(super) struct Part {
    /// What it is called in explanations.
    pub(super) name: String,
    /// What the registry says of it.
    pub(super) card: &'static Card,
    /// How much it counts.
    pub(super) weight: f64,
    /// Where a row says whether it applies, and under which id.
    pub(super) applies: Option<(String, RowScorers)>,
    /// What it reads.
    extract: Reads,
    /// The column of the accepted answers, in place of the sample's.
    expected: Option<String>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Fixed(Built),
    /// With options that each row gives.
    Rows(Box<PerRow>),
}

/// What a part reads.
#[derive(Debug, Clone, Copy)]
enum Reads {
    /// What the scorer around it reads.
    Same,
    /// The whole output.
    Output,
    /// What the extraction with this index found.
    Extracted(usize),
}

impl Part {
    /// The part that `value` writes: a name, or a mapping of a name to options.
    pub(super) fn read(value: &Value, site: &Site) -> Result<Self, String> {
        let (name, options) = match value {
            Value::String(name) => (name.as_str(), Map::new()),
            Value::Object(map) if map.len() == 1 => match map.iter().next() {
                Some((name, Value::Object(options))) => (name.as_str(), options.clone()),
                Some((name, Value::Null)) => (name.as_str(), Map::new()),
                Some((name, short)) => {
                    let short = (crate::config::entry::SHORT.to_owned(), short.clone());
                    (name.as_str(), Map::from_iter([short]))
                }
                None => ("", Map::new()),
            },
            _ => return Err("a scorer is written `name` or `{name: {options}}`".to_owned()),
        };
        let kind = find(name).ok_or_else(|| {
            let known = SCORERS.iter().map(|kind| kind.card().name);
            let near = nearest(name, known);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("there is no scorer `{}`{hint}", one_line(name, 60))
        })?;
        let mut options = spelled_out(kind.card(), options);
        let own = |key: &str| kind.card().options.iter().any(|option| option.name == key);
        let mut taken = |key: &str| if own(key) { None } else { options.shift_remove(key) };
        let text = |key: &str, value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(format!("`{key}` of scorer `{name}` must be a text")),
        };
        let id = text("id", taken("id"))?;
        let extract = text("extract", taken("extract"))?
            .map_or(Ok(Reads::Same), |wanted| extraction(&wanted, site))?;
        let weight = match taken("weight") {
            None => 1.0,
            Some(weight) => weight.as_f64().filter(|weight| *weight > 0.0).ok_or_else(|| {
                format!("`weight` of scorer `{name}` must be a number above 0, not `{weight}`")
            })?,
        };
        let part = Self::of(kind, options, site.clone()).map_err(|wrong| wrong.to_string())?;
        Ok(Self { name: id.unwrap_or_else(|| name.to_owned()), weight, extract, ..part })
    }

    /// The scorer of `kind` with its own options, `expected` and columns among them.
    pub(super) fn of(
        kind: &'static dyn ScorerKind,
        mut options: Map<String, Value>,
        site: Site,
    ) -> Result<Self, ArgError> {
        let card = kind.card();
        let own = card.options.iter().any(|option| option.name == "expected");
        let expected = match if own { None } else { options.shift_remove("expected") } {
            None => None,
            Some(Value::String(column)) if !column.trim().is_empty() => Some(column),
            Some(other) => {
                let message =
                    format!("must name a column, not `{}`", one_line(&other.to_string(), 60));
                return Err(ArgError { scorer: card.name, option: "expected".to_owned(), message });
            }
        };
        let body = match PerRow::of(kind, &options, &site)? {
            Some(rows) => Body::Rows(Box::new(rows)),
            None => Body::Fixed(kind.build(&Args::new(card, &options)?.at(site))?),
        };
        Ok(Self {
            name: card.name.to_owned(),
            card,
            weight: 1.0,
            applies: None,
            extract: Reads::Same,
            expected,
            body,
        })
    }

    /// The scorer itself, when no row has a say in it.
    pub(super) fn plain(self) -> Result<Built, Box<Self>> {
        match self {
            Self { body: Body::Fixed(built), expected: None, applies: None, .. } => Ok(built),
            part => Err(Box::new(part)),
        }
    }

    /// Whether its values lie between 0 and 1.
    pub(super) fn is_share(&self) -> bool {
        self.card.range == Range::Unit
    }

    /// The verdict of a part that computes.
    pub(super) fn score(&self, subject: &Subject<'_>) -> Verdict {
        let seen = match self.seen(subject) {
            Ok(seen) => seen,
            Err(verdict) => return verdict,
        };
        let subject = Subject { sample: &seen, output: self.output(subject), ..*subject };
        match &self.body {
            Body::Fixed(Built::Pure(scorer)) => scorer.score(&subject),
            Body::Fixed(Built::Asks(_)) => {
                Verdict::Failed(format!("`{}` asks somebody, and nobody waits for it", self.name))
            }
            Body::Rows(rows) => rows.score(&subject),
        }
    }

    /// The verdict, waited for where that is needed.
    pub(super) fn ask<'a>(
        &'a self,
        subject: Subject<'a>,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Verdict> {
        let Body::Fixed(Built::Asks(scorer)) = &self.body else {
            // One that breaks must not take the others with it.
            let verdict = catch_unwind(AssertUnwindSafe(|| self.score(&subject)));
            let broken = |_| Verdict::Failed("the scorer broke".to_owned());
            return ready(verdict.unwrap_or_else(broken)).boxed();
        };
        async move {
            let seen = match self.seen(&subject) {
                Ok(seen) => seen,
                Err(verdict) => return verdict,
            };
            let subject = Subject { sample: &seen, output: self.output(&subject), ..subject };
            scorer.ask(subject, context).await
        }
        .boxed()
    }

    fn output<'a>(&self, subject: &Subject<'a>) -> Option<&'a str> {
        match self.extract {
            Reads::Same => subject.output,
            Reads::Output => Some(subject.generation.text.as_str()),
            Reads::Extracted(index) => subject.answer.extracted.get(index)?.as_deref(),
        }
    }

    /// The row as the part sees it; the verdict when it does not apply to the row.
    fn seen<'a>(&self, subject: &Subject<'a>) -> Result<Cow<'a, Sample>, Verdict> {
        let sample = subject.sample;
        if let Some((id, rows)) = &self.applies {
            applies(id, rows, sample)?;
        }
        let Some(column) = &self.expected else { return Ok(Cow::Borrowed(sample)) };
        let expected = match sample.vars.get(column) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(value_text).collect(),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(other) => vec![value_text(other)],
        };
        Ok(Cow::Owned(Sample { expected, ..sample.clone() }))
    }

    /// Whether it asks somebody.
    pub(super) fn asks(&self) -> bool {
        matches!(self.body, Body::Fixed(Built::Asks(_)))
    }

    /// The columns that it reads.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut columns = match &self.body {
            Body::Fixed(built) => built.columns().to_vec(),
            Body::Rows(rows) => rows.columns(),
        };
        columns.extend(self.expected.clone());
        columns.extend(self.applies.as_ref().map(|(_, rows)| rows.column.clone()));
        columns
    }

    /// Whether it can say nothing of a sample without expected answers.
    pub(super) fn needs_expected(&self) -> bool {
        match &self.body {
            _ if self.expected.is_some() => false,
            Body::Fixed(built) => built.needs_expected(),
            Body::Rows(rows) => rows.needs_expected(),
        }
    }

    pub(super) fn corpus(&self) -> Option<Corpus> {
        match &self.body {
            Body::Fixed(built) => built.corpus(),
            Body::Rows(_) => None,
        }
    }

    pub(super) fn is_heavy(&self, subject: &Subject<'_>) -> bool {
        let subject = Subject { output: self.output(subject), ..*subject };
        match &self.body {
            Body::Fixed(Built::Pure(scorer)) => scorer.is_heavy(&subject),
            Body::Fixed(Built::Asks(_)) => false,
            // What a row asks for may be anything.
            Body::Rows(_) => true,
        }
    }

    /// The scorer, where it asks somebody.
    pub(super) fn asking(&self) -> Option<&dyn Asks> {
        match &self.body {
            Body::Fixed(built) => built.asks(),
            Body::Rows(_) => None,
        }
    }

    pub(super) fn at_once(&self) -> Option<usize> {
        match &self.body {
            Body::Fixed(Built::Asks(scorer)) => Some(scorer.at_once()),
            _ => None,
        }
    }

    pub(super) fn limit(&self) -> Duration {
        match &self.body {
            Body::Fixed(built) => built.limit(),
            Body::Rows(_) => DEFAULT_LIMIT,
        }
    }

    pub(super) fn starts(&self) -> Vec<String> {
        match &self.body {
            Body::Fixed(built) => built.starts(),
            Body::Rows(_) => Vec::new(),
        }
    }

    pub(super) fn close(&self) -> BoxFuture<'_, ()> {
        match &self.body {
            Body::Fixed(Built::Asks(scorer)) => scorer.close(),
            _ => ready(()).boxed(),
        }
    }
}

fn extraction(wanted: &str, site: &Site) -> Result<Reads, String> {
    if ["output", "none"].contains(&wanted) {
        return Ok(Reads::Output);
    }
    let index = site.extracts.iter().position(|id| id == wanted);
    index.map(Reads::Extracted).ok_or_else(|| {
        let all: Vec<String> = site.extracts.iter().map(|id| format!("`{id}`")).collect();
        let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        format!("there is no extraction `{}`; there are {all}", one_line(wanted, 60))
    })
}

/// The verdict when the row does not name the scorer called `id`. A row that names none wants all.
fn applies(id: &str, rows: &RowScorers, sample: &Sample) -> Result<(), Verdict> {
    let column = &rows.column;
    let named: Vec<String> = match sample.vars.get(column) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(items)) => items.iter().map(value_text).collect(),
        Some(other) => {
            let text = value_text(other);
            let names = text.split([',', ';']).map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty()).collect()
        }
    };
    if let Some(stranger) = named.iter().find(|name| !rows.ids.contains(name)) {
        let stranger = one_line(stranger, 60);
        return Err(Verdict::Failed(format!(
            "column `{column}` names `{stranger}`, and no scorer is called so"
        )));
    }
    if named.is_empty() || named.iter().any(|name| name == id) {
        return Ok(());
    }
    Err(Verdict::Skipped(format!("column `{column}` does not name it")))
}
