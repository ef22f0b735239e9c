//! Headers of registered models and endpoints: what may stand in the file.

use super::{Entry, RegistryError, check::field};
use crate::base::secret::{carries_secret, key_marks};

/// What header templates may name.
const TEMPLATES: [&str; 3] = ["api_key", "model", "email"];

/// Headers that belong to the connection.
const OWN_HEADERS: [&str; 6] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "accept-encoding",
];

/// Letters of the longest word that stands beside a secret, such as `Bearer`.
const LONGEST_WORD: usize = 16;

/// Refuses what is no header, and what would keep a secret in the file.
pub(super) fn check(entry: &Entry) -> Result<(), RegistryError> {
    entry.headers.iter().try_for_each(|(name, value)| header(name, value))
}

fn header(name: &str, value: &str) -> Result<(), RegistryError> {
    let wrong = |message: String| Err(field("headers", message));
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return wrong(format!("`{name}` is not the name of an HTTP header"));
    }
    if OWN_HEADERS.contains(&name) {
        return wrong(format!("`{name}` is set by the program itself"));
    }
    if value.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return wrong(format!("the value of `{name}` has characters that HTTP forbids"));
    }
    let Written { literal, has_secret } = written(name, value)?;
    let keeps_secret = if carries_secret(name) {
        !has_secret || !is_words(&literal)
    } else {
        key_marks().is_some_and(|marks| marks.is_match(&literal))
    };
    if keeps_secret {
        return wrong(format!(
            "`{name}` looks like it carries a secret, which is not kept here: write \
             `{{{{api_key}}}}`, or `${{NAME}}` of an environment variable"
        ));
    }
    Ok(())
}

/// A value as it is written.
struct Written {
    /// What stands there verbatim.
    literal: String,
    /// Whether a part of it comes from the vault or from a variable.
    has_secret: bool,
}

fn written(name: &str, value: &str) -> Result<Written, RegistryError> {
    let mut written = Written { literal: String::new(), has_secret: false };
    let mut rest = value;
    while let Some(at) = rest.find(['$', '{']) {
        let (before, from) = rest.split_at(at);
        written.literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            let Some((template, tail)) = after.split_once("}}") else {
                return Err(field("headers", format!("`{name}` has `{{{{` without `}}}}`")));
            };
            let template = template.trim();
            if !TEMPLATES.contains(&template) {
                let message = format!(
                    "`{name}` names `{{{{{template}}}}}`; known: {{{{api_key}}}}, {{{{model}}}}, \
                     {{{{email}}}}"
                );
                return Err(field("headers", message));
            }
            written.has_secret |= template == "api_key";
            rest = tail;
        } else if let Some(tail) = from.strip_prefix("$$") {
            // A dollar sign that begins nothing.
            written.literal.push('$');
            rest = tail;
        } else if let Some((_, tail)) =
            from.strip_prefix("${").and_then(|after| after.split_once('}'))
        {
            written.has_secret = true;
            rest = tail;
        } else {
            let (sign, tail) = from.split_at(1);
            written.literal.push_str(sign);
            rest = tail;
        }
    }
    written.literal.push_str(rest);
    Ok(written)
}

/// Whether a text is made of short words alone, such as `Bearer` or `session=`.
fn is_words(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.all(|word| word.len() <= LONGEST_WORD && !word.contains(|c: char| c.is_ascii_digit()))
}
