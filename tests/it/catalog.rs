//! `evals catalog`, and what the plan refuses for what is known of a model.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, Response, Stub, root};

fn fixture(name: &str) -> String {
    let path = root().join("tests/fixtures/catalog").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn models_are_listed_and_found() {
    let project = Project::new();
    let list = |args: &[&str]| {
        let output = project.evals().args(["catalog", "list", "--format", "json"]).args(args);
        let Value::Array(rows) = output.run().ok().json() else { panic!("no array") };
        rows
    };
    assert!(list(&[]).len() > 2_000);
    let mistral = list(&["--provider", "mistral", "--mode", "embedding"]);
    assert!(!mistral.is_empty());
    assert!(mistral.iter().all(|row| row["provider"] == "mistral" && row["mode"] == "embedding"));
    let input = |row: &Value| row["price"]["input"].as_f64();
    let cheap = list(&["--provider", "anthropic", "--sort", "input"]);
    let prices: Vec<f64> = cheap.iter().map_while(input).collect();
    assert!(prices.len() > 5 && prices.is_sorted(), "{prices:?}");
    let long = list(&["--provider", "google", "--sort", "context"]);
    assert!(long[0]["max_input_tokens"].as_u64() >= long[1]["max_input_tokens"].as_u64());

    let search = ["catalog", "search", "SONNET", "4-5", "--provider", "anthropic"];
    let found = project.evals().args(search).run().ok().says("anthropic/claude-sonnet-4-5");
    found.complains("litellm 1.106.2 of 2026-10-21");
    let csv = project.evals().args(search).args(["--format", "csv"]).run().ok();
    assert!(csv.stdout.starts_with("provider,model,mode,"), "{csv:?}");
    assert!(csv.stdout.contains("anthropic,claude-sonnet-4-5,chat,200000,64000,3,15,0.3,3.75,"));
    let none = project.evals().args(["catalog", "search", "no-such-thing"]).run().ok();
    none.complains("no model is called so");
    let typo = project.evals().args(["catalog", "list", "--provider", "antropic"]).run().code(2);
    typo.complains("did you mean `anthropic`?");
}

#[test]
fn a_model_is_shown_with_its_source() {
    let project = Project::new();
    let show = |args: &[&str]| project.evals().args(["catalog", "show"]).args(args).run();
    show(&["google/gemini-2.5-pro"])
        .ok()
        .says("prompt       1048576 tokens")
        .says("price        input 1.25, output 10, cache_read 0.125, cache_write 1.25")
        .says("above 200000 prompt tokens: input 2.5, output 15")
        .says("source       https://")
        .says("catalog      litellm 1.106.2 of 2026-10-21");
    let shown = show(&["anthropic/claude-sonnet-4-5", "--format", "json"]).ok().json();
    assert_eq!(shown["price"]["cache_write_1h"], json!(6.0));
    assert_eq!(shown["capabilities"]["vision"], json!(true));
    assert_eq!(shown["catalog"]["date"], "2026-10-21");
    show(&["anthropic/claude-sonet-4-5"]).code(2).complains("`anthropic/claude-sonnet-4-5`");
    show(&["gpt-5"]).code(2).complains("`azure/gpt-5`").complains("`openai/gpt-5`");
    show(&["qqqqqqqq"]).code(2).complains("catalog search");
}

#[test]
fn a_newer_file_takes_precedence_until_it_is_given_up() {
    let project = Project::new();
    let catalog = |args: &[&str]| project.evals().arg("catalog").args(args).run();
    catalog(&["update", &fixture("litellm.json")]).ok().complains("now has 31 models");
    let own = project.home().join("evals/catalog.tsv");
    let kept = fs::read_to_string(&own).expect("a table");
    catalog(&["show", "openai/tiny"]).ok().says("output 0.000002").says("litellm.json of ");
    catalog(&["show", "anthropic/claude-haiku-4-5"]).code(2);

    // What is no table leaves the old one as it is.
    for (name, text, said) in [
        ("page.html", "<html>", "is no catalog"),
        ("empty.json", "{}", "no model"),
        ("half.tsv", "# format\t1\nopenai\ta\tchat\n", "line 2"),
    ] {
        let path = project.write(name, text);
        catalog(&["update", path.to_str().expect("UTF-8")]).code(2).complains(said);
        assert_eq!(fs::read_to_string(&own).expect("a table"), kept);
    }
    catalog(&["update", "missing.json"]).code(2).complains("missing.json");
    catalog(&["update"]).code(2);
    catalog(&["update", &fixture("litellm.tsv")]).ok();
    catalog(&["show", "openai/tiny"]).ok().says("litellm 1.106.2 of 2026-10-21");

    catalog(&["update", "--shipped"]).ok().complains("the shipped one");
    catalog(&["show", "anthropic/claude-haiku-4-5"]).ok();
    assert!(!own.exists());
    fs::write(&own, "broken").expect("written");
    catalog(&["list"]).code(2).complains("catalog.tsv").complains("--shipped");
    catalog(&["update", "--shipped"]).ok();
}

#[test]
fn a_newer_file_is_fetched() {
    let json = fs::read_to_string(fixture("litellm.json")).expect("a fixture");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let stub = Stub::start(move |_, _| Response::json(200, &json));
    let project = Project::new();
    let update = |source: &str| project.evals().args(["catalog", "update", source]).run();
    update(&format!("{}/prices.json?token=secret", stub.base_url())).ok().complains("31 models");
    let show = project.evals().args(["catalog", "show", "openai/tiny"]).run().ok();
    assert!(
        show.stdout.contains("/prices.json of ") && !show.stdout.contains("secret"),
        "{show:?}"
    );
    let refused = update("http://prices.example/table.json").code(2);
    refused.complains("not fetched in clear").complains("https://");
}

const FUNCTION: &str = "tools: [{name: f, parameters: {type: object, properties: {}}}]";

/// A project whose one model says `able`, with `params`.
fn refused(able: &str, params: &str) -> crate::support::Output {
    let project = Project::new();
    project.write("rows.csv", "id,input\n1,a\n");
    project.write(
        "evals.yaml",
        format!(
            "dataset: rows.csv\nmodels:\n  - {{id: able, provider: openai-compatible, base_url: \
             'http://127.0.0.1:9/v1', model: m, capabilities: {{json: true, schema: true, tools: \
             true, reasoning: true}}}}\n  - {{id: unable, provider: openai-compatible, base_url: \
             'http://127.0.0.1:9/v1', model: m, capabilities: {{{able}}}}}\nparams: {{{params}}}\n"
        ),
    );
    project.evals().arg("run").run()
}

#[test]
fn what_a_model_cannot_do_is_refused_before_the_first_call() {
    for (able, params, said) in [
        ("tools: false", FUNCTION, "`tools` are set, and model `unable` calls no functions"),
        ("json: false", "response_format: json", "model `unable` cannot be made to answer in it"),
        ("schema: false", "response_format: {schema: {type: object}}", "model `unable` takes none"),
        ("reasoning: false", "reasoning: {effort: low}", "model `unable` does not reason"),
    ] {
        let name = able.split(':').next().expect("a name");
        refused(able, params)
            .code(2)
            .complains(said)
            .complains("models that can: able")
            .complains(&format!("`capabilities: {{{name}: true}}`"))
            .complains("evals.yaml:4:5");
    }
}
