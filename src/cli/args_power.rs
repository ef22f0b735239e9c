//! What can be typed after `evals power`.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  evals power last --scorer exact_match --difference 0.03\n  \
                  evals power --n 200 --rate 0.8")]
pub(super) struct PowerArgs {
    /// A run's id or the beginning of it, its name, `last` or `last~1`
    #[arg(default_value = "last", conflicts_with = "n")]
    pub(super) run: String,
    /// Look at this scorer only
    #[arg(short, long, value_name = "SCORER", conflicts_with = "n")]
    pub(super) scorer: Option<String>,
    /// Say how many samples it takes to see this difference: 0.03 or 3%
    #[arg(short, long, value_name = "DIFFERENCE")]
    pub(super) difference: Option<String>,
    /// The chance with which a true difference is to be seen
    #[arg(long, default_value = "0.8", value_name = "CHANCE")]
    pub(super) power: String,
    /// The chance of seeing one that is not there
    #[arg(long, default_value = "0.05", value_name = "CHANCE")]
    pub(super) alpha: String,
    /// Without a run: so many samples
    #[arg(short, long, value_name = "N", requires = "rate")]
    pub(super) n: Option<u64>,
    /// Without a run: the share of correct answers that is expected
    #[arg(long, value_name = "SHARE", requires = "n")]
    pub(super) rate: Option<String>,
    /// Without a run: the share of samples on which the two disagree [default: as if they were
    /// independent]
    #[arg(long, value_name = "SHARE", requires = "n")]
    pub(super) disagree: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: PowerFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum PowerFormat {
    /// A table for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}
