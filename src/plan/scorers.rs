//! The scorers of a plan and the extractions they read.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value};

use super::{Inputs, judges};
use crate::{
    base::quantity,
    config::{At, ConfigError, File, Place, entry::ScorerEntry, error::suggestion, variables},
    domain::{
        params::Tool,
        run::{ModelInfo, ScorerInfo},
        target::Target,
        trial::Status,
    },
    extract::Pipeline,
    provider::PROVIDERS,
    scorer::{self, Built, Card, Range, RowScorers, SCORERS, ScorerKind, Site, when::When},
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
    /// The condition on other scores under which it looks at an answer.
    pub when: Option<When>,
    /// When its turn is: after those of lower stages, whose scores its condition is about.
    pub stage: usize,
    /// The scorer itself.
    pub scorer: Built,
    kind: &'static dyn ScorerKind,
}

impl std::fmt::Debug for PlannedScorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlannedScorer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl PlannedScorer {
    /// What is stored about it.
    pub fn info(&self) -> ScorerInfo {
        let mut options = judges::without_keys(self.kind, &self.options);
        if let Some(when) = &self.when {
            options.insert("when".to_owned(), when.text().into());
        }
        for (name, fact) in self.scorer.facts() {
            options.insert(name, fact);
        }
        if let Range::Number { unit } = self.card.range {
            // A scorer that takes its unit as an option has it there already.
            options.entry("unit").or_insert_with(|| Value::from(unit));
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

/// How answers are scored.
#[derive(Debug)]
pub struct Scoring {
    /// The scorers, in order.
    pub scorers: Vec<PlannedScorer>,
    /// The extraction pipelines, in order.
    pub extracts: Vec<Pipeline>,
    /// Statuses besides `ok` whose answers are scored.
    pub score_also: Vec<Status>,
    /// The names of the models, in order.
    pub models: Vec<String>,
    /// The ids of the prompts, in order.
    pub prompts: Vec<String>,
}

impl Scoring {
    /// Whether a scorer looks at the answers of all models to a question.
    pub fn compares(&self) -> bool {
        self.scorers.iter().filter_map(|planned| planned.scorer.asks()).any(scorer::Asks::compares)
    }
}

/// What scorers may rely on in every row.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The columns.
    pub columns: &'a [String],
    /// Whether there are expected answers.
    pub have_expected: bool,
    /// The names of the models whose answers are scored.
    pub models: &'a [String],
}

/// Whether code that models wrote is to run without a sandbox.
pub fn unsandboxed(scorers: &[PlannedScorer], inputs: Inputs<'_>) -> bool {
    inputs.unsafe_no_sandbox && scorers.iter().any(|planned| planned.card.name == "code_exec")
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

/// Whose answers are scored.
#[derive(Debug)]
pub(super) struct Answering {
    /// How many models.
    models: usize,
    /// The functions that each may call, by its name; those of models that stand in too.
    tools: Vec<(String, Vec<Tool>)>,
}

/// The models of a run that is planned.
pub(super) fn planned(targets: &[Arc<Target>]) -> Answering {
    let all = targets.iter().flat_map(|target| target.with_stand_ins());
    let tools = all.map(|target| (target.name.clone(), target.params.tools.clone())).collect();
    Answering { models: targets.len(), tools }
}

/// The models of a run that is recorded.
pub(super) fn recorded(models: &[ModelInfo]) -> Answering {
    let mut found = Vec::new();
    let mut open: Vec<&ModelInfo> = models.iter().collect();
    while let Some(model) = open.pop() {
        let tools = model.params.get("tools").and_then(Value::as_array);
        let tools = tools.into_iter().flatten().filter_map(|tool| Tool::from_value(tool).ok());
        found.push((model.name.clone(), tools.collect()));
        open.extend(model.fallback.iter().chain(model.pool.iter().map(|(_, model)| model)));
    }
    Answering { models: models.len(), tools: found }
}

/// Builds the scorers of a config for the answers of `answering`.
pub(super) fn scorers(
    file: &File,
    inputs: Inputs<'_>,
    extracts: &[Pipeline],
    answering: &Answering,
) -> Result<Vec<PlannedScorer>, ConfigError> {
    let mut ids = HashSet::new();
    let rows = row_scorers(file);
    let mut planned = Vec::with_capacity(file.scorers.len());
    for entry in &file.scorers {
        let scorer = build(entry, (file, inputs), (extracts, answering), rows.as_ref())?;
        if !ids.insert(scorer.id.clone()) {
            let message = format!("two scorers are called `{}`", scorer.id);
            let hint = format!("give one of them an `id`: `{}: {{id: …}}`", entry.value.name);
            let origin = inputs.origin_of(entry.place, "--scorer");
            return Err(ConfigError::new(origin, entry.place, message).hint(hint));
        }
        planned.push(scorer);
    }
    stages(&mut planned, file, inputs)?;
    Ok(planned)
}

/// Sets the stages of scorers that wait for the scores of others.
fn stages(
    planned: &mut [PlannedScorer],
    file: &File,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    let waits: Vec<Vec<usize>> = planned
        .iter()
        .map(|scorer| {
            let ids = scorer.when.as_ref().map(When::ids).unwrap_or_default();
            let place = |id: &str| planned.iter().position(|other| other.id == id);
            ids.into_iter().filter_map(place).collect()
        })
        .collect();
    // Each round lets every scorer come after those it waits for; a circle would go on for ever.
    for _ in 0..=planned.len() {
        let mut settled = true;
        for (index, waits) in waits.iter().enumerate() {
            let after = waits.iter().map(|other| planned[*other].stage + 1).max().unwrap_or(0);
            settled &= after <= planned[index].stage;
            planned[index].stage = planned[index].stage.max(after);
        }
        if settled {
            return Ok(());
        }
    }
    let late = planned.iter().enumerate().max_by_key(|(_, scorer)| scorer.stage);
    let (index, id) = late.map_or((0, ""), |(index, scorer)| (index, scorer.id.as_str()));
    let place = file.scorers.get(index).map_or(Place::default(), |entry| entry.place);
    let origin = inputs.origin_of(place, "--scorer");
    Err(ConfigError::new(origin, place, format!("`when` of scorer `{id}` comes back to itself")))
}

/// The column in which rows name the scorers that apply to them.
fn row_scorers(file: &File) -> Option<RowScorers> {
    let column = file.dataset.as_ref()?.value.0.scorers.as_ref()?.value.clone();
    Some(RowScorers { column, ids: ids(file).map(str::to_owned).collect() })
}

/// The ids of all scorers, in order.
fn ids(file: &File) -> impl Iterator<Item = &str> {
    file.scorers.iter().map(|entry| {
        let id = entry.value.options.get("id").and_then(Value::as_str);
        id.unwrap_or(&entry.value.name)
    })
}

fn build(
    entry: &At<ScorerEntry>,
    (file, inputs): (&File, Inputs<'_>),
    (extracts, answering): (&[Pipeline], &Answering),
    rows: Option<&RowScorers>,
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
    let when = text("when")?.map(|written| {
        let others: Vec<&str> = ids(file).filter(|other| *other != id).collect();
        When::parse(&written, &others)
            .map_err(|wrong| error(format!("`when` of scorer `{name}`: {wrong}")))
    });
    let when = when.transpose()?;
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
    let mut site = site(inputs, &options).map_err(error)?;
    site.tools.clone_from(&answering.tools);
    site.models = judges::resolved(kind, &options, (file, inputs), (origin, entry.place))?;
    site.subjects = answering.models;
    site.extracts = extracts.iter().map(|pipeline| pipeline.id().to_owned()).collect();
    let scorer = scorer::assemble(kind, &options, site, rows.map(|rows| (id.as_str(), rows)))
        .map_err(|wrong| error(wrong.to_string()))?
        .built;
    let extract_id = extract.map(|index| extracts[index].id().to_owned());
    Ok(PlannedScorer {
        id,
        card,
        options,
        extract,
        extract_id,
        limit: timeout.unwrap_or_else(|| scorer.limit()),
        limited: timeout.is_some(),
        when,
        stage: 0,
        scorer,
        kind,
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
        confiner: inputs.confiner.map(ToOwned::to_owned),
        ..Site::default()
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

/// Refuses scorers that the rows have nothing for.
pub(super) fn check_rows(
    scorers: &[PlannedScorer],
    file: &File,
    rows: Rows<'_>,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    check_expected(scorers, file, rows, inputs)?;
    check_columns(scorers, file, rows, inputs)?;
    check_models(scorers, file, rows, inputs)
}

/// Refuses scorers that compare models where there is but one, or name one that is not there.
fn check_models(
    scorers: &[PlannedScorer],
    file: &File,
    rows: Rows<'_>,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    for (index, planned) in scorers.iter().enumerate() {
        let Some(asks) = planned.scorer.asks().filter(|asks| asks.compares()) else { continue };
        let place = file.scorers.get(index).map_or(Place::default(), |entry| entry.place);
        let origin = inputs.origin_of(place, "--scorer");
        if rows.models.len() < 2 {
            let message = format!("scorer `{}` compares models, and the run has one", planned.id);
            return Err(ConfigError::new(origin, place, message)
                .hint("name another one under `models`, or by `-m`"));
        }
        let lacks = |name: &String| !rows.models.contains(name);
        if let Some(name) = asks.names_models().into_iter().find(lacks) {
            let message =
                format!("scorer `{}` compares `{name}`, which is no model of the run", planned.id);
            let known = rows.models.iter().map(String::as_str);
            return Err(
                ConfigError::new(origin, place, message).hint(suggestion(&name, known, "models"))
            );
        }
    }
    Ok(())
}

/// Refuses scorers that read a column which the dataset does not have.
fn check_columns(
    scorers: &[PlannedScorer],
    file: &File,
    rows: Rows<'_>,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    let known = rows.columns;
    for (index, planned) in scorers.iter().enumerate() {
        let lacks = |column: &&String| !known.iter().any(|known| known == *column);
        let Some(column) = planned.scorer.columns().iter().find(lacks) else { continue };
        let place = file.scorers.get(index).map_or(Place::default(), |entry| entry.place);
        let origin = inputs.origin_of(place, "--scorer");
        let message = format!(
            "scorer `{}` reads the column `{column}`, which the dataset does not have",
            planned.id
        );
        return Err(ConfigError::new(origin, place, message).hint(suggestion(
            column,
            known.iter().map(String::as_str),
            "columns",
        )));
    }
    Ok(())
}

/// Refuses scorers that have nothing to compare with in the whole dataset.
fn check_expected(
    scorers: &[PlannedScorer],
    file: &File,
    rows: Rows<'_>,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    if rows.have_expected {
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
    let columns: Vec<String> = rows.columns.iter().map(|column| format!("`{column}`")).collect();
    let origin = inputs.origin_of(place, "--scorer");
    Err(ConfigError::new(origin, place, message).hint(format!(
        "name the column: `dataset: {{expected: …}}` or `--expected …`; columns: {}",
        columns.join(", ")
    )))
}
