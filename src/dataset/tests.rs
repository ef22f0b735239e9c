//! Datasets read from real files, a real socket and a real stream.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    thread,
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::{domain::sample::Sample, frame::fixture};

/// A directory with files in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().expect("a directory"))
    }

    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        Self::new().and(name, content)
    }

    fn and(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), content).expect("written");
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn source(&self, location: &str) -> Source {
        let base_dir = self.path().to_path_buf();
        Source { location: location.to_owned(), format: None, base_dir }
    }

    fn check(&self, location: &str) -> Result<Dataset, DatasetError> {
        self.select(location, Select::default())
    }

    fn select(&self, location: &str, select: Select) -> Result<Dataset, DatasetError> {
        check(&self.source(location), b"", &Fields::default(), select)
    }

    fn fields(&self, location: &str, fields: &Fields) -> Result<Dataset, DatasetError> {
        check(&self.source(location), b"", fields, Select::default())
    }

    fn error(&self, location: &str) -> String {
        self.check(location).expect_err("refused").to_string()
    }
}

fn check(
    source: &Source,
    stdin: &[u8],
    fields: &Fields,
    select: Select,
) -> Result<Dataset, DatasetError> {
    Dataset::check(fetched(source, stdin)?, fields, select)
}

fn fetched(source: &Source, mut stdin: &[u8]) -> Result<Local, DatasetError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(fetch(source, &mut stdin))
}

fn samples(dataset: &Dataset) -> Vec<Sample> {
    let samples: Vec<Sample> =
        dataset.samples().expect("opened").collect::<Result<_, _>>().expect("readable");
    assert_eq!(samples.len() as u64, dataset.len());
    assert!(samples.iter().map(|sample| sample.index).eq(0..dataset.len()));
    samples
}

fn vars(dataset: &Dataset) -> Vec<Value> {
    samples(dataset).into_iter().map(|sample| Value::Object(sample.vars)).collect()
}

fn ids(dataset: &Dataset) -> Vec<String> {
    samples(dataset).into_iter().map(|sample| sample.id).collect()
}

fn filtered(filter: &str) -> Select {
    Select { filter: Some(filter.to_owned()), ..Select::default() }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("encoded");
    encoder.finish().expect("encoded")
}

#[test]
fn csv_values_are_text_as_written() {
    let csv = "\u{feff}a,b,c\r\n007,1.0,1e5\r\n spaced ,,\"\"\r\n\r\n\"q\"\"q\",\"x\r\ny\",a\"b\n";
    let folder = Folder::with("d.csv", csv);
    let dataset = folder.check("d.csv").expect("good");
    assert_eq!(dataset.columns(), ["a", "b", "c"]);
    assert_eq!(
        vars(&dataset),
        [
            json!({"a": "007", "b": "1.0", "c": "1e5"}),
            json!({"a": " spaced ", "b": "", "c": ""}),
            json!({"a": "q\"q", "b": "x\r\ny", "c": "a\"b"}),
        ]
    );
    assert!(!dataset.has_input() && !dataset.has_expected());
    let folder = Folder::with("d.tsv", "a\tb\n1,2\t 3\n");
    assert_eq!(vars(&folder.check("d.tsv").expect("good")), [json!({"a": "1,2", "b": " 3"})]);
    let folder = Folder::with("d.csv", "a\n\"last\"");
    assert_eq!(vars(&folder.check("d.csv").expect("good")), [json!({"a": "last"})]);
}

#[test]
fn broken_csv_is_refused_with_its_place() {
    let refused = |content: &[u8], expected: &str| {
        let error = Folder::with("d.csv", content).error("d.csv");
        assert!(error.contains(expected), "{error}");
    };
    refused(
        b"a,b\n1,2\n\n\"x\ny\",2,3\n",
        "d.csv:4: 3 cells where the header has 2 (the row begins `x y`)",
    );
    refused(b"a,b\n1\n", "d.csv:2: 1 cells");
    refused(
        b"a,b\n1,2\n\"x\ny\",\"open\n1,2\n",
        "d.csv:4:4: the quote opened here is never closed",
    );
    refused(b"a,b\n\"x\"y,2\n", "d.csv:2:4: text after a closing quote");
    refused(b"a,b\n1,\"x\n\xff\"\n", "d.csv:3: invalid UTF-8 in column `b`");
    refused(b"a,b\n\xc3,\xa9\n", "d.csv:2: invalid UTF-8 in column `a`");
    refused(b"a,b,a\n1,2,3\n", "d.csv:1: the columns 1 and 3 are both named `a`");
    refused(b"a,,c\n1,2,3\n", "d.csv:1: column 2 has no name");
    refused(b"a,b\n", "the dataset has no rows");
    refused(b"", "d.csv: the file is empty");
    refused(b"\n\n", "d.csv: the file is empty");
    refused(b"\xff\xfea\0,\0b\0", "d.csv: the text is UTF-16");
    refused(b"a,b\r1,2\r3,4", "d.csv:1: lines end with a carriage return alone");
}

#[test]
fn json_lines_keep_types_and_absence() {
    let text = "{\"a\": 1.0, \"b\": null, \"c\": [1, {\"d\": true}]}\n\n  {\"b\": 18446744073709551616, \"e\": -3}\r\n{\"a\": 0.30000000000000004}";
    let folder = Folder::with("d.jsonl", text);
    let dataset = folder.check("d.jsonl").expect("good");
    assert_eq!(dataset.columns(), ["a", "b", "c", "e"]);
    let rows = vars(&dataset);
    assert_eq!(rows[0].to_string(), r#"{"a":1.0,"b":null,"c":[1,{"d":true}]}"#);
    assert_eq!(rows[1].to_string(), r#"{"b":"18446744073709551616","e":-3}"#);
    assert_eq!(rows[2].to_string(), r#"{"a":0.30000000000000004}"#);
}

#[test]
fn broken_json_lines_are_refused_with_their_place() {
    let refused = |content: &[u8], expected: &str| {
        let error = Folder::with("d.jsonl", content).error("d.jsonl");
        assert!(error.contains(expected), "{error}");
    };
    refused(b"{\"a\": 1}\n\n {\"\xc3\xa9\": x}\n", "d.jsonl:3:8: expected value");
    refused(
        b"{\"a\": 1}\n[1]\n",
        "d.jsonl:2:1: a row must be a JSON object, found `[1]`; is the file a JSON list",
    );
    refused(b"{\"a\": 1} {\"a\": 2}\n", "d.jsonl:1:10: trailing characters");
    refused(b"{\"a\": 1, \"a\": 2}\n", "the key `a` is there twice");
    refused(b"{\"a\": \"\xff\"}\n", "d.jsonl:1:8: invalid UTF-8");
    refused(b"{\"a\": NaN}\n", "d.jsonl:1:7: expected value");
    refused(b"{\"a\": 1\n", "d.jsonl:1");
    refused(b"\n", "no rows");
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    refused(deep.as_bytes(), "recursion limit exceeded");
}

#[test]
fn json_lists_are_read_element_by_element() {
    let text = "\u{feff} [\n {\"a\": \"]}\\\"\"},\n\n {\"b\":\n {\"c\": []}}\n]\n";
    let folder = Folder::with("d.json", text);
    let dataset = folder.check("d.json").expect("good");
    assert_eq!(vars(&dataset), [json!({"a": "]}\""}), json!({"b": {"c": []}})]);
    let refused = |content: &str, expected: &str| {
        let error = Folder::with("d.json", content).error("d.json");
        assert!(error.contains(expected), "{error}");
    };
    refused("[{\"a\": 1},\n {\"b\": x}]", "d.json:2:8: expected value");
    refused("[{\"a\": 1},\n {\"b\":\n  y}]", "d.json:3:3: expected value");
    refused("[{\"a\": 1}, 7]", "d.json:1:12: a row must be a JSON object, found `7`");
    refused("[{\"a\": 1},]", "d.json:1:11: expected an element after `,`");
    refused("[{\"a\": 1} {\"a\": 2}]", "d.json:1:11: expected `,` or `]`");
    refused("[{\"a\": 1}", "expected `,` or `]` after an element, found the end of the file");
    refused("[{\"a\": 1", "d.json:1:2: the object that begins here is never closed");
    refused("[{\"a\": 1}] 3", "d.json:1:12: the file goes on after the list");
    refused("{\"a\": 1}", "a list of objects, found `{`; if it has an object a line");
    refused("[]", "no rows");
    refused("", "empty");
    refused("  ", "empty");
}

#[test]
fn parquet_and_arrow() {
    let folder = Folder::new();
    fixture::numbers_parquet(&folder.path().join("n.parquet"), 100, 30);
    let dataset = folder.check("n.parquet").expect("good");
    assert_eq!(dataset.columns(), ["id", "n", "half", "day", "at", "tags", "gap"]);
    let all = samples(&dataset);
    assert_eq!(all[99].id, "r99");
    assert_eq!(all[3].tags, ["t3", "all"]);
    for (filter, rows) in [
        ("n >= 90", 10),
        ("half = 0.5", 1),
        ("day < '2024-01-03'", 2),
        ("at >= '2024-01-01 00:02:24'", 4),
        ("gap IS NULL AND id <> 'r1'", 49),
    ] {
        let dataset = folder.select("n.parquet", filtered(filter)).expect(filter);
        assert_eq!(dataset.len(), rows, "{filter}");
    }
    let (file, stream) = (folder.path().join("f.arrow"), folder.path().join("s.arrows"));
    let expected = fixture::typed_arrow(&file, &stream);
    assert_eq!(vars(&folder.check("f.arrow").expect("good")), expected);
    assert_eq!(vars(&folder.check("s.arrows").expect("good")), expected);
    let folder = folder.and("bad.parquet", b"PAR1 and no more").and("e.arrow", b"");
    assert!(folder.error("bad.parquet").starts_with("bad.parquet: "));
    assert_eq!(folder.error("e.arrow"), "e.arrow: the file is empty");
}

#[test]
fn compressed_text() {
    let csv = "id,input\n1,a\n2,b\n";
    let packed = gzip(csv.as_bytes());
    let zstd = zstd::encode_all(csv.as_bytes(), 0).expect("encoded");
    let folder = Folder::with("d.csv.gz", &packed)
        .and("d.csv.zst", &zstd)
        .and("two.csv.gz", [gzip(b"id,input\n1,a\n"), gzip(b"2,b\n")].concat())
        .and("cut.csv.gz", &packed[..packed.len() - 9])
        .and("cut.csv.zst", &zstd[..zstd.len() - 3])
        .and("plain.csv.gz", csv)
        .and("p.parquet.gz", gzip(b"PAR1"));
    for name in ["d.csv.gz", "d.csv.zst", "two.csv.gz"] {
        assert_eq!(ids(&folder.check(name).expect(name)), ["1", "2"], "{name}");
    }
    for name in ["cut.csv.gz", "cut.csv.zst", "plain.csv.gz"] {
        let error = folder.error(name);
        assert!(error.contains("data is damaged or cut short"), "{error}");
    }
    assert!(folder.error("p.parquet.gz").contains("are for text formats"));
}

#[test]
fn globs_and_directories_are_one_dataset() {
    let folder = Folder::with("b.csv", "id,y\n2,b\n").and("a.csv", "id,x\n1,a\n");
    let folder = folder.and("notes.txt", "no data").and(".hidden.csv", "x");
    for location in ["*.csv", "."] {
        let dataset = folder.check(location).expect(location);
        assert_eq!(dataset.columns(), ["id", "x", "y"]);
        assert_eq!(vars(&dataset), [json!({"id": "1", "x": "a"}), json!({"id": "2", "y": "b"})]);
    }
    let absolute = folder.path().join("[ab].csv").display().to_string();
    assert_eq!(folder.check(&absolute).expect("good").len(), 2);
    assert!(folder.error("*.tsv").contains("no file matches"));
    assert!(folder.error("[").contains("not a glob"));
    assert!(folder.error("notes.txt").contains("format is not known"));
    assert!(folder.error("a.cvs").contains("did you mean `a.csv`?"));
    let folder = folder.and("c.jsonl", "{\"id\": 3}\n");
    assert!(folder.error(".").contains("files of several formats, `"));
    let folder = Folder::with("[1].csv", "a\n1\n");
    assert_eq!(folder.check("[1].csv").expect("good").len(), 1);
    assert!(Folder::new().error(".").contains("no file of a known format"));
}

#[test]
fn ids_are_named_or_made_of_the_content() {
    let folder = Folder::with("d.csv", "id,k\nx,1\ny,2\nx,3\n")
        .and("e.csv", "id,k\nx,1\n,2\n")
        .and("c.csv", "a,b\n1,2\n3,4\n1,2\n1,2\n")
        .and("c.jsonl", "{\"b\": \"2\", \"a\": \"1\"}\n")
        .and("late.jsonl", "{\"a\": 1}\n{\"id\": 5}\n");
    assert_eq!(folder.error("d.csv"), "d.csv:4: the id `x` is also that of d.csv:2");
    assert_eq!(folder.error("e.csv"), "e.csv:3: the id column `id` is empty");
    assert_eq!(folder.error("late.jsonl"), "late.jsonl:1: the id column `id` is empty");
    let by = |name: &str| Fields { id: Some(name.to_owned()), ..Fields::default() };
    assert_eq!(ids(&folder.fields("d.csv", &by("k")).expect("good")), ["1", "2", "3"]);
    let error = folder.fields("d.csv", &by("idd")).expect_err("refused").to_string();
    assert_eq!(
        error,
        "the id names the column `idd`, which the dataset lacks; did you mean `id`?; its columns: `id`, `k`"
    );
    let made = ids(&folder.check("c.csv").expect("good"));
    let first = &made[0];
    assert_eq!(first.len(), 16);
    assert_ne!(*first, made[1]);
    assert_eq!(made[2..], [format!("{first}-2"), format!("{first}-3")]);
    assert_eq!(ids(&folder.check("c.jsonl").expect("good")), [first.as_str()]);
    // The hash itself is a contract: stored runs are matched by it.
    let hash = crate::base::digest::sha256_hex(br#"{"a":"1","b":"2"}"#);
    assert_eq!(*first, hash[..16]);
    let range = Select { range: Some((3, None)), ..Select::default() };
    assert_eq!(ids(&folder.select("c.csv", range).expect("good")), [format!("{first}-3")]);
}

#[test]
fn fields_become_samples() {
    let text = r#"{"q": "Q", "a": ["x", null, 2], "b": "y", "m": 1, "group": 7, "labels": " s, t,, "}
{"q": null, "a": null, "m": null, "labels": ["u"]}
"#;
    let folder = Folder::with("d.jsonl", text);
    let fields = Fields {
        input: Some(Field::Column("q".to_owned())),
        expected: Some(Field::Columns(vec!["a".to_owned(), "b".to_owned()])),
        refine_expected: Some(Arc::new(|text| Some(format!("<{text}>")))),
        metadata: vec!["m".to_owned()],
        cluster: Some("group".to_owned()),
        tags: Some("labels".to_owned()),
        ..Fields::default()
    };
    let read = samples(&folder.fields("d.jsonl", &fields).expect("good"));
    let Sample { input, expected, metadata, cluster, tags, .. } = &read[0];
    assert_eq!(input.as_deref(), Some("Q"));
    assert_eq!(*expected, ["<x>", "<2>", "<y>"]);
    assert_eq!(Value::Object(metadata.clone()), json!({"m": 1}));
    assert_eq!(cluster.as_deref(), Some("7"));
    assert_eq!(*tags, ["s", "t"]);
    let Sample { input, expected, cluster, tags, .. } = &read[1];
    assert_eq!((input, expected.len(), cluster), (&None, 0, &None));
    assert_eq!(*tags, ["u"]);
}

#[test]
fn usual_columns_are_found() {
    let text = r#"{"input": "i", "expected": "", "metadata": {"k": 1}, "tags": ["t"]}
{"input": "j", "expected": ["a", "b"]}"#;
    let folder = Folder::with("d.jsonl", text);
    let dataset = folder.check("d.jsonl").expect("good");
    assert!(dataset.has_input() && dataset.has_expected());
    let read = samples(&dataset);
    assert_eq!(read[0].input.as_deref(), Some("i"));
    assert_eq!(read[0].expected, [""]);
    assert_eq!(Value::Object(read[0].metadata.clone()), json!({"k": 1}));
    assert_eq!(read[0].tags, ["t"]);
    assert_eq!(read[1].expected, ["a", "b"]);
    let folder = Folder::with("d.csv", "input,expected\n1,\n2,b\n");
    let read = samples(&folder.check("d.csv").expect("good"));
    assert_eq!((read[0].expected.len(), read[1].expected.len()), (0, 1));
    // A column that appears only further down is found too.
    let late = Folder::with("d.jsonl", "{\"x\": 1}\n{\"input\": \"i\", \"id\": null}\n");
    let error = late.error("d.jsonl");
    assert_eq!(error, "d.jsonl:1: the id column `id` is empty");
    let late = Folder::with("d.jsonl", "{\"x\": 1}\n{\"input\": \"i\"}\n");
    let dataset = late.check("d.jsonl").expect("good");
    assert!(dataset.has_input());
    assert_eq!(samples(&dataset)[1].input.as_deref(), Some("i"));
    let named = Fields { cluster: Some("input".to_owned()), ..Fields::default() };
    assert_eq!(late.fields("d.jsonl", &named).expect("good").len(), 2);
}

#[test]
fn made_fields_and_their_failures() {
    let folder = Folder::with("d.csv", "a,b\n1,x\n2,\n");
    let made = |needs: &[&str]| Field::Made {
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        make: Arc::new(|vars| match vars.get("b").and_then(Value::as_str) {
            Some("") => Err("b is empty".to_owned()),
            text => Ok(format!("made of {}", text.unwrap_or_default())),
        }),
    };
    let fields = |field| Fields { input: Some(field), ..Fields::default() };
    let error = folder.fields("d.csv", &fields(made(&["b"]))).expect_err("refused");
    assert_eq!(error.to_string(), "d.csv:3: input cannot be made: b is empty");
    let error = folder.fields("d.csv", &fields(made(&["bb"]))).expect_err("refused");
    assert!(error.to_string().contains("did you mean `b`?"), "{error}");
    let refined = Fields {
        expected: Some(Field::Column("b".to_owned())),
        refine_expected: Some(Arc::new(|text| text.strip_prefix('y').map(str::to_owned))),
        ..Fields::default()
    };
    let error = folder.fields("d.csv", &refined).expect_err("refused").to_string();
    assert_eq!(error, "d.csv:2: no match in expected `x`");
}

#[test]
fn filters_see_types_where_all_values_have_them() {
    let csv = "id,n,z,t,m\n1,5,007,true,1\n2,,008,false,x\n3,10,009,true,2.5\n";
    let folder = Folder::with("d.csv", csv).and(
        "d.jsonl",
        "{\"id\": 1, \"n\": 5, \"m\": 1}\n{\"id\": 2, \"m\": \"x\"}\n{\"id\": 3, \"n\": 10.5}\n",
    );
    let kept = |name: &str, filter: &str, expected: &[&str]| {
        assert_eq!(
            ids(&folder.select(name, filtered(filter)).expect(filter)),
            expected,
            "{filter}"
        );
    };
    kept("d.csv", "n > 5", &["3"]);
    kept("d.csv", "n IS NULL", &["2"]);
    kept("d.csv", "z = '007'", &["1"]);
    kept("d.csv", "t AND id > 1", &["3"]);
    kept("d.csv", "m = 'x'", &["2"]);
    kept("d.csv", "m LIKE '2%'", &["3"]);
    kept("d.jsonl", "n > 5", &["3"]);
    kept("d.jsonl", "m = '1'", &["1"]);
    let refused =
        |filter: &str| folder.select("d.csv", filtered(filter)).expect_err("refused").to_string();
    let error = refused("nn > 5");
    assert!(error.starts_with("the filter names the column `nn`"), "{error}");
    assert!(error.contains("did you mean `n`?"), "{error}");
    assert!(refused("n >").contains("not a Polars SQL expression"));
    assert!(refused("n + 1").contains("not true or false"));
    assert!(refused("n > 99").contains("no row is left after the filter `n > 99`, of 3 before it"));
}

#[test]
fn filters_across_batches() {
    let csv = (0..5000).fold("id\n".to_owned(), |csv, n| csv + &format!("{n}\n"));
    let folder = Folder::with("d.csv", csv);
    let dataset = folder.select("d.csv", filtered("id % 1000 = 7")).expect("good");
    assert_eq!(ids(&dataset), ["7", "1007", "2007", "3007", "4007"]);
}

#[test]
fn selection_steps_in_their_order() {
    let csv = (0..100).fold("id\n".to_owned(), |csv, n| csv + &format!("{n}\n"));
    let folder = Folder::with("d.csv", csv);
    let select = |select: Select| folder.select("d.csv", select).expect("good");
    let range = Some((10, Some(20)));
    let kept = ids(&select(Select { range, ..filtered("id >= 15") }));
    assert_eq!(kept, ["15", "16", "17", "18", "19"]);
    let only = ["16", "18", "50"].map(str::to_owned).into();
    assert_eq!(
        ids(&select(Select { range, only_ids: Some(only), ..Select::default() })),
        ["16", "18"]
    );
    let limit = Some(3);
    assert_eq!(ids(&select(Select { limit, ..Select::default() })), ["0", "1", "2"]);
    let shuffled = select(Select { shuffle: Some(7), ..Select::default() });
    let order = ids(&shuffled);
    assert_ne!(order, ids(&select(Select::default())));
    assert_eq!(order, ids(&select(Select { shuffle: Some(7), ..Select::default() })));
    assert_ne!(order, ids(&select(Select { shuffle: Some(8), ..Select::default() })));
    let both = Select { shuffle: Some(7), limit: Some(5), ..Select::default() };
    assert_eq!(ids(&select(both)), order[..5]);
    let drawn = ids(&select(Select { sample: Some((10, 1)), ..Select::default() }));
    assert_eq!(drawn.len(), 10);
    assert!(drawn.is_sorted_by_key(|id| id.parse::<u64>().expect("a number")));
    assert_eq!(ids(&select(Select { sample: Some((500, 1)), ..Select::default() })).len(), 100);
    let empty = |select: Select| folder.select("d.csv", select).expect_err("refused").to_string();
    let range = Some((100, None));
    assert!(empty(Select { range, ..Select::default() }).contains("after the range 100.., of 100"));
    let only_ids = Some(["x".to_owned()].into());
    assert!(empty(Select { only_ids, ..Select::default() }).contains("after the selection by id"));
    assert!(
        empty(Select { limit: Some(0), ..Select::default() })
            .contains("the limit of 0, of 100 before it")
    );
    let sample = Some((0, 1));
    assert!(empty(Select { sample, ..Select::default() }).contains("the sample of 0"));
}

#[test]
fn a_limit_reads_no_further() {
    let folder = Folder::with("d.csv", "id\n1\n2\n3,4\n");
    let limit = Some(2);
    assert_eq!(
        folder.select("d.csv", Select { limit, ..Select::default() }).expect("good").len(),
        2
    );
}

#[test]
fn drawn_rows_keep_every_value() {
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let text = format!("{{\"a\": 0.30000000000000004, \"b\": {deep}, \"c\": \"\\u2028\\n\"}}\n");
    let folder = Folder::with("d.jsonl", text);
    let plain = folder.check("d.jsonl").expect("good");
    let drawn = folder.select("d.jsonl", Select { shuffle: Some(1), ..Select::default() });
    let drawn = drawn.expect("good");
    assert_eq!(samples(&plain), samples(&drawn));
    assert_eq!(plain.digest(), drawn.digest());
}

#[test]
fn the_digest_is_of_the_selected_samples_in_order() {
    let folder = Folder::with("a.csv", "id,x\n1,a\n2,b\n")
        .and("b.csv", "x,id\na,1\nb,2\n")
        .and("c.csv", "id,x\n2,b\n1,a\n")
        .and("d.csv", "id,x\n1,a\n2,b\n3,c\n");
    let digest = |name: &str| folder.check(name).expect("good").digest().to_owned();
    assert_eq!(digest("a.csv").len(), 64);
    assert_eq!(digest("a.csv"), digest("b.csv"));
    assert_ne!(digest("a.csv"), digest("c.csv"));
    let limited = folder.select("d.csv", Select { limit: Some(2), ..Select::default() });
    assert_eq!(limited.expect("good").digest(), digest("a.csv"));
}

#[test]
fn a_file_that_changes_after_the_check_is_refused() {
    let folder = Folder::with("d.csv", "id\n1\n2\n");
    let dataset = folder.check("d.csv").expect("good");
    let folder = folder.and("d.csv", "id\n1\n2\n3\n");
    let error = dataset.samples().expect_err("refused").to_string();
    assert_eq!(error, "d.csv: the file changed while it was in use; start again");
    drop(folder);
}

#[test]
fn stdin_is_known_by_its_content() {
    let folder = Folder::new();
    fixture::numbers_parquet(&folder.path().join("n.parquet"), 3, 3);
    fixture::typed_arrow(&folder.path().join("f.arrow"), &folder.path().join("s.arrow"));
    let file = |name: &str| fs::read(folder.path().join(name)).expect("the file");
    let piped = |content: &[u8]| {
        let (fields, select) = (Fields::default(), Select::default());
        check(&folder.source("-"), content, &fields, select).map(|dataset| vars(&dataset))
    };
    assert_eq!(piped(b"a,b\n1,2\n").expect("csv"), [json!({"a": "1", "b": "2"})]);
    assert_eq!(piped(b"a\tb\n1\t2\n").expect("tsv"), [json!({"a": "1", "b": "2"})]);
    assert_eq!(piped(b" \n[{\"a\": 1}]").expect("json"), [json!({"a": 1})]);
    assert_eq!(piped(b"\xef\xbb\xbf{\"a\": 1}\n").expect("jsonl"), [json!({"a": 1})]);
    assert_eq!(piped(&gzip(b"a\n1\n")).expect("gzip"), [json!({"a": "1"})]);
    assert_eq!(piped(&file("n.parquet")).expect("parquet").len(), 3);
    assert_eq!(piped(&file("f.arrow")).expect("arrow file").len(), 4);
    assert_eq!(piped(&file("s.arrow")).expect("arrow stream").len(), 4);
    let error = piped(b"a,b\n1\n").expect_err("refused").to_string();
    assert!(error.starts_with("stdin:2: 1 cells"), "{error}");
    assert_eq!(piped(b"").expect_err("refused").to_string(), "stdin: the file is empty");
    let tabs = Source { format: Some(Format::Tsv), ..folder.source("-") };
    let dataset = check(&tabs, b"a,b\n1\n", &Fields::default(), Select::default());
    assert_eq!(vars(&dataset.expect("good")), [json!({"a,b": "1"})]);
}

/// Answers one request with `reply`; gives the address and, once answered, the request.
fn serve(reply: Vec<u8>) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let request = thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let read = peer.read(&mut buffer).expect("a request");
            request.extend_from_slice(&buffer[..read]);
        }
        peer.write_all(&reply).expect("answered");
        String::from_utf8(request).expect("text")
    });
    (address, request)
}

#[test]
fn http_sources() {
    let folder = Folder::new();
    let get = |reply: &[u8], path: &str| {
        let (address, request) = serve(reply.to_vec());
        let source = folder.source(&format!("{address}{path}"));
        let local = fetched(&source, b"");
        (local, address, request.join().expect("served"))
    };
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na,b\n1,\"2\n";
    let (local, address, request) = get(ok, "/d.csv?key=secret");
    let error = Dataset::check(local.expect("fetched"), &Fields::default(), Select::default());
    let error = error.expect_err("refused").to_string();
    assert_eq!(error, format!("{address}/d.csv:2:3: the quote opened here is never closed"));
    assert!(request.starts_with("GET /d.csv?key=secret HTTP/1.1"), "{request}");
    assert!(!request.to_lowercase().contains("referer"), "{request}");
    let ok = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\": 1}\n";
    let (local, ..) = get(ok, "/download");
    let dataset = Dataset::check(local.expect("fetched"), &Fields::default(), Select::default());
    assert_eq!(vars(&dataset.expect("good")), [json!({"a": 1})]);
    let refused = |reply: &[u8]| {
        let (local, address, _) = get(reply, "/d.csv?key=secret");
        let error = local.expect_err("refused").to_string();
        assert!(!error.contains("secret"), "{error}");
        error.replace(&address, "HOST")
    };
    let error = refused(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(error, "HOST/d.csv: the server answered 404 Not Found");
    let error =
        refused(b"HTTP/1.1 302 Found\r\nLocation: /e.csv?key=secret\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        error,
        "HOST/d.csv: the server answered 302 Found, a redirect to HOST/e.csv, which is not followed; name that address"
    );
    let error = refused(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na,b\n1,2\n");
    assert!(error.starts_with("HOST/d.csv: ") && error.ends_with("after 8 bytes"), "{error}");
}

#[test]
fn samples_and_fetching_may_move_between_threads() {
    fn check<T: Send>(_: &T) {}
    let folder = Folder::with("d.csv", "a\n1\n");
    check(&folder.check("d.csv").expect("good").samples().expect("opened"));
    let (source, mut stdin) = (folder.source("d.csv"), tokio::io::empty());
    check(&fetch(&source, &mut stdin));
}

#[test]
fn names_of_formats() {
    for (name, format) in
        [("csv", Format::Csv), ("NDJSON", Format::Jsonl), ("feather", Format::Arrow)]
    {
        assert_eq!(name.parse(), Ok(format));
    }
    assert_eq!(Format::Jsonl.name(), "jsonl");
    let error = "xml".parse::<Format>().expect_err("unknown").to_string();
    assert!(error.starts_with("`xml` is not a format"), "{error}");
}

mod any_input {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever was written by a correct writer is read back exactly.
        #[test]
        fn written_csv_is_read_back(rows in prop::collection::vec(prop::array::uniform2("[a,\"\n\r é]{0,6}"), 1..8)) {
            let mut writer = ::csv::WriterBuilder::new().quote_style(::csv::QuoteStyle::Always).from_writer(Vec::new());
            writer.write_record(["x", "y"]).expect("written");
            for row in &rows {
                writer.write_record(row).expect("written");
            }
            let folder = Folder::with("d.csv", writer.into_inner().expect("written"));
            let read = vars(&folder.check("d.csv").expect("good"));
            let expected: Vec<Value> = rows.iter().map(|[x, y]| json!({"x": x, "y": y})).collect();
            prop_assert_eq!(read, expected);
        }

        /// Any bytes are rows or an error.
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(prop::sample::select(b"a{}[]\",:\n\r\t\\1.-\xc3\xa9e ".to_vec()), 0..60)) {
            for name in ["d.csv", "d.tsv", "d.json", "d.jsonl"] {
                let folder = Folder::with(name, &bytes);
                if let Ok(dataset) = folder.check(name) {
                    samples(&dataset);
                }
            }
        }
    }
}

#[test]
fn options_are_shuffled_and_asked_in_every_rotation() {
    let rows = "{\"id\":\"x\",\"o\":[\"r\",\"g\",\"b\"],\"expected\":\"g\"}\n\
                {\"id\":\"y\",\"o\":[\"1\",\"2\"],\"expected\":\"A\"}\n";
    let folder = Folder::with("q.jsonl", rows);
    let fields = |shuffle, circular| {
        let columns = vec!["o".to_owned()];
        let choices = Choices { columns, index: None, shuffle, circular };
        Fields { choices: Some(choices), ..Fields::default() }
    };
    let right = |sample: &Sample| {
        let at = usize::from(sample.expected[0].as_bytes()[0] - b'A');
        sample.vars["choices"][at].as_str().expect("a text").to_owned()
    };
    let plain = folder.fields("q.jsonl", &fields(None, false)).expect("good");
    assert!(plain.columns().iter().any(|column| column == "choice_lines"));
    assert_eq!(samples(&plain)[0].expected, ["B"]);
    let turned = folder.fields("q.jsonl", &fields(Some(3), true)).expect("good");
    let turned_samples = samples(&turned);
    let ids: Vec<&str> = turned_samples.iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!(ids, ["x~1", "x~2", "x~3", "y~1", "y~2"]);
    let clusters: Vec<_> =
        turned_samples.iter().map(|s| s.cluster.as_deref().expect("one")).collect();
    assert_eq!(clusters, ["x", "x", "x", "y", "y"]);
    let answers: Vec<String> = turned_samples.iter().map(right).collect();
    assert_eq!(answers, ["g", "g", "g", "1", "1"]);
    // A limit and a draw count rows, not rotations.
    let one = |select| {
        let source = folder.source("q.jsonl");
        samples(&check(&source, b"", &fields(None, true), select).expect("good")).len()
    };
    assert_eq!(one(Select { limit: Some(1), ..Select::default() }), 3);
    assert_eq!(one(Select { shuffle: Some(1), ..Select::default() }), 5);
    let only = Some(["x~2".to_owned()].into());
    assert_eq!(one(Select { only_ids: only, ..Select::default() }), 1);
    let fields = Fields { expected: Some(Field::Column("id".into())), ..fields(None, false) };
    let error = folder.fields("q.jsonl", &fields).expect_err("refused").to_string();
    assert!(error.contains("`x` is none of the 3 choices"), "{error}");
}
