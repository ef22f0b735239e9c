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
    /// Nobody said where the vault is.
    #[error("{0}")]
    NoHome(String),
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
    /// A link, a directory or a device where a file should be.
    #[error("`{}` is not a regular file; links are not followed here", path.display())]
    NotAFile {
        /// What it is.
        path: PathBuf,
    },
    /// A file or directory of somebody else.
    #[error("`{}` belongs to another user", path.display())]
    Owner {
        /// Which.
        path: PathBuf,
    },
    /// A file that others may read, or a directory that they may write.
    #[error(
        "`{}` is open to other users (mode {mode:03o}): run `chmod {right:03o}` on it, and replace \
         what they may have seen",
        path.display()
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        right: u32,
    },
    /// A file that is not as this program wrote it.
    #[error("`{}` is damaged or was changed by others: {problem}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another process changed the data key since the vault was opened.
    #[error("the vault's key was changed by another process meanwhile; run the command again")]
    Changed,
    /// Too many slots, or none.
    #[error("{0}")]
    Slots(String),
    /// A value of `EVALS_VAULT_KEY` that cannot be a key.
    #[error(
        "`EVALS_VAULT_KEY` is not a key: 32 bytes in base64url without padding, 43 characters, are \
         expected; `evals vault init --env --new-key` makes one"
    )]
    EnvKey,
    /// A passphrase that protects nothing.
    #[error("a passphrase needs at least {least} characters")]
    Passphrase {
        /// How many are needed.
        least: usize,
    },
    /// The keyring did not do what it was asked.
    #[error("the keyring {0}")]
    Keyring(String),
    /// A credential or a name that cannot be stored.
    #[error("{0}")]
    Unstorable(&'static str),
    /// The machine has too little memory for what the vault asks.
    #[error("sealing failed; is there memory left?")]
    Sealing,
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
