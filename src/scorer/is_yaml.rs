//! Whether the output is YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Error as YamlError;

use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, yes_or_no},
        deep::on_large_stack,
    },
};

static CARD: Card = Card {
    name: "is_yaml",
    summary: "Whether the whole output is one YAML document.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "object_only",
            kind: "flag",
            default: "false",
            doc: "Only a mapping will do: no list.",
        },
        OptionCard {
            name: "scalar",
            kind: "flag",
            default: "false",
            doc: "A single value will do, such as a number or a sentence: to YAML, most prose is one.",
        },
    ],
    edge_cases: &[
        "Every JSON object and list is YAML.",
        "A code fence is not YAML; `extract: code_block` removes it.",
        "A key that occurs twice in one mapping makes it 0, as does a second document.",
        "Nothing at all is no document: 0.",
        "Output of over 4 MiB, nested over 100 levels deep, of over 250,000 nodes, or whose aliases \
         expand beyond reason is not scored.",
    ],
    source: "YAML 1.2 by the Rust crate `serde-saphyr` 2",
};

/// Largest output that is read.
const MAX_BYTES: usize = 4 << 20;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 100;

/// The kind.
#[derive(Debug)]
pub(super) struct IsYaml;

#[derive(Debug)]
struct Parses {
    object_only: bool,
    scalar: bool,
}

impl ScorerKind for IsYaml {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let (object_only, scalar) = (args.flag("object_only")?, args.flag("scalar")?);
        if object_only && scalar {
            return Err(args.error("scalar", "`object_only` allows mappings only"));
        }
        Ok(Built::pure(Parses { object_only, scalar }))
    }
}

/// What a document is at its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    Mapping,
    List,
    Scalar,
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TopVisitor)
    }
}

struct TopVisitor;

/// Scalars of all types, which are all the same here.
macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: serde::de::Error>(self, _: $type) -> Result<Top, E> { Ok(Top::Scalar) })*
    };
}

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML document")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128,
        visit_f64: f64, visit_str: &str, visit_bytes: &[u8]
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Top, E> {
        Ok(Top::Scalar)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Top, E> {
        Ok(Top::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Top, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Top, A::Error> {
        while items.next_element::<Inner>()?.is_some() {}
        Ok(Top::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Top, A::Error> {
        while entries.next_entry::<Inner, Inner>()?.is_some() {}
        Ok(Top::Mapping)
    }
}

/// A value further down, looked at like the top so that its keys are checked too.
struct Inner;

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Top::deserialize(from).map(|_| Self)
    }
}

impl Parses {
    /// What is wrong with `text`; `Err` when it cannot be looked at.
    fn problem(&self, text: &str) -> Result<Option<String>, String> {
        if text.len() > MAX_BYTES {
            let mib = MAX_BYTES >> 20;
            return Err(format!("has {} bytes; at most {mib} MiB are read as YAML", text.len()));
        }
        if text.starts_with("```") {
            let told = "it stands in a code fence; `extract: code_block` removes it";
            return Ok(Some(told.to_owned()));
        }
        if text.is_empty() {
            return Ok(Some("there is no document".to_owned()));
        }
        on_large_stack(|| self.look(text))
            .unwrap_or_else(|| Err("cannot be looked at: out of memory".to_owned()))
    }

    /// Reads `text`, calling itself for every level of it.
    fn look(&self, text: &str) -> Result<Option<String>, String> {
        let options = serde_saphyr::options! {
            with_snippet: false,
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
        };
        let top = match serde_saphyr::from_str_with_options::<Top>(text, options) {
            Ok(top) => top,
            Err(error) if is_limit(&error) => {
                return Err(one_line(&format!("cannot be looked at: {error}"), 200));
            }
            Err(error) => return Ok(Some(one_line(&format!("no YAML: {error}"), 200))),
        };
        let problem = match top {
            Top::Mapping | Top::List if is_indented_by_tab(text) => {
                "no YAML: a tab is no indentation"
            }
            Top::Scalar if !self.scalar => "a single value, which any sentence is",
            Top::List if self.object_only => "YAML, but no mapping",
            _ => return Ok(None),
        };
        Ok(Some(problem.to_owned()))
    }
}

/// Whether a tab stands before the first entry of a block, which the reader lets through. Before
/// `[` and `{` it may stand.
fn is_indented_by_tab(text: &str) -> bool {
    let is_content = |line: &&str| {
        let told = line.trim();
        !(told.is_empty() || told.starts_with('#') || line.starts_with('%') || told == "---")
    };
    let first = text.lines().find(is_content).unwrap_or_default();
    let content = first.trim_start_matches([' ', '\t']);
    first[..first.len() - content.len()].contains('\t') && !content.starts_with(['[', '{'])
}

/// Whether the text may be YAML, and is more than is looked at.
fn is_limit(error: &YamlError) -> bool {
    match error.without_snippet() {
        YamlError::AliasError { error, .. } => is_limit(error),
        YamlError::Budget { .. }
        | YamlError::AliasReplayCounterOverflow { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => true,
        other => other.to_string().contains("recursion limit"),
    }
}

impl Scorer for Parses {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(output) => without_blank_lines(output),
            Err(verdict) => return verdict,
        };
        match self.problem(text) {
            Ok(problem) => yes_or_no(problem.is_none(), || problem.unwrap_or_default()),
            Err(why) => Verdict::Failed(format!("the output {why}")),
        }
    }

    fn is_heavy(&self, _: &Subject<'_>) -> bool {
        true
    }
}

/// `text` without the blank lines around it. What indents its first line stays, as it matters.
fn without_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    let line = text[..blank].rfind('\n').map_or(0, |at| at + 1);
    &text[line..]
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> Result<Option<String>, String> {
        Parses { object_only: false, scalar: false }.problem(text)
    }

    #[test]
    fn what_means_harm_is_not_scored() {
        let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for i in 1..10 {
            let ten = vec![format!("*a{}", i - 1); 10].join(", ");
            writeln!(laughs, "a{i}: &a{i} [{ten}]").expect("a text grows");
        }
        let why = problem(&laughs).expect_err("a bomb");
        assert!(why.starts_with("cannot be looked at"), "{why}");
        for deep in ["[".repeat(10_000), "{a: ".repeat(10_000), "- ".repeat(10_000)] {
            let why = problem(&deep).expect_err("deep");
            assert!(why.starts_with("cannot be looked at"), "{why}");
        }
        let fine = "[".repeat(90) + &"]".repeat(90);
        assert_eq!(problem(&fine), Ok(None));
        assert!(problem(&"a: b\n".repeat(2 << 20)).is_err());
        let wide: String = (0..200_000).fold(String::new(), |text, i| text + &format!("k{i}: v\n"));
        assert!(problem(&wide).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), like in r#"[-:?&*!|>'"%@`#{}\[\], \na-c0-9]{0,40}"#) {
            for text in [text, like] {
                problem(text.trim()).ok();
            }
        }

        #[test]
        fn json_is_yaml(list in prop::collection::vec(any::<Option<i32>>(), 0..5), text in "[ -~]{0,9}") {
            let value = serde_json::json!({ "list": list, "text": text });
            prop_assert_eq!(problem(&value.to_string()), Ok(None));
        }
    }
}
