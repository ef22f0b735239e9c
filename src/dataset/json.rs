//! JSON rows: an object a line, or the elements of one list, one at a time.

use std::{fmt, io::BufRead as _, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use serde_json::map::Entry;

use super::{
    csv::{Lines, MAX_ROW},
    error::{At, DatasetError, Place},
    format::{Compression, Text, read_error},
};
use crate::{base::text::one_line, domain::sample::Vars};

/// The rows of a file with an object a line.
pub(super) struct JsonLines(Lines, Arc<str>);

impl JsonLines {
    /// Reads `text`, which messages call `path`.
    pub(super) fn new(text: Text, path: &Arc<str>, compression: Compression) -> Self {
        Self(Lines::new(text, path, compression), Arc::clone(path))
    }

    /// The next row and its line; blank lines are skipped.
    pub(super) fn next_row(&mut self) -> Result<Option<(Vars, u64)>, DatasetError> {
        let Self(input, path) = self;
        loop {
            input.raw.clear();
            if !input.more()? {
                return Ok(None);
            }
            let content = input.raw.trim_ascii();
            let Some(first) = content.first() else { continue };
            let indent = input.raw.len() - input.raw.trim_ascii_start().len();
            let start = Place::character(path, input.line, indent as u64 + 1);
            if *first != b'{' {
                let hint = match first {
                    b'[' => "; is the file a JSON list, format `json`?",
                    _ => "",
                };
                let found = one_line(&String::from_utf8_lossy(content), 40);
                let found = format!("`{found}`");
                return Err(DatasetError::NotAnObject { place: start, found, hint });
            }
            return object(content, &start).map(|vars| Some((vars, input.line)));
        }
    }
}

/// The rows of a file that is one JSON list.
pub(super) struct JsonList {
    text: Text,
    path: Arc<str>,
    compression: Compression,
    line: u64,
    /// Characters of the line that are read.
    column: u64,
    element: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    First,
    Within,
    Behind,
}

impl JsonList {
    /// Reads `text`, which messages call `path`.
    pub(super) fn new(text: Text, path: &Arc<str>, compression: Compression) -> Self {
        Self {
            text,
            path: Arc::clone(path),
            compression,
            line: 1,
            column: 0,
            element: Vec::new(),
            state: State::Before,
        }
    }

    /// The next row and the line that it begins on.
    pub(super) fn next_row(&mut self) -> Result<Option<(Vars, u64)>, DatasetError> {
        if self.state == State::Before {
            self.open()?;
        }
        if self.state == State::Behind {
            return Ok(None);
        }
        let mut next = self.skip_space()?;
        let mut may_close = true;
        if self.state == State::Within {
            match next {
                Some(b',') => {
                    self.bump(b',');
                    next = self.skip_space()?;
                    may_close = false;
                }
                Some(b']') => {}
                _ => return Err(self.problem("expected `,` or `]` after an element", next)),
            }
        }
        match next {
            Some(b']') if may_close => self.close(),
            Some(b']') => Err(self.problem("expected an element after `,`", next)),
            Some(b'{') => {
                self.state = State::Within;
                let (place, line) = (self.here(), self.line);
                self.read_element(&place)?;
                let vars = object(&self.element, &place)?;
                Ok(Some((vars, line)))
            }
            Some(_) => {
                let found = self.found(next);
                Err(DatasetError::NotAnObject { place: self.here(), found, hint: "" })
            }
            None => Err(self.problem("the list is never closed", None)),
        }
    }

    fn open(&mut self) -> Result<(), DatasetError> {
        let next = self.skip_space()?;
        match next {
            Some(b'[') => self.bump(b'['),
            None => return Err(DatasetError::Empty { path: Arc::clone(&self.path) }),
            Some(byte) => {
                let hint = if byte == b'{' {
                    "; if it has an object a line, name the format `jsonl`"
                } else {
                    ""
                };
                let found = self.found(next);
                return Err(DatasetError::NotAnArray { place: self.here(), found, hint });
            }
        }
        self.state = State::First;
        Ok(())
    }

    fn close(&mut self) -> Result<Option<(Vars, u64)>, DatasetError> {
        self.bump(b']');
        self.state = State::Behind;
        match self.skip_space()? {
            None => Ok(None),
            next => Err(self.problem("the file goes on after the list", next)),
        }
    }

    /// Copies the object at hand, up to the bracket that closes it, into `element`.
    fn read_element(&mut self, place: &Place) -> Result<(), DatasetError> {
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        self.element.clear();
        loop {
            let wrap = |error| read_error(&self.path, self.compression, error);
            let buffer = self.text.fill_buf().map_err(wrap)?;
            if buffer.is_empty() {
                let problem = "the object that begins here is never closed".to_owned();
                return Err(DatasetError::Json { place: place.clone(), problem });
            }
            let mut used = 0;
            let mut closed = false;
            for byte in buffer {
                used += 1;
                match byte {
                    b'\n' => (self.line, self.column) = (self.line + 1, 0),
                    // Bytes within a character do not count.
                    0x80..0xC0 => {}
                    _ => self.column += 1,
                }
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_text => escaped = true,
                    b'"' => in_text = !in_text,
                    _ if in_text => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        closed = depth == 0;
                    }
                    _ => {}
                }
                if closed {
                    break;
                }
            }
            self.element.extend_from_slice(&buffer[..used]);
            self.text.consume(used);
            if closed {
                return Ok(());
            }
            if self.element.len() > MAX_ROW {
                let place = place.clone();
                return Err(DatasetError::TooLong { place, limit: MAX_ROW >> 20 });
            }
        }
    }

    /// Skips white space; gives the byte behind it.
    fn skip_space(&mut self) -> Result<Option<u8>, DatasetError> {
        loop {
            let wrap = |error| read_error(&self.path, self.compression, error);
            let next = self.text.fill_buf().map_err(wrap)?.first().copied();
            match next {
                Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) => self.bump(byte),
                _ => return Ok(next),
            }
        }
    }

    fn bump(&mut self, byte: u8) {
        self.text.consume(1);
        match byte {
            b'\n' => (self.line, self.column) = (self.line + 1, 0),
            _ => self.column += 1,
        }
    }

    fn here(&self) -> Place {
        Place::character(&self.path, self.line, self.column + 1)
    }

    fn found(&mut self, next: Option<u8>) -> String {
        let Some(byte) = next else { return "the end of the file".to_owned() };
        let rest = self.text.fill_buf().unwrap_or_default();
        let end = rest.iter().position(|b| b",]\r\n".contains(b)).unwrap_or(rest.len());
        let shown = String::from_utf8_lossy(&rest[..end.clamp(1, 80).min(rest.len())]);
        match byte {
            b'[' => "a list".to_owned(),
            b'{' => "`{`".to_owned(),
            _ => format!("`{}`", one_line(&shown, 40)),
        }
    }

    fn problem(&mut self, problem: &str, next: Option<u8>) -> DatasetError {
        let found = self.found(next);
        DatasetError::Json { place: self.here(), problem: format!("{problem}, found {found}") }
    }
}

/// The object in `text`, which begins at `start`.
fn object(text: &[u8], start: &Place) -> Result<Vars, DatasetError> {
    let Ok(text) = std::str::from_utf8(text) else {
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let lines = valid.matches('\n').count() as u64 + 1;
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        return Err(DatasetError::InvalidUtf8 { place: within(start, lines, column), name: None });
    };
    let quoted = quote_large_integers(text);
    let text = quoted.as_deref().unwrap_or(text);
    serde_json::from_str::<Row>(text).map(|row| row.0).map_err(|error| {
        // serde_json counts bytes, people count characters.
        let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        let bytes = line.floor_char_boundary(error.column().saturating_sub(1));
        let column = line[..bytes].chars().count() as u64 + 1;
        let message = error.to_string();
        let problem = message.rsplit_once(" at line ").map_or(&*message, |(problem, _)| problem);
        let place = within(start, error.line() as u64, column);
        DatasetError::Json { place, problem: problem.to_owned() }
    })
}

/// A place in the text that begins at `start`.
fn within(start: &Place, line: u64, column: u64) -> Place {
    let At::Character(first, indent) = start.at else { return start.clone() };
    let offset = if line <= 1 { indent - 1 } else { 0 };
    Place::character(&start.path, first + line.max(1) - 1, column + offset)
}

/// `text` with every integer beyond 64 bits in quotes, so that no digit is lost to rounding;
/// `None` when there is none.
fn quote_large_integers(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // A run of nineteen digits has one of them at every nineteenth place.
    if !bytes.iter().skip(18).step_by(19).any(u8::is_ascii_digit) {
        return None;
    }
    if !bytes
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .any(|run| run.len() >= 19 && run[0].is_ascii_digit())
    {
        return None;
    }
    let mut made = String::with_capacity(text.len() + 8);
    let (mut at, mut copied, mut in_text) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'0'..=b'9' if !in_text => {
                let is_numeric =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let length = bytes[at..].iter().take_while(|byte| is_numeric(byte)).count();
                let number = &text[at..at + length];
                let digits = number.strip_prefix('-').unwrap_or(number);
                let is_integer =
                    digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
                if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    made.push_str(&text[copied..at]);
                    made.push('"');
                    made.push_str(number);
                    made.push('"');
                    copied = at + length;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    made.push_str(&text[copied..]);
    (copied > 0).then_some(made)
}

/// An object whose keys are all different.
struct Row(Vars);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut vars = Vars::new();
                while let Some(key) = map.next_key::<String>()? {
                    match vars.entry(key) {
                        Entry::Vacant(place) => place.insert(map.next_value()?),
                        Entry::Occupied(place) => {
                            let message = format!("the key `{}` is there twice", place.key());
                            return Err(A::Error::custom(message));
                        }
                    };
                }
                Ok(Row(vars))
            }
        }
        from.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_64_bits_become_text() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(quote_large_integers(text).as_deref(), expected, "{text}");
        };
        check(r#"{"a": 18446744073709551615}"#, None);
        check(r#"{"a": 18446744073709551616}"#, Some(r#"{"a": "18446744073709551616"}"#));
        check("[-9223372036854775809,1]", Some(r#"["-9223372036854775809",1]"#));
        check(r#"{"a": "\"99999999999999999999"}"#, None);
        check(r#"{"a": 99999999999999999999.5}"#, None);
        check(r#"{"a": 99999999999999999999e3}"#, None);
    }
}
