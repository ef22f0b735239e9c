//! Numbers for the words of a text, which are compared faster than the words.

use std::{collections::HashMap, hash::Hash};

use foldhash::fast::RandomState;

use crate::scorer::python_text::split;

/// A map that is quick for short keys; what its hashes are is drawn anew in every process.
pub(super) type Quick<K, V> = HashMap<K, V, RandomState>;

/// Numbers from 0 for things: equal ones have the same.
#[derive(Debug)]
pub(super) struct Numbers<T> {
    known: Quick<T, u32>,
}

/// Numbers for words.
pub(super) type Ids<'a> = Numbers<&'a str>;

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { known: HashMap::default() }
    }
}

impl<T: Eq + Hash> Numbers<T> {
    /// None yet, with room for so many things, up to a thousand; for more it grows.
    pub(super) fn with_room(things: usize) -> Self {
        let room = things.min(1 << 10);
        Self { known: Quick::with_capacity_and_hasher(room, RandomState::default()) }
    }

    /// The number of `thing`.
    pub(super) fn of(&mut self, thing: T) -> u32 {
        let next = self.known.len() as u32;
        *self.known.entry(thing).or_insert(next)
    }

    /// How many numbers there are.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Bits that every number fits into, and one more.
    pub(super) fn bits(&self) -> u32 {
        usize::BITS - self.known.len().leading_zeros()
    }
}

impl<'a> Ids<'a> {
    /// None yet, with room for the words of `texts`; for those of long ones it grows.
    pub(super) fn for_texts(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let bytes: usize = texts.into_iter().map(str::len).sum();
        Self::with_room(bytes / 8)
    }

    /// The numbers of the words of `text`, in their order.
    pub(super) fn of_words(&mut self, text: &'a str) -> Vec<u32> {
        split(text).map(|word| self.of(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_have_one_number() {
        let mut ids = Ids::default();
        assert_eq!((ids.bits(), ids.count()), (0, 0));
        assert_eq!(ids.of_words("x y x"), [0, 1, 0]);
        assert_eq!((ids.bits(), ids.count()), (2, 2));
        assert_eq!(ids.of_words("z"), [2]);
        assert_eq!((ids.bits(), Ids::for_texts(["x"]).count()), (2, 0));
    }
}
