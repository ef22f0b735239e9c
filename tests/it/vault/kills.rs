//! Writers of a vault that are killed, and writers that meet.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use evals::{base::secret::Secret, vault::audit};
use serde_json::Value;

use super::{CANARY, key, made, open, vault_path};
use crate::support::{Evals, Output, Project};

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
        .args(["vault::kills::child_that_stores", "--exact", "--nocapture"])
        .env(CHILD, format!("{}\n{env}\n{name}\n{count}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program")
}

#[test]
fn attack_14_what_two_processes_store_at_once_is_all_there() {
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

/// At moments that nobody chose: what was said to be stored is there, and all else is
/// whole.
#[test]
fn attack_13_a_writer_killed_at_any_moment_loses_nothing_that_it_reported() {
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

/// The credential of the model `slug` that [`registered`] registers.
fn model_key(slug: &str) -> evals::vault::EntryKey {
    evals::vault::EntryKey {
        provider: "custom".to_owned(),
        origin: "http://127.0.0.1:1".to_owned(),
        ..key(slug)
    }
}

/// Registers models whose keys are to be set.
fn registered(project: &Project, slugs: &[&str]) {
    let rows = slugs.iter().map(|slug| format!("{slug},custom,m,http://127.0.0.1:1/v1\n"));
    let rows: String = rows.collect();
    project.write("models.csv", format!("slug,provider,model,base_url\n{rows}"));
    project.evals().args(["models", "import", "models.csv"]).run().ok();
}

fn set_key(project: &Project, env: &str, slug: &str, secret: &str) -> Evals {
    let set = project.evals().args(["models", "edit", slug, "--api-key-stdin", "--no-test"]);
    set.env("EVALS_VAULT_KEY", env).stdin(secret)
}

/// As two people do it: each key is set, or its command says clearly why not.
#[test]
fn attack_14_keys_set_by_two_commands_at_once_are_both_there() {
    let project = Project::new();
    let env = made(&project);
    let slugs = ["alpha-one", "beta-two"];
    registered(&project, &slugs);
    for round in 0..8 {
        let secret = |slug: &str| format!("sk-{slug}-{round}-0123456789");
        let running = slugs.map(|slug| set_key(&project, &env, slug, &secret(slug)).spawn());
        for (slug, running) in slugs.iter().zip(running) {
            let output = running.wait();
            let vault = open(&vault_path(&project), &env);
            let is_there = vault.get(&model_key(slug)).is_ok_and(|is| is.expose() == secret(slug));
            match output.code {
                Some(0) => assert!(is_there, "{slug} in round {round}"),
                _ => drop(output.code(2).complains("error: ")),
            }
        }
    }
    let log = audit::read(&project.home().join("evals/audit.jsonl")).expect("a log");
    assert_eq!(log.unreadable, 0);
    let set = log.records.iter().filter(|record| record.action == "key.set").count();
    assert!(set >= 8, "{set} changes are noted");
}

/// A command that is killed.
struct Victim<'a> {
    project: &'a Project,
    env: &'a str,
    args: &'a [&'a str],
    stdin: &'a str,
}

impl Victim<'_> {
    fn under_strace(&self, options: &[&str]) -> Output {
        Evals::program("strace", self.project)
            .args(["-f", "-qq"])
            .args(options)
            .arg(env!("CARGO_BIN_EXE_evals"))
            .args(self.args)
            .env("EVALS_VAULT_KEY", self.env)
            // Otherwise nobody but root sees which files the calls name.
            .env("EVALS_ALLOW_DEBUG", "1")
            .stdin(self.stdin)
            .run()
    }

    /// The calls to the system from the first one that names the vault on: what is called, and which
    /// one it is among the calls of its name.
    fn points(&self) -> Vec<(String, usize)> {
        let trace = self.project.tmp().join("trace");
        self.under_strace(&["-o", trace.to_str().expect("UTF-8")]).ok();
        let trace = fs::read_to_string(&trace).expect("a trace");
        let (mut points, mut counts, mut begun) = (Vec::new(), BTreeMap::new(), false);
        for line in trace.lines() {
            let call = line.split_once(' ').expect("a process and its call").1.trim_start();
            let Some((name, _)) = call.split_once('(') else { continue };
            if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                continue;
            }
            let count = counts.entry(name.to_owned()).or_insert(0_usize);
            *count += 1;
            begun |= call.contains("vault.evals");
            if begun {
                points.push((name.to_owned(), *count));
            }
        }
        points
    }

    /// Kills the command at each of these points. `before` puts everything back, `after` says whether
    /// what is there now is the new state, and checks that it is the old one otherwise.
    fn killed_everywhere(&self, before: impl Fn(), after: impl Fn() -> bool) {
        before();
        let points = self.points();
        let (mut killed, mut seen) = (0, BTreeSet::new());
        for (call, nth) in &points {
            before();
            let inject = format!("inject={call}:signal=KILL:when={nth}");
            let trace = format!("trace={call}");
            let output = self.under_strace(&["-o", "/dev/null", "-e", &trace, "-e", &inject]);
            let is_new = after();
            if output.code == Some(0) {
                assert!(is_new, "{call} {nth}");
                continue;
            }
            assert_eq!(output.code, None, "{call} {nth}: {output:?}");
            killed += 1;
            seen.insert(is_new);
            let log = audit::read(&self.project.home().join("evals/audit.jsonl")).expect("a log");
            assert_eq!(log.unreadable, 0, "{call} {nth}");
        }
        eprintln!("{:?} was killed at {killed} of {} calls", self.args, points.len());
        // There are four such commands: more than a hundred points in all.
        assert!(killed >= 25, "killed at {killed} of {} calls", points.len());
        assert_eq!(seen.len(), 2, "both before and after the file was replaced");
    }
}

/// Whether there is an `strace` that may trace; says so if not.
fn has_strace() -> bool {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let has = works.is_ok_and(|status| status.success());
    if !has {
        eprintln!("skipped: there is no `strace` that may trace");
    }
    has
}

/// What opens the vault, as the file says it.
fn slots(path: &Path) -> Value {
    let file: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    file["slots"].clone()
}

#[test]
fn attack_13_init_killed_at_each_system_call_makes_the_whole_vault_or_none() {
    let project = Project::new();
    if !has_strace() {
        return;
    }
    let env = evals::vault::new_env_key().expect("a key");
    let env = env.expose();
    let path = vault_path(&project);
    let victim = Victim { project: &project, env, args: &["vault", "init", "--env"], stdin: "" };
    let before = || drop(fs::remove_file(&path));
    victim.killed_everywhere(before, || {
        let is_made = path.exists();
        if is_made {
            assert_eq!(open(&path, env).status().entries, 0);
        }
        is_made
    });
}

#[test]
fn attack_13_rekey_killed_at_each_system_call_leaves_the_old_or_the_new_vault() {
    let project = Project::new();
    if !has_strace() {
        return;
    }
    let env = made(&project);
    let path = vault_path(&project);
    let victim =
        Victim { project: &project, env: &env, args: &["vault", "rekey", "--env"], stdin: "" };
    let was = Cell::new(Value::Null);
    victim.killed_everywhere(
        || was.set(slots(&path)),
        || {
            let vault = open(&path, &env);
            assert_eq!(vault.get(&key("mine")).expect("a secret").expose(), CANARY);
            assert_eq!(vault.status().slots.len(), 1);
            was.take() != slots(&path)
        },
    );
}

#[test]
fn attack_13_rotate_killed_at_each_system_call_leaves_the_old_or_the_new_vault() {
    let project = Project::new();
    if !has_strace() {
        return;
    }
    let env = made(&project);
    let path = vault_path(&project);
    let victim = Victim { project: &project, env: &env, args: &["vault", "rotate"], stdin: "" };
    let was = Cell::new(0);
    victim.killed_everywhere(
        || was.set(open(&path, &env).status().key_version),
        || {
            let vault = open(&path, &env);
            assert_eq!(vault.get(&key("mine")).expect("a secret").expose(), CANARY);
            let version = vault.status().key_version;
            assert!(version == was.get() || version == was.get() + 1, "{was:?} to {version}");
            version > was.get()
        },
    );
}

#[test]
fn attack_13_setting_a_key_killed_at_each_system_call_leaves_the_old_or_the_new_key() {
    let project = Project::new();
    if !has_strace() {
        return;
    }
    let env = made(&project);
    let path = vault_path(&project);
    registered(&project, &["my-model"]);
    let (old, new) = ("sk-the-old-key-0123456789", "sk-the-new-key-0123456789");
    set_key(&project, &env, "my-model", old).run().ok();
    let victim = Victim {
        project: &project,
        env: &env,
        args: &["models", "edit", "my-model", "--api-key-stdin", "--no-test"],
        stdin: new,
    };
    let before = || open(&path, &env).put(&model_key("my-model"), &Secret::new(old)).expect("put");
    victim.killed_everywhere(before, || {
        let secret = open(&path, &env).get(&model_key("my-model")).expect("a secret");
        assert!([old, new].contains(&secret.expose()));
        project
            .evals()
            .args(["models", "show", "my-model"])
            .run()
            .ok()
            .says("my-model: key in vault");
        secret.expose() == new
    });
}
