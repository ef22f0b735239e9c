//! N-grams packed into integers, sorted, and counted by walking along two lists.

/// The n-grams of a text in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grams {
    /// Where they fit into 64 bits.
    Narrow(Vec<u64>),
    /// Where they do not.
    Wide(Vec<u128>),
}

impl Grams {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Narrow(grams) => grams.len(),
            Self::Wide(grams) => grams.len(),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The n-grams of `n` neighbours of `items`, each below `2^bits`. `n` times `bits` is at most 128.
/// Lists that are compared are made with the same bits.
pub(super) fn sorted(items: &[u32], n: usize, bits: u32) -> Grams {
    let bits = bits.max(1);
    let windows = items.windows(n.max(1));
    if n as u32 * bits <= u64::BITS {
        let pack = |gram: &[u32]| gram.iter().fold(0, |all, item| all << bits | u64::from(*item));
        let mut grams: Vec<u64> = windows.map(pack).collect();
        grams.sort_unstable();
        return Grams::Narrow(grams);
    }
    let pack = |gram: &[u32]| gram.iter().fold(0, |all, item| all << bits | u128::from(*item));
    let mut grams: Vec<u128> = windows.map(pack).collect();
    grams.sort_unstable();
    Grams::Wide(grams)
}

/// How many of `grams` stand in `others` as well, each as often as in the one of `others` that has
/// it most often.
pub(super) fn matches(grams: &Grams, others: &[&Grams]) -> usize {
    match (grams, others) {
        (Grams::Narrow(grams), [Grams::Narrow(other)]) => shared(grams, other),
        (Grams::Wide(grams), [Grams::Wide(other)]) => shared(grams, other),
        (Grams::Narrow(grams), others) => clipped(grams, others, |other| match other {
            Grams::Narrow(other) => other,
            Grams::Wide(_) => &[],
        }),
        (Grams::Wide(grams), others) => clipped(grams, others, |other| match other {
            Grams::Wide(other) => other,
            Grams::Narrow(_) => &[],
        }),
    }
}

/// How many stand in both lists.
fn shared<T: Ord>(mut grams: &[T], mut others: &[T]) -> usize {
    let mut shared = 0;
    while let ([gram, rest @ ..], [other, others_rest @ ..]) = (grams, others) {
        let order = gram.cmp(other);
        shared += usize::from(order.is_eq());
        if order.is_le() {
            grams = rest;
        }
        if order.is_ge() {
            others = others_rest;
        }
    }
    shared
}

fn clipped<'a, T: Ord + 'a>(
    grams: &[T],
    others: &[&'a Grams],
    list: impl Fn(&'a Grams) -> &'a [T],
) -> usize {
    let mut rests: Vec<&[T]> = others.iter().map(|other| list(other)).collect();
    let mut matched = 0;
    for run in grams.chunk_by(|a, b| a == b) {
        let Some(gram) = run.first() else { continue };
        let most = rests.iter_mut().map(|rest| {
            let from = rest.iter().position(|other| other >= gram).unwrap_or(rest.len());
            *rest = &rest[from..];
            let count = rest.iter().take_while(|other| *other == gram).count();
            *rest = &rest[count..];
            count
        });
        matched += most.max().unwrap_or(0).min(run.len());
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_clipped_by_the_best_reference() {
        for bits in [8, 100] {
            let of = |items: &[u32]| sorted(items, 1, bits);
            let grams = of(&[7, 7, 7, 8, 9]);
            let (one, other) = (of(&[7, 7]), of(&[7, 8, 8]));
            assert_eq!(matches(&grams, &[&one, &other]), 3);
            assert_eq!((matches(&grams, &[&one]), matches(&grams, &[&other])), (2, 2));
            assert_eq!((matches(&grams, &[]), matches(&of(&[]), &[&one])), (0, 0));
        }
        assert!(sorted(&[1, 2], 3, 32).is_empty());
        assert_eq!(sorted(&[2, 1, 2], 2, 8), Grams::Narrow(vec![0x102, 0x201]));
        assert_eq!(sorted(&[2, 1], 2, 64), Grams::Wide(vec![2 << 64 | 1]));
        assert_eq!(sorted(&[0, 0], 1, 0).len(), 2);
    }
}
