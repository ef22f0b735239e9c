//! From a gate's text to a condition.

use std::fmt;

use crate::{
    base::{quantity, text::nearest},
    domain::run::RunHeader,
    metric::derived,
};

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// As written.
    pub text: String,
    /// What is measured.
    pub measured: Measured,
    /// How it is compared.
    pub op: Op,
    /// With what, in the unit of what is measured: scores as they are, milliseconds, US dollars,
    /// shares from 0 to 1.
    pub bound: f64,
}

/// What a gate can measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// The mean of a scorer, by its index; decided for each model and prompt.
    ScorerMean(usize),
    /// The value of all answers as one text, of a scorer that counts, by index.
    ScorerCorpus(usize),
    /// A metric made of others, by its name; decided for each model and prompt.
    Derived(String),
    /// A latency quantile; decided for each model.
    Latency(Quantile),
    /// The cost of the whole run.
    CostTotal,
    /// The share of failed trials of the whole run.
    ErrorRate,
    /// The count of failed trials of the whole run.
    ErrorCount,
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

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `==`
    Equal,
}

impl Op {
    /// Whether `left` stands in this relation to `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::AtLeast => left >= right,
            Self::Above => left > right,
            Self::AtMost => left <= right,
            Self::Below => left < right,
            Self::Equal => (left - right).abs() <= f64::EPSILON * left.abs().max(right.abs()),
        }
    }
}

/// What is wrong with a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateError {
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for GateError {}

const QUANTILES: [(&str, Quantile); 5] = [
    ("p50", Quantile::P50),
    ("p90", Quantile::P90),
    ("p95", Quantile::P95),
    ("p99", Quantile::P99),
    ("ttft_p50", Quantile::TtftP50),
];

/// The gate that `text` says, about the run of `header`.
///
/// # Errors
///
/// A form that is not `MEASURE OP VALUE`, a measure that does not exist, a value without sense.
pub fn parse(text: &str, header: &RunHeader) -> Result<Gate, GateError> {
    let scorers = &header.scorers;
    let wrong = |message: String, hint: &str| GateError { message, hint: hint.to_owned() };
    let form = "write it as `exact_match.mean >= 0.9`, `latency.p95 < 3s`, `cost.total <= $2` or `errors.rate < 1%`";
    let at = text
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| wrong(format!("gate `{text}` compares nothing"), form))?;
    let (measure, rest) = text.split_at(at);
    let ops = [
        (">=", Op::AtLeast),
        ("<=", Op::AtMost),
        ("==", Op::Equal),
        (">", Op::Above),
        ("<", Op::Below),
    ];
    let (op, bound) = ops
        .into_iter()
        .find_map(|(sign, op)| rest.strip_prefix(sign).map(|bound| (op, bound)))
        .ok_or_else(|| {
            wrong(format!("gate `{text}` has no comparison of `>=`, `>`, `<=`, `<`, `==`"), form)
        })?;
    let (measure, bound) = (measure.trim(), bound.trim());
    if measure.split_whitespace().count() > 1 || bound.contains(" at ") {
        return Err(wrong(
            format!(
                "gate `{text}` asks for a comparison with a baseline or a confidence, which this version does not decide"
            ),
            form,
        ));
    }
    let measured = measure_of(measure, header)?;
    let bound_read = match measured {
        Measured::ScorerMean(_)
        | Measured::ScorerCorpus(_)
        | Measured::Derived(_)
        | Measured::ErrorRate => quantity::share(bound),
        Measured::Latency(_) => quantity::duration(bound).map(|time| time.as_secs_f64() * 1e3),
        Measured::CostTotal => quantity::usd(bound),
        Measured::ErrorCount => bound.parse::<u64>().ok().map(|count| count as f64),
    };
    let bound = bound_read.ok_or_else(|| {
        let hint = match measured {
            Measured::Latency(_) => "a latency is written `3s` or `500ms`",
            Measured::CostTotal => "a cost is written `$2.00`",
            Measured::ErrorCount => "a count is written `3`",
            _ => "a value is written `0.9` or `90%`",
        };
        wrong(format!("gate `{text}`: `{bound}` is no value for `{measure}`"), hint)
    })?;
    if let Measured::ScorerMean(index) | Measured::ScorerCorpus(index) = measured
        && scorers[index].unit_range
        && !(0.0..=1.0).contains(&bound)
    {
        let id = &scorers[index].id;
        return Err(wrong(
            format!("gate `{text}`: `{id}` lies between 0 and 1, so {bound} decides nothing"),
            &format!("did you mean `{bound}%`?"),
        ));
    }
    Ok(Gate { text: text.trim().to_owned(), measured, op, bound })
}

fn measure_of(measure: &str, header: &RunHeader) -> Result<Measured, GateError> {
    let (scorers, derived) = (&header.scorers, derived::names(header));
    let (subject, metric) = measure.rsplit_once('.').unwrap_or((measure, ""));
    let quantile = QUANTILES.iter().find(|(name, _)| *name == metric);
    match (subject, metric, quantile) {
        ("latency", _, Some((_, quantile))) => return Ok(Measured::Latency(*quantile)),
        ("cost", "total", _) => return Ok(Measured::CostTotal),
        ("errors", "rate", _) => return Ok(Measured::ErrorRate),
        ("errors", "count", _) => return Ok(Measured::ErrorCount),
        _ => {}
    }
    if let Some(index) = scorers.iter().position(|scorer| scorer.id == subject) {
        match metric {
            "mean" => return Ok(Measured::ScorerMean(index)),
            "corpus" if scorers[index].corpus.is_some() => {
                return Ok(Measured::ScorerCorpus(index));
            }
            _ => {}
        }
    }
    if derived.contains(&measure) {
        return Ok(Measured::Derived(measure.to_owned()));
    }
    let known: Vec<String> = scorers
        .iter()
        .flat_map(|scorer| {
            let corpus = scorer.corpus.map(|_| format!("{}.corpus", scorer.id));
            std::iter::once(format!("{}.mean", scorer.id)).chain(corpus)
        })
        .chain(QUANTILES.iter().map(|(name, _)| format!("latency.{name}")))
        .chain(["cost.total", "errors.rate", "errors.count"].map(str::to_owned))
        .chain(derived.iter().map(|name| (*name).to_owned()))
        .collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(measure, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? known measures: {list}"),
        None => format!("known measures: {list}"),
    };
    Err(GateError { message: format!("there is no measure `{measure}`"), hint })
}
