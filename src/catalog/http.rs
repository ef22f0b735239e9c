//! The part of an entry that says where a model is reached and who asks.

use std::{fs, net::IpAddr};

use super::{registered::Referred, resolve::Resolver};
use crate::{
    base::{digest::sha256_u64, secret::Secret},
    config::{At, ConfigError, entry::ModelMap, variables},
    domain::target::{Credential, HttpEndpoint, Settings},
    provider::{Auth, Provider, Setting},
    vault,
};

impl Resolver<'_> {
    /// The endpoint of a model of `provider`.
    pub(super) fn http(
        &self,
        map: &ModelMap,
        provider: &dyn Provider,
        referred: Option<&Referred<'_>>,
    ) -> Result<HttpEndpoint, ConfigError> {
        let settings = self.settings(map, provider)?;
        let base_url = match &map.base_url {
            Some(written) => self.text(written)?,
            None => provider.base_url(&settings).map_err(|missing| {
                self.error(self.place, format!("a model of `{}`: {missing}", provider.name()))
            })?,
        };
        if map.model.is_none() && settings.deployment.is_none() {
            return Err(self.error(self.place, "the model needs `model`"));
        }
        let base_url = base_url.trim().trim_end_matches('/').to_owned();
        let credential = match &map.credential {
            Some(written) if map.api_key.is_some() || map.secret_access_key.is_some() => {
                let message = "a model has a `credential` or a key of its own, not both";
                return Err(self.error(written.place, message));
            }
            Some(written) => self.registered_credential(written, provider, &base_url)?,
            None if map.api_key.is_none() && referred.is_some_and(Referred::is_custom) => {
                Credential::None
            }
            None => self.credential(map, provider, &settings, &base_url)?,
        };
        let upstream = map.model.as_ref().map(|model| self.text(model)).transpose()?;
        let upstream = upstream.unwrap_or_default();
        let (headers, header_digest) = self.headers(map, &credential, &upstream)?;
        Ok(HttpEndpoint {
            base_url,
            credential,
            credential_slug: map.credential.as_ref().map(|slug| slug.value.clone()),
            headers,
            header_digest,
            flavour: map.flavour.unwrap_or_default(),
            stream: map.stream.unwrap_or(true),
            insecure_http: map.insecure_http.unwrap_or(false),
            settings,
        })
    }

    /// The headers, and a digest of them in which `{{model}}` is left open.
    fn headers(
        &self,
        map: &ModelMap,
        credential: &Credential,
        upstream: &str,
    ) -> Result<(Vec<(String, Secret)>, u32), ConfigError> {
        let mut headers = Vec::with_capacity(map.headers.len());
        let mut digest = Vec::new();
        for (name, written) in &map.headers {
            let text = self.text(written)?;
            let filled = |upstream| {
                self.header(&text, credential, upstream).map_err(|message| {
                    self.error(written.place, format!("the header `{name}`: {message}"))
                })
            };
            for part in [&name.to_ascii_lowercase(), &filled("{{model}}")?] {
                digest.extend((part.len() as u64).to_le_bytes());
                digest.extend(part.as_bytes());
            }
            headers.push((name.clone(), Secret::new(filled(upstream)?)));
        }
        Ok((headers, sha256_u64(&digest) as u32))
    }

    fn settings(&self, map: &ModelMap, provider: &dyn Provider) -> Result<Settings, ConfigError> {
        let taken = provider.card().settings;
        let value = |setting: Setting, written: &Option<At<String>>| match written {
            Some(written) if !taken.contains(&setting) => {
                let (name, provider) = (setting.name(), provider.name());
                let message = format!("`{name}` means nothing to a model of provider `{provider}`");
                Err(self.error(written.place, message))
            }
            Some(written) => self.text(written).map(Some),
            None if taken.contains(&setting) => Ok(self.variable_of(setting.env())),
            None => Ok(None),
        };
        Ok(Settings {
            region: value(Setting::Region, &map.region)?,
            project: value(Setting::Project, &map.project)?,
            location: value(Setting::Location, &map.location)?,
            resource: value(Setting::Resource, &map.resource)?,
            deployment: value(Setting::Deployment, &map.deployment)?,
            api_version: value(Setting::ApiVersion, &map.api_version)?,
        })
    }

    /// What the entry names, or else what the environment usually holds for the provider.
    fn credential(
        &self,
        map: &ModelMap,
        provider: &dyn Provider,
        settings: &Settings,
        base_url: &str,
    ) -> Result<Credential, ConfigError> {
        let card = provider.card();
        let aws = [&map.access_key_id, &map.secret_access_key, &map.session_token];
        for (fields, allowed) in [
            (aws.as_slice(), card.auth == Auth::KeyOrAws),
            (&[&map.service_account], card.auth == Auth::ServiceAccount),
        ] {
            if let (Some(written), false) =
                (fields.iter().find_map(|field| field.as_ref()), allowed)
            {
                let message = format!("provider `{}` takes an `api_key`", card.name);
                return Err(self.error(written.place, message));
            }
        }
        if let Some(key) = &map.api_key {
            return self.key(key, "api_key").map(Credential::Key);
        }
        match (&map.access_key_id, &map.secret_access_key) {
            (Some(id), Some(key)) => {
                return Ok(Credential::Aws {
                    access_key_id: self.text(id)?,
                    secret_access_key: self.key(key, "secret_access_key")?,
                    session_token: map
                        .session_token
                        .as_ref()
                        .map(|token| self.key(token, "session_token"))
                        .transpose()?,
                });
            }
            (None, None) => {}
            (Some(one), None) | (None, Some(one)) => {
                let message = "`access_key_id` and `secret_access_key` belong together";
                return Err(self.error(one.place, message));
            }
        }
        if let Some(account) = &map.service_account {
            let text = self.key(account, "service_account")?;
            return self.service_account(text.expose(), account);
        }
        // A server of one's own is asked with the key that its entry names, and with no other.
        if card.base_url.is_none() && card.auth == Auth::OptionalKey {
            return Ok(Credential::None);
        }
        let usual = self.usual_credential(card.auth, card.key_env, card.name);
        // The key of a well-known host goes to no other machine unasked. Signatures hold no key.
        let own = provider.base_url(settings).ok().and_then(|url| vault::origin(&url));
        let to = vault::origin(base_url);
        if own == to || to.as_deref().is_some_and(is_this_machine) {
            return usual;
        }
        match usual {
            Ok(kept @ (Credential::None | Credential::Aws { .. })) => Ok(kept),
            Err(_) if card.auth == Auth::Key => Ok(Credential::None),
            Err(error) => Err(error),
            Ok(_) => {
                let name = card.key_env.first().copied().unwrap_or("NAME");
                let at = map.base_url.as_ref().map_or(self.place, |url| url.place);
                let message = format!(
                    "`base_url` is not {}'s own, so no key of the environment is sent there unasked",
                    card.title
                );
                Err(self.error(at, message).hint(format!(
                    "name the key, `api_key: \"${{{name}}}\"`; or, for a server that wants none, \
                     `provider: openai-compatible`"
                )))
            }
        }
    }

    fn usual_credential(
        &self,
        auth: Auth,
        key_env: &[&str],
        provider: &str,
    ) -> Result<Credential, ConfigError> {
        if let Some(key) = self.variable_of(key_env) {
            return Ok(Credential::Key(Secret::new(key)));
        }
        let variable = |name: &str| self.variable_of(&[name]);
        let mut names = key_env.to_vec();
        match auth {
            Auth::OptionalKey => return Ok(Credential::None),
            Auth::Key => {}
            Auth::KeyOrAws => {
                names.push("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
                if let (Some(id), Some(key)) =
                    (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
                {
                    return Ok(Credential::Aws {
                        access_key_id: id,
                        secret_access_key: Secret::new(key),
                        session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
                    });
                }
            }
            Auth::ServiceAccount => {
                names.push("GOOGLE_APPLICATION_CREDENTIALS");
                if let Some(path) = variable("GOOGLE_APPLICATION_CREDENTIALS") {
                    return self.service_account(&path, &At::nowhere(String::new()));
                }
            }
        }
        let names = names.join(", or ");
        Err(self
            .error(self.place, format!("there is no key for provider `{provider}`"))
            .hint(format!("set {names}; or name another variable: `api_key: \"${{NAME}}\"`")))
    }

    /// The account in `text`, which is its JSON or the path of a file with it.
    pub(super) fn service_account(
        &self,
        text: &str,
        at: &At<String>,
    ) -> Result<Credential, ConfigError> {
        if text.trim_start().starts_with('{') {
            return Ok(Credential::ServiceAccount(Secret::new(text)));
        }
        let path = self.context.base_dir.join(text);
        let read = fs::read_to_string(&path).map_err(|error| {
            let path = path.display();
            self.error(at.place, format!("failed to read the service account `{path}`: {error}"))
        })?;
        Ok(Credential::ServiceAccount(Secret::new(read)))
    }

    /// The first of the variables that holds something.
    fn variable_of(&self, names: &[&str]) -> Option<String> {
        let values = names.iter().filter_map(|name| (self.context.lookup)(name));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    }

    /// The secret that `written` names. Never repeats what was written: it may be a key.
    fn key(&self, written: &At<String>, field: &str) -> Result<Secret, ConfigError> {
        let name = variables::sole_name(&written.value).ok_or_else(|| {
            self.error(
                written.place,
                format!("`{field}` must be `${{NAME}}`, the name of an environment variable"),
            )
            .hint("a key written into a file ends up in repositories and logs")
        })?;
        match (self.context.lookup)(name) {
            Some(key) if !key.trim().is_empty() => Ok(Secret::new(key.trim())),
            _ => Err(self
                .error(written.place, format!("the environment variable `{name}` is not set"))
                .hint(format!("set it to the key: export {name}=…"))),
        }
    }
}

/// Whether an origin is that of this machine.
fn is_this_machine(origin: &str) -> bool {
    let host = origin.split_once("://").and_then(|(_, host)| host.rsplit_once(':'));
    let host = host.map_or("", |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
