//! Which of one list belongs to which of another, so that the sum over the pairs is greatest.

/// The greatest sum of values over pairs, each row and each column in one pair at most. `values`
/// holds rows of equal length, every value at least 0 and finite.
///
/// # Source
/// The Hungarian method (Kuhn 1955) with potentials: rows x rows x columns steps, for the smaller
/// number of the two as rows.
pub(super) fn greatest_sum(values: &[Vec<f64>]) -> f64 {
    let (rows, columns) = (values.len(), values.first().map_or(0, Vec::len));
    if rows == 0 || columns == 0 {
        return 0.0;
    }
    if rows > columns {
        let turned: Vec<Vec<f64>> =
            (0..columns).map(|column| values.iter().map(|row| row[column]).collect()).collect();
        return greatest_sum(&turned);
    }
    // Counted from 1; row 0 and column 0 stand for none.
    let mut row_of = vec![0_usize; columns + 1];
    let (mut row_potential, mut column_potential) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    for row in 1..=rows {
        row_of[0] = row;
        let mut column = 0;
        let mut slack = vec![f64::INFINITY; columns + 1];
        let mut way = vec![0_usize; columns + 1];
        let mut used = vec![false; columns + 1];
        while row_of[column] != 0 {
            used[column] = true;
            let at = row_of[column];
            let (mut least, mut next) = (f64::INFINITY, 0);
            for other in 1..=columns {
                if used[other] {
                    continue;
                }
                let cost = -values[at - 1][other - 1] - row_potential[at] - column_potential[other];
                if cost < slack[other] {
                    slack[other] = cost;
                    way[other] = column;
                }
                if slack[other] < least {
                    least = slack[other];
                    next = other;
                }
            }
            for other in 0..=columns {
                if used[other] {
                    row_potential[row_of[other]] += least;
                    column_potential[other] -= least;
                } else {
                    slack[other] -= least;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[way[column]];
            column = way[column];
        }
    }
    (1..=columns)
        .filter(|column| row_of[*column] != 0)
        .map(|column| values[row_of[column] - 1][column - 1])
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_trying(values: &[Vec<f64>], row: usize, taken: &mut Vec<bool>) -> f64 {
        let Some(cells) = values.get(row) else { return 0.0 };
        let mut best = by_trying(values, row + 1, taken);
        for column in 0..taken.len() {
            if !taken[column] {
                taken[column] = true;
                best = best.max(cells[column] + by_trying(values, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn it_is_the_best_of_all_ways(
            (rows, columns, cells) in (1..5_usize, 1..5_usize, prop::collection::vec(0..9_u8, 25)),
        ) {
            let values: Vec<Vec<f64>> = (0..rows)
                .map(|row| (0..columns).map(|c| f64::from(cells[row * 5 + c]) / 8.0).collect())
                .collect();
            let best = by_trying(&values, 0, &mut vec![false; columns]);
            prop_assert!((greatest_sum(&values) - best).abs() < 1e-9);
        }
    }
}
