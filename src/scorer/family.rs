//! Which scorers belong together: the order of listings and of the reference.

use crate::scorer::{SCORERS, ScorerKind};

/// Scorers of one kind of question.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What they look at.
    pub about: &'static str,
    /// Their names, in order.
    members: &'static [&'static str],
}

/// Every family, in order.
pub static FAMILIES: &[Family] = &[
    Family {
        name: "text",
        about: "Whether a text is, has or lacks something.",
        members: &[
            "exact_match",
            "contains",
            "contains_all",
            "contains_any",
            "starts_with",
            "ends_with",
            "regex",
            "one_of",
            "length",
            "language",
            "refusal",
        ],
    },
    Family {
        name: "answers",
        about: "Whether an answer is right, however it is written.",
        members: &["choice", "numeric", "math", "squad_em", "squad_f1", "drop_f1"],
    },
    Family {
        name: "overlap and distance",
        about: "How much a text has in common with a reference.",
        members: &[
            "levenshtein",
            "jaro_winkler",
            "bleu",
            "chrf",
            "ter",
            "rouge1",
            "rouge2",
            "rougeL",
            "rougeLsum",
            "meteor",
            "gleu",
            "wer",
            "cer",
            "numeric_diff",
            "list_contains",
        ],
    },
    Family {
        name: "semantic",
        about: "How near a text is in meaning.",
        members: &["embedding_similarity"],
    },
    Family {
        name: "structured",
        about: "Whether data is well formed, and the right data.",
        members: &[
            "is_json",
            "json_schema",
            "json_diff",
            "json_path",
            "is_xml",
            "is_html",
            "is_yaml",
            "is_sql",
            "sql_execution",
            "tool_calls",
        ],
    },
    Family {
        name: "instruction following",
        about: "Whether an answer keeps to instructions that can be checked.",
        members: &["ifeval"],
    },
    Family {
        name: "code",
        about: "Whether a program does what it should.",
        members: &["code_exec"],
    },
    Family {
        name: "operational",
        about: "What an answer took; nothing about what it says.",
        members: &[
            "latency",
            "ttft",
            "tokens",
            "cost",
            "finish_reason",
            "tokens_per_second",
            "perplexity",
        ],
    },
    Family {
        name: "judged",
        about: "What a model makes of an answer.",
        members: &["judge", "g_eval", "checklist", "classify", "pairwise", "select_best"],
    },
    Family {
        name: "retrieval",
        about: "Whether an answer keeps to the texts that were looked up for it, and whether these were \
                the right ones. Each asks a model in several steps, which are recorded.",
        members: &[
            "faithfulness",
            "answer_relevancy",
            "answer_correctness",
            "context_precision",
            "context_recall",
            "context_relevancy",
            "context_entity_recall",
            "noise_sensitivity",
        ],
    },
    Family {
        name: "your own",
        about: "Programs and expressions that you write.",
        members: &["exec", "python", "js", "expr"],
    },
    Family {
        name: "composition",
        about: "Verdicts made of the verdicts of other scorers.",
        members: &["not", "all_of", "any_of", "weighted", "threshold", "cascade"],
    },
];

impl Family {
    /// Its scorers, in order.
    pub fn scorers(&'static self) -> impl Iterator<Item = &'static dyn ScorerKind> {
        self.members.iter().filter_map(|name| super::find(name))
    }
}

/// The family of the scorer called `name`; `None` when no scorer is.
pub fn of(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.members.contains(&name))
}

/// Every scorer, family by family.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static dyn ScorerKind)> {
    FAMILIES.iter().flat_map(|family| family.scorers().map(move |kind| (family, kind)))
}

/// Names of scorers that no family has, or that several have; none, as the tests see to.
pub fn misplaced() -> Vec<&'static str> {
    let count = |name: &str| all().filter(|(_, kind)| kind.card().name == name).count();
    SCORERS.iter().map(|kind| kind.card().name).filter(|name| count(name) != 1).collect()
}
