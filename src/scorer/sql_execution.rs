//! Whether the output is a query that gives what the expected one gives.

mod like;
mod reader;
mod rows;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{
    reader::{Bounds, Unanswered, check, query},
    rows::Comparison,
};
use crate::{
    base::text::one_line,
    domain::{
        sample::value_text,
        score::{Score, Verdict},
    },
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, output, yes_or_no},
    },
};

static CARD: Card = Card {
    name: "sql_execution",
    summary: "Whether the output is a query that gives the same rows as the expected one.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "database",
            kind: "path",
            default: "needed",
            doc: "The SQLite file, relative to the config; with `database_column` the folder of all.",
        },
        OptionCard {
            name: "database_column",
            kind: "text",
            default: "none",
            doc: "The dataset column that names each sample's SQLite file within the folder.",
        },
        OptionCard {
            name: "column",
            kind: "text",
            default: "the expected answers, each a query",
            doc: "The dataset column that holds the expected query.",
        },
        OptionCard {
            name: "ordered",
            kind: "flag",
            default: "false",
            doc: "The rows must come in the same order.",
        },
        OptionCard {
            name: "distinct",
            kind: "flag",
            default: "false",
            doc: "Rows that occur several times count once.",
        },
        OptionCard {
            name: "max_rows",
            kind: "whole number",
            default: "100000",
            doc: "A query that gives more rows is not scored; up to 1,000,000.",
        },
        OptionCard {
            name: "max_time",
            kind: "duration",
            default: "5s",
            doc: "A query that takes longer is not scored; up to `60s`.",
        },
    ],
    edge_cases: &[
        "The order of columns matters, their names do not.",
        "Numbers are compared to ten significant digits, so `1` is `1.0`; a text is never a number.",
        "A query with an error, an output that is no query and one of several statements get 0. A \
         comment is allowed, a code fence is not: `extract: code_block` removes it.",
        "The file is opened read-only. Whatever does more than read (changes, PRAGMA, ATTACH, \
         extensions) is not carried out and not scored, and `GLOB` neither.",
        "A query that takes too long, gives over 64 MiB or makes a value of over 1 MiB is not scored.",
        "An expected query with an error is a failure of the scorer. Of several the first that fits \
         counts.",
        "`LIKE` does as SQLite's own and takes bounded time. Sorts may use temporary files.",
    ],
    source: "execution accuracy as in Spider (Yu et al. 2018, EMNLP) and BIRD (Li et al. 2023, \
             NeurIPS); BIRD's is `distinct: true`",
};

/// The kind.
#[derive(Debug)]
pub(super) struct SqlExecution;

#[derive(Debug)]
struct Executes {
    database: PathBuf,
    /// The columns that it reads: of the database and of the expected query.
    database_column: Option<String>,
    column: Option<String>,
    columns: Vec<String>,
    comparison: Comparison,
    bounds: Bounds,
}

impl ScorerKind for SqlExecution {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let database = args.text("database")?.ok_or_else(|| {
            args.error("database", "is needed: the SQLite file, or the folder of several")
        })?;
        let path = args.site().base_dir.join(database);
        let database_column = args.text("database_column")?.map(str::to_owned);
        match &database_column {
            None => check(&path).map_err(|why| args.error("database", why))?,
            Some(_) if !path.is_dir() => {
                return Err(args.error("database", format!("`{database}` is no folder")));
            }
            Some(_) => {}
        }
        let column = args.text("column")?.map(str::to_owned);
        let time = args.milliseconds("max_time")?.unwrap_or(5_000.0);
        if !(1.0..=60_000.0).contains(&time) {
            return Err(args.error("max_time", "must be from `1ms` to `60s`"));
        }
        let rows = args.whole("max_rows", 1, 1_000_000)?.unwrap_or(100_000) as usize;
        Ok(Built::pure(Executes {
            database: path,
            columns: database_column.iter().chain(&column).cloned().collect(),
            database_column,
            column,
            comparison: Comparison {
                ordered: args.flag("ordered")?,
                distinct: args.flag("distinct")?,
            },
            bounds: Bounds { rows, time: Duration::from_millis(time as u64) },
        }))
    }
}

/// The file `name` within `folder`, which it does not leave.
fn within(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let canonical = |path: &Path| {
        fs::canonicalize(path)
            .map_err(|error| format!("database `{}`: {error}", one_line(name, 80)))
    };
    let (folder, path) = (canonical(folder)?, canonical(&folder.join(name))?);
    if !path.starts_with(&folder) || !path.is_file() {
        return Err(format!("database `{}` is no file in the folder", one_line(name, 80)));
    }
    check(&path)?;
    Ok(path)
}

impl Executes {
    fn text(subject: &Subject<'_>, column: &str) -> Result<String, Verdict> {
        let text = subject.sample.vars.get(column).map(value_text).unwrap_or_default();
        match text.trim() {
            "" => Err(Verdict::Skipped(format!("column `{column}` is empty"))),
            text => Ok(text.to_owned()),
        }
    }

    fn judge(&self, subject: &Subject<'_>) -> Result<Verdict, Verdict> {
        let expected = match &self.column {
            None => accepted(subject)?.to_vec(),
            Some(column) => vec![Self::text(subject, column)?],
        };
        let sql = output(subject)?.trim();
        let path = match &self.database_column {
            None => self.database.clone(),
            Some(column) => {
                within(&self.database, &Self::text(subject, column)?).map_err(Verdict::Failed)?
            }
        };
        if sql.starts_with("```") {
            let told = "it stands in a code fence; `extract: code_block` removes it";
            return Ok(Verdict::Scored(Score::binary(false).because(told)));
        }
        let got = query(&path, sql, self.bounds).map_err(|unanswered| match unanswered {
            Unanswered::Wrong(why) => Verdict::Scored(Score::binary(false).because(why)),
            Unanswered::Refused(why) => Verdict::Failed(format!("the query {why}")),
        })?;
        let mut first = None;
        for expected in &expected {
            let wanted = query(&path, expected, self.bounds).map_err(|unanswered| {
                let (Unanswered::Wrong(why) | Unanswered::Refused(why)) = unanswered;
                Verdict::Failed(format!("the expected query: {why}"))
            })?;
            match wanted.difference(&got, self.comparison) {
                None => return Ok(yes_or_no(true, String::new)),
                difference => first = first.or(difference),
            }
        }
        Ok(yes_or_no(false, || one_line(&first.unwrap_or_default(), 300)))
    }
}

impl Scorer for Executes {
    fn needs_expected(&self) -> bool {
        self.column.is_none()
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        self.judge(subject).unwrap_or_else(|verdict| verdict)
    }

    fn is_heavy(&self, _: &Subject<'_>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
