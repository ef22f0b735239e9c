//! From flags to the part of a config that they stand for.

use std::collections::BTreeMap;

use super::{
    args::{RunArgs, RunSchedule},
    exit::Failure,
};
use crate::{
    base::quantity,
    config::{
        self, At, File,
        budget::BudgetEntry,
        engine::{RetryEntry, Schedule},
        entry::{
            CacheEntry, CacheMap, DatasetEntry, DatasetMap, EpochsEntry, EpochsMap, ExpectedEntry,
            ModelEntry, ModelMap, PromptEntry, PromptMap, SampleEntry, SampleMap, ScorerEntry,
        },
        file::ParamsEntry,
        stop::StopEntry,
    },
};

/// What the flags of `evals run` say, as a config. `dataset` is the dataset named on the command
/// line.
pub(super) fn file(args: &RunArgs, dataset: Option<&str>) -> Result<File, Failure> {
    Ok(File {
        name: args.name.clone().map(At::nowhere),
        project: args.project.clone().map(At::nowhere),
        dataset: self::dataset(args, dataset)?.map(At::nowhere),
        prompts: args.prompt.iter().map(|text| At::nowhere(prompt(text, args))).collect(),
        models: args.model.iter().map(|text| model(text)).collect::<Result<_, _>>()?,
        params: At::nowhere(ParamsEntry {
            temperature: args.temperature,
            max_tokens: args.max_tokens,
            ..ParamsEntry::default()
        }),
        epochs: args.epochs.map(|count| {
            At::nowhere(EpochsEntry(EpochsMap { count: At::nowhere(count), reduce: None }))
        }),
        extract: args
            .extract
            .as_deref()
            .map(|text| config::parse_flag(text, "--extract").map(At::nowhere))
            .transpose()?,
        scorers: args
            .scorer
            .iter()
            .map(|text| config::parse_flag::<ScorerEntry>(text, "--scorer").map(At::nowhere))
            .collect::<Result<_, _>>()?,
        score_also: Vec::new(),
        metrics: args.metric.iter().map(|text| metric(text)).collect::<Result<_, _>>()?,
        slices: args.slice.iter().map(|column| At::nowhere(column.clone())).collect(),
        baseline: args.baseline.clone().map(At::nowhere),
        gates: args.gate.iter().map(|gate| At::nowhere(gate.clone())).collect(),
        concurrency: args
            .concurrency
            .as_deref()
            .map(|text| config::parse_flag(text, "--concurrency").map(At::nowhere))
            .transpose()?,
        schedule: args.schedule.map(|schedule| {
            At::nowhere(match schedule {
                RunSchedule::SideBySide => Schedule::SideBySide,
                RunSchedule::ByModel => Schedule::ByModel,
            })
        }),
        retry: RetryEntry {
            max_outage: args.max_outage.clone().map(At::nowhere),
            ..RetryEntry::default()
        },
        cache: cache(args).map(At::nowhere),
        aliases: BTreeMap::new(),
        budget: BudgetEntry {
            usd: dollars("--budget", args.budget.as_deref())?,
            judges: dollars("--judge-budget", args.judge_budget.as_deref())?,
            tokens: args.budget_tokens.map(At::nowhere),
            time: args.budget_time.clone().map(At::nowhere),
            error_rate: args.budget_error_rate.clone().map(At::nowhere),
            unpriced: args.unpriced.iter().cloned().map(At::nowhere).collect(),
        },
        stop: args.stop.as_deref().map(stop).transpose()?.map(At::nowhere),
        report: args.report.clone().map(At::nowhere),
    })
}

fn cache(args: &RunArgs) -> Option<CacheEntry> {
    if args.no_cache {
        return Some(CacheEntry::Used(false));
    }
    let ttl = args.cache_ttl.clone().map(At::nowhere);
    ttl.map(|ttl| CacheEntry::Map(CacheMap { ttl: Some(ttl), max_size: None }))
        .or_else(|| args.refresh.then_some(CacheEntry::Used(true)))
}

fn dollars(flag: &str, text: Option<&str>) -> Result<Option<At<f64>>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let usd = quantity::usd(text).map(At::nowhere).map(Some);
    usd.ok_or_else(|| Failure::usage(format!("{flag}: `{text}` is no amount, such as $5")))
}

fn dataset(args: &RunArgs, path: Option<&str>) -> Result<Option<DatasetEntry>, Failure> {
    let text = |value: &Option<String>| value.clone().map(At::nowhere);
    let map = DatasetMap {
        path: path.map(|path| At::nowhere(path.to_owned())),
        format: text(&args.dataset_format),
        id: text(&args.id),
        input: text(&args.input),
        expected: args.expected.clone().map(|text| At::nowhere(ExpectedEntry::Text(text))),
        metadata: Vec::new(),
        cluster: text(&args.cluster),
        tags: None,
        scorers: None,
        choices: None,
        filter: text(&args.filter),
        limit: args.limit.map(At::nowhere),
        shuffle: args.shuffle.map(At::nowhere),
        sample: args.sample.as_deref().map(sample).transpose()?.map(At::nowhere),
        range: text(&args.range),
    };
    let empty = map.path.is_none()
        && [&map.format, &map.id, &map.input, &map.cluster, &map.filter, &map.range]
            .iter()
            .all(|field| field.is_none())
        && map.expected.is_none()
        && map.limit.is_none()
        && map.shuffle.is_none()
        && map.sample.is_none();
    Ok((!empty).then_some(DatasetEntry(map)))
}

fn sample(text: &str) -> Result<SampleEntry, Failure> {
    let (count, seed) = text.split_once(':').unwrap_or((text, "0"));
    match (count.parse(), seed.parse()) {
        (Ok(count), Ok(seed)) => Ok(SampleEntry(SampleMap { count, seed })),
        _ => Err(Failure::usage(format!("--sample: `{text}` is not of the form N or N:SEED"))),
    }
}

/// A prompt flag is always a template, never YAML: `{{x}}` would be a mapping there.
fn prompt(text: &str, args: &RunArgs) -> PromptEntry {
    let mut map = PromptMap::default();
    let system = args.system.clone().map(At::nowhere);
    match (text.strip_prefix('@'), system) {
        (Some(path), system) => {
            map.file = Some(At::nowhere(path.to_owned()));
            map.system = system;
        }
        (None, None) => map.text = Some(At::nowhere(text.to_owned())),
        (None, system) => {
            map.system = system;
            map.user = Some(At::nowhere(text.to_owned()));
        }
    }
    PromptEntry(map)
}

/// A metric flag is a name and what it is made of.
fn metric(text: &str) -> Result<(String, At<String>), Failure> {
    match text.split_once('=') {
        Some((name, made_of)) if !made_of.trim().is_empty() => {
            Ok((name.trim().to_owned(), At::nowhere(made_of.trim().to_owned())))
        }
        _ => Err(Failure::usage(format!("--metric: `{text}` is not of the form NAME=EXPRESSION"))
            .hint("for example --metric 'f1=2 * p.mean * r.mean / (p.mean + r.mean)'")),
    }
}

/// A stop flag is a scorer and a half width, as a number or a share.
fn stop(text: &str) -> Result<StopEntry, Failure> {
    let parts =
        text.rsplit_once('=').map(|(scorer, width)| (scorer.trim(), quantity::share(width)));
    match parts {
        Some((scorer, Some(half_width))) if !scorer.is_empty() => Ok(StopEntry {
            scorer: At::nowhere(scorer.to_owned()),
            half_width: At::nowhere(half_width),
        }),
        _ => Err(Failure::usage(format!("--stop: `{text}` is not of the form SCORER=HALF_WIDTH"))
            .hint("for example --stop 'exact_match=0.02'")),
    }
}

/// A model flag is a reference, or a mapping in YAML when it begins like one.
fn model(text: &str) -> Result<At<ModelEntry>, Failure> {
    if text.trim_start().starts_with('{') {
        return Ok(At::nowhere(config::parse_flag(text, "--model")?));
    }
    let reference = Some(At::nowhere(text.to_owned()));
    Ok(At::nowhere(ModelEntry(ModelMap { reference, ..ModelMap::default() })))
}
