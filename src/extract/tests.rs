//! Pipelines as written, and what they find.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn pipeline(steps: &Value) -> Pipeline {
    Pipeline::from_value("p", steps).unwrap_or_else(|error| panic!("{steps}: {error}"))
}

fn check(steps: &Value, output: &str, expected: Option<&str>) {
    assert_eq!(pipeline(steps).apply(output).as_deref(), expected, "{steps} on {output:?}");
}

fn failure(steps: &Value) -> String {
    Pipeline::from_value("p", steps).expect_err(&steps.to_string()).to_string()
}

#[test]
fn steps_on_text() {
    check(&json!("trim"), " \u{A0}x\n", Some("x"));
    check(&json!("trim"), "", Some(""));
    check(&json!(["strip_think", "trim"]), "<think>4?</think>\n5\n", Some("5"));
    check(&json!(["strip_think", "trim"]), "<think>4?", None);
    check(&json!("first_line"), "\n \na\r\nb", Some("a"));
    check(&json!("last_line"), "a\nb \n \n", Some("b "));
    check(&json!("last_line"), " \n", None);
    check(&json!("last_number"), "it is 3, or $1,234.50.", Some("1234.50"));
    check(&json!("first_number"), "it is -3%, or 4", Some("-3"));
    check(&json!("first_number"), "none", None);
    check(&json!({"after": "A:"}), "A: 1 A: 2", Some(" 1 A: 2"));
    check(&json!([{"after": {"text": "A:", "match": "last"}}, "trim"]), "A: 1 A: 2", Some("2"));
    check(&json!({"before": {"text": "é", "match": "last"}}), "aébéc", Some("aéb"));
    check(&json!({"before": "x"}), "abc", None);
    check(&json!("lower"), "ÄB", Some("äb"));
    check(&json!({"upper": null}), "äß", Some("ÄSS"));
    check(&json!("code_block"), "```\na\n```\n```py\nb\n```\n", Some("b"));
    check(&json!({"code_block": "PY"}), "```py\nb\n```\n```\na\n```\n", Some("b"));
    check(&json!({"code_block": {"lang": "js"}}), "```py\nb\n```", None);
    check(&json!({"json_path": "$.answer"}), "So: {\"answer\": \"x\"}", Some("x"));
    check(&json!([{"json_path": "$.n"}, "last_number"]), "{\"n\": [1, 2]}", Some("2"));
}

#[test]
fn regexes_take_a_group_of_a_match() {
    let text = "answer is a. answer is b.";
    check(&json!({"regex": r"answer is (.+?)\."}), text, Some("a"));
    check(&json!({"regex": "answer is ."}), text, Some("answer is a"));
    check(&json!({"regex": {"pattern": "is (.)", "match": "last"}}), text, Some("b"));
    check(&json!({"regex": {"pattern": "is (.)", "group": 0}}), text, Some("is a"));
    check(&json!({"regex": {"pattern": "(?<w>is) (?<x>.)", "group": "x"}}), text, Some("a"));
    check(&json!({"regex": "(x)?a"}), "a xa", Some("x"));
    check(&json!({"regex": "(x)"}), text, None);
}

#[test]
fn mistakes_say_where_and_what_there_is() {
    let names = "there are `trim`, `strip_think`, `regex`, `first_line`, `last_line`, \
                 `first_number`, `last_number`, `after`, `before`, `json_path`, `code_block`, \
                 `lower`, `upper`";
    assert_eq!(failure(&json!([])), "extract `p` has no steps");
    assert_eq!(failure(&Value::Null), "extract `p` has no steps");
    assert_eq!(
        failure(&json!(["trim", "last-numbr"])),
        format!(
            "extract `p`, step 2: unknown step `last-numbr`; did you mean `last_number`? {names}"
        )
    );
    assert_eq!(
        failure(&json!("xyzzy")),
        format!("extract `p`, step 1: unknown step `xyzzy`; {names}")
    );
    let is_no_step = "is no step; write a step's name, or `name: argument`";
    assert_eq!(failure(&json!(5)), format!("extract `p`, step 1: `5` {is_no_step}"));
    assert_eq!(
        failure(&json!({"regex": "a", "trim": null})),
        format!("extract `p`, step 1: a map of several keys (`regex`, `trim`) {is_no_step}")
    );
    let check = |steps: Value, expected: &str| {
        assert_eq!(failure(&steps), format!("extract `p`, step 1, {expected}"));
    };
    check(json!("regex"), "`regex`: it needs a `pattern`");
    check(json!({"regex": {"group": 1}}), "`regex`: it needs a `pattern`");
    check(json!({"regex": 5}), "`regex`: `pattern` must be a text, not 5; put it in quotes");
    check(json!({"regex": "(a"}), "`regex`: bad pattern: unclosed group");
    check(
        json!({"regex": {"patern": "a"}}),
        "`regex`: unknown option `patern`; did you mean `pattern`? there are `pattern`, `group`, `match`",
    );
    check(
        json!({"regex": {"pattern": "a", "group": 1}}),
        "`regex`: `group` is 1; the pattern has the groups 0 to 0",
    );
    check(
        json!({"regex": {"pattern": "(?<b>a)", "group": "c"}}),
        "`regex`: `group` is `c`; the pattern has the groups `b`",
    );
    check(
        json!({"regex": {"pattern": "a", "match": "all"}}),
        "`regex`: `match` must be `first` or `last`",
    );
    check(json!({"trim": 5}), "`trim`: it takes no argument");
    check(json!({"after": ""}), "`after`: `text` is empty");
    assert!(failure(&json!({"json_path": "a.b"})).contains("bad path at character"));
    assert!(
        failure(&json!({"json_path": "$.".to_owned() + &"a".repeat(2_000)})).contains("too long")
    );
    assert!(
        Pipeline::from_value("p", &json!({"json_path": "$[?".to_owned() + &"(".repeat(39)}))
            .is_err()
    );
}

static EVERY_STEP: LazyLock<Vec<Pipeline>> = LazyLock::new(|| {
    let steps = [
        json!("trim"),
        json!("strip_think"),
        json!({"regex": r"(\w+)?\s*$"}),
        json!({"regex": {"pattern": "a(.)", "match": "last"}}),
        json!("first_line"),
        json!("last_line"),
        json!("first_number"),
        json!("last_number"),
        json!({"after": "a"}),
        json!({"before": {"text": "a", "match": "last"}}),
        json!({"json_path": "$..a"}),
        json!("code_block"),
        json!("lower"),
        json!("upper"),
    ];
    steps.iter().map(pipeline).collect()
});

proptest! {
    #[test]
    fn no_output_panics(
        text in any::<String>(),
        marks in prop::collection::vec(prop::sample::select(vec![
            "<think>", "</think>", "<THINKING>", "```", "~~~", "```json", "\n", "\r\n", " ", "{",
            "}", "[", "]", "\"a\"", ":", ",", "1", ".", "-", "$", "é", "e5", "%", "a", "\u{2212}",
        ]), 0..20),
    ) {
        for pipeline in EVERY_STEP.iter() {
            pipeline.apply(&text);
            pipeline.apply(&marks.concat());
        }
    }

    #[test]
    fn steps_that_find_their_own_result(
        text in "[ a-c0-9.,$%e\\-+\n\r\u{A0}Éß]{0,40}",
    ) {
        for steps in ["trim", "first_line", "last_line", "first_number", "last_number", "lower", "upper"] {
            let pipeline = pipeline(&json!(steps));
            if let Some(once) = pipeline.apply(&text) {
                prop_assert_eq!(pipeline.apply(&once), Some(once), "{}", steps);
            }
        }
    }
}

#[test]
fn naughty_strings_are_outputs_like_others() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/naughty/blns.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: the list of naughty strings is not on this machine");
        return;
    };
    let strings: Vec<String> = serde_json::from_str(&text).expect("a list of texts");
    for naughty in &strings {
        for pipeline in EVERY_STEP.iter() {
            pipeline.apply(naughty);
        }
        for name in ["regex", "after", "before", "json_path", "code_block"] {
            if let Ok(pipeline) = Pipeline::from_value("p", &json!({name: naughty})) {
                pipeline.apply(naughty);
            }
        }
        Pipeline::from_value(naughty, &json!(naughty)).ok();
    }
}
