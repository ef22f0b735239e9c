//! The vectors of `tests/golden/vault.py`, which writes the format a second time, with the
//! cryptography of others.

use std::{fs, os::unix::fs::PermissionsExt as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::dir;
use crate::{
    base::secret::Secret,
    vault::{EntryKey, Unlock, Vault, VaultError},
};

const VECTORS: &str = include_str!("../../../tests/fixtures/vault/vectors.json");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    /// Whether the code at the end fits.
    signed: bool,
    file: Option<String>,
    base64: Option<String>,
    env_key: Option<String>,
    passphrase: Option<String>,
    refused: Option<String>,
    gives: Option<Vec<Given>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    slug: String,
    provider: String,
    field: String,
    origin: String,
    secret: Option<String>,
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        match (&self.file, &self.base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).expect("base64"),
            _ => panic!("`{}` has one file", self.name),
        }
    }

    /// What is wrong with what the vault does, if anything.
    fn problem(&self) -> Option<String> {
        let (_dir, path) = dir();
        super::file::make_directory(&path).expect("a directory");
        fs::write(&path, self.bytes()).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        let ask = || self.passphrase.as_deref().map(Secret::new);
        let unlock = Unlock {
            env_key: self.env_key.as_deref().map(Secret::new),
            keyring: None,
            passphrase: self.passphrase.is_some().then_some(&ask),
        };
        let opened = Vault::open(&path, &unlock);
        let vault = match (opened, self.refused.as_deref()) {
            (Ok(vault), None) => vault,
            (Ok(_), Some(_)) => return Some("it opens".to_owned()),
            (Err(error), None) => return Some(format!("it does not open: {error}")),
            (Err(error), Some(wanted)) => {
                let is = match error {
                    VaultError::Damaged { .. } => "damaged",
                    VaultError::Locked { .. } => "locked",
                    VaultError::EnvKey => "env-key",
                    _ => "something else",
                };
                return (is != wanted).then(|| format!("{is} and not {wanted}: {error}"));
            }
        };
        self.gives.iter().flatten().find_map(|given| {
            let key = EntryKey {
                slug: given.slug.clone(),
                provider: given.provider.clone(),
                field: given.field.clone(),
                origin: given.origin.clone(),
            };
            let got = vault.get(&key).ok();
            let differs = got.as_ref().map(Secret::expose) != given.secret.as_deref();
            differs.then(|| format!("it gives {} for {given:?}", got.is_some()))
        })
    }
}

#[test]
fn every_vector_opens_or_is_refused_as_it_says() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
    let (open, refused): (Vec<&Vector>, Vec<&Vector>) =
        vectors.iter().partition(|vector| vector.gives.is_some());
    assert!(open.len() >= 20 && refused.len() >= 60, "{} and {}", open.len(), refused.len());
    assert!(refused.iter().filter(|vector| vector.signed).count() >= 40);
    let problems = vectors.iter().filter_map(|vector| Some((&vector.name, vector.problem()?)));
    let problems: Vec<_> = problems.collect();
    assert!(problems.is_empty(), "{problems:#?}");
}
