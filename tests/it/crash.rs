//! Runs whose process is killed, whose power is cut, whose disk is full or broken: nothing that was
//! answered is lost, and nothing is paid for twice.
//!
//! `EVALS_TEST_KILLS` sets how many kills there are (`just crash`), `EVALS_TEST_SEED` which, and
//! `EVALS_TEST_MINUTES` ends them early.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use evals::{base::clock, store::Store};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use crate::{
    resume::{project, resume, right},
    support::{Evals, Project, Request, Running, Stub, openai_chat, skipped},
};

fn number(variable: &str, default: u64) -> u64 {
    let set = std::env::var_os(variable).map(OsString::into_string);
    set.map_or(default, |text| text.expect("text").parse().expect("a number"))
}

/// Places of the trials that are recorded, by what is recorded of them.
fn recorded(db: &Path, what: &str) -> BTreeSet<u64> {
    if !db.exists() {
        return BTreeSet::new();
    }
    let store = rusqlite::Connection::open(db).expect("the store");
    let seqs = store.prepare(what).and_then(|mut select| {
        select.query_map([], |row| row.get::<_, i64>(0))?.map(|seq| seq.map(|s| s as u64)).collect()
    });
    match seqs {
        // A process that was killed early has made no tables.
        Err(error) if error.to_string().contains("no such table") => BTreeSet::new(),
        seqs => seqs.expect("the store"),
    }
}

/// Longer than anything here takes: ends a test that hangs.
const STUCK: Duration = Duration::from_mins(2);

const ANSWERED: &str = "SELECT seq FROM answers";
const RUNS: &str = "SELECT run FROM runs";

/// Everything is there once, and the file is sound.
#[track_caller]
fn check_whole(db: &Path, rows: u64) {
    let store = rusqlite::Connection::open(db).expect("the store");
    let one = |sql: &str| -> String {
        store.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).map_or_else(
            |error| panic!("{sql}: {error}"),
            |value| match value {
                rusqlite::types::Value::Integer(n) => n.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            },
        )
    };
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    let rows = rows.to_string();
    assert_eq!(one("SELECT count(*) FROM trials WHERE status = 'ok'"), rows);
    assert_eq!(one("SELECT count(*) FROM answers"), rows);
    assert_eq!(one("SELECT count(*) FROM scores WHERE passed = 1"), rows);
    assert_eq!(one("SELECT count(*) FROM samples"), rows);
    assert_eq!(one("SELECT count(*) FROM runs WHERE status = 'complete'"), "1");
    assert_eq!(one("SELECT ended || ' ' || errors FROM runs"), format!("{rows} 0"));
}

/// What the kills came to.
#[derive(Debug, Default)]
struct Count {
    kills: u64,
    runs: u64,
    trials: usize,
    /// Calls that the server was asked for, and those of them that were under way at a kill.
    calls: usize,
    in_flight: usize,
}

/// Lets the program run until the server has had `n` requests, or it has ended.
#[track_caller]
fn until(running: &mut Running, stub: &Stub, n: usize) {
    let begun = clock::instant();
    while !running.has_ended() && stub.requests().len() < n {
        stub.wait_at_most(n, Duration::from_millis(20));
        assert!(begun.elapsed() < STUCK, "it neither asks nor ends");
    }
}

/// One run of `ROWS` trials, killed at random until there were `most` kills, and then finished.
fn kill_loop(random: &mut StdRng, most: u64, count: &mut Count) {
    const ROWS: usize = 60;
    let stub = Stub::start(|request, _| right(request));
    let project = project(&stub.base_url(), ROWS);
    let db = project.path(".evals/runs.db");
    let (mut in_flight, mut sessions) = (0, 0);
    loop {
        let before = recorded(&db, ANSWERED);
        let asked_before = stub.requests().len();
        let begin = if recorded(&db, RUNS).is_empty() { "run" } else { "resume" };
        let mut running = project.evals().args([begin, "-q", "-j", "4", "--no-report"]).spawn();
        sessions += 1;
        if count.kills < most {
            // After some request, or after some time: before the first one, or in between.
            let wait = Duration::from_micros(random.random_range(0..2_500));
            if random.random_bool(0.8) {
                let next = asked_before + random.random_range(1..12);
                until(&mut running, &stub, next);
                stub.wait_at_most(usize::MAX, wait);
            } else {
                stub.wait_at_most(usize::MAX, wait * 100);
            }
            if !running.has_ended() {
                running.signal("KILL");
                count.kills += 1;
            }
        }
        until(&mut running, &stub, usize::MAX);
        let output = running.wait();
        stub.settle();
        let asked = stub.requests();
        let paid: Vec<u64> = asked[asked_before..].iter().map(seq).collect();
        let twice: Vec<&u64> = paid.iter().filter(|seq| before.contains(seq)).collect();
        assert!(twice.is_empty(), "session {sessions} asked again what was recorded: {twice:?}");
        let after = recorded(&db, ANSWERED);
        assert!(after.is_superset(&before), "session {sessions} lost answers");
        in_flight += paid.iter().filter(|seq| !after.contains(seq)).count();
        match output.code {
            None => {}
            // It had ended before the signal came.
            Some(0) => break,
            // The one before it was killed after its last word and before its end.
            Some(2) if output.stderr.contains("nothing is left to do") => break,
            Some(_) => panic!("{output:?}"),
        }
    }
    check_whole(&db, ROWS as u64);
    let paid = stub.requests().len();
    assert!(paid <= ROWS + in_flight, "{paid} calls for {ROWS} trials, {in_flight} in flight");
    count.runs += 1;
    count.trials += ROWS;
    count.calls += paid;
    count.in_flight += in_flight;
}

/// The place of the trial that a request is for.
fn seq(request: &Request) -> u64 {
    request.last_user().trim_start_matches('q').parse().expect("a number")
}

#[test]
fn row_39_random_kills_lose_nothing_and_pay_for_nothing_twice() {
    let most = number("EVALS_TEST_KILLS", 15);
    let time = Duration::from_mins(number("EVALS_TEST_MINUTES", 24 * 60));
    let mut random = StdRng::seed_from_u64(number("EVALS_TEST_SEED", 39));
    let (begun, mut count) = (clock::instant(), Count::default());
    while count.kills < most && begun.elapsed() < time {
        kill_loop(&mut random, most, &mut count);
    }
    eprintln!("{count:?}");
}

/// Whether `strace` works here.
fn can_trace() -> bool {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let works = works.is_ok_and(|status| status.success());
    if !works {
        skipped("there is no `strace` that may trace");
    }
    works
}

/// What a traced process did to the files of its store, and what it said of them.
#[derive(Debug)]
enum Op {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: String,
        len: usize,
    },
    Sync {
        file: String,
    },
    /// A line of the log: its event and the place of the trial.
    Said {
        event: String,
        seq: Option<u64>,
    },
}

/// The calls of a trace in which every text is in hexadecimal; a call counts when it returns.
fn operations(trace: &str) -> Vec<Op> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut ops = Vec::new();
    for line in trace.lines() {
        let (pid, call) = line.split_once(' ').expect("a process and a call");
        let call = call.trim_start();
        let whole = if let Some(begin) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, begin.to_owned());
            continue;
        } else if let Some(end) = call.strip_prefix("<... ") {
            let (_, end) = end.split_once(" resumed>").expect("the rest of a call");
            begun.remove(pid).unwrap_or_default() + end
        } else {
            call.to_owned()
        };
        ops.extend(operation(&whole));
    }
    ops
}

fn operation(call: &str) -> Option<Op> {
    let (name, rest) = call.split_once('(')?;
    let (_, rest) = rest.split_once('<')?;
    let (path, rest) = rest.split_once('>')?;
    let path = String::from_utf8(unhex(path)).expect("UTF-8");
    let file = Path::new(&path).file_name()?.to_string_lossy().into_owned();
    let (arguments, result) = rest.rsplit_once("= ").expect("a call and its result");
    let arguments = arguments.trim_end().strip_suffix(')').expect("the end of a call");
    assert!(!result.starts_with('-') && !result.starts_with('?'), "a call failed: {call:.120}");
    let last = || arguments.rsplit(", ").next()?.parse().ok();
    let text = || Some(unhex(arguments.split('"').nth(1)?));
    if file == "log.jsonl" && name == "write" {
        let line: Value = serde_json::from_slice(&text()?).expect("one line at once");
        let event = line["event"].as_str().expect("an event").to_owned();
        return Some(Op::Said { event, seq: line["trial"].as_u64() });
    }
    if !["runs.db", "runs.db-wal"].contains(&file.as_str()) {
        return None;
    }
    match name {
        "pwrite64" => Some(Op::Write { file, at: last()?, bytes: text()? }),
        "ftruncate" => Some(Op::Cut { file, len: last()? }),
        "fsync" | "fdatasync" => Some(Op::Sync { file }),
        _ => panic!("the store is written by `{name}`: teach the replay"),
    }
}

/// The bytes of a text such as `\x2f\x74`.
fn unhex(text: &str) -> Vec<u8> {
    let codes = text.split("\\x").skip(1);
    codes.map(|code| u8::from_str_radix(code, 16).expect("hexadecimal")).collect()
}

/// The files as a disk may hold them when the power goes.
#[derive(Debug, Clone, Default)]
struct Disk {
    /// What has reached the disk.
    safe: BTreeMap<String, Vec<u8>>,
    /// What has not, in order.
    waits: Vec<(String, usize, Option<Vec<u8>>)>,
}

impl Disk {
    fn take(&mut self, op: &Op) {
        match op {
            Op::Write { file, at, bytes } => {
                self.waits.push((file.clone(), *at, Some(bytes.clone())));
            }
            Op::Cut { file, len } => self.waits.push((file.clone(), *len, None)),
            Op::Sync { file } => {
                let (done, rest) =
                    std::mem::take(&mut self.waits).into_iter().partition(|(of, ..)| of == file);
                self.waits = rest;
                let done: Vec<_> = done;
                for change in &done {
                    apply(&mut self.safe, change);
                }
            }
            Op::Said { .. } => {}
        }
    }

    /// The files after a cut, with those of the waiting changes that `keep` lets through.
    fn cut(&self, mut keep: impl FnMut() -> bool) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.safe.clone();
        for change in self.waits.iter().filter(|_| keep()) {
            apply(&mut files, change);
        }
        files
    }
}

fn apply(files: &mut BTreeMap<String, Vec<u8>>, change: &(String, usize, Option<Vec<u8>>)) {
    let (file, at, bytes) = change;
    let file = files.entry(file.clone()).or_default();
    match bytes {
        None => file.resize(*at, 0),
        Some(bytes) => {
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*at..end].copy_from_slice(bytes);
        }
    }
}

/// What was said of the trials before the power went.
#[derive(Debug, Default)]
struct SaidSoFar {
    answered: BTreeSet<u64>,
    scored: BTreeSet<u64>,
}

/// Opens the store that `files` are, and checks that all that was said is true.
fn check_after_cut(dir: &Path, files: &BTreeMap<String, Vec<u8>>, said: &SaidSoFar) {
    fs::create_dir_all(dir).expect("a directory");
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).expect("written");
    }
    {
        let store = Store::open_existing(&dir.join("runs.db")).expect("it opens");
        assert_eq!(store.check().expect("readable"), [""; 0]);
        let run = store.find_run("last").expect("the run");
        for seq in &said.answered {
            let recorded = store.recorded(&run, *seq).expect("readable");
            let recorded = recorded.unwrap_or_else(|| panic!("the answer of {seq} is lost"));
            let scored = recorded.verdicts.iter().all(Option::is_some);
            let scored = scored && !recorded.verdicts.is_empty();
            assert!(scored || !said.scored.contains(seq), "the score of {seq} is lost");
        }
    }
    fs::remove_dir_all(dir).expect("removed");
}

/// A cut at every place of a run; what had not been flushed is dropped, or some of it is kept. What
/// the log told before is in the store.
#[test]
fn row_39_power_loss_takes_nothing_back() {
    if !can_trace() {
        return;
    }
    let project = Project::new();
    let rows: Vec<String> = (0..40).map(|i| format!("q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("question,answer\n{}", rows.concat()));
    let calls = "trace=write,pwrite64,ftruncate,fsync,fdatasync";
    Evals::program("strace", &project)
        .args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", "trace", "-e", calls])
        .arg(env!("CARGO_BIN_EXE_evals"))
        .args(["run", "rows.csv", "-m", "{use: sim/instant, id: sim, latency: 2ms}", "-j", "4"])
        .args(["-p", "{{question}}", "--expected", "answer", "-s", "exact_match", "-q"])
        .args(["--no-report", "--log", "log.jsonl"])
        .run()
        .ok();
    let ops = operations(&project.read("trace"));
    let mut random = StdRng::seed_from_u64(number("EVALS_TEST_SEED", 39));
    let (mut disk, mut said, mut begun, mut cuts) =
        (Disk::default(), SaidSoFar::default(), false, 0);
    for (place, op) in ops.iter().enumerate() {
        disk.take(op);
        if let Op::Said { event, seq } = op {
            match (event.as_str(), seq) {
                ("started", _) => begun = true,
                ("answered", Some(seq)) => drop(said.answered.insert(*seq)),
                ("scored", Some(seq)) => drop(said.scored.insert(*seq)),
                _ => {}
            }
        }
        // Where something was just said, and at some of the places between.
        if begun && (matches!(op, Op::Said { .. }) || place % 7 == 0) {
            let dir = project.path(PathBuf::from("cut"));
            check_after_cut(&dir, &disk.cut(|| false), &said);
            check_after_cut(&dir, &disk.cut(|| random.random_bool(0.5)), &said);
            cuts += 2;
        }
    }
    assert_eq!((said.answered.len(), said.scored.len()), (40, 40));
    assert!(cuts > 150, "{cuts} cuts");
}

/// A call to the system fails once, and the program goes on or says how to.
#[test]
fn row_39_a_disk_that_fails_once_costs_no_answer() {
    if !can_trace() {
        return;
    }
    let calls =
        [("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"), ("fsync", "EIO")];
    let (mut stopped, mut most) = (0, 0);
    for (call, error) in calls {
        for nth in [2, 9, 23, 40] {
            let stub = Stub::start(|request, _| right(request));
            let project = project(&stub.base_url(), 12);
            let inject = format!("inject={call}:error={error}:when={nth}");
            let output = Evals::program("strace", &project)
                .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                .args([format!("trace={call}"), "-e".to_owned(), inject])
                .arg(env!("CARGO_BIN_EXE_evals"))
                .args(["run", "-q", "-j", "2", "--no-report"])
                .run();
            let place = format!("{call} {error} {nth}: {output:?}");
            match output.code {
                Some(0) => {}
                Some(2) => {
                    assert!(stub.requests().is_empty(), "{place}");
                    project.evals().args(["run", "-q"]).run().ok();
                }
                Some(3) => {
                    stopped += 1;
                    assert!(place.contains("evals resume"), "{place}");
                    resume(&project, &[]).ok();
                }
                _ => panic!("{place}"),
            }
            check_whole(&project.path(".evals/runs.db"), 12);
            assert_eq!(stub.requests().len(), 12, "{place}");
            most += 1;
        }
    }
    assert!(stopped > 0, "no failure of {most} was noticed");
}

/// A small disk of its own, taken away when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a word on stderr, where it may not be made.
    fn new(project: &Project, mib: u32) -> Option<Self> {
        let path = project.path("disk");
        fs::create_dir_all(&path).expect("a directory");
        let size = format!("size={mib}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skipped("a disk of its own takes the rights of root");
            return None;
        }
        Some(Self(path))
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).expect("made");
        for chunk in [1 << 20, 4096, 512] {
            while file.write_all(&vec![1; chunk]).is_ok() {}
        }
    }

    fn clear(&self) {
        fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
    }
}

#[test]
fn row_39_a_full_disk_stops_the_run_and_keeps_every_answer() {
    let text = "x".repeat(20_000);
    let stub = Stub::start(move |request, nth| {
        let answer = format!("{} {text}", request.last_user().replace('q', "a"));
        let reply = openai_chat(&answer, (0, 1));
        if nth < 20 { reply } else { reply.held() }
    });
    let project = project(&stub.base_url(), 300);
    let Some(disk) = SmallDisk::new(&project, 128) else { return };
    let config = project.read("evals.yaml").replace("exact_match", "contains");
    project.write("evals.yaml", config);
    let db = project.path("disk/runs.db");
    let flags = ["run", "-q", "-j", "8", "--no-report", "--db", "disk/runs.db"];
    let running = project.evals().args(flags).spawn();
    stub.wait_for(28);
    disk.fill();
    stub.release();
    let output = running.wait().code(3).complains("the disk is full").complains("evals resume");
    let asked = stub.requests().len();
    assert!(asked < 300, "the run was not stopped: {output:?}");
    assert_eq!(recorded(&db, ANSWERED).len(), asked, "what was answered is recorded");
    // Still full: nothing is begun.
    resume(&project, &["--db", "disk/runs.db"]).code(2).complains("MiB are free on its disk");
    assert_eq!(stub.requests().len(), asked);
    disk.clear();
    resume(&project, &["--db", "disk/runs.db"]).ok();
    check_whole(&db, 300);
    assert_eq!(stub.requests().len(), 300, "no trial is called twice");
}

#[test]
fn row_39_a_disk_that_fills_up_is_noticed_before_and_during_a_run() {
    let project = Project::new();
    let pad = "x".repeat(3_000);
    let rows: Vec<String> = (0..4_000).map(|i| format!("q{i} {pad},a{i}\n")).collect();
    project.write("rows.csv", format!("question,answer\n{}", rows.concat()));
    let ask =
        ["run", "rows.csv", "-m", "sim/instant", "-p", "{{question}}", "--expected", "answer"];
    let more = ["-s", "exact_match", "-q", "--no-report", "--db", "disk/runs.db"];
    let run = || project.evals().args(ask).args(more).run();
    {
        let Some(_disk) = SmallDisk::new(&project, 20) else { return };
        run().code(2).complains("20 MiB are free on its disk, and a run wants 40 MiB");
    }
    let Some(_disk) = SmallDisk::new(&project, 48) else { return };
    run().code(3).complains("MiB are free on its disk").complains("make room, then go on");
    let ended = recorded(&project.path("disk/runs.db"), ANSWERED).len();
    assert!((1..4_000).contains(&ended), "{ended}");
}
