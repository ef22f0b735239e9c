//! Judges of several steps, against a server that answers each step as a test says.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Project, Request, Response, Stub, openai_chat, openai_error};

/// What a step replies with, by the beginning of its task.
type Replies = Arc<dyn Fn(&str) -> Option<Value> + Send + Sync>;

/// A judge whose replies are JSON texts; vectors of one number each way besides.
fn judge(replies: impl Fn(&str) -> Option<Value> + Send + Sync + 'static) -> Stub {
    let replies: Replies = Arc::new(replies);
    Stub::start(move |request, _| reply(request, &replies))
}

fn reply(request: &Request, replies: &Replies) -> Response {
    if request.path.ends_with("/embeddings") {
        let body = request.json();
        let texts = body["input"].as_array().expect("texts");
        let vector = |text: &Value| {
            let near = text.as_str().expect("a text").contains("capital");
            if near { json!([1.0, 0.0]) } else { json!([0.6, 0.8]) }
        };
        let data: Vec<Value> = (0..)
            .zip(texts)
            .map(|(index, text): (u64, _)| json!({"index": index, "embedding": vector(text)}))
            .collect();
        return Response::json(200, &json!({"data": data, "usage": {"prompt_tokens": 1}}));
    }
    match replies(&request.last_user()) {
        Some(value) => openai_chat(&value.to_string(), (10, 5)),
        None => openai_error(400, "not in the script", "script"),
    }
}

/// A project of one row with two texts of context, and one answer to it.
fn project(stub: &Stub, scorer: &str) -> Project {
    let project = Project::new();
    let row = json!({
        "id": "a", "q": "What is the capital of France?", "answer": "Paris. It lies on the Seine.",
        "context": ["Paris is the capital. It is old.", "Lyon is big."], "rubric": [
            {"criterion": "names the city", "points": 3}, {"criterion": "is rude", "points": -2},
        ], "chat": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "And the capital?"}],
    });
    project.write("rows.jsonl", format!("{row}\n"));
    project.write(
        "said.jsonl",
        format!("{}\n", json!({"id": "a", "output": "Paris. Lyon is bigger."})),
    );
    let at = |id: &str| {
        format!(
            "{{id: {id}, provider: openai-compatible, model: {id}, base_url: '{}', stream: false, \
             price: {{input: 1, output: 1}}}}",
            stub.base_url()
        )
    };
    let scorer = scorer.replace("@JUDGE@", &at("judge")).replace("@VECTORS@", &at("vectors"));
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.jsonl, expected: answer, input: q}}\nprompts: ['{{{{q}}}}']\n\
             models: ['replay:said.jsonl']\nscorers:\n  - {scorer}\n"
        ),
    );
    project
}

/// The only score of a run, and the steps that were recorded.
fn score(project: &Project, code: i32) -> Value {
    project.evals().args(["run", "--no-report", "--format", "json"]).run().code(code);
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    let scores = lines[0]["scores"].as_object().expect("scores");
    scores.values().next().expect("a score").clone()
}

#[track_caller]
fn valued(stub: &Stub, scorer: &str, expected: f64) -> Value {
    let score = score(&project(stub, scorer), 0);
    let value = score["value"].as_f64().unwrap_or_else(|| panic!("{score}"));
    assert!((value - expected).abs() < 1e-6, "{score}");
    score
}

fn verdicts(mark: &str, marks: &[bool]) -> Value {
    let each = (1..)
        .zip(marks)
        .map(|(claim, is): (u64, _)| json!({"claim": claim, "reason": "r", mark: is}));
    each.collect()
}

#[test]
fn faithfulness_is_the_share_of_claims_that_follow_from_the_context() {
    let stub = judge(|task| {
        if task.starts_with("Take the text") {
            return Some(json!({"claims": ["Paris is the capital of France.", "Lyon is bigger."]}));
        }
        assert!(
            task.contains("1. Paris is the capital") && task.contains("Lyon is big."),
            "{task}"
        );
        Some(json!({"verdicts": verdicts("follows", &[true, false])}))
    });
    let score = valued(&stub, "faithfulness: {model: @JUDGE@, threshold: 0.5}", 0.5);
    assert_eq!(score["passed"], true);
    let why = score["explanation"].as_str().expect("why");
    assert!(why.contains("1 of 2 claims") && why.contains("Lyon is bigger"), "{why}");
    assert_eq!(stub.requests().len(), 2);
}

#[test]
fn an_answer_that_claims_nothing_is_not_scored() {
    let stub = judge(|_| Some(json!({"claims": []})));
    for name in ["faithfulness", "context_recall", "noise_sensitivity"] {
        let score = score(&project(&stub, &format!("{name}: {{model: @JUDGE@}}")), 0);
        assert_eq!(score["value"], Value::Null, "{name}");
        assert_eq!(score["error"]["kind"], "skipped", "{name}: {score}");
        assert!(
            score["error"]["message"].to_string().contains("claims nothing"),
            "{name}: {score}"
        );
    }
}

#[test]
fn a_verdict_that_is_missing_is_asked_for_again_and_then_no_score() {
    let stub = judge(|task| {
        Some(if task.starts_with("Take the text") {
            json!({"claims": ["one", "two"]})
        } else if task.contains("cannot be used") {
            json!({"verdicts": verdicts("follows", &[true, true])})
        } else {
            json!({"verdicts": verdicts("follows", &[true])})
        })
    });
    valued(&stub, "faithfulness: {model: @JUDGE@}", 1.0);
    assert_eq!(stub.requests().len(), 3);
    let never = judge(|task| {
        let claims = task.starts_with("Take the text");
        Some(if claims { json!({"claims": ["one", "two"]}) } else { json!({"verdicts": []}) })
    });
    let score = score(&project(&never, "faithfulness: {model: @JUDGE@}"), 3);
    assert_eq!(score["value"], Value::Null);
    assert!(score["error"]["message"].to_string().contains("claim 1 has no verdict"), "{score}");
    assert_eq!(never.requests().len(), 4, "the claims, the verdicts, and two repairs");
}

#[test]
fn the_context_is_judged_by_what_is_expected() {
    let stub = judge(|task| {
        Some(if task.starts_with("Take the text") {
            assert!(task.contains("It lies on the Seine"), "{task}");
            json!({"claims": ["Paris is the capital.", "Paris lies on the Seine."]})
        } else if task.starts_with("For each numbered claim") {
            json!({"verdicts": verdicts("follows", &[true, false])})
        } else if task.starts_with("Decide whether `text` was useful") {
            json!({"reason": "r", "useful": task.contains("Lyon is big")})
        } else if task.starts_with("List what is named") {
            let of_context = task.contains("Lyon");
            json!({"entities": if of_context { json!(["PARIS", "Lyon"]) } else { json!(["Paris", "the Seine"]) }})
        } else if task.starts_with("The context of") {
            assert!(task.contains("1. Paris is the capital."), "{task}");
            json!({"needed": [1]})
        } else {
            return None;
        })
    });
    valued(&stub, "context_recall: {model: @JUDGE@}", 0.5);
    // Only the second of two texts is useful.
    valued(&stub, "context_precision: {model: @JUDGE@}", 0.5);
    valued(&stub, "context_entity_recall: {model: @JUDGE@}", 0.5);
    let of = |text: &str| text.chars().count() as f64;
    let all = of("Paris is the capital.") + of("It is old.") + of("Lyon is big.");
    valued(&stub, "context_relevancy: {model: @JUDGE@}", of("Paris is the capital.") / all);
}

#[test]
fn an_answer_is_correct_by_its_claims_and_its_meaning() {
    let stub = judge(|task| {
        Some(if task.starts_with("Take the text") {
            let ours = task.contains("Lyon is bigger");
            json!({"claims": if ours { json!(["Paris.", "Lyon is bigger."]) } else { json!(["Paris.", "On the Seine."]) }})
        } else if task.starts_with("`claims` are those") {
            json!({"answer": verdicts("held", &[true, false]), "expected": verdicts("held", &[true, false])})
        } else {
            return None;
        })
    });
    // TP 1, FP 1, FN 1.
    valued(&stub, "answer_correctness: {model: @JUDGE@}", 0.5);
    // Neither text speaks of a capital, so both have the same vector.
    let near = "answer_correctness: {model: @JUDGE@, embedding_model: @VECTORS@}";
    let score = valued(&stub, near, 0.75 * 0.5 + 0.25);
    assert!(score["explanation"].to_string().contains("F1 0.5000"), "{score}");
    let refused = project(&stub, "answer_correctness: {model: @JUDGE@, claims_weight: 0.5}");
    refused.evals().arg("run").run().code(2).complains("`embedding_model`, which is missing");
}

#[test]
fn an_answer_is_relevant_by_the_questions_that_it_answers() {
    let said = |noncommittal: bool| {
        judge(move |task| {
            assert!(!task.contains("What is the capital of France"), "the question is not shown");
            let questions = ["Which capital?", "What capital has France?", "Which city is old?"];
            Some(json!({"noncommittal": noncommittal, "questions": questions}))
        })
    };
    let scorer = "answer_relevancy: {model: @JUDGE@, embedding_model: @VECTORS@}";
    valued(&said(false), scorer, (1.0 + 1.0 + 0.6) / 3.0);
    let stub = said(true);
    valued(&stub, scorer, 0.0);
    let vectors =
        stub.requests().iter().filter(|request| request.path.ends_with("/embeddings")).count();
    assert_eq!(vectors, 0, "there is nothing to compare");
}

#[test]
fn noise_is_what_is_wrong_and_follows_from_the_context() {
    let stub = judge(|task| {
        let inside = |text: &str| task.contains(text);
        Some(if task.starts_with("Take the text") {
            let ours = inside("Lyon is bigger");
            json!({"claims": if ours { json!(["Paris.", "Lyon is bigger."]) } else { json!(["On the Seine."]) }})
        } else if inside("1. On the Seine.") {
            // What is expected follows from the first text only.
            json!({"verdicts": verdicts("follows", &[inside("Paris is the capital")])})
        } else if inside("It lies on the Seine") {
            json!({"verdicts": verdicts("follows", &[true, false])})
        } else {
            json!({"verdicts": verdicts("follows", &[false, inside("Lyon is big.")])})
        })
    });
    valued(&stub, "noise_sensitivity: {model: @JUDGE@, max: 0.1}", 0.0);
    let score =
        valued(&stub, "noise_sensitivity: {model: @JUDGE@, mode: irrelevant, max: 0.1}", 0.5);
    assert_eq!(score["passed"], false, "less is better");
}

#[test]
fn g_eval_writes_its_steps_once_and_weighs_its_number() {
    let stub = Stub::start(|request, _| {
        let task = request.last_user();
        if task.starts_with("Answers of language models") {
            return openai_chat(&json!({"steps": ["Look at the tone."]}).to_string(), (5, 5));
        }
        assert!(task.contains("1. Look at the tone.") && task.contains("is it polite?"), "{task}");
        let top = |token: &str, p: f64| json!({"token": token, "logprob": p.ln(), "bytes": null});
        let alternatives = json!([top(" 8", 0.5), top("6", 0.25), top("no", 0.25)]);
        let token = |token: &str, p: f64, top: Value| json!({"token": token, "logprob": p.ln(), "bytes": null, "top_logprobs": top});
        let content =
            json!([token("Fine.\nVERDICT:", 1.0, json!([])), token(" 8", 0.5, alternatives),]);
        let asked = request.json()["logprobs"] == true;
        let mut choice = json!({
            "index": 0, "message": {"role": "assistant", "content": "Fine.\nVERDICT: 8"}, "finish_reason": "stop",
        });
        if asked {
            choice["logprobs"] = json!({"content": content});
        }
        Response::json(
            200,
            &json!({"id": "x", "object": "chat.completion", "created": 0,
            "model": "judge", "choices": [choice],
            "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}}),
        )
    });
    let scorer = "g_eval: {model: @JUDGE@, criterion: is it polite?, threshold: 0.7";
    let project = project(&stub, &format!("{scorer}}}"));
    let second = json!({"id": "b", "q": "x", "answer": "y", "context": ["z"]});
    project.write("rows.jsonl", format!("{}{second}\n", project.read("rows.jsonl")));
    project.write(
        "said.jsonl",
        format!("{}{}\n", project.read("said.jsonl"), json!({"id": "b", "output": "Else."})),
    );
    let score = score(&project, 0);
    let weighted = (8.0 * 0.5 + 6.0 * 0.25) / 0.75 / 10.0;
    assert!((score["value"].as_f64().expect("a value") - weighted).abs() < 1e-9, "{score}");
    assert_eq!(score["passed"], true);
    let asked = |task: &str| {
        stub.requests().iter().filter(|request| request.last_user().starts_with(task)).count()
    };
    assert_eq!((asked("Answers of language models"), asked("Judge how well")), (1, 2));
    let plain =
        self::project(&stub, &format!("{scorer}, weighted: false, steps: [Look at the tone.]}}"));
    let score = self::score(&plain, 0);
    assert_eq!(score["value"], 0.8, "{score}");
    assert_eq!(asked("Answers of language models"), 1);
}

#[test]
fn a_checklist_adds_points_up() {
    let stub = judge(|task| {
        assert!(task.contains("Paris. Lyon is bigger."), "{task}");
        Some(
            json!({"reason": "r", "met": task.contains("names the city") || task.contains("is rude")}),
        )
    });
    // 3 - 2 of 3 points.
    let score = valued(&stub, "checklist: {model: @JUDGE@, threshold: 0.5}", 1.0 / 3.0);
    assert_eq!(score["passed"], false);
    assert!(
        score["explanation"].to_string().contains("1 of 3 points; met: “is rude” (-2)"),
        "{score}"
    );
    let items = "items: [names the city, {criterion: says why, points: 4}]";
    valued(&stub, &format!("checklist: {{model: @JUDGE@, {items}}}"), 0.2);
    let refused = project(&stub, "checklist: {model: @JUDGE@, items: [{criterion: x, points: 0}]}");
    refused.evals().arg("run").run().code(2).complains("item 1 has no `points`");
}

#[test]
fn a_label_is_one_of_those_there_are() {
    let stub = judge(|task| {
        assert!(
            task.contains("`right`: It names Paris.") && !task.contains("on the Seine"),
            "{task}"
        );
        Some(json!({"reasoning": "It does.", "verdict": "right"}))
    });
    let labels = "labels: {right: It names Paris., wrong: null}";
    let scorer = format!("classify: {{model: @JUDGE@, {labels}, answers: json, accept: Right}}");
    let score = valued(&stub, &scorer, 1.0);
    assert_eq!((&score["label"], &score["passed"]), (&json!("right"), &json!(true)));
    let wrong = scorer.replace("accept: Right", "accept: wrong");
    assert_eq!(valued(&stub, &wrong, 0.0)["label"], "right");
    let expected = scorer.replace(", accept: Right", "");
    let score = self::score(&project(&stub, &expected), 3);
    assert!(score["error"]["message"].to_string().contains("is no label"), "{score}");
    let refused = project(&stub, &scorer.replace("accept: Right", "accept: good"));
    refused.evals().arg("run").run().code(2).complains("`good` is no label");
}

#[test]
fn a_judge_looks_again_only_at_what_the_rules_marked_wrong() {
    let stub = judge(|_| Some(json!({"reasoning": "Close enough.", "verdict": "right"})));
    let judge = "classify: {model: @JUDGE@, labels: [right, wrong], accept: right, answers: json}";
    let cascade = |rule: &str| format!("cascade: {{of: [{rule}, {{{judge}}}]}}");
    let score = valued(&stub, &cascade("{contains: {value: Paris}}"), 1.0);
    assert_eq!(stub.requests().len(), 0, "{score}");
    let score = valued(&stub, &cascade("exact_match"), 1.0);
    assert_eq!(stub.requests().len(), 1);
    let why = score["explanation"].as_str().expect("why");
    assert!(why.contains("exact_match 0 failed") && why.contains("Close enough."), "{why}");
}

#[test]
fn a_conversation_is_judged_as_a_whole() {
    let stub = judge(|task| {
        let shown = task.contains("user: Hello") && task.contains("assistant: Hi");
        Some(json!({"reason": "r", "met": shown && task.contains("Paris. Lyon is bigger.")}))
    });
    valued(&stub, "checklist: {model: @JUDGE@, items: [keeps to it], transcript: chat}", 1.0);
}

#[test]
fn the_example_needs_no_network_and_scores_everything() {
    let project = Project::new();
    for file in ["retrieval.yaml", "helpdesk.csv"] {
        let text = std::fs::read(crate::support::root().join("datasets").join(file));
        project.write(file, text.expect("a file"));
    }
    let run = ["run", "retrieval.yaml", "--no-report", "--format", "json"];
    let run = project.evals().args(run).run().ok().json();
    for result in run["results"].as_array().expect("results") {
        let scored = result["n"].as_u64().expect("a count");
        assert!(scored > 0, "{result}");
    }
    assert!(run["metrics"][0]["value"].is_number(), "{}", run["metrics"]);
    assert_eq!(run["cost_usd"]["judges"], 0.0);
    let line = &project.evals().args(["export", "last"]).run().ok().json_lines()[0];
    let steps: Vec<&str> = line["judgements"]
        .as_array()
        .expect("judgements")
        .iter()
        .map(|judgement| judgement["step"].as_str().expect("a step"))
        .collect();
    for step in ["vectors", "claims", "verdicts", "questions"] {
        assert!(steps.contains(&step), "{step}: {steps:?}");
    }
}
