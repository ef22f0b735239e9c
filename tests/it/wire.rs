//! Wire formats against servers that others wrote: aimock, which speaks many of them, and moto,
//! which checks the signatures of Amazon Web Services.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use evals::{
    base::{clock, secret::Secret},
    domain::{
        params::Params,
        target::{
            Capabilities, Credential, Endpoint, Flavour, HttpEndpoint, Settings, Target, Timeouts,
        },
    },
    provider::{self, Signing},
};
use serde_json::{Value, json};

use crate::support::{Aimock, Output, Project, skipped};

const REGION: &str = "us-east-1";

/// A project of two rows, whose answers are `a0` and `a1`, and a model with these `lines`.
fn project(lines: &[&str]) -> Project {
    let project = Project::new();
    project.write("rows.csv", "id,question,answer\n0,q0,a0\n1,q1,a1\n");
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}\n")).collect();
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             models:\n  - id: local\n{}scorers: [exact_match]\n",
            lines.concat()
        ),
    );
    project
}

fn run(project: &Project, environment: &[(&str, &str)]) -> Output {
    let evals = project.evals().args(["run", "--format", "json"]);
    environment.iter().fold(evals, |evals, (name, value)| evals.env(name, value)).run()
}

fn exported(project: &Project) -> Vec<Value> {
    project.evals().args(["export", "last"]).run().ok().json_lines()
}

fn aimock() -> Option<Aimock> {
    Aimock::start(&json!({"fixtures": [
        {"match": {"userMessage": "q0"}, "response": {"content": "a0"}},
        {"match": {"userMessage": "q1"}, "response": {"content": "It is a1 €, I think."}},
    ]}))
}

#[track_caller]
fn answers(lines: &[&str], environment: &[(&str, &str)]) {
    for stream in ["stream: true", "stream: false"] {
        let project = project(&[lines, &[stream]].concat());
        let json = run(&project, environment).ok().json();
        assert_eq!(json["results"][0]["value"], 0.5, "{stream}");
        let rows = exported(&project);
        assert_eq!(rows[0]["output"], "a0", "{stream}");
        assert_eq!(rows[1]["output"], "It is a1 €, I think.", "{stream}");
    }
}

#[test]
fn bedrock_is_asked_with_a_key_pair_and_with_a_key() {
    let Some(aimock) = aimock() else { return };
    let base = aimock.base_url();
    let base = format!("base_url: {}", base.trim_end_matches("/v1"));
    let model = ["provider: bedrock", &base, "model: 'us.anthropic.claude-x-v1:0'"];
    let pair = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
        ("AWS_SESSION_TOKEN", "a-session-token"),
        ("AWS_REGION", REGION),
    ];
    answers(&model, &pair);
    answers(&model, &[("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")]);
}

#[test]
fn bedrock_without_a_region_says_so_before_the_first_call() {
    let project = project(&["provider: bedrock", "model: x.y"]);
    let key = [("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")];
    run(&project, &key).code(2).complains("`region`").complains("AWS_REGION");
}

#[test]
fn cohere_is_asked() {
    let Some(aimock) = aimock() else { return };
    let base = aimock.base_url();
    let base = format!("base_url: {}", base.trim_end_matches("/v1"));
    let model = ["provider: cohere", &base, "model: command-a-03-2025"];
    answers(&model, &[("CO_API_KEY", "a-key-of-cohere")]);
}

#[test]
fn hugging_face_is_asked() {
    let Some(aimock) = aimock() else { return };
    let base = format!("base_url: {}", aimock.base_url());
    answers(&["provider: huggingface", &base, "model: org/model"], &[("HF_TOKEN", "hf_12345678")]);
}

/// A running moto. Killed when dropped.
struct Moto {
    child: Child,
    address: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Moto {
    /// Starts it on a free port, with a key pair that may do everything. `None`, with a word on
    /// stderr, unless `EVALS_TEST_MOTO` says where `moto_server` is.
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("EVALS_TEST_MOTO").map(PathBuf::from) else {
            skipped("EVALS_TEST_MOTO does not name `moto_server` (PyPI `moto[server]` 5.2.5)");
            return None;
        };
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            // The calls that make the key pair; all others are checked.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "3")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("Running on http://")?;
            rest.split_whitespace().next().map(str::to_owned)
        });
        let address = address.expect("moto ended before it listened");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let (access_key_id, secret_access_key) = (String::new(), String::new());
        let mut moto = Self { child, address, access_key_id, secret_access_key };
        moto.iam("Action=CreateUser&UserName=u");
        let allowed = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A\
                       %22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
        moto.iam(&format!("Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument={allowed}"));
        let made = moto.iam("Action=CreateAccessKey&UserName=u");
        let between = |tag: &str| {
            let (_, rest) = made.split_once(&format!("<{tag}>")).expect("a key pair");
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        (moto.access_key_id, moto.secret_access_key) =
            (between("AccessKeyId"), between("SecretAccessKey"));
        Some(moto)
    }

    fn iam(&self, form: &str) -> String {
        let scope = format!("a/20260101/{REGION}/iam/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let headers = [
            ("authorization".to_owned(), authorization),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let body = format!("{form}&Version=2010-05-08");
        let (status, reply) = self.post("/", &headers, body.as_bytes());
        assert_eq!(status, 200, "{reply}");
        reply
    }

    fn post(&self, path: &str, headers: &[(String, String)], body: &[u8]) -> (u16, String) {
        let lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
            self.address,
            body.len(),
            lines.concat()
        );
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("it answers");
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), reply)
    }

    /// The status of a request for vectors that is signed with `secret` by this crate.
    fn invoked(&self, model: &str, secret: &str) -> u16 {
        let bedrock = provider::find("bedrock").expect("a provider");
        let endpoint = HttpEndpoint {
            base_url: format!("http://{}", self.address),
            credential: Credential::Aws {
                access_key_id: self.access_key_id.clone(),
                secret_access_key: Secret::new(secret),
                session_token: None,
            },
            headers: Vec::new(),
            flavour: Flavour::Chat,
            stream: false,
            settings: Settings { region: Some(REGION.to_owned()), ..Settings::default() },
            credential_slug: None,
            insecure_http: false,
        };
        let target = Target {
            name: "vectors".to_owned(),
            provider: "bedrock",
            model: model.to_owned(),
            base_model: None,
            endpoint: Endpoint::Http(endpoint.clone()),
            params: Params::default(),
            price: None,
            capabilities: Capabilities::default(),
            timeouts: Timeouts::default(),
        };
        let texts = ["Hi ☃".to_owned()];
        let mut request = bedrock.encode_embeddings(&texts, &target, &endpoint).expect("a request");
        let with = Signing { now_ms: clock::now_ms(), token: None };
        bedrock.sign(&mut request, &endpoint, with).expect("signed");
        let path = request.url.strip_prefix(&endpoint.base_url).expect("the base").to_owned();
        let headers = request.headers.iter();
        let headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.clone().into_owned(), value.expose().to_owned()))
            .collect();
        self.post(&path, &headers, &request.body).0
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// moto checks the signature and then has no Converse: what is well signed fails with its 500.
#[test]
fn amazon_accepts_a_good_signature_and_no_other() {
    let Some(moto) = Moto::start() else { return };
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/cohere.embed-x-v1:0";
    for model in ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", profile] {
        assert_eq!(moto.invoked(model, &moto.secret_access_key), 200, "{model}");
        assert_eq!(moto.invoked(model, "another-secret"), 403, "{model}");
    }

    let base = format!("base_url: http://{}", moto.address);
    let model =
        ["provider: bedrock", &base, "model: 'us.anthropic.claude-x-v1:0'", "region: us-east-1"];
    let fault = |secret: &str, stream: &str| {
        let project = project(&[model.as_slice(), &[stream]].concat());
        let pair = [("AWS_ACCESS_KEY_ID", &*moto.access_key_id), ("AWS_SECRET_ACCESS_KEY", secret)];
        run(&project, &pair).code(3);
        exported(&project)[0].clone()
    };
    for stream in ["stream: true", "stream: false"] {
        let good = fault(&moto.secret_access_key, stream);
        assert_eq!(good["error"]["kind"], "transient", "{good}");
        let bad = fault("another-secret", stream);
        assert_eq!(bad["error"]["kind"], "auth", "{bad}");
    }
}
