//! Longest common subsequences, with the places that they take.

use std::collections::HashMap;

/// Most steps of 64 pairs each, going there and back: two lines of some 33,000 words.
const MAX_STEPS: u64 = 50_000_000;

/// How many words of the lines of `reference` stand in a longest common subsequence with one of
/// `lines`; no word more often than it stands in either text.
///
/// # Source
/// `_summary_level_lcs` of rouge-score 0.1.2; bit rows as in Hyyrö 2004, "Bit-parallel LCS-length
/// computation revisited".
///
/// # Errors
/// They are too long.
pub(super) fn union_hits(reference: &[Vec<u32>], lines: &[Vec<u32>]) -> Result<usize, String> {
    let words = |lines: &[Vec<u32>]| lines.iter().map(Vec::len).sum::<usize>();
    let lines: Vec<Line> = lines.iter().filter(|line| !line.is_empty()).map(Line::new).collect();
    let filled = reference.iter().filter(|line| !line.is_empty()).count() as u64;
    let (blocks, back) = lines.iter().fold((0, 0), |(blocks, back), line| {
        let of_line = line.blocks as u64;
        (blocks + of_line, back + of_line * (line.words.len() as u64 + 1))
    });
    let steps = 2 * (words(reference) as u64).saturating_mul(blocks);
    if steps.saturating_add(filled.saturating_mul(back)) > MAX_STEPS {
        let counts = [words(reference), lines.iter().map(|line| line.words.len()).sum()];
        return Err(format!(
            "too long to compare: {} words in {filled} lines by {} words in {} lines",
            counts[0],
            counts[1],
            lines.len()
        ));
    }
    let mut left = Counts::default();
    lines.iter().flat_map(|line| line.words).for_each(|word| left.entry(*word).or_default().0 += 1);
    reference.iter().flatten().for_each(|word| left.entry(*word).or_default().1 += 1);
    let mut hits = 0;
    for sentence in reference {
        let mut taken = vec![false; sentence.len()];
        for line in &lines {
            line.mark(sentence, &mut taken);
        }
        for (word, _) in sentence.iter().zip(taken).filter(|(_, taken)| *taken) {
            if let Some((ours @ 1.., theirs @ 1..)) = left.get_mut(word) {
                (*ours, *theirs) = (*ours - 1, *theirs - 1);
                hits += 1;
            }
        }
    }
    Ok(hits)
}

/// How often a word is left in the lines and in the reference.
type Counts = HashMap<u32, (usize, usize)>;

/// A line and where each of its words stands.
struct Line<'a> {
    words: &'a [u32],
    blocks: usize,
    /// Of each word a bit for every place, in blocks of 64.
    places: HashMap<u32, Vec<u64>>,
}

impl<'a> Line<'a> {
    fn new(words: &'a Vec<u32>) -> Self {
        let blocks = words.len().div_ceil(64);
        let mut places: HashMap<u32, Vec<u64>> = HashMap::new();
        for (at, word) in words.iter().enumerate() {
            let bits = places.entry(*word).or_insert_with(|| vec![0; blocks]);
            bits[at / 64] |= 1 << (at % 64);
        }
        Self { words, blocks, places }
    }

    /// Marks the words of `sentence` that are taken by one of the longest common subsequences: the
    /// one that is found from the end, going up where both ways are as good.
    fn mark(&self, sentence: &[u32], taken: &mut [bool]) {
        let rows = self.rows(sentence);
        let (mut i, mut j) = (sentence.len(), self.words.len());
        while i > 0 && j > 0 {
            if sentence[i - 1] == self.words[j - 1] {
                taken[i - 1] = true;
                (i, j) = (i - 1, j - 1);
                continue;
            }
            let row = &rows[i * self.blocks..(i + 1) * self.blocks];
            let longer_here = row[(j - 1) / 64] >> ((j - 1) % 64) & 1 == 0;
            let above = &rows[(i - 1) * self.blocks..i * self.blocks];
            // The length at the left is that at this place unless it grew here.
            if !longer_here && length(row, j) > length(above, j) {
                j -= 1;
            } else {
                i -= 1;
            }
        }
    }

    /// A row of bits for each beginning of `sentence`: 0 where the length grows by the word there.
    fn rows(&self, sentence: &[u32]) -> Vec<u64> {
        let mut rows = vec![u64::MAX; (sentence.len() + 1) * self.blocks];
        for (i, word) in sentence.iter().enumerate() {
            let (above, rest) = rows[i * self.blocks..].split_at_mut(self.blocks);
            let row = &mut rest[..self.blocks];
            let Some(places) = self.places.get(word) else {
                row.copy_from_slice(above);
                continue;
            };
            let mut carry = false;
            for ((row, above), places) in row.iter_mut().zip(above).zip(places) {
                let (sum, over) = above.overflowing_add(*above & places);
                let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
                carry = over || over_by_carry;
                *row = sum | (*above & !places);
            }
        }
        rows
    }
}

/// The length of the subsequence within the first `j` words.
fn length(row: &[u64], j: usize) -> u32 {
    let whole: u32 = row[..j / 64].iter().map(|bits| bits.count_zeros()).sum();
    let rest = j % 64;
    if rest == 0 { whole } else { whole + (row[j / 64] | u64::MAX << rest).count_zeros() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_reference_are_covered_by_several() {
        // The example of Lin 2004, section 3.2.
        let reference = [vec![1, 2, 3, 4, 5]];
        let lines = [vec![1, 2, 6, 7, 8], vec![1, 3, 8, 9, 5]];
        assert_eq!(union_hits(&reference, &lines), Ok(4));
        assert_eq!(union_hits(&[vec![1, 1]], &[vec![1], vec![1]]), Ok(1));
        assert_eq!(union_hits(&[], &lines), Ok(0));
    }

    #[test]
    fn rows_hold_over_the_ends_of_blocks() {
        let long: Vec<u32> = (0..300).map(|n| n % 7).collect();
        let other: Vec<u32> = (0..250).map(|n| n * n % 5).collect();
        let line = Line::new(&long);
        let rows = line.rows(&other);
        let found = length(&rows[other.len() * line.blocks..], long.len());
        let expected =
            rapidfuzz::distance::lcs_seq::similarity(other.iter().copied(), long.iter().copied());
        assert_eq!(found as usize, expected);
    }

    #[test]
    fn too_much_is_refused() {
        let line = vec![(0..40_000).collect::<Vec<u32>>()];
        assert!(union_hits(&line, &line).is_err());
        let words = vec![vec![1]; 30_000];
        assert!(union_hits(&words, &words).is_err());
    }
}
