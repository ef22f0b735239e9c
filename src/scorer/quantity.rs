//! Numbers as people write them: with currency, unit, percent sign, fraction or a word for a power
//! of ten.

use std::borrow::Cow;

use crate::extract::number::{Number, is_currency, numbers};

/// A number with what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    /// The number as written: `5` for `5%`.
    pub(super) value: f64,
    /// Whether a percent sign follows.
    pub(super) percent: bool,
    start: usize,
    end: usize,
}

const POWERS: [(&str, f64); 5] =
    [("hundred", 1e2), ("thousand", 1e3), ("million", 1e6), ("billion", 1e9), ("trillion", 1e12)];

const CURRENCY_CODES: [&str; 23] = [
    "USD", "EUR", "GBP", "JPY", "CNY", "INR", "CHF", "CAD", "AUD", "NZD", "HKD", "SGD", "SEK",
    "NOK", "DKK", "KRW", "BRL", "MXN", "ZAR", "PLN", "TRY", "Rs", "Rs.",
];

/// Words that may follow a number as its unit: `dollars per day`.
const MAX_UNIT_WORDS: usize = 3;

/// Fractions of one character.
const VULGAR: [(char, &str); 18] = [
    ('½', "1/2"),
    ('⅓', "1/3"),
    ('⅔', "2/3"),
    ('¼', "1/4"),
    ('¾', "3/4"),
    ('⅕', "1/5"),
    ('⅖', "2/5"),
    ('⅗', "3/5"),
    ('⅘', "4/5"),
    ('⅙', "1/6"),
    ('⅚', "5/6"),
    ('⅐', "1/7"),
    ('⅛', "1/8"),
    ('⅜', "3/8"),
    ('⅝', "5/8"),
    ('⅞', "7/8"),
    ('⅑', "1/9"),
    ('⅒', "1/10"),
];

/// `text` with fractions of one character written out: `2½` as `2 1/2`.
pub(super) fn spelt_out(text: &str) -> Cow<'_, str> {
    let vulgar = |c: char| VULGAR.iter().find(|(sign, _)| *sign == c).map(|(_, spelt)| *spelt);
    if text.is_ascii() || !text.chars().any(|c| vulgar(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut spelt = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let Some(fraction) = vulgar(c) else {
            spelt.push(c);
            continue;
        };
        if spelt.ends_with(|before: char| before.is_ascii_digit()) {
            spelt.push(' ');
        }
        spelt.push_str(fraction);
    }
    Cow::Owned(spelt)
}

/// `text` with decimal commas as points, and points between digits as commas.
pub(super) fn with_points(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ',' => '.',
            '.' => ',',
            c => c,
        })
        .collect()
}

/// The number that `text` is as a whole, apart from currency, unit and punctuation around it.
pub(super) fn whole(text: &str) -> Option<Quantity> {
    let mut found = numbers(text);
    let ahead = [found.next(), found.next(), found.next(), found.next()];
    let (quantity, _) = quantity(text, None, &ahead)?;
    let (before, after) = (&text[..quantity.start], &text[quantity.end..]);
    (is_lead(before) && is_unit(after)).then_some(quantity)
}

/// The first number in `text`.
pub(super) fn first(text: &str) -> Option<Quantity> {
    quantities(text).next()
}

/// The last number in `text`.
pub(super) fn last(text: &str) -> Option<Quantity> {
    quantities(text).last()
}

fn quantities(text: &str) -> impl Iterator<Item = Quantity> {
    let mut found = numbers(text);
    let mut ahead = [found.next(), found.next(), found.next(), found.next()];
    let mut before = None;
    std::iter::from_fn(move || {
        while ahead[0].is_some() {
            let read = quantity(text, before, &ahead);
            for _ in 0..read.map_or(1, |(_, used)| used) {
                before = ahead[0].as_ref().map(|number| number.end);
                ahead.rotate_left(1);
                ahead[3] = found.next();
            }
            if let Some((quantity, _)) = read {
                return Some(quantity);
            }
        }
        None
    })
}

/// The quantity that begins with the first of the numbers `ahead`, and how many of them it takes;
/// `before` is where the number in front of it ends.
fn quantity(
    text: &str,
    before: Option<usize>,
    ahead: &[Option<Number>; 4],
) -> Option<(Quantity, usize)> {
    let [Some(first), rest @ ..] = ahead else { return None };
    // In `1/2/2024` no slash divides.
    let dated = before.is_some_and(|end| text[end..first.start].trim() == "/");
    let gap = |left: &Number, right: &Number| text[left.end..right.start].trim();
    let spaced =
        |left: &Number, right: &Number| left.end < right.start && gap(left, right).is_empty();
    let over = |left: &Number, right: &Number| {
        is_integer(left) && is_integer(right) && gap(left, right) == "/"
    };
    let apart = |left: &Number, right: &Option<Number>| {
        right.as_ref().is_none_or(|right| gap(left, right) != "/")
    };
    let (value, end, used) = match rest {
        [Some(second), Some(third), fourth]
            if is_integer(first)
                && spaced(first, second)
                && over(second, third)
                && apart(third, fourth) =>
        {
            let part = ratio(second, third)?;
            let sign = if first.text.starts_with('-') { -1.0 } else { 1.0 };
            (first.value()? + sign * part, third.end, 3)
        }
        [Some(second), third, _] if !dated && over(first, second) && apart(second, third) => {
            (ratio(first, second)?, second.end, 2)
        }
        _ => (first.value()?, first.end, 1),
    };
    let (end, value) = match power_of_ten(&text[end..]) {
        Some((power, length)) => (end + length, times_power_of_ten(value, power)?),
        None => (end, value),
    };
    let used = used.max(ahead.iter().flatten().take_while(|number| number.start < end).count());
    let (scale, percent, length) = suffix(&text[end..]);
    let value = value * scale;
    let quantity = Quantity { value, percent, start: first.start, end: end + length };
    value.is_finite().then_some((quantity, used))
}

/// The power in `× 10^3`, `x10³` or `\\times 10^{-3}` at the start of `text`, and its bytes.
fn power_of_ten(text: &str) -> Option<(i32, usize)> {
    let signs = ["×", "x", "*", "·", "\\times", "\\cdot"];
    let rest = text.trim_start_matches(' ');
    let rest = signs.iter().find_map(|sign| rest.strip_prefix(sign))?.trim_start_matches(' ');
    let rest = rest.strip_prefix("10")?;
    if let Some(raised) = rest.strip_prefix('^').or_else(|| rest.strip_prefix("**")) {
        let inner = raised.strip_prefix(['{', '(']).unwrap_or(raised);
        let minus = inner.strip_prefix(['-', '\u{2212}']);
        let digits = minus.or_else(|| inner.strip_prefix('+')).unwrap_or(inner);
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let power: i32 = digits[..length].parse().ok()?;
        let behind = &digits[length..];
        let behind =
            if inner.len() < raised.len() { behind.strip_prefix(['}', ')'])? } else { behind };
        return Some((if minus.is_some() { -power } else { power }, text.len() - behind.len()));
    }
    let minus = rest.strip_prefix('⁻');
    let digits = minus.unwrap_or(rest);
    let value = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|digit| digit == c);
    let behind = digits.trim_start_matches(|c| value(c).is_some());
    let raised = digits.len() - behind.len();
    let power = digits[..raised].chars().filter_map(value).try_fold(0_i32, |power, digit| {
        power.checked_mul(10)?.checked_add(i32::try_from(digit).ok()?)
    })?;
    (raised > 0).then(|| (if minus.is_some() { -power } else { power }, text.len() - behind.len()))
}

/// `value` times ten to the `power`, rounded once.
fn times_power_of_ten(value: f64, power: i32) -> Option<f64> {
    let digits = format!("{value:e}");
    let (digits, own) = digits.split_once('e')?;
    let power = own.parse::<i32>().ok()?.checked_add(power)?;
    format!("{digits}e{power}").parse().ok().filter(|value: &f64| value.is_finite())
}

fn ratio(above: &Number, below: &Number) -> Option<f64> {
    let below = below.value().filter(|below| *below > 0.0)?;
    Some(above.value()? / below)
}

fn is_integer(number: &Number) -> bool {
    number.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// What follows a number and changes its value: scale, percent, and the bytes that say so.
fn suffix(text: &str) -> (f64, bool, usize) {
    let rest = text.trim_start_matches([' ', '\u{A0}', '\u{202F}', '\\']);
    let skipped = text.len() - rest.len();
    if rest.starts_with('%') {
        return (1.0, true, skipped + 1);
    }
    let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..length];
    POWERS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map_or((1.0, false, 0), |(_, scale)| (*scale, false, skipped + length))
}

/// Whether `text` may stand in front of a number: quotes, brackets, marks, a currency.
fn is_lead(text: &str) -> bool {
    let mark = |c: char| {
        c.is_whitespace()
            || matches!(c, '*' | '_' | '`' | '#' | '"' | '\'' | '=' | '≈' | '~')
            || matches!(c, '(' | '[' | '{' | '\\' | '“' | '‘' | '«' | '„')
    };
    let text = text.trim_matches(mark);
    let signed = text.trim_end_matches(is_currency);
    let letters = signed.trim_matches(mark);
    // `US$`, `HK$`, `R$`
    let region = signed.len() < text.len()
        && letters.len() <= 3
        && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    region || letters.is_empty() || CURRENCY_CODES.contains(&letters)
}

/// Whether `text` may stand behind a number: punctuation, a currency, a unit of a few words.
fn is_unit(text: &str) -> bool {
    let unit = text.trim_matches(|c: char| {
        c.is_whitespace()
            || is_currency(c)
            || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '*' | '_' | '`' | '"' | '\'')
            || matches!(c, ')' | ']' | '}' | '”' | '’' | '»' | '“' | '\\')
    });
    // `/hour` is a unit; `/x`, like `-x` and `+x`, is a calculation.
    let per = unit.strip_prefix('/').filter(|rest| rest.chars().count() > 1);
    let mut words = per.unwrap_or(unit).split_whitespace();
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_alphabetic() || c == '°')
            && word.chars().all(is_unit_letter)
    };
    words.clone().count() <= MAX_UNIT_WORDS && words.all(word)
}

fn is_unit_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '.' | '/' | '-' | '°' | '²' | '³' | '·' | '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts() {
        let check = |text: &str, expected: Option<(f64, bool)>| {
            let found = whole(text).map(|quantity| (quantity.value, quantity.percent));
            assert_eq!(found, expected, "{text}");
        };
        let plain = |text: &str, value| check(text, Some((value, false)));
        for text in [
            "42",
            " 42.\n",
            "42.0",
            "**42**",
            "\"42\"",
            "$42",
            "42 €",
            "US$ 42",
            "USD 42",
            "42 apples",
            "42 miles per hour",
            "42km/h",
            "#### 42",
            "= 42",
            "4.2e1",
            "42/1",
            "41 1/1",
            "(42)",
            "\\$42",
            "42°",
            "42°C",
            "+42",
            "Rs. 42",
            "$42/hour",
            "42 m²",
        ] {
            plain(text, 42.0);
        }
        plain("-$1,234.50", -1234.5);
        plain("\u{2212}1/2", -0.5);
        plain("-1 1/2 cups", -1.5);
        plain("-1.8 billion", -1.8e9);
        plain("2 Million dollars", 2e6);
        plain("3 / 4", 0.75);
        plain("2.5 × 10^3", 2_500.0);
        plain("2.5x10^{-3} m", 0.0025);
        plain("-6.02 \\times 10^{23}", -6.02e23);
        plain("3·10⁸ m/s", 3e8);
        plain("1.6*10**-19", 1.6e-19);
        plain(&spelt_out("2½ cups"), 2.5);
        plain(&spelt_out("½"), 0.5);
        plain(&with_points("1.234,5 €"), 1234.5);
        check("5%", Some((5.0, true)));
        check("5 \\% of people", Some((5.0, true)));
        check("1/2%", Some((0.5, true)));
        for text in [
            "",
            "none",
            "10+John's age",
            "the answer is 42",
            "3-4",
            "3 to 4",
            "12:30",
            "1,5",
            "1/0",
            "1/2/2024",
            "2024-01-02",
            "1e999",
            "5 * 3",
            "A5",
            "Q3",
            "x = 5",
            "½",
            "5 is what one would say",
            "5 = five",
            "5/x",
            "5 - x",
            "10-John's age",
            "1.2.3",
            ">5",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn numbers_out_of_texts() {
        let values = |text| quantities(text).map(|q: Quantity| q.value).collect::<Vec<_>>();
        assert_eq!(values("1/2 of 3 1/4 is 1 5/8, 2/0, 50%"), [0.5, 3.25, 1.625, 0.0, 50.0]);
        assert_eq!(values("2 x 10^3 and 4"), [2000.0, 4.0]);
        assert_eq!(values("2 x 10 and 4"), [2.0, 10.0, 4.0]);
        assert_eq!(values("on 1/2/2024"), [1.0, 2.0, 2024.0]);
        assert_eq!(values("1e999 7"), [7.0]);
        assert_eq!(first("from 3 to 4").map(|q| q.value), Some(3.0));
        assert_eq!(last("from 3 to 4.").map(|q| q.value), Some(4.0));
        assert_eq!(last("none").map(|q| q.value), None);
    }
}
