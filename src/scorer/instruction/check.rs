//! Whether a response follows an instruction.

use std::sync::LazyLock;

use regex::Regex;
use serde::de::{Deserialize, IgnoredAny};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::{Instruction, english, sentence};
use crate::scorer::{python_text, tongue};

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($text).ok());
    };
}

pattern!(DIVIDER, r"[\s\x1c-\x1f]?\*\*\*[\s\x1c-\x1f]?");
pattern!(PLACEHOLDER, r"\[.*?\]");
pattern!(STARS, r"(?m)^[\s\x1c-\x1f]*\*[^\*].*$");
pattern!(DASHES, r"(?m)^[\s\x1c-\x1f]*-.*$");
pattern!(HIGHLIGHT, r"\*[^\n\*]*\*");
pattern!(BOLD, r"\*\*[^\n\*]*\*\*");
// With combining marks and joiners, as nltk has it since it left the module `re`.
pattern!(WORD, r"\w+");
pattern!(TITLE, r"<<[^\n]+>>");

impl Instruction {
    /// Whether `response` follows it.
    pub(in crate::scorer) fn is_followed(&self, response: &str) -> bool {
        match self {
            Self::Keywords(patterns) => patterns.iter().all(|pattern| pattern.is_match(response)),
            Self::Frequency(pattern, amount) => {
                amount.fits(pattern.find_iter(response).count() as u64)
            }
            Self::Forbidden(words) => !words.iter().any(|word| has_word(word, response)),
            Self::Letter(letter, amount) => {
                let lower = response.to_lowercase();
                amount.fits(lower.chars().filter(|c| c == letter).count() as u64)
            }
            Self::Language(code) => {
                tongue::detect(response).is_none_or(|(found, _)| found == *code)
            }
            Self::Sentences(amount) => amount.fits(sentence::sentences(response).len() as u64),
            Self::Paragraphs(number) => paragraphs(response) == Some(*number),
            Self::Words(amount) => amount.fits(count(&WORD, response)),
            Self::FirstWord { paragraphs, nth, word } => {
                first_word(response, *paragraphs, *nth, word)
            }
            Self::Placeholders(number) => count(&PLACEHOLDER, response) >= *number,
            Self::Postscript(pattern) => pattern.is_match(&response.to_lowercase()),
            Self::Bullets(number) => count(&STARS, response) + count(&DASHES, response) == *number,
            Self::Constrained => ["yes", "no", "maybe"]
                .iter()
                .any(|answer| response.contains(&format!("My answer is {answer}."))),
            Self::Highlights(number) => highlights(response) >= *number,
            Self::Sections(mark, number) => mark.find_iter(response).count() as u64 >= *number,
            Self::Json => is_json(response),
            Self::Title => has_title(response),
            Self::TwoResponses => two_responses(response),
            Self::Repeat(prompt) => {
                python_text::strip(response).to_lowercase().starts_with(prompt.as_str())
            }
            Self::End(phrase) => {
                let lower = python_text::strip(response).trim_matches('"').to_lowercase();
                lower.ends_with(phrase.as_str())
            }
            Self::CapitalWords(amount) => {
                let sentences = sentence::sentences(response);
                let words = sentences.iter().flat_map(|sentence| english::words(sentence));
                amount.fits(words.filter(|word| is_upper(word)).count() as u64)
            }
            Self::Capital => is_upper(response) && is_english(response),
            Self::Lowercase => is_lower(response) && is_english(response),
            Self::NoComma => !response.contains(','),
            Self::Quoted => {
                let text = python_text::strip(response);
                text.len() > 1 && text.starts_with('"') && text.ends_with('"')
            }
        }
    }
}

fn count(pattern: &LazyLock<Option<Regex>>, text: &str) -> u64 {
    pattern.as_ref().map_or(0, |pattern| pattern.find_iter(text).count() as u64)
}

/// Whether `pattern` matches between word borders, where a combining mark is no part of a word.
fn has_word(pattern: &Regex, text: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(python_text::is_word);
    let mut from = 0;
    while let Some(found) = pattern.find_at(text, from) {
        let inside = found.as_str();
        let before = is_word(text[..found.start()].chars().next_back());
        let after = is_word(text[found.end()..].chars().next());
        let begins = inside.chars().next().map_or(after, python_text::is_word);
        let ends = inside.chars().next_back().map_or(before, python_text::is_word);
        if before != begins && after != ends {
            return true;
        }
        let next = text[found.start()..].chars().next().map_or(1, char::len_utf8);
        from = found.start() + next;
        if from > text.len() {
            return false;
        }
    }
    false
}

fn paragraphs(text: &str) -> Option<u64> {
    let parts: Vec<&str> = DIVIDER.as_ref()?.split(text).collect();
    let is_blank = |part: &&str| python_text::strip(part).is_empty();
    let ends = [0, parts.len() - 1];
    if parts.iter().enumerate().any(|(at, part)| is_blank(part) && !ends.contains(&at)) {
        return None;
    }
    Some(parts.iter().filter(|part| !is_blank(part)).count() as u64)
}

fn first_word(text: &str, wanted: u64, nth: u64, word: &str) -> bool {
    let parts: Vec<&str> = text.split("\n\n").collect();
    let full = parts.iter().filter(|part| !python_text::strip(part).is_empty()).count() as u64;
    if nth > full {
        return false;
    }
    let Some(first) = parts.get(nth as usize - 1).and_then(|part| python_text::split(part).next())
    else {
        return false;
    };
    let first = first.trim_start_matches('\'').trim_start_matches('"');
    let end = first.find(['.', ',', '?', '!', '\'', '"']).unwrap_or(first.len());
    // Letter by letter, as the reference does: a final sigma is then like any other.
    let lower: String = first[..end].chars().flat_map(char::to_lowercase).collect();
    full == wanted && lower == word
}

fn highlights(text: &str) -> u64 {
    let matches = |pattern: &'static LazyLock<Option<Regex>>| {
        pattern.as_ref().into_iter().flat_map(|pattern| pattern.find_iter(text))
    };
    let is_full = |text: &str| !python_text::strip(text).is_empty();
    let plain = matches(&HIGHLIGHT).filter(|found| is_full(found.as_str().trim_matches('*')));
    let bold = matches(&BOLD).filter(|found| {
        let inner = found.as_str();
        is_full(&inner[2..inner.len() - 2])
    });
    (plain.count() + bold.count()) as u64
}

fn is_json(text: &str) -> bool {
    let mut inner = python_text::strip(text);
    for fence in ["```json", "```Json", "```JSON", "```"] {
        inner = inner.strip_prefix(fence).unwrap_or(inner);
    }
    let inner = python_text::strip(inner.strip_suffix("```").unwrap_or(inner));
    let mut reader = serde_json::Deserializer::from_str(inner);
    IgnoredAny::deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

fn has_title(text: &str) -> bool {
    let is_full = |title: &str| {
        !python_text::strip(title.trim_start_matches('<').trim_end_matches('>')).is_empty()
    };
    TITLE
        .as_ref()
        .is_some_and(|pattern| pattern.find_iter(text).any(|found| is_full(found.as_str())))
}

fn two_responses(text: &str) -> bool {
    let parts: Vec<&str> = text.split("******").map(python_text::strip).collect();
    let ends = [0, parts.len() - 1];
    if parts.iter().enumerate().any(|(at, part)| part.is_empty() && !ends.contains(&at)) {
        return false;
    }
    let full: Vec<&&str> = parts.iter().filter(|part| !part.is_empty()).collect();
    matches!(full.as_slice(), [one, other] if one != other)
}

fn is_english(text: &str) -> bool {
    tongue::detect(text).is_none_or(|(found, _)| found == "en")
}

fn is_title_case(c: char) -> bool {
    !c.is_ascii() && c.general_category() == GeneralCategory::TitlecaseLetter
}

/// `str.isupper()`.
fn is_upper(text: &str) -> bool {
    !text.chars().any(|c| c.is_lowercase() || is_title_case(c))
        && text.chars().any(char::is_uppercase)
}

/// `str.islower()`.
fn is_lower(text: &str) -> bool {
    !text.chars().any(|c| c.is_uppercase() || is_title_case(c))
        && text.chars().any(char::is_lowercase)
}
