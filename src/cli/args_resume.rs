//! What can be typed after `evals resume`. Types only; no logic.

use std::path::PathBuf;

use clap::Args;

use super::{args::RunFormat, args_compare::FileArgs};

#[derive(Debug, Args, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ResumeArgs {
    /// A run's id or the beginning of it, its name, `last` or `last~1` [default: the last run that is
    /// not complete]
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    /// Ask again what ended in an error, and score again where a scorer failed
    #[arg(long)]
    pub(super) retry_errors: bool,
    /// Begin a new run with what there is now, where something has changed
    #[arg(long, conflicts_with = "retry_errors")]
    pub(super) as_new_run: bool,

    /// Give a value to ${NAME} in the config again: such values are not kept
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", help_heading = "Given again")]
    pub(super) define: Vec<String>,
    /// The dataset again, where its address may hold a secret
    #[arg(long, value_name = "SOURCE", help_heading = "Given again")]
    pub(super) source: Option<String>,
    /// All models again, where one has headers. May be repeated
    #[arg(short, long, value_name = "MODEL", help_heading = "Given again")]
    pub(super) model: Vec<String>,

    /// Calls in flight at most, or auto [default: as the run began]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Changed")]
    pub(super) concurrency: Option<String>,
    /// How long an account may be out before its trials fail
    #[arg(long, value_name = "TIME", help_heading = "Changed")]
    pub(super) max_outage: Option<String>,
    /// Stop before the calls of the run, earlier ones included, cost more: $5
    #[arg(long, value_name = "USD", help_heading = "Changed")]
    pub(super) budget: Option<String>,
    /// The same for the models that scorers ask, out of it: $1
    #[arg(long, value_name = "USD", help_heading = "Changed")]
    pub(super) judge_budget: Option<String>,
    /// Stop before the run uses more tokens
    #[arg(long, value_name = "N", help_heading = "Changed")]
    pub(super) budget_tokens: Option<u64>,
    /// Stop after this time: 30m
    #[arg(long, value_name = "TIME", help_heading = "Changed")]
    pub(super) budget_time: Option<String>,
    /// Stop when a larger share of trials ends without an answer: 20%
    #[arg(long, value_name = "SHARE", help_heading = "Changed")]
    pub(super) budget_error_rate: Option<String>,
    /// The share of failed trials that still counts as a complete run: 1%
    #[arg(long, value_name = "SHARE", help_heading = "Changed")]
    pub(super) allow_errors: Option<String>,

    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: RunFormat,
    /// Where the HTML report goes [default: as the run began]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long, conflicts_with = "report", help_heading = "Output")]
    pub(super) no_report: bool,
    /// Write what happens, one JSON object a line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) log: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long, help_heading = "Output")]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) files: FileArgs,
}
