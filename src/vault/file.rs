//! Files that hold secrets: whose they must be, and how they are replaced.
//!
//! A file appears whole or not at all: it is written under another name, made durable, and renamed.
//! Writers take turns by a lock on a file beside it, which stays.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::VaultError;

/// The content of the file at `path`, which must be the user's own and nobody else's to read, and
/// have `most` bytes at most.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, VaultError> {
    let mut file = match options().read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(VaultError::Missing { path: path.to_owned() });
        }
        opened => opened.map_err(|source| refused(path, "open", source))?,
    };
    check(&file, path)?;
    check_directory(directory(path))?;
    let mut bytes = Vec::new();
    (&mut file)
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| failed(path, "read", source))?;
    if bytes.len() as u64 > most {
        let problem = format!("it has more than {most} bytes");
        return Err(VaultError::Damaged { path: path.to_owned(), problem });
    }
    Ok(bytes)
}

/// Makes the directory of the file at `path` where there is none, for the user alone.
///
/// # Errors
/// It cannot be made, or it is there and others may write it.
pub fn make_directory(path: &Path) -> Result<(), VaultError> {
    let dir = directory(path);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|source| failed(dir, "make the directory", source))?;
    check_directory(dir)
}

/// Held while the file is read, changed and replaced.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Waits for other writers of the file at `path`.
pub(super) fn lock(path: &Path) -> Result<Lock, VaultError> {
    check_directory(directory(path))?;
    let path = beside(path, ".lock");
    let file = options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| refused(&path, "open", source))?;
    check(&file, &path)?;
    file.lock().map_err(|source| failed(&path, "lock", source))?;
    Ok(Lock { _file: file })
}

/// Replaces the file at `path`, or makes it. It is on disk when this returns.
pub(super) fn replace(path: &Path, bytes: &[u8], _held: &Lock) -> Result<(), VaultError> {
    let temporary = beside(path, ".tmp");
    match fs::symlink_metadata(&temporary) {
        // What a writer that was killed has left.
        Ok(left) if left.is_file() => {
            fs::remove_file(&temporary).map_err(|source| failed(&temporary, "remove", source))?;
        }
        Ok(_) => return Err(VaultError::NotAFile { path: temporary }),
        Err(_) => {}
    }
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(VaultError::NotAFile { path: path.to_owned() });
    }
    let written = options()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|source| failed(&temporary, "write", source))?;
    fs::rename(&temporary, path).map_err(|source| failed(path, "replace", source))?;
    sync_directory(directory(path))
}

/// Adds `line`, a line feed with it, to the file at `path` in one piece, making the file where there
/// is none. It is on disk when this returns. A line that a crash cut short is ended first.
pub(super) fn append(path: &Path, line: &[u8]) -> Result<(), VaultError> {
    make_directory(path)?;
    let is_new = fs::symlink_metadata(path).is_err();
    let mut file = options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(|source| refused(path, "open", source))?;
    check(&file, path)?;
    let mut written = Vec::with_capacity(line.len() + 2);
    if !ends_with_line_feed(&mut file).map_err(|source| failed(path, "read", source))? {
        written.push(b'\n');
    }
    written.extend(line);
    written.push(b'\n');
    file.write_all(&written)
        .and_then(|()| file.sync_all())
        .map_err(|source| failed(path, "write", source))?;
    if is_new { sync_directory(directory(path)) } else { Ok(()) }
}

fn ends_with_line_feed(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The directory of `path`.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> VaultError {
    VaultError::File { action, path: path.to_owned(), source }
}

/// Makes files for the user alone, and follows no link: whoever put one there chooses neither what
/// is read nor what is written. Nor does it wait for the other end of a pipe.
fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes and flags"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

fn refused(path: &Path, action: &'static str, source: io::Error) -> VaultError {
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return VaultError::NotAFile { path: path.to_owned() };
    }
    failed(path, action, source)
}

#[cfg(unix)]
fn check(file: &File, path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::MetadataExt as _;

    let meta = file.metadata().map_err(|source| failed(path, "look at", source))?;
    if !meta.is_file() {
        return Err(VaultError::NotAFile { path: path.to_owned() });
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(VaultError::Owner { path: path.to_owned() });
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Open { path: path.to_owned(), mode, right: 0o600 });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(file: &File, path: &Path) -> Result<(), VaultError> {
    let meta = file.metadata().map_err(|source| failed(path, "look at", source))?;
    if meta.is_file() { Ok(()) } else { Err(VaultError::NotAFile { path: path.to_owned() }) }
}

/// Who may write the directory may replace the file, whatever its own mode.
#[cfg(unix)]
fn check_directory(dir: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::MetadataExt as _;

    let meta = fs::metadata(dir).map_err(|source| failed(dir, "look at", source))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(VaultError::Owner { path: dir.to_owned() });
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(VaultError::Open { path: dir.to_owned(), mode, right: 0o700 });
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the signature that Unix needs")]
fn check_directory(_dir: &Path) -> Result<(), VaultError> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(dir: &Path) -> Result<(), VaultError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| failed(dir, "make durable", source))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the signature that Unix needs")]
fn sync_directory(_dir: &Path) -> Result<(), VaultError> {
    Ok(())
}
