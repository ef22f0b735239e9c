//! `evals vault` and `evals audit`, and what is tried against the process that holds secrets.
#![cfg(target_os = "linux")]

mod canary;
mod kills;
mod log;
mod memory;
mod process;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use evals::{
    base::secret::Secret,
    vault::{EntryKey, Unlock, Vault},
};

use crate::support::{Evals, Project};

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

#[test]
fn attack_24_an_access_key_id_is_shown_in_full_and_its_key_is_not() {
    let project = Project::new();
    let env = made(&project);
    let evals = |line: &[&str]| project.evals().args(line).env("EVALS_VAULT_KEY", &env);
    let id = "AKIAIOSFODNN7EXAMPLE";
    let pair = ["--provider", "bedrock", "--region", "us-east-1", "--access-key-id", id];
    for (slug, secret, shown) in [
        ("long-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "****EKEY"),
        ("twelve", "0123456789ab", "****89ab"),
        ("eleven", "0123456789a", "****"),
    ] {
        let add = ["models", "add", "--slug", slug, "-m", "m", "--api-key-stdin", "--no-test"];
        evals(&add).args(pair).stdin(secret).run().ok();
        let show = ["models", "show", slug];
        let text = evals(&show).run().ok().says(id).says(&format!("vault ({shown})"));
        let json = evals(&show).args(["--format", "json"]).run().ok().json();
        assert_eq!(json["credential"]["shown"], shown);
        assert_eq!(json["credential"]["access_key_id"], id);
        let locked = project.evals().args(show).run().ok().says(id).says("vault (****)");
        for said in [text.stdout, json.to_string(), locked.stdout] {
            assert!(!said.contains(&secret[..secret.len() - 4]), "{said}");
        }
    }
    for format in ["table", "json", "csv"] {
        let list = evals(&["models", "list", "--format", format]).run().ok();
        assert_eq!(list.stdout.matches(id).count(), 3, "{list:?}");
    }
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

/// Whatever the umask, and whoever put links where files go.
#[test]
fn attack_11_the_umask_does_not_open_the_vault() {
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

/// With the programs that a desktop has: `gnome-keyring` behind `secret-tool`.
#[test]
fn attack_23_the_secret_service_opens_a_vault() {
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

/// What stands for the keyring is absent, fails, talks nonsense or hangs.
#[test]
fn attack_23_without_a_keyring_that_works_no_vault_is_made_that_needs_one() {
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
        project.executable(&tool, &format!("#!/bin/sh\n{script}\n"));
        init(CANARY).code(2).complains(said);
        assert!(!vault_path(&project).exists(), "{script}");
    }
}
