//! `evals judge`: scorers measured by people.

mod calibrate;
mod label;
mod labels;

use std::path::Path;

use super::{
    Out,
    args_judge::JudgeCommand,
    exit::{Exit, Failure},
};

pub(super) fn run(command: &JudgeCommand, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        JudgeCommand::Calibrate(args) => calibrate::run(args, db, out),
        JudgeCommand::Label(args) => label::run(args, db, out),
    }
}
