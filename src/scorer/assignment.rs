//! The best pairing of two sides, each with a gain for every pair.

/// The highest sum of gains when each row has at most one column and each column one row. Rows are
/// of one length.
///
/// # Source
/// The Hungarian method in the form of Jonker and Volgenant 1987: rows are added one by one, each
/// along the cheapest path of changes.
pub(super) fn most(gains: &[Vec<f64>]) -> f64 {
    let (rows, columns) = (gains.len(), gains.first().map_or(0, Vec::len));
    if rows > columns {
        let turned: Vec<Vec<f64>> =
            (0..columns).map(|column| gains.iter().map(|row| row[column]).collect()).collect();
        return most(&turned);
    }
    // Place 0 of the columns is where a row begins that has none yet.
    let mut row_of: Vec<Option<usize>> = vec![None; columns + 1];
    let (mut of_row, mut of_column) = (vec![0.0; rows], vec![0.0; columns + 1]);
    for new in 0..rows {
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut from = vec![0; columns + 1];
        let mut done = vec![false; columns + 1];
        row_of[0] = Some(new);
        let mut at = 0;
        while let Some(row) = row_of[at] {
            done[at] = true;
            let (mut step, mut next) = (f64::INFINITY, 0);
            for column in (1..=columns).filter(|column| !done[*column]) {
                let cost = -gains[row][column - 1] - of_row[row] - of_column[column];
                if cost < least[column] {
                    (least[column], from[column]) = (cost, at);
                }
                if least[column] < step {
                    (step, next) = (least[column], column);
                }
            }
            if next == 0 {
                break;
            }
            for column in 0..=columns {
                match row_of[column] {
                    Some(row) if done[column] => {
                        of_row[row] += step;
                        of_column[column] -= step;
                    }
                    _ => least[column] -= step,
                }
            }
            at = next;
        }
        while at != 0 {
            row_of[at] = row_of[from[at]];
            at = from[at];
        }
    }
    let gain = |(column, row): (usize, &Option<usize>)| row.map_or(0.0, |row| gains[row][column]);
    row_of[1..].iter().enumerate().map(gain).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By trying all pairings.
    fn slow(gains: &[Vec<f64>], taken: &mut Vec<bool>) -> f64 {
        let [row, rest @ ..] = gains else { return 0.0 };
        let mut best = slow(rest, taken);
        for column in 0..row.len() {
            if !taken[column] {
                taken[column] = true;
                best = best.max(row[column] + slow(rest, taken));
                taken[column] = false;
            }
        }
        best
    }

    #[test]
    fn no_other_pairing_is_better() {
        let mut seed = 1_u32;
        let mut draw = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(seed >> 24) / 256.0
        };
        for (rows, columns) in [(1, 1), (2, 5), (5, 2), (4, 4), (6, 5), (5, 6)] {
            for _ in 0..30 {
                let gains: Vec<Vec<f64>> =
                    (0..rows).map(|_| (0..columns).map(|_| draw()).collect()).collect();
                let expected = slow(&gains, &mut vec![false; columns]);
                assert!((most(&gains) - expected).abs() < 1e-9, "{gains:?}");
            }
        }
        assert!(most(&[]).abs() < f64::EPSILON);
    }
}
