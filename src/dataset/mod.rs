//! Floor 3: a source of rows becomes a stream of samples.
//!
//! [`fetch`](fetch::fetch) brings a source to this machine, [`Dataset::check`] reads it once from
//! end to end so that a bad row is refused before anything is paid for, and
//! [`Dataset::samples`] reads it again. Nothing holds the whole dataset: a row costs some eight
//! bytes of bookkeeping at most.

mod check;
mod choices;
mod csv;
mod draw;
mod error;
mod fetch;
mod fields;
mod flow;
mod format;
mod json;
mod rows;
mod survey;
#[cfg(all(test, feature = "polars"))]
mod tests;

use std::{collections::HashSet, fmt, path::PathBuf, sync::Arc};

pub use self::{
    check::{Dataset, Samples},
    error::{At, DatasetError, Place},
    fetch::{Local, document, fetch},
    format::{Format, UnknownFormat},
};
use crate::domain::sample::Vars;

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As the user wrote it: a file, a glob, a directory, `http(s)://…`, or `-` for stdin.
    pub location: String,
    /// The format the user named; `None`: by the extension, else by the content.
    pub format: Option<Format>,
    /// The directory that a relative path is relative to.
    pub base_dir: PathBuf,
}

/// Makes a text out of a row's columns, or says why it cannot.
pub type Make = Arc<dyn Fn(&Vars) -> Result<String, String> + Send + Sync>;

/// Turns a column's text into the accepted answer in it; `None` when there is none.
pub type Refine = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where a sample's input or expected answers are read from.
#[derive(Clone)]
pub enum Field {
    /// One column.
    Column(String),
    /// Several columns, those a row lacks left out: each an accepted answer, or a line of input.
    Columns(Vec<String>),
    /// Made from the row, by a template.
    Made {
        /// The columns it reads.
        needs: Vec<String>,
        /// Makes the text.
        make: Make,
    },
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.debug_tuple("Column").field(name).finish(),
            Self::Columns(names) => f.debug_tuple("Columns").field(names).finish(),
            Self::Made { needs, .. } => f.debug_struct("Made").field("needs", needs).finish(),
        }
    }
}

/// The options of multiple-choice questions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices {
    /// A column with a list of texts, or a column for each option.
    pub columns: Vec<String>,
    /// The accepted answer is the number of an option, counted from this; `None`: its text or its
    /// letter.
    pub index: Option<u64>,
    /// The seed of a random order, one for each row.
    pub shuffle: Option<u64>,
    /// Whether a row is asked once for each rotation of its options.
    pub circular: bool,
}

/// What of a row is what of a sample. All that is left out is found by its usual name.
#[derive(Clone, Default)]
pub struct Fields {
    /// The id column. `None`: the column `id`, or a hash of the row's content.
    pub id: Option<String>,
    /// The input. `None`: the column `input`, or nothing.
    pub input: Option<Field>,
    /// The accepted answers. `None`: the column `expected`, or nothing. The empty text of a CSV
    /// or TSV cell is no answer, nor is an empty text that was made; an empty text in the other
    /// formats is one.
    pub expected: Option<Field>,
    /// Applied to every accepted answer.
    pub refine_expected: Option<Refine>,
    /// The metadata columns. Empty: the object in the column `metadata`, or nothing.
    pub metadata: Vec<String>,
    /// The cluster column.
    pub cluster: Option<String>,
    /// The tags column: a list, or text split at commas. `None`: the column `tags`, or nothing.
    pub tags: Option<String>,
    /// The options of a multiple-choice question. They add the columns `choices`, `choice_letters`
    /// and `choice_lines`, and make letters of the accepted answers.
    pub choices: Option<Choices>,
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("id", &self.id)
            .field("input", &self.input)
            .field("expected", &self.expected)
            .field("refine_expected", &self.refine_expected.is_some())
            .field("metadata", &self.metadata)
            .field("cluster", &self.cluster)
            .field("tags", &self.tags)
            .field("choices", &self.choices)
            .finish()
    }
}

/// Which rows, and in which order. The steps apply in the order of the fields.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// Row numbers of the source, from 0: from the first up to, but without, the second.
    pub range: Option<(u64, Option<u64>)>,
    /// A Polars SQL expression that is true of the rows to keep; null is not true.
    pub filter: Option<String>,
    /// The only ids to keep.
    pub only_ids: Option<HashSet<String>>,
    /// The seed of a random order.
    pub shuffle: Option<u64>,
    /// How many rows to draw without replacement, and the seed; keeps their order.
    pub sample: Option<(u64, u64)>,
    /// How many rows to keep, from the first.
    pub limit: Option<u64>,
}

/// The rows of a source as they stand, one by one, unchecked and unselected.
pub fn rows(local: &Local) -> impl Iterator<Item = Result<Vars, DatasetError>> + Send + use<> {
    let mut rows = rows::Rows::new(local);
    std::iter::from_fn(move || rows.next().map(|row| row.map(|row| row.vars)).transpose())
}
