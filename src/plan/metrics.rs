//! The metrics of a config that are made of others.

use super::Inputs;
use crate::{
    config::{ConfigError, File},
    domain::run::ScorerInfo,
    metric::derived::{self, Derived},
};

/// Reads them, and refuses what could never have a value.
///
/// # Errors
/// The first one that cannot be read or names something that does not exist.
pub fn metrics(
    file: &File,
    inputs: Inputs<'_>,
    scorers: &[ScorerInfo],
) -> Result<Vec<Derived>, ConfigError> {
    let written: Vec<(String, String)> =
        file.metrics.iter().map(|(name, text)| (name.clone(), text.value.clone())).collect();
    derived::derived(&written, scorers).map_err(|wrong| {
        let place = file.metrics.get(&wrong.name).map(|text| text.place).unwrap_or_default();
        let message = format!("metric `{}`, {}", wrong.name, wrong.message);
        let error = ConfigError::new(inputs.origin_of(place, "--metric"), place, message);
        match wrong.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}
