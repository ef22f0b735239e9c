//! Answers that exist are scored, and no model is called.

use serde_json::{Value, json};

use crate::support::{Project, Response, Stub, openai_chat};

/// A project with a run of two models, asked once; gives the stub, too.
fn asked() -> (Project, Stub) {
    let stub = Stub::start(|request, _| {
        openai_chat(if request.last_user().contains('1') { "Paris." } else { "rome" }, (1, 1))
    });
    let project = Project::new();
    project.write("rows.csv", "id,q,answer,other\na,1,Paris,x\nb,2,Rome,rome\nc,2,,rome\n");
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{q}}}}']\n\
             models: [{{id: m, provider: openai-compatible, base_url: '{}', model: m, stream: false}}]\n\
             scorers: [exact_match, contains]\n",
            stub.base_url()
        ),
    );
    project.evals().args(["run", "--no-report", "--no-cache"]).run().ok();
    (project, stub)
}

fn values(project: &Project, run: &str, scorer: &str) -> Vec<Value> {
    let lines = project.evals().args(["export", run]).run().ok().json_lines();
    lines.iter().map(|line| line["scores"][scorer]["value"].clone()).collect()
}

#[test]
fn a_run_is_scored_anew_and_keeps_its_scores() {
    let (project, stub) = asked();
    let calls = stub.requests().len();
    // Nothing that was asked is needed any more.
    std::fs::remove_file(project.path("rows.csv")).expect("removed");
    let old = project.evals().args(["show", "--format", "json"]).run().ok().json();
    let normal = "{exact_match: {normalize: [casefold, punctuation]}}";
    let args =
        ["score", "last", "-s", normal, "-s", "{exact_match: {id: by_other, expected: other}}"];
    let said =
        project.evals().args(args).args(["--format", "json", "--no-report"]).run().ok().json();
    assert_eq!(stub.requests().len(), calls, "no model was called");
    assert_eq!(said["changes"]["scored_from"], old["run_id"]);
    assert_ne!(said["run_id"], old["run_id"]);
    assert_eq!(said["changes"]["changed"], 2);
    assert_eq!(said["changes"]["no_longer"], json!(["contains"]));
    let exact = &said["changes"]["scorers"][0];
    assert_eq!((&exact["compared"], &exact["now_passed"]), (&json!(3), &json!(2)));
    assert_eq!(said["changes"]["scorers"][1]["compared"], Value::Null);
    assert_eq!(said["changes"]["listed"][0]["sample_id"], "a");
    assert_eq!(said["changes"]["listed"][0]["before"]["value"], 0.0);
    assert_eq!(said["changes"]["listed"][0]["now"]["passed"], true);
    let null = Value::Null;
    assert_eq!(values(&project, "last", "exact_match"), [json!(1.0), json!(1.0), null.clone()]);
    assert_eq!(values(&project, "last", "by_other"), [json!(0.0), json!(1.0), json!(1.0)]);
    assert_eq!(values(&project, "last~1", "exact_match"), [json!(0.0), json!(0.0), null]);
    let unscored = json!([{"scorer": "exact_match", "kind": "skipped",
        "reason": "the sample has no expected answer", "n": 1}]);
    assert_eq!(said["unscored"], unscored);

    // From the config, as a table, with a gate.
    let table = project.evals().args(["score", "last~1", "-c", "evals.yaml", "--no-report"]);
    let table = table.args(["--gate", "contains.mean >= 0.9"]).run().code(1);
    let table = table.says("exact_match: 0 of 3 verdicts changed");
    assert!(table.stdout.contains("Scored anew from run"), "{table:?}");
    let shown = ["score", "last", "-s", "{contains: {id: exact_match}}", "--no-report"];
    let shown = project.evals().args(shown).run().ok();
    let shown = shown.says("a · exact_match: 0 failed -> 1 passed");
    shown.says("contains: no longer scored with");
    assert_eq!(
        project.evals().args(["list", "--format", "json"]).run().ok().json()[0]["name"],
        "rows"
    );
    project.evals().args(["resume", "last"]).run().code(2).complains("evals score ");
    assert_eq!(stub.requests().len(), calls);
}

/// What a model called is scored anew from the record, with the functions that it had; a file has its
/// calls as JSON in the output.
#[test]
fn calls_are_scored_anew_and_out_of_a_file() {
    let stub = Stub::start(|request, _| {
        let city = if request.last_user().contains('1') { "Paris" } else { "Rome" };
        let arguments =
            json!({"city": city, "days": if city == "Rome" { json!("two") } else { json!(2) }});
        let call = json!({"id": "c", "type": "function",
            "function": {"name": "weather", "arguments": arguments.to_string()}});
        let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
        let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
        Response::json(
            200,
            &json!({"id": "x", "object": "chat.completion", "created": 0, "model": "m",
                "choices": [choice],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        )
    });
    let project = Project::new();
    let call = |city: &str, days: &str| {
        format!(
            "{{\"name\": \"weather\", \"arguments\": {{\"city\": \"{city}\", \"days\": {days}}}}}"
        )
    };
    let row = |id: &str, q: &str, expected: &str| {
        format!("{}\n", json!({"id": id, "q": q, "calls": expected}))
    };
    project.write(
        "rows.jsonl",
        row("a", "1", &call("Paris", "2")) + &row("b", "2", &call("Rome", "\"two\"")),
    );
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.jsonl, id: id, expected: calls}}\nprompts: ['{{{{q}}}}']\n\
             models: [{{id: m, provider: openai-compatible, base_url: '{}', model: m, stream: false}}]\n\
             params: {{tools: [{{name: weather, parameters: {{type: object, properties: \
             {{days: {{type: integer}}}}}}}}]}}\n\
             scorers: [finish_reason]\n",
            stub.base_url()
        ),
    );
    project.evals().args(["run", "--no-report", "--no-cache"]).run().ok();
    let calls = stub.requests().len();
    let loose = "{tool_calls: {id: loose, validate: false}}";
    let names = "{tool_calls: {id: names, validate: false, arguments: ignore}}";
    let own = "{tool_calls: {id: own, tools: [{name: weather, parameters: {required: [unit]}}]}}";
    let valid = "{tool_calls: {id: valid, valid_only: true}}";
    let mut args = vec!["score", "last", "--no-report"];
    for scorer in ["tool_calls", loose, names, own, valid] {
        args.extend(["-s", scorer]);
    }
    project.evals().args(args).run().ok();
    assert_eq!(stub.requests().len(), calls, "no model was called");
    // The second call has a text where its schema wants a number.
    assert_eq!(values(&project, "last", "tool_calls"), [json!(1.0), json!(0.0)]);
    assert_eq!(values(&project, "last", "loose"), [json!(1.0), json!(1.0)]);
    assert_eq!(values(&project, "last", "names"), [json!(1.0), json!(1.0)]);
    assert_eq!(values(&project, "last", "own"), [json!(0.0), json!(0.0)]);
    assert_eq!(values(&project, "last", "valid"), [json!(1.0), json!(0.0)]);
    let line = |id: &str, output: &str, expected: &Value| {
        format!("{}\n", json!({"id": id, "output": output, "expected": expected}))
    };
    let paris = json!([{"name": "weather", "arguments": {"city": "Paris", "days": 2}}]);
    let file = [
        line("right", &format!("[{}]", call("Paris", "2.0")), &json!(paris.to_string())),
        line("wrong", &call("Paris", "3"), &json!(paris.to_string())),
        line("words", "It is sunny.", &json!(paris.to_string())),
        line("none", "It is sunny.", &json!("[]")),
        line("unreadable", &call("Paris", "2"), &json!("{\"name\": 1}")),
    ];
    project.write("outputs.jsonl", file.concat());
    let args = ["score", "outputs.jsonl", "-s", "tool_calls", "--no-report"];
    project.evals().args(args).run().code(3).says("a scorer itself failed 1 time");
    let zero = json!(0.0);
    let one = json!(1.0);
    assert_eq!(
        values(&project, "last", "tool_calls"),
        [one.clone(), zero.clone(), zero, one, Value::Null]
    );
}

#[test]
fn what_is_wrong_is_said_before_anything_is_written() {
    let (project, _stub) = asked();
    let count = || project.evals().args(["list", "--format", "json"]).run().ok().json();
    let before = count();
    let refused = |args: &[&str], part: &str| {
        project.evals().arg("score").args(args).run().code(2).complains(part);
    };
    refused(&["last", "-s", "exct_match"], "did you mean `exact_match`");
    refused(&["nothing", "-s", "contains"], "nothing");
    refused(
        &["last", "-s", "contains", "--gate", "contain.mean > 0"],
        "did you mean `contains.mean`",
    );
    refused(&["last", "-s", "{exact_match: {expected: othr}}"], "did you mean `other`");
    refused(&["last", "-s", "contains", "--output", "x"], "`--output` is about a file");
    project.write("scorers.yaml", "scorers:\n  - regex: {pattern: '('}\n");
    refused(&["last", "-c", "scorers.yaml"], "scorers.yaml:2:");
    assert_eq!(count(), before);
}

#[test]
fn a_file_of_outputs_is_scored() {
    let project = Project::new();
    project.write(
        "outputs.jsonl",
        "{\"id\": \"a\", \"output\": \"x\", \"expected\": \"x\"}\n\
         {\"id\": \"b\", \"output\": \"y\", \"expected\": [\"x\", \"y\"]}\n\
         {\"id\": \"c\", \"output\": \"z\"}\n",
    );
    let args = ["score", "outputs.jsonl", "-s", "exact_match", "--no-report"];
    let said = project.evals().args(args).args(["--format", "json"]).run().ok().json();
    let result = &said["results"][0];
    assert_eq!(
        (&result["value"], &result["n"], &result["unscored"]),
        (&json!(1.0), &json!(2), &json!(1))
    );
    project.write("outputs.csv", "key,said,right\n1,x,x\n2,y,x\n");
    let args = ["score", "outputs.csv", "-s", "exact_match", "--id", "key", "--output", "said"];
    let gate = ["--expected", "right", "--gate", "exact_match.mean >= 0.9", "--no-report"];
    project.evals().args(args).args(gate).run().code(1);
    assert_eq!(values(&project, "last", "exact_match"), [json!(1.0), json!(0.0)]);
}

/// What has no score, and why, in everything that is made of a run.
#[test]
fn every_report_says_why_answers_have_no_score() {
    let project = Project::new();
    project.write("outputs.csv", "id,output,expected\n1,x,x\n2,y,\n3,z,\n");
    let wrong = "{levenshtein: {threshold: {column: output}}}";
    let args = ["score", "outputs.csv", "-s", "exact_match", "-s", wrong, "--report", "r.html"];
    // A scorer that failed leaves the run incomplete.
    let table = project.evals().args(args).run().code(3);
    let why = "not scored by exact_match: 2 × the sample has no expected answer";
    let table = table.says(why).says("a scorer itself failed 3 times");
    table.says("column `output` gives `threshold`");
    let page = project.read("r.html");
    assert!(page.contains(why) && page.contains("not scored"), "{page}");
    let markdown = project.evals().args(["report", "--format", "markdown"]).run().ok().stdout;
    assert!(markdown.contains("2 × the sample has no expected answer"), "{markdown}");
    let data = project.evals().args(["show", "--format", "json"]).run().ok().json();
    assert_eq!(data["unscored"][0]["n"], 2);
    let failed = data["unscored"].as_array().expect("a list");
    assert!(failed.iter().any(|reason| reason["kind"] == "scorer"), "{failed:?}");
    let lines = project.evals().arg("export").run().ok().json_lines();
    let error = json!({"kind": "skipped", "message": "the sample has no expected answer"});
    assert_eq!(lines[1]["scores"]["exact_match"]["error"], error);
    assert_eq!(lines[1]["scores"]["exact_match"]["value"], Value::Null);
    let csv = project.evals().args(["export", "--format", "csv"]).run().ok().stdout;
    let head = "\"exact_match\",\"exact_match.passed\",\"exact_match.error\"";
    assert!(csv.contains(head), "{csv}");
    assert!(csv.contains("\"\",\"\",\"skipped: the sample has no expected answer\""), "{csv}");
}
