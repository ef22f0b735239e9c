//! The shape of an answer: a value, a list, a tuple or interval, a union, a matrix, a relation.

use super::{clean, parse::formula, poly::Quotient, rational::Rational};

/// How deep answers may be nested.
const MAX_DEPTH: usize = 8;

/// Most parts of a list.
const MAX_PARTS: usize = 64;

/// An answer that was read.
#[derive(Debug)]
pub(super) enum Answer {
    /// A value, and whether a percent sign stands behind it.
    Value(Quotient, bool),
    /// Parts in brackets whose order counts.
    Tuple(char, char, Vec<Answer>),
    /// Parts whose order does not count: a list, a set, a union.
    Bag(char, Vec<Answer>),
    /// The rows of a matrix.
    Matrix(Vec<Vec<Answer>>),
    /// Sides with the relations between them, the larger side last.
    Relation(Vec<Answer>, Vec<&'static str>),
    /// Words, or a formula that is not understood, without blanks.
    Text(String),
}

/// What `text` is.
pub(super) fn read(text: &str, depth: usize) -> Option<Answer> {
    let text = text.trim();
    if depth > MAX_DEPTH || text.is_empty() {
        return None;
    }
    if let Some(matrix) = matrix(text, depth) {
        return Some(matrix);
    }
    let parts = split(text, &["\\cup"]);
    if parts.len() > 1 {
        return many(&parts, depth).map(|parts| Answer::Bag('u', parts));
    }
    if let Some(relation) = relation(text, depth) {
        return Some(relation);
    }
    let parts = split_list(text);
    if parts.len() > 1 {
        return many(&parts, depth).map(|parts| Answer::Bag('{', parts));
    }
    if let Some(inner) = text.strip_prefix("\\{").and_then(|rest| rest.strip_suffix("\\}")) {
        let parts = split_list(inner);
        return many(&parts, depth).map(|parts| Answer::Bag('{', parts));
    }
    if let Some(tuple) = tuple(text, depth) {
        return Some(tuple);
    }
    if text.contains("\\pm") && !text.contains("\\mp") {
        let both = [text.replacen("\\pm", "+", 1), text.replacen("\\pm", "-", 1)];
        let both: Vec<&str> = both.iter().map(String::as_str).collect();
        return many(&both, depth).map(|parts| Answer::Bag('{', parts));
    }
    let percent = text.strip_suffix("\\%").or_else(|| text.strip_suffix('%'));
    if let Some(value) = formula(percent.unwrap_or(text)) {
        return Some(Answer::Value(value, percent.is_some()));
    }
    Some(Answer::Text(words(text)))
}

fn words(text: &str) -> String {
    let bare = text.replace("\\text", "").replace(['{', '}'], "");
    clean::normal(&bare).split_whitespace().collect::<String>().to_lowercase()
}

fn many(parts: &[&str], depth: usize) -> Option<Vec<Answer>> {
    (parts.len() <= MAX_PARTS)
        .then(|| parts.iter().map(|part| read(part, depth + 1)).collect())
        .flatten()
}

/// `text` at each of `marks` that stands in no bracket.
fn split<'a>(text: &'a str, marks: &[&str]) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start, mut at) = (Vec::new(), 0_i32, 0, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let mark = marks.iter().find(|mark| depth == 0 && text[at..].starts_with(**mark));
        let is_whole = |mark: &str| {
            let next = text[at + mark.len()..].chars().next();
            !mark.starts_with('\\') || next.is_none_or(|c| !c.is_ascii_alphabetic())
        };
        if let Some(mark) = mark.filter(|mark| is_whole(mark)) {
            parts.push(text[start..at].trim());
            at += mark.len();
            start = at;
        } else {
            at += c.len_utf8();
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// `text` at its commas and the words `and` and `or`; `1,000` is one number.
fn split_list(text: &str) -> Vec<&str> {
    let grouped = {
        let plain = text.trim_start_matches('-');
        let mut groups = plain.split(',');
        let first = groups.next().unwrap_or_default();
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let mut rest = groups.map(|group| group.split('.').next().unwrap_or_default()).peekable();
        (1..=3).contains(&first.len())
            && digits(first)
            && !first.starts_with('0')
            && rest.peek().is_some()
            && rest.all(|group| group.len() == 3 && digits(group))
    };
    if grouped {
        return vec![text];
    }
    let marks = [
        ",\\text{ and }",
        ",\\text{and}",
        "\\text{ and }",
        "\\text{and}",
        "\\text{ or }",
        "\\text{or}",
        ",",
        ";",
        " and ",
        " or ",
    ];
    split(text, &marks).into_iter().filter(|part| !part.is_empty()).collect()
}

fn tuple(text: &str, depth: usize) -> Option<Answer> {
    let (open, close) = (text.chars().next()?, text.chars().next_back()?);
    if !matches!(open, '(' | '[') || !matches!(close, ')' | ']') || text.len() < 2 {
        return None;
    }
    let inner = &text[1..text.len() - 1];
    // `(1)(2)` and `(0,1)+(2,3)` are in no one pair of brackets.
    let mut level = 0_i32;
    for c in inner.chars() {
        match c {
            '(' | '[' | '{' => level += 1,
            ')' | ']' | '}' => level -= 1,
            _ => {}
        }
        if level < 0 {
            return None;
        }
    }
    let parts: Vec<&str> = split(inner, &[",", ";"]);
    if parts.len() < 2 {
        return None;
    }
    many(&parts, depth).map(|parts| Answer::Tuple(open, close, parts))
}

fn matrix(text: &str, depth: usize) -> Option<Answer> {
    let rest = text.strip_prefix("\\begin{")?;
    let (kind, rest) = rest.split_once('}')?;
    let inner = rest.trim().strip_suffix(&format!("\\end{{{kind}}}"))?;
    if !kind.ends_with("matrix") && kind != "array" || inner.contains("\\begin") {
        return None;
    }
    let inner = inner.trim().trim_end_matches(clean::ROW_END);
    let rows: Vec<&str> = inner.split(clean::ROW_END).collect();
    let row = |row: &&str| many(&row.split('&').map(str::trim).collect::<Vec<_>>(), depth);
    (rows.len() <= MAX_PARTS)
        .then(|| rows.iter().map(row).collect::<Option<_>>())
        .flatten()
        .map(Answer::Matrix)
}

/// `a < b \le c`, `x = 5`, `x \in [1,2]`.
fn relation(text: &str, depth: usize) -> Option<Answer> {
    const MARKS: [&str; 7] = ["\\le", "\\ge", "\\ne", "\\in", "<", ">", "="];
    let sides = split(text, &MARKS);
    if sides.len() < 2 || sides.iter().any(|side| side.is_empty()) {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = text;
    for side in &sides[..sides.len() - 1] {
        rest = rest.trim_start().strip_prefix(side)?.trim_start();
        let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark))?;
        found.push(mark);
        rest = &rest[mark.len()..];
    }
    // `x \in …` and `x = …` say what `x` is.
    let is_name =
        |side: &str| side.chars().count() <= 5 && !side.starts_with(|c: char| c.is_ascii_digit());
    if let ["\\in"] = found.as_slice() {
        return is_name(sides[0]).then(|| read(sides[1], depth + 1)).flatten();
    }
    let mut sides = many(&sides, depth)?;
    let turns = |mark: &&str| matches!(*mark, ">" | "\\ge");
    if found.iter().all(|mark| turns(mark) || *mark == "=") && found.iter().any(turns) {
        sides.reverse();
        found.reverse();
        for mark in &mut found {
            *mark = match *mark {
                ">" => "<",
                "\\ge" => "\\le",
                other => other,
            };
        }
    }
    Some(Answer::Relation(sides, found))
}

/// Whether both are the same answer.
pub(super) fn same(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Answer::Value(a, a_percent), Answer::Value(b, b_percent)) => {
            let share = |value: &Quotient| value.times(&Quotient::number(Rational::new(1, 100)?));
            let equal = |a: &Quotient, b: &Quotient| a.equals(b).unwrap_or(false);
            equal(a, b)
                || match (a_percent, b_percent) {
                    (true, false) => share(a).is_some_and(|a| equal(&a, b)),
                    (false, true) => share(b).is_some_and(|b| equal(a, &b)),
                    _ => false,
                }
        }
        (Answer::Tuple(a, b, one), Answer::Tuple(c, d, other)) => {
            a == c && b == d && in_order(one, other)
        }
        (Answer::Bag(a, one), Answer::Bag(b, other)) => a == b && in_any_order(one, other),
        (Answer::Matrix(one), Answer::Matrix(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| in_order(one, other))
        }
        (Answer::Relation(one, a), Answer::Relation(other, b)) => {
            let equation = a == b && a.as_slice() == ["="];
            (a == b && in_order(one, other)) || (equation && same_equation(one, other))
        }
        // `x = 5` and `5`: the name of what is asked for does not matter.
        (Answer::Relation(sides, marks), value) | (value, Answer::Relation(sides, marks)) => {
            let [Answer::Value(name, _), answer] = sides.as_slice() else { return false };
            marks.as_slice() == ["="] && name.rational().is_none() && same(answer, value)
        }
        (Answer::Text(one), Answer::Text(other)) => one == other,
        _ => false,
    }
}

fn in_order(one: &[Answer], other: &[Answer]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn in_any_order(one: &[Answer], other: &[Answer]) -> bool {
    let mut left: Vec<&Answer> = other.iter().collect();
    one.len() == other.len()
        && one.iter().all(|part| {
            let found = left.iter().position(|candidate| same(part, candidate));
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

/// `y = 2x + 1` and `2x - y + 1 = 0`: the same but for what stands on which side, and for a factor.
fn same_equation(one: &[Answer], other: &[Answer]) -> bool {
    let difference = |sides: &[Answer]| match sides {
        [Answer::Value(left, false), Answer::Value(right, false)] => left.plus(&right.negated()?),
        _ => None,
    };
    let ratio = || {
        let (one, other) = (difference(one)?, difference(other)?);
        // A factor is a number: the quotient has no symbol.
        one.proportional(&other)
    };
    ratio().unwrap_or(false)
}
