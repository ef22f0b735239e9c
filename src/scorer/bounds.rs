//! Least and most of a measured number.

use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, OptionCard},
};

/// The option of the least value.
pub(super) const MIN: OptionCard = OptionCard {
    name: "min",
    kind: "number",
    default: "none",
    doc: "The least with which the answer has passed.",
};

/// The option of the highest value.
pub(super) const MAX: OptionCard = OptionCard {
    name: "max",
    kind: "number",
    default: "none",
    doc: "The most with which the answer has passed.",
};

/// The option of the only value.
pub(super) const VALUE: OptionCard = OptionCard {
    name: "value",
    kind: "number",
    default: "none",
    doc: "Exactly this many, in place of `min` and `max`.",
};

/// What is allowed. Without bounds nothing passes or fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

impl Bounds {
    /// The bounds in `args`; an option that the scorer's card lacks is never there.
    pub(super) fn read(args: &Args) -> Result<Self, ArgError> {
        let read = |name| args.number(name, 0.0, f64::MAX);
        let (min, max, value) = (read("min")?, read("max")?, read("value")?);
        if value.is_some() && (min.is_some() || max.is_some()) {
            return Err(args.error("value", "stands in place of `min` and `max`"));
        }
        if let (Some(least), Some(most)) = (min, max)
            && least > most
        {
            return Err(args.error("min", format!("{least} is more than the `max` of {most}")));
        }
        Ok(Self { min: value.or(min), max: value.or(max) })
    }

    /// Whether `number` is allowed; `None` without bounds.
    pub(super) fn check(self, number: f64) -> Option<bool> {
        let within =
            self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
        (self.min.is_some() || self.max.is_some()).then_some(within)
    }

    /// The score of `number`, which is finite.
    pub(super) fn verdict(self, number: f64, unit: &str) -> Verdict {
        let passed = self.check(number);
        let allowed = match (self.min, self.max) {
            (Some(min), Some(max)) if min.to_bits() == max.to_bits() => format!("{min}"),
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => String::new(),
        };
        let off = passed == Some(false);
        let explanation = off.then(|| format!("{number} {unit}, allowed is {allowed}"));
        Verdict::Scored(Score { passed, explanation, ..Score::number(number) })
    }
}
