//! Random order and random choice, the same for a seed on every machine, and the temporary file
//! that holds the drawn samples in their order.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    sync::Arc,
};

use rand::{Rng as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use tempfile::NamedTempFile;

use super::{error::DatasetError, flow::Flow};
use crate::domain::sample::{Sample, Vars};

/// Draws numbers: xoshiro256++ seeded through `SplitMix64`.
struct Draw(Xoshiro256PlusPlus);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `bound`, by the high half of a product; off uniform by at most
    /// `bound` in 2^64.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// The numbers below `count` in a random order.
pub(super) fn permutation(seed: u64, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut draw = Draw::new(seed);
    for last in (1..count).rev() {
        order.swap(last, draw.below(last as u64 + 1) as usize);
    }
    order
}

/// The places of the drawn rows among `count` rows, in their final order.
pub(super) fn draw(
    count: u64,
    shuffle: Option<u64>,
    sample: Option<(u64, u64)>,
    limit: Option<u64>,
) -> Vec<u64> {
    let mut order: Vec<u64> = (0..count).collect();
    if let Some(seed) = shuffle {
        // Fisher and Yates, as in Knuth's algorithm P.
        let mut draw = Draw::new(seed);
        for last in (1..order.len()).rev() {
            order.swap(last, draw.below(last as u64 + 1) as usize);
        }
    }
    if let Some((wanted, seed)) = sample {
        // Knuth's algorithm S: each row is taken with the chance that keeps all sets alike.
        let mut draw = Draw::new(seed);
        let (mut wanted, mut left) = (wanted.min(count), count);
        order.retain(|_| {
            let taken = draw.below(left) < wanted;
            left -= 1;
            wanted -= u64::from(taken);
            taken
        });
    }
    if let Some(limit) = limit {
        order.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    order.shrink_to_fit();
    order
}

/// Drawn samples in a temporary file, which goes with it.
#[derive(Debug)]
pub(super) struct Spool {
    file: NamedTempFile,
    /// Where the sample of each place of the final order begins.
    offsets: Vec<u64>,
}

/// A sample on disk without its columns, which stand on lines of their own: nested in something,
/// the deepest row that JSON may have would be too deep.
type Line = (String, Option<String>, Vec<String>, Option<String>, Vec<String>);

impl Spool {
    /// Keeps those samples of `flow` whose places are in `order`.
    pub(super) fn fill(mut flow: Flow, order: &[u64]) -> Result<Self, DatasetError> {
        let file = NamedTempFile::new().map_err(spool_error)?;
        let mut by_place: Vec<(u64, u64)> = order.iter().copied().zip(0..).collect();
        by_place.sort_unstable();
        let mut offsets = vec![0; order.len()];
        let mut out = BufWriter::new(file.as_file());
        let (mut at, mut place) = (0, 0);
        let mut line = Vec::new();
        let mut wanted = by_place.into_iter().peekable();
        while let Some((next, index)) = wanted.peek().copied() {
            let Some(sample) = flow.next()? else { break };
            place += 1;
            if place <= next {
                continue;
            }
            wanted.next();
            offsets[index as usize] = at;
            line.clear();
            write_sample(&sample, &mut line).map_err(spool_error)?;
            out.write_all(&line).map_err(spool_error)?;
            at += line.len() as u64;
        }
        out.flush().map_err(spool_error)?;
        drop(out);
        Ok(Self { file, offsets })
    }

    /// Reads the samples in their order.
    pub(super) fn read(self: &Arc<Self>) -> Result<SpoolReader, DatasetError> {
        let file = BufReader::new(self.file.reopen().map_err(spool_error)?);
        Ok(SpoolReader { spool: Arc::clone(self), file, next: 0, line: String::new() })
    }
}

/// Reads a spool in order.
#[derive(Debug)]
pub(super) struct SpoolReader {
    spool: Arc<Spool>,
    file: BufReader<File>,
    next: usize,
    line: String,
}

impl SpoolReader {
    /// The next sample; its index is not set.
    pub(super) fn next(&mut self) -> Result<Option<Sample>, DatasetError> {
        let Some(offset) = self.spool.offsets.get(self.next).copied() else { return Ok(None) };
        self.next += 1;
        self.file.seek(SeekFrom::Start(offset)).map_err(spool_error)?;
        self.read_sample().map(Some).map_err(spool_error)
    }

    fn read_sample(&mut self) -> io::Result<Sample> {
        let vars: Vars = serde_json::from_str(self.read_line()?)?;
        let metadata: Vars = serde_json::from_str(self.read_line()?)?;
        let line: Line = serde_json::from_str(self.read_line()?)?;
        let (id, input, expected, cluster, tags) = line;
        Ok(Sample { index: 0, id, input, expected, vars, metadata, cluster, tags })
    }

    fn read_line(&mut self) -> io::Result<&str> {
        self.line.clear();
        self.file.read_line(&mut self.line)?;
        Ok(&self.line)
    }
}

fn write_sample(sample: &Sample, line: &mut Vec<u8>) -> io::Result<()> {
    let Sample { id, input, expected, vars, metadata, cluster, tags, index: _ } = sample;
    serde_json::to_writer(&mut *line, vars)?;
    line.push(b'\n');
    serde_json::to_writer(&mut *line, metadata)?;
    line.push(b'\n');
    serde_json::to_writer(&mut *line, &(id, input, expected, cluster, tags))?;
    line.push(b'\n');
    Ok(())
}

fn spool_error(error: io::Error) -> DatasetError {
    DatasetError::Io { path: "temporary file".to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_everywhere() {
        // Written down so that another generator or another machine cannot change an order
        // without notice.
        assert_eq!(draw(10, Some(7), None, None), [3, 8, 9, 4, 6, 7, 2, 5, 1, 0]);
        assert_eq!(draw(10, None, Some((4, 7)), None), [0, 1, 7, 9]);
    }

    #[test]
    fn shuffling_keeps_all_and_sampling_keeps_order() {
        for count in [0, 1, 2, 1000] {
            let mut order = draw(count, Some(3), None, None);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
            let drawn = draw(count, None, Some((10, 5)), None);
            assert_eq!(drawn.len() as u64, count.min(10));
            assert!(drawn.is_sorted());
        }
        let shuffled = draw(100, Some(1), None, None);
        let drawn = draw(100, Some(1), Some((10, 2)), Some(5));
        let places = drawn.iter().map(|row| shuffled.iter().position(|r| r == row));
        assert!(places.is_sorted());
        assert_eq!(drawn.len(), 5);
    }
}
