//! Floor 6: what a run says, in the formats people and programs read.
//!
//! Everything here is made from plain data: a run, its measures, what became of its gates, and a
//! source of trials that is read as a stream. Most of the text was written by models or by strangers,
//! so each format has one place that makes text harmless for its reader, and nothing is stripped.

pub mod annotate;
pub mod calibration;
pub mod compare;
pub mod csv;
mod details;
mod facts;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
mod number;
mod pairwise;
pub mod parquet;
pub mod power;
mod row;
#[cfg(test)]
mod sample;
mod sheet;
mod slices;
pub mod table;
mod verdict;

use std::{error::Error, io, ops::ControlFlow};

use crate::{
    domain::{
        comparison::Comparison,
        measure::{GateResult, RunMeasures},
        run::{RunRecord, TrialRecord},
    },
    frame::table::TableError,
};

/// A run as reports see it, without its trials.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What was asked of whom, and how it ended.
    pub run: &'a RunRecord,
    /// Its numbers.
    pub measures: &'a RunMeasures,
    /// What became of its gates, in the order they are written.
    pub gates: &'a [GateResult],
    /// Its models and prompts compared in pairs, where there are several.
    pub comparison: Option<&'a Comparison>,
}

/// Gives the trials of a run, in the order of the plan, as often as it is asked.
pub trait TrialSource {
    /// Hands each trial to `take` until there are no more or `take` breaks off.
    ///
    /// # Errors
    ///
    /// When the trials cannot be read.
    fn each(&self, take: &mut dyn FnMut(TrialRecord) -> ControlFlow<()>)
    -> Result<(), ReportError>;
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The trials could not be read.
    #[error("read the trials: {0}")]
    Source(Box<dyn Error + Send + Sync>),
    /// What was made could not be written; a closed pipe is among these.
    #[error("write the report: {0}")]
    Write(#[from] io::Error),
    /// A template of the program could not be rendered.
    #[error("render the report: {0}")]
    Template(Box<dyn Error + Send + Sync>),
    /// The table could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Acts on each trial until one breaks off or fails.
fn for_each(
    trials: &dyn TrialSource,
    mut act: impl FnMut(TrialRecord) -> Result<ControlFlow<()>, ReportError>,
) -> Result<(), ReportError> {
    let mut outcome = Ok(());
    trials.each(&mut |trial| match act(trial) {
        Ok(flow) => flow,
        Err(error) => {
            outcome = Err(error);
            ControlFlow::Break(())
        }
    })?;
    outcome
}
