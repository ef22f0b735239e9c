//! Floor 1: the only module that names polars.
//!
//! [`scan`] reads Parquet and Arrow files row by row, [`filter`] evaluates a Polars SQL
//! expression over batches of rows, [`table`] writes Parquet. Nothing here knows of datasets or samples.

mod cell;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod scan;
pub mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` gives, or the text of its panic: polars panics on some damaged files and on some
/// expressions, and no input may end the process.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
    })
}
