//! Floor 3: a model entry of a config becomes a target that can be called.
//!
//! The seam for registered models and endpoints: whatever a reference resolves to, the rest of the
//! program sees a [`Target`](crate::domain::target::Target). The shipped [`Table`] fills in what an
//! entry does not say of prices and capabilities.

mod convert;
mod http;
mod params;
mod price;
pub mod profile;
mod registered;
pub mod registry;
mod resolve;
mod route;
mod table;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

pub use convert::{Origin, import};
pub use params::params;
pub use resolve::{known, resolve};
pub use table::{Row, Table, TableError};

use self::registry::Registered;
use crate::{
    config::{At, route::AliasEntry},
    domain::params::Params,
};

/// For entries outside of a config.
pub static NO_ALIASES: BTreeMap<String, At<AliasEntry>> = BTreeMap::new();

/// What resolving needs to know besides the entry.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The config's path, or the flag, for messages.
    pub origin: &'a str,
    /// Finds the value of `${NAME}`.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The run's sampling parameters.
    pub params: &'a Params,
    /// What relative paths are relative to.
    pub base_dir: &'a Path,
    /// What is known of models.
    pub table: Table<'a>,
    /// The registered models and endpoints.
    pub registered: &'a dyn Registered,
    /// The project that the config belongs to.
    pub project: Option<&'a str>,
    /// The config's own names for models.
    pub aliases: &'a BTreeMap<String, At<AliasEntry>>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("origin", &self.origin).finish_non_exhaustive()
    }
}
