//! Normalisations of a text before it is compared.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use unicode_normalization::{UnicodeNormalization, is_nfkc};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The names, in the order in which the normalisations are applied.
pub(super) const NAMES: [&str; 6] =
    ["nfkc", "casefold", "punctuation", "articles", "whitespace", "trim"];

/// Rounds until a text settles: what one step removes can make another apply once more.
const MAX_ROUNDS: usize = 4;

static ARTICLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:an?|the)\b\s*").ok());

/// Some of the normalisations.
#[derive(Debug, Clone, Default)]
pub(super) struct Normalize {
    names: Vec<&'static str>,
}

impl Normalize {
    /// The normalisations called `names`, in whatever order those are.
    pub(super) fn new(names: &[&'static str]) -> Self {
        Self { names: NAMES.into_iter().filter(|name| names.contains(name)).collect() }
    }

    /// `text`, normalised. Doing it twice changes nothing more.
    pub(super) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.names.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut before = self.round(text);
        for _ in 1..MAX_ROUNDS {
            let after = self.round(&before);
            if after == before {
                break;
            }
            before = after;
        }
        Cow::Owned(before)
    }

    fn round(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, name| match *name {
            "nfkc" if is_nfkc(&text) => text,
            "nfkc" => text.nfkc().collect(),
            "casefold" => caseless::default_case_fold_str(&text),
            "punctuation" => text.chars().filter(|c| !is_punctuation(*c)).collect(),
            "articles" => match ARTICLE.as_ref() {
                Some(article) => article.replace_all(&text, "").into_owned(),
                None => text,
            },
            "whitespace" => collapse(&text),
            _ => text.trim().to_owned(),
        })
    }
}

/// Unicode's general category P: punctuation, not symbols such as `$`, `+` or `<`.
fn is_punctuation(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// Every run of white space as one blank.
fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        let white = c.is_whitespace();
        if !white {
            collapsed.push(c);
        } else if !blank {
            collapsed.push(' ');
        }
        blank = white;
    }
    collapsed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_does_its_own() {
        let check = |names: &[&'static str], text, expected| {
            assert_eq!(Normalize::new(names).apply(text), expected, "{names:?} {text}");
        };
        check(&[], " A. ", " A. ");
        check(&["trim"], "\u{3000} a b \n", "a b");
        check(&["casefold"], "STRASSE Straße ΣΑΣ", "strasse strasse σασ");
        check(&["punctuation"], "«a-b», c_d: $5+1 … ¿no?", "ab cd $5+1  no");
        check(&["articles"], "The cat, an ant, a the Anna", "cat, ant, Anna");
        check(&["whitespace"], " a\t\nb \u{A0}c", " a b c");
        check(&["nfkc"], "ﬁ ① Å é", "fi 1 Å é");
        check(
            &["whitespace", "trim", "articles", "punctuation", "casefold"],
            "The  U.S.A.!",
            "usa",
        );
    }

    proptest! {
        #[test]
        fn twice_is_once(
            text in any::<String>(),
            words in "[aAtThHeE nN.,\u{301}\u{327}ſßİıΣς\u{1E9E}ﬁ①  \t]{0,30}",
            chosen in prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..6),
        ) {
            let normalize = Normalize::new(&chosen);
            for text in [text, words] {
                let once = normalize.apply(&text).into_owned();
                prop_assert_eq!(normalize.apply(&once), once.as_str(), "{:?}", chosen);
            }
        }
    }
}
