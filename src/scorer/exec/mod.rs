//! Scores that a program of the user's gives: JSON lines on its standard input and output.
//!
//! The protocol is in docs/scorer-protocol.md. Programs are kept alive in a pool and get one request
//! at a time; one that breaks the protocol, ends or is too slow is killed with all that it started,
//! and the next request goes to a new one.

mod pool;
mod process;
mod wire;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

pub(super) use self::wire::{Reply, Scale, of_subject, verdict};
use self::{pool::Pool, process::Recipe};
use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Asks, Better, Built, Card, Context, OptionCard, Range, ScorerKind, Subject,
        compare::accepted,
    },
};

/// How long a program may take for one answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Programs kept alive, when the config does not say.
const SIZE: usize = 4;

pub(super) const OPTION_SIZE: OptionCard = OptionCard {
    name: "size",
    kind: "number from 1 to 64",
    default: "4",
    doc: "How many of the programs are kept alive; each has one answer at a time.",
};
pub(super) const OPTION_THRESHOLD: OptionCard = OptionCard {
    name: "threshold",
    kind: "number from 0 to 1",
    default: "none: passed is what the program says",
    doc: "The value from which on the answer has passed, where the program does not say.",
};
pub(super) const OPTION_RANGE: OptionCard = OptionCard {
    name: "range",
    kind: "list of two numbers",
    default: "[0, 1]",
    doc: "The least and the most that the program gives; the value is its place between them.",
};
pub(super) const OPTION_ENV: OptionCard = OptionCard {
    name: "env",
    kind: "mapping of texts",
    default: "none",
    doc: "Variables that the program gets besides `PATH`, `HOME`, `USER`, `TMPDIR`, `TZ` and the \
          language; `${NAME}` is filled in, the keys of providers are not.",
};
pub(super) const OPTION_OPTIONS: OptionCard = OptionCard {
    name: "options",
    kind: "mapping",
    default: "none",
    doc: "Passed on with every request, as `options`.",
};
pub(super) const OPTION_EXPECTED: OptionCard = OptionCard {
    name: "needs_expected",
    kind: "flag",
    default: "`false`",
    doc: "Samples without an expected answer are skipped.",
};

static CARD: Card = Card {
    name: "exec",
    summary: "What a program of yours says, by JSON lines on its standard input and output.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "command",
            kind: "text or list of texts",
            default: "required",
            doc: "The program and its arguments; a text is split at spaces. It runs in the \
                  directory of the config.",
        },
        OPTION_SIZE,
        OPTION_THRESHOLD,
        OPTION_RANGE,
        OPTION_ENV,
        OPTION_OPTIONS,
        OPTION_EXPECTED,
    ],
    edge_cases: &[
        "A program that ends, is silent past `timeout` (30 s), floods, is not heard as JSON, answers \
         under another `id` or gives a score out of range: not scored, with the end of its standard \
         error.",
        "A program that ended after an answer is started again.",
        "Where the extraction found nothing, `output` is null; the program is asked all the same.",
    ],
    source: "docs/scorer-protocol.md",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Exec;

impl ScorerKind for Exec {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let command = match args.raw("command") {
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            _ => args.texts("command")?.unwrap_or_default(),
        };
        let Some((program, arguments)) = command.split_first() else {
            return Err(args.error("command", "is missing: the program and its arguments"));
        };
        let file = found(args, "command", program)?;
        let title = one_line(&command.join(" "), 200);
        Ok(Built::Asks(std::sync::Arc::new(Program::new(args, file, arguments.to_vec(), title)?)))
    }
}

/// A scorer that asks programs.
#[derive(Debug)]
pub(super) struct Program {
    pool: Pool,
    size: usize,
    title: String,
    scale: Scale,
    options: Map<String, Value>,
    needs_expected: bool,
}

impl Program {
    /// Programs of `file` with `arguments`, by the options that all have in common.
    pub(super) fn new(
        args: &Args,
        file: PathBuf,
        arguments: Vec<String>,
        title: String,
    ) -> Result<Self, ArgError> {
        let size = args.number("size", 1.0, 64.0)?.map_or(SIZE, |size| size as usize);
        let (environment, private) = environment(args)?;
        let site = args.site();
        let directory = match site.base_dir.as_os_str() {
            empty if empty.is_empty() => PathBuf::from("."),
            directory => PathBuf::from(directory),
        };
        let recipe = Recipe { file, arguments, environment, directory };
        let options = match args.raw("options") {
            None => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return Err(args.error("options", "must be a mapping")),
        };
        Ok(Self {
            pool: Pool::new(recipe, private),
            size,
            title,
            scale: Scale::of(args)?,
            options,
            needs_expected: args.flag("needs_expected")?,
        })
    }
}

impl Asks for Program {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            if self.needs_expected
                && let Err(skipped) = accepted(&subject)
            {
                return skipped;
            }
            let request = wire::request(&subject, context, &self.options);
            match self.pool.ask(request, context.deadline).await {
                Ok(reply) => verdict(&reply, self.scale),
                Err(why) => Verdict::Failed(why),
            }
        })
    }

    fn needs_expected(&self) -> bool {
        self.needs_expected
    }

    fn at_once(&self) -> usize {
        self.size
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn starts(&self) -> Vec<String> {
        vec![self.title.clone()]
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

/// The file of `program`: a path relative to the config, or a name to be found by `PATH`.
pub(super) fn found(args: &Args, option: &str, program: &str) -> Result<PathBuf, ArgError> {
    let site = args.site();
    let shown = one_line(program, 80);
    if program.contains('/') {
        let path = site.base_dir.join(program);
        let path = std::path::absolute(&path).unwrap_or(path);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(args.error(option, format!("there is no file `{shown}`")))
        };
    }
    let path = site.variables.iter().find(|(name, _)| name == "PATH");
    let path = path.map_or("/usr/local/bin:/usr/bin:/bin", |(_, path)| path);
    path.split(':')
        .filter(|directory| !directory.is_empty())
        .map(|directory| Path::new(directory).join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| args.error(option, format!("there is no program `{shown}` in PATH")))
}

type Variables = Vec<(String, String)>;

/// What the program is told of the environment, and the texts that must not be shown.
fn environment(args: &Args) -> Result<(Variables, Vec<String>), ArgError> {
    let site = args.site();
    let mut variables = site.variables.clone();
    let mut private = Vec::new();
    let written = match args.raw("env") {
        None => return Ok((variables, private)),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(args.error("env", "must be a mapping of names to texts")),
    };
    for (name, value) in written {
        let Some(text) = value.as_str() else {
            return Err(args.error("env", format!("`{name}` must be a text; put it in quotes")));
        };
        if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
            return Err(args.error("env", format!("`{}` is no variable", one_line(name, 60))));
        }
        let text = site.fill_in(text).map_err(|wrong| args.error("env", wrong))?;
        // What is shorter stands in texts by chance.
        if text.len() >= 6 {
            private.push(text.clone());
        }
        variables.retain(|(known, _)| known != name);
        variables.push((name.clone(), text));
    }
    Ok((variables, private))
}
