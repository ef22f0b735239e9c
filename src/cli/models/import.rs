//! `import`: the rows of a file, all of them or none.

use std::{fs, io::Read as _};

use super::{
    super::{Out, args_models::ImportArgs, exit::Failure, home, vault},
    lookup,
};
use crate::{
    base::clock,
    catalog::registry::{self, ImportError, Kind},
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
        let added = registry.import(kind, &rows, &origin, (now_ms, &lookup))?;
        for credential in added.iter().filter_map(|added| added.credential.as_ref()) {
            vault::note("key.set", Some(&credential.slug), None)?;
        }
        Ok::<_, Failure>(added)
    })?;
    let command = kind.command();
    for added in &added {
        let done = if added.reactivated { "brought back" } else { "added" };
        out.data(&format!("{done} byo:{}\n", added.entry.slug))?;
    }
    out.note(&format!("none of them was tested; `evals {command} test SLUG` tests one"));
    Ok(())
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
