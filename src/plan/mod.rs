//! Floor 4: a config becomes a plan: checked, resolved, ready to be executed.
//!
//! Everything that can be wrong before the first call is found here, and nothing is written.

mod budget;
mod cache;
mod data;
mod engine;
mod estimate;
mod judges;
mod metrics;
mod models;
mod prompts;
mod row;
mod score;
mod scorers;
mod stop;

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

pub use self::{
    estimate::{Estimate, Known, ModelEstimate, Past},
    metrics::metrics,
    row::Row,
    score::{ScorePlan, scoring},
    scorers::{PlannedScorer, Rows, Scoring, unsandboxed},
};
use crate::{
    base::{clock, id},
    catalog::{self, Table},
    client::RetryPolicy,
    config::{
        At, ConfigError, File, Place, engine::Schedule, entry::ModelEntry, error::suggestion,
    },
    dataset::{Dataset, DatasetError, Format},
    domain::{
        budget::Budget,
        limits::Limits,
        run::{ModelInfo, PromptInfo, RunContext, RunHeader, ScorerInfo},
        target::{Endpoint, Target},
    },
    metric::{REDUCERS, derived, early, reducer},
    prompt::Prompt,
};

/// A run that can be executed.
#[derive(Debug)]
pub struct Plan {
    /// What is stored about it.
    pub header: RunHeader,
    /// The rows.
    pub dataset: Dataset,
    /// The prompts, in order.
    pub prompts: Vec<Prompt>,
    /// The models, in order.
    pub targets: Vec<Arc<Target>>,
    /// The models that scorers ask, each once.
    pub judges: Vec<Arc<Target>>,
    /// How answers are scored.
    pub scoring: Arc<Scoring>,
    /// What the whole run may use up.
    pub budget: Budget,
    /// What scorers that ask models may use up of it.
    pub judge_budget: Budget,
    /// Calls in flight at most.
    pub concurrency: u32,
    /// How old an answer in the response cache may be; `None` asks anew.
    pub cache_ttl: Option<Duration>,
    /// Bytes that the file of the response cache may have; `None` is the default.
    pub cache_max_bytes: Option<u64>,
    /// Whether accounts find out how many of these are theirs.
    pub adaptive: bool,
    /// What accounts may be asked for, by `Target::account`.
    pub limits: Vec<(String, Limits)>,
    /// When failed requests are made again.
    pub retry: RetryPolicy,
    /// Whether models are asked one after the other instead of side by side.
    pub by_model: bool,
    /// What image paths of prompts are relative to.
    pub base_dir: PathBuf,
    /// What the user should know before the first call, in a sentence each.
    pub notices: Vec<String>,
}

/// What a plan is made from besides the config.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The config's path, or the words `command line`, for messages.
    pub origin: &'a str,
    /// What relative paths are relative to.
    pub base_dir: &'a Path,
    /// Finds the value of `${NAME}`.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The registered models and endpoints.
    pub registered: &'a dyn catalog::registry::Registered,
    /// Keeps only the samples with these ids.
    pub only_ids: Option<&'a HashSet<String>>,
    /// What is known of models.
    pub table: Table<'a>,
    /// Whether code that models wrote may run without a sandbox.
    pub unsafe_no_sandbox: bool,
    /// This program, where it can be started with [`scorer::CONFINED`](crate::scorer::CONFINED).
    pub confiner: Option<&'a Path>,
    /// Which part of the dataset is meant, counted from 1, and of how many; all of it when `None`.
    pub shard: Option<(u32, u32)>,
}

impl<'a> Inputs<'a> {
    /// Who said what stands at `place`: the config, or a flag.
    fn origin_of(&self, place: Place, flag: &'a str) -> &'a str {
        if place.line == 0 { flag } else { self.origin }
    }
}

impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The config is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The dataset cannot be used.
    #[error("{0}")]
    Dataset(#[from] DatasetError),
}

/// Resolves `file`.
///
/// # Errors
///
/// The first thing that is wrong. What needs no dataset is checked before the dataset is opened.
pub async fn resolve(file: &File, inputs: Inputs<'_>) -> Result<Plan, PlanError> {
    let targets = targets(file, inputs)?;
    let extracts = scorers::pipelines(file, inputs)?;
    let scorers = scorers::scorers(file, inputs, &extracts, &scorers::planned(&targets))?;
    let prompts = prompts::compile(file, inputs)?;
    models::check(&prompts, &targets, file, inputs)?;
    let (epochs, reduce) = epochs(file, inputs)?;
    let judges = judges::of(&scorers, file);
    let budgets = budget::resolve(file, inputs, &targets, &judges)?;
    let cache_ttl = cache::ttl(file, inputs)?;
    let cache_max_bytes = cache::max_bytes(file, inputs)?;
    let concurrency = engine::concurrency(file, inputs)?;
    let retry = engine::retry(file, inputs)?;
    let judges: Vec<Arc<Target>> = judges.into_iter().map(|(target, _)| target).collect();
    let limits = engine::limits(targets.iter().chain(&judges));
    let by_model = file.schedule.as_ref().is_some_and(|at| at.value == Schedule::ByModel);
    let score_also = file.score_also.iter().map(|status| status.value).collect();
    let (dataset, location) = data::open(file, inputs).await?;
    let (dataset, shard) = match inputs.shard {
        None => (dataset, None),
        Some((index, of)) => {
            let (dataset, shard) = dataset.shard(index, of)?;
            (dataset, Some(shard))
        }
    };
    prompts::check_variables(&prompts, &dataset, inputs)?;
    let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
    let rows =
        Rows { columns: dataset.columns(), have_expected: dataset.has_expected(), models: &names };
    scorers::check_rows(&scorers, file, rows, inputs)?;
    data::check_slices(file, dataset.columns(), inputs)?;
    let mut notices = models::notices(&targets, inputs.table);
    notices.extend(models::notices(&judges, inputs.table));
    notices.extend(judges::notices(&scorers, &targets));
    notices.extend(scorers::notices(&scorers));
    let infos: Vec<ScorerInfo> = scorers.iter().map(PlannedScorer::info).collect();
    let mut config = snapshot(file, inputs, concurrency);
    measured(file, inputs, (&infos, epochs), &mut config)?;
    if unsandboxed(&scorers, inputs) {
        notices.push("code that models write runs without a sandbox, with your rights".to_owned());
        config["unsafe_no_sandbox"] = Value::Bool(true);
    }
    let header = RunHeader {
        id: id::new_run_id(),
        name: name(file, inputs, &location),
        created_ms: clock::now_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config,
        dataset: without_secrets(&location),
        dataset_digest: dataset.digest().to_owned(),
        samples: dataset.len(),
        prompts: prompts
            .iter()
            .map(|(_, prompt)| PromptInfo {
                id: prompt.id().to_owned(),
                template: prompt.to_value(),
            })
            .collect(),
        models: model_infos(file, &targets, inputs),
        scorers: infos,
        extracts: extracts.iter().map(|pipeline| pipeline.id().to_owned()).collect(),
        epochs,
        reduce: reduce.to_owned(),
        gates: file.gates.iter().map(|gate| gate.value.clone()).collect(),
        command: None,
        forked_from: None,
        judges: judges.iter().map(|target| model_info(target, None)).collect(),
        context: RunContext { shard, ..RunContext::default() },
    };
    Ok(Plan {
        dataset,
        prompts: prompts.into_iter().map(|(_, prompt)| prompt).collect(),
        scoring: Arc::new(Scoring {
            scorers,
            extracts,
            score_also,
            models: header.models.iter().map(|model| model.name.clone()).collect(),
            prompts: header.prompts.iter().map(|prompt| prompt.id.clone()).collect(),
        }),
        header,
        budget: budgets.all,
        judge_budget: budgets.judges,
        judges,
        cache_ttl,
        cache_max_bytes,
        concurrency: concurrency.calls,
        adaptive: concurrency.auto,
        limits,
        retry,
        by_model,
        notices,
        targets,
        base_dir: inputs.base_dir.to_owned(),
    })
}

/// Puts down in `config` when the run may end early, and which metrics are made of others.
fn measured(
    file: &File,
    inputs: Inputs<'_>,
    (scorers, epochs): (&[ScorerInfo], u32),
    config: &mut Value,
) -> Result<(), ConfigError> {
    if let Some(rule) = stop::resolve(file, inputs, scorers, epochs)? {
        config[early::KEY] = rule;
    }
    let derived = metrics(file, inputs, scorers)?;
    if !derived.is_empty() {
        config[derived::KEY] = derived::as_json(&derived);
    }
    Ok(())
}

fn model_infos(file: &File, targets: &[Arc<Target>], inputs: Inputs<'_>) -> Vec<ModelInfo> {
    let named = targets.iter().zip(&file.models);
    named.map(|(target, entry)| model_info(target, Some((&entry.value, inputs)))).collect()
}

fn targets(file: &File, inputs: Inputs<'_>) -> Result<Vec<Arc<Target>>, ConfigError> {
    if file.models.is_empty() {
        return Err(ConfigError::new(inputs.origin, Place::default(), "no model is named")
            .hint("add `models: [sim/good]` to the config, or `-m sim/good` to the command"));
    }
    let params = catalog::params(&file.params.value).map_err(|message| {
        let origin = inputs.origin_of(file.params.place, "command line");
        ConfigError::new(origin, file.params.place, message)
    })?;
    let context = catalog::Context {
        origin: inputs.origin,
        lookup: inputs.lookup,
        params: &params,
        base_dir: inputs.base_dir,
        table: inputs.table,
        registered: inputs.registered,
        project: file.project.as_ref().map(|project| project.value.as_str()),
        aliases: &file.aliases,
    };
    let mut names = HashSet::new();
    let mut targets = Vec::with_capacity(file.models.len());
    for entry in &file.models {
        let origin = inputs.origin_of(entry.place, "--model");
        let target = catalog::resolve(entry, catalog::Context { origin, ..context })?;
        for asked in target.with_stand_ins() {
            crate::client::check(asked).map_err(|fault| {
                let message = format!("model `{}`: {}", asked.name, fault.message);
                ConfigError::new(origin, entry.place, message)
            })?;
        }
        if !names.insert(target.name.clone()) {
            let message = format!("two models are called `{}`", target.name);
            return Err(
                ConfigError::new(origin, entry.place, message).hint("give one of them an `id`")
            );
        }
        targets.push(Arc::new(target));
    }
    Ok(targets)
}

fn epochs(file: &File, inputs: Inputs<'_>) -> Result<(u32, &'static str), ConfigError> {
    let Some(entry) = &file.epochs else { return Ok((1, "mean")) };
    let epochs = &entry.value.0;
    if !(1..=10_000).contains(&epochs.count.value) {
        let message = format!("`epochs` lies between 1 and 10000, not {}", epochs.count.value);
        return Err(ConfigError::new(inputs.origin, entry.place, message));
    }
    let Some(reduce) = &epochs.reduce else { return Ok((epochs.count.value, "mean")) };
    let found = reducer::find(&reduce.value).ok_or_else(|| {
        let message = format!("there is no reducer `{}`", reduce.value);
        let known = REDUCERS.iter().map(|reducer| reducer.name());
        let known: Vec<&str> = known.collect();
        ConfigError::new(inputs.origin, reduce.place, message).hint(suggestion(
            &reduce.value,
            known.iter().copied(),
            "reducers",
        ))
    })?;
    if epochs.count.value < found.least() {
        let (name, least) = (found.name(), found.least());
        let message = format!("`{name}` needs {least} repeats, not {}", epochs.count.value);
        return Err(ConfigError::new(inputs.origin, reduce.place, message)
            .hint(format!("write `epochs: {{count: {least}, reduce: {name}}}`")));
    }
    Ok((epochs.count.value, found.name()))
}

fn name(file: &File, inputs: Inputs<'_>, location: &str) -> String {
    if let Some(name) = &file.name {
        return name.value.clone();
    }
    let stem = |path: &str| {
        let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        name.and_then(|name| name.split('.').next().map(str::to_owned))
    };
    let config = stem(inputs.origin).filter(|_| inputs.origin != "command line");
    let generic = |name: &String| ["evals", "eval", ""].contains(&name.as_str());
    config
        .filter(|name| !generic(name))
        .or_else(|| {
            stem(location).filter(|name| !name.is_empty() && !name.contains(['*', '?', '-']))
        })
        .unwrap_or_else(|| "run".to_owned())
}

fn model_info(target: &Target, entry: Option<(&ModelEntry, Inputs<'_>)>) -> ModelInfo {
    let origin = match &target.endpoint {
        Endpoint::Http(endpoint) => without_secrets(&endpoint.base_url),
        Endpoint::Sim(sim) => format!(
            "simulated: accuracy {}, latency {} ms, jitter {}, errors {}, verbosity {}, seed {}",
            sim.accuracy,
            sim.latency.as_millis(),
            sim.jitter,
            sim.error_rate,
            sim.verbosity,
            sim.seed,
        ),
        Endpoint::Replay(source) => source.path.as_ref().map_or_else(
            || "recorded: the dataset's own columns".to_owned(),
            |path| format!("recorded: {}", path.display()),
        ),
    };
    ModelInfo {
        name: target.name.clone(),
        title: entry.and_then(|(entry, inputs)| models::title(entry, inputs)),
        provider: target.provider.to_owned(),
        model: target.model.clone(),
        origin,
        params: target.params.to_value(),
        price: target.price.clone(),
        fallback: target.fallback.iter().map(|target| model_info(target, None)).collect(),
        pool: target
            .pool
            .iter()
            .map(|(weight, target)| (*weight, model_info(target, None)))
            .collect(),
        reference: entry
            .and_then(|(entry, _)| entry.0.reference.as_ref())
            .map(|reference| reference.value.trim().to_owned())
            .filter(|reference| reference.starts_with("byo:")),
    }
}

/// A URL without its query and user, which may hold a key. Paths stay as they are.
fn without_secrets(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let host = rest.find('/').unwrap_or(rest.len());
    let user = rest[..host].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[user..])
}

/// What the other fields of a header do not say. `${NAME}` stays as written.
fn snapshot(file: &File, inputs: Inputs<'_>, concurrency: engine::Concurrency) -> Value {
    let text = |value: &Option<At<String>>| value.as_ref().map(|at| at.value.clone());
    let data = file.dataset.as_ref().map(|entry| {
        let data = &entry.value.0;
        let mut written = json!({
            "path": text(&data.path).map(|path| without_secrets(&path)),
            "format": text(&data.format),
            "id": text(&data.id),
            "input": text(&data.input),
            "expected": data.expected.as_ref().map(|at| data::expected_json(&at.value)),
            "metadata": data.metadata.iter().map(|at| at.value.as_str()).collect::<Vec<_>>(),
            "cluster": text(&data.cluster),
            "tags": text(&data.tags),
            "scorers": text(&data.scorers),
            "where": text(&data.filter),
            "limit": data.limit.as_ref().map(|at| at.value),
            "shuffle": data.shuffle.as_ref().map(|at| at.value),
            "sample": data.sample.as_ref().map(|at| json!({
                "count": at.value.0.count,
                "seed": at.value.0.seed,
            })),
            "range": text(&data.range),
        });
        // Runs recorded before there were choices have no key for them.
        if let Some(at) = &data.choices {
            written["choices"] = data::choices_json(&at.value.0);
        }
        written
    });
    let mut written = json!({
        "config": inputs.origin,
        "dataset": data,
        "extract": file.extract.as_ref().map(|at| at.value.clone()),
        "score_also": file.score_also.iter().map(|at| at.value.name()).collect::<Vec<_>>(),
        "concurrency": if concurrency.auto { json!("auto") } else { json!(concurrency.calls) },
        "schedule": file.schedule.as_ref().map(|at| match at.value {
            Schedule::SideBySide => "side-by-side",
            Schedule::ByModel => "by-model",
        }),
        "budget": {
            "usd": file.budget.usd.as_ref().map(|at| at.value),
            "judges": file.budget.judges.as_ref().map(|at| at.value),
            "tokens": file.budget.tokens.as_ref().map(|at| at.value),
            "time": text(&file.budget.time),
            "error_rate": text(&file.budget.error_rate),
        },
    });
    if !file.slices.is_empty() {
        written["slices"] = file.slices.iter().map(|at| at.value.as_str()).collect();
    }
    written
}

/// The dataset formats, for messages.
fn known_formats() -> Vec<&'static str> {
    [Format::Csv, Format::Tsv, Format::Json, Format::Jsonl, Format::Parquet, Format::Arrow]
        .map(Format::name)
        .to_vec()
}
