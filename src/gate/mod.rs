//! Floor 6: conditions on a run, such as `exact_match.mean >= 0.9`, that set the exit code.
//!
//! A gate is read from text, decided from [`Evidence`] that is read from the stores, and says what was
//! measured, with its interval, and why it passed or failed.

mod decide;
mod evidence;
mod measured;
mod parse;
mod versus;

pub use decide::decide;
pub use evidence::{Evidence, measures};
pub use measured::{Measured, Quantile, Slice, Tokens};
pub use parse::{Allow, Gate, GateError, Op, Versus, parse};

#[cfg(test)]
mod tests;
