//! Edit distances of lists of any kind, with a limit on the work.

use rapidfuzz::{HashableChar, distance::levenshtein};

use super::words::Numbers;

/// Most pairs of items that are compared: 200,000 by 200,000.
pub(super) const MAX_PAIRS: u64 = 40_000_000_000;

/// Most words of 64 bits in the table of where each item stands: 32 MB.
const MOST_ROWS: usize = 4 << 20;

/// Numbers for which a table on the stack is enough.
const FEW: usize = 256;

/// What can be compared.
pub(super) trait Item: HashableChar + Copy + Eq + std::hash::Hash {
    /// A number that equal ones share; small, where that is to be had.
    fn number(self) -> u32;
}

impl Item for u8 {
    fn number(self) -> u32 {
        u32::from(self)
    }
}

impl Item for char {
    fn number(self) -> u32 {
        u32::from(self)
    }
}

impl Item for u32 {
    fn number(self) -> u32 {
        self
    }
}

/// The least number of insertions, deletions and substitutions that lead from `a` to `b`; the
/// beginning and the end that they share are free.
///
/// # Errors
/// Why there is none: they are too long.
pub(super) fn distance<T: Item>(a: &[T], b: &[T]) -> Result<usize, String> {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    bounded(a.len(), b.len())?;
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        return Ok(long.len());
    }
    let most = a.iter().chain(b).map(|item| item.number()).max().unwrap_or_default() as usize;
    if short.len() <= 64 && most < FEW {
        let mut places = [0_u64; FEW];
        for (at, item) in short.iter().enumerate() {
            places[item.number() as usize % FEW] |= 1 << at;
        }
        let rows = long.iter().map(|item| places[item.number() as usize % FEW]);
        return Ok(in_one_block(short.len(), rows));
    }
    let blocks = short.len().div_ceil(64);
    // Numbers that are few as they are need no others.
    if most < 256.max(4 * (a.len() + b.len())) {
        if (most + 1) * blocks <= MOST_ROWS {
            return Ok(in_blocks(short, long, most + 1, Item::number));
        }
    } else {
        let mut numbers = Numbers::default();
        let short: Vec<u32> = short.iter().map(|item| numbers.of(*item)).collect();
        let long: Vec<u32> = long.iter().map(|item| numbers.of(*item)).collect();
        if numbers.count() * blocks <= MOST_ROWS {
            return Ok(in_blocks(&short, &long, numbers.count(), |number| number));
        }
    }
    Ok(levenshtein::distance(a.iter().copied(), b.iter().copied()))
}

/// The distance of a list of 1 to 64 items to one whose items are given by where each stands in the
/// first: as [`in_blocks`], with one block.
pub(super) fn in_one_block(short: usize, long: impl Iterator<Item = u64>) -> usize {
    let last = short - 1;
    let (mut up, mut down, mut distance) = (u64::MAX, 0_u64, short);
    for equal in long {
        let same = ((equal & up).wrapping_add(up) ^ up) | equal | down;
        let (more, less) = (down | !(same | up), same & up);
        distance += (more >> last & 1) as usize;
        distance -= (less >> last & 1) as usize;
        let more = more << 1 | 1;
        up = less << 1 | !(same | more);
        down = more & same;
    }
    distance
}

/// The distance, 64 rows of the matrix at a time. `short` is not empty.
///
/// # Source
/// Myers 1999 with the carries of Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and
/// Damerau edit distances".
fn in_blocks<T: Copy>(short: &[T], long: &[T], kinds: usize, number: impl Fn(T) -> u32) -> usize {
    let blocks = short.len().div_ceil(64);
    let mut places = vec![0_u64; kinds * blocks];
    for (at, item) in short.iter().enumerate() {
        places[number(*item) as usize * blocks + at / 64] |= 1 << (at % 64);
    }
    let mut down = vec![(u64::MAX, 0_u64); blocks];
    let last = 1 << ((short.len() - 1) % 64);
    let mut distance = short.len();
    for item in long {
        let row = &places[number(*item) as usize * blocks..][..blocks];
        let (mut more_in, mut less_in) = (1_u64, 0_u64);
        let (mut more, mut less) = (0, 0);
        for ((up, dn), equal) in down.iter_mut().zip(row) {
            let x = equal | less_in;
            let same = ((x & *up).wrapping_add(*up) ^ *up) | x | *dn;
            (more, less) = (*dn | !(same | *up), same & *up);
            let (more_here, less_here) = (more << 1 | more_in, less << 1 | less_in);
            (more_in, less_in) = (more >> 63, less >> 63);
            *up = less_here | !(same | more_here);
            *dn = more_here & same;
        }
        distance += usize::from(more & last != 0);
        distance -= usize::from(less & last != 0);
    }
    distance
}

/// Refuses more work than there is time for.
///
/// # Errors
/// What is too much.
pub(super) fn bounded(a: usize, b: usize) -> Result<(), String> {
    if (a as u64).saturating_mul(b as u64) <= MAX_PAIRS {
        return Ok(());
    }
    Err(format!("too long to compare: {a} by {b}; at most {MAX_PAIRS} pairs are compared"))
}

/// `1 - distance / longer`, of code points; 1 of two empty texts.
///
/// # Errors
/// They are too long.
pub(super) fn similarity(a: &str, b: &str) -> Result<f64, String> {
    let (distance, longest) = if a.is_ascii() && b.is_ascii() {
        (distance(a.as_bytes(), b.as_bytes())?, a.len().max(b.len()))
    } else {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        (distance(&a, &b)?, a.len().max(b.len()))
    };
    Ok(if longest == 0 { 1.0 } else { 1.0 - distance as f64 / longest as f64 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the matrix.
    fn plain<T: PartialEq>(a: &[T], b: &[T]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, y) in b.iter().enumerate() {
                let least = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], least);
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn blocks_come_to_what_the_matrix_comes_to(
            a in prop::collection::vec(0_u32..5, 0..300),
            b in prop::collection::vec(0_u32..5, 0..300),
            spread in prop::sample::select(vec![1_u32, 70_000]),
            text in ".{0,200}", other in ".{0,200}",
        ) {
            let (a, b): (Vec<u32>, Vec<u32>) =
                (a.iter().map(|x| x * spread).collect(), b.iter().map(|x| x * spread).collect());
            prop_assert_eq!(distance(&a, &b), Ok(plain(&a, &b)));
            let (text, other): (Vec<char>, Vec<char>) = (text.chars().collect(), other.chars().collect());
            prop_assert_eq!(distance(&text, &other), Ok(plain(&text, &other)));
        }
    }

    #[test]
    fn lengths_around_a_block() {
        for length in [1, 63, 64, 65, 127, 128, 129] {
            let (a, b) = (vec![1_u8; length], vec![2_u8; length]);
            assert_eq!(distance(&a, &b), Ok(length));
            assert_eq!(distance(&a, &a[1..]), Ok(1));
            let mut c = a.clone();
            c[length / 2] = 3;
            c.push(9);
            assert_eq!(distance(&a, &c), Ok(2));
        }
        assert_eq!(distance::<u8>(&[], &[]), Ok(0));
    }
}
