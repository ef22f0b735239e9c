//! Every scorer against its fixture, and against naughty strings.

mod overlap;

use std::{fmt::Write as _, path::Path};

use futures_util::future::BoxFuture;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    base::money::Money,
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, TokenLogprob, Usage},
        trial::{Attempt, Hit, TrialKey},
    },
};

fn sample(expected: &[String]) -> Sample {
    Sample {
        index: 0,
        id: "s".into(),
        input: None,
        expected: expected.to_vec(),
        vars: Map::new(),
        metadata: Map::new(),
        cluster: None,
        tags: Vec::new(),
    }
}

fn answer(latency_us: Option<u64>, cost: Option<Money>) -> Answer {
    let attempt = Attempt {
        latency_us: latency_us.unwrap_or(0),
        status: Some(200),
        cost,
        ..Attempt::default()
    };
    Answer {
        key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
        result: Ok(Generation::default()),
        attempts: if latency_us.is_some() || cost.is_some() { vec![attempt] } else { Vec::new() },
        served_by: "m".into(),
        cached: None,
        extracted: Vec::new(),
    }
}

pub(super) fn built(name: &str, options: &Value) -> Result<Box<dyn Scorer>, ArgError> {
    let kind = find(name).unwrap_or_else(|| panic!("no scorer `{name}`"));
    let options = options.as_object().cloned().unwrap_or_default();
    match kind.build(&Args::new(kind.card(), &options)?.at(site()))? {
        Built::Pure(scorer) => Ok(scorer),
        Built::Asks(scorer) => Ok(Box::new(Asking(scorer))),
    }
}

/// Where scorers of fixtures stand: in the repository.
#[expect(clippy::disallowed_methods, reason = "programs of fixtures are found by PATH")]
fn site() -> Site {
    let variable = |name: &str| std::env::var(name).ok().map(|value| (name.to_owned(), value));
    Site {
        base_dir: env!("CARGO_MANIFEST_DIR").into(),
        variables: variable("PATH").into_iter().collect(),
        // Programs of fixtures are ours.
        unsafe_no_sandbox: true,
        ..Site::default()
    }
}

/// There is no model to be asked.
#[derive(Debug)]
struct Nobody;

impl Consult for Nobody {
    fn consult<'a>(
        &'a self,
        _question: &'a Question,
        _read: &'a Read<'a>,
    ) -> BoxFuture<'a, Result<Consulted, Fault>> {
        Box::pin(std::future::ready(Err(Fault::new(FaultKind::Stopped, "there is no model"))))
    }

    fn vectors<'a>(
        &'a self,
        _target: &'a Arc<Target>,
        _texts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Fault>> {
        Box::pin(std::future::ready(Err(Fault::new(FaultKind::Stopped, "there is no model"))))
    }
}

/// A scorer that asks, waited for.
#[derive(Debug)]
struct Asking(Arc<dyn Asks>);

impl Scorer for Asking {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let deadline = tokio::time::Instant::now() + self.0.limit();
            let (_keep, halted) = tokio::sync::watch::channel(false);
            let context = Context {
                rivals: &[],
                scorer: "scorer",
                model: "model",
                prompt: "prompt",
                messages: &[],
                deadline,
                halted,
                models: &Nobody,
            };
            let verdict = self.0.ask(*subject, &context).await;
            self.0.close().await;
            verdict
        })
    }
}

pub(super) fn verdict(scorer: &dyn Scorer, expected: &[String], output: Option<&str>) -> Verdict {
    let (sample, answer) = (sample(expected), answer(Some(1), None));
    let generation = Generation::default();
    scorer.score(&Subject { sample: &sample, answer: &answer, generation: &generation, output })
}

/// The verdict on a sample with these columns.
pub(super) fn verdict_of(scorer: &dyn Scorer, vars: &Value, output: &str) -> Verdict {
    let mut sample = sample(&[]);
    sample.vars = vars.as_object().cloned().unwrap_or_default();
    let (answer, generation) = (answer(Some(1), None), Generation::default());
    let output = Some(output);
    scorer.score(&Subject { sample: &sample, answer: &answer, generation: &generation, output })
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("a list of texts")
}

/// The answer of a case, as far as scorers look at more than its text.
fn generation(case: &Value) -> Generation {
    let count = |key: &str| case["usage"][key].as_u64().unwrap_or_default();
    let usage = Usage {
        input: count("input"),
        output: count("output"),
        reasoning: count("reasoning"),
        ..Usage::default()
    };
    let logprobs = case["logprobs"].as_array().into_iter().flatten();
    Generation {
        finish_reason: case["finish_reason"]
            .as_str()
            .and_then(FinishReason::from_name)
            .unwrap_or_default(),
        usage: case["usage"].is_object().then_some(usage),
        reasoning: case["reasoning"].as_str().map(str::to_owned),
        logprobs: logprobs
            .map(|logprob| TokenLogprob {
                token: "t".into(),
                logprob: logprob.as_f64().unwrap_or(f64::NEG_INFINITY),
                top: Vec::new(),
            })
            .collect(),
        ..Generation::default()
    }
}

/// Runs one case of a fixture; what differs is the result.
fn run(name: &str, case: &Value) -> Option<String> {
    let scorer = built(name, &case["options"]).unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut sample = sample(&texts(&case["expected"]));
    sample.vars = case["vars"].as_object().cloned().unwrap_or_default();
    sample.input = case["input"].as_str().map(str::to_owned);
    let calls = case.get("tool_calls").cloned().unwrap_or_else(|| json!([]));
    let tool_calls = serde_json::from_value(calls).expect("calls of functions");
    let generation = Generation { tool_calls, ..generation(case) };
    let cost = case["cost_pico"].as_i64().map(Money::from_pico);
    let mut answer = answer(case["latency_us"].as_u64(), cost);
    if let Some(attempt) = answer.attempts.last_mut() {
        attempt.ttft_us = case["ttft_us"].as_u64();
    }
    answer.cached = case["cached"].as_bool().unwrap_or(false).then(Hit::default);
    let output = case["output"].as_str();
    let subject = Subject { sample: &sample, answer: &answer, generation: &generation, output };
    let got = scorer.score(&subject);
    let text = |key: &str| case[key].as_str().map(str::to_owned);
    let same = match (&got, text("skipped"), text("failed")) {
        (Verdict::Skipped(reason), Some(expected), None) => *reason == expected,
        (Verdict::Failed(reason), None, Some(expected)) => *reason == expected,
        (Verdict::Scored(score), None, None) => {
            let value = case["value"].as_f64().expect("a value");
            (score.value - value).abs() < 1e-12
                && score.passed == case["passed"].as_bool()
                && score.label == text("label")
                && (case["why"].is_null() || score.explanation == text("why"))
        }
        _ => false,
    };
    (!same).then(|| format!("{case}\n    gave {got:?}"))
}

#[test]
fn every_scorer_does_what_its_fixture_says() {
    let mut wrong = String::new();
    // Those that ask models are proved by scripted servers, in `tests/it`.
    let asks =
        |kind: &&&dyn ScorerKind| kind.card().options.iter().any(|option| option.kind == MODEL);
    for kind in SCORERS.iter().filter(|kind| !asks(kind)) {
        let name = kind.card().name;
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/scorers")
            .join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let fixture: Value = serde_json::from_str(&text).expect(name);
        assert!(fixture["program"].is_string() && fixture["version"].is_string(), "{name}");
        for problem in fixture["cases"].as_array().expect(name).iter().filter_map(|c| run(name, c))
        {
            writeln!(wrong, "{name}: {problem}").expect("a text grows");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_are_unique_and_found() {
    for (index, kind) in SCORERS.iter().enumerate() {
        let name = kind.card().name;
        let first = SCORERS.iter().position(|other| other.card().name == name);
        assert_eq!(first, Some(index), "{name}");
    }
    assert!(find("bleu_nonexistent").is_none());
}

#[test]
fn every_scorer_has_a_family_and_an_example_that_holds() {
    assert_eq!(family::misplaced(), [""; 0], "name them in `FAMILIES`");
    for kind in SCORERS {
        let card = kind.card();
        let example = reference::example(card);
        let entry: crate::config::entry::ScorerEntry =
            crate::config::parse_flag(example, "example").expect(example);
        assert_eq!(entry.name, card.name, "{example}");
        let options = spelled_out(card, entry.options);
        let known = |name: &str| card.options.iter().any(|option| option.name == name);
        let strangers = options.keys().filter(|name| !known(name) && *name != "id");
        let strangers: Vec<_> = strangers.collect();
        assert!(strangers.is_empty(), "{example}: {strangers:?}");
        let alone = options.is_empty();
        let built = Args::new(card, &options).and_then(|args| kind.build(&args));
        assert!(!alone || built.is_ok(), "`{}` needs an example: {built:?}", card.name);
    }
}

#[test]
fn wrong_options_say_what_is_allowed() {
    let check = |name: &str, options: Value, expected: &str| {
        let error = built(name, &options).expect_err(expected).to_string();
        assert_eq!(error, format!("scorer `{name}`, option {expected}"));
    };
    check(
        "exact_match",
        json!({"normalise": "trim"}),
        "`normalise`: unknown option; did you mean `normalize`? there are `normalize`",
    );
    check(
        "exact_match",
        json!({"normalize": ["trim", "casefolds"]}),
        "`normalize`: unknown `casefolds`; did you mean `casefold`? there are `nfkc`, `casefold`, \
         `punctuation`, `articles`, `whitespace`, `trim`",
    );
    check("contains", json!({"value": 5}), "`value`: `5` must be a text; put it in quotes");
    check("contains", json!({"value": ["a", ""]}), "`value`: an empty text stands in every output");
    check(
        "contains",
        json!({"ignore_case": "yes"}),
        "`ignore_case`: must be `true` or `false`, not `\"yes\"`",
    );
    check("one_of", json!({"values": []}), "`values`: the list is empty");
    check("one_of", json!({"values": {"a": 1}}), "`values`: must be a text, not `{\"a\":1}`");
    check("regex", json!({"pattern": "a(b"}), "`pattern`: bad pattern: unclosed group");
    check("regex", json!({"pattern": ["a"]}), "`pattern`: must be a text, not `[\"a\"]`");
    check(
        "numeric",
        json!({"find": "middle"}),
        "`find`: unknown `middle`; there are `first`, `last`",
    );
    check("numeric", json!({"find": ["last"]}), "`find`: must be one name, not `[\"last\"]`");
    check("numeric", json!({"abs_tol": -1}), "`abs_tol`: must be a number of at least 0, not `-1`");
    check(
        "levenshtein",
        json!({"threshold": "0.5"}),
        "`threshold`: must be a number from 0 to 1, not `\"0.5\"`",
    );
    check(
        "latency",
        json!({"max": 3}),
        "`max`: must be a duration such as `500ms` or `3s`, not `3`",
    );
    check(
        "latency",
        json!({"max": "-3s"}),
        "`max`: must be a duration such as `500ms` or `3s`, not `\"-3s\"`",
    );
    check("cost", json!({"max": "$x"}), "`max`: must be an amount such as `$0.01`, not `\"$x\"`");
    check("cost", json!({"max": -1}), "`max`: must be an amount such as `$0.01`, not `-1`");
    assert!(built("latency", &json!({"max": null})).is_ok(), "null is the same as absent");
}

#[test]
fn json_that_is_too_deep_is_not_scored() {
    let scorer = built("is_json", &json!({})).expect("builds");
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    let verdict = |text: &str| verdict(&*scorer, &[], Some(text));
    assert_eq!(verdict(&deep(1_000)), Verdict::Scored(crate::domain::score::Score::binary(true)));
    assert!(matches!(verdict(&deep(10_000)), Verdict::Failed(why) if why.contains("1000 levels")));
    let objects = "{\"a\":".repeat(10_000);
    assert!(matches!(verdict(&objects), Verdict::Scored(score) if score.value == 0.0));
}

/// Structured scorers on what nobody should answer: a wrong answer or a failure, at once.
#[test]
fn hostile_outputs_are_wrong_or_not_scored() {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let hostile = [
        deep("[", "]"),
        deep("{\"a\":[", "]}"),
        "[".repeat(100_000),
        format!("[\"{}\"]", "a".repeat(10 << 20)),
        format!("[{}1]", "1,".repeat(5 << 20)),
        "\0".repeat(1_000),
        "\u{202E}\u{200B}\u{301}".repeat(10_000),
        "<a>".repeat(10_000),
        "- ".repeat(10_000),
        "SELECT ".to_owned() + &deep("(", ")"),
    ];
    for (name, options) in structured() {
        let scorer = built(name, &options).expect(name);
        for output in &hostile {
            let expected = ["{\"a\": 1}".to_owned()];
            assert_sound(&verdict(&*scorer, &expected, Some(output)));
            if let Verdict::Scored(score) = verdict(&*scorer, &expected, Some(output)) {
                let told: String = output.chars().take(20).collect();
                assert!(score.value < 1.0, "{name} {told}");
            }
        }
    }
}

#[test]
fn wrong_options_of_structured_scorers_say_what_is_allowed() {
    let check = |name: &str, options: Value, part: &str| {
        let error = built(name, &options).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    };
    check("json_schema", json!({}), "write one of `schema`, `file` and `column`");
    check("json_schema", json!({"schema": {"type": "text"}}), "`schema`: at `/type`");
    check("json_schema", json!({"schema": {"pattern": "("}}), "regex");
    check("json_schema", json!({"schema": {"$ref": "http://127.0.0.1/x"}}), "none is fetched");
    check("json_schema", json!({"schema": {}, "draft": "5"}), "there are `4`, `6`, `7`");
    check("json_schema", json!({"file": "tests/nothing.json"}), "nothing.json");
    check("json_path", json!({}), "`path`: is needed");
    check("json_path", json!({"path": "a.b"}), "bad path");
    check("json_path", json!({"path": "$.a", "matches": "("}), "unclosed group");
    check("json_path", json!({"path": "$.a", "matches": "x", "exists": true}), "write one of");
    check("json_diff", json!({"threshold": 2}), "a number from 0 to 1");
    check("is_sql", json!({"dialect": "sqllite"}), "did you mean `sqlite`?");
    check("is_xml", json!({"elements": "a//b"}), "is no path of names");
    check("is_yaml", json!({"object_only": true, "scalar": true}), "mappings only");
    check("sql_execution", json!({}), "`database`: is needed");
    check("sql_execution", json!({"database": "Cargo.toml"}), "not a database");
    check("sql_execution", json!({"database": "nothing.db"}), "nothing.db");
    let shop = "tests/fixtures/sql/shop.db";
    check("sql_execution", json!({"database": shop, "max_rows": 0}), "a whole number from 1");
    check("sql_execution", json!({"database": shop, "max_time": "5m"}), "from `1ms` to `60s`");
    check("tool_calls", json!({"tools": [{"name": "a b"}]}), "a tool needs a `name`");
    check("tool_calls", json!({"arguments": "some"}), "there are `equal`, `subset`, `ignore`");
    let bad = json!([{"name": "f", "parameters": {"type": "text"}}]);
    check("tool_calls", json!({ "tools": bad }), "the parameters of `f`");
}

fn structured() -> Vec<(&'static str, Value)> {
    vec![
        ("is_json", json!({"object_only": true})),
        ("json_schema", json!({"schema": {"type": "object", "required": ["zz"]}})),
        ("json_diff", json!({})),
        ("json_path", json!({"path": "$..b"})),
        ("json_path", json!({"path": "$.zz", "exists": true})),
        ("is_xml", json!({"elements": "x/y"})),
        ("is_xml", json!({"fragment": true})),
        ("is_html", json!({"document": true})),
        ("is_yaml", json!({"object_only": true})),
        ("is_sql", json!({"tables": "t", "columns": "a"})),
        ("sql_execution", json!({"database": "tests/fixtures/sql/shop.db", "column": "zz"})),
        ("tool_calls", json!({"arguments": "subset"})),
    ]
}

fn every_scorer() -> Vec<Box<dyn Scorer>> {
    [
        ("exact_match", json!({"normalize": ["nfkc", "casefold", "punctuation", "articles", "whitespace", "trim"]})),
        ("exact_match", json!({})),
        ("contains", json!({"ignore_case": true})),
        ("regex", json!({"full": true})),
        ("regex", json!({"ignore_case": true})),
        ("one_of", json!({"casefold": true})),
        ("numeric", json!({})),
        ("numeric", json!({"find": "last"})),
        ("levenshtein", json!({"threshold": 0.5})),
        ("jaro_winkler", json!({})),
        ("bleu", json!({"tokenize": "intl", "effective_order": true})),
        ("bleu", json!({"smooth": "add-k"})),
        ("chrf", json!({"word_order": 2, "whitespace": true})),
        ("ter", json!({"normalized": true, "no_punct": true, "asian_support": true})),
        ("rouge2", json!({"stem": true})),
        ("rougeL", json!({"stem": true})),
        ("rougeLsum", json!({})),
        ("meteor", json!({})),
        ("gleu", json!({})),
        ("wer", json!({"normalize": ["casefold", "punctuation"]})),
        ("cer", json!({"max": 1})),
        ("numeric_diff", json!({"find": "last"})),
        ("list_contains", json!({"separator": ","})),
        ("contains_all", json!({"ignore_case": true})),
        ("contains_any", json!({})),
        ("starts_with", json!({"ignore_case": true})),
        ("ends_with", json!({})),
        ("length", json!({"unit": "graphemes", "max": 5})),
        ("length", json!({"unit": "words"})),
        ("length", json!({"unit": "sentences"})),
        ("language", json!({"value": "en"})),
        ("refusal", json!({"want": "answer"})),
        ("choice", json!({})),
        ("choice", json!({"letters": "XYZ"})),
        ("math", json!({})),
        ("math", json!({"find": "whole"})),
        ("ifeval", json!({"mode": "loose"})),
        ("squad_em", json!({})),
        ("squad_f1", json!({})),
        ("drop_f1", json!({"separator": ","})),
        ("is_json", json!({"object_only": true})),
        ("latency", json!({"max": "3s"})),
        ("cost", json!({"max": "$1"})),
    ]
    .into_iter()
    .chain(structured())
    .map(|(name, options)| built(name, &options).expect(name))
    .collect()
}

/// A verdict that may be stored: a finite value, an explanation of at most 300 characters.
fn assert_sound(verdict: &Verdict) {
    if let Verdict::Scored(score) = verdict {
        assert!(score.value.is_finite(), "{verdict:?}");
        let explanation = score.explanation.as_deref().unwrap_or_default();
        assert!(explanation.chars().count() <= 300, "{verdict:?}");
    }
}

#[test]
fn naughty_strings_are_scored_like_others() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/naughty/blns.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: the list of naughty strings is not on this machine");
        return;
    };
    let strings: Vec<String> = serde_json::from_str(&text).expect("a list of texts");
    let scorers = every_scorer();
    let exact = built("exact_match", &json!({})).expect("builds");
    for (index, naughty) in strings.iter().enumerate() {
        let other = strings[(index + 1) % strings.len()].clone();
        for scorer in &scorers {
            assert_sound(&verdict(&**scorer, std::slice::from_ref(naughty), Some(&other)));
            assert_sound(&verdict(&**scorer, &[other.clone(), naughty.clone()], Some(naughty)));
        }
        let same = verdict(&*exact, std::slice::from_ref(naughty), Some(naughty));
        assert!(matches!(same, Verdict::Scored(score) if score.passed == Some(true)), "{naughty}");
        for name in ["contains", "regex", "one_of"] {
            for option in ["value", "pattern", "values"] {
                built(name, &json!({option: naughty})).ok();
            }
        }
    }
}

proptest! {
    #[test]
    fn no_output_panics(
        output in prop::option::of(any::<String>()),
        expected in prop::collection::vec(any::<String>(), 0..4),
        numbers in "[-+$€£%.,/0-9eE a-c()*\u{2212}\n]{0,24}",
    ) {
        for scorer in every_scorer() {
            assert_sound(&verdict(&*scorer, &expected, output.as_deref()));
            assert_sound(&verdict(&*scorer, std::slice::from_ref(&numbers), Some(&numbers)));
        }
    }
}
