//! An HTTP/1.1 server on a free port whose every answer, and every misbehaviour, a test scripts.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use evals::base::clock;
use serde_json::{Value, json};

/// Longer than any wait of a sound test: ends a test that hangs, asserts nothing about time.
const STUCK: Duration = Duration::from_mins(2);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// In order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When all of it had arrived.
    pub(crate) at: Instant,
}

impl Request {
    /// The first header called `name`, written in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON: {e}: {self:?}"))
    }

    /// The text of the last user message of a chat request; empty when there is none.
    #[track_caller]
    pub(crate) fn last_user(&self) -> String {
        let body = self.json();
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = messages.iter().rev().find(|message| message["role"] == "user");
        last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
    }
}

/// What the stub does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    /// A whole reply with its length; the connection stays open.
    Full { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// A stream of server-sent events, one chunk and one packet for each of these data texts.
    Events(Vec<String>),
    /// A chunked reply whose chunks are sent one by one, cut where the test cuts them.
    Chunks { status: u16, headers: Vec<(String, String)>, chunks: Vec<Vec<u8>> },
    /// These bytes as they are, then the connection is closed: anything that is not HTTP, or a reply
    /// that ends early.
    Raw(Vec<u8>),
    /// These bytes as they are, then silence until the client is gone or the stub is dropped.
    Stall(Vec<u8>),
    /// `first`, then `then` over and over, `every` apart, until the client is gone.
    Again { first: Vec<u8>, then: Vec<u8>, every: Duration },
    /// The same as the inner one, but not before `Stub::release`.
    Held(Box<Response>),
    /// The same as the inner one, but not before a client has gone away from a reply without end.
    OnceLeft(Box<Response>),
    /// The connection is reset.
    Reset,
}

impl Response {
    /// A JSON reply.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Full { status, headers, body: body.to_string().into_bytes() }
    }

    /// The same reply with a further header. Only whole and chunked replies have headers.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        match &mut self {
            Self::Full { headers, .. } | Self::Chunks { headers, .. } => {
                headers.push((name.to_owned(), value.to_owned()));
            }
            other => panic!("{other:?} has no headers"),
        }
        self
    }

    /// The same reply, held back until `Stub::release`.
    pub(crate) fn held(self) -> Self {
        Self::Held(Box::new(self))
    }
}

/// A chat completion that says `text`; `usage` is (prompt tokens, completion tokens).
pub(crate) fn openai_chat(text: &str, usage: (u64, u64)) -> Response {
    Response::json(
        200,
        &json!({
            "id": "chatcmpl-stub", "object": "chat.completion", "created": 0, "model": "stub-model",
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": text},
                "finish_reason": "stop"
            }],
            "usage": openai_usage(usage),
        }),
    )
}

/// A streamed chat completion that says `pieces`; `usage` is (prompt tokens, completion tokens).
pub(crate) fn openai_stream(pieces: &[&str], usage: (u64, u64)) -> Response {
    let chunk = |choices: Value, usage: Value| {
        json!({
            "id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 0,
            "model": "stub-model", "choices": choices, "usage": usage,
        })
        .to_string()
    };
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(pieces.iter().map(|piece| delta(json!({"content": piece}), Value::Null)));
    events.push(delta(json!({}), json!("stop")));
    events.push(chunk(json!([]), openai_usage(usage)));
    events.push("[DONE]".to_owned());
    Response::Events(events)
}

/// An error in the form that `OpenAI` gives it.
pub(crate) fn openai_error(status: u16, message: &str, code: &str) -> Response {
    let error = json!({"message": message, "type": "stub_error", "param": null, "code": code});
    Response::json(status, &json!({"error": error}))
}

fn openai_usage((prompt, completion): (u64, u64)) -> Value {
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion
    })
}

type Script = Box<dyn Fn(&Request, usize) -> Response + Send + Sync>;

struct Shared {
    script: Script,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ledger: Vec<Request>,
    /// Who connected, in order, and how many of them still are.
    peers: Vec<SocketAddr>,
    open: usize,
    /// How many clients went away from a reply without end.
    left: usize,
    released: bool,
    ended: bool,
}

impl Shared {
    /// Waits until `done` holds.
    #[track_caller]
    fn wait_until(&self, what: &str, done: impl Fn(&State) -> bool) {
        let state = self.state.lock().unwrap();
        let (state, timeout) =
            self.changed.wait_timeout_while(state, STUCK, |state| !done(state)).unwrap();
        // Let go first: the stub is still to be dropped.
        drop(state);
        assert!(!timeout.timed_out(), "stuck waiting for {what}");
    }

    /// Whether the stub is dropped within `time`.
    fn ended_within(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap();
        self.changed.wait_timeout_while(state, time, |state| !state.ended).unwrap().0.ended
    }

    fn change(&self, by: impl FnOnce(&mut State)) {
        by(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }
}

/// A running server. Its connections end when it is dropped.
pub(crate) struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Stub {
    /// Serves what `script` gives for a request and its place, from 0, among all that arrived.
    pub(crate) fn start(
        script: impl Fn(&Request, usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let for_listener = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &for_listener));
        Self { address, shared }
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of an OpenAI-compatible endpoint, `http://127.0.0.1:PORT/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.state.lock().unwrap().ledger.clone()
    }

    /// Connections that were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().peers.len()
    }

    /// Waits until `n` requests have arrived.
    #[track_caller]
    pub(crate) fn wait_for(&self, n: usize) {
        self.wait_until(&format!("{n} requests"), |requests| requests.len() >= n);
    }

    /// Waits until `done` holds of the requests that have arrived.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&[Request]) -> bool) {
        self.shared.wait_until(what, |state| done(&state.ledger));
    }

    /// Waits until `n` requests have arrived, or `most` has passed.
    pub(crate) fn wait_at_most(&self, n: usize, most: Duration) {
        let state = self.shared.state.lock().unwrap();
        let waits = |state: &mut State| state.ledger.len() < n;
        drop(self.shared.changed.wait_timeout_while(state, most, waits).unwrap());
    }

    /// Waits until every request of clients that are gone is noted. A client may die before the stub
    /// has read what it sent.
    #[track_caller]
    pub(crate) fn settle(&self) {
        let before = self.connections();
        // Connections are accepted in the order in which they were made.
        let last = {
            let last = TcpStream::connect(self.address).expect("it listens");
            last.local_addr().expect("an address")
        };
        self.shared.wait_until("the end of all connections", |state| {
            state.open == 0 && state.peers[before..].contains(&last)
        });
    }

    /// Lets the held replies go, those to come included.
    pub(crate) fn release(&self) {
        self.shared.change(|state| state.released = true);
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.change(|state| state.ended = true);
        // Wakes the listener, which then sees that it has ended.
        TcpStream::connect(self.address).ok();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.state.lock().unwrap().ended {
            return;
        }
        let Ok((stream, peer)) = accepted else { continue };
        shared.change(|state| {
            state.peers.push(peer);
            state.open += 1;
        });
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // A client that goes away is what many tests want: no failure of the stub.
            converse(&stream, &shared).ok();
            drop(stream);
            shared.change(|state| state.open -= 1);
        });
    }
}

/// Answers the requests of one connection until either side closes it.
fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader)? {
        let mut nth = 0;
        shared.change(|state| {
            nth = state.ledger.len();
            state.ledger.push(request.clone());
        });
        if !respond(stream, (shared.script)(&request, nth), shared)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let Some(first) = read_line(reader)? else { return Ok(None) };
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    while let Some(line) = read_line(reader)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let at = clock::instant();
    let mut request = Request { method, path, headers, body: Vec::new(), at };
    if request.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        request.body = read_chunks(reader)?;
    } else if let Some(length) = request.header("content-length") {
        request.body = vec![0; length.parse().map_err(io::Error::other)?];
        reader.read_exact(&mut request.body)?;
    }
    request.at = clock::instant();
    Ok(Some(request))
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        let begin = body.len();
        body.resize(begin + size, 0);
        reader.read_exact(&mut body[begin..])?;
        read_line(reader)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end; `None` at the end of the connection.
fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Sends `response`. Whether the connection may carry a further request.
fn respond(stream: &TcpStream, response: Response, shared: &Shared) -> io::Result<bool> {
    let mut out = stream;
    match response {
        Response::Full { status, headers, body } => {
            let length = ("content-length".to_owned(), body.len().to_string());
            let mut bytes = head(status, headers.iter().chain([&length]));
            bytes.extend(body);
            out.write_all(&bytes)?;
            Ok(true)
        }
        Response::Events(events) => {
            let kind = ("content-type".to_owned(), "text/event-stream".to_owned());
            let chunks =
                events.iter().map(|data| format!("data: {data}\n\n").into_bytes()).collect();
            respond(stream, Response::Chunks { status: 200, headers: vec![kind], chunks }, shared)
        }
        Response::Chunks { status, headers, chunks } => {
            let coding = ("transfer-encoding".to_owned(), "chunked".to_owned());
            out.write_all(&head(status, headers.iter().chain([&coding])))?;
            // An empty chunk would end the reply.
            for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
                out.write_all(&bytes)?;
            }
            out.write_all(b"0\r\n\r\n")?;
            Ok(true)
        }
        Response::Raw(bytes) => {
            out.write_all(&bytes)?;
            Ok(false)
        }
        Response::Stall(bytes) => {
            out.write_all(&bytes)?;
            until_it_leaves(stream, shared)?;
            Ok(false)
        }
        Response::Again { first, then, every } => {
            let mut written = out.write_all(&first);
            while written.is_ok() && !shared.ended_within(every) {
                written = out.write_all(&then);
            }
            shared.change(|state| state.left += 1);
            Ok(false)
        }
        Response::OnceLeft(inner) => {
            shared.wait_until("a client to go away", |state| state.left > 0 || state.ended);
            respond(stream, *inner, shared)
        }
        Response::Held(inner) => {
            shared.wait_until("`Stub::release`", |state| state.released || state.ended);
            respond(stream, *inner, shared)
        }
        Response::Reset => {
            reset(stream)?;
            Ok(false)
        }
    }
}

/// Waits until the client closes the connection, or the stub is dropped.
fn until_it_leaves(mut stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    while !shared.state.lock().unwrap().ended {
        match stream.read(&mut [0; 64]) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => {
                shared.change(|state| state.left += 1);
                return Ok(());
            }
        }
    }
    Ok(())
}

fn head<'a>(status: u16, headers: impl Iterator<Item = &'a (String, String)>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Stub\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Makes the coming close a reset. Only tokio offers the option on a socket.
fn reset(stream: &TcpStream) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream.try_clone()?)?.set_zero_linger()
}

/// An address where nobody listens, and nobody else can begin to.
#[derive(Debug)]
pub(crate) struct Nobody {
    address: SocketAddr,
    /// Bound, which is not listening, so that no other test is given the port.
    _bound: tokio::net::TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let bound = tokio::net::TcpSocket::new_v4().expect("a socket");
        bound.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Self { address: bound.local_addr().expect("an address"), _bound: bound }
    }

    /// The base URL of an endpoint there.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

/// Posts `body` to `url`: the status, and everything after the headers as it came. For checking
/// servers without the program under test.
pub(crate) fn exchange(url: &str, body: &Value) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").expect("http").split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("it listens");
    let body = body.to_string();
    let length = body.len();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    read_reply(&mut stream).expect("it answers")
}

/// Ends the request that was written to `stream` and reads to the end: the status, and everything
/// after the headers as it came.
pub(crate) fn read_reply(stream: &mut TcpStream) -> io::Result<(u16, String)> {
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}
