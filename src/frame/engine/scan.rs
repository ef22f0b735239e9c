//! Parquet and Arrow files read piece by piece: a slice of a row group, a record batch.
//!
//! What is held at a time is one row group's compressed columns and some thousand decoded rows,
//! or one record batch. polars' own readers return whole files, so the two formats are read with
//! the crates beneath them.

use std::{
    collections::HashSet,
    fmt,
    fs::File,
    io::{BufReader, Cursor, Read as _, Seek as _, SeekFrom},
    ops::Range,
};

use polars_arrow::{
    array::Array,
    datatypes::{ArrowDataType, ArrowSchema, Field},
    io::ipc::read::{FileReader, StreamReader, StreamState},
};
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, FileMetadata, Filter, PageReader,
    column_iter_to_arrays, infer_schema, read_metadata,
};
use serde_json::{Map, Value};

use super::{cell, guarded};
use crate::frame::{filter::Kind, scan::ScanError};

/// Rows of a Parquet row group that are decoded at a time, at most.
const SLICE_ROWS: usize = 8192;
/// Bytes that a decoded slice should not exceed by much.
const SLICE_BYTES: usize = 4 << 20;

/// The rows of one file, in order.
pub struct Scan {
    columns: Vec<(String, Kind)>,
    source: Pieces,
    piece: Vec<Box<dyn Array>>,
    height: usize,
    next: usize,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("columns", &self.columns).finish_non_exhaustive()
    }
}

enum Pieces {
    Parquet(Box<Parquet>),
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

impl Scan {
    /// Opens a Parquet file.
    ///
    /// # Errors
    ///
    /// A file that is not Parquet, is cut short, or has columns that cannot be read.
    pub fn parquet(mut file: File) -> Result<Self, ScanError> {
        let metadata = polars(|| read_metadata(&mut file))?;
        let mut names = HashSet::new();
        if let Some(twice) = metadata.schema().fields().iter().find(|f| !names.insert(f.name())) {
            return Err(ScanError::Duplicate { column: twice.name().to_owned() });
        }
        let schema = polars(|| infer_schema(&metadata))?;
        let columns = columns(&schema)?;
        let fields = schema.iter_values().cloned().collect();
        let parquet = Parquet { file, metadata, fields, chunks: Vec::new(), group: 0, rows: 0..0 };
        Ok(Self::of(columns, Pieces::Parquet(Box::new(parquet))))
    }

    /// Opens an Arrow IPC file, or a file that holds an Arrow IPC stream.
    ///
    /// # Errors
    ///
    /// A file that is neither, is cut short, or has columns that cannot be read.
    pub fn arrow(file: File) -> Result<Self, ScanError> {
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut magic = [0; 6];
        let is_file = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
        file.rewind()?;
        if is_file {
            let metadata = polars(|| polars_arrow::io::ipc::read::read_file_metadata(&mut file))?;
            let columns = columns(&metadata.schema)?;
            let reader = FileReader::new(file, metadata, None, None);
            return Ok(Self::of(columns, Pieces::File(Box::new(reader))));
        }
        let metadata = polars(|| polars_arrow::io::ipc::read::read_stream_metadata(&mut file))?;
        let columns = columns(&metadata.schema)?;
        let reader = StreamReader::new(file, metadata, None);
        Ok(Self::of(columns, Pieces::Stream(Box::new(reader))))
    }

    /// The columns in file order, with the type that a filter sees.
    pub fn columns(&self) -> &[(String, Kind)] {
        &self.columns
    }

    /// The next row, every column in it; `None` after the last.
    ///
    /// # Errors
    ///
    /// A damaged file, or a cell without a readable value.
    pub fn next_row(&mut self) -> Result<Option<Map<String, Value>>, ScanError> {
        while self.next >= self.height {
            let Some(piece) = self.source.next_piece()? else { return Ok(None) };
            (self.height, self.piece) = piece;
            self.next = 0;
            if self.piece.len() != self.columns.len()
                || self.piece.iter().any(|array| array.len() != self.height)
            {
                return Err(ScanError::Damaged(
                    "its columns differ in length, or two have one name".to_owned(),
                ));
            }
        }
        let index = self.next;
        self.next += 1;
        let mut row = Map::with_capacity(self.columns.len());
        for ((column, _), array) in self.columns.iter().zip(&self.piece) {
            let value = cell::value(array.as_ref(), index)
                .map_err(|problem| ScanError::Cell { column: column.clone(), problem })?;
            row.insert(column.clone(), value);
        }
        Ok(Some(row))
    }

    fn of(columns: Vec<(String, Kind)>, source: Pieces) -> Self {
        Self { columns, source, piece: Vec::new(), height: 0, next: 0 }
    }
}

/// The number of rows and one array a column.
type Piece = (usize, Vec<Box<dyn Array>>);

impl Pieces {
    fn next_piece(&mut self) -> Result<Option<Piece>, ScanError> {
        match self {
            Self::Parquet(parquet) => parquet.next_piece(),
            Self::File(reader) => {
                let batch = polars(|| reader.next().transpose())?;
                Ok(batch.map(|batch| (batch.height(), batch.into_arrays())))
            }
            Self::Stream(reader) => match polars(|| reader.next().transpose())? {
                None => Ok(None),
                Some(StreamState::Some(batch)) => Ok(Some((batch.height(), batch.into_arrays()))),
                // The reader has met the end of the file where a message should begin.
                Some(StreamState::Waiting) => Ok(None),
            },
        }
    }
}

/// Opens the pages of a column chunk that is in memory.
type Chunk = Box<dyn Fn(&ColumnChunkMetadata) -> PageReader + Send + Sync>;

struct Parquet {
    file: File,
    metadata: FileMetadata,
    fields: Vec<Field>,
    /// The compressed column chunks of the current row group, in file order.
    chunks: Vec<Chunk>,
    /// The row group to read after the current one.
    group: usize,
    /// The rows of the current row group that are still to decode.
    rows: Range<usize>,
}

impl Parquet {
    fn next_piece(&mut self) -> Result<Option<Piece>, ScanError> {
        while self.rows.is_empty() {
            let Some(group) = self.metadata.row_groups.get(self.group) else { return Ok(None) };
            let length = self.file.metadata()?.len();
            self.chunks.clear();
            for column in group.parquet_columns() {
                let range = polars_range(column)?;
                if range.end > length {
                    return Err(ScanError::Damaged("the file is cut short".to_owned()));
                }
                let mut bytes = vec![0; (range.end - range.start) as usize];
                self.file.seek(SeekFrom::Start(range.start))?;
                self.file.read_exact(&mut bytes)?;
                self.chunks.push(chunk(bytes));
            }
            self.rows = 0..group.num_rows();
            self.group += 1;
        }
        let Some(group) = self.metadata.row_groups.get(self.group - 1) else { return Ok(None) };
        let row_bytes = group.total_byte_size() / group.num_rows().max(1);
        let step = (SLICE_BYTES / row_bytes.max(1)).clamp(64, SLICE_ROWS);
        let slice = self.rows.start..self.rows.end.min(self.rows.start + step);
        self.rows.start = slice.end;
        let arrays = self
            .fields
            .iter()
            .map(|field| self.decode(field, slice.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Some((slice.len(), arrays)))
    }

    /// The rows of `slice` of one column.
    fn decode(&self, field: &Field, slice: Range<usize>) -> Result<Box<dyn Array>, ScanError> {
        let group = &self.metadata.row_groups[self.group - 1];
        let mut columns = Vec::new();
        let mut types = Vec::new();
        for index in group.columns_idxs_under_root_iter(&field.name).unwrap_or_default() {
            let column = &group.parquet_columns()[*index];
            columns.push(BasicDecompressor::new(self.chunks[*index](column), Vec::new()));
            types.push(&column.descriptor().descriptor.primitive_type);
        }
        if columns.is_empty() {
            return Err(ScanError::Damaged(format!("column `{}` has no data", field.name)));
        }
        let filter = Some(Filter::new_ranged(slice.start, slice.end));
        let (arrays, _) = polars(|| column_iter_to_arrays(columns, types, field.clone(), filter))?;
        match <[_; 1]>::try_from(arrays) {
            Ok([array]) => Ok(array),
            Err(parts) => {
                let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
                polars(|| polars_arrow::compute::concatenate::concatenate(&parts))
            }
        }
    }
}

fn chunk(bytes: Vec<u8>) -> Chunk {
    // Shared between the slices; its type is the one that the page reader asks for.
    let shared = bytes.into();
    Box::new(move |column| {
        PageReader::new(Cursor::new(Clone::clone(&shared)), column, Vec::new(), usize::MAX)
    })
}

fn polars_range(column: &ColumnChunkMetadata) -> Result<Range<u64>, ScanError> {
    let range = guarded(|| column.byte_range()).map_err(ScanError::Damaged)?;
    if range.start > range.end {
        return Err(ScanError::Damaged("a column ends before it begins".to_owned()));
    }
    Ok(range)
}

fn polars<T, E: fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, ScanError> {
    guarded(work)
        .and_then(|result| result.map_err(|error| error.to_string()))
        .map_err(ScanError::Damaged)
}

fn columns(schema: &ArrowSchema) -> Result<Vec<(String, Kind)>, ScanError> {
    schema
        .iter_values()
        .map(|field| {
            let column = field.name.to_string();
            if cell::is_readable(field.dtype()) {
                Ok((column, kind(field.dtype())))
            } else {
                Err(ScanError::Type { column, dtype: format!("{:?}", field.dtype()) })
            }
        })
        .collect()
}

/// The type that a filter sees a column as.
fn kind(dtype: &ArrowDataType) -> Kind {
    use ArrowDataType as T;
    match dtype.to_storage() {
        T::Boolean => Kind::Bool,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => Kind::Int,
        T::UInt64
        | T::Float32
        | T::Float64
        | T::Decimal(..)
        | T::Decimal32(..)
        | T::Decimal64(..)
        | T::Decimal256(..) => Kind::Float,
        T::Date32 => Kind::Date,
        T::Timestamp(..) | T::Date64 => Kind::Datetime,
        T::Time32(_) | T::Time64(_) => Kind::Time,
        T::Dictionary(_, values, _) => kind(values),
        _ => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tempfile::tempdir;

    use super::*;
    use crate::frame::fixture::{numbers_parquet, typed_arrow, typed_parquet};

    fn rows(mut scan: Scan) -> Vec<Value> {
        let mut rows = Vec::new();
        while let Some(row) = scan.next_row().expect("a row") {
            rows.push(Value::Object(row));
        }
        rows
    }

    fn open(path: &Path) -> File {
        File::open(path).expect("the file")
    }

    #[test]
    fn parquet_across_slices_and_row_groups() {
        let folder = tempdir().expect("a directory");
        let path = folder.path().join("n.parquet");
        numbers_parquet(&path, 20_001, 9_000);
        let scan = Scan::parquet(open(&path)).expect("readable");
        let kinds: Vec<Kind> = scan.columns().iter().map(|(_, kind)| *kind).collect();
        let expected =
            [Kind::Text, Kind::Int, Kind::Float, Kind::Date, Kind::Datetime, Kind::Text, Kind::Int];
        assert_eq!(kinds, expected);
        let rows = rows(scan);
        assert_eq!(rows.len(), 20_001);
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(row["id"], format!("r{n}"));
            assert_eq!(row["n"], n);
            assert_eq!(row["tags"], serde_json::json!([format!("t{n}"), "all"]));
            assert_eq!(row["gap"].is_null(), n % 2 == 1);
        }
        assert_eq!(rows[1]["day"], "2024-01-02");
        assert_eq!(rows[1]["at"], "2024-01-01T00:00:01.500");
        assert_eq!(rows[1]["half"], 0.5);
    }

    #[test]
    fn parquet_types() {
        let folder = tempdir().expect("a directory");
        let path = folder.path().join("t.parquet");
        let expected = typed_parquet(&path);
        assert_eq!(rows(Scan::parquet(open(&path)).expect("readable")), expected);
    }

    #[test]
    fn arrow_file_and_stream() {
        let folder = tempdir().expect("a directory");
        let (file, stream) = (folder.path().join("f.arrow"), folder.path().join("s.arrows"));
        let expected = typed_arrow(&file, &stream);
        assert_eq!(rows(Scan::arrow(open(&file)).expect("readable")), expected);
        assert_eq!(rows(Scan::arrow(open(&stream)).expect("readable")), expected);
    }

    /// Cut anywhere, or with a byte changed: an error or other rows, never a panic.
    #[test]
    fn damaged_files_are_errors() {
        let folder = tempdir().expect("a directory");
        let parquet = folder.path().join("t.parquet");
        let (file, stream) = (folder.path().join("f.arrow"), folder.path().join("s.arrows"));
        typed_parquet(&parquet);
        typed_arrow(&file, &stream);
        let damaged = folder.path().join("damaged");
        let read = |bytes: &[u8], parquet: bool| -> Result<usize, ScanError> {
            fs::write(&damaged, bytes)?;
            let file = open(&damaged);
            let mut scan = if parquet { Scan::parquet(file) } else { Scan::arrow(file) }?;
            let mut count = 0;
            while scan.next_row()?.is_some() {
                count += 1;
            }
            Ok(count)
        };
        for (path, is_parquet) in [(&parquet, true), (&file, false), (&stream, false)] {
            let bytes = fs::read(path).expect("the file");
            for cut in (0..bytes.len() - 8).step_by(97) {
                let got = read(&bytes[..cut], is_parquet);
                assert!(path == &stream || got.is_err(), "{} cut at {cut}", path.display());
            }
            for at in (0..bytes.len()).step_by(61) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0xff;
                read(&bytes, is_parquet).ok();
            }
        }
    }
}
