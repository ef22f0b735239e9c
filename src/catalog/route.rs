//! Fallbacks, pools and aliases become targets.

use std::sync::Arc;

use super::resolve::{Resolver, resolve};
use crate::{
    config::{
        At, ConfigError,
        entry::{ModelEntry, ModelMap},
        route::{AliasEntry, FallbackEntry},
    },
    domain::target::Target,
};

impl Resolver<'_> {
    /// `map` with what its alias says, when it refers to one.
    pub(super) fn with_alias(&self, map: &ModelMap) -> Result<Option<ModelMap>, ConfigError> {
        let Some(reference) = &map.reference else { return Ok(None) };
        let Some(alias) = self.context.aliases.get(reference.value.trim()) else { return Ok(None) };
        let mut full = match &alias.value {
            AliasEntry::Model(model) => (**model).clone(),
            AliasEntry::Ordered(models) => {
                let Some((first, rest)) = models.split_first() else {
                    let message = format!("the alias `{}` has no models", reference.value);
                    return Err(self.error(alias.place, message));
                };
                let mut full = first.value.0.clone();
                if full.fallback.is_none() && !rest.is_empty() {
                    full.fallback = Some(At {
                        value: FallbackEntry::Models(rest.to_vec()),
                        place: alias.place,
                    });
                }
                full
            }
        };
        if full
            .reference
            .as_ref()
            .is_some_and(|inner| self.context.aliases.contains_key(inner.value.trim()))
        {
            let message = format!("the alias `{}` refers to another alias", reference.value);
            return Err(self.error(alias.place, message).hint("name the models themselves"));
        }
        full.id = map.id.clone().or_else(|| Some(reference.clone()));
        full.fallback = map.fallback.clone().or(full.fallback);
        full.limits = map.limits.clone().or(full.limits);
        full.params = full.params.overridden_by(map.params.clone());
        Ok(Some(full))
    }

    /// The models that are asked after this one.
    pub(super) fn fallback(&self, map: &ModelMap) -> Result<Vec<Arc<Target>>, ConfigError> {
        let Some(entry) = &map.fallback else { return Ok(Vec::new()) };
        match &entry.value {
            FallbackEntry::Error => Ok(Vec::new()),
            FallbackEntry::Models(models) => {
                models.iter().map(|model| self.inner(model, "fallback")).collect()
            }
        }
    }

    /// The models that share the calls of this one, with their weights.
    pub(super) fn pool(&self, map: &ModelMap) -> Result<Vec<(u32, Arc<Target>)>, ConfigError> {
        map.pool
            .iter()
            .map(|member| {
                if member.value.weight == 0 {
                    return Err(self.error(member.place, "a `weight` is at least 1"));
                }
                Ok((member.value.weight, self.inner(&member.value.model, "pool")?))
            })
            .collect()
    }

    /// A model inside of another one.
    fn inner(&self, entry: &At<ModelEntry>, part: &str) -> Result<Arc<Target>, ConfigError> {
        let map = &entry.value.0;
        let nested = map
            .reference
            .as_ref()
            .filter(|reference| self.context.aliases.contains_key(reference.value.trim()));
        if nested.is_some() || map.fallback.is_some() || !map.pool.is_empty() {
            let message =
                format!("a model of a `{part}` has no fallback, pool or alias of its own");
            return Err(self.error(entry.place, message));
        }
        Ok(Arc::new(resolve(entry, self.context)?))
    }
}
