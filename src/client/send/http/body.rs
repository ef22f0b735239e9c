//! The body of a request, which notes when it was handed over, and that of a reply, unpacked within
//! limits as it arrives.

use std::{
    convert::Infallible,
    io::Write as _,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body::{Frame, SizeHint};
use reqwest::{
    Response, Url,
    header::{CONTENT_ENCODING, HeaderMap},
};

use super::failure;
use crate::{
    base::{clock, text},
    domain::fault::{Fault, FaultKind},
};

/// Most bytes of a reply, after decompression.
pub(super) const MAX_BODY: usize = 64 << 20;

/// Most bytes of the headers of a reply.
const MAX_HEAD: usize = 64 << 10;

/// No honest reply unpacks to more than this many times its size.
const MAX_RATIO: usize = 100;

/// From this size on the ratio is looked at: what is smaller harms no one.
const RATIO_FROM: usize = 1 << 20;

/// Packed bytes that are unpacked in one step; they become a thousand times as many at most.
const STEP: usize = 1 << 10;

/// The body of a request.
#[derive(Debug)]
pub(super) struct Outgoing {
    bytes: Option<Bytes>,
    handed_over: HandedOver,
}

/// When the connection took the body of a request, to write it at once.
pub(super) type HandedOver = Arc<OnceLock<Instant>>;

impl Outgoing {
    /// A body of `bytes`, and what says when the connection has taken it.
    pub(super) fn new(bytes: Bytes) -> (Self, HandedOver) {
        let handed_over = HandedOver::default();
        (Self { bytes: Some(bytes), handed_over: Arc::clone(&handed_over) }, handed_over)
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.handed_over.get_or_init(clock::instant);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The body of a reply.
pub(super) struct Incoming {
    response: Response,
    url: Url,
    connect: Duration,
    unpacking: Option<MultiGzDecoder<Vec<u8>>>,
    /// Bytes that came, and what they became.
    packed: usize,
    size: usize,
    /// Whether anything has come.
    pub(super) heard: bool,
}

impl Incoming {
    /// The body of `response`, of which `headers` were taken.
    ///
    /// # Errors
    ///
    /// `TooLarge` for headers that are, `Protocol` for a coding that was not asked for.
    pub(super) fn new(
        response: Response,
        headers: &HeaderMap,
        url: Url,
        connect: Duration,
    ) -> Result<Self, Fault> {
        let head: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if head > MAX_HEAD {
            let limit = MAX_HEAD >> 10;
            let message = format!("the headers of the reply are larger than {limit} KiB");
            return Err(Fault::new(FaultKind::TooLarge, message));
        }
        let codings = headers.get_all(CONTENT_ENCODING).iter();
        let codings = codings.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let codings = codings.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let codings: Vec<&str> = codings
            .split(',')
            .map(str::trim)
            .filter(|coding| !coding.is_empty() && *coding != "identity")
            .collect();
        let unpacking = match codings.as_slice() {
            [] => None,
            ["gzip" | "x-gzip"] => Some(MultiGzDecoder::new(Vec::new())),
            _ => {
                let codings = text::one_line(&codings.join(", "), 80);
                let message =
                    format!("the reply is packed as `{codings}`, and only gzip was asked for");
                return Err(Fault::new(FaultKind::Protocol, message));
            }
        };
        Ok(Self { response, url, connect, unpacking, packed: 0, size: 0, heard: false })
    }

    /// Refuses a body whose announced length is beyond the limit, before any of it is read.
    pub(super) fn check_length(&self) -> Result<(), Fault> {
        let length = self.response.content_length();
        if length.is_some_and(|length| length > MAX_BODY as u64) {
            Err(too_large())
        } else {
            Ok(())
        }
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let chunk = self.response.chunk().await;
            let chunk = chunk.map_err(|error| failure::fault(&error, &self.url, self.connect))?;
            let (bytes, ended) = match (chunk, self.unpacking.is_some()) {
                (Some(bytes), false) => {
                    self.heard = true;
                    self.grow(bytes.len())?;
                    return Ok(Some(bytes));
                }
                (None, false) => return Ok(None),
                (Some(packed), true) => {
                    self.heard = true;
                    (self.unpack(&packed)?, false)
                }
                (None, true) => (self.unpack_rest()?, true),
            };
            match (bytes.is_empty(), ended) {
                (false, _) => return Ok(Some(bytes)),
                (true, true) => return Ok(None),
                (true, false) => {}
            }
        }
    }

    fn grow(&mut self, by: usize) -> Result<(), Fault> {
        self.size += by;
        if self.size > MAX_BODY { Err(too_large()) } else { Ok(()) }
    }

    fn unpack(&mut self, packed: &[u8]) -> Result<Bytes, Fault> {
        let mut all = Vec::new();
        for step in packed.chunks(STEP) {
            let Some(unpacking) = &mut self.unpacking else { break };
            let written = unpacking.write_all(step).and_then(|()| unpacking.flush());
            written.map_err(|error| self.spoilt(&error))?;
            let bytes = self.unpacking.as_mut().map(|to| std::mem::take(to.get_mut()));
            let bytes = bytes.unwrap_or_default();
            self.packed += step.len();
            self.grow(bytes.len())?;
            if self.size > RATIO_FROM && self.size / MAX_RATIO > self.packed {
                let message = format!("the reply unpacks to more than {MAX_RATIO} times its size");
                return Err(Fault::new(FaultKind::TooLarge, message));
            }
            all.extend(bytes);
        }
        Ok(all.into())
    }

    fn unpack_rest(&mut self) -> Result<Bytes, Fault> {
        let Some(unpacking) = self.unpacking.take() else { return Ok(Bytes::new()) };
        if self.packed == 0 {
            return Ok(Bytes::new());
        }
        let rest = unpacking.finish().map_err(|error| self.spoilt(&error))?;
        self.grow(rest.len())?;
        Ok(rest.into())
    }

    fn spoilt(&self, error: &std::io::Error) -> Fault {
        let origin = failure::origin(&self.url);
        let message = format!("the reply of `{origin}` cannot be decompressed ({error})");
        Fault::new(FaultKind::Protocol, message)
    }

    /// Where the reply is from.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

fn too_large() -> Fault {
    let limit = MAX_BODY >> 20;
    Fault::new(FaultKind::TooLarge, format!("the reply is larger than {limit} MiB"))
}

/// Refuses a body that is no text. Its bytes are kept, as far as they help to see what they are.
pub(super) fn check_text(body: &[u8]) -> Result<(), Fault> {
    /// Bytes before and behind the first that is wrong.
    const AROUND: usize = 300;
    let Err(error) = std::str::from_utf8(body) else { return Ok(()) };
    let at = error.valid_up_to();
    let shown = &body[at.saturating_sub(AROUND)..body.len().min(at + AROUND)];
    let (size, shown) = (body.len(), shown.escape_ascii());
    let message = format!("the reply is not valid UTF-8 at byte {at} of {size}: {shown}");
    Err(Fault::new(FaultKind::Protocol, message))
}
