//! The audit log: who touched which credential, and when; one JSON object a line, never a secret.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{VaultError, file};

/// A log of some hundred bytes a line has millions of them before it is larger.
const MOST_BYTES: u64 = 1 << 30;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in milliseconds since the epoch.
    pub when_ms: i64,
    /// What was done: `key.set`, `key.use`, `vault.rotate` …
    pub action: String,
    /// To which model or endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// In which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// Adds a line to the log at `path`, which is made where there is none. It is on disk when this
/// returns. Processes may do so at the same time: each line is written in one piece.
///
/// # Errors
/// The file cannot be written, or is open to others.
pub fn append(path: &Path, record: &Record) -> Result<(), VaultError> {
    let line = serde_json::to_vec(record).unwrap_or_default();
    file::append(path, &line)
}

/// What a log says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Log {
    /// Its lines, oldest first.
    pub records: Vec<Record>,
    /// How many lines are no records: cut short by a crash, or not written by this program.
    pub unreadable: usize,
}

/// What the log at `path` says; nothing where there is no file. A line that was cut short by a crash
/// costs that line and no other.
///
/// # Errors
/// The file cannot be read, or is open to others.
pub fn read(path: &Path) -> Result<Log, VaultError> {
    let bytes = match file::read(path, MOST_BYTES) {
        Err(VaultError::Missing { .. }) => return Ok(Log::default()),
        read => read?,
    };
    let mut log = Log::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(record) => log.records.push(record),
            Err(_) => log.unreadable += 1,
        }
    }
    Ok(log)
}
