//! Whether the output matches a pattern.

use regex::Regex;

use crate::{
    domain::score::Verdict,
    extract::pattern::{compile, compile_full},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, alternatives, output, quoted, yes_or_no},
    },
};

static CARD: Card = Card {
    name: "regex",
    summary: "Whether the output matches a regular expression.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "pattern",
            kind: "text",
            default: "the expected answers, each a pattern",
            doc: "The regular expression.",
        },
        OptionCard {
            name: "ignore_case",
            kind: "flag",
            default: "false",
            doc: "Letters match in either case.",
        },
        OptionCard {
            name: "full",
            kind: "flag",
            default: "false",
            doc: "The pattern must match the whole output instead of a part of it.",
        },
    ],
    edge_cases: &[
        "`.` does not match line feeds, `^` and `$` are the ends of the output; `(?s)` and `(?m)` \
         change that.",
        "There are no look-arounds and no back-references; no pattern can take exponential time.",
        "An expected answer that is no pattern is a failure of the scorer, unless another matches.",
    ],
    source: "the syntax of the Rust crate `regex` 1",
};

/// The kind.
#[derive(Debug)]
pub(super) struct RegexMatch;

#[derive(Debug)]
struct Matcher {
    fixed: Option<(Regex, [String; 1])>,
    ignore_case: bool,
    full: bool,
}

impl ScorerKind for RegexMatch {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let (ignore_case, full) = (args.flag("ignore_case")?, args.flag("full")?);
        let mut matcher = Matcher { fixed: None, ignore_case, full };
        if let Some(pattern) = args.text("pattern")? {
            let regex = matcher.compile(pattern).map_err(|why| args.error("pattern", why))?;
            matcher.fixed = Some((regex, [pattern.to_owned()]));
        }
        Ok(Built::pure(matcher))
    }
}

impl Matcher {
    fn compile(&self, pattern: &str) -> Result<Regex, String> {
        if self.full {
            return compile_full(pattern, self.ignore_case);
        }
        compile(pattern, self.ignore_case)
    }
}

impl Scorer for Matcher {
    fn needs_expected(&self) -> bool {
        self.fixed.is_none()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let no_match = |patterns, output| {
            format!("no match of {} in {}", alternatives(patterns), quoted(output))
        };
        if let Some((regex, pattern)) = &self.fixed {
            return match output(subject) {
                Ok(output) => yes_or_no(regex.is_match(output), || no_match(pattern, output)),
                Err(verdict) => verdict,
            };
        }
        let (patterns, output) = match accepted(subject).and_then(|p| Ok((p, output(subject)?))) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let mut broken = None;
        for pattern in patterns {
            match self.compile(pattern) {
                Ok(regex) if regex.is_match(output) => return yes_or_no(true, String::new),
                Ok(_) => {}
                Err(why) => broken = broken.or(Some((pattern, why))),
            }
        }
        match broken {
            Some((pattern, why)) => {
                Verdict::Failed(format!("expected {} is no pattern: {why}", quoted(pattern)))
            }
            None => yes_or_no(false, || no_match(patterns, output)),
        }
    }
}
