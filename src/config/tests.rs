//! Reading configs, and what is said about wrong ones.

use super::*;

fn error(text: &str) -> String {
    let error = parse(text, "evals.yaml").expect_err("should be refused");
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!(" | {hint}"));
    format!("{error}{hint}")
}

#[test]
fn the_whole_file() {
    let file = parse(
        "name: capitals\ndataset:\n  path: a.csv\n  where: \"x >= 2\"\nprompts:\n  - \"{{q}}\"\n  - \
         {id: b, system: s, user: u}\nmodels: [sim/good, {id: l, provider: openai-compatible, \
         price: {input: 0, output: 0}}]\nparams: {temperature: 0, max_tokens: 256}\nepochs: \
         3\nscorers:\n  - exact_match: {normalize: [trim]}\n  - levenshtein\ngates: [\"a.mean > \
         1\"]\n",
        "evals.yaml",
    )
    .expect("a right file");
    let dataset = file.dataset.expect("a dataset").value.0;
    assert_eq!(dataset.path.expect("a path").value, "a.csv");
    assert_eq!(dataset.filter.expect("a filter").place, Place { line: 4, column: 10 });
    assert_eq!(file.models[0].value.0.reference.as_ref().expect("a reference").value, "sim/good");
    assert_eq!(file.scorers[0].value.name, "exact_match");
    assert_eq!(file.scorers[0].value.options["normalize"][0], "trim");
    assert_eq!(file.scorers[1].place.line, 13);
    assert_eq!(file.epochs.expect("epochs").value.0.count.value, 3);
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert!(error("scorrers: [a]\n").starts_with(
        "evals.yaml:1:1: unknown key `scorrers` | did you mean `scorers`? known keys: `name`"
    ));
    let inner = error("dataset:\n  path: a.csv\n  limits: 3\n");
    assert!(
        inner.starts_with("evals.yaml:3:3: unknown key `limits` | did you mean `limit`?"),
        "{inner}"
    );
    let model = error("models:\n  - id: a\n    base_ur: x\n");
    assert!(model.starts_with("evals.yaml:3:5: unknown key `base_ur` | did you mean `base_url`?"));
}

#[test]
fn wrong_types_say_what_was_expected() {
    assert_eq!(
        error("dataset: 7\n"),
        "evals.yaml:1:1: expected a path or a mapping with `path`, found integer `7`"
    );
    assert!(error("schedule: often\n").starts_with("evals.yaml:1:"));
    assert!(error("models: [\n").starts_with("evals.yaml:"));
    assert!(error("score_also: [lenght]\n").contains("did you mean `length`?"));
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema();
    for key in ["dataset", "prompts", "models", "scorers", "gates", "extract", "epochs"] {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
