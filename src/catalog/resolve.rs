//! From an entry as written to a target.

use std::time::Duration;

use super::{Context, params::params, profile, registered::Referred};
use crate::{
    base::{money::Money, quantity},
    config::{
        At, ConfigError, Place,
        entry::{ModelEntry, ModelMap, PriceEntry, TimeoutsEntry},
        error::suggestion,
        variables,
    },
    domain::{
        params::Params,
        target::{Capabilities, Endpoint, Price, ReplaySource, SimProfile, Target, Timeouts},
    },
    provider::{self, Auth, PROVIDERS},
};

/// The target that `entry` describes.
///
/// # Errors
///
/// An unknown reference or provider, a field that is missing or does not belong to the provider, a
/// value out of range, a key written in clear, a `${NAME}` without a value.
pub fn resolve(entry: &At<ModelEntry>, context: Context<'_>) -> Result<Target, ConfigError> {
    Resolver { context, place: entry.place }.target(&entry.value.0)
}

/// Resolves one entry.
pub(super) struct Resolver<'a> {
    pub(super) context: Context<'a>,
    /// Where the entry begins.
    pub(super) place: Place,
}

impl<'a> Resolver<'a> {
    fn target(&self, map: &ModelMap) -> Result<Target, ConfigError> {
        let (map, referred) = self.with_reference(map)?;
        let map = &map;
        let provider = map.provider.as_ref().ok_or_else(|| {
            self.error(self.place, "a model needs `provider`, or `use` with a reference")
                .hint("for example `sim/good`, or `{id: local, provider: openai-compatible, base_url: …, model: …}`")
        })?;
        let (provider, endpoint) = match provider.value.as_str() {
            "sim" => ("sim", Endpoint::Sim(self.sim(map)?)),
            "replay" => ("replay", Endpoint::Replay(self.replay(map)?)),
            name => match provider::find(name) {
                Some(found) => {
                    (found.name(), Endpoint::Http(self.http(map, found, referred.as_ref())?))
                }
                None => return Err(self.unknown_provider(provider)),
            },
        };
        self.refuse_strangers(map, provider)?;
        let model = self.optional_text(map.model.as_ref())?.unwrap_or_default();
        let name = match (&map.id, &map.reference) {
            (Some(id), _) => id.value.clone(),
            (None, Some(reference)) => reference.value.clone(),
            (None, None) if model.is_empty() => provider.to_owned(),
            (None, None) => model.clone(),
        };
        let params = self.params(map, referred.as_ref())?;
        let capabilities = Capabilities {
            vision: map.capabilities.vision,
            json: map.capabilities.json,
            tools: map.capabilities.tools,
            reasoning: map.capabilities.reasoning,
        };
        self.check_capabilities(&params, capabilities, &name)?;
        Ok(Target {
            name,
            provider,
            model,
            endpoint,
            params,
            price: self.price(map, provider, referred.as_ref())?,
            capabilities,
            timeouts: self.timeouts(&map.timeouts)?,
        })
    }

    /// Fills in what a reference such as `sim/good`, `replay:answers.jsonl` or `openai/gpt-5-mini`
    /// says.
    fn with_reference(
        &self,
        map: &ModelMap,
    ) -> Result<(ModelMap, Option<Referred<'a>>), ConfigError> {
        let mut map = map.clone();
        let Some(reference) = map.reference.clone() else { return Ok((map, None)) };
        let at = self.or_mine(reference.place);
        let text = reference.value.trim();
        if let Some(rest) = text.strip_prefix("byo:") {
            let referred = self.refer(&mut map, rest, at)?;
            return Ok((map, Some(referred)));
        }
        let (kind, rest) = if let Some(name) = text.strip_prefix("sim/") {
            ("sim", name)
        } else if let Some(path) = text.strip_prefix("replay:") {
            ("replay", path)
        } else if let Some((provider, model)) = provider_and_model(text) {
            (provider, model)
        } else {
            return Err(self.unknown_reference(at, text));
        };
        if let Some(provider) = &map.provider
            && provider.value != kind
        {
            let message = format!("`{text}` is of provider `{kind}`, not `{}`", provider.value);
            return Err(self.error(at, message));
        }
        map.provider.get_or_insert_with(|| At { value: kind.to_owned(), place: at });
        if kind == "replay" {
            let (path, model) = rest.rsplit_once('#').map_or((rest, None), |(p, m)| (p, Some(m)));
            map.path.get_or_insert_with(|| At { value: path.to_owned(), place: at });
            if let (None, Some(model)) = (&map.model, model) {
                map.model = Some(At { value: model.to_owned(), place: at });
            }
        } else {
            map.model.get_or_insert_with(|| At { value: rest.to_owned(), place: at });
        }
        Ok((map, None))
    }

    fn sim(&self, map: &ModelMap) -> Result<SimProfile, ConfigError> {
        let mut sim = match &map.model {
            Some(name) => profile::find(&name.value).ok_or_else(|| {
                let known = profile::PROFILES.iter().map(|profile| profile.name);
                self.error(
                    self.or_mine(name.place),
                    format!("there is no simulated model `{}`", name.value),
                )
                .hint(suggestion(&name.value, known, "profiles"))
            })?,
            None => &profile::PROFILES[0],
        }
        .parameters();
        for (field, name, slot) in [
            (&map.accuracy, "accuracy", &mut sim.accuracy),
            (&map.error_rate, "error_rate", &mut sim.error_rate),
        ] {
            if let Some(share) = field {
                if !(0.0..=1.0).contains(&share.value) {
                    let message = format!("`{name}` is a share from 0 to 1, not {}", share.value);
                    return Err(self.error(share.place, message));
                }
                *slot = share.value;
            }
        }
        if let Some(jitter) = &map.jitter {
            if !(0.0..=5.0).contains(&jitter.value) {
                return Err(self.error(jitter.place, "`jitter` lies between 0 and 5"));
            }
            sim.jitter = jitter.value;
        }
        if let Some(latency) = &map.latency {
            sim.latency = self.duration(latency)?;
        }
        if let Some(verbosity) = &map.verbosity {
            sim.verbosity = verbosity.value.min(100_000);
        }
        sim.input_tokens = map.input_tokens;
        sim.output_tokens = map.output_tokens;
        sim.seed = map.seed.unwrap_or(sim.seed);
        Ok(sim)
    }

    fn replay(&self, map: &ModelMap) -> Result<ReplaySource, ConfigError> {
        let path = self.optional_text(map.path.as_ref())?;
        if path.is_none() && map.output.is_none() {
            return Err(self
                .error(self.place, "a `replay` model needs `path`, or `output` with a column")
                .hint("`path` is a file of recorded answers; without it `output` names a column of the dataset"));
        }
        Ok(ReplaySource {
            path: path.map(|path| self.context.base_dir.join(path)),
            key: self.optional_text(map.key.as_ref())?,
            output: self.optional_text(map.output.as_ref())?,
            model: self.optional_text(map.model.as_ref())?,
        })
    }

    /// The parameters of the run, laid over those of a registered model, under the model's own.
    fn params(
        &self,
        map: &ModelMap,
        referred: Option<&Referred<'_>>,
    ) -> Result<Params, ConfigError> {
        let own = params(&map.params).map_err(|message| self.error(self.place, message))?;
        let params = self.context.params.overridden_by(&own);
        let Some(referred) = referred else { return Ok(params) };
        let mut params = referred.params().overridden_by(&params);
        if map.capabilities.reasoning != Some(false) {
            referred.place_reasoning(&mut params);
        }
        Ok(params)
    }

    /// Refuses to ask of a model what it was said not to take.
    fn check_capabilities(
        &self,
        params: &Params,
        capabilities: Capabilities,
        name: &str,
    ) -> Result<(), ConfigError> {
        let asked = [
            ("reasoning", capabilities.reasoning, params.reasoning.is_some()),
            ("tools", capabilities.tools, !params.tools.is_empty()),
            ("response_format", capabilities.json, params.response_format.is_some()),
        ];
        match asked.iter().find(|(_, can, asked)| *can == Some(false) && *asked) {
            Some((parameter, ..)) => {
                let message = format!(
                    "the parameter `{parameter}` is set, and model `{name}` is said not to take it"
                );
                Err(self.error(self.place, message).hint(
                    "leave it out, or turn the capability on: in the entry's `capabilities`, or \
                     with `evals models edit`",
                ))
            }
            None => Ok(()),
        }
    }

    fn price(
        &self,
        map: &ModelMap,
        provider: &str,
        referred: Option<&Referred<'_>>,
    ) -> Result<Option<Price>, ConfigError> {
        if let (None, Some(referred)) = (&map.price, referred) {
            return Ok(referred.entry.price(&referred.upstream));
        }
        let Some(price) = &map.price else {
            // A simulated call costs nothing; a recorded one is not made.
            let free = PriceEntry { input: Some(0.0), output: Some(0.0), ..PriceEntry::default() };
            let free = At { value: free, place: self.place };
            return if provider == "sim" { self.prices(&free).map(Some) } else { Ok(None) };
        };
        self.prices(price).map(Some)
    }

    fn prices(&self, price: &At<PriceEntry>) -> Result<Price, ConfigError> {
        let token = |usd_per_million: f64| {
            Some(usd_per_million)
                .filter(|usd| *usd >= 0.0)
                .and_then(|usd| Money::from_usd(usd / 1e6))
                .ok_or_else(|| {
                    let message =
                        format!("{usd_per_million} is no price in USD per million tokens");
                    self.error(price.place, message)
                })
        };
        let needed = |field: Option<f64>, name: &str| {
            field.ok_or_else(|| self.error(price.place, format!("`price` needs `{name}`")))
        };
        let input = needed(price.value.input, "input")?;
        Ok(Price {
            input: token(input)?,
            output: token(needed(price.value.output, "output")?)?,
            cache_read: token(price.value.cache_read.unwrap_or(input))?,
            cache_write: token(price.value.cache_write.unwrap_or(input))?,
        })
    }

    fn timeouts(&self, entry: &TimeoutsEntry) -> Result<Timeouts, ConfigError> {
        let mut timeouts = Timeouts::default();
        for (written, slot) in [
            (&entry.connect, &mut timeouts.connect),
            (&entry.first_byte, &mut timeouts.first_byte),
            (&entry.idle, &mut timeouts.idle),
            (&entry.total, &mut timeouts.total),
        ] {
            if let Some(written) = written {
                *slot = self.duration(written)?;
            }
        }
        Ok(timeouts)
    }

    fn duration(&self, written: &At<String>) -> Result<Duration, ConfigError> {
        quantity::duration(&written.value).ok_or_else(|| {
            self.error(written.place, format!("`{}` is no duration", written.value))
                .hint("write it as `500ms`, `5s` or `2m`")
        })
    }

    pub(super) fn text(&self, written: &At<String>) -> Result<String, ConfigError> {
        variables::fill_in(&written.value, self.context.lookup).map_err(|message| {
            self.error(self.or_mine(written.place), message)
                .hint("give it with `-D NAME=VALUE`, or as an environment variable")
        })
    }

    fn optional_text(&self, written: Option<&At<String>>) -> Result<Option<String>, ConfigError> {
        written.map(|written| self.text(written)).transpose()
    }

    /// Refuses fields of another provider, which would otherwise be ignored in silence.
    fn refuse_strangers(&self, map: &ModelMap, provider: &str) -> Result<(), ConfigError> {
        let http = [
            ("base_url", map.base_url.is_some()),
            ("api_key", map.api_key.is_some()),
            ("credential", map.credential.is_some()),
            ("access_key_id", map.access_key_id.is_some()),
            ("secret_access_key", map.secret_access_key.is_some()),
            ("session_token", map.session_token.is_some()),
            ("service_account", map.service_account.is_some()),
            ("region", map.region.is_some()),
            ("project", map.project.is_some()),
            ("location", map.location.is_some()),
            ("resource", map.resource.is_some()),
            ("deployment", map.deployment.is_some()),
            ("api_version", map.api_version.is_some()),
            ("headers", !map.headers.is_empty()),
            ("flavour", map.flavour.is_some()),
            ("stream", map.stream.is_some()),
        ];
        let sim = [
            ("accuracy", map.accuracy.is_some()),
            ("latency", map.latency.is_some()),
            ("jitter", map.jitter.is_some()),
            ("error_rate", map.error_rate.is_some()),
            ("verbosity", map.verbosity.is_some()),
            ("input_tokens", map.input_tokens.is_some()),
            ("output_tokens", map.output_tokens.is_some()),
            ("seed", map.seed.is_some()),
        ];
        let replay = [
            ("path", map.path.is_some()),
            ("key", map.key.is_some()),
            ("output", map.output.is_some()),
        ];
        let strangers: Vec<&[(&str, bool)]> = match provider {
            "sim" => vec![&http, &replay],
            "replay" => vec![&http, &sim],
            _ => vec![&sim, &replay],
        };
        match strangers.into_iter().flatten().find(|(_, present)| *present) {
            Some((field, _)) => {
                let message =
                    format!("`{field}` means nothing to a model of provider `{provider}`");
                Err(self.error(self.place, message))
            }
            None => Ok(()),
        }
    }

    fn unknown_provider(&self, written: &At<String>) -> ConfigError {
        let names = || PROVIDERS.iter().map(|p| p.name()).chain(["sim", "replay"]);
        let known: Vec<&str> = names().collect();
        self.error(written.place, format!("there is no provider `{}`", written.value))
            .hint(suggestion(&written.value, known.iter().copied(), "providers"))
    }

    fn unknown_reference(&self, at: Place, text: &str) -> ConfigError {
        let error = self.error(at, format!("there is no model `{text}`"));
        if let Some(name) =
            crate::base::text::nearest(text, profile::PROFILES.iter().map(|profile| profile.name))
        {
            return error.hint(format!("did you mean `sim/{name}`?"));
        }
        error.hint(
            "a model is `PROVIDER/MODEL`, `byo:SLUG`, `sim/PROFILE`, `replay:FILE`, or a mapping such as \
             `{id: local, provider: openai-compatible, base_url: http://localhost:11434/v1, \
             model: llama4}`",
        )
    }

    fn or_mine(&self, place: Place) -> Place {
        if place.line == 0 { self.place } else { place }
    }

    pub(super) fn error(&self, place: Place, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.context.origin, self.or_mine(place), message)
    }
}

/// The parts of a reference to a provider's model. Servers of one's own have no address to go by.
fn provider_and_model(text: &str) -> Option<(&'static str, &str)> {
    let (provider, model) = text.split_once('/')?;
    let provider = provider::find(provider)?;
    let own = provider.card().base_url.is_none() && provider.card().auth == Auth::OptionalKey;
    (!own && !model.is_empty()).then(|| (provider.name(), model))
}
