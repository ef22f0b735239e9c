//! Prices of registered models: by category, a unit each, whole picodollars.

use std::collections::{BTreeMap, btree_map::Entry::Vacant};

use super::Entry;
use crate::{
    base::money::Money,
    domain::target::{Capabilities, Price},
};

/// The categories that a call's cost is counted from; further ones are kept under their names.
pub const KNOWN_PRICES: [&str; 4] = ["input", "output", "cache_read", "cache_write"];

/// What the shipped catalog knows of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shipped {
    /// Prices of one unit, in picodollars, by category.
    pub price_pico: BTreeMap<String, i64>,
    /// What it can take.
    pub capabilities: Capabilities,
}

/// What the shipped catalog knows of the model that `provider` calls `model`.
pub fn shipped(_provider: &str, _model: &str) -> Option<Shipped> {
    None
}

/// Whether `id` is that of a model in the shipped catalog, with or without its provider.
pub fn is_shipped(_id: &str) -> bool {
    false
}

/// A price of one unit, in picodollars, as dollars for a million.
pub fn per_million(pico: i64) -> f64 {
    // Picodollars a unit are microdollars for a million units.
    pico as f64 / 1e6
}

impl Entry {
    /// The prices that calls are counted with: those that were given, and for categories that were
    /// not, the catalog's. `None` unless input and output are both known.
    pub fn price(&self, upstream: &str) -> Option<Price> {
        let shipped = self.shipped(upstream).unwrap_or_default().price_pico;
        let price = |category: &str| {
            let pico = self.price_pico.get(category).or_else(|| shipped.get(category));
            pico.copied().map(Money::from_pico)
        };
        let (input, output) = (price("input")?, price("output")?);
        Some(Price {
            input,
            output,
            cache_read: price("cache_read").unwrap_or(input),
            cache_write: price("cache_write").unwrap_or(input),
        })
    }

    /// What the catalog knows of it, by its own id or by that of its base model.
    pub fn shipped(&self, upstream: &str) -> Option<Shipped> {
        let base = || {
            let (provider, model) = self.base_model.as_deref()?.split_once('/')?;
            shipped(provider, model)
        };
        shipped(&self.provider, upstream).or_else(base)
    }

    /// Takes over the catalog's prices for the categories that have none. Gives their names.
    pub fn fill_prices(&mut self) -> Vec<String> {
        let Some(shipped) = self.model.clone().and_then(|model| self.shipped(&model)) else {
            return Vec::new();
        };
        let mut filled = Vec::new();
        for (category, pico) in shipped.price_pico {
            if let Vacant(place) = self.price_pico.entry(category) {
                filled.push(place.key().clone());
                place.insert(pico);
            }
        }
        filled
    }
}
