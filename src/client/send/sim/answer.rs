//! What a simulated model says.

use super::draws::Draws;
use crate::domain::{
    contract::Call,
    message::{Message, Role},
};

/// Words before an answer. None of them is an answer to anything.
const FILLER: &[&str] = &[
    "let",
    "me",
    "think",
    "about",
    "this",
    "carefully",
    "first",
    "we",
    "look",
    "at",
    "what",
    "was",
    "asked",
    "then",
    "consider",
    "each",
    "part",
    "of",
    "it",
    "in",
    "turn",
    "and",
    "compare",
];

/// Answers that are wrong unless they happen to be expected.
const WRONG: &[&str] = &[
    "Something else entirely",
    "Probably Ruritania",
    "I am not sure",
    "Zymurgy",
    "Unknown",
    "Nothing fits",
    "Quux",
    "-",
];

/// Opposites, so that a wrong answer to a closed question is one of the answers there are.
const OPPOSITES: &[(&str, &str)] = &[
    ("yes", "no"),
    ("true", "false"),
    ("positive", "negative"),
    ("correct", "incorrect"),
    ("valid", "invalid"),
    ("pass", "fail"),
    ("spam", "ham"),
];

/// Words of the prompt that an answer without anything expected takes up.
const ECHOED: usize = 12;

/// The answer's text: the first expected answer if it is to be `right`, a wrong one else, and a
/// sentence about the prompt where nothing is expected. With `verbosity`, so many words of filler
/// come before it; the answer itself is always last.
pub(super) fn text(call: &Call, right: bool, verbosity: u32, draws: &mut Draws) -> String {
    let expected = call.sample.expected.as_slice();
    let Some(first) = expected.first() else { return echo(call, verbosity, draws) };
    if right {
        return lead_in(verbosity, draws, first);
    }
    let answer = wrong(expected, draws);
    let text = lead_in(verbosity, draws, &answer);
    // Filler must not turn a wrong answer into one that contains the right one.
    if accepted(&text, expected) { answer } else { text }
}

fn lead_in(verbosity: u32, draws: &mut Draws, answer: &str) -> String {
    if verbosity == 0 {
        return answer.to_owned();
    }
    format!("{}. The answer is {answer}", filler(verbosity, draws))
}

fn filler(count: u32, draws: &mut Draws) -> String {
    let words: Vec<&str> = (0..count).map(|_| FILLER[draws.below(FILLER.len())]).collect();
    let mut text = words.join(" ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn echo(call: &Call, verbosity: u32, draws: &mut Draws) -> String {
    let asked = call.messages.iter().rev().find(|message| message.role == Role::User);
    let asked = asked.map(Message::joined_text).unwrap_or_default();
    let words: Vec<&str> = asked.split_whitespace().take(ECHOED).collect();
    let answer = if words.is_empty() {
        "This is a simulated answer.".to_owned()
    } else {
        format!("This is a simulated answer to: {}", words.join(" "))
    };
    match verbosity {
        0 => answer,
        count => format!("{}. {answer}", filler(count, draws)),
    }
}

/// An answer that none of `expected` accepts, alike in kind where that can be.
fn wrong(expected: &[String], draws: &mut Draws) -> String {
    let first = expected[0].trim();
    let start = draws.below(64);
    let turned = |list: &'static [&'static str]| {
        (0..list.len()).map(move |i| list[(start + i) % list.len()].to_owned())
    };
    let lower = first.to_lowercase();
    let opposite = OPPOSITES.iter().find_map(|(a, b)| match lower.as_str() {
        text if text == *a => Some(cased(b, first)),
        text if text == *b => Some(cased(a, first)),
        _ => None,
    });
    let letters = is_choice(first).then(|| {
        let base = if first.starts_with(|c: char| c.is_ascii_lowercase()) { b'a' } else { b'A' };
        (0..4).map(move |i| char::from(base + ((start + i) % 4) as u8).to_string())
    });
    let numbers = (0..16).filter_map(|i| other_number(first, (start + i) as u64 % 16));
    opposite
        .into_iter()
        .chain(letters.into_iter().flatten())
        .chain(numbers)
        .chain(turned(WRONG))
        .find(|answer| !accepted(answer, expected))
        .unwrap_or_default()
}

/// Whether a lenient scorer could take `answer` for one of `expected`: either contains the other.
fn accepted(answer: &str, expected: &[String]) -> bool {
    let answer = answer.to_lowercase();
    expected.iter().any(|expected| {
        let expected = expected.trim().to_lowercase();
        if expected.is_empty() {
            return answer.trim().is_empty();
        }
        if is_choice(&expected) && answer.len() > 1 {
            // Every sentence contains the letter; what counts is whether it stands alone.
            return answer.split(|c: char| !c.is_alphanumeric()).any(|word| word == expected);
        }
        answer.contains(&expected) || expected.contains(&answer)
    })
}

fn is_choice(text: &str) -> bool {
    matches!(text.as_bytes(), [letter] if letter.is_ascii_alphabetic())
}

fn cased(word: &str, like: &str) -> String {
    let mut word = word.to_owned();
    if like.chars().all(|c| !c.is_lowercase()) {
        word.make_ascii_uppercase();
    } else if like.starts_with(char::is_uppercase) {
        word[..1].make_ascii_uppercase();
    }
    word
}

/// A number written like `text` that no tolerance confuses with it: about twice as large and `step`
/// more. `None` when `text` is no number.
fn other_number(text: &str, step: u64) -> Option<String> {
    let plain = text.replace([',', '_'], "");
    let number: f64 = plain.trim_start_matches('$').trim_end_matches('%').parse().ok()?;
    let decimals = plain
        .split_once('.')
        .map_or(0, |(_, part)| part.bytes().take_while(u8::is_ascii_digit).count());
    let other = number.abs().mul_add(2.0, 1.0 + step as f64).copysign(number);
    other.is_finite().then(|| format!("{other:.decimals$}"))
}
