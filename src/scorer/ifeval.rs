//! Whether the output follows the verifiable instructions of its prompt.

use serde_json::{Map, Value};

use crate::{
    domain::{
        sample::Vars,
        score::{Score, Verdict},
    },
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::output,
        instruction::{IDS, Instruction},
        python_text,
    },
};

/// Most instructions of one prompt.
const MAX_INSTRUCTIONS: usize = 100;

static CARD: Card = Card {
    name: "ifeval",
    summary: "Whether the output follows the verifiable instructions of its prompt.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "level",
            kind: "prompt or instruction",
            default: "prompt",
            doc: "`prompt` is 1 when all instructions are followed, else 0; `instruction` is the \
                  share that is.",
        },
        OptionCard {
            name: "mode",
            kind: "strict or loose",
            default: "strict",
            doc: "`loose` also looks at the output without its first line, its last line or both, and \
                  without asterisks; an instruction that one of these follows is followed.",
        },
        OptionCard {
            name: "instructions",
            kind: "column",
            default: "instruction_id_list",
            doc: "The column with the list of ids, such as `punctuation:no_comma`.",
        },
        OptionCard {
            name: "kwargs",
            kind: "column",
            default: "kwargs",
            doc: "The column with the list of arguments, a mapping for each id.",
        },
    ],
    edge_cases: &[
        "The 25 types of google/IFEval are known; lists may also be written as JSON text.",
        "An id that is unknown, an argument that is missing or makes no sense is a failure of the \
         scorer; the reference draws such an argument at random.",
        "The mean of level `instruction` weighs every prompt alike; the paper divides the sum of \
         followed instructions by the sum of all.",
        "Languages are told by other means than `langdetect`: see `language`. A text without letters \
         is in any language, as in the reference; short texts and texts in capitals may differ.",
        "Sentences are parted by the rules of Punkt with short lists in place of its trained tables: \
         counts differ behind rare abbreviations and names.",
        "Keywords are patterns, as in the reference; look-arounds are not, and fail.",
        "`NaN` and `Infinity` are no JSON here; Python takes them for it.",
    ],
    source: "Zhou et al. 2023 (arXiv 2311.07911), as in lm-eval 0.4.9.1 with nltk 3.10.4",
};

/// The kind.
#[derive(Debug)]
pub(super) struct IfEval;

#[derive(Debug)]
struct Follows {
    by_share: bool,
    loose: bool,
    ids: String,
    kwargs: String,
}

impl ScorerKind for IfEval {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let column =
            |name, usual: &str| args.text(name).map(|written| written.unwrap_or(usual).to_owned());
        Ok(Built::pure(Follows {
            by_share: args.name("level", &["prompt", "instruction"])? == Some("instruction"),
            loose: args.name("mode", &["strict", "loose"])? == Some("loose"),
            ids: column("instructions", "instruction_id_list")?,
            kwargs: column("kwargs", "kwargs")?,
        }))
    }
}

/// The list in a column, also one that is written as JSON.
fn list(vars: &Vars, column: &str) -> Result<Vec<Value>, String> {
    let value = vars.get(column).ok_or_else(|| format!("the row has no column `{column}`"))?;
    let parsed = match value {
        Value::Array(items) => Some(items.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    let items = parsed.ok_or_else(|| format!("the column `{column}` holds no list"))?;
    if items.len() > MAX_INSTRUCTIONS {
        return Err(format!("the column `{column}` has more than {MAX_INSTRUCTIONS} entries"));
    }
    Ok(items)
}

/// The output, and with `loose` what it is without its ends and asterisks.
fn variants(text: &str, loose: bool) -> Vec<String> {
    let mut variants = vec![text.to_owned()];
    if loose {
        let first = text.find('\n');
        let last = text.rfind('\n');
        let behind = first.map_or("", |at| &text[at + 1..]);
        let ahead = last.map_or("", |at| &text[..at]);
        let between = match (first, last) {
            (Some(first), Some(last)) if first < last => &text[first + 1..last],
            _ => "",
        };
        variants.extend([behind, ahead, between].map(|part| python_text::strip(part).to_owned()));
        let bare: Vec<String> = variants.iter().map(|text| text.replace('*', "")).collect();
        variants.extend(bare);
    }
    variants.retain(|text| !python_text::strip(text).is_empty());
    variants
}

impl Follows {
    fn instructions(&self, vars: &Vars) -> Result<Vec<(&'static str, Instruction)>, String> {
        let (ids, kwargs) = (list(vars, &self.ids)?, list(vars, &self.kwargs)?);
        if ids.is_empty() {
            return Err(format!("the column `{}` is empty", self.ids));
        }
        if ids.len() != kwargs.len() {
            let (ids, kwargs) = (ids.len(), kwargs.len());
            return Err(format!("there are {ids} instructions and {kwargs} sets of arguments"));
        }
        let none = Map::new();
        let read = |(id, kwargs): (&Value, &Value)| {
            let written = id.as_str().unwrap_or_default();
            let known = IDS.into_iter().find(|known| *known == written);
            let id = known.ok_or_else(|| format!("there is no instruction `{written:.60}`"))?;
            let kwargs = kwargs.as_object().unwrap_or(&none);
            Ok((id, Instruction::read(id, kwargs)?))
        };
        ids.iter().zip(&kwargs).map(read).collect()
    }
}

impl Scorer for Follows {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let instructions = match self.instructions(&subject.sample.vars) {
            Ok(instructions) => instructions,
            Err(why) => return Verdict::Failed(why),
        };
        let output = match output(subject) {
            Ok(output) => output,
            Err(verdict) => return verdict,
        };
        let variants = variants(output, self.loose);
        let is_broken = |(_, instruction): &&(&'static str, Instruction)| {
            !variants.iter().any(|text| instruction.is_followed(text))
        };
        let broken: Vec<&str> = instructions.iter().filter(is_broken).map(|(id, _)| *id).collect();
        let passed = broken.is_empty();
        let share = (instructions.len() - broken.len()) as f64 / instructions.len() as f64;
        let value = if self.by_share { share } else { f64::from(u8::from(passed)) };
        let score = Score { value, ..Score::binary(passed) };
        Verdict::Scored(match broken.as_slice() {
            [] => score,
            [one] => score.because(format!("does not follow `{one}`")),
            [one, rest @ ..] => {
                score.because(format!("does not follow `{one}` and {} more", rest.len()))
            }
        })
    }
}
