//! Budgets, and the plan that says beforehand what a run will call.

use serde_json::Value;

use crate::support::{Output, Project, Stub, openai_error, openai_stream};

/// Tokens of each answer of the server: prompt and answer.
const USAGE: (u64, u64) = (10, 500);

/// Ten rows, and a model whose calls cost $0.00101 and at most $0.001018.
fn project(base_url: &str, more: &str) -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..10).map(|i| format!("{i},q{i},a{i}\n")).collect();
    project.write("rows.csv", format!("id,question,answer\n{}", rows.concat()));
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             models:\n  - id: local\n    provider: openai-compatible\n    base_url: {base_url}\n    \
             model: m\n    params: {{max_tokens: 500}}\n    price: {{input: 1, output: 2}}\n\
             scorers: [exact_match]\n{more}"
        ),
    );
    project
}

fn answering() -> Stub {
    Stub::start(|request, _| openai_stream(&[&request.last_user().replace('q', "a")], USAGE))
}

fn run(project: &Project, flags: &[&str]) -> Output {
    project.evals().args(["run", "--format", "json"]).args(flags).run()
}

fn resume(project: &Project, flags: &[&str]) -> Output {
    project.evals().args(["resume", "--format", "json"]).args(flags).run()
}

#[test]
fn no_call_is_made_that_could_go_over_the_budget_in_dollars() {
    let stub = answering();
    let project = project(&stub.base_url(), "budget: {usd: 0.005}\n");
    let output = run(&project, &["-j", "8"]).code(4).complains("the budget is reached");
    assert_eq!(stub.requests().len(), 4, "four calls cost $0.00404; a fifth may need $0.001018");
    let json = output.json();
    assert_eq!(json["status"], "budget");
    assert_eq!(json["trials"]["ok"], 4);
    assert_eq!(json["trials"]["error"], 0, "what was not asked is no error");
    assert_eq!(json["cost_usd"]["models"], 0.00404);

    let json = resume(&project, &["--budget", "$0.0065"]).code(4).json();
    assert_eq!(stub.requests().len(), 6, "what the first part spent is spent");
    assert_eq!(json["trials"]["ok"], 6);
    let json = resume(&project, &["--budget", "1"]).ok().json();
    assert_eq!((stub.requests().len(), &json["trials"]["ok"]), (10, &Value::from(10)));
}

#[test]
fn tokens_have_a_budget_too() {
    let stub = answering();
    let project = project(&stub.base_url(), "");
    // A call uses 510 tokens and may use up to 518.
    let json = run(&project, &["--budget-tokens", "1600"]).code(4).json();
    assert_eq!(stub.requests().len(), 3);
    assert_eq!(json["trials"]["ok"], 3);
}

#[test]
fn failures_that_cost_nothing_give_back_what_was_set_aside() {
    let stub = Stub::start(|_, nth| match nth {
        0..3 => openai_error(400, "no", "bad"),
        _ => openai_stream(&["a"], USAGE),
    });
    let project = project(&stub.base_url(), "budget: {usd: 0.005}\n");
    let json = run(&project, &["-j", "1"]).code(4).json();
    assert_eq!((&json["trials"]["ok"], &json["trials"]["error"]), (&4.into(), &3.into()));
}

#[test]
fn a_run_with_too_many_failures_ends() {
    let stub = Stub::start(|_, _| openai_error(400, "no", "bad"));
    let project = project(&stub.base_url(), "epochs: 10\nbudget: {error_rate: 20%}\n");
    let json = run(&project, &["-j", "1"]).code(4).json();
    assert_eq!(json["status"], "budget");
    let failed = json["trials"]["error"].as_u64().expect("a count");
    assert!((5..100).contains(&failed), "five of twenty are more than 20%: {failed}");
}

#[test]
fn time_is_limited_and_what_is_in_flight_is_recorded_or_left() {
    let stub = Stub::start(|request, nth| {
        let reply = openai_stream(&[&request.last_user()], USAGE);
        if nth < 2 { reply } else { reply.held() }
    });
    let project = project(&stub.base_url(), "");
    let json = run(&project, &["-j", "1", "--budget-time", "300ms"]).code(4).json();
    assert_eq!(json["status"], "budget");
    assert_eq!(json["trials"]["error"], 0);
    assert!(json["trials"]["ok"].as_u64() < Some(10), "{json}");
}

#[test]
fn a_model_without_a_price_is_refused_under_a_budget_unless_it_is_named() {
    let stub = answering();
    let project = project(&stub.base_url(), "budget: {usd: 5}\n");
    let config = project.read("evals.yaml").replace("    price: {input: 1, output: 2}\n", "");
    project.write("evals.yaml", config);
    let refused = run(&project, &[]).code(2);
    refused.complains("model `local` has none").complains("unpriced: [local]");
    assert_eq!(stub.requests().len(), 0);
    run(&project, &["--unpriced", "local"]).ok();
}

#[test]
fn a_budget_that_cannot_be_read_is_refused_with_its_place() {
    let stub = answering();
    for (budget, complaint) in [
        ("{usd: -1}", "a budget of -1 dollars"),
        ("{time: 5 days}", "`5 days` is no duration"),
        ("{error_rate: 120%}", "`120%` is no share"),
        ("{usd: 5, tokns: 3}", "tokens"),
    ] {
        let project = project(&stub.base_url(), &format!("budget: {budget}\n"));
        run(&project, &[]).code(2).complains("evals.yaml:11").complains(complaint);
    }
    let project = project(&stub.base_url(), "");
    run(&project, &["--budget", "much"]).code(2).complains("`much` is no amount");
    assert_eq!(stub.requests().len(), 0);
}

#[test]
fn a_plan_says_what_a_run_would_call_and_sends_nothing() {
    let stub = answering();
    let project = project(&stub.base_url(), "epochs: 2\n");
    let plan = |flags: &[&str]| {
        project.evals().args(["plan", "--format", "json"]).args(flags).run().ok().json()
    };
    let json = plan(&[]);
    assert_eq!(json["schema"], "evals.plan/1");
    assert_eq!((&json["trials"], &json["calls"]), (&20.into(), &20.into()));
    assert_eq!(json["cost_usd"]["expected"], Value::Null, "nothing is known of its answers");
    assert_eq!(json["cost_usd"]["at_most"], 0.02036);
    assert_eq!(json["seconds"], Value::Null);
    assert_eq!(stub.requests().len(), 0);
    assert!(!project.path(".evals/runs.db").exists(), "nothing is written");

    run(&project, &[]).ok().complains("20 trials: 10 samples x 1 prompt x 1 model x 2 epochs");
    let json = plan(&["--epochs", "1", "--no-cache"]);
    let expected = json["cost_usd"]["expected"].as_f64().expect("known from the run before");
    assert!((0.0100..0.0102).contains(&expected), "{expected}");
    assert!(json["seconds"].is_number());
    let table = project.evals().arg("plan").run().ok();
    table.says("local").says("at most").says("20 trials");
    assert_eq!(stub.requests().len(), 20);
    project.evals().args(["plan", "nothing.yaml"]).run().code(2).complains("nothing.yaml");
}
