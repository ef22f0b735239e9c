//! Words of an English sentence as the Penn Treebank parts them.
//!
//! # Source
//! Robert `MacIntyre`'s rules, as in `NLTKWordTokenizer` of nltk 3.10.4.

use std::sync::LazyLock;

use regex::Regex;

use super::super::python_text;

/// Patterns and what is put in their place, in order; before blanks stand around the text.
const BEFORE: [(&str, &str); 13] = [
    ("([«“‘„]|`+)", " $1 "),
    ("^\"", "``"),
    ("(``)", " $1 "),
    (r#"([ (\[{<])("|'{2})"#, "$1 `` "),
    (r#"([^.])(\.)([\])}>"'»”’ ]*)[\s\x1c-\x1f]*$"#, "$1 $2 $3 "),
    (r"([:,])(\D)", " $1 $2"),
    ("([:,])$", " $1 "),
    (r"(\.{2,})", " $1 "),
    ("([;@#$%&])", " $1 "),
    ("([\u{2012}-\u{2015}])", " $1 "),
    ("([?!])", " $1 "),
    ("([^'])' ", "$1 ' "),
    (r"([*\]\[(){}<>]|--)", " $1 "),
];

/// The same, afterwards.
const AFTER: [(&str, &str); 8] = [
    ("([»”’])", " $1 "),
    ("(''|\")", " '' "),
    (r"[\s\x1c-\x1f]+", " "),
    ("([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
    ("([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
    (r"(?i)\b(can)(not)\b", " $1 $2 "),
    (r"(?i)\b(gim|lem)(me)\b", " $1 $2 "),
    (r"(?i)\b(gon|wan)(na)\b|\b(got)(ta)\b", " $1$3 $2$4 "),
];

static RULES: LazyLock<Option<[Vec<Regex>; 2]>> =
    LazyLock::new(|| Some([compiled(&BEFORE)?, compiled(&AFTER)?]));

fn compiled(rules: &[(&str, &str)]) -> Option<Vec<Regex>> {
    rules.iter().map(|(rule, _)| Regex::new(rule).ok()).collect()
}

/// The words and marks of `sentence`.
pub(super) fn words(sentence: &str) -> Vec<String> {
    let Some([before, after]) = RULES.as_ref() else { return Vec::new() };
    let mut text = sentence.to_owned();
    for (at, (rule, (_, put))) in before.iter().zip(BEFORE).enumerate() {
        text = rule.replace_all(&text, put).into_owned();
        if at == 3 {
            text = opening_quotes(&text);
        }
    }
    text = format!(" {text} ");
    for (rule, (_, put)) in after.iter().zip(AFTER) {
        text = rule.replace_all(&text, put).into_owned();
    }
    python_text::split(&text).map(str::to_owned).collect()
}

/// A blank behind every apostrophe that opens a word and is no clitic.
fn opening_quotes(text: &str) -> String {
    let mut parted = String::with_capacity(text.len());
    let mut before = None;
    for (at, c) in text.char_indices() {
        parted.push(c);
        if c == '\'' && !before.is_some_and(python_text::is_word) {
            let rest = &text[at + 1..];
            let end = rest.find(|c| !python_text::is_word(c)).unwrap_or(rest.len());
            let clitic = ["re", "ve", "ll", "m", "t", "s", "d", "n"];
            if end > 0 && !clitic.iter().any(|known| known.eq_ignore_ascii_case(&rest[..end])) {
                parted.push(' ');
            }
        }
        before = Some(c);
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_english() {
        for (text, expected) in [
            ("I can't go, JOHN'S here.", "I ca n't go , JOHN 'S here ."),
            ("CANNOT stop (NOW) at 3:30!", "CAN NOT stop ( NOW ) at 3:30 !"),
            ("'HELLO' \"WORLD\"", "' HELLO ' `` WORLD ''"),
            ("**BOLD** and A--B", "* * BOLD * * and A -- B"),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }
}
