//! A walk over a parsed template: which columns it reads, whether every call can work.
//!
//! The parser's own names for scopes: a block of `each` or `with` opens one, `if` does not, and
//! `../` leaves one.

use std::{collections::BTreeSet, sync::LazyLock};

use handlebars::{
    Path, PathSeg, Template,
    template::{BlockParam, HelperTemplate, Parameter, Subexpression, TemplateElement},
};
use serde_json::Value;

use crate::{
    base::text::nearest,
    prompt::{
        helpers::{Form, HELPERS, PRINT, Signature},
        template::TemplateError,
    },
};

const LOCALS: [&str; 4] = ["index", "key", "first", "last"];

/// The path segment that leaves a scope; the parser's type for it has no public name.
static UP: LazyLock<Option<PathSeg>> = LazyLock::new(|| first_segment("../x"));
/// The path segment that goes back to the row.
static ROOT: LazyLock<Option<PathSeg>> = LazyLock::new(|| first_segment("@root/x"));

fn first_segment(path: &str) -> Option<PathSeg> {
    match Path::parse(path).ok()? {
        Path::Relative((segments, _)) => segments.into_iter().next(),
        Path::Local(_) => None,
    }
}

/// What a template reads of its row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Columns by name.
    pub(super) columns: BTreeSet<String>,
    /// Whether the row is also read as a whole.
    pub(super) whole: bool,
}

#[derive(Debug, Clone, Default)]
struct Scope {
    row: bool,
    locals: bool,
    params: Vec<String>,
}

/// What a path leads to.
enum Place {
    Column(String),
    Row,
    Inner,
}

#[derive(Debug)]
struct Walk {
    reads: Reads,
    scopes: Vec<Scope>,
    at: (usize, usize),
}

/// Checks `template`, makes its expressions print values in our way, and tells what it reads.
///
/// `in_loop`: the template is rendered for each element of a list, within the scope of an `each`.
///
/// # Errors
/// Calls of helpers that do not exist or cannot work, partials, names out of scope.
pub(super) fn walk(template: &mut Template, in_loop: bool) -> Result<Reads, TemplateError> {
    let mut scopes = vec![Scope { row: true, ..Scope::default() }];
    if in_loop {
        scopes.push(Scope { locals: true, ..Scope::default() });
    }
    let mut walk = Walk { reads: Reads::default(), scopes, at: (1, 1) };
    walk.template(template)?;
    Ok(walk.reads)
}

impl Walk {
    fn error<T>(&self, message: impl Into<String>) -> Result<T, TemplateError> {
        let (line, column) = self.at;
        Err(TemplateError { line, column, message: message.into() })
    }

    fn template(&mut self, template: &mut Template) -> Result<(), TemplateError> {
        let outer = self.at;
        for (index, element) in template.elements.iter_mut().enumerate() {
            self.at = template.mapping.get(index).map_or(outer, |place| (place.0, place.1));
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                    self.printed(call)?;
                }
                TemplateElement::HelperBlock(call) => self.block(call)?,
                _ => {
                    return self.error(
                        "partials and decorators (`{{>`, `{{*`, `{{#>`, `{{#*`) are not supported",
                    );
                }
            }
        }
        self.at = outer;
        Ok(())
    }

    /// An expression whose value is printed. A bare name is always a value, never a helper.
    fn printed(&mut self, call: &mut HelperTemplate) -> Result<(), TemplateError> {
        if is_bare(call) {
            self.value(&call.name)?;
            let name = std::mem::replace(&mut call.name, Parameter::Name(PRINT.to_owned()));
            call.params = vec![name];
            return Ok(());
        }
        self.call(call, false)?;
        let name = std::mem::replace(&mut call.name, Parameter::Name(PRINT.to_owned()));
        let params = std::mem::take(&mut call.params);
        let inner = Subexpression::new(name, params, std::mem::take(&mut call.hash));
        call.params = vec![Parameter::Subexpression(inner)];
        Ok(())
    }

    fn block(&mut self, call: &mut HelperTemplate) -> Result<(), TemplateError> {
        let signature = self.signature(call, true)?;
        let opened = match (signature.name, call.params.first()) {
            ("each" | "with", Some(over)) => Some(self.scope(signature.name, over, call)?),
            _ => {
                self.call(call, true)?;
                None
            }
        };
        let opens = opened.is_some();
        self.scopes.extend(opened);
        if let Some(inner) = &mut call.template {
            self.template(inner)?;
        }
        if opens {
            self.scopes.pop();
        }
        if let Some(inverse) = &mut call.inverse {
            self.template(inverse)?;
        }
        Ok(())
    }

    fn scope(
        &mut self,
        helper: &str,
        over: &Parameter,
        call: &HelperTemplate,
    ) -> Result<Scope, TemplateError> {
        let params = match &call.block_param {
            Some(BlockParam::Single(name)) => param_name(name).into_iter().collect(),
            Some(BlockParam::Pair((value, key))) => {
                param_name(value).into_iter().chain(param_name(key)).collect()
            }
            _ => Vec::new(),
        };
        let with = helper == "with";
        let row = with && matches!(self.place(over)?, Some(Place::Row));
        if !row {
            self.value(over)?;
        }
        let locals = !with || self.scopes.last().is_some_and(|scope| scope.locals);
        Ok(Scope { row, locals, params })
    }

    /// The helper that `call` names, if it may be called in this way.
    fn signature(
        &self,
        call: &HelperTemplate,
        block: bool,
    ) -> Result<&'static Signature, TemplateError> {
        let name = call.name.as_name().unwrap_or_default();
        let Some(signature) = HELPERS.iter().find(|signature| signature.name == name) else {
            return self.error(unknown_helper(name, block));
        };
        match (signature.form, block) {
            (Form::Inline, true) => {
                return self.error(format!("`{name}` opens no block; write `{{{{{name} …}}}}`"));
            }
            (Form::Block, false) => {
                return self.error(format!("`{name}` opens a block; write `{{{{#{name} …}}}}`"));
            }
            _ => {}
        }
        let given = call.params.len();
        if given < signature.least || given > signature.most {
            let wanted = match (signature.least, signature.most) {
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} or {most}"),
            };
            return self.error(format!("`{name}` takes {wanted} value(s), {given} given"));
        }
        if let Some(option) =
            call.hash.keys().find(|option| !signature.options.contains(&option.as_str()))
        {
            return self.error(format!("`{name}` has no option `{option}`"));
        }
        Ok(signature)
    }

    /// A call of a helper: its parameters.
    fn call(&mut self, call: &HelperTemplate, block: bool) -> Result<(), TemplateError> {
        let signature = self.signature(call, block)?;
        if let ("lookup", [of, Parameter::Literal(Value::String(key))]) =
            (signature.name, call.params.as_slice())
            && matches!(self.place(of)?, Some(Place::Row))
        {
            self.reads.columns.insert(key.clone());
            return Ok(());
        }
        call.params.iter().chain(call.hash.values()).try_for_each(|param| self.value(param))
    }

    /// A value that is read.
    fn value(&mut self, param: &Parameter) -> Result<(), TemplateError> {
        if let Parameter::Subexpression(inner) = param {
            let TemplateElement::Expression(call) = inner.as_element() else {
                return self.error("this expression is not supported");
            };
            if is_bare(call) {
                let name = call.name.as_name().unwrap_or_default();
                return self.error(format!("`({name})` calls no helper; write `{name}`"));
            }
            return self.call(call, false);
        }
        match self.place(param)? {
            Some(Place::Column(name)) => {
                self.reads.columns.insert(name);
            }
            Some(Place::Row) => self.reads.whole = true,
            Some(Place::Inner) | None => {}
        }
        Ok(())
    }

    /// What a path leads to; `None` when `param` is no path.
    fn place(&self, param: &Parameter) -> Result<Option<Place>, TemplateError> {
        let Parameter::Path(path) = param else { return Ok(None) };
        match path {
            Path::Local((level, name, _)) => self.local(*level, name).map(Some),
            Path::Relative((segments, raw)) => self.relative(segments, raw).map(Some),
        }
    }

    fn local(&self, level: usize, name: &str) -> Result<Place, TemplateError> {
        if !LOCALS.contains(&name) {
            return self
                .error(format!("there is no `@{name}`; there are `@{}`", LOCALS.join("`, `@")));
        }
        let scope = self.scopes.iter().rev().nth(level);
        if scope.is_some_and(|scope| scope.locals) {
            return Ok(Place::Inner);
        }
        self.error(format!("`@{name}` stands outside of any `{{{{#each}}}}`"))
    }

    fn relative(&self, segments: &[PathSeg], raw: &str) -> Result<Place, TemplateError> {
        let ups = segments.iter().take_while(|segment| Some(*segment) == UP.as_ref()).count();
        let rest = &segments[ups..];
        let first = names(rest).next();
        if let Some(named) = first
            && matches!(rest.first(), Some(PathSeg::Named(_)))
            && let Some(scope) = self.scopes.iter().rev().find(|scope| scope.params.contains(named))
        {
            return Ok(if scope.row { row_place(names(rest).nth(1)) } else { Place::Inner });
        }
        if rest.first().is_some_and(|segment| Some(segment) == ROOT.as_ref()) {
            return Ok(row_place(first));
        }
        let Some(scope) = self.scopes.iter().rev().nth(ups) else {
            return self.error(format!("`{raw}` leads out of the row"));
        };
        Ok(if scope.row { row_place(first) } else { Place::Inner })
    }
}

fn row_place(column: Option<&String>) -> Place {
    column.map_or(Place::Row, |name| Place::Column(name.clone()))
}

fn names(segments: &[PathSeg]) -> impl Iterator<Item = &String> {
    segments.iter().filter_map(|segment| match segment {
        PathSeg::Named(name) => Some(name),
        _ => None,
    })
}

fn is_bare(call: &HelperTemplate) -> bool {
    call.params.is_empty() && call.hash.is_empty()
}

fn param_name(param: &Parameter) -> Option<String> {
    param.as_name().map(str::to_owned)
}

fn unknown_helper(name: &str, block: bool) -> String {
    let known = HELPERS.iter().map(|signature| signature.name);
    let hint = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if block => {
            format!("write `{{{{#if {name}}}}}` or `{{{{#each {name}}}}}` for a column")
        }
        None => format!("there are `{}`", known.collect::<Vec<_>>().join("`, `")),
    };
    format!("unknown helper `{name}`; {hint}")
}
