//! Words of Western languages, cut as the scripts of machine translation cut them.

use std::borrow::Cow;

/// `text` with four entities of HTML as the signs they stand for.
pub(super) fn unescaped(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('&') {
        return text;
    }
    let text = text.replace("&quot;", "\"").replace("&amp;", "&");
    Cow::Owned(text.replace("&lt;", "<").replace("&gt;", ">"))
}

/// `text` with blanks around symbols, and around stops and dashes unless they are part of a number;
/// `between` changes it after the symbols and before the rest.
///
/// Each step works on bytes: what it looks for is ASCII, and no part of a longer character is.
///
/// # Source
/// `tokenizer_re.py` of sacrebleu 2.6.0, which is the language-dependent part of `mteval-v13a.pl`.
pub(super) fn spaced(text: &str, between: impl FnOnce(&mut String)) -> String {
    let mut spaced = String::with_capacity(text.len() * 3 / 2 + 2);
    spaced.push(' ');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_symbol) {
        spaced.push_str(&rest[..at]);
        spaced.push(' ');
        spaced.push_str(&rest[at..=at]);
        spaced.push(' ');
        rest = &rest[at + 1..];
    }
    spaced.push_str(rest);
    spaced.push(' ');
    between(&mut spaced);
    let is_stop = |byte: u8| matches!(byte, b'.' | b',');
    let text = spaced.as_bytes();
    let text = pairs(text, |a, b| !a.is_ascii_digit() && is_stop(b), |a, b| after(a, b, b' '));
    let text = pairs(&text, |a, b| is_stop(a) && !b.is_ascii_digit(), |a, b| before(a, b, b' '));
    let text = pairs(&text, |a, b| a.is_ascii_digit() && b == b'-', |a, b| after(a, b, b' '));
    String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn is_symbol(byte: u8) -> bool {
    matches!(byte, b'{'..=b'~' | b'['..=b'`' | b' '..=b'&' | b'('..=b'+' | b':'..=b'@' | b'/')
}

/// The second of two with blanks around it.
pub(super) fn after<T>(a: T, b: T, blank: T) -> [T; 4]
where
    T: Copy,
{
    [a, blank, b, blank]
}

/// The first of two with blanks around it.
pub(super) fn before<T>(a: T, b: T, blank: T) -> [T; 4]
where
    T: Copy,
{
    [blank, a, blank, b]
}

/// Replaces neighbours that `are` what is looked for, from left to right; none is used twice.
pub(super) fn pairs<T: Copy>(
    items: &[T],
    are: impl Fn(T, T) -> bool,
    with: impl Fn(T, T) -> [T; 4],
) -> Vec<T> {
    let mut made = Vec::with_capacity(items.len() * 5 / 4);
    let mut rest = items;
    while let Some(at) = rest.windows(2).position(|pair| are(pair[0], pair[1])) {
        made.extend_from_slice(&rest[..at]);
        made.extend(with(rest[at], rest[at + 1]));
        rest = &rest[at + 2..];
    }
    made.extend_from_slice(rest);
    made
}
