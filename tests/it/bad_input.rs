//! What is wrong is said once, with its place and the nearest right spelling; nothing is called and
//! nothing is written. Nothing that a file holds makes the program panic.

use std::fmt::Write as _;

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{Evals, Output, Project, Response, Stub, foreign_scripts, shared_dir};

/// A config of which each case replaces one line; lines count from 1.
const CONFIG: [&str; 9] = [
    "dataset:",
    "  path: rows.csv",
    "  expected: answer",
    "prompts: ['{{question}}']",
    "models: [sim/instant]",
    "scorers:",
    "  - exact_match",
    "gates: [exact_match.mean >= 0.5]",
    "concurrency: 4",
];

/// What is wrong with a config: its name, the line that is replaced, by what, and what the message
/// must hold besides the place.
const CONFIGS: &[(&str, usize, &str, &[&str])] = &[
    ("unknown key", 9, "concurency: 4", &["`concurency`", "did you mean `concurrency`"]),
    (
        "unknown key of the dataset",
        3,
        "  expcted: answer",
        &["`expcted`", "did you mean `expected`"],
    ),
    ("wrong type", 9, "concurrency: many", &[]),
    ("a list where a text belongs", 2, "  path: [rows.csv]", &[]),
    ("out of range", 9, "concurrency: 0", &["between 1 and"]),
    ("broken YAML", 5, "models: [sim/instant]]", &[]),
    ("a key twice", 9, "gates: []", &["gates"]),
    ("missing dataset", 2, "  path: row.csv", &["row.csv", "rows.csv"]),
    ("missing column", 3, "  expected: answr", &["`answr`", "did you mean `answer`"]),
    ("bad filter", 3, "  where: 'answer ='", &[]),
    (
        "unknown column in a filter",
        3,
        "  where: \"answr = 'x'\"",
        &["answr", "did you mean `answer`"],
    ),
    ("bad range", 3, "  range: 5..2", &["`5..2` is no range"]),
    ("unfinished template", 4, "prompts: ['{{#if question}}']", &[]),
    ("unknown variable", 4, "prompts: ['{{qestion}}']", &["`qestion`", "did you mean `question`"]),
    ("unknown helper", 4, "prompts: ['{{uper question}}']", &["uper"]),
    ("missing prompt file", 4, "prompts: [{file: p.hbs}]", &["p.hbs"]),
    ("bad regex", 7, "  - regex: {pattern: '(a'}", &["regex"]),
    ("unknown scorer", 7, "  - exct_match", &["`exct_match`", "did you mean `exact_match`"]),
    ("unknown option", 7, "  - exact_match: {normalise: [trim]}", &["did you mean `normalize`"]),
    ("scorer twice", 7, "  [exact_match, exact_match]", &["two scorers"]),
    ("unknown step", 9, "extract: last_nmber", &["did you mean `last_number`"]),
    ("bad regex in an extraction", 9, "extract: {regex: '(a'}", &["regex"]),
    ("gate without sense", 8, "gates: [exact_match.mean]", &["compares nothing"]),
    ("gate of nothing", 8, "gates: [exct_match.mean > 1]", &["did you mean `exact_match.mean`"]),
    ("gate of a bad value", 8, "gates: [latency.p95 < fast]", &["`fast`"]),
    ("unknown profile", 5, "models: [sim/instnt]", &["did you mean `instant`"]),
    ("unknown model", 5, "models: [instant]", &["did you mean `sim/instant`"]),
    (
        "unknown provider",
        5,
        "models: [{id: m, provider: openai-compatble}]",
        &["did you mean `openai-compatible`"],
    ),
    ("provider without chats", 5, "models: [{id: m, provider: fal}]", &["no chat models"]),
    ("azure without an address", 5, "models: [{provider: azure, model: m}]", &["`resource`"]),
    (
        "key in clear",
        5,
        "models: [{provider: openai-compatible, base_url: '${STUB}', model: m, api_key: sk-1234567}]",
        &["`${NAME}`"],
    ),
    (
        "key that is not set",
        5,
        "models: [{provider: openai-compatible, base_url: '${STUB}', model: m, api_key: '${NO_KEY}'}]",
        &["`NO_KEY` is not set"],
    ),
    ("variable without value", 2, "  path: ${NO_DIR}/rows.csv", &["NO_DIR"]),
    (
        "field of another provider",
        5,
        "models: [{use: sim/good, base_url: 'http://x'}]",
        &["`base_url`"],
    ),
    (
        "address that is none",
        5,
        "models: [{provider: openai-compatible, base_url: localhost, model: m}]",
        &["base URL"],
    ),
    ("unknown reducer", 9, "epochs: {count: 2, reduce: meen}", &["did you mean `mean`"]),
];

/// What is wrong with a file of rows: its name, its bytes, what the message must hold.
const ROWS: &[(&str, &str, &[u8], &[&str])] = &[
    (
        "duplicate id",
        "rows.csv",
        b"id,question,answer\n1,q,a\n1,r,b\n",
        &["rows.csv:3", "`1`", "rows.csv:2"],
    ),
    (
        "ragged row",
        "rows.csv",
        b"id,question,answer\n1,q,a\n2,r\n",
        &["rows.csv:3", "2 cells", "3"],
    ),
    (
        "not UTF-8",
        "rows.csv",
        b"id,question,answer\n1,q,a\n2,\xff\xfe,b\n",
        &["rows.csv:3", "UTF-8", "`question`"],
    ),
    ("empty file", "rows.csv", b"", &["rows.csv", "empty"]),
    ("header alone", "rows.csv", b"id,question,answer\n", &["rows.csv", "no rows"]),
    ("header twice", "rows.csv", b"id,question,answer,id\n1,q,a,2\n", &["rows.csv:1", "`id`"]),
    (
        "header without name",
        "rows.csv",
        b"id,question,,answer\n1,q,x,a\n",
        &["rows.csv:1", "column 3"],
    ),
    ("open quote", "rows.csv", b"id,question,answer\n1,\"q,a\n", &["rows.csv:2:3", "never closed"]),
    ("empty id", "rows.csv", b"id,question,answer\n,q,a\n", &["rows.csv:2", "`id` is empty"]),
    (
        "bad JSON",
        "rows.jsonl",
        b"{\"question\": \"q\", \"answer\": \"a\"}\n{\"question\": q}\n",
        &["rows.jsonl:2:14"],
    ),
    (
        "no object",
        "rows.jsonl",
        b"{\"question\": \"q\", \"answer\": \"a\"}\n[1]\n",
        &["rows.jsonl:2", "object"],
    ),
    ("UTF-16", "rows.csv", b"\xff\xfei\0d\0\n\x001\0\n\0", &["rows.csv", "UTF-16"]),
    (
        "damaged gzip",
        "rows.csv.gz",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03nonsense",
        &["rows.csv.gz", "damaged"],
    ),
    ("no Parquet", "rows.parquet", b"PAR1 nonsense PAR1", &["rows.parquet"]),
];

fn with_rows() -> Project {
    let project = Project::new();
    project.write("rows.csv", "id,question,answer\n1,q,a\n2,r,b\n");
    project
}

/// Checks that the command refused, wrote nothing and did not panic. Gives what it said.
#[track_caller]
fn refused(case: &str, project: &Project, before: &[String], output: &Output) -> String {
    assert_eq!(output.code, Some(2), "{case}: {output:?}");
    assert_eq!(output.stdout, "", "{case}: {output:?}");
    assert_eq!(project.files(), before, "{case}: something was written");
    assert!(!output.stderr.contains("panicked"), "{case}: {output:?}");
    assert!(output.stderr.starts_with("error: "), "{case}: {output:?}");
    project.redact(&output.stderr)
}

#[test]
fn a_wrong_config_is_refused_with_its_place_and_the_nearest_spelling() {
    let stub = Stub::start(|_, _| Response::Reset);
    let place = Regex::new(r"evals\.yaml:(\d+):\d+: ").unwrap();
    let (mut said, mut wrong) = (String::new(), Vec::new());
    for (case, line, text, wanted) in CONFIGS {
        let project = with_rows();
        let mut config = CONFIG;
        config[line - 1] = text;
        // A server that would be called, if one ever were.
        let model = "{id: stub, provider: openai-compatible, base_url: '${STUB}', model: m}";
        let config = config.join("\n").replace("[sim/instant]", &format!("[sim/instant, {model}]"));
        project.write("evals.yaml", config + "\n");
        let before = project.files();
        let output = project.evals().arg("run").env("STUB", stub.base_url()).run();
        let message = refused(case, &project, &before, &output);
        let at = place.captures(&message).map(|found| found[1].to_owned());
        let lacks = wanted.iter().find(|part| !message.contains(**part));
        if at != Some(line.to_string()) || lacks.is_some() {
            wrong.push(format!("{case}: wanted line {line} and {wanted:?}\n{message}"));
        }
        write!(said, "## {case}: {text}\n{message}\n").unwrap();
    }
    assert_eq!(stub.connections(), 0, "nothing is called");
    assert!(!said.contains("sk-1234567\""), "a key is not repeated");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("configs", said);
}

#[test]
fn what_is_wrong_is_said_in_words_of_the_user() {
    for (line, text) in [(9, "concurrency: many"), (2, "  path: [rows.csv]"), (9, "gates: []")] {
        let project = with_rows();
        let mut config = CONFIG;
        config[line - 1] = text;
        project.write("evals.yaml", config.join("\n"));
        let before = project.files();
        let output = project.evals().arg("run").run();
        let message = refused(text, &project, &before, &output);
        for word in ["u32", "scalar", "DuplicateKeyPolicy"] {
            assert!(!message.contains(word), "{text}: a programmer's word: {message}");
        }
    }
}

#[test]
fn a_gate_that_no_run_can_meet_is_refused() {
    let project = with_rows();
    let gate = "gates: [exact_match.mean >= 90]";
    project
        .write("evals.yaml", CONFIG.join("\n").replace("gates: [exact_match.mean >= 0.5]", gate));
    let before = project.files();
    let output = project.evals().arg("run").run();
    let message = refused(gate, &project, &before, &output);
    assert!(message.starts_with("error: evals.yaml:8:9: "), "{message}");
}

#[test]
fn a_missing_recording_is_refused_with_its_place() {
    let project = with_rows();
    project.write("evals.yaml", CONFIG.join("\n").replace("sim/instant", "'replay:none.jsonl'"));
    let before = project.files();
    let output = project.evals().arg("run").run();
    let message = refused("missing recording", &project, &before, &output);
    assert!(message.starts_with("error: evals.yaml:5:10: "), "{message}");
    assert!(message.contains("none.jsonl"), "{message}");
}

#[test]
fn wrong_rows_are_refused_with_their_place() {
    let (mut said, mut wrong) = (String::new(), Vec::new());
    for (case, name, bytes, wanted) in ROWS {
        let project = Project::new();
        project.write(name, bytes);
        let before = project.files();
        let ask = ["-m", "sim/instant", "-p", "{{question}}", "--expected", "answer"];
        let output = project.evals().args(["run", name]).args(ask).run();
        let message = refused(case, &project, &before, &output);
        if wanted.iter().any(|part| !message.contains(part)) {
            wrong.push(format!("{case}: wanted {wanted:?}\n{message}"));
        }
        write!(said, "## {case}\n{message}\n").unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("rows", said);
}

#[test]
fn wrong_flags_are_refused() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("unknown flag", &["run", "rows.csv", "--modle", "x"], &["--modle", "--model"]),
        ("unknown command", &["exprt"], &["exprt", "export"]),
        ("nothing to run", &["run"], &["evals.yaml", "evals init"]),
        ("no model", &["run", "rows.csv", "-p", "{{question}}"], &["no model is named"]),
        ("missing config", &["run", "none.yaml"], &["none.yaml"]),
        ("unknown model", &["run", "rows.csv", "-m", "sim/goood"], &["did you mean `good`"]),
        (
            "unknown scorer",
            &["run", "rows.csv", "-m", "sim/good", "-s", "contans"],
            &["`contains`"],
        ),
        ("bad YAML in a flag", &["run", "rows.csv", "-m", "{use: sim/good"], &["--model"]),
        (
            "unknown variable",
            &["run", "rows.csv", "-m", "sim/good", "-p", "{{qestion}}"],
            &["`question`"],
        ),
        ("bad sample", &["run", "rows.csv", "-m", "sim/good", "--sample", "x"], &["--sample"]),
        (
            "bad share",
            &["run", "rows.csv", "-m", "sim/good", "-p", "{{question}}", "--allow-errors", "x"],
            &["--allow-errors"],
        ),
        ("bad definition", &["run", "rows.csv", "-D", "x"], &["--define"]),
        ("no run yet", &["show"], &[]),
        ("nothing to list", &["export", "01J"], &[]),
        ("Parquet to a pipe", &["export", "--format", "parquet"], &[]),
        ("empty standard input", &["run", "-", "-m", "sim/good"], &["empty"]),
    ];
    let (mut said, mut wrong) = (String::new(), Vec::new());
    for (case, args, wanted) in cases {
        let project = with_rows();
        let before = project.files();
        let output = project.evals().args(*args).run();
        let message = refused(case, &project, &before, &output);
        if wanted.iter().any(|part| !message.contains(part)) {
            wrong.push(format!("{case}: wanted {wanted:?}\n{message}"));
        }
        write!(said, "## {case}: {}\n{message}\n", args.join(" ")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("flags", said);
}

#[test]
fn a_reader_that_closes_its_end_is_no_error() {
    let project = Project::new();
    let rows: Vec<String> = (0..2000).map(|i| format!("{i},q{i},a{i}\n")).collect();
    let rows = rows.concat();
    project.write("rows.csv", format!("id,input,expected\n{rows}"));
    let run = ["run", "rows.csv", "-m", "sim/instant", "-s", "exact_match"];
    project.evals().args(run).run().ok();
    let commands = [
        "export",
        "export --format csv",
        "show --trials -n 2000",
        "report -o -",
        "report --format markdown -o -",
        "list",
        "schema",
        "completions bash",
        "run rows.csv -n 3 -m sim/instant",
        "--help",
    ];
    let mut wrong = Vec::new();
    for command in commands {
        // The reader closes its end before the program begins; the code is the program's.
        let script = format!(
            "exec 3>&1; mkfifo gate; {{ read -r _ < gate; \"$0\" {command}; echo code=$? >&3; }} | \
             {{ exec <&-; echo > gate; }}; rm gate"
        );
        let output = Evals::program("/bin/bash", &project)
            .args(["-c", &script, env!("CARGO_BIN_EXE_evals")])
            .run();
        let quiet = ["panicked", "Broken pipe", "error"].iter().all(|w| !output.stderr.contains(w));
        if !quiet || !output.stdout.contains("code=0") {
            wrong.push(format!("{command}: {}{}", output.stdout, output.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let head = format!("{} export | head -1", env!("CARGO_BIN_EXE_evals"));
    let head = Evals::program("/bin/sh", &project).args(["-c", &head]).run().ok();
    assert_eq!((head.stdout.lines().count(), &*head.stderr), (1, ""));
}

/// Whether `text` would do something to a terminal.
fn controls_terminal(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A dataset of hostile strings as question, answer and model output, with every scorer over it.
fn survives(strings: &[String]) {
    let project = Project::new();
    let rows: Vec<String> = strings
        .iter()
        .enumerate()
        .map(|(i, text)| {
            format!(
                "{}\n",
                json!({"id": format!("{i} {text}"), "q": text, "a": text, "list": [text]})
            )
        })
        .collect();
    project.write("rows.jsonl", rows.concat());
    project.write(
        "evals.yaml",
        "dataset: {path: rows.jsonl, id: id, input: q, expected: a}\n\
         prompts: ['{{q}}', '{{#each list}}{{this}}{{/each}}']\n\
         models:\n  - {use: sim/instant, id: \"i\\u001b[31m<b>\"}\n  - {id: rec, provider: replay, output: q}\n  \
         - {use: sim/verbose, latency: 0ms}\n\
         extract: [{id: think, steps: [strip_think, trim]}, {id: num, steps: [last_number]}]\n\
         scorers:\n  - exact_match: {extract: output}\n  - contains\n  - regex: {pattern: '.'}\n  \
         - one_of: {values: [a, b]}\n  - numeric: {extract: num}\n  - levenshtein\n  - is_json\n  \
         - latency\n  - cost\n",
    );
    let run = project.evals().arg("run").run();
    assert_ne!(run.code, Some(2), "{run:?}");
    let count = strings.len() * 2 * 3;
    let shows: [&[&str]; 4] = [
        &["show"],
        &["show", "--trials", "-n", "100000"],
        &["list"],
        &["report", "-o", "page.html"],
    ];
    let mut outputs: Vec<Output> =
        shows.iter().map(|args| project.evals().args(*args).run().ok()).collect();
    outputs.push(run);
    for output in &outputs {
        assert!(!output.stderr.contains("panicked"), "{output:?}");
        assert!(!controls_terminal(&output.stdout), "control characters on stdout: {output:?}");
        assert!(!controls_terminal(&output.stderr), "control characters on stderr: {output:?}");
    }
    let run = outputs.pop().expect("the run");
    assert!(matches!(run.code, Some(0 | 3)), "{run:?}");
    let page = project.read("page.html").to_lowercase();
    for tag in ["<img", "<iframe", "<object", "<embed"] {
        assert!(!page.contains(tag), "{tag} in the report");
    }
    assert_eq!(foreign_scripts(&page), 0);
    let lines = project.evals().arg("export").run().ok().json_lines();
    assert_eq!(lines.len(), count);
    for line in &lines {
        let text = line["vars"]["q"].as_str().expect("a text");
        assert_eq!(line["messages"][0]["content"], text, "a prompt is not escaped");
        if line["model"] == "rec" && line["status"] == "ok" {
            assert_eq!(line["output"], text);
            assert_eq!(line["scores"]["exact_match"]["value"], json!(1.0), "{line}");
        }
    }
    for format in ["csv", "parquet"] {
        project.evals().args(["export", "--format", format, "-o", "trials"]).run().ok();
    }
}

#[test]
fn hostile_text_is_kept_and_shown_harmlessly() {
    survives(
        &[
            "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m",
            "<script>alert(1)</script><img src=x onerror=alert(1)>",
            "{{question}} {{{{raw}}}} \\{{x}} ${HOME}",
            "a\u{0}b",
            "\u{202e}desrever\u{200b}",
            "=cmd|' /C calc'!A0",
            "line\r\nbreaks\u{2028}and\ttabs",
            "<think>never closed",
            "1e999999999",
            "NaN",
            " ",
        ]
        .map(str::to_owned),
    );
}

#[test]
fn naughty_strings_are_kept_and_shown_harmlessly() {
    let Some(shared) = shared_dir() else { return };
    let text = std::fs::read_to_string(shared.join("data/naughty/blns.json")).expect("strings");
    let strings: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let strings: Vec<String> =
        strings.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert!(strings.len() > 400, "{}", strings.len());
    survives(&strings);
}

#[test]
fn bedrock_without_a_region_says_so_before_the_first_call() {
    let project = Project::new();
    project.write("rows.csv", "question\nq0\n");
    project.write(
        "evals.yaml",
        "dataset: {path: rows.csv}\nprompts: ['{{question}}']\nmodels: [bedrock/x.y]\nscorers: [is_json]\n",
    );
    let run = project.evals().arg("run").env("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token");
    run.run().code(2).complains("`region`").complains("AWS_REGION");
}
