//! The tests that have the requests of the fixtures judged by the vendors' own programs.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{Double, page, rows, script};
use crate::support::{installed, root};

fn python() -> Option<PathBuf> {
    installed("EVALS_TEST_ORACLES", "python/oracles/bin/python")
}

/// What `check_bodies.py` has to say of `bodies`; `None` when they are well.
fn complaints(python: &PathBuf, what: &str, bodies: &[&Value]) -> Option<String> {
    let mut child = Command::new(python)
        .arg(script("check_bodies.py"))
        .arg(what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let lines: Vec<String> = bodies.iter().map(|body| format!("{body}\n")).collect();
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(lines.concat().as_bytes()).expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("python");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (!output.status.success()).then_some(said)
}

/// Has the bodies of a provider's requests judged, all whose address ends in `path`; and requires
/// that the row's claims are among them, and that the judge sees what is wrong.
#[track_caller]
fn judged(python: &PathBuf, double: Double, ways: &[(&str, &str)], change: &dyn Fn(&mut Value)) {
    let row = rows::ROWS.iter().find(|row| row.double == double).expect("a row");
    // What the user says verbatim is not ours.
    let mut cases = page::cases(row.provider);
    cases.retain(|case| case.body().is_some() && !case.name.contains("verbatim"));
    let mut claims: Vec<_> = row.proves().collect();
    for (path, what) in ways {
        let of = |case: &&page::Case| case.url().is_some_and(|url| url.ends_with(path));
        let mut bodies = Vec::new();
        for case in cases.iter().filter(of) {
            claims.retain(|claim| !case.evidence().iter().any(|(proof, _)| proof == claim));
            let mut body = case.body().expect("a body").clone();
            change(&mut body);
            bodies.push((case.name.clone(), body));
        }
        assert!(!bodies.is_empty(), "{double:?}: no request to …{path}");
        let names: Vec<&str> = bodies.iter().map(|(name, _)| name.as_str()).collect();
        let plain: Vec<&Value> = bodies.iter().map(|(_, body)| body).collect();
        if let Some(said) = complaints(python, what, &plain) {
            panic!("{double:?} refuses, of {names:?}:\n{said}");
        }
        let mut wrong = plain[0].clone();
        wrong["novelty"] = json!(1);
        assert!(complaints(python, what, &[&wrong]).is_some(), "{double:?} takes anything");
    }
    assert!(claims.is_empty(), "{double:?}: no request has {claims:?}");
}

#[test]
fn converse_bodies_are_what_botocore_sends() {
    let Some(python) = python() else { return };
    let ways = [("/converse", "converse"), ("/converse-stream", "converse")];
    judged(&python, Double::Botocore, &ways, &|_| {});
}

#[test]
fn openai_bodies_are_of_the_types_of_its_sdk() {
    let Some(python) = python() else { return };
    let ways = [("/chat/completions", "openai"), ("/responses", "responses")];
    judged(&python, Double::OpenAiSdk, &ways, &|_| {});
}

#[test]
fn anthropic_bodies_are_of_the_types_of_its_sdk() {
    let Some(python) = python() else { return };
    // The SDK is for a later version of the interface, which takes no sampling parameters.
    let change = |body: &mut Value| {
        for name in ["temperature", "top_p", "top_k"] {
            body.as_object_mut().expect("an object").shift_remove(name);
        }
    };
    judged(&python, Double::AnthropicSdk, &[("/messages", "anthropic")], &change);
}

#[test]
fn event_streams_are_read_by_botocore() {
    let Some(python) = python() else { return };
    let folder = root().join("tests/fixtures/providers/bedrock");
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.unwrap().path());
    let streams: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "bin")).collect();
    assert!(streams.len() > 8, "{streams:?}");
    let output = Command::new(python)
        .arg(script("check_bodies.py"))
        .arg("frames")
        .args(streams)
        .output()
        .expect("python");
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("damaged.bin: ChecksumMismatch"), "{said}");
}
