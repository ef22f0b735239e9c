//! What can go wrong with a store.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such file.
    #[error("open the store: `{}` does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The path or its directory is of no use.
    #[error("open the store `{}`: {source}", path.display())]
    Path {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no `SQLite` database.
    #[error("open the store: `{}` is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("open the store: `{}` is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "open the store: `{}` has version {found}, and this program knows versions up to {known}; \
         update the program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A setting that durability rests on did not take effect.
    #[error(
        "open the store `{}`: SQLite has set `{pragma}` to {found} where {wanted} was asked for",
        path.display()
    )]
    Pragma {
        /// The file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
        /// What was asked for.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The file's content is damaged.
    #[error("read the store `{}`: the file is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// There is no room left.
    #[error("write the store `{}`: the disk is full", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The disk does not do what it is told.
    #[error("write the store `{}`: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// `SQLite`'s reason.
        source: rusqlite::Error,
    },
    /// There is less room than a run may need.
    #[error(
        "write the store `{}`: {} MiB are free on its disk, and a run wants {} MiB",
        path.display(), free >> 20, least >> 20
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that should be.
        least: u64,
    },
    /// A process is at work on the run.
    #[error("use run {run}: {} is at work on it", process(*pid))]
    InUse {
        /// The run.
        run: String,
        /// The process, where it could be told.
        pid: Option<u32>,
    },
    /// The file may not be written.
    #[error("write the store `{}`: the file is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file was deleted or replaced while it was open.
    #[error(
        "write the store `{}`: the file was deleted or replaced while it was open",
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the store.
    #[error("use the store `{}`: another process keeps it locked", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// What was to be written contradicts what is stored.
    #[error("write the store `{}`: {reason}", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The contradiction.
        reason: String,
    },
    /// Anything else that `SQLite` says.
    #[error("use the store `{}`: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// `SQLite`'s reason.
        source: rusqlite::Error,
    },
    /// The store holds no run at all.
    #[error("find run `{reference}`: `{}` holds no runs", path.display())]
    NoRuns {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        reference: String,
    },
    /// No run is meant by the reference.
    #[error("find run `{reference}`: no id begins so and no run has this name; the newest are {}",
        newest.join(", "))]
    UnknownRun {
        /// What was looked for.
        reference: String,
        /// The newest runs, at most five, as id and name.
        newest: Vec<String>,
    },
    /// Several runs are meant by the reference.
    #[error("find run `{reference}`: {} ids begin so: {}; write more of one",
        candidates.len(), shown(candidates))]
    AmbiguousRun {
        /// What was looked for.
        reference: String,
        /// The runs, newest first, as id and name.
        candidates: Vec<String>,
    },
}

impl StoreError {
    /// What `source` means for the store at `path`.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: source.to_string() },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => match source {
                // A value of a type or a range that this program never writes.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => {
                    Self::Damaged { path, reason: source.to_string() }
                }
                _ => Self::Sqlite { path, source },
            },
        }
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// The first of `candidates`, and how many more there are.
fn shown(candidates: &[String]) -> String {
    const MOST: usize = 8;
    let first: Vec<&str> = candidates.iter().take(MOST).map(String::as_str).collect();
    match candidates.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
