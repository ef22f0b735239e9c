//! The trials as data inside the page: packed pieces that its script unpacks when it needs them.
//!
//! Trials come one at a time and leave in blocks of about a megabyte of text. Each block is two
//! pieces: columns of numbers, which are read when the page is opened, and texts, which are read when
//! they are shown or searched. What a sample's trials share is written once a block.
//!
//! Texts stand in columns, too: what is alike stands together and is packed better.
//! Packed by Zstandard, which browsers do not know: the script unpacks it itself. Deflate, which they
//! do, makes a file larger by a quarter.

mod pack;
mod row;
mod spool;
mod text;

pub(super) use row::facets;
pub(super) use spool::Spool;

use std::io;

use serde_json::json;

use crate::{
    base::clock::rfc3339,
    domain::run::{RunHeader, TrialRecord},
    report::{facts::unit_of, number::Unit},
};

/// Bytes of text after which a block ends with its sample.
const BLOCK: usize = 1 << 20;
/// Bytes of text after which a block ends within its sample.
const LARGEST: usize = 4 << 20;

/// What the script must know of the run.
pub(super) fn about(header: &RunHeader, planned: u64) -> io::Result<Vec<u8>> {
    let scorers = header.scorers.iter().map(|scorer| {
        let (unit, name) = match unit_of(scorer) {
            Unit::Share => ("share", None),
            Unit::Usd => ("usd", None),
            Unit::Milliseconds => ("ms", None),
            Unit::Seconds => ("s", None),
            Unit::Named(name) => ("named", Some(name)),
            Unit::Plain => ("plain", None),
        };
        json!({"id": scorer.id, "unit": unit, "unit_name": name, "extract": scorer.extract})
    });
    let models = header.models.iter().enumerate();
    let models = models.map(|(at, model)| json!({"name": model.name, "label": header.label(at)}));
    let about = json!({
        "run_id": header.id,
        "name": header.name,
        "started": rfc3339(header.created_ms),
        "planned": planned,
        "epochs": header.epochs,
        "models": models.collect::<Vec<_>>(),
        "prompts": header.prompts.iter().map(|prompt| &prompt.id).collect::<Vec<_>>(),
        "scorers": scorers.collect::<Vec<_>>(),
        "extracts": header.extracts,
    });
    Ok(serde_json::to_vec(&about)?)
}

/// Collects trials until there are enough for a block.
#[derive(Debug, Default)]
pub(super) struct Block {
    rows: row::Rows,
    texts: text::Columns,
    /// The sample and prompt of the last trial.
    last: Option<(u64, u32)>,
}

impl Block {
    /// Adds a trial; a block that was complete before goes to `spool`.
    pub(super) fn add(
        &mut self,
        header: &RunHeader,
        trial: &TrialRecord,
        spool: &mut Spool,
    ) -> io::Result<()> {
        let goes_on = self.last.is_some_and(|(sample, _)| sample == trial.key.sample);
        if self.texts.bytes() >= if goes_on { LARGEST } else { BLOCK } {
            std::mem::take(self).finish(spool)?;
        }
        let begins = self.last.is_none_or(|(sample, _)| sample != trial.key.sample);
        let said = Some((trial.key.sample, trial.key.prompt)) != self.last;
        self.texts.add(header, trial, begins, said)?;
        self.rows.add(header, trial, begins);
        self.last = Some((trial.key.sample, trial.key.prompt));
        Ok(())
    }

    /// Adds what there is to `spool`; nothing without a trial.
    pub(super) fn finish(self, spool: &mut Spool) -> io::Result<()> {
        if self.last.is_none() {
            return Ok(());
        }
        spool.put("rows", &serde_json::to_vec(&self.rows)?)?;
        spool.put("texts", &self.texts.finish())
    }
}
