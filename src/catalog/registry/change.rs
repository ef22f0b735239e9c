//! Adding, changing and removing: the rules about slugs and credentials.

use super::{
    Around, CredentialEntry, Draft, Entry, Kind, Registry, RegistryError,
    check::{self, field},
    derived, is_shipped, is_slug,
};

/// What came of adding or changing an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The entry as it now is.
    pub entry: Entry,
    /// Whether one that was removed came back.
    pub reactivated: bool,
    /// Whether there is a new credential, or one with another secret.
    pub credential: Option<CredentialEntry>,
    /// A credential whose secret the new one takes over.
    pub reuse: Option<Reuse>,
    /// Credentials that nothing uses any more, as they were.
    pub unused: Vec<CredentialEntry>,
}

/// The secret of one credential becomes that of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Reuse {
    /// Where it is.
    pub from: CredentialEntry,
    /// Where it shall be as well.
    pub to: CredentialEntry,
}

impl Registry {
    /// Adds what `draft` says, or brings back and overwrites what was removed.
    ///
    /// # Errors
    ///
    /// The slug is none, is taken, or belonged to another provider; a value cannot be one; the
    /// credential cannot be used.
    pub fn add(
        &mut self,
        kind: Kind,
        draft: &Draft,
        now_ms: i64,
        around: Around<'_>,
    ) -> Result<Added, RegistryError> {
        let slug = new_slug(draft)?;
        let provider = draft.provider.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let provider = provider
            .ok_or_else(|| field("provider", "one is needed; `custom` is a host of your own"))?;
        let place = self.free_place(kind, (&slug, provider), around)?;
        let mut entry =
            Entry { slug, provider: provider.to_owned(), added_ms: now_ms, ..Entry::default() };
        draft.apply(kind, &mut entry)?;
        check::pin_settings(&mut entry, around)?;
        let origin = check::entry(kind, &entry, around)?;
        let (credential, reuse) = self.settle_credential(&mut entry, draft, &origin)?;
        check_templates(&entry)?;
        let reactivated = place.is_some();
        let entries = self.entries_mut(kind);
        match place {
            Some(place) => entries[place] = entry.clone(),
            None => entries.push(entry.clone()),
        }
        let unused = self.forget_unused();
        Ok(Added { entry, reactivated, credential, reuse, unused })
    }

    /// Changes what `draft` says of the entry called `slug`.
    ///
    /// # Errors
    ///
    /// There is no such entry; slug or provider would change; and as [`Registry::add`].
    pub fn edit(
        &mut self,
        kind: Kind,
        slug: &str,
        draft: &Draft,
        around: Around<'_>,
    ) -> Result<Added, RegistryError> {
        let before = self.find(kind, slug)?.clone();
        for (name, said, is) in
            [("slug", &draft.slug, &before.slug), ("provider", &draft.provider, &before.provider)]
        {
            if said.as_ref().is_some_and(|said| said != is) {
                return Err(RegistryError::Permanent { name, is: is.clone() });
            }
        }
        let had = before.credential.as_deref().and_then(|slug| self.credential(slug).ok().cloned());
        let mut entry = before.clone();
        draft.apply(kind, &mut entry)?;
        let origin = check::entry(kind, &entry, around)?;
        let (credential, reuse) = self.settle_credential(&mut entry, draft, &origin)?;
        check_templates(&entry)?;
        if !entry.tests_like(&before) {
            entry.tested = None;
        }
        let entries = self.entries_mut(kind);
        if let Some(slot) = entries.iter_mut().find(|known| known.slug == entry.slug) {
            *slot = entry.clone();
        }
        let mut unused = self.forget_unused();
        // A key that is in a variable now leaves the vault.
        let stored = |credential: &CredentialEntry| credential.key_env.is_none();
        if let (Some(had), Some(now)) = (had, &credential)
            && had.slug == now.slug
            && stored(&had)
            && !stored(now)
        {
            unused.push(had);
        }
        Ok(Added { entry, reactivated: false, credential, reuse, unused })
    }

    /// Removes the entry called `slug`: it stays in the file, and cannot be used. Gives the
    /// credentials that nothing uses any more, which are forgotten.
    ///
    /// # Errors
    ///
    /// There is no such entry.
    pub fn remove(
        &mut self,
        kind: Kind,
        slug: &str,
        now_ms: i64,
    ) -> Result<Vec<CredentialEntry>, RegistryError> {
        let slug = self.find(kind, slug)?.slug.clone();
        let entries = self.entries_mut(kind);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.slug == slug) {
            entry.removed_ms = Some(now_ms);
        }
        Ok(self.forget_unused())
    }

    /// Forgets the credentials that no active entry uses.
    fn forget_unused(&mut self) -> Vec<CredentialEntry> {
        let all = std::mem::take(&mut self.credentials);
        let (used, unused) = all.into_iter().partition(|credential| self.uses(&credential.slug));
        self.credentials = used;
        unused
    }

    /// Where the slug may go: `None` is the end, a number is the place of what was removed.
    fn free_place(
        &self,
        kind: Kind,
        (slug, provider): (&str, &str),
        around: Around<'_>,
    ) -> Result<Option<usize>, RegistryError> {
        let taken = |by: String| RegistryError::Taken { slug: slug.to_owned(), by };
        if is_shipped(slug, around.table) {
            return Err(taken("a model of the catalog has it as its id".to_owned()));
        }
        for kind in [kind, kind.other()] {
            let active = self.entries(kind).iter().any(|e| e.slug == slug && e.is_active());
            if active {
                return Err(taken(format!("there is a registered {kind} of that slug")));
            }
        }
        let place = self.entries(kind).iter().position(|entry| entry.slug == slug);
        if let Some(before) = place.map(|place| &self.entries(kind)[place])
            && before.provider != provider
        {
            return Err(RegistryError::OtherProvider {
                kind,
                slug: slug.to_owned(),
                before: before.provider.clone(),
                now: provider.to_owned(),
            });
        }
        Ok(place)
    }
}

/// A header that needs a key has one to use.
fn check_templates(entry: &Entry) -> Result<(), RegistryError> {
    let wants = |value: &String| value.replace(' ', "").contains("{{api_key}}");
    match entry.headers.iter().find(|(_, value)| wants(value)) {
        Some((name, _)) if entry.credential.is_none() => Err(field(
            "headers",
            format!("`{name}` names {{{{api_key}}}}, and there is no credential"),
        )),
        _ => Ok(()),
    }
}

fn new_slug(draft: &Draft) -> Result<String, RegistryError> {
    if let Some(slug) = draft.slug.as_deref().map(str::trim).filter(|slug| !slug.is_empty()) {
        let wrong = || RegistryError::Slug { message: format!("`{slug}` is no slug") };
        return is_slug(slug).then(|| slug.to_owned()).ok_or_else(wrong);
    }
    let name = draft.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| field("name", "a name or a slug is needed"))?;
    let wrong = || RegistryError::Slug { message: format!("the name `{name}` gives no slug") };
    derived(name).ok_or_else(wrong)
}
