//! Sides that were compared in pairs, in the formats people and programs read; as HTML by
//! [`crate::report::html::write_comparison`].

pub mod csv;
pub mod json;
pub mod markdown;
pub mod table;
mod words;
