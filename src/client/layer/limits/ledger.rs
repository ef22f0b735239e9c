//! What the processes of this machine share of an account: its meters and its places.
//!
//! The meters are a file of a few numbers that is read and written under a lock; a place is a file
//! of its own, locked for as long as the request takes. The system lets go of the locks of a process
//! that dies. Without a directory, or when it cannot be used, a process keeps its limits alone.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::meter::{Meters, Rates};
use crate::{
    base::{clock, digest},
    domain::limits::Limits,
};

/// Between two looks at the pauses of others, where every call would otherwise take one.
const LOOK: Duration = Duration::from_millis(100);

/// Until a lock that another process holds is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// Until a place that another process holds is tried again.
const PLACE_AGAIN: Duration = Duration::from_millis(20);

/// A process that holds the lock of the meters for longer is stuck, and not waited for.
const STUCK: Duration = Duration::from_secs(5);

/// The most that a file of meters has.
const MAX_FILE: u64 = 4 << 10;

/// A place among those of the account; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _locked: Option<File>,
}

/// The share of one account.
#[derive(Debug)]
pub(super) struct Ledger {
    rates: Rates,
    places: Option<u32>,
    /// The beginning of its files' paths.
    stem: Option<PathBuf>,
    /// Used alone, once the files cannot be.
    alone: AtomicBool,
    state: Mutex<State>,
    next_place: AtomicU32,
}

#[derive(Debug, Default)]
struct State {
    meters: Meters,
    looked: Option<Instant>,
    /// Since when another process holds the lock.
    busy: Option<Instant>,
    /// What could not be written yet: a correction of tokens, and the end of a pause.
    owed_tokens: f64,
    owed_pause: f64,
}

/// Why the meters could not be used.
enum Failed {
    Busy,
    Broken(io::Error),
}

impl Ledger {
    /// The ledger of `account` with these `limits`, in `directory`.
    pub(super) fn new(account: &str, limits: Limits, directory: Option<&Path>) -> Self {
        // Names of accounts hold a digest of the key; their files hold not even that.
        let name = digest::sha256_hex(account.as_bytes());
        Self {
            rates: Rates::of(limits),
            places: limits.concurrency,
            stem: directory.map(|directory| directory.join(&name[..32])),
            alone: AtomicBool::new(false),
            state: Mutex::default(),
            next_place: AtomicU32::new(0),
        }
    }

    /// Whether no rates are set.
    pub(super) fn is_free(&self) -> bool {
        self.rates.is_free()
    }

    /// Whether tokens are counted.
    pub(super) fn counts_tokens(&self) -> bool {
        self.rates.count_tokens()
    }

    /// Charges a request of so many tokens, or says how long to wait before asking again.
    ///
    /// # Errors
    ///
    /// The files cannot be used, which is said once: from then on this process counts alone.
    pub(super) fn charge(&self, tokens: u64) -> io::Result<Result<(), Duration>> {
        let mut state = self.state();
        let now = clock::instant();
        let free = self.rates.is_free();
        if free && state.looked.is_some_and(|looked| now.duration_since(looked) < LOOK) {
            return Ok(Ok(()));
        }
        state.looked = Some(now);
        let now_ms = clock::now_ms() as f64;
        if free && state.owed_pause <= 0.0 {
            // Nothing to write: a look does without the lock.
            if let Some(path) = self.shared("meters")
                && let Ok(text) = fs::read(path)
            {
                state.meters = serde_json::from_slice(&text).unwrap_or_default();
            }
            return Ok(match state.meters.paused_for(now_ms) {
                Some(left) => Err(left),
                None => Ok(()),
            });
        }
        let rates = self.rates;
        match self.update(&mut state, |meters| meters.charge(&rates, now_ms, tokens)) {
            Ok(charged) => {
                state.busy = None;
                Ok(charged)
            }
            Err(Failed::Busy) => {
                let since = *state.busy.get_or_insert(now);
                if now.duration_since(since) < STUCK {
                    return Ok(Err(TRY_AGAIN));
                }
                self.alone.store(true, Ordering::Relaxed);
                Err(io::Error::other("another process holds its lock"))
            }
            Err(Failed::Broken(error)) => {
                self.alone.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Corrects the tokens charged by the difference to those used.
    pub(super) fn correct(&self, more: f64) {
        let mut state = self.state();
        state.owed_tokens += more;
        self.write(&mut state);
    }

    /// Lets no process send anything for so long.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = self.state();
        state.owed_pause = clock::now_ms() as f64 + time.as_secs_f64() * 1_000.0;
        self.write(&mut state);
    }

    /// Writes what is owed, if the lock is free; else the next charge does.
    fn write(&self, state: &mut State) {
        self.update(state, |_| ()).ok();
    }

    /// A place of the account; `Err`: when to ask again. `None` when places are not counted.
    pub(super) fn place(&self) -> Option<Result<Place, Duration>> {
        let places = self.places?.max(1);
        let first = self.next_place.fetch_add(1, Ordering::Relaxed);
        for n in 0..places {
            let nth = first.wrapping_add(n) % places;
            let path = self.shared(&format!("place-{nth}"));
            // Where files cannot be used, the process's own count of requests in flight holds.
            let alone = Some(Ok(Place { _locked: None }));
            let Some(file) = path.and_then(|path| open(&path).ok()) else { return alone };
            match file.try_lock() {
                Ok(()) => return Some(Ok(Place { _locked: Some(file) })),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(_)) => return alone,
            }
        }
        Some(Err(PLACE_AGAIN))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self, what: &str) -> Option<PathBuf> {
        let stem = self.stem.as_ref().filter(|_| !self.alone.load(Ordering::Relaxed))?;
        Some(stem.with_extension(what))
    }

    /// Lets `change` change the meters, after what is owed.
    fn update<R>(
        &self,
        state: &mut State,
        change: impl FnOnce(&mut Meters) -> R,
    ) -> Result<R, Failed> {
        let path = self.shared("meters");
        let mut file = path.as_deref().map(locked).transpose()?;
        if let Some(file) = &mut file {
            let mut text = Vec::new();
            file.take(MAX_FILE).read_to_end(&mut text).map_err(Failed::Broken)?;
            state.meters = serde_json::from_slice(&text).unwrap_or_default();
        }
        state.meters.correct(&self.rates, std::mem::take(&mut state.owed_tokens));
        state.meters.pause(std::mem::take(&mut state.owed_pause));
        let result = change(&mut state.meters);
        if let Some(file) = &mut file {
            write(file, &state.meters).map_err(Failed::Broken)?;
        }
        Ok(result)
    }
}

fn write(file: &mut File, meters: &Meters) -> io::Result<()> {
    let text = serde_json::to_vec(meters)?;
    file.rewind()?;
    file.write_all(&text)?;
    file.set_len(text.len() as u64)
}

fn locked(path: &Path) -> Result<File, Failed> {
    let file = open(path).map_err(Failed::Broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failed::Busy),
        Err(TryLockError::Error(error)) => Err(Failed::Broken(error)),
    }
}

/// Opens the file at `path`, and makes it and its directory, which only their owner may enter.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut directory = fs::DirBuilder::new();
            directory.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
            directory.create(path.parent().unwrap_or(path))?;
            options.open(path)
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(rpm: Option<u64>, concurrency: Option<u32>) -> Limits {
        Limits { rpm, tpm: None, concurrency }
    }

    #[test]
    fn two_ledgers_of_one_account_share_its_meters_and_its_places() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("limits");
        let of = |account: &str| Ledger::new(account, limits(Some(60), Some(2)), Some(&path));
        let (one, other, stranger) = (of("a"), of("a"), of("b"));
        assert_eq!(one.charge(0).expect("files"), Ok(()));
        assert!(other.charge(0).expect("files").is_err(), "one a second, and it is used");
        assert_eq!(stranger.charge(0).expect("files"), Ok(()));
        let taken = |ledger: &Ledger| ledger.place().expect("counted").ok();
        let (first, second) = (taken(&one).expect("free"), taken(&other).expect("free"));
        assert!(taken(&one).is_none() && taken(&other).is_none());
        assert!(taken(&stranger).is_some());
        drop(first);
        let third = taken(&other).expect("free again");
        assert!(taken(&one).is_none());
        drop((second, third));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("a directory").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[test]
    fn row_03_a_pause_is_heard_by_other_processes() {
        let directory = tempfile::tempdir().expect("a directory");
        let of = |rpm| Ledger::new("a", limits(rpm, None), Some(directory.path()));
        let (one, other, limited) = (of(None), of(None), of(Some(6_000)));
        one.pause(Duration::from_mins(10));
        for ledger in [&other, &limited] {
            let left = ledger.charge(0).expect("files").expect_err("paused");
            assert!(left > Duration::from_mins(9) && left <= Duration::from_mins(10));
        }
    }

    #[test]
    fn a_process_counts_alone_when_the_files_cannot_be_used() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let ledger = Ledger::new("a", limits(Some(60), Some(1)), Some(&file.path().join("below")));
        assert!(ledger.charge(0).is_err(), "said once");
        assert_eq!(ledger.charge(0).expect("alone"), Ok(()));
        assert!(ledger.charge(0).expect("alone").is_err());
        assert!(matches!(ledger.place(), Some(Ok(_))));
    }
}
