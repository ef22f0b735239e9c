//! A file of recorded answers, kept on disk with an index in memory.
//!
//! Memory grows by a few words a row, not by the answers. Records of one key form a chain in the
//! spool, the latest first, so repeats and colliding hashes need no table of their own.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    OUTPUT_LIST,
    row::{self, Recorded},
};
use crate::{
    base::{digest, text},
    domain::{
        fault::{Fault, FaultKind},
        sample::{Sample, Vars, value_text},
        target::ReplaySource,
    },
};

/// Names of columns that hold a sample's id.
const ID_COLUMNS: &[&str] = &["sample_id", "id"];
const INPUT_COLUMN: &str = "input";
const MODEL_COLUMN: &str = "model";
const EPOCH_COLUMN: &str = "epoch";

/// Why a recording cannot be used. Rows are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file could not be read.
    #[error("read row {row}: {reason}")]
    Row {
        /// Which row.
        row: u64,
        /// What its reader says.
        reason: String,
    },
    /// There is nothing in it.
    #[error("find a recorded answer: there are no rows{}", of_model(model.as_deref()))]
    Empty {
        /// The model that was asked for.
        model: Option<String>,
    },
    /// No column tells which sample a row is about.
    #[error(
        "tell which sample row {row} answers: there is no {wanted} among its columns ({columns})"
    )]
    NoKey {
        /// Which row.
        row: u64,
        /// The column or columns that were looked for.
        wanted: String,
        /// The columns there are.
        columns: String,
    },
    /// No column holds the answer.
    #[error("find the answer in row {row}: there is no {wanted} among its columns ({columns})")]
    NoOutput {
        /// Which row.
        row: u64,
        /// The column or columns that were looked for.
        wanted: String,
        /// The columns there are.
        columns: String,
    },
    /// A model was asked for, but rows do not say whose they are.
    #[error("find the model `{model}`: row {row} has no column `model`")]
    NoModel {
        /// Which row.
        row: u64,
        /// The model that was asked for.
        model: String,
    },
    /// Several models' answers are in it, and none was asked for.
    #[error("choose between the models in the file ({models}): name one as `model`")]
    SeveralModels {
        /// Their names.
        models: String,
    },
    /// The column `epoch` does not hold a count.
    #[error("read the epoch `{value}` of row {row}: it is not a whole number from 0")]
    BadEpoch {
        /// Which row.
        row: u64,
        /// What stands there.
        value: String,
    },
    /// Two rows answer the same trial.
    #[error(
        "tell two answers apart: row {row} answers `{key}` in epoch {epoch} a second time; \
         keep one row for each, for example those of one prompt"
    )]
    Duplicate {
        /// The second of the two.
        row: u64,
        /// The sample's id or input.
        key: String,
        /// The epoch of both.
        epoch: u32,
    },
    /// The temporary copy of the answers could not be kept.
    #[error("keep recorded answers in a temporary file: {0}")]
    Spool(#[from] io::Error),
    /// An answer could not be written to the temporary copy.
    #[error("keep the recorded answer of row {row}: {source}")]
    Encode {
        /// Which row.
        row: u64,
        /// Why.
        source: serde_json::Error,
    },
}

fn of_model(model: Option<&str>) -> String {
    model.map_or_else(String::new, |model| format!(" of the model `{model}`"))
}

/// Where a record lies in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    offset: u64,
    length: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    key: String,
    epoch: u32,
    recorded: Recorded,
    previous: Option<Place>,
}

/// What the rows are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Id,
    Input,
}

/// Recorded answers by sample and epoch.
#[derive(Debug)]
pub struct ReplayBook {
    name: String,
    column: String,
    compared: Compared,
    index: HashMap<u64, Place>,
    spool: Mutex<File>,
}

impl ReplayBook {
    /// Reads all `rows` of the file that `source` describes.
    ///
    /// Rows are matched by `source.key`; without it by the first of `sample_id`, `id` and `input`
    /// that the first row has. Without a column `epoch`, the k-th row of a key answers epoch k.
    ///
    /// # Errors
    ///
    /// A row that cannot be read or understood, several models without a choice between them, two
    /// answers for one trial, no row at all, or a temporary file that cannot be written.
    pub fn build(
        rows: impl Iterator<Item = Result<Vars, String>>,
        source: &ReplaySource,
    ) -> Result<Self, ReplayError> {
        let mut builder = Builder::new(source)?;
        for (row, vars) in (1..).zip(rows) {
            let vars = vars.map_err(|reason| ReplayError::Row { row, reason })?;
            builder.add(row, &vars)?;
        }
        builder.finish()
    }

    /// The answer for `sample` in `epoch`.
    ///
    /// # Errors
    ///
    /// `NotRecorded` when there is none.
    pub(super) fn find(&self, sample: &Sample, epoch: u32) -> Result<Recorded, Fault> {
        let missing = |message: String| Fault::new(FaultKind::NotRecorded, message);
        let key = match (self.compared, &sample.input) {
            (Compared::Id, _) => sample.id.as_str(),
            (Compared::Input, Some(input)) => input.as_str(),
            (Compared::Input, None) => {
                return Err(missing(format!(
                    "the sample `{}` has no input to compare with `{}` of `{}`",
                    sample.id, self.column, self.name
                )));
            }
        };
        let mut place = self.index.get(&hash(key)).copied();
        let mut repeats = 0;
        while let Some(at) = place {
            let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
            let record = read(&mut spool, at).map_err(|error| {
                missing(format!("the copy of `{}` cannot be read: {error}", self.name))
            })?;
            if record.key == key {
                if record.epoch == epoch {
                    return Ok(record.recorded);
                }
                repeats += 1;
            }
            place = record.previous;
        }
        let (name, column, shown) = (&self.name, &self.column, text::one_line(key, 80));
        Err(match repeats {
            0 => missing(format!("`{name}` has no answer whose `{column}` is `{shown}`")),
            count => missing(format!(
                "`{name}` has no answer for `{shown}` in epoch {epoch}, but {count} of others"
            )),
        })
    }
}

struct Builder<'a> {
    source: &'a ReplaySource,
    /// The column that is compared, once the first row has told.
    column: Option<(String, Compared)>,
    models: BTreeSet<String>,
    index: HashMap<u64, Place>,
    spool: BufWriter<File>,
    end: u64,
}

impl<'a> Builder<'a> {
    fn new(source: &'a ReplaySource) -> Result<Self, ReplayError> {
        let column = source.key.clone().map(|key| {
            let is_id = ID_COLUMNS.contains(&key.as_str());
            (key, if is_id { Compared::Id } else { Compared::Input })
        });
        Ok(Self {
            source,
            column,
            models: BTreeSet::new(),
            index: HashMap::new(),
            spool: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
            end: 0,
        })
    }

    fn add(&mut self, row: u64, vars: &Vars) -> Result<(), ReplayError> {
        if !self.is_wanted(row, vars)? {
            return Ok(());
        }
        let key = self.key(row, vars)?;
        let recorded = match row::recorded(vars, self.source.output.as_deref()) {
            Some(recorded) => recorded,
            // In later rows of a JSON file a missing field is as good as null.
            None if !self.index.is_empty() => Recorded::default(),
            None => {
                let wanted = self.source.output.as_ref();
                let wanted = wanted
                    .map_or_else(|| OUTPUT_LIST.replace(", ", " or "), |name| format!("`{name}`"));
                return Err(ReplayError::NoOutput { row, wanted, columns: columns(vars) });
            }
        };
        let key_hash = hash(&key);
        let previous = self.index.get(&key_hash).copied();
        let epoch = self.epoch(row, vars, &key, previous)?;
        let record = Record { key, epoch, recorded, previous };
        let bytes =
            serde_json::to_vec(&record).map_err(|source| ReplayError::Encode { row, source })?;
        self.spool.write_all(&bytes)?;
        let place = Place { offset: self.end, length: bytes.len() as u64 };
        self.end += place.length;
        self.index.insert(key_hash, place);
        Ok(())
    }

    /// Whether the row is of the model that is replayed.
    fn is_wanted(&mut self, row: u64, vars: &Vars) -> Result<bool, ReplayError> {
        let model = vars.get(MODEL_COLUMN).filter(|model| !model.is_null()).map(value_text);
        let Some(wanted) = &self.source.model else {
            self.models.extend(model);
            if self.models.len() > 1 {
                let models: Vec<String> =
                    self.models.iter().map(|model| format!("`{model}`")).collect();
                return Err(ReplayError::SeveralModels { models: models.join(", ") });
            }
            return Ok(true);
        };
        let model = model.ok_or_else(|| ReplayError::NoModel { row, model: wanted.clone() })?;
        Ok(model == *wanted)
    }

    fn key(&mut self, row: u64, vars: &Vars) -> Result<String, ReplayError> {
        if self.column.is_none() {
            let id = ID_COLUMNS.iter().find(|name| vars.contains_key(**name));
            let input = vars.contains_key(INPUT_COLUMN).then_some(INPUT_COLUMN);
            self.column = id
                .map(|name| ((*name).to_owned(), Compared::Id))
                .or_else(|| input.map(|name| (name.to_owned(), Compared::Input)));
        }
        let no_key = |wanted: String| ReplayError::NoKey { row, wanted, columns: columns(vars) };
        let Some((column, _)) = &self.column else {
            return Err(no_key("`sample_id`, `id` or `input`".to_owned()));
        };
        let value = row::at(vars, column).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| no_key(format!("`{column}`")))?;
        Ok(value_text(value))
    }

    fn epoch(
        &mut self,
        row: u64,
        vars: &Vars,
        key: &str,
        previous: Option<Place>,
    ) -> Result<u32, ReplayError> {
        let given = vars.get(EPOCH_COLUMN).filter(|value| !value.is_null());
        let given =
            given.map(|value| whole(value).ok_or_else(|| bad_epoch(row, value))).transpose()?;
        let Some(head) = previous else { return Ok(given.unwrap_or(0)) };
        let mut place = Some(head);
        let mut latest = None;
        self.spool.flush()?;
        while let Some(at) = place {
            let record = read(self.spool.get_mut(), at)?;
            place = record.previous;
            if record.key != key {
                continue;
            }
            latest = latest.max(Some(record.epoch));
            match given {
                // Counted rows stand in order: the latest of the key tells how many there are.
                None => break,
                Some(epoch) if epoch == record.epoch => {
                    let key = text::one_line(key, 80);
                    return Err(ReplayError::Duplicate { row, key, epoch });
                }
                Some(_) => {}
            }
        }
        self.spool.seek(SeekFrom::Start(self.end))?;
        Ok(given.unwrap_or_else(|| latest.map_or(0, |latest: u32| latest.saturating_add(1))))
    }

    fn finish(self) -> Result<ReplayBook, ReplayError> {
        let Some((column, compared)) = self.column.filter(|_| !self.index.is_empty()) else {
            return Err(ReplayError::Empty { model: self.source.model.clone() });
        };
        let spool = self.spool.into_inner().map_err(io::IntoInnerError::into_error)?;
        let path = self.source.path.as_ref();
        let name = path.map_or_else(String::new, |path| path.display().to_string());
        Ok(ReplayBook { name, column, compared, index: self.index, spool: Mutex::new(spool) })
    }
}

fn whole(value: &Value) -> Option<u32> {
    let number = row::number(value)?;
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
        .then_some(number as u32)
}

fn bad_epoch(row: u64, value: &Value) -> ReplayError {
    ReplayError::BadEpoch { row, value: text::one_line(&value_text(value), 40) }
}

fn columns(vars: &Vars) -> String {
    let names: Vec<String> = vars.keys().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn hash(key: &str) -> u64 {
    digest::sha256_u64(key.as_bytes())
}

fn read(spool: &mut File, at: Place) -> io::Result<Record> {
    let length = usize::try_from(at.length).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    spool.seek(SeekFrom::Start(at.offset))?;
    spool.read_exact(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}
