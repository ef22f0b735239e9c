//! From a gate's text to a condition:
//! `MEASURE[COLUMN=VALUE] vs baseline OP BOUND at 95% allow prompt, unscored`, of which all but
//! `MEASURE OP BOUND` may be left out.

use std::fmt;

use super::measured::{Measured, Slice, Unit, measure_of};
use crate::{
    base::{quantity, text::nearest},
    domain::{comparison::What, run::RunHeader},
};

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// As written.
    pub text: String,
    /// What is measured.
    pub measured: Measured,
    /// The samples that it is about; all of them when `None`.
    pub slice: Option<Slice>,
    /// The comparison with the baseline, where there is one.
    pub versus: Option<Versus>,
    /// How it is compared.
    pub op: Op,
    /// With what, in the unit of what is measured: scores as they are, milliseconds, US dollars,
    /// shares from 0 to 1. Of a comparison with a baseline, the difference or the ratio.
    pub bound: f64,
    /// What is disregarded.
    pub allow: Allow,
}

/// How a measure is compared with the baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Versus {
    /// Whether the bound is on the ratio of the two, not on their difference.
    pub ratio: bool,
    /// How sure one must be that the difference is on the right side of the bound; `None` looks at the
    /// difference alone.
    pub confidence: Option<f64>,
}

/// What a gate disregards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allow {
    /// Samples without a score.
    pub unscored: bool,
    /// Kinds of differences to the baseline.
    pub what: Vec<What>,
}

impl Allow {
    /// What `names` say, each a kind of difference or `unscored`.
    ///
    /// # Errors
    /// A name that means nothing, with what there is.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, GateError> {
        let mut allow = Self::default();
        for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            match (name, What::from_name(name)) {
                ("unscored", _) => allow.unscored = true,
                (_, Some(what)) => allow.what.push(what),
                (_, None) => {
                    let known = || What::ALL.iter().map(|w| w.name()).chain(["unscored"]);
                    let list = known().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                    let list = list.join(", ");
                    let hint = match nearest(name, known()) {
                        Some(near) => format!("did you mean `{near}`? there are {list}"),
                        None => format!("there are {list}"),
                    };
                    let message = format!("`{name}` is nothing that a gate can allow");
                    return Err(GateError { message, hint });
                }
            }
        }
        Ok(allow)
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.unscored |= other.unscored;
        self.what.extend(&other.what);
        self
    }
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

    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::Equal => "==",
        }
    }

    /// Whether larger values are wanted.
    pub(super) const fn wants_more(self) -> bool {
        matches!(self, Self::AtLeast | Self::Above)
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

const FORM: &str = "write it as `exact_match.mean >= 0.9`, `latency.p95 < 3s`, `cost.total <= $2`, \
                    `errors.rate < 1%` or `exact_match.mean vs baseline > -0.02 at 95%`";

fn wrong(message: String, hint: impl Into<String>) -> GateError {
    GateError { message, hint: hint.into() }
}

/// A gate's text, cut into its parts.
struct Parts<'a> {
    measure: &'a str,
    versus: bool,
    op: Op,
    bound: &'a str,
    confidence: Option<&'a str>,
    allow: Option<&'a str>,
}

/// The gate that `text` says, about the run of `header`.
///
/// # Errors
///
/// A form that is not `MEASURE OP VALUE`, a measure that does not exist, a value without sense.
pub fn parse(text: &str, header: &RunHeader) -> Result<Gate, GateError> {
    let scorers = &header.scorers;
    let parts = cut(text)?;
    let (measured, slice) = measure_of(parts.measure, header)?;
    if parts.versus && matches!(measured, Measured::Derived(_)) {
        return Err(wrong(
            format!("gate `{text}`: a metric made of others is not compared with a baseline"),
            "compare what it is made of",
        ));
    }
    let (ratio, bound) = bound(text, &parts, &measured)?;
    let confidence = confidence(text, &parts, &measured, ratio)?;
    if let (Some(index), None) = (measured.scorer(), parts.versus.then_some(()))
        && measured.unit(scorers) == Unit::Quality
        && !(0.0..=1.0).contains(&bound)
    {
        let id = &scorers[index].id;
        return Err(wrong(
            format!("gate `{text}`: `{id}` lies between 0 and 1, so {bound} decides nothing"),
            format!("did you mean `{bound}%`?"),
        ));
    }
    Ok(Gate {
        text: text.trim().to_owned(),
        slice,
        versus: parts.versus.then_some(Versus { ratio, confidence }),
        op: parts.op,
        bound,
        allow: Allow::parse(parts.allow.unwrap_or_default().split(','))?,
        measured,
    })
}

fn cut(text: &str) -> Result<Parts<'_>, GateError> {
    // A slice has a sign of equality of its own.
    let mut depth = 0_u32;
    let at = text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '<' | '>' | '=' | '!' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    });
    let at = at.ok_or_else(|| wrong(format!("gate `{text}` compares nothing"), FORM))?;
    let (measure, rest) = text.split_at(at);
    let ops = [
        (">=", Op::AtLeast),
        ("<=", Op::AtMost),
        ("==", Op::Equal),
        (">", Op::Above),
        ("<", Op::Below),
    ];
    let (op, rest) = ops
        .into_iter()
        .find_map(|(sign, op)| rest.strip_prefix(sign).map(|bound| (op, bound)))
        .ok_or_else(|| {
            wrong(format!("gate `{text}` has no comparison of `>=`, `>`, `<=`, `<`, `==`"), FORM)
        })?;
    let (rest, allow) = match rest.split_once(" allow ") {
        Some((rest, allow)) => (rest, Some(allow)),
        None => (rest, None),
    };
    let (bound, confidence) = match rest.split_once(" at ") {
        Some((bound, confidence)) => (bound, Some(confidence.trim())),
        None => (rest, None),
    };
    let measure = measure.trim();
    let (measure, versus) = match measure.rsplit_once(" vs ") {
        Some((measure, "baseline")) => (measure.trim(), true),
        Some((_, other)) => {
            return Err(wrong(
                format!("gate `{text}` compares with `{other}`; it can with `baseline` only"),
                "write `vs baseline`, and name the run: `--baseline last:main`",
            ));
        }
        None => (measure, false),
    };
    Ok(Parts { measure, versus, op, bound: bound.trim(), confidence, allow })
}

/// Whether the bound is a ratio, and the bound.
fn bound(text: &str, parts: &Parts<'_>, measured: &Measured) -> Result<(bool, f64), GateError> {
    let bound = parts.bound;
    if parts.versus
        && let Some(ratio) = bound.strip_suffix(['x', '×'])
    {
        let ratio = quantity::share(ratio).filter(|ratio| *ratio > 0.0);
        return ratio.map(|ratio| (true, ratio)).ok_or_else(|| {
            wrong(format!("gate `{text}`: `{bound}` is no ratio"), "a ratio is written `1.2x`")
        });
    }
    let signed = |read: &dyn Fn(&str) -> Option<f64>| match bound.strip_prefix(['-', '−']) {
        Some(rest) if parts.versus => read(rest).map(|value| -value),
        _ => read(bound.strip_prefix('+').filter(|_| parts.versus).unwrap_or(bound)),
    };
    let kind = measured.kind();
    let read = match kind {
        Unit::Score | Unit::Quality | Unit::Share => signed(&quantity::share),
        Unit::Milliseconds => {
            signed(&|text| quantity::duration(text).map(|time| time.as_secs_f64() * 1e3))
        }
        Unit::Usd => signed(&quantity::usd),
        Unit::Count => signed(&|text| text.trim().parse::<u64>().ok().map(|count| count as f64)),
        Unit::Tokens => signed(&quantity::share).filter(|count| count.is_finite()),
    };
    read.map(|bound| (false, bound)).ok_or_else(|| {
        let hint = match kind {
            Unit::Milliseconds => "a latency is written `3s` or `500ms`",
            Unit::Usd => "a cost is written `$2.00`",
            Unit::Count => "a count is written `3`",
            Unit::Tokens => "tokens are written `1500`",
            _ => "a value is written `0.9` or `90%`",
        };
        wrong(format!("gate `{text}`: `{bound}` is no value for `{}`", parts.measure), hint)
    })
}

fn confidence(
    text: &str,
    parts: &Parts<'_>,
    measured: &Measured,
    ratio: bool,
) -> Result<Option<f64>, GateError> {
    let Some(written) = parts.confidence else { return Ok(None) };
    let refuse = |message: &str, hint: &str| {
        Err(wrong(format!("gate `{text}`: {message}"), hint.to_owned()))
    };
    if !parts.versus {
        return refuse(
            "a confidence is of a comparison with a baseline",
            "write `exact_match.mean vs baseline > -0.02 at 95%`, or leave `at …` out",
        );
    }
    if !measured.is_mean() || ratio {
        return refuse(
            "only the difference of two means has a confidence",
            "write `SCORER.mean vs baseline`, or leave `at …` out",
        );
    }
    if parts.op == Op::Equal {
        return refuse(
            "no difference is known to be equal to a number",
            "use `>`, `>=`, `<` or `<=`",
        );
    }
    match quantity::share(written).filter(|share| *share > 0.5 && *share < 1.0) {
        Some(share) => Ok(Some(share)),
        None => refuse(&format!("`{written}` is no confidence"), "one is written `95%`"),
    }
}
