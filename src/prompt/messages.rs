//! A prompt: templates that become the messages of one call.

use std::collections::BTreeSet;

use handlebars::Context;
use serde_json::Value;

use crate::{
    domain::{
        message::{Message, Part, Role},
        sample::Vars,
    },
    prompt::{
        spec::{MessageSpec, PartSpec, PromptError, PromptSpec},
        template::{Element, Template, row_context},
        walk::Reads,
    },
};

/// Gives the `data:` URL of an image by its address, or says why it cannot.
pub type LoadImage<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// A compiled prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    id: String,
    spec: PromptSpec,
    steps: Vec<Step>,
    reads: Reads,
}

#[derive(Debug, Clone)]
enum Step {
    One(Spoken),
    Each { part: String, column: String, messages: Vec<Spoken> },
}

#[derive(Debug, Clone)]
struct Spoken {
    role: Role,
    parts: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    part: String,
    image: bool,
    template: Template,
}

impl Prompt {
    /// Compiles the templates of `spec`; `id` names the prompt in errors and results.
    ///
    /// # Errors
    /// A template that does not compile, a list without messages, a message without content, a
    /// loop within a loop.
    pub fn compile(id: &str, spec: &PromptSpec) -> Result<Self, PromptError> {
        let compiler = Compiler { prompt: id };
        let steps = match spec {
            PromptSpec::Text(text) => vec![compiler.text(Role::User, "text", text)?],
            PromptSpec::Pair { system, user } => {
                let system =
                    system.as_ref().map(|text| compiler.text(Role::System, "system", text));
                let user = compiler.text(Role::User, "user", user);
                system.into_iter().chain([user]).collect::<Result<_, _>>()?
            }
            PromptSpec::Messages(messages) => compiler.steps(messages)?,
        };
        let reads = all_reads(&steps);
        Ok(Self { id: id.to_owned(), spec: spec.clone(), steps, reads })
    }

    /// The prompt that is used when a config has none: the sample's input.
    pub fn default_spec() -> PromptSpec {
        PromptSpec::Text("{{input}}".to_owned())
    }

    /// The prompt's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The columns that the prompt reads by name.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.reads.columns
    }

    /// Whether the prompt has a use for the column `name`.
    pub fn reads(&self, name: &str) -> bool {
        self.reads.whole || self.reads.columns.contains(name)
    }

    /// Whether an image may be among the messages.
    pub fn has_image(&self) -> bool {
        self.steps.iter().any(|step| {
            let messages = match step {
                Step::One(message) => std::slice::from_ref(message),
                Step::Each { messages, .. } => messages,
            };
            messages.iter().flat_map(|message| &message.parts).any(|piece| piece.image)
        })
    }

    /// The messages for the row `vars`, at least one.
    ///
    /// `load_image` turns the address of an image that is neither `https://` nor `data:` into a
    /// `data:` URL, or says why it cannot, as a fragment that follows the word "image".
    ///
    /// # Errors
    /// A template that fails for this row, an image that cannot be had, a loop over no list, a row
    /// for which no message is left.
    pub fn render(
        &self,
        vars: &Vars,
        load_image: &LoadImage<'_>,
    ) -> Result<Vec<Message>, PromptError> {
        let context = row_context(vars, &self.reads);
        let renderer = Renderer { prompt: &self.id, context: &context, load_image };
        let mut messages = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step {
                Step::One(spoken) => messages.push(renderer.message(spoken, None)?),
                Step::Each { part, column, messages: repeated } => {
                    let count = self.list_length(part, column, vars)?;
                    for index in 0..count {
                        let element = Element { column, index, count };
                        for spoken in repeated {
                            messages.push(renderer.message(spoken, Some(&element))?);
                        }
                    }
                }
            }
        }
        if messages.is_empty() {
            return Err(self.shape("messages", "no message is left for this row"));
        }
        Ok(messages)
    }

    /// The templates as JSON, for the store: a text, `{system, user}` or `{messages}`.
    pub fn to_value(&self) -> Value {
        self.spec.to_value()
    }

    fn list_length(&self, part: &str, column: &str, vars: &Vars) -> Result<usize, PromptError> {
        let found = match vars.get(column) {
            None | Some(Value::Null) => return Ok(0),
            Some(Value::Array(items)) => return Ok(items.len()),
            Some(Value::String(_)) => "text",
            Some(Value::Number(_)) => "a number",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Object(_)) => "an object",
        };
        Err(PromptError::NotAList {
            prompt: self.id.clone(),
            part: part.to_owned(),
            column: column.to_owned(),
            found,
        })
    }

    fn shape(&self, part: &str, message: &'static str) -> PromptError {
        PromptError::Shape { prompt: self.id.clone(), part: part.to_owned(), message }
    }
}

struct Compiler<'a> {
    prompt: &'a str,
}

impl Compiler<'_> {
    fn text(&self, role: Role, part: &str, source: &str) -> Result<Step, PromptError> {
        let piece = self.piece(part.to_owned(), source, false, false)?;
        Ok(Step::One(Spoken { role, parts: vec![piece] }))
    }

    fn steps(&self, messages: &[MessageSpec]) -> Result<Vec<Step>, PromptError> {
        if messages.is_empty() {
            return Err(self.shape("messages".to_owned(), "the list is empty"));
        }
        let step = |(index, message): (usize, &MessageSpec)| {
            let part = format!("messages[{index}]");
            match message {
                MessageSpec::Message { role, content } => {
                    self.spoken(&part, *role, content, false).map(Step::One)
                }
                MessageSpec::ForEach { column, messages } => self.each(part, column, messages),
            }
        };
        messages.iter().enumerate().map(step).collect()
    }

    fn each(
        &self,
        part: String,
        column: &str,
        messages: &[MessageSpec],
    ) -> Result<Step, PromptError> {
        if messages.is_empty() {
            return Err(self.shape(part, "`for_each` has no `messages`"));
        }
        let repeated = messages.iter().enumerate().map(|(index, message)| {
            let part = format!("{part}.messages[{index}]");
            match message {
                MessageSpec::Message { role, content } => self.spoken(&part, *role, content, true),
                MessageSpec::ForEach { .. } => {
                    Err(self.shape(part, "a `for_each` cannot stand within another one"))
                }
            }
        });
        let messages = repeated.collect::<Result<_, _>>()?;
        Ok(Step::Each { part, column: column.to_owned(), messages })
    }

    fn spoken(
        &self,
        part: &str,
        role: Role,
        content: &[PartSpec],
        in_loop: bool,
    ) -> Result<Spoken, PromptError> {
        if content.is_empty() {
            return Err(self.shape(part.to_owned(), "the message has no content"));
        }
        let piece = |(index, spec): (usize, &PartSpec)| {
            let part = match content.len() {
                1 => format!("{part}.content"),
                _ => format!("{part}.content[{index}]"),
            };
            match spec {
                PartSpec::Text(source) => self.piece(part, source, false, in_loop),
                PartSpec::Image(source) => self.piece(part, source, true, in_loop),
            }
        };
        let parts = content.iter().enumerate().map(piece).collect::<Result<_, _>>()?;
        Ok(Spoken { role, parts })
    }

    fn piece(
        &self,
        part: String,
        source: &str,
        image: bool,
        in_loop: bool,
    ) -> Result<Piece, PromptError> {
        match Template::compile_in(source, in_loop) {
            Ok(template) => Ok(Piece { part, image, template }),
            Err(source) => {
                Err(PromptError::Template { prompt: self.prompt.to_owned(), part, source })
            }
        }
    }

    fn shape(&self, part: String, message: &'static str) -> PromptError {
        PromptError::Shape { prompt: self.prompt.to_owned(), part, message }
    }
}

struct Renderer<'a> {
    prompt: &'a str,
    context: &'a Context,
    load_image: &'a LoadImage<'a>,
}

impl Renderer<'_> {
    fn message(
        &self,
        spoken: &Spoken,
        element: Option<&Element<'_>>,
    ) -> Result<Message, PromptError> {
        let part = |piece: &Piece| {
            let text = piece.template.render_in(self.context, element).map_err(|source| {
                PromptError::Template {
                    prompt: self.prompt.to_owned(),
                    part: piece.part.clone(),
                    source,
                }
            })?;
            if !piece.image {
                return Ok(Part::Text { text });
            }
            self.image(text.trim()).map(|url| Part::Image { url }).map_err(|message| {
                PromptError::Image {
                    prompt: self.prompt.to_owned(),
                    part: piece.part.clone(),
                    message,
                }
            })
        };
        let content = spoken.parts.iter().map(part).collect::<Result<_, _>>()?;
        Ok(Message { role: spoken.role, content })
    }

    fn image(&self, address: &str) -> Result<String, String> {
        let scheme = |name: &str| {
            address.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if address.is_empty() {
            return Err("address is empty for this row".to_owned());
        }
        if scheme("https://") || scheme("data:") {
            return Ok(address.to_owned());
        }
        if scheme("http://") {
            return Err(format!("`{address}` is not safe to fetch; use `https://` or a file"));
        }
        (self.load_image)(address)
    }
}

fn all_reads(steps: &[Step]) -> Reads {
    let mut reads = Reads::default();
    let mut add = |spoken: &Spoken| {
        for piece in &spoken.parts {
            let more = piece.template.reads();
            reads.columns.extend(more.columns.iter().cloned());
            reads.whole |= more.whole;
        }
    };
    for step in steps {
        match step {
            Step::One(spoken) => add(spoken),
            Step::Each { messages, .. } => messages.iter().for_each(&mut add),
        }
    }
    let looped = steps.iter().filter_map(|step| match step {
        Step::Each { column, .. } => Some(column.clone()),
        Step::One(_) => None,
    });
    reads.columns.extend(looped);
    reads
}

#[cfg(test)]
mod tests;
