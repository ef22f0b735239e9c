//! `evals judge`: the judges that there are, and scorers measured by people; one subcommand a file.

mod calibrate;
mod label;
mod labels;
mod list;
mod show;

use std::path::Path;

use super::{
    Out,
    args_judge::JudgeCommand,
    exit::{Exit, Failure},
};

/// Runs the command.
pub(super) fn run(command: &JudgeCommand, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        JudgeCommand::List(args) => list::run(args, out),
        JudgeCommand::Show(args) => show::run(args, out),
        JudgeCommand::Calibrate(args) => calibrate::run(args, db, out),
        JudgeCommand::Label(args) => label::run(args, db, out),
    }
}
