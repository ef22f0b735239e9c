//! Parts of a run's samples that are measured by themselves: by a column, or by a tag.

use std::collections::HashMap;

/// The name that stands for the tags of samples, unless a column of the dataset has it.
pub const TAGS: [&str; 2] = ["tag", "tags"];

/// Values that a column may have at most and still be measured by slices.
pub const MAX_VALUES: usize = 50;

/// Which slices each sample of a run belongs to. Takes two bytes for each, and four a sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slices {
    columns: Vec<Column>,
    /// Column and value of each slice.
    parts: Vec<(usize, String)>,
    places: HashMap<(usize, String), u16>,
    /// Where the slices of each sample end in `of`.
    ends: Vec<u32>,
    of: Vec<u16>,
}

/// A column to slice by.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    name: String,
    /// How many values it has, up to one more than there may be.
    values: usize,
}

impl Slices {
    /// No sample yet, of slices by these columns.
    pub fn by(columns: impl IntoIterator<Item = String>) -> Self {
        let columns = columns.into_iter().map(|name| Column { name, values: 0 });
        Self { columns: columns.collect(), ..Self::default() }
    }

    /// The columns, as they were named.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Whether nothing is sliced.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Takes in the next sample, in the order of the plan: its values of each column, in the order
    /// of the columns. A sample has several values of tags, and none of a column that it lacks.
    pub fn add<'a>(&mut self, values: impl IntoIterator<Item = (usize, &'a str)>) {
        for (column, value) in values {
            if let Some(slice) = self.place(column, value) {
                self.of.push(slice);
            }
        }
        self.ends.push(self.of.len() as u32);
    }

    /// The place of a slice, a new one if need be; `None` when its column has too many values.
    fn place(&mut self, column: usize, value: &str) -> Option<u16> {
        let key = (column, value.to_owned());
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        let values = &mut self.columns.get_mut(column)?.values;
        *values = (*values + 1).min(MAX_VALUES + 1);
        if *values > MAX_VALUES {
            return None;
        }
        let place = u16::try_from(self.parts.len()).ok()?;
        self.parts.push(key.clone());
        self.places.insert(key, place);
        Some(place)
    }

    /// Each slice that is measured: its place, its column and its value, sorted by column, then by
    /// value. Numbers sort as such.
    pub fn measured(&self) -> Vec<(u16, &str, &str)> {
        let all = self.parts.iter().zip(0_u16..).filter_map(|((column, value), place)| {
            let known = self.columns.get(*column)?;
            (known.values <= MAX_VALUES).then_some((*column, place, known, value.as_str()))
        });
        let mut all: Vec<_> = all.collect();
        let number = |value: &str| value.parse::<f64>().ok();
        all.sort_by(|a, b| {
            let by_value = match (number(a.3), number(b.3)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.3.cmp(b.3),
            };
            a.0.cmp(&b.0).then(by_value)
        });
        all.into_iter()
            .map(|(_, place, known, value)| (place, known.name.as_str(), value))
            .collect()
    }

    /// Columns that are not measured by slices, each with the reason.
    pub fn left_out(&self) -> Vec<(String, String)> {
        let why = |column: &Column| match column.values {
            0 => Some("no sample has a value of it".to_owned()),
            values if values > MAX_VALUES => Some(format!("it has more than {MAX_VALUES} values")),
            _ => None,
        };
        self.columns.iter().filter_map(|column| Some((column.name.clone(), why(column)?))).collect()
    }

    /// Whether the sample at this place is in the slice at that one.
    pub fn holds(&self, sample: usize, slice: u16) -> bool {
        let end = self.ends.get(sample).copied().unwrap_or_default() as usize;
        let start = sample.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let of = self.of.get(start.unwrap_or_default() as usize..end);
        of.is_some_and(|slices| slices.contains(&slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fall_into_slices() {
        let mut slices = Slices::by(["level".to_owned(), "tag".to_owned(), "gone".to_owned()]);
        slices.add([(0, "10"), (1, "a"), (1, "b")]);
        slices.add([(0, "9")]);
        slices.add([(0, "10"), (1, "b")]);
        let measured = slices.measured();
        let named: Vec<_> = measured.iter().map(|(_, column, value)| (*column, *value)).collect();
        assert_eq!(named, [("level", "9"), ("level", "10"), ("tag", "a"), ("tag", "b")]);
        let of = |slice: usize| -> Vec<usize> {
            (0..4).filter(|sample| slices.holds(*sample, measured[slice].0)).collect()
        };
        assert_eq!((of(0), of(1), of(2), of(3)), (vec![1], vec![0, 2], vec![0], vec![0, 2]));
    }

    #[test]
    fn a_column_with_many_values_is_left_out() {
        let mut slices = Slices::by(["id".to_owned(), "level".to_owned(), "gone".to_owned()]);
        for sample in 0..=MAX_VALUES {
            slices.add([(0, &*sample.to_string()), (1, "1")]);
        }
        assert_eq!(slices.measured(), [(1, "level", "1")]);
        let left_out: Vec<_> = slices.left_out().into_iter().map(|(name, _)| name).collect();
        assert_eq!(left_out, ["id", "gone"]);
    }
}
