//! The one way of others' text into the page: invisible characters made visible, long text cut with
//! a note. Escaping is done by the templates.

use serde::Serialize;

use crate::{
    base::text::{one_line, prefix, visible},
    report::number::count,
};

/// Bytes of a text that are shown.
const CELL_BYTES: usize = 32 << 10;
/// Characters of a name that are shown.
const NAME_WIDTH: usize = 300;
/// Characters of a name in a drawing.
const SHORT_WIDTH: usize = 24;
/// Characters of a line of options that are shown.
const OPTIONS_WIDTH: usize = 2_000;

/// A text in a `<pre>`.
#[derive(Debug, Serialize)]
pub(super) struct Text {
    text: String,
    more: Option<String>,
}

/// `text`, at most 32 KiB of it.
pub(super) fn text(text: &str) -> Text {
    let shown = prefix(text, CELL_BYTES);
    let left = (text.len() - shown.len()) as u64;
    Text {
        text: visible(shown).into_owned(),
        more: (left > 0).then(|| format!("{} bytes more", count(left))),
    }
}

/// A name, on one line.
pub(super) fn name(text: &str) -> String {
    one_line(text, NAME_WIDTH)
}

/// A name in a drawing, where there is little room.
pub(super) fn short(text: &str) -> String {
    one_line(text, SHORT_WIDTH)
}

/// A JSON value on one line; nothing for an empty one.
pub(super) fn options(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::Object(map) if map.is_empty() => "–".to_owned(),
        other => one_line(&other.to_string(), OPTIONS_WIDTH),
    }
}
