//! Python's notions of white space, words and numbers, which reference implementations stand on.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Whether `str.isspace` is true of `c`: Unicode's white space and four separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Whether `\w` matches `c`: letters, numbers and the underscore, but no combining marks.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || c == '_'
        || (!c.is_ascii()
            && matches!(
                c.general_category_group(),
                GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
            ))
}

/// `str.split()`.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `string.punctuation`.
pub(super) fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
}

/// `float(text)`; `None` where it raises.
pub(super) fn float(text: &str) -> Option<f64> {
    // What it takes for white space is not what `isspace` does.
    let text = text.trim_matches(|c: char| {
        matches!(c, '\t'..='\r' | ' ') || (!c.is_ascii() && c.is_whitespace())
    });
    if text.len() > 4096 {
        // Longer than any number that means something, and quick to say no to.
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '_' {
            // Between digits an underscore is nothing.
            let is_digit = |c: Option<&char>| c.is_some_and(|c| digit(*c).is_some());
            if !(is_digit(before.as_ref()) && is_digit(chars.peek())) {
                return None;
            }
        } else if let Some(value) = digit(c) {
            plain.push(char::from(b'0' + value));
        } else if c.is_ascii() {
            plain.push(c);
        } else {
            return None;
        }
        before = Some(c);
    }
    // Both read the same numbers, infinities and not-a-numbers; Rust's alone takes `.` as none.
    plain.parse().ok()
}

/// The value of a decimal digit of any script.
fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|value| value as u8);
    }
    let is_decimal = |c: char| c.general_category() == GeneralCategory::DecimalNumber;
    if !is_decimal(c) {
        return None;
    }
    // The ten digits of a script follow each other from its zero.
    let earlier = (1..50)
        .map_while(|back| char::from_u32(u32::from(c).checked_sub(back)?))
        .take_while(|c| is_decimal(*c));
    Some((earlier.count() % 10) as u8)
}

/// `str(number)`.
pub(super) fn repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    if (-4..16).contains(&power) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_python() {
        let text = "a\u{1c}b\u{85}c\u{a0}d\u{3000}e\u{200b}f\u{feff} \n g";
        let found: Vec<&str> = split(text).collect();
        assert_eq!(found, ["a", "b", "c", "d", "e\u{200b}f\u{feff}", "g"]);
    }

    #[test]
    fn numbers_are_read_and_shown_as_python_does() {
        for (text, expected) in [
            ("5", Some("5.0")),
            (" 5\n", Some("5.0")),
            ("1_000", Some("1000.0")),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1e5", Some("100000.0")),
            ("1e16", Some("1e+16")),
            ("123456789012345678", Some("1.2345678901234568e+17")),
            ("0.0001", Some("0.0001")),
            ("0.00001", Some("1e-05")),
            ("-0", Some("-0.0")),
            ("nan", Some("nan")),
            ("-Infinity", Some("-inf")),
            ("inf", Some("inf")),
            ("٣", Some("3.0")),
            ("१२", Some("12.0")),
            ("𝟗", Some("9.0")),
            ("½", None),
            ("", None),
            (".", None),
            ("5.", Some("5.0")),
            (".5", Some("0.5")),
            ("+.5e-3", Some("0.0005")),
            ("0x10", None),
            ("1e400", Some("inf")),
            ("e", None),
            ("infinit", None),
        ] {
            assert_eq!(float(text).map(repr).as_deref(), expected, "{text}");
        }
    }
}
