//! Scorers of one's own: programs that do as the protocol says, and programs that do not.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::support::{Output, Project, root};

/// The files of a Markdown text: each a line with its name in backticks and a colon, then a block.
fn printed_files(text: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) else {
            continue;
        };
        let block = lines.by_ref().skip(2).take_while(|line| !line.starts_with("```"));
        files.insert(name.to_owned(), block.flat_map(|line| [line, "\n"]).collect());
    }
    files
}

fn run(project: &Project, args: &[&str]) -> Output {
    project.evals().args(["run", "--format", "json", "--no-report"]).args(args).run()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

fn has(program: &str) -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|dir| fs::exists(format!("{dir}/{program}")).is_ok_and(|is| is))
}

/// Python and Node as `Evals` finds them, or a word of why not.
fn tools() -> bool {
    let all = ["python3", "node"].iter().all(|program| has(program));
    if !all {
        eprintln!("skipped: python3 and node are not both in /usr/bin");
    }
    all
}

#[test]
fn the_page_of_the_protocol_runs_as_it_is_printed() {
    if !tools() {
        return;
    }
    let page = fs::read_to_string(root().join("docs/scorer-protocol.md")).expect("the page");
    let files = printed_files(&page);
    assert_eq!(files.len(), 6, "{:?}", files.keys());
    let project = Project::new();
    for (name, text) in &files {
        let path = project.write(name, text);
        if text.starts_with("#!") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }
    let output = run(&project, &[]).ok();
    output
        .complains("note: scorer `in_python` starts `python3 exact.py`")
        .complains("note: scorer `python` starts `python3 judge.py:same_city`");
    let expected = [
        ("expr", [1.0, 1.0]),
        ("js", [1.0, 1.0]),
        ("python", [1.0, 1.0]),
        ("in_python", [1.0, 1.0]),
        ("in_node", [1.0, 1.0]),
        ("in_shell", [1.0, 0.0]),
    ];
    let lines = exported(&project);
    for (scorer, values) in expected {
        let got: Vec<&Value> = lines.iter().map(|line| &line["scores"][scorer]["value"]).collect();
        assert_eq!(json!(got), json!(values), "{scorer}: {lines:?}");
    }
}

/// Scorers that go wrong, with what is said of each.
const FAULTS: &str = r#"
dataset: {path: rows.csv, input: question, expected: answer}
models: [sim/instant]
prompts: ["{{question}}"]
concurrency: 4
scorers:
  - exact_match
  - exec: {id: crash, command: [sh, -c, "read -r line; echo last words >&2; kill -KILL $$"]}
  - exec: {id: hang, timeout: 400ms, command: [sh, -c, "echo here >&2; sleep 1000 & echo $! >> children; wait"]}
  - exec: {id: deaf, timeout: 400ms, command: [sh, -c, "echo $$ >> children; exec sleep 1000 < /dev/null"]}
  - exec: {id: stubborn, timeout: 400ms, command: [sh, -c, "trap '' TERM INT HUP; echo $$ >> children; while :; do sleep 1; done"]}
  - exec: {id: flood, command: [sh, -c, "exec yes 1234567890 | tr -d '\\n'"]}
  - exec: {id: noise, command: [sh, -c, "yes complaint >&2"], timeout: 1s}
  - exec: {id: prose, command: [sh, -c, "while read -r line; do echo 'I think it is right'; done"]}
  - exec: {id: liar, command: [sh, -c, "while read -r line; do echo '{\"id\": 99, \"score\": 1}'; done"]}
  - exec: {id: twice, size: 1, command: [sh, -c, "read -r line; echo '{\"id\": 1, \"score\": 1}'; echo '{\"id\": 1, \"score\": 1}'; read -r line; sleep 1000"]}
  - exec: {id: crowd, timeout: 2s, command: [sh, -c, "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & echo $! >> children; done; read -r line; exit 7"]}
  - exec: {id: once, command: [sh, -c, "read -r line; echo '{\"id\": 1, \"score\": 1}'"]}
"#;

/// Row 40 of the fault matrix: a scorer crashes, hangs, floods, or says something that is no score.
/// Each is an error of the scorer within its limits; the answer is kept and the run goes on.
#[test]
fn row_40_custom_scorers_that_go_wrong() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nIs it?,yes\nIs it not?,no\nAnd now?,now\n");
    project.write("evals.yaml", FAULTS);
    let output = run(&project, &[]).code(3);
    assert_eq!(output.json()["status"], "incomplete");
    let lines = exported(&project);
    assert_eq!(lines.len(), 3);
    let faults = [
        ("crash", "the program was killed by signal 9; its standard error ends: last words"),
        ("hang", "the program did not answer in time; its standard error ends: here"),
        ("deaf", "the program did not answer in time"),
        ("stubborn", "the program did not answer in time"),
        ("flood", "the reply is longer than 10 MB"),
        ("noise", "the program did not answer in time; its standard error ends: "),
        ("prose", "the reply is not JSON"),
        ("liar", "the reply is to request 99, and 1 was asked"),
        ("crowd", "the program ended with exit code 7"),
    ];
    for line in &lines {
        assert_eq!(line["status"], "ok", "the answer is kept: {line}");
        assert_eq!(line["output"], line["expected"], "{line}");
        assert_eq!(line["scores"]["exact_match"]["value"], 1.0);
        assert_eq!(line["scores"]["once"]["value"], 1.0, "one that ends is started again: {line}");
        for (scorer, why) in faults {
            let score = &line["scores"][scorer];
            assert_eq!(score["value"], Value::Null, "{scorer}: {score}");
            let error = score["error"].to_string();
            assert!(error.contains(why), "{scorer}: {error} has no `{why}`");
        }
    }
    // An answer too many is taken for one to the next request: noticed, and not scored.
    let twice = |line: &&Value| line["scores"]["twice"]["value"].is_null();
    assert_eq!(lines.iter().filter(twice).count(), 1, "{lines:?}");
    for result in output.json()["results"].as_array().expect("results") {
        if faults.iter().any(|(scorer, _)| result["scorer"] == *scorer) {
            assert_eq!((&result["value"], &result["unscored"]), (&Value::Null, &json!(3)));
        }
    }
    // Nothing that the programs had started is left.
    let children = project.read("children");
    let left = children.lines().filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // What was killed and is not yet waited for by its new parent is gone all the same.
        !stat.is_empty() && !stat.contains(") Z ")
    });
    assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
    assert!(children.lines().count() >= 3 * 11, "{children}");
}

/// Attack 21: what a scorer can see of keys.
#[test]
fn attack_21_a_program_is_told_no_key() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nIs it?,yes\n");
    let look = "read -r line; env >&2; ls -l /proc/$$/fd >&2; exit 1";
    let program = json!(["sh", "-c", look]).to_string();
    let config = format!(
        "dataset: {{path: rows.csv, input: question, expected: answer}}\nmodels: [sim/instant]\n\
         scorers:\n  - exec: {{id: look, command: {program}, env: {{MINE: '${{CANARY_OWN}}'}}}}\n"
    );
    project.write("evals.yaml", &config);
    let all = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "EVALS_VAULT_KEY", "CANARY_OWN", "OTHER"];
    let mut evals = project.evals().args(["run", "--format", "json", "--no-report"]);
    for name in all {
        evals = evals.env(name, format!("sk-CANARY-{name}"));
    }
    let output = evals.run().code(3);
    let lines = exported(&project);
    let error = lines[0]["scores"]["look"]["error"].to_string();
    assert!(error.contains("exit code 1"), "{error}");
    let everything = format!("{}{}{}", output.stdout, output.stderr, json!(lines));
    assert!(!everything.contains("CANARY-"), "{everything}");
    let db = fs::read(project.path(".evals/runs.db")).expect("the database");
    let canary = b"sk-CANARY";
    assert!(!db.windows(canary.len()).any(|window| window == canary), "the store");

    let refused = config.replace("CANARY_OWN", "OPENAI_API_KEY");
    project.write("evals.yaml", refused);
    let output = project.evals().arg("run").env("OPENAI_API_KEY", "sk-CANARY-1").run().code(2);
    output.complains("`${OPENAI_API_KEY}` is a provider's key, and programs get none");
}

#[test]
fn what_is_wrong_with_a_scorer_is_said_before_the_first_call() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nIs it?,yes\n");
    project.write("judge.py", "def score(output):\n    return 1\n");
    let check = |scorer: &str, expected: &str| {
        let ask = ["run", "rows.csv", "-m", "sim/instant", "-p", "{{question}}"];
        let output = project.evals().args(ask).args(["--expected", "answer", "-s", scorer]).run();
        output.code(2).complains(expected);
    };
    check("exec", "option `command`: is missing");
    check("exec: no-such-program-at-all", "there is no program `no-such-program-at-all` in PATH");
    check("exec: ./absent.sh", "there is no file `./absent.sh`");
    check("exec: {command: sh, size: 0}", "`size`: must be a number from 1 to 64");
    check("exec: {command: sh, range: [1, 1]}", "must be two numbers, the lower one first");
    check("exec: {command: sh, env: {A: '${NOT_SET}'}}", "`${NOT_SET}` has no value");
    check("exec: {command: sh, timeout: soon}", "`timeout` of scorer `exec`: `soon` is no time");
    check("python: judge.py", "not of the form `file.py:function`");
    check("python: absent.py:score", "`absent.py` cannot be read");
    check("python: judge.py:grade", "there is no `grade` in `judge.py`");
    check(
        "python: {function: 'judge.py:score', interpreter: pythonless}",
        "no program `pythonless`",
    );
    check("expr: 'output ==='", "scorer `expr`, option `code`");
    check("expr: 'return 1'", "scorer `expr`, option `code`");
    check("js: 'return (1'", "scorer `js`, option `code`");
    assert_eq!(project.files(), ["judge.py", "rows.csv"]);
}

#[test]
fn a_run_that_is_stopped_leaves_no_program_and_goes_on_later() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nIs it?,yes\nIs it not?,no\n");
    project.write(
        "evals.yaml",
        "dataset: {path: rows.csv, input: question, expected: answer}\nmodels: [sim/instant]\n\
         scorers:\n  - exec: {id: slow, size: 1, command: [sh, -c, 'echo $$ >> children; read -r \
         line; test -f go && echo \"{\\\"id\\\": 1, \\\"score\\\": 1}\" && exit; sleep 1000']}\n",
    );
    let running = project.evals().args(["run", "--no-report"]).spawn();
    while !project.path("children").exists() {
        std::thread::yield_now();
    }
    running.signal("INT");
    running.wait().code(130);
    let pid = project.read("children").trim().to_owned();
    assert!(!fs::exists(format!("/proc/{pid}")).expect("a look"), "{pid} is still there");
    project.write("go", "");
    project.evals().args(["resume", "--no-report"]).run().ok();
    let lines = exported(&project);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["scores"]["slow"]["value"] == 1.0), "{lines:?}");
}
