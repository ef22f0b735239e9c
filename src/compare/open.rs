//! Which run is meant: one of the store, or one that was exported to a file.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{CompareError, import::import};
use crate::{
    domain::run::{RunHeader, RunRecord},
    store::Store,
};

/// A run that can be read.
#[derive(Debug)]
pub struct Opened {
    /// Where it is.
    pub store: Store,
    /// The run.
    pub run: RunRecord,
    /// The file that it was exported to, when it is read from one.
    pub file: Option<PathBuf>,
    /// Holds the store of a run that was read from a file.
    dir: Option<TempDir>,
}

impl Opened {
    /// The store and the run, and what keeps them where they are.
    pub fn into_parts(self) -> (Store, RunRecord, Option<TempDir>) {
        (self.store, self.run, self.dir)
    }

    /// The run, to be read.
    pub fn source(&self) -> Source<'_> {
        Source { store: &self.store, run: &self.run, file: self.file.as_deref() }
    }
}

/// A run to be read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Where it is.
    pub store: &'a Store,
    /// The run.
    pub run: &'a RunRecord,
    /// The file that it was exported to, when it is read from one.
    pub file: Option<&'a Path>,
}

/// What a person writes to name a run, or a model and a prompt of it: `RUN`, `RUN#MODEL`,
/// `RUN#MODEL#PROMPT`, `RUN##PROMPT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The run: an id, a name, a tag, `last`, `last~1`, `last:BRANCH` or a file.
    pub run: String,
    /// The model's name.
    pub model: Option<String>,
    /// The prompt's id.
    pub prompt: Option<String>,
}

impl Reference {
    /// What `text` says. A file of that very name is taken whole.
    pub fn parse(text: &str) -> Self {
        if Path::new(text).is_file() {
            return Self { run: text.to_owned(), model: None, prompt: None };
        }
        let mut parts = text.splitn(3, '#').map(str::trim);
        let run = parts.next().filter(|run| !run.is_empty()).unwrap_or("last").to_owned();
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        Self { run, model: part(), prompt: part() }
    }

    /// Whether it names a file.
    pub fn is_file(&self) -> bool {
        Path::new(&self.run).is_file()
    }
}

/// The run that `reference` means. A file is read as `like` says where it does not say so itself.
///
/// # Errors
/// There is no such run, the file is no export, or a store cannot be read.
pub fn open(
    db: &Path,
    reference: &Reference,
    like: Option<&RunHeader>,
) -> Result<Opened, CompareError> {
    let path = Path::new(&reference.run);
    if reference.is_file() {
        let (store, run, dir) = import(path, like)?;
        return Ok(Opened { store, run, file: Some(path.to_owned()), dir: Some(dir) });
    }
    let looks_like_file =
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"));
    if looks_like_file {
        return Err(CompareError::Export {
            path: path.to_owned(),
            line: None,
            message: "there is no such file".to_owned(),
        });
    }
    let store = Store::open_existing(db)?;
    let run = store.find_run(&reference.run)?;
    Ok(Opened { store, run, file: None, dir: None })
}
