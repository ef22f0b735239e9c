//! The prompts of a plan.

use std::{collections::HashSet, fs, path::Path};

use super::Inputs;
use crate::{
    config::{
        self, At, ConfigError, File, Place,
        entry::{ContentEntry, MessageEntry, PartEntry, PromptMap},
        error::suggestion,
        variables,
    },
    dataset::Dataset,
    prompt::{MessageSpec, PartSpec, Prompt, PromptSpec},
};

/// Compiles every prompt; gives each with its place.
pub(super) fn compile(
    file: &File,
    inputs: Inputs<'_>,
) -> Result<Vec<(Place, Prompt)>, ConfigError> {
    if file.prompts.is_empty() {
        let default = Prompt::compile("default", &Prompt::default_spec()).map_err(|error| {
            ConfigError::new(inputs.origin, Place::default(), error.to_string())
        })?;
        return Ok(vec![(Place::default(), default)]);
    }
    let mut ids = HashSet::new();
    let mut prompts = Vec::with_capacity(file.prompts.len());
    for (index, entry) in file.prompts.iter().enumerate() {
        let origin = inputs.origin_of(entry.place, "--prompt").to_owned();
        let reader = Reader { origin, place: entry.place };
        let (reader, map) = reader.follow(&entry.value.0, inputs)?;
        let id = match (&entry.value.0.id, &map.id, &entry.value.0.file) {
            (Some(id), ..) | (None, Some(id), _) => id.value.clone(),
            (None, None, Some(path)) => stem(&path.value),
            (None, None, None) if file.prompts.len() == 1 => "default".to_owned(),
            (None, None, None) => format!("p{}", index + 1),
        };
        let prompt = Prompt::compile(&id, &reader.spec(&map)?)
            .map_err(|error| reader.error(Place::default(), error.to_string()))?;
        if !ids.insert(id.clone()) {
            let message = format!("two prompts are called `{id}`");
            return Err(ConfigError::new(inputs.origin, entry.place, message)
                .hint("give one of them an `id`"));
        }
        prompts.push((entry.place, prompt));
    }
    Ok(prompts)
}

/// Refuses prompts that read a column which the dataset lacks.
pub(super) fn check_variables(
    prompts: &[(Place, Prompt)],
    dataset: &Dataset,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    let columns = dataset.columns();
    for (place, prompt) in prompts {
        let known = |name: &str| {
            columns.iter().any(|column| column == name) || (name == "input" && dataset.has_input())
        };
        if let Some(name) = prompt.variables().iter().find(|name| !known(name)) {
            let message =
                format!("prompt `{}` reads `{name}`, which the dataset does not have", prompt.id());
            let hint = suggestion(name, columns.iter().map(String::as_str), "columns");
            let origin = inputs.origin_of(*place, "--prompt");
            return Err(ConfigError::new(origin, *place, message).hint(hint));
        }
    }
    Ok(())
}

/// Where a prompt is read from, for messages.
struct Reader {
    origin: String,
    place: Place,
}

impl Reader {
    /// Reads the file that a prompt entry names, if it names one.
    fn follow(self, map: &PromptMap, inputs: Inputs<'_>) -> Result<(Self, PromptMap), ConfigError> {
        let Some(written) = &map.file else { return Ok((self, map.clone())) };
        if map.text.is_some() || map.user.is_some() || !map.messages.is_empty() {
            return Err(
                self.error(written.place, "`file` stands instead of the prompt's other forms")
            );
        }
        let name = variables::fill_in(&written.value, inputs.lookup)
            .map_err(|message| self.error(written.place, message))?;
        let path = inputs.base_dir.join(&name);
        let text = fs::read_to_string(&path).map_err(|error| {
            self.error(
                written.place,
                format!("failed to read prompt file `{}`: {error}", path.display()),
            )
        })?;
        let yaml = Path::new(&name).extension().is_some_and(|extension| {
            ["yaml", "yml", "json"].iter().any(|known| extension == *known)
        });
        let reader = Self { origin: path.display().to_string(), place: Place::default() };
        if yaml {
            let read: PromptMap = config::parse_flag(&text, &reader.origin)?;
            if let Some(nested) = &read.file {
                return Err(reader.error(nested.place, "a prompt file cannot name another one"));
            }
            return Ok((reader, read));
        }
        // A file ends in a line feed that nobody means to send.
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
        let text = Some(At::nowhere(text.to_owned()));
        let system = map.system.clone();
        let map = match system {
            Some(system) => PromptMap { system: Some(system), user: text, ..PromptMap::default() },
            None => PromptMap { text, ..PromptMap::default() },
        };
        Ok((reader, map))
    }

    fn spec(&self, map: &PromptMap) -> Result<PromptSpec, ConfigError> {
        match (&map.text, &map.system, &map.user, map.messages.as_slice()) {
            (Some(text), None, None, []) => Ok(PromptSpec::Text(text.value.clone())),
            (None, system, Some(user), []) => Ok(PromptSpec::Pair {
                system: system.as_ref().map(|at| at.value.clone()),
                user: user.value.clone(),
            }),
            (None, None, None, messages @ [_, ..]) => {
                self.messages(messages).map(PromptSpec::Messages)
            }
            _ => Err(self
                .error(Place::default(), "a prompt takes one form")
                .hint("a text; `system` and `user`; `messages`; or `file`")),
        }
    }

    fn messages(&self, entries: &[At<MessageEntry>]) -> Result<Vec<MessageSpec>, ConfigError> {
        entries.iter().map(|entry| self.message(entry)).collect()
    }

    fn message(&self, entry: &At<MessageEntry>) -> Result<MessageSpec, ConfigError> {
        let MessageEntry { role, content, for_each, messages } = &entry.value;
        match (role, content, for_each, messages.as_slice()) {
            (Some(role), Some(content), None, []) => {
                let content = match &content.value {
                    ContentEntry::Text(text) => vec![PartSpec::Text(text.clone())],
                    ContentEntry::Parts(parts) => {
                        parts.iter().map(|part| self.part(part)).collect::<Result<_, _>>()?
                    }
                };
                Ok(MessageSpec::Message { role: role.value, content })
            }
            (None, None, Some(column), messages @ [_, ..]) => Ok(MessageSpec::ForEach {
                column: column.value.clone(),
                messages: self.messages(messages)?,
            }),
            _ => Err(self.error(
                entry.place,
                "a message takes `role` and `content`, or `for_each` and `messages`",
            )),
        }
    }

    fn part(&self, part: &At<PartEntry>) -> Result<PartSpec, ConfigError> {
        match (&part.value.text, &part.value.image) {
            (Some(text), None) => Ok(PartSpec::Text(text.clone())),
            (None, Some(image)) => Ok(PartSpec::Image(image.clone())),
            _ => Err(self.error(part.place, "a part takes one of `text` and `image`")),
        }
    }

    fn error(&self, place: Place, message: impl Into<String>) -> ConfigError {
        let place = if place.line == 0 { self.place } else { place };
        ConfigError::new(&self.origin, place, message)
    }
}

fn stem(path: &str) -> String {
    Path::new(path)
        .file_stem()
        .map_or_else(|| path.to_owned(), |stem| stem.to_string_lossy().into_owned())
}
