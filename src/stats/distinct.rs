//! Numbers that are the same.

/// The different values of `values`, ascending; 0 and -0 are one value.
pub fn distinct(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().map(|value| value + 0.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup_by(|a, b| same(*a, *b));
    values
}

/// The place of `value` among ascending `distinct` values that contain it.
pub fn place_among(distinct: &[f64], value: f64) -> usize {
    distinct.partition_point(|known| *known < value)
}

/// Whether both are the very same number.
pub fn same(one: f64, other: f64) -> bool {
    (one + 0.0).total_cmp(&(other + 0.0)).is_eq()
}
