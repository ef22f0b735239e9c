//! `evals models` and `evals endpoints`: registered, tested, used in runs, removed; and that a key is
//! nowhere but in the request.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    Evals, Output, Project, Request, Response, Stub, openai_chat, openai_error, openai_stream,
};

/// Stands for a key; must not be found anywhere.
pub(crate) const CANARY: &str = "sk-canary-7d1f0a2b9c8e4f55";

/// A project with rows `q0,a0` … and a config that asks `model`.
pub(crate) fn project(model: &str) -> Project {
    let project = Project::new();
    project.write("rows.csv", "id,question,answer\n0,q0,a0\n1,q1,a1\n");
    config(&project, model, "");
    project
}

pub(crate) fn config(project: &Project, model: &str, more: &str) {
    project.write(
        "evals.yaml",
        format!(
            "dataset: {{path: rows.csv, expected: answer}}\nprompts: ['{{{{question}}}}']\n\
             models: [{model}]\nscorers: [exact_match]\n{more}"
        ),
    );
}

/// A server that answers tests and questions, streamed where it is asked to.
pub(crate) fn stub() -> Stub {
    Stub::start(|request, _| answer(request))
}

fn answer(request: &Request) -> Response {
    let asked = request.last_user();
    let text = if asked.contains("status") {
        "{\"status\":\"ok\"}".to_owned()
    } else {
        asked.replace('q', "a")
    };
    if request.json()["stream"] == true {
        openai_stream(&[&text], (1000, 500))
    } else {
        openai_chat(&text, (1000, 500))
    }
}

pub(crate) fn evals(project: &Project, line: &[&str]) -> Evals {
    project.evals().args(line).env("LLM_KEY", CANARY)
}

pub(crate) fn add<'a>(base_url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["models", "add", "My vLLM", "--provider", "custom", "-m", "org/m1"];
    line.extend(["--base-url", base_url, "--api-key-env", "LLM_KEY"]);
    line.extend(more);
    line
}

fn home(project: &Project) -> std::path::PathBuf {
    project.home().join("evals")
}

/// Everything that the program has written, and what it said.
#[track_caller]
pub(crate) fn no_key_in(project: &Project, outputs: &[Output]) {
    for output in outputs {
        let said = [&output.stdout, &output.stderr];
        assert!(!said.iter().any(|said| said.contains(CANARY)), "the key is in {output:?}");
    }
    let mut directories = vec![project.path(""), project.home(), project.tmp()];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry")) {
            if entry.file_type().expect("a type").is_dir() {
                directories.push(entry.path());
            } else {
                files += 1;
                let bytes = fs::read(entry.path()).expect("readable");
                let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
                assert!(!found, "the key is in {}", entry.path().display());
            }
        }
    }
    assert!(files > 2, "files were looked at");
}

#[test]
fn a_model_is_added_used_changed_removed_and_brought_back() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let mut said = Vec::new();
    let more = [
        "--header",
        "x-team={{model}} {{email}}",
        "--price",
        "input=1",
        "--price",
        "output=2",
        "--tag",
        "prod",
    ];
    let added = evals(&project, &add(&base_url, &more)).env("EVALS_EMAIL", "me@example.com").run();
    said.push(added.ok().says("added byo:my-vllm\n").complains("Connection test passed. "));
    let probe = stub.requests().remove(0);
    assert_eq!(probe.header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert_eq!(probe.header("x-team"), Some("org/m1 me@example.com"));
    let body = probe.json();
    assert_eq!(body["response_format"]["type"], "json_object");
    assert_eq!(body["max_tokens"], 4096);

    said.push(evals(&project, &["models", "list"]).run().ok().says("my-vllm").says("active"));
    let json = evals(&project, &["models", "list", "--format", "json"]).run().ok();
    assert_eq!(json.json()[0]["price_usd_per_million"]["output"], 2.0);
    assert_eq!(json.json()[0]["tested"]["input_tokens"], 1000);
    said.push(json);
    said.push(evals(&project, &["models", "list", "--format", "csv"]).run().ok().says("my-vllm,"));
    let shown = evals(&project, &["models", "show", "byo:my-vllm"]).run().ok();
    said.push(shown.says("key in $LLM_KEY").says("x-team (values not shown)").says("prod"));

    let run = |project: &Project| {
        let line = ["run", "--format", "json", "--max-tokens", "7"];
        evals(project, &line).env("EVALS_EMAIL", "me@example.com").run()
    };
    let ran = run(&project).ok();
    assert_eq!(ran.json()["results"][0]["model"], "byo:my-vllm");
    assert_eq!(ran.json()["results"][0]["value"], 1.0);
    // (1000 x 1 + 500 x 2) / 1e6 dollars for each of two calls.
    assert_eq!(ran.json()["cost_usd"]["models"], 0.004);
    said.push(ran);
    let body = stub.requests().pop().expect("a request").json();
    assert_eq!((&body["model"], &body["max_tokens"]), (&"org/m1".into(), &7.into()));

    let before = stub.requests().len();
    let line = ["models", "edit", "my-vllm", "--price", "input=3", "--tag", ""];
    said.push(evals(&project, &line).run().ok().says("changed"));
    assert_eq!(stub.requests().len(), before, "prices ask for no test");
    let line = ["models", "edit", "my-vllm", "--max-tokens", "9", "--json-mode", "off"];
    let edited = evals(&project, &line).env("EVALS_EMAIL", "me@example.com").run();
    said.push(edited.ok().complains("Connection test passed. "));
    let body = stub.requests().pop().expect("a test").json();
    assert_eq!((&body["response_format"], &body["max_tokens"]), (&Value::Null, &9.into()));

    let line = ["models", "rm", "my-vllm"];
    let refused = evals(&project, &line).run().code(2);
    said.push(refused.complains("evals.yaml").complains("runs here that refer to byo:my-vllm: 1"));
    let line = ["models", "rm", "my-vllm", "--yes"];
    said.push(evals(&project, &line).run().ok().says("removed byo:my-vllm"));
    said.push(run(&project).code(2).complains("`my-vllm` was removed"));
    said.push(evals(&project, &["models", "list"]).run().ok().complains("no models"));
    said.push(evals(&project, &["models", "list", "--all"]).run().ok().says("removed"));

    let line = ["models", "add", "My vLLM", "--provider", "openai-compatible", "-m", "x"];
    let other = evals(&project, &line).args(["--base-url", "http://localhost/", "--no-test"]).run();
    said.push(other.code(2).complains("belonged to a model of provider `custom`"));
    let again = evals(&project, &add(&base_url, &["--vision", "on"])).run().ok();
    said.push(
        again.says("brought back byo:my-vllm").complains("prices of `my-vllm` are not known"),
    );
    said.push(run(&project).ok());
    no_key_in(&project, &said);
}

#[test]
fn a_test_that_fails_saves_nothing_and_says_the_providers_words() {
    let stub = Stub::start(|_, _| {
        openai_error(401, &format!("Incorrect API key provided: {CANARY}"), "invalid_api_key")
    });
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let failed = evals(&project, &add(&base_url, &[])).run().code(3);
    let failed = failed
        .complains("connection test failed (auth, status 401, ")
        .complains("Incorrect API key provided: ****")
        .complains("nothing was saved");
    assert!(!home(&project).join("models.json").exists());
    let saved = evals(&project, &add(&base_url, &["--no-test"])).run().ok();
    let tested = evals(&project, &["models", "test", "my-vllm"]).run().code(3);
    let unset = project.evals().args(["models", "test", "my-vllm"]).run().code(2);
    let unset = unset.complains("`LLM_KEY` of the credential `my-vllm` is not set");
    no_key_in(&project, &[failed, saved, tested, unset]);
}

#[test]
fn an_answer_that_is_not_json_fails_the_json_mode_only() {
    let stub = Stub::start(|request, _| {
        if request.json()["stream"] == true {
            openai_stream(&["Sure! All is well."], (1, 1))
        } else {
            openai_chat("Sure! All is well.", (1, 1))
        }
    });
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    let failed = evals(&project, &add(&base_url, &[])).run().code(3);
    failed.complains("Sure! All is well.").complains("--json-mode off");
    let passed = evals(&project, &add(&base_url, &["--json-mode", "off"])).run().ok();
    passed.complains("Connection test passed.").complains("note: the model answered, but not");
}

#[test]
fn an_endpoint_serves_many_models_and_fails_in_four_ways() {
    let stub = stub();
    let project = project("byo:the-lab/qwen/Qwen3:free$x");
    let base_url = stub.base_url();
    let mut line = vec!["endpoints", "add", "The lab", "--provider", "custom"];
    line.extend(["--base-url", &base_url, "--api-key-env", "LLM_KEY"]);
    let untested = evals(&project, &line).run().code(2).complains("--test-model");
    line.extend(["--test-model", "qwen/x", "--credential", "lab-research"]);
    let mut said =
        vec![untested, evals(&project, &line).run().ok().says("added byo:the-lab/MODEL")];
    let run = || evals(&project, &["run", "--format", "json"]).run();
    said.push(run().ok());
    let body = stub.requests().pop().expect("a request").json();
    assert_eq!(body["model"], "qwen/Qwen3:free$x", "sent verbatim");
    assert_eq!(body["max_tokens"], Value::Null, "nothing is known of it");
    let database = rusqlite::Connection::open(project.path(".evals/runs.db")).expect("opened");
    let sql = "SELECT count(*) FROM attempts WHERE credential = 'lab-research'";
    let count: i64 = database.query_row(sql, [], |row| row.get(0)).expect("counted");
    assert_eq!(count, 2);

    let edit =
        |more: &[&str]| evals(&project, &["endpoints", "edit", "the-lab"]).args(more).run().ok();
    edit(&["--allow", "llama/*", "--no-test"]);
    said.push(run().code(2).complains("does not allow the model `qwen/Qwen3:free$x`"));
    edit(&["--allow", "qwen/*", "--disable"]);
    said.push(run().code(2).complains("the endpoint `the-lab` is disabled"));
    edit(&["--enable", "--no-test"]);
    said.push(run().ok());
    let reference =
        |reference: &str| evals(&project, &["run", "--no-report", "-m", reference]).run().code(2);
    said.push(reference("byo:the-lap/x").complains("no registered endpoint `the-lap`"));
    said.push(reference("byo:the-lab").complains("write `byo:the-lab/MODEL`"));
    let line = ["endpoints", "rm", "the-lab", "-y"];
    said.push(evals(&project, &line).run().ok().complains("evals.yaml"));
    said.push(run().code(2).complains("the endpoint `the-lab` was removed"));
    no_key_in(&project, &said);
}

#[test]
fn a_credential_is_limited_to_its_projects_and_bound_to_its_origin() {
    let (stub, other) = (stub(), stub());
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    evals(&project, &add(&base_url, &["--only-project", "research"])).run().ok();
    let run = |more: &[&str]| evals(&project, &["run", "--no-report"]).args(more).run();
    run(&[]).code(2).complains("limited to the projects `research`, and no project is named here");
    run(&["--project", "sales"]).code(2).complains("this is project `sales`");
    run(&["--project", "research"]).ok();
    config(&project, "byo:my-vllm", "project: research\n");
    run(&[]).ok();

    // A credential can be named in a config; it goes to its own host only.
    let elsewhere = other.base_url();
    let named = |base_url: &str| {
        format!(
            "{{id: x, provider: openai-compatible, base_url: '{base_url}', model: m, \
             credential: my-vllm}}"
        )
    };
    config(&project, &named(&base_url), "project: research\n");
    run(&[]).ok();
    config(&project, &named(&elsewhere), "project: research\n");
    run(&[]).code(2).complains("the credential `my-vllm` is for http://127.0.0.1:");
    let moved = format!("{{use: byo:my-vllm, base_url: '{elsewhere}'}}");
    config(&project, &moved, "project: research\n");
    run(&[]).code(2).complains("the credential `my-vllm` is for http://127.0.0.1:");
    let line = ["models", "edit", "my-vllm", "--base-url", &elsewhere];
    evals(&project, &line).run().code(2).complains("a key goes to no other host");
    // Nor does it help to change the file.
    let file = home(&project).join("models.json");
    let text = fs::read_to_string(&file).expect("read");
    let text = text.replace(
        &format!("\"base_url\": \"{base_url}\""),
        &format!("\"base_url\": \"{elsewhere}\""),
    );
    fs::write(&file, text).expect("written");
    config(&project, "byo:my-vllm", "project: research\n");
    run(&[]).code(2).complains("the credential `my-vllm` is for http://127.0.0.1:");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn what_a_model_does_not_take_is_not_asked_of_it() {
    let stub = stub();
    let project = project("byo:my-vllm");
    let base_url = stub.base_url();
    evals(&project, &add(&base_url, &["--tools", "off"])).run().ok();
    let run = || evals(&project, &["run", "--no-report"]).run();
    config(&project, "byo:my-vllm", "params: {reasoning: {effort: low}}\n");
    run().code(2).complains("`reasoning` is set, and model `byo:my-vllm` does not reason");
    config(&project, "byo:my-vllm", "params: {tools: [{name: f, parameters: {}}]}\n");
    run().code(2).complains("model `byo:my-vllm`");
    let more = ["--reasoning", "on", "--reasoning-param", "chat_template_kwargs.effort"];
    evals(&project, &["models", "edit", "my-vllm"]).args(more).run().ok();
    config(&project, "byo:my-vllm", "params: {reasoning: {effort: low}}\n");
    run().ok();
    let body = stub.requests().pop().expect("a request").json();
    assert_eq!(body["chat_template_kwargs"]["effort"], "low");
    assert_eq!(body["reasoning_effort"], Value::Null);
}

#[test]
fn rows_are_imported_all_or_none() {
    let project = project("byo:alpha-one");
    project.write(
        "good.csv",
        "name,provider,model,base_url,api_key_env,max_tokens,price_input,price_output\n\
         Alpha one,custom,m,http://127.0.0.1:1/v1,LLM_KEY,100,0.5,1\n\
         Beta two,custom,m,http://127.0.0.1:1/v1,,,,\n",
    );
    project.write(
        "bad.yaml",
        "- {name: Gamma, provider: custom, model: m, base_url: 'http://127.0.0.1:1/v1'}\n\
         - {name: Delta, provider: custom, modle: m}\n- {name: Alpha one, provider: custom, \
         model: m, base_url: 'http://127.0.0.1:1/v1'}\n",
    );
    let import = |file: &str| evals(&project, &["models", "import", file]).run();
    import("good.csv").ok().says("added byo:alpha-one\nadded byo:beta-two\n");
    let bad = import("bad.yaml").code(2).complains("row 2: unknown field `modle`");
    bad.complains("row 3: the slug `alpha-one` is taken").complains("nothing was imported");
    let listed = evals(&project, &["models", "list", "--format", "json"]).run().ok().json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    import("none.csv").code(2).complains("none.csv");
    import("rows.txt").code(2).complains(".csv, .yaml or .yml");
    project.write("key.csv", format!("name,api_key\nx,{CANARY}\n"));
    let refused = import("key.csv").code(2).complains("does not belong in a file");
    fs::remove_file(project.path("key.csv")).expect("removed");
    no_key_in(&project, &[refused]);
}

#[test]
fn a_damaged_file_is_told_and_stops_only_what_needs_it() {
    let project = project("byo:x-model");
    fs::create_dir_all(home(&project)).expect("made");
    let write = |text: &str| fs::write(home(&project).join("models.json"), text).expect("written");
    write("{\"version\": 1, \"models\": [}");
    let run = |model: &str| evals(&project, &["run", "--no-report", "-m", model]).run();
    run("byo:x-model").code(2).complains("models.json` is damaged: ");
    evals(&project, &["models", "list"]).run().code(2).complains("restore it from a copy");
    run("sim/instant").ok();
    write("{\"version\": 9}");
    run("byo:x-model").code(2).complains("is of version 9");
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let project = project("byo:x-model");
    let check = |line: &[&str], part: &str| {
        evals(&project, line).run().code(2).complains(part);
    };
    check(&["models", "add"], "a name or a slug is needed");
    check(&["models", "add", "A b c"], "`provider`: one is needed");
    check(&["models", "add", "A b c", "--provider", "custom", "-m", "m"], "needs its address");
    check(&["models", "edit", "nobody"], "no registered model `nobody`");
    check(&["models", "show", "nobody"], "no registered model `nobody`");
    check(&["models", "rm", "nobody"], "no registered model `nobody`");
    check(&["models", "test", "nobody"], "no registered model `nobody`");
    check(&["models", "add", "A b c", "--price", "input"], "CATEGORY=USD");
    check(&["models", "add", "A b c", "--header", CANARY], "NAME=VALUE");
    for header in ["X-Api-Key=", "Authorization=Bearer ", "x-note=", "cookie=${LLM_KEY}; "] {
        let header = format!("{header}{CANARY}");
        let line = ["models", "add", "A b c", "--provider", "custom", "-m", "m", "--no-test"];
        let line = [&line[..], &["--base-url", "http://127.0.0.1:9/v1", "--header", &header]];
        check(&line.concat(), "carries a secret");
    }
    check(&["models", "add", "A b c", "--vision", "maybe"], "maybe");
    check(&["models", "add", "A b c", "--api-key", "x"], "--api-key");
    assert!(!Path::new(&home(&project)).exists(), "nothing was written");
}

/// A vault that `EVALS_VAULT_KEY` opens; gives its value.
fn vault(project: &Project) -> String {
    let key = evals::vault::new_env_key().expect("a key");
    let path = home(project).join("vault.evals");
    let slot = evals::vault::NewSlot::Env(key.clone());
    evals::vault::Vault::create(&path, &[slot]).expect("made");
    key.expose().to_owned()
}

#[test]
fn a_key_from_standard_input_is_kept_in_the_vault() {
    let (stub, other) = (stub(), stub());
    let project = project("byo:my-vllm");
    let (base_url, elsewhere) = (stub.base_url(), other.base_url());
    let line = ["models", "add", "My vLLM", "--provider", "custom", "-m", "org/m1"];
    let add = || project.evals().args(line).args(["--base-url", &base_url, "--api-key-stdin"]);
    let none = add().stdin(CANARY).run().code(2).complains("vault").complains("--api-key-env");
    assert_eq!(stub.requests().len(), 0, "what cannot be kept is not tested");
    let key = vault(&project);
    let locked = add().stdin(CANARY).run().code(2).complains("the vault is locked");
    let open = |evals: Evals| evals.env("EVALS_VAULT_KEY", &key);
    let empty = open(add()).stdin("\n").run().code(2).complains("nothing on standard input");
    let added = open(add()).stdin(format!("{CANARY}\n")).run().ok().says("added byo:my-vllm");
    let bearer = format!("Bearer {CANARY}");
    assert_eq!(stub.requests().remove(0).header("authorization"), Some(&*bearer));

    let run = || open(project.evals().args(["run", "--format", "json"])).run();
    let ran = run().ok();
    assert_eq!(stub.requests().pop().expect("a request").header("authorization"), Some(&*bearer));
    let edit = |more: &[&str]| open(project.evals().args(["models", "edit", "my-vllm"])).args(more);
    let blank = edit(&["--api-key-stdin", "--max-tokens", "9"]).stdin("").run().ok();
    let request = stub.requests().pop().expect("a test");
    assert_eq!(request.header("authorization"), Some(&*bearer), "a blank one keeps the stored one");

    let line = ["models", "add", "Second", "--provider", "custom", "-m", "org/m2"];
    let second = || open(project.evals().args(line)).args(["--reuse-credentials-of", "my-vllm"]);
    let there = second().args(["--base-url", &elsewhere]).run().code(2);
    let there = there.complains("a key goes to no other host");
    let here = second().args(["--base-url", &base_url]).run().ok();

    // The file says another host, for the model and for its credential: the vault does not.
    let file = home(&project).join("models.json");
    let sound = fs::read_to_string(&file).expect("read");
    let host = |url: &str| url.trim_end_matches("/v1").to_owned();
    fs::write(&file, sound.replace(&host(&base_url), &host(&elsewhere))).expect("written");
    let bound = run().code(2).complains("is not given out for");
    assert_eq!(other.requests().len(), 0);
    fs::write(&file, sound).expect("written");

    let rm = |slug: &str| open(project.evals().args(["models", "rm", "--yes", slug])).run().ok();
    let first = rm("my-vllm");
    assert!(!first.stderr.contains("gone from the vault"), "the other one uses it: {first:?}");
    let last = rm("second").complains("the key of `my-vllm` is gone from the vault");
    let said = [none, locked, empty, added, ran, blank, there, here, bound, first, last];
    no_key_in(&project, &said);
}

#[test]
fn a_model_of_vectors_is_tested_with_a_vector() {
    let stub = Stub::start(|request, _| {
        let asked = request.json();
        assert_eq!(asked["input"], json!(["ok"]), "{asked}");
        let data = json!([{"index": 0, "embedding": [0.5, 0.25, 0.125]}]);
        Response::json(200, &json!({"data": data, "usage": {"prompt_tokens": 1}}))
    });
    let project = Project::new();
    let mut line = vec!["models", "add", "Vectors", "--provider", "openai"];
    let base_url = stub.base_url();
    line.extend(["-m", "text-embedding-3-small", "--base-url", &base_url]);
    line.extend(["--api-key-env", "LLM_KEY"]);
    let added = evals(&project, &line).run().ok().complains("Connection test passed.");
    added.complains("a vector of 3 numbers");
    let listed = evals(&project, &["models", "list", "--format", "json"]).run().ok();
    assert_eq!(listed.json()[0]["tested"]["input_tokens"], 1);
}
