//! Comma- and tab-separated values, RFC 4180, every cell kept as it is written.
//!
//! The `csv` crate is not used for reading: it takes a quote that is never closed, and text after
//! a closing quote, for data, and cannot tell where a quote was opened.

use std::{collections::HashMap, io::Read as _, sync::Arc};

use serde_json::Value;

use super::{
    error::{DatasetError, Place},
    format::{Compression, Text, read_error},
};
use crate::{base::text::one_line, domain::sample::Vars};

/// The most bytes of text that one row may have.
pub(super) const MAX_ROW: usize = 64 << 20;

/// The rows of one file.
pub(super) struct CsvRows {
    input: Lines,
    delimiter: u8,
    header: Vec<String>,
    record: Record,
}

/// The cells of the current row, one after another, and where each ends.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl CsvRows {
    /// Reads and checks the header.
    pub(super) fn open(
        text: Text,
        path: &Arc<str>,
        compression: Compression,
        delimiter: u8,
    ) -> Result<Self, DatasetError> {
        let mut rows = Self {
            input: Lines::new(text, path, compression),
            delimiter,
            header: Vec::new(),
            record: Record::default(),
        };
        let Some(line) = rows.next_record()? else {
            return Err(DatasetError::Empty { path: Arc::clone(path) });
        };
        let place = Place::line(path, line);
        if rows.input.raw.trim_ascii_end().contains(&b'\r') && !rows.input.raw.contains(&b'"') {
            return Err(DatasetError::CarriageReturns { place });
        }
        let cells = rows.cells(line)?.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut seen = HashMap::new();
        for (index, name) in cells.iter().enumerate() {
            let number = index + 1;
            if name.trim().is_empty() {
                return Err(DatasetError::EmptyHeader { place, number });
            }
            if let Some(first) = seen.insert(name.clone(), number) {
                let name = name.clone();
                return Err(DatasetError::DuplicateHeader { place, name, first, second: number });
            }
        }
        rows.header = cells;
        Ok(rows)
    }

    /// The columns, in file order.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row and the line that it begins on; blank lines are skipped.
    pub(super) fn next_row(&mut self) -> Result<Option<(Vars, u64)>, DatasetError> {
        let Some(line) = self.next_record()? else { return Ok(None) };
        let wanted = self.header.len();
        let found = self.record.ends.len();
        if found != wanted {
            let first = String::from_utf8_lossy(self.record.cell(0).unwrap_or_default());
            let place = Place::line(&self.input.path, line);
            return Err(DatasetError::Ragged { place, wanted, found, first: one_line(&first, 40) });
        }
        let mut vars = Vars::with_capacity(wanted);
        for (name, cell) in self.header.iter().zip(self.cells(line)?) {
            vars.insert(name.clone(), Value::String(cell.to_owned()));
        }
        Ok(Some((vars, line)))
    }

    /// The cells of the record that begins on `line`, as text.
    fn cells(&self, line: u64) -> Result<Vec<&str>, DatasetError> {
        let record = &self.record;
        let whole = std::str::from_utf8(&record.text).ok();
        let cell = |index: usize| {
            let start = record.start(index);
            whole.and_then(|whole| whole.get(start..record.ends[index]))
        };
        let cells: Option<Vec<_>> = (0..record.ends.len()).map(cell).collect();
        cells.ok_or_else(|| {
            // A cell is at fault when it is not UTF-8 by itself.
            let bad = (0..record.ends.len()).find(|index| {
                record.cell(*index).is_none_or(|cell| std::str::from_utf8(cell).is_err())
            });
            let index = bad.unwrap_or_default();
            let before = line_breaks(&record.text[..record.start(index)]);
            let cell = record.cell(index).unwrap_or_default();
            let valid = std::str::from_utf8(cell).map_or_else(|e| e.valid_up_to(), str::len);
            let within = line_breaks(&cell[..valid]);
            let name = self.header.get(index).cloned();
            let name = name.unwrap_or_else(|| format!("{}", index + 1));
            let place = Place::line(&self.input.path, line + before + within);
            DatasetError::InvalidUtf8 { place, name: Some(name) }
        })
    }

    /// Splits the next record that is not a blank line; gives the line that it begins on.
    fn next_record(&mut self) -> Result<Option<u64>, DatasetError> {
        loop {
            self.input.raw.clear();
            if !self.input.more()? {
                return Ok(None);
            }
            if self.input.end > 0 {
                let line = self.input.line;
                self.split()?;
                return Ok(Some(line));
            }
        }
    }

    fn split(&mut self) -> Result<(), DatasetError> {
        let Self { input, delimiter, record, .. } = self;
        record.text.clear();
        record.ends.clear();
        let mut at = 0;
        loop {
            if input.raw.get(at) == Some(&b'"') {
                at = quoted(input, record, at)?;
            } else {
                let rest = &input.raw[at..input.end];
                let length = rest.iter().position(|byte| byte == delimiter).unwrap_or(rest.len());
                record.text.extend_from_slice(&rest[..length]);
                at += length;
            }
            record.ends.push(record.text.len());
            if at >= input.end {
                return Ok(());
            }
            if input.raw[at] != *delimiter {
                return Err(DatasetError::AfterQuote { place: input.place(at) });
            }
            at += 1;
        }
    }
}

/// Copies the quoted cell that begins at `at`; gives the place behind its closing quote.
fn quoted(input: &mut Lines, record: &mut Record, at: usize) -> Result<usize, DatasetError> {
    let opened = input.place(at);
    let mut at = at + 1;
    loop {
        let rest = &input.raw[at..];
        let Some(length) = rest.iter().position(|byte| *byte == b'"') else {
            record.text.extend_from_slice(rest);
            at = input.raw.len();
            if !input.more()? {
                return Err(DatasetError::UnclosedQuote { place: opened });
            }
            continue;
        };
        record.text.extend_from_slice(&rest[..length]);
        at += length + 1;
        if input.raw.get(at) != Some(&b'"') {
            return Ok(at);
        }
        record.text.push(b'"');
        at += 1;
    }
}

impl Record {
    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }

    fn cell(&self, index: usize) -> Option<&[u8]> {
        self.text.get(self.start(index)..*self.ends.get(index)?)
    }
}

fn line_breaks(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').count() as u64 - 1
}

/// A text read line by line.
pub(super) struct Lines {
    text: Text,
    path: Arc<str>,
    compression: Compression,
    /// The lines of the current record, line ends included.
    pub(super) raw: Vec<u8>,
    /// Where the last line in `raw` begins.
    start: usize,
    /// Where the last line in `raw` ends, without its line end.
    pub(super) end: usize,
    /// The number of the last line in `raw`, from 1.
    pub(super) line: u64,
}

impl Lines {
    /// Reads `text`, which messages call `path`.
    pub(super) fn new(text: Text, path: &Arc<str>, compression: Compression) -> Self {
        let path = Arc::clone(path);
        Self { text, path, compression, raw: Vec::new(), start: 0, end: 0, line: 0 }
    }

    /// Adds the next line to `raw`; false at the end of the text.
    pub(super) fn more(&mut self) -> Result<bool, DatasetError> {
        self.start = self.raw.len();
        let room = (MAX_ROW + 1).saturating_sub(self.start) as u64;
        let wrap = |error| read_error(&self.path, self.compression, error);
        let read =
            std::io::BufRead::read_until(&mut self.text.by_ref().take(room), b'\n', &mut self.raw)
                .map_err(wrap)?;
        if self.raw.len() > MAX_ROW {
            let place = Place::line(&self.path, self.line + 1);
            return Err(DatasetError::TooLong { place, limit: MAX_ROW >> 20 });
        }
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        let line = &self.raw[self.start..];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.end = self.start + line.len();
        Ok(true)
    }

    /// The place of the byte at `at`, which is in the last line.
    pub(super) fn place(&self, at: usize) -> Place {
        let before = String::from_utf8_lossy(&self.raw[self.start.min(at)..at]);
        Place::character(&self.path, self.line, before.chars().count() as u64 + 1)
    }
}
