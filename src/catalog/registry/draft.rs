//! What somebody says of a model or endpoint: by flags, at prompts, in a row of a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{AuthMethod, Entry, Format, Kind, RegistryError, check::field, price::REQUEST};
use crate::{
    base::{money::Money, text::nearest},
    domain::{limits::Limits, target::Flavour},
    provider::Setting,
};

/// The unit that prices are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// One.
    Token,
    /// A million.
    #[default]
    Million,
}

/// What is said of a model or endpoint. Nothing is needed here: what is not said stays as it is, or
/// gets its default. An empty text takes away what there was.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    /// The name for people.
    pub name: Option<String>,
    /// The slug; derived from the name.
    pub slug: Option<String>,
    /// The provider, or `custom`.
    pub provider: Option<String>,
    /// The model id sent upstream.
    pub model: Option<String>,
    /// `openai`, `anthropic` or `cohere`.
    pub format: Option<String>,
    /// `chat` or `completion`.
    pub flavour: Option<String>,
    /// The address.
    pub base_url: Option<String>,
    /// Amazon Web Services: the region.
    pub region: Option<String>,
    /// Google Cloud: the project.
    pub project: Option<String>,
    /// Google Cloud: the location.
    pub location: Option<String>,
    /// Azure: the resource.
    pub resource: Option<String>,
    /// Azure: the deployment.
    pub deployment: Option<String>,
    /// The version of the provider's interface.
    pub api_version: Option<String>,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// What its account may be asked for; a 0 takes a limit away.
    pub limits: Limits,
    /// Answers in JSON by the provider's own mode.
    pub json: Option<bool>,
    /// Images in prompts.
    pub vision: Option<bool>,
    /// Functions that it may ask to call.
    pub tools: Option<bool>,
    /// Thinking that can be set.
    pub reasoning: Option<bool>,
    /// Answers in pieces.
    pub streaming: Option<bool>,
    /// Labels.
    pub tags: Option<Vec<String>>,
    /// The field of the request that says how much to think.
    pub reasoning_param: Option<String>,
    /// The model of the catalog whose schema it shares.
    pub base_model: Option<String>,
    /// Prices in US dollars by category; null takes one away.
    pub price: BTreeMap<String, Option<f64>>,
    /// The unit of the prices.
    pub price_per: Per,
    /// An endpoint: the models that may be asked for.
    pub allow: Option<Vec<String>>,
    /// Whether it may not be used for now.
    pub disabled: Option<bool>,
    /// The slug of the credential.
    pub credential: Option<String>,
    /// The environment variable with the key.
    pub api_key_env: Option<String>,
    /// How the provider is told who asks.
    pub auth: Option<AuthMethod>,
    /// Amazon Web Services: the id of the key.
    pub access_key_id: Option<String>,
    /// Amazon Web Services: the environment variable with the token of a temporary key.
    pub session_token_env: Option<String>,
    /// The projects that may use the credential.
    pub projects: Option<Vec<String>>,
    /// The model or endpoint whose credential is used.
    pub reuse_credentials_of: Option<String>,
    /// Whether a secret was brought along, for the vault.
    #[serde(skip)]
    pub has_secret: bool,
}

impl Draft {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it brings a credential, or changes one.
    pub fn brings_credential(&self) -> bool {
        self.api_key_env.is_some() || self.has_secret || self.access_key_id.is_some()
    }

    /// The settings that are said, by name.
    fn settings(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let of = |setting: Setting| match setting {
            Setting::Region => &self.region,
            Setting::Project => &self.project,
            Setting::Location => &self.location,
            Setting::Resource => &self.resource,
            Setting::Deployment => &self.deployment,
            Setting::ApiVersion => &self.api_version,
        };
        Setting::ALL
            .into_iter()
            .filter_map(move |setting| Some((setting.name(), of(setting).as_ref()?)))
    }

    /// Lays what is said over `entry`. Slug, provider and credential are left alone.
    ///
    /// # Errors
    ///
    /// The first value that cannot be one.
    pub fn apply(&self, kind: Kind, entry: &mut Entry) -> Result<(), RegistryError> {
        self.refuse_strangers(kind)?;
        text(self.name.as_deref(), &mut entry.name);
        text(self.model.as_deref(), &mut entry.model);
        text(self.base_url.as_deref(), &mut entry.base_url);
        text(self.reasoning_param.as_deref(), &mut entry.reasoning_param);
        text(self.base_model.as_deref(), &mut entry.base_model);
        if let Some(url) = &mut entry.base_url {
            url.truncate(url.trim_end_matches('/').len());
        }
        if let Some(format) = self.format.as_deref().map(str::trim) {
            let known = Format::ALL.map(|format| (format.name(), format));
            entry.format = one_of("format", format, &known)?;
        }
        if let Some(flavour) = self.flavour.as_deref().map(str::trim) {
            let known = [Flavour::Chat, Flavour::Completion, Flavour::Responses, Flavour::Tgi];
            let known = known.map(|flavour| (flavour.name(), flavour));
            entry.flavour = one_of("flavour", flavour, &known)?;
        }
        for (name, value) in self.settings() {
            put(&mut entry.settings, name, value);
        }
        for (name, value) in &self.headers {
            put(&mut entry.headers, &name.trim().to_ascii_lowercase(), value);
        }
        entry.max_tokens = self.max_tokens.or(entry.max_tokens);
        entry.limits = self.limits.or(entry.limits).without_zeros();
        let toggles = &mut entry.capabilities;
        for (said, slot) in [
            (self.json, &mut toggles.json),
            (self.vision, &mut toggles.vision),
            (self.tools, &mut toggles.tools),
            (self.reasoning, &mut toggles.reasoning),
            (self.streaming, &mut toggles.streaming),
        ] {
            *slot = said.or(*slot);
        }
        list(self.tags.as_deref(), &mut entry.tags);
        list(self.allow.as_deref(), &mut entry.allow);
        entry.disabled = self.disabled.unwrap_or(entry.disabled);
        self.apply_prices(entry)
    }

    fn apply_prices(&self, entry: &mut Entry) -> Result<(), RegistryError> {
        for (category, usd) in &self.price {
            let name = category.trim();
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(word) {
                return Err(field(
                    "price",
                    format!("`{category}` is no category; it takes a-z, 0-9 and _"),
                ));
            }
            let Some(usd) = usd else {
                entry.price_pico.remove(name);
                continue;
            };
            let unit = match self.price_per {
                Per::Million if name != REQUEST => usd / 1e6,
                _ => *usd,
            };
            let price = (unit.is_finite() && unit >= 0.0).then(|| Money::from_usd(unit)).flatten();
            let price = price.ok_or_else(|| {
                field("price", format!("{usd} is no price in US dollars for `{name}`"))
            })?;
            if price == Money::ZERO && unit > 0.0 {
                return Err(field("price", format!("{usd} for `{name}` is too small to count")));
            }
            entry.price_pico.insert(name.to_owned(), price.pico());
        }
        Ok(())
    }

    /// Refuses what means nothing for the kind.
    fn refuse_strangers(&self, kind: Kind) -> Result<(), RegistryError> {
        let strangers: &[(&'static str, bool)] = match kind {
            Kind::Model => {
                &[("allow", self.allow.is_some()), ("disabled", self.disabled.is_some())]
            }
            Kind::Endpoint => {
                &[("model", self.model.is_some()), ("base_model", self.base_model.is_some())]
            }
        };
        match strangers.iter().find(|(_, said)| *said) {
            Some((name, _)) => Err(field(name, format!("it means nothing for {}", article(kind)))),
            None => Ok(()),
        }
    }
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Model => "a model",
        Kind::Endpoint => "an endpoint",
    }
}

fn text(said: Option<&str>, slot: &mut Option<String>) {
    if let Some(said) = said.map(str::trim) {
        *slot = (!said.is_empty()).then(|| said.to_owned());
    }
}

fn put(map: &mut BTreeMap<String, String>, name: &str, value: &str) {
    if value.trim().is_empty() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value.trim().to_owned());
    }
}

fn list(said: Option<&[String]>, slot: &mut Vec<String>) {
    let Some(said) = said else { return };
    slot.clear();
    for text in said.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if !slot.iter().any(|have| have == text) {
            slot.push(text.to_owned());
        }
    }
}

/// The one of `known` that `written` names; nothing for an empty text.
fn one_of<T: Copy>(
    name: &'static str,
    written: &str,
    known: &[(&'static str, T)],
) -> Result<Option<T>, RegistryError> {
    if written.is_empty() {
        return Ok(None);
    }
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
    if let Some((_, found)) = found {
        return Ok(Some(*found));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let meant = nearest(written, names.iter().copied());
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
    Err(field(name, format!("`{written}` is not one of {}{meant}", names.join(", "))))
}
