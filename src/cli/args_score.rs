//! What can be typed after `evals score`. Types only; no logic.

use std::path::PathBuf;

use clap::Args;

use super::{args::RunFormat, args_compare::FileArgs};

#[derive(Debug, Args, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ScoreArgs {
    /// A run (its id or the beginning of it, its name, `last`), or a file of outputs: JSONL, CSV, …
    #[arg(value_name = "RUN|FILE", default_value = "last")]
    pub(super) subject: String,
    /// The config with the scorers [default: evals.yaml, unless --scorer is given]
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Give a value to ${NAME} in the config
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE")]
    pub(super) define: Vec<String>,
    /// What the new run is called [default: as the old one, or as the file]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// A scorer: a name, or a mapping in YAML. May be repeated
    #[arg(short, long, value_name = "SCORER", help_heading = "Scoring")]
    pub(super) scorer: Vec<String>,
    /// What scorers see, in YAML: '{regex: "answer is (.+)"}'
    #[arg(long, value_name = "STEPS", help_heading = "Scoring")]
    pub(super) extract: Option<String>,
    /// A metric made of others: NAME=EXPRESSION. May be repeated
    #[arg(long, value_name = "NAME=EXPRESSION", help_heading = "Scoring")]
    pub(super) metric: Vec<String>,
    /// A condition that sets the exit code. May be repeated
    #[arg(short, long, value_name = "GATE", help_heading = "Scoring")]
    pub(super) gate: Vec<String>,
    /// The share of failed trials that still counts as a complete run: 1%
    #[arg(long, value_name = "SHARE", help_heading = "Scoring")]
    pub(super) allow_errors: Option<String>,

    /// Stop before the models that scorers ask cost more: $1
    #[arg(long, value_name = "USD", help_heading = "Scorers that ask models")]
    pub(super) judge_budget: Option<String>,
    /// Calls in flight at most, or auto: found out for each account [default: auto]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Scorers that ask models")]
    pub(super) concurrency: Option<String>,
    /// Ask anew what was asked before
    #[arg(long, help_heading = "Scorers that ask models")]
    pub(super) no_cache: bool,

    /// Run code that models wrote without a sandbox, with your rights: it can read your files, use
    /// your network and change both
    #[arg(long, help_heading = "Scoring")]
    pub(super) unsafe_no_sandbox: bool,

    /// The column with the outputs [default: output]
    #[arg(long, value_name = "COLUMN", help_heading = "A file of outputs")]
    pub(super) output: Option<String>,
    /// The column, or template, of the accepted answer
    #[arg(long, value_name = "COLUMN", help_heading = "A file of outputs")]
    pub(super) expected: Option<String>,
    /// The column that identifies a row
    #[arg(long, value_name = "COLUMN", help_heading = "A file of outputs")]
    pub(super) id: Option<String>,

    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: RunFormat,
    /// Changed verdicts that are listed at most
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N", help_heading = "Output")]
    pub(super) limit: usize,
    /// Where the HTML report goes [default: beside the database]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long, conflicts_with = "report", help_heading = "Output")]
    pub(super) no_report: bool,
    /// Show no progress
    #[arg(short, long, help_heading = "Output")]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) files: FileArgs,
}
