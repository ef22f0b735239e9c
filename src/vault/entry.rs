//! What a credential is filed under, and what may be shown of it.

use url::Url;

/// What a credential is filed under, and bound to.
///
/// `slug` and `field` name it; `provider` and `origin` say what it is for. All four take part in
/// the seal: asking with another provider or origin than it was stored with gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// The model or endpoint that it belongs to.
    pub slug: String,
    /// The provider's name in configs.
    pub provider: String,
    /// Which of its credentials: `api_key`, `secret_access_key` …
    pub field: String,
    /// Where it may be sent, as [`origin`] writes it.
    pub origin: String,
}

/// A credential as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// The model or endpoint that it belongs to.
    pub slug: String,
    /// The provider's name in configs.
    pub provider: String,
    /// Which of its credentials.
    pub field: String,
    /// Where it may be sent.
    pub origin: String,
    /// The masked credential: `****` and its last four characters, or `****` alone where it is
    /// short or the vault is locked.
    pub shown: String,
    /// When it was last stored, in milliseconds since the epoch.
    pub changed_ms: i64,
}

/// The origin of `base_url`: scheme, host and port, the port always written, as in
/// `https://api.openai.com:443`. `None` for what is no `http` or `https` address.
pub fn origin(base_url: &str) -> Option<String> {
    let url = Url::parse(base_url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    Some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?))
}
