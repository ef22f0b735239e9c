//! Names where they stand, and statements that mean harm.

use proptest::prelude::*;

use super::*;

fn scorer(tables: &[&str], columns: &[&str]) -> Parses {
    let list = |names: &[&str]| {
        (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect())
    };
    Parses {
        dialect: "generic",
        allowed: Allowed { tables: list(tables), columns: list(columns) },
        single: false,
        queries_only: false,
    }
}

#[test]
fn every_dialect_is_known() {
    for dialect in DIALECTS {
        assert!(dialect_from_str(dialect).is_some(), "{dialect}");
        let scorer = Parses { dialect, ..scorer(&[], &[]) };
        assert_eq!(scorer.problem("SELECT a FROM t WHERE b = 'x'"), Ok(None), "{dialect}");
    }
}

#[test]
fn tables_are_seen_where_they_stand() {
    let allowed = scorer(&["t", "s.u"], &[]);
    let check = |sql: &str, fine: bool| {
        let problem = allowed.problem(sql).expect("looked at");
        assert_eq!(problem.is_none(), fine, "{sql}: {problem:?}");
    };
    check("SELECT * FROM t", true);
    check("SELECT * FROM \"T\" JOIN s.u ON true", true);
    check("SELECT * FROM u", false);
    check("SELECT * FROM s.t", false);
    check("SELECT * FROM t, secret", false);
    check("SELECT * FROM t WHERE a IN (SELECT b FROM secret)", false);
    check("SELECT (SELECT max(a) FROM secret)", false);
    check("SELECT * FROM t UNION SELECT * FROM secret", false);
    check("WITH w AS (SELECT * FROM t) SELECT * FROM w", true);
    check("WITH w AS (SELECT * FROM secret) SELECT * FROM w", false);
    check("WITH secret AS (SELECT * FROM secret) SELECT * FROM secret", false);
    check("WITH secret AS (SELECT 1) SELECT * FROM secret", true);
    check(
        "SELECT * FROM secret WHERE 1 IN (WITH secret AS (SELECT 1) SELECT * FROM secret)",
        false,
    );
    check("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b", true);
    check("WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b", false);
    check("WITH RECURSIVE c(i) AS (SELECT 1 UNION SELECT i + 1 FROM c) SELECT * FROM c", true);
    check("INSERT INTO t VALUES (1)", true);
    check("INSERT INTO secret VALUES (1)", false);
    check("INSERT INTO t SELECT * FROM secret", false);
    check("UPDATE secret SET a = 1", false);
    check("UPDATE t SET a = (SELECT b FROM secret)", false);
    check("DELETE FROM secret", false);
    check("DELETE FROM t", true);
    for other in
        ["DROP TABLE t", "TRUNCATE TABLE t", "CREATE TABLE t (a INT)", "GRANT ALL ON t TO x"]
    {
        check(other, false);
    }
    check("SELECT * FROM t; DROP TABLE t", false);
}

#[test]
fn columns_are_seen_where_they_stand() {
    let allowed = scorer(&[], &["a", "t.b"]);
    let check = |sql: &str, fine: bool| {
        let problem = allowed.problem(sql).expect("looked at");
        assert_eq!(problem.is_none(), fine, "{sql}: {problem:?}");
    };
    check("SELECT a, t.b, count(*) FROM t WHERE a > 1", true);
    check("SELECT x.b FROM t AS x", true);
    check("SELECT b FROM t", true);
    check("SELECT b FROM u", false);
    check("SELECT u.b FROM u", false);
    check("SELECT x.b FROM u AS x, t", false);
    check("SELECT u.a FROM u", true);
    check("SELECT * FROM t", false);
    check("SELECT t.* FROM t", false);
    check("SELECT secret FROM t", false);
    check("SELECT secret AS secret FROM t", false);
    check("SELECT secret AS a FROM t", false);
    check("SELECT a AS n FROM t ORDER BY n", true);
    check("SELECT a AS n FROM t ORDER BY lower(n), secret", false);
    check("SELECT a AS n, count(*) AS c FROM t GROUP BY n HAVING c > 1", true);
    check("SELECT a AS n FROM t WHERE n = 1", false);
    check("SELECT 1 AS secret FROM t WHERE secret = 1", false);
    check("SELECT n FROM (SELECT a AS n FROM t) AS d", true);
    check("SELECT d.n FROM (SELECT a AS n FROM t) AS d WHERE d.n > 1 ORDER BY d.n", true);
    check("SELECT n FROM (SELECT secret AS n FROM t) AS d", false);
    check("SELECT * FROM (SELECT a FROM t) AS d", true);
    check("SELECT * FROM (SELECT a FROM t) AS d, t", false);
    check("SELECT t.secret FROM t, (SELECT 1 AS secret) AS d", false);
    check("WITH w(n) AS (SELECT a FROM t) SELECT n FROM w", true);
    check("WITH w AS (SELECT a AS n FROM t) SELECT w.n FROM w ORDER BY n", true);
    check("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.secret = t.a)", false);
    check("SELECT a FROM t JOIN u USING (secret)", false);
    check("INSERT INTO t (a, secret) VALUES (1, 2)", false);
    check("INSERT INTO t (a) VALUES (1)", true);
    check("INSERT INTO t VALUES (1)", false);
    check("UPDATE t SET secret = 1", false);
    check("UPDATE t SET b = 1 WHERE a = 2", true);
    check("DELETE FROM t WHERE secret = 1", false);
    check("DELETE FROM t WHERE a = 1 RETURNING *", false);
    let all = scorer(&[], &["*"]);
    assert_eq!(all.problem("SELECT * FROM t"), Ok(None));
    assert!(all.problem("SELECT a FROM t").expect("looked at").is_some());
}

#[test]
fn queries_that_change_something_are_none() {
    let queries = Parses { queries_only: true, dialect: "postgresql", ..scorer(&[], &[]) };
    let check = |sql: &str, fine: bool| {
        let problem = queries.problem(sql).expect("looked at");
        assert_eq!(problem.is_none(), fine, "{sql}: {problem:?}");
    };
    check("SELECT 1", true);
    check("VALUES (1)", true);
    check("WITH w AS (SELECT 1) SELECT * FROM w", true);
    check("WITH w AS (DELETE FROM t RETURNING a) SELECT * FROM w", false);
    check("SELECT a INTO u FROM t", false);
    check("INSERT INTO t VALUES (1)", false);
    check("DROP TABLE t", false);
}

#[test]
fn what_is_too_much_is_not_scored() {
    let any = scorer(&["t"], &["a"]);
    let nested = |open: &str, close: &str, n: usize| {
        format!("SELECT {}1{}", open.repeat(n), close.repeat(n))
    };
    assert!(any.problem(&nested("(", ")", 10_000)).is_err());
    assert!(any.problem(&nested("(SELECT ", ")", 3_000)).is_err());
    assert!(any.problem(&"a".repeat(10 << 20)).is_err());
    assert_eq!(any.problem(&format!("SELECT 1{}", "+1".repeat(32_000))), Ok(None));
    assert_eq!(
        any.problem(&format!("SELECT a FROM t WHERE a=1{}", " OR a=1".repeat(9_000))),
        Ok(None)
    );
    assert_eq!(any.problem(&format!("SELECT 1{}", " UNION SELECT 1".repeat(4_000))), Ok(None));
    any.problem(&format!("SELECT {}1", "NOT ".repeat(15_000))).ok();
    any.problem(&format!("SELECT {}1", "- ".repeat(30_000))).ok();
    any.problem(&format!("SELECT a{}", "::int".repeat(10_000))).ok();
    any.problem(&format!("SELECT a{}", "[1]".repeat(10_000))).ok();
    any.problem(&format!("SELECT {}", "CASE WHEN ".repeat(5_000))).ok();
    any.problem(&"(".repeat(60_000)).ok();
    any.problem(&format!("SELECT * FROM {}t", "(".repeat(30_000))).ok();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_text_panics(
        text in any::<String>(),
        like in "(SELECT |FROM |t |a |\\(|\\)|, |'|;|\\* |1 |WHERE |WITH |AS |-- |JOIN |UNION |\\.|IN |UPDATE |SET ){0,16}",
        dialect in 0..DIALECTS.len(),
    ) {
        let scorer = Parses { dialect: DIALECTS[dialect], ..scorer(&["t"], &["a"]) };
        scorer.problem(&text).ok();
        scorer.problem(&like).ok();
    }
}
