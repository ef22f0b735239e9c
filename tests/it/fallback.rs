//! Models that answer in place of others: fallbacks, pools, aliases.

use serde_json::{Value, json};

use crate::support::{Output, Project, Response, Stub, openai_error, openai_stream};

/// Six rows, and the models and aliases that `config` says.
fn project(config: &str) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..6).map(|i| format!("{i},q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("id,question,answer\n{}", rows.concat()));
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             scorers: [exact_match]\n{config}"
        ),
    );
    project
}

fn model(id: &str, stub: &Stub) -> String {
    let url = stub.base_url();
    format!(
        "{{id: {id}, provider: openai-compatible, base_url: '{url}', model: {id}, price: {{input: 1, output: 1}}}}"
    )
}

fn run(project: &Project) -> Output {
    project.evals().args(["run", "--format", "json"]).run()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

fn good() -> Stub {
    Stub::start(|request, _| openai_stream(&[&request.last_user().replace('q', "a")], (1, 1)))
}

/// Answers the even rows only; `reply` is what the others get.
fn half(reply: fn() -> Response) -> Stub {
    Stub::start(move |request, _| match request.last_user().as_str() {
        "q1" | "q3" | "q5" => reply(),
        even => openai_stream(&[&even.replace('q', "a")], (1, 1)),
    })
}

#[test]
fn the_next_model_answers_what_the_first_one_does_not() {
    let (first, second) = (half(|| openai_error(401, "no credit", "x")), good());
    let (a, b) = (model("first", &first), model("second", &second));
    let with = a.trim_end_matches('}').to_owned() + "}, fallback: [" + &b + "]}";
    let project = project(&format!("models:\n  - {with}\n"));
    let output = run(&project).ok();
    let json = output.json();
    assert_eq!(json["results"][0]["value"], 1.0);
    let by_second = json["stand_ins"][0]["trials"].as_u64().expect("a count");
    assert!(by_second >= 3, "{json}");
    assert_eq!(json["stand_ins"][0]["model"], "first");
    assert_eq!(json["stand_ins"][0]["served_by"], "second");
    let rows = exported(&project);
    let served = rows.iter().filter(|row| row["served_by"] == "second").count() as u64;
    assert_eq!(served, by_second);
    assert!(rows.iter().all(|row| row["model"] == "first"));
    for format in ["table", "markdown"] {
        let shown = project.evals().args(["show", "last", "--format", format]).run().ok();
        shown.says("answered by another model").says("by second");
    }
}

#[test]
fn what_a_model_says_of_the_request_itself_is_its_answer() {
    let (first, second) = (half(|| openai_error(400, "no", "bad")), good());
    let (a, b) = (model("first", &first), model("second", &second));
    let with = a.trim_end_matches('}').to_owned() + "}, fallback: [" + &b + "]}";
    let project = project(&format!("models:\n  - {with}\n"));
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"bad_request": 3}));
    assert_eq!((second.requests().len(), &json["stand_ins"]), (0, &json!([])));
}

#[test]
fn an_alias_is_an_order_and_a_comparison_can_leave_the_order_out() {
    let (first, second) = (half(|| openai_error(401, "no", "x")), good());
    let aliases = format!(
        "aliases:\n  any:\n    - {}\n    - {}\n",
        model("first", &first),
        model("second", &second)
    );
    let project = project(&format!("{aliases}models: [any]\n"));
    let json = run(&project).ok().json();
    assert_eq!(json["results"][0]["model"], "any");
    assert!(!json["stand_ins"].as_array().expect("a list").is_empty(), "{json}");

    let before = second.requests().len();
    let config = project.read("evals.yaml").replace("[any]", "[{use: any, fallback: error}]");
    project.write("evals.yaml", config);
    let json = run(&project).code(3).json();
    assert!(json["errors"]["auth"].as_u64() >= Some(3), "{json}");
    assert_eq!((second.requests().len(), &json["stand_ins"]), (before, &json!([])));
}

#[test]
fn nobody_waits_for_an_account_that_is_out_when_there_is_a_fallback() {
    let first = Stub::start(|_, _| {
        openai_error(429, "later", "rate_limit").with_header("retry-after", "600")
    });
    let second = good();
    let (a, b) = (model("first", &first), model("second", &second));
    let with = a.trim_end_matches('}').to_owned() + "}, fallback: [" + &b + "]}";
    let project = project(&format!("models:\n  - {with}\nconcurrency: 1\n"));
    let json = run(&project).ok().json();
    assert_eq!(json["stand_ins"], json!([{"model": "first", "served_by": "second", "trials": 6}]));
    assert_eq!(first.requests().len(), 1, "it asked to be left alone");
    assert_eq!(second.requests().len(), 6);
}

#[test]
fn those_that_stand_in_have_to_be_able_to_as_well() {
    let stub = good();
    let blind =
        model("b", &stub).trim_end_matches('}').to_owned() + "}, capabilities: {schema: false}}";
    let asks = "params: {response_format: {schema: {type: object}}}";
    let first = model("a", &stub).trim_end_matches('}').to_owned()
        + "}, capabilities: {json: true}, fallback: ["
        + &blind
        + "]}";
    let project = project(&format!("models:\n  - {first}\n{asks}\n"));
    run(&project).code(2).complains("model `b` takes none");
    assert_eq!(stub.requests().len(), 0);
}

#[test]
fn a_pool_shares_out_the_calls_by_weight_and_always_alike() {
    let (a, b) = (good(), good());
    let pool = format!(
        "models:\n  - id: mix\n    pool:\n      - {{weight: 2, model: {}}}\n      - {{model: {}}}\nepochs: 20\n",
        model("a", &a),
        model("b", &b)
    );
    let project = project(&pool);
    let json = run(&project).ok().json();
    let (of_a, of_b) = (a.requests().len(), b.requests().len());
    assert_eq!(of_a + of_b, 120);
    assert!((60..=100).contains(&of_a), "about two thirds of 120: {of_a}");
    assert_eq!(json["stand_ins"][0]["served_by"], "a");
    let served = |project: &Project| -> Vec<Value> {
        exported(project).iter().map(|row| row["served_by"].clone()).collect()
    };
    let first = served(&project);
    run(&project).ok();
    assert_eq!(served(&project), first);
}

#[test]
fn orders_inside_of_orders_are_refused() {
    let stub = good();
    let inner = model("a", &stub);
    for (config, complaint) in [
        (
            format!("models: [{{use: any}}]\naliases: {{any: [{inner}, more], more: [{inner}]}}\n"),
            "no fallback, pool or alias",
        ),
        (
            format!("models: [any]\naliases: {{any: [more], more: [{inner}]}}\n"),
            "refers to another alias",
        ),
        ("models: [any]\naliases: {any: []}\n".to_owned(), "has no models"),
        (
            format!("models: [{{id: p, pool: [{{weight: 0, model: {inner}}}]}}]\n"),
            "`weight` is at least 1",
        ),
        (
            format!("models: [{{use: sim/good, pool: [{{model: {inner}}}]}}]\n"),
            "a `pool` stands in place of a model",
        ),
        (
            format!("models: [{{use: sim/good, fallback: always}}]\n# {inner}\n"),
            "`error` or a list of models",
        ),
    ] {
        run(&project(&config)).code(2).complains(complaint);
    }
    assert_eq!(stub.requests().len(), 0);
}
