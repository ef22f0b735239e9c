//! Shards: parts of a run that CI jobs make side by side, put together into one.

use serde_json::{Value, json};

use crate::support::{Output, Project};

fn rows() -> String {
    let row = |at: usize| format!("q{at:02},g{},question {at},right\n", at / 3);
    format!("id,group,question,answer\n{}", (0..60).map(row).collect::<Vec<_>>().concat())
}

const MODELS: [&str; 4] = [
    "-m",
    "{use: sim/instant, id: good, accuracy: 0.9}",
    "-m",
    "{use: sim/instant, id: weak, accuracy: 0.4, seed: 3}",
];
const ASK: [&str; 12] = [
    "-p",
    "{{question}}",
    "--expected",
    "answer",
    "-s",
    "exact_match",
    "--epochs",
    "2",
    "--cluster",
    "group",
    "--no-report",
    "--quiet",
];

fn shard(project: &Project, db: &str, shard: &str, more: &[&str]) -> Output {
    let args = ["run", "rows.csv", "--db", db, "--shard", shard, "--name", "whole"];
    project.evals().args(args).args(MODELS).args(ASK).args(more).run()
}

/// The lines of a run's export, without what is the run's own.
fn exported(project: &Project, db: &str, run: &str) -> Vec<Value> {
    let lines = project.evals().args(["export", run, "--db", db]).run().ok().json_lines();
    let own = |mut line: Value| {
        line.as_object_mut().expect("an object").remove("run_id");
        line
    };
    lines.into_iter().map(own).collect()
}

#[test]
fn shards_become_the_run_that_one_job_would_have_made() {
    let project = Project::new();
    project.write("rows.csv", rows());
    let gate = ["-g", "exact_match.mean >= 0.8"];
    let whole = ["run", "rows.csv", "--db", "whole.db", "--name", "whole"];
    project.evals().args(whole).args(MODELS).args(ASK).args(gate).run().code(1);
    for at in 1..=3 {
        let output = shard(&project, &format!("s{at}.db"), &format!("{at}/3"), &gate);
        output.ok().complains(&format!("this is shard {at}/3; `evals merge` decides the gates"));
    }
    let shards: Vec<Vec<Value>> =
        (1..=3).map(|at| exported(&project, &format!("s{at}.db"), "last")).collect();
    for (at, lines) in shards.iter().enumerate() {
        let groups = |lines: &[Value]| -> Vec<String> {
            lines.iter().map(|line| line["vars"]["group"].to_string()).collect()
        };
        let others = shards.iter().enumerate().filter(|(other, _)| *other != at);
        let shared =
            others.flat_map(|(_, other)| groups(other)).any(|g| groups(lines).contains(&g));
        assert!(!shared, "a cluster is in one shard");
    }
    let args = ["merge", "s3.db", "s1.db", "s2.db", "--db", "merged.db", "--tag", "main"];
    let merged = project.evals().args(args).args(["--no-report", "--format", "json"]).run().code(1);
    merged.complains("merged 3 of 3 shards into run");
    assert_eq!(exported(&project, "merged.db", "main"), exported(&project, "whole.db", "last"));
    let shown = |db: &str| -> Value {
        let shown = ["show", "--db", db, "--format", "json"];
        let mut json = project.evals().args(shown).run().ok().json();
        // How long it took is another matter: shards run side by side.
        for own in ["run_id", "seconds", "calls_per_second"] {
            json.as_object_mut().expect("an object").remove(own).expect(own);
        }
        json
    };
    assert_eq!(shown("merged.db"), shown("whole.db"), "the same results, gates and latencies");
    let listed = project.evals().args(["list", "--db", "merged.db", "--format", "json"]).run().ok();
    assert_eq!(listed.json()[0]["trials"], json!({"planned": 240, "ended": 240, "error": 0}));
    let compared = project.evals().args(["compare", "--db", "merged.db", "--format", "json"]).run();
    assert_eq!(compared.ok().json()["pairs"][0]["scores"][0]["n"], 60);
    project.evals().args(["report", "--db", "merged.db"]).run().ok().says("report:");
    project.evals().args(["doctor", "--db", "merged.db"]).run().ok();
}

#[test]
fn shards_of_one_database_are_named_as_runs_are() {
    let project = Project::new();
    project.write("rows.csv", rows());
    for at in 1..=2 {
        shard(&project, "runs.db", &format!("{at}/2"), &["--tag", &format!("part{at}")]).ok();
    }
    let args = ["merge", "part1", "part2", "--db", "runs.db", "--name", "both", "--no-report"];
    project.evals().args(args).run().ok().says("both");
    assert_eq!(exported(&project, "runs.db", "both").len(), 240);
}

#[test]
fn shards_that_do_not_fit_are_refused() {
    let project = Project::new();
    project.write("rows.csv", rows());
    for at in 1..=3 {
        shard(&project, &format!("s{at}.db"), &format!("{at}/3"), &[]).ok();
    }
    let merge = |args: &[&str]| {
        project.evals().arg("merge").args(args).args(["--db", "m.db", "--no-report"]).run()
    };
    merge(&["s1.db", "s2.db"]).code(2).complains("shards are missing: 3/3").complains("--partial");
    merge(&["s1.db", "s2.db", "s2.db", "s3.db"]).code(2).complains("overlap: both are shard 2/3");
    shard(&project, "other.db", "3/4", &[]).ok();
    merge(&["s1.db", "s2.db", "other.db"]).code(2).complains("of 3 and of 4 shards");
    shard(&project, "scorer.db", "3/3", &["-s", "contains"]).ok();
    merge(&["s1.db", "s2.db", "scorer.db"]).code(2).complains("the number of scorers");
    shard(&project, "fewer.db", "3/3", &["-n", "50"]).ok();
    merge(&["s1.db", "s2.db", "fewer.db"]).code(2).complains("are not shards of one run");
    let args = ["run", "rows.csv", "--db", "plain.db"];
    project.evals().args(args).args(MODELS).args(ASK).run().ok();
    merge(&["s1.db", "s2.db", "plain.db"]).code(2).complains("is no shard");
    merge(&["s1.db", "gone.db"]).code(2);
    for wrong in ["0/3", "4/3", "1", "a/b", "1/0"] {
        shard(&project, "w.db", wrong, &[]).code(2).complains("is no shard");
    }
    assert!(!project.path("m.db").exists(), "nothing was written");
    let partial = merge(&["s1.db", "s2.db", "--partial"]).code(3);
    partial.says("incomplete");
}

#[test]
fn more_shards_than_rows_leave_some_empty() {
    let project = Project::new();
    project.write("rows.csv", "id,group,question,answer\na,g,question,right\n");
    for at in 1..=3 {
        shard(&project, &format!("s{at}.db"), &format!("{at}/3"), &[]).ok();
    }
    let args = ["merge", "s1.db", "s2.db", "s3.db", "--db", "m.db", "--no-report"];
    project.evals().args(args).run().ok();
    assert_eq!(exported(&project, "m.db", "last").len(), 4);
}
