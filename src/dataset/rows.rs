//! The rows of all files of a source, one after another.

use std::{fs::File, sync::Arc};

use super::{
    Format,
    csv::CsvRows,
    error::{At, DatasetError, Place},
    fetch::{Local, LocalFile},
    format::open_text,
    json::{JsonLines, JsonList},
};
use crate::{
    domain::sample::Vars,
    frame::scan::{Scan, ScanError},
};

/// A row and where it stands.
pub(super) struct Row {
    pub(super) vars: Vars,
    pub(super) place: Place,
}

/// Reads the rows of a source.
pub(super) struct Rows {
    format: Format,
    files: Arc<[LocalFile]>,
    /// The file to open next.
    next: usize,
    open: Option<Reader>,
}

/// An opened file.
pub(super) enum Reader {
    Csv(Box<CsvRows>),
    Lines(Box<JsonLines>),
    List(Box<JsonList>),
    Scan(Box<Scan>, u64),
}

impl Rows {
    pub(super) fn new(local: &Local) -> Self {
        Self { format: local.format, files: Arc::clone(&local.files), next: 0, open: None }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, DatasetError> {
        loop {
            if let Some(reader) = &mut self.open {
                let path = &self.files[self.next - 1].shown;
                if let Some(row) = reader.next(path)? {
                    return Ok(Some(row));
                }
            }
            let Some(file) = self.files.get(self.next) else {
                self.open = None;
                return Ok(None);
            };
            self.open = Some(Reader::open(self.format, file)?);
            self.next += 1;
        }
    }
}

impl Reader {
    /// Opens `file` and reads as far as its columns, where its format has them up front.
    pub(super) fn open(format: Format, file: &LocalFile) -> Result<Self, DatasetError> {
        let LocalFile { path, shown, compression, .. } = file;
        let text = || open_text(path, shown, *compression);
        let binary = || {
            let wrap = |error| DatasetError::Io { path: shown.to_string(), error };
            let file = File::open(path).map_err(wrap)?;
            if file.metadata().map_err(wrap)?.len() == 0 {
                return Err(DatasetError::Empty { path: Arc::clone(shown) });
            }
            Ok(file)
        };
        let scan = |scan: Result<Scan, ScanError>| {
            let scan = scan.map_err(|error| scan_error(shown, None, error))?;
            Ok(Self::Scan(Box::new(scan), 0))
        };
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(CsvRows::open(text()?, shown, *compression, b',')?)),
            Format::Tsv => Self::Csv(Box::new(CsvRows::open(text()?, shown, *compression, b'\t')?)),
            Format::Json => Self::List(Box::new(JsonList::new(text()?, shown, *compression))),
            Format::Jsonl => Self::Lines(Box::new(JsonLines::new(text()?, shown, *compression))),
            Format::Parquet => return scan(Scan::parquet(binary()?)),
            Format::Arrow => return scan(Scan::arrow(binary()?)),
        })
    }

    fn next(&mut self, path: &Arc<str>) -> Result<Option<Row>, DatasetError> {
        let row = match self {
            Self::Csv(rows) => rows.next_row()?,
            Self::Lines(rows) => rows.next_row()?,
            Self::List(rows) => rows.next_row()?,
            Self::Scan(scan, number) => {
                *number += 1;
                let read = scan.next_row();
                let vars = read.map_err(|error| scan_error(path, Some(*number), error))?;
                return Ok(vars.map(|vars| Row { vars, place: Place::row(path, *number) }));
            }
        };
        Ok(row.map(|(vars, line)| Row { vars, place: Place::line(path, line) }))
    }
}

fn scan_error(path: &Arc<str>, row: Option<u64>, error: ScanError) -> DatasetError {
    let place = Place { path: Arc::clone(path), at: row.map_or(At::File, At::Row) };
    DatasetError::Scan { place, error }
}
