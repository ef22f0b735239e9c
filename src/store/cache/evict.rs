//! Answers leave the file: those that are too old for every run that has used it, and the oldest
//! ones of a file that is full.

use std::time::Duration;

use rusqlite::{Params, params};

use crate::{
    base::clock,
    store::{Store, StoreError, insert::int, writer::begin},
};

/// Answers that are deleted in one transaction: nobody waits long for it.
const AT_ONCE: u64 = 500;

/// Of a full file so many tenths stay: what leaves makes room for a while.
const STAY: u64 = 9;

/// How long answers of a run count, and how large the file may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How old an answer may be to be used again.
    pub ttl: Duration,
    /// Bytes of the file, without its log.
    pub max_bytes: u64,
}

impl Keep {
    /// Bytes of the file when nobody says otherwise: 1 GiB.
    pub const MAX_BYTES: u64 = 1 << 30;
}

/// Notes what the run wants, and deletes what is too old for all runs so far: what one of them
/// counts as old, another may still use.
pub(super) fn expire(store: &Store, keep: Keep) -> Result<(), StoreError> {
    let of = |error| store.error(error);
    let own = i64::try_from(keep.ttl.as_millis()).unwrap_or(i64::MAX);
    let sql = "UPDATE totals SET max_bytes = ?1, longest_ttl_ms = max(longest_ttl_ms, ?2)
               RETURNING longest_ttl_ms";
    let row = params![int(keep.max_bytes), own];
    let longest: i64 = store.conn.query_row(sql, row, |row| row.get(0)).map_err(of)?;
    let before = clock::now_ms().saturating_sub(longest);
    let sql = "DELETE FROM answers WHERE rowid IN
                   (SELECT rowid FROM answers WHERE created_ms < ?1 LIMIT ?2)";
    let count = "UPDATE totals SET expired = expired + ?1";
    let mut deleted = 0;
    loop {
        match delete(store, (sql, count), params![before, int(AT_ONCE)]).map_err(of)? {
            0 => break,
            some => deleted += some,
        }
    }
    if deleted > 0 { store.reclaim().map_err(of) } else { Ok(()) }
}

/// Deletes the oldest answers of a file that has more than `max_bytes`.
pub(super) fn shrink(store: &Store, max_bytes: u64) -> Result<(), StoreError> {
    let of = |error| store.error(error);
    let mut have = used(store).map_err(of)?;
    if have <= max_bytes {
        return Ok(());
    }
    let sql = "SELECT count(*) FROM answers";
    let answers = store.conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(of)?;
    let mut answers = u64::try_from(answers).unwrap_or_default();
    let sql = "DELETE FROM answers WHERE rowid IN
                   (SELECT rowid FROM answers ORDER BY created_ms LIMIT ?1)";
    let count = "UPDATE totals SET evicted = evicted + ?1";
    let stay = max_bytes / 10 * STAY;
    while have > stay && answers > 0 {
        // As many as the excess would be, if all were of one size.
        let share = (have - stay) as f64 / have as f64;
        let some = ((answers as f64 * share) as u64).clamp(1, AT_ONCE);
        delete(store, (sql, count), params![int(some)]).map_err(of)?;
        answers = answers.saturating_sub(some);
        have = used(store).map_err(of)?;
    }
    store.reclaim().map_err(of)
}

/// Bytes of the pages that hold something.
fn used(store: &Store) -> rusqlite::Result<u64> {
    let sql = "SELECT (page_count - freelist_count) * page_size
               FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let bytes = store.conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Deletes some answers by one statement, and counts them by another.
fn delete(store: &Store, (sql, count): (&str, &str), by: impl Params) -> rusqlite::Result<usize> {
    let transaction = begin(&store.conn)?;
    let deleted = transaction.prepare_cached(sql)?.execute(by)?;
    if deleted > 0 {
        transaction.prepare_cached(count)?.execute([int(deleted as u64)])?;
    }
    transaction.commit()?;
    Ok(deleted)
}
