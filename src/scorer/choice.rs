//! Which option of a multiple-choice question the output picks.

use serde_json::Value;

use crate::{
    domain::{
        sample::{Vars, value_text},
        score::{Score, Verdict},
    },
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, output, quoted},
        letter::{self, Pick},
    },
};

/// The letters when nothing tells how many options there are.
const LETTERS: &str = "ABCDEFGHIJ";

static CARD: Card = Card {
    name: "choice",
    summary: "Whether the output picks the expected option of a multiple-choice question.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "choices",
            kind: "column or list of columns",
            default: "the column `choices`, where there is one",
            doc: "Where the options' texts stand: a column with a list, or a column for each.",
        },
        OptionCard {
            name: "letters",
            kind: "text: ABCD",
            default: "as many as there are options, else A to J",
            doc: "The letters on offer.",
        },
        OptionCard {
            name: "index",
            kind: "0 or 1",
            default: "none: a letter or an option's text",
            doc: "The expected answer is the number of an option, counted from this.",
        },
    ],
    edge_cases: &[
        "Read are `B`, `(B)`, `b)`, `B.`, `**B**`, `B) Paris`, `Answer: B`, `The answer is (B) because`, \
         `\\boxed{B}`, `答案是B` and the like; where options are known, the text of one of them too.",
        "What is stated as the answer goes before letters that only occur, and of several statements \
         the last one counts.",
        "The label is the letter. `ambiguous` says that the output picks several or may mean an \
         article, `none` that it picks nothing; both score 0, and neither is guessed at.",
        "`The answer is a dog` and `The answer is A dog` pick no letter; `The answer is A because` does.",
        "An expected answer that is no option on offer is a failure of the scorer, unless another is.",
        "A letter behind the last option, such as E of four, is no pick.",
    ],
    source: "our own rules; no reference reads all of these",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Choice;

#[derive(Debug)]
struct Options {
    columns: Option<Vec<String>>,
    letters: Option<Vec<char>>,
    index: Option<u64>,
}

impl ScorerKind for Choice {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let columns = args.texts("choices")?;
        let letters: Option<Vec<char>> = args.text("letters")?.map(|text| text.chars().collect());
        if let Some(letters) = &letters {
            let plain = letters.iter().all(char::is_ascii_uppercase);
            let once = |(at, letter): (usize, &char)| !letters[..at].contains(letter);
            if letters.len() < 2 || !plain || !letters.iter().enumerate().all(once) {
                return Err(args.error("letters", "must be two or more different letters: `ABCD`"));
            }
        }
        let index = args.number("index", 0.0, 1.0)?;
        if index.is_some_and(|index| index.fract() > 0.0) {
            return Err(args.error("index", "must be 0 or 1"));
        }
        Ok(Built::pure(Options { columns, letters, index: index.map(|index| index as u64) }))
    }
}

/// The texts in a column: those of a list, also of one written as JSON, or the only one.
fn listed(value: &Value) -> Vec<String> {
    let parsed: Option<Vec<Value>> = value
        .as_str()
        .filter(|text| text.trim_start().starts_with('['))
        .and_then(|text| serde_json::from_str(text).ok());
    match (value.as_array(), parsed) {
        (Some(items), _) => items.iter().map(value_text).collect(),
        (None, Some(items)) => items.iter().map(value_text).collect(),
        (None, None) => vec![value_text(value)],
    }
}

impl Options {
    fn texts(&self, vars: &Vars) -> Result<Vec<String>, Verdict> {
        let Some(columns) = &self.columns else {
            return Ok(vars
                .get("choices")
                .filter(|v| v.is_array())
                .map(listed)
                .unwrap_or_default());
        };
        let mut texts = Vec::new();
        for column in columns {
            match vars.get(column) {
                Some(Value::Null) => {}
                Some(value) => texts.extend(listed(value)),
                None => {
                    let column = quoted(column);
                    return Err(Verdict::Failed(format!("the row has no column {column}")));
                }
            }
        }
        Ok(texts)
    }

    /// The option that `expected` is.
    fn resolve(&self, expected: &str, letters: &[char], texts: &[String]) -> Option<char> {
        if let Some(first) = self.index {
            let number: u64 = expected.trim().parse().ok()?;
            let at = usize::try_from(number.checked_sub(first)?).ok()?;
            return letters.get(at).copied();
        }
        let same = |text: &String| letter::plain(text) == letter::plain(expected);
        if let Some(at) = texts.iter().position(|text| text.trim() == expected.trim()) {
            return letters.get(at).copied();
        }
        letter::bare(expected, letters)
            .or_else(|| texts.iter().position(same).and_then(|at| letters.get(at).copied()))
    }
}

impl Scorer for Options {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let (expected, output) = match accepted(subject).and_then(|e| Ok((e, output(subject)?))) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let texts = match self.texts(&subject.sample.vars) {
            Ok(texts) => texts,
            Err(verdict) => return verdict,
        };
        let count = if texts.is_empty() { LETTERS.len() } else { texts.len() };
        let letters = self.letters.clone().unwrap_or_else(|| ('A'..='Z').take(count).collect());
        let right: Vec<char> =
            expected.iter().filter_map(|text| self.resolve(text, &letters, &texts)).collect();
        if right.is_empty() {
            let text = quoted(&expected[0]);
            return Verdict::Failed(format!("the expected answer {text} is no option on offer"));
        }
        let pick = letter::pick(output, &letters, &texts);
        let (label, passed) = match pick {
            Pick::One(letter) => (letter.to_string(), right.contains(&letter)),
            Pick::Several => ("ambiguous".to_owned(), false),
            Pick::None => ("none".to_owned(), false),
        };
        let score = Score { label: Some(label.clone()), ..Score::binary(passed) };
        let right: Vec<String> = right.iter().map(char::to_string).collect();
        let expected = right.join(" or ");
        Verdict::Scored(match pick {
            _ if passed => score,
            Pick::One(_) => score.because(format!("expected {expected}, picked {label}")),
            Pick::Several => {
                score.because(format!("it is not clear what {} picks", quoted(output)))
            }
            Pick::None => score.because(format!("{} picks no option", quoted(output))),
        })
    }
}
