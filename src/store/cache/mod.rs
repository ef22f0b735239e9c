//! The response cache: one database file beside the record of runs.
//!
//! An [`AnswerCache`] serves a run: it reads by one connection and writes by a thread of its own with
//! another one, in transactions of whatever has queued up. [`CacheFile`] is for looking after the
//! file. Several processes may use it at once.
//!
//! Unlike the record of runs it may lose what was written last in a power cut, so its commits wait
//! for no disk (`synchronous=NORMAL`), and what goes wrong with it ends no run. Its thread also deletes
//! what is too old or too much, so that no run waits for it.

mod answers;
mod entry;
mod evict;
mod file;

#[cfg(test)]
mod tests;

pub use answers::AnswerCache;
pub use evict::Keep;
pub use file::{CacheFile, CacheStats, ClearFilter};

use crate::store::open::Kind;

/// A file that holds answers: "EVLC".
const KIND: Kind = Kind {
    application_id: 0x4556_4C43,
    migrations: &[include_str!("0001_init.sql"), include_str!("0002_age.sql")],
    settings: &[
        // A reader never waits for a writer in a write-ahead log; where there is none, not for long.
        ("busy_timeout", 1_000),
        ("synchronous", 1), // NORMAL
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("cache_size", -8_192), // KiB
        ("wal_autocheckpoint", 4_000),
        ("journal_size_limit", 67_108_864),
    ],
    page_size: 4_096,
};
