//! Tokens against real sockets: one server that gives them and asks for them.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use serde_json::Value;

use super::super::tests::{call, nobody, reply, request, target};
use crate::{
    base::secret::Secret,
    client::{ClientOptions, stack},
    domain::{
        contract::{Generate, Reply},
        fault::FaultKind,
        target::{Credential, Endpoint, Target},
    },
};

const ANSWER: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Paris"}]},"finishReason":"STOP"}],
    "modelVersion":"m"}"#;

/// What the server does, and what it has done.
#[derive(Debug)]
struct Google {
    exchanges: AtomicUsize,
    /// The number of the first token that is accepted.
    accepted: AtomicUsize,
    /// Seconds that a token is good for.
    lifetime: usize,
    /// Whether tokens are given at all.
    gives: bool,
}

impl Google {
    /// The reply to one request.
    fn answer(&self, request: &str) -> String {
        let (head, body) = request.split_once("\r\n\r\n").expect("a request");
        if head.starts_with("POST /token ") {
            assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
            let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
            let assertion = body.strip_prefix(grant).expect("the grant").replace("&assertion=", "");
            assert_eq!(assertion.matches('.').count(), 2, "{assertion}");
            let nth = self.exchanges.fetch_add(1, SeqCst) + 1;
            if !self.gives {
                let words = format!("Invalid JWT Signature in {assertion}");
                let body = format!(r#"{{"error":"invalid_grant","error_description":"{words}"}}"#);
                return reply("400 Bad Request", "", &body);
            }
            let lifetime = self.lifetime;
            let token =
                format!(r#"{{"access_token":"ya29.canary-{nth}","expires_in":{lifetime}}}"#);
            return reply("200 OK", "content-type: application/json\r\n", &token);
        }
        let token = head.split("authorization: Bearer ya29.canary-").nth(1).expect("a token");
        let nth: usize = token.lines().next().expect("a line").parse().expect("its number");
        if nth >= self.accepted.load(SeqCst) {
            return reply("200 OK", "content-type: application/json\r\n", ANSWER);
        }
        let words = format!("the token ya29.canary-{nth} is not known");
        let error = format!(r#"{{"error":{{"code":401,"message":"{words}"}}}}"#);
        reply("401 Unauthorized", "content-type: application/json\r\n", &error)
    }

    /// Serves every connection on a thread of its own, for as long as the test runs.
    fn serve(self) -> (Arc<Self>, Target) {
        let google = Arc::new(self);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = Arc::clone(&google);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let google = Arc::clone(&serving);
                std::thread::spawn(move || {
                    loop {
                        let request = request(&mut stream);
                        if request.is_empty() {
                            return;
                        }
                        stream.write_all(google.answer(&request).as_bytes()).ok();
                    }
                });
            }
        });
        let account = account(&format!("{base}/token"));
        let mut target = Target { provider: "vertex", ..target(&base, false) };
        let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
        endpoint.credential = Credential::ServiceAccount(Secret::new(account));
        (google, target)
    }
}

/// A throw-away account that is exchanged at `token_uri`.
fn account(token_uri: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service-account");
    let text = fs::read_to_string(root.join("account.json")).expect("an account");
    let mut account: Value = serde_json::from_str(&text).expect("JSON");
    account["token_uri"] = token_uri.into();
    account.to_string()
}

/// Gives tokens that are good for an hour, and accepts all of them.
fn fresh() -> Google {
    let (exchanges, accepted) = (AtomicUsize::new(0), AtomicUsize::new(1));
    Google { exchanges, accepted, lifetime: 3_600, gives: true }
}

fn run<T>(work: impl AsyncFnOnce(&dyn Generate) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { work(stack(ClientOptions::default()).as_ref()).await })
}

async fn ask(client: &dyn Generate, target: &Target, calls: usize) -> Vec<Reply> {
    let calls: Vec<_> = (0..calls).map(|_| call(target.clone())).collect();
    join_all(calls.iter().map(|call| client.generate(call))).await
}

fn statuses(reply: &Reply) -> Vec<Option<u16>> {
    reply.attempts.iter().map(|attempt| attempt.status).collect()
}

#[test]
fn one_exchange_serves_all_calls() {
    let (google, target) = fresh().serve();
    let mut replies = run(async |client| {
        let mut replies = ask(client, &target, 16).await;
        replies.extend(ask(client, &target, 1).await);
        replies
    });
    assert_eq!(google.exchanges.load(SeqCst), 1);
    let last = replies.pop().expect("a reply");
    assert_eq!(replies.len(), 16);
    for reply in replies.iter().chain([&last]) {
        assert_eq!(statuses(reply), [Some(200)]);
        assert_eq!(reply.result.as_ref().map(|made| made.text.as_str()), Ok("Paris"));
    }
}

#[test]
fn row_12_a_refused_token_is_renewed_once_for_all_calls() {
    let (google, target) = fresh().serve();
    let replies = run(async |client| {
        let first = ask(client, &target, 1).await;
        assert!(first[0].result.is_ok());
        google.accepted.store(2, SeqCst);
        ask(client, &target, 8).await
    });
    assert_eq!(google.exchanges.load(SeqCst), 2);
    assert!(replies.iter().all(|reply| reply.result.is_ok()));
    // Whoever came late has used the new one at once.
    let repeated = [Some(401), Some(200)];
    assert!(
        replies.iter().all(|reply| [&repeated[..], &repeated[1..]].contains(&&*statuses(reply)))
    );
    assert!(replies.iter().any(|reply| statuses(reply) == repeated));
    let shown = format!("{replies:?}");
    assert!(!shown.contains("ya29"), "{shown}");
}

#[test]
fn row_12_a_token_that_stays_refused_is_not_renewed_for_ever() {
    let (google, target) = Google { accepted: AtomicUsize::new(99), ..fresh() }.serve();
    let replies = run(async |client| ask(client, &target, 1).await);
    assert_eq!(google.exchanges.load(SeqCst), 2);
    assert_eq!(statuses(&replies[0]), [Some(401), Some(401)]);
    let shown = format!("{replies:?}");
    assert!(!shown.contains("ya29"), "{shown}");
    let fault = replies[0].result.as_ref().expect_err("a fault");
    assert_eq!((fault.kind, fault.status), (FaultKind::Auth, Some(401)));
    assert_eq!(fault.message, "the token **** is not known");
}

#[test]
fn a_refused_exchange_ends_the_call_without_an_attempt() {
    let (google, target) = Google { gives: false, ..fresh() }.serve();
    let replies = run(async |client| ask(client, &target, 1).await);
    assert_eq!(google.exchanges.load(SeqCst), 1);
    assert!(replies[0].attempts.is_empty());
    let fault = replies[0].result.as_ref().expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Auth);
    let words = "the service account was not exchanged for a token: invalid_grant: \
                 Invalid JWT Signature in ****…";
    assert_eq!(fault.message, words);
}

#[test]
fn row_12_a_token_that_has_ended_is_not_used() {
    let (google, target) = Google { lifetime: 0, ..fresh() }.serve();
    let replies = run(async |client| {
        let mut replies = ask(client, &target, 1).await;
        replies.extend(ask(client, &target, 1).await);
        replies
    });
    assert!(replies.iter().all(|reply| reply.result.is_ok()));
    assert_eq!(google.exchanges.load(SeqCst), 2);
}

#[test]
fn nobody_listens_for_the_exchange() {
    let (_, mut target) = fresh().serve();
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    let (address, _bound) = nobody();
    endpoint.credential =
        Credential::ServiceAccount(Secret::new(account(&format!("http://{address}/token"))));
    let replies = run(async |client| ask(client, &target, 1).await);
    let fault = replies[0].result.as_ref().expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Transient, "{fault}");
}

#[test]
fn row_35_an_assertion_of_the_wrong_time_is_made_again_by_the_server_s_clock() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        // The third request, for the answer, comes by another pool or the same connection.
        let mut issued = Vec::new();
        while issued.len() < 2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            loop {
                let request = request(&mut stream);
                let Some((head, body)) = request.split_once("\r\n\r\n") else { break };
                if !head.starts_with("POST /token ") {
                    let bytes = reply("200 OK", "content-type: application/json\r\n", ANSWER);
                    stream.write_all(bytes.as_bytes()).expect("written");
                    return issued;
                }
                let claims = body.split('.').nth(1).expect("claims");
                let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
                let claims: Value = serde_json::from_slice(&claims).expect("JSON");
                let at = claims["iat"].as_i64().expect("an instant");
                issued.push(at);
                let head =
                    "date: Wed, 21 Oct 2037 07:25:00 GMT\r\ncontent-type: application/json\r\n";
                // 2037-10-21T07:00:00Z.
                let bytes = if at > 2_139_721_200 {
                    reply("200 OK", head, r#"{"access_token":"ya29.x","expires_in":3600}"#)
                } else {
                    let body = r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}"#;
                    reply("400 Bad Request", head, body)
                };
                stream.write_all(bytes.as_bytes()).expect("written");
            }
        }
        issued
    });
    let (_, mut target) = fresh().serve();
    let Endpoint::Http(endpoint) = &mut target.endpoint else { panic!("not HTTP") };
    endpoint.credential =
        Credential::ServiceAccount(Secret::new(account(&format!("{base}/token"))));
    endpoint.base_url = base;
    let replies = run(async |client| ask(client, &target, 1).await);
    assert!(replies[0].result.is_ok(), "{replies:?}");
    let issued = server.join().expect("a server");
    assert_eq!(issued.len(), 2);
    assert!(issued[0] < issued[1], "{issued:?}");
}
