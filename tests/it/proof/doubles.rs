//! The tests that start a double and run its rows.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Double, PLAIN, Proof, exercise_all, script};
use crate::support::{Aimock, Project, Response, Server, Stub, get, installed, root};

/// The first bytes of `tests/doubles/dot.png` as requests have them.
const DOT: &str = "iVBORw0KGgo";

/// What the doubles that follow a script answer to the words of [`Proof::question`].
fn answers() -> Value {
    let fault = |kind: &str, status: u16, code: &str, message: &str| {
        let error = json!({"message": message, "type": code, "code": code});
        json!({
            "match": {"userMessage": format!("fault {kind}")},
            "response": {"error": error, "status": status}
        })
    };
    let usage = json!({
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 30}
    });
    let arguments = "{\"city\":\"Paris\"}";
    let call = json!({"toolCalls": [{"name": "get_weather", "arguments": arguments}]});
    let form = |form: &str| {
        json!({
            "match": {"userMessage": "schema", "responseFormat": form},
            "response": {"content": "{\"status\":\"ok\"}"}
        })
    };
    json!({"fixtures": [
        fault("auth", 401, "invalid_api_key", "Incorrect API key provided"),
        fault("bad_request", 400, "invalid_request_error", "no such thing"),
        fault("context_length", 400, "context_length_exceeded",
            "This model's maximum context length is 8192 tokens"),
        fault("content_filter", 400, "content_filter", "The prompt was filtered"),
        fault("rate_limited", 429, "rate_limit_exceeded", "Rate limit reached"),
        fault("quota", 429, "insufficient_quota", "You exceeded your current quota"),
        fault("transient", 500, "server_error", "internal"),
        {"match": {"userMessage": "fault truncated"}, "chunkSize": 4, "truncateAfterChunks": 2,
            "response": {"content": "This will be cut before its end."}},
        {"match": {"userMessage": "plain"}, "response": {"content": PLAIN}},
        // Only where it has understood what it was asked for: tools, a form.
        {"match": {"userMessage": "weather", "toolName": "get_weather"}, "response": call},
        form("json_schema"),
        form("json_object"),
        {"match": {"userMessage": "picture"}, "response": {"content": "A dot."}},
        {"match": {"userMessage": "think"},
            "response": {"reasoning": "Let me think.", "content": "42.", "usage": usage}},
        {"match": {"userMessage": "cached"}, "response": {"content": "Cached.", "usage": usage}}
    ]})
}

/// The address of aimock, without the `/v1` of its `OpenAI` endpoints.
fn base(aimock: &Aimock) -> String {
    aimock.base_url().trim_end_matches("/v1").to_owned()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("an account")).expect("JSON")
}

#[test]
fn aimock() {
    let Some(aimock) = Aimock::start(&answers()) else { return };
    let base = base(&aimock);
    let address = base.strip_prefix("http://").expect("an address").to_owned();
    // Vertex wants a token first.
    let tokens = Stub::start(|request, _| {
        assert_eq!(request.path, "/token");
        Response::json(200, &json!({"access_token": "ya29.double", "expires_in": 3599}))
    });
    let home = TempDir::new().expect("a temporary directory");
    let account = home.path().join("account.json");
    let mut read = read(&root().join("tests/fixtures/service-account/account.json"));
    read["token_uri"] = json!(format!("http://{}/token", tokens.address()));
    fs::write(&account, read.to_string()).expect("an account");
    let account = account.display().to_string();
    let fill = |text: &str| text.replace("{base}", &base).replace("{account}", &account);
    let mut seen = 0;
    exercise_all(Double::Aimock, &fill, &mut |row| {
        let journal = get(&address, "/__aimock/journal").expect("a journal");
        let images = journal.matches(DOT).count();
        let arrived = images > seen;
        assert_eq!(arrived, row.claims(Proof::Image), "images of {}", row.provider);
        seen = images;
    });
}

#[test]
fn litellm() {
    let path = "python/litellm/bin/litellm";
    let Some(program) = installed("EVALS_TEST_LITELLM", path) else { return };
    let server = Server::start("/health/liveliness", |port, dir| {
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"]);
        command.arg(script("litellm.yaml")).current_dir(dir).env("HOME", dir);
        // Else it fetches a list of prices first.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command
    });
    let base = format!("http://{}", server.address());
    exercise_all(Double::LiteLlm, &|text| text.replace("{base}", &base), &mut |_| {});

    let project = Project::new();
    let url = format!("{base}/v1");
    let key = |line: &[&str]| project.evals().args(line).env("KEY", "sk-double-0123456789").run();
    let add = ["models", "add", "Proxy", "--provider", "custom", "-m", "answers", "--base-url"];
    let add = [&add[..], &[&url, "--api-key-env", "KEY", "--json-mode", "off"]].concat();
    key(&add).ok().says("added byo:proxy").complains("Connection test passed. ");
    key(&["models", "test", "byo:proxy"]).ok();
}

#[test]
fn mlflow() {
    let path = "python/mlflow/bin/mlflow";
    let Some(program) = installed("EVALS_TEST_MLFLOW", path) else { return };
    let Some(aimock) = Aimock::start(&answers()) else { return };
    let server = Server::start("/health", |port, dir| {
        let config = json!({"endpoints": [{
            "name": "chat",
            "endpoint_type": "llm/v1/chat",
            "model": {"provider": "openai", "name": "any", "config": {
                "openai_api_base": aimock.base_url(), "openai_api_key": "unused"
            }}
        }]});
        fs::write(dir.join("gateway.yaml"), config.to_string()).expect("a config");
        let mut command = Command::new(&program);
        // It starts its worker by name.
        let bin = program.parent().unwrap_or(Path::new("")).display();
        command
            .args(["gateway", "start", "--config-path", "gateway.yaml", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--workers", "1"])
            .current_dir(dir)
            .envs([
                ("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin")),
                ("DO_NOT_TRACK", "true".to_owned()),
            ])
            .env("MLFLOW_DISABLE_TELEMETRY", "true");
        command
    });
    let base = format!("http://{}", server.address());
    exercise_all(Double::Mlflow, &|text| text.replace("{base}", &base), &mut |_| {});
}

/// google-auth verifies the assertion, and aimock wants the token that was given for it.
#[test]
fn google_auth() {
    let path = "python/google-auth/bin/python";
    let Some(python) = installed("EVALS_TEST_GOOGLE_AUTH", path) else { return };
    let token = "ya29.double-0123456789";
    let Some(aimock) = Aimock::start_for(&answers(), &[token]) else { return };
    let server = Server::start("/", |port, dir| {
        let mut command = Command::new(python);
        command.arg(script("google_token.py")).arg(port.to_string());
        command.arg(dir.join("account.json")).arg(token);
        command
    });
    let account = server.file("account.json");
    // The same account, signed for with a key that is not its own.
    let mut forged = read(&account);
    forged["private_key"] =
        read(&root().join("tests/fixtures/service-account/account.json"))["private_key"].take();
    let other = server.file("forged.json");
    fs::write(&other, forged.to_string()).expect("an account");
    let base = base(&aimock);
    let fill = |text: &str| {
        let text = text.replace("{base}", &base);
        let text = text.replace("{account}", &account.display().to_string());
        text.replace("{forged}", &other.display().to_string())
    };
    exercise_all(Double::GoogleAuth, &fill, &mut |_| {});
}

/// A random model in llama.cpp: real tokens, probabilities and grammars, and no sense.
#[test]
fn llama_cpp() {
    let path = "python/llama-cpp/bin/python";
    let Some(python) = installed("EVALS_TEST_LLAMA_CPP", path) else { return };
    let server = Server::start("/v1/models", |port, dir| {
        let model = dir.join("tiny.gguf");
        let made = Command::new(&python).arg(script("tiny_gguf.py")).arg(&model).output();
        let made = made.expect("python");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut command = Command::new(&python);
        command.args(["-m", "llama_cpp.server", "--model_alias", "tiny", "--n_ctx", "512"]);
        command.args(["--n_threads", "1", "--logits_all", "true", "--host", "127.0.0.1"]);
        // Otherwise each request cuts the stream of the one before it short.
        command.args(["--interrupt_requests", "false"]);
        command.arg("--model").arg(model).args(["--port", &port.to_string()]);
        command
    });
    let base = format!("http://{}", server.address());
    exercise_all(Double::LlamaCpp, &|text| text.replace("{base}", &base), &mut |_| {});
}
