//! Judges: what they are told, what is read out of their replies, and what happens when nothing can be.

mod again;
mod bad_input;
mod injections;

use serde_json::{Value, json};

use crate::support::{Output, Project, Request, Response, Stub, openai_chat, openai_error};

/// A project whose answers are recorded in its rows, scored by `scorers`.
pub(crate) fn project(rows: &str, scorers: &str) -> Project {
    let project = Project::new();
    project.write("rows.csv", rows);
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv}}\nprompts: ['{{{{input}}}}']\nmodels: [{{id: m, provider: replay, \
             output: said}}]\nretry: {{transient: 0}}\nscorers:\n{scorers}"
        ),
    );
    project
}

/// A judge at `base_url`, with `more` fields.
pub(crate) fn judge(base_url: &str, more: &str) -> String {
    format!(
        "{{id: j, provider: openai-compatible, base_url: '{base_url}', model: j, stream: false{more}}}"
    )
}

pub(crate) fn run(project: &Project, more: &[&str]) -> Output {
    project.evals().args(["run", "--format", "json", "-q", "--no-report"]).args(more).run()
}

pub(crate) fn export(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

/// The text of every message of a request.
pub(crate) fn said(request: &Request) -> String {
    let body = request.json();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let texts = messages.iter().filter_map(|message| message["content"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// A chat completion as the server's own words.
fn reply(message: &Value, finish: &str) -> Response {
    Response::json(
        200,
        &json!({
            "id": "x", "object": "chat.completion", "created": 0, "model": "j",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }),
    )
}

fn text(content: &str, finish: &str) -> Response {
    reply(&json!({"role": "assistant", "content": content}), finish)
}

/// Each case: its name, the reply to each turn (the last one again and again), the value, what is said
/// of it when there is none, and how many requests it takes.
type Case = (&'static str, Vec<Response>, Option<f64>, &'static str, usize);

/// Judges one answer a case, with a server that answers as the cases say.
#[track_caller]
fn check(cases: &[Case], options: &str, capabilities: &str) -> Vec<Request> {
    let row = |n| format!("r{n},question {n},output number {n}.\n");
    let rows: Vec<String> = (0..cases.len()).map(row).collect();
    let replies: Vec<Vec<Response>> = cases.iter().map(|case| case.1.clone()).collect();
    let stub = Stub::start(move |request, _| {
        let body = request.json();
        let turns = body["messages"].as_array().map_or(0, Vec::len);
        let text = said(request);
        let place = (0..replies.len()).find(|n| text.contains(&format!("output number {n}.")));
        let replies = &replies[place.expect("a row")];
        // A system message, a question, and two messages more for each turn.
        replies[((turns - 2) / 2).min(replies.len() - 1)].clone()
    });
    let model = judge(&stub.base_url(), capabilities);
    let project = project(
        &format!("id,input,said\n{}", rows.concat()),
        &format!("- judge: {{model: {model}, {options}}}\n"),
    );
    project.write(
        "judges/ten.yaml",
        "name: ten\nneeds: [output]\nprompt: 'How good is {{output}}'\nscale: {min: 0, max: 10}\n",
    );
    let unscored = cases.iter().any(|case| case.2.is_none());
    let json = run(&project, &["--no-cache"]).code(if unscored { 3 } else { 0 }).json();
    let lines = export(&project);
    for (n, (name, _, value, why, requests)) in cases.iter().enumerate() {
        let score = &lines[n]["scores"]["judge"];
        assert_eq!(score["value"].as_f64(), *value, "{name}: {score}");
        if value.is_none() {
            assert_eq!(score["error"]["kind"], "judge", "{name}: {score}");
            assert_eq!(score["passed"], Value::Null, "{name}");
            let message = score["error"]["message"].as_str().expect("a reason");
            assert!(message.contains(why), "{name}: {message}");
        }
        let judgements = lines[n]["judgements"].as_array().expect("judgements");
        assert_eq!(judgements.len(), *requests, "{name}: {judgements:?}");
        assert!(judgements.iter().all(|judgement| judgement["step"] == "verdict"), "{name}");
    }
    let questions: usize = cases.iter().map(|case| case.4).sum();
    assert_eq!(stub.requests().len(), questions);
    assert_eq!(json["judges"][0]["questions"], questions);
    let failed = cases.iter().filter(|case| case.2.is_none()).count();
    assert_eq!(json["results"][0]["unscored"], failed);
    // A judge's failure is no failed answer.
    assert_eq!(json["trials"]["error"], 0);
    stub.requests()
}

#[test]
fn row_38_words_are_read_strictly() {
    let chat = |content: &str| vec![openai_chat(content, (10, 5))];
    let one = |response: Response| vec![response];
    let requests = check(
        &[
            ("a verdict", chat("It is so.\nVERDICT: Yes"), Some(1.0), "", 1),
            ("the last one", chat("VERDICT: Yes\nOr not.\n**VERDICT: No**"), Some(0.0), "", 1),
            ("json", chat("{\"reasoning\": \"r\", \"verdict\": \"yes\"}"), Some(1.0), "", 1),
            ("prose", chat("It looks fine to me."), None, "is none of `Yes`, `No`", 3),
            ("long prose", chat("It looks fine.\nTo me."), None, "has no verdict", 3),
            ("nothing", chat(""), None, "the reply is empty", 3),
            ("outside", chat("VERDICT: Maybe"), None, "`Maybe` is none of `Yes`, `No`", 3),
            ("a list", chat("VERDICT: Yes or No"), None, "is none of", 3),
            ("cut", one(text("VERDICT: Yes", "length")), None, "cut at the token limit", 3),
            ("withheld", one(text("VERDICT: Yes", "content_filter")), None, "declined", 1),
            ("down", one(openai_error(500, "oh no", "x")), None, "gave no answer", 1),
            ("no JSON", one(Response::json(200, &json!({"a": 1}))), None, "gave no answer", 1),
            (
                "mended",
                vec![openai_chat("Hm.", (1, 1)), openai_chat("VERDICT: Yes", (1, 1))],
                Some(1.0),
                "",
                2,
            ),
        ],
        "id: judge, prompt: 'Good? {{output}}', choice_scores: {Yes: 1, No: 0}",
        "",
    );
    let body = requests[0].json();
    assert_eq!(body["response_format"], Value::Null);
    assert!(said(&requests[0]).contains("reads `VERDICT: X`, where X is one of `Yes`, `No`"));
    // What was wrong is told to the judge, with its own words before it.
    let again =
        requests.iter().find(|r| said(r).contains("That cannot be used")).expect("a repair");
    let messages = again.json()["messages"].as_array().cloned().expect("messages");
    assert_eq!((&messages[2]["role"], &messages[3]["role"]), (&json!("assistant"), &json!("user")));
}

#[test]
fn row_38_numbers_are_on_the_scale_or_nothing() {
    let chat = |content: &str| vec![openai_chat(content, (10, 5))];
    check(
        &[
            ("seven", chat("VERDICT: 7"), Some(0.7), "", 1),
            ("of ten", chat("VERDICT: 7.5/10"), Some(0.75), "", 1),
            ("eleven", chat("VERDICT: 11/10"), None, "11 is not from 0 to 10", 3),
            ("none", chat("VERDICT: NaN"), None, "`NaN` is no number", 3),
            ("below", chat("VERDICT: -1"), None, "-1 is not from 0 to 10", 3),
            ("another scale", chat("VERDICT: 4/5"), None, "another scale", 3),
            ("json", chat("{\"verdict\": 99}"), None, "99 is not from 0 to 10", 3),
            ("a word", chat("VERDICT: high"), None, "`high` is no number", 3),
        ],
        "use: ten",
        "",
    );
}

#[test]
fn a_schema_is_asked_for_where_the_model_takes_one() {
    let chat = |content: &str| vec![openai_chat(content, (10, 5))];
    let requests = check(
        &[
            ("as asked", chat("{\"reasoning\": \"r\", \"verdict\": \"No\"}"), Some(0.0), "", 1),
            ("no verdict", chat("{\"reasoning\": \"r\"}"), None, "is none of", 3),
            ("another type", chat("{\"verdict\": 1}"), None, "`1` is none of", 3),
            ("in words all the same", chat("VERDICT: Yes"), Some(1.0), "", 1),
        ],
        "id: judge, prompt: 'Good? {{output}}', choice_scores: {Yes: 1, No: 0}",
        ", capabilities: {schema: true, tools: true}",
    );
    let format = &requests[0].json()["response_format"];
    let schema = &format["json_schema"]["schema"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(schema["properties"]["verdict"]["enum"], json!(["Yes", "No"]));
    assert_eq!(schema["required"], json!(["reasoning", "verdict"]));
    assert_eq!(requests[0].json()["tools"], Value::Null);
}

#[test]
fn a_function_is_called_where_the_model_can() {
    let call = |arguments: &str| {
        let call = json!({"id": "c", "type": "function",
            "function": {"name": "verdict", "arguments": arguments}});
        vec![reply(
            &json!({"role": "assistant", "content": null, "tool_calls": [call]}),
            "tool_calls",
        )]
    };
    let requests = check(
        &[
            ("as asked", call("{\"verdict\": \"Yes\"}"), Some(1.0), "", 1),
            ("outside", call("{\"verdict\": \"Perhaps\"}"), None, "`Perhaps` is none of", 3),
            ("broken", call("{\"verdict\": "), None, "arguments are no JSON", 3),
            ("in words", vec![openai_chat("VERDICT: No", (1, 1))], Some(0.0), "", 1),
        ],
        "id: judge, use_cot: false, prompt: 'Good? {{output}}', choice_scores: {Yes: 1, No: 0}",
        ", capabilities: {tools: true, schema: false}",
    );
    let body = requests[0].json();
    assert_eq!(body["tool_choice"]["function"]["name"], "verdict");
    assert_eq!(body["tools"][0]["function"]["parameters"]["required"], json!(["verdict"]));
}

#[test]
fn several_judges_and_repeats_are_one_score_with_its_noise() {
    let stub = Stub::start(|request, nth| {
        let sure = said(request).contains("sure");
        openai_chat(&format!("VERDICT: {}", if sure || nth % 2 == 0 { 5 } else { 1 }), (10, 5))
    });
    let scorers = format!(
        "- judge: {{id: noisy, criterion: Is it good?, model: {0}, repeats: 4}}\n- judge: {{id: panel, \
         criterion: Is it fine?, models: [{0}, {{use: sim/judge, id: k, latency: 0ms}}], combine: \
         unanimous}}\n",
        judge(&stub.base_url(), "")
    );
    let rows = "id,input,expected,said\na,q,x,maybe x\nb,q,x,sure x\nc,q,x,sure y\n";
    let project = project(rows, &scorers);
    let json = run(&project, &["-j", "1"]).ok().json();
    let lines = export(&project);
    let value = |n: usize, id: &str| lines[n]["scores"][id]["value"].as_f64().expect("a score");
    assert_eq!((value(1, "noisy"), value(2, "noisy")), (1.0, 1.0));
    let repeats: Vec<&Value> = lines[0]["judgements"].as_array().expect("some").iter().collect();
    assert_eq!(repeats.iter().filter(|said| said["scorer"] == "noisy").count(), 4);
    let noise = &json["judge_noise"][0];
    assert_eq!((&noise["scorer"], &noise["judge"]), (&json!("noisy"), &json!("j")));
    assert!(noise["sd_asked_again"].as_f64().expect("known") > 0.0, "{noise}");
    let agreement = &json["judge_agreement"];
    assert_eq!(agreement[0]["scorer"], "panel");
    assert_eq!(agreement[0]["answers"], 3);
    assert!(agreement[0]["krippendorff_alpha"].is_number(), "{agreement}");
    // The value of a unanimous panel is its lowest score.
    assert!(value(2, "panel") < 1.0, "{}", lines[2]["scores"]);
    let shown = project.evals().args(["show", "last"]).run().ok();
    shown.says("noisy, j: standard deviation").says("panel: judges agree by Krippendorff's alpha");
}

#[test]
fn a_judge_is_skipped_by_the_scores_of_others() {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: C", (10, 5)));
    let scorers = format!(
        "- judge: {{use: factuality, when: exact_match == 0 and length < 9, model: {}}}\n- \
         exact_match\n- length\n",
        judge(&stub.base_url(), "")
    );
    let rows = "id,input,expected,said\na,q,x,x\nb,q,x,y\nc,q,,z\nd,q,x,a long answer\n";
    let project = project(rows, &scorers);
    run(&project, &[]).ok();
    let lines = export(&project);
    let of = |n: usize| lines[n]["scores"]["judge"].clone();
    assert_eq!(of(0)["error"]["message"], "`when: exact_match == 0 and length < 9` does not hold");
    assert_eq!((&of(1)["value"], &of(1)["label"]), (&json!(1.0), &json!("C")));
    let missing = "`when: exact_match == 0 and length < 9` rests on a score that is missing";
    assert_eq!(
        (&of(2)["error"]["kind"], &of(2)["error"]["message"]),
        (&json!("skipped"), &json!(missing))
    );
    assert_eq!(of(3)["value"], Value::Null);
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn the_estimate_counts_judges() {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: C", (10, 5)));
    let scorers = format!(
        "- judge: {{use: closed_qa, criterion: Is it short?, repeats: 3, model: {}}}\n",
        judge(&stub.base_url(), ", price: {input: 10, output: 20}, params: {max_tokens: 100}")
    );
    let project = project("id,input,said\na,q,x\nb,q,y\n", &scorers);
    let plan = project.evals().args(["plan", "--format", "json"]).run().ok().json();
    assert_eq!((&plan["calls"], &plan["judge_calls"]), (&json!(2), &json!(6)));
    let most = plan["judges"][0]["cost_usd"]["at_most"].as_f64().expect("a price");
    assert!(most > 6.0 * 100.0 * 20e-6 && most < 1.0, "{plan}");
    project.evals().args(["plan"]).run().ok().says("j (judge)");
    let told = run(&project, &[]);
    assert_eq!(stub.requests().len(), 6);
    drop(told);
    project.evals().args(["run", "--no-report"]).run().complains("; 6 judge calls");
}

#[test]
fn what_judges_cost_stands_apart() {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: Y", (1_000, 100)));
    let scorers = format!(
        "- judge: {{use: closed_qa, criterion: Is it short?, model: {}}}\n",
        judge(&stub.base_url(), ", price: {input: 10, output: 20}")
    );
    let project = project("id,input,said\na,q,x\nb,q,y\n", &scorers);
    let json = run(&project, &["--gate", "cost.total <= $0.01"]).code(1).json();
    assert_eq!(json["cost_usd"]["models"], 0.0);
    assert_eq!(json["cost_usd"]["judges"], 0.024);
    assert_eq!(json["gates"][0]["measured"], 0.024);
    let judge = &json["judges"][0];
    assert_eq!((&judge["judge"], &judge["requests"]), (&json!("j"), &json!(2)));
    assert_eq!(judge["tokens"], json!({"input": 2_000, "output": 200}));
    let shown = project.evals().args(["show", "last"]).run().ok();
    shown.says("$0.0240 for judges");
}

#[test]
fn judges_are_listed_and_shown() {
    let project = Project::new();
    let own = "name: mine\nsummary: Mine.\nneeds: [output]\nprompt: '{{output}}'\nchoices: {A: 1, B: 0}\n";
    project.write("judges/mine.yaml", own);
    project.write("judges/broken.yaml", own.replace("prompt", "promt"));
    let list = project.evals().args(["judge", "list"]).run().ok();
    list.says("yours\n  mine").says("factuality").complains("broken.yaml:4:1: unknown key `promt`");
    let json = project.evals().args(["judge", "list", "--format", "json"]).run().ok().json();
    assert_eq!(json.as_array().map(Vec::len), Some(18));
    let shown = project.evals().args(["judge", "show", "factuality"]).run().ok();
    shown.says("needs      input, output, expected").says("A (0.4): ").says("{{output}}");
    project.evals().args(["judge", "show", "mine"]).run().ok().says("A (1): ");
    let json =
        project.evals().args(["judge", "show", "mine", "--format", "json"]).run().ok().json();
    assert_eq!(json["answers"][0], json!({"answer": "A", "score": 1.0, "means": ""}));
    let unknown = project.evals().args(["judge", "show", "factualty"]).run().code(2);
    unknown.complains("did you mean `factuality`?");
}
