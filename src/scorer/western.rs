//! Words of Western languages, cut as the scripts of machine translation cut them.

/// `text` with four entities of HTML as the signs they stand for.
pub(super) fn unescaped(text: String) -> String {
    if !text.contains('&') {
        return text;
    }
    let text = text.replace("&quot;", "\"").replace("&amp;", "&");
    text.replace("&lt;", "<").replace("&gt;", ">")
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
    for c in text.chars() {
        if is_symbol(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');
    between(&mut spaced);
    let is_stop = |byte: u8| matches!(byte, b'.' | b',');
    let text = spaced.as_bytes();
    let text = pairs(text, |a, b| !a.is_ascii_digit() && is_stop(b), |a, b| after(a, b, b' '));
    let text = pairs(&text, |a, b| is_stop(a) && !b.is_ascii_digit(), |a, b| before(a, b, b' '));
    let text = pairs(&text, |a, b| a.is_ascii_digit() && b == b'-', |a, b| after(a, b, b' '));
    String::from_utf8_lossy(&text).into_owned()
}

fn is_symbol(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
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
    while let [a, tail @ ..] = rest {
        match tail {
            [b, tail @ ..] if are(*a, *b) => {
                made.extend(with(*a, *b));
                rest = tail;
            }
            _ => {
                made.push(*a);
                rest = tail;
            }
        }
    }
    made
}
