//! Which credential an entry gets: a new one, a registered one, another entry's, or the one it had.

use super::{
    AuthMethod, CredentialEntry, Draft, Entry, Kind, Registry, RegistryError, Reuse,
    check::{self, CUSTOM, field},
    is_slug,
};

impl Registry {
    /// Gives `entry` the credential that `draft` says, and keeps it where it says none.
    pub(super) fn settle_credential(
        &mut self,
        entry: &mut Entry,
        draft: &Draft,
        origin: &str,
    ) -> Result<(Option<CredentialEntry>, Option<Reuse>), RegistryError> {
        if let Some(source) = &draft.reuse_credentials_of {
            if draft.brings_credential() || draft.credential.is_some() {
                return Err(refuse("a credential is either reused or given, not both"));
            }
            let (credential, reuse) = self.reused(entry, draft, source, origin)?;
            return Ok((credential, reuse));
        }
        let had = match &entry.credential {
            Some(slug) => Some(self.credential(slug)?.clone()),
            None => None,
        };
        if draft.brings_credential() {
            return self
                .new_credential(entry, draft, had.as_ref(), origin)
                .map(|c| (Some(c), None));
        }
        let used = match draft.credential.as_deref().map(str::trim) {
            Some("") => {
                entry.credential = None;
                return Ok((None, None));
            }
            Some(slug) => Some(self.credential(slug)?.clone()),
            None => had,
        };
        let Some(used) = used else {
            if draft.projects.is_some() || draft.auth.is_some() {
                return Err(refuse("there is no credential that this could be about")
                    .with_hint("give one: `--api-key-env NAME`, or at the prompt"));
            }
            return Ok((None, None));
        };
        fits(&used, entry, origin)?;
        if let Some(auth) = draft.auth.filter(|auth| *auth != used.auth) {
            return Err(needs_fresh(used.auth, auth));
        }
        entry.credential = Some(used.slug.clone());
        self.limit(&used.slug, draft.projects.as_deref());
        Ok((None, None))
    }

    fn limit(&mut self, slug: &str, projects: Option<&[String]>) {
        let found = self.credentials.iter_mut().find(|credential| credential.slug == slug);
        if let (Some(credential), Some(projects)) = (found, projects) {
            credential.projects = cleaned(projects);
        }
    }

    fn new_credential(
        &mut self,
        entry: &mut Entry,
        draft: &Draft,
        had: Option<&CredentialEntry>,
        origin: &str,
    ) -> Result<CredentialEntry, RegistryError> {
        let auth = method(entry, draft, had)?;
        if draft.api_key_env.is_none() && !draft.has_secret {
            // Only the id of the key was given: what belongs to it is needed as well.
            return Err(needs_fresh(had.map_or(auth, |had| had.auth), auth));
        }
        for (name, variable) in
            [("api_key_env", &draft.api_key_env), ("session_token_env", &draft.session_token_env)]
        {
            if variable.as_deref().is_some_and(|name| !is_variable(name)) {
                // What was written is not repeated: it may be the key itself.
                return Err(field(
                    name,
                    "the name of an environment variable is needed, not a key",
                ));
            }
        }
        let stored_id =
            had.filter(|had| had.auth == auth).and_then(|had| had.access_key_id.clone());
        let access_key_id = draft.access_key_id.clone().or(stored_id);
        if (auth == AuthMethod::Aws) != access_key_id.is_some() {
            let message = match auth {
                AuthMethod::Aws => "a key pair needs the id of its key as well",
                _ => "it belongs to key pairs of Amazon Web Services: `--auth aws`",
            };
            return Err(field("access_key_id", message));
        }
        // A fresh secret keeps the name, unless others use what has it.
        let own = had.filter(|had| had.slug == entry.slug || !self.others_use(&had.slug, entry));
        let slug = draft.credential.clone().or_else(|| own.map(|own| own.slug.clone()));
        let slug = slug.unwrap_or_else(|| entry.slug.clone());
        if !is_slug(&slug) {
            return Err(RegistryError::Slug { message: format!("`{slug}` is no slug") });
        }
        let credential = CredentialEntry {
            slug,
            provider: entry.provider.clone(),
            origin: origin.to_owned(),
            auth,
            key_env: draft.api_key_env.clone(),
            access_key_id,
            session_token_env: draft.session_token_env.clone(),
            projects: match (&draft.projects, own) {
                (Some(projects), _) => cleaned(projects),
                (None, Some(own)) => own.projects.clone(),
                (None, None) => Vec::new(),
            },
        };
        self.put_credential(entry, credential)
    }

    /// Whether an active entry other than `entry` uses the credential called `slug`.
    fn others_use(&self, slug: &str, entry: &Entry) -> bool {
        self.models.iter().chain(&self.endpoints).any(|other| {
            other.is_active()
                && other.slug != entry.slug
                && other.credential.as_deref() == Some(slug)
        })
    }

    /// Files `credential`, and points `entry` to it. It does not take the place of one that others
    /// use for something else.
    fn put_credential(
        &mut self,
        entry: &mut Entry,
        credential: CredentialEntry,
    ) -> Result<CredentialEntry, RegistryError> {
        let slug = credential.slug.clone();
        let others = self.others_use(&slug, entry);
        match self.credentials.iter_mut().find(|known| known.slug == slug) {
            Some(known) => {
                let same =
                    known.provider == credential.provider && known.origin == credential.origin;
                let alone = entry.credential.as_deref() == Some(&slug) && !others;
                if !same && !alone {
                    return Err(refuse(format!(
                        "there is a credential `{slug}` for {} of `{}` already",
                        known.origin, known.provider
                    ))
                    .with_hint("name another one with `--credential SLUG`"));
                }
                *known = credential.clone();
            }
            None => self.credentials.push(credential.clone()),
        }
        entry.credential = Some(slug);
        Ok(credential)
    }

    /// The credential of another entry. Where it is bound to another origin of the same provider,
    /// `entry` gets one of its own with the same secret.
    fn reused(
        &mut self,
        entry: &mut Entry,
        draft: &Draft,
        source: &str,
        origin: &str,
    ) -> Result<(Option<CredentialEntry>, Option<Reuse>), RegistryError> {
        let found = self.find(Kind::Model, source);
        let other = found.or_else(|error| self.find(Kind::Endpoint, source).map_err(|_| error))?;
        if other.provider != entry.provider {
            return Err(refuse(format!(
                "`{source}` is of provider `{}`, and this is of `{}`: credentials are reused \
                 within one provider",
                other.provider, entry.provider
            )));
        }
        let Some(slug) = other.credential.clone() else {
            return Err(refuse(format!("`{source}` has no credential that could be reused")));
        };
        let own_addresses = other.base_url.is_none() && entry.base_url.is_none();
        let from = self.credential(&slug)?.clone();
        let had = entry.credential.as_deref().and_then(|slug| self.credential(slug).ok());
        if let Some(had) = had.filter(|had| had.auth != from.auth) {
            return Err(needs_fresh(had.auth, from.auth));
        }
        if let Some(auth) = draft.auth.filter(|auth| *auth != from.auth) {
            return Err(refuse(format!(
                "`{source}` uses a credential of {}, not of {}",
                from.auth.name(),
                auth.name()
            )));
        }
        if from.origin == origin {
            entry.credential = Some(slug);
            return Ok((None, None));
        }
        if entry.provider == CUSTOM || !own_addresses {
            return Err(refuse(format!(
                "the credential of `{source}` is for {}, and this is at {origin}",
                from.origin
            ))
            .with_hint("a key goes to no other host than the one it was given for; give it anew"));
        }
        let to =
            CredentialEntry { slug: entry.slug.clone(), origin: origin.to_owned(), ..from.clone() };
        let to = self.put_credential(entry, to)?;
        let reuse = from.key_env.is_none().then(|| Reuse { from, to: to.clone() });
        Ok((Some(to), reuse))
    }
}

/// How a new credential tells who asks: as it is said, or as before, or as is usual.
fn method(
    entry: &Entry,
    draft: &Draft,
    had: Option<&CredentialEntry>,
) -> Result<AuthMethod, RegistryError> {
    let known = check::auth_methods(entry)?;
    let auth = match (draft.auth, &draft.access_key_id, had) {
        (Some(auth), ..) => auth,
        (None, Some(_), _) => AuthMethod::Aws,
        (None, None, Some(had)) => had.auth,
        (None, None, None) => known[0],
    };
    if known.contains(&auth) {
        return Ok(auth);
    }
    let message = format!("provider `{}` takes no credential of {}", entry.provider, auth.name());
    Err(field("auth", message))
}

/// Whether a credential may be used by an entry that is reached at `origin`.
fn fits(credential: &CredentialEntry, entry: &Entry, origin: &str) -> Result<(), RegistryError> {
    let slug = &credential.slug;
    if credential.provider != entry.provider {
        return Err(refuse(format!(
            "the credential `{slug}` is for provider `{}`, not `{}`",
            credential.provider, entry.provider
        )));
    }
    if credential.origin != origin {
        return Err(refuse(format!(
            "the credential `{slug}` is for {}, and this is at {origin}",
            credential.origin
        ))
        .with_hint("a key goes to no other host than the one it was given for; give it anew"));
    }
    Ok(())
}

/// Whether `name` can be that of an environment variable.
pub fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn cleaned(projects: &[String]) -> Vec<String> {
    let trimmed = projects.iter().map(|name| name.trim().to_owned());
    trimmed.filter(|name| !name.is_empty()).collect()
}

fn needs_fresh(from: AuthMethod, to: AuthMethod) -> RegistryError {
    let message = if from == to {
        format!("a new credential of {} needs its {}", to.name(), to.secret())
    } else {
        format!("switching from {} to {} needs a fresh {}", from.name(), to.name(), to.secret())
    };
    refuse(message).with_hint(
        "give it at the prompt, with `--api-key-stdin`, or name a variable \
                               that holds it with `--api-key-env`",
    )
}

fn refuse(message: impl Into<String>) -> RegistryError {
    RegistryError::Credential { message: message.into(), hint: None }
}

impl RegistryError {
    fn with_hint(self, text: &str) -> Self {
        match self {
            Self::Credential { message, .. } => {
                Self::Credential { message, hint: Some(text.to_owned()) }
            }
            other => other,
        }
    }
}
