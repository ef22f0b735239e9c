//! Slugs: what registered things are called in references.

/// The fewest characters of a slug.
const SHORTEST: usize = 3;

/// The most characters of a slug.
const LONGEST: usize = 40;

/// Whether `text` is a slug: 3 to 40 of `a-z0-9-`, a letter first, a letter or digit last.
pub fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (SHORTEST..=LONGEST).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(plain)
}

/// The slug that `name` suggests; `None` when it has too little for one.
pub fn derived(name: &str) -> Option<String> {
    let mut slug = String::with_capacity(name.len().min(LONGEST));
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') && !matches!(c, '\'' | '’') {
            slug.push('-');
        }
    }
    let slug = slug.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let slug = &slug[..slug.len().min(LONGEST)];
    let slug = slug.trim_end_matches('-');
    is_slug(slug).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for good in ["abc", "a-1", "a1b", &"a".repeat(40), "my--vllm"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "ab", "1ab", "-ab", "ab-", "aBc", "a_b", "a/b", "äbc", &"a".repeat(41)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn names_suggest_slugs() {
        let check = |name: &str, slug: Option<&str>| {
            assert_eq!(derived(name).as_deref(), slug, "of {name:?}");
        };
        check("My vLLM (prod)", Some("my-vllm-prod"));
        check("  Claude's  Classifier!", Some("claudes-classifier"));
        check("4o mini", Some("o-mini"));
        check("gpt-4.1", Some("gpt-4-1"));
        check("Größe", Some("gr-e"));
        check("模型", None);
        check("42", None);
        check(&"long ".repeat(20), Some("long-long-long-long-long-long-long-long"));
    }
}
