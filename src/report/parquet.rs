//! Trials as a Parquet file: the columns of the CSV export, unaltered and typed, then `vars` and
//! `messages` as JSON text.

use std::{fs::File, ops::ControlFlow};

use serde_json::{Value, json};

use crate::{
    domain::run::RunHeader,
    frame::table::{Cells, Kind, TableWriter},
    report::{
        ReportError, TrialSource, for_each,
        jsonl::message,
        row::{Cell, cells, columns},
    },
};

/// Rows of a row group.
const GROUP_ROWS: usize = 8_192;
/// Bytes of text after which a row group ends before it is full.
const GROUP_BYTES: usize = 16 << 20;

/// Writes every trial as a row, holding one row group at a time.
///
/// # Errors
///
/// When the trials cannot be read or the file cannot be written.
pub fn write_parquet(
    header: &RunHeader,
    trials: &dyn TrialSource,
    file: File,
) -> Result<(), ReportError> {
    let columns = columns(header, &["vars", "messages"]);
    let mut table = TableWriter::parquet(file, &columns)?;
    let mut group = Group::new(&columns);
    for_each(trials, |trial| {
        let messages: Value = trial.messages.iter().map(message).collect();
        let mut row = cells(header, &trial);
        row.push(Cell::Text(Some(json!(trial.vars).to_string())));
        row.push(Cell::Text(Some(messages.to_string())));
        group.add(row);
        if group.rows >= GROUP_ROWS || group.bytes >= GROUP_BYTES {
            table.push(std::mem::replace(&mut group, Group::new(&columns)).cells)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    table.push(group.cells)?;
    Ok(table.finish()?)
}

/// A row group that is filling.
struct Group {
    cells: Vec<Cells>,
    rows: usize,
    bytes: usize,
}

impl Group {
    fn new(columns: &[(String, Kind)]) -> Self {
        let cells = columns.iter().map(|(_, kind)| Cells::empty(*kind)).collect();
        Self { cells, rows: 0, bytes: 0 }
    }

    fn add(&mut self, row: Vec<Cell>) {
        self.rows += 1;
        for (cells, cell) in self.cells.iter_mut().zip(row) {
            match (cells, cell) {
                (Cells::Text(cells), Cell::Text(cell)) => {
                    self.bytes += cell.as_ref().map_or(0, String::len);
                    cells.push(cell);
                }
                (Cells::Int(cells), Cell::Int(cell)) => cells.push(cell),
                (Cells::Float(cells), Cell::Float(cell)) => cells.push(cell),
                (Cells::Bool(cells), Cell::Bool(cell)) => cells.push(cell),
                // Columns and cells come from one module; a mix-up would leave the columns of
                // unequal length, which the table refuses.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_file_with_every_trial() {
        let mut data = sample::run();
        let first = data.trials.0[0].clone();
        data.trials.0.extend(std::iter::repeat_n(first, GROUP_ROWS + 1));
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("trials.parquet");
        write_parquet(&data.run.header, &data.trials, File::create(&path).expect("file"))
            .expect("written");
        let bytes = std::fs::read(&path).expect("file");
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        for (column, _) in columns(&data.run.header, &["vars", "messages"]) {
            let named = bytes.windows(column.len()).any(|at| at == column.as_bytes());
            assert!(named, "{column}");
        }
    }
}
