//! One scorer after the other, until one passes: a judge looks again at what the rules marked wrong.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{OPTION_OF, explained, part::Part, parts};
use crate::{
    domain::{
        sample::Sample,
        score::{Score, Verdict},
        target::Target,
    },
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, DEFAULT_LIMIT, Foreseen, Range,
        ScorerKind, Subject,
    },
};

static CARD: Card = Card {
    name: "cascade",
    summary: "One scorer after the other, until one passes: cheap rules first, and a judge for what they \
              mark wrong.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OPTION_OF],
    edge_cases: &[
        "The verdict is that of the first part that passes, else that of the last part.",
        "A part that has no score, or no pass mark and a value below 1, does not pass.",
        "What comes after a part that passes is not asked, and costs nothing.",
        "It can only raise the rules' marks: where a judge should be able to lower them, let it judge \
         everything, or what `when` says.",
    ],
    source: "our own",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct Cascade;

#[derive(Debug)]
struct InTurn {
    parts: Vec<Part>,
    columns: Vec<String>,
}

impl ScorerKind for Cascade {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let parts = parts(args)?;
        if parts.len() < 2 {
            return Err(args.error("of", "two scorers at least: rules, and who looks again"));
        }
        if let Some(part) = parts.iter().find(|part| !part.is_share()) {
            let message = format!("the values of `{}` are not from 0 to 1", part.name);
            return Err(args.error("of", message));
        }
        let mut columns: Vec<String> = parts.iter().flat_map(Part::columns).collect();
        columns.sort_unstable();
        columns.dedup();
        Ok(Built::Asks(Arc::new(InTurn { parts, columns })))
    }
}

/// Whether the verdict settles the matter.
fn passes(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Scored(score) => score.passed.unwrap_or(score.value >= 1.0),
        _ => false,
    }
}

impl Asks for InTurn {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let mut verdicts = Vec::with_capacity(self.parts.len());
            for part in &self.parts {
                verdicts.push(part.ask(subject, context).await);
                if verdicts.last().is_some_and(passes) {
                    break;
                }
            }
            let said = explained(&self.parts[..verdicts.len()], &verdicts);
            match verdicts.pop() {
                Some(Verdict::Scored(score)) => {
                    Verdict::Scored(Score { counts: Vec::new(), ..score }.because(said))
                }
                Some(verdict) => verdict,
                None => Verdict::Failed("there is no scorer".to_owned()),
            }
        })
    }

    fn needs_expected(&self) -> bool {
        self.parts.iter().all(Part::needs_expected)
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
        self.parts.iter().filter_map(Part::asking).flat_map(Asks::targets).collect()
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        // How many answers the rules let pass is not known: at most all of them go on.
        self.parts.iter().filter_map(Part::asking).flat_map(|part| part.foreseen(sample)).collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            for part in &self.parts {
                part.close().await;
            }
        })
    }
}
