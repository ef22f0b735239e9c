//! Which addresses are called, and what becomes of those that are not.

use super::*;

const KEY: Carries = Carries { secret: true, insecure_http: false };
const KEY_IN_CLEAR: Carries = Carries { secret: true, insecure_http: true };
const OPEN: Carries = Carries { secret: false, insecure_http: false };

fn way(url: &str, carries: Carries) -> Result<Route, String> {
    let route = parse(url).and_then(|url| route(&url, carries, Duration::ZERO));
    route.map_err(|fault| fault.message)
}

/// What becomes of a request to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Sent.
    Yes,
    /// Sent if the name resolves to this machine.
    IfHere,
    /// Sent if the name resolves to this machine or a private network.
    IfPrivate,
    /// Refused: metadata service or local link.
    Metadata,
    /// Refused: no machine's address.
    Nobody,
    /// Refused: in clear over the open network.
    Clear,
    /// Refused: in clear over a private network, unless the entry allows it.
    Nearby,
    /// Refused: written in an unusual way.
    Odd,
    /// Refused: characters.
    Characters,
    /// Refused: a user before the host.
    User,
    /// Refused: not `http` or `https`.
    Scheme,
    /// Refused: not an address.
    NoUrl,
}

fn verdict(url: &str, carries: Carries) -> Verdict {
    let refusals = [
        ("never called", Verdict::Metadata),
        ("no machine's address", Verdict::Nobody),
        ("is public", Verdict::Clear),
        ("is another machine", Verdict::Nearby),
        ("unusual way", Verdict::Odd),
        ("characters", Verdict::Characters),
        ("user name or password", Verdict::User),
        ("only `http://`", Verdict::Scheme),
        ("is not an address", Verdict::NoUrl),
    ];
    match way(url, carries).map(|route| route.reach) {
        Ok(Reach::Here) if parse(url).is_ok_and(|url| !is_this_machine(&url)) => Verdict::IfHere,
        Ok(Reach::Private) if literal_of(url).is_none() => Verdict::IfPrivate,
        Ok(_) => Verdict::Yes,
        Err(message) => refusals
            .into_iter()
            .find(|(words, _)| message.contains(words))
            .map_or_else(|| panic!("{url}: {message}"), |(_, verdict)| verdict),
    }
}

fn literal_of(url: &str) -> Option<IpAddr> {
    literal(parse(url).ok()?.host_str()?)
}

/// Address; verdicts with a key, with a key that may travel in clear, without a key.
#[rustfmt::skip]
const TABLE: &[(&str, Verdict, Verdict, Verdict)] = {
    use Verdict::{
        Characters, Clear, IfHere, IfPrivate, Metadata, Nearby, NoUrl, Nobody, Odd, Scheme, User, Yes,
    };
    &[
        // This machine needs no setting.
        ("http://127.0.0.1:11434/v1", Yes, Yes, Yes),
        ("http://[::1]:11434/v1", Yes, Yes, Yes),
        ("http://127.255.255.254/", Yes, Yes, Yes),
        ("http://localhost:8000/v1", Yes, Yes, Yes),
        ("http://LOCALHOST/", Yes, Yes, Yes),
        ("http://localhost./", Yes, Yes, Yes),
        ("http://api.localhost/", Yes, Yes, Yes),
        ("http://[::ffff:127.0.0.1]/", Yes, Yes, Yes),
        ("http://[0:0:0:0:0:0:0:1]/", Yes, Yes, Yes),
        ("https://127.0.0.1/", Yes, Yes, Yes),
        ("http://box.local/v1", Yes, Yes, Yes),
        // The open network.
        ("https://api.example.com/v1", Yes, Yes, Yes),
        ("https://api.example.com:8443/v1?x=1", Yes, Yes, Yes),
        ("https://8.8.8.8/", Yes, Yes, Yes),
        ("https://[2606:4700::1111]/", Yes, Yes, Yes),
        ("https://xn--mnchen-3ya.example/", Yes, Yes, Yes),
        ("http://api.example.com/v1", IfHere, IfPrivate, Yes),
        ("http://8.8.8.8/", Clear, Clear, Yes),
        ("http://[2606:4700::1111]/", Clear, Clear, Yes),
        ("http://[::ffff:8.8.8.8]/", Clear, Clear, Yes),
        ("http://172.32.0.1/", Clear, Clear, Yes),
        ("http://100.128.0.1/", Clear, Clear, Yes),
        ("http://192.169.0.1/", Clear, Clear, Yes),
        ("http://11.0.0.1/", Clear, Clear, Yes),
        ("http://[64:ff9b::808:808]/", Clear, Clear, Yes),
        // Private networks.
        ("https://10.0.0.1/", Yes, Yes, Yes),
        ("https://[fd12::1]/", Yes, Yes, Yes),
        ("http://10.1.2.3/", Nearby, Yes, Yes),
        ("http://172.16.0.1/", Nearby, Yes, Yes),
        ("http://172.31.255.255/", Nearby, Yes, Yes),
        ("http://192.168.0.9:8000/", Nearby, Yes, Yes),
        ("http://100.64.0.1/", Nearby, Yes, Yes),
        ("http://[fd12::1]/", Nearby, Yes, Yes),
        ("http://[fc00::1]/", Nearby, Yes, Yes),
        ("http://[::ffff:10.0.0.1]/", Nearby, Yes, Yes),
        ("http://vllm:8000/", IfHere, IfPrivate, Yes),
        ("http://host.docker.internal/", IfHere, IfPrivate, Yes),
        ("http://notlocal/", IfHere, IfPrivate, Yes),
        ("http://localhost.example.com/", IfHere, IfPrivate, Yes),
        // Metadata services and the local link, always.
        ("http://169.254.169.254/latest/meta-data", Metadata, Metadata, Metadata),
        ("https://169.254.169.254/", Metadata, Metadata, Metadata),
        ("http://169.254.170.2/", Metadata, Metadata, Metadata),
        ("http://169.254.170.23/", Metadata, Metadata, Metadata),
        ("https://169.254.0.1/", Metadata, Metadata, Metadata),
        ("https://169.254.255.255/", Metadata, Metadata, Metadata),
        ("http://100.100.100.200/", Metadata, Metadata, Metadata),
        ("http://[fe80::1]/", Metadata, Metadata, Metadata),
        ("http://[febf::1]/", Metadata, Metadata, Metadata),
        ("http://[fd00:ec2::254]/", Metadata, Metadata, Metadata),
        ("http://[FD00:0EC2::23]/", Metadata, Metadata, Metadata),
        ("http://[::ffff:169.254.169.254]/", Metadata, Metadata, Metadata),
        ("http://[::ffff:a9fe:a9fe]/", Metadata, Metadata, Metadata),
        ("http://[::169.254.169.254]/", Metadata, Metadata, Metadata),
        ("http://[::ffff:0:169.254.169.254]/", Metadata, Metadata, Metadata),
        ("http://[64:ff9b::169.254.169.254]/", Metadata, Metadata, Metadata),
        ("http://[64:ff9b:1::a9fe:a9fe]/", Metadata, Metadata, Metadata),
        ("https://[2002:a9fe:a9fe::1]/", Metadata, Metadata, Metadata),
        ("https://[2001:0:1::5601:5601]/", Metadata, Metadata, Metadata),
        ("https://[64:ff9b::6464:64c8]/", Metadata, Metadata, Metadata),
        ("http://metadata.google.internal/", Metadata, Metadata, Metadata),
        ("http://METADATA.google.internal./", Metadata, Metadata, Metadata),
        ("https://metadata.goog/", Metadata, Metadata, Metadata),
        // Addresses of no machine, or of many.
        ("http://0.0.0.0:8000/v1", Nobody, Nobody, Nobody),
        ("https://0.1.2.3/", Nobody, Nobody, Nobody),
        ("http://[::]/", Nobody, Nobody, Nobody),
        ("http://[::ffff:0.0.0.0]/", Nobody, Nobody, Nobody),
        ("http://224.0.0.1/", Nobody, Nobody, Nobody),
        ("https://239.255.255.250/", Nobody, Nobody, Nobody),
        ("http://255.255.255.255/", Nobody, Nobody, Nobody),
        ("http://[ff02::1]/", Nobody, Nobody, Nobody),
        ("https://[64:ff9b::e000:1]/", Nobody, Nobody, Nobody),
        ("https://[2002:ffff:ffff::]/", Nobody, Nobody, Nobody),
        // Other ways to write an address.
        ("http://2852039166/", Odd, Odd, Odd),
        ("http://2130706433/", Odd, Odd, Odd),
        ("http://0x7f000001/", Odd, Odd, Odd),
        ("http://0x7f.0.0.1/", Odd, Odd, Odd),
        ("http://0251.0376.0251.0376/", Odd, Odd, Odd),
        ("http://017700000001/", Odd, Odd, Odd),
        ("http://127.1/", Odd, Odd, Odd),
        ("http://127.0.1/", Odd, Odd, Odd),
        ("http://127.0.0.01/", Odd, Odd, Odd),
        ("http://127.0.0.1./", Odd, Odd, Odd),
        ("http://0/", Odd, Odd, Odd),
        // Characters that are read as others.
        ("http://127.0.0.%31/", Characters, Characters, Characters),
        ("http://%6cocalhost/", Characters, Characters, Characters),
        ("https://m\u{fc}nchen.example/", Characters, Characters, Characters),
        ("https://\u{24d4}xample.com/", Characters, Characters, Characters),
        ("http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", Characters, Characters, Characters),
        ("http://127\u{3002}0\u{3002}0\u{3002}1/", Characters, Characters, Characters),
        ("https://exam\nple.com/", Characters, Characters, Characters),
        // Users, schemes, and what is no address.
        ("https://user:hunter2@host/v1", User, User, User),
        ("https://user@host/v1", User, User, User),
        ("https://@host/v1", User, User, User),
        ("https://api.example.com\\@evil.example/", Yes, Yes, Yes),
        ("https://api.example.com@169.254.169.254/", User, User, User),
        ("localhost:8000/v1", Scheme, Scheme, Scheme),
        ("ftp://host/v1", Scheme, Scheme, Scheme),
        ("file:///etc/passwd", Scheme, Scheme, Scheme),
        ("unix:/run/socket", Scheme, Scheme, Scheme),
        ("not an address", NoUrl, NoUrl, NoUrl),
        ("//host/v1", NoUrl, NoUrl, NoUrl),
        ("https://", NoUrl, NoUrl, NoUrl),
        ("http://[::1/", NoUrl, NoUrl, NoUrl),
        ("http://[fe80::1%25eth0]/", NoUrl, NoUrl, NoUrl),
        ("http://256.0.0.1/", NoUrl, NoUrl, NoUrl),
        ("http://1.2.3.4.5/", NoUrl, NoUrl, NoUrl),
        ("http://host:99999/", NoUrl, NoUrl, NoUrl),
    ]
};

#[test]
fn every_address_has_its_verdict() {
    let wrong: Vec<String> = TABLE
        .iter()
        .map(|&(url, key, in_clear, open)| {
            let found = [KEY, KEY_IN_CLEAR, OPEN].map(|carries| verdict(url, carries));
            (found != [key, in_clear, open], format!("{url}: {found:?}"))
        })
        .filter_map(|(wrong, text)| wrong.then_some(text))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(TABLE.len() >= 80, "{}", TABLE.len());
}

#[test]
fn what_is_refused_says_what_to_do() {
    let said = |url: &str| way(url, KEY).expect_err(url);
    assert!(said("http://0.0.0.0:8000/v1").contains("`127.0.0.1`"));
    assert!(said("http://10.0.0.1/").contains("insecure_http: true"));
    assert!(said("http://8.8.8.8/").contains("https://"));
    assert!(said("http://0x7f.1/").contains("`127.0.0.1`"));
    assert!(said("https://m\u{fc}nchen.example/").contains("`xn--mnchen-3ya.example`"));
    assert!(said("localhost:8000/v1").contains("`localhost:`"));
    assert!(said("not an address").contains("https://host/v1"));
    let user = said("https://user:hunter2@host/v1");
    assert!(user.contains("api_key") && !user.contains("hunter2"), "{user}");
}

#[test]
fn this_machine_is_reached_without_a_proxy() {
    for (url, carries, direct) in [
        ("http://localhost:1/", OPEN, true),
        ("http://127.1.2.3:1/", OPEN, true),
        ("http://[::ffff:127.0.0.1]/", OPEN, true),
        ("https://example.org/", KEY, false),
        ("http://10.0.0.1/", KEY_IN_CLEAR, true),
        ("http://10.0.0.1/", OPEN, false),
    ] {
        assert!(way(url, carries).is_ok_and(|route| route.direct == direct), "{url}");
    }
}

/// What the name server of a stranger may answer. Which server the system asks cannot be chosen
/// here, so that the answers are given to the judge of them.
#[test]
fn a_name_is_judged_by_every_address_that_it_has() {
    let found = |texts: &[&str]| -> Vec<SocketAddr> {
        let address = |text: &&str| SocketAddr::new(text.parse().expect("an address"), 0);
        texts.iter().map(address).collect()
    };
    let judge = |texts: &[&str], reach| judged("name", found(texts), reach).is_ok();
    for good in [&["8.8.8.8", "2606:4700::1111"][..], &["127.0.0.1"], &["10.0.0.1", "fd12::1"]] {
        assert!(judge(good, Reach::Anywhere), "{good:?}");
    }
    for bad in [
        &["169.254.169.254"][..],
        &["8.8.8.8", "169.254.169.254"],
        &["8.8.8.8", "fe80::1"],
        &["2606:4700::1111", "::ffff:169.254.169.254"],
        &["64:ff9b::a9fe:a9fe"],
        &["0.0.0.0"],
        &["8.8.8.8", "::"],
        &["224.0.0.1"],
    ] {
        for reach in [Reach::Anywhere, Reach::Private, Reach::Here] {
            assert!(!judge(bad, reach), "{bad:?}");
        }
    }
    assert!(judge(&["127.0.0.1", "::1"], Reach::Here));
    assert!(judge(&["127.0.0.1", "10.0.0.1"], Reach::Private));
    assert!(!judge(&["127.0.0.1", "10.0.0.1"], Reach::Here));
    assert!(!judge(&["10.0.0.1", "8.8.8.8"], Reach::Private));
}

/// The system's resolver knows `localhost`; the addresses it gives are judged on the way.
#[tokio::test]
async fn the_resolver_judges_what_the_system_answers() {
    let resolve = |name: &str, reach| {
        let name: Name = name.parse().expect("a name");
        Resolver { reach, names: Arc::new(System) }.resolve(name)
    };
    let here = resolve("localhost", Reach::Here).await.expect("this machine");
    assert!(here.into_iter().all(|address| address.ip().is_loopback()));
    let below = resolve("api.localhost", Reach::Here).await.expect("this machine");
    assert_eq!(below.count(), 2);
    let link = resolve("169.254.169.254", Reach::Anywhere).await;
    assert!(link.is_err_and(|error| error.is::<Refusal>()));
    let nearby = resolve("10.0.0.1", Reach::Here).await;
    assert!(nearby.is_err_and(|error| error.to_string().contains("insecure_http")));
}
