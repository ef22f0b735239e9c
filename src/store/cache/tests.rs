//! Real files in temporary directories.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::{
    base::{clock, money::Money},
    domain::{
        contract::{CacheKey, Kept, ResponseCache as _},
        generation::{FinishReason, Generation, TokenLogprob, ToolCall, Usage},
        limits::Limits,
        params::Params,
        target::{Capabilities, Endpoint, ReplaySource, Target, Timeouts},
        trial::Hit,
    },
    store::{Store, StoreError},
};

/// Nothing that a test keeps is too old or too much.
const KEEP: Keep = Keep { ttl: Duration::from_hours(1), max_bytes: Keep::MAX_BYTES };

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(".evals/cache.db");
    (directory, path)
}

fn target(model: &str) -> Target {
    Target {
        name: "a".to_owned(),
        provider: "openai",
        model: model.to_owned(),
        endpoint: Endpoint::Replay(ReplaySource {
            path: None,
            key: None,
            output: None,
            model: None,
        }),
        params: Params::default(),
        price: None,
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
        base_model: None,
        limits: Limits::default(),
    }
}

/// An answer with something in every field.
fn kept(text: &str) -> Kept {
    let call = ToolCall { id: String::new(), name: "f".into(), arguments: "{\"x\": 1}".into() };
    let token = TokenLogprob { token: "a".into(), logprob: -0.1, top: vec![("b".into(), -2.5)] };
    let usage = Usage {
        input: 9,
        output: 8,
        cache_read: 3,
        cache_write: 2,
        cache_write_1h: 1,
        reasoning: 4,
    };
    Kept {
        generation: Generation {
            text: text.to_owned(),
            reasoning: Some("so\0\u{202e}".into()),
            tool_calls: vec![call],
            finish_reason: FinishReason::ToolCalls,
            raw_finish_reason: Some("tool_use".into()),
            usage: Some(usage),
            served_model: Some("m-2026".into()),
            request_id: Some("req".into()),
            reported_cost: Some(Money::from_pico(5)),
            logprobs: vec![token],
        },
        origin: Hit {
            latency_us: Some(7),
            ttft_us: Some(6),
            saved: Some(Money::from_pico(1_000_000)),
        },
    }
}

fn key(n: u8) -> CacheKey {
    CacheKey([n; 32])
}

fn open(path: &std::path::Path) -> AnswerCache {
    AnswerCache::open(path, KEEP).expect("opened")
}

fn put(cache: &AnswerCache, n: u8, text: &str) {
    cache.put(key(n), &target("m"), Arc::new(kept(text)));
}

fn text(cache: &AnswerCache, n: u8) -> Option<String> {
    cache.get(&key(n), 0).map(|kept| kept.generation.text.clone())
}

#[test]
fn an_answer_comes_back_whole() {
    let (_directory, path) = place();
    let cache = open(&path);
    put(&cache, 1, "yes");
    assert_eq!(*cache.get(&key(1), 0).expect("found before it is written"), kept("yes"));
    assert_eq!(cache.close(), None);
    let cache = open(&path);
    assert_eq!(*cache.get(&key(1), 0).expect("found in the file"), kept("yes"));
    let bare = Kept { generation: Generation::default(), origin: Hit::default() };
    cache.put(key(2), &target("m"), Arc::new(bare.clone()));
    cache.close();
    let cache = open(&path);
    assert_eq!(*cache.get(&key(2), 0).expect("found"), bare);
    assert_eq!(text(&cache, 3), None);
}

#[test]
fn the_newest_answer_stays_and_old_ones_do_not_count() {
    let (_directory, path) = place();
    let cache = open(&path);
    put(&cache, 1, "old");
    put(&cache, 1, "new");
    cache.close();
    let cache = open(&path);
    assert_eq!(text(&cache, 1).as_deref(), Some("new"));
    assert_eq!(cache.get(&key(1), clock::now_ms() + 60_000), None);
    let conn = Connection::open(&path).expect("opened");
    conn.execute("UPDATE answers SET created_ms = created_ms + 3600000", []).expect("changed");
    assert_eq!(cache.get(&key(1), 0), None, "of a clock that is an hour ahead");
}

#[test]
fn two_caches_share_a_file() {
    let (_directory, path) = place();
    let (a, b) = (open(&path), open(&path));
    put(&a, 1, "of a");
    a.close();
    assert_eq!(text(&b, 1).as_deref(), Some("of a"));
    put(&b, 2, "of b");
    b.close();
    assert_eq!(text(&open(&path), 2).as_deref(), Some("of b"));
}

#[test]
fn rows_that_this_program_does_not_write_are_misses() {
    let (_directory, path) = place();
    let cache = open(&path);
    for n in 1..=9 {
        put(&cache, n, "x");
    }
    cache.close();
    let conn = Connection::open(&path).expect("opened");
    let damage = [
        (1, "answer = ''"),
        (2, "answer = 'null'"),
        (3, "answer = '{\"v\": 1}'"),
        (4, "answer = replace(answer, '\"v\":1', '\"v\":2')"),
        (5, "answer = replace(answer, '\"v\":1', '\"v\":1,\"more\":0')"),
        (6, "latency_us = -1"),
        (7, "answer = CAST(X'FF' AS TEXT)"),
        (8, "answer = '[' || answer || ']'"),
    ];
    for (n, change) in damage {
        let sql = format!("UPDATE answers SET {change} WHERE key = ?1");
        assert_eq!(conn.execute(&sql, [key(n).0]).expect("changed"), 1);
    }
    let cache = open(&path);
    for (n, change) in damage {
        assert_eq!(text(&cache, n), None, "{change}");
        put(&cache, n, "again");
    }
    assert_eq!(text(&cache, 9).as_deref(), Some("x"));
    assert_eq!(cache.close(), None);
    assert!((1..=8).all(|n| text(&open(&path), n).as_deref() == Some("again")));
}

#[test]
fn the_settings_are_as_asked() {
    let (_directory, path) = place();
    let cache = open(&path);
    let reader = cache.reader.lock().expect("a lock");
    let pragma = |name: &str| -> String {
        reader
            .conn
            .pragma_query_value(None, name, |row| {
                row.get::<_, i64>(0).map(|n| n.to_string()).or_else(|_| row.get(0))
            })
            .expect(name)
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!((pragma("synchronous"), pragma("trusted_schema")), ("1".into(), "0".into()));
    assert_eq!(
        (pragma("application_id"), pragma("user_version")),
        ("1163283523".into(), "2".into())
    );
}

#[test]
fn the_record_of_runs_is_no_cache_and_the_other_way_round() {
    let (_directory, path) = place();
    drop(Store::open(&path).expect("a store"));
    let error = AnswerCache::open(&path, KEEP).expect_err("refused");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    let (_directory, path) = place();
    drop(open(&path));
    let error = Store::open(&path).expect_err("refused");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    let conn = Connection::open(&path).expect("opened");
    conn.execute_batch("PRAGMA user_version = 99").expect("changed");
    let error = AnswerCache::open(&path, KEEP).expect_err("refused");
    assert!(matches!(error, StoreError::Newer { found: 99, known: 2, .. }), "{error}");
}

#[test]
fn what_it_was_good_for_is_counted() {
    let (_directory, path) = place();
    assert!(CacheFile::open(&path).expect("no error").is_none());
    let cache = open(&path);
    put(&cache, 1, "x");
    cache.put(key(2), &target("other"), Arc::new(kept("y")));
    cache.used(&kept("x").origin);
    cache.used(&kept("x").origin);
    cache.used(&Hit::default());
    cache.close();
    let file = CacheFile::open(&path).expect("opened").expect("a file");
    let stats = file.stats().expect("stats");
    assert_eq!((stats.entries, stats.hits, stats.unpriced_hits), (2, 3, 1));
    assert_eq!(stats.saved, Money::from_pico(2_000_000));
    assert!(stats.bytes > 0 && stats.oldest_ms <= stats.newest_ms && stats.oldest_ms.is_some());
    let of = |model: &str| ClearFilter { model: Some(model.to_owned()), before_ms: None };
    assert_eq!(file.clear(&of("openai/none")).expect("cleared"), 0);
    assert_eq!(file.count(&of("openai/other")).expect("counted"), 1);
    assert_eq!(file.clear(&of("openai/other")).expect("cleared"), 1);
    let older = ClearFilter { before_ms: Some(clock::now_ms() - 60_000), model: None };
    assert_eq!(file.clear(&older).expect("cleared"), 0);
    assert_eq!(file.stats().expect("stats").hits, 3);
    assert_eq!(file.clear(&ClearFilter::default()).expect("cleared"), 1);
    let stats = file.stats().expect("stats");
    assert_eq!((stats.entries, stats.hits, stats.oldest_ms), (0, 0, None));
}

#[test]
fn a_damaged_file_is_no_panic_and_loses_no_more_than_answers() {
    let (directory, path) = place();
    let cache = open(&path);
    for n in 0..40 {
        put(&cache, n, &"word ".repeat(200));
    }
    cache.close();
    let sound = fs::read(&path).expect("readable");
    let damaged = directory.path().join("damaged.db");
    let mut seen = 0;
    for step in 0..200_usize {
        let mut bytes = sound.clone();
        let at = step * 7_919 % bytes.len();
        for byte in bytes.iter_mut().skip(at).take(4) {
            *byte ^= 0xFF;
        }
        fs::write(&damaged, &bytes).expect("written");
        if let Ok(cache) = AnswerCache::open(&damaged, KEEP) {
            for n in 0..40 {
                text(&cache, n);
            }
            put(&cache, 50, "new");
            seen += u32::from(cache.close().is_some());
        } else {
            seen += 1;
        }
        for rest in ["damaged.db-wal", "damaged.db-shm"] {
            fs::remove_file(directory.path().join(rest)).ok();
        }
    }
    assert!(seen > 0);
}

fn stats(path: &std::path::Path) -> CacheStats {
    CacheFile::open(path).expect("opened").expect("a file").stats().expect("read")
}

#[test]
fn what_is_too_old_for_every_run_so_far_leaves_the_file() {
    let (_directory, path) = place();
    let day = Duration::from_hours(24);
    let keep = |ttl: Duration| {
        assert_eq!(AnswerCache::open(&path, Keep { ttl, ..KEEP }).expect("opened").close(), None);
    };
    keep(3 * day);
    let cache = open(&path);
    (1..=3).for_each(|n| put(&cache, n, "x"));
    cache.close();
    let aged = "UPDATE answers SET created_ms = created_ms - 86400000 * ?1 WHERE key = ?2";
    let conn = Connection::open(&path).expect("opened");
    for (n, days) in [(2, 2), (3, 4)] {
        conn.execute(aged, rusqlite::params![days, key(n).0]).expect("changed");
    }
    keep(Duration::from_secs(1));
    let left = stats(&path);
    assert_eq!((left.entries, left.expired, left.evicted), (2, 1, 0), "three days for somebody");
    let file = CacheFile::open(&path).expect("opened").expect("a file");
    let has = |n, since| file.has(&key(n), since).expect("read");
    assert_eq!((has(2, 0), has(2, clock::now_ms() - 86_400_000), has(3, 0)), (true, false, false));
}

#[test]
fn a_full_file_loses_its_oldest_answers() {
    let (_directory, path) = place();
    let keep = Keep { max_bytes: 1_000_000, ..KEEP };
    let cache = AnswerCache::open(&path, keep).expect("opened");
    let text = "x".repeat(20_000);
    (0..200).for_each(|n| put(&cache, n, &text));
    assert_eq!(cache.close(), None);
    let now = stats(&path);
    assert!((20..60).contains(&now.entries), "{now:?}");
    assert_eq!((now.entries + now.evicted, now.expired), (200, 0));
    assert!(now.bytes <= 1_000_000, "{now:?}");
    assert_eq!(now.max_bytes, Some(1_000_000));
    let cache = open(&path);
    assert!(cache.get(&key(199), 0).is_some());
    assert!(cache.get(&key(0), 0).is_none());
}

#[test]
fn a_file_of_the_first_version_goes_on() {
    let (_directory, path) = place();
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    let conn = Connection::open(&path).expect("made");
    conn.execute_batch(include_str!("0001_init.sql")).expect("made");
    conn.pragma_update(None, "application_id", 0x4556_4C43).expect("marked");
    conn.pragma_update(None, "user_version", 1).expect("marked");
    drop(conn);
    let cache = open(&path);
    put(&cache, 1, "yes");
    assert_eq!(cache.close(), None);
    assert_eq!((stats(&path).entries, stats(&path).max_bytes), (1, Some(Keep::MAX_BYTES)));
}
