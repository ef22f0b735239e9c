//! Names that change what they stand for, by a name server of our own: what is judged is what is
//! connected to.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::future::BoxFuture;

use super::super::{HttpSender, address::Names, clients::Clients};
use super::*;

/// What glibc says of a name that does not exist.
const UNKNOWN: &str = "failed to lookup address information: Name or service not known";

/// What the server answers.
#[derive(Debug, Clone)]
enum Record {
    Address(IpAddr),
    Alias(&'static str),
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Record {
    Record::Address(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
}

fn v6(text: &str) -> Record {
    Record::Address(IpAddr::V6(text.parse::<Ipv6Addr>().expect("an address")))
}

/// A name as it is in a message.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.trim_end_matches('.').split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// Reads a name without compression; where it ends.
fn read_name(bytes: &[u8], mut at: usize) -> (String, usize) {
    let mut name = String::new();
    while bytes[at] != 0 {
        let end = at + 1 + bytes[at] as usize;
        name.push_str(&String::from_utf8_lossy(&bytes[at + 1..end]));
        name.push('.');
        at = end;
    }
    (name, at + 1)
}

/// Answers the queries of each name with its answers in turn, the last one for ever, all with a
/// time to live of nothing.
fn name_server(zone: Vec<(&'static str, Vec<Vec<Record>>)>) -> Resolving {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let server = socket.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut turns: HashMap<(String, u8), usize> = HashMap::new();
        let mut query = [0; 512];
        while let Ok((size, from)) = socket.recv_from(&mut query) {
            counted.fetch_add(1, SeqCst);
            let (name, end) = read_name(&query[..size], 12);
            let kind = query[end + 1];
            let answers = zone.iter().find(|(have, _)| *have == name.trim_end_matches('.'));
            let answers = answers.map_or(&[][..], |(_, answers)| answers.as_slice());
            let turn = turns.entry((name.clone(), kind)).or_default();
            let records = answers.get((*turn).min(answers.len().saturating_sub(1)));
            *turn += 1;
            socket.send_to(&message(&query[..end + 4], &name, kind, records), from).ok();
        }
    });
    Resolving { server, asked }
}

fn message(query: &[u8], name: &str, kind: u8, records: Option<&Vec<Record>>) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut owner = name.to_owned();
    for record in records.into_iter().flatten() {
        let (number, data) = match record {
            Record::Address(IpAddr::V4(v4)) if kind == 1 => (1, v4.octets().to_vec()),
            Record::Address(IpAddr::V6(v6)) if kind == 28 => (28, v6.octets().to_vec()),
            Record::Alias(to) => (5, labels(to)),
            Record::Address(_) => continue,
        };
        let mut answer = labels(&owner);
        answer.extend([0, number, 0, 1, 0, 0, 0, 0]);
        answer.extend((data.len() as u16).to_be_bytes());
        answer.extend(data);
        answers.push(answer);
        if let Record::Alias(to) = record {
            (*to).clone_into(&mut owner);
        }
    }
    let mut message = query[..2].to_vec();
    message.extend([0x81, 0x80, 0, 1]);
    message.extend((answers.len() as u16).to_be_bytes());
    message.extend([0, 0, 0, 0]);
    message.extend(&query[12..]);
    message.extend(answers.concat());
    message
}

/// Asks the server, as a resolver without a cache does.
#[derive(Debug, Clone)]
struct Resolving {
    server: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Resolving {
    async fn ask(&self, host: &str, kind: u8) -> io::Result<Vec<SocketAddr>> {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
        let mut query = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(labels(host));
        query.extend([0, kind, 0, 1]);
        socket.send_to(&query, self.server).await?;
        let mut reply = [0; 1024];
        let size = socket.recv(&mut reply).await?;
        let (_, end) = read_name(&reply[..size], 12);
        let mut at = end + 4;
        let mut found = Vec::new();
        while at < size {
            let (_, end) = read_name(&reply[..size], at);
            let length = usize::from(u16::from_be_bytes([reply[end + 8], reply[end + 9]]));
            let data = &reply[end + 10..end + 10 + length];
            match reply[end + 1] {
                1 => found.extend(<[u8; 4]>::try_from(data).map(IpAddr::from)),
                28 => found.extend(<[u8; 16]>::try_from(data).map(IpAddr::from)),
                _ => {}
            }
            at = end + 10 + length;
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }
}

impl Names for Resolving {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let mut found = self.ask(host, 1).await?;
            found.extend(self.ask(host, 28).await?);
            if found.is_empty() { Err(io::Error::other(UNKNOWN)) } else { Ok(found) }
        })
    }
}

/// Listens on 127.0.0.1 and 127.0.0.2 at one port, and answers there with the address.
fn listeners() -> (u16, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    loop {
        let first = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        let Ok(second) = TcpListener::bind(("127.0.0.2", port)) else { continue };
        for listener in [first, second] {
            let connections = Arc::clone(&connections);
            std::thread::spawn(move || {
                while let Ok((mut stream, _)) = listener.accept() {
                    connections.fetch_add(1, SeqCst);
                    let here = stream.local_addr().expect("an address").ip().to_string();
                    request(&mut stream);
                    let head = "content-type: application/json\r\nconnection: close\r\n";
                    let bytes = reply("200 OK", head, &ANSWER.replace("Paris", &here));
                    stream.write_all(bytes.as_bytes()).ok();
                }
            });
        }
        return (port, connections);
    }
}

/// What calls to `http://NAME:PORT` come to, one after the other: the address that answered, or the
/// fault.
fn ask_at(names: &Resolving, url: &str, calls: usize) -> Vec<Result<String, Fault>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let clients = Clients::knowing(Arc::new(names.clone()));
    let sender = HttpSender { clients, ..HttpSender::default() };
    let call = call(target(url, false));
    let Endpoint::Http(endpoint) = &call.target.endpoint else { panic!("not HTTP") };
    runtime.expect("a runtime").block_on(async {
        let mut all = Vec::new();
        for _ in 0..calls {
            let reply = sender.send(&call, endpoint).await;
            all.push(reply.result.map(|made| made.text));
        }
        all
    })
}

#[test]
fn row_33_a_name_is_judged_anew_on_every_connection() {
    let (port, connections) = listeners();
    let names = name_server(vec![(
        "rebind.test",
        vec![
            vec![v4(127, 0, 0, 1)],
            vec![v4(169, 254, 169, 254)],
            vec![v4(127, 0, 0, 2)],
            vec![v4(8, 8, 8, 8)],
            vec![v4(10, 0, 0, 1)],
            vec![v4(127, 0, 0, 1)],
        ],
    )]);
    let said = ask_at(&names, &format!("http://rebind.test:{port}/v1"), 6);
    let text = |nth: usize| said[nth].as_deref().map_err(|fault| fault.message.clone());
    assert_eq!(text(0), Ok("127.0.0.1"));
    assert!(text(1).expect_err("refused").contains("169.254.169.254"));
    assert_eq!(text(2), Ok("127.0.0.2"));
    assert!(text(3).expect_err("refused").contains("in clear"));
    assert!(text(4).expect_err("refused").contains("insecure_http"));
    assert_eq!(text(5), Ok("127.0.0.1"));
    assert!(
        said.iter().filter_map(|said| said.as_ref().err()).all(|f| f.kind == FaultKind::BadRequest)
    );
    assert_eq!(connections.load(SeqCst), 3, "nobody else was connected to");
    assert_eq!(names.asked.load(SeqCst), 12, "two questions a connection, and nothing is kept");
}

#[test]
fn row_33_one_bad_address_among_good_ones_spoils_the_name() {
    let (port, connections) = listeners();
    let here = v4(127, 0, 0, 1);
    let cases: Vec<(&'static str, Vec<Record>)> = vec![
        ("both.test", vec![here.clone(), v4(169, 254, 169, 254)]),
        ("link.test", vec![here.clone(), v6("fe80::1")]),
        ("amazon.test", vec![v6("fd00:ec2::254"), here.clone()]),
        ("mapped.test", vec![here.clone(), v6("::ffff:169.254.169.254")]),
        ("nat64.test", vec![here.clone(), v6("64:ff9b::a9fe:a9fe")]),
        ("alibaba.test", vec![v4(100, 100, 100, 200)]),
        ("nobody.test", vec![v4(0, 0, 0, 0)]),
        ("alias.test", vec![Record::Alias("inner.test"), v4(169, 254, 170, 2)]),
        (
            "chain.test",
            vec![Record::Alias("a.test"), Record::Alias("b.test"), v4(169, 254, 169, 254)],
        ),
        ("public.test", vec![here.clone(), v4(8, 8, 8, 8)]),
    ];
    let zone = cases.iter().map(|(name, records)| (*name, vec![records.clone()])).collect();
    let names = name_server(zone);
    for (name, _) in &cases {
        let said = ask_at(&names, &format!("http://{name}:{port}/v1"), 1).remove(0);
        let fault = said.expect_err("refused");
        assert_eq!(fault.kind, FaultKind::BadRequest, "{name}: {fault}");
        assert!(fault.message.contains(name), "{fault}");
    }
    assert_eq!(connections.load(SeqCst), 0);

    let good = vec![Record::Alias("a.test"), Record::Alias("b.test"), v4(127, 0, 0, 2)];
    let names = name_server(vec![("chain.test", vec![good])]);
    let said = ask_at(&names, &format!("http://chain.test:{port}/v1"), 1).remove(0);
    assert_eq!(said.as_deref().map_err(ToString::to_string), Ok("127.0.0.2"));
    let said = ask_at(&names, &format!("http://unknown.test:{port}/v1"), 1).remove(0);
    assert_eq!(said.expect_err("no address").kind, FaultKind::Dns);
}

/// A resolver that says this, or nothing at all.
#[derive(Debug)]
struct Says(Option<&'static str>);

impl Names for Says {
    fn addresses<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            match self.0 {
                None => std::future::pending().await,
                Some("") => Ok(Vec::new()),
                Some(words) => Err(io::Error::other(words)),
            }
        })
    }
}

/// Only of a name that does not exist it is known that asking again is of no use.
#[test]
fn row_32_names_that_do_not_resolve() {
    let failed = |why: &str| format!("failed to lookup address information: {why}").leak();
    for (says, kind, shown) in [
        (Some(UNKNOWN), FaultKind::Dns, "has no address (failed to"),
        (Some(failed("Temporary failure in name resolution")), FaultKind::Transient, "Temporary"),
        (Some(failed("Non-recoverable failure in name resolution")), FaultKind::Transient, "Non-"),
        (Some(failed("No address associated with hostname")), FaultKind::Transient, "No address"),
        (Some(""), FaultKind::Transient, "the answer is empty"),
        (None, FaultKind::Timeout, "no connection to `http://name.test` within 0.1 s"),
    ] {
        let timeouts = Timeouts { connect: Duration::from_millis(100), ..Timeouts::default() };
        let call = call(Target { timeouts, ..target("http://name.test/v1", false) });
        let Endpoint::Http(endpoint) = &call.target.endpoint else { panic!("not HTTP") };
        let clients = Clients::knowing(Arc::new(Says(says)));
        let sender = HttpSender { clients, ..HttpSender::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let reply = runtime.expect("a runtime").block_on(sender.send(&call, endpoint));
        let fault = reply.result.expect_err("a fault");
        assert_eq!(fault.kind, kind, "{says:?}: {fault}");
        assert!(fault.message.contains(shown), "{says:?}: {fault}");
        assert!(!reply.attempts[0].may_be_billed(), "{says:?}");
    }
}
