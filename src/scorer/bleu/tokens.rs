//! How BLEU cuts texts into words, which stand between blanks afterwards.

use std::borrow::Cow;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::scorer::{
    python_text::is_space,
    western::{self, after, before, pairs},
};

/// A way to cut texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tokenizer {
    /// `mteval-v13a.pl`, made for Western languages.
    Mteval,
    /// `mteval-v14.pl --international-tokenization`.
    International,
    /// Each character is a word.
    Characters,
    /// Words stand between white space already.
    Words,
}

impl Tokenizer {
    /// `text` with white space between its words.
    ///
    /// # Source
    /// `sacrebleu/tokenizers` of sacrebleu 2.6.0.
    pub(super) fn apply(self, text: &str, lowercase: bool) -> String {
        let lower = lowercase.then(|| text.to_lowercase());
        let text = lower.as_deref().unwrap_or(text).trim_end_matches(is_space);
        match self {
            Self::Mteval => mteval(text),
            Self::International => international(text),
            Self::Characters => text.chars().flat_map(|c| [c, ' ']).collect(),
            Self::Words => text.to_owned(),
        }
    }
}

fn mteval(text: &str) -> String {
    if !text.contains(['\n', '<']) {
        return western::spaced(&western::unescaped(Cow::Borrowed(text)), |_| ());
    }
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    western::spaced(&western::unescaped(Cow::Owned(text)), |_| ())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Punctuation,
    Symbol,
    Other,
}

fn international(text: &str) -> String {
    let blank = (' ', Class::Other);
    let text: Vec<(char, Class)> = text.chars().map(|c| (c, class(c))).collect();
    let after_text = pairs(
        &text,
        |a, b| a.1 != Class::Number && b.1 == Class::Punctuation,
        |a, b| after(a, b, blank),
    );
    let both = pairs(
        &after_text,
        |a, b| a.1 == Class::Punctuation && b.1 != Class::Number,
        |a, b| before(a, b, blank),
    );
    let mut made = String::with_capacity(both.len() * 3 / 2);
    for (c, class) in both {
        if class == Class::Symbol {
            made.extend([' ', c, ' ']);
        } else {
            made.push(c);
        }
    }
    made
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            '0'..='9' => Class::Number,
            '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => Class::Symbol,
            _ if c.is_ascii_punctuation() => Class::Punctuation,
            _ => Class::Other,
        };
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Number => Class::Number,
        GeneralCategoryGroup::Punctuation => Class::Punctuation,
        GeneralCategoryGroup::Symbol => Class::Symbol,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tokenizer: Tokenizer, text: &str, expected: &str) {
        let made = tokenizer.apply(text, false);
        let words: Vec<&str> = crate::scorer::python_text::split(&made).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn words_are_cut_as_sacrebleu_cuts_them() {
        let text = "Don't pay $1,000.50-2 for \"a.,b\"; 3.14 &amp; x-\ny.";
        let western = "Don't pay $ 1,000.50 - 2 for \" a . , b \" ; 3.14 & xy .";
        check(Tokenizer::Mteval, text, western);
        let world = "Don ' t pay $ 1,000.50-2 for \" a . , b \" ; 3.14 & amp ; x - y .";
        check(Tokenizer::International, text, world);
        check(Tokenizer::International, "他说：“3，5”。", "他说 ： “3，5 ” 。");
        check(Tokenizer::Characters, "a b漢", "a b 漢");
        check(Tokenizer::Words, " a.b  c ", "a.b c");
    }
}
