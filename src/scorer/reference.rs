//! What people read about scorers, made from their cards: one scorer, and the page of all.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Args, Better, Card, Range, ScorerKind, family, family::FAMILIES};

/// Entries of a config for scorers that cannot be named alone, and for those that rarely are.
/// Others stand by their name.
const EXAMPLES: &[(&str, &str)] = &[
    ("exact_match", "exact_match: {normalize: [trim, casefold, punctuation]}"),
    ("contains_all", "contains_all: {values: [Paris, France]}"),
    ("contains_any", "contains_any: {values: [Paris, Lutetia]}"),
    ("starts_with", "starts_with: {values: 'Dear '}"),
    ("ends_with", "ends_with: {values: [., '!']}"),
    ("regex", "regex: {pattern: '\\d{4}-\\d\\d-\\d\\d', full: true}"),
    ("one_of", "one_of: {values: [positive, neutral, negative], casefold: true}"),
    ("numeric", "numeric: {find: last, rel_tol: 0.01}"),
    ("levenshtein", "levenshtein: {threshold: 0.8}"),
    ("bleu", "bleu: {id: bleu_intl, tokenize: intl, effective_order: true}"),
    ("chrf", "chrf: {id: chrf++, word_order: 2}"),
    ("rouge1", "rouge1: {stem: true}"),
    ("json_schema", "json_schema: {schema: {type: object, required: [name]}}"),
    ("json_path", "json_path: {path: $.name}"),
    ("sql_execution", "sql_execution: {database: shop.db}"),
    ("judge", "judge: {use: factuality, model: anthropic/claude-sonnet-4-5}"),
    (
        "g_eval",
        "g_eval: {model: openai/gpt-5-mini, criterion: Is the answer polite and to the point?}",
    ),
    (
        "checklist",
        "checklist: {model: openai/gpt-5-mini, items: [{criterion: names the city, points: 2}, says why]}",
    ),
    (
        "classify",
        "classify: {model: openai/gpt-5-mini, labels: [on topic, off topic], accept: on topic}",
    ),
    ("pairwise", "pairwise: {model: anthropic/claude-sonnet-4-5}"),
    ("select_best", "select_best: {model: anthropic/claude-sonnet-4-5}"),
    ("faithfulness", "faithfulness: {model: openai/gpt-5-mini, threshold: 0.9}"),
    (
        "answer_relevancy",
        "answer_relevancy: {model: openai/gpt-5-mini, embedding_model: openai/text-embedding-3-small}",
    ),
    ("answer_correctness", "answer_correctness: {model: openai/gpt-5-mini}"),
    ("context_precision", "context_precision: {model: openai/gpt-5-mini}"),
    ("context_recall", "context_recall: {model: openai/gpt-5-mini}"),
    ("context_relevancy", "context_relevancy: {model: openai/gpt-5-mini}"),
    ("context_entity_recall", "context_entity_recall: {model: openai/gpt-5-mini}"),
    ("noise_sensitivity", "noise_sensitivity: {model: openai/gpt-5-mini}"),
    (
        "cascade",
        "cascade: {of: [exact_match, {judge: {use: factuality, model: openai/gpt-5-mini}}]}",
    ),
    ("exec", "exec: {command: [./judge.sh]}"),
    ("python", "python: 'judge.py:score'"),
    ("js", "js: 'output.length < 100'"),
    ("expr", "expr: 'output.length < 100'"),
    ("latency", "latency: {max: 3s}"),
    ("ttft", "ttft: {max: 500ms}"),
    ("cost", "cost: {max: $0.01}"),
    ("not", "not: {of: {contains: {value: As an AI}}}"),
    ("all_of", "all_of: {of: [is_json, {contains: {value: name}}]}"),
    ("any_of", "any_of: {of: [exact_match, {levenshtein: {threshold: 0.9}}]}"),
    ("weighted", "weighted: {of: [{exact_match: {weight: 2}}, levenshtein], threshold: 0.5}"),
    ("threshold", "threshold: {of: levenshtein, min: 0.8}"),
    ("embedding_similarity", "embedding_similarity: {model: openai/text-embedding-3-small}"),
];

/// Where the Markdown page begins.
const HEAD: &str = "\
# Scorers

Made from the scorers' own descriptions: `EVALS_UPDATE_DOCS=1 cargo test --test it docs` writes it anew, and without the variable the test fails when it is not true any more.
`evals scorers list` and `evals scorers show NAME` say the same in the terminal.

A config names a scorer alone, or with options:

```yaml
scorers:
  - levenshtein
  - exact_match: {normalize: [trim, casefold, punctuation]}
  - latency: {id: quick, max: 3s}
```

Every scorer takes these options besides its own:

- `id`: its name in results and gates; by default the scorer's name. So one scorer may stand there twice.
- `extract`: the id of the extraction that it reads, or `output` for the whole output.
- `expected`: the column of the accepted answers, in place of the dataset's.
- `timeout`: how long it may take for one answer, such as `10s`.

An option may be `{column: NAME}`: each row then gives its own value, as in `levenshtein: {threshold: {column: least}}`. A row without one is not scored.
`dataset: {scorers: NAME}` is the column that names the scorers which apply to a row, separated by commas; a row that names none is scored by all.

Without an expected answer a scorer that compares has no score, and says so.
An extraction that found nothing scores 0; an answer that is missing, refused, cut or empty is not scored.
An option that cannot be used is an error before the first call.

";

/// What the scorer looks at besides the answer's own figures.
pub fn inputs(kind: &dyn ScorerKind) -> Vec<&'static str> {
    let card = kind.card();
    let alone = Args::new(card, &Map::new()).and_then(|args| kind.build(&args));
    let mut inputs = Vec::new();
    if card.reads_output {
        inputs.push("output");
    }
    if alone.is_ok_and(|built| built.needs_expected()) {
        inputs.push("expected");
    }
    inputs
}

/// An entry for `scorers` in a config.
pub fn example(card: &Card) -> &'static str {
    EXAMPLES.iter().find(|(name, _)| *name == card.name).map_or(card.name, |(_, entry)| entry)
}

/// What its values are.
pub fn values(card: &Card) -> String {
    match card.range {
        Range::Unit => "0 to 1".to_owned(),
        Range::Number { unit } => unit.to_owned(),
    }
}

/// Which values are good.
pub fn better(card: &Card) -> &'static str {
    match card.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    }
}

/// What is done to both sides before they are compared.
pub fn normalisation(card: &Card) -> &'static str {
    let option = card.options.iter().find(|option| option.name == "normalize");
    option.map_or("none but what stands below", |option| option.doc)
}

/// Everything about one scorer, for the terminal.
pub fn described(kind: &dyn ScorerKind) -> String {
    let card = kind.card();
    let family = family::of(card.name).map_or("", |family| family.name);
    let mut text = format!("{} · {family}\n{}\n\n", card.name, card.summary);
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<14} {value}").ok();
    };
    line("values", &values(card));
    line("better", better(card));
    line("reads", &read(kind));
    line("normalisation", normalisation(card));
    line("source", card.source);
    for (title, lines) in [("options", option_lines(card)), ("good to know", edge_lines(card))] {
        if !lines.is_empty() {
            write!(text, "\n{title}\n{lines}").ok();
        }
    }
    writeln!(text, "\nexample\n  scorers:\n    - {}", example(card)).ok();
    text
}

fn read(kind: &dyn ScorerKind) -> String {
    match inputs(kind).as_slice() {
        [] => "the figures of the answer".to_owned(),
        inputs => inputs.join(", "),
    }
}

fn option_lines(card: &Card) -> String {
    card.options.iter().fold(String::new(), |mut text, option| {
        writeln!(text, "  {} ({})\n    default: {}", option.name, option.kind, option.default).ok();
        writeln!(text, "    {}", option.doc).ok();
        text
    })
}

fn edge_lines(card: &Card) -> String {
    card.edge_cases.iter().fold(String::new(), |mut text, case| {
        writeln!(text, "  - {case}").ok();
        text
    })
}

/// Everything about one scorer, as data.
pub fn json(kind: &dyn ScorerKind) -> Value {
    let card = kind.card();
    let options = card.options.iter().map(|option| {
        serde_json::json!({
            "name": option.name,
            "kind": option.kind,
            "default": option.default,
            "doc": option.doc,
        })
    });
    serde_json::json!({
        "name": card.name,
        "family": family::of(card.name).map(|family| family.name),
        "summary": card.summary,
        "values": values(card),
        "better": better(card),
        "inputs": inputs(kind),
        "normalisation": normalisation(card),
        "options": options.collect::<Vec<_>>(),
        "edge_cases": card.edge_cases,
        "source": card.source,
        "example": format!("scorers:\n  - {}\n", example(card)),
    })
}

/// The page of all scorers, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for family in FAMILIES.iter().filter(|family| family.scorers().next().is_some()) {
        let mut title = family.name.to_owned();
        title[..1].make_ascii_uppercase();
        write!(page, "## {title}\n\n{}\n\n", family.about).ok();
        page += "| scorer | what it measures | values | better | reads |\n";
        page += "| --- | --- | --- | --- | --- |\n";
        for kind in family.scorers() {
            let card = kind.card();
            let (name, summary) = (card.name, cell(card.summary));
            let (values, better, read) = (values(card), better(card), read(kind));
            writeln!(page, "| [`{name}`](#{}) | {summary} | {values} | {better} | {read} |", {
                name.to_lowercase()
            })
            .ok();
        }
        page.push('\n');
        for kind in family.scorers() {
            section(&mut page, kind);
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn section(page: &mut String, kind: &dyn ScorerKind) {
    let card = kind.card();
    write!(page, "### {}\n\n{}\n\n", card.name, card.summary).ok();
    write!(page, "```yaml\nscorers:\n  - {}\n```\n\n", example(card)).ok();
    if !card.options.is_empty() {
        *page += "| option | kind | default | what it does |\n| --- | --- | --- | --- |\n";
        for option in card.options {
            let cells = [option.kind, option.default, option.doc].map(cell);
            writeln!(page, "| `{}` | {} |", option.name, cells.join(" | ")).ok();
        }
        page.push('\n');
    }
    for case in card.edge_cases {
        writeln!(page, "- {case}").ok();
    }
    writeln!(page, "- Source: {}.", card.source.trim_end_matches('.')).ok();
    page.push('\n');
}

/// A cell of a table: a vertical bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
