//! moto, which verifies the signatures of Amazon Web Services.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    sync::Arc,
};

use evals::{
    base::{clock, secret::Secret},
    domain::{
        generation::Texts,
        limits::Limits,
        params::Params,
        target::{
            Capabilities, Credential, Endpoint, Flavour, HttpEndpoint, Settings, Target, Timeouts,
        },
    },
    provider::{self, Signing},
};

use super::{Double, exercise_all};
use crate::support::{Server, installed};

const REGION: &str = "us-east-1";

/// Keys that a running moto knows.
struct Keys {
    key: String,
    secret: String,
    session_key: String,
    session_secret: String,
    session_token: String,
}

/// The calls that make the keys, which moto lets through unsigned; it verifies all others.
const UNSIGNED: &str = "6";

fn keys(address: &str) -> Keys {
    let policy = |principal: &str, action: &str| {
        let statement = format!("{{\"Effect\":\"Allow\",{principal}\"Action\":\"{action}\"");
        let resource = if principal.is_empty() { ",\"Resource\":\"*\"" } else { "" };
        let policy =
            format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}{resource}}}]}}");
        let hex: Vec<String> = policy.bytes().map(|byte| format!("%{byte:02X}")).collect();
        hex.concat()
    };
    let all = policy("", "*");
    let trust = policy("\"Principal\":{\"AWS\":\"*\"},", "sts:AssumeRole");
    let iam = |form: &str| action(address, "iam", &format!("{form}&Version=2010-05-08"));
    iam("Action=CreateUser&UserName=u");
    iam(&format!("Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument={all}"));
    iam(&format!("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}"));
    iam(&format!("Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument={all}"));
    let long = iam("Action=CreateAccessKey&UserName=u");
    let role = "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr";
    let form = format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=evals&Version=2011-06-15");
    let session = action(address, "sts", &form);
    let between = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>")).expect("a key");
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    Keys {
        key: between(&long, "AccessKeyId"),
        secret: between(&long, "SecretAccessKey"),
        session_key: between(&session, "AccessKeyId"),
        session_secret: between(&session, "SecretAccessKey"),
        session_token: between(&session, "SessionToken"),
    }
}

/// What `service` answers to an unsigned form.
fn action(address: &str, service: &str, form: &str) -> String {
    let scope = format!("a/20260101/{REGION}/{service}/aws4_request");
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    let headers = [
        ("authorization".to_owned(), authorization),
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
    ];
    let (status, reply) = post(address, "/", &headers, form.as_bytes());
    assert_eq!(status, 200, "{reply}");
    reply
}

fn post(address: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> (u16, String) {
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
        body.len(),
        lines.concat()
    );
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("it answers");
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), reply)
}

/// The status of a request for vectors that this crate signs.
fn invoked(address: &str, model: &str, key: &str, secret: &str, token: Option<&str>) -> u16 {
    let bedrock = provider::find("bedrock").expect("a provider");
    let endpoint = HttpEndpoint {
        base_url: format!("http://{address}"),
        credential: Credential::Aws {
            access_key_id: key.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: token.map(Secret::new),
        },
        headers: Vec::new(),
        flavour: Flavour::Chat,
        stream: false,
        settings: Settings { region: Some(REGION.to_owned()), ..Settings::default() },
        credential_slug: None,
        insecure_http: false,
        header_digest: 0,
    };
    let target = Target {
        name: "vectors".to_owned(),
        provider: "bedrock",
        model: model.to_owned(),
        base_model: None,
        limits: Limits::default(),
        endpoint: Endpoint::Http(endpoint.clone()),
        params: Params::default(),
        price: None,
        capabilities: Capabilities::default(),
        max_output: None,
        timeouts: Timeouts::default(),
        fallback: Vec::new(),
        pool: Vec::new(),
    };
    let texts = vec!["Hi ☃".to_owned()];
    let asked = Texts { target: Arc::new(target), texts, kind: None };
    let mut request = bedrock.encode_embeddings(&asked, &endpoint).expect("a request");
    let with = Signing { now_ms: clock::now_ms(), token: None };
    bedrock.sign(&mut request, &endpoint, with).expect("signed");
    let path = request.url.strip_prefix(&endpoint.base_url).expect("the base").to_owned();
    let headers = request.headers.iter();
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.clone().into_owned(), value.expose().to_owned()))
        .collect();
    post(address, &path, &headers, &request.body).0
}

/// moto verifies signatures, and has no Converse: what is well signed fails with its 500.
#[test]
fn moto() {
    let Some(program) = installed("EVALS_TEST_MOTO", "python/moto/bin/moto_server") else { return };
    let server = Server::start("/moto-api/", |port, dir| {
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(dir);
        command.env("INITIAL_NO_AUTH_ACTION_COUNT", UNSIGNED);
        command
    });
    let keys = keys(&server.address());
    let fill = |text: &str| {
        let words = [
            ("{base}", format!("http://{}", server.address())),
            ("{key}", keys.key.clone()),
            ("{secret}", keys.secret.clone()),
            ("{session_key}", keys.session_key.clone()),
            ("{session_secret}", keys.session_secret.clone()),
            ("{session_token}", keys.session_token.clone()),
        ];
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    };
    exercise_all(Double::Moto, &fill, &mut |_| {});

    let address = server.address();
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/cohere.embed-x-v1:0";
    for model in ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", profile] {
        let long = |secret: &str| invoked(&address, model, &keys.key, secret, None);
        assert_eq!((long(&keys.secret), long("another-secret")), (200, 403), "{model}");
        let short = |token: &str| {
            invoked(&address, model, &keys.session_key, &keys.session_secret, Some(token))
        };
        assert_eq!((short(&keys.session_token), short("another-token")), (200, 403), "{model}");
    }
}
