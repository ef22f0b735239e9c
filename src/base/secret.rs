//! Text that must never be shown: API keys and the headers that carry them.

use std::fmt;

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
