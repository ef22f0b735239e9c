//! The scorers of a plan and the extractions they read.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use serde_json::{Map, Value};

use super::Inputs;
use crate::{
    base::quantity,
    config::{At, ConfigError, File, Place, entry::ScorerEntry, error::suggestion, variables},
    dataset::Dataset,
    domain::run::ScorerInfo,
    extract::Pipeline,
    provider::PROVIDERS,
    scorer::{self, Args, Built, Card, Range, SCORERS, Site},
};

/// A scorer with its id and what it reads.
pub struct PlannedScorer {
    /// Its id in results.
    pub id: String,
    /// What the registry says of it.
    pub card: &'static Card,
    /// Its options as written.
    pub options: Map<String, Value>,
    /// Index of the pipeline that it reads; `None` is the whole output.
    pub extract: Option<usize>,
    /// The id of that pipeline.
    pub extract_id: Option<String>,
    /// How long it may take for one answer.
    pub limit: Duration,
    /// Whether somebody said so.
    pub limited: bool,
    /// The scorer itself.
    pub scorer: Built,
}

impl std::fmt::Debug for PlannedScorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlannedScorer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PlannedScorer {
    /// What is stored about it.
    pub fn info(&self) -> ScorerInfo {
        let mut options = self.options.clone();
        if let Range::Number { unit } = self.card.range {
            options.insert("unit".to_owned(), Value::from(unit));
        }
        ScorerInfo {
            id: self.id.clone(),
            name: self.card.name.to_owned(),
            options: Value::Object(options),
            extract: self.extract_id.clone(),
            unit_range: matches!(self.card.range, Range::Unit),
            corpus: self.scorer.corpus(),
        }
    }
}

/// The extraction pipelines of a config: one without a name, or a list of `{id, steps}`.
pub(super) fn pipelines(file: &File, inputs: Inputs<'_>) -> Result<Vec<Pipeline>, ConfigError> {
    let Some(entry) = &file.extract else { return Ok(Vec::new()) };
    let origin = inputs.origin_of(entry.place, "--extract");
    let error = |message: String| ConfigError::new(origin, entry.place, message);
    let named = |value: &Value| value.get("id").is_some() || value.get("steps").is_some();
    let written: Vec<&Value> = match &entry.value {
        Value::Array(items) if items.iter().any(named) => items.iter().collect(),
        one => vec![one],
    };
    let mut ids = HashSet::new();
    let mut found = Vec::with_capacity(written.len());
    for value in written {
        let (id, steps) =
            if named(value) { named_pipeline(value).map_err(error)? } else { ("default", value) };
        if ["output", "none"].contains(&id) {
            return Err(error(format!(
                "an extraction cannot be called `{id}`, which is the whole output"
            )));
        }
        if !ids.insert(id.to_owned()) {
            return Err(error(format!("two extractions are called `{id}`")));
        }
        let pipeline = Pipeline::from_value(id, steps).map_err(|wrong| error(wrong.to_string()))?;
        found.push(pipeline);
    }
    Ok(found)
}

fn named_pipeline(value: &Value) -> Result<(&str, &Value), String> {
    let map = value.as_object().ok_or("an extraction is a mapping with `id` and `steps`")?;
    if let Some(stranger) = map.keys().find(|key| !["id", "steps"].contains(&key.as_str())) {
        return Err(format!(
            "unknown key `{stranger}` in an extraction; it takes `id` and `steps`"
        ));
    }
    let id = map.get("id").and_then(Value::as_str).filter(|id| !id.trim().is_empty());
    match (id, map.get("steps")) {
        (Some(id), Some(steps)) => Ok((id, steps)),
        (None, _) => Err("an extraction in a list needs an `id`, a text".to_owned()),
        (_, None) => Err("an extraction needs `steps`".to_owned()),
    }
}

/// Builds the scorers of a config.
pub(super) fn scorers(
    file: &File,
    inputs: Inputs<'_>,
    extracts: &[Pipeline],
) -> Result<Vec<PlannedScorer>, ConfigError> {
    let mut ids = HashSet::new();
    let mut planned = Vec::with_capacity(file.scorers.len());
    for entry in &file.scorers {
        let scorer = build(entry, inputs, extracts)?;
        if !ids.insert(scorer.id.clone()) {
            let message = format!("two scorers are called `{}`", scorer.id);
            let hint = format!("give one of them an `id`: `{}: {{id: …}}`", entry.value.name);
            let origin = inputs.origin_of(entry.place, "--scorer");
            return Err(ConfigError::new(origin, entry.place, message).hint(hint));
        }
        planned.push(scorer);
    }
    Ok(planned)
}

fn build(
    entry: &At<ScorerEntry>,
    inputs: Inputs<'_>,
    extracts: &[Pipeline],
) -> Result<PlannedScorer, ConfigError> {
    let name = &entry.value.name;
    let origin = inputs.origin_of(entry.place, "--scorer");
    let error = |message: String| ConfigError::new(origin, entry.place, message);
    let kind = scorer::find(name).ok_or_else(|| {
        let known: Vec<&str> = SCORERS.iter().map(|kind| kind.card().name).collect();
        error(format!("there is no scorer `{name}`")).hint(suggestion(
            name,
            known.iter().copied(),
            "scorers",
        ))
    })?;
    let mut options = scorer::spelled_out(kind.card(), entry.value.options.clone());
    let mut text = |key: &str| match options.shift_remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(_) if key == "extract" => Err(error(format!(
            "`extract` of scorer `{name}` names an extraction; its steps stand under `extract` of the config"
        ))),
        Some(_) => {
            Err(error(format!("`{key}` of scorer `{name}` must be a text; put it in quotes")))
        }
    };
    let id = text("id")?.unwrap_or_else(|| name.clone());
    let wanted = text("extract")?;
    let timeout = text("timeout")?.map(|written| {
        quantity::duration(&written).filter(|time| !time.is_zero()).ok_or_else(|| {
            error(format!("`timeout` of scorer `{name}`: `{written}` is no time"))
                .hint("write `500ms`, `10s` or `2m`")
        })
    });
    let timeout = timeout.transpose()?;
    let card = kind.card();
    let extract = match wanted.as_deref() {
        _ if !card.reads_output => None,
        None if extracts.is_empty() => None,
        None => Some(0),
        Some("output" | "none") => None,
        Some(wanted) => Some(extracts.iter().position(|p| p.id() == wanted).ok_or_else(|| {
            let known: Vec<&str> = extracts.iter().map(Pipeline::id).chain(["output"]).collect();
            error(format!("scorer `{id}` reads the extraction `{wanted}`, which does not exist"))
                .hint(suggestion(wanted, known.iter().copied(), "extractions"))
        })?),
    };
    let site = site(inputs, &options).map_err(error)?;
    let scorer = Args::new(card, &options)
        .and_then(|args| kind.build(&args.at(site)))
        .map_err(|wrong| error(wrong.to_string()))?;
    let extract_id = extract.map(|index| extracts[index].id().to_owned());
    Ok(PlannedScorer {
        id,
        card,
        options,
        extract,
        extract_id,
        limit: timeout.unwrap_or_else(|| scorer.limit()),
        limited: timeout.is_some(),
        scorer,
    })
}

/// What programs are told of the environment: where things are and in which language, nothing that
/// might hold a key.
const VARIABLES: [&str; 8] = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER"];

fn site(inputs: Inputs<'_>, options: &Map<String, Value>) -> Result<Site, String> {
    let variable = |name: &&str| Some(((*name).to_owned(), (inputs.lookup)(name)?));
    let mut named = BTreeMap::new();
    let lookup = RefCell::new(|name: &str| {
        let value = (inputs.lookup)(name)?;
        named.insert(name.to_owned(), value.clone());
        Some(value)
    });
    for text in environments(options) {
        variables::fill_in(text, &|name| (lookup.borrow_mut())(name))?;
    }
    let is_key = |name: &&String| {
        PROVIDERS.iter().any(|provider| provider.card().key_env.contains(&name.as_str()))
    };
    if let Some(name) = named.keys().find(is_key) {
        return Err(format!(
            "`${{{name}}}` is a provider's key, and programs get none; give it one of its own under \
             another name"
        ));
    }
    Ok(Site {
        base_dir: inputs.base_dir.to_owned(),
        variables: VARIABLES.iter().filter_map(variable).collect(),
        named,
        unsafe_no_sandbox: inputs.unsafe_no_sandbox,
    })
}

/// The texts of every `env` among `options`, those of scorers within scorers too.
fn environments(options: &Map<String, Value>) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Vec<(&str, &Value)> = options.iter().map(|(k, v)| (k.as_str(), v)).collect();
    while let Some((name, value)) = open.pop() {
        match value {
            Value::Object(map) if name == "env" => {
                found.extend(map.values().filter_map(Value::as_str));
            }
            Value::Object(map) => open.extend(map.iter().map(|(k, v)| (k.as_str(), v))),
            Value::Array(items) => open.extend(items.iter().map(|item| (name, item))),
            _ => {}
        }
    }
    found
}

/// Which programs the scorers start, in a sentence each: a config may be somebody else's.
pub(super) fn notices(scorers: &[PlannedScorer]) -> impl Iterator<Item = String> {
    scorers.iter().flat_map(|planned| {
        let says = |program| format!("scorer `{}` starts `{program}`", planned.id);
        planned.scorer.starts().into_iter().map(says)
    })
}

/// Refuses scorers that have nothing to compare with in the whole dataset.
pub(super) fn check_expected(
    scorers: &[PlannedScorer],
    file: &File,
    dataset: &Dataset,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    if dataset.has_expected() {
        return Ok(());
    }
    let Some((index, lost)) =
        scorers.iter().enumerate().find(|(_, scorer)| scorer.scorer.needs_expected())
    else {
        return Ok(());
    };
    let place = file.scorers.get(index).map_or(Place::default(), |entry| entry.place);
    let message =
        format!("scorer `{}` compares with expected answers, and no column holds them", lost.id);
    let columns: Vec<String> =
        dataset.columns().iter().map(|column| format!("`{column}`")).collect();
    let origin = inputs.origin_of(place, "--scorer");
    Err(ConfigError::new(origin, place, message).hint(format!(
        "name the column: `dataset: {{expected: …}}` or `--expected …`; columns: {}",
        columns.join(", ")
    )))
}
