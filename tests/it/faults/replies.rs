//! Rows 21 to 29, 36 and 37: replies that end early, are no text, too large, or no answer.

use super::*;

#[test]
fn row_21_a_stream_without_an_end() {
    let asked = Asked::default();
    let stub = Stub::start(move |request, _| {
        let cut = asked.before(request) == 0 || request.last_user() == "q1";
        if cut { Response::Events(first_events(request, 3)) } else { streamed(request) }
    });
    let project = project(&[model("local", &stub, "limits: {concurrency: 1}")], 2, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"truncated": 1}));
    let lines = exported(&project);
    assert_eq!((&lines[0]["output"], &lines[0]["attempts"]), (&json!("a0"), &json!(2)));
    assert_eq!((&lines[1]["output"], &lines[1]["attempts"]), (&Value::Null, &json!(4)));
}

#[test]
fn row_22_an_error_inside_a_stream() {
    let stub = bad_once(streamed, |request| {
        let mut events = first_events(request, 3);
        events.push(json!({"error": {"message": "upstream died", "code": 502}}).to_string());
        Response::Events(events)
    });
    let project = project(&[model("local", &stub, "limits: {concurrency: 1}")], 1, &[QUICK]);
    all_ok(&project);
    assert_eq!(kinds(&project), [Some("transient".to_owned()), None]);
    assert_eq!(attempts::<Option<String>>(&project, "partial")[0].as_deref(), Some("a0"));
}

/// The same answer in the usual form, and byte by byte with all that the standard allows: a byte
/// order mark, comments, each end of a line, data of several lines, no blank line at the end.
pub(super) fn oddly_streamed(text: &str) -> Response {
    let (front, back) = text.split_at(text.char_indices().nth(1).map_or(0, |(at, _)| at));
    let delta = |content: &str, reason: &str| {
        format!("{{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}}{reason}}}]}}")
    };
    let (front, back) = (delta(front, ""), delta(back, ",\"finish_reason\":\"stop\""));
    // White space between tokens, so that a piece of JSON may begin a new line.
    let (head, tail) = back.split_at(1);
    let body = format!(
        "\u{feff}: hello\r\n\r\ndata: {front}\r\revent: message\ndata:{head}\ndata: {tail}\nid: 7\r\n\r\n\
         :\n\ndata: [DONE]"
    );
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let chunks = body.into_bytes().into_iter().map(|byte| vec![byte]).collect();
    Response::Chunks { status: 200, headers, chunks }
}

#[test]
fn row_23_streams_in_odd_pieces_say_the_same() {
    let answer = |request: &Request| request.last_user().replace('q', "é€🦀");
    let stub = Stub::start(move |request, nth| match nth % 2 {
        0 => oddly_streamed(&answer(request)),
        _ => openai_stream(&[&answer(request)], (3, 4)),
    });
    let project = project(&[model("local", &stub, "limits: {concurrency: 1}")], 2, &[QUICK]);
    run(&project).ok();
    let said: Vec<Value> = exported(&project).iter().map(|line| line["output"].clone()).collect();
    assert_eq!(said, ["é€🦀0", "é€🦀1"]);
    assert_eq!(kinds(&project), [None, None]);
}

/// A run whose questions get `replies`, one after the other, and then an answer: what became of it,
/// and the most memory that it took, in KiB.
fn memory_of(replies: Vec<Response>) -> (Value, u64) {
    let n = replies.len();
    let stub = Stub::start(move |request, nth| match replies.get(nth) {
        Some(reply) => reply.clone(),
        None => right(request).held(),
    });
    let project = project(&[model("local", &stub, "limits: {concurrency: 1}")], n + 1, &[QUICK]);
    let running = project.evals().args(["run", "--format", "json"]).spawn();
    stub.wait_for(n + 1);
    // With one place for all, whatever came before has been dealt with.
    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    stub.release();
    let output = running.wait();
    assert_eq!(stub.requests().len(), n + 1, "no retry: {output:?}");
    (output.json(), kib)
}

/// `bad` replies are too large, are asked for once, and take no more memory than is allowed.
#[track_caller]
fn are_cut(bad: Vec<Response>) {
    let n = bad.len();
    let (_, base) = memory_of(Vec::new());
    let (json, peak) = memory_of(bad);
    assert_eq!(json["errors"], json!({"too_large": n}));
    assert!(peak < base + (128 << 10), "{peak} KiB, and {base} KiB without them");
}

pub(super) fn endless(head: &str, then: &str) -> Response {
    let then = then.repeat((1 << 16) / then.len()).into_bytes();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {head}");
    Response::Again { first: head.into(), then, every: Duration::ZERO }
}

#[test]
fn row_24_replies_without_end() {
    let comment = format!(": {}\n", "thinking ".repeat(20));
    are_cut(vec![
        // A line, events, and JSON that never end.
        endless("text/event-stream\r\n\r\ndata: ", "x"),
        endless("text/event-stream\r\n\r\n", &comment),
        endless("application/json\r\n\r\n{", " "),
    ]);
}

pub(super) fn two_gib() -> Response {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2147483648";
    // Nothing of it ever comes: who waits for it, waits for ever.
    Response::Stall(format!("{head}\r\n\r\n").into())
}

#[test]
fn row_28_two_gib() {
    are_cut(vec![two_gib()]);
}

pub(super) fn bomb(kind: &str) -> Response {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    to.write_all(&vec![b' '; 1 << 20]).expect("packed");
    // A file of 300 members unpacks to 300 MiB.
    let body = to.finish().expect("packed").repeat(300);
    let headers = [("content-type", kind), ("content-encoding", "gzip")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Response::Full { status: 200, headers, body }
}

#[test]
fn row_29_a_small_reply_that_unpacks_to_a_large_one() {
    are_cut(vec![bomb("application/json"), bomb("text/event-stream")]);
}

#[test]
fn row_26_a_page_instead_of_an_answer() {
    let asked = Asked::default();
    let page = "<html><title>Log in</title>\u{1b}[31m</html>".repeat(500);
    let stub = Stub::start(move |request, _| {
        let first = asked.before(request) == 0;
        match request.last_user().as_str() {
            "q0" if first => full(&page),
            "q1" if first => full("{\"cho"),
            "q2" => full(&page),
            _ => right(request),
        }
    });
    let project = project(&[one_at_a_time(&stub)], 3, &[QUICK]);
    let json = run(&project).code(3).json();
    assert_eq!(json["errors"], json!({"protocol": 1}));
    assert_eq!(made(&project), [2, 2, 2], "once more, and not again");
    let message = exported(&project)[2]["error"]["message"].as_str().expect("text").to_owned();
    assert!(message.contains("Log in") && message.len() < 4_096, "{message}");
    assert!(!message.contains('\u{1b}'), "{message}");
}

/// None of these is an answer that a scorer could take for a wrong one.
#[test]
fn row_37_answers_that_are_none() {
    let finished = |message: Value, reason: &str| {
        Response::json(
            200,
            &json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}),
        )
    };
    let said = |text: &str| json!({"role": "assistant", "content": text});
    let stub = Stub::start(move |request, _| match request.last_user().as_str() {
        "q0" => finished(said("a0"), "length"),
        "q1" => finished(said("a1"), "content_filter"),
        "q2" => finished(json!({"content": null, "refusal": "I had rather not."}), "stop"),
        "q3" => finished(json!({"content": null, "reasoning": "Hm, a3?"}), "stop"),
        _ => right(request),
    });
    let project = project(&[one_at_a_time(&stub)], 5, &[QUICK]);
    let json = run(&project).json();
    assert_eq!(stub.requests().len(), 5, "no retry");
    let lines = exported(&project);
    let states: Vec<&str> = lines.iter().filter_map(|line| line["status"].as_str()).collect();
    assert_eq!(states, ["length", "refused", "refused", "empty", "ok"]);
    let result = &json["results"][0];
    assert_eq!(
        (&result["n"], &result["unscored"], &result["value"]),
        (&json!(1), &json!(4), &json!(1.0))
    );
    let table = project.evals().arg("show").run().ok();
    table.says("2 refused").says("1 empty");
}
