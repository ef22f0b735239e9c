//! `embedding_similarity` against servers of vectors, in two wire formats.

use serde_json::{Value, json};

use crate::support::{Project, Request, Response, Stub, openai_error};

const ROWS: &str = "id,q,answer\na,1,the cat sat\nb,2,dogs bark\nc,3,it rains\n";
const SAID: &str = "id,output\na,a cat sat down\nb,dogs bark\nc,nothing at all\n";

/// The vector of a text: how often some letters occur in it.
fn vector(text: &str) -> Value {
    let count = |letter: char| text.chars().filter(|c| *c == letter).count() as f64 + 0.1;
    json!([count('a'), count('t'), count('s'), count('r'), count('n')])
}

fn cosine(a: &str, b: &str) -> f64 {
    let of = |text: &str| -> Vec<f64> { serde_json::from_value(vector(text)).expect("numbers") };
    let (a, b) = (of(a), of(b));
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    product(&a, &b) / (product(&a, &a).sqrt() * product(&b, &b).sqrt())
}

fn texts(request: &Request) -> Vec<String> {
    let body = request.json();
    let list = body.get("input").or_else(|| body.get("texts")).and_then(Value::as_array);
    list.into_iter().flatten().map(|t| t.as_str().expect("a text").to_owned()).collect()
}

/// A server that speaks OpenAI's format and Cohere's; two tokens a text.
fn server() -> Stub {
    Stub::start(|request, _| vectors(request))
}

fn vectors(request: &Request) -> Response {
    let texts = texts(request);
    let tokens = 2 * texts.len();
    let made: Vec<Value> = texts.iter().map(|text| vector(text)).collect();
    if request.path.ends_with("/v2/embed") {
        let billed = json!({"billed_units": {"input_tokens": tokens}});
        return Response::json(200, &json!({"embeddings": {"float": made}, "meta": billed}));
    }
    let each = made.iter().enumerate();
    let data: Vec<Value> = each.map(|(index, v)| json!({"index": index, "embedding": v})).collect();
    Response::json(200, &json!({"data": data, "usage": {"prompt_tokens": tokens}}))
}

fn project(model: &str, options: &str) -> Project {
    let project = Project::new();
    project.write("rows.csv", ROWS);
    project.write("said.csv", SAID);
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{q}}}}']\n\
             models: ['replay:said.csv']\nscorers:\n  - embedding_similarity: {{model: {model}{options}}}\n"
        ),
    );
    project
}

fn inline(provider: &str, base: &str) -> String {
    format!(
        "{{id: vectors, provider: {provider}, model: e, base_url: '{base}', api_key: '${{KEY}}', \
         price: {{input: 1000000, output: 0}}}}"
    )
}

fn run(project: &Project, args: &[&str]) -> crate::support::Output {
    let run = project.evals().args(["run", "--no-report", "--format", "json"]).args(args);
    run.env("KEY", "sk-canary-123456").run()
}

fn scores(project: &Project) -> Vec<Value> {
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    lines.iter().map(|line| line["scores"]["embedding_similarity"].clone()).collect()
}

#[test]
fn answers_are_as_near_as_their_vectors_in_two_wire_formats() {
    for (provider, address) in [("openai-compatible", "/v1"), ("cohere", "")] {
        let stub = server();
        let root = stub.base_url().replace("/v1", "");
        let project = project(&inline(provider, &format!("{root}{address}")), ", threshold: 0.9");
        let run = run(&project, &[]).ok().json();
        let expected = [
            cosine("the cat sat", "a cat sat down"),
            cosine("dogs bark", "dogs bark"),
            cosine("it rains", "nothing at all"),
        ];
        for (score, expected) in scores(&project).iter().zip(expected) {
            let value = score["value"].as_f64().expect("a value");
            // The numbers of a vector are of single precision.
            assert!((value - expected).abs() < 1e-6, "{provider}: {value} {expected}");
            assert_eq!(score["passed"], expected >= 0.9, "{provider}");
        }
        // Two tokens a text at a dollar each, and what is alike was sent once: `dogs bark`.
        assert_eq!(run["cost_usd"]["judges"], 10.0, "{run}");
        assert_eq!(run["cost_usd"]["models"], 0.0);
        let sent: Vec<String> = stub.requests().iter().flat_map(texts).collect();
        assert_eq!(sent.len(), 5, "{sent:?}");

        // Scored again, the vectors are in the cache.
        let before = stub.requests().len();
        let again = self::run(&project, &[]).ok().json();
        assert_eq!(stub.requests().len(), before);
        assert_eq!(again["cost_usd"]["judges"], 0.0);
        assert_eq!(again["results"], run["results"]);
    }
}

#[test]
fn several_expected_answers_a_floor_and_other_similarities() {
    let stub = server();
    let model = inline("openai-compatible", &stub.base_url());
    let project = project(&model, ", floor: 0.5");
    project.write("rows.csv", "id,q,a1,a2\na,1,zzz,a cat sat down\nb,2,dogs,\nc,3,,\n");
    let config = project.read("evals.yaml").replace("expected: answer", "expected: [a1, a2]");
    let near =
        format!("  - embedding_similarity: {{id: far, similarity: euclidean, model: {model}}}\n");
    project.write("evals.yaml", config + &near);
    run(&project, &["--allow-errors", "100%"]).ok();
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    let value = |line: usize, scorer: &str| lines[line]["scores"][scorer]["value"].as_f64();
    assert!((value(0, "embedding_similarity").expect("a value") - 1.0).abs() < 1e-6);
    let floored = (cosine("dogs", "dogs bark") - 0.5) / 0.5;
    assert!((value(1, "embedding_similarity").expect("a value") - floored).abs() < 1e-6);
    assert!((value(0, "far").expect("a value") - 1.0).abs() < 1e-6);
    let skipped = &lines[2]["scores"]["embedding_similarity"];
    assert_eq!((&skipped["value"], &skipped["error"]["kind"]), (&Value::Null, &json!("skipped")));
}

#[test]
fn a_server_of_vectors_that_is_down_is_no_score_and_is_asked_again_on_resume() {
    let stub = Stub::start(|request, nth| match nth {
        0..4 => openai_error(400, "no such model", "model_not_found"),
        _ => vectors(request),
    });
    let project = project(&inline("openai-compatible", &stub.base_url()), "");
    let failed = run(&project, &[]).code(3).json();
    assert_eq!(failed["results"][0]["value"], Value::Null);
    assert_eq!(failed["results"][0]["unscored"], 3);
    assert!(failed["unscored"].to_string().contains("gave no vectors"), "{failed}");
    // Every answer is kept: only the vectors are asked for.
    while stub.requests().len() < 4 {
        run(&project, &[]).code(3);
    }
    let resumed = project.evals().args(["resume", "last", "--format", "json", "--no-report"]);
    let resumed = resumed.args(["--retry-errors"]).env("KEY", "sk-canary-123456").run().ok().json();
    assert_eq!(resumed["results"][0]["n"], 3, "{resumed}");
}

#[test]
fn who_makes_no_vectors_is_refused_before_the_first_call() {
    let stub = server();
    for (model, said) in [
        ("'replay:said.csv'", "a recording has no vectors"),
        ("groq/llama-3.3-70b-versatile", "Groq makes no embeddings"),
        ("sim/godo", "there is no simulated model `godo`"),
        (
            "{id: v, provider: openai-compatible, model: e, base_url: 'http://x', api_key: '${NONE}'}",
            "NONE",
        ),
    ] {
        let project = project(model, "");
        let refused = project.evals().args(["run", "--no-report"]).env("GROQ_API_KEY", "k").run();
        refused.code(2).complains(said).complains("evals.yaml:5:");
        assert!(!project.path(".evals/runs.db").exists());
    }
    let project = project("sim/good", ", similarity: near");
    let refused = project.evals().args(["run", "--no-report"]).run().code(2);
    refused.complains("there are `cosine`, `dot`, `euclidean`");
    project.write("evals.yaml", project.read("evals.yaml").replace("model: sim/good, ", ""));
    project.evals().args(["run", "--no-report"]).run().code(2).complains("who makes the vectors?");
    assert!(stub.requests().is_empty());
}

#[test]
fn simulated_vectors_need_no_network() {
    let project = project("sim/instant", "");
    let run = run(&project, &[]).ok().json();
    let values: Vec<f64> =
        scores(&project).iter().map(|score| score["value"].as_f64().expect("a value")).collect();
    assert!(values[1] > 0.999 && values[0] > 0.5 && values[2] < values[0], "{values:?}");
    assert_eq!(run["cost_usd"]["judges"], 0.0);
    let again = self::run(&project, &[]).ok().json();
    assert_eq!(again["results"], run["results"]);
}
