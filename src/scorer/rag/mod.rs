//! Judges of answers that rest on texts which were looked up, and of the texts themselves.
//!
//! Each is one file: what it asks in which steps, and the formula over what came back. They share how
//! a step is put ([`Sheet`]), and three steps that several need: taking a text apart into claims,
//! deciding which claims follow from a text, and what an answer stands on ([`Ground`]). Claims are what
//! a model wrote about what a model wrote: they stand between marks like any text of a stranger.

pub(super) mod answer_correctness;
pub(super) mod answer_relevancy;
mod claims;
pub(super) mod context_entity_recall;
pub(super) mod context_precision;
pub(super) mod context_recall;
pub(super) mod context_relevancy;
pub(super) mod faithfulness;
mod ground;
pub(super) mod noise_sensitivity;

pub(super) use self::{claims::numbered, ground::Ground};
use self::{
    claims::{follow, list, verdicts},
    ground::{About, CONTEXT, Measure, Rag},
};
