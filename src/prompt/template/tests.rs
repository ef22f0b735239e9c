//! Templates: what they read and what they become.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn vars(value: &Value) -> Vars {
    value.as_object().expect("an object").clone()
}

fn rendered(source: &str, row: &Value) -> String {
    let template = Template::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    template.render(&vars(row)).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn failure(source: &str) -> String {
    Template::compile(source).expect_err(source).to_string()
}

fn names(source: &str) -> Vec<String> {
    let template = Template::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    template.variables().iter().cloned().collect()
}

#[test]
fn values_are_printed_as_they_are() {
    let row = json!({
        "text": "<b>\"it's\" & {{text}}</b>", "id": "007", "none": null, "n": 1.5, "yes": true,
        "list": [1, "two", null], "object": {"a": [1]}, "len": "a column", "two words": "x",
        "ä-ö": "umlaut", "if": "keyword",
    });
    let check = |source, expected: &str| assert_eq!(rendered(source, &row), expected, "{source}");
    check("{{text}}", "<b>\"it's\" & {{text}}</b>");
    check("{{{text}}}{{&id}}", "<b>\"it's\" & {{text}}</b>007");
    check("[{{none}}{{absent}}]", "[]");
    check("{{n}} {{yes}} {{id}}", "1.5 true 007");
    check("{{list}} {{object}}", r#"[1,"two",null] {"a":[1]}"#);
    check("{{object.a}} {{list.[1]}} {{list.1}}", "[1] two two");
    check("{{len}} {{[two words]}} {{ä-ö}} {{if}}", "a column x umlaut keyword");
    check(r"\{{text}} stays", "{{text}} stays");
}

#[test]
fn helpers() {
    let row = json!({
        "list": ["a", 2], "o": {"k": [1], "n": 1}, "t": "  x ", "e": "", "xs": [{"q": 1}, {"q": 2}],
        "key": "k",
    });
    let check = |source, expected: &str| assert_eq!(rendered(source, &row), expected, "{source}");
    check("{{json list}} {{json t}} {{json absent}}", r#"["a",2] "  x " null"#);
    check("{{trim t}}|{{join list}}|{{join list ' / '}}|{{join absent}}", "x|a, 2|a / 2|");
    check(r#"{{default e "none"}} {{default absent 1}} {{default list 1}}"#, r#"none 1 ["a",2]"#);
    check("{{lookup o key}} {{lookup this \"key\"}} {{lookup list 1}}", "[1] k 2");
    check("{{#each xs}}{{@index}}:{{q}}{{#unless @last}},{{/unless}}{{/each}}", "0:1,1:2");
    check("{{#each xs as |x i|}}{{i}}{{x.q}}{{x}}{{/each}}", r#"01{"q":1}12{"q":2}"#);
    check("{{#with o}}{{n}}{{../key}}{{#each k}}{{this}}{{../n}}{{/each}}{{/with}}", "1k11");
    check("{{#if (eq (len list) 2)}}two{{else if e}}e{{else}}no{{/if}}", "two");
    check("{{#each (lookup o 'k')}}{{this}}{{/each}}{{len list}}{{not e}}", "12true");
    check("{{{{raw}}}}{{x}}{{{{/raw}}}}", "{{x}}");
    check("{{@root.key}}{{#each xs}}{{@root.key}}{{/each}}", "kkk");
}

#[test]
fn a_list_that_does_not_exist_is_no_element() {
    assert_eq!(rendered("{{#each xs}}x{{else}}none{{/each}}", &json!({})), "none");
    assert_eq!(rendered("{{#each xs}}x{{/each}}", &json!({"xs": "text"})), "");
}

#[test]
fn variables_are_the_columns_that_are_read() {
    let check = |source, expected: &[&str]| assert_eq!(names(source), expected, "{source}");
    check(
        "{{a}} {{b.c}} {{this.d}} {{./e}} {{[f g]}} {{@root.h}}",
        &["a", "b", "d", "e", "f g", "h"],
    );
    check("{{#if a}}{{b}}{{else}}{{c}}{{/if}}", &["a", "b", "c"]);
    check("{{#if a}}{{else if b}}{{else}}{{c}}{{/if}}", &["a", "b", "c"]);
    check("{{#each xs}}{{this.a}}{{a}}{{@index}}{{../y}}{{@root.z}}{{/each}}", &["xs", "y", "z"]);
    check("{{#each xs}}{{#each ys}}{{../a}}{{../../b}}{{/each}}{{/each}}", &["b", "xs"]);
    check(
        "{{#each xs}}{{#if ../a}}{{../b}}{{c}}{{/if}}{{else}}{{d}}{{/each}}",
        &["a", "b", "d", "xs"],
    );
    check("{{#each xs as |x i|}}{{x.a}}{{i}}{{b}}{{../c}}{{/each}}{{i}}", &["c", "i", "xs"]);
    check("{{#with o}}{{a}}{{../b}}{{/with}}", &["b", "o"]);
    check("{{#with this}}{{a}}{{/with}}{{#with this as |r|}}{{r.b}}{{/with}}", &["a", "b"]);
    check(
        r#"{{lookup this "a"}} {{lookup b c}} {{json (trim d)}} {{join e f}}"#,
        &["a", "b", "c", "d", "e", "f"],
    );
    check("{{#each (lookup a 'b')}}{{c}}{{/each}}", &["a"]);
    check("{{! a }}{{!-- {{b}} --}}{{{{raw}}}}{{c}}{{{{/raw}}}}", &[]);
    check("{{json this}}", &[]);
}

#[test]
fn the_whole_row_can_be_printed() {
    assert_eq!(rendered("{{json this}}", &json!({"b": 1, "a": 2})), r#"{"b":1,"a":2}"#);
    assert_eq!(rendered("{{#each this}}{{@key}}={{this}};{{/each}}", &json!({"a": 1})), "a=1;");
    assert_eq!(rendered("{{lookup this col}}", &json!({"col": "a", "a": 5})), "5");
}

#[test]
fn mistakes_are_found_before_anything_is_rendered() {
    let check = |source, expected: &str| assert_eq!(failure(source), expected, "{source}");
    check("a\nbc {{#if x}}", "line 2, column 4: `{{#if}}` is never closed");
    check("{{#if x}}{{/each}}", "line 1, column 10: `{{#if}}` is closed by `{{/each}}`");
    check("ä {{x", "line 1, column 3: `{{` is never closed");
    check("{{jsn x}}", "line 1, column 1: unknown helper `jsn`; did you mean `json`?");
    check(
        "{{#examples}}{{/examples}}",
        "line 1, column 1: unknown helper `examples`; write `{{#if examples}}` or \
         `{{#each examples}}` for a column",
    );
    check(
        "{{#if a}}\n{{each xs}}{{/if}}",
        "line 2, column 1: `each` opens a block; write `{{#each …}}`",
    );
    check("{{#json x}}{{/json}}", "line 1, column 1: `json` opens no block; write `{{json …}}`");
    check("{{join a b c}}", "line 1, column 1: `join` takes 1 or 2 value(s), 3 given");
    check("{{json a=1}}", "line 1, column 1: `json` takes 1 value(s), 0 given");
    check("{{json a b=1}}", "line 1, column 1: `json` has no option `b`");
    check("{{../a}}", "line 1, column 1: `../a` leads out of the row");
    check("{{@index}}", "line 1, column 1: `@index` stands outside of any `{{#each}}`");
    check("{{json (a)}}", "line 1, column 1: `(a)` calls no helper; write `a`");
    let partials = "partials and decorators (`{{>`, `{{*`, `{{#>`, `{{#*`) are not supported";
    for source in ["{{> x}}", "{{#*inline \"a\"}}{{/inline}}", "{{#> x}}{{/x}}", "{{*x y}}"] {
        check(source, &format!("line 1, column 1: {partials}"));
    }
    check("{{a b", "line 1, column 1: `{{` is never closed");
    check("x {{a..b}}", "line 1, column 7: this is not Handlebars syntax");
}

#[test]
fn a_path_into_a_list_says_how_to_mend_it() {
    let template = Template::compile("a\n {{xs.q}}").expect("compiles");
    let error = template.render(&vars(&json!({"xs": [1]}))).expect_err("no such field");
    assert_eq!(
        error.to_string(),
        "line 2, column 2: a list has no field `q`; name an element by its number, or loop over it"
    );
}

#[test]
fn what_a_cell_holds_is_never_a_template() {
    let row = json!({"a": "{{b}}{{#each}}", "b": "no", "name": "if"});
    assert_eq!(rendered("{{a}}", &row), "{{b}}{{#each}}");
    assert_eq!(rendered("{{(lookup this 'name')}}", &row), "if");
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let nested = |depth: usize| "{{#if a}}".repeat(depth) + "x" + &"{{/if}}".repeat(depth);
    assert_eq!(rendered(&nested(32), &json!({"a": 1})), "x");
    for source in [
        nested(10_000),
        "{{#if a}}".repeat(10_000),
        format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(10_000)),
        format!("{{{{json {}a{}}}}}", "(json ".repeat(10_000), ")".repeat(10_000)),
        format!("{{{{json {}{}}}}}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{{{json {}1{}}}}}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
    ] {
        assert!(failure(&source).contains("nested over"), "{}", &source[..30]);
    }
    let each = "{{#each a}}".to_owned() + &"{{#each this}}".repeat(31);
    let value = (0..32).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(rendered(&(each + "x" + &"{{/each}}".repeat(32)), &json!({"a": value})), "x");
    let brackets = format!("{{{{json {}a{}}}}}", "(json ".repeat(16), ")".repeat(16));
    assert!(Template::compile(&brackets).is_ok());
    let both = format!("{}{brackets}{}", "{{#if a}}".repeat(32), "{{/if}}".repeat(32));
    assert!(rendered(&both, &json!({"a": "x"})).contains('x'));
}

#[test]
fn a_text_that_grows_without_end_is_cut_off() {
    let source = "{{#each @root.xs}}".repeat(5) + "{{this}}" + &"{{/each}}".repeat(5);
    let row = json!({"xs": vec!["x".repeat(1_000); 100]});
    let template = Template::compile(&source).expect("compiles");
    let error = template.render(&vars(&row)).expect_err("too long");
    assert!(error.message.contains("64 MiB"), "{error}");
}

proptest! {
    #[test]
    fn no_template_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{{{", "}}}", "{{#", "{{/", "{{^", "else", "{{else}}", "{{else if a}}", "{{~",
        "~}}", "if", "each", "with", "lookup", "json", " ", "a", "b.c", "../", "this", "@index",
        "@root", "@", "[", "]", "[x y]", "(", ")", "\"", "'", "\"s\"", "'t'", "1", "-1.5", "1E", ".",
        "/", "as |x|", "as |x y|", "|", "=", "k=1", "\\", "\\\\", "{{!--", "--}}", "{{!", "{{{{raw}}}}",
        "{{{{/raw}}}}", "{{{{", "}}}}", "\n", "é", "{{#if a}}", "{{/if}}", "{{#each a}}", "{{/each}}",
        "{{>", "{{*", "{{#>", "{{#*", "{", "}", "&", "null", "true", ",", ":", "\"\\u00\"", "'\\''",
    ]), 0..14)) {
        let source = tokens.concat();
        if let Ok(template) = Template::compile(&source) {
            template.render(&vars(&json!({"a": [1, {"b": "{{"}], "b": {"c": null}, "x": "y"}))).ok();
        }
    }

    #[test]
    fn text_without_braces_stays(text in "[^{\\\\]*") {
        prop_assert_eq!(rendered(&text, &json!({})), text);
    }

    #[test]
    fn any_cell_comes_out_as_it_went_in(cell in any::<String>()) {
        prop_assert_eq!(rendered("{{a}}", &json!({"a": cell.as_str()})), cell);
    }
}

#[test]
fn naughty_strings_are_templates_or_errors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/naughty/blns.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: the list of naughty strings is not on this machine");
        return;
    };
    let strings: Vec<String> = serde_json::from_str(&text).expect("a list of texts");
    for naughty in strings {
        let row = json!({"input": naughty.as_str(), naughty.as_str(): "x"});
        assert_eq!(rendered("{{input}}", &row), naughty);
        if let Ok(template) = Template::compile(&naughty) {
            template.render(&vars(&row)).ok();
        }
        if let Ok(template) = Template::compile(&format!("{{{{[{naughty}]}}}}")) {
            template.render(&vars(&row)).ok();
        }
    }
}
