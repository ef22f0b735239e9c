//! What is wrong with compounds, and what rows may say.

use serde_json::json;

use super::*;
use crate::{
    domain::{
        generation::Generation,
        sample::Sample,
        trial::{Answer, TrialKey},
    },
    scorer::find,
};

fn built(
    name: &str,
    options: &Value,
    rows: Option<(&str, &RowScorers)>,
) -> Result<Built, ArgError> {
    let options = options.as_object().expect("a mapping").clone();
    let site = Site { extracts: vec!["first".into(), "second".into()], ..Site::default() };
    Ok(assemble(find(name).expect(name), &options, site, rows)?.built)
}

fn verdict(built: &Built, vars: Value, output: &str) -> Verdict {
    let Value::Object(vars) = vars else { panic!("not an object") };
    let sample = Sample {
        index: 0,
        id: "s".into(),
        input: None,
        expected: vec!["a".into()],
        vars,
        metadata: Map::new(),
        cluster: None,
        tags: Vec::new(),
    };
    let generation = Generation { text: output.to_owned(), ..Generation::default() };
    let answer = Answer {
        key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
        result: Ok(generation.clone()),
        attempts: Vec::new(),
        served_by: "m".into(),
        cached: None,
        extracted: vec![Some("one".into()), None],
    };
    let subject =
        Subject { sample: &sample, answer: &answer, generation: &generation, output: Some(output) };
    let Built::Pure(scorer) = built else { panic!("it asks") };
    scorer.score(&subject)
}

fn value(verdict: &Verdict) -> Option<f64> {
    match verdict {
        Verdict::Scored(score) => Some(score.value),
        _ => None,
    }
}

#[test]
fn wrong_parts_are_refused_by_name() {
    let check = |name: &str, options: Value, expected: &str| {
        let error = built(name, &options, None).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("all_of", json!({}), "it is missing");
    check("all_of", json!({"of": []}), "the list is empty");
    check(
        "all_of",
        json!({"of": ["exct_match"]}),
        "part 1: there is no scorer `exct_match`; did you",
    );
    check(
        "all_of",
        json!({"of": ["is_json", {"regex": {"pattern": "("}}]}),
        "part 2: scorer `regex`",
    );
    check("not", json!({"of": ["is_json", "regex"]}), "it takes one scorer");
    check("not", json!({"of": {"is_json": {"extract": "third"}}}), "there are `first`, `second`");
    check("weighted", json!({"of": [{"is_json": {"weight": 0}}]}), "a number above 0, not `0`");
    check("weighted", json!({"of": ["latency"]}), "are no shares");
    check("threshold", json!({"of": "levenshtein"}), "say `min`, `max` or both");
    check("threshold", json!({"of": "levenshtein", "min": 2, "max": 1}), "2 is above");
    check("levenshtein", json!({"threshold": {"colum": "t"}}), "must be a number");
    check("levenshtein", json!({"treshold": {"column": "t"}}), "did you mean `threshold`");
    check("exact_match", json!({"expected": 5}), "must name a column");
    let mut deep = json!("is_json");
    for _ in 0..20 {
        deep = json!({"not": {"of": deep}});
    }
    check("not", json!({"of": deep}), "more than 16 levels deep");
}

#[test]
fn rows_give_options_and_answers() {
    let scorer = built("levenshtein", &json!({"threshold": {"column": "t"}}), None).expect("built");
    assert_eq!(scorer.columns(), ["t"]);
    let passed = |vars| match verdict(&scorer, vars, "ab") {
        Verdict::Scored(score) => score.passed,
        other => panic!("{other:?}"),
    };
    assert_eq!(passed(json!({"t": 0.5})), Some(true));
    assert_eq!(passed(json!({"t": "0.6"})), Some(false), "a cell of CSV is a text");
    for empty in [json!({}), json!({"t": null}), json!({"t": " "})] {
        let skipped = Verdict::Skipped("column `t` is empty in this row".to_owned());
        assert_eq!(verdict(&scorer, empty, "ab"), skipped);
    }
    let wrong = verdict(&scorer, json!({"t": "high"}), "ab");
    assert!(
        matches!(&wrong, Verdict::Failed(why) if why.contains("column `t` gives `threshold`")),
        "{wrong:?}"
    );
    let other = built("exact_match", &json!({"expected": "b"}), None).expect("built");
    assert!(!other.needs_expected());
    assert_eq!(value(&verdict(&other, json!({"b": ["x", "y"]}), "y")), Some(1.0));
    assert_eq!(value(&verdict(&other, json!({"b": 5}), "5")), Some(1.0));
    assert_eq!(value(&verdict(&other, json!({"b": null}), "a")), None);
}

#[test]
fn rows_name_the_scorers_that_apply() {
    let rows = RowScorers { column: "s".into(), ids: ["one".to_owned(), "two".into()].into() };
    let one = built("exact_match", &json!({}), Some(("one", &rows))).expect("built");
    let of = |vars| verdict(&one, vars, "a");
    for applies in [json!({"s": "two, one"}), json!({"s": ["one"]}), json!({"s": ""}), json!({})] {
        assert_eq!(value(&of(applies.clone())), Some(1.0), "{applies}");
    }
    let skipped = Verdict::Skipped("column `s` does not name it".to_owned());
    assert_eq!(of(json!({"s": "two"})), skipped);
    assert!(
        matches!(of(json!({"s": "one,three"})), Verdict::Failed(why) if why.contains("`three`"))
    );
}

#[test]
fn parts_read_their_own_extraction() {
    let of = json!({"of": [
        {"exact_match": {"expected": "b", "extract": "first"}},
        {"contains": {"value": "whole", "extract": "output"}},
    ]});
    let scorer = built("all_of", &of, None).expect("built");
    assert_eq!(value(&verdict(&scorer, json!({"b": "one"}), "the whole")), Some(1.0));
    assert_eq!(value(&verdict(&scorer, json!({"b": "the whole"}), "the whole")), Some(0.0));
}
