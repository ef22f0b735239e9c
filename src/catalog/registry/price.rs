//! Prices of registered models: by category, a unit each, whole picodollars.

use std::collections::BTreeMap;

use super::Entry;
use crate::{
    base::money::Money,
    catalog::table::{Row, Table},
    domain::target::Price,
    provider::Setting,
};

/// The categories that a call's cost is counted from; further ones are kept under their names.
pub const KNOWN_PRICES: [&str; 6] =
    ["input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"];

/// Whether `id` is that of a model in the shipped catalog.
pub fn is_shipped(id: &str) -> bool {
    Table::shipped().rows().any(|row| row.model == id)
}

/// A price of one unit, in picodollars, as dollars for a million.
pub fn per_million(pico: i64) -> f64 {
    // Picodollars a unit are microdollars for a million units.
    pico as f64 / 1e6
}

impl Entry {
    /// The prices that calls are counted with: those that were given, and for categories that were
    /// not, the catalog's. `None` unless input and output are both known.
    pub fn price(&self, upstream: &str, table: Table<'_>) -> Option<Price> {
        let shipped = self.shipped(upstream, table).and_then(|row| row.price);
        if self.price_pico.is_empty() {
            return shipped;
        }
        let known = shipped.as_ref().map(categories).unwrap_or_default();
        let price = |category: &str| {
            let pico = self.price_pico.get(category).or_else(|| known.get(category));
            pico.copied().map(Money::from_pico)
        };
        let mut whole = Price::new(price("input")?, price("output")?);
        whole.cache_read = price("cache_read").unwrap_or(whole.input);
        whole.cache_write = price("cache_write").unwrap_or(whole.input);
        whole.cache_write_1h = price("cache_write_1h");
        whole.reasoning = price("reasoning");
        Some(whole)
    }

    /// What the catalog knows of it, by its own id or by that of its base model.
    pub fn shipped<'a>(&self, upstream: &str, table: Table<'a>) -> Option<Row<'a>> {
        let base = || {
            let (provider, model) = self.base_model.as_deref()?.split_once('/')?;
            table.find(provider, model, None)
        };
        let region = self.settings.get(Setting::Region.name()).map(String::as_str);
        table.find(&self.provider, upstream, region).or_else(base)
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
    ];
    all.into_iter().filter_map(|(name, money)| Some((name, money?.pico()))).collect()
}
