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

/// All lines of the log at `path`, oldest first; none where there is no file. A line that was cut
/// short by a crash is left out.
///
/// # Errors
/// The file cannot be read, or is open to others.
pub fn read(path: &Path) -> Result<Vec<Record>, VaultError> {
    let bytes = match file::read(path, MOST_BYTES) {
        Err(VaultError::Missing { .. }) => return Ok(Vec::new()),
        read => read?,
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
