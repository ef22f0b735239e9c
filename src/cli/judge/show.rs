//! `evals judge show`: everything about one judge.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        Out,
        args_judge::JudgeShowArgs,
        args_scorers::ScorersFormat,
        exit::{Exit, Failure},
    },
    config::error::suggestion,
    scorer::judge::{
        builtin,
        card::{Definition, FOLDER},
        reference,
    },
};

/// Runs the command.
pub(super) fn run(args: &JudgeShowArgs, out: &mut Out) -> Result<Exit, Failure> {
    let judge = named(&args.name)?;
    match args.format {
        ScorersFormat::Table => out.data(&reference::described(&judge))?,
        ScorersFormat::Json => out.data(&format!("{:#}\n", reference::json(&judge)))?,
        ScorersFormat::Csv => {
            return Err(Failure::usage("a judge is no table; `--format json` is for programs"));
        }
    }
    Ok(Exit::Done)
}

/// The judge that `name` means: one of the user's own, or one that is built in.
fn named(name: &str) -> Result<Definition, Failure> {
    let is_path = Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml");
    let path = if is_path {
        PathBuf::from(name)
    } else {
        PathBuf::from(FOLDER).join(format!("{name}.yaml"))
    };
    if is_path || path.is_file() {
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("failed to read judge `{shown}`: {error}")))?;
        return Ok(Definition::read(&text, &shown)?);
    }
    builtin::find(name).cloned().ok_or_else(|| {
        Failure::usage(format!("there is no judge `{name}`")).hint(suggestion(
            name,
            builtin::names(),
            "judges",
        ))
    })
}
