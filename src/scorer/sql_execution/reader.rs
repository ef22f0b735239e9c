//! A SQLite file that queries of strangers may read, and do nothing else.
//!
//! The file is opened read-only and as one that does not change, so that not even a lock is left
//! beside it. The authorizer allows reading tables and calling functions; the limits are those of
//! the connection, and a handler that counts time stops what goes on too long.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{
    Connection, Error, ErrorCode, OpenFlags,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};
use url::Url;

use super::{
    like,
    rows::{Cell, Rows},
};
use crate::base::{clock, text::one_line};

/// What a query may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) rows: usize,
    pub(super) time: Duration,
}

/// Bytes of all values of a result.
const MAX_BYTES: usize = 64 << 20;

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// The connection's limits.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, 1 << 20),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_COLUMN, 500),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 50),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 10),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Functions that do more than compute, or whose time a pattern can blow up.
const FORBIDDEN: &[&str] =
    &["load_extension", "fts3_tokenizer", "glob", "readfile", "writefile", "edit"];

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The query is wrong.
    Wrong(String),
    /// The query may be right, and was not carried out: it wants more than reading, or too much.
    Refused(String),
}

/// Says why `path` cannot be read as a database that stays as it is.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let told = path.display();
    let real = fs::canonicalize(path).map_err(|error| format!("`{told}`: {error}"))?;
    for suffix in ["-wal", "-journal"] {
        let mut beside = real.clone().into_os_string();
        beside.push(suffix);
        if fs::metadata(PathBuf::from(beside)).is_ok_and(|file| file.len() > 0) {
            return Err(format!(
                "`{told}` has changes beside it in a `{suffix}` file: close the program that writes \
                 it, or copy it with `.backup`"
            ));
        }
    }
    let conn = open(&real).map_err(|error| format!("`{told}`: {}", reason(&error)))?;
    conn.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))
        .map(drop)
        .map_err(|error| format!("`{told}`: {}", reason(&error)))
}

fn open(path: &Path) -> Result<Connection, Error> {
    let path = fs::canonicalize(path).map_err(|_| Error::InvalidPath(path.to_owned()))?;
    let mut url = Url::from_file_path(&path).map_err(|()| Error::InvalidPath(path))?;
    url.set_query(Some("mode=ro&immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(url.as_str(), flags)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    for (limit, value) in LIMITS {
        conn.set_limit(*limit, *value)?;
    }
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -8_192)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    Ok(conn)
}

/// What `sql`, one statement that reads, gives on the database at `path`.
pub(super) fn query(path: &Path, sql: &str, bounds: Bounds) -> Result<Rows, Unanswered> {
    let late = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&late);
    let broken = |error: &Error| Unanswered::Refused(reason(error));
    let mut conn = open(path).map_err(|error| broken(&error))?;
    like::replace(&conn).map_err(|error| broken(&error))?;
    conn.authorizer(Some(allowed)).map_err(|error| broken(&error))?;
    let begin = clock::instant();
    let stop = move || {
        let is_late = begin.elapsed() > bounds.time;
        said.fetch_or(is_late, Ordering::Relaxed);
        is_late
    };
    conn.progress_handler(STEPS, Some(stop)).map_err(|error| broken(&error))?;
    read(&conn, sql, bounds).map_err(|unanswered| match unanswered {
        _ if late.load(Ordering::Relaxed) => {
            Unanswered::Refused(format!("takes over {} seconds", bounds.time.as_secs_f64()))
        }
        other => other,
    })
}

fn allowed(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            if FORBIDDEN.contains(&name.as_str()) {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }
        _ => Authorization::Deny,
    }
}

fn read(conn: &Connection, sql: &str, bounds: Bounds) -> Result<Rows, Unanswered> {
    let sql = sql.trim();
    if sql.contains('\0') {
        return Err(Unanswered::Wrong("there is a NUL in it".to_owned()));
    }
    let mut statement = conn.prepare(sql).map_err(|error| sorted(&error))?;
    let columns = statement.column_count();
    if !statement.readonly() {
        return Err(Unanswered::Refused("does not only read".to_owned()));
    }
    if columns == 0 {
        return Err(Unanswered::Wrong("it is no query".to_owned()));
    }
    let mut found = Rows { columns, rows: Vec::new() };
    let mut bytes = 0;
    let mut rows = statement.query([]).map_err(|error| sorted(&error))?;
    while let Some(row) = rows.next().map_err(|error| sorted(&error))? {
        if found.rows.len() >= bounds.rows {
            return Err(Unanswered::Refused(format!("gives over {} rows", bounds.rows)));
        }
        let cell = |at| row.get_ref(at).map(Cell::new).map_err(|error| sorted(&error));
        let cells: Vec<Cell> = (0..columns).map(cell).collect::<Result<_, _>>()?;
        bytes += cells.iter().map(Cell::size).sum::<usize>();
        if bytes > MAX_BYTES {
            return Err(Unanswered::Refused(format!("gives over {} MiB", MAX_BYTES >> 20)));
        }
        found.rows.push(cells);
    }
    Ok(found)
}

/// Sorts what is wrong with a query from what it was kept from.
fn sorted(error: &Error) -> Unanswered {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::AuthorizationForStatementDenied
            | ErrorCode::OperationInterrupted
            | ErrorCode::TooBig
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen,
        ) => Unanswered::Refused(format!("was not carried out: {}", reason(error))),
        _ => match reason(error) {
            why if why.contains("not authorized") || why.contains("parser stack overflow") => {
                Unanswered::Refused(format!("was not carried out: {why}"))
            }
            why => Unanswered::Wrong(why),
        },
    }
}

fn reason(error: &Error) -> String {
    let told = match error {
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        Error::MultipleStatement => "there is more than one statement".to_owned(),
        other => other.to_string(),
    };
    one_line(&told, 200)
}
