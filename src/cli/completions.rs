//! `evals completions`: a completion script for a shell.

use clap::CommandFactory as _;

use super::{
    Out,
    args::{Cli, CompletionsArgs},
    exit::{Exit, Failure},
};

pub(super) fn run(args: &CompletionsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evals", &mut script);
    out.with(|to| to.write_all(&script))?;
    Ok(Exit::Done)
}
