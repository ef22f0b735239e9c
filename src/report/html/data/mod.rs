//! The trials as data inside the page: packed pieces that its script unpacks when it needs them.
//!
//! Trials come one at a time and leave in blocks of about a megabyte of text. Each block is two
//! pieces: columns of numbers, which are read when the page is opened, and texts, which are read when
//! they are shown or searched. What a sample's trials share is written once a block.
//!
//! Packed by Zstandard, which browsers do not know: the script unpacks it itself. Deflate, which they
//! do, makes a file larger by an eighth.

mod pack;
mod row;
mod text;

pub(super) use row::facets;

use std::io;

use serde::Serialize;
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

/// The level of Zstandard: those above it are twice as slow and gain a hundredth.
const LEVEL: i32 = 17;

/// A packed piece, as `data.hbs` writes it.
#[derive(Debug, Serialize)]
pub(super) struct Piece {
    kind: &'static str,
    /// Bytes that are packed.
    bytes: usize,
    packed: String,
}

impl Piece {
    fn new(kind: &'static str, json: &[u8]) -> io::Result<Self> {
        let bytes = zstd::bulk::compress(json, LEVEL)?;
        Ok(Self { kind, bytes: bytes.len(), packed: pack::pack(&bytes) })
    }
}

/// What the script must know of the run.
pub(super) fn about(header: &RunHeader, planned: u64) -> io::Result<Piece> {
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
    Piece::new("about", &serde_json::to_vec(&about)?)
}

/// Collects trials until there are enough for a block.
#[derive(Debug, Default)]
pub(super) struct Block {
    rows: row::Rows,
    /// JSON: `{"sample": …, "trials": […` for each sample, the last one still open.
    texts: Vec<u8>,
    /// The sample and prompt of the last trial.
    last: Option<(u64, u32)>,
}

impl Block {
    /// Adds a trial. Gives the pieces of a block that it completed before.
    pub(super) fn add(
        &mut self,
        header: &RunHeader,
        trial: &TrialRecord,
    ) -> io::Result<Option<[Piece; 2]>> {
        let goes_on = self.last.is_some_and(|(sample, _)| sample == trial.key.sample);
        let full = self.texts.len() >= if goes_on { LARGEST } else { BLOCK };
        let done = if full { std::mem::take(self).finish()? } else { None };
        let begins = self.last.is_none_or(|(sample, _)| sample != trial.key.sample);
        if begins {
            let opening: &[u8] =
                if self.last.is_none() { b"[{\"sample\":" } else { b"]},{\"sample\":" };
            self.texts.extend_from_slice(opening);
            serde_json::to_writer(&mut self.texts, &text::sample(trial))?;
            self.texts.extend_from_slice(b",\"trials\":[");
        } else {
            self.texts.push(b',');
        }
        let said = Some((trial.key.sample, trial.key.prompt)) != self.last;
        serde_json::to_writer(&mut self.texts, &text::trial(header, trial, said))?;
        self.rows.add(header, trial, begins);
        self.last = Some((trial.key.sample, trial.key.prompt));
        Ok(done)
    }

    /// The pieces of what there is; nothing without a trial.
    pub(super) fn finish(mut self) -> io::Result<Option<[Piece; 2]>> {
        if self.last.is_none() {
            return Ok(None);
        }
        self.texts.extend_from_slice(b"]}]");
        let rows = Piece::new("rows", &serde_json::to_vec(&self.rows)?)?;
        Ok(Some([rows, Piece::new("texts", &self.texts)?]))
    }
}
