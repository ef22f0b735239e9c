//! The official test suite, required tests of the five drafts, and schemas that mean harm.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::*;

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/json_schema/suite.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the suite")).expect("JSON")
}

/// Whether the schema needs a document that the suite's server would have.
fn is_remote(schema: &Value) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(is_remote),
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(text) if key == "$ref" || key == "$schema" => {
                text.starts_with("http://localhost:1234")
            }
            other => is_remote(other),
        }),
        _ => false,
    }
}

/// Documents of the suite's server that relative references lead to.
const SERVED: &[&str] = &["tree.json", "extendible-dynamic-ref.json"];

/// What the validator decides otherwise: a meta-schema of one's own takes no keyword away.
const KNOWN_DIFFERENCES: &[(&str, &str)] =
    &[("vocabulary", "schema that uses custom metaschema with with no validation vocabulary")];

fn leads_to_served(why: &str) -> bool {
    why.contains("is another document, and none is fetched")
        && SERVED.iter().any(|name| why.contains(&format!("/{name}`")))
}

#[test]
fn the_official_suite_agrees() {
    let suite = fixture();
    let (mut wrong, mut tests, mut refused) = (Vec::new(), 0, 0);
    for draft in DRAFT_NAMES {
        for group in suite[draft].as_array().expect("groups") {
            let (file, about, schema) = (&group[0], &group[1], &group[2]);
            let reading = Reading { draft: Some(draft), ..Reading::default() };
            let compiled = match Schema::compile(schema, reading) {
                Ok(compiled) => compiled,
                Err(why) => {
                    refused += 1;
                    if file != "refRemote" && !is_remote(schema) && !leads_to_served(&why) {
                        wrong.push(format!("{draft} {file} {about}: {why}"));
                    }
                    continue;
                }
            };
            if KNOWN_DIFFERENCES.iter().any(|known| file == known.0 && about == known.1) {
                continue;
            }
            for test in group[3].as_array().expect("tests") {
                tests += 1;
                let valid = compiled.check(&test[0]).expect("a verdict").is_ok();
                if test[1] != valid {
                    wrong.push(format!("{draft} {file} {about}: {} gave {valid}", test[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tests}\n{}", wrong.len(), wrong.join("\n"));
    assert!(tests > 4_000 && refused < 120, "{tests} tests, {refused} groups refused");
}

fn nested(levels: usize, leaf: Value) -> Value {
    (0..levels).fold(leaf, |inner, _| json!({ "a": inner }))
}

fn compiled(schema: &Value) -> Schema {
    Schema::compile(schema, Reading::default()).expect("a schema")
}

fn refusal(schema: &Value) -> String {
    Schema::compile(schema, Reading::default()).expect_err("a bad schema")
}

#[test]
fn schemas_that_refer_to_themselves_come_to_an_end() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}),
        json!({"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]}),
    ] {
        for value in [json!(1), json!({"a": [1]})] {
            assert_eq!(compiled(&schema).check(&value), Ok(Ok(())), "{schema}");
        }
    }
}

#[test]
fn schemas_that_branch_at_every_level_come_to_an_end() {
    let twice = json!([{"$ref": "#"}, {"$ref": "#"}]);
    for (keyword, leaf, valid) in
        [("allOf", json!(1), true), ("anyOf", json!("x"), false), ("oneOf", json!("x"), false)]
    {
        let schema = json!({"type": ["object", "integer"], "properties": {"a": {keyword: twice}}});
        let verdict = compiled(&schema).check(&nested(120, leaf)).expect("a verdict");
        assert_eq!(verdict.is_ok(), valid, "{keyword}");
    }
    let open = json!({"type": ["object", "integer"], "properties": {"a": {"anyOf": twice}}, "unevaluatedProperties": false});
    assert!(compiled(&open).check(&nested(60, json!("x"))).expect("a verdict").is_err());
}

#[test]
fn chains_do_not_use_up_the_stack() {
    let defs: Map<String, Value> = (0..120)
        .map(|i| (format!("d{i}"), json!({"allOf": [{"$ref": format!("#/$defs/d{}", i + 1)}]})))
        .chain([("d120".to_owned(), json!({"properties": {"a": {"$ref": "#"}}}))])
        .collect();
    let schema = compiled(&json!({"$ref": "#/$defs/d0", "$defs": defs}));
    assert_eq!(schema.check(&nested(126, json!(1))), Ok(Ok(())));
}

#[test]
fn nothing_is_fetched() {
    for reference in ["http://127.0.0.1:1/a.json", "https://example.com/a", "file:///etc/passwd"] {
        let why = refusal(&json!({ "$ref": reference }));
        assert!(why.contains("is another document, and none is fetched"), "{why}");
    }
    assert!(!refusal(&json!({"$ref": "other.json"})).is_empty());
    let known = compiled(&json!({"$ref": "http://json-schema.org/draft-07/schema#"}));
    assert_eq!(known.check(&json!({"type": "object"})), Ok(Ok(())));
    assert!(known.check(&json!({"type": 5})).expect("a verdict").is_err());
}

#[test]
fn only_the_schemas_own_folder_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let inner = dir.path().join("schemas");
    std::fs::create_dir(&inner).expect("a directory");
    std::fs::write(inner.join("name.json"), r#"{"type": "string"}"#).expect("written");
    std::fs::write(dir.path().join("secret.json"), r#"{"type": "string"}"#).expect("written");
    let reading = Reading { folder: Some(&inner), ..Reading::default() };
    let schema = Schema::compile(&json!({"$ref": "name.json"}), reading).expect("found");
    assert_eq!(schema.check(&json!("a")), Ok(Ok(())));
    assert!(schema.check(&json!(1)).expect("a verdict").is_err());
    for reference in
        ["../secret.json", "/../secret.json", "%2e%2e/secret.json", "file:///etc/passwd"]
    {
        let why = Schema::compile(&json!({ "$ref": reference }), reading).expect_err(reference);
        assert!(!why.is_empty(), "{reference}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("secret.json"), inner.join("link.json"))
            .expect("a link");
        let why = Schema::compile(&json!({"$ref": "link.json"}), reading).expect_err("a link");
        assert!(why.contains("leads out"), "{why}");
    }
}

#[test]
fn patterns_take_linear_time() {
    let schema = compiled(&json!({"pattern": "^(a+)+$"}));
    let long = "a".repeat(100_000) + "!";
    assert!(schema.check(&json!(long)).expect("a verdict").is_err());
    assert!(refusal(&json!({"pattern": "^(?=a)a$"})).contains("regex"));
    assert!(refusal(&json!({"pattern": "\\w{1000}{1000}"})).contains("regex"));
}

#[test]
fn bad_schemas_say_where() {
    assert_eq!(refusal(&json!([])), "is an object, `true` or `false`");
    let why = refusal(&json!({"properties": {"a": {"type": "text"}}}));
    assert!(why.contains("/properties/a/type"), "{why}");
    let schema = compiled(&json!({"properties": {"a": {"type": "string"}}, "required": ["b"]}));
    let why = |value: Value| schema.check(&value).expect("a verdict").expect_err("wrong");
    assert_eq!(why(json!({"a": 1, "b": 1})), "at `/a`: 1 is not of type \"string\"");
    assert_eq!(why(json!({})), "\"b\" is a required property");
}
