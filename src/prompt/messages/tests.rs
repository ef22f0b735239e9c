//! Prompts become messages.

use serde_json::json;

use super::*;

fn vars(value: &Value) -> Vars {
    value.as_object().expect("an object").clone()
}

fn no_images(path: &str) -> Result<String, String> {
    Err(format!("`{path}` does not exist"))
}

fn text(source: &str) -> Vec<PartSpec> {
    vec![PartSpec::Text(source.to_owned())]
}

fn message(role: Role, source: &str) -> MessageSpec {
    MessageSpec::Message { role, content: text(source) }
}

fn image(source: &str) -> PromptSpec {
    let content =
        vec![PartSpec::Text("What is it?".to_owned()), PartSpec::Image(source.to_owned())];
    PromptSpec::Messages(vec![MessageSpec::Message { role: Role::User, content }])
}

#[test]
fn the_default_asks_the_input() {
    let prompt = Prompt::compile("default", &Prompt::default_spec()).expect("compiles");
    assert!(prompt.variables().contains("input"));
    let row = vars(&json!({"input": "1 < 2?"}));
    let messages = prompt.render(&row, &no_images).expect("renders");
    assert_eq!(messages, [Message::text(Role::User, "1 < 2?")]);
    assert_eq!(prompt.to_value(), json!("{{input}}"));
}

#[test]
fn a_pair_is_two_messages() {
    let spec = PromptSpec::Pair { system: Some("Be {{tone}}.".into()), user: "{{q}}".into() };
    let prompt = Prompt::compile("p", &spec).expect("compiles");
    assert_eq!(prompt.variables().iter().collect::<Vec<_>>(), ["q", "tone"]);
    let messages =
        prompt.render(&vars(&json!({"q": "Why?", "tone": "terse"})), &no_images).expect("renders");
    let expected = [Message::text(Role::System, "Be terse."), Message::text(Role::User, "Why?")];
    assert_eq!(messages, expected);
    assert_eq!(prompt.to_value(), json!({"system": "Be {{tone}}.", "user": "{{q}}"}));
}

#[test]
fn few_shot_examples_come_from_a_list_column() {
    let spec = PromptSpec::Messages(vec![
        message(Role::System, "Answer."),
        MessageSpec::ForEach {
            column: "shots".into(),
            messages: vec![
                message(Role::User, "{{@index}} {{q}} ({{../topic}})"),
                message(Role::Assistant, "{{a}}"),
            ],
        },
        message(Role::User, "{{q}}"),
    ]);
    let prompt = Prompt::compile("few", &spec).expect("compiles");
    assert_eq!(prompt.variables().iter().collect::<Vec<_>>(), ["q", "shots", "topic"]);
    let row =
        json!({"q": "c", "topic": "x", "shots": [{"q": "a", "a": 1}, {"q": "b", "a": "{{q}}"}]});
    let messages = prompt.render(&vars(&row), &no_images).expect("renders");
    let said: Vec<String> = messages.iter().map(Message::joined_text).collect();
    assert_eq!(said, ["Answer.", "0 a (x)", "1", "1 b (x)", "{{q}}", "c"]);
    let none = prompt.render(&vars(&json!({"q": "c"})), &no_images).expect("renders");
    assert_eq!(none.len(), 2, "an absent list has no elements");
    let error = prompt.render(&vars(&json!({"shots": "a, b"})), &no_images).expect_err("no list");
    assert_eq!(
        error.to_string(),
        "prompt `few`, messages[1]: `for_each` needs a list, and column `shots` holds text"
    );
    assert_eq!(
        prompt.to_value(),
        json!({"messages": [
            {"role": "system", "content": "Answer."},
            {"for_each": "shots", "messages": [
                {"role": "user", "content": "{{@index}} {{q}} ({{../topic}})"},
                {"role": "assistant", "content": "{{a}}"},
            ]},
            {"role": "user", "content": "{{q}}"},
        ]})
    );
}

#[test]
fn elements_that_are_texts_are_this() {
    let spec = PromptSpec::Messages(vec![MessageSpec::ForEach {
        column: "turns".into(),
        messages: vec![message(Role::User, "{{this}}{{#if @last}}!{{/if}}")],
    }]);
    let prompt = Prompt::compile("turns", &spec).expect("compiles");
    let messages =
        prompt.render(&vars(&json!({"turns": ["a", "b"]})), &no_images).expect("renders");
    let said: Vec<String> = messages.iter().map(Message::joined_text).collect();
    assert_eq!(said, ["a", "b!"]);
    let error = prompt.render(&vars(&json!({"turns": []})), &no_images).expect_err("nothing");
    assert_eq!(error.to_string(), "prompt `turns`, messages: no message is left for this row");
}

#[test]
fn images_are_addresses_or_loaded() {
    let prompt = Prompt::compile("see", &image("{{img}}")).expect("compiles");
    assert!(prompt.has_image());
    let url = |address: &str, load: &LoadImage<'_>| {
        let messages = prompt.render(&vars(&json!({"img": address})), load)?;
        match &messages[0].content[1] {
            Part::Image { url } => Ok::<_, PromptError>(url.clone()),
            Part::Text { text } => panic!("{text}"),
        }
    };
    let load = |path: &str| Ok(format!("data:loaded,{path}"));
    assert_eq!(url(" https://a/b.png\n", &load).as_deref(), Ok("https://a/b.png"));
    assert_eq!(url("data:image/png;base64,AA", &load).as_deref(), Ok("data:image/png;base64,AA"));
    assert_eq!(url("cat.png", &load).as_deref(), Ok("data:loaded,cat.png"));
    let failed = |address| url(address, &no_images).expect_err(address).to_string();
    assert_eq!(
        failed("no.png"),
        "prompt `see`, messages[0].content[1]: image `no.png` does not exist"
    );
    assert_eq!(
        failed(""),
        "prompt `see`, messages[0].content[1]: image address is empty for this row"
    );
    assert!(failed("http://a/b.png").contains("not safe"));
}

#[test]
fn errors_name_the_prompt_and_the_part() {
    let failed = |spec: &PromptSpec| Prompt::compile("p", spec).expect_err("wrong").to_string();
    let pair = PromptSpec::Pair { system: Some("{{#if a}}".into()), user: "x".into() };
    assert_eq!(failed(&pair), "prompt `p`, system: line 1, column 1: `{{#if}}` is never closed");
    assert_eq!(failed(&PromptSpec::Messages(vec![])), "prompt `p`, messages: the list is empty");
    let inner = MessageSpec::ForEach { column: "b".into(), messages: vec![] };
    let outer = MessageSpec::ForEach { column: "a".into(), messages: vec![inner.clone()] };
    assert_eq!(
        failed(&PromptSpec::Messages(vec![outer])),
        "prompt `p`, messages[0].messages[0]: a `for_each` cannot stand within another one"
    );
    assert_eq!(
        failed(&PromptSpec::Messages(vec![inner])),
        "prompt `p`, messages[0]: `for_each` has no `messages`"
    );
    let empty = MessageSpec::Message { role: Role::User, content: vec![] };
    assert_eq!(
        failed(&PromptSpec::Messages(vec![empty])),
        "prompt `p`, messages[0]: the message has no content"
    );
}
