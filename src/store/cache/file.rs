//! Looking after the file: what is in it, and less of it.

use std::{fs, path::Path};

use rusqlite::{OptionalExtension as _, Row, params};

use super::KIND;
use crate::{
    base::money::Money,
    domain::contract::CacheKey,
    store::{Store, StoreError},
};

/// What is in a response cache, and what it was good for since it was made or cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Answers.
    pub entries: u64,
    /// Size of the file and of its log.
    pub bytes: u64,
    /// Answers that were used instead of calls.
    pub hits: u64,
    /// What these calls would have cost, as far as known.
    pub saved: Money,
    /// Hits of which nobody knows what they saved.
    pub unpriced_hits: u64,
    /// Bytes that the file may have, as the last run said; `None` before the first one.
    pub max_bytes: Option<u64>,
    /// Answers that were deleted for their age.
    pub expired: u64,
    /// Answers that were deleted for their room.
    pub evicted: u64,
    /// When the oldest answer was kept, in milliseconds since the epoch.
    pub oldest_ms: Option<i64>,
    /// When the newest answer was kept.
    pub newest_ms: Option<i64>,
}

/// Which answers to delete; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct ClearFilter {
    /// Only those kept before this time, in milliseconds since the epoch.
    pub before_ms: Option<i64>,
    /// Only those of this model, as `MODEL` or `PROVIDER/MODEL`.
    pub model: Option<String>,
}

/// A response cache that is looked after.
#[derive(Debug)]
pub struct CacheFile {
    store: Store,
}

impl CacheFile {
    /// The cache in the file at `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// The file is not a cache, is damaged, or is of a newer version.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        match Store::open_existing_as(path, &KIND) {
            Ok(store) => Ok(Some(Self { store })),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is in it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stats(&self) -> Result<CacheStats, StoreError> {
        let of = |error| self.store.error(error);
        let natural = |count: i64| u64::try_from(count).unwrap_or_default();
        let sql = "SELECT count(*), min(created_ms), max(created_ms) FROM answers";
        let (entries, oldest_ms, newest_ms) = self
            .store
            .conn
            .query_row(sql, [], |row| Ok((natural(row.get(0)?), row.get(1)?, row.get(2)?)))
            .map_err(of)?;
        let sql = "SELECT hits, saved_pico, unpriced_hits, max_bytes, expired, evicted FROM totals";
        let totals = |row: &Row<'_>| {
            let count = |column| row.get(column).map(natural);
            Ok(CacheStats {
                hits: count(0)?,
                saved: Money::from_pico(row.get(1)?),
                unpriced_hits: count(2)?,
                max_bytes: Some(count(3)?).filter(|bytes| *bytes > 0),
                expired: count(4)?,
                evicted: count(5)?,
                ..CacheStats::default()
            })
        };
        let totals = self.store.conn.query_row(sql, [], totals).map_err(of)?;
        let mut log = self.store.path().as_os_str().to_owned();
        log.push("-wal");
        let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        let bytes = size(self.store.path()) + size(Path::new(&log));
        Ok(CacheStats { entries, bytes, oldest_ms, newest_ms, ..totals })
    }

    /// Whether there is an answer under `key` that was kept at `since_ms` or later.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has(&self, key: &CacheKey, since_ms: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM answers WHERE key = ?1 AND created_ms >= ?2";
        let found = self.store.conn.prepare_cached(sql).and_then(|mut select| {
            select.query_row(params![key.0, since_ms], |_| Ok(())).optional()
        });
        found.map(|found| found.is_some()).map_err(|error| self.store.error(error))
    }

    /// How many answers `filter` means.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn count(&self, filter: &ClearFilter) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM answers WHERE (?1 IS NULL OR created_ms < ?1)
                   AND (?2 IS NULL OR model = ?2 OR provider || '/' || model = ?2)";
        let row = params![filter.before_ms, filter.model];
        let count = self.store.conn.query_row(sql, row, |row| row.get::<_, i64>(0));
        let count = count.map_err(|error| self.store.error(error))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Deletes the answers that `filter` means and gives their room back. Says how many they were.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn clear(&self, filter: &ClearFilter) -> Result<u64, StoreError> {
        let of = |error| self.store.error(error);
        let sql = "DELETE FROM answers WHERE (?1 IS NULL OR created_ms < ?1)
                   AND (?2 IS NULL OR model = ?2 OR provider || '/' || model = ?2)";
        let row = params![filter.before_ms, filter.model];
        let deleted = self.store.conn.execute(sql, row).map_err(of)?;
        if filter.before_ms.is_none() && filter.model.is_none() {
            let sql = "UPDATE totals SET hits = 0, saved_pico = 0, unpriced_hits = 0,
                           expired = 0, evicted = 0";
            self.store.conn.execute(sql, []).map_err(of)?;
        }
        self.store.reclaim().map_err(of)?;
        Ok(deleted as u64)
    }
}
