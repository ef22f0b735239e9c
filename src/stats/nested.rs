//! Where values differ: between groups, between parts of a group, within a part.
//!
//! # Source
//! Searle, Casella and `McCulloch`, *Variance Components* (1992), section 4.5: sums of squares of a
//! nested classification with unequal numbers, equated to what they are expected to be.

/// Variances of three levels, by the values that come in the order of their groups and parts.
#[derive(Debug, Clone, Default)]
pub struct Nested {
    groups: Sums,
    parts: Sums,
    /// Sum of the squares of all values.
    squares: f64,
    /// Over groups, the sum of the squared sizes of their parts by the group's size.
    parts_in_groups: f64,
    part: Level,
    group: Level,
    /// Of the parts of the group at hand: the sum of their squared sizes.
    sizes: f64,
}

/// A part or a group that values are still coming to.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    n: f64,
    sum: f64,
}

/// What is known of all parts, or of all groups.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    n: f64,
    sum: f64,
    /// Sum of squared sizes.
    sizes: f64,
    /// Sum of squared sums by size.
    between: f64,
}

/// The variances; `None` where there is nothing to tell one from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Components {
    /// Between groups.
    pub groups: Option<f64>,
    /// Between parts of a group.
    pub parts: Option<f64>,
    /// Within a part.
    pub within: Option<f64>,
}

impl Sums {
    fn close(&mut self, level: &mut Level) {
        let Level { n, sum } = std::mem::take(level);
        if n > 0.0 {
            self.count += 1.0;
            self.n += n;
            self.sum += sum;
            self.sizes += n * n;
            self.between += sum * sum / n;
        }
    }
}

impl Nested {
    /// Takes in a value of the part at hand.
    pub fn add(&mut self, value: f64) {
        self.part.n += 1.0;
        self.part.sum += value;
        self.group.n += 1.0;
        self.group.sum += value;
        self.squares += value * value;
    }

    /// Values of another part follow.
    pub fn end_part(&mut self) {
        self.sizes += self.part.n * self.part.n;
        self.parts.close(&mut self.part);
    }

    /// Values of another group follow.
    pub fn end_group(&mut self) {
        self.end_part();
        if self.group.n > 0.0 {
            self.parts_in_groups += self.sizes / self.group.n;
        }
        self.sizes = 0.0;
        self.groups.close(&mut self.group);
    }

    /// The variances of all that was added. One that comes out negative is 0.
    pub fn components(mut self) -> Components {
        self.end_group();
        let Self { groups, parts, squares, parts_in_groups, .. } = self;
        let total = groups.n;
        let mean_square =
            |squares: f64, freedom: f64| (freedom > 0.0).then(|| (squares / freedom).max(0.0));
        let within = mean_square(squares - parts.between, total - parts.count);
        let of_parts = mean_square(parts.between - groups.between, parts.count - groups.count);
        let mean = groups.sum * groups.sum / total.max(1.0);
        let of_groups = mean_square(groups.between - mean, groups.count - 1.0);
        let least = within.unwrap_or(0.0);
        let between_parts = of_parts.and_then(|square| {
            let size = (total - parts_in_groups) / (parts.count - groups.count);
            (size > 0.0).then(|| ((square - least) / size).max(0.0))
        });
        let between_groups = of_groups.and_then(|square| {
            let freedom = groups.count - 1.0;
            let size = (total - groups.sizes / total) / freedom;
            let of_part = (parts_in_groups - parts.sizes / total) / freedom;
            let rest = least + of_part * between_parts.unwrap_or(0.0);
            (size > 0.0).then(|| ((square - rest) / size).max(0.0))
        });
        Components { groups: between_groups, parts: between_parts, within }
    }
}

/// Krippendorff's alpha of numbers that several raters gave, with the square of differences as the
/// distance; units come one by one, and those with one rating do not count.
///
/// # Source
/// Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), section E, for interval data.
#[derive(Debug, Clone, Copy, Default)]
pub struct IntervalAlpha {
    n: f64,
    sum: f64,
    squares: f64,
    within: f64,
    units: u64,
}

impl IntervalAlpha {
    /// Takes in the ratings of a unit.
    pub fn add(&mut self, ratings: &[f64]) {
        if ratings.len() < 2 {
            return;
        }
        let n = ratings.len() as f64;
        let sum: f64 = ratings.iter().sum();
        let squares: f64 = ratings.iter().map(|rating| rating * rating).sum();
        self.units += 1;
        self.n += n;
        self.sum += sum;
        self.squares += squares;
        // The sum over pairs of their squared differences, by one less than the number of ratings.
        self.within += (n * squares - sum * sum).max(0.0) / (n - 1.0);
    }

    /// Units with several ratings.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The coefficient; `None` when all ratings are the same, or there is nothing to compare.
    pub fn value(&self) -> Option<f64> {
        let expected = self.n * self.squares - self.sum * self.sum;
        let scale = self.n * self.squares;
        (expected > scale * 1e-12).then(|| 1.0 - (self.n - 1.0) * self.within / expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn components(groups: &[&[&[f64]]]) -> Components {
        let mut nested = Nested::default();
        for group in groups {
            for part in *group {
                for value in *part {
                    nested.add(*value);
                }
                nested.end_part();
            }
            nested.end_group();
        }
        nested.components()
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.expect("a variance");
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// Balanced: mean squares by hand. Parts of two values, two parts a group, two groups.
    #[test]
    fn variances_of_equal_groups() {
        let found = components(&[&[&[1.0, 3.0], &[5.0, 7.0]], &[&[11.0, 13.0], &[15.0, 17.0]]]);
        // Within: 4 parts with 2 each, by 4. Between parts: 2 * (2² * 2) * 2 = 32, by 2. Between
        // groups: 4 * 5² * 2 = 200, by 1.
        close(found.within, 2.0);
        close(found.parts, (16.0 - 2.0) / 2.0);
        close(found.groups, (200.0 - 16.0) / 4.0);
    }

    /// One part a group: what parts differ by cannot be told from what groups differ by.
    #[test]
    fn what_cannot_be_told_is_unknown() {
        let found = components(&[&[&[1.0, 2.0]], &[&[3.0, 4.0]]]);
        assert_eq!(found.parts, None);
        close(found.within, 0.5);
        close(found.groups, (4.0 - 0.5) / 2.0);
        assert_eq!(components(&[&[&[1.0]]]), Components::default());
        assert_eq!(components(&[]), Components::default());
        let same = components(&[&[&[1.0, 1.0]], &[&[1.0, 1.0]]]);
        assert_eq!((same.within, same.groups), (Some(0.0), Some(0.0)));
    }

    /// The example of Krippendorff (2011), section C, with intervals: alpha is 0.849 (units of the
    /// four observers, dots left out).
    #[test]
    fn alpha_of_the_textbook() {
        let units: [&[f64]; 12] = [
            &[1.0, 1.0, 1.0],
            &[2.0, 2.0, 3.0, 2.0],
            &[3.0, 3.0, 3.0, 3.0],
            &[3.0, 3.0, 3.0, 3.0],
            &[2.0, 2.0, 2.0, 2.0],
            &[1.0, 2.0, 3.0, 4.0],
            &[4.0, 4.0, 4.0, 4.0],
            &[1.0, 1.0, 2.0, 1.0],
            &[2.0, 2.0, 2.0, 2.0],
            &[5.0, 5.0, 5.0],
            &[1.0, 1.0],
            &[3.0],
        ];
        let mut alpha = IntervalAlpha::default();
        for unit in units {
            alpha.add(unit);
        }
        let value = alpha.value().expect("a coefficient");
        assert!((value - 0.849).abs() < 5e-4, "{value}");
        assert_eq!(alpha.units(), 11);
        let mut same = IntervalAlpha::default();
        same.add(&[1.0, 1.0]);
        assert_eq!((same.value(), IntervalAlpha::default().value()), (None, None));
    }
}
