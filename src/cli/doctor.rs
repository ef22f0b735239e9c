//! `evals doctor`: whether everything that evals needs is in order.

use std::{fs, path::Path};

use super::{
    Out, env,
    exit::{Exit, Failure},
    stored::directory_of,
};
use crate::{
    frame,
    store::{JournalMode, Store},
};

/// Environment variables that commonly hold keys. Only whether they are set is ever said.
const KEYS: [&str; 6] = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "OPENROUTER_API_KEY",
    "MISTRAL_API_KEY",
    "HF_TOKEN",
];

const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"];

pub(super) fn run(db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let mut checks = vec![("program", Ok(format!("evals {}", env!("CARGO_PKG_VERSION"))))];
    let polars = if frame::AVAILABLE {
        "in this build"
    } else {
        "not in this build: no `where`, no Parquet"
    };
    checks.push(("polars", Ok(polars.to_owned())));
    checks.push(("database", database(db)));
    checks.push(("directory", writable(directory_of(db))));
    let set: Vec<&str> = KEYS.into_iter().filter(|name| env::variable(name).is_some()).collect();
    let keys = if set.is_empty() { "none of the usual ones".to_owned() } else { set.join(", ") };
    checks.push(("keys set", Ok(keys)));
    let proxies: Vec<&str> =
        PROXIES.into_iter().filter(|name| env::variable(name).is_some()).collect();
    let proxies = if proxies.is_empty() { "none".to_owned() } else { proxies.join(", ") };
    checks.push(("proxy", Ok(proxies)));
    let unicode = if env::unicode() { "UTF-8" } else { "ASCII" };
    checks.push(("terminal", Ok(unicode.to_owned())));
    let mut healthy = true;
    for (name, finding) in checks {
        let (mark, text) = match finding {
            Ok(text) => ("ok  ", text),
            Err(text) => {
                healthy = false;
                ("FAIL", text)
            }
        };
        out.data(&format!("{mark} {name:<10} {text}\n"))?;
    }
    Ok(if healthy { Exit::Done } else { Exit::Usage })
}

fn database(db: &Path) -> Result<String, String> {
    let shown = db.display();
    if !db.exists() {
        return Ok(format!("{shown} will be made by the first run"));
    }
    let store = Store::open_existing(db).map_err(|error| error.to_string())?;
    let problems = store.check().map_err(|error| error.to_string())?;
    if let Some(problem) = problems.first() {
        return Err(format!("{shown}: {problem}"));
    }
    let runs = store.runs().map_err(|error| error.to_string())?.len();
    let journal = match store.journal_mode() {
        JournalMode::Wal => "write-ahead log",
        JournalMode::Delete => "rollback journal, since the file system takes no write-ahead log",
    };
    Ok(format!("{shown}: sound, {runs} runs, {journal}"))
}

fn writable(directory: &Path) -> Result<String, String> {
    let shown = directory.display();
    let existing = directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    tempfile::tempfile_in(existing)
        .map_err(|error| format!("{shown} cannot be written: {error}"))?;
    let size = fs::metadata(directory).is_ok();
    Ok(format!("{shown} {}", if size { "can be written" } else { "can be made" }))
}
