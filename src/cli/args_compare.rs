//! What can be typed after `evals compare`, `gate`, `merge` and `tag`. Types only; no logic.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::RunFormat;

/// Files that a CI job picks up.
#[derive(Debug, Args, Clone, Default)]
pub(super) struct FileArgs {
    /// Write what became of the gates as `JUnit` XML
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) junit: Option<PathBuf>,
    /// Write a summary in Markdown that is short enough for a comment on a pull request
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) comment: Option<PathBuf>,
    /// Write the gates that did not pass as a code quality report of GitLab
    #[arg(long, value_name = "FILE", help_heading = "For CI")]
    pub(super) code_quality: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// What is compared: RUN, RUN#MODEL, RUN#MODEL#PROMPT or RUN##PROMPT. A RUN is an id or the
    /// beginning of it, a name, a tag, `last`, `last~1`, `last:BRANCH`, or a file of `evals export`.
    /// One run alone: all its models and prompts
    #[arg(value_name = "SIDE", default_value = "last")]
    pub(super) sides: Vec<String>,
    /// Compare all others with this one, instead of each two
    #[arg(long, value_name = "SIDE")]
    pub(super) baseline: Option<String>,
    /// Compare by this scorer only. May be repeated
    #[arg(short, long, value_name = "SCORER")]
    pub(super) scorer: Vec<String>,
    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: CompareFormat,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum CompareFormat {
    /// Tables for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// Markdown, for a comment.
    Markdown,
    /// One self-contained HTML file.
    Html,
    /// CSV with a header, a row for each pair and scorer.
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct GateArgs {
    /// A run's id or the beginning of it, its name, a tag, `last`, `last~1`, `last:BRANCH`, or a file
    /// of `evals export`
    #[arg(default_value = "last")]
    pub(super) run: String,
    /// A condition that sets the exit code [default: those of the run]. May be repeated
    #[arg(short, long, value_name = "GATE")]
    pub(super) gate: Vec<String>,
    /// The run, or the file of `evals export`, that `vs baseline` means
    #[arg(long, value_name = "RUN")]
    pub(super) baseline: Option<String>,
    /// What all gates disregard: a kind of difference to the baseline, such as `prompt`, or
    /// `unscored`. May be repeated
    #[arg(long, value_name = "WHAT")]
    pub(super) allow: Vec<String>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: RunFormat,
    #[command(flatten)]
    pub(super) files: FileArgs,
}

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The shards: runs of this database, or databases of which the last run is taken (FILE#RUN takes
    /// another one)
    #[arg(required = true, value_name = "RUN|FILE")]
    pub(super) shards: Vec<String>,
    /// What the merged run is called [default: as the shards are]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Name the merged run in the database, to refer to it. May be repeated
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    /// Merge although shards are missing; the run is then incomplete
    #[arg(long)]
    pub(super) partial: bool,
    /// The run, or the file of `evals export`, that `vs baseline` of a gate means
    #[arg(long, value_name = "RUN")]
    pub(super) baseline: Option<String>,
    /// What all gates disregard. May be repeated
    #[arg(long, value_name = "WHAT")]
    pub(super) allow: Vec<String>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: RunFormat,
    /// Where the HTML report goes [default: beside the database]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Option<PathBuf>,
    /// Write no HTML report
    #[arg(long, conflicts_with = "report", help_heading = "Output")]
    pub(super) no_report: bool,
    #[command(flatten)]
    pub(super) files: FileArgs,
}

#[derive(Debug, Args)]
pub(super) struct TagArgs {
    /// A run's id or the beginning of it, its name, a tag, `last`, `last~1` or `last:BRANCH`
    pub(super) run: String,
    /// The tag; a run that is named by it is the one that got it last
    pub(super) tag: String,
    /// Take the tag away
    #[arg(short, long)]
    pub(super) delete: bool,
}
