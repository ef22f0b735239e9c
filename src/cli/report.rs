//! `evals report`: a run's report as a file.

use std::path::Path;

use super::{
    Out,
    args::{ReportArgs, ReportFormat},
    env,
    exit::{Exit, Failure},
    stored::{Stored, report_path, write_file},
};
use crate::report::{self, ReportError};

pub(super) fn run(args: &ReportArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let stored = Stored::load_by(db, &args.run, &args.slice)?;
    let max_trials = args.max_trials;
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    match args.format {
        ReportFormat::Html if to_stdout => {
            out.with(|to| stored.html(to, max_trials).map_err(as_io))?;
        }
        ReportFormat::Html => {
            let default = || report_path(db, &stored.run.header.id);
            let path = args.output.clone().unwrap_or_else(default);
            stored.write_html(&path, max_trials)?;
            out.data(&format!("report: {}\n", env::shown(&path)))?;
        }
        ReportFormat::Markdown => {
            let text = report::markdown::render(&stored.view());
            match args.output.as_deref().filter(|_| !to_stdout) {
                None => out.data(&text)?,
                Some(path) => {
                    write_file(path, |file| {
                        file.write_all(text.as_bytes())
                            .map_err(|error| Failure::usage(format!("failed to write: {error}")))
                    })?;
                    out.data(&format!("report: {}\n", env::shown(path)))?;
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// A report's error as one of writing, so that a closed pipe is told apart.
pub(super) fn as_io(error: ReportError) -> std::io::Error {
    if super::exit::is_closed_pipe(&error) {
        return std::io::ErrorKind::BrokenPipe.into();
    }
    match error {
        ReportError::Write(error) => error,
        other => std::io::Error::other(super::exit::chain(&other)),
    }
}
