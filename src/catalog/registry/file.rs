//! The registry's file: read whole, written whole, one writer at a time.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Registry, RegistryError, VERSION};

/// The file's name in the user's own directory.
pub const FILE_NAME: &str = "models.json";

/// Held by whoever writes.
const LOCK_NAME: &str = "models.lock";

/// What every version of the file has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What is registered in `directory`; nothing where there is no file.
///
/// # Errors
///
/// The file cannot be read, is damaged, or is of a later version.
pub fn load(directory: &Path) -> Result<Registry, RegistryError> {
    let path = directory.join(FILE_NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Registry::default()),
        Err(source) => return Err(RegistryError::File { action: "read", path, source }),
    };
    let damaged = |error: &serde_json::Error| RegistryError::Damaged {
        path: path.clone(),
        reason: error.to_string(),
    };
    // A later version may have fields that this one does not know; its version it says all the same.
    let versioned: Versioned = serde_json::from_slice(&bytes).map_err(|error| damaged(&error))?;
    if versioned.version > VERSION {
        return Err(RegistryError::Newer { path, found: versioned.version, known: VERSION });
    }
    serde_json::from_slice(&bytes).map_err(|error| damaged(&error))
}

/// Changes what is registered in `directory`. It is on disk when this returns; when `change` fails,
/// nothing was written.
///
/// # Errors
///
/// As [`load`]; what `change` says; the file cannot be written.
pub fn update<T, E: From<RegistryError>>(
    directory: &Path,
    change: impl FnOnce(&mut Registry) -> Result<T, E>,
) -> Result<T, E> {
    make_directory(directory)?;
    let lock_path = directory.join(LOCK_NAME);
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| E::from(RegistryError::File { action, path, source })
    };
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let lock = lock.map_err(failed("open", &lock_path))?;
    lock.lock().map_err(failed("lock", &lock_path))?;
    let mut registry = load(directory)?;
    let before = registry.clone();
    let result = change(&mut registry)?;
    if registry != before {
        let path = directory.join(FILE_NAME);
        write(directory, &path, &registry).map_err(failed("write", &path))?;
    }
    Ok(result)
}

fn make_directory(directory: &Path) -> Result<(), RegistryError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory).map_err(|source| {
        let path: PathBuf = directory.to_owned();
        RegistryError::File { action: "make", path, source }
    })
}

/// A temporary file beside it takes its place, so that nobody ever reads half of it.
fn write(directory: &Path, path: &Path, registry: &Registry) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(registry)?;
    text.push(b'\n');
    // Temporary files are open to their owner alone, and stay so.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}
