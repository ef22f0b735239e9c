//! Where a model of Google Cloud is found.

use super::account::Account;
use crate::{
    domain::{
        fault::Fault,
        target::{Credential, HttpEndpoint, Settings},
    },
    provider::{
        anthropic, google,
        post::{self, bad},
    },
};

/// The location that has every model of Google's, and no fixed place.
const GLOBAL: &str = "global";

/// The stable version of the interface.
const VERSION: &str = "v1";

/// Whose model it is, which decides the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publisher {
    /// Gemini, and models tuned from it.
    Google,
    /// Claude.
    Anthropic,
}

/// A model's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Whose model it is.
    pub(super) publisher: Publisher,
    /// The model's name in the interface.
    resource: String,
}

/// The address that serves the location of `settings`.
pub(super) fn host(settings: &Settings) -> Result<String, String> {
    let location = settings.location.as_deref().unwrap_or(GLOBAL);
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if location.is_empty() || !location.chars().all(known) {
        return Err(
            "a `location` has lower-case letters, digits and `-`, as in `us-central1`".into()
        );
    }
    Ok(match location {
        GLOBAL => "https://aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    })
}

impl Place {
    /// The place of `model`, which may be a bare id, `publisher/id`, `endpoints/ID` of a tuned
    /// model, or a whole resource name.
    pub(super) fn find(model: &str, endpoint: &HttpEndpoint) -> Result<Self, Fault> {
        let publisher = match model.rsplit_once("publishers/").map_or(model, |(_, rest)| rest) {
            rest if rest.starts_with("anthropic/") => Publisher::Anthropic,
            rest if rest.starts_with("google/") => Publisher::Google,
            _ if model.contains("endpoints/") => Publisher::Google,
            rest if !rest.contains('/') && anthropic::is_claude(rest) => Publisher::Anthropic,
            rest if !rest.contains('/') => Publisher::Google,
            _ => {
                return Err(bad(format!(
                    "`{model}` is a model of neither Google nor Anthropic; others are reached with \
                     provider `openai-compatible` at the OpenAI endpoint of Vertex AI"
                )));
            }
        };
        let name = match publisher {
            Publisher::Google => "google",
            Publisher::Anthropic => "anthropic",
        };
        let bare = model.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
        let resource = if model.starts_with("projects/") {
            post::in_path(model, true)
        } else if model.starts_with("endpoints/") || model.starts_with("publishers/") {
            format!("{}{}", parent(endpoint)?, post::in_path(model, true))
        } else {
            let id = post::in_path(bare.unwrap_or(model), false);
            format!("{}publishers/{name}/models/{id}", parent(endpoint)?)
        };
        Ok(Self { publisher, resource })
    }

    /// The address of a method of the model.
    pub(super) fn address(&self, endpoint: &HttpEndpoint, method: (&str, Option<&str>)) -> String {
        let keyed = endpoint.credential.key().is_some();
        let usual = keyed && host(&endpoint.settings).is_ok_and(|host| host == endpoint.base_url);
        // Keys are known at the global address only, whatever the environment has for a location.
        if let (true, Ok(global)) = (usual, host(&Settings::default())) {
            let endpoint = HttpEndpoint { base_url: global, ..endpoint.clone() };
            return google::address(&endpoint, VERSION, &self.resource, method);
        }
        google::address(endpoint, VERSION, &self.resource, method)
    }
}

/// The project and the location, as the beginning of a name; nothing with a key, which has them.
fn parent(endpoint: &HttpEndpoint) -> Result<String, Fault> {
    let settings = &endpoint.settings;
    let of_account = match &endpoint.credential {
        Credential::Key(_) => return Ok(String::new()),
        Credential::ServiceAccount(json) if settings.project.is_none() => {
            Account::read(json)?.project
        }
        _ => None,
    };
    let project = settings.project.clone().or(of_account);
    let project = project.ok_or_else(|| bad("`project` is needed: the Google Cloud project"))?;
    let location = settings.location.as_deref().unwrap_or(GLOBAL);
    let (project, location) = (post::in_path(&project, false), post::in_path(location, false));
    Ok(format!("projects/{project}/locations/{location}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_locations() {
        let host = |location: &str| {
            host(&Settings { location: Some(location.to_owned()), ..Settings::default() })
        };
        for (location, expected) in [
            ("global", "https://aiplatform.googleapis.com"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com"),
            ("us", "https://aiplatform.us.rep.googleapis.com"),
            ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ] {
            assert_eq!(host(location).as_deref(), Ok(expected));
        }
        for hostile in ["", "evil.example/#", "a@b", "US", "us central1"] {
            assert!(host(hostile).is_err(), "{hostile}");
        }
    }
}
