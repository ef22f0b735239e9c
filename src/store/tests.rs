//! Real files in temporary directories.
//!
//! Long because every part of the store is tried with the same few trials.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::{
    base::{id, money::Money},
    domain::{
        contract::{Receipt, Sink},
        event::Event,
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, TokenLogprob, ToolCall, Usage},
        message::{Message, Role},
        run::{
            ModelInfo, PromptInfo, RunHeader, RunRecord, RunStatus, ScorerInfo, TrialDigest,
            TrialRecord,
        },
        sample::Sample,
        score::{Score, Verdict},
        target::Price,
        trial::{Answer, Attempt, Scored, Status, TrialKey},
    },
};

const HOSTILE: &str = "a\0b\u{202e}<script>\r\n'; DROP TABLE runs; --\u{1f980}";

fn header(name: &str) -> RunHeader {
    let price = Price {
        cache_read: Money::from_pico(3),
        cache_write: Money::from_pico(4),
        ..Price::new(Money::from_pico(1), Money::from_pico(2))
    };
    let model = |name: &str, price| ModelInfo {
        name: name.into(),
        title: None,
        provider: "sim".into(),
        model: "m".into(),
        origin: "sim/good".into(),
        params: json!({"temperature": 0.1}),
        price,
        fallback: Vec::new(),
        pool: Vec::new(),
        reference: None,
    };
    RunHeader {
        id: id::new_run_id(),
        name: name.into(),
        created_ms: 1_700_000_000_000,
        version: "0.1.0".into(),
        config: json!({"name": name, "key": "${NAME}"}),
        dataset: "rows.csv".into(),
        dataset_digest: "00".into(),
        samples: 2,
        prompts: vec![PromptInfo { id: "p".into(), template: json!("{{q}}") }],
        models: vec![model("a", Some(price)), model("b", None)],
        scorers: vec![ScorerInfo {
            id: "s".into(),
            name: "exact_match".into(),
            options: Value::Null,
            extract: None,
            unit_range: true,
            corpus: None,
        }],
        extracts: vec!["x".into(), "y".into()],
        epochs: 1,
        reduce: "mean".into(),
        gates: Vec::new(),
        command: None,
        forked_from: None,
        judges: Vec::new(),
        context: crate::domain::run::RunContext::default(),
    }
}

fn sample(index: u64) -> Sample {
    let vars = json!({"q": HOSTILE, "n": 1.5, "none": null, "list": [1, "2"]});
    Sample {
        index,
        id: format!("row-{index}"),
        input: Some(HOSTILE.into()),
        expected: vec!["yes".into(), HOSTILE.into()],
        vars: vars.as_object().expect("object").clone(),
        metadata: serde_json::Map::new(),
        cluster: index.is_multiple_of(2).then(|| "even".to_owned()),
        tags: vec!["t".into()],
    }
}

fn messages() -> Vec<Message> {
    vec![Message::text(Role::System, "terse"), Message::text(Role::User, HOSTILE)]
}

/// The key of a trial in a plan of one prompt, two models, one epoch.
fn key(seq: u64) -> TrialKey {
    TrialKey { seq, sample: seq / 2, prompt: 0, model: (seq % 2) as u32, epoch: 0 }
}

fn attempt(fault: Option<Fault>) -> Attempt {
    let answered = fault.is_none();
    let usage = Usage {
        input: 5,
        output: 6,
        cache_read: 1,
        cache_write: 2,
        cache_write_1h: 1,
        reasoning: 3,
    };
    Attempt {
        started_ms: 1_700_000_000_001,
        queued_us: 12,
        backoff_us: 34,
        latency_us: 1234,
        ttft_us: answered.then_some(99),
        status: Some(if answered { 200 } else { 429 }),
        fault,
        usage: answered.then_some(usage),
        cost: answered.then_some(Money::from_pico(77)),
        request_id: Some("req".into()),
        credential: Some("research".into()),
        cost_reported: answered,
        accepted: answered,
        masked: !answered,
    }
}

fn logprobs() -> Vec<TokenLogprob> {
    let top = vec![("a".to_owned(), -0.1), (HOSTILE.to_owned(), -2.5)];
    vec![TokenLogprob { token: "a".to_owned(), logprob: -0.1, top }]
}

fn answer(seq: u64, text: &str) -> Answer {
    let attempt = attempt(None);
    let generation = Generation {
        text: text.into(),
        finish_reason: FinishReason::Stop,
        usage: attempt.usage,
        logprobs: logprobs(),
        ..Generation::default()
    };
    Answer {
        key: key(seq),
        result: Ok(generation),
        attempts: vec![attempt],
        served_by: "a".into(),
        cached: None,
        extracted: vec![Some(text.into()), None],
    }
}

fn failed_answer(seq: u64) -> Answer {
    let fault = Fault {
        status: Some(429),
        retry_after: Some(Duration::from_secs(2)),
        partial: Some("half an ans".into()),
        ..Fault::new(FaultKind::RateLimited, HOSTILE)
    };
    Answer {
        result: Err(fault.clone()),
        attempts: vec![
            attempt(Some(Fault::new(FaultKind::Transient, "reset"))),
            attempt(Some(fault)),
        ],
        extracted: Vec::new(),
        ..answer(seq, "")
    }
}

fn scored(seq: u64, verdict: Verdict) -> Event {
    Event::Scored(Arc::new(Scored { key: key(seq), verdicts: vec![verdict] }))
}

fn emit(writer: &Writer, event: &Event) -> Receipt {
    writer.emit(event).expect("a receipt")
}

/// Starts a run with `samples` samples, their messages included, and waits until it is stored.
async fn start(writer: &Writer, header: &RunHeader, samples: u64) {
    let started = emit(writer, &Event::Started(Arc::new(header.clone())));
    for index in 0..samples {
        assert!(writer.emit(&Event::Sample(Arc::new(sample(index)))).is_none());
        let messages = messages().into();
        assert!(writer.emit(&Event::Rendered { sample: index, prompt: 0, messages }).is_none());
    }
    started.await.expect("stored");
}

fn answered(answer: Answer) -> Event {
    Event::Answered(Arc::new(answer))
}

fn trials(store: &Store, run: &RunRecord, filter: TrialFilter) -> Vec<TrialRecord> {
    let mut all = Vec::new();
    let taken = store.trials(run, &filter, &mut |trial| {
        all.push(trial);
        ControlFlow::Continue(())
    });
    taken.expect("readable");
    all
}

fn digests(store: &Store, run: &RunRecord) -> Vec<TrialDigest> {
    let mut all = Vec::new();
    store.digests(run, &mut |digest| all.push(digest)).expect("readable");
    all
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join(".evals").join("runs.db");
    (directory, path)
}

/// A finished run of four trials: one right, one wrong, one that cannot be scored, one failed.
async fn four_trials(path: &Path) -> RunRecord {
    let header = header("four");
    let writer = Writer::start(path).expect("writer");
    start(&writer, &header, 2).await;
    let wrong = Score { label: Some("B".into()), ..Score::binary(false).because(HOSTILE) };
    for (answer, verdict) in [
        (answer(0, HOSTILE), Verdict::Scored(Score::binary(true))),
        (answer(1, ""), Verdict::Scored(wrong)),
        (answer(2, "yes"), Verdict::Failed("no number".into())),
        (failed_answer(3), Verdict::Skipped("no answer".into())),
    ] {
        let seq = answer.key.seq;
        emit(&writer, &answered(answer)).await.expect("stored");
        emit(&writer, &scored(seq, verdict)).await.expect("stored");
    }
    emit(&writer, &Event::Finished(RunStatus::Incomplete)).await.expect("stored");
    writer.close().expect("closed");
    Store::open_existing(path).expect("store").find_run("last").expect("run")
}

#[tokio::test]
async fn what_is_written_is_read_back_to_the_byte() {
    let (_directory, path) = place();
    let run = four_trials(&path).await;
    let store = Store::open_existing(&path).expect("store");
    assert_eq!(store.journal_mode(), JournalMode::Wal);
    assert_eq!(run.status, RunStatus::Incomplete);
    assert!(run.finished_ms.is_some());
    let summary = &store.runs().expect("runs")[0];
    assert_eq!((&summary.record, summary.ended, summary.errors), (&run, 4, 1));

    let all = trials(&store, &run, TrialFilter::default());
    assert_eq!(
        all.iter().map(|trial| trial.key).collect::<Vec<_>>(),
        (0..4).map(key).collect::<Vec<_>>()
    );
    let (first, last) = (&all[0], &all[3]);
    let row = sample(0);
    assert_eq!((&first.sample_id, &first.input, &first.vars), (&row.id, &row.input, &row.vars));
    assert_eq!(
        (&first.expected, &first.tags, &first.messages),
        (&row.expected, &row.tags, &messages())
    );
    assert_eq!(first.output.as_deref(), Some(HOSTILE));
    assert_eq!(first.extracted, [Some(HOSTILE.to_owned()), None]);
    assert_eq!(
        (first.latency_us, first.ttft_us, first.cost_pico),
        (Some(1234), Some(99), Some(77))
    );
    assert_eq!(first.usage, attempt(None).usage);
    assert_eq!(first.cost_source.as_deref(), Some("provider"));
    assert_eq!(first.logprobs, logprobs());
    assert_eq!((last.cost_source.as_deref(), last.logprobs.len()), (None, 0));
    assert_eq!((first.status, first.finish_reason.as_deref()), (Status::Ok, Some("stop")));
    assert_eq!((first.scores[0].value, first.scores[0].passed), (Some(1.0), Some(true)));

    assert_eq!((all[1].status, all[1].output.as_deref()), (Status::Empty, Some("")));
    assert_eq!(all[1].scores[0].explanation.as_deref(), Some(HOSTILE));
    assert_eq!(all[1].scores[0].label.as_deref(), Some("B"));
    assert_eq!(all[2].scores[0].error, Some(("scorer".into(), "no number".into())));

    assert_eq!((last.status, last.attempts, &last.output), (Status::Error, 2, &None));
    assert_eq!(last.error, Some(("rate_limited".into(), HOSTILE.into())));
    assert_eq!(last.scores[0].error, Some(("skipped".into(), "no answer".into())));
    // The half answer may be billed, and nobody knows what it cost.
    assert_eq!(last.cost_pico, None);

    let digests = digests(&store, &run);
    assert_eq!(digests[0].cluster.as_deref(), Some("even"));
    assert_eq!(digests[2].cluster, None);
    assert_eq!(digests[3].error_kind.as_deref(), Some("rate_limited"));
    assert_eq!(digests.iter().map(|d| d.unpriced).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(
        digests.iter().map(|d| d.scores[0].failed).collect::<Vec<_>>(),
        [false, false, true, false]
    );
}

#[tokio::test]
async fn every_attempt_is_kept_with_its_partial_text() {
    let (_directory, path) = place();
    four_trials(&path).await;
    let conn = Connection::open(&path).expect("open");
    let sql =
        "SELECT error_kind, partial, retry_after_ms FROM attempts WHERE seq = 3 ORDER BY attempt";
    let mut select = conn.prepare(sql).expect("prepared");
    let rows: Vec<(String, Option<String>, Option<i64>)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect)
        .expect("rows");
    let expected = [
        ("transient".to_owned(), None, None),
        ("rate_limited".to_owned(), Some("half an ans".to_owned()), Some(2000)),
    ];
    assert_eq!(rows, expected);
    let prices: (i64, i64) = conn
        .query_row("SELECT count(*), count(input_pico) FROM models", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("models");
    assert_eq!(prices, (2, 1));
}

#[tokio::test]
async fn filters_and_failed_samples() {
    let (_directory, path) = place();
    let run = four_trials(&path).await;
    let store = Store::open_existing(&path).expect("store");
    let found = |filter| -> Vec<u64> {
        trials(&store, &run, filter).iter().map(|trial| trial.key.seq).collect()
    };
    let all = TrialFilter::default();
    assert_eq!(found(TrialFilter { only_failed: true, ..all }), [1, 2, 3]);
    assert_eq!(found(TrialFilter { model: Some(1), ..all }), [1, 3]);
    assert_eq!(found(TrialFilter { limit: Some(1), only_failed: true, ..all }), [1]);
    assert_eq!(found(TrialFilter { prompt: Some(7), ..all }), [0_u64; 0]);
    let mut failed: Vec<String> = store.failed_sample_ids(&run).expect("ids").into_iter().collect();
    failed.sort();
    assert_eq!(failed, ["row-0", "row-1"]);

    let mut seen = 0;
    let stopped = store.trials(&run, &all, &mut |_| {
        seen += 1;
        // The store can be asked while it streams.
        assert_eq!(store.runs().expect("runs").len(), 1);
        ControlFlow::Break(())
    });
    stopped.expect("readable");
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_receipt_resolves_when_another_connection_sees_the_row() {
    let (_directory, path) = place();
    let header = header("seen");
    let _at_work = RunLock::take(&path, &header.id).expect("free");
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header, 50).await;
    let reader = Store::open_existing(&path).expect("store");
    let run = reader.find_run(&header.id).expect("run");
    for seq in 0..100 {
        emit(&writer, &answered(answer(seq, "x"))).await.expect("stored");
        assert_eq!(digests(&reader, &run).len() as u64, seq + 1);
    }
    assert_eq!(run.status, RunStatus::Running);
    drop(writer);
    assert_eq!(reader.runs().expect("runs")[0].ended, 100);
}

#[tokio::test]
async fn a_second_answer_is_refused_and_its_neighbours_are_kept() {
    let (_directory, path) = place();
    let header = header("twice");
    let writer = Writer::start(&path).expect("writer");
    let too_early = emit(&writer, &answered(answer(0, "x"))).await;
    assert!(too_early.expect_err("refused").0.contains("no run has been started"));
    start(&writer, &header, 2).await;

    // All in the queue at once, so that most share a transaction.
    let events = [
        answered(answer(0, "first")),
        scored(0, Verdict::Scored(Score::number(0.5))),
        answered(answer(0, "second")),
        scored(0, Verdict::Scored(Score::number(0.7))),
        scored(1, Verdict::Scored(Score::number(0.7))),
        Event::Started(Arc::new(header.clone())),
        answered(answer(1, "third")),
    ];
    let receipts: Vec<Receipt> = events.iter().map(|event| emit(&writer, event)).collect();
    let mut outcomes = Vec::new();
    for receipt in receipts {
        outcomes.push(receipt.await.map_err(|error| error.0));
    }
    let said = |index: usize| outcomes[index].clone().expect_err("refused");
    assert_eq!((&outcomes[0], &outcomes[1], &outcomes[6]), (&Ok(()), &Ok(()), &Ok(())));
    assert!(said(2).ends_with("trial 0 already has an answer"), "{}", said(2));
    assert!(said(3).ends_with("trial 0 already has its scores"), "{}", said(3));
    assert!(said(4).ends_with("its answer is not in the store"), "{}", said(4));
    assert!(said(5).contains("is already stored"), "{}", said(5));
    writer.close().expect("the store itself is fine");

    let store = Store::open_existing(&path).expect("store");
    let run = store.find_run("last").expect("run");
    let all = trials(&store, &run, TrialFilter::default());
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].output.as_deref(), all[0].scores[0].value), (Some("first"), Some(0.5)));
    assert_eq!(store.runs().expect("runs")[0].ended, 2);
}

#[tokio::test]
async fn a_recorded_answer_comes_back_whole() {
    let (_directory, path) = place();
    let header = header("recorded");
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header, 2).await;
    let mut called = answer(0, "");
    let generation = called.result.as_mut().expect("an answer");
    generation.tool_calls =
        vec![ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() }];
    generation.reasoning = Some(HOSTILE.into());
    generation.raw_finish_reason = Some("tool_use".into());
    generation.served_model = Some("m-1".into());
    called.attempts.insert(0, failed_answer(0).attempts.remove(1));
    let counted = Score { counts: vec![1.0, 2.5], ..Score::number(0.5) };
    let half = Verdict::Scored(counted.because("half"));
    for answer in [called.clone(), failed_answer(1)] {
        emit(&writer, &answered(answer)).await.expect("stored");
    }
    emit(&writer, &scored(0, half.clone())).await.expect("stored");
    emit(&writer, &Event::Retried(Arc::new(header))).await.expect("goes on");
    let tried = failed_answer(1).attempts;
    emit(&writer, &Event::Left { key: key(1), attempts: tried.into() }).await.expect("stored");
    let store = Store::open_existing(&path).expect("store");
    let run = store.find_run("last").expect("run");
    let first = store.recorded(&run, 0).expect("readable").expect("recorded");
    assert_eq!((first.answer, first.verdicts), (called, vec![Some(half)]));
    assert_eq!(digests(&store, &run)[0].scores[0].counts, [1.0, 2.5]);
    let failed = store.recorded(&run, 1).expect("readable").expect("recorded");
    assert_eq!((failed.answer.status(), failed.answer.attempts.len()), (Status::Error, 4));
    emit(&writer, &answered(answer(1, "at last"))).await.expect("stored");
    let again = emit(&writer, &answered(answer(1, "twice"))).await.expect_err("refused");
    assert!(again.0.contains("already has an answer"), "{again}");
    drop(writer);
    let second = store.recorded(&run, 1).expect("readable").expect("recorded");
    assert_eq!((second.answer.status(), second.answer.attempts.len()), (Status::Ok, 5));
    let summary = &store.runs().expect("runs")[0];
    assert_eq!((summary.ended, summary.errors), (2, 0));
}

#[tokio::test]
async fn a_sample_may_come_again_but_not_as_another_one() {
    let (_directory, path) = place();
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header("again"), 2).await;
    writer.emit(&Event::Sample(Arc::new(sample(1))));
    emit(&writer, &answered(answer(0, "x"))).await.expect("stored");
    let other = Sample { id: "other".into(), ..sample(1) };
    writer.emit(&Event::Sample(Arc::new(other)));
    let error = emit(&writer, &answered(answer(1, "x"))).await.expect_err("wrong data");
    assert!(error.0.contains("sample 1 is stored as `row-1` and now comes as `other`"), "{error}");
    assert_eq!(writer.close(), Err(error));
}

/// Waits for all `receipts`; true when every one failed for a cause that `says` so.
async fn all_fail(receipts: Vec<Receipt>, says: &str) -> bool {
    let mut all = true;
    for receipt in receipts {
        all &= receipt.await.is_err_and(|error| error.0.contains(says));
    }
    all
}

#[tokio::test]
async fn a_full_disk_fails_every_later_event_and_keeps_the_earlier_ones() {
    let (_directory, path) = place();
    let store = Store::open(&path).expect("store");
    let pages: i64 =
        store.conn.pragma_query_value(None, "page_count", |row| row.get(0)).expect("pages");
    store
        .conn
        .pragma_update_and_check(None, "max_page_count", pages + 20, |row| row.get::<_, i64>(0))
        .expect("set");
    let writer = Writer::over(store).expect("writer");
    start(&writer, &header("full"), 1).await;
    emit(&writer, &answered(answer(0, "kept"))).await.expect("stored");
    let large = "x".repeat(200_000);
    let receipts =
        vec![emit(&writer, &answered(answer(1, &large))), emit(&writer, &answered(answer(2, "x")))];
    assert!(all_fail(receipts, "the disk is full").await);
    let later = vec![emit(&writer, &Event::Finished(RunStatus::Complete))];
    assert!(all_fail(later, "the disk is full").await);
    assert!(writer.close().is_err());

    let store = Store::open_existing(&path).expect("store");
    assert_eq!(store.check().expect("readable"), [""; 0]);
    let run = store.find_run("full").expect("run");
    assert_eq!(digests(&store, &run).len(), 1);
    assert_eq!(run.status, RunStatus::Interrupted);
}

#[tokio::test]
async fn a_store_that_is_deleted_or_read_only_fails_receipts() {
    let (directory, path) = place();
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header("gone"), 1).await;
    fs::remove_dir_all(path.parent().expect("directory")).expect("removed");
    let receipts = vec![emit(&writer, &answered(answer(0, "x")))];
    assert!(all_fail(receipts, "deleted or replaced").await);
    drop(writer);

    let path = directory.path().join("read-only.db");
    let store = Store::open(&path).expect("store");
    store.conn.pragma_update(None, "query_only", true).expect("set");
    let writer = Writer::over(store).expect("writer");
    let receipts = vec![emit(&writer, &Event::Started(Arc::new(header("x"))))];
    assert!(all_fail(receipts, "the file is read-only").await);
}

#[tokio::test]
async fn a_run_that_is_deleted_while_it_is_written_says_so() {
    let (_directory, path) = place();
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header("deleted"), 1).await;
    let store = Store::open_existing(&path).expect("store");
    store.delete_run(&store.find_run("last").expect("run")).expect("deleted");
    let receipts = vec![
        emit(&writer, &answered(answer(0, "x"))),
        emit(&writer, &Event::Finished(RunStatus::Complete)),
    ];
    assert!(all_fail(receipts, "the run is no longer in the store").await);
    assert!(store.runs().expect("runs").is_empty());
}

#[tokio::test]
async fn what_is_queued_is_written_when_the_writer_is_dropped() {
    let (_directory, path) = place();
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header("dropped"), 1_000).await;
    for seq in 0..2_000 {
        drop(emit(&writer, &answered(answer(seq, "x"))));
    }
    drop(writer);
    let store = Store::open_existing(&path).expect("store");
    let run = store.find_run("last").expect("run");
    assert_eq!(digests(&store, &run).len(), 2_000);
}

#[tokio::test]
async fn two_writers_share_a_file() {
    let (_directory, path) = place();
    let (first, second) = (Writer::start(&path).expect("one"), Writer::start(&path).expect("two"));
    let headers = [header("one"), header("two")];
    let mut receipts = Vec::new();
    for (writer, header) in [&first, &second].into_iter().zip(&headers) {
        start(writer, header, 1_000).await;
    }
    for seq in 0..2_000 {
        for writer in [&first, &second] {
            receipts.push(emit(writer, &answered(answer(seq, "x"))));
        }
    }
    for receipt in receipts {
        receipt.await.expect("stored");
    }
    first.close().expect("closed");
    second.close().expect("closed");
    let store = Store::open_existing(&path).expect("store");
    for header in headers {
        let run = store.find_run(&header.id).expect("run");
        assert_eq!(digests(&store, &run).len(), 2_000);
    }
    assert_eq!(store.check().expect("readable"), [""; 0]);
}

#[test]
fn many_may_make_the_same_store_at_once() {
    let (_directory, path) = place();
    let modes = thread::scope(|scope| {
        let open = || Store::open(&path).map(|store| store.journal_mode());
        let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(modes.iter().all(|mode| matches!(mode, Ok(JournalMode::Wal))), "{modes:?}");
}

#[tokio::test]
async fn deleting_a_run_gives_its_space_back_and_leaves_the_others() {
    let (_directory, path) = place();
    let small = four_trials(&path).await;
    let writer = Writer::start(&path).expect("writer");
    start(&writer, &header("large"), 500).await;
    let text = "x".repeat(10_000);
    for seq in 0..1_000 {
        drop(emit(&writer, &answered(answer(seq, &text))));
    }
    writer.close().expect("closed");
    let size = || fs::metadata(&path).expect("file").len();
    let before = size();
    assert!(before > 10_000_000);
    let store = Store::open_existing(&path).expect("store");
    let large = store.find_run("large").expect("run");
    store.delete_run(&large).expect("deleted");
    assert!(size() < before / 10, "{} of {before} left", size());
    assert!(matches!(store.delete_run(&large), Err(StoreError::UnknownRun { .. })));
    assert_eq!(trials(&store, &small, TrialFilter::default()).len(), 4);
    assert_eq!(store.check().expect("readable"), [""; 0]);
}

#[tokio::test]
async fn runs_are_found_by_id_prefix_name_and_age() {
    let (_directory, path) = place();
    let store = Store::open(&path).expect("store");
    let none = store.find_run("last").expect_err("empty");
    assert!(matches!(none, StoreError::NoRuns { .. }), "{none}");
    let ids =
        ["01AAAAAAAAAAAAAAAAAAAAAAAA", "01AAABBBBBBBBBBBBBBBBBBBBB", "01CCCCCCCCCCCCCCCCCCCCCCCC"];
    let writer = Writer::start(&path).expect("writer");
    for (id, name) in ids.iter().zip(["capitals", "math", "capitals"]) {
        let header = RunHeader { id: (*id).to_owned(), ..header(name) };
        emit(&writer, &Event::Started(Arc::new(header))).await.expect("stored");
    }
    writer.close().expect("closed");
    let found = |reference| store.find_run(reference).map(|run| run.header.id);
    for (reference, expected) in [
        ("last", 2),
        ("last~1", 1),
        ("last~2", 0),
        ("01aaabbbbbbbbbbbbbbbbbbbbb", 1),
        ("01cc", 2),
        ("01AAAB", 1),
        ("capitals", 2),
        ("math", 1),
    ] {
        assert_eq!(found(reference).expect(reference), ids[expected], "{reference}");
    }
    let message = |reference| found(reference).expect_err(reference).to_string();
    assert_eq!(
        message("01AA"),
        format!(
            "find run `01AA`: 2 ids begin so: {} `math`, {} `capitals`; write more of one",
            ids[1], ids[0]
        )
    );
    for reference in ["01C", "Math", "last~3", "last~", "lasting", "%%%%", ""] {
        assert!(message(reference).contains("the newest are 01CC"), "{}", message(reference));
    }
    let names: Vec<String> =
        store.runs().expect("runs").into_iter().map(|run| run.record.header.id).collect();
    assert_eq!(names, [ids[2], ids[1], ids[0]]);
}

/// Makes a file of `content`, opens it as a store, and gives the error; the file must not change.
fn refusal(content: &[u8]) -> StoreError {
    let (_directory, path) = place();
    fs::create_dir_all(path.parent().expect("directory")).expect("made");
    fs::write(&path, content).expect("written");
    let error = Store::open(&path).expect_err("refused");
    assert!(Writer::start(&path).is_err());
    assert_eq!(fs::read(&path).expect("still there"), content, "{error}");
    error
}

/// The bytes of a database that `sql` makes.
fn database(sql: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("x.db");
    let conn = Connection::open(&path).expect("open");
    conn.execute_batch(sql).expect("made");
    conn.close().expect("closed");
    fs::read(&path).expect("readable")
}

#[test]
fn what_is_not_our_store_is_refused_and_left_alone() {
    let text = refusal(b"id,question,answer\n1,2,3\n");
    assert!(matches!(text, StoreError::NotADatabase { .. }), "{text}");
    let foreign = refusal(&database("CREATE TABLE t (x); PRAGMA user_version = 1"));
    assert!(matches!(foreign, StoreError::Foreign { .. }), "{foreign}");
    let foreign = refusal(&database("PRAGMA journal_mode = WAL; CREATE TABLE t (x)"));
    assert!(matches!(foreign, StoreError::Foreign { .. }), "{foreign}");
    let foreign = refusal(&database("PRAGMA application_id = 77"));
    assert!(matches!(foreign, StoreError::Foreign { .. }), "{foreign}");
    let newer = refusal(&database("PRAGMA application_id = 0x45564C53; PRAGMA user_version = 99"));
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
    let mut torn = database("CREATE TABLE t (x)");
    torn[100..].fill(0xA5);
    let torn = refusal(&torn);
    assert!(matches!(torn, StoreError::Damaged { .. }), "{torn}");
}

#[test]
fn a_path_that_is_of_no_use_is_an_error() {
    let directory = tempfile::tempdir().expect("directory");
    let missing = Store::open_existing(&directory.path().join("none.db")).expect_err("missing");
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
    let is_directory = Store::open(directory.path()).expect_err("a directory");
    assert!(matches!(is_directory, StoreError::Path { .. }), "{is_directory}");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("written");
    let below_file = Store::open(&file.join("runs.db")).expect_err("below a file");
    assert!(matches!(below_file, StoreError::Path { .. }), "{below_file}");
    assert!(Store::open(&file).is_ok(), "an empty file becomes a store");
}

/// The database as the first version made it, with what it wrote.
const FIRST: &str = "
    PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 0x45564C53; PRAGMA user_version = 1;";

#[test]
fn a_database_of_the_first_version_is_brought_up_with_what_it_holds() {
    let (_directory, path) = place();
    let mut old = header("old");
    old.id = "01JABCDEFGHJKMNPQRSTVWXYZ0".into();
    {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        let conn = Connection::open(&path).expect("opened");
        conn.execute_batch(FIRST).expect("settings");
        conn.execute_batch(include_str!("migrations/0001_init.sql")).expect("tables");
        let text = serde_json::to_string(&old).expect("JSON");
        assert!(!text.contains("reference"), "what the first version did not know: {text}");
        let row = (&old.id, &text);
        conn.execute(
            "INSERT INTO runs (id, name, status, created_ms, header)
             VALUES (?1, 'old', 'complete', 5, ?2)",
            row,
        )
        .expect("a run");
        conn.execute_batch(
            "INSERT INTO samples VALUES (1, 0, 'row-0', NULL, 'q', '[]', '[]', '{}', '{}');
             INSERT INTO trials (run, seq, sample, prompt, model, epoch, status, cached, attempts)
             VALUES (1, 0, 0, 0, 0, 0, 'ok', 0, 1);
             INSERT INTO answers (run, seq, served_by, output) VALUES (1, 0, 'a', 'yes');
             INSERT INTO attempts (run, seq, attempt, started_ms, latency_us) VALUES (1,0,0,7,8);",
        )
        .expect("a trial");
    }
    let store = Store::open_existing(&path).expect("brought up");
    let version = |store: &Store| -> i64 {
        store.conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("version")
    };
    assert_eq!(version(&store), 11);
    assert_eq!(store.find_run("old").expect("found").header, old);
    let attempt: (i64, Option<String>) = store
        .conn
        .query_row(
            "SELECT latency_us + queued_us + backoff_us, credential FROM attempts",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("an attempt");
    assert_eq!(attempt, (8, None));
    assert_eq!(store.check().expect("checked"), [""; 0]);
    drop(store);
    assert_eq!(version(&Store::open(&path).expect("opened again")), 11);
}

#[tokio::test]
async fn attempts_keep_the_credential_that_they_were_made_with() {
    let (_directory, path) = place();
    four_trials(&path).await;
    let store = Store::open_existing(&path).expect("opened");
    let count: i64 = store
        .conn
        .query_row("SELECT count(*) FROM attempts WHERE credential = 'research'", [], |row| {
            row.get(0)
        })
        .expect("counted");
    assert!(count > 0);
}

/// Reads all there is; only that nothing panics counts.
fn read_everything(path: &Path) -> Result<(), StoreError> {
    let store = Store::open_existing(path)?;
    store.check()?;
    for run in store.runs()? {
        store.trials(&run.record, &TrialFilter::default(), &mut |_| ControlFlow::Continue(()))?;
        store.digests(&run.record, &mut |_| ())?;
        store.failed_sample_ids(&run.record)?;
    }
    Ok(())
}

#[tokio::test]
async fn row_39_a_damaged_file_is_an_error_and_never_a_panic() {
    let (directory, path) = place();
    four_trials(&path).await;
    let sound = fs::read(&path).expect("readable");
    let damaged = directory.path().join("damaged.db");
    let mut refused = 0;
    for step in 0..300_usize {
        let mut bytes = sound.clone();
        let at = step * 7_919 % bytes.len();
        for byte in bytes.iter_mut().skip(at).take(4) {
            *byte ^= 0xFF;
        }
        fs::write(&damaged, &bytes).expect("written");
        refused += u32::from(read_everything(&damaged).is_err());
        for rest in ["damaged.db-wal", "damaged.db-shm"] {
            fs::remove_file(directory.path().join(rest)).ok();
        }
    }
    assert!(refused > 0);
}
