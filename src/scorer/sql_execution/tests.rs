//! Queries against a real file, most of which mean harm.

use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;

use super::{reader::*, rows::*, *};

const BOUNDS: Bounds = Bounds { rows: 1_000, time: Duration::from_millis(300) };

fn database(dir: &Path) -> PathBuf {
    let path = dir.join("a b?#%.db");
    let conn = Connection::open(&path).expect("a database");
    conn.execute_batch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL, raw BLOB);
         INSERT INTO t VALUES (1, 'ada', 1.5, x'00ff'), (2, 'bob', 2.0, NULL), (3, NULL, NULL, NULL);
         CREATE INDEX i ON t (name);
         CREATE VIEW v AS SELECT name FROM t;",
    )
    .expect("filled");
    path
}

fn everything_in(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn queries_give_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = database(dir.path());
    assert_eq!(check(&path), Ok(()));
    let rows = query(&path, "SELECT id, name FROM t ORDER BY id;", BOUNDS).expect("rows");
    assert_eq!((rows.columns, rows.rows.len()), (2, 3));
    for sql in [
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 9) SELECT i FROM c",
        "SELECT name FROM v WHERE name LIKE 'A%' -- a comment",
        "SELECT count(*), max(size), upper(name) FROM t GROUP BY name HAVING count(*) > 0",
        "SELECT json_extract('{\"a\": 1}', '$.a'), strftime('%Y', '2020-01-01')",
        "VALUES (1, 2)",
    ] {
        assert!(query(&path, sql, BOUNDS).is_ok(), "{sql}");
    }
}

#[test]
fn wrong_queries_are_wrong_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = database(dir.path());
    for sql in [
        "",
        ";",
        "-- nothing",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT nothing FROM t",
        "SELECT 1; SELECT 2",
        "SELECT 'open",
        "SELECT 1\0",
        "SELECT no_such_function(1)",
        "The answer is 42.",
    ] {
        let got = query(&path, sql, BOUNDS);
        assert!(matches!(got, Err(Unanswered::Wrong(_))), "{sql}: {got:?}");
    }
}

/// Nothing of these is carried out, and nothing is left beside the file.
#[test]
fn nothing_but_reading_is_carried_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = database(dir.path());
    let other = dir.path().join("other.db");
    let before = everything_in(dir.path());
    let attach = format!("ATTACH '{}' AS o", other.display());
    let vacuum = format!("VACUUM INTO '{}'", other.display());
    for sql in [
        attach.as_str(),
        vacuum.as_str(),
        "DROP TABLE t",
        "DELETE FROM t",
        "UPDATE t SET name = 'x'",
        "UPDATE t SET name = 'x' RETURNING name",
        "INSERT INTO t (id) VALUES (9) RETURNING id",
        "CREATE TABLE u (a)",
        "CREATE TEMP TABLE u (a)",
        "CREATE TABLE u AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "ALTER TABLE t RENAME TO u",
        "PRAGMA user_version = 5",
        "PRAGMA table_info(t)",
        "PRAGMA writable_schema = 1",
        "SELECT * FROM pragma_table_info('t')",
        "PRAGMA journal_mode = WAL",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT name FROM t WHERE name GLOB '*a*'",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "VACUUM",
        "ANALYZE",
        "REINDEX",
        "DETACH main",
        "EXPLAIN DELETE FROM t",
    ] {
        let got = query(&path, sql, BOUNDS);
        assert!(got.is_err(), "{sql}: {got:?}");
        if !sql.starts_with("SELECT * FROM pragma") && sql != "EXPLAIN DELETE FROM t" {
            assert!(matches!(got, Err(Unanswered::Refused(_))), "{sql}: {got:?}");
        }
    }
    assert_eq!(everything_in(dir.path()), before);
}

#[test]
fn queries_without_end_are_stopped() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = database(dir.path());
    let many = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)";
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let long = format!("SELECT '{}'", "a".repeat(200_000));
    let like = format!("SELECT hex(zeroblob(400000)) LIKE '{}1'", "%0".repeat(400));
    let sums = format!("SELECT 1{}", "+1".repeat(40_000));
    let unions = format!("SELECT 1{}", " UNION SELECT 1".repeat(200));
    for sql in [
        format!("{many} SELECT count(*) FROM c"),
        format!("{many} SELECT i FROM c"),
        format!("{many} SELECT i FROM c ORDER BY i DESC"),
        format!("{many} SELECT group_concat(i) FROM c"),
        format!("{many} SELECT a.i FROM c a, c b, c d"),
        "SELECT hex(zeroblob(1000000000))".to_owned(),
        "SELECT printf('%.*c', 1000000000, 'x')".to_owned(),
        "SELECT replace(hex(zeroblob(400000)), '0', hex(zeroblob(400000)))".to_owned(),
        long,
        like,
    ] {
        let got = query(&path, &sql, BOUNDS);
        let told: String = sql.chars().take(80).collect();
        assert!(got.is_ok() || matches!(got, Err(Unanswered::Refused(_))), "{told}: {got:?}");
    }
    for sql in [deep, sums, unions] {
        assert!(query(&path, &sql, BOUNDS).is_err());
    }
}

#[test]
fn files_that_change_or_are_none_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = dir.path().join("text.db");
    fs::write(&text, "no database, but longer than a hundred bytes. ".repeat(9)).expect("written");
    assert!(check(&text).expect_err("a text").contains("not a database"));
    assert!(check(&dir.path().join("nothing.db")).is_err());
    let busy = dir.path().join("busy.db");
    let conn = Connection::open(&busy).expect("a database");
    conn.pragma_update(None, "journal_mode", "wal").expect("a log");
    conn.execute_batch("CREATE TABLE t (a)").expect("written");
    assert!(check(&busy).expect_err("a log").contains("-wal"));
    assert!(within(dir.path(), "../text.db").is_err());
    assert!(within(dir.path(), "/etc/passwd").is_err());
}

fn rows(values: &[&[i64]]) -> Rows {
    let cell = |value: &i64| Cell::new(rusqlite::types::ValueRef::Integer(*value));
    Rows {
        columns: values.first().map_or(1, |row| row.len()),
        rows: values.iter().map(|row| row.iter().map(cell).collect()).collect(),
    }
}

#[test]
fn results_are_compared_as_asked() {
    let check = |left: &[&[i64]], right: &[&[i64]], ordered, distinct, same: bool| {
        let how = Comparison { ordered, distinct };
        let difference = rows(left).difference(&rows(right), how);
        assert_eq!(difference.is_none(), same, "{left:?} {right:?} {difference:?}");
    };
    check(&[&[1], &[2]], &[&[2], &[1]], false, false, true);
    check(&[&[1], &[2]], &[&[2], &[1]], true, false, false);
    check(&[&[1], &[1]], &[&[1]], false, false, false);
    check(&[&[1], &[1]], &[&[1]], false, true, true);
    check(&[&[1]], &[&[1], &[2]], false, true, false);
    check(&[&[1, 2]], &[&[2, 1]], false, false, false);
    check(&[], &[], true, false, true);
    let real = |number| Cell::new(rusqlite::types::ValueRef::Real(number));
    assert_eq!(real(1.0), rows(&[&[1]]).rows[0][0]);
    assert_eq!(real(0.1 + 0.2), real(0.3));
    assert_eq!(real(-0.0), real(0.0));
    assert_ne!(real(1.0), Cell::new(rusqlite::types::ValueRef::Text(b"1")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_query_panics(
        text in any::<String>(),
        like in r"(SELECT|FROM|t|name|\(|\)|,|'|;|\*|1|WHERE|WITH|AS|--| |JOIN|UNION){0,16}",
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = database(dir.path());
        query(&path, &text, BOUNDS).ok();
        query(&path, &like, BOUNDS).ok();
    }
}
