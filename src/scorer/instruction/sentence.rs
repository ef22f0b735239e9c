//! Sentences of English, by the rules of Punkt without its trained tables.
//!
//! # Source
//! Kiss and Strunk 2006, as in nltk 3.10.4. In place of what it learnt from newspapers stand short
//! lists: abbreviations, and words that begin a sentence when they have a capital behind one.

use super::super::python;

/// Abbreviations, in lower case without the last period; initials and `u.s` are told by their form.
const ABBREVIATIONS: &str = "mr mrs ms dr prof st sr jr vs etc inc ltd co corp bros no vol fig dept \
    est approx gen col lt sgt capt maj adm rep sen gov pres rev hon messrs ave blvd rd mt ft jan feb \
    mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur fri sat ph.d m.d b.a m.a u.s u.k \
    u.n u.s.a d.c a.m p.m e.g i.e n.y l.a j.r wash calif conn fla mass mich minn tenn va ore ariz colo";

/// Words that are seldom names: with a capital they begin a sentence.
const STARTERS: &str = "the a an this that these those it he she they we i you there here in on at by \
    for from with to of as and but or so yet if when while after before although because since however \
    moreover furthermore therefore thus then also what who why how where which my our your his her its \
    their is are was were do does did can could will would should have has had not no yes all some many \
    most each every both another other one two first second finally next last now today";

/// The sentences of `text`, without white space around them.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let text = text.trim_end_matches(python::is_space);
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(offset) = text[at..].find(['.', '?', '!']) {
        let mark = at + offset;
        at = mark + 1;
        let Some(next) = text[at..].chars().next() else { break };
        let is_blank = python::is_space(next);
        if !(is_blank || is_closing(next)) {
            continue;
        }
        let behind = text[at..].trim_start_matches(python::is_space);
        if !text[mark..].starts_with('.') || ends(&text[start..mark], behind, is_blank) {
            let mut stop = at;
            let mut begin = text.len() - behind.len();
            if !is_blank {
                begin = at;
            }
            let closers = text[begin..].find(|c| !is_quote(c)).unwrap_or(text.len() - begin);
            let rest = &text[begin + closers..];
            let closes = rest.is_empty() || rest.starts_with(python::is_space) || rest.starts_with("--");
            if closers > 0 && closes {
                stop = begin + closers;
                begin = text.len() - rest.trim_start_matches(python::is_space).len();
            }
            if stop > start {
                found.push(&text[start..stop]);
            }
            start = begin;
            at = at.max(begin);
        }
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

/// What may follow the end of a sentence without a blank.
fn is_closing(c: char) -> bool {
    matches!(c, ')' | '"' | ';' | '}' | ']' | '*' | ':' | '@' | '\'' | '(' | '{' | '[' | '?' | '!')
        || is_quote(c)
}

/// What belongs to the sentence that ended before it.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '}' | '‘' | '’' | '“' | '”' | '«' | '»')
}

fn is_listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Whether a period ends the sentence `before`, with `behind` following, after a blank or not.
fn ends(before: &str, behind: &str, blank: bool) -> bool {
    let from = before.rfind(|c| python::is_space(c) || is_closing(c)).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    let word = before[from..].to_lowercase();
    let is_ellipsis = word.ends_with('.');
    let last = word.rsplit('-').next().unwrap_or(&word);
    let initial = is_initial(&word);
    let abbreviation = is_listed(ABBREVIATIONS, &word) || is_listed(ABBREVIATIONS, last);
    let number = !word.is_empty() && word.chars().all(|c| c.is_numeric() || matches!(c, ',' | '.' | '-'))
        && word.contains(char::is_numeric);
    if !blank {
        return !(abbreviation || is_ellipsis);
    }
    let next: &str = behind.split(|c: char| python::is_space(c) || is_closing(c) || c == ',').next().unwrap_or_default();
    let next_word = next.trim_end_matches('.').to_lowercase();
    let capital = next.starts_with(char::is_uppercase);
    let small = next.starts_with(char::is_lowercase);
    let starts = capital && is_listed(STARTERS, &next_word);
    if (abbreviation || is_ellipsis) && !initial {
        return starts;
    }
    if initial || number {
        return starts || !(small || (initial && capital) || next.is_empty());
    }
    true
}

/// Whether `word` is one letter.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_english() {
        for (text, expected) in [
            ("", 0), ("  \n", 0), ("One", 1), ("One.", 1), ("One. Two.", 2), ("One.Two.", 1), ("Is it? Yes! Fine.", 3),
            ("Mr. Smith went. He ran.", 2), ("It costs 3.5 dollars. OK.", 2), ("He said \"no.\" She left.", 2),
            ("(One.) Two.", 2), ("J. K. Rowling wrote it.", 1), ("In the U.S. The end.", 2), ("In the U.S. Senate now.", 1), ("Wait... what?", 1),
            ("Wait... The end.", 2), ("One.\n\nTwo.\nThree", 3), ("e.g. this one.", 1), ("foo. bar.", 2), ("Chapter 1. The start.", 2),
        ] {
            assert_eq!(sentences(text).len(), expected, "{text} {:?}", sentences(text));
        }
    }
}
