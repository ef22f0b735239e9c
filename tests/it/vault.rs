//! `evals vault` and `evals audit`, and what is tried against the process that holds secrets.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        process::ExitStatusExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use evals::{
    base::secret::Secret,
    vault::{EntryKey, Unlock, Vault},
};

use crate::support::{Evals, Output, Project, Response, Stub};

const CANARY: &str = "sk-CANARY/0123456789+abcdef?WXYZ";

fn vault_path(project: &Project) -> PathBuf {
    project.home().join("evals/vault.evals")
}

fn key(slug: &str) -> EntryKey {
    EntryKey {
        slug: slug.to_owned(),
        provider: "openai-compatible".to_owned(),
        field: "api_key".to_owned(),
        origin: "https://api.example.com:443".to_owned(),
    }
}

fn open(path: &Path, env: &str) -> Vault {
    let unlock = Unlock { env_key: Some(Secret::new(env)), ..Unlock::default() };
    Vault::open(path, &unlock).expect("the vault opens")
}

/// A vault that `EVALS_VAULT_KEY` opens, with one credential; gives the variable's value.
fn made(project: &Project) -> String {
    let output = project.evals().args(["vault", "init", "--env", "--new-key"]).run().ok();
    let env = output.stdout.trim().to_owned();
    open(&vault_path(project), &env).put(&key("mine"), &Secret::new(CANARY)).expect("stored");
    env
}

fn vault(project: &Project, env: &str, args: &[&str]) -> Evals {
    project.evals().arg("vault").args(args).env("EVALS_VAULT_KEY", env)
}

#[test]
fn a_vault_for_ci_is_made_shown_rekeyed_rotated_and_logged() {
    let project = Project::new();
    project
        .evals()
        .args(["vault", "status"])
        .run()
        .code(2)
        .complains("`evals vault init` makes one");
    let env = made(&project);
    assert_eq!(env.len(), 43);
    let path = vault_path(&project);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a parent"))), (0o600, 0o700));

    let again = project.evals().args(["vault", "init", "--env", "--new-key"]).run().code(2);
    assert_eq!(again.complains("there is a vault at").stdout, "");
    let status = project.evals().args(["vault", "status"]).run().ok();
    status.says("opened by    `EVALS_VAULT_KEY`, which is not set").says("credentials  1");
    project
        .evals()
        .args(["vault", "rotate"])
        .run()
        .code(2)
        .complains("`EVALS_VAULT_KEY` would open it, and is not set");

    let rotated = vault(&project, &env, &["rotate"]).run().ok();
    rotated.complains("sealed 1 credential(s) with a new key");
    let rekeyed = vault(&project, &env, &["rekey", "--env", "--new-key"]).run().ok();
    let other = rekeyed.stdout.trim().to_owned();
    assert_ne!(env, other);
    vault(&project, &env, &["rotate"]).run().code(2).complains("is not the key of this vault");
    assert_eq!(open(&path, &other).get(&key("mine")).expect("a secret").expose(), CANARY);

    let audit = project.evals().args(["audit", "--format", "json"]).run().ok().json();
    let actions: Vec<&str> =
        audit.as_array().expect("rows").iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["vault.init", "vault.rotate", "vault.rekey"]);
    project.evals().arg("audit").run().ok().says("vault.rotate");
    project.evals().args(["audit", "--format", "csv", "other"]).run().ok().says("when,action");
}

#[test]
fn what_opens_the_vault_has_to_be_said() {
    let project = Project::new();
    project.evals().args(["vault", "init"]).run().code(2).complains("--passphrase");
    project.evals().args(["vault", "init", "--passphrase", "--new-key"]).run().code(2);
    project.evals().args(["vault", "init", "--env"]).run().code(2).complains("`--new-key` makes");
    vault(&project, "hunter2", &["init", "--env"]).run().code(2).complains("is not a key");
    project.evals().args(["vault", "init", "--passphrase"]).run().code(2).complains("no new pass");
    project
        .evals()
        .args(["vault", "init", "--passphrase"])
        .stdin("short\n")
        .run()
        .code(2)
        .complains("at least 8 characters");
    assert!(!vault_path(&project).exists());
}

#[test]
fn a_passphrase_is_never_asked_for_without_a_terminal() {
    let project = Project::new();
    let init = project.evals().args(["vault", "init", "--passphrase"]);
    init.stdin("correct horse battery\n").run().ok().complains("opens by: passphrase");
    let rotate = project.evals().args(["vault", "rotate"]).stdin("correct horse battery\n");
    rotate.run().code(2).complains("there is no terminal to ask at");
}

/// At a terminal of its own, which `script` of util-linux makes.
#[test]
fn a_passphrase_is_asked_for_at_a_terminal_and_not_shown() {
    let project = Project::new();
    let program = env!("CARGO_BIN_EXE_evals");
    let init = project.evals().args(["vault", "init", "--passphrase"]);
    init.stdin("correct horse battery\n").run().ok();
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script`");
        return;
    }
    let rotated =
        at_terminal(&project, &format!("exec {program} vault rotate"), "correct horse battery");
    assert!(rotated.contains("passphrase of the vault: "), "{rotated}");
    assert!(rotated.contains("with a new key"), "{rotated}");
    assert!(!rotated.contains("correct horse"), "{rotated}");
    let refused =
        at_terminal(&project, &format!("exec {program} vault rotate"), "wrong horse battery");
    assert!(refused.contains("the passphrase is not the one of this vault"), "{refused}");
    let status = project.evals().args(["vault", "status"]).run().ok();
    status.says("key version  2");
}

/// What is on a terminal after `typed` was typed when `line` asked for it.
fn at_terminal(project: &Project, line: &str, typed: &str) -> String {
    let mut script = Command::new("script")
        .args(["-qec", line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("EVALS_HOME", project.home().join("evals"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    // Typed any earlier, it would be shown, and thrown away with what else was typed ahead.
    let children = format!("/proc/{0}/task/{0}/children", script.id());
    loop {
        let child = fs::read_to_string(&children).unwrap_or_default();
        if child.split_whitespace().any(reads) {
            break;
        }
        std::thread::yield_now();
    }
    let mut stdin = script.stdin.take().expect("a pipe");
    stdin.write_all(format!("{typed}\n").as_bytes()).expect("typed");
    let output = script.wait_with_output().expect("its end");
    drop(stdin);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether the process `id` is the program, and waits. It waits for nothing but its input; in which
/// call, it does not let others see.
fn reads(id: &str) -> bool {
    let read = |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
    read("comm").trim() == "evals" && read("stat").contains("(evals) S ")
}

/// Attack 11, 12: whatever the umask, and whoever put links where files go.
#[test]
fn the_umask_does_not_open_the_vault() {
    let project = Project::new();
    let program = env!("CARGO_BIN_EXE_evals");
    let script = format!("umask 000; exec {program} vault init --env --new-key");
    Evals::program("/bin/sh", &project).args(["-c", &script]).run().ok();
    let home = project.home().join("evals");
    for name in ["", "vault.evals", "vault.evals.lock", "audit.jsonl"] {
        let mode = fs::metadata(home.join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).expect("set");
    let rotate = vault(&project, &"A".repeat(43), &["rotate"]).run().code(2);
    rotate.complains("open to other users (mode 777)");

    let project = Project::new();
    let home = project.home().join("evals");
    fs::create_dir(&home).expect("made");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("set");
    symlink(project.path("target"), home.join("vault.evals")).expect("a link");
    project.evals().args(["vault", "init", "--env", "--new-key"]).run().code(2);
    assert!(!project.path("target").exists());
}

const CHILD: &str = "EVALS_TEST_VAULT";

/// Not a test of its own: what the tests below run as another process.
#[test]
fn child_that_stores() {
    #[expect(
        clippy::disallowed_methods,
        reason = "this process was started by a test, to be told so"
    )]
    let Ok(job) = std::env::var(CHILD) else { return };
    let [path, env, name, count]: [&str; 4] =
        job.split('\n').collect::<Vec<_>>().try_into().expect("four");
    let mut vault = open(Path::new(path), env);
    for entry in 0..count.parse::<u32>().expect("a number") {
        vault.put(&key(&format!("{name}-{entry}")), &Secret::new("x")).expect("stored");
        println!("\nstored {entry}");
    }
}

fn storing(path: &Path, env: &str, name: &str, count: u32) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["vault::child_that_stores", "--exact", "--nocapture"])
        .env(CHILD, format!("{}\n{env}\n{name}\n{count}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program")
}

/// Attack 14.
#[test]
fn what_two_processes_store_at_once_is_all_there() {
    let project = Project::new();
    let env = made(&project);
    let path = vault_path(&project);
    let children = ["a", "b"].map(|name| storing(&path, &env, name, 12));
    for child in children {
        let output = child.wait_with_output().expect("its end");
        assert!(output.status.success(), "{output:?}");
    }
    let vault = open(&path, &env);
    assert_eq!(vault.list().len(), 1 + 2 * 12);
    assert_eq!(vault.status().counter, 2 + 2 * 12);
}

/// Attack 13, at moments that nobody chose: what was said to be stored is there, and all else is
/// whole.
#[test]
fn a_writer_killed_at_any_moment_loses_nothing_that_it_reported() {
    let project = Project::new();
    let env = made(&project);
    let path = vault_path(&project);
    for round in 0..25_usize {
        let name = format!("round{round}");
        let mut child = storing(&path, &env, &name, 1_000_000);
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let said = lines.map_while(Result::ok).filter(|line| line.starts_with("stored "));
        let reported = said.take(1 + round % 5).count();
        child.kill().expect("killed");
        child.wait().expect("its end");
        let vault = open(&path, &env);
        let stored =
            vault.list().iter().filter(|info| info.slug.starts_with(&format!("{name}-"))).count();
        assert!(stored >= reported, "{stored} of {reported} in round {round}");
        assert_eq!(vault.get(&key("mine")).expect("a secret").expose(), CANARY);
        open(&path, &env).remove(&format!("{name}-0")).expect("removed");
    }
}

/// Attack 13: killed at each call to the system that could matter.
#[test]
fn rotating_killed_at_each_system_call_leaves_the_old_or_the_new_vault() {
    let project = Project::new();
    let env = made(&project);
    let path = vault_path(&project);
    let killed_at = |call: &str, nth: usize| -> Output {
        let inject = format!("inject={call}:signal=KILL:when={nth}");
        Evals::program("strace", &project)
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject])
            .arg(env!("CARGO_BIN_EXE_evals"))
            .args(["vault", "rotate"])
            .env("EVALS_VAULT_KEY", &env)
            .run()
    };
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no `strace` that may trace");
        return;
    }
    let (mut killed, mut versions) = (0, std::collections::BTreeSet::new());
    for call in ["flock", "unlink", "openat", "write", "fsync", "rename", "fstat", "close"] {
        for nth in 1..200 {
            let before = open(&path, &env).status().key_version;
            let output = killed_at(call, nth);
            let vault = open(&path, &env);
            assert_eq!(vault.get(&key("mine")).expect("a secret").expose(), CANARY);
            let after = vault.status().key_version;
            assert!(after == before || after == before + 1, "{call} {nth}: {before} to {after}");
            if output.code == Some(0) {
                assert_eq!(after, before + 1, "{call} {nth}");
                break;
            }
            killed += 1;
            versions.insert(after - before);
        }
    }
    assert!(killed > 20, "killed only {killed} times");
    assert_eq!(versions.len(), 2, "both before and after the vault was replaced");
}

/// The program while it waits for a passphrase, with a secret in its environment.
fn waiting(program: &Path, project: &Project, debug: bool) -> Child {
    let script = format!("ulimit -c unlimited; exec {} vault init --passphrase", program.display());
    Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(project.path(""))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("EVALS_HOME", project.home().join("evals"))
        .env("SOME_KEY", CANARY)
        .env("EVALS_ALLOW_DEBUG", if debug { "1" } else { "0" })
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

/// Waits until the program reads its input, which is after its first steps.
fn until_it_reads(child: &Child) {
    while !reads(&child.id().to_string()) {
        std::thread::yield_now();
    }
}

/// Attack 19: with core dumps allowed, a crash leaves none; who debugs may allow it. The signal is
/// one that dumps as SIGSEGV does, and that Rust's runtime does not catch first.
#[test]
fn a_crash_dumps_no_memory() {
    let project = Project::new();
    for debug in [false, true] {
        let mut child = waiting(Path::new(env!("CARGO_BIN_EXE_evals")), &project, debug);
        until_it_reads(&child);
        let kill = format!("kill -QUIT {}", child.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().expect("sh").success());
        let status = child.wait().expect("its end");
        assert_eq!(status.signal(), Some(3));
        if !debug {
            assert!(!status.core_dumped());
            assert_eq!(project.files(), [""; 0]);
        } else if !status.core_dumped() {
            eprintln!("skipped in part: this system dumps no memory anyway");
        }
    }
}

/// Attack 20: other processes of the user see neither the environment nor memory.
#[test]
fn the_environment_of_the_process_is_closed() {
    let project = Project::new();
    for debug in [false, true] {
        let mut child = waiting(Path::new(env!("CARGO_BIN_EXE_evals")), &project, debug);
        until_it_reads(&child);
        let proc = PathBuf::from(format!("/proc/{}", child.id()));
        let cmdline = fs::read_to_string(proc.join("cmdline")).expect("open to all");
        assert!(!cmdline.contains("CANARY"));
        // What may not be dumped belongs to root, so that nobody but root may look.
        let me = fs::metadata("/proc/self").expect("there").uid();
        if me == 0 {
            eprintln!("skipped in part: root may look at everything");
        } else {
            assert_eq!(fs::metadata(proc.join("environ")).expect("there").uid() == me, debug);
            assert_eq!(fs::read(proc.join("environ")).is_ok(), debug);
            assert_eq!(fs::read(proc.join("mem")).is_ok(), debug);
        }
        child.kill().expect("killed");
        child.wait().expect("its end");
    }
}

/// Every form in which the canary could be found.
fn forms() -> Vec<String> {
    let hex = CANARY.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    vec![
        CANARY.to_owned(),
        "sk-CANARY%2F0123456789%2Babcdef%3FWXYZ".to_owned(),
        CANARY.replace('/', "\\/"),
        STANDARD.encode(CANARY).trim_end_matches('=').to_owned(),
        URL_SAFE.encode(CANARY).trim_end_matches('=').to_owned(),
        hex.to_uppercase(),
        hex,
    ]
}

/// Attacks 15, 16, 17 and 22: a provider that repeats the key in every form it can think of.
#[test]
fn no_form_of_a_key_is_found_after_a_run() {
    let project = Project::new();
    let echo = forms().join(" ");
    let stub = Stub::start(move |request, _| {
        let message = format!("no such key: {echo} at https://x/y?key={CANARY}");
        let body = serde_json::json!({"error": {"message": message, "code": "invalid_api_key"}});
        let status = if request.last_user() == "q0" { 401 } else { 400 };
        Response::json(status, &body).with_header("x-request-id", CANARY)
    });
    project.write("rows.csv", "question,answer\nq0,a0\nq1,a1\n");
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\nmodels:\n  \
             - {{id: local, provider: openai-compatible, base_url: {}, model: m, api_key: \
             '${{SOME_KEY}}'}}\nscorers: [exact_match]\n",
            stub.base_url()
        ),
    );
    let env = made(&project);
    let commands: &[&[&str]] = &[
        &["run", "--log", "events.jsonl"],
        &["show", "--trials"],
        &["export", "last", "--format", "csv", "-o", "trials.csv"],
        &["report", "last", "--format", "markdown", "-o", "report.md"],
        &["run", "missing.csv"],
        &["vault", "rotate"],
        &["vault", "status"],
        &["vault", "lock"],
        &["audit"],
        &["doctor"],
    ];
    let mut said = Vec::new();
    for command in commands {
        let program = project.evals().args(*command).env("SOME_KEY", CANARY);
        let output = program.env("EVALS_VAULT_KEY", &env).env("RUST_LOG", "trace").run();
        said.push(format!("{:?}\n{}\n{}\n", output.code, output.stdout, output.stderr));
    }
    let said = said.concat();
    assert!(
        stub.requests().iter().any(|request| {
            request.header("authorization") == Some(&*format!("Bearer {CANARY}"))
        })
    );
    assert!(said.contains("no such key"), "the errors are told of: {said}");

    let mut found = Vec::new();
    let mut search = |place: &str, bytes: &[u8]| {
        for form in forms().iter().chain([&env]) {
            if bytes.windows(form.len()).any(|window| window == form.as_bytes()) {
                found.push(format!("{place}: {form}"));
            }
        }
    };
    search("output", said.as_bytes());
    let mut dirs = vec![project.path(""), project.home(), project.tmp()];
    let mut files = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
            if entry.file_type().expect("a type").is_dir() {
                dirs.push(entry.path());
            } else {
                files += 1;
                search(&entry.path().display().to_string(), &fs::read(entry.path()).expect("read"));
            }
        }
    }
    assert!(files > 6, "only {files} files");
    assert!(found.is_empty(), "{found:#?}");
}

/// Attack 23, with the programs that a desktop has: `gnome-keyring` behind `secret-tool`.
#[test]
fn the_secret_service_opens_a_vault() {
    let project = Project::new();
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") || !has("secret-tool") {
        eprintln!(
            "skipped: there is no `dbus-run-session`, `gnome-keyring-daemon` or `secret-tool`"
        );
        return;
    }
    let program = env!("CARGO_BIN_EXE_evals");
    let script = format!(
        "set -e; mkdir -m 700 $HOME/run; export XDG_RUNTIME_DIR=$HOME/run\n\
         printf 'login password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null\n\
         {program} vault init --keyring; {program} vault rotate\n\
         {program} vault lock && exit 9\n\
         {program} vault rekey --env --new-key >key; {program} vault lock\n\
         EVALS_VAULT_KEY=$(cat key) {program} vault lock\n\
         {program} vault rotate && exit 9\n\
         EVALS_VAULT_KEY=$(cat key) {program} vault rotate; {program} vault status\n"
    );
    let output =
        Evals::program("dbus-run-session", &project).args(["--", "/bin/sh", "-c", &script]).run();
    if output.stderr.contains("error: the keyring") {
        eprintln!("skipped: no keyring to be had here: {}", output.stderr);
        return;
    }
    let output = output.ok();
    output
        .complains("opens by: keyring")
        .complains("nothing but this keyring opens the vault")
        .complains("this machine's keyring forgot the vault's key; the vault opens by: env")
        .complains("there is nothing to forget")
        .says("key version  3");
}

/// Attack 23: what stands for the keyring is absent, fails, talks nonsense or hangs.
#[test]
fn without_a_keyring_that_works_no_vault_is_made_that_needs_one() {
    let project = Project::new();
    let bin = project.path("bin");
    fs::create_dir(&bin).expect("made");
    let init = |env: &str| {
        let program = project.evals().args(["vault", "init", "--keyring"]);
        program.env("PATH", &bin).env("SOME_KEY", env).run()
    };
    init("x").code(2).complains("install libsecret-tools");
    for (script, said) in [
        ("exec /bin/sleep 60", "is it locked?"),
        ("echo 'secret-tool: Cannot autolaunch D-Bus' >&2; exit 1", "Cannot autolaunch D-Bus"),
        ("echo nonsense", "does not give back what was put into it"),
        ("exit 0", "does not give back what was put into it"),
        ("printf '\\377\\377'", "not text"),
        ("echo \"[$SOME_KEY]\" >&2; exit 1", "([])"),
    ] {
        let tool = bin.join("secret-tool");
        fs::write(&tool, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("set");
        init(CANARY).code(2).complains(said);
        assert!(!vault_path(&project).exists(), "{script}");
    }
}
