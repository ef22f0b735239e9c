//! Text for people: nearest spellings, visible control characters, cuts at character borders.

use std::{borrow::Cow, fmt::Write as _};

/// The candidate that is nearest to `written`, if one is near enough to be what was meant.
///
/// Near enough: a Damerau-Levenshtein distance of at most a third of the longer text, rounded up.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = written.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| {
            let plain = candidate.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&wanted, &plain);
            (distance, plain.chars().count().max(wanted.chars().count()), candidate)
        })
        .filter(|(distance, longest, _)| *distance <= longest.div_ceil(3))
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| candidate)
}

/// `text` with control characters, bidirectional controls and zero-width characters made visible
/// as `[U+202E]`; line feeds and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 16), |mut shown, c| {
        if is_hidden(c) {
            write!(shown, "[U+{:04X}]", u32::from(c)).ok();
        } else {
            shown.push(c);
        }
        shown
    }))
}

/// `text` on one line of at most `width` characters, hidden characters made visible, an ellipsis
/// where it was cut.
pub fn one_line(text: &str, width: usize) -> String {
    match plain(text, width) {
        Some((head, "")) => head.to_owned(),
        Some((head, rest)) => [head, rest].concat(),
        None => seen(text, width),
    }
}

/// Adds to `line` what [`one_line`] makes of `text`.
pub fn push_one_line(line: &mut String, text: &str, width: usize) {
    match plain(text, width) {
        Some((head, rest)) => line.extend([head, rest]),
        None => line.push_str(&seen(text, width)),
    }
}

/// Most texts are plain where it matters: what is left of such a one, and what stands for the rest.
fn plain(text: &str, width: usize) -> Option<(&str, &'static str)> {
    let head = &text.as_bytes()[..text.len().min(width.saturating_add(1))];
    // To the end, since that takes many bytes at a time.
    let all = head.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte));
    let cut = || (&text[..width.saturating_sub(1)], "…");
    all.then(|| if text.len() <= width { (text, "") } else { cut() })
}

/// [`one_line`] of a text that is not plain.
fn seen(text: &str, width: usize) -> String {
    // Each character shows as one or more: what stands further behind is cut in any case.
    let (mut count, mut cut, mut end, mut same) = (0, 0, text.len(), true);
    for (at, c) in text.char_indices() {
        if count > width {
            end = at;
            break;
        }
        if count < width {
            cut = at;
        }
        count += 1;
        same = same && !matches!(c, '\n' | '\t') && ((' '..='~').contains(&c) || !is_hidden(c));
    }
    let text = &text[..end];
    if same {
        return if count <= width { text.to_owned() } else { format!("{}…", &text[..cut]) };
    }
    let flat: String =
        visible(text).chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    if flat.chars().count() <= width {
        return flat;
    }
    flat.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The longest prefix of `text` of at most `max_bytes` bytes that ends at a character border.
pub fn prefix(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(
            c,
            '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_spelling() {
        let names = ["exact_match", "contains", "regex"];
        assert_eq!(nearest("exact-match", names), Some("exact_match"));
        assert_eq!(nearest("exct_mtch", names), Some("exact_match"));
        assert_eq!(nearest("regexp", names), Some("regex"));
        assert_eq!(nearest("bleu", names), None);
    }

    #[test]
    fn hidden_characters_become_visible() {
        assert_eq!(visible("a\u{1b}[31mb\n\tc"), "a[U+001B][31mb\n\tc");
        assert_eq!(visible("x\u{202E}y\u{200B}"), "x[U+202E]y[U+200B]");
        assert_eq!(one_line("a\nbcdef", 4), "a b…");
        for (width, expected) in
            [(0, "…"), (1, "…"), (2, "é…"), (3, "éa…"), (4, "éaßb"), (9, "éaßb")]
        {
            assert_eq!(one_line("éaßb", width), expected);
        }
        assert_eq!(prefix("aé", 2), "a");
    }
}
