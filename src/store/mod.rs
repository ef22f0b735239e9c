//! Floor 3: `SQLite`: the record of runs. The only SQL of the crate is here.
//!
//! One database file holds runs, samples, messages, trials, answers, attempts and scores, and a
//! snapshot of models and prices. A [`Writer`] takes the events of one run on its own thread and
//! its own connection, and groups what is queued into one transaction; a [`Store`] reads, streams
//! and deletes. What a receipt of the writer calls kept is on the disk: `synchronous=FULL`.
//!
//! Why FULL, and why groups: with less, a power cut takes back commits that were acknowledged, and
//! answers cost money; with one flush of the disk a row, some hundred rows a second are the most.
//!
//! The response cache is a second file, of a kind of its own.

mod cache;
mod error;
mod insert;
mod open;
mod read;
mod runs;
mod writer;

pub use cache::{AnswerCache, CacheFile, CacheStats, ClearFilter};
pub use error::StoreError;
pub use open::{JournalMode, Store};
pub use read::TrialFilter;
pub use runs::RunSummary;
pub use writer::Writer;

#[cfg(test)]
mod tests;
