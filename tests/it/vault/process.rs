//! What others see of the process that holds secrets, and of those that it starts.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{CANARY, reads};
use crate::support::{Evals, Output, Project, Stub, openai_chat};

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

/// With core dumps allowed, a crash leaves none; who debugs may allow it. The signal is
/// one that dumps as SIGSEGV does, and that Rust's runtime does not catch first.
#[test]
fn attack_19_a_crash_dumps_no_memory() {
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

/// Other processes of the user see neither the environment nor memory.
#[test]
fn attack_20_the_environment_of_the_process_is_closed() {
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
            assert_eq!(fs::File::open(proc.join("mem")).is_ok(), debug);
        }
        child.kill().expect("killed");
        child.wait().expect("its end");
    }
}

/// Stands for `secret-tool`, the one program that this one starts: keeps keys in files, and tells what
/// it can see.
const SPY: &str = r#"#!/bin/sh
{
  for arg in "$@"; do echo "arg $arg"; done
  env | sed 's/^/env /'
  for fd in /proc/$$/fd/*; do echo "fd $(readlink "$fd")"; done
  echo "parent $(tr '\0' ' ' </proc/$PPID/cmdline)"
} >>"$HOME/spied"
cat "/proc/$PPID/environ" >>"$HOME/spied-environ" 2>/dev/null
for account in "$@"; do :; done
key=$HOME/ring-$(echo "$account" | tr / _)
case $1 in
  store) cat >"$key" ;;
  lookup) [ ! -e "$key" ] || cat "$key" ;;
  clear) rm -f "$key" ;;
esac
"#;

/// What the program may tell it, and what a shell adds.
const ALLOWED: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "SHELL",
    "_",
];

/// The vault is opened by the keyring in every command that opens it; each starts the program.
#[test]
fn attack_21_what_the_program_starts_gets_no_secret() {
    let project = Project::new();
    let stub = Stub::start(|_, _| openai_chat("a0", (1, 1)));
    let bin = project.home().join("bin");
    fs::create_dir(&bin).expect("made");
    let tool = bin.join("secret-tool");
    project.executable(&tool, SPY);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let evals = |args: &[&str]| -> Evals {
        let evals = project.evals().args(args).env("PATH", &path);
        evals.env("OPENAI_API_KEY", CANARY).env("SOME_KEY", CANARY)
    };
    project.write("rows.csv", "question,answer\nq0,a0\n");
    let base_url = stub.base_url();
    let add = ["models", "add", "--slug", "mine", "--provider", "custom", "-m", "m", "--base-url"];
    let run = ["run", "rows.csv", "-m", "byo:mine", "-p", "{{question}}", "--no-report"];
    let outputs: Vec<Output> = vec![
        evals(&["vault", "init", "--keyring"]).run().ok(),
        evals(&add).args([&base_url, "--api-key-stdin", "--no-test"]).stdin(CANARY).run().ok(),
        evals(&run).run(),
        evals(&["models", "show", "mine"]).run().ok().says("****WXYZ"),
        evals(&["vault", "rekey", "--keyring"]).run().ok(),
        evals(&["vault", "rotate"]).run().ok(),
        evals(&["models", "rm", "mine", "--yes"]).run().ok().complains("gone from the vault"),
    ];
    let bearer = format!("Bearer {CANARY}");
    assert_eq!(stub.requests()[0].header("authorization"), Some(&*bearer), "{outputs:?}");

    let spied = fs::read_to_string(project.home().join("spied")).expect("it was started");
    assert!(spied.matches("arg lookup\n").count() >= 5 && spied.contains("arg store\n"), "{spied}");
    assert!(!spied.contains("CANARY"), "{spied}");
    for line in spied.lines() {
        if let Some((name, _)) = line.strip_prefix("env ").and_then(|env| env.split_once('=')) {
            assert!(ALLOWED.contains(&name), "{line}");
        }
        if let Some(open) = line.strip_prefix("fd ") {
            let is_own =
                open.starts_with("pipe:") || open.ends_with("/secret-tool") || open == "/dev/null";
            assert!(is_own || open.ends_with("/spied") || open.starts_with("/proc/"), "{line}");
        }
    }
    // What its parent was started with is closed to it; to root nothing is.
    let environ = fs::read(project.home().join("spied-environ")).unwrap_or_default();
    if fs::metadata("/proc/self").expect("there").uid() == 0 {
        eprintln!("skipped in part: root may look at everything");
    } else {
        assert_eq!(environ, b"");
    }
}
