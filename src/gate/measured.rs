//! What a gate can measure, by the names that people write.

use super::parse::GateError;
use crate::{
    base::text::nearest,
    domain::run::{RunHeader, ScorerInfo},
    metric::{METRICS, derived, probe::Stat},
};

/// What a gate can measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// A statistic of the scorer at an index; decided for each model and prompt.
    Score(usize, Stat),
    /// A metric made of others, by its place among those of the run; decided for each model and prompt.
    Derived(usize),
    /// A latency quantile; decided for each model.
    Latency(Quantile),
    /// The cost of the whole run.
    CostTotal,
    /// The cost of each model.
    CostModel,
    /// The cost of each model, for one sample.
    CostPerSample,
    /// The tokens of the whole run.
    Tokens(Tokens),
    /// The tokens of each model, for one sample.
    TokensPerSample,
    /// The share of failed trials of the whole run.
    ErrorRate,
    /// The count of failed trials of the whole run.
    ErrorCount,
}

/// Which tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// Of prompts and answers.
    Total,
    /// Of prompts.
    Input,
    /// Of answers.
    Output,
}

/// A latency quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantile {
    /// Median.
    P50,
    /// 90th percentile.
    P90,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// Median time to first token.
    TtftP50,
}

/// Samples of a kind: those whose column has the value, or that have a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The column; `tag` stands for the tags where the dataset has no such column.
    pub column: String,
    /// The value, as text.
    pub value: String,
}

/// How a measure's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Any number.
    Score,
    /// Between 0 and 1.
    Quality,
    /// A share.
    Share,
    /// A time.
    Milliseconds,
    /// An amount of money.
    Usd,
    /// A whole number.
    Count,
    /// A number of tokens.
    Tokens,
}

const QUANTILES: [(&str, Quantile); 5] = [
    ("p50", Quantile::P50),
    ("p90", Quantile::P90),
    ("p95", Quantile::P95),
    ("p99", Quantile::P99),
    ("ttft_p50", Quantile::TtftP50),
];

const OF_RUNS: [(&str, Measured); 8] = [
    ("cost.total", Measured::CostTotal),
    ("cost.model", Measured::CostModel),
    ("cost.per_sample", Measured::CostPerSample),
    ("tokens.total", Measured::Tokens(Tokens::Total)),
    ("tokens.input", Measured::Tokens(Tokens::Input)),
    ("tokens.output", Measured::Tokens(Tokens::Output)),
    ("tokens.per_sample", Measured::TokensPerSample),
    ("errors.rate", Measured::ErrorRate),
];

const STATS: [(&str, Stat); 11] = [
    ("median", Stat::Quantile(0.5)),
    ("min", Stat::Quantile(0.0)),
    ("max", Stat::Quantile(1.0)),
    ("p5", Stat::Quantile(0.05)),
    ("p10", Stat::Quantile(0.1)),
    ("p25", Stat::Quantile(0.25)),
    ("p50", Stat::Quantile(0.5)),
    ("p75", Stat::Quantile(0.75)),
    ("p90", Stat::Quantile(0.9)),
    ("p95", Stat::Quantile(0.95)),
    ("p99", Stat::Quantile(0.99)),
];

impl Measured {
    /// The scorer that it is about, by index.
    pub fn scorer(&self) -> Option<usize> {
        match self {
            Self::Score(scorer, _) => Some(*scorer),
            _ => None,
        }
    }

    /// Whether it is a mean over samples.
    pub fn is_mean(&self) -> bool {
        matches!(self, Self::Score(_, Stat::Metric("mean")))
    }

    /// How its bound is written.
    pub(super) fn kind(&self) -> Unit {
        match self {
            Self::Score(..) | Self::Derived(_) => Unit::Score,
            Self::Latency(_) => Unit::Milliseconds,
            Self::CostTotal | Self::CostModel | Self::CostPerSample => Unit::Usd,
            Self::Tokens(_) | Self::TokensPerSample => Unit::Tokens,
            Self::ErrorRate => Unit::Share,
            Self::ErrorCount => Unit::Count,
        }
    }

    /// How its values are written, where the scorers are known.
    pub(super) fn unit(&self, scorers: &[ScorerInfo]) -> Unit {
        match self {
            Self::Score(_, Stat::PassAt(_) | Stat::PassAll(_) | Stat::AtLeast(_)) => Unit::Quality,
            Self::Score(scorer, _) if scorers[*scorer].unit_range => Unit::Quality,
            other => other.kind(),
        }
    }
}

/// The measure and the slice that `text` says.
pub(super) fn measure_of(
    text: &str,
    header: &RunHeader,
) -> Result<(Measured, Option<Slice>), GateError> {
    let (measure, slice) = sliced(text)?;
    let found = named(measure, header)?;
    if slice.is_some() && found.scorer().is_none() {
        return Err(GateError {
            message: format!("`{measure}` has no slices"),
            hint: "only scores have: `exact_match.mean[difficulty=3]`".to_owned(),
        });
    }
    Ok((found, slice))
}

/// The slice behind a measure, in brackets.
fn sliced(text: &str) -> Result<(&str, Option<Slice>), GateError> {
    let Some((measure, rest)) = text.split_once('[') else { return Ok((text, None)) };
    let wrong = |what: &str| GateError {
        message: format!("`{text}`: {what}"),
        hint: "a slice is written `exact_match.mean[difficulty=3]`".to_owned(),
    };
    let inner = rest.trim_end().strip_suffix(']').ok_or_else(|| wrong("the slice does not end"))?;
    let (column, value) = inner.split_once('=').ok_or_else(|| wrong("the slice names no value"))?;
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let (column, value) = (column.trim().to_owned(), quoted.unwrap_or(value).to_owned());
    if column.is_empty() {
        return Err(wrong("the slice names no column"));
    }
    Ok((measure.trim_end(), Some(Slice { column, value })))
}

fn named(measure: &str, header: &RunHeader) -> Result<Measured, GateError> {
    let (scorers, derived) = (&header.scorers, derived::names(header));
    // An id may have dots, and so may `at_least(2)` in none.
    let (subject, metric) = measure.rsplit_once('.').unwrap_or((measure, ""));
    if subject == "latency"
        && let Some((_, quantile)) = QUANTILES.iter().find(|(name, _)| *name == metric)
    {
        return Ok(Measured::Latency(*quantile));
    }
    if measure == "errors.count" {
        return Ok(Measured::ErrorCount);
    }
    if let Some((_, found)) = OF_RUNS.iter().find(|(name, _)| *name == measure) {
        return Ok(*found);
    }
    if let Some(index) = scorers.iter().position(|scorer| scorer.id == subject)
        && let Some(stat) = stat(metric, &scorers[index])
    {
        return Ok(Measured::Score(index, stat));
    }
    if let Some(index) = derived.iter().position(|name| *name == measure) {
        return Ok(Measured::Derived(index));
    }
    let known: Vec<String> = scorers
        .iter()
        .flat_map(|scorer| {
            let of = METRICS.iter().filter(|metric| metric.start(scorer).is_some());
            of.map(|metric| format!("{}.{}", scorer.id, metric.name())).collect::<Vec<_>>()
        })
        .chain(QUANTILES.iter().map(|(name, _)| format!("latency.{name}")))
        .chain(OF_RUNS.iter().map(|(name, _)| (*name).to_owned()))
        .chain(["errors.count".to_owned()])
        .chain(derived.iter().map(|name| (*name).to_owned()))
        .collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let of_scorers = "of scorers also `.median`, `.min`, `.max`, `.p90` and the like, `.pass@3`, \
                      `.pass^3`, `.at_least(2)`";
    let hint = match nearest(measure, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? known measures: {list}; {of_scorers}"),
        None => format!("known measures: {list}; {of_scorers}"),
    };
    Err(GateError { message: format!("there is no measure `{measure}`"), hint })
}

/// The statistic called `name` of what `scorer` says.
fn stat(name: &str, scorer: &ScorerInfo) -> Option<Stat> {
    if let Some(metric) = METRICS.iter().find(|metric| metric.name() == name) {
        return metric.start(scorer).is_some().then(|| Stat::Metric(metric.name()));
    }
    if let Some((_, stat)) = STATS.iter().find(|(known, _)| *known == name) {
        return Some(*stat);
    }
    let count = |text: &str| text.parse::<u32>().ok().filter(|k| (1..=10_000).contains(k));
    if let Some(k) = name.strip_prefix("pass@") {
        return count(k).map(Stat::PassAt);
    }
    if let Some(k) = name.strip_prefix("pass^") {
        return count(k).map(Stat::PassAll);
    }
    let inner = name.strip_prefix("at_least(")?.strip_suffix(')')?;
    count(inner.trim()).map(Stat::AtLeast)
}
