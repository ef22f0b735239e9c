//! The binary event streams of Amazon Web Services, out of bytes that arrive in pieces of any size.
//!
//! A message is its length, the length of its headers, a checksum of both, the headers, a payload
//! and a checksum of everything before. Both checksums are verified, so a broken stream is never
//! taken for an answer.
//!
//! # Source
//!
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>, read 2026-11; botocore 1.44.5 reads the
//! recorded streams of the tests alike.

use crate::{
    base::text,
    domain::fault::{Fault, FaultKind},
    provider::sse::{Event, MAX_EVENT},
};

/// Both lengths and their checksum.
const PRELUDE: usize = 12;

const CHECKSUM: usize = 4;

/// Splits a stream into messages.
///
/// The name of an event is its type; that of an error is `exception:` or `error:` with its type.
#[derive(Debug, Default)]
pub struct AwsEvents {
    /// The beginning of a message whose end has not arrived.
    held: Vec<u8>,
}

/// What the headers of a message say of it.
#[derive(Debug, Default)]
struct Heads<'a> {
    message_type: &'a str,
    event_type: &'a str,
    exception_type: &'a str,
    error_code: &'a str,
    error_message: &'a str,
}

impl AwsEvents {
    /// Takes the next `bytes` and hands every event that they complete to `sink`.
    ///
    /// # Errors
    ///
    /// What `sink` returns; `Protocol` for a message that is not what the format says; `TooLarge`
    /// for one of more than [`MAX_EVENT`] bytes. Nothing may be fed after an error.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.held.is_empty() {
            let used = split(bytes, sink)?;
            self.held.extend_from_slice(&bytes[used..]);
        } else {
            self.held.extend_from_slice(bytes);
            let used = split(&self.held, sink)?;
            self.held.drain(..used);
        }
        Ok(())
    }
}

/// Hands every whole message of `bytes` on; gives how many bytes they take.
fn split(
    bytes: &[u8],
    sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let mut rest = bytes;
    while let Some((message, after)) = next(rest)? {
        dispatch(&message, sink)?;
        rest = after;
    }
    Ok(bytes.len() - rest.len())
}

/// The headers and the payload of a message, as they came.
struct Message<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
}

/// The first message of `bytes` and what follows it; `None` while it has not arrived.
fn next(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>, Fault> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
        return Err(broken("the checksum of a message's beginning is wrong"));
    }
    let (total, headers) = (number(&prelude[..4]) as usize, number(&prelude[4..8]) as usize);
    if total > MAX_EVENT {
        let limit = MAX_EVENT >> 20;
        let message = format!("an event of the stream is larger than {limit} MiB");
        return Err(Fault::new(FaultKind::TooLarge, message));
    }
    if total < PRELUDE + CHECKSUM || headers > total - PRELUDE - CHECKSUM {
        return Err(broken("the lengths of a message contradict each other"));
    }
    let Some((message, after)) = bytes.split_at_checked(total) else { return Ok(None) };
    let (message, checksum) = message.split_at(total - CHECKSUM);
    if crc32fast::hash(message) != number(checksum) {
        return Err(broken("the checksum of a message is wrong"));
    }
    let (headers, payload) = message[PRELUDE..].split_at(headers);
    Ok(Some((Message { headers, payload }, after)))
}

fn dispatch(
    message: &Message<'_>,
    sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let heads = Heads::read(message.headers)
        .ok_or_else(|| broken("the headers of a message cannot be read"))?;
    let payload = std::str::from_utf8(message.payload);
    let data = payload.map_err(|_| broken("the payload of a message is not valid UTF-8"))?;
    match heads.message_type {
        "event" => sink(Event { name: heads.event_type, data }),
        "exception" => sink(Event { name: &format!("exception:{}", heads.exception_type), data }),
        "error" => {
            let data = if data.is_empty() { heads.error_message } else { data };
            sink(Event { name: &format!("error:{}", heads.error_code), data })
        }
        other => Err(broken(&format!(
            "a message is of the unknown type `{}`",
            text::one_line(other, 40)
        ))),
    }
}

impl<'a> Heads<'a> {
    /// The headers that matter; `None` when they are not what the format says.
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut heads = Self::default();
        while !bytes.is_empty() {
            let length = usize::from(take(&mut bytes, 1)?[0]);
            let name = take(&mut bytes, length)?;
            let kind = take(&mut bytes, 1)?[0];
            // True and false are types of their own and have no value.
            let length = match kind {
                0 | 1 => 0,
                2 => 1,
                3 => 2,
                4 => 4,
                5 | 8 => 8,
                6 | 7 => {
                    let length = take(&mut bytes, 2)?;
                    usize::from(length[0]) << 8 | usize::from(length[1])
                }
                9 => 16,
                _ => return None,
            };
            let value = take(&mut bytes, length)?;
            if kind != 7 {
                continue;
            }
            let place = match name {
                b":message-type" => &mut heads.message_type,
                b":event-type" => &mut heads.event_type,
                b":exception-type" => &mut heads.exception_type,
                b":error-code" => &mut heads.error_code,
                b":error-message" => &mut heads.error_message,
                _ => continue,
            };
            *place = std::str::from_utf8(value).ok()?;
        }
        Some(heads)
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Up to four bytes, the highest first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn broken(what: &str) -> Fault {
    Fault::new(FaultKind::Protocol, format!("the stream is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Result<Vec<(String, String)>, FaultKind>;

    fn events(pieces: &[&[u8]]) -> Found {
        let mut found = Vec::new();
        let mut stream = AwsEvents::default();
        for piece in pieces {
            let mut sink = |event: Event<'_>| {
                found.push((event.name.to_owned(), event.data.to_owned()));
                Ok(())
            };
            stream.feed(piece, &mut sink).map_err(|fault| fault.kind)?;
        }
        Ok(found)
    }

    fn text_header(name: &str, value: &str) -> Vec<u8> {
        let mut header = vec![name.len() as u8];
        header.extend(name.as_bytes());
        header.push(7);
        header.extend((value.len() as u16).to_be_bytes());
        header.extend(value.as_bytes());
        header
    }

    fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = (PRELUDE + headers.len() + payload.len() + CHECKSUM) as u32;
        let mut bytes = total.to_be_bytes().to_vec();
        bytes.extend((headers.len() as u32).to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend(headers);
        bytes.extend(payload);
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn stream() -> Vec<u8> {
        // One header of each type that means nothing here.
        let mut odd = Vec::new();
        for (kind, length) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
            odd.extend([1, b'x', kind]);
            odd.extend(std::iter::repeat_n(0xff, length));
        }
        odd.extend([1, b'x', 6, 0, 3, 1, 2, 3]);
        odd.extend(text_header(":message-type", "event"));
        odd.extend(text_header(":event-type", "delta"));
        let exception = [
            text_header(":message-type", "exception"),
            text_header(":exception-type", "throttlingException"),
        ];
        let error = [
            text_header(":message-type", "error"),
            text_header(":error-code", "Oops"),
            text_header(":error-message", "what happened"),
        ];
        [
            message(&odd, "{\"text\":\"é€🦀\"}".as_bytes()),
            message(&text_header(":message-type", "event"), b""),
            message(&exception.concat(), b"{}"),
            message(&error.concat(), b""),
        ]
        .concat()
    }

    #[test]
    fn every_split_gives_the_same_events() {
        let bytes = stream();
        let expected = [
            ("delta", "{\"text\":\"é€🦀\"}"),
            ("", ""),
            ("exception:throttlingException", "{}"),
            ("error:Oops", "what happened"),
        ];
        let expected = expected.map(|(name, data)| (name.to_owned(), data.to_owned()));
        for first in 0..=bytes.len() {
            for second in (first..=bytes.len()).step_by(7) {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(events(&pieces).as_deref(), Ok(&expected[..]), "{first} and {second}");
            }
        }
    }

    #[test]
    fn hostile_messages_are_faults() {
        let cases = [
            message(&[1], b""),
            message(&[0, 10], b""),
            message(&[1, b'x', 7, 0xff, 0xff], b""),
            message(&text_header(":message-type", "other"), b""),
            message(&text_header(":message-type", "event"), b"\xff"),
        ];
        for case in cases {
            assert_eq!(events(&[&case]), Err(FaultKind::Protocol));
        }
        let prelude = |total: u32, headers: u32| {
            let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
            events(&[&bytes])
        };
        assert_eq!(prelude(u32::MAX, 0), Err(FaultKind::TooLarge));
        assert_eq!(prelude(15, 0), Err(FaultKind::Protocol));
        assert_eq!(prelude(20, 5), Err(FaultKind::Protocol));
        assert_eq!(prelude(20, u32::MAX), Err(FaultKind::Protocol));
        assert_eq!(prelude(20, 4), Ok(Vec::new()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = stream();
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0x41;
            assert_eq!(events(&[&bytes]), Err(FaultKind::Protocol), "byte {place}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_survived(
            head in proptest::collection::vec(any::<u8>(), 0..64),
            headers in proptest::collection::vec(any::<u8>(), 0..64),
            payload in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            events(&[&head]).ok();
            // With right checksums, so that what lies behind them is reached.
            events(&[&message(&headers, &payload)]).ok();
        }
    }
}
