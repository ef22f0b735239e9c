//! P-values adjusted for having looked at several.

/// Holm's adjusted p-values of `p`, in its order: those at most `a` may all be called significant,
/// and the chance that one of them is so wrongly is at most `a`, however they depend on each other.
///
/// What is unknown stays so and does not count as a test.
///
/// # Source
/// Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let order = ascending(p);
    let mut adjusted = vec![None; p.len()];
    let mut largest = 0.0_f64;
    for (rank, (place, value)) in order.iter().enumerate() {
        largest = largest.max(value * (order.len() - rank) as f64).min(1.0);
        adjusted[*place] = Some(largest);
    }
    adjusted
}

/// The adjusted p-values of Benjamini and Hochberg, in the order of `p`: of those at most `a`, a
/// share of at most `a` is expected to be significant wrongly, where the tests are independent or
/// depend on each other positively, as those of slices do.
///
/// What is unknown stays so and does not count as a test.
///
/// # Source
/// Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let order = ascending(p);
    let mut adjusted = vec![None; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, (place, value)) in order.iter().enumerate().rev() {
        smallest = smallest.min(value * order.len() as f64 / (rank + 1) as f64);
        adjusted[*place] = Some(smallest);
    }
    adjusted
}

/// The known ones with their places, the smallest first.
fn ascending(p: &[Option<f64>]) -> Vec<(usize, f64)> {
    let known = p.iter().enumerate().filter_map(|(place, value)| Some((place, (*value)?)));
    let mut order: Vec<(usize, f64)> = known.filter(|(_, value)| !value.is_nan()).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order
}
