//! Floor 1: the only module that names polars.

pub mod table;
