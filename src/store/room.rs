//! Room on the disk: looked at before and during a run, and some of it kept back for its end.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::store::StoreError;

/// Bytes that are free when a run begins, and while it goes on: as much as the write-ahead log and
/// the file itself may grow by until the next look.
pub const LEAST_FREE: u64 = 32 << 20;

/// Bytes kept back for the answers that are under way when the disk is full.
const BALLAST: u64 = 8 << 20;

/// Refuses a disk that has less than [`LEAST_FREE`] left for the store at `db`, besides what is kept
/// back on it.
///
/// # Errors
/// There is less room. Where nobody can tell how much there is, there is enough.
pub fn check(db: &Path) -> Result<(), StoreError> {
    let kept = fs::metadata(Ballast::beside(db)).map_or(0, |file| file.len().min(BALLAST));
    let least = LEAST_FREE + BALLAST - kept;
    match free(db) {
        Some(free) if free < least => Err(StoreError::NoRoom { path: db.to_owned(), free, least }),
        _ => Ok(()),
    }
}

/// Bytes that are free where `path` lies or will lie.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let existing = path.ancestors().find(|path| path.exists())?;
    let disk = rustix::fs::statvfs(existing).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_path: &Path) -> Option<u64> {
    None
}

/// A file that takes up room until the room is needed.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// The ballast of the store at `db`, made when it is not there. Without it a full disk costs the
    /// answers under way, which is no reason not to begin.
    pub(super) fn of(db: &Path) -> Self {
        let ballast = Self { path: Self::beside(db) };
        let there = fs::metadata(&ballast.path).is_ok_and(|file| file.len() >= BALLAST);
        if !there && ballast.fill().is_err() {
            fs::remove_file(&ballast.path).ok();
        }
        ballast
    }

    fn beside(db: &Path) -> PathBuf {
        let mut name = db.file_name().unwrap_or_default().to_owned();
        name.push(".ballast");
        db.with_file_name(name)
    }

    /// Gives the room back. Whether there was any.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }

    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        // A file that is only as long as this would take up nothing.
        #[cfg(target_os = "linux")]
        if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, BALLAST).is_ok() {
            return Ok(());
        }
        let chunk = vec![0x5A_u8; 1 << 16];
        for _ in 0..BALLAST >> 16 {
            file.write_all(&chunk)?;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballast_takes_up_room_and_gives_it_back() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let db = directory.path().join("runs.db");
        let ballast = Ballast::of(&db);
        let path = directory.path().join("runs.db.ballast");
        let file = fs::metadata(&path).expect("made");
        assert_eq!(file.len(), BALLAST);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert!(file.blocks() * 512 >= BALLAST, "a hole takes up no room");
        }
        assert!(ballast.release());
        assert!(!path.exists());
        assert!(!ballast.release(), "only once");
        Ballast::of(&db);
        assert!(path.exists(), "made again");
    }

    #[test]
    fn a_disk_has_room_or_says_how_much() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let db = directory.path().join("not/yet/there.db");
        if let Err(error) = check(&db) {
            assert!(error.to_string().contains("MiB are free"), "{error}");
        }
    }
}
