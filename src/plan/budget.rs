//! The budget of a config becomes limits.

use std::sync::Arc;

use super::Inputs;
use crate::{
    base::{money::Money, quantity},
    config::{At, ConfigError, File, Place},
    domain::{
        budget::Budget,
        target::{Endpoint, Target},
    },
};

/// What a run may use up.
#[derive(Debug)]
pub(super) struct Budgets {
    /// All of it.
    pub(super) all: Budget,
    /// Scorers that ask models, of that.
    pub(super) judges: Budget,
}

/// Reads the budget, and refuses one in dollars where a model has no price that it is about.
pub(super) fn resolve(
    file: &File,
    inputs: Inputs<'_>,
    targets: &[Arc<Target>],
    judges: &[(Arc<Target>, Place)],
) -> Result<Budgets, ConfigError> {
    let entry = &file.budget;
    let error = |place: Place, message: String| {
        ConfigError::new(inputs.origin_of(place, "command line"), place, message)
    };
    let dollars = |usd: &At<f64>| {
        Money::from_usd(usd.value)
            .filter(|usd| *usd >= Money::ZERO)
            .ok_or_else(|| error(usd.place, format!("a budget of {} dollars is none", usd.value)))
    };
    let usd = entry.usd.as_ref().map(dollars);
    let of_judges = entry.judges.as_ref().map(dollars).transpose()?;
    let time = entry.time.as_ref().map(|time| {
        quantity::duration(&time.value).ok_or_else(|| {
            error(time.place, format!("`{}` is no duration", time.value))
                .hint("write it as `90s`, `30m` or `2h`")
        })
    });
    let error_rate = entry.error_rate.as_ref().map(|rate| {
        quantity::share(&rate.value).filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| {
            error(rate.place, format!("`{}` is no share", rate.value)).hint("write it as `20%`")
        })
    });
    let budget = Budget {
        usd: usd.transpose()?,
        tokens: entry.tokens.as_ref().map(|tokens| tokens.value),
        time: time.transpose()?,
        error_rate: error_rate.transpose()?,
    };
    let of_all = entry.usd.as_ref().map(|usd| usd.place);
    if let Some(place) = of_all {
        let all = targets.iter().flat_map(|target| target.with_stand_ins());
        priced(all, file, inputs, place)?;
    }
    if let Some(place) = of_all.or(entry.judges.as_ref().map(|usd| usd.place)) {
        let all = judges.iter().flat_map(|(target, _)| target.with_stand_ins());
        priced(all, file, inputs, place)?;
    }
    Ok(Budgets { all: budget, judges: Budget { usd: of_judges, ..Budget::default() } })
}

/// Refuses models without a price.
fn priced<'a>(
    mut targets: impl Iterator<Item = &'a Target>,
    file: &File,
    inputs: Inputs<'_>,
    place: Place,
) -> Result<(), ConfigError> {
    let allowed = |target: &Target| {
        file.budget.unpriced.iter().any(|name| name.value == target.name)
            || target.price.is_some()
            || !matches!(target.endpoint, Endpoint::Http(_))
    };
    let Some(target) = targets.find(|target| !allowed(target)) else { return Ok(()) };
    let message = format!("a budget in dollars needs prices, and model `{}` has none", target.name);
    let origin = inputs.origin_of(place, "command line");
    Err(ConfigError::new(origin, place, message).hint(format!(
        "add `price: {{input: …, output: …}}` in USD per million tokens, 0 where it is free; or allow \
         it by name: `budget: {{unpriced: [{}]}}`",
        target.name
    )))
}
