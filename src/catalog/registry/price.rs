//! Prices of registered models: by category, a unit each, whole picodollars.

use std::collections::BTreeMap;

use super::Entry;
use crate::{
    base::money::Money,
    catalog::table::{Row, Table},
    domain::target::Price,
    provider::Setting,
};

/// The one category that is counted by the call and not by the token.
pub(super) const REQUEST: &str = "request";

/// The categories that a call's cost is counted from; further ones are kept under their names.
const COUNTED: [&str; 7] =
    ["input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", REQUEST];

/// Whether `id` is that of a model in the shipped catalog, or in `table`.
pub fn is_shipped(id: &str, table: Table<'_>) -> bool {
    [Table::shipped(), table].into_iter().any(|table| table.rows().any(|row| row.model == id))
}

/// A price in dollars, as it is shown: for a million units, or for a call.
pub fn shown_price(category: &str, pico: i64) -> f64 {
    // Picodollars a unit are microdollars for a million units.
    let divisor = if category == REQUEST { 1e12 } else { 1e6 };
    pico as f64 / divisor
}

/// Prices in a few words.
pub fn price_line(prices: &BTreeMap<String, i64>) -> String {
    if prices.is_empty() {
        return "unknown".to_owned();
    }
    let shown =
        |(category, pico): (&String, &i64)| format!("{category} ${}", shown_price(category, *pico));
    let (calls, tokens): (Vec<_>, Vec<_>) =
        prices.iter().partition(|(category, _)| *category == REQUEST);
    let list = |prices: Vec<_>| prices.into_iter().map(shown).collect::<Vec<_>>().join(", ");
    let parts = [(list(tokens), "per million"), (list(calls), "per call")];
    let parts = parts.into_iter().filter(|(list, _)| !list.is_empty());
    parts.map(|(list, unit)| format!("{list} {unit}")).collect::<Vec<_>>().join("; ")
}

impl Entry {
    /// The prices that calls are counted with: those that were given, and for categories that were
    /// not, the catalog's. `None` unless input and output are both known.
    pub fn price(&self, upstream: &str, table: Table<'_>) -> Option<Price> {
        let shipped = self.shipped(upstream, table).and_then(|row| row.price);
        let known = shipped.as_ref().map(categories).unwrap_or_default();
        let differs = |(category, pico): (&String, &i64)| {
            COUNTED.contains(&category.as_str()) && known.get(category.as_str()) != Some(pico)
        };
        if !self.price_pico.iter().any(differs) {
            // Whole, with what it says of larger calls.
            return shipped;
        }
        let price = |category: &str| {
            let pico = self.price_pico.get(category).or_else(|| known.get(category));
            pico.copied().map(Money::from_pico)
        };
        let mut whole = Price::new(price("input")?, price("output")?);
        whole.cache_read = price("cache_read").unwrap_or(whole.input);
        whole.cache_write = price("cache_write").unwrap_or(whole.input);
        whole.cache_write_1h = price("cache_write_1h");
        whole.reasoning = price("reasoning");
        whole.request = price(REQUEST);
        Some(whole)
    }

    /// What the catalog knows of it, by its own id or by that of its base model.
    pub fn shipped<'a>(&self, upstream: &str, table: Table<'a>) -> Option<Row<'a>> {
        let region = self.settings.get(Setting::Region.name()).map(String::as_str);
        table.find(&self.provider, upstream, region).or_else(|| self.base_row(table))
    }

    /// Takes over the catalog's prices for the categories that have none. Gives their names.
    pub fn fill_prices(&mut self, table: Table<'_>) -> Vec<String> {
        let shipped = self.model.as_deref().and_then(|model| self.shipped(model, table)?.price);
        let mut filled = Vec::new();
        for (category, pico) in shipped.as_ref().map(categories).unwrap_or_default() {
            if !self.price_pico.contains_key(category) {
                filled.push(category.to_owned());
                self.price_pico.insert(category.to_owned(), pico);
            }
        }
        filled
    }
}

/// The prices of one unit, in picodollars, by category.
fn categories(price: &Price) -> BTreeMap<&'static str, i64> {
    let all = [
        ("input", Some(price.input)),
        ("output", Some(price.output)),
        ("cache_read", Some(price.cache_read)),
        ("cache_write", Some(price.cache_write)),
        ("cache_write_1h", price.cache_write_1h),
        ("reasoning", price.reasoning),
        (REQUEST, price.request),
    ];
    all.into_iter().filter_map(|(name, money)| Some((name, money?.pico()))).collect()
}
