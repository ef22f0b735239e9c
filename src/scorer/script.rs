//! Lines of JavaScript, in an engine with nothing but the language: no files, no network, no clock
//! to wait for, and bounds of memory, stack and time.

use std::time::Duration;

use rquickjs::{Context, Ctx, Function, Runtime};
use serde_json::{Map, Value};

use crate::{
    base::{clock, text::one_line},
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Built, OptionCard, Scorer, Subject,
        exec::{self, Reply, Scale},
    },
};

/// How long a line may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Bytes that it may use, besides a multiple of what it reads.
const MEMORY: usize = 64 << 20;

/// Copies of what it reads that fit beside.
const COPIES: usize = 16;

const STACK: usize = 256 << 10;

/// The names that a line may use, in the order of the parameters.
const NAMES: [&str; 10] = [
    "output",
    "expected",
    "input",
    "vars",
    "metadata",
    "answer",
    "tool_calls",
    "finish_reason",
    "sample_id",
    "epoch",
];

/// The last word on what a line came to, as JSON: numbers that JSON has no words for are errors.
const OUTCOME: &str = "(function (line, text, names) {
  const request = JSON.parse(text);
  const value = line(...names.map((name) => request[name]));
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify({error: `it gives ${value}`});
  if (typeof value === 'boolean') return JSON.stringify({score: value ? 1 : 0, passed: value});
  if (typeof value === 'number') return JSON.stringify({score: value});
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if (typeof value.score === 'number' && !Number.isFinite(value.score)) return JSON.stringify({error: `it gives ${value.score}`});
    return JSON.stringify(value);
  }
  return JSON.stringify({error: `it gives ${value === null ? 'null' : typeof value}, not a number or true or false`});
})";

pub(super) const OPTION_THRESHOLD: OptionCard = OptionCard {
    name: "threshold",
    kind: "number from 0 to 1",
    default: "none: passed is what the code says",
    doc: "The value from which on the answer has passed, where the code gives a number.",
};
pub(super) const OPTION_RANGE: OptionCard = OptionCard {
    name: "range",
    kind: "list of two numbers",
    default: "[0, 1]",
    doc: "The least and the most that the code gives; the value is its place between them.",
};

/// What becomes of a line that goes wrong.
pub(super) const NOT_SCORED: &str = "An exception, a number out of range, NaN and infinity, more \
     than 5 s, 64 MiB beside what it reads, or 256 KiB of stack: not scored.";

/// A line that was read.
#[derive(Debug)]
pub(super) struct Script {
    /// The body of a function of [`NAMES`].
    body: String,
    scale: Scale,
    time: Duration,
}

/// The scorer of the option `code`, which `read` makes a script of.
pub(super) fn build(
    args: &Args,
    read: impl FnOnce(&str, Scale) -> Result<Script, String>,
) -> Result<Built, ArgError> {
    let code = args.text("code")?.filter(|code| !code.trim().is_empty());
    let code = code.ok_or_else(|| args.error("code", "is missing"))?;
    let script = read(code, Scale::of(args)?);
    Ok(Built::pure(script.map_err(|wrong| args.error("code", wrong))?))
}

impl Script {
    /// An expression; the error says why it is none.
    pub(super) fn expression(code: &str, scale: Scale) -> Result<Self, String> {
        Self::checked(format!("return (\n{code}\n)"), scale)
    }

    /// An expression, or the body of a function.
    pub(super) fn expression_or_body(code: &str, scale: Scale) -> Result<Self, String> {
        Self::expression(code, scale).or_else(|_| Self::checked(code.to_owned(), scale))
    }

    /// Reads the code without running it.
    fn checked(body: String, scale: Scale) -> Result<Self, String> {
        let script = Self { body, scale, time: LIMIT };
        engine(MEMORY, LIMIT, |ctx| script.compile(ctx).map(drop))?;
        Ok(script)
    }

    fn compile<'js>(&self, ctx: &Ctx<'js>) -> Result<Function<'js>, rquickjs::Error> {
        let constructor: Function<'js> = ctx.globals().get("Function")?;
        constructor.call((NAMES.join(","), self.body.as_str()))
    }

    /// The reply, as JSON.
    fn run(&self, subject: &Subject<'_>) -> Result<Map<String, Value>, String> {
        let text = Value::Object(exec::of_subject(subject)).to_string();
        let memory = MEMORY + COPIES * text.len();
        let outcome = engine(memory, self.time, |ctx| {
            let line = self.compile(ctx)?;
            let outcome: Function<'_> = ctx.eval(OUTCOME)?;
            outcome.call::<_, String>((line, text.as_str(), NAMES.to_vec()))
        })?;
        serde_json::from_str(&outcome).map_err(|_| "it gives no JSON".to_owned())
    }
}

impl Scorer for Script {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        if subject.output.is_none() {
            return Verdict::Scored(Score::binary(false).because("the extraction found nothing"));
        }
        match self.run(subject).and_then(|fields| Reply::of(&fields)) {
            Ok(reply) => exec::verdict(&reply, self.scale),
            Err(why) => Verdict::Failed(one_line(&why, 300)),
        }
    }

    fn is_heavy(&self, _: &Subject<'_>) -> bool {
        true
    }
}

/// What `work` comes to in an engine of its own.
fn engine<T>(
    memory: usize,
    time: Duration,
    work: impl FnOnce(&Ctx<'_>) -> Result<T, rquickjs::Error>,
) -> Result<T, String> {
    let broken = |error: rquickjs::Error| format!("the engine does not start: {error}");
    let runtime = Runtime::new().map_err(broken)?;
    runtime.set_memory_limit(memory);
    runtime.set_max_stack_size(STACK);
    let begun = clock::instant();
    runtime.set_interrupt_handler(Some(Box::new(move || begun.elapsed() > time)));
    let context = Context::full(&runtime).map_err(broken)?;
    context.with(|ctx| work(&ctx).map_err(|error| explained(&ctx, &error)))
}

/// What the code threw, or what became of it.
fn explained(ctx: &Ctx<'_>, error: &rquickjs::Error) -> String {
    let thrown = ctx.catch();
    match thrown.as_exception().and_then(rquickjs::Exception::message) {
        Some(message) if message == "interrupted" => "it took too long".to_owned(),
        Some(message) => message,
        None if thrown.is_null() => "it used more memory than it may".to_owned(),
        None => thrown
            .as_string()
            .and_then(|text| text.to_string().ok())
            .unwrap_or_else(|| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            generation::Generation,
            sample::Sample,
            trial::{Answer, TrialKey},
        },
        scorer::Args,
    };

    fn says(code: &str, output: &str) -> Verdict {
        let card = crate::scorer::find("js").expect("js").card();
        let scale = Scale::of(&Args::new(card, &Map::new()).expect("no options")).expect("a scale");
        let mut script = Script::expression_or_body(code, scale).expect(code);
        script.time = Duration::from_millis(300);
        let sample = Sample {
            index: 0,
            id: "s".into(),
            input: Some("in".into()),
            expected: vec!["Paris".into()],
            vars: Map::new(),
            metadata: Map::new(),
            cluster: None,
            tags: Vec::new(),
        };
        let generation = Generation { text: output.to_owned(), ..Generation::default() };
        let answer = Answer {
            key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
            result: Ok(generation.clone()),
            attempts: Vec::new(),
            served_by: "m".into(),
            cached: None,
            extracted: Vec::new(),
        };
        let output = Some(output);
        script.score(&Subject { sample: &sample, answer: &answer, generation: &generation, output })
    }

    #[test]
    fn hostile_code_is_not_scored() {
        let check =
            |code: &str, expected: &str| match says(code, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") {
                Verdict::Failed(why) if why.contains(expected) => {}
                other => panic!("{code}: {other:?}"),
            };
        check("while (true) {} return 1", "too long");
        check("/^(a|a)*b$/.test(output + output)", "too long");
        check("let all = []; while (true) all.push('x'.repeat(1 << 20) + all.length)", "");
        check("(function again() { return again() })()", "stack");
        check("JSON.parse('['.repeat(100000))", "");
        check("0 / 0", "it gives NaN");
        check("1 / 0", "it gives Infinity");
        check("1.5", "not between 0 and 1");
        check("({score: 0 / 0})", "it gives NaN");
        check("({score: 'high'})", "a number");
        check("null", "it gives null");
        check("undefined", "it gives undefined");
        check("output", "it gives string");
        check("[1]", "it gives object");
        check("10n", "it gives bigint");
        check("Promise.resolve(1)", "neither `score` nor `passed`");
        check("throw new Error('on\\u0000 purpose')", "on[U+0000] purpose");
        check("throw 'text'", "text");
        check("require('fs')", "not defined");
        check("std.open('/etc/passwd')", "not defined");
        check("fetch('http://example.com')", "not defined");
        check("({get score() { throw new Error('late') }})", "late");
    }

    #[test]
    fn one_sample_leaves_nothing_for_the_next() {
        let code = "globalThis.seen = (globalThis.seen ?? 0) + 1; return seen === 1";
        for _ in 0..2 {
            assert_eq!(says(code, "a"), Verdict::Scored(Score::binary(true)));
        }
    }

    #[test]
    fn outputs_of_ten_megabytes_are_read() {
        let long = "é".repeat(5 << 20);
        assert_eq!(says("output.length === 5242880", &long), Verdict::Scored(Score::binary(true)));
    }
}
