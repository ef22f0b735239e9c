//! Words of a text and their numbers, cut as Python cuts them.

use std::collections::HashMap;

/// What Python takes for white space: Unicode's, and four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// What stands between white space, as by Python's `str.split`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

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
        words(text).map(|word| self.of(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_python() {
        let text = "a\u{1c}b\u{85}c\u{a0}d\u{3000}e\u{200b}f\u{feff} \n g";
        let found: Vec<&str> = words(text).collect();
        assert_eq!(found, ["a", "b", "c", "d", "e\u{200b}f\u{feff}", "g"]);
        assert_eq!(Ids::default().of_words("x y x"), [0, 1, 0]);
    }
}
