//! Why the vault did not do what it was asked.

use std::{io, path::PathBuf};

/// Why the vault did not do what it was asked. No text holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no such file.
    #[error("there is no vault at `{}`; `evals vault init` makes one", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is one already.
    #[error("there is a vault at `{}` already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A file or directory that cannot be used.
    #[error("failed to {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The system has no random numbers to give.
    #[error("the system gives no random numbers")]
    Random,
    /// Nothing is filed under this.
    #[error("the vault has no `{field}` for `{slug}`")]
    NoEntry {
        /// The model or endpoint.
        slug: String,
        /// Which of its credentials.
        field: String,
    },
    /// It was stored for something else.
    #[error(
        "the `{field}` of `{slug}` was stored for {stored} and is not given out for {wanted}; \
         store it again if the change is meant"
    )]
    Bound {
        /// The model or endpoint.
        slug: String,
        /// Which of its credentials.
        field: String,
        /// The provider and origin that it was stored for.
        stored: String,
        /// The provider and origin that it was asked for.
        wanted: String,
    },
    /// Nothing that was tried opened it.
    #[error("the vault is locked: {}", tried.join("; "))]
    Locked {
        /// What was tried, why it did not open, and how to mend it.
        tried: Vec<String>,
    },
}
