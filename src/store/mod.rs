//! Floor 3: `SQLite`: the record of runs. The only SQL of the crate is here.
//!
//! One database file holds runs, samples, messages, trials, answers, attempts, judgements and scores, and a
//! snapshot of models and prices. A [`Writer`] takes the events of one run on its own thread and
//! its own connection, and groups what is queued into one transaction; a [`Store`] reads, streams
//! and deletes. What a receipt of the writer calls kept is on the disk: `synchronous=FULL`.
//!
//! Why FULL, and why groups: with less, a power cut takes back commits that were acknowledged, and
//! answers cost money; with one flush of the disk a row, some hundred rows a second are the most.
//!
//! One process works on a run at a time: it holds a [`RunLock`]. A disk that fills up stops the run,
//! and what is under way is written into room that was kept back for it.
//! The response cache is a second file, of a kind of its own.

mod bulk;
mod cache;
mod error;
mod insert;
mod judgements;
mod labels;
mod lock;
mod merge;
mod open;
mod read;
mod recall;
mod room;
mod runs;
mod tags;
mod writer;

pub use cache::{AnswerCache, CacheFile, CacheStats, ClearFilter, Keep};
pub use error::StoreError;
pub use lock::RunLock;
pub use merge::ShardOf;
pub use open::{JournalMode, Store};
pub use read::TrialFilter;
pub use recall::{OpenCost, Recorded};
pub use room::{LEAST_FREE, check as check_room};
pub use runs::RunSummary;
pub use writer::Writer;

#[cfg(test)]
mod tests;
