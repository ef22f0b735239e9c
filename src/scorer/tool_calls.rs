//! Whether the model called the functions that it should have, with the right arguments.

mod call;
mod pair;

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use self::{
    call::{Arguments, Call, Matching, read_calls},
    pair::{in_any_order, in_order},
};
use crate::{
    base::text::one_line,
    domain::{
        params::Tool,
        sample::value_text,
        score::{Score, Verdict},
    },
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::accepted,
        json,
        schema::{Reading, Schema},
    },
};

static CARD: Card = Card {
    name: "tool_calls",
    summary: "How well the functions that the answer calls are those that are expected: F1.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "column",
            kind: "text",
            default: "the expected answers, each a JSON text",
            doc: "The dataset column that holds the expected calls.",
        },
        OptionCard {
            name: "arguments",
            kind: "`equal`, `subset` or `ignore`",
            default: "equal",
            doc: "`equal`: the same JSON values. `subset`: those expected, and maybe more. `ignore`: \
                  names alone are compared.",
        },
        OptionCard {
            name: "in_order",
            kind: "flag",
            default: "false",
            doc: "The calls must come in the order expected; those out of it do not count.",
        },
        OptionCard {
            name: "validate",
            kind: "flag",
            default: "true",
            doc: "A call of a function that the model does not have, or with arguments that its \
                  schema does not accept, is a wrong one.",
        },
        OptionCard {
            name: "valid_only",
            kind: "flag",
            default: "false",
            doc: "Nothing is expected: the value is the share of calls that are valid, 0 without any.",
        },
        OptionCard {
            name: "tools",
            kind: "list of tools",
            default: "those of the model that answered",
            doc: "The functions and their schemas, as in the config's `tools`.",
        },
        OptionCard {
            name: "threshold",
            kind: "number from 0 to 1",
            default: "1",
            doc: "The value from which on the answer has passed.",
        },
    ],
    edge_cases: &[
        "Expected calls are a list, or one call: a name, `{name, arguments}` (an object, or JSON as a \
         text), OpenAI's `{type, function: {name, arguments}}`, a message with `tool_calls`, or \
         Anthropic's `{type: tool_use, name, input}`. A call without arguments expects any.",
        "`[]` expects no call: 1 when there is none, else 0.",
        "F1 is twice the calls that fit, by the calls expected and made together; each fits one. \
         Precision and recall are in the explanation.",
        "Arguments are compared by value: the order of keys does not matter, `1` is `1.0`. Empty \
         arguments are an empty object; those that are no JSON object fit nothing.",
        "An answer without calls whose text is JSON in one of these forms is read as calls.",
        "Without tools nothing is known of names and schemas, and `validate` checks JSON only.",
        "Of several expected answers the one that fits best counts. One that cannot be read, and over \
         500 calls, are failures of the scorer.",
    ],
    source: "F1 as in promptfoo's `tool-call-f1`, of calls with their arguments instead of names",
};

/// Most calls on one side: pairing them takes time by their square.
const MAX_CALLS: usize = 500;

/// The kind.
#[derive(Debug)]
pub(super) struct ToolCalls;

#[derive(Debug)]
struct Calls {
    column: Option<[String; 1]>,
    matching: Matching,
    in_order: bool,
    validate: bool,
    valid_only: bool,
    threshold: f64,
    /// The functions of each model by its name; of any model under the empty one.
    tools: HashMap<String, Functions>,
}

/// Functions by name, with the schemas of their arguments.
type Functions = HashMap<String, Arc<Schema>>;

impl ScorerKind for ToolCalls {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let matching = match args.name("arguments", &["equal", "subset", "ignore"])? {
            Some("subset") => Matching::Subset,
            Some("ignore") => Matching::Ignore,
            _ => Matching::Equal,
        };
        let validate = args.switch("validate")?.unwrap_or(true);
        let tools = if validate { functions(args)? } else { HashMap::new() };
        Ok(Built::pure(Calls {
            column: args.text("column")?.map(|column| [column.to_owned()]),
            matching,
            in_order: args.flag("in_order")?,
            validate,
            valid_only: args.flag("valid_only")?,
            threshold: args.number("threshold", 0.0, 1.0)?.unwrap_or(1.0),
            tools,
        }))
    }
}

/// The functions of every model, their schemas compiled; equal ones once.
fn functions(args: &Args) -> Result<HashMap<String, Functions>, ArgError> {
    let wrong = |why: String| args.error("tools", why);
    let written = match args.value("tools") {
        None => None,
        Some(Value::Array(items)) => {
            Some(items.iter().map(Tool::from_value).collect::<Result<Vec<_>, _>>().map_err(wrong)?)
        }
        Some(_) => return Err(wrong("must be a list of tools".to_owned())),
    };
    let all = match written {
        Some(tools) => vec![(String::new(), tools)],
        None => args.site().tools.clone(),
    };
    let mut compiled: HashMap<String, Arc<Schema>> = HashMap::new();
    let mut models = HashMap::new();
    for (model, tools) in all.into_iter().filter(|(_, tools)| !tools.is_empty()) {
        let mut functions = Functions::new();
        for tool in tools {
            let text = tool.parameters.to_string();
            let schema = match compiled.get(&text) {
                Some(schema) => Arc::clone(schema),
                None => {
                    let schema =
                        Schema::compile(&tool.parameters, Reading::default()).map_err(|why| {
                            wrong(format!("the parameters of `{}`: {why}", tool.name))
                        })?;
                    let schema = Arc::new(schema);
                    compiled.insert(text, Arc::clone(&schema));
                    schema
                }
            };
            functions.insert(tool.name, schema);
        }
        models.insert(model, functions);
    }
    Ok(models)
}

impl Calls {
    /// The expected calls, each list of them an alternative.
    fn expected(&self, subject: &Subject<'_>) -> Result<Vec<Vec<Call>>, Verdict> {
        let column;
        let texts: &[String] = match &self.column {
            None => accepted(subject)?,
            Some([name]) => {
                column = subject.sample.vars.get(name).map(value_text).unwrap_or_default();
                if column.trim().is_empty() {
                    return Err(Verdict::Skipped(format!("column `{name}` is empty")));
                }
                std::slice::from_ref(&column)
            }
        };
        let read = |text: &String| {
            let value = match json::read(text) {
                Ok(value) => Ok(value),
                // A name alone.
                Err(_) if call::is_name(text.trim()) => Ok(Value::from(text.trim())),
                Err(unread) => Err(unread.reason().to_owned()),
            };
            value
                .and_then(|value| read_calls(&value))
                .and_then(|calls| match calls.len() {
                    0..=MAX_CALLS => Ok(calls),
                    n => Err(format!("{n} calls are too many")),
                })
                .map_err(|why| Verdict::Failed(format!("the expected calls: {why}")))
        };
        texts.iter().map(read).collect()
    }

    /// The calls of the answer: its own, or those that its text holds.
    fn made(subject: &Subject<'_>) -> Vec<Call> {
        let calls = &subject.generation.tool_calls;
        if !calls.is_empty() {
            return calls.iter().map(|call| Call::new(&call.name, &call.arguments)).collect();
        }
        let text = subject.output.unwrap_or_default().trim();
        if !text.starts_with(['{', '[']) {
            return Vec::new();
        }
        json::read(text).ok().and_then(|value| read_calls(&value).ok()).unwrap_or_default()
    }

    /// Why a call cannot be right, whatever is expected.
    fn fault(&self, call: &Call, functions: Option<&Functions>) -> Option<String> {
        let arguments = match &call.arguments {
            Arguments::Wrong(why) => {
                return Some(format!("the arguments of `{}`: {why}", call.name));
            }
            Arguments::Any => &Value::Null,
            Arguments::Given(value) => value,
        };
        let functions = functions.filter(|_| self.validate)?;
        let Some(schema) = functions.get(&call.name) else {
            return Some(format!("there is no function `{}`", call.name));
        };
        let (Ok(Err(why)) | Err(why)) = schema.check(arguments) else { return None };
        Some(format!("the arguments of `{}`: {why}", call.name))
    }

    fn verdict(&self, value: f64, why: impl FnOnce() -> String) -> Verdict {
        let score = Score { passed: Some(value >= self.threshold), ..Score::number(value) };
        Verdict::Scored(match value {
            1.0.. => score,
            _ => score.because(one_line(&why(), 300)),
        })
    }
}

impl Scorer for Calls {
    fn needs_expected(&self) -> bool {
        self.column.is_none() && !self.valid_only
    }

    fn columns(&self) -> &[String] {
        self.column.as_ref().filter(|_| !self.valid_only).map_or(&[], |column| column)
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = if self.valid_only { Ok(Vec::new()) } else { self.expected(subject) };
        let expected = match expected {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        let made = Self::made(subject);
        if made.len() > MAX_CALLS {
            return Verdict::Failed(format!("{} calls are too many", made.len()));
        }
        let functions =
            self.tools.get("").or_else(|| self.tools.get(subject.answer.served_by.as_str()));
        let faults: Vec<Option<String>> =
            made.iter().map(|call| self.fault(call, functions)).collect();
        let fault = || faults.iter().flatten().next().cloned();
        if self.valid_only {
            let valid = faults.iter().filter(|fault| fault.is_none()).count();
            let share = if made.is_empty() { 0.0 } else { valid as f64 / made.len() as f64 };
            return self
                .verdict(share, || fault().unwrap_or_else(|| "there is no call".to_owned()));
        }
        let fits = |wanted: &Call, at: usize| {
            faults[at].is_none() && wanted.is_met_by(&made[at], self.matching)
        };
        let mut best: Option<(f64, usize, &Vec<Call>)> = None;
        for wanted in &expected {
            let pair = |left: usize, right: usize| fits(&wanted[left], right);
            let right = if self.in_order {
                in_order(wanted.len(), made.len(), pair)
            } else {
                in_any_order(wanted.len(), made.len(), pair)
            };
            let all = wanted.len() + made.len();
            let value = if all == 0 { 1.0 } else { 2.0 * right as f64 / all as f64 };
            if best.as_ref().is_none_or(|(known, ..)| value > *known) {
                best = Some((value, right, wanted));
            }
        }
        let Some((value, right, wanted)) = best else {
            return Verdict::Skipped("the sample has no expected calls".to_owned());
        };
        self.verdict(value, || {
            let first = fault().or_else(|| call::difference(wanted, &made, self.matching));
            let first = first.map_or_else(String::new, |first| format!(": {first}"));
            format!(
                "{right} of {} expected calls and of {} made fit{first}",
                wanted.len(),
                made.len()
            )
        })
    }
}
