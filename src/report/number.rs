//! Numbers and amounts as people read them. Text for programs is made in `json`, `jsonl` and `row`.

use crate::base::money::Money;

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "–";

/// What a scorer's values are, as far as it matters for showing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    /// Between 0 and 1.
    Share,
    /// Dollars.
    Usd,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Any other unit, by its name.
    Named(&'a str),
    /// A number of which nothing more is known.
    Plain,
}

impl<'a> Unit<'a> {
    /// The unit called `name`.
    pub(super) fn named(name: &'a str) -> Self {
        match name {
            "usd" | "USD" | "$" => Self::Usd,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "" => Self::Plain,
            other => Self::Named(other),
        }
    }

    /// `value` in this unit.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Share => format!("{value:.3}"),
            Self::Usd => Money::from_usd(value)
                .map_or_else(|| significant(value), |amount| amount.to_string()),
            Self::Milliseconds => duration_ms(value),
            Self::Seconds => duration_ms(value * 1e3),
            Self::Named(name) => format!("{} {name}", significant(value)),
            Self::Plain => significant(value),
        }
    }
}

/// `value`, or the sign for unknown.
pub(super) fn or_unknown(value: Option<String>) -> String {
    value.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// A number with four significant digits; whole parts are never rounded away.
pub(super) fn significant(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 8);
    format!("{value:.*}", decimals as usize)
}

/// A duration given in milliseconds: `0.412ms`, `41.2ms`, `412ms`, `1.01s`, `12.3s`, `2m05s`.
pub(super) fn duration_ms(ms: f64) -> String {
    let seconds = ms / 1e3;
    match ms.abs() {
        0.0 => "0ms".to_owned(),
        size if size < 0.999_5 => format!("{ms:.3}ms"),
        size if size < 99.95 => format!("{ms:.1}ms"),
        size if size < 999.5 => format!("{ms:.0}ms"),
        size if size < 9_995.0 => format!("{seconds:.2}s"),
        size if size < 99_950.0 => format!("{seconds:.1}s"),
        _ => {
            let whole = seconds.round();
            format!("{:.0}m{:02.0}s", (whole / 60.0).trunc(), (whole % 60.0).abs())
        }
    }
}

/// A count with thousands apart: `5,276`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count of tokens in at most five characters: `950`, `12.3k`, `1.23M`.
pub(super) fn tokens(count: u64) -> String {
    let scaled = |unit: f64, sign: &str| {
        let value = count as f64 / unit;
        let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        format!("{value:.decimals$}{sign}")
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..999_500 => scaled(1e3, "k"),
        999_500..999_500_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// `part` of `whole` in per cent: `1.5%`; `0%` of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    if share < 0.05 { "<0.1%".to_owned() } else { format!("{share:.1}%") }
}

/// A count and its noun: `1 trial`, `2 trials`.
pub(super) fn of(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_matter() {
        let cases = [
            (0.0, "0"),
            (412.345, "412.3"),
            (12_345.6, "12346"),
            (1.0, "1.000"),
            (-0.012_345, "-0.01235"),
            (0.000_012_3, "1.230e-5"),
            (2.5e12, "2.500e12"),
        ];
        for (value, shown) in cases {
            assert_eq!(significant(value), shown);
        }
        assert_eq!(Unit::Share.show(0.914_6), "0.915");
        assert_eq!(Unit::named("ms").show(412.4), "412ms");
        assert_eq!(Unit::named("usd").show(0.01234), "$0.0123");
        assert_eq!(Unit::named("words").show(41.0), "41.00 words");
    }

    #[test]
    fn durations() {
        let cases = [
            (0.0, "0ms"),
            (0.412, "0.412ms"),
            (0.9999, "1.0ms"),
            (97.34, "97.3ms"),
            (411.6, "412ms"),
            (999.7, "1.00s"),
            (12_345.0, "12.3s"),
            (119_700.0, "2m00s"),
            (3_725_000.0, "62m05s"),
        ];
        for (ms, shown) in cases {
            assert_eq!(duration_ms(ms), shown, "{ms}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!([count(0), count(999), count(5_276)], ["0", "999", "5,276"]);
        assert_eq!(count(1_234_567), "1,234,567");
        let tokens = [999, 1_000, 9_999, 12_345, 999_600, 1_234_000].map(tokens);
        assert_eq!(tokens, ["999", "1.00k", "10.0k", "12.3k", "1.00M", "1.23M"]);
        assert_eq!([percent(0, 5), percent(3, 200), percent(1, 100_000)], ["0%", "1.5%", "<0.1%"]);
        assert_eq!(of(1, "trial", "trials"), "1 trial");
    }
}
