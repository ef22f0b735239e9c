//! Parquet and Arrow files for tests.

use std::{fs::File, path::Path, sync::Arc};

use polars::prelude::{
    CompatLevel, DataFrame, DataType, IntoColumn as _, NamedFrom as _, SchemaExt as _, Series,
    TimeUnit, df,
};
use polars_arrow::{
    array::{
        Array, BinaryArray, BooleanArray, DictionaryArray, ListArray, PrimitiveArray, StructArray,
        Utf8Array, Utf8ViewArray,
    },
    datatypes::{ArrowDataType, ArrowSchema, Field},
    io::ipc::write::{FileWriter, StreamWriter, WriteOptions},
    offset::OffsetsBuffer,
    record_batch::RecordBatchT,
};
use polars_parquet::write::{
    self as parquet, CompressionOptions, Encoding, StatisticsOptions, Version, row_group_iter,
};
use serde_json::{Value, json};

type Arrays = Vec<(&'static str, Box<dyn Array>)>;

/// Writes a Parquet file of `n` rows, `group` rows a row group: `id` text, `n` whole numbers,
/// `half` fractions, `day` dates, `at` instants, `tags` lists of text and `gap`, null in odd rows.
pub(crate) fn numbers_parquet(path: &Path, n: i64, group: usize) {
    let ids: Vec<String> = (0..n).map(|i| format!("r{i}")).collect();
    let halves: Vec<f64> = (0..n).map(|i| i as f64 / 2.0).collect();
    let days: Vec<i32> = (0..n).map(|i| 19_723 + i as i32).collect();
    let moments: Vec<i64> = (0..n).map(|i| 1_704_067_200_000_000 + i * 1_500_000).collect();
    let gaps: Vec<Option<i64>> = (0..n).map(|i| (i % 2 == 0).then_some(i)).collect();
    let tags: Vec<Series> =
        (0..n).map(|i| Series::new("".into(), vec![format!("t{i}"), "all".to_owned()])).collect();
    let mut frame = df!("id" => ids, "n" => (0..n).collect::<Vec<_>>(), "half" => halves)
        .expect("columns of one length");
    let datetime = DataType::Datetime(TimeUnit::Microseconds, None);
    for series in [
        Series::new("day".into(), days).cast(&DataType::Date).expect("days"),
        Series::new("at".into(), moments).cast(&datetime).expect("moments"),
        Series::new("tags".into(), tags),
        Series::new("gap".into(), gaps),
    ] {
        frame.with_column(series.into_column()).expect("columns of one length");
    }
    write_parquet(path, &mut frame, group);
}

/// Writes a Parquet file with a struct, a decimal, a time, binary and numbers that are not
/// finite; gives the rows that it should be read as.
pub(crate) fn typed_parquet(path: &Path) -> Vec<Value> {
    let mut frame = df!(
        "price" => ["12.50", "-0.05"],
        "x" => [f64::NAN, 0.1],
        "bytes" => ["hi", "ho"],
        "truth" => [Some(true), None],
    )
    .expect("columns of one length");
    for (name, dtype) in [("price", DataType::Decimal(10, 2)), ("bytes", DataType::Binary)] {
        let cast = frame.column(name).and_then(|column| column.cast(&dtype)).expect("cast");
        frame.with_column(cast).expect("columns of one length");
    }
    let time = Series::new("time".into(), [3_661_500_000_000_i64, 0]);
    frame.with_column(time.cast(&DataType::Time).expect("time").into_column()).expect("column");
    let inner = df!("a" => [1, 2], "b" => ["x", "y"]).expect("struct");
    let inner = inner.into_struct("inner".into());
    frame
        .with_column(polars::prelude::IntoSeries::into_series(inner).into_column())
        .expect("column");
    write_parquet(path, &mut frame, 1);
    vec![
        json!({"price": "12.50", "x": null, "bytes": "aGk=", "truth": true,
               "time": "01:01:01.500", "inner": {"a": 1, "b": "x"}}),
        json!({"price": "-0.05", "x": 0.1, "bytes": "aG8=", "truth": null,
               "time": "00:00:00", "inner": {"a": 2, "b": "y"}}),
    ]
}

fn write_parquet(path: &Path, frame: &mut DataFrame, group: usize) {
    let schema = frame.schema().to_arrow(CompatLevel::newest());
    let encodings: Vec<Vec<Encoding>> =
        schema.iter_values().map(|field| vec![Encoding::Plain; leaves(field.dtype())]).collect();
    let options = parquet::WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Snappy,
        data_page_size: None,
    };
    let file = File::create(path).expect("a file");
    let mut writer = parquet::FileWriter::try_new(file, schema, options).expect("a schema");
    let fields = writer.parquet_schema().fields().to_vec();
    frame.rechunk_mut();
    for start in (0..frame.height()).step_by(group) {
        let rows = frame.slice(i64::try_from(start).expect("small"), group);
        for batch in rows.iter_chunks(CompatLevel::newest(), false) {
            let height = batch.len() as u64;
            let group = row_group_iter(batch, encodings.clone().into(), fields.clone(), options);
            writer.write(height, group).expect("written");
        }
    }
    writer.end(None).expect("a footer");
}

/// How many columns of a Parquet file hold one of this type.
fn leaves(dtype: &ArrowDataType) -> usize {
    match dtype {
        ArrowDataType::Struct(fields) => fields.iter().map(|field| leaves(field.dtype())).sum(),
        ArrowDataType::LargeList(item) => leaves(item.dtype()),
        _ => 1,
    }
}

/// Writes the same two batches as an Arrow IPC file and as a stream; gives the rows that they
/// should be read as.
pub(crate) fn typed_arrow(file: &Path, stream: &Path) -> Vec<Value> {
    let batches = [batch(0), batch(2)];
    let schema: Arc<ArrowSchema> = Arc::new(
        batches[0]
            .iter()
            .map(|(name, array)| Field::new((*name).into(), array.dtype().clone(), true))
            .map(|field| (field.name.clone(), field))
            .collect(),
    );
    let mut to_file = FileWriter::new(
        File::create(file).expect("a file"),
        Arc::clone(&schema),
        None,
        WriteOptions { compression: None },
    );
    let mut to_stream = StreamWriter::new(
        File::create(stream).expect("a file"),
        WriteOptions { compression: None },
    );
    to_file.start().expect("written");
    to_stream.start(&schema, None).expect("written");
    for arrays in batches {
        let arrays = arrays.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatchT::new(2, Arc::clone(&schema), arrays);
        to_file.write(&batch, None).expect("written");
        to_stream.write(&batch, None).expect("written");
    }
    to_file.finish().expect("written");
    to_stream.finish().expect("written");
    (0..4)
        .map(|i| {
            json!({
                "id": format!("a{i}"), "view": format!("v{i}"), "small": i, "word": if i % 2 == 0 { "x" } else { "y" },
                "big": 18_446_744_073_709_551_615_u64, "truth": i % 2 == 0, "raw": "AAE=",
                "list": [i, null], "inner": {"k": i}, "day": "2024-01-01",
                "when": "2024-01-01T00:00:01.500Z", "single": 0.1, "none": null,
            })
        })
        .collect()
}

fn batch(from: u8) -> Arrays {
    let texts = |prefix: &str| [format!("{prefix}{from}"), format!("{prefix}{}", from + 1)];
    let item = Field::new("item".into(), ArrowDataType::UInt8, true);
    let offsets = OffsetsBuffer::try_from(vec![0_i32, 2, 4]).expect("offsets");
    let items = PrimitiveArray::from([Some(from), None, Some(from + 1), None]);
    let list = ArrowDataType::List(Box::new(item));
    let fields = vec![Field::new("k".into(), ArrowDataType::UInt8, true)];
    let keys = PrimitiveArray::from_vec(vec![from, from + 1]);
    let utc = ArrowDataType::Timestamp(
        polars_arrow::datatypes::TimeUnit::Millisecond,
        Some("Europe/Paris".into()),
    );
    let words = Utf8Array::<i32>::from_slice(["x", "y"]).boxed();
    vec![
        ("id", Utf8Array::<i32>::from_slice(texts("a")).boxed()),
        ("view", Utf8ViewArray::from_slice_values(texts("v")).boxed()),
        ("small", PrimitiveArray::from_vec(vec![from, from + 1]).boxed()),
        (
            "word",
            DictionaryArray::<i8>::try_from_keys(
                PrimitiveArray::from_vec(vec![0, 1]),
                words,
                false,
            )
            .expect("keys")
            .boxed(),
        ),
        ("big", PrimitiveArray::from_vec(vec![u64::MAX; 2]).boxed()),
        ("truth", BooleanArray::from_slice([true, false]).boxed()),
        ("raw", BinaryArray::<i32>::from_slice([[0, 1], [0, 1]]).boxed()),
        ("list", ListArray::<i32>::new(list, offsets, items.boxed(), None).boxed()),
        (
            "inner",
            StructArray::new(ArrowDataType::Struct(fields), 2, vec![keys.boxed()], None).boxed(),
        ),
        ("day", PrimitiveArray::from_vec(vec![19_723_i32; 2]).to(ArrowDataType::Date32).boxed()),
        ("when", PrimitiveArray::from_vec(vec![1_704_067_201_500_i64; 2]).to(utc).boxed()),
        ("single", PrimitiveArray::from_vec(vec![0.1_f32; 2]).boxed()),
        ("none", PrimitiveArray::<i64>::from([None, None]).boxed()),
    ]
}
