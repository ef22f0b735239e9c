//! What a CI job picks up: `JUnit` XML, a summary, a comment, annotations.

use std::{fs, io::Write as _, path::Path};

use super::{
    Out,
    args_compare::FileArgs,
    baseline, env,
    exit::Failure,
    stored::{Stored, write_file},
};
use crate::{
    compare::{Asked, CompareError, Opened, Source, Wanted, compare},
    domain::comparison::Comparison,
    report::{View, annotate, junit, markdown},
};

/// Bytes of a comment: forges take 65,536 characters.
const COMMENT: usize = 65_000;

/// Bytes of a summary of a job's step: GitHub takes a mebibyte.
const SUMMARY: usize = 1_000_000;

/// Writes the files that are asked for, the summary where the surroundings ask for one, and says on
/// standard error which gates did not pass where GitHub listens.
/// A summary in Markdown has the comparison with `baseline`, or else of the models and prompts with each
/// other.
pub(super) fn write(
    stored: &Stored,
    files: &FileArgs,
    baseline: Option<&Opened>,
    out: &mut Out,
) -> Result<(), Failure> {
    let summary = env::variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    let told = files.comment.is_some() || summary.is_some();
    let comparison = if told { compared(stored, baseline)? } else { None };
    let view = View { comparison: comparison.as_ref(), ..stored.view() };
    let mut write = |path: &Path, text: String| {
        write_file(path, |file| {
            file.write_all(text.as_bytes()).map_err(|error| {
                Failure::usage(format!("failed to write `{}`: {error}", path.display()))
            })
        })?;
        out.note(&format!("wrote {}", env::shown(path)));
        Ok::<(), Failure>(())
    };
    let places = |gate: &str| place(&view.run.header.config, gate);
    if let Some(path) = &files.junit {
        write(path, junit::render(&view))?;
    }
    if let Some(path) = &files.code_quality {
        write(path, format!("{:#}\n", annotate::gitlab(&view, &places)))?;
    }
    if let Some(path) = &files.comment {
        write(path, markdown::comment(&view, COMMENT))?;
    }
    if let Some(path) = summary {
        let text = markdown::comment(&view, SUMMARY);
        let file = fs::OpenOptions::new().append(true).create(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = written {
            out.note(&format!("note: failed to write the summary `{path}`: {error}"));
        }
    }
    if env::variable("GITHUB_ACTIONS").as_deref() == Some("true") {
        for line in annotate::github(&view, &places) {
            out.note(&line);
        }
    }
    Ok(())
}

/// The comparison that belongs to a run; nothing where what it would be compared with is not there any
/// more, or has nothing in common with it, since a gate says so where that matters.
fn compared(stored: &Stored, named: Option<&Opened>) -> Result<Option<Comparison>, Failure> {
    let recorded = baseline::of(&stored.store, &stored.run).ok();
    let Some(other) = named.or(recorded.as_ref()) else { return Ok(stored.compared()?) };
    let own = Source { store: &stored.store, run: &stored.run, file: None };
    let asked = [other.source(), own].map(|source| Asked { source, model: None, prompt: None });
    match compare(&asked, Wanted { scorers: &[], baseline: true }) {
        Ok(comparison) => Ok(Some(comparison)),
        Err(CompareError::Nothing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where a gate stands in the config: the file, and its line from 1.
fn place(config: &serde_json::Value, gate: &str) -> Option<(String, u64)> {
    let path = config.get("config")?.as_str().filter(|path| *path != "command line")?;
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().position(|line| line.contains(gate))?;
    Some((path.to_owned(), line as u64 + 1))
}
