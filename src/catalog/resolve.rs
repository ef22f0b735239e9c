//! From an entry as written to a target.

use std::time::Duration;

use super::{
    Context,
    params::params,
    profile,
    registered::Referred,
    table::{Row, Table},
};
use crate::{
    base::quantity,
    config::{
        At, ConfigError, Place,
        entry::{CapabilitiesEntry, ModelEntry, ModelMap, TimeoutsEntry},
        error::suggestion,
        variables,
    },
    domain::{
        limits::Limits,
        params::Params,
        target::{Capabilities, Endpoint, ReplaySource, SimProfile, Target, Timeouts},
    },
    provider::{self, Auth, PROVIDERS, Provider},
};

/// Well-known hosts that cannot be asked: name, title, what they do instead.
const NO_CHATS: &[(&str, &str, &str)] = &[
    ("fal", "FAL", "it makes images, video and audio"),
    ("pollo", "Pollo", "it makes images and video"),
];

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
        let aliased = self.with_alias(map)?;
        let map = aliased.as_ref().unwrap_or(map);
        if let Some((first, _)) = map.pool.split_first()
            && map.reference.is_none()
            && map.provider.is_none()
        {
            // What a pool is taken for where one model has to speak for it, as in a snapshot.
            let first = resolve(&first.value.model, self.context)?;
            if let Some(limits) = &map.limits {
                let message =
                    "`limits` belong to the models of a `pool`, whose accounts they are of";
                return Err(self.error(limits.place, message));
            }
            let name = map.id.as_ref().map_or_else(|| "pool".to_owned(), |id| id.value.clone());
            let (pool, fallback) = (self.pool(map)?, self.fallback(map)?);
            return Ok(Target { name, fallback, pool, ..first });
        }
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
        if let Some(member) = map.pool.first() {
            return Err(self
                .error(member.place, "a `pool` stands in place of a model")
                .hint("leave out `use` and `provider`, and name every model in the pool"));
        }
        let model = self.optional_text(map.model.as_ref())?.unwrap_or_default();
        let name = match (&map.id, &map.reference) {
            (Some(id), _) => id.value.clone(),
            (None, Some(reference)) => reference.value.clone(),
            (None, None) if model.is_empty() => provider.to_owned(),
            (None, None) => model.clone(),
        };
        let params = self.params(map, referred.as_ref())?;
        let row = known(self.context.table, provider, &model, &endpoint);
        let mut capabilities = capabilities(map.capabilities, row.as_ref());
        if let Endpoint::Sim(SimProfile { judge: Some(_), .. }) = &endpoint {
            // It answers in any form; what the entry says comes first.
            capabilities.schema = capabilities.schema.or(Some(true));
        }
        let base_limit = || referred.as_ref()?.entry.base_row(self.context.table)?.max_output;
        Ok(Target {
            name,
            provider,
            model,
            base_model: referred.as_ref().and_then(|referred| referred.entry.base_model.clone()),
            endpoint,
            params,
            max_output: row.as_ref().and_then(|row| row.max_output).or_else(base_limit),
            price: self.price(map, provider, row, referred.as_ref())?,
            capabilities,
            timeouts: self.timeouts(&map.timeouts)?,
            limits: self.limits(map, referred.as_ref())?,
            fallback: self.fallback(map)?,
            pool: Vec::new(),
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

    /// What the account may be asked for: as written, and else as the registered model says.
    fn limits(
        &self,
        map: &ModelMap,
        referred: Option<&Referred<'_>>,
    ) -> Result<Limits, ConfigError> {
        let registered = referred.map(|referred| referred.entry.limits).unwrap_or_default();
        let Some(At { value: said, place }) = &map.limits else { return Ok(registered) };
        let limits = Limits {
            rpm: said.rpm.as_ref().map(|at| at.value),
            tpm: said.tpm.as_ref().map(|at| at.value),
            concurrency: said.concurrency.as_ref().map(|at| at.value),
        };
        match limits.zero() {
            Some(name) => Err(self.error(*place, format!("`{name}` is 1 or more"))),
            None => Ok(limits.or(registered)),
        }
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
            ("insecure_http", map.insecure_http.is_some()),
            ("limits", map.limits.is_some()),
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
        if let Some((title, what)) = NO_CHATS.iter().find_map(|(name, title, what)| {
            name.eq_ignore_ascii_case(&written.value).then_some((title, what))
        }) {
            return self
                .error(written.place, format!("{title} serves no chat models: {what}"))
                .hint(
                    "for a chat endpoint there: `provider: openai-compatible` with its `base_url`",
                );
        }
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

/// What the entry says that a model can take, and of what it does not say, the table.
fn capabilities(said: CapabilitiesEntry, row: Option<&Row<'_>>) -> Capabilities {
    let table = row.map(Row::capabilities).unwrap_or_default();
    Capabilities {
        vision: said.vision.or(table.vision),
        json: said.json.or(table.json),
        schema: said.schema.or(said.json).or(table.schema),
        tools: said.tools.or(table.tools),
        reasoning: said.reasoning.or(table.reasoning),
        sampling: said.sampling.or(table.sampling),
    }
}

/// What `table` knows of a model. What stands behind a server of one's own is never guessed.
pub fn known<'a>(
    table: Table<'a>,
    provider: &str,
    model: &str,
    endpoint: &Endpoint,
) -> Option<Row<'a>> {
    let Endpoint::Http(endpoint) = endpoint else { return None };
    if provider::find(provider).is_none_or(is_own_server) {
        return None;
    }
    table.find(provider, model, endpoint.settings.region.as_deref())
}

/// The parts of a reference to a provider's model. Servers of one's own have no address to go by.
fn provider_and_model(text: &str) -> Option<(&'static str, &str)> {
    let (provider, model) = text.split_once('/')?;
    let provider = provider::find(provider)?;
    (!is_own_server(provider) && !model.is_empty()).then(|| (provider.name(), model))
}

/// Whether the user says where the provider's servers are, and what they run.
fn is_own_server(provider: &dyn Provider) -> bool {
    provider.card().base_url.is_none() && provider.card().auth == Auth::OptionalKey
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        base::{money::Money, secret::Secret},
        catalog::registry,
        domain::target::Price,
    };

    /// Nobody has registered anything.
    struct Nothing(registry::Registry);

    impl registry::Registered for Nothing {
        fn registry(&self) -> Result<&registry::Registry, String> {
            Ok(&self.0)
        }

        fn secret(&self, _ask: &registry::Ask<'_>) -> Result<Secret, String> {
            Err("there is no vault".to_owned())
        }
    }

    fn resolved(yaml: &str) -> Result<Target, ConfigError> {
        let entry: ModelEntry = crate::config::parse_flag(yaml, "--model")?;
        let context = Context {
            origin: "--model",
            // A service account may be given as its JSON.
            lookup: &|name| {
                let account = name == "GOOGLE_APPLICATION_CREDENTIALS";
                Some(if account { "{}" } else { "some-value" }.to_owned())
            },
            params: &Params::default(),
            base_dir: Path::new(""),
            table: Table::shipped(),
            registered: &Nothing(registry::Registry::default()),
            project: None,
            aliases: &crate::catalog::NO_ALIASES,
        };
        resolve(&At::nowhere(entry), context)
    }

    const OWN: &str = "provider: openai-compatible, base_url: http://localhost/v1, model: gpt-5";

    #[test]
    fn what_runs_on_a_server_of_ones_own_is_not_guessed() {
        let target = resolved(&format!("{{{OWN}}}")).expect("a target");
        assert_eq!((target.price, target.capabilities), (None, Capabilities::default()));
    }

    /// Every provider that there is, with a model that the table knows.
    #[test]
    fn a_model_of_the_table_has_its_price_and_capabilities() {
        let table = Table::shipped();
        for provider in PROVIDERS.iter().map(|provider| provider.name()) {
            let priced = |row: &Row<'_>| {
                row.provider == provider
                    && row.price.is_some()
                    && row.mode == "chat"
                    && !row.model.contains('/')
            };
            let Some(row) = table.rows().find(priced) else { continue };
            let model = row.model;
            let entry = format!("{{provider: {provider}, model: \"{model}\"}}");
            let target = resolved(&entry).expect(&entry);
            assert_eq!(target.price, row.price, "{entry}");
            assert_eq!(target.capabilities, row.capabilities(), "{entry}");
            let own = format!(
                "{{provider: {provider}, model: \"{model}\", price: {{input: 1, output: 2}}, \
                 capabilities: {{vision: false}}}}"
            );
            let target = resolved(&own).expect(&own);
            let price = Price::new(Money::from_pico(1_000_000), Money::from_pico(2_000_000));
            assert_eq!((target.price, target.capabilities.vision), (Some(price), Some(false)));
        }
    }

    #[test]
    fn what_the_entry_says_comes_before_the_table() {
        let row = Table::shipped().find("anthropic", "claude-sonnet-4-5", None);
        let said = CapabilitiesEntry { json: Some(false), ..CapabilitiesEntry::default() };
        let found = capabilities(said, row.as_ref());
        assert_eq!((found.json, found.schema), (Some(false), Some(false)));
        assert_eq!((found.vision, found.tools), (Some(true), Some(true)));
    }

    #[test]
    fn prices_for_a_million_tokens_or_for_one() {
        let price = |price: &str| {
            let target = resolved(&format!("{{{OWN}, price: {price}}}"));
            target.map(|target| target.price.expect("a price")).map_err(|error| error.message)
        };
        let million = price(
            "{input: 3, output: 15, cache_read: 0.3, cache_write_1h: 6, reasoning: 10, request: \
             0.005, above: [{tokens: 200000, input: 6, output: 22.5}]}",
        );
        let token = price(
            "{unit: token, input: 3e-6, output: 15e-6, cache_read: 3e-7, cache_write_1h: 6e-6, \
             reasoning: 1e-5, request: 0.005, above: [{tokens: 200000, input: 6e-6, output: \
             2.25e-5}]}",
        );
        assert_eq!(million, token);
        let million = million.expect("a price");
        assert_eq!(million.request, Some(Money::from_pico(5_000_000_000)));
        let tier = million.above[0];
        assert_eq!((tier.input.pico(), tier.cache_read.pico()), (6_000_000, 300_000));
        assert_eq!(
            (tier.cache_write.pico(), tier.cache_write_1h),
            (6_000_000, million.cache_write_1h)
        );
        for (wrong, said) in [
            ("{output: 1}", "`price` needs `input`"),
            ("{input: 1, output: 1, above: [{tokens: 5, input: 1}]}", "`price` needs `output`"),
            ("{input: -1, output: 1}", "-1 is no price in USD per million tokens"),
            ("{unit: token, input: 1, output: .inf}", "inf is no price in USD per token"),
            ("{input: 1, output: 1, above: [{input: 1, output: 1}]}", "`tokens` is missing"),
            ("{unit: byte, input: 1, output: 1}", "`byte`"),
        ] {
            let message = price(wrong).expect_err(wrong);
            assert!(message.contains(said), "{wrong}: {message}");
        }
    }
}
