//! Floor 1: the only module that names polars.
//!
//! [`scan`] reads Parquet and Arrow files row by row, [`filter`] evaluates a Polars SQL
//! expression over batches of rows, [`table`] writes Parquet. Nothing here knows of datasets or samples.
//!
//! Polars is half of what a first build compiles, so the feature `polars` can be left out of one.
//! Then `absent` takes the place of `engine`, and says of all three what the build lacks.

#[cfg(feature = "polars")]
mod engine;
#[cfg(not(feature = "polars"))]
#[path = "absent.rs"]
mod engine;
pub mod filter;
#[cfg(all(test, feature = "polars"))]
pub(crate) mod fixture;
pub mod scan;
pub mod table;

/// Whether this build has polars.
pub const AVAILABLE: bool = cfg!(feature = "polars");
