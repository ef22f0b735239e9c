//! `evals run`: a dataset against simulated and recorded models, as a user types it.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::{Output, Project, foreign_scripts};

const ROWS: &str = "id,question,answer,level\n\
                    a,What is the capital of France?,Paris,1\n\
                    b,What is the capital of Italy?,Rome,2\n\
                    c,What is the capital of Peru?,Lima,3\n\
                    d,What is the capital of Japan?,Tokyo,10\n";

/// Flags that ask the question of [`ROWS`] and compare with its answer.
const ASK: [&str; 6] = ["-p", "{{question}}", "--expected", "answer", "-s", "exact_match"];

/// A model that is right half of the time and does not wait.
const HALF: &str = "{use: sim/weak, id: half, latency: 0ms}";

fn with_rows() -> Project {
    let project = Project::new();
    project.write("rows.csv", ROWS);
    project
}

/// `evals run` with JSON output.
fn run(project: &Project, args: &[&str]) -> Output {
    project.evals().args(["run", "--format", "json", "--no-report"]).args(args).run()
}

/// The trials of the last run.
fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

fn texts(lines: &[Value], key: &str) -> Vec<String> {
    lines.iter().map(|line| line[key].as_str().unwrap_or("null").to_owned()).collect()
}

/// The sample ids that a run with `args` over [`ROWS`] asks, in order.
fn asked(project: &Project, args: &[&str]) -> Vec<String> {
    let all = [&["rows.csv", "-m", "sim/instant"], &ASK[..], args].concat();
    run(project, &all).ok();
    texts(&exported(project), "sample_id")
}

#[test]
fn the_starter_runs_without_a_flag() {
    let project = Project::new();
    let init = project.evals().arg("init").run().ok();
    insta::assert_snapshot!("init", project.redact(&init.stdout));
    assert_eq!(project.files(), [".gitignore", "capitals.csv", "evals.yaml"]);

    let output = project.evals().arg("run").run().ok();
    insta::assert_snapshot!("starter", project.redact(&output.stdout));
    let path = output.stdout.lines().find_map(|line| line.strip_prefix("report: "));
    let page = project.read(path.expect("a path on stdout"));
    assert!(page.contains("sim/good") && page.contains("exact_match"), "{page:.200}");
    assert_eq!(foreign_scripts(&page), 0);
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "the report is self-contained"
    );
}

#[test]
fn rows_are_piped_in_and_everything_is_said_by_flags() {
    let project = Project::new();
    let output = project
        .evals()
        .args(["run", "-", "-m", "sim/instant", "--name", "piped", "--gate"])
        .args(["exact_match.mean >= 90%", "--format", "json"])
        .args(ASK)
        .stdin(ROWS)
        .run()
        .ok();
    let json = output.json();
    assert_eq!(json["name"], "piped");
    assert_eq!(json["trials"], json!({"total": 4, "ok": 4, "error": 0, "cached": 0}));
    assert_eq!(json["results"][0]["value"], 1.0);
    assert_eq!(json["gates"][0]["passed"], true);
    output.complains("report: .evals/reports/");
}

#[test]
fn json_is_the_contract() {
    let project = with_rows();
    let gate = ["--gate", "exact_match.mean >= 0.5", "--gate", "errors.rate < 1%"];
    let args = [&["rows.csv", "-m", "sim/instant"], &ASK[..], &gate[..]].concat();
    let json = run(&project, &args).ok().json();
    insta::assert_json_snapshot!("contract", json, {
        ".run_id" => "[run]",
        ".seconds" => "[seconds]",
        ".calls_per_second" => "[rate]",
    });
    let low = json["results"][0]["low"].as_f64().expect("a number");
    assert!((0.3..1.0).contains(&low), "{low}");

    // `show` says the same of the stored run.
    let shown = project.evals().args(["show", "--format", "json"]).run().ok().json();
    assert_eq!(shown, json);
}

#[test]
fn a_line_of_the_export_is_the_contract() {
    let project = with_rows();
    run(&project, &[&["rows.csv", "-n", "1", "-m", "sim/instant"], &ASK[..]].concat()).ok();
    let lines = exported(&project);
    insta::assert_json_snapshot!("export_line", lines[0], { ".run_id" => "[run]" });
}

#[test]
fn a_gate_that_fails_makes_the_exit_code_1_and_the_run_stays_complete() {
    let project = with_rows();
    let wrong = "{use: sim/instant, id: wrong, accuracy: 0}";
    let gate = ["--gate", "exact_match.mean >= 0.9"];
    let output = run(&project, &[&["rows.csv", "-m", wrong], &ASK[..], &gate[..]].concat()).code(1);
    let json = output.json();
    assert_eq!(json["status"], "complete");
    assert_eq!(json["gates"][0]["passed"], false);
    assert_eq!(json["gates"][0]["measured"], 0.0);
    assert_eq!(json["gates"][0]["model"], "wrong");
}

#[test]
fn failed_calls_make_the_run_incomplete_unless_they_are_allowed() {
    let project = Project::new();
    let rows: Vec<String> = (0..60).map(|i| format!("{i},q{i},a{i}\n")).collect();
    let rows = rows.concat();
    project.write("rows.csv", format!("id,question,answer\n{rows}"));
    let flaky = ["rows.csv", "-m", "{use: sim/flaky, id: flaky, latency: 0ms}"];
    let json = run(&project, &[&flaky, &ASK[..]].concat()).code(3).json();
    assert_eq!(json["status"], "incomplete");
    let failed = json["trials"]["error"].as_u64().expect("a count");
    assert!((1..30).contains(&failed), "{failed} of 60");
    assert_eq!(json["trials"]["ok"], 60 - failed);
    assert_eq!(json["errors"], json!({"transient": failed}));
    // A failed call is no wrong answer.
    assert_eq!(json["results"][0]["n"], 60 - failed);

    let allowed = run(&project, &[&flaky, &ASK[..], &["--gate", "errors.rate < 50%"]].concat());
    let allowed = allowed.ok().json();
    assert_eq!(allowed["status"], "complete");
    assert_eq!(allowed["trials"]["error"], failed, "which calls fail follows from the seed");
    run(&project, &[&flaky, &ASK[..], &["--allow-errors", "50%"]].concat()).ok();

    let lines = exported(&project);
    let error = lines.iter().find(|line| line["status"] == "error").expect("a failed trial");
    assert_eq!(error["error"]["kind"], "transient");
    assert_eq!(error["output"], Value::Null);
    assert!(
        error["scores"]
            .as_object()
            .is_none_or(|scores| { scores.values().all(|score| score["value"].is_null()) })
    );
}

#[test]
fn the_same_config_gives_the_same_results_at_any_concurrency() {
    let project = Project::new();
    project.evals().arg("init").run().ok();
    let results = |jobs: &str| {
        let json = run(&project, &["-j", jobs]).ok().json();
        (json["results"].clone(), json["latency_ms"].clone())
    };
    let first = results("64");
    assert_eq!(first.0.as_array().map(Vec::len), Some(12), "three models, four scorers");
    assert_eq!(first, results("7"));
}

#[test]
fn trials_are_exported_in_the_order_of_the_plan() {
    let project = with_rows();
    project.write(
        "evals.yaml",
        "dataset: {path: rows.csv, limit: 2, expected: answer}\n\
         prompts:\n  - {id: p, text: '{{question}}'}\n  - {id: q, text: 'Say: {{question}}'}\n\
         models: [{use: sim/weak, id: slow, latency: 5ms}, sim/instant]\n\
         epochs: 2\nscorers: [exact_match]\n",
    );
    run(&project, &[]).ok();
    let order: Vec<String> = exported(&project)
        .iter()
        .map(|line| {
            let [sample, prompt, model] =
                ["sample_id", "prompt", "model"].map(|key| line[key].as_str().unwrap_or("?"));
            format!("{sample} {prompt} {model} {}", line["epoch"])
        })
        .collect();
    let mut expected = Vec::new();
    for sample in ["a", "b"] {
        for prompt in ["p", "q"] {
            for model in ["slow", "sim/instant"] {
                expected.extend((0..2).map(|epoch| format!("{sample} {prompt} {model} {epoch}")));
            }
        }
    }
    assert_eq!(order, expected);
}

#[test]
fn repeats_fold_into_one_value_a_sample() {
    let project = with_rows();
    let value = |reduce: &str| {
        project.write(
            "evals.yaml",
            format!(
                "dataset: {{path: rows.csv, expected: answer, input: question}}\n\
                 models: [{HALF}]\nepochs: {{count: 3, reduce: {reduce}}}\nscorers: [exact_match]\n"
            ),
        );
        let json = run(&project, &[]).ok().json();
        assert_eq!(json["trials"]["total"], 12);
        assert_eq!(json["results"][0]["n"], 4, "samples, not trials");
        json["results"][0]["value"].as_f64().expect("a number")
    };
    let (mean, max, min) = (value("mean"), value("max"), value("min"));
    let scores: Vec<f64> = exported(&project)
        .iter()
        .map(|line| line["scores"]["exact_match"]["value"].as_f64().expect("a number"))
        .collect();
    let folded = |by: fn(&[f64]) -> f64| scores.chunks(3).map(by).sum::<f64>() / 4.0;
    let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
    near(mean, folded(|three| three.iter().sum::<f64>() / 3.0));
    near(max, folded(|three| three.iter().copied().fold(0.0, f64::max)));
    near(min, folded(|three| three.iter().copied().fold(1.0, f64::min)));
    assert!(min < max, "repeats of a model that guesses differ: {scores:?}");
}

#[test]
fn each_scorer_reads_the_extraction_that_it_names() {
    let project = Project::new();
    project.write("rows.csv", "id,input,expected,said\n1,q,5,\"First 3, then <b>5</b>.\"\n");
    project.write(
        "evals.yaml",
        "dataset: rows.csv\nmodels: [{id: rec, provider: replay, output: said}]\n\
         extract:\n  - {id: front, steps: first_number}\n  - {id: back, steps: [last_number, trim]}\n\
         scorers:\n  - numeric: {id: f, extract: front}\n  - numeric: {id: b, extract: back}\n  \
         - contains: {id: whole, extract: output}\n  - exact_match\n",
    );
    let json = run(&project, &[]).ok().json();
    let values: Vec<(&str, f64)> = json["results"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|r| (r["scorer"].as_str().unwrap(), r["value"].as_f64().unwrap()))
        .collect();
    assert_eq!(values, [("f", 0.0), ("b", 1.0), ("whole", 1.0), ("exact_match", 0.0)]);
    let line = &exported(&project)[0];
    assert_eq!(line["output"], "First 3, then <b>5</b>.");
    assert_eq!(line["extracted"], "3");
    assert_eq!(line["extractions"], json!({"front": "3", "back": "5"}));
}

#[test]
fn a_cut_answer_is_not_scored_unless_asked_for() {
    let project = with_rows();
    let config = |more: &str| {
        let models = "[{use: sim/verbose, id: v, accuracy: 1, latency: 0ms}]";
        let data = "{path: rows.csv, expected: answer, input: question}";
        let text = format!(
            "dataset: {data}\nmodels: {models}\nparams: {{max_tokens: 3}}\nscorers: [contains]\n{more}"
        );
        project.write("evals.yaml", text);
        let json = run(&project, &[]).json();
        assert_eq!(exported(&project)[0]["status"], "length");
        (json["results"][0].clone(), json["trials"].clone())
    };
    let (result, trials) = config("");
    assert_eq!(trials, json!({"total": 4, "ok": 4, "error": 0, "cached": 0}));
    assert_eq!(
        (&result["n"], &result["unscored"], &result["value"], &result["low"]),
        (&json!(0), &json!(4), &Value::Null, &Value::Null)
    );
    let (result, _) = config("score_also: [length]\n");
    assert_eq!(
        (&result["n"], &result["unscored"], &result["value"]),
        (&json!(4), &json!(0), &json!(0.0))
    );
}

#[test]
fn rows_are_chosen_by_filter_range_limit_and_chance() {
    let project = with_rows();
    assert_eq!(asked(&project, &[]), ["a", "b", "c", "d"]);
    assert_eq!(asked(&project, &["-n", "2"]), ["a", "b"]);
    assert_eq!(asked(&project, &["--range", "1..3"]), ["b", "c"]);
    assert_eq!(asked(&project, &["--range", "2.."]), ["c", "d"]);
    assert_eq!(asked(&project, &["--where", "answer = 'Rome' OR id = 'd'"]), ["b", "d"]);
    // Numbers compare as numbers, though the cells stay text.
    assert_eq!(asked(&project, &["--where", "level >= 3"]), ["c", "d"]);

    let shuffled = asked(&project, &["--shuffle", "7"]);
    assert_eq!(shuffled, asked(&project, &["--shuffle", "7"]));
    let mut sorted = shuffled.clone();
    sorted.sort();
    assert_eq!(sorted, ["a", "b", "c", "d"]);
    let orders: Vec<_> = ["1", "2", "3", "4"].map(|s| asked(&project, &["--shuffle", s])).into();
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");

    let sampled = asked(&project, &["--sample", "2:5"]);
    assert_eq!((sampled.len(), &sampled), (2, &asked(&project, &["--sample", "2:5"])));
    let picks: Vec<_> =
        ["2:1", "2:2", "2:3", "2:4"].map(|s| asked(&project, &["--sample", s])).into();
    assert!(picks.iter().any(|pick| *pick != picks[0]), "{picks:?}");
}

#[test]
fn what_failed_is_asked_again() {
    let project = Project::new();
    let rows: Vec<String> = (0..30).map(|i| format!("{i},q{i},a{i}\n")).collect();
    let rows = rows.concat();
    project.write("rows.csv", format!("id,question,answer\n{rows}"));
    run(&project, &[&["rows.csv", "-m", HALF], &ASK[..]].concat()).ok();
    let failed: Vec<Value> = exported(&project)
        .into_iter()
        .filter(|line| line["scores"]["exact_match"]["passed"] != true)
        .collect();
    let failed = texts(&failed, "sample_id");
    assert!((1..30).contains(&failed.len()), "{failed:?}");
    let again = ["rows.csv", "-m", "sim/instant", "--failed-of", "last"];
    let json = run(&project, &[&again, &ASK[..]].concat()).ok().json();
    assert_eq!(json["trials"]["total"], failed.len());
    assert_eq!(texts(&exported(&project), "sample_id"), failed);
    // Now nothing failed, which is said rather than run over no row.
    run(&project, &[&again, &ASK[..]].concat()).code(2).complains("no sample failed");
}

#[test]
fn rows_are_known_by_their_id_column_or_else_by_their_content() {
    let project = with_rows();
    let by_column = [&["rows.csv", "-m", "sim/instant", "--id", "answer"], &ASK[..]].concat();
    run(&project, &by_column).ok();
    assert_eq!(texts(&exported(&project), "sample_id"), ["Paris", "Rome", "Lima", "Tokyo"]);

    let hashed = |rows: &str| {
        project.write("plain.csv", rows);
        run(&project, &[&["plain.csv", "-m", "sim/instant"], &ASK[..]].concat()).ok();
        texts(&exported(&project), "sample_id")
    };
    let one = hashed("question,answer\nq1,a1\nq2,a2\n");
    let two = hashed("question,answer\nq0,a0\nq2,a2\nq1,a1\n");
    assert_eq!((&one[0], &one[1]), (&two[2], &two[1]), "the place of a row does not matter");
    assert_ne!(one[0], one[1]);
}

#[test]
fn every_format_of_the_same_rows_gives_the_same_results() {
    let project = with_rows();
    let rows: Vec<Value> = ROWS
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            json!({"id": cells[0], "question": cells[1], "answer": cells[2], "level": cells[3]})
        })
        .collect();
    let lines: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
    let lines = lines.concat();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(ROWS.as_bytes()).expect("it compresses");
    project.write("rows.csv.gz", gz.finish().expect("it compresses"));
    project.write("rows.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).expect("it compresses"));
    project.write("rows.jsonl", &lines);
    project.write("rows.json", json!(rows).to_string());
    project.write("rows.tsv", ROWS.replace(',', "\t"));
    project.write("crlf.csv", format!("\u{feff}{}", ROWS.replace('\n', "\r\n")));
    project.write("parts/1.csv", ROWS.split_inclusive('\n').take(3).collect::<String>());
    let header = ROWS.split_inclusive('\n').take(1);
    project
        .write("parts/2.csv", header.chain(ROWS.split_inclusive('\n').skip(3)).collect::<String>());
    let results = |source: &str| {
        let args = [&[source, "-m", HALF], &ASK[..]].concat();
        run(&project, &args).ok().json()["results"].clone()
    };
    let csv = results("rows.csv");
    assert_eq!(csv[0]["n"], 4);
    let others = [
        "rows.tsv",
        "rows.jsonl",
        "rows.json",
        "rows.csv.gz",
        "rows.jsonl.zst",
        "crlf.csv",
        "parts",
        "parts/*.csv",
    ];
    for source in others {
        assert_eq!(results(source), csv, "{source}");
    }

    // Parquet: a run's own trials, asked once more.
    let out = ["export", "--format", "parquet", "-o", "trials.parquet"];
    project.evals().args(out).run().ok();
    let parquet = ["trials.parquet", "--id", "sample_id", "--expected", "expected", "-m", HALF];
    let ask = ["-p", "{{input}}", "-s", "exact_match"];
    let json = run(&project, &[&parquet[..], &ask].concat()).ok().json();
    assert_eq!(json["results"][0]["value"], csv[0]["value"]);
}

#[test]
fn csv_cells_stay_the_text_that_was_written() {
    let project = Project::new();
    let row = "1,q,007,1.0,1e5,,TRUE, x ,\"a\n\"\"b\"\"\",x\n";
    project.write("rows.csv", format!("id,question,a,b,c,d,e,f,g,answer\n{row}"));
    run(&project, &[&["rows.csv", "-m", "sim/instant"], &ASK[..]].concat()).ok();
    let vars = &exported(&project)[0]["vars"];
    assert_eq!(
        vars,
        &json!({
            "id": "1", "question": "q", "a": "007", "b": "1.0", "c": "1e5", "d": "", "e": "TRUE",
            "f": " x ", "g": "a\n\"b\"", "answer": "x",
        })
    );
}

#[test]
fn examples_of_a_list_column_come_before_the_question() {
    let project = Project::new();
    let shots = json!([{"q": "1+1", "a": "2"}, {"q": "2+2", "a": "4"}]);
    let row = json!({"id": "r", "question": "3+3 < 7 & \"so\"?", "answer": "6", "shots": shots});
    project.write("rows.jsonl", format!("{row}\n"));
    project.write("prompts/tail.hbs", "Now: {{question}}\n");
    project.write(
        "evals.yaml",
        "dataset: {path: rows.jsonl, expected: answer}\n\
         models: [sim/instant]\nscorers: [exact_match]\n\
         prompts:\n  - id: few\n    messages:\n      - {role: system, content: Add.}\n      \
         - for_each: shots\n        messages:\n          - {role: user, content: '{{q}}'}\n          \
         - {role: assistant, content: '{{a}}'}\n      - {role: user, content: '{{question}}'}\n  \
         - file: prompts/tail.hbs\n    system: Terse.\n",
    );
    run(&project, &[]).ok();
    let said: Vec<(Value, Vec<String>)> = exported(&project)
        .iter()
        .map(|line| {
            let messages = line["messages"].as_array().expect("messages");
            let said = messages.iter().map(|m| {
                format!("{}: {}", m["role"].as_str().unwrap(), m["content"].as_str().unwrap())
            });
            (line["prompt"].clone(), said.collect())
        })
        .collect();
    let question = "user: 3+3 < 7 & \"so\"?";
    let few = ["system: Add.", "user: 1+1", "assistant: 2", "user: 2+2", "assistant: 4", question];
    let tail = ["system: Terse.", "user: Now: 3+3 < 7 & \"so\"?"];
    assert_eq!(
        said,
        [
            (json!("few"), few.map(str::to_owned).to_vec()),
            (json!("tail"), tail.map(str::to_owned).to_vec())
        ]
    );
}

#[test]
fn flags_take_the_place_of_what_the_config_says() {
    let project = Project::new();
    project.evals().arg("init").run().ok();
    let json = run(&project, &["-m", "sim/instant", "-s", "contains", "-n", "5"]).ok().json();
    assert_eq!(json["trials"]["total"], 5);
    assert_eq!(json["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["results"][0]["prompt"], "terse");
}

#[test]
fn the_last_expected_answer_of_several_counts_as_well() {
    let project = Project::new();
    let rows = [
        json!({"id": "1", "input": "q", "expected": ["x", "Paris"], "said": "Paris"}),
        json!({"id": "2", "input": "q", "expected": ["x", "Paris"], "said": "Rome"}),
    ];
    project.write("rows.jsonl", rows.map(|row| row.to_string()).join("\n"));
    let model = "{id: rec, provider: replay, output: said}";
    let json = run(&project, &["rows.jsonl", "-m", model, "-s", "exact_match"]).ok().json();
    assert_eq!(json["results"][0]["value"], 0.5);
}

#[test]
fn yes_no_and_on_are_texts_where_texts_are_meant() {
    let project = Project::new();
    project.write("rows.csv", "id,input,expected,said\n1,q,no,No\n2,q,yes,yes\n");
    project.write(
        "evals.yaml",
        "dataset: rows.csv\nmodels: [{id: y, provider: replay, output: said}]\n\
         extract: [{id: n, steps: [lower]}]\n\
         scorers:\n  - one_of: {values: [yes, no]}\n  - exact_match: {id: on}\n",
    );
    let json = run(&project, &[]).ok().json();
    assert_eq!(json["results"][1]["scorer"], "on");
    assert_eq!(json["results"][1]["value"], 1.0);
}

#[test]
fn a_filter_compares_cells_as_the_text_they_are() {
    let project = Project::new();
    project.write("rows.csv", "id,question,answer\n1,q,007\n2,q,7\n3,q,8\n");
    assert_eq!(asked(&project, &["--where", "answer = '007'"]), ["1"]);
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_the_first_call() {
    let project = with_rows();
    project.write("taken", "a file, no directory");
    let args = ["run", "rows.csv", "-m", "sim/instant", "--report", "taken/report.html"];
    let args = [&args, &ASK[..]].concat();
    project.evals().args(args).run().code(2).complains("taken");
    assert_eq!(project.files(), ["rows.csv", "taken"], "exit code 2 says that nothing was called");
}
