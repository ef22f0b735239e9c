//! Opening the file: whose it is, its version, its settings.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig,
};

use crate::store::{StoreError, insert::int};

/// Marks our files: "EVLS".
const APPLICATION_ID: i64 = 0x4556_4C53;

/// Migration `n` leads from version `n` to `n + 1`.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_init.sql"),
    include_str!("migrations/0002_credentials.sql"),
    include_str!("migrations/0003_waits.sql"),
    include_str!("migrations/0004_stand_ins.sql"),
    include_str!("migrations/0005_details.sql"),
    include_str!("migrations/0006_cached.sql"),
    include_str!("migrations/0007_masked.sql"),
    include_str!("migrations/0008_counts.sql"),
    include_str!("migrations/0009_labels.sql"),
    include_str!("migrations/0010_tags.sql"),
    include_str!("migrations/0011_judgements.sql"),
];

/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);

/// Settings of every connection, with the value that is read back. WAL pages stay in the log until
/// there are 16 MiB of them; the page cache is bounded, so that memory stays flat.
const SETTINGS: &[(&str, i64)] = &[
    ("busy_timeout", 5_000),
    ("synchronous", 2), // FULL
    ("foreign_keys", 1),
    ("trusted_schema", 0),
    ("cell_size_check", 1),
    ("cache_size", -8_192), // KiB
    ("wal_autocheckpoint", 2_000),
    ("journal_size_limit", 67_108_864),
];

/// What tells our kinds of database apart.
pub(super) struct Kind {
    /// Marks the files.
    pub(super) application_id: i64,
    /// Migration `n` leads from version `n` to `n + 1`.
    pub(super) migrations: &'static [&'static str],
    /// Settings of every connection, with the value that is read back.
    pub(super) settings: &'static [(&'static str, i64)],
    /// Bytes of a page of a new file.
    pub(super) page_size: u32,
}

/// The database of runs.
///
/// Rows come nearly in order: larger pages than usual take fewer writes.
const RUNS: Kind = Kind {
    application_id: APPLICATION_ID,
    migrations: MIGRATIONS,
    settings: SETTINGS,
    page_size: 8_192,
};

/// How `SQLite` makes commits durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// A write-ahead log: readers and the writer do not wait for each other.
    Wal,
    /// A rollback journal, where the file system cannot do a write-ahead log: slower, as durable.
    Delete,
}

impl JournalMode {
    /// `SQLite`'s name of the mode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Delete => "delete",
        }
    }
}

/// An open store, for reading and deleting.
#[derive(Debug)]
pub struct Store {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    journal_mode: JournalMode,
}

impl Store {
    /// The store at `path`; makes the file and its directory when they do not exist, and brings an
    /// older store to this program's version.
    ///
    /// # Errors
    /// The path is of no use, the file is not a store, is damaged, or is of a newer version. A file
    /// that is refused for what it is stays as it was.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, &RUNS)
    }

    /// The store at `path`, which exists already.
    ///
    /// # Errors
    /// As [`Store::open`]; and when there is no such file.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_existing_as(path, &RUNS)
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How commits are made durable here.
    pub fn journal_mode(&self) -> JournalMode {
        self.journal_mode
    }

    /// The database of `kind` at `path`, made when it does not exist.
    pub(super) fn open_as(path: &Path, kind: &Kind) -> Result<Self, StoreError> {
        let path = absolute(path)?;
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)
                .map_err(|source| StoreError::Path { path: directory.to_owned(), source })?;
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_CREATE, kind)
    }

    /// The database of `kind` at `path`, which exists already.
    pub(super) fn open_existing_as(path: &Path, kind: &Kind) -> Result<Self, StoreError> {
        let path = absolute(path)?;
        match path.try_exists() {
            Ok(true) => Self::connect(path, OpenFlags::empty(), kind),
            Ok(false) => Err(StoreError::Missing { path }),
            Err(source) => Err(StoreError::Path { path, source }),
        }
    }

    /// The error that `source` is for this store.
    pub(super) fn error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, source)
    }

    fn connect(path: PathBuf, create: OpenFlags, kind: &Kind) -> Result<Self, StoreError> {
        if path.is_dir() {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(StoreError::Path { path, source });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let of = |source| StoreError::of(&path, source);
        let conn = Connection::open_with_flags(&path, flags).map_err(of)?;
        conn.busy_timeout(BUSY).map_err(of)?;
        // Until we know that the file is ours, closing it must not move its log into it.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(of)?;
        let version = version(&conn, &path, kind)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(of)?;
        if version == 0 {
            // Both take effect before the first page is written, or never.
            let page = format!("PRAGMA page_size = {}", kind.page_size);
            conn.execute_batch(&format!("{page}; PRAGMA auto_vacuum = INCREMENTAL")).map_err(of)?;
        }
        let journal_mode = settle(&conn, &path, kind)?;
        migrate(&conn, &path, kind)?;
        conn.set_prepared_statement_cache_capacity(32);
        Ok(Self { conn, path, journal_mode })
    }
}

/// `SQLite` reads some relative names as something else than files, `:memory:` for one.
fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| StoreError::Path { path: path.to_owned(), source })
}

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

/// The version of the store in the file, 0 for an empty file. Writes nothing.
fn version(conn: &Connection, path: &Path, kind: &Kind) -> Result<i64, StoreError> {
    let of = |source| StoreError::of(path, source);
    // One read transaction: another process may be making the store at this moment.
    let now = Transaction::new_unchecked(conn, TransactionBehavior::Deferred).map_err(of)?;
    let application = pragma(&now, "application_id").map_err(of)?;
    let version = pragma(&now, "user_version").map_err(of)?;
    let tables: i64 =
        now.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(of)?;
    let known = int(kind.migrations.len() as u64);
    match (application, version, tables) {
        (0, 0, 0) => Ok(0),
        (ours, found, _) if ours == kind.application_id && found > known => {
            Err(StoreError::Newer { path: path.to_owned(), found, known })
        }
        (ours, found, _) if ours == kind.application_id && found > 0 => Ok(found),
        _ => Err(StoreError::Foreign { path: path.to_owned() }),
    }
}

/// Makes the settings and reads each one back.
fn settle(conn: &Connection, path: &Path, kind: &Kind) -> Result<JournalMode, StoreError> {
    let of = |source| StoreError::of(path, source);
    let wrong = |pragma, wanted: String, found: String| StoreError::Pragma {
        path: path.to_owned(),
        pragma,
        wanted,
        found,
    };
    let mode = journal(conn).map_err(of)?;
    let journal_mode = [JournalMode::Wal, JournalMode::Delete]
        .into_iter()
        .find(|known| known.name() == mode)
        .ok_or_else(|| wrong("journal_mode", "wal".to_owned(), mode))?;
    for (name, value) in kind.settings {
        conn.pragma_update(None, name, value).map_err(of)?;
        let found = pragma(conn, name).map_err(of)?;
        if found != *value {
            return Err(wrong(name, value.to_string(), found.to_string()));
        }
    }
    Ok(journal_mode)
}

/// Asks for the write-ahead log, and gives the mode that the file then has.
fn journal(conn: &Connection) -> rusqlite::Result<String> {
    let current = || conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    let mut found = current()?;
    // The mode changes only while nobody else has the file open. Two who make it at once get in
    // each other's way; waiting for the write lock waits until the other one is done.
    for _ in 0..50 {
        if found == JournalMode::Wal.name() || conn.is_readonly("main")? {
            return Ok(found);
        }
        let asked = conn
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match asked {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?.rollback()?;
                found = current()?;
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
                // Some network file systems fail here instead of declining.
                return conn
                    .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0));
            }
            other => return other,
        }
    }
    Ok(found)
}

/// Brings the store to this program's version, in one transaction: a new file waits for the disk once.
fn migrate(conn: &Connection, path: &Path, kind: &Kind) -> Result<(), StoreError> {
    let of = |source| StoreError::of(path, source);
    let left = |conn: &Connection| -> rusqlite::Result<&[&str]> {
        let done = usize::try_from(pragma(conn, "user_version")?).unwrap_or_default();
        Ok(kind.migrations.get(done..).unwrap_or_default())
    };
    if left(conn).map_err(of)?.is_empty() {
        return Ok(());
    }
    let change = Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(of)?;
    // Another process may have done it while this one waited for the lock.
    let steps = left(&change).map_err(of)?;
    if steps.is_empty() {
        return Ok(());
    }
    for sql in steps {
        change.execute_batch(sql).map_err(of)?;
    }
    let known = int(kind.migrations.len() as u64);
    change.pragma_update(None, "application_id", kind.application_id).map_err(of)?;
    change.pragma_update(None, "user_version", known).map_err(of)?;
    change.commit().map_err(of)
}
