//! `evals vault`: what opens the vault of credentials; and the vault as other commands open it.

use std::path::PathBuf;

use super::{env, exit::Failure};
use crate::vault::{Unlock, Vault, VaultError, audit, system_keyring};

/// The vault's file, and the log beside it.
#[derive(Debug)]
pub(super) struct Places {
    /// `vault.evals`.
    pub(super) vault: PathBuf,
    /// `audit.jsonl`.
    pub(super) audit: PathBuf,
}

impl Places {
    /// Where this user's vault and log are.
    pub(super) fn find() -> Result<Self, Failure> {
        let home = env::home().ok_or_else(|| {
            Failure::usage("there is no home directory to keep the vault in")
                .hint("set `EVALS_HOME` to a directory of your own")
        })?;
        Ok(Self { vault: home.join("vault.evals"), audit: home.join("audit.jsonl") })
    }
}

/// Opens this user's vault: with `EVALS_VAULT_KEY`, else the keyring, else a passphrase asked at the
/// terminal if there is one.
pub(super) fn open() -> Result<Vault, Failure> {
    let unlock = Unlock {
        env_key: env::variable("EVALS_VAULT_KEY").map(crate::base::secret::Secret::new),
        keyring: system_keyring(&env::variable),
        passphrase: None,
    };
    Ok(Vault::open(&Places::find()?.vault, &unlock)?)
}

/// Notes in the audit log that `action` was done to `slug`.
pub(super) fn note(action: &str, slug: Option<&str>, run: Option<&str>) -> Result<(), Failure> {
    let record = audit::Record {
        when_ms: crate::base::clock::now_ms(),
        action: action.to_owned(),
        slug: slug.map(str::to_owned),
        run: run.map(str::to_owned),
    };
    Ok(audit::append(&Places::find()?.audit, &record)?)
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::usage(error.to_string())
    }
}
