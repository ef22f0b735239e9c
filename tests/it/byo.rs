//! A registered model is as good as one of the catalog: what it takes, what it costs, what it is
//! called, and how it fails.

use serde_json::Value;

use crate::{
    models::{CANARY, add, config, evals, no_key_in, project, stub},
    support::{Output, Project, Stub, openai_error},
};

fn run(project: &Project, more: &[&str]) -> Output {
    evals(project, &["run", "--no-report", "--no-cache"]).args(more).run()
}

fn body(stub: &Stub) -> Value {
    stub.requests().pop().expect("a request").json()
}

#[test]
fn a_base_model_gives_capabilities_limits_prices_and_rules_of_parameters() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let added = evals(&project, &add(&base_url, &["--base-model", "openai/gpt-5-mini"])).run().ok();
    added.complains("prices from the catalog: ");
    assert_eq!(body(&stub)["max_completion_tokens"], 4096, "under the base model's name for it");
    let shown = evals(&project, &["models", "show", "my-vllm", "--format", "json"]).run().ok();
    let shown = shown.json();
    let able = &shown["capabilities"];
    assert_eq!((&able["vision"], &able["reasoning"]), (&true.into(), &true.into()));
    assert_eq!(shown["max_tokens"], 4096);

    let params = "params: {temperature: 0.5, reasoning: {effort: low}}\n";
    config(&project, "byo:my-vllm", params);
    let ran = run(&project, &["--format", "json"]).ok();
    let priced = ran.complains("`temperature` is left out").json();
    assert!(priced["cost_usd"]["models"].as_f64().is_some_and(|usd| usd > 0.0), "{priced}");
    let sent = body(&stub);
    assert_eq!((&sent["temperature"], &sent["reasoning_effort"]), (&Value::Null, &"low".into()));

    // What the user says comes first.
    evals(&project, &["models", "edit", "my-vllm", "--reasoning", "off"]).run().ok();
    run(&project, &[]).code(2).complains("`reasoning` is set, and model `byo:my-vllm` does not");
    let wrong = evals(&project, &["models", "edit", "my-vllm", "--base-model", "openai/gpt-5-mni"]);
    wrong.run().code(2).complains("near: `openai/gpt-5-mini`");
}

#[test]
fn a_refusal_names_the_models_that_could_and_the_command_that_says_so() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    evals(&project, &add(&base_url, &["--json-mode", "off", "--tools", "off"])).run().ok();
    let image = "{id: shown, messages: [{role: user, content: [{text: '{{question}}'}, \
                 {image: 'https://example.com/a.png'}]}]}";
    let with = |model: &str, prompt: &str, more: &str| {
        let text = format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: [{prompt}]\n\
             models: [{model}]\nscorers: [exact_match]\n{more}"
        );
        project.write("evals.yaml", text);
        run(&project, &[]).code(2)
    };
    let ask = "'{{question}}'";
    with("byo:my-vllm", image, "")
        .complains("prompt `shown` shows an image, and model `byo:my-vllm` cannot see")
        .complains("`evals models edit my-vllm --vision on` says so");
    with("byo:my-vllm", ask, "params: {response_format: {schema: {type: object}}}\n")
        .complains("cannot be made to answer in it")
        .complains("of no other model is it known here")
        .complains("`evals models edit my-vllm --json-mode on` says so");
    let tools = "params: {tools: [{name: f, parameters: {type: object}}]}\n";
    with("byo:my-vllm", ask, tools).complains("--tools on");

    // A registered model that can, and one of the run, are named.
    let mut line = add(&base_url, &["--no-test"]);
    line[2] = "Able one";
    evals(&project, &line).run().ok();
    with("byo:my-vllm", ask, tools).complains("models that can: byo:able-one;");
    let both = "byo:my-vllm, {id: mine, use: 'byo:able-one'}";
    with(both, ask, tools).complains("models that can: mine;");
    let lab = ["endpoints", "add", "The lab", "--provider", "custom", "--base-url", &base_url];
    evals(&project, &lab).args(["--no-test", "--vision", "off"]).run().ok();
    with("byo:the-lab/x", image, "").complains("`evals endpoints edit the-lab --vision on`");
    // Of a provider in the catalog, its nearest models are.
    evals(&project, &["models", "rm", "-y", "able-one"]).run().ok();
    let blind = "{use: openai/gpt-3.5-turbo, api_key: '${LLM_KEY}', capabilities: {vision: false}}";
    with(blind, image, "")
        .complains("models that can: openai/gpt-")
        .complains("give it `capabilities: {vision: true}`");
    assert!(stub.requests().iter().all(|request| request.last_user().contains("status")));
}

#[test]
fn people_see_display_names_and_programs_references() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    evals(&project, &add(&base_url, &[])).run().ok();
    let lab = ["endpoints", "add", "The <lab>", "--provider", "custom", "--base-url", &base_url];
    evals(&project, &lab).args(["--no-test", "--slug", "the-lab"]).run().ok();
    let models = "byo:my-vllm, 'byo:the-lab/a/b', {id: mine, use: 'byo:my-vllm'}";
    config(&project, models, "gates: [exact_match.mean >= 0.5]\n");
    let ran = evals(&project, &["run"]).run().ok();
    let ran = ran.says("My vLLM").says("The <lab>: a/b").says("mine");
    assert!(!ran.stdout.contains("byo:"), "{ran:?}");
    let page = project
        .files()
        .into_iter()
        .find(|file| file.starts_with(".evals/reports/"))
        .expect("a page");
    let page = project.read(page);
    for part in ["My vLLM", "The &lt;lab&gt;: a/b", "<dt>In the config</dt><dd>byo:my-vllm</dd>"] {
        assert!(page.contains(part), "{part}");
    }
    let show = |format: &str| evals(&project, &["show", "last", "--format", format]).run().ok();
    show("markdown").says("`My vLLM`").says("`The <lab>: a/b`");
    let json = show("json").json();
    assert_eq!(json["results"][0]["model"], "byo:my-vllm");
    assert_eq!(json["models"][0]["display_name"], "My vLLM");
    assert_eq!(json["models"][1]["display_name"], "The <lab>: a/b");
    assert_eq!(json["models"][2]["display_name"], Value::Null, "the config's own name");
    evals(&project, &["list"]).run().ok().says("My vLLM, The <lab>: a/b, mine");
    evals(&project, &["show", "last", "--trials"]).run().ok().says("My vLLM");
    let rows = evals(&project, &["export", "last"]).run().ok().json_lines();
    assert_eq!(rows[0]["model"], "byo:my-vllm");
    // A name that means two models does not stand alone.
    evals(&project, &["models", "edit", "my-vllm", "--name", "mine"]).run().ok();
    evals(&project, &["run", "--no-report"]).run().ok().says("mine (byo:my-vllm)");
}

/// What the provider says is neither of the three refusals before the call.
#[test]
fn an_error_of_the_provider_is_an_error_of_the_trial() {
    let stub = Stub::start(|_, _| openai_error(404, "The model `x` does not exist", "not_found"));
    let project = project("byo:the-lab/x");
    let base_url = stub.base_url();
    let lab = ["endpoints", "add", "The lab", "--provider", "custom", "--base-url", &base_url];
    evals(&project, &lab).args(["--no-test", "--allow", "x"]).run().ok();
    let tested = evals(&project, &["endpoints", "test", "the-lab"]).run().code(3);
    tested.complains("status 404").complains("The model `x` does not exist");
    run(&project, &[]).code(3);
    let rows = evals(&project, &["export", "last"]).run().ok().json_lines();
    assert!(rows[0]["error"].to_string().contains("does not exist"), "{}", rows[0]);
    assert!(rows[0]["latency_ms"].is_number() && rows[0]["attempts"] == 1, "{}", rows[0]);
    let other = evals(&project, &["run", "--no-report", "-m", "byo:the-lab/y"]).run().code(2);
    other.complains("does not allow the model `y`").complains("it allows x");
}

#[test]
fn slugs_have_rules_at_both_ends_and_clash_with_the_catalog() {
    let project = project("byo:my-vllm");
    let add = |slug: &str| {
        let line = ["models", "add", "A name", "--provider", "custom", "-m", "m", "--no-test"];
        let more = ["--base-url", "http://localhost:1/v1"];
        evals(&project, &line).args(more).arg(format!("--slug={slug}")).run()
    };
    let long = "a".repeat(41);
    for slug in ["ab", "1ab", "-ab", "ab-", "Abc", "a_b", "a b", "äbc", long.as_str()] {
        let refused = add(slug).code(2).complains("is no slug");
        refused.complains("3 to 40 of a-z, 0-9 and -");
    }
    add("gpt-5-mini").code(2).complains("a model of the catalog has it as its id");
    add("abc").ok().says("added byo:abc");
    add("abc").code(2).complains("there is a registered model of that slug");
    add(&long[..40]).ok();
    let line = ["models", "edit", "abc", "--provider", "openai"];
    evals(&project, &line).run().code(2).complains("`provider` is permanent: it is `custom`");
    let line = ["models", "edit", "abc", "--slug", "abcd"];
    evals(&project, &line).run().code(2).complains("`slug` is permanent: it is `abc`");
}

#[test]
fn headers_take_key_model_and_email_and_are_shown_nowhere() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let more = ["--header", "X-Gateway-Key={{api_key}}", "--header", "x-who={{email}} {{ model }}"];
    let unset = evals(&project, &add(&base_url, &more)).run().code(2);
    let unset = unset.complains("needs the variable `EVALS_EMAIL`");
    let email = |line: &[&str]| evals(&project, line).env("EVALS_EMAIL", "me@example.com");
    let mut said = vec![unset, email(&add(&base_url, &more)).run().ok()];
    said.push(email(&["run", "--log", "run.log", "--format", "json"]).run().ok());
    let request = stub.requests().pop().expect("a request");
    assert_eq!(request.header("x-gateway-key"), Some(CANARY));
    assert_eq!(request.header("x-who"), Some("me@example.com org/m1"));
    for format in ["table", "json"] {
        let shown = evals(&project, &["models", "show", "my-vllm", "--format", format]).run().ok();
        assert!(shown.stdout.contains("x-gateway-key") && !shown.stdout.contains("{{api_key}}"));
        said.push(shown);
    }
    let log = project.read("run.log");
    assert!(!log.contains("me@example.com"), "{log}");
    no_key_in(&project, &said);
}

#[test]
fn prices_are_filled_from_the_catalog_only_where_there_are_none() {
    let stub = stub();
    let project = project("byo:my-mini");
    let base_url = stub.base_url();
    let line = ["models", "add", "My mini", "--provider", "openai", "-m", "gpt-4o-mini"];
    let more = ["--base-url", &base_url, "--api-key-env", "LLM_KEY", "--price", "input=1"];
    let added = evals(&project, &line).args(more).run().ok();
    added.complains("prices from the catalog: ").complains("output");
    let shown = evals(&project, &["models", "show", "my-mini", "--format", "json"]).run().ok();
    let prices = &shown.json()["price_usd_per_million"];
    assert_eq!(prices["input"], 1.0, "the user's own");
    let output = prices["output"].as_f64().expect("the catalog's");
    let ran = run(&project, &["--format", "json"]).ok().json();
    let cost = ran["cost_usd"]["models"].as_f64().expect("known");
    let expected = 2.0 * (1000.0 + 500.0 * output) / 1e6;
    assert!((cost - expected).abs() < 1e-12, "{cost} and {expected}");

    // By the token, by the call, and in a category of one's own.
    let prices = ["--price", "input=2e-6", "--price", "output=0", "--price-per", "token"];
    let more = ["--price", "request=0.01", "--price", "batch_input=1e-6"];
    let edit = evals(&project, &["models", "edit", "my-mini"]).args(prices).args(more).run().ok();
    assert!(!edit.stderr.contains("test"), "prices ask for no test: {edit:?}");
    let ran = run(&project, &["--format", "json"]).ok().json();
    assert_eq!(ran["cost_usd"]["models"], 2.0 * (0.002 + 0.01));
    let shown = evals(&project, &["models", "show", "my-mini"]).run().ok();
    shown.says("batch_input $1").says("request $0.01 per call");
    for (price, part) in [
        ("input=cheap", "CATEGORY=USD"),
        ("input=-1", "no price in US dollars"),
        ("In=1", "is no category"),
    ] {
        let edit = evals(&project, &["models", "edit", "my-mini", "--price", price]);
        edit.run().code(2).complains(part);
    }
}

#[test]
fn what_asks_for_a_new_test_and_what_does_not() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let added = evals(&project, &add(&base_url, &["--no-test"])).run().ok();
    assert!(!added.stderr.contains("Connection test passed."), "{added:?}");
    assert_eq!(stub.requests().len(), 0);
    evals(&project, &["models", "list"]).run().ok().says("untested");
    let tested = evals(&project, &["models", "test", "my-vllm"]).run().ok();
    let first = tested.stdout.lines().next().expect("a line");
    assert!(first.starts_with("Connection test passed. "), "{first}");
    assert!(first.ends_with(" ms, 1000 tokens in, 500 tokens out"), "{first}");
    tested.complains("warning: the prices of `my-vllm` are not known");
    let mut calls = stub.requests().len();
    for (more, tests) in [
        (&["--price", "input=1"][..], false),
        (&["--api-key-env", "LLM_KEY"], false),
        (&["--name", "Other"], false),
        (&["--tag", "x"], false),
        (&["--max-tokens", "5000"], true),
        (&["--vision", "on"], true),
        (&["--json-mode", "off"], true),
        (&["--tools", "off"], true),
        (&["--reasoning", "on"], true),
        (&["--streaming", "off"], true),
        (&["--model", "org/m2"], true),
        (&["--max-tokens", "6000", "--no-test"], false),
    ] {
        evals(&project, &["models", "edit", "my-vllm"]).args(more).run().ok();
        let now = stub.requests().len();
        assert_eq!(now - calls, usize::from(tests), "{more:?}");
        calls = now;
    }
    evals(&project, &["models", "list"]).run().ok().says("untested");
    let line = ["models", "edit", "my-vllm", "--max-tokens", "0"];
    evals(&project, &line).run().code(2).complains("1 is the least");
    let line = ["models", "edit", "my-vllm", "--max-tokens", "123456789", "--no-test"];
    evals(&project, &line).run().ok();
    run(&project, &[]).ok();
    assert_eq!(body(&stub)["max_tokens"], 123_456_789, "never clamped");
}

#[test]
fn a_completion_host_and_hosts_of_other_formats() {
    let text = |request: &crate::support::Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("status") { "{\"status\":\"ok\"}" } else { "a0" }
    };
    let stub = Stub::start(move |request, _| {
        let text = text(request);
        crate::support::Response::json(
            200,
            &match request.path.as_str() {
                "/v1/completions" => serde_json::json!({"choices": [{"text": text, "index": 0,
                "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}),
                path if path.ends_with("/messages") => serde_json::json!({"type": "message",
                "role": "assistant", "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 1}}),
                _ => {
                    serde_json::json!({"finish_reason": "COMPLETE", "message": {"role": "assistant",
                "content": [{"type": "text", "text": text}]},
                "usage": {"tokens": {"input_tokens": 3, "output_tokens": 1}}})
                }
            },
        )
    });
    let project = project("sim/good");
    let base_url = stub.base_url();
    for (name, more, path) in [
        ("Old host", &["--flavour", "completion"][..], "/v1/completions"),
        ("Messages host", &["--format", "anthropic"], "/messages"),
        ("Command host", &["--format", "cohere"], "/chat"),
    ] {
        let mut line = add(&base_url, more);
        line[2] = name;
        let added = evals(&project, &line).args(["--streaming", "off"]).run().ok();
        added.complains("Connection test passed. ").complains("3 tokens in, 1 tokens out");
        let slug = name.to_lowercase().replace(' ', "-");
        run(&project, &["-m", &format!("byo:{slug}"), "-n", "1"]).ok();
        let asked = stub.requests().pop().expect("a request").path;
        assert!(asked.ends_with(path), "{name}: {asked}");
    }
    let line = ["models", "add", "Wrong", "--provider", "groq", "--format", "openai", "-m", "m"];
    evals(&project, &line).run().code(2).complains("it is for hosts of your own");
}
