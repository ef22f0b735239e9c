//! Sides that were compared in pairs, in the formats people and programs read.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod table;
mod words;
