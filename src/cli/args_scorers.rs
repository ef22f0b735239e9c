//! What can be typed after `evals scorers`. Types only; no logic.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(super) enum ScorersCommand {
    /// List the scorers by what they look at
    List(ScorersListArgs),
    /// Say everything about a scorer: values, inputs, options, corner cases, source, an example
    Show(ScorersShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct ScorersListArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ScorersFormat,
}

#[derive(Debug, Args)]
pub(super) struct ScorersShowArgs {
    /// The scorer's name in configs
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ScorersFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ScorersFormat {
    /// Lines for people.
    #[default]
    Table,
    /// JSON.
    Json,
    /// CSV with a header.
    Csv,
}
