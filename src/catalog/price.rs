//! Prices as they are written, with what is left out, and the whole prices they mean.

use super::{registered::Referred, resolve::Resolver, table::Row};
use crate::{
    base::money::Money,
    config::{
        At, ConfigError,
        entry::{ModelMap, PriceEntry, PriceUnit, TierEntry},
    },
    domain::target::{Price, Tier},
};

/// What a source says of the prices of one token each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rates {
    pub(super) input: Option<Money>,
    pub(super) output: Option<Money>,
    pub(super) cache_read: Option<Money>,
    pub(super) cache_write: Option<Money>,
    pub(super) cache_write_1h: Option<Money>,
    pub(super) reasoning: Option<Money>,
}

impl Rates {
    /// The place of the rate called `name`.
    pub(super) fn slot(&mut self, name: &str) -> Option<&mut Option<Money>> {
        Some(match name {
            "input" => &mut self.input,
            "output" => &mut self.output,
            "cache_read" => &mut self.cache_read,
            "cache_write" => &mut self.cache_write,
            "cache_write_1h" => &mut self.cache_write_1h,
            "reasoning" => &mut self.reasoning,
            _ => return None,
        })
    }
}

/// The price that `base` and the rates above thresholds mean; `Err` names the rate that is missing.
///
/// A cached token without a price of its own costs what a prompt token costs. A larger call costs
/// as a smaller one where its rates leave something out, except for what had no price of its own.
pub(super) fn price(
    base: Rates,
    request: Option<Money>,
    mut above: Vec<(u64, Rates)>,
) -> Result<Price, &'static str> {
    let input = base.input.ok_or("input")?;
    let output = base.output.ok_or("output")?;
    above.sort_by_key(|(tokens, _)| *tokens);
    let tiers = above.into_iter().map(|(tokens, rates)| {
        let input = rates.input.ok_or("input")?;
        Ok::<_, &str>(Tier {
            tokens,
            input,
            output: rates.output.ok_or("output")?,
            cache_read: rates.cache_read.or(base.cache_read).unwrap_or(input),
            cache_write: rates.cache_write.or(base.cache_write).unwrap_or(input),
            cache_write_1h: rates.cache_write_1h.or(base.cache_write_1h),
            reasoning: rates.reasoning.or(base.reasoning.filter(|_| base.reasoning != base.output)),
        })
    });
    Ok(Price {
        cache_read: base.cache_read.unwrap_or(input),
        cache_write: base.cache_write.unwrap_or(input),
        cache_write_1h: base.cache_write_1h,
        reasoning: base.reasoning,
        request,
        above: tiers.collect::<Result<_, _>>()?,
        ..Price::new(input, output)
    })
}

impl Resolver<'_> {
    /// The price that the entry names, or else the registered model's, or else the catalog's.
    pub(super) fn price(
        &self,
        map: &ModelMap,
        provider: &str,
        row: Option<Row<'_>>,
        referred: Option<&Referred<'_>>,
    ) -> Result<Option<Price>, ConfigError> {
        match (&map.price, referred) {
            (Some(written), _) => self.written_price(written).map(Some),
            (None, Some(referred)) => {
                Ok(referred.entry.price(&referred.upstream, self.context.table))
            }
            // A simulated call costs nothing; a recorded one is not made.
            _ if provider == "sim" => Ok(Some(Price::new(Money::ZERO, Money::ZERO))),
            _ => Ok(row.and_then(|row| row.price)),
        }
    }

    fn written_price(&self, at: &At<PriceEntry>) -> Result<Price, ConfigError> {
        let entry = &at.value;
        let (tokens, unit) = match entry.unit.unwrap_or(PriceUnit::Million) {
            PriceUnit::Million => (1e6, "million tokens"),
            PriceUnit::Token => (1.0, "token"),
        };
        let money = |written: Option<f64>, divisor: f64, of: &str| {
            let Some(usd) = written else { return Ok(None) };
            let money =
                Some(usd).filter(|usd| *usd >= 0.0).and_then(|usd| Money::from_usd(usd / divisor));
            money
                .map(Some)
                .ok_or_else(|| self.error(at.place, format!("{usd} is no price in USD per {of}")))
        };
        let token = |written| money(written, tokens, unit);
        let base = Rates {
            input: token(entry.input)?,
            output: token(entry.output)?,
            cache_read: token(entry.cache_read)?,
            cache_write: token(entry.cache_write)?,
            cache_write_1h: token(entry.cache_write_1h)?,
            reasoning: token(entry.reasoning)?,
        };
        let above = entry.above.iter().map(|tier: &TierEntry| {
            let rates = Rates {
                input: token(tier.input)?,
                output: token(tier.output)?,
                cache_read: token(tier.cache_read)?,
                cache_write: token(tier.cache_write)?,
                cache_write_1h: token(tier.cache_write_1h)?,
                reasoning: token(tier.reasoning)?,
            };
            Ok((tier.tokens, rates))
        });
        let above = above.collect::<Result<Vec<_>, ConfigError>>()?;
        price(base, money(entry.request, 1.0, "call")?, above)
            .map_err(|name| self.error(at.place, format!("`price` needs `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_threshold_costs_as_below_it() {
        let some = |pico| Some(Money::from_pico(pico));
        let base = Rates {
            input: some(10),
            output: some(40),
            cache_read: some(1),
            reasoning: some(40),
            ..Rates::default()
        };
        let more = Rates { input: some(20), output: some(80), ..Rates::default() };
        let price = price(base, None, vec![(200, more)]).expect("a price");
        let tier = price.above[0];
        assert_eq!((price.cache_write.pico(), price.cache_read.pico()), (10, 1));
        assert_eq!((tier.cache_write.pico(), tier.cache_read.pico()), (20, 1));
        assert_eq!(tier.reasoning, None, "as answers, which cost more above");
        assert_eq!(super::price(Rates::default(), None, Vec::new()), Err("input"));
    }
}
