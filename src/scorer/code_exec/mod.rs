//! Runs code that a model wrote against tests, in a sandbox.

mod confine;
mod filter;
mod jail;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use rand::RngExt as _;
use serde_json::{Value, json};

pub use self::confine::{CONFINED, confined};
use self::jail::{Jail, Outcome};
use crate::{
    base::text::one_line,
    domain::{
        sample::value_text,
        score::{Score, Verdict},
    },
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, OptionCard, Range, ScorerKind, Subject,
        compare,
    },
};

/// Runs a Python program and its tests.
const PYTHON: &str = include_str!("../../../scorers/code_runner.py");

/// Runs any command on a file.
const COMMAND: &str = include_str!("../../../scorers/code_runner.sh");

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(10);

static CARD: Card = Card {
    name: "code_exec",
    summary: "Whether the program in the answer passes its tests, run in a sandbox.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "tests",
            kind: "text",
            default: "none: those of `tests_column`",
            doc: "The code that tests the program; it runs after it, in the same scope.",
        },
        OptionCard {
            name: "tests_column",
            kind: "text",
            default: "`test`",
            doc: "The column that holds the tests.",
        },
        OptionCard {
            name: "before_column",
            kind: "text",
            default: "none",
            doc: "A column whose text stands before the answer, such as `prompt` of HumanEval.",
        },
        OptionCard {
            name: "entry_point_column",
            kind: "text",
            default: "none",
            doc: "A column with the name of the function that the tests are about: after the tests, \
                  `check(NAME)` is called, as in HumanEval.",
        },
        OptionCard {
            name: "command",
            kind: "list of texts",
            default: "none: Python",
            doc: "The command that runs another language, with `{file}` in it: `[node, \"{file}\"]`. \
                  The file holds the program and then the tests; exit code 0 is a pass.",
        },
        OptionCard {
            name: "file",
            kind: "text",
            default: "`main`",
            doc: "What the file is called, for commands that look at its ending.",
        },
        OptionCard {
            name: "paths",
            kind: "text or list of texts",
            default: "none",
            doc: "Further directories of the machine that the sandbox has, read-only.",
        },
        OptionCard {
            name: "size",
            kind: "number from 1 to 64",
            default: "2",
            doc: "How many programs run at a time.",
        },
    ],
    edge_cases: &[
        "Of an answer with fenced code the first fence is the program; else the whole answer is.",
        "What a program does wrong is a fail (0): an exception, an exit before its tests are done, \
         more than `timeout` (10 s), more than 2 GiB in one process or in all of them together, an \
         attempt to get out.",
        "The sandbox is bubblewrap's, with a filter of system calls; where the kernel has Landlock, that \
         stands around the program too, unless `evals` is the superuser's and its file nobody else's.",
        "Where no sandbox can be had the run is refused, unless `--unsafe-no-sandbox` is typed.",
        "The verdict of Python comes by a descriptor and a number that the tests' end gives away; a \
         program that takes its runner apart could forge it, which no test in the same process can \
         prevent.",
    ],
    source: "Chen et al. 2021 (HumanEval); with `epochs: {count: n, reduce: pass@k}` its pass@k",
};

/// The kind.
#[derive(Debug)]
pub(super) struct CodeExec;

#[derive(Debug)]
struct Tester {
    jail: Jail,
    tests: Option<String>,
    tests_column: String,
    before_column: Option<String>,
    entry_point_column: Option<String>,
    /// The command of another language, and its file.
    command: Option<(Vec<String>, String)>,
    size: usize,
}

impl ScorerKind for CodeExec {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let file = args.text("file")?.unwrap_or("main");
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if file.is_empty() || file.starts_with(['.', '-']) || !file.chars().all(plain) {
            return Err(args.error("file", "must be a plain name, such as `main.js`"));
        }
        let command = args.texts("command")?;
        let program = command.as_ref().and_then(|words| words.first()).map_or("python3", |w| w);
        let site = args.site();
        let absolute = |path: &String| {
            let path = site.base_dir.join(path);
            std::path::absolute(&path).unwrap_or(path)
        };
        let paths = args.texts("paths")?.unwrap_or_default();
        let paths: Vec<PathBuf> = paths.iter().map(absolute).collect();
        let jail = if site.unsafe_no_sandbox {
            Jail::none()
        } else {
            Jail::sandbox(site, program, &paths).map_err(|why| {
                let why = one_line(&why, 300);
                args.error(
                    "sandbox",
                    format!(
                        "{why}; code that models write runs without one only if \
                         `--unsafe-no-sandbox` is typed"
                    ),
                )
            })?
        };
        let text = |name: &str| Ok(args.text(name)?.map(str::to_owned));
        let tests_column = text("tests_column")?;
        Ok(Built::Asks(Arc::new(Tester {
            jail,
            tests: text("tests")?,
            tests_column: tests_column.unwrap_or_else(|| "test".to_owned()),
            before_column: text("before_column")?,
            entry_point_column: text("entry_point_column")?,
            command: command.map(|words| {
                let words = words.iter().map(|word| word.replace("{file}", file));
                (words.collect(), file.to_owned())
            }),
            size: args.number("size", 1.0, 64.0)?.map_or(2, |size| size as usize),
        })))
    }
}

/// What is to be run.
struct Work {
    program: String,
    tests: String,
}

impl Tester {
    /// The program and its tests; the verdict when the row has none.
    fn work(&self, subject: &Subject<'_>) -> Result<Work, Verdict> {
        let output = compare::output(subject)?;
        let column = |name: &str| {
            let text = subject.sample.vars.get(name).map(value_text);
            text.ok_or_else(|| {
                Verdict::Failed(format!("the sample has no column `{}`", one_line(name, 60)))
            })
        };
        let mut program = match &self.before_column {
            Some(name) => column(name)?,
            None => String::new(),
        };
        program.push_str(code(output));
        let mut tests = match &self.tests {
            Some(tests) => tests.clone(),
            None => column(&self.tests_column)?,
        };
        if tests.trim().is_empty() {
            return Err(Verdict::Skipped("the sample has no tests".to_owned()));
        }
        if let Some(name) = &self.entry_point_column {
            tests = format!("{tests}\ncheck({})\n", column(name)?.trim());
        }
        Ok(Work { program, tests })
    }

    async fn verdict(&self, work: Work, context: &Context<'_>) -> Verdict {
        let nonce: u128 = rand::rng().random();
        let nonce = format!("{nonce:032x}");
        let (line, job) = self.job(work, &nonce);
        let outcome = match self.jail.run(&line, &job, context.deadline).await {
            Ok(outcome) => outcome,
            Err(error) => return Verdict::Failed(format!("the program cannot be run: {error}")),
        };
        let why = match outcome {
            Outcome::Late => "the program took too long".to_owned(),
            Outcome::Hungry => "the program's processes took too much memory together".to_owned(),
            Outcome::Silent => "the program ended before its tests were done".to_owned(),
            Outcome::Said(said) => match serde_json::from_slice::<Value>(&said) {
                Ok(said) if self.command.is_none() && said["passed"] == nonce.as_str() => {
                    return Verdict::Scored(Score::binary(true));
                }
                Ok(said) if self.command.is_some() && said["exit"] == 0 => {
                    return Verdict::Scored(Score::binary(true));
                }
                Ok(Value::Object(said)) => match (said.get("failed"), said.get("exit")) {
                    (Some(Value::String(why)), _) => one_line(why, 300),
                    (_, Some(code)) => format!("exit code {}", one_line(&code.to_string(), 20)),
                    _ => "the program forged its verdict".to_owned(),
                },
                _ => "the program forged its verdict".to_owned(),
            },
        };
        Verdict::Scored(Score::binary(false).because(why))
    }

    /// The command, and what it is to be told.
    fn job(&self, work: Work, nonce: &str) -> (Vec<String>, Vec<u8>) {
        let Work { program, tests } = work;
        match &self.command {
            None => {
                let job = json!({"nonce": nonce, "program": program, "tests": tests});
                let line = ["python3", "-I", "-c", PYTHON].map(str::to_owned);
                (line.into(), format!("{job}\n").into_bytes())
            }
            Some((words, file)) => {
                let line = ["/bin/sh", "-c", COMMAND, "sh", file].map(str::to_owned);
                let line = line.into_iter().chain(words.iter().cloned());
                (line.collect(), format!("{program}\n{tests}\n").into_bytes())
            }
        }
    }
}

impl Asks for Tester {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.work(&subject) {
                Ok(work) => self.verdict(work, context).await,
                Err(verdict) => verdict,
            }
        })
    }

    fn at_once(&self) -> usize {
        self.size
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn starts(&self) -> Vec<String> {
        let command = self.command.as_ref().map_or_else(|| "python3".into(), |(c, _)| c.join(" "));
        vec![one_line(&command, 200)]
    }
}

/// The first fenced block of an answer, or all of it.
fn code(output: &str) -> &str {
    let fence = |line: &str| line.trim_start().starts_with("```");
    let mut begin = None;
    let mut at = 0;
    for line in output.split_inclusive('\n') {
        let after = at + line.len();
        match begin {
            None if fence(line) => begin = Some(after),
            Some(begin) if fence(line) => return &output[begin..at],
            _ => {}
        }
        at = after;
    }
    // A fence that is never closed: the answer was cut, or the model forgot.
    begin.map_or(output, |begin| &output[begin..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_what_is_fenced() {
        assert_eq!(code("x = 1\n"), "x = 1\n");
        assert_eq!(code("Here:\n```python\nx = 1\n```\nand\n```\ny\n```\n"), "x = 1\n");
        assert_eq!(code("```\nx = 1"), "x = 1");
        assert_eq!(code(""), "");
    }
}
