//! Every scorer against its fixture, and against naughty strings.

mod overlap;

use std::{fmt::Write as _, path::Path};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    base::money::Money,
    domain::trial::{Attempt, TrialKey},
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

fn built(name: &str, options: &Value) -> Result<Box<dyn Scorer>, ArgError> {
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

/// A scorer that asks, waited for.
#[derive(Debug)]
struct Asking(Arc<dyn Asks>);

impl Scorer for Asking {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let deadline = tokio::time::Instant::now() + self.0.limit();
            let (_keep, halted) = tokio::sync::watch::channel(false);
            let context =
                Context { scorer: "scorer", model: "model", prompt: "prompt", deadline, halted };
            let verdict = self.0.ask(*subject, &context).await;
            self.0.close().await;
            verdict
        })
    }
}

fn verdict(scorer: &dyn Scorer, expected: &[String], output: Option<&str>) -> Verdict {
    let (sample, answer) = (sample(expected), answer(Some(1), None));
    let generation = Generation::default();
    scorer.score(&Subject { sample: &sample, answer: &answer, generation: &generation, output })
}

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("a list of texts")
}

/// Runs one case of a fixture; what differs is the result.
fn run(name: &str, case: &Value) -> Option<String> {
    let scorer = built(name, &case["options"]).unwrap_or_else(|error| panic!("{case}: {error}"));
    let (sample, generation) = (sample(&texts(&case["expected"])), Generation::default());
    let cost = case["cost_pico"].as_i64().map(Money::from_pico);
    let answer = answer(case["latency_us"].as_u64(), cost);
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
    for kind in SCORERS {
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
fn the_readme_lists_every_scorer_and_option() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/scorers/README.md");
    let text = std::fs::read_to_string(readme).expect("the README");
    for card in SCORERS.iter().map(|kind| kind.card()) {
        let row = format!("| `{}` | {} |", card.name, card.summary);
        assert!(text.contains(&row), "no row `{row}`");
        for option in card.options {
            let row = format!(
                "| `{}` | `{}` | {} | {} |",
                card.name, option.name, option.kind, option.default
            );
            assert!(text.contains(&row), "no row `{row}`");
        }
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
fn deep_json_is_json() {
    let scorer = built("is_json", &json!({})).expect("builds");
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    assert_eq!(
        verdict(&*scorer, &[], Some(&deep)),
        Verdict::Scored(crate::domain::score::Score::binary(true))
    );
    let objects = "{\"a\":".repeat(10_000);
    assert!(
        matches!(verdict(&*scorer, &[], Some(&objects)), Verdict::Scored(score) if score.value == 0.0)
    );
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
        ("is_json", json!({"object_only": true})),
        ("latency", json!({"max": "3s"})),
        ("cost", json!({"max": "$1"})),
    ]
    .map(|(name, options)| built(name, &options).expect(name))
    .into()
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
