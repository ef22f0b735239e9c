//! What can be typed after `evals judge`. Types only; no logic.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{args::RunFormat, args_scorers::ScorersFormat};

#[derive(Debug, Subcommand)]
pub(super) enum JudgeCommand {
    /// List the judges: those that are built in, and yours in `judges/`
    List(JudgeListArgs),
    /// Say everything about a judge: what it is told, what it may answer, what that is worth
    Show(JudgeShowArgs),
    /// Measure a scorer of a run by people's labels: how far both agree, where it errs, and what the
    /// means would be by the people
    Calibrate(JudgeCalibrateArgs),
    /// Label answers of a run at the terminal, without knowing whose they are or what they scored
    Label(JudgeLabelArgs),
}

#[derive(Debug, Args)]
pub(super) struct JudgeCalibrateArgs {
    /// The run: an id, the beginning of one, a name, `last`, `last~1`
    #[arg(default_value = "last", value_name = "RUN")]
    pub(super) run: String,
    /// A CSV file of labels: a row an answer, with a header [default: the labels that the run has]
    #[arg(long, value_name = "FILE")]
    pub(super) labels: Option<PathBuf>,
    /// The column of a label, by default `label`. May be repeated: each is a rater
    #[arg(long = "label", value_name = "COLUMN", requires = "labels")]
    pub(super) columns: Vec<String>,
    /// The column of the sample's id [default: `sample_id`, `sample` or `id`]
    #[arg(long, value_name = "COLUMN", requires = "labels")]
    pub(super) sample_column: Option<String>,
    /// The scorer that is measured, by its id
    #[arg(long, value_name = "ID")]
    pub(super) scorer: Option<String>,
    /// Keep the labels with the run, in place of those it has for the scorer: reports then give the
    /// corrected means
    #[arg(long, requires = "labels")]
    pub(super) save: bool,
    /// What the halves and the draws of intervals depend on
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub(super) seed: u64,
    /// Draws of the intervals
    #[arg(long, default_value_t = 10_000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(super) draws: u32,
    /// How the figures are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: RunFormat,
}

#[derive(Debug, Args)]
pub(super) struct JudgeLabelArgs {
    /// The run: an id, the beginning of one, a name, `last`, `last~1`
    #[arg(default_value = "last", value_name = "RUN")]
    pub(super) run: String,
    /// Only answers that this scorer scored, by its id
    #[arg(long, value_name = "ID")]
    pub(super) scorer: Option<String>,
    /// Only so many answers, drawn at random; N:SEED for others
    #[arg(long, value_name = "N[:SEED]")]
    pub(super) sample: Option<String>,
    /// The grades to choose from, worst first: one digit each. Without it, pass and fail
    #[arg(long, value_name = "DIGITS")]
    pub(super) grades: Option<String>,
    /// Who labels [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) rater: Option<String>,
    /// The CSV file of labels; what is in it stays, and is not asked again
    #[arg(short, long, default_value = "human.csv", value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct JudgeListArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ScorersFormat,
}

#[derive(Debug, Args)]
pub(super) struct JudgeShowArgs {
    /// The judge's name in configs, or the path of its file
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ScorersFormat,
}
