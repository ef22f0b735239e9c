//! Whether the output is SQL, of allowed tables and columns only.

mod names;

use std::ops::ControlFlow;

use sqlparser::{
    ast::{Statement, Visit as _},
    dialect::dialect_from_str,
    parser::{Parser, ParserError},
};

use self::names::Names;
use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, quoted, yes_or_no},
        deep::on_large_stack,
    },
};

static CARD: Card = Card {
    name: "is_sql",
    summary: "Whether the whole output is SQL of a dialect, of allowed tables and columns only.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "dialect",
            kind: "name",
            default: "generic",
            doc: "`generic`, `ansi`, `bigquery`, `clickhouse`, `databricks`, `duckdb`, `hive`, \
                  `mssql`, `mysql`, `oracle`, `postgresql`, `redshift`, `snowflake`, `spark`, \
                  `sqlite` or `teradata`.",
        },
        OptionCard {
            name: "tables",
            kind: "text or list of texts",
            default: "any",
            doc: "The tables that may be named, with their schema where it is written: `orders`, \
                  `shop.orders`.",
        },
        OptionCard {
            name: "columns",
            kind: "text or list of texts",
            default: "any",
            doc: "The columns that may be named: `total`, `orders.total`, and `*` for all at once.",
        },
        OptionCard {
            name: "single",
            kind: "flag",
            default: "false",
            doc: "Only one statement will do.",
        },
        OptionCard {
            name: "queries_only",
            kind: "flag",
            default: "false",
            doc: "Only statements that begin with `SELECT`, `WITH` or `VALUES` and change nothing.",
        },
    ],
    edge_cases: &[
        "The grammar is checked, not whether tables exist or types fit. `generic` is the most \
         generous dialect.",
        "No statement at all is no SQL: 0. A code fence is not SQL; `extract: code_block` removes it.",
        "Names are compared without regard to case and quotes.",
        "With a list of tables or columns, statements other than queries, INSERT, UPDATE and DELETE \
         are not allowed.",
        "Names that the query makes itself are allowed where they hold: of `WITH`, of subqueries and \
         their columns, and `AS` names in GROUP BY, HAVING and ORDER BY.",
        "`count(*)` is not all columns at once. Of `NATURAL JOIN` the columns are not seen.",
        "Output of over 64 KiB, and expressions nested over 50 levels deep, are not scored.",
    ],
    source: "the grammars of the Rust crate `sqlparser` 0.62",
};

/// Names of the dialects.
const DIALECTS: &[&str] = &[
    "generic",
    "ansi",
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "hive",
    "mssql",
    "mysql",
    "oracle",
    "postgresql",
    "redshift",
    "snowflake",
    "spark",
    "sqlite",
    "teradata",
];

/// Largest output that is read. A sum of n terms is nested n levels deep, and walked so.
const MAX_BYTES: usize = 64 << 10;

/// The kind.
#[derive(Debug)]
pub(super) struct IsSql;

#[derive(Debug)]
struct Parses {
    dialect: &'static str,
    allowed: Allowed,
    single: bool,
    queries_only: bool,
}

/// What may be named, in lower case; `None` is anything.
#[derive(Debug, Default)]
struct Allowed {
    tables: Option<Vec<String>>,
    columns: Option<Vec<String>>,
}

impl ScorerKind for IsSql {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let lower = |names: Option<Vec<String>>| {
            names.map(|names| names.iter().map(|name| name.trim().to_lowercase()).collect())
        };
        Ok(Built::pure(Parses {
            dialect: args.name("dialect", DIALECTS)?.unwrap_or("generic"),
            allowed: Allowed {
                tables: lower(args.texts("tables")?),
                columns: lower(args.texts("columns")?),
            },
            single: args.flag("single")?,
            queries_only: args.flag("queries_only")?,
        }))
    }
}

impl Parses {
    /// What is wrong with `text`; `Err` when it cannot be looked at.
    fn problem(&self, text: &str) -> Result<Option<String>, String> {
        if text.len() > MAX_BYTES {
            let kib = MAX_BYTES >> 10;
            return Err(format!("has {} bytes; at most {kib} KiB are read as SQL", text.len()));
        }
        if text.starts_with("```") {
            let told = "it stands in a code fence; `extract: code_block` removes it";
            return Ok(Some(told.to_owned()));
        }
        on_large_stack(|| self.look(text))
            .unwrap_or_else(|| Err("cannot be looked at: out of memory".to_owned()))
    }

    fn look(&self, text: &str) -> Result<Option<String>, String> {
        let Some(dialect) = dialect_from_str(self.dialect) else {
            return Err(format!("has no dialect `{}`", self.dialect));
        };
        let statements = match Parser::parse_sql(&*dialect, text) {
            Ok(statements) => statements,
            Err(ParserError::RecursionLimitExceeded) => {
                return Err("is nested over 50 levels deep".to_owned());
            }
            Err(ParserError::TokenizerError(why) | ParserError::ParserError(why)) => {
                return Ok(Some(one_line(&format!("no SQL: {why}"), 200)));
            }
        };
        if self.dialect != "clickhouse"
            && let Some(keyword) = names::misplaced_keyword(&statements)
        {
            let told = format!("no SQL: the keyword {} stands for a name", quoted(&keyword));
            return Ok(Some(one_line(&told, 200)));
        }
        Ok(match statements.len() {
            0 => Some("there is no statement".to_owned()),
            n if self.single && n > 1 => Some(format!("there are {n} statements")),
            _ => statements.iter().find_map(|statement| self.refusal(statement)),
        })
    }

    /// Why a statement is not allowed.
    fn refusal(&self, statement: &Statement) -> Option<String> {
        let limited = self.allowed.tables.is_some() || self.allowed.columns.is_some();
        let told = || {
            let text = statement.to_string();
            let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
            format!("`{}` is not allowed", one_line(&word, 40))
        };
        let is_query = matches!(statement, Statement::Query(_));
        let changes =
            matches!(statement, Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_));
        if (self.queries_only && (!is_query || names::changes_anything(statement)))
            || (limited && !is_query && !changes)
        {
            return Some(told());
        }
        if !limited {
            return None;
        }
        match statement.visit(&mut Names::new(&self.allowed)) {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(why) => Some(why),
        }
    }
}

impl Scorer for Parses {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(output) => output.trim(),
            Err(verdict) => return verdict,
        };
        match self.problem(text) {
            Ok(problem) => yes_or_no(problem.is_none(), || problem.unwrap_or_default()),
            Err(why) => Verdict::Failed(format!("the output {why}")),
        }
    }

    fn is_heavy(&self, _: &Subject<'_>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
