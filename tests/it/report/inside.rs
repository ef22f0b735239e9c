//! What a report says of a single trial, and what it warns of: requests that failed, judges, stand-ins,
//! the cache, few samples.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::json;

use super::{click, opened, run::report};
use crate::support::{Browser, Project, Response, Stub, openai_chat, openai_error};

/// A model of the stub, called `id` and known upstream by `name`.
fn model(stub: &Stub, id: &str, name: &str) -> serde_json::Value {
    json!({"id": id, "provider": "openai-compatible", "base_url": stub.base_url(), "model": name,
        "stream": false, "price": {"input": 1, "output": 2}})
}

/// Three questions to a server that is overloaded the first two times that it is asked the second one,
/// refuses the third, and judges by saying that it is good, or what nobody understands of the first answer.
fn eventful() -> (Project, Stub) {
    let asked: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let stub = Stub::start(move |request, _| {
        let (body, text) = (request.json(), request.last_user());
        if body["model"] == "gpt-judge" {
            let word = if body.to_string().contains("a0") { "who knows" } else { "Good" };
            return openai_chat(word, (20, 3));
        }
        let times = {
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(text.clone()).or_default();
            *times += 1;
            *times
        };
        match text.as_str() {
            "q1" if times <= 2 => openai_error(503, "the engine is <b>overloaded</b>", "busy"),
            "q2" => openai_error(400, "this is not allowed", "bad"),
            text => openai_chat(&text.replace('q', "a"), (10, 5)),
        }
    });
    let project = Project::new();
    project.write("rows.csv", "id,question,answer,weight\n0,q0,ab,1.5\n1,q1,a1,2.5\n2,q2,a2,3.5\n");
    let config = json!({
        "name": "eventful",
        "dataset": {"path": "rows.csv", "id": "id", "input": "question", "expected": "answer"},
        "models": [model(&stub, "one", "gpt-one"), model(&stub, "two", "other-two")],
        "retry": {"base": "20ms", "cap": "40ms"},
        "scorers": [
            "exact_match",
            {"levenshtein": {"id": "near"}},
            {"judge": {"id": "opinion", "model": model(&stub, "the judge", "gpt-judge"),
                "prompt": "Is {{output}} good?", "choice_scores": {"Good": 1, "Bad": 0}}},
        ],
        "metrics": {"both": "exact_match.mean + near.mean"},
    });
    project.write("evals.yaml", config.to_string());
    project.evals().args(["run", "--allow-errors", "100%"]).run().code(0);
    (project, stub)
}

#[test]
fn requests_and_judges_of_a_trial_are_shown() {
    let (project, _stub) = eventful();
    let Some(browser) = Browser::start() else { return };
    let page = report(&project);
    // The second question, asked of the model that was overloaded before it.
    browser.open(&page, "#trials?trial=2");
    opened(&browser);
    let rows = browser.text(
        "[...document.querySelectorAll('.answer')].map((card) => [...card.querySelectorAll('.tries tbody \
         tr:not(.under)')].map((row) => [...row.children].slice(0, 3).map((cell) => cell.textContent)\
         .join(' ')).join('; ')).join(' | ')",
    );
    assert_eq!(rows.matches("transient 503").count(), 2, "{rows}");
    assert!(rows.contains("2 answered 200") || rows.contains("3 answered 200"), "{rows}");
    let text = browser.text("document.getElementById('trial-body').textContent");
    for part in [
        "the engine is <b>overloaded</b>",
        "after a failure",
        "Attempts (",
        "Latency",
        "Tokens",
        "Cost",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    // What the judge was told, what it replied and what came of it.
    let steps = browser.text(
        "[...document.querySelectorAll('.answer details')].find((all) => all.firstChild.textContent\
         .startsWith('Judge steps')).textContent",
    );
    for part in [
        "opinion",
        "the judge",
        "You are a careful",
        "Is <output-",
        "a1",
        "Good",
        "read out of it",
        "$",
    ] {
        assert!(steps.contains(part), "no {part:?} in {steps}");
    }
    browser.value(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => { \
         window.copied = text; }}})",
    );
    let copied = || {
        browser.value("document.getElementById('copied').textContent = ''");
        click(&browser, "#copy-json");
        browser.until("document.getElementById('copied').textContent === 'Copied as JSON.'");
        serde_json::from_str::<serde_json::Value>(&browser.text("window.copied")).expect("JSON")
    };
    let trial = copied();
    assert_eq!(trial["judge_steps"][0]["output"], "Good");
    assert_eq!(trial["judge_steps"][0]["scorer"], "opinion");
    let requests = trial["requests"].as_array().expect("requests");
    if let [first, .., last] = requests.as_slice() {
        assert_eq!((&first["status"], &last["error"]), (&json!(503), &json!(null)), "{trial}");
    }
    // A judge that cannot be understood, with its replies; and a request that was refused for good.
    browser.open(&page, "#trials?trial=0");
    opened(&browser);
    let steps = browser.text("document.querySelector('.answer.current details').textContent");
    for part in ["who knows", "cannot be used", "asked again"] {
        assert!(steps.contains(part), "no {part:?} in {steps}");
    }
    browser.open(&page, "#trials?trial=4");
    opened(&browser);
    let refused = browser.text("document.querySelector('.answer.current .tries').textContent");
    assert!(refused.contains("400") && refused.contains("this is not allowed"), "{refused}");
    browser.nothing_happened();
}

#[test]
fn medians_costs_and_metrics_of_ones_own_are_in_every_report() {
    let (project, _stub) = eventful();
    let page = std::fs::read_to_string(report(&project)).expect("the page");
    for part in [
        "Metrics made of others",
        "exact_match.mean + near.mean",
        "Cost of a correct answer",
        "median",
    ] {
        assert!(page.contains(part), "no {part:?} in the page");
    }
    for format in ["table", "markdown"] {
        let shown = project.evals().args(["show", "--format", format]).run().ok().stdout;
        for part in ["both", "Cost of a correct answer", "median"] {
            assert!(shown.contains(part), "no {part:?} in {shown}");
        }
    }
}

/// The warnings of the newest report.
fn warnings(project: &Project) -> String {
    let page = std::fs::read_to_string(report(project)).expect("the page");
    let (_, rest) = page.split_once("<ul class=\"warnings\">").expect("warnings");
    rest.split_once("</ul>").expect("their end").0.to_owned()
}

#[track_caller]
fn warns(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

#[test]
fn what_makes_numbers_doubtful_stands_above_them() {
    let (project, _stub) = eventful();
    let said = warnings(&project);
    warns(
        &said,
        &[
            "2 of 6 trials have no answer",
            "unscored",
            "few samples",
            "judge the judge is of the same family as one (GPT)",
        ],
    );
    assert!(!said.contains("response cache"), "{said}");
    // The same again comes out of the cache, and that is said.
    project.evals().args(["run", "--allow-errors", "100%"]).run().code(0);
    warns(&warnings(&project), &["came from the response cache"]);
}

#[test]
fn answers_of_other_models_and_runs_that_are_unlike_stand_above_the_numbers() {
    let broken = Stub::start(|_, _| openai_error(401, "no credit", "x"));
    let stub = Stub::start(|request, _| openai_chat(&request.last_user(), (1, 1)));
    let project = Project::new();
    project.write("rows.csv", "id,question\n0,q0\n1,q1\n");
    let mut first = model(&broken, "first", "first");
    first["fallback"] = json!([model(&stub, "second", "second")]);
    let config = |temperature: f64| {
        json!({
            "name": format!("at {temperature}"),
            "dataset": {"path": "rows.csv", "id": "id", "input": "question", "expected": "question"},
            "models": [first],
            "params": {"temperature": temperature},
            "scorers": ["exact_match"],
        })
        .to_string()
    };
    project.write("evals.yaml", config(0.0));
    project.evals().args(["run"]).run().ok();
    warns(&warnings(&project), &["were answered by another model", "second"]);
    project.write("evals.yaml", config(1.0));
    project.evals().args(["run"]).run().ok();
    let path = project.path("compared.html");
    let args = ["compare", "at 0", "at 1", "--format", "html", "-o", path.to_str().expect("UTF-8")];
    project.evals().args(args).run().ok();
    let page = std::fs::read_to_string(&path).expect("the page");
    warns(&page, &["What else differs", "parameters: temperature", "few samples"]);
}

/// A judge by the name `j` that is `upstream` model.
fn judged(stub: &Stub, upstream: &str) -> String {
    json!({
        "dataset": {"path": "rows.csv", "id": "id", "input": "question"},
        "models": [{"id": "m", "provider": "replay", "output": "said"}],
        "scorers": [{"judge": {"id": "good", "model": "j", "prompt": "Is {{output}} good?",
            "choice_scores": {"Good": 1, "Bad": 0}}}],
        "aliases": {"j": model(stub, "j", upstream)},
    })
    .to_string()
}

#[test]
fn a_gate_does_not_compare_what_different_judges_said() {
    let stub = Stub::start(|_, _| -> Response { openai_chat("Good", (20, 3)) });
    let project = Project::new();
    project.write("rows.csv", "id,question,said\n0,q0,a0\n1,q1,a1\n");
    let run = |upstream: &str, more: &[&str]| {
        project.write("evals.yaml", judged(&stub, upstream));
        let args = ["run", "--no-report", "--quiet", "--format", "json"];
        project.evals().args(args).args(more).run()
    };
    run("mild", &["--name", "before"]).ok();
    let gate = ["--baseline", "before", "-g", "good.mean vs baseline >= 0"];
    run("mild", &gate).ok();
    let refused = run("strict", &gate).code(3).json();
    let reason = refused["gates"][0]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("the judge (j, name)") && reason.contains("`allow judge`"), "{reason}");
    run("strict", &[&gate[..], &["--allow", "judge"]].concat()).ok();
    let compared = project.evals().args(["compare", "before", "last"]).run().ok();
    compared.says("mild").says("strict");
}
