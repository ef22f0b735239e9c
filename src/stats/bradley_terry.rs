//! Strengths out of comparisons of two at a time: the model of Bradley and Terry.

/// Steps of Newton's method; a handful is the rule.
const MAX_STEPS: u32 = 200;

/// How often each of several players won against each other one; a tie is half a win for both.
#[derive(Debug, Clone, PartialEq)]
pub struct Wins {
    players: usize,
    /// Row by row: wins of the row's player against the column's.
    cells: Vec<f64>,
}

/// Why there are no strengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// Some players were never compared with the others, neither directly nor by way of third ones:
    /// these, with the first player.
    Unconnected(Vec<usize>),
    /// These never lost, not even in part, to any of the others: their lead has no end.
    Unbeaten(Vec<usize>),
}

impl Wins {
    /// No comparison yet between `players`.
    pub fn new(players: usize) -> Self {
        Self { players, cells: vec![0.0; players * players] }
    }

    /// Takes in `weight` comparisons that `winner` won.
    pub fn win(&mut self, winner: usize, loser: usize, weight: f64) {
        self.cells[winner * self.players + loser] += weight;
    }

    /// Takes in `weight` comparisons that ended in a tie.
    pub fn tie(&mut self, one: usize, other: usize, weight: f64) {
        self.win(one, other, weight / 2.0);
        self.win(other, one, weight / 2.0);
    }

    /// Wins of `one` against `other`, ties as halves.
    pub fn of(&self, one: usize, other: usize) -> f64 {
        self.cells[one * self.players + other]
    }

    /// The strengths that make what happened likeliest, with a mean of 0: the odds of `i` against
    /// `j` are `exp(strength i - strength j)`. One a player.
    ///
    /// # Errors
    /// The players fall apart into groups, so that no strengths are likeliest.
    ///
    /// # Source
    /// Bradley and Terry (1952), Biometrika 39, 324-345; when they exist: Ford (1957), The American
    /// Mathematical Monthly 64, 28-33. Newton's method on the log-likelihood, which is concave.
    pub fn strengths(&self) -> Result<Vec<f64>, Apart> {
        self.connected()?;
        let mut strengths = vec![0.0; self.players];
        let mut likelihood = self.log_likelihood(&strengths);
        for _ in 0..MAX_STEPS {
            let (slope, curvature) = self.derivatives(&strengths);
            let Some(step) = solve(curvature, slope) else { break };
            let mut share = 1.0;
            let (next, reached) = loop {
                let next: Vec<f64> =
                    strengths.iter().zip(&step).map(|(at, step)| at + share * step).collect();
                let reached = self.log_likelihood(&next);
                // Near the top rounding decides, and the step is small anyway.
                if reached >= likelihood - 1e-9 || share < 1e-9 {
                    break (next, reached);
                }
                share /= 2.0;
            };
            (strengths, likelihood) = (next, reached);
            if step.iter().all(|step| step.abs() < 1e-11) {
                break;
            }
        }
        let mean = strengths.iter().sum::<f64>() / self.players.max(1) as f64;
        Ok(strengths.into_iter().map(|strength| strength - mean).collect())
    }

    /// Every player has to have won, in part at least, against every other one by way of others.
    fn connected(&self) -> Result<(), Apart> {
        let reached = |from: usize, goes: &dyn Fn(usize, usize) -> bool| -> Vec<bool> {
            let mut seen = vec![false; self.players];
            let mut next = vec![from];
            while let Some(at) = next.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    next.extend((0..self.players).filter(|to| !seen[*to] && goes(at, *to)));
                }
            }
            seen
        };
        if self.players == 0 {
            return Ok(());
        }
        let met = reached(0, &|a, b| self.of(a, b) + self.of(b, a) > 0.0);
        let those = |seen: &[bool]| (0..self.players).filter(|at| seen[*at]).collect();
        if met.contains(&false) {
            return Err(Apart::Unconnected(those(&met)));
        }
        // Whoever is beaten by nobody outside of a group leads without end; the smallest such group
        // is that of all who beat one of its members, directly or by way of others.
        let lost = |from| reached(from, &|a, b| self.of(b, a) > 0.0);
        let leaders = (0..self.players)
            .map(lost)
            .min_by_key(|seen| seen.iter().filter(|beats| **beats).count());
        match leaders {
            Some(leaders) if leaders.contains(&false) => Err(Apart::Unbeaten(those(&leaders))),
            _ => Ok(()),
        }
    }

    fn log_likelihood(&self, strengths: &[f64]) -> f64 {
        let cells = (0..self.players).flat_map(|a| (0..self.players).map(move |b| (a, b)));
        cells
            .filter(|(a, b)| self.of(*a, *b) > 0.0)
            .map(|(a, b)| -self.of(a, b) * (strengths[b] - strengths[a]).exp().ln_1p())
            .sum()
    }

    /// The slope of the log-likelihood, and how it bends, as a positive definite matrix: strengths
    /// that all move together, which changes nothing, are held by the mean.
    fn derivatives(&self, strengths: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let n = self.players;
        let mut slope = vec![0.0; n];
        let mut bend = vec![vec![1.0 / n as f64; n]; n];
        for a in 0..n {
            for b in (0..n).filter(|b| *b != a) {
                let games = self.of(a, b) + self.of(b, a);
                let chance = 1.0 / (1.0 + (strengths[b] - strengths[a]).exp());
                slope[a] += self.of(a, b) - games * chance;
                let bent = games * chance * (1.0 - chance);
                bend[a][a] += bent;
                bend[a][b] -= bent;
            }
        }
        (slope, bend)
    }
}

/// The solution of a positive definite system by Cholesky's method; `None` where rounding has made
/// it singular.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for column in 0..n {
        for row in column..n {
            let known: f64 = (0..column).map(|at| matrix[row][at] * matrix[column][at]).sum();
            let left = matrix[row][column] - known;
            if row == column {
                if left.is_nan() || left <= 0.0 {
                    return None;
                }
                matrix[row][row] = left.sqrt();
            } else {
                matrix[row][column] = left / matrix[column][column];
            }
        }
    }
    for row in 0..n {
        let known: f64 = (0..row).map(|at| matrix[row][at] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|at| matrix[at][row] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        bradley_terry: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        wins: Vec<Vec<f64>>,
        strengths: Vec<f64>,
    }

    #[test]
    fn strengths_as_choix() {
        let text = include_str!("../../tests/fixtures/stats/agreement.json");
        let golden: Golden = serde_json::from_str(text).expect("fixture is JSON");
        assert!(golden.bradley_terry.len() >= 5);
        for case in golden.bradley_terry {
            let mut wins = Wins::new(case.wins.len());
            for (a, row) in case.wins.iter().enumerate() {
                for (b, count) in row.iter().enumerate() {
                    wins.win(a, b, *count);
                }
            }
            let found = wins.strengths().expect("connected");
            for (found, expected) in found.iter().zip(&case.strengths) {
                assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn two_players_have_the_logarithm_of_their_odds() {
        let mut wins = Wins::new(2);
        wins.win(0, 1, 2.0);
        wins.tie(0, 1, 2.0);
        let strengths = wins.strengths().expect("connected");
        assert!((strengths[0] - strengths[1] - 3.0_f64.ln()).abs() < 1e-12);
        assert!((strengths[0] + strengths[1]).abs() < 1e-12);
    }

    #[test]
    fn players_that_cannot_be_compared_are_named() {
        let mut wins = Wins::new(4);
        wins.tie(0, 1, 1.0);
        wins.tie(2, 3, 1.0);
        assert_eq!(wins.strengths(), Err(Apart::Unconnected(vec![0, 1])));
        wins.win(3, 1, 5.0);
        assert_eq!(wins.strengths(), Err(Apart::Unbeaten(vec![2, 3])));
        wins.win(0, 2, 1.0);
        assert!(wins.strengths().is_ok());
    }

    #[test]
    fn a_lead_that_is_nearly_endless_is_found() {
        let mut wins = Wins::new(3);
        wins.win(0, 1, 1e6);
        wins.win(1, 0, 1.0);
        wins.win(1, 2, 1e6);
        wins.win(2, 1, 1.0);
        let found = wins.strengths().expect("connected");
        assert!((found[0] - found[1] - 1e6_f64.ln()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn nobody_and_one_alone_have_what_they_can_have() {
        assert_eq!(Wins::new(0).strengths(), Ok(vec![]));
        assert_eq!(Wins::new(1).strengths(), Ok(vec![0.0]));
        assert_eq!(Wins::new(2).strengths(), Err(Apart::Unconnected(vec![0])));
    }
}
