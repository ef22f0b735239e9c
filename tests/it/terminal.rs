//! What is asked at a terminal: questions, keys that are not shown, and Ctrl-C.

use std::{fs, path::PathBuf};

use crate::support::{
    Evals, Project, Request, Response, Stub, Terminal, openai_chat, openai_stream, root,
};

/// Stands for a key; must not be shown anywhere.
const CANARY: &str = "sk-canary-55e1c0ffee8d4b21";

fn stub() -> Stub {
    Stub::start(|request, _| answer(request))
}

fn answer(request: &Request) -> Response {
    let asked = request.last_user();
    let text = if asked.contains("status") { "{\"status\":\"ok\"}" } else { "Paris" };
    if request.json()["stream"] == true {
        openai_stream(&[text], (10, 5))
    } else {
        openai_chat(text, (10, 5))
    }
}

fn registered(project: &Project) -> PathBuf {
    project.home().join("evals/models.json")
}

/// A vault that `EVALS_VAULT_KEY` opens; gives its value.
fn vault(project: &Project) -> String {
    let made = project.evals().args(["vault", "init", "--env", "--new-key"]).run().ok();
    made.stdout.trim().to_owned()
}

fn evals(project: &Project, key: &str, line: &[&str]) -> Evals {
    project.evals().args(line).env("EVALS_VAULT_KEY", key)
}

fn at_terminal(project: &Project, key: &str, line: &[&str]) -> Option<Terminal> {
    evals(project, key, line).at_terminal()
}

/// Registers `my-vllm` without questions.
fn added(project: &Project, key: &str, stub: &Stub) {
    let line = ["models", "add", "My vLLM", "--provider", "custom", "-m", "org/m1"];
    let more = ["--base-url", &stub.base_url(), "--api-key-stdin", "--no-test"];
    evals(project, key, &line).args(more).stdin(CANARY).run().ok();
}

#[test]
fn a_model_is_added_by_answering_questions_and_wrong_answers_are_asked_again() {
    let (project, stub) = (Project::new(), stub());
    let key = vault(&project);
    let Some(mut terminal) = at_terminal(&project, &key, &["models", "add"]) else { return };
    terminal
        .sees("Ctrl-C saves nothing")
        .answers("Name: ", "")
        .answers("Name: ", "My vLLM")
        .answers("Slug [my-vllm]: ", "No")
        .sees("3 to 40 of a-z, 0-9 and -")
        .answers("Slug [my-vllm]: ", "")
        .answers("Provider [custom]: ", "custm")
        .sees("did you mean custom?")
        .answers("Provider [custom]: ", "")
        .answers("Address, such as http://localhost:8000/v1: ", &stub.base_url())
        .answers("It speaks (openai, anthropic, cohere) [openai]: ", "klingon")
        .sees("one of openai, anthropic, cohere")
        .answers("[openai]: ", "")
        .answers("Flavour (chat, completion) [chat]: ", "")
        .answers("Model id, as the provider knows it: ", "org/m1")
        .answers("API key (blank for none): ", CANARY)
        .answers("Longest answer, in tokens [4096]: ", "0")
        .sees("1 at least")
        .answers("[4096]: ", "100")
        .answers("JSON mode, on or off [on]: ", "maybe")
        .sees("on or off")
        .answers("JSON mode, on or off [on]: ", "")
        .answers("Images in prompts, on or off [off]: ", "on")
        .answers("Tools, on or off [on]: ", "")
        .answers("Reasoning, on or off [off]: ", "")
        .answers("input tokens in USD [unknown]: ", "cheap")
        .sees("a number, such as 0.15")
        .answers("input tokens in USD [unknown]: ", "1")
        .answers("output tokens in USD [unknown]: ", "$2")
        .sees("Connection test passed. ")
        .sees("added byo:my-vllm");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("org/m1") && !shown.contains(CANARY), "{shown}");
    let probe = stub.requests().remove(0);
    assert_eq!(probe.header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert_eq!(probe.json()["max_tokens"], 100);
    let shown = evals(&project, &key, &["models", "show", "my-vllm", "--format", "json"]).run();
    let shown = shown.ok().json();
    assert_eq!(shown["capabilities"]["vision"], true);
    assert_eq!(shown["price_usd_per_million"]["output"], 2.0);
    assert_eq!(shown["credential"]["key_env"], serde_json::Value::Null, "in the vault");
}

#[test]
fn an_edit_keeps_what_is_left_blank_and_tests_what_changed() {
    let (project, stub) = (Project::new(), stub());
    let key = vault(&project);
    added(&project, &key, &stub);
    let conversation = |vision: &str| {
        let mut terminal = at_terminal(&project, &key, &["models", "edit", "my-vllm"])?;
        terminal
            .answers("Name [My vLLM]: ", "")
            .answers("Model id [org/m1]: ", "")
            .answers("Address [http://", "")
            .answers("API key (blank keeps vault): ", "")
            .answers("Longest answer, in tokens [4096]: ", "")
            .answers("JSON mode, on or off [on]: ", "")
            .answers("Images in prompts, on or off [off]: ", vision)
            .answers("Tools, on or off [on]: ", "")
            .answers("Reasoning, on or off [off]: ", "")
            .answers("input tokens in USD [unknown]: ", "")
            .answers("output tokens in USD [unknown]: ", "");
        Some(terminal.end())
    };
    let Some((code, shown)) = conversation("") else { return };
    assert!(code == 0 && shown.contains("nothing changes"), "{shown}");
    assert_eq!(stub.requests().len(), 0);
    let (code, shown) = conversation("on").expect("a terminal");
    assert!(code == 0 && shown.contains("Connection test passed. "), "{shown}");
    assert!(shown.contains("changed byo:my-vllm"), "{shown}");
    let probe = stub.requests().remove(0);
    assert_eq!(probe.header("authorization"), Some(&*format!("Bearer {CANARY}")));
}

#[test]
fn an_endpoint_is_added_by_answering_questions() {
    let (project, stub) = (Project::new(), stub());
    let key = vault(&project);
    let Some(mut terminal) = at_terminal(&project, &key, &["endpoints", "add"]) else { return };
    terminal
        .answers("Name: ", "The lab")
        .answers("Slug [the-lab]: ", "")
        .answers("Provider [custom]: ", "openai-compatible")
        .answers("Address", &stub.base_url())
        .answers("commas between (blank: all): ", "qwen/x, llama/*")
        .answers("API key (blank for none): ", "")
        .sees("Connection test passed. ")
        .sees("added byo:the-lab/MODEL");
    assert_eq!(terminal.end().0, 0);
    let probe = stub.requests().remove(0);
    assert_eq!(
        (probe.json()["model"].as_str(), probe.header("authorization")),
        (Some("qwen/x"), None)
    );
}

#[test]
fn a_key_pair_is_asked_for_where_a_provider_takes_one() {
    let project = Project::new();
    let key = vault(&project);
    let line = ["models", "add", "--provider", "bedrock", "--region", "us-east-1", "--no-test"];
    let Some(mut terminal) = at_terminal(&project, &key, &line) else { return };
    terminal
        .answers("Name: ", "Claude here")
        .answers("Slug [claude-here]: ", "")
        .answers("Model id, as the provider knows it: ", "anthropic.claude-x")
        .answers("It is told who asks by (key, aws) [key]: ", "aws")
        .answers("Access key id (blank for none of its own): ", "AKIDEXAMPLE")
        .answers("secret access key (blank for none): ", CANARY)
        .answers("Longest answer, in tokens [4096]: ", "")
        .answers("JSON mode", "")
        .answers("Images", "")
        .answers("Tools", "")
        .answers("Reasoning", "")
        .answers("input tokens", "")
        .answers("output tokens", "")
        .sees("added byo:claude-here");
    let (code, shown) = terminal.end();
    assert!(code == 0 && !shown.contains(CANARY), "{shown}");
    let shown = evals(&project, &key, &["models", "show", "claude-here"]).run().ok();
    let shown = shown.says("aws in vault (****4b21), for https://bedrock-runtime.us-east-1.");
    shown.says("key AKIDEXAMPLE");

    // What flags describe is asked for alone.
    let line = ["models", "edit", "claude-here", "--access-key-id", "AKIDOTHER"];
    let mut terminal = at_terminal(&project, &key, &line).expect("a terminal");
    terminal.answers("secret access key (blank for none): ", CANARY).sees("changed");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn without_a_vault_a_variable_is_asked_for() {
    let project = Project::new();
    let line = ["models", "add", "--provider", "groq", "--no-test"];
    let Some(mut terminal) = at_terminal(&project, "", &line) else { return };
    terminal
        .answers("Name: ", "Quick one")
        .answers("Slug", "")
        .answers("Model id", "llama")
        .sees("`evals vault init` makes one")
        .answers("Environment variable with the API key (blank for none): ", "not-a-variable")
        .sees("and not the key")
        .answers("Environment variable with the API key (blank for none): ", "MY_KEY")
        .answers("Longest", "")
        .answers("JSON", "")
        .answers("Images", "")
        .answers("Tools", "")
        .answers("Reasoning", "")
        .answers("input tokens", "")
        .answers("output tokens", "")
        .sees("added byo:quick-one");
    assert_eq!(terminal.end().0, 0);
    project.evals().args(["models", "show", "quick-one"]).run().ok().says("key in $MY_KEY");
}

/// At a question and while a key is typed.
#[test]
fn ctrl_c_saves_nothing_and_leaves_the_terminal_as_it_was() {
    let (project, stub) = (Project::new(), stub());
    let key = vault(&project);
    let Some(mut terminal) = at_terminal(&project, &key, &["models", "add"]) else { return };
    terminal.answers("Name: ", "My vLLM").sees("Slug").types("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");

    // The shell shows how it finds the terminal afterwards.
    let program = env!("CARGO_BIN_EXE_evals");
    let url = stub.base_url();
    let add = format!("'{program}' models add Mine --provider custom --base-url {url}");
    let line = format!("trap : INT; {add}; echo \"code $?\"; stty -a");
    let shell = Evals::program("/bin/sh", &project).args(["-c", &line]);
    let mut terminal = shell.env("EVALS_VAULT_KEY", &key).at_terminal().expect("a terminal");
    terminal
        .answers("Slug", "")
        .answers("It speaks", "")
        .answers("Flavour", "")
        .answers("Model id", "m")
        .sees("API key (blank for none): ")
        .types(&CANARY[..9])
        .types("\u{3}")
        .sees("code 130");
    let (_, shown) = terminal.end();
    for mode in [" icanon ", " echo ", "isig "] {
        assert!(shown.contains(mode), "{mode:?} in {shown}");
    }
    assert!(!shown.contains(&CANARY[..9]), "{shown}");
    assert!(!registered(&project).exists() && stub.requests().is_empty());
    let nobody = at_terminal(&project, &key, &["models", "add"]);
    let mut nobody = nobody.expect("a terminal");
    nobody.sees("Name: ").types("\u{4}");
    let (code, shown) = nobody.end();
    assert!(code == 2 && shown.contains("nothing was saved"), "{shown}");
}

#[test]
fn rm_asks_and_no_is_what_it_takes_for_silence() {
    let (project, stub) = (Project::new(), stub());
    let key = vault(&project);
    added(&project, &key, &stub);
    let rm = |keys: &str| {
        let mut terminal = at_terminal(&project, &key, &["models", "rm", "my-vllm"])?;
        terminal.sees("no configs here refer to byo:my-vllm");
        terminal.sees("remove the model `my-vllm`? [y/N]").types(keys);
        Some(terminal.end())
    };
    for (keys, code) in [("\r", 2), ("n\r", 2), ("what\r", 2), ("\u{3}", 130)] {
        let Some((ended, shown)) = rm(keys) else { return };
        assert_eq!(ended, code, "{keys:?}: {shown}");
        assert!(code == 130 || shown.contains("nothing was removed"), "{shown}");
        evals(&project, &key, &["models", "list"]).run().ok().says("my-vllm");
    }
    let (code, shown) = rm("y\r").expect("a terminal");
    assert!(code == 0 && shown.contains("removed byo:my-vllm"), "{shown}");
    assert!(shown.contains("the key of `my-vllm` is gone from the vault"), "{shown}");
}

/// The commands of the README, word by word, but for the address.
#[test]
fn a_model_is_registered_and_run_as_the_readme_says() {
    let (project, stub) = (Project::new(), stub());
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let section = readme.split("\n## Real models and keys\n").nth(1).expect("the section");
    let block = section.split("```sh\n").find(|block| block.starts_with("evals vault init"));
    let block = block.and_then(|block| block.split("```").next()).expect("its commands");
    let commands: Vec<String> = block
        .lines()
        .map(|line| line.replace("https://llm.example.com/v1", &stub.base_url()))
        .collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    project.evals().arg("init").run().ok();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_evals"));
    let path = format!("{}:/usr/bin:/bin", program.parent().expect("a directory").display());
    let passphrase = "correct horse battery";
    let start = |line: &str| {
        let shell = Evals::program("/bin/sh", &project).args(["-c", line]);
        shell.env("PATH", &path).at_terminal()
    };
    let Some(mut init) = start(&commands[0]) else { return };
    init.answers("new passphrase: ", passphrase).answers("the same again: ", passphrase);
    assert_eq!(init.end().0, 0);
    let mut add = start(&commands[1]).expect("a terminal");
    add.answers("API key (blank for none): ", CANARY)
        .answers("passphrase of the vault: ", passphrase)
        .sees("Connection test passed. ")
        .sees("added byo:my-vllm");
    let (code, said) = add.end();
    assert!(code == 0 && !said.contains(passphrase) && !said.contains(CANARY), "{said}");
    let mut run = start(&commands[2]).expect("a terminal");
    run.answers("passphrase of the vault: ", passphrase);
    let (code, said) = run.end();
    assert!(code == 0 && said.contains("My vLLM"), "{said}");
    let asked = stub.requests().pop().expect("a request");
    assert_eq!(asked.header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert_eq!(asked.json()["model"], "org/model");
}
