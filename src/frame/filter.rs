//! Polars SQL expressions that keep or drop rows.

pub use super::engine::Filter;

/// The type of a column in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True and false.
    Bool,
    /// Whole numbers of 64 bits.
    Int,
    /// Numbers.
    Float,
    /// Text.
    Text,
    /// Days.
    Date,
    /// Instants, or dates with a time.
    Datetime,
    /// Times of day.
    Time,
}

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is not an expression.
    #[error("`{expression}` is not a Polars SQL expression: {problem}")]
    Syntax {
        /// The expression as written.
        expression: String,
        /// What the parser said.
        problem: String,
    },
    /// It needs more than the row at hand.
    #[error("`{expression}` uses {what}, which needs more than one row at a time")]
    NotRowwise {
        /// The expression as written.
        expression: String,
        /// What it uses.
        what: &'static str,
    },
    /// It gives something other than true and false.
    #[error("`{expression}` gives {dtype}, not true or false")]
    NotBoolean {
        /// The expression as written.
        expression: String,
        /// What it gives, in Polars' terms.
        dtype: String,
    },
    /// It cannot be evaluated on the columns' types.
    #[error("`{expression}` cannot be evaluated: {problem}")]
    Evaluate {
        /// The expression as written.
        expression: String,
        /// What Polars said.
        problem: String,
    },
}
