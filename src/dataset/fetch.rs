//! A source becomes local files: what is local is listed, a URL or stdin becomes a temporary file.
//!
//! A dataset is read twice, so a stream has to be kept; it is kept on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{Url, redirect::Policy};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    Format, Source,
    error::DatasetError,
    format::{Compression, by_name, compression_of, sniff},
};
use crate::base::text::nearest;

/// A source's files on this machine, in the order in which they are read.
#[derive(Debug, Clone)]
pub struct Local {
    pub(super) location: String,
    pub(super) format: Format,
    pub(super) files: Arc<[LocalFile]>,
    /// Deletes the temporary file with the last user of this source.
    _spooled: Option<Arc<TempPath>>,
}

#[derive(Debug)]
pub(super) struct LocalFile {
    pub(super) path: PathBuf,
    /// What messages call it.
    pub(super) shown: Arc<str>,
    pub(super) compression: Compression,
    /// Length and time of change, to notice a file that changes between two readings.
    stamp: (u64, Option<SystemTime>),
}

impl LocalFile {
    /// Whether the file is still the one that was listed.
    pub(super) fn unchanged(&self) -> Result<(), DatasetError> {
        match stamp(&self.path, &self.shown) {
            Ok(now) if now == self.stamp => Ok(()),
            _ => Err(DatasetError::Changed { path: self.shown.to_string() }),
        }
    }
}

/// Brings `source` to this machine. `stdin` is read when the location is `-`.
///
/// # Errors
///
/// Nothing there, a server that does not answer with success, files whose format is not known or
/// not the same.
pub async fn fetch(
    source: &Source,
    stdin: &mut (dyn AsyncRead + Unpin + Send),
) -> Result<Local, DatasetError> {
    let location = source.location.as_str();
    if location == "-" {
        let (mut file, path) = spool_file()?;
        let wrap = |error| DatasetError::Io { path: "stdin".to_owned(), error };
        tokio::io::copy(&mut stdin.take(u64::MAX), &mut file).await.map_err(wrap)?;
        file.flush().await.map_err(wrap)?;
        return spooled(source, "stdin", "", path);
    }
    if let Some(url) = url(location) {
        let (mut file, path) = spool_file()?;
        let shown = shown_url(&url);
        download(url.clone(), &shown, &mut file).await?;
        return spooled(source, &shown, url.path(), path);
    }
    list(source)
}

/// The largest document that is read whole.
const MOST_DOCUMENT: u64 = 64 << 20;

/// The text of a file or an `http(s)://` address, read whole.
///
/// # Errors
///
/// Nothing there, a server that does not answer with success, what is too large or not text.
pub async fn document(location: &str) -> Result<String, DatasetError> {
    let (shown, path, _spooled) = match url(location) {
        Some(url) => {
            let (mut file, path) = spool_file()?;
            let shown = shown_url(&url);
            download(url, &shown, &mut file).await?;
            (shown, path.to_path_buf(), Some(path))
        }
        None => (location.to_owned(), PathBuf::from(location), None),
    };
    let wrap = |error| DatasetError::Io { path: shown.clone(), error };
    if !path.exists() {
        let nearest = sibling(&path);
        return Err(DatasetError::NotFound { path, nearest });
    }
    if fs::metadata(&path).map_err(wrap)?.len() > MOST_DOCUMENT {
        return Err(wrap(io::Error::other("it is larger than 64 MiB")));
    }
    fs::read_to_string(&path).map_err(wrap)
}

fn url(location: &str) -> Option<Url> {
    let url = Url::parse(location).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// `url` without what may be secret in it.
fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // These fail only on URLs that cannot have either.
    shown.set_username("").ok();
    shown.set_password(None).ok();
    shown.to_string()
}

fn spool_file() -> Result<(tokio::fs::File, TempPath), DatasetError> {
    let (file, path) = NamedTempFile::new()
        .map_err(|error| DatasetError::Io { path: "temporary file".to_owned(), error })?
        .into_parts();
    Ok((tokio::fs::File::from_std(file), path))
}

async fn download(url: Url, shown: &str, into: &mut tokio::fs::File) -> Result<(), DatasetError> {
    let failed = |error: reqwest::Error, received: u64| {
        let error = error.without_url();
        let cause = std::iter::successors(std::error::Error::source(&error), |e| e.source()).last();
        let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
        let after = if received > 0 { format!(", after {received} bytes") } else { String::new() };
        DatasetError::Fetch { url: shown.to_owned(), problem: format!("{error}{cause}{after}") }
    };
    // The second time there is one already, and any one will do.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_gzip()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_mins(1))
        .build()
        .map_err(|error| failed(error, 0))?;
    let mut response = client.get(url).send().await.map_err(|error| failed(error, 0))?;
    let status = response.status();
    if !status.is_success() {
        let target = response.headers().get("location").and_then(|to| to.to_str().ok());
        let hint = match target.and_then(|to| response.url().join(to).ok()) {
            Some(to) if status.is_redirection() => {
                format!(
                    ", a redirect to {}, which is not followed; name that address",
                    shown_url(&to)
                )
            }
            _ => String::new(),
        };
        return Err(DatasetError::Status {
            url: shown.to_owned(),
            status: status.to_string(),
            hint,
        });
    }
    let expected = response.content_length();
    let mut received = 0;
    while let Some(piece) = response.chunk().await.map_err(|error| failed(error, received))? {
        received += piece.len() as u64;
        into.write_all(&piece).await.map_err(|error| {
            let problem =
                format!("no room for it on this machine, after {received} bytes: {error}");
            DatasetError::Fetch { url: shown.to_owned(), problem }
        })?;
    }
    if expected.is_some_and(|expected| expected != received) {
        let problem = format!("cut short, after {received} bytes");
        return Err(DatasetError::Fetch { url: shown.to_owned(), problem });
    }
    let wrap = |error| DatasetError::Io { path: "temporary file".to_owned(), error };
    into.flush().await.map_err(wrap)
}

/// A source that is now the temporary file `path`; `name` may tell its format.
fn spooled(
    source: &Source,
    shown: &str,
    name: &str,
    path: TempPath,
) -> Result<Local, DatasetError> {
    let shown: Arc<str> = shown.into();
    let wrap = |error| DatasetError::Io { path: shown.to_string(), error };
    // A server may have decompressed what it names `.gz`, so only the content counts.
    let compression = compression_of(&path).map_err(wrap)?;
    let format = match source.format.or(by_name(name).0) {
        Some(format) => format,
        None => sniff(&path, &shown, compression)?,
    };
    if !format.is_text() && compression != Compression::None {
        let path = shown.to_string();
        return Err(DatasetError::CompressedBinary { path, format: format.name() });
    }
    let stamp = stamp(&path, &shown)?;
    let file =
        LocalFile { path: path.to_path_buf(), shown: Arc::clone(&shown), compression, stamp };
    Ok(Local {
        location: shown.to_string(),
        format,
        files: Arc::new([file]),
        _spooled: Some(Arc::new(path)),
    })
}

/// Lists the files of a local source.
fn list(source: &Source) -> Result<Local, DatasetError> {
    let location = &source.location;
    let path = source.base_dir.join(location);
    let paths = if path.is_dir() {
        directory(&path, location, source.format.is_some())?
    } else if path.exists() {
        vec![path]
    } else if location.contains(['*', '?', '[']) {
        glob_files(source)?
    } else {
        let nearest = sibling(&path);
        return Err(DatasetError::NotFound { path, nearest });
    };
    let mut files = Vec::with_capacity(paths.len());
    let mut first: Option<(Format, String)> = None;
    for path in paths {
        let shown = shown_path(&path, source);
        let (format, compression) = by_name(&path.to_string_lossy());
        let Some(format) = source.format.or(format) else {
            return Err(DatasetError::UnknownFormat { path: shown });
        };
        if !format.is_text() && compression != Compression::None {
            return Err(DatasetError::CompressedBinary { path: shown, format: format.name() });
        }
        let (first_format, first) = first.get_or_insert_with(|| (format, shown.clone()));
        if *first_format != format {
            return Err(DatasetError::MixedFormats {
                location: location.clone(),
                first: first.clone(),
                first_format: first_format.name(),
                other: shown,
                other_format: format.name(),
            });
        }
        let stamp = stamp(&path, &shown)?;
        files.push(LocalFile { path, shown: shown.into(), compression, stamp });
    }
    let Some((format, _)) = first else {
        let wanted = "of a known format in it".to_owned();
        return Err(DatasetError::NoFiles { location: location.clone(), wanted });
    };
    Ok(Local { location: location.clone(), format, files: files.into(), _spooled: None })
}

/// The files in a directory that have a known extension, or all when the format is given.
fn directory(path: &Path, location: &str, all: bool) -> Result<Vec<PathBuf>, DatasetError> {
    let wrap = |error| DatasetError::Io { path: location.to_owned(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(wrap)? {
        let entry = entry.map_err(wrap)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let known = all || by_name(&name).0.is_some();
        if known && !name.starts_with('.') && entry.path().is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn glob_files(source: &Source) -> Result<Vec<PathBuf>, DatasetError> {
    let location = &source.location;
    let pattern = if Path::new(location).is_absolute() {
        location.clone()
    } else {
        let base = glob::Pattern::escape(&source.base_dir.to_string_lossy());
        Path::new(&base).join(location).to_string_lossy().into_owned()
    };
    let bad = |error: glob::PatternError| DatasetError::Glob {
        pattern: location.clone(),
        problem: error.msg.to_owned(),
    };
    let mut paths = Vec::new();
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    for found in glob::glob_with(&pattern, options).map_err(bad)? {
        let path = found.map_err(|error| DatasetError::Io {
            path: error.path().display().to_string(),
            error: error.into(),
        })?;
        if path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let wanted = "matches".to_owned();
        return Err(DatasetError::NoFiles { location: location.clone(), wanted });
    }
    paths.sort();
    Ok(paths)
}

/// The path as the user would write it: relative to the base directory where it is inside.
fn shown_path(path: &Path, source: &Source) -> String {
    if Path::new(&source.location).is_absolute() {
        return path.display().to_string();
    }
    path.strip_prefix(&source.base_dir).unwrap_or(path).display().to_string()
}

/// A file of nearly the name of `path` in its directory.
fn sibling(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let names: Vec<String> = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

fn stamp(path: &Path, shown: &str) -> Result<(u64, Option<SystemTime>), DatasetError> {
    let wrap = |error: io::Error| DatasetError::Io { path: shown.to_owned(), error };
    let metadata = fs::metadata(path).map_err(wrap)?;
    Ok((metadata.len(), metadata.modified().ok()))
}
