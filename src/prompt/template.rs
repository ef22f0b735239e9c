//! One template: parsed once, rendered for every row.

use std::{collections::BTreeSet, io};

use handlebars::{
    BlockContext, Context, Output, RenderContext, RenderError, RenderErrorReason, Renderable,
    Template as Parsed, TemplateErrorReason,
};
use serde_json::{Map, Value};

use crate::{
    domain::sample::Vars,
    prompt::{
        helpers::REGISTRY,
        scan::{Finding, scan},
        walk::{Reads, walk},
    },
};

/// The longest text a template may become.
const MAX_RENDERED_BYTES: usize = 64 << 20;

/// A template that cannot be used, or that failed for a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// Line in the template, from 1.
    pub line: usize,
    /// Column in the line, in characters from 1.
    pub column: usize,
    /// What is wrong, as a fragment.
    pub message: String,
}

/// A Handlebars template whose names are columns of a row.
///
/// Helpers: `if`, `unless`, `each`, `with`, `raw`, `lookup`, `len`, the comparisons `eq ne gt gte
/// lt lte`, `and or not`, and `json` (compact JSON), `trim`, `join` (a list, with a separator),
/// `default` (another value where the first is absent, null or empty). A bare name is always a
/// column, also when a helper has that name.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    parsed: Parsed,
    reads: Reads,
}

impl Template {
    /// Parses `source` and checks every call in it.
    ///
    /// # Errors
    /// Syntax errors, helpers that do not exist or are called wrongly, partials, names out of
    /// scope, blocks nested too deep.
    pub fn compile(source: &str) -> Result<Self, TemplateError> {
        Self::compile_in(source, false)
    }

    /// Like [`Template::compile`], for a template that is rendered for each element of a list:
    /// its names are the element's fields, `this` the element, `../` leads to the row.
    pub(super) fn compile_in(source: &str, in_loop: bool) -> Result<Self, TemplateError> {
        let look = scan(source);
        if let Some(refused) = look.refused {
            return Err(located(source, refused));
        }
        let mut parsed = Parsed::compile(source).map_err(|error| match look.suspect {
            Some(suspect) => located(source, suspect),
            None => syntax_error(source, &error),
        })?;
        let reads = walk(&mut parsed, in_loop)?;
        Ok(Self { source: source.to_owned(), parsed, reads })
    }

    /// The text the template was made of.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The columns that the template reads by name.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.reads.columns
    }

    /// The template's text for the row `vars`: texts as they are, null and absent columns as
    /// nothing, other values as JSON.
    ///
    /// # Errors
    /// A value that a path or a helper cannot work with; a text of over 64 MiB.
    pub fn render(&self, vars: &Vars) -> Result<String, TemplateError> {
        self.render_in(&row_context(vars, &self.reads), None)
    }

    pub(super) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Renders in `context`, for one element of a list where `element` is given.
    pub(super) fn render_in(
        &self,
        context: &Context,
        element: Option<&Element<'_>>,
    ) -> Result<String, TemplateError> {
        let mut rendering = RenderContext::new(None);
        if let Some(element) = element {
            rendering.push_block(element.block());
        }
        let mut text = Bounded(String::new());
        match self.parsed.render(&REGISTRY, context, &mut rendering, &mut text) {
            Ok(()) => Ok(text.0),
            Err(error) => Err(render_error(&error)),
        }
    }
}

/// One element of a list column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) column: &'a str,
    pub(super) index: usize,
    pub(super) count: usize,
}

impl Element<'_> {
    fn block(&self) -> BlockContext<'static> {
        let mut block = BlockContext::new();
        *block.base_path_mut() = vec![self.column.to_owned(), self.index.to_string()];
        block.set_local_var("index", Value::from(self.index));
        block.set_local_var("first", Value::from(self.index == 0));
        block.set_local_var("last", Value::from(self.index + 1 == self.count));
        block
    }
}

/// The part of a row that is read.
pub(super) fn row_context(vars: &Vars, reads: &Reads) -> Context {
    if reads.whole {
        return Context::from(Value::Object(vars.clone()));
    }
    let read: Map<String, Value> = reads
        .columns
        .iter()
        .filter_map(|name| vars.get(name).map(|value| (name.clone(), value.clone())))
        .collect();
    Context::from(Value::Object(read))
}

struct Bounded(String);

impl Output for Bounded {
    fn write(&mut self, segment: &str) -> Result<(), io::Error> {
        if self.0.len() + segment.len() > MAX_RENDERED_BYTES {
            return Err(io::Error::other("the rendered text is over 64 MiB"));
        }
        self.0.push_str(segment);
        Ok(())
    }
}

fn located(source: &str, finding: Finding) -> TemplateError {
    let before = &source[..source.floor_char_boundary(finding.offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    TemplateError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: finding.message,
    }
}

fn syntax_error(source: &str, error: &handlebars::TemplateError) -> TemplateError {
    let message = match error.reason() {
        TemplateErrorReason::InvalidSyntax(_) => "this is not Handlebars syntax".to_owned(),
        other => fragment(&other.to_string()),
    };
    match (error.pos(), error.reason()) {
        (Some((line, column)), _) => TemplateError { line, column, message },
        (None, TemplateErrorReason::InvalidParam(param)) => {
            located(source, Finding { offset: source.find(param).unwrap_or(0), message })
        }
        (None, _) => TemplateError { line: 1, column: 1, message },
    }
}

fn render_error(error: &RenderError) -> TemplateError {
    let message = match error.reason() {
        RenderErrorReason::InvalidJsonIndex(name) => {
            format!("a list has no field `{name}`; name an element by its number, or loop over it")
        }
        RenderErrorReason::IOError(inner) => inner.to_string(),
        other => fragment(&other.to_string()),
    };
    let (line, column) = (error.line_no.unwrap_or(1), error.column_no.unwrap_or(1));
    TemplateError { line, column, message }
}

/// A foreign message as a fragment: a small first letter, no full stop.
fn fragment(message: &str) -> String {
    let mut chars = message.trim().trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
