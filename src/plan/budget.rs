//! The budget of a config becomes limits.

use std::sync::Arc;

use super::Inputs;
use crate::{
    base::{money::Money, quantity},
    config::{ConfigError, File, Place},
    domain::{
        budget::Budget,
        target::{Endpoint, Target},
    },
};

/// Reads the budget, and refuses one in dollars where a model has no price.
pub(super) fn resolve(
    file: &File,
    inputs: Inputs<'_>,
    targets: &[Arc<Target>],
) -> Result<Budget, ConfigError> {
    let entry = &file.budget;
    let error = |place: Place, message: String| {
        ConfigError::new(inputs.origin_of(place, "command line"), place, message)
    };
    let usd = entry.usd.as_ref().map(|usd| {
        Money::from_usd(usd.value)
            .filter(|usd| *usd >= Money::ZERO)
            .ok_or_else(|| error(usd.place, format!("a budget of {} dollars is none", usd.value)))
    });
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
    if budget.usd.is_some() {
        let place = entry.usd.as_ref().map_or_else(Place::default, |usd| usd.place);
        let all = targets.iter().flat_map(|target| target.with_stand_ins());
        let unpriced = all.filter(|target| {
            target.price.is_none() && matches!(target.endpoint, Endpoint::Http(_))
        });
        for target in unpriced {
            if entry.unpriced.iter().any(|name| name.value == target.name) {
                continue;
            }
            let message =
                format!("a budget in dollars needs prices, and model `{}` has none", target.name);
            return Err(error(place, message).hint(format!(
                "add `price: {{input: …, output: …}}` in USD per million tokens, 0 where it is \
                 free; or allow it by name: `budget: {{unpriced: [{}]}}`",
                target.name
            )));
        }
    }
    Ok(budget)
}
