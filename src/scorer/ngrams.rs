//! N-grams packed into integers, sorted, and counted by walking along two lists.

/// The n-grams of `n` neighbours of `items`, each below `2^bits`, in ascending order. `n` times
/// `bits` is at most 128.
pub(super) fn sorted(items: &[u32], n: usize, bits: u32) -> Vec<u128> {
    let pack =
        |gram: &[u32]| gram.iter().fold(0, |packed, item| packed << bits | u128::from(*item));
    let mut grams: Vec<u128> = items.windows(n.max(1)).map(pack).collect();
    grams.sort_unstable();
    grams
}

/// How many of `grams` stand in `others` as well, each as often as in the one of `others` that has
/// it most often. All lists are sorted.
pub(super) fn matches<L: AsRef<[u128]>>(grams: &[u128], others: &[L]) -> usize {
    let mut rests: Vec<&[u128]> = others.iter().map(AsRef::as_ref).collect();
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
        let grams = sorted(&[7, 7, 7, 8, 9], 1, 32);
        assert_eq!(matches(&grams, &[vec![7, 7], vec![7, 8, 8]]), 3);
        assert_eq!(matches::<Vec<u128>>(&grams, &[]), 0);
        assert!(sorted(&[1, 2], 3, 32).is_empty());
        assert_eq!(sorted(&[2, 1, 2], 2, 8), [0x102, 0x201]);
    }
}
