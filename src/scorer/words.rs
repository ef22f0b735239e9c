//! Numbers for the words of a text, which are compared faster than the words.

use std::collections::HashMap;

use crate::scorer::python_text::split;

/// Numbers for words: equal ones have the same.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    known: HashMap<&'a str, u32>,
}

impl<'a> Ids<'a> {
    /// The number of `word`.
    pub(super) fn of(&mut self, word: &'a str) -> u32 {
        let next = self.known.len() as u32;
        *self.known.entry(word).or_insert(next)
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
        assert_eq!(Ids::default().of_words("x y x"), [0, 1, 0]);
    }
}
