//! `evals vault`: what opens the vault of credentials; and the vault as other commands open it.

use std::{path::PathBuf, sync::Arc};

use super::{
    Out,
    args::{SlotArgs, VaultCommand},
    ask, env,
    exit::{Exit, Failure},
};
use crate::{
    base::{clock, secret::Secret},
    vault::{
        self, EntryKey, KeyStore, NewSlot, Others, SlotKind, Unlock, Vault, VaultError, audit,
        masked, new_env_key, system_keyring,
    },
};

/// The variable that holds the vault's key in CI.
const KEY: &str = "EVALS_VAULT_KEY";

/// Said where there is none; only that of Linux desktops is known.
const NO_KEYRING: &str = "keyrings are not available on this system (Linux only)";

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
pub(super) fn open() -> Result<Vault, VaultError> {
    let path = Places::find().map_err(|failure| VaultError::NoHome(failure.message))?.vault;
    with_unlock(|unlock| Vault::open(&path, unlock))
}

/// Notes in the audit log that `action` was done to `slug`.
pub(super) fn note(action: &str, slug: Option<&str>, run: Option<&str>) -> Result<(), Failure> {
    let record = audit::Record {
        when_ms: clock::now_ms(),
        action: action.to_owned(),
        slug: slug.map(str::to_owned),
        run: run.map(str::to_owned),
    };
    Ok(audit::append(&Places::find()?.audit, &record)?)
}

/// Makes a change after it was noted in the audit log: nothing changes that the log does not tell
/// of. What then fails is noted as well.
pub(super) fn logged<T, E: Into<Failure>>(
    action: &str,
    slug: Option<&str>,
    change: impl FnOnce() -> Result<T, E>,
) -> Result<T, Failure> {
    note(action, slug, None)?;
    change().map_err(|error| {
        // The failure itself is what has to be told.
        note(&format!("{action}.failed"), slug, None).ok();
        error.into()
    })
}

/// What is kept under `key`, as it may be shown; `****` where the vault does not open without asking
/// somebody.
pub(super) fn shown(key: &EntryKey) -> String {
    let unlock = Unlock { env_key: env_key(), keyring: keyring(), passphrase: None };
    let secret = Places::find().ok().and_then(|places| {
        let vault = Vault::open(&places.vault, &unlock).ok()?;
        vault.get(key).ok()
    });
    masked(secret.as_ref().map_or("", Secret::expose))
}

pub(super) fn run(command: &VaultCommand, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        VaultCommand::Init(slots) => init(slots, out),
        VaultCommand::Status => status(out),
        VaultCommand::Rekey { slots, only } => rekey(slots, others(*only), out),
        VaultCommand::Rotate { drop_others } => rotate(others(*drop_others), out),
        VaultCommand::Lock => lock(out),
    }
}

fn others(drop: bool) -> Others {
    if drop { Others::Drop } else { Others::Keep }
}

fn with_unlock<T>(run: impl FnOnce(&Unlock<'_>) -> T) -> T {
    let ask = || ask::typed("passphrase of the vault");
    run(&Unlock {
        env_key: env_key(),
        keyring: keyring(),
        passphrase: if ask::can_ask() { Some(&ask) } else { None },
    })
}

fn env_key() -> Option<Secret> {
    env::variable(KEY).filter(|value| !value.is_empty()).map(Secret::new)
}

fn keyring() -> Option<Arc<dyn KeyStore>> {
    system_keyring(&env::variable)
}

fn init(args: &SlotArgs, out: &mut Out) -> Result<Exit, Failure> {
    let path = Places::find()?.vault;
    if path.symlink_metadata().is_ok() {
        let failure = Failure::from(VaultError::Exists { path });
        return Err(failure.hint("`evals vault status` tells of it"));
    }
    let slots = new_slots(args, out)?;
    let vault = logged("vault.init", None, || Vault::create(&path, &slots))?;
    out.note(&format!("made {}; it opens by: {}", env::shown(&path), kinds(&vault.status().slots)));
    Ok(Exit::Done)
}

fn status(out: &mut Out) -> Result<Exit, Failure> {
    let path = Places::find()?.vault;
    let status = vault::status(&path)?;
    let opens = |kind| match kind {
        SlotKind::Env if env_key().is_some() => "`EVALS_VAULT_KEY`, which is set",
        SlotKind::Env => "`EVALS_VAULT_KEY`, which is not set",
        SlotKind::Keyring => "a keyring",
        SlotKind::Passphrase => "a passphrase",
    };
    let opens: Vec<&str> = status.slots.iter().map(|kind| opens(*kind)).collect();
    let lines = [
        ("vault", path.display().to_string()),
        ("id", status.vault_id.clone()),
        ("opened by", opens.join(", ")),
        ("credentials", status.entries.to_string()),
        ("key version", status.key_version.to_string()),
        ("writes", status.counter.to_string()),
    ];
    for (name, text) in lines {
        out.data(&format!("{name:<12} {text}\n"))?;
    }
    Ok(Exit::Done)
}

fn rekey(args: &SlotArgs, others: Others, out: &mut Out) -> Result<Exit, Failure> {
    let mut vault = open()?;
    let slots = new_slots(args, out)?;
    logged("vault.rekey", None, || vault.rekey(&slots, others))?;
    out.note(&format!("the vault opens by: {}", kinds(&vault.status().slots)));
    Ok(Exit::Done)
}

fn rotate(others: Others, out: &mut Out) -> Result<Exit, Failure> {
    let path = Places::find()?.vault;
    // What is typed to open the vault is typed once, and wraps the new key as well.
    let typed = std::cell::OnceCell::new();
    let ask = || typed.get_or_init(|| ask::typed("passphrase of the vault")).clone();
    let unlock = Unlock {
        env_key: env_key(),
        keyring: keyring(),
        passphrase: if ask::can_ask() { Some(&ask) } else { None },
    };
    let mut vault = Vault::open(&path, &unlock)?;
    logged("vault.rotate", None, || {
        vault.rotate(&unlock, others).map_err(|error| {
            let is_locked = matches!(error, VaultError::Locked { .. });
            let failure = Failure::from(error);
            if is_locked {
                failure.hint(
                    "everything that opens the vault has to be at hand to be kept; \
                     `--drop-others` drops what is not",
                )
            } else {
                failure
            }
        })
    })?;
    let status = vault.status();
    out.note(&format!(
        "sealed {} credential(s) with a new key; the vault opens by: {}",
        status.entries,
        kinds(&status.slots)
    ));
    Ok(Exit::Done)
}

fn lock(out: &mut Out) -> Result<Exit, Failure> {
    let Some(keyring) = keyring() else {
        return Err(Failure::usage(NO_KEYRING));
    };
    let mut vault = open()?;
    let count = logged("vault.lock", None, || vault.lock(&keyring))?;
    if count == 0 {
        out.note("this machine's keyring has no key of the vault: there is nothing to forget");
        return Ok(Exit::Done);
    }
    out.note(&format!(
        "this machine's keyring forgot the vault's key; the vault opens by: {}",
        kinds(&vault.status().slots)
    ));
    Ok(Exit::Done)
}

fn new_slots(args: &SlotArgs, out: &mut Out) -> Result<Vec<NewSlot>, Failure> {
    let mut slots = Vec::new();
    if args.keyring {
        let keyring = keyring()
            .ok_or_else(|| Failure::usage(NO_KEYRING).hint("`--passphrase` needs none"))?;
        slots.push(NewSlot::Keyring(keyring));
    }
    if args.passphrase {
        slots.push(NewSlot::Passphrase(ask::new_passphrase()?));
    }
    if args.env {
        slots.push(NewSlot::Env(if args.new_key { shown_once(out)? } else { given()? }));
    }
    Ok(slots)
}

fn given() -> Result<Secret, Failure> {
    env_key().ok_or_else(|| {
        Failure::usage(format!("`{KEY}` is not set"))
            .hint("`--new-key` makes a value for it, and prints it once")
    })
}

/// The only time that a secret is printed: it is needed elsewhere, and kept nowhere else.
fn shown_once(out: &mut Out) -> Result<Secret, Failure> {
    let key = new_env_key()?;
    out.data(&format!("{}\n", key.expose()))?;
    out.note(&format!("store this line as `{KEY}` where it is needed; it is not shown again"));
    Ok(key)
}

fn kinds(slots: &[SlotKind]) -> String {
    slots.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::usage(error.to_string())
    }
}
