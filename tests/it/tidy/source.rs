//! Rust text taken apart far enough to look for names: code without comments and strings, and
//! strings without the rest.

use std::iter::successors;

/// A Rust file. Both texts have the same lines as the file.
pub(super) struct Source {
    /// The code; comments and the contents of strings are blank.
    pub(super) code: String,
    /// The contents of strings; everything else is blank.
    pub(super) strings: String,
}

impl Source {
    /// Takes `text` apart.
    pub(super) fn new(text: &str) -> Self {
        let mut source = Self { code: String::new(), strings: String::new() };
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let (token, kind) = token(rest, next);
            source.push(token, kind);
            rest = &rest[token.len()..];
        }
        source
    }

    fn push(&mut self, token: &str, kind: Kind) {
        let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
        let blanked = || token.chars().map(blank);
        match kind {
            Kind::Code => {
                self.code.push_str(token);
                self.strings.extend(blanked());
            }
            Kind::Text => {
                self.code.extend(blanked());
                self.strings.push_str(token);
            }
            Kind::Comment => {
                self.code.extend(blanked());
                self.strings.extend(blanked());
            }
        }
    }

    /// The top-level modules that the code reaches through `crate::`, each with its line.
    pub(super) fn crate_paths(&self) -> Vec<(usize, String)> {
        let begins = self.code.match_indices("crate::").filter(|(at, _)| {
            let before = self.code[..*at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        });
        let mut paths = Vec::new();
        for (at, head) in begins {
            let mut line = self.code[..at].matches('\n').count() + 1;
            let rest = self.code[at + head.len()..].trim_start();
            let Some(group) = rest.strip_prefix('{') else {
                paths.push((line, identifier(rest)));
                continue;
            };
            let mut depth = 1;
            let mut at_start = true;
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => at_start = true,
                    '\n' => line += 1,
                    _ if at_start && !c.is_whitespace() => {
                        paths.push((line, identifier(&group[at..])));
                        at_start = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        }
        paths
    }
}

/// `text` without its unit tests, which stand at the end of a file.
pub(super) fn production(text: &str) -> &str {
    let starts = successors(Some(0), |at| text[*at..].find('\n').map(|end| at + end + 1));
    let tests = starts.filter(|at| {
        let mut lines = text[*at..].lines();
        lines.next() == Some("#[cfg(test)]")
            && lines.next().is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    });
    tests.last().map_or(text, |at| &text[..at])
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Text,
    Comment,
}

/// The token at the beginning of `rest`, whose first character is `next`.
fn token(rest: &str, next: char) -> (&str, Kind) {
    if rest.starts_with("//") {
        return (&rest[..rest.find('\n').unwrap_or(rest.len())], Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (&rest[..block_comment(rest)], Kind::Comment);
    }
    if let Some(length) = raw_string(rest) {
        return (&rest[..length], Kind::Text);
    }
    match next {
        '"' => (&rest[..quoted(rest, '"')], Kind::Text),
        '\'' => (&rest[..character(rest)], Kind::Code),
        c if c.is_alphanumeric() || c == '_' => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // `b"…"` and `c"…"` are a prefix and a string; what follows is read next.
            (&rest[..end], Kind::Code)
        }
        c => (&rest[..c.len_utf8()], Kind::Code),
    }
}

/// The length of a comment that may hold comments.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of the raw string, `r"…"`, `br#"…"#`, that `rest` begins with.
fn raw_string(rest: &str) -> Option<usize> {
    let body = ["br", "cr", "r"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let content = body.trim_start_matches('#');
    let hashes = &body[..body.len() - content.len()];
    let content = content.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    let length = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(rest.len() - content.len() + length)
}

/// The length of what stands between two `quote`s, both included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of a character literal, or of the mark of a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => quoted(rest, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn strings_and_comments_are_told_from_code() {
    let text =
        "a /* b /* c */ \" */ d \"e \\\" // f\" g // h\nr#\"i \" j\"# k '\"' l '\\'' m <'n>\n";
    let source = Source::new(text);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&source.code), "a d g k '\"' l '\\'' m <'n>");
    assert_eq!(words(&source.strings), "\"e \\\" // f\" r#\"i \" j\"#");
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert_eq!(source.strings.lines().count(), text.lines().count());
}

#[test]
fn paths_through_groups() {
    let text =
        "use crate::{\n    a::b,\n    c::{d, e::{f}},\n    g,\n};\nfn x() { crate::h::i() }\n";
    let found = Source::new(text).crate_paths();
    let expected = [(2, "a"), (3, "c"), (4, "g"), (6, "h")];
    assert_eq!(found, expected.map(|(line, name)| (line, name.to_owned())));
    assert_eq!(Source::new("my_crate::a; pub(crate) fn b() {}").crate_paths(), []);
}

#[test]
fn unit_tests_are_cut_off() {
    let text = "//! a\n#[cfg(test)]\nmod tests;\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(production(text), "//! a\n#[cfg(test)]\nmod tests;\nfn b() {}\n\n");
    assert_eq!(production("fn a() {}\n"), "fn a() {}\n");
}
