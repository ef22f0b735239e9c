//! References to registered models and endpoints, and their credentials.

use serde_json::{Value, json};

use super::{
    registry::{self, Ask, AuthMethod, CredentialEntry, Entry, Kind, RegistryError, Takes},
    resolve::Resolver,
};
use crate::{
    base::secret::Secret,
    config::{At, ConfigError, Place, entry::ModelMap},
    domain::{
        params::{Params, Reasoning},
        target::Credential,
    },
    provider::{Provider, Setting},
    vault,
};

/// An entry that a reference named.
pub(super) struct Referred<'a> {
    pub(super) entry: &'a Entry,
    /// The model that it stands for.
    pub(super) upstream: String,
    /// What that one can take.
    takes: Takes,
}

impl<'a> Resolver<'a> {
    /// Fills in what the entry that `byo:REST` names says, where `map` does not say it itself.
    pub(super) fn refer(
        &self,
        map: &mut ModelMap,
        rest: &str,
        at: Place,
    ) -> Result<Referred<'a>, ConfigError> {
        let registry = self.context.registered.registry();
        let registry = registry.map_err(|message| self.error(at, message))?;
        let (entry, upstream) = registry.resolve(rest).map_err(|error| self.refused(at, &error))?;
        let wire = registry::wire(entry).map_err(|error| self.refused(at, &error))?;
        if let Some(provider) = &map.provider
            && provider.value != wire.name()
        {
            let message = format!(
                "`byo:{rest}` is of provider `{}`, not `{}`",
                entry.provider, provider.value
            );
            return Err(self.error(at, message));
        }
        let text = |value: &str| At { value: value.to_owned(), place: at };
        map.provider = Some(text(wire.name()));
        if !upstream.is_empty() {
            // Sent verbatim, so nothing in it is filled in.
            map.model.get_or_insert_with(|| text(&upstream.replace('$', "$$")));
        }
        if let (None, Some(url)) = (&map.base_url, &entry.base_url) {
            map.base_url = Some(text(url));
        }
        for setting in Setting::ALL {
            let slot = slot(map, setting);
            if let (None, Some(value)) = (&slot, entry.settings.get(setting.name())) {
                *slot = Some(text(value));
            }
        }
        for (name, value) in &entry.headers {
            if !map.headers.keys().any(|have| have.eq_ignore_ascii_case(name)) {
                map.headers.insert(name.clone(), text(value));
            }
        }
        map.flavour = map.flavour.or(entry.flavour);
        let kind = if rest.contains('/') { Kind::Endpoint } else { Kind::Model };
        let takes = entry.takes(kind, self.context.table);
        let (said, known) = (&mut map.capabilities, takes.toggles);
        map.stream = map.stream.or(known.streaming);
        // Whoever says JSON in the config means schemas as well.
        said.schema = said.schema.or(said.json).or(takes.schema);
        said.sampling = said.sampling.or(takes.sampling);
        said.vision = said.vision.or(known.vision);
        said.json = said.json.or(known.json);
        said.tools = said.tools.or(known.tools);
        said.reasoning = said.reasoning.or(known.reasoning);
        let own_key = map.api_key.is_some()
            || map.secret_access_key.is_some()
            || map.service_account.is_some();
        if let (None, false, Some(slug)) = (&map.credential, own_key, &entry.credential) {
            map.credential = Some(text(slug));
        }
        Ok(Referred { entry, upstream, takes })
    }

    /// The registered credential `slug`, to be sent to `base_url`.
    pub(super) fn registered_credential(
        &self,
        written: &At<String>,
        provider: &dyn Provider,
        base_url: &str,
    ) -> Result<Credential, ConfigError> {
        let at = written.place;
        let registry = self.context.registered.registry();
        let registry = registry.map_err(|message| self.error(at, message))?;
        let found = registry.credential(&written.value);
        let credential = found.map_err(|error| self.refused(at, &error))?;
        let slug = &credential.slug;
        if credential.provider != registry::CUSTOM && credential.provider != provider.name() {
            let (is, wanted) = (&credential.provider, provider.name());
            let message = format!("the credential `{slug}` is for provider `{is}`, not `{wanted}`");
            return Err(self.error(at, message));
        }
        self.check_project(credential, at)?;
        let origin = vault::origin(base_url).unwrap_or_default();
        if origin != credential.origin {
            let bound = &credential.origin;
            return Err(self
                .error(at, format!("the credential `{slug}` is for {bound}, and not for {origin}"))
                .hint("a key goes to no other host than the one it was given for"));
        }
        let secret = match &credential.key_env {
            Some(name) => self.variable(name, credential, at)?,
            None => {
                let ask = Ask { credential, origin: &origin };
                let secret = self.context.registered.secret(&ask);
                secret.map_err(|message| self.error(at, message))?
            }
        };
        Ok(match credential.auth {
            AuthMethod::Key => Credential::Key(secret),
            AuthMethod::Aws => Credential::Aws {
                access_key_id: credential.access_key_id.clone().unwrap_or_default(),
                secret_access_key: secret,
                session_token: match &credential.session_token_env {
                    Some(name) => Some(self.variable(name, credential, at)?),
                    None => None,
                },
            },
            AuthMethod::ServiceAccount => {
                self.service_account(secret.expose(), &At { value: String::new(), place: at })?
            }
        })
    }

    fn variable(
        &self,
        name: &str,
        credential: &CredentialEntry,
        at: Place,
    ) -> Result<Secret, ConfigError> {
        let value = (self.context.lookup)(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty()).map(Secret::new).ok_or_else(|| {
            let slug = &credential.slug;
            self.error(
                at,
                format!("the environment variable `{name}` of the credential `{slug}` is not set"),
            )
            .hint(format!("set it to the key: export {name}=…"))
        })
    }

    fn check_project(&self, credential: &CredentialEntry, at: Place) -> Result<(), ConfigError> {
        let allowed = &credential.projects;
        let within = self.context.project.is_some_and(|name| allowed.iter().any(|a| a == name));
        if allowed.is_empty() || within {
            return Ok(());
        }
        let slug = &credential.slug;
        let list: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
        let list = list.join(", ");
        let mine = match self.context.project {
            Some(name) => format!("this is project `{name}`"),
            None => "no project is named here".to_owned(),
        };
        let message =
            format!("the credential `{slug}` is limited to the projects {list}, and {mine}");
        Err(self.error(at, message).hint(format!(
            "name the project in the config, `project: {}`, or with `--project`",
            allowed[0]
        )))
    }

    /// Fills in `{{api_key}}`, `{{model}}` and `{{email}}`.
    pub(super) fn header(
        &self,
        text: &str,
        credential: &Credential,
        upstream: &str,
    ) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, tail) = after.split_once("}}").ok_or("`{{` without `}}`")?;
            filled.push_str(before);
            match name.trim() {
                "api_key" => {
                    let secret = credential.secrets().first().map(|secret| secret.expose());
                    filled.push_str(secret.ok_or("`{{api_key}}` needs a key, and there is none")?);
                }
                "model" => filled.push_str(upstream),
                "email" => {
                    let email = (self.context.lookup)("EVALS_EMAIL");
                    let email = email.ok_or("`{{email}}` needs the variable `EVALS_EMAIL`")?;
                    filled.push_str(email.trim());
                }
                other => {
                    let known = "known: {{api_key}}, {{model}}, {{email}}";
                    return Err(format!("there is no `{{{{{other}}}}}`; {known}"));
                }
            }
            rest = tail;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn refused(&self, at: Place, error: &RegistryError) -> ConfigError {
        let located = self.error(at, error.to_string());
        match error.hint() {
            Some(hint) => located.hint(hint),
            None => located,
        }
    }
}

/// Where the entry of a config says `setting`.
fn slot(map: &mut ModelMap, setting: Setting) -> &mut Option<At<String>> {
    match setting {
        Setting::Region => &mut map.region,
        Setting::Project => &mut map.project,
        Setting::Location => &mut map.location,
        Setting::Resource => &mut map.resource,
        Setting::Deployment => &mut map.deployment,
        Setting::ApiVersion => &mut map.api_version,
    }
}

impl Referred<'_> {
    /// What the entry says about parameters: they come before those of the run.
    pub(super) fn params(&self) -> Params {
        Params { max_tokens: self.takes.max_tokens, ..Params::default() }
    }

    /// Whether it is a host of one's own, which gets no key but the one that was given for it.
    pub(super) fn is_custom(&self) -> bool {
        self.entry.provider == registry::CUSTOM
    }

    /// Moves what is said about reasoning to the field that the entry names for it.
    pub(super) fn place_reasoning(&self, params: &mut Params) {
        let Some(path) = &self.entry.reasoning_param else { return };
        let Some(reasoning) = params.reasoning.take() else { return };
        let mut value = match reasoning {
            Reasoning::Effort(effort) => json!(effort),
            Reasoning::MaxTokens(tokens) => json!(tokens),
        };
        let mut parts: Vec<&str> = path.split('.').collect();
        let first = parts.remove(0);
        for part in parts.into_iter().rev() {
            value = json!({ part: value });
        }
        // What the config says of the same field verbatim stays beside it.
        if let (Some(Value::Object(have)), Value::Object(more)) =
            (params.extra.get_mut(first), &value)
        {
            for (name, value) in more {
                have.entry(name.as_str()).or_insert_with(|| value.clone());
            }
            return;
        }
        params.extra.entry(first.to_owned()).or_insert(value);
    }
}
