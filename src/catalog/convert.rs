//! `LiteLLM`'s table of models and prices as ours.
//!
//! The same conversion as `catalogs/build.py`, for newer files than the one that is compiled in. A
//! price that is missing, implausible or contradicted stays unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::table::{Table, TableError};
use crate::base::money::Money;

const MODES: [&str; 4] = ["chat", "completion", "embedding", "responses"];

/// `LiteLLM`'s provider; ours; the prefix of its keys; the rank where two entries mean one model.
const PROVIDERS: &[(&str, &str, &str, u8)] = &[
    ("anthropic", "anthropic", "anthropic/", 0),
    ("azure", "azure", "azure/", 0),
    ("azure_text", "azure", "azure/", 1),
    ("azure_ai", "azure", "azure_ai/", 2),
    ("baseten", "baseten", "baseten/", 0),
    ("bedrock", "bedrock", "bedrock/", 1),
    ("bedrock_converse", "bedrock", "bedrock/", 0),
    ("cerebras", "cerebras", "cerebras/", 0),
    ("cohere", "cohere", "cohere/", 1),
    ("cohere_chat", "cohere", "cohere/", 0),
    ("deepinfra", "deepinfra", "deepinfra/", 0),
    ("deepseek", "deepseek", "deepseek/", 0),
    ("fireworks_ai", "fireworks", "fireworks_ai/", 0),
    ("fireworks_ai-embedding-models", "fireworks", "fireworks_ai/", 1),
    ("gemini", "google", "gemini/", 0),
    ("groq", "groq", "groq/", 0),
    ("huggingface", "huggingface", "huggingface/", 0),
    ("minimax", "minimax", "minimax/", 0),
    ("mistral", "mistral", "mistral/", 0),
    ("moonshot", "moonshot", "moonshot/", 0),
    ("nebius", "nebius", "nebius/", 0),
    ("openai", "openai", "openai/", 0),
    ("text-completion-openai", "openai", "text-completion-openai/", 1),
    ("openrouter", "openrouter", "openrouter/", 0),
    ("perplexity", "perplexity", "perplexity/", 0),
    ("sambanova", "sambanova", "sambanova/", 0),
    ("together_ai", "together", "together_ai/", 0),
    ("xai", "xai", "xai/", 0),
];

/// Our names of what `LiteLLM` calls `supports_…`.
const CAPABILITIES: [(&str, &str); 14] = [
    ("caching", "supports_prompt_caching"),
    ("effort_max", "supports_max_reasoning_effort"),
    ("effort_minimal", "supports_minimal_reasoning_effort"),
    ("effort_none", "supports_none_reasoning_effort"),
    ("effort_xhigh", "supports_xhigh_reasoning_effort"),
    ("pdf", "supports_pdf_input"),
    ("prefill", "supports_assistant_prefill"),
    ("reasoning", "supports_reasoning"),
    ("sampling", "supports_sampling_params"),
    ("schema", "supports_response_schema"),
    ("system", "supports_system_messages"),
    ("tool_choice", "supports_tool_choice"),
    ("tools", "supports_function_calling"),
    ("vision", "supports_vision"),
];

/// Prices that may depend on the size of the prompt.
const RATES: [(&str, &str); 6] = [
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cache_read", "cache_read_input_token_cost"),
    ("cache_write", "cache_creation_input_token_cost"),
    ("cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("reasoning", "output_cost_per_reasoning_token"),
];

/// What is charged once a call, and prices that are shown and not computed with.
const OTHERS: [(&str, &str); 9] = [
    ("request", "input_cost_per_request"),
    ("audio_input", "input_cost_per_audio_token"),
    ("audio_output", "output_cost_per_audio_token"),
    ("batch_input", "input_cost_per_token_batches"),
    ("batch_output", "output_cost_per_token_batches"),
    ("flex_input", "input_cost_per_token_flex"),
    ("flex_output", "output_cost_per_token_flex"),
    ("priority_input", "input_cost_per_token_priority"),
    ("priority_output", "output_cost_per_token_priority"),
];

/// Dearer than this a token is a mistake: 1000 and 10 US dollars for a million tokens.
const MOST: i64 = 1_000_000_000;
const MOST_EMBEDDING: i64 = 10_000_000;

/// Where the file is from, for the head of the table.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The day of the file or of reading it, as `2026-11-30`.
    pub date: &'a str,
    /// Its address, path or version.
    pub source: &'a str,
}

/// The table that `text` holds: `LiteLLM`'s JSON, or our own lines in any order.
///
/// # Errors
///
/// What makes it neither, or the line that is wrong.
pub fn import(text: &str, origin: Origin<'_>) -> Result<String, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = if text.trim_start().starts_with('{') {
        let json: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| TableError::Format(error.to_string()))?;
        convert(&json, origin)
    } else {
        sorted(text.lines().filter(|line| !line.trim().is_empty()))
    };
    Table::read(&table).map(|_| ())?;
    Ok(table)
}

fn sorted<T: AsRef<str> + Ord>(lines: impl Iterator<Item = T>) -> String {
    let mut lines: Vec<T> = lines.collect();
    lines.sort_unstable();
    let mut text = String::with_capacity(lines.iter().map(|line| line.as_ref().len() + 1).sum());
    for line in lines {
        text.push_str(line.as_ref());
        text.push('\n');
    }
    text
}

type Entry = Map<String, Value>;

/// The entry that speaks for the model.
fn best<'a>(entries: &Entries<'a>) -> Option<&'a Entry> {
    entries.iter().min_by_key(|(rank, _)| *rank).map(|(_, entry)| *entry)
}

/// Entries of one model: rank, whether the key has no prefix, key.
type Entries<'a> = Vec<((u8, bool, &'a str), &'a Entry)>;

fn convert(json: &Entry, origin: Origin<'_>) -> String {
    let mut found: BTreeMap<(&str, &str), Entries<'_>> = BTreeMap::new();
    for (key, entry) in json.iter().filter(|(key, _)| *key != "sample_spec") {
        if let Some(entry) = entry.as_object()
            && let Some((provider, model, rank, prefixed)) = place(key, entry)
        {
            found.entry((provider, model)).or_default().push(((rank, !prefixed, key), entry));
        }
    }
    let sources: BTreeSet<&str> = found.values().filter_map(|e| source(best(e)?)).collect();
    let numbers: BTreeMap<&str, usize> =
        sources.iter().enumerate().map(|(number, source)| (*source, number)).collect();
    let head = [
        format!("# date\t{}", origin.date),
        "# format\t1".to_owned(),
        "# licence\tMIT, copyright 2023 Berri AI".to_owned(),
        format!("# source\t{}", origin.source),
    ];
    let sources = numbers.iter().map(|(source, number)| format!("@{number:04}\t{source}"));
    let rows = found.iter().filter_map(|((provider, model), entries)| {
        let entry = best(entries)?;
        let told = |entry: &Entry| [pico(entry, RATES[0].1), pico(entry, RATES[1].1)];
        let agreed = entries.iter().all(|(_, other)| told(other) == told(entry));
        let prices = prices(provider, entry).filter(|_| agreed).unwrap_or_default();
        let number = source(entry).and_then(|source| numbers.get(source));
        let row = [
            text(entry, "mode").unwrap_or_default().to_owned(),
            tokens(entry, "max_input_tokens"),
            tokens(entry, "max_output_tokens"),
            prices,
            capabilities(entry),
            text(entry, "deprecation_date").filter(|date| is_date(date)).unwrap_or("").to_owned(),
            number.map_or_else(String::new, usize::to_string),
        ];
        Some(format!("{provider}\t{model}\t{}", row.join("\t")))
    });
    sorted(head.into_iter().chain(sources).chain(rows))
}

/// Provider, model, rank, and whether the key has its prefix; `None` when it is not for us.
fn place<'a>(key: &'a str, entry: &Entry) -> Option<(&'static str, &'a str, u8, bool)> {
    text(entry, "mode").filter(|mode| MODES.contains(mode))?;
    let theirs = text(entry, "litellm_provider")?;
    let (ours, prefix, rank) = if theirs == "vertex_ai" || theirs.starts_with("vertex_ai-") {
        ("vertex", "vertex_ai/", 0)
    } else {
        let (_, ours, prefix, rank) = PROVIDERS.iter().find(|(name, ..)| *name == theirs)?;
        (*ours, *prefix, *rank)
    };
    let short = key.strip_prefix(prefix);
    let model = short.unwrap_or(key);
    // Sessions of code interpreters, and prices by size.
    let stranger = model == "container"
        || model.starts_with("together-ai-")
        || model.starts_with("fireworks-ai-");
    // Rented by the hour, and a way of calling.
    let bedrock =
        ours == "bedrock" && (model.contains("-commitment/") || model.starts_with("invoke/"));
    (is_plain(model) && !stranger && !bedrock).then_some((ours, model, rank, short.is_some()))
}

/// The cell of prices; `None` when there is none to rely on.
fn prices(provider: &str, entry: &Entry) -> Option<String> {
    let embedding = text(entry, "mode") == Some("embedding");
    let mut base = rates(entry, "");
    if embedding && base[0].is_some() {
        base[1].get_or_insert(0);
    }
    let request = pico(entry, "input_cost_per_request").unwrap_or(0);
    let (input, output) = (base[0]?, base[1]?);
    if text(entry, "source").is_some_and(|source| !is_address(source)) {
        return None;
    }
    let most = if embedding { MOST_EMBEDDING } else { MOST };
    let dear = base.iter().flatten().any(|pico| *pico > most);
    // Free means a preview, and free answers to a dear prompt a fee beside the real price.
    let free = !embedding && output == 0 && (input > 0 || request == 0);
    if dear || free {
        return None;
    }
    let mut words = named(&base);
    for (ours, theirs) in OTHERS {
        if let Some(pico) = pico(entry, theirs).filter(|pico| *pico > 0) {
            words.push(format!("{ours}={pico}"));
        }
    }
    let thresholds: BTreeSet<u64> = entry.keys().filter_map(|field| threshold(field)).collect();
    for thousands in thresholds {
        let above = rates(entry, &format!("_above_{thousands}k_tokens"));
        if above[0].is_some() && above[1].is_some() {
            // xAI's higher price begins at the threshold, the others' behind it.
            let tokens = (thousands * 1_000).saturating_sub(u64::from(provider == "xai"));
            words.push(format!(">{tokens}"));
            words.extend(named(&above));
        }
    }
    Some(words.join(" "))
}

fn rates(entry: &Entry, suffix: &str) -> [Option<i64>; 6] {
    RATES.map(|(_, theirs)| pico(entry, &format!("{theirs}{suffix}")))
}

fn named(rates: &[Option<i64>; 6]) -> Vec<String> {
    let pairs = RATES.iter().zip(rates);
    pairs.filter_map(|((name, _), pico)| pico.map(|pico| format!("{name}={pico}"))).collect()
}

/// The thousands in `…_above_200k_tokens`.
fn threshold(field: &str) -> Option<u64> {
    let (_, thousands) = field.strip_suffix("k_tokens")?.rsplit_once("_above_")?;
    let digits = thousands.len() <= 9 && thousands.bytes().all(|byte| byte.is_ascii_digit());
    thousands.parse().ok().filter(|_| digits)
}

fn capabilities(entry: &Entry) -> String {
    let words = CAPABILITIES.iter().filter_map(|(ours, theirs)| match entry.get(*theirs)? {
        Value::Bool(true) => Some((*ours).to_owned()),
        Value::Bool(false) => Some(format!("!{ours}")),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Picodollars; `None` for what is no price.
fn pico(entry: &Entry, field: &str) -> Option<i64> {
    let usd = entry.get(field)?.as_f64().filter(|usd| *usd >= 0.0)?;
    Money::from_usd(usd).map(Money::pico)
}

fn tokens(entry: &Entry, field: &str) -> String {
    let count = entry.get(field).and_then(Value::as_f64);
    let count = count.filter(|count| *count > 0.0 && count.fract() == 0.0 && *count < 1e15);
    count.map_or_else(String::new, |count| format!("{count:.0}"))
}

fn text<'a>(entry: &'a Entry, field: &str) -> Option<&'a str> {
    entry.get(field)?.as_str()
}

fn source(entry: &Entry) -> Option<&str> {
    text(entry, "source").filter(|source| is_plain(source) && is_address(source))
}

fn is_address(source: &str) -> bool {
    source.starts_with("https://") || source.starts_with("http://")
}

/// Whether `text` can be a cell.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c <= ' ' || c == '\u{7f}')
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
