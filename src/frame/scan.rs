//! The rows of Parquet and Arrow files.

use std::io;

pub use super::engine::Scan;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The file system failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is not what its format says.
    #[error("{0}")]
    Damaged(String),
    /// A column's type has no value that could be given to a template.
    #[error("column `{column}` has the type {dtype}, which cannot be read")]
    Type {
        /// The column.
        column: String,
        /// Its type in Arrow's terms.
        dtype: String,
    },
    /// Two columns have one name.
    #[error("two columns are named `{column}`")]
    Duplicate {
        /// The name.
        column: String,
    },
    /// A cell has no readable value.
    #[error("column `{column}` holds {problem}")]
    Cell {
        /// The column.
        column: String,
        /// What is wrong with the cell.
        problem: &'static str,
    },
}
