//! Code blocks between fences of backticks or tildes, by the rules of Markdown.

/// A fenced block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The first word of the line that opens it.
    pub(super) lang: &'a str,
    /// What stands between the fences, without the last line break.
    pub(super) content: &'a str,
}

/// The fenced blocks of `text` in order. The last one may lack its closing fence.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(char, usize, &str, usize)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match (open, fence(line)) {
            (None, Some((mark, length, info))) if mark == '~' || !info.contains('`') => {
                open = Some((mark, length, info.split_whitespace().next().unwrap_or(""), end));
            }
            (Some((mark, length, lang, from)), Some((closing, closing_length, "")))
                if mark == closing && closing_length >= length =>
            {
                blocks.push(Block { lang, content: without_break(&text[from..start]) });
                open = None;
            }
            _ => {}
        }
        start = end;
    }
    if let Some((.., lang, from)) = open {
        blocks.push(Block { lang, content: without_break(&text[from..]) });
    }
    blocks
}

/// The mark, length and info of a line that is a fence.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3).then_some((mark, length, info.trim()))
}

fn without_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_prose() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found: Vec<_> =
                blocks(text).iter().map(|block| (block.lang, block.content)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("none", &[]);
        check("a\n```python x\nb\n\nc\n```\nd\n~~~\ne\n~~~", &[("python", "b\n\nc"), ("", "e")]);
        check("````\n```\nb\n```\n````", &[("", "```\nb\n```")]);
        check("```js\r\na\r\n```\r\n", &[("js", "a")]);
        check("  ```\ncut off", &[("", "cut off")]);
        check("```\n```", &[("", "")]);
        check("```inline``` code", &[]);
    }
}
