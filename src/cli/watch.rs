//! `evals run --watch`: run again whenever something that the run is made from changes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecursiveMode, Watcher as _};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Out,
    args::RunArgs,
    asked::{Asked, CONFIG_NAMES},
    execute::Interrupts,
    exit::{Exit, Failure},
    run::{self, Begin},
    stored::directory_of,
};

/// Editors write a file in several steps; what follows this soon belongs to the same change.
const SETTLE: Duration = Duration::from_millis(200);

/// Runs, waits for a change, and runs again, until the user stops it or a run is interrupted.
pub(super) fn run(
    args: &RunArgs,
    db: &Path,
    out: &mut Out,
    runtime: &tokio::runtime::Runtime,
) -> Result<Exit, Failure> {
    let failed = |error: notify::Error| Failure::usage(format!("failed to watch files: {error}"));
    let (changes, mut changed) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !event.kind.is_access()
        {
            changes.send(event.paths).ok();
        }
    })
    .map_err(failed)?;
    let mut watched: Vec<PathBuf> = Vec::new();
    loop {
        let files = files(args);
        for directory in files.iter().map(|file| directory_of(file).to_owned()) {
            if !watched.contains(&directory) && directory.is_dir() {
                watcher.watch(&directory, RecursiveMode::NonRecursive).map_err(failed)?;
                watched.push(directory);
            }
        }
        match run::once(args, Begin::New { forked_from: None }, db, out, runtime) {
            Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
            Ok(_) => {}
            Err(failure) => out.failure(&failure),
        }
        if watched.is_empty() {
            return Err(Failure::usage("there is no local file to watch"));
        }
        out.note("watching for changes; Ctrl-C ends");
        if !runtime.block_on(wait(&mut changed, &files)) {
            return Ok(Exit::Interrupted);
        }
    }
}

/// Waits until one of `files` changes and the changes have settled. `false`: the user ends it.
async fn wait(changed: &mut mpsc::UnboundedReceiver<Vec<PathBuf>>, files: &[PathBuf]) -> bool {
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let ours = |paths: &[PathBuf]| {
        paths.iter().any(|path| path.file_name().is_some_and(|name| names.contains(&name)))
    };
    let mut interrupts = Interrupts::new();
    loop {
        tokio::select! {
            () = interrupts.next() => return false,
            paths = changed.recv() => match paths {
                None => return false,
                Some(paths) if ours(&paths) => break,
                Some(_) => {}
            }
        }
    }
    while timeout(SETTLE, changed.recv()).await.is_ok_and(|paths| paths.is_some()) {}
    true
}

/// The local files that a run is made from.
fn files(args: &RunArgs) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = args.config.iter().cloned().collect();
    if let Some(source) = args.source.as_deref().filter(|source| *source != "-") {
        files.push(PathBuf::from(source));
    }
    if files.is_empty() {
        files.extend(CONFIG_NAMES.map(PathBuf::from));
    }
    // A config that cannot be read now names no further files; its own change is waited for.
    if let Ok(asked) = Asked::read(args) {
        let under = |path: &str| asked.base_dir.join(path);
        let dataset = asked.file.dataset.as_ref().and_then(|entry| entry.value.0.path.as_ref());
        files.extend(dataset.map(|path| under(&path.value)));
        let prompts = asked.file.prompts.iter().filter_map(|prompt| prompt.value.0.file.as_ref());
        files.extend(prompts.map(|path| under(&path.value)));
        let models = asked.file.models.iter().filter_map(|model| model.value.0.path.as_ref());
        files.extend(models.map(|path| under(&path.value)));
    }
    files
}
