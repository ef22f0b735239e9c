//! What is wrong with the registry, or with what was asked of it.

use std::{io, path::PathBuf};

use super::Kind;
use crate::base::text::nearest;

/// Why the registry did not do what it was asked. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file or its directory cannot be used.
    #[error("failed to {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is not what this program writes.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
    /// The file is of a later version of this program.
    #[error(
        "`{}` is of version {found}, and this program knows versions up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest that is known.
        known: u32,
    },
    /// Nothing of that slug was ever registered.
    #[error("there is no registered {kind} `{slug}`")]
    Unknown {
        /// What was looked for.
        kind: Kind,
        /// Its slug.
        slug: String,
        /// The slugs that there are.
        known: Vec<String>,
        /// Whether there is one of the other kind.
        other: bool,
    },
    /// It was removed.
    #[error("the {kind} `{slug}` was removed")]
    Removed {
        /// What.
        kind: Kind,
        /// Its slug.
        slug: String,
    },
    /// It may not be used for now.
    #[error("the {kind} `{slug}` is disabled")]
    Disabled {
        /// What.
        kind: Kind,
        /// Its slug.
        slug: String,
    },
    /// The endpoint's list does not have the model.
    #[error("the endpoint `{slug}` does not allow the model `{model}`")]
    NotAllowed {
        /// The endpoint.
        slug: String,
        /// The model.
        model: String,
        /// What it allows.
        allowed: Vec<String>,
    },
    /// An endpoint was named, and no model behind it.
    #[error("`byo:{slug}` is an endpoint; which of its models?")]
    NeedsModel {
        /// The endpoint.
        slug: String,
    },
    /// A model was named as if it were an endpoint.
    #[error("`byo:{slug}` is a model, and nothing follows its slug")]
    IsModel {
        /// The model.
        slug: String,
    },
    /// No credential of that slug is registered.
    #[error("there is no registered credential `{slug}`")]
    UnknownCredential {
        /// Its slug.
        slug: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// What was given is no slug, or the name gives none.
    #[error("{message}")]
    Slug {
        /// What is wrong.
        message: String,
    },
    /// The slug stands for something else.
    #[error("the slug `{slug}` is taken: {by}")]
    Taken {
        /// The slug.
        slug: String,
        /// By what.
        by: String,
    },
    /// The slug once belonged to another provider.
    #[error(
        "the slug `{slug}` belonged to a {kind} of provider `{before}`, and a slug stays with its \
         provider; this one is of `{now}`"
    )]
    OtherProvider {
        /// What.
        kind: Kind,
        /// The slug.
        slug: String,
        /// The provider that it had.
        before: String,
        /// The provider that was asked for.
        now: String,
    },
    /// Something that cannot be changed.
    #[error("`{name}` is permanent: it is `{is}`")]
    Permanent {
        /// The field.
        name: &'static str,
        /// Its value.
        is: String,
    },
    /// A field has a value that it cannot have.
    #[error("`{name}`: {message}")]
    Field {
        /// The field.
        name: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The credential cannot be used like this.
    #[error("{message}")]
    Credential {
        /// Why.
        message: String,
        /// How to mend it.
        hint: Option<String>,
    },
}

impl RegistryError {
    /// How to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } | Self::Field { .. } | Self::Permanent { .. } => None,
            Self::Damaged { .. } => Some(
                "restore it from a copy, or move it away and register your models anew".to_owned(),
            ),
            Self::Newer { .. } => Some("use the newer program".to_owned()),
            Self::Unknown { kind, slug, known, other } => Some(unknown(*kind, slug, known, *other)),
            Self::Removed { kind, .. } => {
                Some(format!("`evals {} add` with the same slug brings it back", kind.command()))
            }
            Self::Disabled { kind, slug } => {
                Some(format!("`evals {} edit {slug} --enable` enables it", kind.command()))
            }
            Self::NotAllowed { slug, allowed, .. } => Some(format!(
                "it allows {}; `evals endpoints edit {slug} --allow …` changes that",
                allowed.join(", ")
            )),
            Self::NeedsModel { slug } => Some(format!("write `byo:{slug}/MODEL`")),
            Self::IsModel { slug } => Some(format!("write `byo:{slug}`")),
            Self::UnknownCredential { slug, known } => Some(named(slug, known, "credentials")),
            Self::Slug { .. } => Some(
                "a slug has 3 to 40 of a-z, 0-9 and -, a letter first, a letter or digit last; \
                 give one with `--slug`"
                    .to_owned(),
            ),
            Self::Taken { .. } => Some("give another one with `--slug`".to_owned()),
            Self::OtherProvider { .. } => Some("give another one with `--slug`".to_owned()),
            Self::Credential { hint, .. } => hint.clone(),
        }
    }
}

fn unknown(kind: Kind, slug: &str, known: &[String], other: bool) -> String {
    if other {
        let other = kind.other();
        return format!("there is {other} `{slug}`: evals {} show {slug}", other.command());
    }
    named(slug, known, kind.command())
}

fn named(slug: &str, known: &[String], noun: &str) -> String {
    if known.is_empty() {
        return format!("no {noun} are registered");
    }
    let list: Vec<String> = known.iter().map(|slug| format!("`{slug}`")).collect();
    let list = format!("registered {noun}: {}", list.join(", "));
    match nearest(slug, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`? {list}"),
        None => list,
    }
}
