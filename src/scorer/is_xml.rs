//! Whether the output is well-formed XML.

use roxmltree::{Document, Error, ParsingOptions};

use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{alternatives, output, quoted, yes_or_no},
    },
};

static CARD: Card = Card {
    name: "is_xml",
    summary: "Whether the whole output is a well-formed XML document.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "root",
            kind: "text",
            default: "any",
            doc: "The name of the root element.",
        },
        OptionCard {
            name: "elements",
            kind: "text or list of texts",
            default: "none",
            doc: "Elements that must be there, as paths of names from the root: `order/item`.",
        },
        OptionCard {
            name: "fragment",
            kind: "flag",
            default: "false",
            doc: "Several elements beside each other will do, with text between them; there must be \
                  one at least.",
        },
    ],
    edge_cases: &[
        "White space around the document is allowed; a code fence is not, `extract: code_block` \
         removes it.",
        "Names of elements are compared without their namespace prefix. A prefix must be declared.",
        "A document type declaration makes it 0: it could define entities that expand without end, \
         and none is read. No external file is ever read.",
        "Nothing is validated against a schema.",
        "Output of over 4 MiB, nested over 500 levels deep, of over a million nodes or with over 1,000 \
         attributes in one tag is not scored.",
    ],
    source: "XML 1.0 and Namespaces in XML 1.0 by the Rust crate `roxmltree` 0.21",
};

/// Largest output that is read.
const MAX_BYTES: usize = 4 << 20;

/// Deepest nesting of elements that is read.
const MAX_DEPTH: usize = 500;

/// Most attributes of a tag: the reader compares each with all others.
const MAX_ATTRIBUTES: usize = 1_000;

/// Most nodes of a document.
const MAX_NODES: u32 = 1_000_000;

/// The kind.
#[derive(Debug)]
pub(super) struct IsXml;

#[derive(Debug)]
struct WellFormed {
    root: Option<String>,
    elements: Vec<String>,
    fragment: bool,
}

impl ScorerKind for IsXml {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let elements = args.texts("elements")?.unwrap_or_default();
        let is_path = |path: &String| path.split('/').all(|name| !name.trim().is_empty());
        if let Some(bad) = elements.iter().find(|path| !is_path(path)) {
            return Err(args.error(
                "elements",
                format!("{} is no path of names such as `order/item`", quoted(bad)),
            ));
        }
        let (root, fragment) = (args.text("root")?.map(str::to_owned), args.flag("fragment")?);
        if fragment && root.is_some() {
            return Err(args.error("root", "a fragment has no root"));
        }
        Ok(Built::pure(WellFormed { root, elements, fragment }))
    }
}

/// What begins such a part of `text` as holds no tags, with what ends it.
fn opaque(text: &str) -> Option<&'static str> {
    let parts = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
    parts.iter().find(|(open, _)| text.starts_with(open)).map(|(_, end)| *end)
}

/// How deep tags stand within each other, and how many attributes one has, at most: up to where
/// `text` is no XML.
fn extent(text: &str) -> (usize, usize) {
    let (mut at, mut in_tag, mut count, mut most) = (0, false, 0, 0);
    let (mut depth, mut deepest) = (0_usize, 0);
    let after =
        |at: usize, end: &str| text[at..].find(end).map_or(text.len(), |n| at + n + end.len());
    while let Some(found) = text[at..].find(['<', '>', '"', '\'']) {
        let mark = at + found;
        at = mark + 1;
        match text.as_bytes()[mark] {
            b'<' => match (opaque(&text[mark..]), text.as_bytes().get(at)) {
                (Some(end), _) => at = after(at, end),
                (None, next) => {
                    (in_tag, count) = (true, 0);
                    if next == Some(&b'/') {
                        depth = depth.saturating_sub(1);
                    } else {
                        depth += 1;
                        deepest = deepest.max(depth);
                    }
                }
            },
            b'>' => {
                // A tag that ends itself holds nothing.
                if in_tag && text.as_bytes()[mark - 1] == b'/' {
                    depth = depth.saturating_sub(1);
                }
                in_tag = false;
            }
            _ if in_tag => {
                count += 1;
                most = most.max(count);
                at = after(at, &text[mark..=mark]);
            }
            _ => {}
        }
    }
    (deepest, most)
}

/// What the reader lets through in well-formed XML and the standards do not: references to
/// characters that are none, and prefixes bound to nothing.
fn what_is_let_through(text: &str) -> Option<&'static str> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        rest = &rest[at..];
        if let Some(end) = opaque(rest) {
            rest = rest.split_once(end).map_or("", |(_, after)| after);
            continue;
        }
        if let Some(reference) = rest.strip_prefix("&#") {
            let digits = reference.split(';').next().unwrap_or_default();
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            if code.ok().and_then(char::from_u32).is_none() {
                return Some("a reference to a character that there is not");
            }
        } else if rest.starts_with('<') && has_unbound_prefix(rest) {
            return Some("a prefix is bound to no namespace");
        }
        rest = &rest[1..];
    }
    None
}

/// Whether the tag that `text` begins with has an attribute such as `xmlns:x=""`.
fn has_unbound_prefix(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['>', '"', '\'']) {
        let (name, value) = rest.split_at(at);
        let quote = &value[..1];
        let Some((value, after)) = value[1..].split_once(quote).filter(|_| quote != ">") else {
            return false;
        };
        let name = name.trim_end().trim_end_matches('=').trim_end();
        let name = name.rsplit([' ', '\t', '\n', '\r']).next().unwrap_or_default();
        if value.is_empty() && name.starts_with("xmlns:") {
            return true;
        }
        rest = after;
    }
    false
}

impl WellFormed {
    /// What is wrong with `text`; `Err` when it cannot be looked at.
    fn problem(&self, text: &str) -> Result<Option<String>, String> {
        if text.len() > MAX_BYTES {
            let mib = MAX_BYTES >> 20;
            return Err(format!("has {} bytes; at most {mib} MiB are read as XML", text.len()));
        }
        let (depth, attributes) = extent(text);
        if depth > MAX_DEPTH {
            return Err(format!("is nested over {MAX_DEPTH} levels deep"));
        }
        if attributes > MAX_ATTRIBUTES {
            return Err(format!("has a tag of over {MAX_ATTRIBUTES} attributes"));
        }
        let wrapped;
        let document = if self.fragment {
            if text.contains("<?xml") || text.contains("<!DOCTYPE") {
                return Ok(Some("a fragment has no declaration".to_owned()));
            }
            wrapped = format!("<fragment>{text}</fragment>");
            wrapped.as_str()
        } else {
            text
        };
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = match Document::parse_with_options(document, options) {
            Ok(document) => document,
            Err(Error::NodesLimitReached) => return Err(format!("has over {MAX_NODES} nodes")),
            Err(_) if text.starts_with("```") => {
                let told = "it stands in a code fence; `extract: code_block` removes it";
                return Ok(Some(told.to_owned()));
            }
            Err(error) => return Ok(Some(one_line(&format!("no XML: {error}"), 200))),
        };
        if let Some(why) = what_is_let_through(document.input_text()) {
            return Ok(Some(format!("no XML: {why}")));
        }
        let root = document.root_element();
        // The wrapping closed early and opened anew is two roots, which is no document.
        if self.fragment && !root.children().any(|node| node.is_element()) {
            return Ok(Some("there is no element".to_owned()));
        }
        let name = root.tag_name().name();
        if let Some(wanted) = self.root.as_deref().filter(|wanted| *wanted != name) {
            return Ok(Some(format!("the root is {}, not {}", quoted(name), quoted(wanted))));
        }
        let missing: Vec<String> =
            self.elements.iter().filter(|path| !self.has(&document, path)).cloned().collect();
        Ok((!missing.is_empty()).then(|| format!("there is no element {}", alternatives(&missing))))
    }

    fn has(&self, document: &Document<'_>, path: &str) -> bool {
        let mut at = vec![if self.fragment { document.root_element() } else { document.root() }];
        for name in path.split('/').map(str::trim) {
            at = at
                .iter()
                .flat_map(roxmltree::Node::children)
                .filter(|node| node.is_element() && node.tag_name().name() == name)
                .collect();
        }
        !at.is_empty()
    }
}

impl Scorer for WellFormed {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(output) => output.trim(),
            Err(verdict) => return verdict,
        };
        match self.problem(text) {
            Ok(problem) => yes_or_no(problem.is_none(), || problem.unwrap_or_default()),
            Err(why) => Verdict::Failed(format!("the output {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain() -> WellFormed {
        WellFormed { root: None, elements: Vec::new(), fragment: false }
    }

    #[test]
    fn what_means_harm_is_refused() {
        let laughs: String = (1..10).fold(String::new(), |text, i| {
            text + &format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10))
        });
        let bomb = format!("<!DOCTYPE x [<!ENTITY l0 \"lol\">{laughs}]><x>&l9;</x>");
        let problem = plain().problem(&bomb).expect("looked at").expect("a problem");
        assert!(problem.contains("DTD"), "{problem}");
        let deep = "<a>".repeat(10_000) + &"</a>".repeat(10_000);
        assert_eq!(plain().problem(&deep), Err("is nested over 500 levels deep".to_owned()));
        let fine = "<a>".repeat(MAX_DEPTH) + &"</a>".repeat(MAX_DEPTH);
        assert_eq!(plain().problem(&fine), Ok(None));
        assert!(plain().problem(&format!("<a>{}</a>", " ".repeat(10 << 20))).is_err());
        let flat = format!("<a>{}</a>", "<b/>x".repeat(600_000));
        assert!(plain().problem(&flat).is_err());
        let attributes = |n: usize| {
            let list = (0..n).fold(String::new(), |text, i| text + &format!(" a{i}='>'"));
            plain().problem(&format!("<!-- don't --><a{list}/>"))
        };
        assert_eq!(attributes(MAX_ATTRIBUTES), Ok(None));
        assert!(attributes(MAX_ATTRIBUTES + 1).is_err());
        for open in ["<", "<a ", "<!--", "<![CDATA[", "<a b='", "&", "<?a "] {
            let text = format!("<r>{}", open.repeat(100_000));
            assert_ne!(plain().problem(&text), Ok(None), "{open}");
        }
    }

    #[test]
    fn what_looks_like_a_reference_is_none() {
        let check = |text: &str, fine: bool| {
            let problem = plain().problem(text).expect("looked at");
            assert_eq!(problem.is_none(), fine, "{text}: {problem:?}");
        };
        check("<a><!-- &#xD800; --><![CDATA[&#x110000; <b xmlns:x=''>]]><?p &#0;?></a>", true);
        check("<a>&#xD7FF;&#xE000;&#x10FFFF;</a>", true);
        check("<a b='&#xDFFF;'/>", false);
        check("<a b='x' xmlns:x = ''/>", false);
        check("<a xmlns='' b='xmlns:x=\"\"'/>", true);
        check("<a xmlns:x='u'><b x:c=''/></a>", true);
        check(&format!("<a>{}</a>", "<b c='>'/>".repeat(MAX_DEPTH + 9)), true);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), like in r#"[<>/a-c="' !&;?\[\]\-]{0,40}"#) {
            for text in [text, like] {
                for fragment in [true, false] {
                    let scorer = WellFormed { root: None, elements: vec!["a/b".into()], fragment };
                    scorer.problem(&text).ok();
                }
            }
        }
    }
}
