//! Floor 6: conditions on a run, such as `exact_match.mean >= 0.9`, that set the exit code.

mod decide;
mod parse;

pub use decide::decide;
pub use parse::{Gate, GateError, Measured, Op, parse};

#[cfg(test)]
mod tests;
