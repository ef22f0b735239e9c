//! Registered credentials of every kind, from the prompt to the wire: key pairs and keys of Amazon,
//! service accounts and keys of Google, keys of hosted providers.

use std::{fs, path::Path};

use evals::{
    base::secret::Secret,
    provider::{Auth, PROVIDERS},
    vault::{EntryKey, Unlock, Vault},
};
use serde_json::{Value, json};

use crate::support::{Aimock, Evals, Output, Project, Request, Response, Stub, openai_chat, root};

/// Stands for a secret; must not be found in any output.
const CANARY: &str = "canary-91c5f2a7d3e84b60";

const OTHER: &str = "canary-00a1b2c3d4e5f607";

/// A project of two rows, and its vault.
struct Place {
    project: Project,
    key: String,
}

impl Place {
    fn new() -> Self {
        let project = Project::new();
        project.write("rows.csv", "id,question,answer\n0,q0,a0\n1,q1,a1\n");
        let made = project.evals().args(["vault", "init", "--env", "--new-key"]).run().ok();
        Self { key: made.stdout.trim().to_owned(), project }
    }

    fn evals(&self, line: &[&str]) -> Evals {
        self.project.evals().args(line).env("EVALS_VAULT_KEY", &self.key)
    }

    #[track_caller]
    fn with(&self, secret: &str, line: &[&str]) -> Output {
        let output = self.evals(line).arg("--api-key-stdin").stdin(secret).run();
        for secret in [CANARY, OTHER, "PRIVATE KEY", "ya29."] {
            assert!(!format!("{output:?}").contains(secret), "{output:?}");
        }
        output
    }

    /// Runs both rows with `model`: all are right, and the attempts were made with `credential`.
    #[track_caller]
    fn runs(&self, model: &str, credential: &str) {
        let line = [
            "run",
            "--no-cache",
            "rows.csv",
            "-m",
            model,
            "-p",
            "{{question}}",
            "--expected",
            "answer",
        ];
        let ran = self.evals(&line).args(["-s", "exact_match", "--format", "json"]).run().ok();
        assert_eq!(ran.json()["results"][0]["value"], 1.0);
        let path = self.project.path(".evals/runs.db");
        let database = rusqlite::Connection::open(path).expect("opened");
        let sql =
            "SELECT DISTINCT credential FROM attempts WHERE run = (SELECT max(run) FROM runs)";
        let slug: String = database.query_row(sql, [], |row| row.get(0)).expect("a slug");
        assert_eq!(slug, credential);
    }

    /// The secret in the vault.
    #[track_caller]
    fn stored(&self, slug: &str, provider: &str, field: &str, origin: &str) -> Option<String> {
        let path = self.project.home().join("evals/vault.evals");
        let env_key = Some(Secret::new(&*self.key));
        let unlock = Unlock { env_key, ..Unlock::default() };
        let vault = Vault::open(&path, &unlock).expect("the vault opens");
        let key = EntryKey {
            slug: slug.to_owned(),
            provider: provider.to_owned(),
            field: field.to_owned(),
            origin: origin.to_owned(),
        };
        vault.get(&key).ok().map(|secret| secret.expose().to_owned())
    }
}

/// What a model would say to a request in any of the formats.
fn said(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if body.contains("status") {
        return "{\"status\":\"ok\"}".to_owned();
    }
    if body.contains("q0") { "a0" } else { "a1" }.to_owned()
}

fn answer(request: &Request) -> Response {
    let text = said(request);
    let path = &request.path;
    let reply = if path.contains("/converse") {
        json!({"output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn", "metrics": {"latencyMs": 1},
            "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}})
    } else if path == "/token" {
        json!({"access_token": "ya29.stub", "expires_in": 3600, "token_type": "Bearer"})
    } else if path.contains(":generateContent") {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 5,
            "candidatesTokenCount": 2, "totalTokenCount": 7}})
    } else if path.contains("/messages") {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 5, "output_tokens": 2}})
    } else if path.ends_with("/chat") {
        json!({"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant",
            "content": [{"type": "text", "text": text}]},
            "usage": {"tokens": {"input_tokens": 5, "output_tokens": 2}}})
    } else {
        return openai_chat(&text, (5, 2));
    };
    Response::json(200, &reply)
}

fn stub() -> Stub {
    Stub::start(|request, _| answer(request))
}

fn address(stub: &Stub) -> String {
    format!("http://{}", stub.address())
}

fn last_header(stub: &Stub, name: &str) -> String {
    let request = stub.requests().pop().expect("a request");
    request.header(name).unwrap_or_else(|| panic!("no {name} in {request:?}")).to_owned()
}

#[test]
fn bedrock_with_a_key_pair_and_with_a_key() {
    let (place, stub) = (Place::new(), stub());
    let url = address(&stub);
    let bedrock = |name: &'static str| -> Vec<String> {
        let line = ["models", "add", name, "--provider", "bedrock", "-m", "anthropic.claude-x"];
        let more = ["--region", "us-east-1", "--streaming", "off", "--base-url", &url];
        line.iter().chain(&more).map(|word| (*word).to_owned()).collect()
    };
    let line = |words: &[String], more: &[&str]| -> Vec<String> {
        words.iter().cloned().chain(more.iter().map(|word| (*word).to_owned())).collect()
    };
    let with = |secret: &str, words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        place.with(secret, &words)
    };
    let pair = ["--auth", "aws", "--access-key-id", "AKIDEXAMPLE"];
    let added = with(CANARY, line(&bedrock("The pair"), &pair)).ok();
    added.says("added byo:the-pair").complains("Connection test passed. ");
    let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/";
    assert!(last_header(&stub, "authorization").starts_with(signed));
    place.runs("byo:the-pair", "the-pair");
    assert!(last_header(&stub, "authorization").contains("/us-east-1/bedrock/aws4_request"));

    let no_id = with(CANARY, line(&bedrock("No id"), &["--auth", "aws"])).code(2);
    no_id.complains("needs the id of its key");
    let added = with(OTHER, line(&bedrock("The key"), &["--credential", "bedrock-prod"])).ok();
    added.says("added byo:the-key");
    assert_eq!(last_header(&stub, "authorization"), format!("Bearer {OTHER}"));
    place.runs("byo:the-key", "bedrock-prod");

    // The same way to sign in, and no other.
    let reuse = |name, more: &[&str]| {
        let words = line(&bedrock(name), more);
        place.evals(&words.iter().map(String::as_str).collect::<Vec<_>>()).run()
    };
    let of_key = ["--auth", "aws", "--reuse-credentials-of", "the-key"];
    reuse("Third one", &of_key).code(2).complains("uses a credential of key, not of aws");
    reuse("Third one", &["--reuse-credentials-of", "the-pair"]).ok();
    place.runs("byo:third-one", "the-pair");
    let more = ["--reuse-credentials-of", "the-key"];
    let edit = place.evals(&["models", "edit", "third-one"]).args(more).run().code(2);
    edit.complains("switching from aws to key needs a fresh API key");

    // Editing: blank keeps, switching needs something fresh, what was before leaves the vault.
    let blank = place.with("", &["models", "edit", "the-key", "--max-tokens", "9"]).ok();
    blank.complains("Connection test passed. ");
    assert_eq!(last_header(&stub, "authorization"), format!("Bearer {OTHER}"));
    let switch = ["models", "edit", "the-key", "--auth", "aws", "--access-key-id", "AKIDNEW"];
    place.with("", &switch).code(2).complains("switching from key to aws needs a fresh secret");
    place.with(CANARY, &switch).ok();
    place.evals(&["models", "test", "the-key"]).run().ok().says("Connection test passed. ");
    assert!(last_header(&stub, "authorization").contains("Credential=AKIDNEW/"));
    let origin = evals::vault::origin(&url).expect("an origin");
    let stored = |field| place.stored("bedrock-prod", "bedrock", field, &origin);
    assert_eq!((stored("api_key"), stored("secret_access_key").as_deref()), (None, Some(CANARY)));
}

#[test]
fn bedrock_as_aimock_speaks_it() {
    let fixtures = json!({"fixtures": [
        {"match": {"userMessage": "status"}, "response": {"content": "{\"status\":\"ok\"}"}},
        {"match": {"userMessage": "q0"}, "response": {"content": "a0"}},
        {"match": {"userMessage": "q1"}, "response": {"content": "a1"}},
    ]});
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    let place = Place::new();
    let url = aimock.base_url();
    let url = url.trim_end_matches("/v1");
    let line = ["models", "add", "Claude", "--provider", "bedrock", "-m", "us.anthropic.claude-x"];
    let more = ["--region", "us-east-1", "--base-url", url, "--access-key-id", "AKIDEXAMPLE"];
    place.with(CANARY, &[&line[..], &more[..]].concat()).ok();
    place.runs("byo:claude", "claude");
}

/// The provider's own addresses differ by region: nothing is called.
#[test]
fn a_secret_follows_to_other_regions_of_its_provider() {
    let place = Place::new();
    let origin = |region| format!("https://bedrock-runtime.{region}.amazonaws.com:443");
    let add = |name, region| {
        [
            "models",
            "add",
            name,
            "--provider",
            "bedrock",
            "-m",
            "x.y",
            "--region",
            region,
            "--no-test",
        ]
    };
    let pair = [&add("In America", "us-east-1")[..], &["--access-key-id", "AKIDEXAMPLE"]].concat();
    place.with(CANARY, &pair).ok();
    let europe = place.evals(&add("In Europe", "eu-west-1"));
    europe.args(["--reuse-credentials-of", "in-america"]).run().ok();
    let stored = |slug, region| place.stored(slug, "bedrock", "secret_access_key", &origin(region));
    assert_eq!(stored("in-europe", "eu-west-1").as_deref(), Some(CANARY));
    assert_eq!(stored("in-europe", "us-east-1"), None, "for its own region alone");
    place.evals(&["models", "show", "in-europe"]).run().ok().says("key AKIDEXAMPLE");

    // Rows of a file do the same.
    place.project.write(
        "asia.csv",
        "name,provider,model,region,reuse_credentials_of\n\
         In Japan,bedrock,x.y,ap-northeast-1,in-america\nIn India,bedrock,x.y,ap-south-1,in-japan\n",
    );
    place.evals(&["models", "import", "asia.csv"]).run().ok().says("added byo:in-india");
    assert_eq!(stored("in-japan", "ap-northeast-1").as_deref(), Some(CANARY));
    assert_eq!(stored("in-india", "ap-south-1").as_deref(), Some(CANARY));

    let bare = add("Bare one", "us-east-1");
    place.evals(&bare).run().ok();
    let of_bare = place.evals(&add("Of bare", "eu-west-1"));
    let of_bare = of_bare.args(["--reuse-credentials-of", "bare-one"]).run().code(2);
    of_bare.complains("`bare-one` has no credential that could be reused");
    let of_other = place.evals(&["models", "add", "Of other", "--provider", "groq", "-m", "x"]);
    let of_other = of_other.args(["--no-test", "--reuse-credentials-of", "in-america"]).run();
    of_other.code(2).complains("credentials are reused within one provider");
    let rm = place.evals(&["models", "rm", "--yes", "in-europe"]).run().ok();
    rm.complains("the key of `in-europe` is gone from the vault");
    assert_eq!(stored("in-europe", "eu-west-1"), None);
    assert_eq!(stored("in-america", "us-east-1").as_deref(), Some(CANARY));
}

fn service_account(stub: &Stub) -> String {
    let file = root().join("tests/fixtures/service-account/account.json");
    let text = fs::read_to_string(file).expect("an account");
    let mut account: Value = serde_json::from_str(&text).expect("JSON");
    account["token_uri"] = format!("{}/token", address(stub)).into();
    format!("{account:#}")
}

#[test]
fn vertex_with_a_service_account_and_with_a_key() {
    let (place, stub) = (Place::new(), stub());
    let (url, account) = (address(&stub), service_account(&stub));
    let vertex = ["models", "add", "--provider", "vertex", "-m", "gemini-2.5-pro"];
    let more = ["--google-project", "p1", "--location", "us-central1", "--streaming", "off"];
    let vertex = [&vertex[..], &more[..], &["--base-url", &url]].concat();
    let add = |name: &'static str| [&vertex[..], &[name]].concat();
    place.with(&account, &add("Gemini")).ok().complains("Connection test passed. ");
    let paths: Vec<String> = stub.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths[0], "/token");
    assert!(paths[1].contains("/projects/p1/locations/us-central1/"), "{paths:?}");
    assert_eq!(last_header(&stub, "authorization"), "Bearer ya29.stub");
    place.runs("byo:gemini", "gemini");

    // The file may be named instead of its content.
    let file = place.project.write("account.json", &account);
    place.with(file.to_str().expect("UTF-8"), &add("By path")).ok();
    fs::remove_file(&file).expect("removed");
    place.runs("byo:by-path", "by-path");
    let missing = place.with("/nowhere/account.json", &add("Missing")).code(2);
    missing.complains("the file of the service account cannot be read");
    place.with("{\"type\": 1", &add("Broken")).code(2).complains("is no JSON object");

    let blank = place.with("", &["models", "edit", "gemini", "--max-tokens", "77"]).ok();
    blank.complains("Connection test passed. ");
    let switch = ["models", "edit", "gemini", "--auth", "key"];
    place.with("", &switch).code(2).complains("switching from service-account to key needs");
    place.with(CANARY, &switch).ok();
    place.runs("byo:gemini", "gemini");
    assert_eq!(last_header(&stub, "x-goog-api-key"), CANARY);
    let reuse = ["--reuse-credentials-of", "by-path"];
    place.evals(&add("Second")).args(reuse).run().ok();
    place.runs("byo:second", "by-path");
    let back = place.evals(&["models", "edit", "gemini"]).args(reuse).run().code(2);
    back.complains("switching from key to service-account needs a fresh");

    // A variable may hold the account as well.
    let add = place.evals(&add("By variable")).args(["--api-key-env", "ACCOUNT"]);
    add.env("ACCOUNT", &account).run().ok().complains("Connection test passed. ");
}

/// Every provider that is asked with a key.
#[test]
fn keys_of_hosted_providers_are_kept_sent_and_reused() {
    let (place, stub) = (Place::new(), stub());
    let hosted = PROVIDERS.iter().filter(|provider| provider.card().auth == Auth::Key);
    let mut count = 0;
    for provider in hosted.map(|provider| provider.name()) {
        // A key is bound to the address, so each provider may have the same one.
        let url = address(&stub);
        let first = format!("{provider} first");
        let second = format!("{provider} second");
        let of = format!("{provider}-first");
        let line = |name: &str| -> Vec<String> {
            let words = ["models", "add", name, "--provider", provider, "-m", "some-model"];
            let more = ["--base-url", &url, "--streaming", "off"];
            words.iter().chain(&more).map(|word| (*word).to_owned()).collect()
        };
        let add = place.evals(&[]).args(line(&first)).arg("--api-key-stdin").stdin(CANARY).run();
        add.ok().complains("Connection test passed. ");
        let request = stub.requests().pop().expect("a request");
        let sent = request.headers.iter().any(|(_, value)| value.contains(CANARY));
        assert!(sent, "{provider}: {request:?}");
        let reuse = ["--reuse-credentials-of", &*of];
        place.evals(&[]).args(line(&second)).args(reuse).run().ok();
        place.runs(&format!("byo:{provider}-second"), &of);
        let request = stub.requests().pop().expect("a request");
        let sent = request.headers.iter().any(|(_, value)| value.contains(CANARY));
        assert!(sent, "{provider}: {request:?}");
        count += 1;
    }
    assert!(count > 15, "{count} providers");
    let home = place.project.home();
    let text = fs::read_to_string(home.join(Path::new("evals/models.json"))).expect("a registry");
    assert!(!text.contains(CANARY));
}
