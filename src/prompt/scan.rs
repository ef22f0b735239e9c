//! A first look at a template's tags, before it is parsed.
//!
//! The parser descends once for every open block, so the depth is bounded here, where nothing
//! recurses. The same look finds the block that a syntax error is about.

use std::ops::ControlFlow;

/// Open blocks, `else if` branches included, that may lie within each other.
pub(super) const MAX_DEPTH: usize = 32;
/// Brackets within a tag that may lie within each other.
const MAX_NESTING: usize = 16;

/// What the look found: byte offset and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// The result of a look at a template.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Why the template must not be parsed.
    pub(super) refused: Option<Finding>,
    /// What is probably wrong, should the parser refuse the template.
    pub(super) suspect: Option<Finding>,
}

#[derive(Debug)]
struct Block<'a> {
    name: &'a str,
    offset: usize,
    depth: usize,
}

/// Looks at the tags of `source`. Takes time in proportion to its length.
pub(super) fn scan(source: &str) -> Scan {
    let mut scanner = Scanner { source, blocks: Vec::new(), depth: 0, scan: Scan::default() };
    let mut at = 0;
    while let Some(tag) = next_tag(source, at) {
        match scanner.tag(tag) {
            ControlFlow::Continue(next) => at = next,
            ControlFlow::Break(()) => return scanner.scan,
        }
    }
    if let Some(open) = scanner.blocks.last() {
        let message = format!("`{{{{#{}}}}}` is never closed", open.name);
        scanner.scan.suspect = Some(Finding { offset: open.offset, message });
    }
    scanner.scan
}

struct Scanner<'a> {
    source: &'a str,
    blocks: Vec<Block<'a>>,
    depth: usize,
    scan: Scan,
}

impl<'a> Scanner<'a> {
    /// Takes the tag that begins at `tag`; gives the offset behind it.
    fn tag(&mut self, tag: usize) -> ControlFlow<(), usize> {
        let rest = &self.source[tag..];
        if rest.starts_with("{{{{") {
            return self.raw_block(tag);
        }
        if rest.starts_with("{{!--")
            && let Some(end) = rest[5..].find("--}}")
        {
            return ControlFlow::Continue(tag + 5 + end + 4);
        }
        if rest.starts_with("{{!") {
            return match rest.find("}}") {
                Some(end) => ControlFlow::Continue(tag + end + 2),
                None => self.suspect(tag, "`{{!` is never closed"),
            };
        }
        let inner = rest[2..].trim_start_matches(['~', '{', '&']);
        let start = self.source.len() - inner.len();
        let end = match tag_end(inner) {
            TagEnd::At(end) => start + end,
            TagEnd::Never => return self.suspect(tag, "`{{` is never closed"),
            TagEnd::TooDeep => {
                return self.refuse(tag, format!("brackets are nested over {MAX_NESTING} deep"));
            }
        };
        self.inner(tag, inner[..end - start].trim())?;
        ControlFlow::Continue(end + 2)
    }

    fn inner(&mut self, tag: usize, inner: &'a str) -> ControlFlow<()> {
        if let Some(opened) = inner.strip_prefix('#') {
            self.deeper(tag)?;
            let name = first_word(opened.trim_start_matches(['*', '>', ' ']));
            self.blocks.push(Block { name, offset: tag, depth: 1 });
        } else if let Some(closed) = inner.strip_prefix('/') {
            return self.close(tag, first_word(closed.trim_start()));
        } else if let Some(branch) = inner.strip_prefix("else").or(inner.strip_prefix('^'))
            && branch.starts_with(char::is_whitespace)
        {
            self.deeper(tag)?;
            if let Some(open) = self.blocks.last_mut() {
                open.depth += 1;
            }
        }
        ControlFlow::Continue(())
    }

    fn deeper(&mut self, tag: usize) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.refuse(tag, format!("blocks are nested over {MAX_DEPTH} deep"));
        }
        ControlFlow::Continue(())
    }

    fn close(&mut self, tag: usize, name: &str) -> ControlFlow<()> {
        let Some(open) = self.blocks.pop() else {
            return self.suspect(tag, format!("`{{{{/{name}}}}}` closes nothing"));
        };
        self.depth = self.depth.saturating_sub(open.depth);
        if open.name != name {
            let opened = open.name;
            return self
                .suspect(tag, format!("`{{{{#{opened}}}}}` is closed by `{{{{/{name}}}}}`"));
        }
        ControlFlow::Continue(())
    }

    fn raw_block(&mut self, tag: usize) -> ControlFlow<(), usize> {
        let ends = |from: usize| self.source[from..].find("}}}}").map(|end| from + end + 4);
        let closing = ends(tag).and_then(|body| next_raw(self.source, body)).and_then(ends);
        match closing {
            Some(end) => ControlFlow::Continue(end),
            None => self.suspect(tag, "`{{{{` is never closed"),
        }
    }

    fn suspect<T>(&mut self, offset: usize, message: impl Into<String>) -> ControlFlow<(), T> {
        self.scan.suspect = Some(Finding { offset, message: message.into() });
        ControlFlow::Break(())
    }

    fn refuse<T>(&mut self, offset: usize, message: String) -> ControlFlow<(), T> {
        self.scan.refused = Some(Finding { offset, message });
        ControlFlow::Break(())
    }
}

/// The next `{{` at or behind `at` that no backslash takes the meaning from.
fn next_tag(source: &str, mut at: usize) -> Option<usize> {
    loop {
        let found = at + source[at..].find("{{")?;
        let text = &source[at..found];
        if text.len() - text.trim_end_matches('\\').len() != 1 {
            return Some(found);
        }
        at = found + if source[found + 2..].starts_with("{{") { 4 } else { 2 };
    }
}

fn next_raw(source: &str, mut at: usize) -> Option<usize> {
    loop {
        let found = next_tag(source, at)?;
        if source[found..].starts_with("{{{{") {
            return Some(found);
        }
        at = found + 2;
    }
}

enum TagEnd {
    At(usize),
    Never,
    TooDeep,
}

/// Where the tag whose inside is `inner` ends: at `}}` outside of texts, `[names]` and literals.
fn tag_end(inner: &str) -> TagEnd {
    let bytes = inner.as_bytes();
    let (mut at, mut nesting, mut braces) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                if let Some(end) = text_end(bytes, at) {
                    at = end;
                }
            }
            b'[' if !begins_list(bytes, at) => {
                if let Some(end) = inner[at..].find(']') {
                    at += end;
                }
            }
            b'(' | b'[' => nesting += 1,
            b')' | b']' => nesting = nesting.saturating_sub(1),
            b'{' => {
                nesting += 1;
                braces += 1;
            }
            b'}' if braces > 0 => {
                nesting = nesting.saturating_sub(1);
                braces -= 1;
            }
            b'}' if bytes.get(at + 1) == Some(&b'}') => return TagEnd::At(at),
            _ => {}
        }
        if nesting > MAX_NESTING {
            return TagEnd::TooDeep;
        }
        at += 1;
    }
    TagEnd::Never
}

/// The offset of the quote that ends the text which begins at `start`, within the same tag line.
fn text_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            _ if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether the `[` at `at` begins a list literal rather than a name in brackets.
fn begins_list(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let after = bytes[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
    let value = |byte: &u8| matches!(byte, b'"' | b'\'' | b'[' | b'{' | b'-' | b'0'..=b'9' | b']');
    before
        .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'(' | b'[' | b','))
        && after.is_some_and(value)
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '~' | '}' | '('));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect(source: &str) -> Option<(usize, String)> {
        let scan = scan(source);
        assert_eq!(scan.refused, None, "{source}");
        scan.suspect.map(|finding| (finding.offset, finding.message))
    }

    #[test]
    fn whole_templates_raise_no_suspicion() {
        for source in [
            "",
            "{{a}} {{{b}}} {{&c}} {{~d~}} {{[e f]}} {{[it's]}}",
            "{{#if a}}{{#each b as |c d|}}{{c}}{{else}}x{{/each}}{{else if e}}{{/if}}",
            r"\{{#if a}} \{{{{ {{!-- {{#if}} --}} {{! {{/x }} ",
            "{{{{raw}}}}{{#if}}{{{{/raw}}}}",
            r#"{{lookup a "}}{{#if"}} {{json {"a": {"b": ["c]"]}}}}"#,
            "}} a } {",
        ] {
            assert_eq!(suspect(source), None, "{source}");
        }
    }

    #[test]
    fn what_is_wrong_is_found() {
        let check = |source, offset, message: &str| {
            assert_eq!(suspect(source), Some((offset, message.to_owned())), "{source}");
        };
        check("a{{#if b}}{{#each c}}{{/each}}", 1, "`{{#if}}` is never closed");
        check("{{/if}}", 0, "`{{/if}}` closes nothing");
        check("{{#if b}}{{/each}}", 9, "`{{#if}}` is closed by `{{/each}}`");
        check("ab {{c", 3, "`{{` is never closed");
        check("{{!-- x", 0, "`{{!` is never closed");
        check("{{{{raw}}}} x", 0, "`{{{{` is never closed");
    }

    #[test]
    fn deep_templates_are_refused() {
        for source in [
            "{{#if a}}".repeat(10_000),
            format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(10_000)),
            format!("{{{{json {}", "(json ".repeat(10_000)),
            format!("{{{{json {}", "[".repeat(10_000)),
        ] {
            assert!(scan(&source).refused.is_some(), "{}", &source[..40]);
        }
        let flat = "{{#if a}}{{else if b}}{{/if}}".repeat(10_000);
        assert_eq!(suspect(&flat), None);
    }
}
