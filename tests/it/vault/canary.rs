//! A key that must be found nowhere: it is used by every command and on every path of failure, by
//! servers that repeat it in every form, and then searched for in all that is left.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::vault_path;
use crate::support::{Evals, Output, Project, Request, Response, Stub, openai_chat, openai_error};

/// Has characters that look otherwise in JSON, in URLs and in both alphabets of base64.
const KEY: &str = "sk-vault/CANARY0123456789abcdef+q?\"z\\>WXYZ";

/// The part of it that looks the same in all texts, and of which no mask shows anything.
const CORE: &str = "CANARY0123456789abcdef";

const PASSPHRASE: &str = "passphrase CANARY0123456789abcdef";

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// What no place may hold: the core as it is, in hexadecimal, and in base64 whatever stands before
/// it. Forms that leave letters and digits as they are, JSON, URLs, HTML, hold the first.
fn needles() -> Vec<String> {
    // Half of it: what was cut is to be found as well.
    let core = &CORE[..14];
    let mut needles = vec![core.to_owned(), hex(core), hex(core).to_uppercase()];
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for lead in 0..3 {
            let encoded = engine.encode(format!("{}{core}", &"\0\0\0"[..lead]));
            // The ends depend on what stands beside.
            needles.push(encoded[4..encoded.len() - 2].to_owned());
        }
    }
    needles
}

/// The key in every form that a server may send it back in.
fn echo() -> String {
    let url: String = url_encoded(KEY);
    let json = json!(KEY).to_string();
    let lower = url.replace("%2F", "%2f").replace("%2B", "%2b").replace("%3F", "%3f");
    let lower = lower.replace("%5C", "%5c").replace("%3E", "%3e");
    let forms = [
        KEY.to_owned(),
        json.trim_matches('"').to_owned(),
        url,
        lower,
        STANDARD.encode(KEY),
        URL_SAFE.encode(KEY),
        STANDARD.encode(format!("u:{KEY}")),
        STANDARD.encode(format!("us:{KEY}:x")),
        URL_SAFE.encode(format!("use:{KEY}:xy")),
        hex(KEY),
        hex(KEY).to_uppercase(),
    ];
    forms.join(" | ")
}

fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |url, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            format!("{url}{}", char::from(byte))
        } else {
            format!("{url}%{byte:02X}")
        }
    })
}

/// A project in which the key is used, and what was said there.
struct Hunt {
    project: Project,
    vault_key: String,
    said: Vec<(String, String)>,
    commands: BTreeSet<String>,
}

impl Hunt {
    /// With a vault that `EVALS_VAULT_KEY` opens.
    fn new() -> Self {
        let project = Project::new();
        let vault_key = evals::vault::new_env_key().expect("a key").expose().to_owned();
        let mut hunt = Self { project, vault_key, said: Vec::new(), commands: BTreeSet::new() };
        hunt.run(&["vault", "init", "--env"]).ok();
        hunt.project.write("rows.csv", "question,answer\nq0,a0\nq1,a1\n");
        hunt
    }

    /// A command with the key in its environment, and everything that could make it talk.
    fn evals(&self, line: &[&str]) -> Evals {
        let evals = self.project.evals().args(line).env("SOME_KEY", KEY);
        let evals = evals.env("EVALS_VAULT_KEY", &self.vault_key).env("RUST_LOG", "trace");
        evals.env("RUST_BACKTRACE", "full").env("REQWEST_LOG", "trace")
    }

    fn run(&mut self, line: &[&str]) -> Output {
        let evals = self.evals(line);
        self.heard(line, evals)
    }

    /// With something on standard input.
    fn fed(&mut self, line: &[&str], stdin: &str) -> Output {
        let evals = self.evals(line).stdin(stdin);
        self.heard(line, evals)
    }

    fn heard(&mut self, line: &[&str], evals: Evals) -> Output {
        self.note(line, evals.run())
    }

    fn note(&mut self, line: &[&str], output: Output) -> Output {
        self.commands.extend((1..=line.len()).map(|words| line[..words].join(" ")));
        self.said.push((format!("stdout of {line:?}"), output.stdout.clone()));
        self.said.push((format!("stderr of {line:?}"), output.stderr.clone()));
        output
    }

    /// Registers a model whose key is in the vault.
    fn add(&mut self, kind: &str, slug: &str, base_url: &str) -> Output {
        let mut line = vec![kind, "add", "--slug", slug, "--provider", "custom", "--no-test"];
        line.extend(["--base-url", base_url, "--api-key-stdin"]);
        if kind == "models" {
            line.extend(["-m", "m"]);
        }
        self.fed(&line, KEY)
    }

    fn config(&self, models: &[String]) {
        let models: Vec<String> = models.iter().map(|model| format!("  - {model}\n")).collect();
        let models = models.concat();
        self.project.write(
            "evals.yaml",
            format!(
                "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
                 scorers: [exact_match]\nretry: {{base: 1ms, cap: 5ms, breaker: 0s}}\nmodels:\n{models}"
            ),
        );
    }

    /// Searches everything that was said and everything below the project, its home and its
    /// temporary directory; nothing may be found. Gives how many files there are.
    #[track_caller]
    fn search(&self) -> usize {
        let (files, found) = self.found();
        assert!(found.is_empty(), "{found:#?}");
        files
    }

    /// How many files there are, and where something was found.
    fn found(&self) -> (usize, Vec<String>) {
        let mut needles = needles();
        needles.push(self.vault_key.clone());
        let mut found = Vec::new();
        let mut search = |place: &str, bytes: &[u8]| {
            let is_in = |needle: &&String| {
                bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
            };
            found.extend(needles.iter().filter(is_in).map(|needle| format!("{place}: {needle}")));
        };
        for (place, text) in &self.said {
            search(place, text.as_bytes());
        }
        let mut dirs = vec![self.project.path(""), self.project.home(), self.project.tmp()];
        let mut files = 0;
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                search("a file's name", path.as_os_str().as_encoded_bytes());
                if path.is_symlink() {
                    continue;
                }
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    files += 1;
                    // What vanishes meanwhile, such as a write-ahead log, cannot be searched.
                    search(&path.display().to_string(), &fs::read(&path).unwrap_or_default());
                }
            }
        }
        (files, found)
    }

    /// Whether anything was said that has this.
    #[track_caller]
    fn said(&self, part: &str) {
        assert!(self.said.iter().any(|(_, text)| text.contains(part)), "nobody said {part:?}");
    }
}

/// Every command that does something, as help lists them.
fn all_commands(project: &Project, above: &str) -> Vec<String> {
    let help = project.evals().args(above.split_whitespace()).arg("--help").run().ok().stdout;
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return vec![above.to_owned()] };
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    // What is wrapped stands further in.
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.flat_map(|name| all_commands(project, format!("{above} {name}").trim())).collect()
}

/// Answers, and repeats the key wherever an answer has room for it.
fn chatty(request: &Request) -> Response {
    let status = request.last_user().contains("status");
    let text = if status { "{\"status\":\"ok\"}".to_owned() } else { format!("a0 {}", echo()) };
    openai_chat(&text, (1, 1)).with_header("x-request-id", KEY)
}

#[test]
fn attack_15_no_command_leaves_a_key_behind() {
    let stub = Stub::start(|request, _| chatty(request));
    let base_url = stub.base_url();
    let mut hunt = Hunt::new();
    models(&mut hunt, &base_url);
    runs(&mut hunt, &base_url);
    let bearer = format!("Bearer {KEY}");
    assert!(stub.requests().iter().all(|sent| sent.header("authorization") == Some(&*bearer)));
    the_rest(&mut hunt);
    let left: Vec<String> = all_commands(&hunt.project, "")
        .into_iter()
        .filter(|command| !hunt.commands.contains(command))
        .collect();
    assert!(left.is_empty(), "no case for {left:?}: add one here");
    let files = hunt.search();
    assert!(files > 15, "only {files} files");
}

/// `models` and `endpoints`, with keys that are given, tested, changed and shown.
fn models(hunt: &mut Hunt, base_url: &str) {
    let header = ["--header", "x-more={{api_key}}"];
    let mut line = vec!["models", "add", "Mine", "--provider", "custom", "-m", "m"];
    line.extend(["--base-url", base_url, "--api-key-stdin"]);
    line.extend(header);
    hunt.fed(&line, KEY).ok().complains("Connection test passed");
    hunt.fed(&["models", "edit", "mine", "--api-key-stdin", "--max-tokens", "9"], KEY).ok();
    hunt.run(&["models", "test", "mine"]).ok();
    hunt.add("endpoints", "lab", base_url).ok();
    hunt.run(&["endpoints", "edit", "lab", "--header", "x-more={{api_key}}", "--test-model", "m"])
        .ok();
    hunt.run(&["endpoints", "test", "lab", "-m", "m"]).ok();
    hunt.project.write(
        "models.csv",
        format!("slug,provider,model,base_url,api_key_env\nby-env,custom,m,{base_url},SOME_KEY\n"),
    );
    hunt.run(&["models", "import", "models.csv"]).ok();
    hunt.project.write(
        "endpoints.yaml",
        format!(
            "- {{slug: lab-two, provider: custom, base_url: '{base_url}', api_key_env: SOME_KEY}}\n"
        ),
    );
    hunt.run(&["endpoints", "import", "endpoints.yaml"]).ok();
    for (kind, slug) in [("models", "mine"), ("endpoints", "lab")] {
        hunt.run(&[kind, "show", slug]).ok().says("vault (****WXYZ)");
        hunt.run(&[kind, "show", slug, "--format", "json"]).ok().says("\"shown\": \"****WXYZ\"");
        for format in ["table", "json", "csv"] {
            hunt.run(&[kind, "list", "--all", "--format", format]).ok();
        }
    }
}

/// Everything that runs, and everything that is made of runs.
fn runs(hunt: &mut Hunt, base_url: &str) {
    hunt.config(&[
        "byo:mine".to_owned(),
        "byo:lab/x".to_owned(),
        "byo:by-env".to_owned(),
        format!(
            "{{id: own, provider: openai-compatible, base_url: '{base_url}', model: m, \
             api_key: '${{SOME_KEY}}', headers: {{x-more: '${{SOME_KEY}}'}}}}"
        ),
    ]);
    hunt.run(&["run", "--log", "events.jsonl", "--report", "run.html"]).says("exact_match");
    hunt.run(&["run", "--format", "json"]);
    let define = format!("SOME_KEY={KEY}");
    hunt.run(&["run", "--format", "markdown", "--name", "again", "-D", &define, "-q"]);
    hunt.run(&["resume", "last", "-D", &define, "--retry-errors"]);
    hunt.run(&["resume", "last", "-D", &define, "--as-new-run", "--format", "json"]);
    for format in ["table", "json", "csv"] {
        hunt.run(&["list", "--format", format]).ok();
    }
    for format in ["table", "json", "markdown"] {
        hunt.run(&["show", "--format", format]).ok();
    }
    hunt.run(&["show", "--trials"]).ok();
    hunt.run(&["show", "--failed"]).ok();
    hunt.run(&["run", "-s", "judge: {criterion: It is right., model: byo:mine}", "-q"])
        .says("judge");
    for format in ["table", "json", "markdown", "html", "csv"] {
        hunt.run(&["compare", "last", "--format", format]).ok();
    }
    hunt.run(&["gate", "last", "--gate", "exact_match.mean >= 0.5"]);
    hunt.run(&["power", "last", "--scorer", "exact_match"]);
    hunt.run(&["tag", "last", "kept"]).ok();
    hunt.run(&["judge", "list"]).ok();
    hunt.run(&["judge", "show", "factuality"]).ok();
    hunt.project.write("labels.csv", "sample_id,label\n");
    hunt.run(&["judge", "calibrate", "last", "--labels", "labels.csv"]).code(2);
    hunt.run(&["judge", "label", "last"]).code(2);
    for shard in ["1/2", "2/2"] {
        hunt.run(&["run", "--shard", shard, "--tag", &shard.replace('/', "of"), "-q"]);
    }
    hunt.run(&["merge", "1of2", "2of2", "--partial"]);
    for (format, file) in [("html", "report.html"), ("markdown", "report.md")] {
        hunt.run(&["report", "last", "--format", format, "-o", file]).ok();
        hunt.run(&["report", "last", "--format", format, "-o", "-"]).ok();
    }
    for format in ["jsonl", "csv", "parquet"] {
        let file = format!("trials.{format}");
        hunt.run(&["export", "last", "--format", format, "-o", &file]).ok();
    }
    hunt.run(&["export", "last"]).ok().says("****");
    hunt.run(&["cache", "stats"]).ok();
    hunt.run(&["cache", "clear", "--yes"]).ok();
    hunt.run(&["plan"]).ok();
    hunt.run(&["score", "last", "-s", "contains"]);
    hunt.run(&["rm", "again", "--yes"]).ok();
}

fn the_rest(hunt: &mut Hunt) {
    hunt.run(&["init", "starter"]).ok();
    hunt.run(&["catalog", "list", "--provider", "openai"]).ok();
    hunt.run(&["catalog", "search", "gpt"]).ok();
    hunt.run(&["catalog", "show", "openai/gpt-4o"]).ok();
    hunt.run(&["catalog", "update", "missing.json"]).code(2);
    hunt.run(&["vault", "status"]).ok();
    hunt.run(&["vault", "rekey", "--env"]).ok();
    hunt.run(&["vault", "rotate"]).ok();
    hunt.run(&["vault", "lock"]);
    for format in ["table", "json", "csv"] {
        hunt.run(&["audit", "--format", format]).ok().says("key.use");
    }
    hunt.run(&["schema"]).ok();
    hunt.run(&["scorers", "list"]).ok();
    hunt.run(&["scorers", "show", "exact_match"]).ok();
    hunt.run(&["completions", "bash"]).ok();
    hunt.run(&["shell-init", "bash"]).ok();
    hunt.run(&["doctor"]).ok();
    hunt.run(&["models", "rm", "mine", "--yes"]).ok();
    hunt.run(&["endpoints", "rm", "lab", "--yes"]).ok();
}

/// What the server does for each model: the ways in which a call fails.
const FAULTS: [&str; 17] = [
    "401",
    "400",
    "404",
    "429",
    "500",
    "redirect",
    "reset",
    "cut",
    "cut-in-the-key",
    "stall",
    "stall-in-the-key",
    "garbage",
    "html",
    "not-json",
    "error-in-200",
    "error-event",
    "headers",
];

fn fault(request: &Request, other: &str) -> Response {
    let model = request.json()["model"].as_str().unwrap_or_default().to_owned();
    let echo = echo();
    let raw =
        |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").into_bytes();
    let event = |data: &str| raw("content-type: text/event-stream", &format!("data: {data}\n\n"));
    match model.as_str() {
        "401" | "400" | "404" | "429" | "500" => {
            let message = format!("no such key: {echo}");
            openai_error(model.parse().expect("a status"), &message, &echo)
        }
        "redirect" => {
            let to = format!("{other}/chat/completions?key={}", url_encoded(KEY));
            Response::json(307, &json!({ "to": to })).with_header("location", &to)
        }
        "reset" => Response::Reset,
        "cut" => Response::Raw(raw("content-length: 100000", &echo)),
        "cut-in-the-key" => {
            Response::Raw(raw("content-length: 100000", &format!("k: {}", &KEY[..30])))
        }
        "stall" => Response::Stall(raw("content-length: 100000", &echo)),
        "stall-in-the-key" => Response::Stall(event(&KEY[..30])),
        "garbage" => Response::Raw(format!("{echo}\r\n\r\n").into_bytes()),
        "html" => Response::Full {
            status: 502,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: format!("<html><title>{echo}</title></html>").into_bytes(),
        },
        "not-json" => {
            Response::Raw(raw("content-type: application/json", &format!("{{\"k\": \"{KEY}")))
        }
        "error-in-200" => Response::json(200, &json!({"error": {"message": echo, "code": KEY}})),
        "error-event" => {
            let error = json!({"error": {"message": echo, "type": KEY}}).to_string();
            let part = json!({"choices": [{"index": 0, "delta": {"content": KEY}}]}).to_string();
            Response::Events(vec![part, error])
        }
        _ => openai_error(503, "later", "x")
            .with_header("retry-after", KEY)
            .with_header("x-request-id", KEY),
    }
}

/// The same faults for keys of the vault and of the environment, streamed and whole; and the ways in
/// which a connection fails before anything is sent.
#[test]
fn attack_15_no_failure_of_a_call_leaves_a_key_behind() {
    let elsewhere = Stub::start(|_, _| Response::Reset);
    let other = elsewhere.base_url();
    let stub = Stub::start(move |request, _| fault(request, &other));
    let mut hunt = Hunt::new();
    let base_url = stub.base_url();
    hunt.add("endpoints", "lab", &base_url).ok();
    let timeouts = "timeouts: {connect: 2s, first_byte: 1s, idle: 1s, total: 3s}";
    let mut models: Vec<String> = Vec::new();
    for fault in FAULTS {
        // An account of its own each: one that is refused would end the others.
        let own = format!("headers: {{X-Case: '{fault}'}}, {timeouts}");
        models.push(format!("{{id: vault-{fault}, use: 'byo:lab/{fault}', {own}}}"));
        models.push(format!(
            "{{id: env-{fault}, provider: openai-compatible, base_url: '{base_url}', stream: false, \
             model: '{fault}', api_key: '${{SOME_KEY}}', {own}}}"
        ));
    }
    let plain = stub.address();
    for (id, base) in [
        ("tls", format!("https://{plain}/v1")),
        ("dns", "https://no-such-host.invalid/v1".to_owned()),
        ("closed", "http://127.0.0.1:1/v1".to_owned()),
    ] {
        models.push(format!(
            "{{id: {id}, provider: openai-compatible, base_url: '{base}', model: m, api_key: \
             '${{SOME_KEY}}', {timeouts}}}"
        ));
    }
    hunt.config(&models);
    let run =
        ["run", "-n", "1", "--log", "events.jsonl", "--report", "run.html", "--format", "json"];
    let json = hunt.run(&run).code(3).json();
    assert_eq!(json["trials"]["error"], models.len(), "{}", json["errors"]);
    let kinds = json["errors"].as_object().expect("kinds").len();
    assert!(kinds >= 6, "{}", json["errors"]);
    assert_eq!(elsewhere.connections(), 0, "a redirect is not followed");
    let bearer = format!("Bearer {KEY}");
    assert!(stub.requests().iter().all(|sent| sent.header("authorization") == Some(&*bearer)));
    hunt.run(&["show", "--failed", "-n", "100"]).ok().says("no such key: ****");
    for format in ["jsonl", "csv"] {
        hunt.run(&["export", "--format", format]).ok().says("no such key");
    }
    hunt.run(&["export", "--format", "parquet", "-o", "trials.parquet"]).ok();
    hunt.run(&["report", "--format", "markdown", "-o", "report.md"]).ok();
    for fault in ["401", "error-in-200", "not-json", "redirect", "headers"] {
        hunt.run(&["endpoints", "test", "lab", "-m", fault])
            .code(3)
            .complains("connection test failed");
    }
    hunt.search();
}

/// The rows 16 and 17 by themselves, with what is said instead.
#[test]
fn attack_16_a_key_that_a_401_repeats_is_masked() {
    let stub =
        Stub::start(|_, _| openai_error(401, &format!("Incorrect API key: {}", echo()), "auth"));
    let mut hunt = Hunt::new();
    hunt.add("models", "mine", &stub.base_url()).ok();
    hunt.config(&["byo:mine".to_owned()]);
    hunt.run(&["run"]).code(3);
    hunt.run(&["show", "--failed"]).ok().says("Incorrect API key: **** | ****");
    hunt.run(&["models", "test", "mine"]).code(3).complains("Incorrect API key: **** | ****");
    hunt.search();
}

#[test]
fn attack_17_a_key_in_an_address_that_an_error_quotes_is_masked() {
    let stub = Stub::start(|_, _| {
        let key = url_encoded(KEY);
        let message =
            format!("400 Bad Request for url: https://x.example/v1?alt=sse&key={key}&x=1");
        Response::json(
            400,
            &json!({"error": {"code": 400, "message": message, "status": "INVALID"}}),
        )
    });
    let mut hunt = Hunt::new();
    let base_url = stub.base_url();
    hunt.config(&[
        format!("{{id: google, provider: google, base_url: '{base_url}', model: m, api_key: '${{SOME_KEY}}'}}"),
        format!("{{id: open, provider: openai-compatible, base_url: '{base_url}', model: m, api_key: '${{SOME_KEY}}'}}"),
    ]);
    hunt.run(&["run", "--log", "events.jsonl"]).code(3);
    hunt.run(&["export", "last"]).ok().says("key=****&x=1");
    hunt.said("key=****&x=1");
    assert!(stub.requests().iter().all(|request| !request.path.contains("CANARY")));
    assert_eq!(stub.requests().len(), 4);
    hunt.search();
}

/// What goes wrong before anything is called.
#[test]
fn attack_15_no_failure_of_a_command_leaves_a_key_behind() {
    let stub = Stub::start(|request, _| chatty(request));
    let mut hunt = Hunt::new();
    let base_url = stub.base_url();
    hunt.add("models", "mine", &base_url).ok();
    hunt.config(&["byo:mine".to_owned()]);
    mistyped(&mut hunt, &base_url);
    wrong_vaults(&mut hunt);
    damaged_files(&mut hunt);
    assert_eq!(stub.requests().len(), 0);
    hunt.search();
}

/// Keys where something else belongs.
fn mistyped(hunt: &mut Hunt, base_url: &str) {
    let add = ["models", "add", "--slug", "other", "--provider", "custom", "-m", "m", "--no-test"];
    let at = ["--base-url", base_url];
    let wrong: &[&[&str]] = &[
        &["--api-key-env", KEY],
        &["--api-key", KEY],
        &["--session-token-env", KEY, "--api-key-env", "SOME_KEY"],
        &["--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--auth", "aws", "--api-key-env", KEY],
        &["--header", KEY],
        &["--header", "x-more={{no_such_name}}"],
    ];
    for more in wrong {
        let line: Vec<&str> = add.iter().chain(&at).chain(*more).copied().collect();
        let output = hunt.evals(&line).run();
        // The words of the line itself are the shell's to keep; what is said about them is not.
        hunt.note(&["models", "add"], output).code(2);
    }
    hunt.fed(&["models", "edit", "mine", "--api-key-stdin"], &KEY.repeat(2000)).code(2);
    hunt.project.write(
        "bad.csv",
        format!("slug,provider,model,api_key\nx,custom,m,{}\n", KEY.replace('"', "")),
    );
    hunt.run(&["models", "import", "bad.csv"]).code(2).complains("does not belong in a file");
    hunt.project.write(
        "bad.yaml",
        format!("- {{slug: xyz, provider: custom, api_key: '{KEY}'}}\n- : {{\n"),
    );
    hunt.run(&["models", "import", "bad.yaml"]).code(2);
    for config in [
        format!("models: [{{id: x, provider: openai, model: m, api_key: '{KEY}', colour: red}}]\n"),
        format!("models: [{{id: x, provider: openai, model: m, api_key: ['{KEY}']}}]\n"),
        format!("models: [{{id: x, provider: openai, model: m, api_key: '{KEY}'\n"),
        format!(
            "models: [{{id: x, provider: openai, model: m, headers: {{authorization: '{KEY}\\n'}}}}]\n"
        ),
    ] {
        hunt.project.write("bad-config.yaml", format!("dataset: rows.csv\nprompts: [x]\n{config}"));
        hunt.run(&["run", "bad-config.yaml", "--no-report"]);
    }
    for file in ["bad.csv", "bad.yaml", "bad-config.yaml"] {
        fs::remove_file(hunt.project.path(file)).expect("removed");
    }
}

/// A vault that does not open, by whatever is wrong with what should open it.
fn wrong_vaults(hunt: &mut Hunt) {
    let lines: &[&[&str]] = &[
        &["run", "--no-report"],
        &["models", "test", "mine"],
        &["models", "show", "mine"],
        &["models", "edit", "mine", "--api-key-stdin", "--no-test"],
        &["vault", "rotate"],
        &["vault", "rekey", "--env"],
        &["vault", "lock"],
    ];
    let other = "A".repeat(43);
    for wrong in [KEY, "", &other] {
        for line in lines {
            let output = hunt.evals(line).env("EVALS_VAULT_KEY", wrong).stdin(KEY).run();
            let code = if line.contains(&"show") { 0 } else { 2 };
            hunt.note(line, output).code(code);
        }
    }
    // One with a passphrase, in a home of its own.
    let home = hunt.project.home().join("other");
    let init = hunt.evals(&["vault", "init", "--passphrase"]).env("EVALS_HOME", &home);
    let output = init.stdin(format!("{PASSPHRASE}\n")).run();
    hunt.note(&["vault", "init"], output).ok();
    for said in [PASSPHRASE, "wrong CANARY0123456789abcdef"] {
        let rotate = hunt.evals(&["vault", "rotate"]).env("EVALS_HOME", &home);
        let output = rotate.stdin(format!("{said}\n")).run();
        hunt.note(&["vault", "rotate"], output).code(2);
    }
}

/// Files that are not as they should be.
fn damaged_files(hunt: &mut Hunt) {
    let path = vault_path(&hunt.project);
    let genuine = fs::read(&path).expect("a vault");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    let lines: &[&[&str]] =
        &[&["run", "--no-report"], &["models", "test", "mine"], &["vault", "rotate"]];
    let tried = |hunt: &mut Hunt| {
        for line in lines {
            hunt.run(line).code(2);
        }
    };
    fs::write(&path, &genuine[..genuine.len() / 2]).expect("written");
    tried(hunt);
    let mut flipped = genuine.clone();
    flipped[genuine.len() - 20] ^= 1;
    fs::write(&path, flipped).expect("written");
    tried(hunt);
    fs::write(&path, &genuine).expect("written");
    mode(&path, 0o644);
    tried(hunt);
    mode(&path, 0o600);
    let moved = path.with_file_name("moved");
    fs::rename(&path, &moved).expect("moved");
    tried(hunt);
    symlink(&moved, &path).expect("a link");
    tried(hunt);
    fs::rename(&moved, &path).expect("moved back");

    // Places that cannot be written.
    fs::create_dir(hunt.project.path("taken")).expect("made");
    for line in [
        ["run", "--log", "taken"],
        ["run", "--report", "rows.csv/report.html"],
        ["run", "--db", "taken"],
    ] {
        hunt.run(&line).code(2);
    }
    let audit = path.with_file_name("audit.jsonl");
    fs::rename(&audit, &moved).expect("moved");
    fs::create_dir(&audit).expect("made");
    hunt.run(&["run", "--no-report"]).code(2);
    hunt.fed(&["models", "edit", "mine", "--api-key-stdin", "--no-test"], KEY).code(2);
    fs::remove_dir(&audit).expect("removed");
    fs::rename(&moved, &audit).expect("moved back");
    let registry = path.with_file_name("models.json");
    let sound = fs::read(&registry).expect("a registry");
    fs::write(&registry, "{").expect("written");
    hunt.run(&["run", "--no-report"]).code(2);
    fs::write(&registry, sound).expect("written");
}

/// While a run waits for its answers, after it was interrupted, and after it was killed.
#[test]
fn attack_15_a_run_that_is_stopped_leaves_no_key_behind() {
    let stub = Stub::start(|request, _| chatty(request).held());
    let mut hunt = Hunt::new();
    hunt.add("models", "mine", &stub.base_url()).ok();
    hunt.config(&["byo:mine".to_owned()]);
    let run = ["run", "--log", "events.jsonl"];
    let resume = ["resume", "last", "--log", "events.jsonl"];
    let start = |hunt: &Hunt, line: &[&str]| {
        // Its key is in the vault, so there is none in its environment.
        let evals = hunt.project.evals().args(line);
        evals.env("EVALS_VAULT_KEY", &hunt.vault_key).env("RUST_LOG", "trace").spawn()
    };
    for (asked, (signal, line)) in
        [("KILL", &run[..]), ("INT", &run), ("TERM", &resume)].into_iter().enumerate()
    {
        let running = start(&hunt, line);
        stub.wait_for(2 * asked + 2);
        let proc = format!("/proc/{}", running.id());
        for thread in fs::read_dir(format!("{proc}/task")).expect("its threads").flatten() {
            let children = fs::read_to_string(thread.path().join("children"));
            assert_eq!(children.unwrap_or_default(), "", "it starts no other process");
        }
        for file in ["cmdline", "environ"] {
            // The environment is closed to all but root.
            let bytes = fs::read(format!("{proc}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // What opens the vault has to be in the environment.
            let text = if file == "environ" { text.replace(&hunt.vault_key, "") } else { text };
            hunt.said.push((format!("{proc}/{file}"), text));
        }
        hunt.search();
        running.signal(signal);
        if signal != "KILL" {
            // The second one waits for nothing.
            running.signal(signal);
        }
        let output = running.wait();
        let ended = if signal == "KILL" { None } else { Some(130) };
        assert_eq!(output.code, ended, "{output:?}");
        hunt.note(line, output);
        hunt.search();
    }
    stub.release();
    hunt.run(&resume);
    hunt.run(&["show", "--trials"]).ok().says("****");
    hunt.search();
}

/// The libraries beneath are asked to say all they can, with requests that work and that fail.
#[test]
fn attack_22_traces_hold_no_key() {
    let stub = Stub::start(|request, nth| match nth % 2 {
        0 => chatty(request),
        _ => openai_error(401, &echo(), "invalid_api_key"),
    });
    let mut hunt = Hunt::new();
    hunt.add("models", "mine", &stub.base_url()).ok();
    hunt.config(&["byo:mine".to_owned()]);
    for filter in ["trace", "reqwest=trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace"] {
        let line = ["run", "--no-cache", "--log", "events.jsonl"];
        let evals = hunt.evals(&line).env("RUST_LOG", filter).env("RUST_LOG_STYLE", "never");
        hunt.heard(&line, evals.env("SSLKEYLOGFILE", hunt.project.path("tls-keys")));
    }
    assert!(stub.requests().len() >= 4);
    assert!(!hunt.project.path("tls-keys").exists(), "no session keys are written");
    hunt.search();
}

/// The search finds what it should: each form by itself, and at each place of a block of base64.
#[test]
fn the_search_sees_every_form() {
    let needles = needles();
    let is_seen = |text: &str| needles.iter().any(|needle| text.contains(needle.as_str()));
    for form in echo().split(" | ") {
        assert!(is_seen(form), "{form}");
    }
    for before in ["", "u", "us", "use", "user"] {
        for engine in [&STANDARD, &URL_SAFE] {
            assert!(is_seen(&engine.encode(format!("{before}:{KEY}:"))), "{before}");
        }
    }
    assert!(!is_seen("sk-vault/****WXYZ"));
    let mut hunt = Hunt::new();
    hunt.project.write("left", KEY);
    assert_eq!(hunt.found().1.len(), 1);
    hunt.said.push(("nobody".to_owned(), hex(KEY)));
    assert_eq!(hunt.found().1.len(), 2);
}
