//! A build without polars: nothing can be made here, and each attempt says why.

use std::{convert::Infallible, fs::File};

use serde_json::{Map, Value};

use super::{
    filter::{FilterError, Kind},
    scan::ScanError,
    table::{self, Cells, TableError},
};

const MEND: &str =
    "this build has no Polars; `cargo install --path . --locked` makes one that has it";

/// A filter, of which there is none.
#[derive(Debug, Clone)]
pub struct Filter(Infallible);

/// A file being read, of which there is none.
#[derive(Debug)]
pub struct Scan(Infallible);

/// A table being written, of which there is none.
#[derive(Debug)]
pub struct TableWriter(Infallible);

impl Filter {
    /// Refuses every expression.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let problem = MEND.to_owned();
        Err(FilterError::Evaluate { expression: text.to_owned(), problem })
    }

    /// The columns that the expression mentions.
    pub fn columns(&self) -> &[String] {
        match self.0 {}
    }

    /// Sets the types of the columns.
    ///
    /// # Errors
    ///
    /// None.
    pub fn with_kinds(self, _kinds: Vec<Kind>) -> Result<Self, FilterError> {
        match self.0 {}
    }

    /// For each row whether the expression is true of it.
    ///
    /// # Errors
    ///
    /// None.
    pub fn keep(&self, _rows: &[&Map<String, Value>]) -> Result<Vec<bool>, FilterError> {
        match self.0 {}
    }
}

impl Scan {
    /// Refuses every file.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn parquet(_file: File) -> Result<Self, ScanError> {
        Err(ScanError::Damaged(format!("Parquet cannot be read: {MEND}")))
    }

    /// Refuses every file.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn arrow(_file: File) -> Result<Self, ScanError> {
        Err(ScanError::Damaged(format!("Arrow cannot be read: {MEND}")))
    }

    /// The columns in file order.
    pub fn columns(&self) -> &[(String, Kind)] {
        match self.0 {}
    }

    /// The next row.
    ///
    /// # Errors
    ///
    /// None.
    pub fn next_row(&mut self) -> Result<Option<Map<String, Value>>, ScanError> {
        match self.0 {}
    }
}

impl TableWriter {
    /// Refuses every table.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn parquet(_file: File, _columns: &[(String, table::Kind)]) -> Result<Self, TableError> {
        Err(TableError::Write(MEND.to_owned()))
    }

    /// Writes a row group.
    ///
    /// # Errors
    ///
    /// None.
    pub fn push(&mut self, _cells: Vec<Cells>) -> Result<(), TableError> {
        match self.0 {}
    }

    /// Writes the footer.
    ///
    /// # Errors
    ///
    /// None.
    pub fn finish(self) -> Result<(), TableError> {
        match self.0 {}
    }
}
