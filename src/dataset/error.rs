//! Why a dataset cannot be read.

use std::{fmt, io, path::PathBuf, sync::Arc};

use crate::frame::{filter::FilterError, scan::ScanError};

/// A row's place, for messages: `path:line`, `path:line:column` or `path: row n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as a person would name it.
    pub path: Arc<str>,
    /// Where in the file.
    pub at: At,
}

/// Where in a file; all numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Nowhere in particular.
    File,
    /// A line of a text format.
    Line(u64),
    /// A line, and a column counted in characters.
    Character(u64, u64),
    /// A row of a binary format.
    Row(u64),
}

impl Place {
    /// A line of a text file.
    pub fn line(path: &Arc<str>, line: u64) -> Self {
        Self { path: Arc::clone(path), at: At::Line(line) }
    }

    /// A character of a text file.
    pub fn character(path: &Arc<str>, line: u64, column: u64) -> Self {
        Self { path: Arc::clone(path), at: At::Character(line, column) }
    }

    /// A row of a binary file.
    pub fn row(path: &Arc<str>, row: u64) -> Self {
        Self { path: Arc::clone(path), at: At::Row(row) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.at {
            At::File => write!(f, "{path}"),
            At::Line(line) => write!(f, "{path}:{line}"),
            At::Character(line, column) => write!(f, "{path}:{line}:{column}"),
            At::Row(row) => write!(f, "{path}: row {row}"),
        }
    }
}

/// Why a dataset cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// There is no such file.
    #[error("{}: no such file or directory{}", path.display(), did_you_mean(nearest.as_deref()))]
    NotFound {
        /// The path that was looked for.
        path: PathBuf,
        /// A file of nearly this name beside it.
        nearest: Option<String>,
    },
    /// A glob that is none.
    #[error("`{pattern}` is not a glob: {problem}")]
    Glob {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A glob or a directory without a file.
    #[error("{location}: no file {wanted}")]
    NoFiles {
        /// As written.
        location: String,
        /// What was looked for.
        wanted: String,
    },
    /// Files of several formats.
    #[error(
        "{location}: files of several formats, `{first}` ({first_format}) and `{other}` ({other_format}); name one kind"
    )]
    MixedFormats {
        /// As written.
        location: String,
        /// A file.
        first: String,
        /// Its format.
        first_format: &'static str,
        /// A file of another format.
        other: String,
        /// Its format.
        other_format: &'static str,
    },
    /// A file whose name does not tell its format.
    #[error(
        "{path}: the format is not known from the name; rename the file or name the format: csv, tsv, json, jsonl, parquet or arrow"
    )]
    UnknownFormat {
        /// The file.
        path: String,
    },
    /// A compressed file of a format that compresses itself.
    #[error("{path}: `.gz` and `.zst` are for text formats; decompress the {format} file")]
    CompressedBinary {
        /// The file.
        path: String,
        /// The format.
        format: &'static str,
    },
    /// The file system failed.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Damaged or truncated compressed data.
    #[error("{path}: the {compression} data is damaged or cut short: {error}")]
    Decompress {
        /// The file.
        path: Arc<str>,
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What the decoder said.
        #[source]
        error: io::Error,
    },
    /// The URL cannot be fetched.
    #[error("{url}: {problem}")]
    Fetch {
        /// The URL without user, password and query.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// The server answered with something other than success.
    #[error("{url}: the server answered {status}{hint}")]
    Status {
        /// The URL without user, password and query.
        url: String,
        /// The status and its meaning.
        status: String,
        /// What to do about it, or empty.
        hint: String,
    },
    /// Nothing in the file.
    #[error("{path}: the file is empty")]
    Empty {
        /// The file.
        path: Arc<str>,
    },
    /// A header and nothing below it, or an empty list.
    #[error("{location}: the dataset has no rows")]
    NoRows {
        /// The source.
        location: String,
    },
    /// A selection that keeps nothing.
    #[error("{location}: no row is left after {step}, of {before} before it")]
    NothingSelected {
        /// The source.
        location: String,
        /// The step that removed the last row.
        step: String,
        /// Rows before that step.
        before: u64,
    },
    /// UTF-16 text.
    #[error(
        "{path}: the text is UTF-16; convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
    )]
    Utf16 {
        /// The file.
        path: Arc<str>,
    },
    /// Bytes that are not UTF-8.
    #[error("{place}: invalid UTF-8{}", in_column(name.as_deref()))]
    InvalidUtf8 {
        /// Where.
        place: Place,
        /// The column, of tables.
        name: Option<String>,
    },
    /// Two header cells with one name.
    #[error("{place}: the columns {first} and {second} are both named `{name}`")]
    DuplicateHeader {
        /// The header.
        place: Place,
        /// The name.
        name: String,
        /// The first of them, from 1.
        first: usize,
        /// The second of them, from 1.
        second: usize,
    },
    /// A header cell without a name.
    #[error("{place}: column {number} has no name in the header")]
    EmptyHeader {
        /// The header.
        place: Place,
        /// The column, from 1.
        number: usize,
    },
    /// Line ends that are a carriage return alone.
    #[error("{place}: lines end with a carriage return alone; convert them to line feeds")]
    CarriageReturns {
        /// The header.
        place: Place,
    },
    /// A row with too few or too many cells.
    #[error(
        "{place}: {found} cells where the header has {wanted} (the row begins `{first}`); quote cells that hold the delimiter or a line break"
    )]
    Ragged {
        /// The row.
        place: Place,
        /// Columns of the header.
        wanted: usize,
        /// Cells of the row.
        found: usize,
        /// The row's first cell, cut to a line.
        first: String,
    },
    /// A quote that is never closed.
    #[error("{place}: the quote opened here is never closed")]
    UnclosedQuote {
        /// Where it opens.
        place: Place,
    },
    /// Something between a closing quote and the next delimiter.
    #[error("{place}: text after a closing quote; double the quotes inside a quoted cell")]
    AfterQuote {
        /// Where the text begins.
        place: Place,
    },
    /// A row too large to be one.
    #[error("{place}: a row of more than {limit} MiB; is a quote or a bracket left open?")]
    TooLong {
        /// Where the row begins.
        place: Place,
        /// The most a row may have.
        limit: usize,
    },
    /// Not JSON.
    #[error("{place}: {problem}")]
    Json {
        /// Where.
        place: Place,
        /// What is wrong.
        problem: String,
    },
    /// A row that is not an object.
    #[error("{place}: a row must be a JSON object, found {found}{hint}")]
    NotAnObject {
        /// Where.
        place: Place,
        /// What was found.
        found: String,
        /// How to mend it, or empty.
        hint: &'static str,
    },
    /// A JSON file that is not a list.
    #[error("{place}: a JSON dataset is a list of objects, found {found}{hint}")]
    NotAnArray {
        /// Where.
        place: Place,
        /// What was found.
        found: String,
        /// How to mend it, or empty.
        hint: &'static str,
    },
    /// A Parquet or Arrow file that cannot be read.
    #[error("{place}: {error}")]
    Scan {
        /// The row before which reading failed.
        place: Place,
        /// Why.
        #[source]
        error: ScanError,
    },
    /// A column that the dataset lacks.
    #[error("{what} names the column `{name}`, which the dataset lacks{}; its columns: {}", did_you_mean(nearest.as_deref()), quoted(columns))]
    UnknownColumn {
        /// What names it.
        what: &'static str,
        /// The name.
        name: String,
        /// The column that was probably meant.
        nearest: Option<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// A row without an id.
    #[error("{place}: the id column `{name}` is empty")]
    EmptyId {
        /// The row.
        place: Place,
        /// The id column.
        name: String,
    },
    /// Two rows with one id.
    #[error("{place}: the id `{id}` is also that of {first}")]
    DuplicateId {
        /// The second row.
        place: Place,
        /// The first row.
        first: Place,
        /// The id.
        id: String,
    },
    /// A template that failed on a row.
    #[error("{place}: {what} cannot be made: {problem}")]
    Make {
        /// The row.
        place: Place,
        /// `input` or `expected`.
        what: &'static str,
        /// What the template said.
        problem: String,
    },
    /// An expected answer in which nothing was found.
    #[error("{place}: no match in expected `{text}`")]
    NoMatch {
        /// The row.
        place: Place,
        /// The expected text, cut to a line.
        text: String,
    },
    /// The filter expression cannot be used.
    #[error("filter {0}")]
    Filter(#[from] FilterError),
    /// The file is not the one that was checked.
    #[error("{path}: the file changed while it was in use; start again")]
    Changed {
        /// The file.
        path: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

fn in_column(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" in column `{name}`"))
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
