//! What people and the catalog need to know of a provider.

/// A provider in a few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// The name in configs, references and fixtures.
    pub name: &'static str,
    /// The name that the vendor uses.
    pub title: &'static str,
    /// Where it is reached, unless the config says; `None` where that depends or is the user's own.
    pub base_url: Option<&'static str>,
    /// How it knows who asks.
    pub auth: Auth,
    /// Environment variables that are looked at for a key when the config names none, in order.
    pub key_env: &'static [&'static str],
    /// Settings that it takes.
    pub settings: &'static [Setting],
    /// Where its interface is documented.
    pub docs: &'static str,
}

/// How a provider knows who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// By a key, or not at all.
    OptionalKey,
    /// By a key.
    Key,
    /// By a key, or by signatures with a key pair of Amazon Web Services.
    KeyOrAws,
    /// By tokens that a Google service account is exchanged for, or by a key.
    ServiceAccount,
}

/// A setting beside the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `region`.
    Region,
    /// `project`.
    Project,
    /// `location`.
    Location,
    /// `resource`.
    Resource,
    /// `deployment`.
    Deployment,
    /// `api_version`.
    ApiVersion,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Region,
        Self::Project,
        Self::Location,
        Self::Resource,
        Self::Deployment,
        Self::ApiVersion,
    ];

    /// The name in configs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Project => "project",
            Self::Location => "location",
            Self::Resource => "resource",
            Self::Deployment => "deployment",
            Self::ApiVersion => "api_version",
        }
    }

    /// Environment variables that give it when the config does not, in order.
    pub const fn env(self) -> &'static [&'static str] {
        match self {
            Self::Region => &["AWS_REGION", "AWS_DEFAULT_REGION"],
            Self::Project => &["GOOGLE_CLOUD_PROJECT"],
            Self::Location => &["GOOGLE_CLOUD_LOCATION"],
            Self::Resource => &["AZURE_OPENAI_RESOURCE"],
            Self::Deployment | Self::ApiVersion => &[],
        }
    }
}
