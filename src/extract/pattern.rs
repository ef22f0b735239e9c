//! Regular expressions that come from configs and datasets: bounded, with errors on one line.
//!
//! The engine takes time in proportion to text times pattern whatever the pattern is, so none can
//! hang a run; what is bounded here is the memory that a compiled pattern takes.

use regex::{Error, Regex, RegexBuilder};

const MAX_COMPILED_BYTES: usize = 10 << 20;

/// Compiles `pattern`.
///
/// # Errors
/// A fragment that says what is wrong with the pattern.
pub fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| reason(&error))
}

/// Compiles `pattern` so that it matches whole texts only.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_full(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    compile(pattern, ignore_case)?;
    // In a pattern that ends in a `(?x)` comment only a line feed can end the comment.
    compile(&format!(r"\A(?:{pattern})\z"), ignore_case)
        .or_else(|_| compile(&format!("\\A(?:{pattern}\n)\\z"), ignore_case))
}

fn reason(error: &Error) -> String {
    match error {
        Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            format!("bad pattern: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
        Error::CompiledTooBig(limit) => {
            format!("bad pattern: it would take over {} MiB of memory", limit >> 20)
        }
        other => format!("bad pattern: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_one_line() {
        let error = |pattern| compile(pattern, false).expect_err(pattern);
        assert_eq!(error("a(b"), "bad pattern: unclosed group");
        assert_eq!(error(r"a(?=b)").lines().count(), 1);
        assert!(error(r"\w{1000}{1000}").contains("10 MiB"), "{}", error(r"\w{1000}{1000}"));
        assert!(error(&"(".repeat(100_000)).starts_with("bad pattern"));
    }

    #[test]
    fn full_matches_span_the_text() {
        let full = |pattern, text| compile_full(pattern, false).expect(pattern).is_match(text);
        assert!(full("a|ab", "ab"));
        assert!(!full("a|ab", "abc"));
        assert!(!full("^b$", "a\nb"));
        assert!(full("(?x) a # comment", "a"));
        assert!(compile_full("a)(b", false).is_err());
    }
}
