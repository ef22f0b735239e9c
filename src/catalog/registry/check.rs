//! What must be true of a registered model or endpoint, whoever says it.

use super::{Around, AuthMethod, Entry, Format, Kind, RegistryError, headers};
use crate::{
    base::secret::carries_secret,
    catalog::table::Table,
    domain::target::{Flavour, Settings},
    provider::{self, Auth, PROVIDERS, Provider, Setting},
    vault,
};

/// The provider of hosts of one's own.
pub const CUSTOM: &str = "custom";

pub(super) fn field(name: &'static str, message: impl Into<String>) -> RegistryError {
    RegistryError::Field { name, message: message.into() }
}

/// The wire format that the entry speaks.
///
/// # Errors
///
/// Its provider is none that this program knows.
pub fn wire(entry: &Entry) -> Result<&'static dyn Provider, RegistryError> {
    let name = match entry.provider.as_str() {
        CUSTOM => entry.format.unwrap_or(Format::OpenAi).provider(),
        other => other,
    };
    provider::find(name).ok_or_else(|| {
        if let (CUSTOM, Some(format)) = (entry.provider.as_str(), entry.format) {
            let format = format.name();
            return field("format", format!("this program does not speak `{format}` yet"));
        }
        let known: Vec<&str> =
            PROVIDERS.iter().map(|provider| provider.name()).chain([CUSTOM]).collect();
        let meant = crate::base::text::nearest(name, known.iter().copied())
            .map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
        let known = known.join(", ");
        field("provider", format!("there is no provider `{name}`; {meant}known: {known}"))
    })
}

/// The address that the entry is reached at. `lookup` finds environment variables, which may hold
/// settings.
///
/// # Errors
///
/// It has none and its provider needs one, or what stands there is no address.
pub fn base_url(
    entry: &Entry,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, RegistryError> {
    let wire = wire(entry)?;
    if let Some(url) = &entry.base_url {
        return Ok(url.clone());
    }
    if entry.provider == CUSTOM {
        return Err(field("base_url", "a host of your own needs its address"));
    }
    let get = |setting: Setting| {
        entry.settings.get(setting.name()).cloned().or_else(|| {
            let taken = wire.card().settings.contains(&setting);
            taken.then(|| setting.env().iter().find_map(|name| lookup(name))).flatten()
        })
    };
    let settings = Settings {
        region: get(Setting::Region),
        project: get(Setting::Project),
        location: get(Setting::Location),
        resource: get(Setting::Resource),
        deployment: get(Setting::Deployment),
        api_version: get(Setting::ApiVersion),
    };
    wire.base_url(&settings).map_err(|message| field("base_url", message))
}

/// The ways in which the entry's provider can be told who asks; the usual one first.
///
/// # Errors
///
/// Its provider is none that this program knows.
pub fn auth_methods(entry: &Entry) -> Result<&'static [AuthMethod], RegistryError> {
    Ok(match wire(entry)?.card().auth {
        Auth::OptionalKey | Auth::Key => &[AuthMethod::Key],
        Auth::KeyOrAws => &[AuthMethod::Key, AuthMethod::Aws],
        Auth::ServiceAccount => &[AuthMethod::ServiceAccount, AuthMethod::Key],
    })
}

/// Checks everything but the credential. Gives the origin of its address.
pub(super) fn entry(
    kind: Kind,
    entry: &Entry,
    around: Around<'_>,
) -> Result<String, RegistryError> {
    let wire = wire(entry)?;
    if entry.format.is_some() && entry.provider != CUSTOM {
        let message =
            format!("it is for hosts of your own, and the provider is `{}`", entry.provider);
        return Err(field("format", message));
    }
    flavour(entry)?;
    let taken = wire.card().settings;
    for name in entry.settings.keys() {
        if !taken.iter().any(|setting| setting.name() == name) {
            let name = Setting::ALL.into_iter().find(|setting| setting.name() == name);
            let name = name.map_or("settings", Setting::name);
            return Err(field(name, format!("it means nothing to provider `{}`", entry.provider)));
        }
    }
    if kind == Kind::Model && entry.model.is_none() && !entry.settings.contains_key("deployment") {
        return Err(field("model", "the id that the provider knows the model by is needed"));
    }
    if entry.max_tokens == Some(0) {
        return Err(field("max_tokens", "1 is the least"));
    }
    headers::check(entry)?;
    texts(entry)?;
    base_model(entry, around.table)?;
    let base_url = base_url(entry, around.lookup)?;
    origin(&base_url)
}

fn flavour(entry: &Entry) -> Result<(), RegistryError> {
    let Some(flavour) = entry.flavour else { return Ok(()) };
    if matches!(flavour, Flavour::Chat | Flavour::Completion) || entry.provider != CUSTOM {
        return Ok(());
    }
    let message = format!("a host of your own takes chat or completion, not `{}`", flavour.name());
    Err(field("flavour", message))
}

/// The origin of an address, which holds nothing that could be a secret.
fn origin(base_url: &str) -> Result<String, RegistryError> {
    let bad = |why: &str| field("base_url", format!("{why}: http://localhost:8000/v1"));
    let parsed =
        url::Url::parse(base_url).map_err(|_| bad("an http or https address is needed"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(bad("a user or password does not belong into an address; leave it out"));
    }
    if parsed.query_pairs().any(|(name, _)| carries_secret(&name)) {
        return Err(bad("a key does not belong into an address; leave it out"));
    }
    vault::origin(base_url).ok_or_else(|| bad("an http or https address is needed"))
}

fn texts(entry: &Entry) -> Result<(), RegistryError> {
    let plain = |text: &str| !text.chars().any(char::is_control);
    let named = [("name", &entry.name), ("model", &entry.model), ("base_model", &entry.base_model)];
    for (name, text) in named {
        if text.as_deref().is_some_and(|text| !plain(text) || text.len() > 500) {
            return Err(field(name, "one line of at most 500 bytes is the most"));
        }
    }
    for (name, list) in [("tags", &entry.tags), ("allow", &entry.allow)] {
        if list.iter().any(|text| !plain(text) || text.len() > 500) {
            return Err(field(name, "one line of at most 500 bytes is the most for each"));
        }
    }
    if let Some(path) = &entry.reasoning_param {
        let word = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !path.split('.').all(word) {
            let message = "the name of a field of the request is needed, dots between its parts";
            return Err(field("reasoning_param", message));
        }
    }
    Ok(())
}

/// A base model is one that the catalog knows: of another nothing could be shared.
fn base_model(entry: &Entry, table: Table<'_>) -> Result<(), RegistryError> {
    let Some(base) = &entry.base_model else { return Ok(()) };
    let written = base.split_once('/').filter(|(_, model)| !model.is_empty());
    let Some((provider, model)) = written else {
        return Err(field("base_model", "a model of the catalog is written PROVIDER/MODEL"));
    };
    if entry.base_row(table).is_some() {
        return Ok(());
    }
    if !table.knows(provider) {
        let message = format!("the catalog knows no models of a provider `{provider}`");
        return Err(field("base_model", message));
    }
    let near = table.nearest(provider, model, 3);
    let near: Vec<String> = near.iter().map(|id| format!("`{provider}/{id}`")).collect();
    let near = if near.is_empty() {
        format!("`evals catalog search {model}` looks for others")
    } else {
        format!("near: {}", near.join(", "))
    };
    Err(field("base_model", format!("the catalog does not know `{base}`; {near}")))
}

/// Settings that the environment gives now and nobody said: they are part of the address, which
/// must not depend on where the model is used.
pub(super) fn pin_settings(entry: &mut Entry, around: Around<'_>) -> Result<(), RegistryError> {
    for setting in wire(entry)?.card().settings {
        let part_of_address = *setting == Setting::Resource;
        if part_of_address && entry.base_url.is_some() {
            continue;
        }
        let values = setting.env().iter().filter_map(|name| (around.lookup)(name));
        let mut values = values.map(|value| value.trim().to_owned());
        let found = values.find(|value| !value.is_empty());
        if let (Some(value), false) = (found, entry.settings.contains_key(setting.name())) {
            entry.settings.insert(setting.name().to_owned(), value);
        }
    }
    Ok(())
}
