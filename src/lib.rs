//! `evals` tells which model or prompt is better on your data, by how much, at what price and
//! latency, and how sure one can be.
//!
//! The modules stand in reading order, floor by floor; `ARCHITECTURE.md` is the map.

pub mod base;

pub mod domain;
pub mod frame;

pub mod config;
pub mod extract;
pub mod prompt;
pub mod provider;
pub mod stats;
pub mod vault;

pub mod catalog;
pub mod client;
pub mod dataset;
pub mod metric;
pub mod scorer;
pub mod store;

pub mod plan;

pub mod compare;
pub mod run;

pub mod gate;
pub mod report;

pub mod cli;
