//! The user's own directory: what is registered there, and the vault beside it.

use std::{
    cell::OnceCell,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use super::{env, exit::Failure, vault};
use crate::{
    base::secret::Secret,
    catalog::registry::{self, Ask, Registered, Registry, RegistryError},
    vault::Vault,
};

/// The directory, or why there is none.
pub(super) fn directory() -> Result<PathBuf, Failure> {
    env::home().ok_or_else(|| {
        Failure::usage("there is no home directory to keep models in")
            .hint("set `EVALS_HOME` to a directory of your own")
    })
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let failure = Self::usage(error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What is registered, read when it is first asked for; and the vault, opened when a secret is.
#[derive(Debug, Default)]
pub(super) struct Home {
    registry: OnceLock<Result<Registry, String>>,
    vault: Mutex<OnceCell<Result<Vault, String>>>,
    /// A secret that is not in the vault yet, by the slug of its credential.
    given: Option<(String, Secret)>,
}

impl Home {
    /// As it is in `registry`, which may not be written yet.
    pub(super) fn of(registry: Registry) -> Self {
        Self { registry: OnceLock::from(Ok(registry)), ..Self::default() }
    }

    /// With a secret that is not in the vault yet.
    pub(super) fn with(mut self, slug: &str, secret: Secret) -> Self {
        self.given = Some((slug.to_owned(), secret));
        self
    }
}

impl Registered for Home {
    fn registry(&self) -> Result<&Registry, String> {
        let load = || {
            let directory = directory().map_err(|failure| failure.message)?;
            registry::load(&directory).map_err(|error| error.to_string())
        };
        self.registry.get_or_init(load).as_ref().map_err(Clone::clone)
    }

    fn secret(&self, ask: &Ask<'_>) -> Result<Secret, String> {
        if let Some((slug, secret)) = &self.given
            && *slug == ask.credential.slug
        {
            return Ok(secret.clone());
        }
        let cell = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        let vault = cell.get_or_init(|| vault::open().map_err(|error| error.to_string()));
        let vault = vault.as_ref().map_err(Clone::clone)?;
        vault.get(&ask.vault_key()).map_err(|error| error.to_string())
    }
}
