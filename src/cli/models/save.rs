//! `add` and `edit`: checked, tested, then saved.

use super::{
    super::{Out, ask::everything, catalog::OwnTable, exit::Failure, home, home::Home, vault},
    around, ask, load,
    probe::Probe,
    rm, tell_prices,
};
use crate::{
    base::{clock, secret::Secret},
    catalog::{
        Table,
        registry::{
            self, Added, AuthMethod, CredentialEntry, Draft, Entry, Kind, Registry, RegistryError,
        },
    },
    vault::Vault,
};

/// Which entry.
pub(super) enum Target {
    /// One that is not there yet.
    New,
    /// The one of this slug.
    Known(String),
}

/// What the user wants saved.
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) target: Target,
    pub(super) draft: Draft,
    pub(super) secret_from_stdin: bool,
    pub(super) no_test: bool,
    pub(super) test_model: Option<String>,
}

/// A secret on its way into the vault.
struct Fresh {
    secret: Secret,
    vault: Vault,
}

/// Runs the command.
pub(super) fn run(mut request: Request, out: &mut Out) -> Result<(), Failure> {
    let registry = load()?;
    let before = match &request.target {
        Target::New => None,
        Target::Known(slug) => Some(registry.find(request.kind, slug)?.clone()),
    };
    let own = OwnTable::load()?;
    let table = own.table();
    let mut secret = request.read_secret()?;
    match &before {
        None => ask::for_new(&mut request, &mut secret, table, out)?,
        Some(entry) if request.draft.is_empty() && !request.secret_from_stdin => {
            ask::for_changes(&mut request, entry, (&registry, table), &mut secret, out)?;
        }
        Some(_) if !request.secret_from_stdin => ask::for_credential(&request, &mut secret)?,
        Some(_) => {}
    }
    request.draft.has_secret = secret.is_some();
    if before.is_some() && request.draft.is_empty() {
        out.note("nothing changes");
        return Ok(());
    }

    let mut trial = registry.clone();
    let now_ms = clock::now_ms();
    let added = request.change(&mut trial, now_ms, table)?;
    let secret = match (secret, &added.credential) {
        (Some(secret), Some(credential)) if credential.auth == AuthMethod::ServiceAccount => {
            Some(service_account(secret)?)
        }
        (secret, _) => secret,
    };
    // Opened before anything is paid for: a secret that cannot be kept is not tested either.
    let mut fresh = fresh(&added, secret)?;
    let tested = if request.wants_test(before.as_ref(), &added.entry) {
        let passed = request.test(&added, trial, fresh.as_ref())?;
        out.note(passed.lines().trim_end());
        Some(passed.tested)
    } else {
        None
    };
    let directory = home::directory()?;
    let (entry, filled, unused) = registry::update(&directory, |registry| {
        let had = before.as_ref().and_then(|entry| entry.credential.clone());
        let had = had.and_then(|slug| registry.credential(&slug).ok().cloned());
        let added = request.change(registry, now_ms, table)?;
        if let Some(credential) = &added.credential {
            vault::logged("key.set", Some(&credential.slug), || match &mut fresh {
                Some(fresh) => keep(credential, had.as_ref(), fresh),
                None => Ok(()),
            })?;
        } else if let Some(had) = &had
            && registry.credential(&had.slug).is_ok_and(|now| now != had)
        {
            vault::note("key.limit", Some(&had.slug), None)?;
        }
        rm::note_forgotten(&added.unused)?;
        let mut entry = added.entry.clone();
        let mut filled = Vec::new();
        if tested.is_some() {
            entry.tested = tested;
            filled = entry.fill_prices(table);
        }
        registry.replace(request.kind, entry.clone());
        Ok::<_, Failure>((entry, filled, added.unused))
    })?;
    // The vault is opened once at a time.
    drop(fresh);
    rm::forget(&unused, out)?;
    let done = match (&before, added.reactivated) {
        (Some(_), _) => "changed",
        (None, true) => "brought back",
        (None, false) => "added",
    };
    let more = if request.kind == Kind::Endpoint { "/MODEL" } else { "" };
    out.data(&format!("{done} byo:{}{more}\n", entry.slug))?;
    if before.is_none() || tested.is_some() {
        tell_prices(request.kind, &entry, &filled, table, out);
    }
    Ok(())
}

impl Request {
    /// Makes the change in `registry`.
    fn change(
        &self,
        registry: &mut Registry,
        now_ms: i64,
        table: Table<'_>,
    ) -> Result<Added, RegistryError> {
        let around = around(table);
        match &self.target {
            Target::New => registry.add(self.kind, &self.draft, now_ms, around),
            Target::Known(slug) => registry.edit(self.kind, slug, &self.draft, around),
        }
    }

    /// The secret on standard input, if it is there; an empty one is none.
    fn read_secret(&self) -> Result<Option<Secret>, Failure> {
        if !self.secret_from_stdin {
            return Ok(None);
        }
        let text = everything().map_err(|error| {
            Failure::usage(format!("--api-key-stdin: failed to read standard input: {error}"))
        })?;
        let Some(text) = text else {
            return Err(Failure::usage("--api-key-stdin: this is too long for a key"));
        };
        let text = text.expose().trim();
        if text.is_empty() && matches!(self.target, Target::New) {
            return Err(Failure::usage("--api-key-stdin: there is nothing on standard input"));
        }
        Ok((!text.is_empty()).then(|| Secret::new(text)))
    }

    /// Credentials and prices ask for no new test; what is sent, and to whom, does.
    fn wants_test(&self, before: Option<&Entry>, after: &Entry) -> bool {
        !self.no_test && !after.disabled && before.is_none_or(|before| !after.tests_like(before))
    }

    fn test(
        &self,
        added: &Added,
        registry: Registry,
        fresh: Option<&Fresh>,
    ) -> Result<super::probe::Passed, Failure> {
        let mut home = Home::of(registry);
        if let (Some(fresh), Some(credential)) = (fresh, &added.credential) {
            home = home.with(&credential.slug, fresh.secret.clone());
        }
        let probe = Probe::of(self.kind, &added.entry, self.test_model.as_deref(), &home);
        probe.and_then(Probe::run).map_err(|failure| {
            let hint = failure.hint.as_deref().map(|hint| format!("{hint}; ")).unwrap_or_default();
            let hint = format!("{hint}nothing was saved; `--no-test` saves without a test");
            failure.hint(hint)
        })
    }
}

/// The secret that goes into the vault: the one that was given, or that of a credential that is
/// used again.
fn fresh(added: &Added, secret: Option<Secret>) -> Result<Option<Fresh>, Failure> {
    if let Some(reuse) = &added.reuse {
        let vault = vault::open()?;
        let secret = vault.get(&reuse.from.vault_key())?;
        return Ok(Some(Fresh { secret, vault }));
    }
    let Some(secret) = secret else { return Ok(None) };
    let opened = vault::open().map_err(|error| {
        Failure::from(error)
            .hint("or name an environment variable that holds the key: `--api-key-env NAME`")
    })?;
    Ok(Some(Fresh { secret, vault: opened }))
}

/// Puts the secret into the vault. What another way to sign in had left there goes.
fn keep(
    credential: &CredentialEntry,
    had: Option<&CredentialEntry>,
    fresh: &mut Fresh,
) -> Result<(), Failure> {
    if had.is_some_and(|had| had.slug == credential.slug && had.auth != credential.auth) {
        fresh.vault.remove(&credential.slug)?;
    }
    fresh.vault.put(&credential.vault_key(), &fresh.secret)?;
    Ok(())
}

/// The JSON of a service account, of which the path may have been given.
fn service_account(given: Secret) -> Result<Secret, Failure> {
    let text = given.expose().trim();
    let json = if text.starts_with('{') {
        given
    } else {
        // What was given is not repeated: it may be part of a key.
        let read = std::fs::read_to_string(text).map_err(|error| {
            Failure::usage(format!("the file of the service account cannot be read: {error}"))
                .hint("a service account is given as the path of its JSON file, or as its JSON")
        })?;
        Secret::new(read)
    };
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json.expose()).is_err() {
        return Err(Failure::usage("the service account is no JSON object"));
    }
    Ok(json)
}
