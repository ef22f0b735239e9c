//! What opening a vault costs, and what it leaves in memory.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use evals::{
    base::{clock, secret::Secret},
    vault::{Unlock, Vault, new_env_key},
};
use serde_json::{Value, json};

use super::{key, made, open, vault_path};
use crate::support::{Project, Stub, openai_chat, openai_stream};

const CHILD: &str = "EVALS_TEST_VAULT_MEMORY";

const PASSPHRASE: &str = "correct horse battery";

/// What a test told the process that it started: the lines of a variable.
#[expect(clippy::disallowed_methods, reason = "this process was started by a test, to be told so")]
fn told() -> Option<Vec<String>> {
    std::env::var(CHILD).ok().map(|job| job.split('\n').map(str::to_owned).collect())
}

/// This program again, to run one of the functions below with `job`.
fn child(function: &str, job: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args([&format!("vault::memory::{function}"), "--exact", "--nocapture"])
        .env(CHILD, job.join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The most memory that this process has had so far, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("there");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

/// Not a test of its own: opens a vault with a passphrase, and says what it cost.
#[test]
fn child_that_opens() {
    let Some(job) = told() else { return };
    let ask = || Some(Secret::new(&*job[1]));
    let unlock = Unlock { passphrase: Some(&ask), ..Unlock::default() };
    let (began, before) = (clock::instant(), peak_kib());
    let said = Vault::open(Path::new(&job[0]), &unlock)
        .map_or_else(|e| e.to_string(), |_| "open".to_owned());
    println!(
        "\n{}",
        json!({"kib": peak_kib() - before, "ms": began.elapsed().as_millis(), "said": said})
    );
}

/// What opening the vault at `path` says, and how much memory it takes, in KiB.
fn opened(path: &Path, passphrase: &str) -> (String, u64) {
    let output = child("child_that_opens", &[path.to_str().expect("UTF-8"), passphrase]);
    let output = { output }.output().expect("its end");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = text.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{text}"));
    let line: Value = serde_json::from_str(line).expect("JSON");
    eprintln!("{passphrase:.30}: {line}");
    (line["said"].as_str().expect("text").to_owned(), line["kib"].as_u64().expect("a number"))
}

fn with_passphrase(project: &Project) -> std::path::PathBuf {
    let init = project.evals().args(["vault", "init", "--passphrase"]);
    init.stdin(format!("{PASSPHRASE}\n")).run().ok();
    vault_path(project)
}

/// Of 64 MiB, which the passphrase takes: what shows that it was stretched.
const STRETCHED_KIB: u64 = 48 << 10;

/// The right parameters show that the measure sees what it should.
#[test]
fn attack_07_hostile_parameters_cost_neither_time_nor_memory() {
    let project = Project::new();
    let path = with_passphrase(&project);
    let (said, kib) = opened(&path, PASSPHRASE);
    assert!(said == "open" && kib > STRETCHED_KIB, "{said}: {kib} KiB");
    let genuine = fs::read_to_string(&path).expect("a file");
    for (parameter, hostile) in [
        ("\"memory_kib\": 65536", "\"memory_kib\": 2097152"),
        ("\"memory_kib\": 65536", "\"memory_kib\": 4294967295"),
        ("\"memory_kib\": 65536", "\"memory_kib\": 8"),
        ("\"passes\": 3", "\"passes\": 4294967295"),
        ("\"lanes\": 4", "\"lanes\": 16777215"),
    ] {
        fs::write(&path, genuine.replace(parameter, hostile)).expect("written");
        let (said, kib) = opened(&path, PASSPHRASE);
        assert!(said.contains("accepted are 19 MiB to 1 GiB"), "{hostile}: {said}");
        assert!(kib < 32 << 10, "{hostile}: {kib} KiB");
        // The program says the same, with less memory than the parameters ask for.
        let script =
            format!("ulimit -v 1000000; exec {} vault status", env!("CARGO_BIN_EXE_evals"));
        let status =
            crate::support::Evals::program("/bin/sh", &project).args(["-c", &script]).run();
        status.code(2).complains("accepted are 19 MiB to 1 GiB");
    }
}

/// Each is stretched in full before it is compared, and none is told from the others.
#[test]
fn attack_10_wrong_passphrases_cost_what_the_right_one_costs() {
    let project = Project::new();
    let path = with_passphrase(&project);
    let right = opened(&path, PASSPHRASE);
    assert!(right.0 == "open" && right.1 > STRETCHED_KIB, "{right:?}");
    let wrong = [
        "",
        "x",
        "correct horse batter",
        "correct horse battery ",
        "0123456789".repeat(99).as_str(),
    ]
    .map(|wrong| opened(&path, wrong));
    for (said, kib) in &wrong {
        assert_eq!(*said, wrong[0].0);
        assert!(said.contains("the passphrase is not the one of this vault"), "{said}");
        assert!(*kib > STRETCHED_KIB, "{kib} KiB");
    }
}

/// Not a test of its own: holds a secret of the vault, then forgets it, waiting each time.
#[test]
fn child_that_forgets() {
    let Some(job) = told() else { return };
    let wait = |said: &str| {
        println!("\n{said}");
        std::io::stdin().read_line(&mut String::new()).expect("a line");
    };
    let mut vault = open(Path::new(&job[0]), &job[1]);
    let secret = vault.get(&key("mine")).expect("a secret");
    vault.put(&key("again"), &secret).expect("stored");
    let env = Unlock { env_key: Some(Secret::new(&*job[1])), ..Unlock::default() };
    vault.rotate(&env, evals::vault::Others::Keep).expect("rotated");
    let list = vault.list();
    wait("holding");
    drop((vault, secret, list, env));
    wait("forgotten");
}

/// How often each needle stands in the memory of a process, which may be looked into.
fn copies<'a>(id: u32, needles: &[&'a str]) -> BTreeMap<&'a str, usize> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).expect("its maps");
    let mut memory = fs::File::open(format!("/proc/{id}/mem")).expect("its memory");
    let mut found: BTreeMap<&str, usize> = needles.iter().map(|needle| (*needle, 0)).collect();
    for line in maps.lines().filter(|line| !line.contains("[v")) {
        let mut words = line.split(' ');
        let (range, rights) = (words.next().expect("a range"), words.next().expect("rights"));
        let (from, to) = range.split_once('-').expect("two ends");
        let at = |hex| u64::from_str_radix(hex, 16).expect("an address");
        let (from, to) = (at(from), at(to));
        if !rights.starts_with("rw") {
            continue;
        }
        memory.seek(SeekFrom::Start(from)).expect("an address");
        let mut bytes = Vec::new();
        // What goes away or cannot be read meanwhile holds nothing.
        (&memory).take(to - from).read_to_end(&mut bytes).ok();
        for (needle, count) in &mut found {
            let needle = needle.as_bytes();
            let begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == needle[0]);
            *count += begins.filter(|(at, _)| bytes[*at..].starts_with(needle)).count();
        }
    }
    found
}

fn until(child: &mut BufReader<impl std::io::Read>, wanted: &str) {
    let mut seen = String::new();
    while !seen.contains(wanted) {
        assert!(child.read_line(&mut seen).expect("text") > 0, "no {wanted:?} in {seen}");
    }
}

fn go_on(child: &mut Child) {
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin.write_all(b"\n").and_then(|()| stdin.flush()).expect("written");
}

/// Of the vault alone nothing is left. The secret is made here, so that it stands in no program.
#[test]
fn attack_25_the_vault_leaves_no_secret_in_memory() {
    let project = Project::new();
    let env = made(&project);
    let path = vault_path(&project);
    let secret = new_env_key().expect("a secret");
    open(&path, &env).put(&key("mine"), &secret).expect("stored");
    let job = [path.to_str().expect("UTF-8"), &env];
    let mut child = child("child_that_forgets", &job).spawn().expect("this program");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
    let needle = secret.expose();
    until(&mut said, "holding");
    assert!(copies(child.id(), &[needle])[needle] > 0, "what is held is seen");
    go_on(&mut child);
    until(&mut said, "forgotten");
    assert_eq!(copies(child.id(), &[needle])[needle], 0);
    go_on(&mut child);
    assert!(child.wait().expect("its end").success());
}

/// Of a whole run: the libraries that send the key may keep copies, which are counted here.
#[test]
fn attack_25_copies_of_a_key_after_a_run_are_counted() {
    let project = Project::new();
    let stub = Stub::start(|request, _| {
        let streamed = request.json()["stream"] == true;
        let answer =
            if streamed { openai_stream(&["a0"], (1, 1)) } else { openai_chat("a0", (1, 1)) };
        answer.held()
    });
    let env = made(&project);
    let secret = new_env_key().expect("a secret");
    let base_url = stub.base_url();
    let add = ["models", "add", "--slug", "mine", "--provider", "custom", "-m", "m", "--no-test"];
    let add = project.evals().args(add).args(["--base-url", &base_url, "--api-key-stdin"]);
    add.env("EVALS_VAULT_KEY", &env).stdin(secret.expose()).run().ok();
    project.write("rows.csv", "question,answer\nq0,a0\nq1,a1\n");
    let mut run = Command::new(env!("CARGO_BIN_EXE_evals"))
        .args(["run", "rows.csv", "--watch", "-m", "byo:mine", "-p", "{{question}}", "--no-report"])
        .current_dir(project.path(""))
        .env_clear()
        .env("EVALS_HOME", project.home().join("evals"))
        .env("EVALS_VAULT_KEY", &env)
        .env("EVALS_ALLOW_DEBUG", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut said = BufReader::new(run.stderr.take().expect("a pipe"));
    let needle = secret.expose();
    stub.wait_for(2);
    let during = copies(run.id(), &[needle])[needle];
    stub.release();
    until(&mut said, "watching for changes");
    let after = copies(run.id(), &[needle])[needle];
    run.kill().expect("killed");
    run.wait().expect("its end");
    eprintln!("copies of the key in memory: {during} during the run, {after} after it");
    assert!(during > 0, "what is in use is seen");
}
