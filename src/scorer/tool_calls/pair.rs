//! The most pairs of things expected and made, each in one pair at most.

/// The most pairs that keep the order of both sides: a longest common subsequence.
pub(super) fn in_order(left: usize, right: usize, fits: impl Fn(usize, usize) -> bool) -> usize {
    let mut above = vec![0; right + 1];
    for a in 0..left {
        let mut row = vec![0; right + 1];
        for b in 0..right {
            row[b + 1] = if fits(a, b) { above[b] + 1 } else { above[b + 1].max(row[b]) };
        }
        above = row;
    }
    above[right]
}

/// The most pairs whatever their order, by paths that change pairs made before (Kuhn 1955).
pub(super) fn in_any_order(
    left: usize,
    right: usize,
    fits: impl Fn(usize, usize) -> bool,
) -> usize {
    let fitting: Vec<Vec<usize>> =
        (0..left).map(|a| (0..right).filter(|b| fits(a, *b)).collect()).collect();
    let mut partner: Vec<Option<usize>> = vec![None; right];
    let mut pairs = 0;
    for a in 0..left {
        let mut seen = vec![false; right];
        pairs += usize::from(place(a, &fitting, &mut partner, &mut seen));
    }
    pairs
}

/// Finds a partner for `a`, moving others on where needed. Goes as deep as there are things.
fn place(
    a: usize,
    fitting: &[Vec<usize>],
    partner: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for b in &fitting[a] {
        if std::mem::replace(&mut seen[*b], true) {
            continue;
        }
        let free = match partner[*b] {
            None => true,
            Some(other) => place(other, fitting, partner, seen),
        };
        if free {
            partner[*b] = Some(a);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_are_changed_where_that_makes_more_of_them() {
        let fits = |a: usize, b: usize| matches!((a, b), (0, 0 | 1) | (1, 0) | (2, 1 | 2));
        assert_eq!(in_any_order(3, 3, fits), 3);
        assert_eq!(in_order(3, 3, |a, b| a == b), 3);
        assert_eq!(in_order(2, 2, |a, b| a != b), 1);
        assert_eq!(in_any_order(0, 3, |_, _| true), 0);
        assert_eq!(in_any_order(500, 500, |_, _| true), 500);
    }

    proptest! {
        #[test]
        fn order_never_adds_pairs(left in "[a-c]{0,8}", right in "[a-c]{0,8}") {
            let fits = |a: usize, b: usize| left.as_bytes()[a] == right.as_bytes()[b];
            let (ordered, any) =
                (in_order(left.len(), right.len(), fits), in_any_order(left.len(), right.len(), fits));
            prop_assert!(ordered <= any && any <= left.len().min(right.len()));
            let count = |text: &str, c: char| text.matches(c).count();
            let common: usize =
                ('a'..='c').map(|c| count(&left, c).min(count(&right, c))).sum();
            prop_assert_eq!(any, common);
        }
    }
}
