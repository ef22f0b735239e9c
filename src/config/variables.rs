//! `${NAME}` in a config: filled in from `-D NAME=VALUE` and then from the environment.

use std::collections::BTreeMap;

/// Replaces every `${NAME}` of `text`; `$$` is a dollar sign that begins nothing.
///
/// `lookup` finds a value by name.
///
/// # Errors
/// The name that has no value, or what is wrong with the notation.
pub fn fill_in(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            filled.push('$');
            rest = tail;
        } else if let Some(tail) = after.strip_prefix('{') {
            let end = tail.find('}').ok_or_else(|| format!("`${{` without `}}` in `{text}`"))?;
            let name = &tail[..end];
            let value = lookup(name).ok_or_else(|| format!("`${{{name}}}` has no value"))?;
            filled.push_str(&value);
            rest = &tail[end + 1..];
        } else {
            filled.push('$');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The name in a text that is one `${NAME}` and nothing else.
pub fn sole_name(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(word)).then_some(name)
}

/// Splits the values of `-D NAME=VALUE`.
///
/// # Errors
/// The first one without `=` or without a name.
pub fn definitions(written: &[String]) -> Result<BTreeMap<String, String>, String> {
    written
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.to_owned()))
            }
            _ => Err(format!("`{pair}` is not of the form NAME=VALUE")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_in() {
        let lookup = |name: &str| (name == "DIR").then(|| "/data".to_owned());
        assert_eq!(fill_in("${DIR}/a.csv", &lookup), Ok("/data/a.csv".to_owned()));
        assert_eq!(fill_in("costs $5, $${x}", &lookup), Ok("costs $5, ${x}".to_owned()));
        assert_eq!(fill_in("${NO}", &lookup), Err("`${NO}` has no value".to_owned()));
        assert_eq!(fill_in("${NO", &lookup), Err("`${` without `}` in `${NO`".to_owned()));
        assert_eq!(sole_name(" ${KEY} "), Some("KEY"));
        assert_eq!([sole_name("sk-1"), sole_name("a${B}"), sole_name("${}")], [None; 3]);
    }
}
