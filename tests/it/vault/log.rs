//! The audit log: what is noted, how often, and how it is read.

use std::{fs, io::Write as _};

use serde_json::{Value, json};

use super::{made, vault_path};
use crate::support::{Evals, Project, Stub, openai_chat, openai_error};

fn actions(project: &Project) -> Vec<(String, Value, bool)> {
    let rows = project.evals().args(["audit", "--format", "json"]).run().ok().json();
    let rows = rows.as_array().expect("rows").iter();
    let row = |row: &Value| {
        let action = row["action"].as_str().expect("an action").to_owned();
        (action, row["slug"].clone(), row["run"].is_string())
    };
    rows.map(row).collect()
}

#[test]
fn every_change_and_use_of_a_credential_is_noted() {
    let stub = Stub::start(|request, _| match request.header("authorization") {
        Some(key) if key.contains("wrong") => openai_error(401, "no", "invalid_api_key"),
        _ if request.last_user().contains("status") => openai_chat("{\"status\":\"ok\"}", (1, 1)),
        _ => openai_chat("a0", (1, 1)),
    });
    let project = Project::new();
    let env = made(&project);
    let base_url = stub.base_url();
    let evals = |line: &[&str]| -> Evals {
        project
            .evals()
            .args(line)
            .env("EVALS_VAULT_KEY", &env)
            .env("LLM_KEY", "sk-0123456789abcdef")
    };
    let add = |slug: &str, more: &[&str]| {
        let line = ["models", "add", "--slug", slug, "--provider", "custom", "-m", "m"];
        evals(&line).args(["--base-url", &base_url]).args(more)
    };
    let key = "sk-0123456789-of-the-vault";
    add("in-vault", &["--api-key-stdin"]).stdin(key).run().ok();
    add("in-env", &["--api-key-env", "LLM_KEY", "--no-test"]).run().ok();
    add("refused", &["--api-key-stdin"]).stdin("sk-wrong-0123456789").run().code(3);
    evals(&["models", "test", "in-vault"]).run().ok();
    let edit = ["models", "edit", "in-vault", "--api-key-stdin", "--no-test"];
    evals(&edit).stdin("sk-9876543210-of-the-vault").run().ok();
    evals(&["models", "edit", "in-vault", "--only-project", "p", "--no-test"]).run().ok();
    let csv = format!(
        "slug,provider,model,base_url,api_key_env\nfrom-file,custom,m,{base_url},LLM_KEY\n"
    );
    project.write("models.csv", csv);
    evals(&["models", "import", "models.csv"]).run().ok();
    project.write("rows.csv", "question,answer\nq0,a0\n");
    let run = ["run", "rows.csv", "--project", "p", "--no-report", "-p", "{{question}}"];
    let models = ["-m", "byo:in-vault", "-m", "byo:in-env"];
    evals(&run).args(models).run();
    // What is refused before the first call uses nothing.
    evals(&run).args(models).args(["-g", "nonsense"]).run().code(2);
    let rotate = project.evals().args(["vault", "rotate"]).run().code(2);
    rotate.complains("is not set");
    for slug in ["in-vault", "in-env"] {
        evals(&["models", "rm", slug, "--yes"]).run().ok();
    }
    let wanted = [
        ("vault.init", None, false),
        ("key.test", Some("in-vault"), false),
        ("key.set", Some("in-vault"), false),
        ("key.set", Some("in-env"), false),
        ("key.test", Some("refused"), false),
        ("key.test", Some("in-vault"), false),
        ("key.set", Some("in-vault"), false),
        ("key.limit", Some("in-vault"), false),
        ("key.set", Some("from-file"), false),
        ("key.use", Some("in-env"), true),
        ("key.use", Some("in-vault"), true),
        ("key.remove", Some("in-vault"), false),
        ("key.remove", Some("in-env"), false),
    ];
    let wanted: Vec<_> =
        wanted.map(|(action, slug, run)| (action.to_owned(), json!(slug), run)).into();
    assert_eq!(actions(&project), wanted);
    let rows = evals(&["audit", "in-env", "--format", "csv"]).run().ok().stdout;
    assert_eq!(rows.lines().count(), 1 + 3, "{rows}");
    let run = evals(&["list", "--format", "json"]).run().ok().json()[0]["run_id"].clone();
    assert!(rows.contains(run.as_str().expect("an id")), "{rows}");
}

#[test]
fn a_thousand_uses_in_a_run_are_noted_once_and_once_more_when_it_is_resumed() {
    let stub = Stub::start(|_, nth| match nth {
        999 => openai_error(400, "broken", "bad_request"),
        _ => openai_chat("a0", (1, 1)),
    });
    let project = Project::new();
    let base_url = stub.base_url();
    let add = ["models", "add", "--slug", "mine", "--provider", "custom", "-m", "m", "--no-test"];
    let evals = |line: &[&str]| project.evals().args(line).env("LLM_KEY", "sk-0123456789abcdef");
    evals(&add).args(["--base-url", &base_url, "--api-key-env", "LLM_KEY"]).run().ok();
    let rows: Vec<String> = (0..250).map(|row| format!("q{row},a0\n")).collect();
    project.write("rows.csv", format!("question,answer\n{}", rows.concat()));
    let run = ["run", "rows.csv", "--no-report", "-m", "byo:mine", "-p", "{{question}}"];
    evals(&run).args(["--epochs", "4", "-q"]).run();
    assert_eq!(stub.requests().len(), 1000);
    let noted = actions(&project);
    let used = ("key.use".to_owned(), json!("mine"), true);
    assert_eq!(noted.iter().filter(|row| **row == used).count(), 1, "{noted:?}");
    let id = evals(&["list", "--format", "json"]).run().ok().json()[0]["run_id"].clone();
    evals(&["resume", "last", "--no-report", "-q"]).run();
    let rows = evals(&["audit", "mine", "--format", "json"]).run().ok().json();
    let rows = rows.as_array().expect("rows").iter().filter(|row| row["action"] == "key.use");
    let runs: Vec<Value> = rows.map(|row| row["run"].clone()).collect();
    assert!(!runs.is_empty() && runs.iter().all(|run| *run == id), "{runs:?}: the run is the same");
}

#[test]
fn what_the_log_cannot_take_is_not_done() {
    let project = Project::new();
    let env = made(&project);
    let log = project.home().join("evals/audit.jsonl");
    let before = fs::read(vault_path(&project)).expect("a vault");
    fs::remove_file(&log).expect("removed");
    fs::create_dir(&log).expect("made");
    let rotate = project.evals().args(["vault", "rotate"]).env("EVALS_VAULT_KEY", &env).run();
    rotate.code(2).complains("not a regular file");
    assert_eq!(fs::read(vault_path(&project)).expect("a vault"), before);
    fs::remove_dir(&log).expect("removed");

    // A crash cut the last line short; lines that are none are told of.
    let rotate =
        || project.evals().args(["vault", "rotate"]).env("EVALS_VAULT_KEY", &env).run().ok();
    rotate();
    let whole = fs::read_to_string(&log).expect("a log");
    fs::write(&log, &whole[..whole.len() - 9]).expect("written");
    rotate();
    let mut file = fs::OpenOptions::new().append(true).open(&log).expect("opened");
    file.write_all(b"\xff\x1b[31m=cmd()\n").expect("written");
    let audit = |format: &str| project.evals().args(["audit", "--format", format]).run().ok();
    for format in ["table", "json", "csv"] {
        let output = audit(format).complains("warning: 2 line(s) of the log cannot be read");
        assert_eq!(output.stdout.matches("vault.rotate").count(), 1, "{output:?}");
        assert!(!output.stdout.contains("cmd()") && !output.stdout.contains('\u{1b}'));
    }
}
