//! Scorers made of other scorers, and scorers that a row has a say in.
//!
//! A [`Part`](part::Part) is a scorer with what it reads of the row; a [`Compound`] asks its parts
//! and makes one verdict of theirs. What is written for one part is written as anywhere else: a name,
//! or a name with options. A compound whose parts all compute computes itself; one with a part that
//! asks somebody asks.

pub(super) mod all_of;
pub(super) mod any_of;
pub(super) mod cascade;
pub(super) mod not;
mod part;
mod per_row;
pub(super) mod threshold;
pub(super) mod weighted;

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use serde_json::{Map, Value};

use self::part::Part;
use super::{
    ArgError, Args, Asks, Built, Context, DEFAULT_LIMIT, Foreseen, OptionCard, Scorer, ScorerKind,
    Site, Subject,
};
use crate::{
    base::text::one_line,
    domain::{
        sample::Sample,
        score::{Corpus, Score, Verdict},
        target::Target,
    },
};

/// Longest explanation, in characters.
const EXPLAINED: usize = 300;

/// Most levels of scorers in scorers.
const DEEPEST: usize = 16;

/// A scorer as a config describes it.
#[derive(Debug)]
pub struct Assembled {
    /// The scorer.
    pub built: Built,
}

/// The column that names which scorers apply to a row.
#[derive(Debug, Clone)]
pub struct RowScorers {
    /// The column.
    pub column: String,
    /// The ids of all scorers.
    pub ids: Arc<[String]>,
}

/// The scorer of `kind` that `options` describe. Besides the scorer's own options they may hold
/// `expected`, the column of the accepted answers, and any option may be `{column: NAME}`: each row
/// has its own value. `rows` says where a row names the scorers that apply to it, among them `id`.
///
/// # Errors
/// An option that cannot be used.
pub fn assemble(
    kind: &'static dyn ScorerKind,
    options: &Map<String, Value>,
    site: Site,
    rows: Option<(&str, &RowScorers)>,
) -> Result<Assembled, ArgError> {
    let mut part = Part::of(kind, options.clone(), site)?;
    part.applies = rows.map(|(id, rows)| (id.to_owned(), rows.clone()));
    let built = match part.plain() {
        Ok(built) => built,
        Err(part) => Compound::new(vec![*part], Alone).into_built(),
    };
    Ok(Assembled { built })
}

/// Makes one verdict of those of the parts.
trait Fold: Send + Sync + fmt::Debug {
    /// The verdict; there is one of `verdicts` for each of `parts`.
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict;
}

/// The verdict of the only part.
#[derive(Debug)]
struct Alone;

impl Fold for Alone {
    fn fold(&self, _: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let none = || Verdict::Failed("there is no scorer".to_owned());
        verdicts.into_iter().next().unwrap_or_else(none)
    }
}

/// Parts, and how one verdict is made of theirs.
#[derive(Debug)]
struct Compound<F> {
    parts: Vec<Part>,
    columns: Vec<String>,
    fold: F,
}

impl<F: Fold + 'static> Compound<F> {
    fn new(parts: Vec<Part>, fold: F) -> Self {
        let mut columns: Vec<String> = parts.iter().flat_map(Part::columns).collect();
        columns.sort_unstable();
        columns.dedup();
        Self { parts, columns, fold }
    }

    fn into_built(self) -> Built {
        if self.parts.iter().any(Part::asks) {
            return Built::Asks(Arc::new(self));
        }
        Built::pure(self)
    }

    /// The parts that ask somebody.
    fn asking(&self) -> impl Iterator<Item = &dyn Asks> {
        self.parts.iter().filter_map(Part::asking)
    }

    fn compares(&self) -> bool {
        self.parts.iter().all(Part::needs_expected)
    }
}

impl<F: Fold + 'static> Scorer for Compound<F> {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let verdicts = self.parts.iter().map(|part| part.score(subject)).collect();
        self.fold.fold(&self.parts, verdicts)
    }

    fn corpus(&self) -> Option<Corpus> {
        match self.parts.as_slice() {
            // Only what is handed on as it is counts: a fold makes a score of its own.
            [part] if std::any::TypeId::of::<F>() == std::any::TypeId::of::<Alone>() => {
                part.corpus()
            }
            _ => None,
        }
    }

    fn needs_expected(&self) -> bool {
        self.compares()
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn is_heavy(&self, subject: &Subject<'_>) -> bool {
        self.parts.iter().any(|part| part.is_heavy(subject))
    }
}

impl<F: Fold + 'static> Asks for Compound<F> {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        let asked = self.parts.iter().map(move |part| part.ask(subject, context));
        join_all(asked).map(|verdicts| self.fold.fold(&self.parts, verdicts)).boxed()
    }

    fn needs_expected(&self) -> bool {
        self.compares()
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn at_once(&self) -> usize {
        self.parts.iter().filter_map(Part::at_once).min().unwrap_or(1)
    }

    fn limit(&self) -> Duration {
        self.parts.iter().map(Part::limit).max().unwrap_or(DEFAULT_LIMIT)
    }

    fn starts(&self) -> Vec<String> {
        self.parts.iter().flat_map(Part::starts).collect()
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        self.asking().flat_map(Asks::targets).collect()
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        self.asking().flat_map(|part| part.foreseen(sample)).collect()
    }

    fn facts(&self) -> Map<String, Value> {
        let of_part = |(index, part): (usize, &Part)| {
            let facts = part.asking()?.facts();
            (!facts.is_empty()).then(|| (format!("part {}", index + 1), Value::Object(facts)))
        };
        self.parts.iter().enumerate().filter_map(of_part).collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let closed = self.parts.iter().map(Part::close);
        join_all(closed).map(drop).boxed()
    }
}

/// The option of scorers that are made of several.
const OPTION_OF: OptionCard = OptionCard {
    name: "of",
    kind: "list of scorers",
    default: "required",
    doc: "The parts, written as under `scorers`; each may have an `id` for the explanation, an \
          `extract` and an `expected`.",
};

/// The option of scorers that are made of one.
const OPTION_OF_ONE: OptionCard = OptionCard {
    name: "of",
    kind: "scorer",
    default: "required",
    doc: "The scorer, written as under `scorers`.",
};

/// The parts that `args` name.
fn parts(args: &Args) -> Result<Vec<Part>, ArgError> {
    let written = match args.raw("of") {
        Some(Value::Array(items)) if !items.is_empty() => items.as_slice(),
        Some(Value::Array(_)) => return Err(args.error("of", "the list is empty")),
        Some(one) => std::slice::from_ref(one),
        None => return Err(args.error("of", "it is missing; name the scorers")),
    };
    let mut site = args.site().clone();
    site.depth += 1;
    if site.depth > DEEPEST {
        let message = format!("scorers stand in scorers more than {DEEPEST} levels deep");
        return Err(args.error("of", message));
    }
    let part = |(index, value): (usize, &Value)| {
        Part::read(value, &site)
            .map_err(|message| args.error("of", format!("part {}: {message}", index + 1)))
    };
    written.iter().enumerate().map(part).collect()
}

/// The only part that `args` name.
fn one_part(args: &Args) -> Result<Part, ArgError> {
    let mut parts = parts(args)?;
    match (parts.pop(), parts.is_empty()) {
        (Some(part), true) => Ok(part),
        _ => Err(args.error("of", "it takes one scorer, not several")),
    }
}

/// Whether a part passed, by its verdict; the reason when nobody can tell.
fn passed(verdict: &Verdict) -> Result<bool, Verdict> {
    match verdict {
        Verdict::Scored(score) => score.passed.ok_or_else(|| {
            let why =
                "it neither passes nor fails; give it a threshold, or put `threshold` around it";
            Verdict::Failed(why.to_owned())
        }),
        unscored => Err(unscored.clone()),
    }
}

/// The verdict for parts of which some have no score: failed when one failed, else skipped.
fn unscored<'a>(found: impl Iterator<Item = (&'a Part, Verdict)>) -> Verdict {
    let (mut failed, mut reasons) = (false, Vec::new());
    for (part, verdict) in found {
        match verdict {
            Verdict::Failed(why) | Verdict::Unanswered(why) => {
                failed = true;
                reasons.push(format!("`{}`: {why}", part.name));
            }
            Verdict::Skipped(why) => reasons.push(format!("`{}`: {why}", part.name)),
            Verdict::Scored(_) => {}
        }
    }
    let why = one_line(&reasons.join("; "), EXPLAINED);
    if failed { Verdict::Failed(why) } else { Verdict::Skipped(why) }
}

/// What the parts said, a few words each.
fn explained(parts: &[Part], verdicts: &[Verdict]) -> String {
    let room = EXPLAINED / parts.len().max(1);
    let one = |(part, verdict): (&Part, &Verdict)| {
        let said = match verdict {
            Verdict::Scored(Score { value, passed, explanation, .. }) => {
                let mark = match passed {
                    Some(true) => " passed",
                    Some(false) => " failed",
                    None => "",
                };
                let why = explanation.as_deref().map(|why| format!(" ({why})"));
                format!("{}{mark}{}", (value * 1e4).round() / 1e4, why.unwrap_or_default())
            }
            Verdict::Skipped(why) | Verdict::Failed(why) | Verdict::Unanswered(why) => {
                format!("not scored ({why})")
            }
        };
        one_line(&format!("{} {said}", part.name), room.max(20))
    };
    let all: Vec<String> = parts.iter().zip(verdicts).map(one).collect();
    one_line(&all.join("; "), EXPLAINED)
}

#[cfg(test)]
mod tests;
