//! Scores that a Python function of the user's gives: the protocol of `exec`, with its loop shipped.

use std::sync::Arc;

use crate::{
    base::text::one_line,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        exec::{self, Program},
    },
};

/// Calls the function for each request.
const SHIM: &str = include_str!("../../scorers/python_scorer.py");

static CARD: Card = Card {
    name: "python",
    summary: "What a Python function of yours returns.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "function",
            kind: "text `file.py:function`",
            default: "required",
            doc: "The file, relative to the config, and the function in it. Its parameters get the \
                  fields of the request by their names (`output`, `expected`, …); one parameter of \
                  another name gets them all.",
        },
        OptionCard {
            name: "interpreter",
            kind: "text",
            default: "`python3`",
            doc: "The Python: a name in PATH, or a path relative to the config.",
        },
        exec::OPTION_SIZE,
        exec::OPTION_THRESHOLD,
        exec::OPTION_RANGE,
        exec::OPTION_ENV,
        exec::OPTION_OPTIONS,
        exec::OPTION_EXPECTED,
    ],
    edge_cases: &[
        "The function returns a number, `True` or `False` (1 and passed, 0 and failed), or a mapping \
         with the fields of a reply; anything else and an exception: not scored.",
        "The file is loaded once for each program that is kept alive; what it prints goes to \
         standard error.",
        "The same faults as of `exec` are not scored.",
    ],
    source: "docs/scorer-protocol.md",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Python;

impl ScorerKind for Python {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let written = args.text("function")?;
        let wrong = || args.error("function", "is missing or not of the form `file.py:function`");
        let (path, function) =
            written.and_then(|written| written.rsplit_once(':')).ok_or_else(wrong)?;
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        if path.is_empty() || function.is_empty() || !function.chars().all(word) {
            return Err(wrong());
        }
        let file = args.site().base_dir.join(path);
        let file = std::path::absolute(&file).unwrap_or(file);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            args.error("function", format!("`{}` cannot be read: {error}", one_line(path, 80)))
        })?;
        let first = function.split('.').next().unwrap_or_default();
        if !text.contains(first) {
            let message =
                format!("there is no `{}` in `{}`", one_line(first, 60), one_line(path, 80));
            return Err(args.error("function", message));
        }
        let interpreter = args.text("interpreter")?.unwrap_or("python3");
        let python = exec::found(args, "interpreter", interpreter)?;
        let title = one_line(&format!("{interpreter} {path}:{function}"), 200);
        let arguments =
            vec!["-c".to_owned(), SHIM.to_owned(), file.display().to_string(), function.to_owned()];
        Ok(Built::Asks(Arc::new(Program::new(args, python, arguments, title)?)))
    }
}
