//! Whether the output ends in the expected mathematical answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, alternatives, output, quoted},
        latex,
    },
};

/// Longest answer that is shown as label, in characters.
const LABEL: usize = 80;

static CARD: Card = Card {
    name: "math",
    summary: "Whether the final answer of the output is mathematically the expected one.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OptionCard {
        name: "find",
        kind: "answer, boxed or whole",
        default: "answer",
        doc: "Where the answer stands: `boxed` in the last `\\boxed{}` only; `whole` is the whole \
              output; `answer` in the last `\\boxed{}`, else behind the last `answer is` or \
              `Answer:`, else the last formula in dollars of the last line, else that line.",
    }],
    edge_cases: &[
        "The label is the answer that was found. In an expected answer `\\boxed{}` counts as well, so \
         that whole solutions will do.",
        "What the checker of MATH takes for the same text is the same: spaces, `\\left`, `\\dfrac`, \
         degrees, dollar and percent signs, units behind in `\\text{ cm}`, `x =` in front.",
        "Then values are compared exactly: fractions, decimals, mixed numbers, repeating decimals, \
         square and other roots, powers, factorials, binomials, and sums and quotients of symbols by \
         multiplying out: `(x+1)^2` is `x^2+2x+1`, `\\frac{1}{\\sqrt2}` is `\\frac{\\sqrt2}{2}`.",
        "Tuples and intervals need the same brackets and order; sets, unions, `\\pm` and lists with \
         commas are the same in any order; matrices and chains of relations side by side.",
        "`50\\%` is 50 and 0.5. A rounded decimal is not the fraction: 0.333 is not `\\frac13`.",
        "Not claimed: identities of functions (`\\sin^2 x + \\cos^2 x`), nested roots, solving, cancelling \
         common factors of matrices; what is not understood is compared as text.",
        "An answer beyond 4,000 bytes is compared as text; an expected answer of which nothing is left \
         is a failure of the scorer.",
    ],
    source: "`is_equiv` of MATH (Hendrycks et al. 2021) and the normalisation of Minerva (Lewkowycz et \
             al. 2022), as in lm-eval 0.4.9.1, with exact arithmetic in place of SymPy",
};

static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:answer|result)\b(?: is| was| must be|:| =)+\s*:?\s*").ok()
});

/// The kind.
#[derive(Debug)]
pub(super) struct Math;

#[derive(Debug, Clone, Copy)]
enum Find {
    Answer,
    Boxed,
    Whole,
}

#[derive(Debug)]
struct Equivalent(Find);

impl ScorerKind for Math {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let find = match args.name("find", &["answer", "boxed", "whole"])? {
            Some("boxed") => Find::Boxed,
            Some("whole") => Find::Whole,
            _ => Find::Answer,
        };
        Ok(Built::pure(Equivalent(find)))
    }
}

/// The answer that `text` states.
fn stated(text: &str) -> &str {
    if let Some(at) = STATED.as_ref().and_then(|stated| stated.find_iter(text).last()) {
        let line = text[at.end()..].lines().next().unwrap_or_default();
        return formula(line.split(". ").next().unwrap_or(line)).trim();
    }
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    formula(line).trim()
}

/// The last formula in dollars on a line, else the line.
fn formula(line: &str) -> &str {
    let line = line.trim();
    let mut parts: Vec<&str> = line.split('$').collect();
    // Formulas stand at the odd places; an even count of parts is a sign that means money.
    if parts.len() < 3 || parts.len().is_multiple_of(2) {
        return line;
    }
    parts.pop();
    parts.pop().filter(|part| !part.trim().is_empty()).unwrap_or(line)
}

impl Equivalent {
    fn answer<'a>(&self, output: &'a str) -> Option<&'a str> {
        match self.0 {
            Find::Boxed => latex::boxed(output),
            Find::Whole => Some(output.trim()),
            Find::Answer => Some(latex::boxed(output).unwrap_or_else(|| stated(output))),
        }
    }
}

impl Scorer for Equivalent {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let (expected, output) = match accepted(subject).and_then(|e| Ok((e, output(subject)?))) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let wanted: Vec<String> = expected
            .iter()
            .map(|text| latex::boxed(text).unwrap_or(text).trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect();
        if wanted.is_empty() {
            return Verdict::Failed("the expected answer is empty".to_owned());
        }
        let Some(answer) = self.answer(output).filter(|answer| !answer.is_empty()) else {
            let why = format!("no answer in {}", quoted(output));
            return Verdict::Scored(Score::binary(false).because(why));
        };
        let passed = wanted.iter().any(|text| latex::equivalent(text, answer));
        let score = Score { label: Some(one_line(answer, LABEL)), ..Score::binary(passed) };
        Verdict::Scored(if passed {
            score
        } else {
            score.because(format!("expected {}, got {}", alternatives(&wanted), quoted(answer)))
        })
    }
}
