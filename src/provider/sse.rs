//! Server-sent events out of bytes that arrive in pieces of any size.
//!
//! Follows the "event stream interpretation" of the HTML standard (section 9.2.6, read 2026-08),
//! with one difference: an event that lacks its final blank line still counts, since servers of
//! models leave it out.

use memchr::memchr2;

use crate::domain::fault::{Fault, FaultKind};

/// Longest line, and longest event, in bytes.
pub const MAX_EVENT: usize = 8 << 20;

const BOM: &str = "\u{FEFF}";

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty when there was none.
    pub name: &'a str,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
}

/// Splits a stream into events.
#[derive(Debug, Default)]
pub struct Events {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    /// A carriage return ended the last line: a line feed that follows belongs to it.
    after_cr: bool,
    started: bool,
}

impl Events {
    /// Takes the next `bytes` and hands every event that they complete to `sink`.
    ///
    /// # Errors
    ///
    /// What `sink` returns; `Protocol` for a line that is not UTF-8; `TooLarge` for a line or an
    /// event of more than [`MAX_EVENT`] bytes. Nothing may be fed after an error.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let (head, rest) = bytes.split_at(end);
            if self.line.is_empty() {
                self.line(head, sink)?;
            } else {
                self.hold(head)?;
                let mut line = std::mem::take(&mut self.line);
                self.line(&line, sink)?;
                line.clear();
                self.line = line;
            }
            bytes = match rest {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                _ => &rest[1..],
            };
        }
        self.hold(bytes)
    }

    /// Ends the stream: what is left is taken as a last line and a last event.
    ///
    /// # Errors
    ///
    /// As [`Events::feed`].
    pub fn end(
        mut self,
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line(&line, sink)?;
        }
        self.dispatch(sink)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.line.len() + bytes.len() > MAX_EVENT {
            return Err(too_large());
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut line = match std::str::from_utf8(bytes) {
            Ok(line) => line,
            Err(error) => {
                let at = error.valid_up_to();
                let around = &bytes[at.saturating_sub(100)..bytes.len().min(at + 100)];
                let message = format!("the stream is not valid UTF-8: {}", around.escape_ascii());
                return Err(Fault::new(FaultKind::Protocol, message));
            }
        };
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(sink);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add(value),
            "event" => {
                value.clone_into(&mut self.name);
                Ok(())
            }
            // Comments have an empty field name; ids and reconnection times mean nothing here.
            _ => Ok(()),
        }
    }

    fn add(&mut self, value: &str) -> Result<(), Fault> {
        if self.data.len() + value.len() > MAX_EVENT {
            return Err(too_large());
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push('\n');
        }
        self.data.push_str(value);
        Ok(())
    }

    fn dispatch(
        &mut self,
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let outcome = if std::mem::take(&mut self.has_data) {
            sink(Event { name: &self.name, data: &self.data })
        } else {
            Ok(())
        };
        self.data.clear();
        self.name.clear();
        outcome
    }
}

fn too_large() -> Fault {
    let limit = MAX_EVENT >> 20;
    Fault::new(FaultKind::TooLarge, format!("an event of the stream is larger than {limit} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<Vec<(String, String)>, FaultKind> {
        let mut found = Vec::new();
        let mut sink = |event: Event<'_>| {
            found.push((event.name.to_owned(), event.data.to_owned()));
            Ok(())
        };
        let mut parser = Events::default();
        for piece in pieces {
            parser.feed(piece, &mut sink).map_err(|fault| fault.kind)?;
        }
        parser.end(&mut sink).map_err(|fault| fault.kind)?;
        Ok(found)
    }

    #[test]
    fn row_23_every_split_gives_the_same_events() {
        let text = "\u{FEFF}: hello\r\ndata: a\r\ndata:b\r\n\r\nevent: x\rdata:  é€🦀\r\rid: 3\n\
                    retry: 5\ndata\n\n\n\nignored\ndata: last";
        let whole = events(&[text.as_bytes()]).expect("no fault");
        let expected = [("", "a\nb"), ("x", " é€🦀"), ("", ""), ("", "last")];
        assert_eq!(whole, expected.map(|(name, data)| (name.to_owned(), data.to_owned())));
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(events(&pieces).as_ref(), Ok(&whole), "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn hostile_streams_are_faults() {
        assert_eq!(events(&[b"data: \xff\xfe\n\n"]), Err(FaultKind::Protocol));
        let piece = vec![b'x'; 1 << 20];
        let mut line: Vec<&[u8]> = vec![b"data: "];
        line.extend(std::iter::repeat_n(piece.as_slice(), 9));
        assert_eq!(events(&line), Err(FaultKind::TooLarge));
        let mut lines: Vec<&[u8]> = Vec::new();
        for _ in 0..9 {
            lines.extend([b"data: ".as_slice(), piece.as_slice(), b"\n".as_slice()]);
        }
        assert_eq!(events(&lines), Err(FaultKind::TooLarge));
    }
}
