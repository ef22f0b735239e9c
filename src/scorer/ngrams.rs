//! N-grams packed into integers, sorted once for all orders, and counted by walking along two lists.

use std::ops::{BitOr, Shl, Shr};

/// The n-grams of a text, of every order up to the one that it was made with.
///
/// Packed is what follows each place in the text, the first item highest, with 0 behind the end. The
/// n-grams of fewer items are the beginnings of these, and as such in ascending order too.
#[derive(Debug, Clone)]
pub(super) struct Grams {
    order: usize,
    bits: u32,
    packed: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    /// Where they fit into 64 bits.
    Narrow(Vec<u64>),
    /// Where they do not.
    Wide(Vec<u128>),
}

impl Grams {
    /// The n-grams of up to `order` neighbours of `items`, each at least 1 less than `2^bits`.
    /// `order` times `bits` is at most 128. Those that are compared are made with the same of both.
    pub(super) fn new(items: &[u32], order: usize, bits: u32) -> Self {
        let (order, bits) = (order.max(1), bits.max(1));
        let packed = if order as u32 * bits < u64::BITS {
            Packed::Narrow(pack(items, order, bits))
        } else {
            Packed::Wide(pack(items, order, bits))
        };
        Self { order, bits, packed }
    }

    /// How many n-grams of `n` items there are.
    pub(super) fn count(&self, n: usize) -> usize {
        let places = match &self.packed {
            Packed::Narrow(grams) => grams.len(),
            Packed::Wide(grams) => grams.len(),
        };
        (places + 1).saturating_sub(n)
    }

    /// How many n-grams of `n` items stand in `others` as well, each as often as in the one of
    /// `others` that has it most often.
    pub(super) fn matches(&self, others: &[&Self], n: usize) -> usize {
        let cut = self.order.saturating_sub(n) as u32 * self.bits;
        match (&self.packed, others) {
            (Packed::Narrow(grams), [Self { packed: Packed::Narrow(other), .. }]) => {
                shared(grams, other, cut, self.bits)
            }
            (Packed::Wide(grams), [Self { packed: Packed::Wide(other), .. }]) => {
                shared(grams, other, cut, self.bits)
            }
            (Packed::Narrow(grams), others) => {
                clipped(grams, others, cut, self.bits, |packed| match packed {
                    Packed::Narrow(other) => other,
                    Packed::Wide(_) => &[],
                })
            }
            (Packed::Wide(grams), others) => {
                clipped(grams, others, cut, self.bits, |packed| match packed {
                    Packed::Wide(other) => other,
                    Packed::Narrow(_) => &[],
                })
            }
        }
    }
}

/// What n-grams are packed into.
trait Integer:
    Copy + Ord + From<u32> + Shl<u32, Output = Self> + Shr<u32, Output = Self> + BitOr<Output = Self>
{
}

impl Integer for u64 {}
impl Integer for u128 {}

fn pack<T: Integer>(items: &[u32], order: usize, bits: u32) -> Vec<T> {
    let top = (order - 1) as u32 * bits;
    let mut next = T::from(0);
    let places = items.iter().rev().map(|item| {
        next = T::from(*item + 1) << top | next >> bits;
        next
    });
    let mut packed: Vec<T> = places.collect();
    packed.sort_unstable();
    packed
}

/// Whether the text did not end within `gram`.
fn is_whole<T: Integer>(gram: T, bits: u32) -> bool {
    gram >> bits << bits != gram
}

/// How many stand in both lists.
fn shared<T: Integer>(grams: &[T], others: &[T], cut: u32, bits: u32) -> usize {
    let (mut at, mut other_at, mut shared) = (0, 0, 0);
    while let (Some(gram), Some(other)) = (grams.get(at), others.get(other_at)) {
        let (gram, other) = (*gram >> cut, *other >> cut);
        shared += usize::from(gram == other && is_whole(gram, bits));
        at += usize::from(gram <= other);
        other_at += usize::from(other <= gram);
    }
    shared
}

fn clipped<'a, T: Integer + 'a>(
    grams: &[T],
    others: &[&'a Grams],
    cut: u32,
    bits: u32,
    list: impl Fn(&'a Packed) -> &'a [T],
) -> usize {
    let mut rests: Vec<&[T]> = others.iter().map(|other| list(&other.packed)).collect();
    let mut matched = 0;
    for run in grams.chunk_by(|a, b| *a >> cut == *b >> cut) {
        let Some(gram) = run.first().map(|gram| *gram >> cut) else { continue };
        if !is_whole(gram, bits) {
            continue;
        }
        let most = rests.iter_mut().map(|rest| {
            let from = rest.iter().position(|other| *other >> cut >= gram).unwrap_or(rest.len());
            *rest = &rest[from..];
            let count = rest.iter().take_while(|other| **other >> cut == gram).count();
            *rest = &rest[count..];
            count
        });
        matched += most.max().unwrap_or(0).min(run.len());
    }
    matched
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_clipped_by_the_best_reference() {
        for bits in [8, 100] {
            let of = |items: &[u32]| Grams::new(items, 1, bits);
            let grams = of(&[7, 7, 7, 8, 9]);
            let (one, other) = (of(&[7, 7]), of(&[7, 8, 8]));
            assert_eq!(grams.matches(&[&one, &other], 1), 3);
            assert_eq!((grams.matches(&[&one], 1), grams.matches(&[&other], 1)), (2, 2));
            assert_eq!((grams.matches(&[], 1), of(&[]).matches(&[&one], 1)), (0, 0));
        }
        assert_eq!(Grams::new(&[1, 2], 3, 32).count(3), 0);
        assert_eq!(Grams::new(&[], 3, 0).count(1), 0);
    }

    /// Each n-gram as often as it is in the one that has most of it.
    fn plain(items: &[u32], others: &[Vec<u32>], n: usize) -> usize {
        let count = |items: &[u32], gram: &[u32]| items.windows(n).filter(|w| *w == gram).count();
        let mut kinds: Vec<&[u32]> = items.windows(n).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let most = |gram| others.iter().map(|other| count(other, gram)).max().unwrap_or(0);
        kinds.into_iter().map(|gram| count(items, gram).min(most(gram))).sum()
    }

    proptest! {
        #[test]
        fn one_sort_is_good_for_every_order(
            items in prop::collection::vec(0_u32..3, 0..40),
            others in prop::collection::vec(prop::collection::vec(0_u32..3, 0..40), 1..3),
            bits in prop::sample::select(vec![2_u32, 10, 21]),
        ) {
            let grams = Grams::new(&items, 6, bits);
            let made: Vec<Grams> = others.iter().map(|o| Grams::new(o, 6, bits)).collect();
            for n in 1..=6 {
                prop_assert_eq!(grams.count(n), items.windows(n).count());
                let made: Vec<&Grams> = made.iter().collect();
                prop_assert_eq!(grams.matches(&made, n), plain(&items, &others, n));
            }
        }
    }
}
