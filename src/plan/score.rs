//! What it takes to score answers that exist: no models but those that scorers ask.

use std::{sync::Arc, time::Duration};

use super::{
    Inputs, PlanError, Rows, Scoring, budget, cache, engine, judges, model_info, models, scorers,
};
use crate::{
    client::RetryPolicy,
    config::File,
    domain::{budget::Budget, limits::Limits, run::ModelInfo, target::Target},
};

/// Scoring, with what asking models for it needs.
#[derive(Debug)]
pub struct ScorePlan {
    /// How. Names of models and prompts are left empty.
    pub scoring: Scoring,
    /// The models that scorers ask, each once.
    pub judges: Vec<Arc<Target>>,
    /// What is stored about them.
    pub judge_infos: Vec<ModelInfo>,
    /// What they may use up.
    pub budget: Budget,
    /// Calls in flight at most.
    pub concurrency: u32,
    /// Whether accounts find out how many of these are theirs.
    pub adaptive: bool,
    /// When failed requests are made again.
    pub retry: RetryPolicy,
    /// What accounts may be asked for.
    pub limits: Vec<(String, Limits)>,
    /// How old an answer in the response cache may be; `None` asks anew.
    pub cache_ttl: Option<Duration>,
    /// Bytes that the file of the response cache may have; `None` is the default.
    pub cache_max_bytes: Option<u64>,
    /// What the user should know before the first call, in a sentence each.
    pub notices: Vec<String>,
}

/// The scoring that `file` describes for answers of `answered` that exist, to `rows`.
///
/// # Errors
/// The first thing that is wrong.
pub fn scoring(
    file: &File,
    inputs: Inputs<'_>,
    rows: Rows<'_>,
    answered: &[ModelInfo],
) -> Result<ScorePlan, PlanError> {
    let extracts = scorers::pipelines(file, inputs)?;
    let scorers = scorers::scorers(file, inputs, &extracts, &scorers::recorded(answered))?;
    scorers::check_rows(&scorers, file, rows, inputs)?;
    let judges = judges::of(&scorers, file);
    let budgets = budget::resolve(file, inputs, &[], &judges)?;
    let judges: Vec<Arc<Target>> = judges.into_iter().map(|(target, _)| target).collect();
    let concurrency = engine::concurrency(file, inputs)?;
    let mut notices = models::notices(&judges, inputs.table);
    notices.extend(scorers::notices(&scorers));
    let usd = match (budgets.all.usd, budgets.judges.usd) {
        (Some(all), Some(judges)) => Some(all.min(judges)),
        (all, judges) => all.or(judges),
    };
    let score_also = file.score_also.iter().map(|status| status.value).collect();
    Ok(ScorePlan {
        judge_infos: judges.iter().map(|target| model_info(target, None)).collect(),
        budget: Budget { usd, ..budgets.all },
        concurrency: concurrency.calls,
        adaptive: concurrency.auto,
        retry: engine::retry(file, inputs)?,
        limits: engine::limits(judges.iter()),
        cache_ttl: cache::ttl(file, inputs)?,
        cache_max_bytes: cache::max_bytes(file, inputs)?,
        notices,
        judges,
        scoring: Scoring { scorers, extracts, score_also, models: Vec::new(), prompts: Vec::new() },
    })
}
