//! The helpers a template may call, with the checks that can be made before anything is rendered.

use std::sync::LazyLock;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, PathAndJson, RenderContext, RenderError, ScopedJson,
    no_escape,
};
use serde_json::Value;

use crate::domain::sample::value_text;

/// The helper that prints a value. No template can name it: identifiers hold no blanks.
pub(super) const PRINT: &str = " print";

/// How a helper is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `{{name …}}` and `(name …)`.
    Inline,
    /// `{{#name …}}…{{/name}}`.
    Block,
    /// Both.
    Either,
}

/// A helper's signature.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) options: &'static [&'static str],
}

const fn takes(name: &'static str, form: Form, least: usize, most: usize) -> Signature {
    Signature { name, form, least, most, options: &[] }
}

const fn condition(name: &'static str) -> Signature {
    Signature { name, form: Form::Block, least: 1, most: 1, options: &["includeZero"] }
}

/// Every helper there is.
pub(super) static HELPERS: &[Signature] = &[
    condition("if"),
    condition("unless"),
    takes("each", Form::Block, 1, 1),
    takes("with", Form::Block, 1, 1),
    takes("raw", Form::Block, 0, usize::MAX),
    takes("lookup", Form::Inline, 2, 2),
    takes("len", Form::Inline, 1, 1),
    takes("eq", Form::Either, 2, 2),
    takes("ne", Form::Either, 2, 2),
    takes("gt", Form::Either, 2, 2),
    takes("gte", Form::Either, 2, 2),
    takes("lt", Form::Either, 2, 2),
    takes("lte", Form::Either, 2, 2),
    takes("and", Form::Either, 1, usize::MAX),
    takes("or", Form::Either, 1, usize::MAX),
    takes("not", Form::Either, 1, 1),
    takes("json", Form::Inline, 1, 1),
    takes("trim", Form::Inline, 1, 1),
    takes("join", Form::Inline, 1, 2),
    takes("default", Form::Inline, 2, 2),
];

/// The registry that every template renders with.
pub(super) static REGISTRY: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.register_escape_fn(no_escape);
    registry.register_helper(PRINT, Box::new(ValueHelper(print)));
    registry.register_helper("json", Box::new(ValueHelper(json)));
    registry.register_helper("trim", Box::new(ValueHelper(trim)));
    registry.register_helper("join", Box::new(ValueHelper(join)));
    registry.register_helper("default", Box::new(ValueHelper(default)));
    registry
});

type Compute = fn(&Value, Option<&Value>) -> Value;

/// A helper that makes one value out of its first two parameters.
struct ValueHelper(Compute);

impl HelperDef for ValueHelper {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let first = helper.param(0).map_or(&Value::Null, |param| param.value());
        let second = helper.param(1).map(PathAndJson::value);
        Ok(ScopedJson::Derived((self.0)(first, second)))
    }
}

/// Text as it is, null as nothing, numbers, booleans, lists and objects as JSON.
fn print(value: &Value, _: Option<&Value>) -> Value {
    Value::String(value_text(value))
}

fn json(value: &Value, _: Option<&Value>) -> Value {
    Value::String(value.to_string())
}

fn trim(value: &Value, _: Option<&Value>) -> Value {
    Value::String(value_text(value).trim().to_owned())
}

/// The elements of a list with a separator between them; another value counts as a list of one.
fn join(value: &Value, separator: Option<&Value>) -> Value {
    let Value::Array(items) = value else { return print(value, None) };
    let separator = separator.map_or_else(|| ", ".to_owned(), value_text);
    let texts: Vec<String> = items.iter().map(value_text).collect();
    Value::String(texts.join(&separator))
}

/// The first value, or the second one where the first is absent, null or an empty text.
fn default(value: &Value, other: Option<&Value>) -> Value {
    let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
    if empty { other.cloned().unwrap_or_default() } else { value.clone() }
}
