//! Scorers against the numbers of their reference implementations.

use std::path::Path;

use serde_json::{Value, json};

use super::tests::{built, texts, verdict, verdict_of};
use crate::{domain::score::Verdict, scorer::Scorer};

/// A file of numbers that a script in `tests/golden` made.
fn numbers(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(name);
    let text = std::fs::read_to_string(path).expect("the golden numbers");
    serde_json::from_str(&text).expect("JSON")
}

/// The list of naughty strings, where it is on this machine.
fn naughty() -> Option<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/naughty/blns.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: the list of naughty strings is not on this machine");
        return None;
    };
    Some(serde_json::from_str(&text).expect("a list of texts"))
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn agree(scorer: &dyn Scorer, expected: &[String], output: &str, number: &Value) {
    let verdict = verdict(scorer, expected, Some(output));
    match (&verdict, number.as_f64()) {
        (Verdict::Scored(score), Some(number)) => {
            assert!(
                (score.value - number).abs() < 1e-9,
                "{expected:?} {output:?} {number} {verdict:?}"
            );
        }
        // The reference compares nothing there; it is a failure here.
        (Verdict::Failed(_), None) => {}
        _ => panic!("{expected:?} {output:?} {number} {verdict:?}"),
    }
}

#[test]
fn squad_and_drop_give_the_numbers_of_their_evaluators() {
    let golden = numbers("answers.json");
    let scorers =
        ["squad_em", "squad_f1", "drop_f1"].map(|name| built(name, &json!({})).expect(name));
    assert!(rows(&golden["pairs"]).len() > 2_000);
    for row in rows(&golden["pairs"]) {
        let (expected, output) = (texts(&row[0]), row[1].as_str().expect("a text"));
        for (index, scorer) in scorers.iter().enumerate() {
            agree(&**scorer, &expected, output, &row[2 + index]);
        }
    }
    for row in rows(&golden["spans"]) {
        agree(&*scorers[2], &[row[0].to_string()], &row[1].to_string(), &row[2]);
    }
    let Some(strings) = naughty() else { return };
    for (index, row) in rows(&golden["naughty"]).iter().enumerate() {
        let (expected, output) = (&strings[index], &strings[(index + 1) % strings.len()]);
        for (column, scorer) in scorers.iter().enumerate() {
            agree(&**scorer, std::slice::from_ref(expected), output, &row[column]);
        }
    }
}

#[test]
fn what_the_checker_of_math_takes_for_the_same_is_the_same() {
    let golden = numbers("math.json");
    let mut lost = Vec::new();
    for row in rows(&golden["pairs"]) {
        let [one, other] = [&row[0], &row[1]].map(|text| text.as_str().expect("a text"));
        if row[2] == true && !super::latex::equivalent(one, other) {
            lost.push((one, other));
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
    assert!(rows(&golden["pairs"]).len() > 2_000);
}

/// The verdicts of one response, strict and loose, for each instruction alone.
fn followed(output: &str, ids: &Value, kwargs: &Value, mode: &str) -> Vec<Verdict> {
    let scorer = built("ifeval", &json!({"mode": mode})).expect("builds");
    let one = |(id, kwargs): (&Value, &Value)| {
        let vars = json!({"instruction_id_list": [id], "kwargs": [kwargs]});
        verdict_of(&*scorer, &vars, output)
    };
    rows(ids).iter().zip(rows(kwargs)).map(one).collect()
}

#[test]
fn instructions_are_followed_when_their_checkers_say_so() {
    let golden = numbers("ifeval.json");
    let mut wrong = Vec::new();
    let mut compare = |output: &str, ids: &Value, kwargs: &Value, row: &[Value]| {
        for (mode, wanted) in ["strict", "loose"].iter().zip(row) {
            for (at, verdict) in followed(output, ids, kwargs, mode).iter().enumerate() {
                let wanted = wanted[at] == 1;
                if !matches!(verdict, Verdict::Scored(score) if score.passed == Some(wanted)) {
                    wrong.push(format!(
                        "{output:?} {} {} {mode} {wanted} {verdict:?}",
                        ids[at], kwargs[at]
                    ));
                }
            }
        }
    };
    assert!(rows(&golden["rows"]).len() > 2_000);
    for row in rows(&golden["rows"]) {
        compare(
            row[0].as_str().expect("a text"),
            &row[1],
            &row[2],
            &row.as_array().expect("a row")[3..],
        );
    }
    let items = &rows(&golden["naughty"])[0][0];
    let column = |at: usize| rows(items).iter().map(|item| item[at].clone()).collect::<Value>();
    let (ids, kwargs) = (column(0), column(1));
    for (text, row) in naughty().unwrap_or_default().iter().zip(rows(&golden["naughty"])) {
        compare(text, &ids, &kwargs, &row.as_array().expect("a row")[1..]);
    }
    assert!(wrong.is_empty(), "{} {:#?}", wrong.len(), &wrong[..wrong.len().min(30)]);
}
