//! What can be typed. Types only; no logic.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    args_compare::{CompareArgs, FileArgs, GateArgs, MergeArgs, TagArgs},
    args_judge::JudgeCommand,
    args_models::{EndpointsCommand, ModelsCommand},
    args_power::PowerArgs,
    args_resume::ResumeArgs,
    args_score::ScoreArgs,
    args_scorers::ScorersCommand,
};

/// Tells which model or prompt is better on your data, by how much, at what price and latency, and
/// how sure one can be.
#[derive(Debug, Parser)]
#[command(name = "evals", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done and all gates pass · 1 a gate failed · 2 wrong usage or \
                        config, nothing was called · 3 the run is incomplete · \
                        4 the budget was reached · 130 interrupted"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// The database of runs [default: .evals/runs.db]
    #[arg(long, global = true, value_name = "FILE", env = "EVALS_DB", hide_env_values = true)]
    pub(super) db: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a starter experiment: a config and a small dataset
    Init(InitArgs),
    /// Ask the models, score the answers, say which is better
    Run(Box<RunArgs>),
    /// Go on with a run that was stopped, killed or left with errors
    Resume(Box<ResumeArgs>),
    /// Score the answers of a run, or a file of outputs, without calling a model
    Score(Box<ScoreArgs>),
    /// Say what a run would call and cost, and send nothing; takes the flags of `run`
    Plan(Box<RunArgs>),
    /// List the recorded runs
    List(ListArgs),
    /// Show what a run found
    Show(ShowArgs),
    /// Say which of several runs, models or prompts is better, and how sure one can be
    Compare(CompareArgs),
    /// Decide whether a recorded run meets conditions
    Gate(GateArgs),
    /// Put the shards of a run together
    Merge(MergeArgs),
    /// Name a run, to refer to it
    Tag(TagArgs),
    /// Write a run's report: one HTML file, or Markdown
    Report(ReportArgs),
    /// Say how small a difference the samples of a run can show, and how many samples a smaller one
    /// takes
    Power(PowerArgs),
    /// Write a run's trials as JSONL, CSV or Parquet
    Export(ExportArgs),
    /// Delete runs
    Rm(RmArgs),
    /// Say what is in the response cache, or delete from it
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Look up models: limits, prices, capabilities
    Catalog(CatalogArgs),
    /// Say which judges there are for the scorer `judge`, and measure scorers by people's labels
    Judge {
        /// What to do.
        #[command(subcommand)]
        command: JudgeCommand,
    },
    /// Say what there is to score with
    Scorers {
        /// What to do.
        #[command(subcommand)]
        command: ScorersCommand,
    },
    /// Register models of your own, `byo:SLUG`, and look after them
    Models {
        /// What to do.
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Register addresses with many models, `byo:SLUG/MODEL`, and look after them
    Endpoints {
        /// What to do.
        #[command(subcommand)]
        command: EndpointsCommand,
    },
    /// Keep credentials encrypted: make the vault, say what opens it, change its keys
    #[command(subcommand)]
    Vault(VaultCommand),
    /// List what was done with credentials, and when
    Audit(AuditArgs),
    /// Print the JSON Schema of config files, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a shell function that lets you type `eval run`
    ShellInit(ShellInitArgs),
    /// Check that everything evals needs is in order
    Doctor,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where to write
    #[arg(default_value = ".", value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    pub(super) force: bool,
}

// Kept with the run, so that it can go on; what only concerns this process is not.
#[derive(Debug, Args, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct RunArgs {
    /// A config (.yaml, .yml), or a dataset: a file, a glob, a directory, a URL, or - for standard
    /// input [default: evals.yaml]
    #[arg(value_name = "SOURCE")]
    pub(super) source: Option<String>,
    /// The config, when SOURCE is a dataset
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Give a value to ${NAME} in the config
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE")]
    pub(super) define: Vec<String>,
    /// What the run is called
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// The project that the run belongs to; credentials may be limited to some
    #[arg(long, value_name = "NAME")]
    pub(super) project: Option<String>,

    /// A model: sim/good, byo:SLUG, replay:FILE, or a mapping in YAML. May be repeated
    #[arg(short, long, value_name = "MODEL", help_heading = "Models")]
    pub(super) model: Vec<String>,
    /// Sampling temperature
    #[arg(long, value_name = "T", help_heading = "Models")]
    pub(super) temperature: Option<f64>,
    /// Longest answer, in tokens
    #[arg(long, value_name = "N", help_heading = "Models")]
    pub(super) max_tokens: Option<u64>,
    /// Calls in flight at most, or auto: found out for each account [default: auto]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Models")]
    pub(super) concurrency: Option<String>,
    /// In which order models are asked [default: side-by-side]
    #[arg(long, value_enum, value_name = "ORDER", help_heading = "Models")]
    pub(super) schedule: Option<RunSchedule>,
    /// How long an account may be out before its trials fail [default: 15m]
    #[arg(long, value_name = "TIME", help_heading = "Models")]
    pub(super) max_outage: Option<String>,
    /// Stop before the calls of the run cost more: $5
    #[arg(long, value_name = "USD", help_heading = "Budget")]
    pub(super) budget: Option<String>,
    /// The same for the models that scorers ask, out of it: $1
    #[arg(long, value_name = "USD", help_heading = "Budget")]
    pub(super) judge_budget: Option<String>,
    /// Stop before the run uses more tokens
    #[arg(long, value_name = "N", help_heading = "Budget")]
    pub(super) budget_tokens: Option<u64>,
    /// Stop after this time: 30m
    #[arg(long, value_name = "TIME", help_heading = "Budget")]
    pub(super) budget_time: Option<String>,
    /// Stop when a larger share of trials ends without an answer: 20%
    #[arg(long, value_name = "SHARE", help_heading = "Budget")]
    pub(super) budget_error_rate: Option<String>,
    /// Stop as soon as the mean of a scorer is known to this half width, such as 0.02, for every
    /// model and prompt. Needs --shuffle
    #[arg(long, value_name = "SCORER=HALF_WIDTH", help_heading = "Budget")]
    pub(super) stop: Option<String>,
    /// Let a model without a price be called under --budget. May be repeated
    #[arg(long, value_name = "MODEL", help_heading = "Budget")]
    pub(super) unpriced: Vec<String>,
    /// Repeat each trial
    #[arg(long, value_name = "N", help_heading = "Models")]
    pub(super) epochs: Option<u32>,

    /// Run code that models wrote without a sandbox, with your rights: it can read your files, use
    /// your network and change both
    #[arg(long)]
    #[serde(default)]
    pub(super) unsafe_no_sandbox: bool,

    /// Ask anew whatever was asked before, and keep no answer
    #[arg(long, conflicts_with_all = ["refresh", "cache_ttl"], help_heading = "Cache")]
    pub(super) no_cache: bool,
    /// Ask anew whatever was asked before, and keep the new answers
    #[arg(long, help_heading = "Cache")]
    pub(super) refresh: bool,
    /// How old an answer may be to be used again, such as 12h [default: 14d]
    #[arg(long, value_name = "TIME", help_heading = "Cache")]
    pub(super) cache_ttl: Option<String>,

    /// A prompt: a template such as '{{question}}', or @FILE. May be repeated
    #[arg(short, long, value_name = "TEMPLATE", help_heading = "Prompts")]
    pub(super) prompt: Vec<String>,
    /// A system message before every --prompt
    #[arg(long, value_name = "TEMPLATE", requires = "prompt", help_heading = "Prompts")]
    pub(super) system: Option<String>,

    /// The dataset's format, where its name does not tell: csv, tsv, json, jsonl, parquet, arrow
    #[arg(long, value_name = "FORMAT", help_heading = "Dataset")]
    pub(super) dataset_format: Option<String>,
    /// The column, or template, of what is asked
    #[arg(long, value_name = "COLUMN", help_heading = "Dataset")]
    pub(super) input: Option<String>,
    /// The column, or template, of the accepted answer
    #[arg(long, value_name = "COLUMN", help_heading = "Dataset")]
    pub(super) expected: Option<String>,
    /// The column that identifies a row
    #[arg(long, value_name = "COLUMN", help_heading = "Dataset")]
    pub(super) id: Option<String>,
    /// The column that groups rows which are not independent
    #[arg(long, value_name = "COLUMN", help_heading = "Dataset")]
    pub(super) cluster: Option<String>,
    /// Keep the rows for which this Polars SQL expression is true
    #[arg(long = "where", value_name = "SQL", help_heading = "Dataset")]
    pub(super) filter: Option<String>,
    /// Keep this many rows at most
    #[arg(short = 'n', long, value_name = "N", help_heading = "Dataset")]
    pub(super) limit: Option<u64>,
    /// Keep a random sample of N rows; N:SEED for another one
    #[arg(long, value_name = "N", help_heading = "Dataset")]
    pub(super) sample: Option<String>,
    /// Shuffle the rows with this seed
    #[arg(long, value_name = "SEED", help_heading = "Dataset")]
    pub(super) shuffle: Option<u64>,
    /// Keep the rows from FROM up to, not including, TO, counted from 0
    #[arg(long, value_name = "FROM..TO", help_heading = "Dataset")]
    pub(super) range: Option<String>,
    /// Keep the samples that failed in another run
    #[arg(long, value_name = "RUN", help_heading = "Dataset")]
    pub(super) failed_of: Option<String>,

    /// A scorer: a name, or a mapping in YAML such as '{levenshtein: {threshold: 0.8}}'. May be repeated
    #[arg(short, long, value_name = "SCORER", help_heading = "Scoring")]
    pub(super) scorer: Vec<String>,
    /// What scorers see, in YAML: '{regex: "answer is (.+)"}'
    #[arg(long, value_name = "STEPS", help_heading = "Scoring")]
    pub(super) extract: Option<String>,
    /// A metric made of others, such as 'f1=2 * p.mean * r.mean / (p.mean + r.mean)'. May be repeated
    #[arg(long, value_name = "NAME=EXPRESSION", help_heading = "Scoring")]
    pub(super) metric: Vec<String>,
    /// Tell results apart by the values of this column, or by `tag`. May be repeated
    #[arg(long, value_name = "COLUMN", help_heading = "Scoring")]
    pub(super) slice: Vec<String>,
    /// A condition that sets the exit code, such as 'errors.rate < 1%'. May be repeated
    #[arg(short, long, value_name = "GATE", help_heading = "Scoring")]
    pub(super) gate: Vec<String>,
    /// The share of failed trials that still counts as a complete run: 1%
    #[arg(long, value_name = "SHARE", help_heading = "Scoring")]
    pub(super) allow_errors: Option<String>,

    /// The run, or the file of `evals export`, that `vs baseline` of a gate means
    #[arg(long, value_name = "RUN", help_heading = "Scoring")]
    pub(super) baseline: Option<String>,
    /// What all gates disregard: a kind of difference to the baseline, such as `prompt`, or
    /// `unscored`. May be repeated
    #[arg(long, value_name = "WHAT", help_heading = "Scoring")]
    pub(super) allow: Vec<String>,
    /// Run one part of the dataset, such as 1/4; `evals merge` puts the parts together
    #[arg(long, value_name = "I/N", help_heading = "Dataset")]
    pub(super) shard: Option<String>,
    /// Name the run in the database, to refer to it. May be repeated
    #[arg(long, value_name = "TAG", help_heading = "Output")]
    pub(super) tag: Vec<String>,

    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    #[serde(skip)]
    pub(super) format: RunFormat,
    /// Where the HTML report goes [default: beside the database]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long, conflicts_with = "report", help_heading = "Output")]
    pub(super) no_report: bool,
    /// Write what happens, one JSON object a line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    #[serde(skip)]
    pub(super) log: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long, help_heading = "Output")]
    #[serde(skip)]
    pub(super) quiet: bool,
    /// Run again whenever the config, the dataset or a prompt file changes
    #[arg(short, long, help_heading = "Output")]
    #[serde(skip)]
    pub(super) watch: bool,
    #[command(flatten)]
    #[serde(skip)]
    pub(super) files: FileArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RunSchedule {
    /// All models at once.
    SideBySide,
    /// One model after the other.
    ByModel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum RunFormat {
    /// A table for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// Markdown, for a comment.
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ListFormat {
    /// A table for people.
    #[default]
    Table,
    /// A JSON array.
    Json,
    /// CSV with a header.
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ExportFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// CSV with a header, safe to open in a spreadsheet.
    Csv,
    /// Apache Parquet.
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ReportFormat {
    /// One self-contained HTML file.
    #[default]
    Html,
    /// Markdown, for a comment.
    Markdown,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A run's id or the beginning of it, its name, a tag, `last`, `last~1` or `last:BRANCH`
    #[arg(default_value = "last")]
    pub(super) run: String,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: RunFormat,
    /// Tell results apart by the values of this column, or by `tag`. May be repeated
    #[arg(long, value_name = "COLUMN")]
    pub(super) slice: Vec<String>,
    /// List trials instead
    #[arg(long)]
    pub(super) trials: bool,
    /// List the trials that failed: errors, and answers that a scorer did not pass
    #[arg(long)]
    pub(super) failed: bool,
    /// List this many trials at most
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub(super) limit: u64,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A run's id or the beginning of it, its name, a tag, `last`, `last~1` or `last:BRANCH`
    #[arg(default_value = "last")]
    pub(super) run: String,
    /// Where to write; - for standard output [default: beside the database]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ReportFormat,
    /// Tell results apart by the values of this column, or by `tag`. May be repeated
    #[arg(long, value_name = "COLUMN")]
    pub(super) slice: Vec<String>,
    /// Trials in the HTML report at most, failed ones first [default: all]
    #[arg(long, value_name = "N")]
    pub(super) max_trials: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// A run's id or the beginning of it, its name, a tag, `last`, `last~1` or `last:BRANCH`
    #[arg(default_value = "last")]
    pub(super) run: String,
    /// What to write
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ExportFormat,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// CSV: leave cells that a spreadsheet would take for formulas as they are
    #[arg(long)]
    pub(super) csv_raw: bool,
}

#[derive(Debug, Args)]
pub(super) struct RmArgs {
    /// Runs: ids or their beginnings, names, `last`
    #[arg(required = true)]
    pub(super) runs: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// Say how many answers there are, and what they saved
    Stats(CacheStatsArgs),
    /// Delete answers; runs stay as they are
    Clear(CacheClearArgs),
}

#[derive(Debug, Args)]
pub(super) struct CacheStatsArgs {
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: CacheFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum CacheFormat {
    /// Lines for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct CacheClearArgs {
    /// Only answers that are older than this, such as 7d
    #[arg(long, value_name = "TIME")]
    pub(super) older_than: Option<String>,
    /// Only answers of this model, as it is called upstream: MODEL or PROVIDER/MODEL
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum VaultCommand {
    /// Make the vault, and say what opens it
    Init(SlotArgs),
    /// Say what opens the vault and how much is in it, without opening it
    Status,
    /// Change what opens the vault; what is in it stays as it is
    Rekey {
        #[command(flatten)]
        slots: SlotArgs,
        /// Nothing else opens it any longer
        #[arg(long)]
        only: bool,
    },
    /// Seal everything in the vault anew with a new data key
    Rotate {
        /// Drop what would open the vault and is not at hand
        #[arg(long)]
        drop_others: bool,
    },
    /// Make this machine's keyring forget the vault; a passphrase or `EVALS_VAULT_KEY` still opens it
    Lock,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct SlotArgs {
    /// A passphrase opens it: typed, or the first line of standard input
    #[arg(long, required_unless_present_any = ["keyring", "env"])]
    pub(super) passphrase: bool,
    /// The keyring of this machine opens it
    #[arg(long)]
    pub(super) keyring: bool,
    /// The environment variable `EVALS_VAULT_KEY` opens it, for CI
    #[arg(long)]
    pub(super) env: bool,
    /// Make a new value for `EVALS_VAULT_KEY` and print it, once
    #[arg(long, requires = "env")]
    pub(super) new_key: bool,
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Only of this model or endpoint
    #[arg(value_name = "SLUG")]
    pub(super) slug: Option<String>,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
pub(super) struct CatalogArgs {
    #[command(subcommand)]
    pub(super) command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// List models
    List(CatalogListArgs),
    /// List the models whose name has all of these words
    Search(CatalogSearchArgs),
    /// Show everything that is known of a model, and where it is from
    Show(CatalogShowArgs),
    /// Take the prices of a newer file: the JSON of litellm, or a table like the shipped one
    Update(CatalogUpdateArgs),
}

#[derive(Debug, Args, Default)]
pub(super) struct CatalogListArgs {
    /// Keep the models of this provider
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    /// Keep the models that are used so: chat, completion, embedding, responses
    #[arg(long, value_name = "MODE")]
    pub(super) mode: Option<String>,
    /// In which order
    #[arg(long, value_enum, default_value_t, value_name = "ORDER")]
    pub(super) sort: CatalogSort,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
pub(super) struct CatalogSearchArgs {
    /// Parts of the name, in any order
    #[arg(required = true, value_name = "WORD")]
    pub(super) words: Vec<String>,
    #[command(flatten)]
    pub(super) list: CatalogListArgs,
}

#[derive(Debug, Args)]
pub(super) struct CatalogShowArgs {
    /// PROVIDER/MODEL, or the model alone
    #[arg(value_name = "MODEL")]
    pub(super) model: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
pub(super) struct CatalogUpdateArgs {
    /// A file or an https:// address
    #[arg(value_name = "SOURCE", required_unless_present = "shipped")]
    pub(super) source: Option<String>,
    /// Go back to the table that came with the program
    #[arg(long, conflicts_with = "source")]
    pub(super) shipped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum CatalogSort {
    /// By provider and model.
    #[default]
    Name,
    /// The cheapest prompt tokens first.
    Input,
    /// The cheapest answer tokens first.
    Output,
    /// The longest prompts first.
    Context,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct ShellInitArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: FunctionShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FunctionShell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}
