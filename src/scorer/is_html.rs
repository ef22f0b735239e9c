//! Whether the output is valid HTML.

mod rules;
mod tree;

use std::collections::HashSet;

use html5gum::{
    Error, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
};

use self::tree::{Problem, Tree};
use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, yes_or_no},
    },
};

static CARD: Card = Card {
    name: "is_html",
    summary: "Whether the whole output is HTML that a parser takes without repairing it.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "document",
            kind: "flag",
            default: "false",
            doc: "A whole document, from `<!DOCTYPE html>` on; else a fragment will do.",
        },
        OptionCard {
            name: "elements",
            kind: "text or list of texts",
            default: "none",
            doc: "Elements that must be there, by their names.",
        },
    ],
    edge_cases: &[
        "Valid means: at least one element, none of the standard's parse errors, and elements of \
         HTML only; names with a hyphen are custom elements and allowed.",
        "End tags that the standard lets one leave out may be missing, such as `</p>` and `</li>`. \
         Elements that are not closed, closed twice or closed in the wrong order make it 0.",
        "A fragment is read as the content of a body, so that `<tr>` without a table makes it 0.",
        "Text without any element is no HTML; text beside elements is.",
        "A code fence is text like any other: `extract: code_block` removes it.",
        "Attributes, their values, and which element may stand where beyond what the parser needs \
         are not checked.",
        "Output of over 4 MiB or nested over 500 levels deep is not scored.",
    ],
    source: "the HTML standard, section 13.2, its tokenizer by the Rust crate `html5gum` 0.9; \
             compared with html5lib 1.1, \
             which is of 2013 and differs in three cases",
};

/// Largest output that is read.
const MAX_BYTES: usize = 4 << 20;

/// The kind.
#[derive(Debug)]
pub(super) struct IsHtml;

#[derive(Debug)]
struct Valid {
    document: bool,
    elements: Vec<String>,
}

impl ScorerKind for IsHtml {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let elements = args.texts("elements")?.unwrap_or_default();
        let elements = elements.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        Ok(Built::pure(Valid { document: args.flag("document")?, elements }))
    }
}

impl Valid {
    fn check(&self, text: &str) -> Result<(), Problem> {
        if text.len() > MAX_BYTES {
            let (n, mib) = (text.len(), MAX_BYTES >> 20);
            return Err(Problem::Refused(format!(
                "has {n} bytes; at most {mib} MiB are read as HTML"
            )));
        }
        let mut tree = Tree::default();
        let mut missing: Vec<&String> = self.elements.iter().collect();
        let (mut tag, mut attributes) = (String::new(), HashSet::new());
        let mut emitter =
            CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
                let mut seen = |name: &str| missing.retain(|wanted| *wanted != name);
                match &event {
                    CallbackEvent::AttributeName { name } => {
                        let is_new = attributes.insert(name.to_vec());
                        let twice = || {
                            let name = String::from_utf8_lossy(name);
                            Problem::Wrong(format!("the attribute `{name}` stands twice"))
                        };
                        (!is_new).then(twice)
                    }
                    CallbackEvent::AttributeValue { .. } => None,
                    _ => {
                        attributes.clear();
                        read(&mut tree, &mut tag, &mut seen, &event).err()
                    }
                }
            });
        emitter.naively_switch_states(true);
        if let Some(Ok(problem)) = Tokenizer::new_with_emitter(text, emitter).next() {
            return Err(problem);
        }
        tree.finish()?;
        let problem = match () {
            () if !tree.has_elements() => "there is no element".to_owned(),
            () if self.document && !tree.has_doctype() => {
                "it does not begin with `<!DOCTYPE html>`".to_owned()
            }
            () => match missing.first() {
                Some(name) => format!("there is no `<{name}>`"),
                None => return Ok(()),
            },
        };
        Err(Problem::Wrong(problem))
    }
}

/// Takes one piece of the text.
fn read(
    tree: &mut Tree,
    tag: &mut String,
    seen: &mut dyn FnMut(&str),
    event: &CallbackEvent<'_>,
) -> Result<(), Problem> {
    match event {
        CallbackEvent::OpenStartTag { name } => {
            *tag = String::from_utf8_lossy(name).into_owned();
            Ok(())
        }
        CallbackEvent::CloseStartTag { self_closing } => {
            seen(tag);
            tree.start(tag, *self_closing)
        }
        CallbackEvent::EndTag { name } => tree.end(&String::from_utf8_lossy(name)),
        CallbackEvent::String { value } => {
            tree.text(value.iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | 0x0C)))
        }
        CallbackEvent::Doctype { name, public_identifier, system_identifier, .. } => {
            let plain = system_identifier.is_none_or(|id| id == b"about:legacy-compat");
            tree.doctype(name == b"html" && public_identifier.is_none() && plain)
        }
        CallbackEvent::Error(Error::CdataInHtmlContent) if tree.is_foreign() => Ok(()),
        CallbackEvent::Error(error) => Err(Problem::Wrong(format!("parse error: {error}"))),
        CallbackEvent::Comment { .. }
        | CallbackEvent::AttributeName { .. }
        | CallbackEvent::AttributeValue { .. } => Ok(()),
    }
}

impl Scorer for Valid {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(output) => output.trim(),
            Err(verdict) => return verdict,
        };
        match self.check(text) {
            Ok(()) => yes_or_no(true, String::new),
            Err(Problem::Wrong(why)) => yes_or_no(false, || one_line(&why, 200)),
            Err(Problem::Refused(why)) => Verdict::Failed(format!("the output {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Result<(), Problem> {
        Valid { document: false, elements: Vec::new() }.check(text)
    }

    #[test]
    fn what_is_too_much_is_not_scored() {
        let refused = |text: &str| matches!(check(text), Err(Problem::Refused(_)));
        assert!(refused(&"<div>".repeat(10_000)));
        assert!(refused(&"<svg>".repeat(10_000)));
        assert!(refused(&format!("<p>{}", "a".repeat(10 << 20))));
        assert_eq!(check(&"<p>a".repeat(500_000)), Ok(()));
        assert_eq!(check(&format!("<ul>{}</ul>", "<li>a".repeat(500_000))), Ok(()));
        for text in ["<", "<!", "<!--", "</", "<a b=", "&", "&#", "<b a='"] {
            assert!(check(&text.repeat(200_000)).is_err(), "{text}");
        }
    }

    #[test]
    fn ordinary_documents_are_valid() {
        let document = |head: &str, body: &str| {
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n{head}\n</head>\n<body class=x>\n{body}\n\
                 </body>\n</html>\n<!-- end -->\n"
            )
        };
        let head = "<meta charset=\"utf-8\">\n<title>A &amp; b</title>\n<link rel=icon href=i>\n\
                    <style>p > a { color: red }</style>\n<script>if (a < b) { c(); }</script>";
        let body = "<header><nav><ul><li><a href=\"/\">x</a></li></ul></nav></header>\n<main>\n\
                    <h1>A</h1><p>One<br>two <code>x</code><p>Three\n<table><tr><td>1</table>\n\
                    <form><label>n <input name=n></label><button>Go</button></form>\n</main>\n\
                    text\n<script src=s></script>";
        for text in [
            document(head, body),
            document("", ""),
            document("<title>x</title>", "text only"),
            "<html><head><title>x</title></head><body><p>x</p></body></html>".to_owned(),
            "<!DOCTYPE html><title>x</title><link rel=a href=b><p>y".to_owned(),
            "<!DOCTYPE html><html><head><script>x</script></head><p>y</html>".to_owned(),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        for text in [
            "<p>x</p><body>y</body>",
            "<html>text<body>y</body></html>",
            "<html><head></head><title>x</title><body></body></html>",
            "<html><head></head><head></head><body></body></html>",
            "<html><body></body></body></html>",
            "<html><head>text</head><body></body></html>",
            "<p id=a ID=b>x</p>",
            "<em><li>x</em>",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        assert_eq!(check("<p id=a class=b>x</p><p id=a class=b>y</p>"), Ok(()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), like in r#"(<(/)?(p|li|td|tr|table|b|svg|br|div|a|option)/?>|[<>!&"' a-c-]){0,24}"#) {
            check(&text).ok();
            check(&like).ok();
        }
    }
}
