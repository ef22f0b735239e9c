//! One process at a time works on a run.
//!
//! The lock is the operating system's, so that it ends with the process, however that ends.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use crate::store::{StoreError, writer::Identity};

/// The right to work on one run. Given back when dropped.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    // Held for as long as it is open.
    _file: File,
}

impl RunLock {
    /// Takes the lock of `run` in the store at `db`, at once or not at all.
    ///
    /// # Errors
    /// Another process has it; or the lock's file, which lies beside the store, cannot be made.
    pub fn take(db: &Path, run: &str) -> Result<Self, StoreError> {
        let path = file_of(db, run);
        let failed = |source| StoreError::Path { path: path.clone(), source };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        loop {
            let options =
                File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = options.map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    file.take(20).read_to_string(&mut text).ok();
                    let pid = text.trim().parse().ok();
                    return Err(StoreError::InUse { run: run.to_owned(), pid });
                }
                // Some network file systems have no locks; a run there goes without.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Whoever held it before may have removed the file in between; then the next process
            // would make another one and lock that.
            if !same(&file, &path) {
                continue;
            }
            // Only for messages: a full disk is no reason to go without the lock.
            write_pid(&mut file).ok();
            return Ok(Self { path, _file: file });
        }
    }
}

/// Whether a process is at work on `run` in the store at `db`. Where nobody can tell, one is.
pub(super) fn is_taken(db: &Path, run: &str) -> bool {
    match File::open(file_of(db, run)) {
        // Shared, so that those who ask do not stand in each other's way.
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

fn file_of(db: &Path, run: &str) -> PathBuf {
    let name: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
    db.with_file_name("locks").join(format!("{name}.lock"))
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Elsewhere there is no telling whether a file is still the one that was opened.
        if cfg!(unix) {
            fs::remove_file(&self.path).ok();
        }
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Whether `path` leads to `file`.
fn same(file: &File, path: &Path) -> bool {
    let open = file.metadata().ok().as_ref().map(Identity::from_metadata);
    open.is_some() && open == Identity::of(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_worked_on_by_one_at_a_time() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let db = directory.path().join("runs.db");
        let lock = RunLock::take(&db, "01RUN").expect("free");
        RunLock::take(&db, "01OTHER").expect("another run");
        let error = RunLock::take(&db, "01RUN").expect_err("taken").to_string();
        assert!(is_taken(&db, "01RUN"));
        let pid = std::process::id();
        assert_eq!(error, format!("use run 01RUN: process {pid} is at work on it"));
        drop(lock);
        assert!(!is_taken(&db, "01RUN"));
        RunLock::take(&db, "01RUN").expect("free again");
        // What a process leaves that was killed.
        fs::write(file_of(&db, "01DEAD"), "1\n").expect("written");
        assert!(!is_taken(&db, "01DEAD"));
        fs::remove_file(file_of(&db, "01DEAD")).expect("removed");
        let left = fs::read_dir(directory.path().join("locks")).expect("a directory").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn two_never_hold_it_though_its_file_comes_and_goes() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let db = directory.path().join("runs.db");
        let inside = std::sync::atomic::AtomicU32::new(0);
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let Ok(lock) = RunLock::take(&db, "01RUN") else { continue };
                        assert_eq!(inside.fetch_add(1, order), 0, "two hold it");
                        inside.fetch_sub(1, order);
                        drop(lock);
                    }
                });
            }
        });
    }
}
