//! Removes what a reasoning model thought aloud.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Open,
    Close,
}

const TAGS: [(&str, Tag); 4] = [
    ("<think>", Tag::Open),
    ("</think>", Tag::Close),
    ("<thinking>", Tag::Open),
    ("</thinking>", Tag::Close),
];

/// `text` without its `<think>…</think>` and `<thinking>…</thinking>` blocks; `None` when nothing
/// but white space remains.
///
/// Blocks may lie within each other. A first closing tag that nothing opened takes everything
/// before it with it: the opening tag was part of the prompt. A block that is never closed takes
/// the rest of the text, except where a closing tag stands within it: then an opening tag was only
/// mentioned, and the block ends at the last closing one.
pub(super) fn strip(text: &str) -> Option<String> {
    let mut kept = String::new();
    let (mut from, mut depth, mut lone) = (0, 0_usize, false);
    let mut last_close = None;
    for (tag, start, end) in tags(text) {
        match tag {
            Tag::Open if depth == 0 => {
                kept.push_str(&text[from..start]);
                (depth, last_close) = (1, None);
            }
            Tag::Open => depth += 1,
            Tag::Close if depth > 0 => {
                depth -= 1;
                (from, last_close) = (end, Some(end));
            }
            Tag::Close if !lone => {
                kept.clear();
                (from, lone) = (end, true);
            }
            Tag::Close => {}
        }
    }
    if depth == 0 {
        kept.push_str(&text[from..]);
    } else if let Some(close) = last_close {
        let rest = &text[close..];
        let next = tags(rest).next().map_or(rest.len(), |(_, start, _)| start);
        kept.push_str(&rest[..next]);
    }
    (!kept.trim().is_empty()).then_some(kept)
}

/// The tags of `text` with the offsets where they start and end.
fn tags(text: &str) -> impl Iterator<Item = (Tag, usize, usize)> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = &text.as_bytes()[start..];
        TAGS.iter().find_map(|(name, tag)| {
            let written = rest.get(..name.len())?;
            written.eq_ignore_ascii_case(name.as_bytes()).then_some((
                *tag,
                start,
                start + name.len(),
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_removed() {
        let check = |text, expected| assert_eq!(strip(text).as_deref(), expected, "{text}");
        check("plain", Some("plain"));
        check("<think>a</think>\nb", Some("\nb"));
        check("<THINK>a</Think>b<thinking>c</thinking>d", Some("bd"));
        check("x<think>a<think>b</think>c</think>d", Some("xd"));
        check("thought\n</think>\nanswer", Some("\nanswer"));
        check("thought <think>a</think> more</think>answer", Some("answer"));
        check("a</think>b</think>c", Some("b</think>c"));
        check("<think>never closed", None);
        check("<think>a</think>", None);
        check(" \n", None);
        check("", None);
        check("answer <think>cut", Some("answer "));
        check("<think>say <think> aloud</think>answer", Some("answer"));
        check("<think>a<think>b</think>c<think>d", Some("c"));
        check("a < b <thin> </ think>", Some("a < b <thin> </ think>"));
        check("<é<think>x</think>", Some("<é"));
    }
}
