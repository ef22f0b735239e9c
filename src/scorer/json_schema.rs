//! Whether the output is JSON as a schema describes it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, yes_or_no},
        json,
        schema::{DRAFT_NAMES, Reading, Schema, read_file},
    },
};

static CARD: Card = Card {
    name: "json_schema",
    summary: "Whether the output is JSON that a JSON Schema accepts.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "schema",
            kind: "mapping or flag",
            default: "one of `schema`, `file` and `column` is needed",
            doc: "The schema itself.",
        },
        OptionCard {
            name: "file",
            kind: "path",
            default: "none",
            doc: "A JSON file with the schema, relative to the config. Its relative `$ref`s may lead \
                  to files of the same folder and those below it.",
        },
        OptionCard {
            name: "column",
            kind: "text",
            default: "none",
            doc: "The dataset column that holds each sample's schema, as JSON.",
        },
        OptionCard {
            name: "draft",
            kind: "`4`, `6`, `7`, `2019-09` or `2020-12`",
            default: "what `$schema` says, else `2020-12`",
            doc: "The version of JSON Schema.",
        },
        OptionCard {
            name: "formats",
            kind: "flag",
            default: "true up to draft 7, false from 2019-09 on",
            doc: "Whether `format` is checked, or a remark only.",
        },
    ],
    edge_cases: &[
        "Output that is no JSON gets 0; a code fence is no JSON, `extract: code_block` removes it.",
        "Output of over 4 MiB or nested over 127 levels deep is not scored.",
        "Nothing is fetched: a `$ref` to another document leads to the folder of the schema's own \
         file, or is an error before the run. The meta-schemas of the drafts are known.",
        "`pattern` takes linear time and so has no look-arounds and no back-references; a schema \
         with one is refused.",
        "References may come back to themselves. A schema that looks at one value in over 10,000 \
         ways, or in a chain of over 256 references, is refused.",
        "A schema from a column that cannot be used is a failure of the scorer.",
        "Keys that occur twice: the last one counts.",
        "`$vocabulary` in a meta-schema of one's own takes no keyword away: those of the draft hold.",
    ],
    source: "JSON Schema draft 4, 6, 7, 2019-09 and 2020-12 by the Rust crate `jsonschema` 0.60; \
             the required tests of JSON-Schema-Test-Suite, those aside that fetch documents or \
             take away a vocabulary",
};

/// Schemas of a column that are kept compiled.
const MAX_KEPT: usize = 256;

/// The kind.
#[derive(Debug)]
pub(super) struct JsonSchema;

#[derive(Debug)]
struct Fits {
    from: From,
    draft: Option<&'static str>,
    formats: Option<bool>,
}

/// Where the schema is.
#[derive(Debug)]
enum From {
    Fixed(Schema),
    Column { name: [String; 1], kept: Mutex<HashMap<String, Kept>> },
}

type Kept = Arc<Result<Schema, String>>;

impl ScorerKind for JsonSchema {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let draft = args.name("draft", DRAFT_NAMES)?;
        let formats = args.switch("formats")?;
        let (schema, file, column) =
            (args.value("schema"), args.text("file")?, args.text("column")?);
        let from = match (schema, file, column) {
            (Some(schema), None, None) => {
                let reading = Reading { draft, formats, folder: None };
                let compiled = Schema::compile(schema, reading);
                From::Fixed(compiled.map_err(|why| args.error("schema", why))?)
            }
            (None, Some(file), None) => {
                let path = args.site().base_dir.join(file);
                let wrong = |why| args.error("file", why);
                let schema = read_file(&path).map_err(wrong)?;
                let reading = Reading { draft, formats, folder: path.parent() };
                From::Fixed(Schema::compile(&schema, reading).map_err(wrong)?)
            }
            (None, None, Some(column)) => {
                From::Column { name: [column.to_owned()], kept: Mutex::default() }
            }
            _ => {
                return Err(args.error("schema", "write one of `schema`, `file` and `column`"));
            }
        };
        Ok(Built::pure(Fits { from, draft, formats }))
    }
}

impl Fits {
    /// The schema of a sample, compiled once for all samples that have the same.
    fn of_column(
        &self,
        subject: &Subject<'_>,
        column: &str,
        kept: &Mutex<HashMap<String, Kept>>,
    ) -> Result<Kept, Verdict> {
        let text = match subject.sample.vars.get(column) {
            None | Some(Value::Null) => {
                return Err(Verdict::Skipped(format!("column `{column}` is empty")));
            }
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&text) {
            return Ok(Arc::clone(known));
        }
        let reading = Reading { draft: self.draft, formats: self.formats, folder: None };
        let compiled = json::read(&text)
            .map_err(|unread| unread.reason().to_owned())
            .and_then(|schema| Schema::compile(&schema, reading));
        let compiled = Arc::new(compiled);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(text, Arc::clone(&compiled));
        Ok(compiled)
    }
}

impl Scorer for Fits {
    fn columns(&self) -> &[String] {
        match &self.from {
            From::Fixed(_) => &[],
            From::Column { name, .. } => name,
        }
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let value = match output(subject)
            .and_then(|output| json::read(output).map_err(json::Unread::verdict))
        {
            Ok(value) => value,
            Err(verdict) => return verdict,
        };
        let kept;
        let schema = match &self.from {
            From::Fixed(schema) => schema,
            From::Column { name: [column], kept: all } => {
                kept = match self.of_column(subject, column, all) {
                    Ok(kept) => kept,
                    Err(verdict) => return verdict,
                };
                match &*kept {
                    Ok(schema) => schema,
                    Err(why) => {
                        return Verdict::Failed(format!("the schema in column `{column}`: {why}"));
                    }
                }
            }
        };
        match schema.check(&value) {
            Ok(verdict) => yes_or_no(verdict.is_ok(), || verdict.err().unwrap_or_default()),
            Err(why) => Verdict::Failed(format!("the output {why}")),
        }
    }

    fn is_heavy(&self, _: &Subject<'_>) -> bool {
        true
    }
}
