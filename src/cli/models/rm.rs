//! `rm`: removes an entry, and says first what refers to it here.

use std::{
    fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use super::{
    super::{Out, args_models::RmEntryArgs, env, exit::Failure, home, vault},
    load,
};
use crate::{
    base::clock,
    catalog::registry::{self, CredentialEntry, Kind},
    store::Store,
};

/// Directories that are looked through at most, for configs.
const MOST_DIRECTORIES: usize = 2_000;

/// Larger files are no configs.
const LARGEST: u64 = 1024 * 1024;

/// Of each kind of reference, this many are named.
const NAMED: usize = 5;

pub(super) fn run(kind: Kind, args: &RmEntryArgs, db: &Path, out: &mut Out) -> Result<(), Failure> {
    let registry = load()?;
    let entry = registry.find(kind, &args.slug)?.clone();
    let reference = format!("byo:{}", entry.slug);
    say("configs", &configs(&reference), &reference, out);
    match runs(db, &reference) {
        Ok(runs) => say("runs", &runs, &reference, out),
        Err(failure) => out.note(&format!("the runs were not looked through: {}", failure.message)),
    }
    if !args.yes {
        confirm(kind, &entry.slug, out)?;
    }
    let unused = registry::update(&home::directory()?, |registry| {
        let unused = registry.remove(kind, &entry.slug, clock::now_ms())?;
        note_forgotten(&unused)?;
        Ok::<_, Failure>(unused)
    })?;
    forget(&unused, out)?;
    out.data(&format!("removed {reference}\n"))
}

/// Notes that credentials are forgotten whose secrets are in variables.
pub(super) fn note_forgotten(unused: &[CredentialEntry]) -> Result<(), Failure> {
    let mut named = unused.iter().filter(|credential| credential.key_env.is_some());
    named.try_for_each(|credential| vault::note("key.remove", Some(&credential.slug), None))
}

/// Takes the secrets of credentials that nothing uses any more out of the vault.
pub(super) fn forget(unused: &[CredentialEntry], out: &mut Out) -> Result<(), Failure> {
    let stored: Vec<&CredentialEntry> =
        unused.iter().filter(|credential| credential.key_env.is_none()).collect();
    if stored.is_empty() {
        return Ok(());
    }
    let mut opened = match vault::open() {
        Ok(opened) => opened,
        Err(error) => {
            let slugs: Vec<&str> = stored.iter().map(|stored| stored.slug.as_str()).collect();
            let slugs = slugs.join(", ");
            out.note(&format!("the key of {slugs} stays in the vault, since {error}"));
            return Ok(());
        }
    };
    for credential in stored {
        vault::logged("key.remove", Some(&credential.slug), || opened.remove(&credential.slug))?;
        out.note(&format!("the key of `{}` is gone from the vault", credential.slug));
    }
    Ok(())
}

fn say(what: &str, found: &[String], reference: &str, out: &mut Out) {
    if found.is_empty() {
        out.note(&format!("no {what} here refer to {reference}"));
        return;
    }
    out.note(&format!("{what} here that refer to {reference}: {}", found.len()));
    for name in found.iter().take(NAMED) {
        out.note(&format!("  {name}"));
    }
    if found.len() > NAMED {
        out.note(&format!("  and {} more", found.len() - NAMED));
    }
}

/// The YAML files below the current directory that mention `reference`.
fn configs(reference: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::from(".")];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        seen += 1;
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // A link could lead round in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
                if !skipped && seen + directories.len() < MOST_DIRECTORIES {
                    directories.push(path);
                }
            } else if (name.ends_with(".yaml") || name.ends_with(".yml"))
                && mentions(&path, reference)
            {
                found.push(env::shown(&path));
            }
        }
    }
    found.sort();
    found
}

fn mentions(path: &Path, reference: &str) -> bool {
    let small = fs::metadata(path).is_ok_and(|of| of.is_file() && of.len() <= LARGEST);
    let text = if small { fs::read(path).unwrap_or_default() } else { Vec::new() };
    let text = String::from_utf8_lossy(&text);
    text.match_indices(reference).any(|(at, _)| is_whole(&text[at + reference.len()..]))
}

/// Whether a reference ends here, rather than being the beginning of another one.
fn is_whole(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The runs in the database that used `reference`, newest first.
fn runs(db: &Path, reference: &str) -> Result<Vec<String>, Failure> {
    if !db.exists() {
        return Ok(Vec::new());
    }
    let runs = Store::open_existing(db)?.runs()?;
    let used = |named: &Option<String>| {
        let rest = named.as_deref().and_then(|named| named.strip_prefix(reference));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let runs = runs.iter().map(|run| &run.record.header);
    let runs = runs.filter(|header| header.models.iter().any(|model| used(&model.reference)));
    Ok(runs.map(|header| format!("{} {}", header.id, header.name)).collect())
}

fn confirm(kind: Kind, slug: &str, out: &mut Out) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("removing needs a yes, and there is no terminal to ask at")
            .hint("`--yes` says it"));
    }
    out.note(&format!("remove the {kind} `{slug}`? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).ok();
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("nothing was removed"))
}
