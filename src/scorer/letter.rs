//! Reads the letter of an option out of an answer.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// How much of an answer is looked at, in bytes, from its end.
const LOOKED_AT: usize = 64 * 1024;

/// What an answer picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// One option.
    One(char),
    /// More than one, or a letter that may be a word.
    Several,
    /// Nothing.
    None,
}

/// Words that a statement of the answer has, and a letter behind them.
static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix)
        (?: \b(?: answer | choice | option | solution | pick | choose | select | go\ with
            | antwort | lösung | réponse | respuesta | risposta | resposta | antwoord | ответ ) s?
          | 答案 | 答え | 回答 | 正解 | 正确选项 | 选择 | 選擇 | 选 | 정답 | 답 )
        [\ \t]* (?: \b(?:choice|option|letter|number)\b [\ \t]* )?
        (?: \b(?: is | was | would\ be | should\ be | must\ be | lautet | ist | est | es | é | è )\b
          | 是 | 为 | 為 | は | 은 | 는 | [::：=→] | -{1,2}> | - )*
        [\ \t\n]* (?: \b(?:option|choice|letter)\b [\ \t]* )?
        (?P<open> [("'\[{“‘「【（]* ) (?P<letter> [A-Za-zＡ-Ｚ] ) (?P<close> [)"'\]}”’」】）.:：,;]* )
        "#,
    )
    .ok()
});

static BOXED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\\boxed\s*\{\s*(?:\\(?:text|textbf|mathrm|mathbf|mathbb)\s*\{)?\s*\(?\s*([A-Za-z])\s*[).]?\s*\}").ok()
});

static BRACKETED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[(\[（【]\s*([A-Za-z])\s*[)\]）】]").ok());

static LEADING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:[-•]\s*)?[(\[（]?([A-Z])(?:[)\]）:：]|\.(?:\s|$)|\s+[-–—]\s|\s*$)").ok()
});

/// `text` in lower case, of letters and digits apart by one blank.
pub(super) fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join(" ");
    // Options such as `+` and `-` differ by what is left out here.
    if joined.is_empty() { lower.trim().to_owned() } else { joined }
}

/// The letter that `text` is, apart from brackets and marks around it.
pub(super) fn bare(text: &str, letters: &[char]) -> Option<char> {
    let mark = |c: char| c.is_whitespace() || "()[]{}（）【】*_`\"'“”‘’.,:;：。、!$".contains(c);
    let mut inner = text.trim_matches(mark).chars();
    let (letter, None) = (inner.next()?, inner.next()) else { return None };
    offered(letter, letters)
}

fn offered(letter: char, letters: &[char]) -> Option<char> {
    let narrow = match letter {
        'Ａ'..='Ｚ' => char::from_u32(u32::from(letter) - 0xFEE0)?,
        letter => letter.to_ascii_uppercase(),
    };
    letters.contains(&narrow).then_some(narrow)
}

/// What `text` picks of the options with these `letters`, whose `texts` may be known.
pub(super) fn pick(text: &str, letters: &[char], texts: &[String]) -> Pick {
    let start = text.ceil_char_boundary(text.len().saturating_sub(LOOKED_AT));
    let text = text[start..].replace(['*', '`'], "").replace("__", "");
    let text = text.trim();
    if let Some(letter) = bare(text, letters) {
        return Pick::One(letter);
    }
    if let Some(at) = only(texts, |option| plain(option) == plain(text)) {
        return letters.get(at).map_or(Pick::None, |letter| Pick::One(*letter));
    }
    let readers = [boxed, stated, last_line, leading, bracketed];
    if let Some(pick) = readers.iter().find_map(|read| read(text, letters)) {
        return pick;
    }
    named(text, letters, texts)
}

/// The index of the only one that `fits`.
fn only(texts: &[String], fits: impl Fn(&String) -> bool) -> Option<usize> {
    let mut fitting = texts.iter().enumerate().filter(|(_, text)| fits(text));
    let (at, _) = fitting.next()?;
    fitting.next().is_none().then_some(at)
}

fn boxed(text: &str, letters: &[char]) -> Option<Pick> {
    let last = BOXED.as_ref()?.captures_iter(text).last()?;
    let letter = last.get(1)?.as_str().chars().next()?;
    offered(letter, letters).map(Pick::One)
}

/// The last statement of an answer.
fn stated(text: &str, letters: &[char]) -> Option<Pick> {
    let mut found = None;
    for statement in STATED.as_ref()?.captures_iter(text) {
        if let Some(pick) = statement_pick(text, &statement, letters) {
            found = Some(pick);
        }
    }
    found
}

fn statement_pick(text: &str, statement: &Captures<'_>, letters: &[char]) -> Option<Pick> {
    let written = statement.name("letter")?;
    let letter = written.as_str().chars().next()?;
    let (open, close) = (statement.name("open")?.as_str(), statement.name("close")?.as_str());
    let behind = &text[statement.get(0)?.end()..];
    let next = behind.chars().next();
    // The first letter of a word is none: `the answer is Berlin`.
    if close.is_empty()
        && next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-'))
    {
        let chinese = !next.is_some_and(|c| c.is_ascii_alphanumeric())
            && !next.is_some_and(|c| c.is_alphabetic() && u32::from(c) < 0x2E80);
        if !chinese || next.is_some_and(|c| matches!(c, '\'' | '’' | '-')) {
            return None;
        }
    }
    let pick = offered(letter, letters)?;
    let is_bare = open.is_empty() && close.is_empty();
    if is_bare && letter.is_ascii_lowercase() && !behind.trim().is_empty() {
        // `a` and `i` are words, and a lone small letter is seldom an option.
        return None;
    }
    if is_bare && matches!(letter, 'A' | 'I') && is_article(behind) {
        return Some(Pick::Several);
    }
    let next = text[written.end()..].trim_start_matches(|c| ")\"']}”’」】）".contains(c));
    if is_joined(next, letters, pick) { Some(Pick::Several) } else { Some(Pick::One(pick)) }
}

/// Whether what stands behind an `A` makes it an article: a word that does not go on arguing.
fn is_article(behind: &str) -> bool {
    const ARGUING: &[&str] = &[
        "because",
        "since",
        "as",
        "for",
        "and",
        "or",
        "but",
        "due",
        "given",
        "which",
        "with",
        "based",
        "so",
        "not",
        "is",
        "it",
        "this",
        "that",
        "in",
        "if",
        "when",
        "from",
        "by",
        "weil",
        "da",
        "denn",
        "car",
        "parce",
        "porque",
        "perché",
        "omdat",
        "here",
        "then",
        "the",
        "therefore",
        "according",
    ];
    let Some(rest) = behind.strip_prefix(' ') else { return false };
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).take(20).collect();
    !word.is_empty() && !ARGUING.contains(&word.to_lowercase().as_str())
}

/// Whether another letter on offer is named along with `pick`: `A or B`, `A and B`, `A/B`, `A, B`.
fn is_joined(behind: &str, letters: &[char], pick: char) -> bool {
    let rest = behind.trim_start();
    let joins =
        ["or ", "and ", "/", ",", "&", "oder ", "und ", "ou ", "et ", "o ", "y ", "和", "或"];
    let marks = |c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '\'' | '（');
    let Some(rest) = joins.iter().find_map(|join| rest.strip_prefix(join)) else { return false };
    let mut chars = rest.trim_start_matches(marks).chars();
    let (Some(letter), next) = (chars.next(), chars.next()) else { return false };
    letter.is_ascii_uppercase()
        && next.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        && letters.contains(&letter)
        && letter != pick
}

/// A last line that is a letter.
fn last_line(text: &str, letters: &[char]) -> Option<Pick> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let lone = line.trim_matches(|c: char| !c.is_alphanumeric());
    if lone.len() == 1 && lone.bytes().all(|b| b.is_ascii_lowercase()) && lone.len() == line.len() {
        return None;
    }
    bare(line, letters).map(Pick::One)
}

/// Lines that begin with a letter and a mark: one is a pick, several are the options again.
fn leading(text: &str, letters: &[char]) -> Option<Pick> {
    let found = LEADING.as_ref()?.captures_iter(text).filter_map(|line| line.get(1));
    settle(found.filter_map(|letter| offered(letter.as_str().chars().next()?, letters)))
}

/// Letters in brackets: `it must be (C)`.
fn bracketed(text: &str, letters: &[char]) -> Option<Pick> {
    let found = BRACKETED.as_ref()?.captures_iter(text).filter_map(|found| found.get(1));
    settle(found.filter_map(|letter| offered(letter.as_str().chars().next()?, letters)))
}

fn settle(found: impl Iterator<Item = char>) -> Option<Pick> {
    found.fold(None, |settled, letter| match settled {
        None => Some(Pick::One(letter)),
        Some(Pick::One(one)) if one == letter => settled,
        _ => Some(Pick::Several),
    })
}

/// The option whose text stands in the answer.
fn named(text: &str, letters: &[char], texts: &[String]) -> Pick {
    let padded = format!(" {} ", plain(text));
    let named = |option: &String| {
        let option = plain(option);
        !option.is_empty() && padded.contains(&format!(" {option} "))
    };
    let found: Vec<usize> =
        (0..texts.len().min(letters.len())).filter(|at| named(&texts[*at])).collect();
    match found.as_slice() {
        [] => Pick::None,
        [one] => Pick::One(letters[*one]),
        many => {
            // `New York City` also names `New York`: the longest one, if it holds all others.
            let longest =
                many.iter().copied().max_by_key(|at| plain(&texts[*at]).len()).unwrap_or(many[0]);
            let whole = plain(&texts[longest]);
            let held = many.iter().all(|at| whole.contains(&plain(&texts[*at])));
            let outside = padded.replacen(&whole, "", usize::MAX);
            let alone = many.iter().all(|at| {
                *at == longest || !outside.contains(&format!(" {} ", plain(&texts[*at])))
            });
            if held && alone { Pick::One(letters[longest]) } else { Pick::Several }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Pick {
        pick(text, &['A', 'B', 'C', 'D'], &[])
    }

    #[test]
    fn one_letter_in_many_spellings() {
        for text in [
            "B",
            "b",
            "(B)",
            "(b)",
            "B.",
            "B)",
            "[B]",
            "**B**",
            "**(B)**",
            "`B`",
            "\"B\"",
            " B \n",
            "B:",
            "$B$",
            "Ｂ",
            "B) Paris",
            "B. Paris",
            "B: Paris",
            "(B) Paris",
            "B - Paris",
            "**B. Paris**",
            "Option B",
            "option (b)",
            "Answer: B",
            "answer: b",
            "Answer:B",
            "ANSWER: B",
            "Answer: (B)",
            "Answer - B",
            "Answer: **B**",
            "**Answer:** B",
            "Final Answer: B",
            "The answer is B",
            "The answer is B.",
            "The answer is (B) because A is wrong.",
            "The correct answer is option B.",
            "The correct option is B",
            "the answer is b.",
            "The best choice is: B",
            "I choose B.",
            "I would go with B",
            "So the answer should be B, since A and C fail.",
            "\\boxed{B}",
            "The final answer is $\\boxed{\\text{B}}$.",
            "\\boxed{(B)}",
            "Let me think.\nA is wrong.\nB",
            "Answer: A. Wait, no: the answer is B.",
            "A fits badly.\n\nAnswer: B\n",
            "It must be (B).",
            "答案是B",
            "答案：B",
            "答案是B。",
            "正解はB",
            "答えは B です",
            "정답은 B",
            "Antwort: B",
            "Die Antwort ist B.",
            "La réponse est B.",
            "La respuesta es B.",
            "Ответ: B",
            "Answer: B\nExplanation: A and C are wrong.",
            "The answer is B and not A.",
            "The answer is\nB",
            "(A) is too small. Answer: (B) Paris",
        ] {
            assert_eq!(read(text), Pick::One('B'), "{text}");
        }
        assert_eq!(read("The answer is A because of gravity."), Pick::One('A'));
        assert_eq!(read("The answer is A"), Pick::One('A'));
    }

    #[test]
    fn what_is_no_clear_pick() {
        for text in [
            "A or B",
            "The answer is A or B.",
            "Answer: A, B",
            "A) one\nB) two",
            "Either (A) or (C)",
            "The answer is A dog.",
            "The answer is (A) or (B)",
        ] {
            let got = read(text);
            assert!(matches!(got, Pick::Several | Pick::None), "{text} {got:?}");
        }
        for text in [
            "",
            "E",
            "Paris",
            "The answer is Berlin.",
            "The answer is a dog.",
            "I don't know",
            "Because of it",
            "The answer is not B.",
            "answer",
            "Answer:",
            "A dog",
            "I am sure.",
        ] {
            assert_eq!(read(text), Pick::None, "{text}");
        }
    }

    #[test]
    fn the_text_of_an_option() {
        let texts: Vec<String> =
            ["New York", "New York City", "Paris", "+"].map(str::to_owned).into();
        let read = |text: &str| pick(text, &['A', 'B', 'C', 'D'], &texts);
        assert_eq!(read("Paris"), Pick::One('C'));
        assert_eq!(read("paris."), Pick::One('C'));
        assert_eq!(read("It is Paris, of course."), Pick::One('C'));
        assert_eq!(read("It is New York City."), Pick::One('B'));
        assert_eq!(read("New York"), Pick::One('A'));
        assert_eq!(read("New York, not New York City"), Pick::Several);
        assert_eq!(read("Paris or New York"), Pick::Several);
        assert_eq!(read("Comparison"), Pick::None);
        assert_eq!(read("+"), Pick::One('D'));
    }
}
