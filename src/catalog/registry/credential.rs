//! Registered credentials: where the secret is, and what it may be used for.

use serde::{Deserialize, Serialize};

use crate::vault::EntryKey;

/// How a provider is told who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// A key.
    Key,
    /// A key pair of Amazon Web Services.
    Aws,
    /// A Google service account.
    ServiceAccount,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Key, Self::Aws, Self::ServiceAccount];

    /// The method's name in flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Aws => "aws",
            Self::ServiceAccount => "service-account",
        }
    }

    /// The name of its secret in the vault.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Key => "api_key",
            Self::Aws => "secret_access_key",
            Self::ServiceAccount => "service_account",
        }
    }

    /// What its secret is called for people.
    pub const fn secret(self) -> &'static str {
        match self {
            Self::Key => "API key",
            Self::Aws => "secret access key",
            Self::ServiceAccount => "service account, its JSON or the path of it",
        }
    }
}

/// A registered credential. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialEntry {
    /// What it is called.
    pub slug: String,
    /// The provider that it is for, as models name it.
    pub provider: String,
    /// The only origin that it may be sent to.
    pub origin: String,
    /// How the provider is told.
    pub auth: AuthMethod,
    /// The environment variable with the secret; `None`: the vault has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Amazon Web Services: the id of the key, which is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Amazon Web Services: the environment variable with the token of a temporary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token_env: Option<String>,
    /// The projects that may use it; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
}

impl CredentialEntry {
    /// Where its secret is, for people.
    pub fn shown(&self) -> String {
        match &self.key_env {
            Some(name) => format!("${name}"),
            None => "vault".to_owned(),
        }
    }

    /// Under what the vault keeps its secret.
    pub fn vault_key(&self) -> EntryKey {
        EntryKey {
            slug: self.slug.clone(),
            provider: self.provider.clone(),
            field: self.auth.field().to_owned(),
            origin: self.origin.clone(),
        }
    }
}

/// What the vault is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The credential.
    pub credential: &'a CredentialEntry,
    /// Where the secret would be sent.
    pub origin: &'a str,
}

impl Ask<'_> {
    /// Under what the vault would have it.
    pub fn vault_key(&self) -> EntryKey {
        EntryKey { origin: self.origin.to_owned(), ..self.credential.vault_key() }
    }
}
