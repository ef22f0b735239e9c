//! What `$ref`s to other documents may reach: the folder of the schema's own file, and nothing else.

use std::{
    error::Error,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use jsonschema::{Retrieve, Uri};
use serde_json::Value;

use crate::scorer::json;

/// The scheme that files of the folder have while a schema is compiled.
const SCHEME: &str = "folder";

/// The folder of a schema's file.
#[derive(Debug)]
pub(super) struct Folder {
    root: Option<PathBuf>,
}

impl Folder {
    /// `None` for schemas that are in no file.
    pub(super) fn new(root: Option<&Path>) -> Self {
        Self { root: root.and_then(|root| fs::canonicalize(root).ok()) }
    }

    /// The address that relative `$ref`s start from.
    pub(super) fn base(&self) -> Option<String> {
        self.root.as_ref().map(|_| format!("{SCHEME}:///schema"))
    }

    fn file(&self, uri: &Uri<String>) -> Result<Value, String> {
        let told = uri.as_str();
        let Some(root) = &self.root else {
            return Err(format!("`{told}` is another document, and none is fetched"));
        };
        if uri.scheme().as_str() != SCHEME
            || uri.authority().is_some_and(|host| !host.as_str().is_empty())
        {
            return Err(format!(
                "`{told}` is not in the schema's folder, and nothing else is fetched"
            ));
        }
        let path = uri.path().as_str().trim_start_matches('/');
        let path = fs::canonicalize(root.join(path))
            .map_err(|error| format!("`{path}` in the schema's folder: {error}"))?;
        if !path.starts_with(root) {
            return Err(format!("`{told}` leads out of the schema's folder"));
        }
        read_file(&path)
    }
}

/// The JSON of a schema file.
pub(in crate::scorer) fn read_file(path: &Path) -> Result<Value, String> {
    let told = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(json::MAX_BYTES as u64 + 1).read_to_string(&mut text))
        .map_err(|error| format!("`{told}`: {error}"))?;
    json::read(&text).map_err(|unread| format!("`{told}`: {}", unread.reason()))
}

impl Retrieve for Folder {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        self.file(uri).map_err(Into::into)
    }
}
