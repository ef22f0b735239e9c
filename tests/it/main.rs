//! The one integration binary: drives the built program the way a user does, and keeps the
//! repository's own rules.
//!
//! One binary, because each further one links the whole crate again.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests stop a test the way tests do, and say what was skipped"
)]

mod bad_input;
mod budget;
mod byo;
mod cache;
mod calibration;
mod catalog;
mod compare;
mod coverage;
mod crash;
mod credentials;
mod docs;
mod doubles;
mod embeddings;
mod fallback;
mod faults;
mod gates;
mod gsm8k;
mod http;
mod judge;
mod limits;
mod merge;
mod metrics;
mod models;
mod own;
mod pairwise;
mod power;
mod proof;
mod rag;
mod report;
mod resume;
mod run;
mod sandbox;
mod score;
mod scorers;
mod stop;
mod stored;
mod support;
mod terminal;
mod tidy;
mod vault;
mod vectors;
mod workflows;
