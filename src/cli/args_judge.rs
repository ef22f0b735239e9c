//! What can be typed after `evals judge`. Types only; no logic.

use clap::{Args, Subcommand};

use super::args_scorers::ScorersFormat;

#[derive(Debug, Subcommand)]
pub(super) enum JudgeCommand {
    /// List the judges: those that are built in, and yours in `judges/`
    List(JudgeListArgs),
    /// Say everything about a judge: what it is told, what it may answer, what that is worth
    Show(JudgeShowArgs),
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
