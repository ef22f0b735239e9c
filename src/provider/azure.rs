//! `OpenAI`'s models on Azure: the same bodies behind other addresses.
//!
//! Without `api_version`, or with `v1`, `latest` or `preview`, the present interface is used:
//! `{resource}.openai.azure.com/openai/v1/…`, and the deployment stands in the body as the model. A
//! dated version means the classic one: `/openai/deployments/{deployment}/…?api-version=…`.
//! A `base_url` takes the place of the resource's address; the paths are added unless it has them.
//!
//! # Source
//!
//! <https://learn.microsoft.com/azure/ai-foundry/openai/reference>, and openai-python 3.52.

use crate::{
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{Flavour, HttpEndpoint, Settings, Target},
    },
    provider::{
        Auth, Card, HttpReply, HttpRequest, Provider, Setting, StreamDecoder, classify, openai,
        openai_compatible::{
            self,
            dialect::{Dialect, Quirk},
            embeddings, encode, stream,
        },
    },
};

/// `OpenAI`'s models on Azure.
#[derive(Debug)]
pub(super) struct Azure;

const PRESENT: Dialect = Dialect { title: "Azure", ..openai::DIALECT };

/// Older versions know only the old name of the limit, except for reasoning models.
const CLASSIC: Dialect = Dialect {
    flavours: &[Flavour::Chat, Flavour::Completion],
    max_tokens: "max_tokens",
    ..PRESENT
};

/// Before this version `stream_options` is unknown.
const STREAM_OPTIONS_SINCE: &str = "2024-09";

/// The version of a classic interface; `None` for the present one.
fn classic(settings: &Settings) -> Option<&str> {
    let version = settings.api_version.as_deref().map(str::trim)?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

fn dialect(settings: &Settings) -> Dialect {
    match classic(settings) {
        None => PRESENT,
        Some(version) if version < STREAM_OPTIONS_SINCE => {
            Dialect { quirks: &[Quirk::NoStreamOptions], ..CLASSIC }
        }
        Some(_) => CLASSIC,
    }
}

/// The deployment, which is called like its model unless the config says otherwise.
fn deployment<'a>(target: &'a Target, endpoint: &'a HttpEndpoint) -> &'a str {
    endpoint.settings.deployment.as_deref().unwrap_or(&target.model)
}

fn check_settings(target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
    let bad = |message: String| Fault::new(FaultKind::BadRequest, message);
    if let Some(version) = &endpoint.settings.api_version {
        let version = version.trim();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let known =
            classic(&endpoint.settings).is_some() || ["v1", "preview", "latest"].contains(&version);
        if !known || !version.chars().all(word) {
            return Err(bad(format!(
                "`api_version` is a date such as `2024-10-21`, or `v1` or `preview`, not `{version}`"
            )));
        }
    }
    let name = deployment(target, endpoint);
    if name.is_empty() {
        return Err(bad("a model of `azure` needs `deployment`, or `model`".to_owned()));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.chars().all(word) && !name.starts_with('.') {
        return Ok(());
    }
    Err(bad(format!("the deployment `{name}` has characters that no deployment has")))
}

/// The address of `path`, for instance `/embeddings`.
fn url(base: &str, path: &str, deployment: &str, settings: &Settings) -> String {
    let (base, query) = base.split_once('?').unwrap_or((base, ""));
    let base = base.trim_end_matches('/');
    // What a base ends in may be written out as far as one likes.
    let given = base.contains("/openai/deployments/") || base.ends_with("/v1");
    let whole = ["/chat/completions", "/completions", "/embeddings", "/responses"];
    let whole = whole.iter().any(|end| base.ends_with(end));
    let version = settings.api_version.as_deref().map(str::trim);
    let stem = match classic(settings) {
        _ if given || whole => base.to_owned(),
        Some(_) => format!("{base}/openai/deployments/{deployment}"),
        None => format!("{base}/openai/v1"),
    };
    let mut url = encode::url(&stem, path);
    let version = version.filter(|version| *version != "v1" && !query.contains("api-version="));
    let version = version.map(|version| format!("api-version={version}"));
    let query: Vec<&str> = [query, version.as_deref().unwrap_or_default()]
        .into_iter()
        .filter(|q| !q.is_empty())
        .collect();
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query.join("&"));
    }
    url
}

/// The request with `body` for `path`. The key has a header of its own; a token of Entra, which is
/// a JSON Web Token, goes as a bearer.
fn request(path: &str, body: Vec<u8>, target: &Target, endpoint: &HttpEndpoint) -> HttpRequest {
    let settings = &endpoint.settings;
    let token = endpoint.credential.key().is_some_and(|key| {
        key.expose().starts_with("eyJ") && key.expose().matches('.').count() == 2
    });
    let headers = if token {
        encode::headers(endpoint, "authorization", "Bearer ")
    } else {
        encode::headers(endpoint, "api-key", "")
    };
    let url = url(&endpoint.base_url, path, deployment(target, endpoint), settings);
    HttpRequest { url, headers, body }
}

impl Provider for Azure {
    fn card(&self) -> &'static Card {
        &Card {
            name: "azure",
            title: "Azure OpenAI",
            base_url: None,
            auth: Auth::Key,
            key_env: &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
            settings: &[Setting::Resource, Setting::Deployment, Setting::ApiVersion],
            docs: "https://learn.microsoft.com/azure/ai-foundry/openai/reference",
        }
    }

    fn base_url(&self, settings: &Settings) -> Result<String, String> {
        let resource = settings.resource.as_deref().unwrap_or_default().trim();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
        match resource {
            "" => {
                Err("`resource`, the first part of the host's name, or `base_url` is needed"
                    .to_owned())
            }
            name if name.chars().all(word) => Ok(format!("https://{name}.openai.azure.com")),
            name => Err(format!(
                "`resource` is the first part of the host's name: letters, digits and `-`, not `{name}`"
            )),
        }
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        check_settings(target, endpoint)?;
        let responses = endpoint.flavour == Flavour::Responses;
        if responses && classic(&endpoint.settings).is_some() {
            let message = "the flavour `responses` needs the present interface of Azure; remove \
                           `api_version`";
            return Err(Fault::new(FaultKind::BadRequest, message));
        }
        openai_compatible::check(target, endpoint, &dialect(&endpoint.settings))
    }

    fn notices(&self, target: &Target, endpoint: &HttpEndpoint) -> Vec<String> {
        openai_compatible::notices(target, endpoint, &dialect(&endpoint.settings))
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        self.check(&call.target, endpoint)?;
        let name = deployment(&call.target, endpoint);
        let body = encode::body(call, name, endpoint, &dialect(&endpoint.settings))?;
        Ok(request(encode::path(endpoint.flavour), body, &call.target, endpoint))
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        openai_compatible::reply(reply)
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        let mut fault = classify::fault(reply);
        if reply.status == 404 {
            fault.message.push_str("; check `resource`, `deployment` and `api_version`");
        }
        fault
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        let target = asked.target.as_ref();
        check_settings(target, endpoint)?;
        let name = deployment(target, endpoint);
        let body = embeddings::body(&asked.texts, name, target, &PRESENT)?;
        Ok(request("/embeddings", body, target, endpoint))
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        embeddings::reply(reply)
    }
}
