//! What accounts may be asked for, and how the calls of a run share it.

use super::*;

/// A fifth of all requests fails, and costs one request each.
#[test]
fn random_failures_cost_few_requests() {
    let asked = Asked::default();
    let stub = Stub::start(move |request, _| {
        let row: usize = request.last_user()[1..].parse().expect("a number");
        if row.is_multiple_of(4) && asked.before(request) == 0 { oops(503) } else { right(request) }
    });
    let retry = "retry: {base: 1ms, cap: 5ms}";
    let project = project(&[model("local", &stub, "stream: false")], 200, &[retry]);
    all_ok(&project);
    assert_eq!(stub.requests().len(), 250);
}

#[test]
fn requests_a_minute_are_kept() {
    let begun = clock::instant();
    let stub = Stub::start(move |request, _| right(request));
    let model = model("local", &stub, "stream: false, limits: {rpm: 600, tpm: 10000000}");
    let project = project(&[model], 40, &[QUICK]);
    all_ok(&project);
    // Ten at once and ten a second: the last one cannot have come before three seconds.
    assert!(until_the_last(&stub, begun) >= Duration::from_secs(3));
}

#[test]
fn two_runs_share_the_requests_a_minute_of_an_account() {
    let begun = clock::instant();
    let stub = Stub::start(move |request, _| right(request));
    let model = model("local", &stub, "stream: false, limits: {rpm: 600}");
    let project = project(&[model], 30, &[QUICK]);
    let runs = ["one.db", "two.db"]
        .map(|db| project.evals().args(["run", "--no-cache", "--db", db]).spawn());
    for run in runs {
        run.wait().ok();
    }
    // Alone, either would need two seconds.
    assert!(until_the_last(&stub, begun) >= Duration::from_secs(5));
    assert_eq!(stub.requests().len(), 60);
}

#[test]
fn twenty_requests_of_an_account_are_in_flight_at_first() {
    let stub = Stub::start(|request, _| right(request).held());
    let project = project(&[model("local", &stub, "stream: false")], 60, &[QUICK]);
    let running = project.evals().args(["run", "--format", "json"]).spawn();
    stub.wait_for(20);
    assert_eq!(stub.requests().len(), 20);
    stub.release();
    running.wait().ok();
    assert_eq!(stub.requests().len(), 60);
}

#[test]
fn two_runs_share_the_places_of_an_account_and_a_dead_one_frees_its_own() {
    let stub = Stub::start(|request, nth| match nth {
        0 => right(request).held(),
        _ => right(request),
    });
    let project = project(&[one_at_a_time(&stub)], 3, &[QUICK]);
    let first = project.evals().arg("run").spawn();
    stub.wait_for(1);
    let second = project.evals().args(["run", "--db", "other.db", "--log", "log"]).spawn();
    let begun = || fs::read_to_string(project.path("log")).is_ok_and(|log| log.contains("started"));
    while !begun() {
        std::thread::yield_now();
    }
    assert_eq!(stub.requests().len(), 1, "the only place is taken");
    first.signal("KILL");
    second.wait().ok();
    assert_eq!(stub.requests().len(), 4);
}

#[test]
fn one_model_after_the_other() {
    let stub = Stub::start(|request, _| right(request));
    let models = ["m1", "m2", "m3"].map(|id| model(id, &stub, "stream: false"));
    let project = project(&models, 10, &[QUICK, "schedule: by-model"]);
    all_ok(&project);
    let order: Vec<Value> = stub.requests().iter().map(|r| r.json()["model"].clone()).collect();
    let mut sorted = order.clone();
    sorted.sort_by_key(ToString::to_string);
    assert_eq!(order, sorted);
}

#[test]
fn what_is_wrong_with_retries_and_limits_is_said_before_the_first_call() {
    let stub = Stub::start(|request, _| right(request));
    let bad = |model_more: &str, more: &str| {
        project(&[model("local", &stub, model_more)], 1, &[more]).evals().arg("run").run().code(2)
    };
    bad("stream: false", "retry: {transient: 9}").complains("`transient` lies between 0 and 8");
    bad("stream: false", "retry: {base: 5}").complains("evals.yaml");
    bad("stream: false", "retry: {breaker: soon}").complains("`soon` is no duration");
    bad("stream: false", "retry: {cup: 1s}").complains("did you mean `cap`?");
    bad("limits: {rpm: 0}", QUICK).complains("`rpm` is 1 or more");
    bad("limits: {rps: 5}", QUICK).complains("unknown key `rps`");
    bad("stream: false", "schedule: by-row").complains("by-model");
    bad("stream: false", "concurrency: some").complains("`auto`");
    let flagged = |flags: &[&str]| {
        let project = project(&[model("local", &stub, "stream: false")], 1, &[]);
        project.evals().arg("run").args(flags).run().code(2)
    };
    flagged(&["-j", "many"]).complains("--concurrency: `concurrency` is `auto` or");
    flagged(&["--max-outage", "ages"]).complains("--max-outage: `ages` is no duration");
    let project = project(&["use: sim/good, limits: {rpm: 5}".to_owned()], 1, &[]);
    project.evals().arg("run").run().code(2).complains("`limits` means nothing");
    assert_eq!(stub.connections(), 0);
}
