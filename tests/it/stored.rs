//! What is done with recorded runs, and the commands beside them.

use serde_json::Value;

use crate::support::{Evals, Project, foreign_scripts};

/// A project with one run of four trials, of which one fails and one is wrong.
fn with_run() -> Project {
    let project = Project::new();
    project.write(
        "rows.jsonl",
        "{\"id\": \"a\", \"input\": \"q <1>\", \"expected\": \"x\", \"said\": \"x\"}\n\
         {\"id\": \"b\", \"input\": \"q 2\", \"expected\": \"x\", \"said\": \"=1+1\"}\n\
         {\"id\": \"c\", \"input\": \"q 3\", \"expected\": \"x\", \"said\": \"x\"}\n\
         {\"id\": \"d\", \"input\": \"q 4\", \"expected\": \"x\"}\n",
    );
    let model = "{id: rec, provider: replay, output: said}";
    let args = ["run", "rows.jsonl", "-m", model, "-s", "exact_match", "--no-report"];
    project.evals().args(args).run().code(3);
    project
}

fn ids(project: &Project) -> Vec<String> {
    let list = project.evals().args(["list", "--format", "json"]).run().ok().json();
    let runs = list.as_array().expect("a list");
    runs.iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_is_listed_and_shown() {
    let project = with_run();
    let snapshot = |name: &str, args: &[&str]| {
        let output = project.evals().args(args).run().ok();
        insta::assert_snapshot!(name, project.redact(&output.stdout));
    };
    snapshot("list", &["list"]);
    snapshot("list_csv", &["list", "--format", "csv"]);
    snapshot("show", &["show"]);
    snapshot("show_markdown", &["show", "--format", "markdown"]);
    snapshot("show_failed", &["show", "--failed"]);
    let trials = project.evals().args(["show", "--trials", "-n", "2", "--format", "json"]).run();
    assert_eq!(trials.ok().json().as_array().map(Vec::len), Some(2));
}

#[test]
fn a_run_is_found_by_id_beginning_name_and_age() {
    let project = with_run();
    project.evals().args(["run", "rows.jsonl", "-m", "sim/instant", "--name", "second"]).run().ok();
    let ids = ids(&project);
    assert_eq!(ids.len(), 2);
    let found = |reference: &str| {
        let show = project.evals().args(["show", reference, "--format", "json"]).run().ok();
        show.json()["run_id"].as_str().unwrap().to_owned()
    };
    let (second, first) = (found("last"), found("last~1"));
    assert_ne!(first, second);
    assert_eq!([found(&second), found("second"), found("rows")], [&*second, &*second, &*first]);
    assert_eq!(found(&second[..25]), second);
    project.evals().args(["show", "last~2"]).run().code(2).complains("last~2");
    project.evals().args(["show", "secnd"]).run().code(2).complains("secnd");
}

#[test]
fn trials_are_exported_as_lines_cells_and_columns() {
    let project = with_run();
    let csv = project.evals().args(["export", "--format", "csv"]).run().ok().stdout;
    insta::assert_snapshot!("export_csv", project.redact(&csv));
    assert!(csv.contains("\"'=1+1\""), "no cell is a formula: {csv}");
    let raw = project.evals().args(["export", "--format", "csv", "--csv-raw"]).run().ok();
    assert!(raw.stdout.contains("\"=1+1\""), "{raw:?}");

    let lines = project.evals().arg("export").run().ok();
    assert_eq!(lines.json_lines().len(), 4);
    assert_eq!(lines.stdout, project.evals().arg("export").run().ok().stdout, "diffable");
    project.evals().args(["export", "-o", "out/trials.jsonl"]).run().ok();
    assert_eq!(project.read("out/trials.jsonl"), lines.stdout);
    project.evals().args(["export", "--format", "parquet", "-o", "t.parquet"]).run().ok();
    let bytes = std::fs::read(project.path("t.parquet")).expect("a file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    project.evals().args(["export", "--format", "parquet"]).run().code(2).complains("-o");
}

#[test]
fn a_report_is_one_safe_file() {
    let project = with_run();
    let said = project.evals().arg("report").run().ok().stdout;
    let path = said.trim().strip_prefix("report: ").expect("a path");
    let page = project.read(path);
    assert!(!page.contains("q <1>"), "the input stands nowhere as it is");
    assert_eq!(foreign_scripts(&page), 0);
    project.evals().args(["report", "-o", "page.html"]).run().ok().says("report: page.html");
    assert_eq!(project.read("page.html"), page);
    let stdout = project.evals().args(["report", "-o", "-"]).run().ok().stdout;
    assert_eq!(stdout, page);
    let markdown = project.evals().args(["report", "--format", "markdown"]).run().ok().stdout;
    assert!(markdown.contains("| `rec` |"), "{markdown}");
}

#[test]
fn a_run_is_deleted_only_when_told_so() {
    let project = with_run();
    let path = project.evals().arg("report").run().ok().stdout;
    let path = path.trim().strip_prefix("report: ").expect("a path").to_owned();
    project.evals().args(["rm", "last"]).run().code(2).complains("--yes");
    assert_eq!(ids(&project).len(), 1);
    project.evals().args(["rm", "last", "none", "--yes"]).run().code(2);
    assert_eq!(ids(&project).len(), 1, "all or nothing");
    project.evals().args(["rm", "last", "--yes"]).run().ok().says("deleted ");
    assert_eq!(ids(&project).len(), 0);
    assert!(!project.path(path).exists(), "its report goes with it");
    project.evals().arg("show").run().code(2);
}

#[test]
fn the_database_stands_where_it_is_told_to() {
    let project = Project::new();
    project.write("rows.csv", "id,input,expected\n1,q,a\n");
    let args = ["run", "rows.csv", "-m", "sim/instant", "-s", "exact_match", "--no-report"];
    project.evals().args(["--db", "deep/one.db"]).args(args).run().ok();
    project.evals().env("EVALS_DB", "two.db").args(args).run().ok();
    assert!(project.path("deep/one.db").is_file() && project.path("two.db").is_file());
    assert!(!project.path(".evals").exists());
    project.evals().args(["list", "--db", "two.db"]).run().ok().says("rows");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let project = Project::new();
    project.write("notes.db", "my notes\n");
    project.write("rows.csv", "id,input,expected\n1,q,a\n");
    for args in [&["list"][..], &["run", "rows.csv", "-m", "sim/instant"]] {
        let output = project.evals().args(["--db", "notes.db"]).args(args).run().code(2);
        output.complains("notes.db");
        assert_eq!(project.read("notes.db"), "my notes\n");
    }
}

#[test]
fn the_schema_knows_the_keys_of_a_config() {
    let schema = Project::new().evals().arg("schema").run().ok().json();
    for key in ["dataset", "prompts", "models", "scorers", "gates", "epochs", "extract", "params"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
}

#[test]
fn completions_are_made_for_every_shell() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = project.evals().args(["completions", shell]).run().ok();
        assert!(script.stdout.contains("shell-init"), "{shell}");
    }
    let script = project.evals().args(["completions", "bash"]).run().ok().stdout;
    project.write("complete.bash", script);
    let check = "source ./complete.bash && complete -p evals";
    Evals::program("/bin/bash", &project).args(["-c", check]).run().ok().says("evals");
}

#[test]
fn eval_in_bash_is_both_the_program_and_the_builtin() {
    let project = with_run();
    let script = project.evals().args(["shell-init", "bash"]).run().ok().stdout;
    project.write("init.bash", script);
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_evals")).parent().expect("a directory");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let bash = |line: &str| {
        let script = format!("set -u; source ./init.bash; {line}");
        Evals::program("/bin/bash", &project).env("PATH", &path).args(["-c", &script]).run()
    };
    bash("eval list").ok().says("rows");
    bash("eval show --format json").ok().says("evals.run/1");
    assert_eq!(bash("eval 'echo hi'").ok().stdout, "hi\n");
    assert_eq!(bash("eval 'x=5'; echo $x").ok().stdout, "5\n");
    assert_eq!(bash("eval echo a '&&' echo b").ok().stdout, "a\nb\n");
    bash("eval; echo done").ok().says("done");
    bash("eval 'exit 7'").code(7);
    for shell in ["zsh", "fish"] {
        project.evals().args(["shell-init", shell]).run().ok().says("builtin eval");
    }
}

#[test]
fn the_doctor_says_what_is_in_order() {
    let project = Project::new();
    let new = project.evals().arg("doctor").env("OPENAI_API_KEY", "sk-secret-1").run().ok();
    assert!(
        new.stdout.contains("OPENAI_API_KEY") && !new.stdout.contains("sk-secret-1"),
        "{new:?}"
    );
    assert!(project.files().is_empty(), "it writes nothing");
    let project = with_run();
    project.evals().arg("doctor").run().ok().says("1 runs");
    project.write(".evals/runs.db", "nonsense");
    project.evals().arg("doctor").run().code(2).says("FAIL database");
}

#[test]
fn init_replaces_nothing_unless_told_to() {
    let project = Project::new();
    project.write("evals.yaml", "mine\n");
    project.write(".gitignore", "target");
    project.evals().arg("init").run().code(2).complains("--force");
    assert_eq!(project.files(), [".gitignore", "evals.yaml"]);
    assert_eq!(project.read("evals.yaml"), "mine\n");
    project.evals().args(["init", "--force"]).run().ok();
    assert_eq!(project.read(".gitignore"), "target\n.evals/\n");
    project.evals().args(["init", "new/place"]).run().ok().says("cd new/place && evals run");
    assert!(project.path("new/place/capitals.csv").is_file());
}

#[test]
fn the_version_and_the_help_are_printed() {
    let project = Project::new();
    let version = project.evals().arg("--version").run().ok().stdout;
    assert_eq!(version, format!("evals {}\n", env!("CARGO_PKG_VERSION")));
    project.evals().arg("--help").run().ok().says("Exit codes: 0 done");
    project.evals().args(["run", "--help"]).run().ok().says("--failed-of");
}
