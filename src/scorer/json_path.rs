//! Whether what a path finds in the output is what it should be.

use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{
    base::text::one_line,
    domain::{sample::value_text, score::Verdict},
    extract::pattern::compile,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, alternatives, output, quoted, yes_or_no},
        json,
    },
};

static CARD: Card = Card {
    name: "json_path",
    summary: "Whether the value at a path of the output's JSON equals, matches or exists.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "path",
            kind: "text",
            default: "needed",
            doc: "The JSONPath, such as `$.items[0].name`.",
        },
        OptionCard {
            name: "equals",
            kind: "any value",
            default: "the expected answers",
            doc: "The value that must be there.",
        },
        OptionCard {
            name: "matches",
            kind: "text",
            default: "none",
            doc: "A regular expression that must match in the value's text, instead of `equals`.",
        },
        OptionCard {
            name: "exists",
            kind: "flag",
            default: "none",
            doc: "Whether there must be anything at the path, or nothing, instead of `equals`.",
        },
        OptionCard {
            name: "all",
            kind: "flag",
            default: "false",
            doc: "Every value that the path finds must fit, and there must be one; else one suffices.",
        },
    ],
    edge_cases: &[
        "`equals` compares by value: `1` is `1.0`, the order of keys does not matter, `1` is not \
         `\"1\"`.",
        "An expected answer fits a text that is the same, and any value that it is as JSON.",
        "A null at the path exists.",
        "`matches` sees a text as it is, other values as JSON.",
        "Output that is no JSON gets 0, also with `exists: false`; a code fence is no JSON, \
         `extract: code_block` removes it.",
        "Output of over 4 MiB or nested over 127 levels deep is not scored, nor is output that is \
         too large for a path with several `..`, or with a filter that searches.",
    ],
    source: "RFC 9535 by the Rust crate `serde_json_path` 0.7",
};

/// Longest path, in bytes.
const MAX_PATH: usize = 1_000;

/// Parentheses within each other in a path: what reads it goes back and forth between them.
const MAX_PARENTHESES: usize = 5;

/// Values that a path may look at.
const MAX_LOOKS: f64 = 5e7;

/// The kind.
#[derive(Debug)]
pub(super) struct JsonPathMatch;

#[derive(Debug)]
struct At {
    path: JsonPath,
    effort: Effort,
    wanted: Wanted,
    all: bool,
}

#[derive(Debug)]
enum Wanted {
    Expected,
    Equal(Value),
    Match(Regex, String),
    Exists(bool),
}

/// What a path costs, by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effort {
    /// Segments that search all levels.
    descents: u32,
    /// Filters, each of which looks into every child.
    filters: u32,
    /// Whether a filter itself searches.
    searching_filter: bool,
}

impl Effort {
    fn of(path: &str) -> Self {
        let (mut plain, mut quote, mut escaped) = (String::new(), None, false);
        for c in path.chars() {
            match (quote, c) {
                (Some(_), _) if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, c) => plain.push(c),
            }
        }
        let filter = plain.find('?').map_or("", |at| &plain[at..]);
        Self {
            descents: plain.matches("..").count() as u32,
            filters: plain.matches('?').count() as u32,
            searching_filter: filter.contains("..") || filter.contains('*'),
        }
    }

    /// Values that are looked at in a document of so many values, nested so deep.
    fn looks(self, values: usize, depth: usize) -> f64 {
        // Each further descent finds a value once for every level above it.
        let descents = self.descents.saturating_sub(1).cast_signed();
        let again = (depth as f64).powi(descents);
        let filters = if self.searching_filter {
            (values as f64).powi(self.filters.cast_signed())
        } else {
            f64::from(self.filters + 1)
        };
        values as f64 * again * filters
    }
}

fn compiled(path: &str) -> Result<JsonPath, String> {
    if path.len() > MAX_PATH {
        return Err(format!("is longer than {MAX_PATH} bytes"));
    }
    let mut open = 0_usize;
    let mut deepest = 0;
    for c in path.chars() {
        match c {
            '(' | '[' => open += 1,
            ')' | ']' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    if deepest > MAX_PARENTHESES || path.contains("!!!") {
        return Err(format!("has over {MAX_PARENTHESES} parentheses within each other"));
    }
    JsonPath::parse(path).map_err(|error| one_line(&format!("bad path: {error}"), 200))
}

impl ScorerKind for JsonPathMatch {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let written = args.text("path")?.ok_or_else(|| args.error("path", "is needed"))?;
        let path = compiled(written).map_err(|why| args.error("path", why))?;
        let (equals, matches, exists) =
            (args.value("equals"), args.text("matches")?, args.switch("exists")?);
        let wanted = match (equals, matches, exists) {
            (None, None, None) => Wanted::Expected,
            (Some(value), None, None) => Wanted::Equal(value.clone()),
            (None, Some(pattern), None) => {
                let regex = compile(pattern, false).map_err(|why| args.error("matches", why))?;
                Wanted::Match(regex, pattern.to_owned())
            }
            (None, None, Some(exists)) => Wanted::Exists(exists),
            _ => {
                let message = "write one of `equals`, `matches` and `exists`";
                return Err(args.error("equals", message));
            }
        };
        let all = args.flag("all")?;
        Ok(Built::pure(At { path, effort: Effort::of(written), wanted, all }))
    }
}

/// How many values there are in `value`.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Whether `value` is what an expected answer says.
fn says(expected: &str, value: &Value) -> bool {
    value_text(value) == expected
        || (!value.is_string()
            && json::read(expected).is_ok_and(|wanted| json::same(&wanted, value)))
}

impl Scorer for At {
    fn needs_expected(&self) -> bool {
        matches!(self.wanted, Wanted::Expected)
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match &self.wanted {
            Wanted::Expected => match accepted(subject) {
                Ok(expected) => expected,
                Err(verdict) => return verdict,
            },
            _ => &[],
        };
        let value = match output(subject)
            .and_then(|output| json::read(output).map_err(json::Unread::verdict))
        {
            Ok(value) => value,
            Err(verdict) => return verdict,
        };
        let depth = json::value_depth(&value).unwrap_or(json::MAX_DEPTH);
        if self.effort.looks(count(&value), depth) > MAX_LOOKS {
            return Verdict::Failed("the output is too large for this path".to_owned());
        }
        let found = self.path.query(&value).all();
        let fits = |value: &Value| match &self.wanted {
            Wanted::Expected => expected.iter().any(|expected| says(expected, value)),
            Wanted::Equal(wanted) => json::same(wanted, value),
            Wanted::Match(regex, _) => regex.is_match(&value_text(value)),
            Wanted::Exists(_) => true,
        };
        if let Wanted::Exists(wanted) = self.wanted {
            return yes_or_no(found.is_empty() != wanted, || match found.first() {
                None => "there is nothing at the path".to_owned(),
                Some(value) => format!("{} is at the path", quoted(&value.to_string())),
            });
        }
        let passed = if self.all {
            !found.is_empty() && found.iter().all(|value| fits(value))
        } else {
            found.iter().any(|value| fits(value))
        };
        yes_or_no(passed, || {
            let wanted = match &self.wanted {
                Wanted::Equal(value) => quoted(&value.to_string()),
                Wanted::Match(_, pattern) => format!("a match of {}", quoted(pattern)),
                _ => alternatives(expected),
            };
            let odd = found.iter().find(|value| !fits(value));
            match odd.or(found.first()) {
                None => format!("expected {wanted}, and there is nothing at the path"),
                Some(value) => format!("expected {wanted}, got {}", quoted(&value.to_string())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_path_costs_is_seen_in_it() {
        let check = |path: &str, descents, filters, searching_filter| {
            assert_eq!(Effort::of(path), Effort { descents, filters, searching_filter }, "{path}");
        };
        check("$.a['..?']", 0, 0, false);
        check("$..a..b", 2, 0, false);
        check("$.a[?@.b == \"..\"]", 0, 1, false);
        check("$.a[?@..b]", 1, 1, true);
        assert!(Effort::of("$..*..*..*..*").looks(10_000, 100) > MAX_LOOKS);
        assert!(Effort::of("$..a").looks(2_000_000, 100) < MAX_LOOKS);
    }

    #[test]
    fn paths_that_would_take_for_ever_to_read_are_refused() {
        assert!(compiled(&"$".repeat(2_000)).is_err());
        let deep = |n: usize| format!("$[?{}@.a==1{}]", "(".repeat(n), ")".repeat(n));
        assert!(compiled(&deep(3)).is_ok());
        assert!(compiled(&deep(30)).is_err());
        assert!(compiled(&format!("$[?{}@.a]", "!".repeat(900))).is_err());
        assert!(compiled(&format!("$[?@.a{}]", " && @.a".repeat(120))).is_ok());
    }

    proptest! {
        #[test]
        fn no_path_panics(path in r"\$[\[\]()?@.*'a0-9:, !=<&|-]{0,24}") {
            if let Ok(path) = compiled(&path) {
                let value: Value = serde_json::json!({"a": [1, {"a": "0"}], "0": null});
                path.query(&value).all();
            }
        }
    }
}
