//! Text that must never be shown: API keys and the headers that carry them.

use std::{fmt, sync::LazyLock};

use regex::Regex;
use zeroize::Zeroize as _;

/// A secret. `Debug` prints `[REDACTED]`; there is no `Display` and no serialisation. Its memory is
/// overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Parts of the names of headers, query parameters and fields that carry a secret.
const CARRIERS: [&str; 8] =
    ["auth", "key", "token", "secret", "cookie", "password", "signature", "credential"];

/// Whether what is called `name` carries a secret: a header, a query parameter, a field.
///
/// The one list of its kind: what is masked, what answers are kept without, and what may not be
/// written into a file must agree.
pub fn carries_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "sig" || CARRIERS.iter().any(|part| name.contains(part))
}

/// Keys by their vendors' marks, and whatever is called a bearer token. The mark is a group of its
/// own, so that what is masked can still say what kind of key it was.
pub fn key_marks() -> Option<&'static Regex> {
    static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)
            \b(?<mark> sk-ant- | sk- | gsk_ | hf_ | fw_ | AIza | ya29\. )[A-Za-z0-9_\-]{16,}
            | \b(?<aws> AKIA | ASIA )[A-Z0-9]{16,}
            | (?<bearer> (?i:\bbearer) [\ :\t]+ )[A-Za-z0-9._~+/=\-]{16,}",
        )
        .ok()
    });
    MARKS.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?} {:#?}", Secret::new("canary"), Some(Secret::new("canary"))), {
            let pretty = "Some(\n    [REDACTED],\n)";
            format!("[REDACTED] {pretty}")
        });
    }
}
