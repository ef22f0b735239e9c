//! `evals judge`: the judges that there are, one subcommand a file.

mod list;
mod show;

use super::{
    Out,
    args_judge::JudgeCommand,
    exit::{Exit, Failure},
};

/// Runs the command.
pub(super) fn run(command: &JudgeCommand, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        JudgeCommand::List(args) => list::run(args, out),
        JudgeCommand::Show(args) => show::run(args, out),
    }
}
