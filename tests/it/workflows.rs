//! The workflows of docs/ci.md as somebody copies them: they are YAML, and the lines of their shells do
//! what the page says, with the built program in place of the installed one.

use std::{fmt::Write as _, fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use crate::support::{Evals, Output, Project, Stub, openai_chat, openai_error, root};

/// The blocks of YAML on the page.
fn blocks() -> Vec<Value> {
    let page = fs::read_to_string(root().join("docs/ci.md")).expect("the page");
    let blocks = page.split("```yaml\n").skip(1);
    let text = |rest: &str| rest.split("```").next().unwrap_or_default().to_owned();
    let parsed = |text: String| {
        serde_saphyr::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    };
    blocks.map(text).map(parsed).collect()
}

/// The block with this key at its top.
fn block(key: &str) -> Value {
    blocks().into_iter().find(|block| block.get(key).is_some()).expect(key)
}

/// A server whose answer to `WORD: question N` is right from the number on that belongs to the word;
/// it has none to `broken`.
fn server() -> Stub {
    Stub::start(|request, _| {
        let asked = request.last_user();
        let (word, rest) = asked.split_once(": question ").expect("a question");
        let n: usize = rest.parse().expect("a number");
        let wrong = match word {
            "base" => 5,
            "head" => 1,
            "worse" => 30,
            _ => return openai_error(400, "out of order", "down"),
        };
        openai_chat(if n < wrong { "wrong" } else { "right" }, (10, 1))
    })
}

/// A dataset, and a config in `directory` that asks by this word.
fn checkout(project: &Project, directory: &str, word: &str, stub: &Stub) {
    let mut rows = "id,question,answer\n".to_owned();
    for n in 0..40 {
        writeln!(rows, "q{n:02},question {n},right").ok();
    }
    project.write(format!("{directory}/rows.csv"), rows);
    let config = json!({
        "dataset": {"path": "rows.csv", "id": "id", "input": "question", "expected": "answer"},
        "prompts": [format!("{word}: {{{{question}}}}")],
        "models": [{"id": "m", "provider": "openai-compatible", "base_url": stub.base_url(),
            "model": "m", "stream": false, "price": {"input": 1, "output": 1}}],
        "retry": {"transient": 0},
        "scorers": ["exact_match"],
        "gates": ["exact_match.mean >= 0.9"],
    });
    project.write(format!("{directory}/eval.yaml"), config.to_string());
}

/// A line of a step as its shell runs it, in `directory`.
fn step(project: &Project, directory: &str, line: &str, variables: &[(&str, &str)]) -> Output {
    let bin = project.path("bin");
    if !bin.exists() {
        fs::create_dir_all(&bin).expect("a directory");
        symlink(env!("CARGO_BIN_EXE_evals"), bin.join("evals")).expect("a link");
        // Keeps what would be written under a pull request.
        project
            .executable(&bin.join("gh"), "#!/bin/sh\necho \"$@\" > \"$GITHUB_WORKSPACE/gh.txt\"\n");
    }
    let script = format!("cd {} && {line}", project.path(directory).display());
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let mut shell = Evals::program("/bin/bash", project)
        .args(["-e", "-o", "pipefail", "-c", &script])
        .env("PATH", path)
        .env("GITHUB_WORKSPACE", project.path(""))
        .env("GITHUB_REPOSITORY", "owner/repository")
        .env("GITHUB_STEP_SUMMARY", project.path("summary.md"))
        .env("EVALS_DB", project.path(".evals/runs.db"));
    for (name, value) in variables {
        shell = shell.env(name, value);
    }
    shell.run()
}

/// The line of the step of this name.
fn run_of(job: &Value, name: &str) -> String {
    let steps = job["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["name"] == name).expect(name);
    step["run"].as_str().expect("a line").to_owned()
}

#[test]
fn the_workflow_compares_base_and_head() {
    let workflow = block("jobs");
    let job = &workflow["jobs"]["evals"];
    // Steps are pinned, and no more is allowed than a comment takes.
    for step in job["steps"].as_array().expect("steps") {
        if let Some(uses) = step["uses"].as_str() {
            let (_, commit) = uses.split_once('@').expect("a commit");
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{uses}");
        }
    }
    assert_eq!(workflow["permissions"], json!({"contents": "read", "pull-requests": "write"}));
    let (base, head, comment) = (
        run_of(job, "Evaluate the base"),
        run_of(job, "Evaluate the head"),
        run_of(job, "Comment"),
    );
    let (project, stub) = (Project::new(), server());
    checkout(&project, "base", "base", &stub);
    // A gate of the base fails, and that is passed over.
    step(&project, "base", &base, &[]).ok();
    checkout(&project, "head", "head", &stub);
    step(&project, "head", &head, &[]).ok();
    step(&project, ".", &comment, &[("PULL_REQUEST", "7")]).ok();
    assert!(project.read("gh.txt").starts_with("pr comment 7 --repo owner/repository"));
    let written = project.read("comment.md");
    assert!(written.contains("**Compared with `base`**"), "{written}");
    assert!(project.read("summary.md").contains("### Comparison"));
    assert!(project.read("junit.xml").contains("<testsuite"));
    // A head that is far worse fails the step.
    checkout(&project, "head", "worse", &stub);
    step(&project, "head", &head, &[]).code(1);
    // An outage says nothing of the change, and the line of the page that looks for it passes.
    let lenient = blocks().into_iter().find(Value::is_array).expect("a step");
    let line = lenient[0]["run"].as_str().expect("a line").to_owned();
    checkout(&project, "head", "broken", &stub);
    let passed = step(&project, "head", &line, &[]).ok();
    assert!(passed.stdout.contains("::warning::"), "{passed:?}");
}

#[test]
fn the_jobs_of_gitlab_run_shards_and_merge_them() {
    let jobs = block("stages");
    let script = |job: &str| {
        let lines = jobs[job]["script"].as_array().expect("lines");
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        lines.join("\n")
    };
    let (project, stub) = (Project::new(), server());
    checkout(&project, "job", "head", &stub);
    fs::create_dir_all(project.path("job/.evals-program/bin")).expect("a directory");
    let program = project.path("job/.evals-program/bin/evals");
    symlink(env!("CARGO_BIN_EXE_evals"), program).expect("a link");
    let all = jobs["evals-shard"]["parallel"].as_u64().expect("a number");
    for index in 1..=all {
        let (index, all) = (index.to_string(), all.to_string());
        let node = [("CI_NODE_INDEX", index.as_str()), ("CI_NODE_TOTAL", all.as_str())];
        step(&project, "job", &script("evals-shard"), &node).ok();
    }
    step(&project, "job", &script("evals"), &[]).ok();
    let result: Value = serde_json::from_str(&project.read("job/result.json")).expect("JSON");
    assert_eq!(result["results"][0]["n"], 40);
    assert_eq!(result["gates"][0]["passed"], true);
    for report in ["junit", "codequality"] {
        let file = jobs["evals"]["artifacts"]["reports"][report].as_str().expect("a file");
        assert!(project.path("job").join(file).exists(), "{file}");
    }
}
