//! `import`: the rows of a file, all of them or none.

use std::{fs, io::Read as _};

use super::{
    super::{Out, args_models::ImportArgs, exit::Failure, home},
    lookup,
};
use crate::{
    base::clock,
    catalog::registry::{self, ImportError, Kind, RegistryError},
};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

pub(super) fn run(kind: Kind, args: &ImportArgs, out: &mut Out) -> Result<(), Failure> {
    let origin = args.file.display().to_string();
    let is_csv = registry::is_csv(&args.file).ok_or_else(|| {
        Failure::usage(format!("`{origin}`: what is imported is .csv, .yaml or .yml"))
    })?;
    let unreadable = |error| Failure::usage(format!("failed to read `{origin}`: {error}"));
    let mut text = String::new();
    let file = fs::File::open(&args.file).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(Failure::usage(format!("`{origin}` is larger than {LARGEST} bytes")));
    }
    let rows = registry::rows(&text, &origin, is_csv)?;
    let added = registry::update(&home::directory()?, |registry| {
        let now_ms = clock::now_ms();
        registry.import(kind, &rows, &origin, (now_ms, &lookup)).map_err(Wrong::Rows)
    });
    let added = added.map_err(Failure::from)?;
    let command = kind.command();
    for added in &added {
        let done = if added.reactivated { "brought back" } else { "added" };
        out.data(&format!("{done} byo:{}\n", added.entry.slug))?;
    }
    out.note(&format!("none of them was tested; `evals {command} test SLUG` tests one"));
    Ok(())
}

/// What can go wrong while the registry is changed.
enum Wrong {
    Registry(RegistryError),
    Rows(ImportError),
}

impl From<RegistryError> for Wrong {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Registry(error) => error.into(),
            Wrong::Rows(error) => error.into(),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let failure = Self::usage(error.to_string());
        match error {
            ImportError::Rows(_) => failure.hint("nothing was imported"),
            ImportError::File(_) => failure,
        }
    }
}
