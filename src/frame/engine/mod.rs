//! What polars does for the program.

mod cell;
mod filter;
mod scan;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::{filter::Filter, scan::Scan, table::TableWriter};

/// What `work` gives, or the text of its panic: polars panics on some damaged files and on some
/// expressions, and no input may end the process.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
    })
}
