//! Numbers in running text.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// A number that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Byte offset of its sign or first digit.
    pub start: usize,
    /// Byte offset behind its last digit.
    pub end: usize,
    /// The number as plain text: no thousands separators, no plus sign, a digit before the point.
    pub text: String,
}

impl Number {
    /// The number's value; `None` when it is too large for a double.
    pub fn value(&self) -> Option<f64> {
        self.text.parse().ok().filter(|value: &f64| value.is_finite())
    }
}

/// The numbers of `text`, from left to right.
///
/// ASCII digits with optional thousands separators (`1,234,567`), decimals (`.5` too) and exponent
/// (`1e-3`). A sign counts when it does not stand behind a word or another number, also in front
/// of a currency sign: `-$5`, but not `3-4` or `covid-19`. A trailing period does not belong to it.
pub fn numbers(text: &str) -> impl Iterator<Item = Number> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = number_at(text, next_start(text, at)?);
        at = found.end;
        Some(found)
    })
}

/// Whether `c` is a currency sign.
pub fn is_currency(c: char) -> bool {
    c.general_category() == GeneralCategory::CurrencySymbol
}

/// Whether `c` is a minus or plus sign.
pub fn is_sign(c: char) -> bool {
    matches!(c, '-' | '+' | '\u{2212}')
}

/// The offset of the next digit, or of a point in front of one.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let digit = from + bytes[from..].iter().position(u8::is_ascii_digit)?;
    let point = digit.checked_sub(1).filter(|at| *at >= from && bytes[*at] == b'.');
    // A point behind a digit or another point separates: `1.2.3`, `…`.
    let free = |at: &usize| at.checked_sub(1).is_none_or(|before| !is_joined(bytes[before]));
    Some(point.filter(free).unwrap_or(digit))
}

fn is_joined(byte: u8) -> bool {
    byte == b'.' || byte.is_ascii_alphanumeric()
}

fn number_at(text: &str, first: usize) -> Number {
    let bytes = text.as_bytes();
    let digits =
        |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(first);
    if (1..=3).contains(&(end - first)) && bytes[first] != b'0' {
        while bytes.get(end) == Some(&b',') && digits(end + 1) == end + 4 {
            end += 4;
        }
    }
    let point = bytes.get(end) == Some(&b'.');
    if point && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(end + 1), Some(b'-' | b'+'));
        let power = end + 1 + usize::from(signed);
        if bytes.get(power).is_some_and(u8::is_ascii_digit) {
            end = digits(power);
        }
    }
    let (start, negative) = sign_before(text, first);
    let minus = if negative { "-" } else { "" };
    let zero = if bytes[first] == b'.' { "0" } else { "" };
    let plain = text[first..end].replace(',', "");
    Number { start, end, text: format!("{minus}{zero}{plain}") }
}

/// Where the number whose first digit is at `first` begins, and whether it is negative.
fn sign_before(text: &str, first: usize) -> (usize, bool) {
    let mut before = text[..first].char_indices().rev();
    let mut sign = before.next();
    if sign.is_some_and(|(_, c)| is_currency(c)) {
        sign = before.next();
    }
    let Some((at, c)) = sign.filter(|(_, c)| is_sign(*c)) else { return (first, false) };
    let free = before
        .next()
        .is_none_or(|(_, c)| !(c.is_alphanumeric() || is_sign(c) || matches!(c, ')' | ']' | '%')));
    if free { (at, c != '+') } else { (first, false) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = numbers(text).map(|number| number.text).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_in_text() {
        check("", &[]);
        check("no number", &[]);
        check("16 - 3 = 13.", &["16", "3", "13"]);
        check("1,234,567.50 and 12,34 and 1,2345", &["1234567.50", "12", "34", "1", "2345"]);
        check("0,123", &["0", "123"]);
        check("-5 +5 \u{2212}5 (-5) =-5", &["-5", "5", "-5", "-5", "-5"]);
        check("-$5 $-5 \u{2212}€1,000 5%", &["-5", "-5", "-1000", "5"]);
        check("3-4 covid-19 2024-01-02 --5", &["3", "4", "19", "2024", "01", "02", "5"]);
        check(".5 -.5 0.5 a.5 ..5", &["0.5", "-0.5", "0.5", "5", "5"]);
        check("1e5 1E-3 2e 3e+x 1.5e+10", &["1e5", "1E-3", "2", "3", "1.5e+10"]);
        check("1.2.3", &["1.2", "3"]);
        check("答案是42。", &["42"]);
        check("<<9*2=18>>18", &["9", "2", "18", "18"]);
        check("٣", &[]);
    }

    #[test]
    fn numbers_too_large_have_no_value() {
        let value = |text| numbers(text).next().and_then(|number| number.value());
        assert_eq!(value("1e999"), None);
        assert_eq!(value("-1,000.5"), Some(-1000.5));
    }

    proptest! {
        #[test]
        fn plain_numbers_stay(text in "[-+.,0-9eE$ a\u{2212}€]{0,24}") {
            for number in numbers(&text) {
                prop_assert!(number.text.parse::<f64>().is_ok(), "{:?}", number);
                check(&number.text, &[&number.text]);
            }
        }
    }
}
