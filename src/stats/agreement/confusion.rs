//! Two raters who choose among the same categories.

/// What a disagreement counts, by how far apart the two categories stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// All the same.
    Nominal,
    /// By the distance.
    Linear,
    /// By the square of the distance.
    Quadratic,
}

impl Weighting {
    /// How much of an agreement `a` and `b` are, from 0 to 1, among `count` categories.
    fn agreement(self, a: usize, b: usize, count: usize) -> f64 {
        let share = a.abs_diff(b) as f64 / (count.max(2) - 1) as f64;
        match self {
            Self::Nominal => f64::from(u8::from(a == b)),
            Self::Linear => 1.0 - share,
            Self::Quadratic => 1.0 - share * share,
        }
    }
}

/// How often two raters chose what of the same items.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    count: usize,
    /// Row by row.
    cells: Vec<f64>,
}

impl Confusion {
    /// Counts items: the category of the first rater, that of the second one, both below
    /// `categories`, and the item's weight.
    pub fn of(categories: usize, items: impl IntoIterator<Item = (usize, usize, f64)>) -> Self {
        let mut cells = vec![0.0; categories * categories];
        for (first, second, weight) in items {
            cells[first * categories + second] += weight;
        }
        Self { count: categories, cells }
    }

    /// Items that the first rater put into `first` and the second one into `second`.
    pub fn at(&self, first: usize, second: usize) -> f64 {
        self.cells[first * self.count + second]
    }

    /// All items.
    pub fn total(&self) -> f64 {
        self.cells.iter().sum()
    }

    /// Share of the items that both put into the same category; `None` without items.
    pub fn accuracy(&self) -> Option<f64> {
        self.observed(Weighting::Nominal)
    }

    /// Cohen's kappa, weighted for ordered categories. `None` without items, and where chance alone
    /// would agree in all: when both raters used one category only.
    ///
    /// # Source
    /// Cohen (1960), Educational and Psychological Measurement 20, 37-46; (1968), Psychological
    /// Bulletin 70, 213-220.
    pub fn kappa(&self, weighting: Weighting) -> Option<f64> {
        let (first, second) = self.shares()?;
        let chance = self.sum(weighting, |a, b| first[a] * second[b]);
        beyond(self.observed(weighting)?, chance)
    }

    /// Gwet's AC1, and with weights AC2: agreement beyond chance, which stays sensible where nearly
    /// all items are of one category. `None` without items and with fewer than two categories.
    ///
    /// # Source
    /// Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; (2014),
    /// Handbook of Inter-Rater Reliability, 4th edition.
    pub fn gwet(&self, weighting: Weighting) -> Option<f64> {
        let (first, second) = self.shares()?;
        let count = self.count as f64;
        if self.count < 2 {
            return None;
        }
        let hard = first.iter().zip(&second).map(|(a, b)| {
            let share = f64::midpoint(*a, *b);
            share * (1.0 - share)
        });
        let weights = self.sum(weighting, |_, _| 1.0);
        let chance = weights * hard.sum::<f64>() / (count * (count - 1.0));
        beyond(self.observed(weighting)?, chance)
    }

    fn observed(&self, weighting: Weighting) -> Option<f64> {
        let total = self.total();
        (total > 0.0).then(|| self.sum(weighting, |a, b| self.at(a, b)) / total)
    }

    /// The sum over all cells of what they are worth, as far as they are agreements.
    fn sum(&self, weighting: Weighting, worth: impl Fn(usize, usize) -> f64) -> f64 {
        let cells = (0..self.count).flat_map(|a| (0..self.count).map(move |b| (a, b)));
        cells.map(|(a, b)| weighting.agreement(a, b, self.count) * worth(a, b)).sum()
    }

    /// The shares of the categories with the first and with the second rater.
    fn shares(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let total = self.total();
        let share = |of: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            let sum = |a| (0..self.count).map(|b| of(a, b)).sum::<f64>() / total;
            (0..self.count).map(sum).collect()
        };
        (total > 0.0).then(|| (share(&|a, b| self.at(a, b)), share(&|a, b| self.at(b, a))))
    }
}

/// How much of the way from chance to certainty `observed` goes.
fn beyond(observed: f64, chance: f64) -> Option<f64> {
    let room = 1.0 - chance;
    (room > 1e-12).then(|| (observed - chance) / room)
}
