//! Quantities as people write them: `3s`, `500ms`, `$0.01`, `1%`.

use std::time::Duration;

/// The duration that `text` says: a number and one of `us`, `ms`, `s`, `m`, `h`, `d`.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(finite(number)? * scale).ok()
}

/// The bytes that `text` says: a whole number and `B`, or a number and one of `kB`, `MB`, `GB`,
/// `KiB`, `MiB`, `GiB`.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = finite(number)? * scale;
    (0.0..1e18).contains(&bytes).then_some(bytes as u64)
}

/// The dollars that `text` says, with or without a leading `$`.
pub fn usd(text: &str) -> Option<f64> {
    let text = text.trim();
    finite(text.strip_prefix('$').unwrap_or(text))
}

/// The share that `text` says: a number, or a percentage.
pub fn share(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(percent) => finite(percent).map(|percent| percent / 100.0),
        None => finite(text),
    }
}

fn finite(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_written() {
        assert_eq!(duration("3s"), Some(Duration::from_secs(3)));
        assert_eq!(duration(" 500ms "), Some(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(duration("14d"), Some(Duration::from_hours(336)));
        assert_eq!([duration("3"), duration("-1s"), duration("s"), duration("3 days")], [None; 4]);
        assert_eq!(bytes("1GiB"), Some(1 << 30));
        assert_eq!([bytes("1.5 MB"), bytes("7B")], [Some(1_500_000), Some(7)]);
        assert_eq!([bytes("7"), bytes("-1MB"), bytes("1 gb"), bytes("infGB")], [None; 4]);
        assert_eq!(usd("$2.00"), Some(2.0));
        assert_eq!(share("1%"), Some(0.01));
        assert_eq!([share("nan"), share("inf"), usd("two")], [None; 3]);
    }
}
