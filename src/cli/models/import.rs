//! `import`: the rows of a file, all of them or none.

use std::{fs, io::Read as _};

use super::{
    super::{Out, args_models::ImportArgs, catalog::OwnTable, exit::Failure, home, vault},
    around, rm,
};
use crate::{
    base::clock,
    catalog::registry::{self, Added, ImportError, Kind},
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
    let own = OwnTable::load()?;
    let around = around(own.table());
    let added = registry::update(&home::directory()?, |registry| {
        let added = registry.import(kind, &rows, &origin, (clock::now_ms(), around))?;
        for credential in added.iter().filter_map(|added| added.credential.as_ref()) {
            vault::note("key.set", Some(&credential.slug), None)?;
        }
        share(&added)?;
        for added in &added {
            rm::note_forgotten(&added.unused)?;
        }
        Ok::<_, Failure>(added)
    })?;
    for added in &added {
        rm::forget(&added.unused, out)?;
    }
    let command = kind.command();
    for added in &added {
        let done = if added.reactivated { "brought back" } else { "added" };
        out.data(&format!("{done} byo:{}\n", added.entry.slug))?;
    }
    out.note(&format!("none of them was tested; `evals {command} test SLUG` tests one"));
    Ok(())
}

/// Puts secrets that are used again under their new credentials.
fn share(added: &[Added]) -> Result<(), Failure> {
    let mut reuses = added.iter().filter_map(|added| added.reuse.as_ref()).peekable();
    if reuses.peek().is_none() {
        return Ok(());
    }
    let mut opened = vault::open()?;
    for reuse in reuses {
        let secret = opened.get(&reuse.from.vault_key())?;
        opened.put(&reuse.to.vault_key(), &secret)?;
    }
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
