//! The least edits that the search of Tercom finds: greedy shifts over a banded edit distance.

use std::cmp::Reverse;

/// Longest run of words that is shifted, and how far.
const MAX_SHIFT: usize = 10;
const MAX_DISTANCE: usize = 50;
/// Cells on either side of the diagonal.
const BEAM: usize = 25;
/// Shifts that are tried for a text, all together.
const MAX_CANDIDATES: usize = 1000;

/// Longest text, in words.
const MAX_WORDS: usize = 20_000;
/// Most cells and pairs of words that are looked at for a text.
const MAX_WORK: u64 = 4_000_000_000;

const INFINITE: u32 = u32::MAX / 2;

/// The edits that lead from `words` to `reference`.
///
/// # Source
/// `lib_ter.py` of sacrebleu 2.6.0.
///
/// # Errors
/// They are too long.
pub(super) fn edits(words: &[u32], reference: &[u32]) -> Result<usize, String> {
    if words.len().max(reference.len()) > MAX_WORDS {
        return Err(format!(
            "too long to compare: {} by {} words; at most {MAX_WORDS} are compared",
            words.len(),
            reference.len()
        ));
    }
    if reference.is_empty() || words.is_empty() {
        return Ok(words.len() + reference.len());
    }
    if words == reference {
        return Ok(0);
    }
    let mut table = Table::new(words, reference);
    let (mut candidates, mut shifts, mut work) = (0, 0, 0);
    loop {
        let best = table.best_shift(&mut candidates, &mut work);
        if work > MAX_WORK {
            return Err("too long to compare: there are too many shifts to try".to_owned());
        }
        match best {
            Some((gain, shift)) if gain > 0 && candidates < MAX_CANDIDATES => table.apply(&shift),
            _ => return Ok(shifts + table.distance() as usize),
        }
        shifts += 1;
    }
}

/// What a shift saves, how long it is, and then which one stands and goes furthest in front.
type Rank = (i64, usize, Reverse<usize>, Reverse<usize>);

/// A run of words that moves in front of the word at `to`, as the words stood before.
#[derive(Debug, Clone, Copy)]
struct Shift {
    start: usize,
    length: usize,
    to: usize,
}

impl Shift {
    /// The places whose words change.
    fn range(&self, words: usize) -> (usize, usize) {
        let Self { start, length, to } = *self;
        if to < start {
            (to, start + length)
        } else if to > start + length {
            (start, to)
        } else {
            (start, (length + to).min(words))
        }
    }

    /// Moves the run.
    fn apply(&self, words: &mut [u32]) {
        let (from, until) = self.range(words.len());
        if self.to < self.start {
            words[from..until].rotate_right(self.length);
        } else {
            words[from..until].rotate_left(self.length);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Keep,
    Substitute,
    /// A word of the reference is missing.
    Insert,
    /// A word is too many.
    Delete,
}

/// A part of a row of the matrix; outside of it all is infinite.
#[derive(Debug, Clone, Default)]
struct Row {
    from: usize,
    costs: Vec<u32>,
}

impl Row {
    fn at(&self, j: usize) -> u32 {
        j.checked_sub(self.from).and_then(|at| self.costs.get(at)).copied().unwrap_or(INFINITE)
    }
}

/// The matrix of edit distances between the beginnings of the words and those of the reference.
struct Table<'a> {
    words: Vec<u32>,
    reference: &'a [u32],
    ratio: f64,
    beam: usize,
    rows: Vec<Row>,
    ops: Vec<Vec<Op>>,
}

impl<'a> Table<'a> {
    fn new(words: &[u32], reference: &'a [u32]) -> Self {
        let ratio = reference.len() as f64 / words.len() as f64;
        // With very different lengths the rows of a narrow band would not touch each other.
        let wide = (ratio / 2.0 + BEAM as f64).ceil() as usize;
        let beam = if (BEAM as f64) < ratio / 2.0 { wide } else { BEAM };
        let first = Row { from: 0, costs: (0..=reference.len() as u32).collect() };
        let mut rows = vec![Row::default(); words.len() + 1];
        rows[0] = first;
        let ops = vec![Vec::new(); words.len() + 1];
        let mut table = Self { words: words.to_vec(), reference, ratio, beam, rows, ops };
        table.fill(0);
        table
    }

    fn distance(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.at(self.reference.len()))
    }

    /// Computes the rows behind the one at `start`.
    fn fill(&mut self, start: usize) {
        for i in start + 1..self.rows.len() {
            let (mut row, mut ops) =
                (std::mem::take(&mut self.rows[i]), std::mem::take(&mut self.ops[i]));
            ops.clear();
            self.row((i, self.words[i - 1]), &self.rows[i - 1], &mut row, |op| ops.push(op));
            (self.rows[i], self.ops[i]) = (row, ops);
        }
    }

    /// Computes row `i`, of the word `word`, from the one above it.
    fn row(&self, (i, word): (usize, u32), above: &Row, row: &mut Row, mut note: impl FnMut(Op)) {
        let diagonal = (i as f64 * self.ratio).floor() as usize;
        let from = diagonal.saturating_sub(self.beam);
        let all = self.reference.len() + 1;
        let until = if i + 1 == self.rows.len() { all } else { all.min(diagonal + self.beam) };
        row.from = from;
        row.costs.clear();
        let (mut left, mut corner) =
            (INFINITE, from.checked_sub(1).map_or(INFINITE, |j| above.at(j)));
        for j in from..until {
            let up = above.at(j);
            let (cost, op) = if j == 0 {
                (up + 1, Op::Delete)
            } else {
                let same = word == self.reference[j - 1];
                let mut best = (INFINITE, Op::Substitute);
                for next in [
                    (corner + u32::from(!same), if same { Op::Keep } else { Op::Substitute }),
                    (up + 1, Op::Delete),
                    (left + 1, Op::Insert),
                ] {
                    if next.0 < best.0 {
                        best = next;
                    }
                }
                best
            };
            row.costs.push(cost);
            note(op);
            (left, corner) = (cost, up);
        }
    }

    /// The distance after `shift`; the words are shifted and shifted back.
    fn distance_after(&self, shift: &Shift, words: &mut Vec<u32>, work: &mut u64) -> u32 {
        words.clone_from(&self.words);
        shift.apply(words);
        let (first, last) = shift.range(words.len());
        let (mut above, mut row) = (Row::default(), Row::default());
        for i in first + 1..self.rows.len() {
            let before = if i == first + 1 { &self.rows[first] } else { &above };
            self.row((i, words[i - 1]), before, &mut row, |_| ());
            *work += row.costs.len() as u64;
            std::mem::swap(&mut above, &mut row);
            // A row that is the old one but for a constant is followed by such rows only.
            if i >= last
                && let Some(less) = constant_difference(&self.rows[i], &above)
            {
                return (i64::from(self.distance()) - less).max(0) as u32;
            }
        }
        above.at(self.reference.len())
    }

    /// Shifts for good.
    fn apply(&mut self, shift: &Shift) {
        shift.apply(&mut self.words);
        self.fill(shift.range(self.words.len()).0);
    }

    /// The shift that saves the most edits, and how many; counts the shifts that are tried.
    fn best_shift(&self, candidates: &mut usize, work: &mut u64) -> Option<(i64, Shift)> {
        let before = i64::from(self.distance());
        let alignment = self.alignment();
        let mut best: Option<(Rank, Shift)> = None;
        let mut shifted = Vec::new();
        *work += self.words.len() as u64 * BEAM as u64;
        for start in 0..self.words.len() {
            let nearest = start.saturating_sub(MAX_DISTANCE);
            for target in nearest..self.reference.len().min(start + MAX_DISTANCE + 1) {
                *work += 1;
                for length in 1..=self.run(start, target) {
                    *work += 1;
                    if !alignment.worth_a_try(start, target, length) {
                        continue;
                    }
                    let mut tried = None;
                    for place in target..=target + length {
                        let to = place.checked_sub(1).map_or(0, |place| alignment.behind[place]);
                        if tried == Some(to) {
                            continue;
                        }
                        tried = Some(to);
                        let shift = Shift { start, length, to };
                        let after = self.distance_after(&shift, &mut shifted, work);
                        let rank = (before - i64::from(after), length, Reverse(start), Reverse(to));
                        *candidates += 1;
                        if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                            best = Some((rank, shift));
                        }
                    }
                    if *candidates >= MAX_CANDIDATES || *work > MAX_WORK {
                        return best.map(|(rank, shift)| (rank.0, shift));
                    }
                }
            }
        }
        best.map(|(rank, shift)| (rank.0, shift))
    }

    /// How many words from `start` on are those of the reference from `target` on.
    fn run(&self, start: usize, target: usize) -> usize {
        let pairs = self.words[start..].iter().zip(&self.reference[target..]);
        pairs.take(MAX_SHIFT).take_while(|(word, other)| word == other).count()
    }

    /// Which words stand for which, along the cheapest path.
    fn alignment(&self) -> Alignment {
        let (mut i, mut j) = (self.words.len(), self.reference.len());
        let mut wrong = vec![0; i];
        let mut wrong_reference = vec![0; j];
        let mut behind = vec![0; j];
        while i > 0 || j > 0 {
            let op = match i {
                0 => Op::Insert,
                _ => {
                    let at = j.checked_sub(self.rows[i].from);
                    at.and_then(|at| self.ops[i].get(at)).copied().unwrap_or(Op::Delete)
                }
            };
            let is_wrong = u32::from(op != Op::Keep);
            if op != Op::Delete {
                (behind[j - 1], wrong_reference[j - 1]) = (i, is_wrong);
                j -= 1;
            }
            if op != Op::Insert {
                wrong[i - 1] = is_wrong;
                i -= 1;
            }
        }
        Alignment { wrong: sums(&wrong), wrong_reference: sums(&wrong_reference), behind }
    }
}

/// By how much `row` is less than `old`, when that is the same everywhere.
fn constant_difference(old: &Row, row: &Row) -> Option<i64> {
    let less = i64::from(*old.costs.first()?) - i64::from(*row.costs.first()?);
    let same = |(old, new): (&u32, &u32)| i64::from(*old) - i64::from(*new) == less;
    (old.from == row.from && old.costs.iter().zip(&row.costs).all(same)).then_some(less)
}

fn sums(values: &[u32]) -> Vec<u32> {
    let running = values.iter().scan(0, |sum, value| {
        *sum += value;
        Some(*sum)
    });
    std::iter::once(0).chain(running).collect()
}

struct Alignment {
    /// Wrong words in front of each place.
    wrong: Vec<u32>,
    /// Words in front of each place of the reference that are not matched.
    wrong_reference: Vec<u32>,
    /// For each word of the reference the place behind the word that stands for it.
    behind: Vec<usize>,
}

impl Alignment {
    /// Not when the words are right where they are, the reference is matched there, or the target
    /// lies within them.
    fn worth_a_try(&self, start: usize, target: usize, length: usize) -> bool {
        let aligned = self.behind[target];
        self.wrong[start + length] > self.wrong[start]
            && self.wrong_reference[target + length] > self.wrong_reference[target]
            && !(start + 1..=start + length).contains(&aligned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_costs_one() {
        assert_eq!(edits(&[1, 2, 3, 4, 5], &[3, 4, 5, 1, 2]), Ok(1));
        assert_eq!(edits(&[], &[3, 4]), Ok(2));
        assert_eq!(edits(&[1, 2], &[]), Ok(2));
        assert_eq!(edits(&[1, 2], &[1, 2]), Ok(0));
        assert!(edits(&[1; MAX_WORDS + 1], &[1]).is_err());
    }

    #[test]
    fn lengths_may_be_far_apart() {
        let long: Vec<u32> = (0..3_000).collect();
        assert_eq!(edits(&long, &[5, 17]), Ok(2_998));
        assert_eq!(edits(&[2_000, 5], &long), Ok(2_999));
    }
}
