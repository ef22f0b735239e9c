//! Pieces wait in a temporary file until all are known, and are packed then.
//!
//! Pieces of a kind follow each other in one frame of Zstandard, so that each is packed with what the
//! eight megabytes before it have in common with it, and a reader who wants one unpacks those before
//! it in its frame, too. A frame ends after as much.

use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use serde::Serialize;
use zstd::{stream::write::Encoder, zstd_safe::CParameter};

use super::pack;

/// Bytes after which a frame ends with its piece.
const FRAME: u64 = 8 << 20;
/// How far back texts may point, as a power of two, and how far numbers, which takes less memory.
const WINDOW: u32 = 23;
const NARROW: u32 = 20;
/// Places that are looked up at once, as a power of two: more take memory and gain a hundredth.
const TABLE: u32 = 21;

/// Bytes between which texts are packed thoroughly.
const THOROUGH: std::ops::Range<u64> = 5_000_000..20_000_000;

/// The level of Zstandard for so many bytes. A report may have 1.2 times the packed outputs and 500 kB.
/// Where these 500 kB are a large part of it, a quick level stays below that, whatever packs the outputs.
/// Larger ones take a level that is seven times as slow and packs a tenth better, and stay below what
/// `xz` allows. With still larger ones, for which that would take minutes, no level does; the quick one
/// stays well below what deflate allows.
fn level(bytes: u64) -> i32 {
    if THOROUGH.contains(&bytes) { 16 } else { 12 }
}

/// A packed piece, as `data.hbs` writes it.
#[derive(Debug, Serialize)]
pub(in crate::report::html) struct Piece {
    kind: &'static str,
    /// Whether a frame begins with it.
    begins: bool,
    /// Bytes that it is unpacked.
    size: usize,
    /// Bytes that are packed.
    bytes: usize,
    packed: String,
}

/// What waits.
#[derive(Debug)]
pub(in crate::report::html) struct Spool {
    file: BufWriter<std::fs::File>,
    pieces: Vec<(&'static str, usize)>,
}

impl Spool {
    /// Nothing yet.
    pub(in crate::report::html) fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), pieces: Vec::new() })
    }

    /// Adds a piece.
    pub(in crate::report::html) fn put(
        &mut self,
        kind: &'static str,
        json: &[u8],
    ) -> io::Result<()> {
        self.pieces.push((kind, json.len()));
        self.file.write_all(json)
    }

    /// Packs the pieces and hands them over, one after the other.
    pub(in crate::report::html) fn pack<E: From<io::Error>>(
        self,
        take: &mut dyn FnMut(&Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut file = BufReader::new(file);
        let level = level(self.pieces.iter().map(|(_, size)| *size as u64).sum());
        let mut frames: Vec<(&str, Frame)> = Vec::new();
        let mut json = Vec::new();
        for (kind, size) in self.pieces {
            json.resize(size, 0);
            file.read_exact(&mut json)?;
            let known = frames.iter().position(|(known, _)| *known == kind);
            let at = known.unwrap_or(frames.len());
            let full = frames.get(at).is_some_and(|(_, frame)| frame.taken >= FRAME);
            if known.is_none() {
                frames.push((kind, Frame::new(kind, level)?));
            } else if full {
                frames[at].1 = Frame::new(kind, level)?;
            }
            let frame = &mut frames[at].1;
            let begins = frame.taken == 0;
            let bytes = frame.add(&json)?;
            take(&Piece { kind, begins, size, bytes: bytes.len(), packed: pack::pack(&bytes) })?;
        }
        Ok(())
    }
}

/// A frame that goes on.
struct Frame {
    encoder: Encoder<'static, Vec<u8>>,
    taken: u64,
}

impl Frame {
    fn new(kind: &str, level: i32) -> io::Result<Self> {
        let window = if kind == "texts" { WINDOW } else { NARROW };
        let mut encoder = Encoder::new(Vec::new(), level)?;
        encoder.set_parameter(CParameter::WindowLog(window))?;
        encoder.set_parameter(CParameter::HashLog(TABLE.min(window)))?;
        Ok(Self { encoder, taken: 0 })
    }

    /// What `json` becomes behind all that was added before.
    fn add(&mut self, json: &[u8]) -> io::Result<Vec<u8>> {
        self.encoder.write_all(json)?;
        self.encoder.flush()?;
        self.taken += json.len() as u64;
        Ok(std::mem::take(self.encoder.get_mut()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_packed_behind_those_before_it() {
        let mut frame = Frame::new("texts", level(0)).expect("a frame");
        let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let (first, again) =
            (frame.add(&noise).expect("packed"), frame.add(&noise).expect("packed"));
        assert!(again.len() * 20 < first.len(), "{} and {}", first.len(), again.len());
        let both = [first, again].concat();
        let mut unpacked = vec![0; 2 * noise.len()];
        let mut decoder = zstd::stream::read::Decoder::new(both.as_slice()).expect("a frame");
        decoder.read_exact(&mut unpacked).expect("all of it");
        assert!(unpacked == [noise.clone(), noise].concat());
    }

    #[test]
    fn pieces_come_out_in_order_each_in_the_frame_of_its_kind() {
        let mut spool = Spool::new().expect("a file");
        for kind in ["about", "rows", "texts", "rows", "texts"] {
            spool.put(kind, format!("[\"{kind}\"]").as_bytes()).expect("written");
        }
        let mut seen = Vec::new();
        let mut see = |piece: &Piece| {
            seen.push((piece.kind, piece.begins, piece.size));
            Ok::<(), io::Error>(())
        };
        spool.pack(&mut see).expect("packed");
        let expected = [
            ("about", true, 9),
            ("rows", true, 8),
            ("texts", true, 9),
            ("rows", false, 8),
            ("texts", false, 9),
        ];
        assert_eq!(seen, expected);
    }
}
