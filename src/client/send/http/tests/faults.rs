//! What servers, and what stands between, may do to a reply; and who may send a bill for it.

use std::sync::mpsc;

use super::*;
use crate::domain::trial::Attempt;

const JSON: &str = "content-type: application/json\r\n";
const EVENT_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

fn packed(content: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    to.write_all(content).expect("packed");
    to.finish().expect("packed")
}

fn packed_reply(coding: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {coding}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn packed_replies_are_unpacked_as_they_arrive() {
    let plain = packed_reply("gzip", "application/json", &packed(ANSWER.as_bytes()));
    let twice = [packed(&ANSWER.as_bytes()[..40]), packed(&ANSWER.as_bytes()[40..])].concat();
    let members = packed_reply("x-gzip", "application/json", &twice);
    let events = packed_reply("GZIP", "text/event-stream", &packed(EVENTS.as_bytes()));
    let as_it_is = packed_reply("identity", "application/json", ANSWER.as_bytes());
    for bytes in [plain, members, events, as_it_is] {
        let (base, server) = serve(1, move |stream| {
            let request = request(stream);
            stream.set_nodelay(true).expect("no delay");
            for byte in bytes.chunks(3) {
                stream.write_all(byte).expect("written");
            }
            vec![request]
        });
        let answer = ask_one(target(&base, true));
        assert_eq!(answer.result.map(|made| made.text), Ok("Paris".to_owned()));
        let request = server.join().expect("a server").remove(0);
        assert!(request.contains("accept-encoding: gzip\r\n"), "{request}");
    }
}

#[test]
fn a_stream_that_is_packed_is_read_before_it_ends() {
    let (release, released) = mpsc::channel::<()>();
    let (base, _server) = serve(1, move |stream| {
        let request = request(stream);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                    content-encoding: gzip\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("written");
        let mut to = flate2::write::GzEncoder::new(stream, flate2::Compression::fast());
        let events: Vec<&str> = EVENTS.split_inclusive("\n\n").collect();
        to.write_all(events[..2].concat().as_bytes()).expect("packed");
        to.flush().expect("flushed");
        released.recv().ok();
        vec![request]
    });
    // The model has finished; the rest never comes, and only bookkeeping is lost.
    let timeouts = Timeouts { idle: Duration::from_millis(60), ..Timeouts::default() };
    let answer = ask_one(Target { timeouts, ..target(&base, true) });
    drop(release);
    assert_eq!(answer.result.map(|made| made.text), Ok("Paris".to_owned()));
}

#[test]
fn row_29_bombs_and_broken_packages_are_faults() {
    let bomb = packed(&vec![b' '; 20 << 20]);
    let json = "application/json";
    let cases = [
        (packed_reply("gzip", json, &bomb), FaultKind::TooLarge, "100 times its size"),
        (packed_reply("gzip", "text/event-stream", &bomb), FaultKind::TooLarge, "100 times"),
        (packed_reply("gzip, gzip", json, &packed(&bomb)), FaultKind::Protocol, "`gzip, gzip`"),
        (packed_reply("br", json, ANSWER.as_bytes()), FaultKind::Protocol, "`br`"),
        (packed_reply("gzip", json, ANSWER.as_bytes()), FaultKind::Protocol, "decompressed"),
        (
            packed_reply("gzip", json, &packed(ANSWER.as_bytes())[..60]),
            FaultKind::Protocol,
            "decompressed",
        ),
    ];
    for (bytes, kind, said) in cases {
        let (base, _server) = once(bytes);
        let fault = fault_of(target(&base, true));
        assert_eq!(fault.kind, kind, "{said}: {fault}");
        assert!(fault.message.contains(said), "{fault}");
    }
    // What is small may be as dense as it likes.
    let dense = format!("{}{ANSWER}", " ".repeat(1 << 19));
    let (base, _server) = once(packed_reply("gzip", json, &packed(dense.as_bytes())));
    assert!(ask_one(target(&base, true)).result.is_ok());
}

#[test]
fn heads_without_measure_are_refused() {
    for size in [70 << 10, 2 << 20] {
        let filler = format!("x-filler: {}\r\n", "x".repeat(1_000)).repeat(size / 1_000);
        let filler =
            if size > 1 << 20 { filler } else { format!("x-filler: {}\r\n", "x".repeat(size)) };
        let (base, _server) = once(reply("200 OK", &format!("{JSON}{filler}"), ANSWER));
        let fault = fault_of(target(&base, true));
        assert_eq!(fault.kind, FaultKind::TooLarge, "{size}: {fault}");
    }
}

#[test]
fn row_25_bodies_that_are_no_text_keep_their_bytes() {
    let mut body = ANSWER.replace("Paris", "P?ris").into_bytes();
    let at = body.iter().position(|byte| *byte == b'?').expect("a place");
    body[at] = 0xff;
    let head = format!("HTTP/1.1 200 OK\r\n{JSON}content-length: {}\r\n\r\n", body.len());
    let (base, _server) = once([head.as_bytes(), &body].concat());
    let fault = fault_of(target(&base, true));
    assert_eq!(fault.kind, FaultKind::Protocol);
    assert!(fault.message.contains(&format!("at byte {at} of {}", body.len())), "{fault}");
    assert!(fault.message.contains(r#"\"content\":\"P\xffris\""#), "{fault}");

    let events = [EVENT_HEAD.as_bytes(), EVENTS.replace("is\"", "\u{1}\"").as_bytes()].concat();
    let events: Vec<u8> =
        events.into_iter().map(|byte| if byte == 1 { 0xfe } else { byte }).collect();
    let (base, _server) = once(events);
    let fault = fault_of(target(&base, true));
    assert_eq!((fault.kind, fault.partial.as_deref()), (FaultKind::Protocol, Some("Par")));
    assert!(fault.message.contains(r"\xfe"), "{fault}");
}

#[test]
fn row_27_strange_json_is_a_fault_or_has_a_meaning() {
    let deep = |open: &str| format!(r#"{{"choices":{}"#, open.repeat(1_000_000));
    for body in [
        deep("["),
        deep("{\"a\":"),
        ANSWER.replace("\"Paris\"", r#""\ud83d""#),
        ANSWER.replace("\"prompt_tokens\":3", "\"prompt_tokens\":1e999"),
        "<html><title>Wi-Fi\u{1b}[31m login</title></html>".to_owned(),
        r#"{"choices":[]}"#.to_owned(),
        // Nobody can tell which of the two was meant.
        ANSWER.replace("\"content\":\"Paris\"", r#""content":"x","content":"Paris""#),
        "null".to_owned(),
    ] {
        let (base, _server) = once(reply("200 OK", JSON, &body));
        let fault = fault_of(target(&base, false));
        assert_eq!(fault.kind, FaultKind::Protocol, "{fault}");
        assert!(fault.message.len() < 4_096 && !fault.message.contains('\u{1b}'), "{fault}");
    }
}

#[test]
fn refusals_have_their_kind() {
    let context =
        r#"{"error":{"message":"maximum context length is 8","code":"context_length_exceeded"}}"#;
    let model = r#"{"error":{"message":"no such model","code":"model_not_found"}}"#;
    let inside = r#"{"error":{"code":429,"message":"slow down"}}"#;
    for (status, body, kind) in [
        ("400 Bad Request", context, FaultKind::ContextLength),
        ("404 Not Found", model, FaultKind::BadRequest),
        ("422 Unprocessable Content", r#"{"detail":"no"}"#, FaultKind::BadRequest),
        ("200 OK", inside, FaultKind::RateLimited),
        ("200 OK", r#"{"error":{"code":503,"message":"down"}}"#, FaultKind::Transient),
    ] {
        let (base, _server) = once(reply(status, JSON, body));
        assert_eq!(fault_of(target(&base, false)).kind, kind, "{body}");
    }
    let good = EVENTS.split_inclusive("\n\n").next().expect("an event").repeat(3);
    let late = r#"{"error":{"code":429,"message":"slow down"}}"#;
    let (base, _server) = once(format!("{EVENT_HEAD}{good}data: {late}\n\n"));
    let fault = fault_of(target(&base, true));
    assert_eq!((fault.kind, fault.partial.as_deref()), (FaultKind::RateLimited, Some("ParParPar")));
}

#[test]
fn row_30_what_is_left_on_a_connection_is_no_reply_to_the_next_request() {
    let forged = json_reply(&ANSWER.replace("Paris", "forged"));
    let short = reply("200 OK", JSON, ANSWER).replace("content-length: ", "content-length: 1");
    let cases = [
        // Shorter than what follows, longer than what comes, and chunks that are none.
        format!("{}{forged}", json_reply(ANSWER)),
        short,
        format!("HTTP/1.1 200 OK\r\n{JSON}transfer-encoding: chunked\r\n\r\nzz\r\n{ANSWER}"),
    ];
    for bytes in cases {
        let (base, server) = serve(2, {
            let bytes = bytes.clone();
            let first = std::sync::atomic::AtomicBool::new(true);
            move |stream| {
                let request = request(stream);
                let good = json_reply(&ANSWER.replace("Paris", "second"));
                let is_first = first.swap(false, std::sync::atomic::Ordering::SeqCst);
                let bytes = if is_first { &bytes } else { &good };
                stream.write_all(bytes.as_bytes()).expect("written");
                vec![request]
            }
        });
        let replies = ask([target(&base, false), target(&base, false)]);
        match &replies[0].result {
            Ok(made) => assert_eq!(made.text, "Paris"),
            Err(fault) => assert_eq!(fault.kind, FaultKind::Transient, "{fault}"),
        }
        assert_eq!(replies[1].result.as_ref().map(|made| made.text.as_str()), Ok("second"));
        assert_eq!(server.join().expect("a server").len(), 2);
    }
}

fn attempt_of(target: Target) -> Attempt {
    let mut reply = ask_one(target);
    assert!(reply.result.is_err());
    reply.attempts.remove(0)
}

#[test]
fn row_16_what_was_taken_and_not_refused_may_be_billed() {
    // The body is left unread, so that closing resets the connection.
    let (base, _server) = serve(1, |stream| {
        stream.peek(&mut [0; 1]).expect("a request");
        std::thread::yield_now();
        Vec::new()
    });
    let reset = attempt_of(target(&base, true));
    let (base, _server) = once("");
    let closed = attempt_of(target(&base, true));
    let (base, _server) = serve(1, |stream| {
        let request = request(stream);
        stream.read_to_end(&mut Vec::new()).ok();
        vec![request]
    });
    let silent = attempt_of(Target { timeouts: SHORT, ..target(&base, true) });
    let (base, _server) = once(&json_reply(ANSWER)[..120]);
    let cut = attempt_of(target(&base, false));
    let (base, _server) = once(json_reply("{"));
    let garbled = attempt_of(target(&base, false));
    for attempt in [closed, silent, cut, garbled, reset] {
        let fault = attempt.fault.clone().expect("a fault");
        assert!(attempt.accepted && attempt.may_be_billed(), "{fault}");
        assert_eq!(attempt.cost, None, "{fault}");
    }

    let (nobody, _bound) = nobody();
    let nowhere = format!("http://{nobody}/v1");
    let slow = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    let (limited, _server) = once(reply("429 Too Many Requests", JSON, slow));
    let (inside, _server) = once(reply("200 OK", JSON, slow));
    let (broken, _server) = once(reply("500 Oops", "", ""));
    let (moved, _server) = once(reply("307 Moved", "location: http://localhost/\r\n", ""));
    for base in [nowhere, limited, inside, broken, moved] {
        let attempt = attempt_of(target(&base, false));
        let fault = attempt.fault.clone().expect("a fault");
        assert!(!attempt.accepted && !attempt.may_be_billed(), "{fault}");
    }
}
