//! A set of places in a plan.

/// Places of trials in the plan: a bit each, so that a run of a million trials needs 125 kB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    words: Vec<u64>,
    count: u64,
}

impl Places {
    /// Adds the place `seq`.
    pub(super) fn insert(&mut self, seq: u64) {
        let Some((word, bit)) = at(seq) else { return };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.count += u64::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    /// Whether the place `seq` is among them.
    pub fn contains(&self, seq: u64) -> bool {
        at(seq).is_some_and(|(word, bit)| self.words.get(word).is_some_and(|have| have & bit != 0))
    }

    /// How many they are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// The word and the bit of a place.
fn at(seq: u64) -> Option<(usize, u64)> {
    Some((usize::try_from(seq / 64).ok()?, 1 << (seq % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_counts_once() {
        let mut places = Places::default();
        for seq in [0, 63, 64, 1_000, 64, 0] {
            places.insert(seq);
        }
        assert_eq!(places.count(), 4);
        assert!([0, 63, 64, 1_000].iter().all(|seq| places.contains(*seq)));
        assert!(![1, 62, 65, 999, 1_001, u64::MAX].iter().any(|seq| places.contains(*seq)));
    }
}
