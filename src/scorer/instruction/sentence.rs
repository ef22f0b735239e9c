//! Sentences of English, by the rules of Punkt without its trained tables.
//!
//! # Source
//! Kiss and Strunk 2006, as in nltk 3.10.4. In place of what it learnt from newspapers stand short
//! lists: abbreviations, and words that begin a sentence when they have a capital behind one.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::super::python_text;

/// Abbreviations, in lower case without the last period; initials and `u.s` are told by their form.
const ABBREVIATIONS: &str = "mr mrs ms dr prof st sr jr vs etc inc ltd co corp bros vol fig dept \
    est approx gen col lt sgt capt maj adm rep sen gov rev messrs ave blvd rd ft jan feb \
    apr jul aug sep sept oct nov dec tue tues wed thu thur fri ph.d m.d b.a m.a u.s u.k \
    u.n u.s.a d.c a.m p.m e.g i.e n.y l.a j.r calif conn fla mich minn tenn ariz colo";

/// Words that are seldom names: with a capital they begin a sentence.
const STARTERS: &str = "the a an this that these those it he she they we i you there here in on at by \
    for from with to of as and but or so yet if when while after before although because since however \
    moreover furthermore therefore thus then also what who why how where which my our your his her its \
    their is are was were do does did can could will would should have has had not no yes all some many \
    most each every both another other one two first second finally next last now today";

/// Closing marks that belong to the sentence that ended before them.
const QUOTES: &str = "\"')]}‘’“”«»";

/// Marks that end a word.
const MARKS: &str = ")\";}]*:@'({[‘’“”«»?!";

/// Marks that no word begins with.
const NEVER_FIRST: &str = "(\"`{[:;&#*@)}]-,";

/// The sentences of `text`, without white space around them.
pub(in crate::scorer) fn sentences(text: &str) -> Vec<&str> {
    let text = text.trim_end_matches(python_text::is_space);
    let mut found = Vec::new();
    let mut start = 0;
    for end in ends(text) {
        if end < start {
            continue;
        }
        let blanks =
            text[end..].len() - text[end..].trim_start_matches(python_text::is_space).len();
        let (mut stop, mut next) = (end, end + blanks);
        let closers =
            text[next..].len() - text[next..].trim_start_matches(|c| QUOTES.contains(c)).len();
        let rest = &text[next + closers..];
        if closers > 0
            && (rest.is_empty()
                || rest.starts_with(python_text::is_space)
                || rest.starts_with("--"))
        {
            stop = next + closers;
            next = text.len() - rest.trim_start_matches(python_text::is_space).len();
        }
        if stop > start {
            found.push(&text[start..stop]);
        }
        start = next;
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

/// Offsets behind the marks that end sentences. Of several marks with no blank between them the
/// last one does, if any of them would.
fn ends(text: &str) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let (mut open, mut decided) = (None, false);
    let mut word = 0;
    for (at, _) in text.match_indices(['.', '?', '!']) {
        let behind = &text[at + 1..];
        let Some(next) = behind.chars().next() else { break };
        if !(python_text::is_space(next) || MARKS.contains(next)) {
            continue;
        }
        let from = open.map_or(0, |open: usize| open);
        // A blank of another script does not part words here, as in the reference.
        let blank = text[from..at].rfind([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
        if let Some(blank) = blank.filter(|blank| *blank > 0) {
            if let Some(open) = open.filter(|_| decided) {
                found.push(open + 1);
            }
            decided = false;
            word = from + blank + 1;
        } else if let Some(open) = open.filter(|open| decided && *open == word) {
            // A mark that no word stands before is on its own.
            found.push(open + 1);
        }
        decided |= !text[at..].starts_with('.') || is_end(&text[word..at], behind);
        open = Some(at);
    }
    found.extend(open.filter(|_| decided).map(|open| open + 1));
    found
}

fn is_listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Whether the period behind the last word of `before` ends a sentence, with `behind` following.
fn is_end(before: &str, behind: &str) -> bool {
    let parts = |c: char| MARKS.contains(c) || python_text::is_space(c);
    let never_first = |c: char| NEVER_FIRST.contains(c) || python_text::is_space(c);
    let mark = before.char_indices().rfind(|(_, c)| parts(*c));
    let from = mark.map_or(0, |(at, c)| at + if never_first(c) { c.len_utf8() } else { 0 });
    let word = before[from..].trim_start_matches(|c| NEVER_FIRST.contains(c)).to_lowercase();
    let is_ellipsis = word.ends_with('.');
    let last = word.rsplit('-').next().unwrap_or(&word);
    let is_short =
        !is_ellipsis && (is_listed(ABBREVIATIONS, &word) || is_listed(ABBREVIATIONS, last));
    let follower = behind.trim_start_matches(python_text::is_space);
    let first = follower.chars().next().unwrap_or(' ');
    let is_pause = ";:,.!?".contains(first) && !follower.starts_with("..");
    let (capital, small) = (first.is_uppercase(), first.is_lowercase());
    let next = follower.split(|c: char| python_text::is_space(c) || MARKS.contains(c)).next();
    let next = next.unwrap_or_default().trim_end_matches(['.', ',']).to_lowercase();
    let starts = capital && is_listed(STARTERS, &next);
    if is_initial(&word) {
        return starts || !(is_pause || small || capital);
    }
    if is_short || is_ellipsis {
        return starts;
    }
    !is_number(&word) || starts || !(is_pause || small)
}

/// Whether `word` is one letter.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.next().is_none()
}

/// Whether `word` is written in digits.
fn is_number(word: &str) -> bool {
    let is_digit = |c: char| c.general_category() == GeneralCategory::DecimalNumber;
    let digits = word.strip_prefix('-').unwrap_or(word);
    let digits = digits.strip_prefix(['.', ',']).unwrap_or(digits);
    digits.starts_with(is_digit)
        && digits.chars().all(|c| is_digit(c) || matches!(c, ',' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_english() {
        for (text, expected) in [
            ("", 0),
            ("  \n", 0),
            ("One", 1),
            ("One.", 1),
            ("One. Two.", 2),
            ("One.Two.", 1),
            ("Is it? Yes! Fine.", 3),
            ("Mr. Smith went. He ran.", 2),
            ("It costs 3.5 dollars. OK.", 2),
            ("He said \"no.\" She left.", 2),
            ("(One.) Two.", 2),
            ("J. K. Rowling wrote it.", 1),
            ("In the U.S. The end.", 2),
            ("In the U.S. Senate now.", 1),
            ("Wait... what?", 1),
            ("Wait... The end.", 2),
            ("One.\n\nTwo.\nThree", 3),
            ("e.g. this one.", 1),
            ("foo. bar.", 2),
            ("Chapter 1. The start.", 2),
            ("It rocks !!!", 3),
            ("It rocks!!!", 2),
            ("Wow !! So", 3),
            ("!!! So", 3),
            ("a !. b", 2),
            ("a .! b", 3),
            ("a\n!!\nb", 3),
            ("x . . . y", 4),
        ] {
            assert_eq!(sentences(text).len(), expected, "{text} {:?}", sentences(text));
        }
    }
}
