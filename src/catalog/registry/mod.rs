//! Models, endpoints and credentials that the user has registered.
//!
//! One file in the user's own directory, `models.json`, holds all three and no secret: a credential
//! says which environment variable has its key, or that the vault has it. A model is one upstream
//! model under a slug (`byo:SLUG`); an endpoint is an address behind which there are many
//! (`byo:SLUG/MODEL`).

mod change;
mod check;
mod credential;
mod draft;
mod entry;
mod error;
mod file;
mod headers;
mod import;
mod price;
mod settle;
mod slug;
mod takes;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::{
    change::{Added, Reuse},
    check::{CUSTOM, auth_methods, base_url, wire},
    credential::{Ask, AuthMethod, CredentialEntry},
    draft::{Draft, Per},
    entry::{Entry, Format, Kind, Tested, Toggles},
    error::RegistryError,
    file::{FILE_NAME, load, update},
    import::{ImportError, is_csv, rows},
    price::{is_shipped, price_line, shown_price},
    settle::is_variable,
    slug::{derived, is_slug},
    takes::{DEFAULT_MAX_TOKENS, Takes},
};
use crate::{base::secret::Secret, catalog::table::Table};

/// What the rules of the registry depend on besides it.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Finds environment variables, which may hold settings.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// What is known of models.
    pub table: Table<'a>,
}

impl std::fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The version of the file that this program writes.
pub const VERSION: u32 = 1;

/// Everything that is registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The version of the file's form.
    pub version: u32,
    /// Models, in the order in which they were added.
    #[serde(default)]
    pub models: Vec<Entry>,
    /// Endpoints, in the order in which they were added.
    #[serde(default)]
    pub endpoints: Vec<Entry>,
    /// Credentials, in the order in which they were added.
    #[serde(default)]
    pub credentials: Vec<CredentialEntry>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            version: VERSION,
            models: Vec::new(),
            endpoints: Vec::new(),
            credentials: Vec::new(),
        }
    }
}

impl Registry {
    /// The entries of `kind`, those that were removed included.
    pub fn entries(&self, kind: Kind) -> &[Entry] {
        match kind {
            Kind::Model => &self.models,
            Kind::Endpoint => &self.endpoints,
        }
    }

    pub(super) fn entries_mut(&mut self, kind: Kind) -> &mut Vec<Entry> {
        match kind {
            Kind::Model => &mut self.models,
            Kind::Endpoint => &mut self.endpoints,
        }
    }

    /// The active entry of `kind` called `slug`; `byo:` may stand before it.
    ///
    /// # Errors
    ///
    /// There is none, or it was removed.
    pub fn find(&self, kind: Kind, slug: &str) -> Result<&Entry, RegistryError> {
        let slug = slug.strip_prefix("byo:").unwrap_or(slug);
        let found = self.entries(kind).iter().find(|entry| entry.slug == slug);
        match found {
            Some(entry) if entry.is_active() => Ok(entry),
            Some(_) => Err(RegistryError::Removed { kind, slug: slug.to_owned() }),
            None => Err(self.unknown(kind, slug)),
        }
    }

    /// Puts `entry` in the place of the one of its slug.
    pub fn replace(&mut self, kind: Kind, entry: Entry) {
        let entries = self.entries_mut(kind);
        if let Some(slot) = entries.iter_mut().find(|known| known.slug == entry.slug) {
            *slot = entry;
        }
    }

    /// The credential called `slug`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn credential(&self, slug: &str) -> Result<&CredentialEntry, RegistryError> {
        let found = self.credentials.iter().find(|credential| credential.slug == slug);
        found.ok_or_else(|| RegistryError::UnknownCredential {
            slug: slug.to_owned(),
            known: self.credentials.iter().map(|credential| credential.slug.clone()).collect(),
        })
    }

    /// Whether an active model or endpoint uses the credential called `slug`.
    pub fn uses(&self, slug: &str) -> bool {
        let all = self.models.iter().chain(&self.endpoints);
        all.filter(|entry| entry.is_active()).any(|entry| entry.credential.as_deref() == Some(slug))
    }

    /// What `byo:REST` means: the entry, and the model that is asked for upstream.
    ///
    /// # Errors
    ///
    /// Nothing of that slug is registered; it was removed, is disabled, or does not allow the model;
    /// it is an endpoint and no model is named, or the other way round.
    pub fn resolve(&self, rest: &str) -> Result<(&Entry, String), RegistryError> {
        let (slug, upstream) = match rest.split_once('/') {
            Some((slug, upstream)) => (slug, Some(upstream)),
            None => (rest, None),
        };
        let is = |kind: Kind| self.find(kind, slug).is_ok();
        let kind = match upstream {
            None if is(Kind::Endpoint) && !is(Kind::Model) => {
                return Err(RegistryError::NeedsModel { slug: slug.to_owned() });
            }
            Some(_) if is(Kind::Model) && !is(Kind::Endpoint) => {
                return Err(RegistryError::IsModel { slug: slug.to_owned() });
            }
            None => Kind::Model,
            Some(_) => Kind::Endpoint,
        };
        let entry = self.find(kind, slug)?;
        if entry.disabled {
            return Err(RegistryError::Disabled { kind, slug: slug.to_owned() });
        }
        let Some(upstream) = upstream else {
            return Ok((entry, entry.model.clone().unwrap_or_default()));
        };
        if upstream.is_empty() {
            return Err(RegistryError::NeedsModel { slug: slug.to_owned() });
        }
        if !entry.allows(upstream) {
            return Err(RegistryError::NotAllowed {
                slug: slug.to_owned(),
                model: upstream.to_owned(),
                allowed: entry.allow.clone(),
            });
        }
        Ok((entry, upstream.to_owned()))
    }

    fn unknown(&self, kind: Kind, slug: &str) -> RegistryError {
        let active = |kind: Kind| {
            let all = self.entries(kind).iter().filter(|entry| entry.is_active());
            all.map(|entry| entry.slug.clone()).collect::<Vec<_>>()
        };
        let other = active(kind.other()).iter().any(|known| known == slug);
        RegistryError::Unknown { kind, slug: slug.to_owned(), known: active(kind), other }
    }
}

/// The registry as resolving a config sees it.
pub trait Registered: Sync {
    /// What is registered; read when it is first asked for.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
    fn registry(&self) -> Result<&Registry, String>;

    /// A secret out of the vault.
    ///
    /// # Errors
    ///
    /// The vault cannot be opened, or does not give it for this provider and origin.
    fn secret(&self, ask: &Ask<'_>) -> Result<Secret, String>;
}
