//! What accounts may be asked for, wherever it is said: of registered models and endpoints, of those
//! that stand in for others, and of all models that one credential asks for. And how many requests
//! a call makes of all its models together.

use serde_json::json;

use crate::{
    models::{add, config, evals, project},
    support::{Project, Response, Stub, openai_chat, openai_error},
};

/// Holds every answer back until it is told to go on; tests answer at once.
fn held() -> Stub {
    Stub::start(|request, _| {
        let asked = request.last_user();
        if asked.contains("status") {
            openai_chat("{\"status\":\"ok\"}", (1, 1))
        } else {
            openai_chat(&asked.replace('q', "a"), (1, 1)).held()
        }
    })
}

/// Twelve rows for the models that `config` names.
fn twelve(project: &Project) {
    let rows: Vec<String> = (0..12).map(|i| format!("{i},q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("id,question,answer\n{}", rows.concat()));
}

/// Requests in flight when no further one comes, in a run of the config.
fn in_flight(project: &Project, stub: &Stub, expected: usize) {
    let before = stub.requests().len();
    let running = evals(project, &["run", "--no-report", "--no-cache"]).spawn();
    stub.wait_for(before + expected);
    assert_eq!(stub.requests().len(), before + expected);
    stub.release();
    running.wait().ok();
}

#[test]
fn a_registered_model_has_limits_that_a_run_obeys() {
    let stub = held();
    let project = project("byo:my-vllm");
    twelve(&project);
    let base_url = stub.base_url();
    let line =
        add(&base_url, &["--no-test", "--rpm", "6000", "--concurrency", "3", "--streaming", "off"]);
    evals(&project, &line).run().ok();
    let show =
        || evals(&project, &["models", "show", "my-vllm", "--format", "json"]).run().ok().json();
    assert_eq!(show()["limits"], json!({"rpm": 6000, "concurrency": 3}));
    evals(&project, &["models", "show", "my-vllm"])
        .run()
        .ok()
        .says("6000 requests a minute, 3 requests in flight");
    in_flight(&project, &stub, 3);
}

#[test]
fn limits_are_edited_taken_away_imported_and_overridden_by_the_config() {
    let stub = held();
    let project = project("{use: 'byo:lab/m', limits: {concurrency: 4}}");
    twelve(&project);
    let base_url = stub.base_url();
    project.write(
        "rows-of-endpoints.csv",
        format!("name,slug,provider,base_url,streaming,limits_rpm,limits_concurrency\nLab,lab,custom,{base_url},off,90,2\n"),
    );
    evals(&project, &["endpoints", "import", "rows-of-endpoints.csv"]).run().ok();
    let edit = |flags: &[&str]| {
        evals(&project, &["endpoints", "edit", "lab", "--no-test"]).args(flags).run().ok();
        evals(&project, &["endpoints", "show", "lab", "--format", "json"]).run().ok().json()
    };
    assert_eq!(edit(&["--tpm", "5"])["limits"], json!({"rpm": 90, "tpm": 5, "concurrency": 2}));
    assert_eq!(edit(&["--tpm", "0", "--rpm", "0"])["limits"], json!({"concurrency": 2}));
    in_flight(&project, &stub, 4);
    // A 0 in a config is a mistake, and takes nothing away.
    config(&project, "{use: 'byo:lab/m', limits: {concurrency: 0}}", "");
    evals(&project, &["run"]).run().code(2).complains("`concurrency` is 1 or more");
}

#[test]
fn members_of_pools_and_fallbacks_have_limits_of_their_own() {
    let (stub, gone) = (held(), Stub::start(|_, _| openai_error(401, "no", "x")));
    let project = project("any");
    twelve(&project);
    let base_url = stub.base_url();
    let line = add(&base_url, &["--no-test", "--concurrency", "3", "--streaming", "off"]);
    evals(&project, &line).run().ok();
    config(&project, "{id: mix, pool: [{model: 'byo:my-vllm'}]}", "");
    in_flight(&project, &stub, 3);

    let stub = held();
    let inline = |stub: &Stub, more: &str| {
        let url = stub.base_url();
        format!("provider: openai-compatible, base_url: '{url}', model: m, stream: false, {more}")
    };
    let (first, second) =
        (inline(&gone, "limits: {concurrency: 1}"), inline(&stub, "limits: {concurrency: 2}"));
    config(&project, &format!("{{id: a, {first}, fallback: [{{id: b, {second}}}]}}"), "");
    in_flight(&project, &stub, 2);

    let pool = "{id: mix, limits: {rpm: 5}, pool: [{model: 'byo:my-vllm'}]}";
    config(&project, pool, "");
    evals(&project, &["run"]).run().code(2).complains("`limits` belong to the models of a `pool`");
}

#[test]
fn headers_that_name_the_model_split_no_account() {
    let stub = held();
    let project = project("'byo:lab/one', 'byo:lab/two'");
    twelve(&project);
    let base_url = stub.base_url();
    let lab = ["endpoints", "add", "Lab", "--provider", "custom", "--base-url", &base_url];
    evals(&project, &lab)
        .args(["--no-test", "--streaming", "off", "--concurrency", "3"])
        .args(["--api-key-env", "LLM_KEY", "--header", "x-route={{model}}/{{api_key}}"])
        .run()
        .ok();
    in_flight(&project, &stub, 3);
    let sent = stub.requests();
    assert!(
        sent.iter().any(|request| request.header("x-route").is_some_and(|v| v.starts_with("two/")))
    );
}

/// Ever `429`.
fn busy() -> Stub {
    Stub::start(|_, _| -> Response { openai_error(429, "slow down", "rate_limit_exceeded") })
}

#[test]
fn nine_requests_are_the_most_of_a_call_with_all_its_fallbacks() {
    let (first, second, third) = (busy(), busy(), busy());
    let project = Project::new();
    project.write("rows.csv", "id,question,answer\n0,q0,a0\n");
    let model = |id: &str, stub: &Stub| {
        let url = stub.base_url();
        format!("id: {id}, provider: openai-compatible, base_url: '{url}', model: m")
    };
    let chain = format!(
        "{{{}, fallback: [{{{}}}, {{{}}}]}}",
        model("a", &first),
        model("b", &second),
        model("c", &third)
    );
    config(&project, &chain, "retry: {base: 1ms, cap: 5ms, breaker: 0s}\n");
    let ran = evals(&project, &["run", "--no-report", "--format", "json"]).run().code(3);
    assert_eq!(ran.json()["errors"], json!({"rate_limited": 1}));
    let made = [first, second, third].map(|stub| stub.requests().len());
    assert_eq!(made, [7, 1, 1], "each model after the first one has a request kept for it");
}
