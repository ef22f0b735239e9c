//! Typing that the terminal does not show.
//!
//! Keys arrive one by one, so that Ctrl-C finds the terminal as it was before, and that a pasted
//! secret may be longer than a line of the terminal.

use std::io::{self, Read};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::LONGEST;
use crate::base::secret::Secret;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// While it lives, the terminal shows nothing of what is typed.
pub(super) struct Unseen {
    before: Termios,
}

impl Unseen {
    /// Stops showing; `None` where there is no terminal.
    pub(super) fn begin() -> Option<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin).ok()?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&stdin, OptionalActions::Drain, &quiet).ok()?;
        Some(Self { before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // Nothing to be done about a terminal that went away.
        tcsetattr(io::stdin(), OptionalActions::Drain, &self.before).ok();
    }
}

/// What came of typing.
pub(super) enum Typed {
    /// A line, without its end.
    Line(Secret),
    /// Nobody types any more.
    Ended,
    /// Ctrl-C.
    Interrupted,
}

/// Reads keys up to the end of a line.
pub(super) fn line(keys: &mut dyn Read) -> Typed {
    // As long as it can get: growing would leave copies behind.
    let mut bytes = Vec::with_capacity(LONGEST);
    let mut key = [0_u8];
    loop {
        if keys.read_exact(&mut key).is_err() {
            return Typed::Ended;
        }
        match key[0] {
            b'\n' | b'\r' => break,
            CTRL_C => return Typed::Interrupted,
            CTRL_D if bytes.is_empty() => return Typed::Ended,
            CTRL_U => bytes.clear(),
            key if BACKSPACE.contains(&key) => {
                // A character may be several bytes.
                while bytes.pop().is_some_and(|byte| (0x80..0xc0).contains(&byte)) {}
            }
            // Other keys, such as the arrows, are no text.
            key if key < 0x20 && key != b'\t' => {}
            key if bytes.len() < bytes.capacity() => bytes.push(key),
            _ => {}
        }
    }
    let text = String::from_utf8(bytes);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Typed::Line(Secret::new(text.unwrap_or_else(|error| lossy(error.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<String> {
        match line(&mut &*keys) {
            Typed::Line(secret) => Some(secret.expose().to_owned()),
            Typed::Ended => None,
            Typed::Interrupted => Some("^C".to_owned()),
        }
    }

    #[test]
    fn keys_make_a_line() {
        for (keys, expected) in [
            (&b"sk-1\n"[..], Some("sk-1")),
            (b"\r", Some("")),
            (b"sl\x7fk\x08k\n", Some("sk")),
            ("aé\u{7f}b\n".as_bytes(), Some("ab")),
            (b"\x7f\x7fa\n", Some("a")),
            (b"wrong\x15right\n", Some("right")),
            (b"a\x1b[Cb\n", Some("a[Cb")),
            (b"abc\x03", Some("^C")),
            (b"\x04", None),
            (b"ab\x04c\n", Some("abc")),
            (b"no end", None),
        ] {
            assert_eq!(typed(keys).as_deref(), expected, "{keys:?}");
        }
        let long = [vec![b'x'; LONGEST + 9], b"\n".to_vec()].concat();
        assert_eq!(typed(&long).map(|line| line.len()), Some(LONGEST));
    }
}
