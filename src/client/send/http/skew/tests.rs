//! Clocks that differ, against real sockets. Nothing here depends on what time it is: the server
//! lives in 2037.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use super::super::tests::{call, reply, request, target};
use crate::{
    base::{clock, secret::Secret},
    client::{ClientOptions, stack},
    domain::{
        contract::Reply,
        fault::FaultKind,
        target::{Credential, Endpoint, Target},
    },
};

const DATE: &str = "date: Wed, 21 Oct 2037 07:25:00 GMT\r\ncontent-type: application/json\r\n";

const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Paris"}]}},
    "stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5}}"#;

/// A server of 2037 that refuses signatures of other years in the words of `refusal`.
fn serve(
    requests: usize,
    refusal: impl Fn() -> String + Send + 'static,
) -> (Target, JoinHandle<Vec<bool>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        (0..requests).map(|_| answer(&mut stream, &refusal())).collect()
    });
    let mut target = Target { provider: "bedrock", ..target(&base, false) };
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    endpoint.settings.region = Some("us-east-1".to_owned());
    endpoint.credential = Credential::Aws {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: None,
    };
    (target, server)
}

/// Answers one request; whether it was signed in the server's hour.
fn answer(stream: &mut TcpStream, refusal: &str) -> bool {
    let request = request(stream);
    let date = request.lines().find_map(|line| line.strip_prefix("x-amz-date: "));
    let timely = date.expect("a date").starts_with("20371021T07");
    let bytes = if timely { reply("200 OK", DATE, ANSWER) } else { refusal.to_owned() };
    stream.write_all(bytes.as_bytes()).expect("written");
    timely
}

fn refusal(name: &str, message: &str) -> String {
    let head = format!("x-amzn-errortype: {name}\r\n{DATE}");
    reply("403 Forbidden", &head, &format!(r#"{{"message":"{message}"}}"#))
}

fn ask(target: &Target, calls: usize) -> Vec<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = stack(ClientOptions::default());
        let mut replies = Vec::new();
        for _ in 0..calls {
            replies.push(client.generate(&call(target.clone())).await);
        }
        replies
    })
}

#[test]
fn row_35_a_signature_of_the_wrong_time_is_made_again_by_the_server_s_clock() {
    let expired = "Signature expired: 20261121T161500Z is now earlier than 20371021T072000Z";
    for (name, message) in [
        ("InvalidSignatureException", expired),
        ("SignatureDoesNotMatch", "Signature not yet current: 20371021T072500Z is still later"),
        ("RequestTimeTooSkewed", "The difference between the times is too large"),
    ] {
        let (target, server) = serve(3, move || refusal(name, message));
        let replies = ask(&target, 2);
        // The correction is remembered: only the first call needs two requests.
        assert_eq!(server.join().expect("a server"), [false, true, true], "{name}");
        assert!(replies.iter().all(|reply| reply.result.is_ok()), "{replies:?}");
        let statuses: Vec<_> = replies[0].attempts.iter().map(|attempt| attempt.status).collect();
        assert_eq!(statuses, [Some(403), Some(200)]);
        assert_eq!(replies[0].attempts[0].fault.as_ref().map(|f| f.kind), Some(FaultKind::Auth));
        assert_eq!(replies[1].attempts.len(), 1);
    }
}

#[test]
fn other_refusals_are_not_asked_again() {
    let near = chrono::DateTime::from_timestamp_millis(clock::now_ms()).expect("a time");
    let near = near.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let bodies = [
        refusal("InvalidSignatureException", "The request signature we calculated differs"),
        refusal("AccessDeniedException", "Signature expired"),
        // The clocks agree, so the time cannot be what is wrong.
        refusal("RequestTimeTooSkewed", "x").replace("Wed, 21 Oct 2037 07:25:00 GMT", &near),
        refusal("RequestTimeTooSkewed", "x").replace("date:", "x-date:"),
    ];
    for body in bodies {
        let (target, server) = serve(1, move || body.clone());
        let replies = ask(&target, 1);
        assert_eq!(server.join().expect("a server"), [false]);
        assert_eq!(replies[0].attempts.len(), 1, "{replies:?}");
        assert!(replies[0].result.is_err());
    }
}

#[test]
fn row_35_a_clock_that_stays_refused_is_corrected_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        for day in ["Wed, 21 Oct 2037", "Mon, 21 Oct 2047"] {
            request(&mut stream);
            let bytes = refusal("RequestTimeTooSkewed", "x").replace("Wed, 21 Oct 2037", day);
            stream.write_all(bytes.as_bytes()).expect("written");
        }
    });
    let (mut target, _) = serve(0, String::new);
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    endpoint.base_url = base;
    let replies = ask(&target, 1);
    server.join().expect("a server");
    assert_eq!(replies[0].attempts.len(), 2);
    assert_eq!(replies[0].result.as_ref().map_err(|fault| fault.kind), Err(FaultKind::Auth));
}
