//! Typed columns into a Parquet file, a row group at a time. Knows nothing of runs.

use std::{fmt, fs::File, io::BufWriter, sync::Arc};

use polars_arrow::{
    array::{Array, BooleanArray, PrimitiveArray, Utf8ViewArray},
    datatypes::{ArrowDataType, ArrowSchema, Field},
    record_batch::RecordBatchT,
};
use polars_parquet::write::{
    CompressionOptions, Encoding, FileWriter, StatisticsOptions, Version, WriteOptions,
    row_group_iter,
};

use crate::frame::table::{Cells, Kind, TableError};

/// Writes a table whose columns are known before its rows.
pub struct TableWriter {
    columns: Vec<(String, Kind)>,
    schema: Arc<ArrowSchema>,
    writer: FileWriter<BufWriter<File>>,
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl TableWriter {
    /// A Parquet file, compressed with Zstandard, of `columns` in this order.
    ///
    /// # Errors
    ///
    /// When two columns have one name, or the file cannot be written.
    pub fn parquet(file: File, columns: &[(String, Kind)]) -> Result<Self, TableError> {
        let mut schema = ArrowSchema::with_capacity(columns.len());
        for (name, kind) in columns {
            let field = Field::new(name.as_str().into(), data_type(*kind), true);
            if schema.insert(name.as_str().into(), field).is_some() {
                return Err(TableError::TwiceNamed(name.clone()));
            }
        }
        let options = WriteOptions {
            statistics: StatisticsOptions::default(),
            version: Version::V1,
            compression: CompressionOptions::Zstd(None),
            data_page_size: None,
        };
        let writer =
            FileWriter::try_new(BufWriter::new(file), schema.clone(), options).map_err(failed)?;
        Ok(Self { columns: columns.to_vec(), schema: Arc::new(schema), writer })
    }

    /// Writes `cells`, one entry a column, as one row group. Without a row nothing is written.
    ///
    /// # Errors
    ///
    /// When the cells are not one column each of the declared kind and of one length, or the file
    /// cannot be written.
    pub fn push(&mut self, cells: Vec<Cells>) -> Result<(), TableError> {
        let height = cells.first().map_or(0, Cells::len);
        if cells.len() != self.columns.len() {
            let (given, wanted) = (cells.len(), self.columns.len());
            return Err(TableError::Misfit(format!("{given} columns instead of {wanted}")));
        }
        for (cells, (name, kind)) in cells.iter().zip(&self.columns) {
            if cells.kind() != *kind {
                return Err(TableError::Misfit(format!("`{name}` is not {kind:?}")));
            }
            if cells.len() != height {
                return Err(TableError::Misfit(format!("`{name}` has not {height} rows")));
            }
        }
        if height == 0 {
            return Ok(());
        }
        let arrays = cells.into_iter().map(array).collect();
        let rows = RecordBatchT::new(height, Arc::clone(&self.schema), arrays);
        let encodings = self.columns.iter().map(|(_, kind)| vec![encoding(*kind)]).collect();
        let fields = self.writer.parquet_schema().fields().to_vec();
        let group = row_group_iter(rows, encodings, fields, self.writer.options());
        self.writer.write(height as u64, group).map_err(failed)?;
        Ok(())
    }

    /// Writes the footer, without which no program reads the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.writer.end(None).map_err(failed)?;
        Ok(())
    }
}

fn array(cells: Cells) -> Box<dyn Array> {
    match cells {
        Cells::Text(cells) => Utf8ViewArray::from_slice(cells).boxed(),
        Cells::Int(cells) => PrimitiveArray::from(cells).boxed(),
        Cells::Float(cells) => {
            let finite = |cell: Option<f64>| cell.filter(|value| value.is_finite());
            cells.into_iter().map(finite).collect::<PrimitiveArray<f64>>().boxed()
        }
        Cells::Bool(cells) => BooleanArray::from(cells).boxed(),
    }
}

fn failed(error: impl fmt::Display) -> TableError {
    TableError::Write(error.to_string())
}

fn data_type(kind: Kind) -> ArrowDataType {
    match kind {
        Kind::Text => ArrowDataType::Utf8View,
        Kind::Int => ArrowDataType::Int64,
        Kind::Float => ArrowDataType::Float64,
        Kind::Bool => ArrowDataType::Boolean,
    }
}

/// A column in which values repeat is written as a dictionary; the writer falls back to plain.
fn encoding(kind: Kind) -> Encoding {
    match kind {
        Kind::Text | Kind::Int | Kind::Float => Encoding::RleDictionary,
        Kind::Bool => Encoding::Plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::frame::scan::Scan;

    fn columns() -> Vec<(String, Kind)> {
        let kinds = [Kind::Text, Kind::Int, Kind::Float, Kind::Bool];
        ["text", "int", "float", "bool"].map(String::from).into_iter().zip(kinds).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("table.parquet");
        let file = File::create(&path).expect("file");
        let mut table = TableWriter::parquet(file, &columns()).expect("schema");
        for start in [0, 2] {
            table
                .push(vec![
                    Cells::Text(vec![Some(format!("row {start}\0\u{202E}")), None]),
                    Cells::Int(vec![Some(start), None]),
                    Cells::Float(vec![Some(f64::NAN), Some(0.5)]),
                    Cells::Bool(vec![Some(true), None]),
                ])
                .expect("row group");
        }
        table.push(columns().iter().map(|(_, kind)| Cells::empty(*kind)).collect()).expect("none");
        table.finish().expect("footer");

        let mut scan = Scan::parquet(File::open(&path).expect("file")).expect("parquet");
        let mut rows: Vec<serde_json::Value> = Vec::new();
        while let Some(row) = scan.next_row().expect("row") {
            rows.push(row.into());
        }
        let full = |n: i64, float| json!({"text": format!("row {n}\0\u{202E}"), "int": n, "float": float, "bool": true});
        let gaps = json!({"text": null, "int": null, "float": 0.5, "bool": null});
        assert_eq!(rows, [full(0, json!(null)), gaps.clone(), full(2, json!(null)), gaps]);
    }

    #[test]
    fn cells_that_do_not_fit_are_refused() {
        let file = || tempfile::tempfile().expect("file");
        let mut table = TableWriter::parquet(file(), &columns()[..2]).expect("schema");
        let misfits = [
            vec![Cells::Text(vec![None])],
            vec![Cells::Text(vec![None]), Cells::Bool(vec![None])],
            vec![Cells::Text(vec![None]), Cells::Int(vec![])],
        ];
        for cells in misfits {
            assert!(matches!(table.push(cells), Err(TableError::Misfit(_))));
        }
        let twice = [("a".to_owned(), Kind::Text), ("a".to_owned(), Kind::Int)];
        assert!(matches!(
            TableWriter::parquet(file(), &twice),
            Err(TableError::TwiceNamed(name)) if name == "a"
        ));
    }
}
