//! The writer: one thread, one connection, transactions that hold whatever has queued up.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{
    domain::{
        contract::{Receipt, Sink, SinkError},
        event::Event,
    },
    store::{
        JournalMode, Store, StoreError,
        insert::{self, Progress, Rejection, Statements},
        room::{self, Ballast},
    },
};

/// Events in one transaction at most; bounds how long the first one waits for the last one.
const BATCH: usize = 1_024;

/// After a transaction of so many events others are waited for, for so long: pages and the disk's
/// confirmation are then shared by more of them, and nobody who emits has to wake this thread.
const BUSY: usize = 8;
const GATHER: Duration = Duration::from_millis(1);

/// How often the write lock is asked for, each time for as long as the connection's busy timeout,
/// before a run is given up because another process holds the store.
const LOCK_TRIES: u32 = 12;

/// Writes the events of a run, in the order in which they were emitted.
///
/// A receipt resolves when the transaction that holds its event is on the disk. With nothing else
/// queued an event commits at once; under load, what arrives during one fsync and the moment after
/// it shares the next. An
/// event that contradicts what is stored fails alone, by its receipt. When the store itself fails,
/// every event from then on is answered with the cause.
///
/// A writer that [guards](Self::guarded) a run stops it when the disk is full or fails, and still
/// writes what is under way, into the room that was kept back.
#[derive(Debug)]
pub struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<Result<(), SinkError>>>,
    journal_mode: JournalMode,
    trouble: Arc<OnceLock<String>>,
}

/// What stands between a run and a disk that gives out.
struct Guard {
    /// Stops the run.
    stop: Box<dyn Fn() + Send>,
    ballast: Ballast,
}

#[derive(Debug)]
struct Job {
    event: Event,
    promise: Option<oneshot::Sender<Result<(), SinkError>>>,
}

impl Writer {
    /// Opens the store at `path`, made when it does not exist, and starts the thread.
    ///
    /// # Errors
    /// As [`Store::open`]; and when the file may not be written or no thread can be started.
    pub fn start(path: &Path) -> Result<Self, StoreError> {
        Self::with(Store::open(path)?, None)
    }

    /// The same, and room is kept back: when the disk is full, fails or has little room left, `stop`
    /// is called, and what was begun can still be written.
    ///
    /// # Errors
    /// As [`Writer::start`].
    pub fn guarded(path: &Path, stop: Box<dyn Fn() + Send>) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        let ballast = Ballast::of(&store.path);
        Self::with(store, Some(Guard { stop, ballast }))
    }

    /// Why the run was stopped, when the disk was the reason.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// How commits are made durable here.
    pub fn journal_mode(&self) -> JournalMode {
        self.journal_mode
    }

    /// Writes what is queued, moves the log into the database file, and ends the thread.
    ///
    /// # Errors
    /// The cause for which writing had stopped, if it had.
    pub fn close(mut self) -> Result<(), SinkError> {
        self.finish()
    }

    /// Writes by the connection of `store`.
    #[cfg(test)]
    pub(super) fn over(store: Store) -> Result<Self, StoreError> {
        Self::with(store, None)
    }

    fn with(store: Store, guard: Option<Guard>) -> Result<Self, StoreError> {
        if store.conn.is_readonly("main").map_err(|error| store.error(error))? {
            return Err(StoreError::ReadOnly { path: store.path });
        }
        let journal_mode = store.journal_mode();
        let file = Identity::of(&store.path);
        let trouble = Arc::new(OnceLock::new());
        let worker = Worker {
            conn: store.conn,
            path: store.path.clone(),
            file,
            progress: Progress::default(),
            guard,
            trouble: Arc::clone(&trouble),
        };
        let (queue, jobs) = channel();
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || worker.run(&jobs))
            .map_err(|source| StoreError::Path { path: store.path, source })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), journal_mode, trouble })
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        drop(self.queue.take());
        if let Some(thread) = &self.thread {
            // It need not wait for more.
            thread.thread().unpark();
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(stopped()),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody is left to tell; whoever wants to know calls `close`.
        self.finish().ok();
    }
}

impl Sink for Writer {
    fn emit(&self, event: &Event) -> Option<Receipt> {
        let (promise, outcome) = match event {
            Event::Sample(_) | Event::Rendered { .. } => (None, None),
            Event::Started(_)
            | Event::Resumed(_)
            | Event::Retried(_)
            | Event::Left { .. }
            | Event::Answered(_)
            | Event::Judged(_)
            | Event::Scored(_)
            | Event::Finished(_) => {
                let (promise, outcome) = oneshot::channel();
                (Some(promise), Some(outcome))
            }
        };
        if let Some(queue) = &self.queue {
            // A thread that has ended drops the promise, which the receipt tells.
            queue.send(Job { event: event.clone(), promise }).ok();
        }
        outcome.map(|outcome| -> Receipt {
            Box::pin(async move { outcome.await.unwrap_or_else(|_| Err(stopped())) })
        })
    }
}

fn stopped() -> SinkError {
    SinkError("the thread that writes the store has ended".to_owned())
}

struct Worker {
    conn: Connection,
    path: PathBuf,
    file: Option<Identity>,
    progress: Progress,
    guard: Option<Guard>,
    trouble: Arc<OnceLock<String>>,
}

/// What came of each event of a batch.
type Outcomes = Vec<Result<(), SinkError>>;

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) -> Result<(), SinkError> {
        let mut failed: Option<SinkError> = None;
        let mut busy = false;
        while let Ok(first) = jobs.recv() {
            if busy {
                thread::park_timeout(GATHER);
            }
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            busy = batch.len() >= BUSY;
            let outcomes = match &failed {
                None => self.guarded_commit(&batch).unwrap_or_else(|error| {
                    let error = SinkError(error.to_string());
                    failed = Some(error.clone());
                    vec![Err(error); batch.len()]
                }),
                Some(error) => vec![Err(error.clone()); batch.len()],
            };
            for (job, outcome) in batch.into_iter().zip(outcomes) {
                if let Some(promise) = job.promise {
                    // Whoever dropped the receipt does not want to know.
                    promise.send(outcome).ok();
                }
            }
        }
        // Best effort: a log that stays is read at the next open.
        self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").ok();
        failed.map_or(Ok(()), Err)
    }

    /// As [`Worker::commit`]. When the disk gives out, the run is told to stop and `batch` is written
    /// once more, into the room that was kept back; a transaction that failed has left nothing.
    fn guarded_commit(&mut self, batch: &[Job]) -> Result<Outcomes, StoreError> {
        let before = self.progress;
        match self.commit(batch) {
            Err(error @ (StoreError::DiskFull { .. } | StoreError::Disk { .. })) => {
                let Some(guard) = &self.guard else { return Err(error) };
                self.stop(&error);
                if !guard.ballast.release() && matches!(error, StoreError::DiskFull { .. }) {
                    return Err(error);
                }
                self.progress = before;
                self.commit(batch)
            }
            Ok(outcomes) => {
                self.look_for_room();
                Ok(outcomes)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the run to stop.
    fn stop(&self, why: &StoreError) {
        self.trouble.set(why.to_string()).ok();
        if let Some(guard) = &self.guard {
            (guard.stop)();
        }
    }

    /// Stops the run before the disk is full. After every transaction: rows and prompts take room
    /// too, long before their answers come, and asking costs nothing beside a commit.
    fn look_for_room(&self) {
        if self.guard.is_some()
            && self.trouble.get().is_none()
            && let Err(error) = room::check(&self.path)
        {
            self.stop(&error);
        }
    }

    /// Writes `batch` in one transaction and says for each event what came of it.
    fn commit(&mut self, batch: &[Job]) -> Result<Outcomes, StoreError> {
        let before = self.progress;
        // When an event is wrong, which is rare, all are written once more, with a savepoint round
        // each, to leave out the wrong ones only.
        for one_by_one in [false, true] {
            self.progress = before;
            if let Some(outcomes) = self.transact(batch, one_by_one)? {
                return Ok(outcomes);
            }
        }
        Ok(Vec::new())
    }

    /// One try at [`Worker::commit`]; `None` when an event was wrong and nothing was written, which
    /// does not happen `one_by_one`.
    fn transact(
        &mut self,
        batch: &[Job],
        one_by_one: bool,
    ) -> Result<Option<Outcomes>, StoreError> {
        self.still_there()?;
        let of = |error| StoreError::of(&self.path, error);
        let transaction = begin(&self.conn).map_err(of)?;
        let mut statements = Statements::on(&transaction);
        let mut outcomes = Vec::with_capacity(batch.len());
        for job in batch {
            let before = self.progress;
            if one_by_one {
                transaction.execute_batch("SAVEPOINT event").map_err(of)?;
            }
            let written = insert::event(&mut statements, &mut self.progress, &job.event);
            let outcome = match written {
                Ok(()) => Ok(()),
                Err(Rejection::Broken(error)) => return Err(of(error)),
                Err(Rejection::Refused(_)) if !one_by_one => return Ok(None),
                Err(Rejection::Refused(reason)) => {
                    let error = StoreError::Conflict { path: self.path.clone(), reason };
                    if job.promise.is_none() {
                        // Nobody waits for this event, so nobody would hear of it.
                        return Err(error);
                    }
                    self.progress = before;
                    transaction.execute_batch("ROLLBACK TO event").map_err(of)?;
                    Err(SinkError(error.to_string()))
                }
            };
            if one_by_one {
                transaction.execute_batch("RELEASE event").map_err(of)?;
            }
            outcomes.push(outcome);
        }
        insert::flush(&mut statements, &mut self.progress).map_err(of)?;
        drop(statements);
        transaction.commit().map_err(of)?;
        Ok(Some(outcomes))
    }

    /// `SQLite` goes on writing into a file that was deleted, and everything would seem fine.
    fn still_there(&self) -> Result<(), StoreError> {
        if Identity::of(&self.path) == self.file {
            return Ok(());
        }
        Err(StoreError::Moved { path: self.path.clone() })
    }
}

/// A transaction that holds the write lock.
pub(super) fn begin(conn: &Connection) -> rusqlite::Result<Transaction<'_>> {
    for _ in 1..LOCK_TRIES {
        match Transaction::new_unchecked(conn, TransactionBehavior::Immediate) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            other => return other,
        }
    }
    Transaction::new_unchecked(conn, TransactionBehavior::Immediate)
}

/// Which file a path leads to: device and inode. Elsewhere than on Unix, only that there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::from_metadata)
    }

    #[cfg(unix)]
    pub(super) fn from_metadata(found: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self(found.dev(), found.ino())
    }

    #[cfg(not(unix))]
    pub(super) fn from_metadata(_found: &fs::Metadata) -> Self {
        Self(0, 0)
    }
}
