//! The cache as a run uses it.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{OptionalExtension as _, Row, params};

use super::{KIND, Keep, entry, evict};
use crate::{
    base::{clock, money::Money},
    domain::{
        contract::{CacheKey, Kept, ResponseCache},
        target::Target,
        trial::Hit,
    },
    store::{Store, StoreError, insert::int, writer::begin},
};

/// Answers in one transaction at most.
const BATCH: usize = 4_096;

/// How long others are waited for that share a transaction: keys come in no order, so that one of few
/// answers writes a page for each of them. Nobody waits for it.
const GATHER: Duration = Duration::from_millis(100);

/// Answers that may wait to be written. What comes when so many wait is not kept: a cache on a disk
/// that stalls must not fill the memory.
const WAITING: usize = 8_192;

/// Clocks of several machines differ. What was kept later than this from now was kept by a clock
/// that is wrong, and would never grow old.
const AHEAD_MS: i64 = 60_000;

/// The response cache of a run.
#[derive(Debug)]
pub struct AnswerCache {
    pub(super) reader: Mutex<Store>,
    shared: Arc<Shared>,
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What is put and not written yet, so that it is found at once.
    waiting: Mutex<HashMap<CacheKey, Arc<Kept>>>,
    uses: Mutex<Uses>,
    /// The first thing that went wrong.
    trouble: Mutex<Option<String>>,
}

/// Uses that are not in the file yet.
#[derive(Debug, Default)]
struct Uses {
    hits: u64,
    saved: Money,
    unpriced: u64,
}

#[derive(Debug)]
struct Job {
    key: CacheKey,
    created_ms: i64,
    provider: &'static str,
    model: String,
    kept: Arc<Kept>,
}

impl AnswerCache {
    /// The cache in the file at `path`, made when it does not exist, which is kept as `keep` says.
    ///
    /// # Errors
    /// The path is of no use, the file is not a cache, is damaged, or is of a newer version; no
    /// thread can be started.
    pub fn open(path: &Path, keep: Keep) -> Result<Self, StoreError> {
        let reader = Store::open_as(path, &KIND)?;
        if reader.conn.is_readonly("main").map_err(|error| reader.error(error))? {
            return Err(StoreError::ReadOnly { path: reader.path });
        }
        let writer = Store::open_as(path, &KIND)?;
        let shared = Arc::new(Shared::default());
        let (queue, jobs) = sync_channel(WAITING);
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("cache-writer".to_owned())
            .spawn(move || write_all(&writer, &jobs, &of_thread, keep))
            .map_err(|source| StoreError::Path { path: reader.path.clone(), source })?;
        let reader = Mutex::new(reader);
        Ok(Self { reader, shared, queue: Some(queue), thread: Some(thread) })
    }

    /// Writes what is queued and ends the thread. What went wrong on the way, if anything did.
    pub fn close(mut self) -> Option<String> {
        self.finish();
        lock(&self.shared.trouble).take()
    }

    fn finish(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = &self.thread {
            // It need not wait for more.
            thread.thread().unpark();
        }
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            self.shared.note("the thread that writes the cache broke off".to_owned());
        }
    }

    fn read(&self, key: &CacheKey, since_ms: i64) -> Result<Option<Kept>, StoreError> {
        let store = lock(&self.reader);
        let of = |error| store.error(error);
        let sql = "SELECT latency_us, ttft_us, cost_pico, answer FROM answers
                   WHERE key = ?1 AND created_ms >= ?2 AND created_ms <= ?3";
        let latest = clock::now_ms().saturating_add(AHEAD_MS);
        let row = params![key.0, since_ms, latest];
        let mut select = store.conn.prepare_cached(sql).map_err(of)?;
        let found = select.query_row(row, |row| {
            let origin = Hit {
                latency_us: count(row, 0)?,
                ttft_us: count(row, 1)?,
                saved: row.get::<_, Option<i64>>(2)?.map(Money::from_pico),
            };
            Ok((origin, row.get::<_, String>(3)?))
        });
        drop(select);
        match found.optional() {
            Ok(found) => Ok(found
                .and_then(|(origin, json)| Some(Kept { generation: entry::read(&json)?, origin }))),
            Err(error @ rusqlite::Error::SqliteFailure(..)) => Err(store.error(error)),
            // A value that this program does not write: not an answer, and soon replaced by one.
            Err(_) => Ok(None),
        }
    }
}

impl Drop for AnswerCache {
    fn drop(&mut self) {
        self.finish();
    }
}

impl ResponseCache for AnswerCache {
    fn get(&self, key: &CacheKey, since_ms: i64) -> Option<Arc<Kept>> {
        if let Some(kept) = lock(&self.shared.waiting).get(key) {
            return Some(Arc::clone(kept));
        }
        match self.read(key, since_ms) {
            Ok(found) => found.map(Arc::new),
            Err(error) => {
                self.shared.note(error.to_string());
                None
            }
        }
    }

    fn put(&self, key: CacheKey, target: &Target, answer: Arc<Kept>) {
        let Some(queue) = &self.queue else { return };
        let job = Job {
            key,
            created_ms: clock::now_ms(),
            provider: target.provider,
            model: target.model.clone(),
            kept: Arc::clone(&answer),
        };
        lock(&self.shared.waiting).insert(key, answer);
        if let Err(refused) = queue.try_send(job) {
            lock(&self.shared.waiting).remove(&key);
            self.shared.note(format!("write an answer to the cache: {}", why(&refused)));
        }
    }

    fn used(&self, origin: &Hit) {
        let mut uses = lock(&self.shared.uses);
        uses.hits += 1;
        uses.saved = uses.saved + origin.saved.unwrap_or(Money::ZERO);
        uses.unpriced += u64::from(origin.saved.is_none());
    }
}

fn why(refused: &TrySendError<Job>) -> &'static str {
    match refused {
        TrySendError::Full(_) => "too many are waiting",
        TrySendError::Disconnected(_) => "its thread has ended",
    }
}

impl Shared {
    fn note(&self, trouble: String) {
        lock(&self.trouble).get_or_insert(trouble);
    }
}

fn write_all(store: &Store, jobs: &Receiver<Job>, shared: &Shared, keep: Keep) {
    let note = |done: Result<(), StoreError>| {
        if let Err(error) = done {
            shared.note(error.to_string());
        }
    };
    note(evict::expire(store, keep));
    note(evict::shrink(store, keep.max_bytes));
    while let Ok(first) = jobs.recv() {
        thread::park_timeout(GATHER);
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(BATCH - 1));
        // What cannot be written is not kept, and the next batch may fare better.
        note(commit(store, &batch, shared).and_then(|()| evict::shrink(store, keep.max_bytes)));
        let mut waiting = lock(&shared.waiting);
        for job in &batch {
            // A newer answer may wait under the same key.
            if waiting.get(&job.key).is_some_and(|kept| Arc::ptr_eq(kept, &job.kept)) {
                waiting.remove(&job.key);
            }
        }
    }
    note(commit(store, &[], shared));
}

/// Writes `batch` and the uses so far in one transaction.
fn commit(store: &Store, batch: &[Job], shared: &Shared) -> Result<(), StoreError> {
    let uses = std::mem::take(&mut *lock(&shared.uses));
    if batch.is_empty() && uses.hits == 0 {
        return Ok(());
    }
    let of = |error| store.error(error);
    let transaction = begin(&store.conn).map_err(of)?;
    let sql =
        "INSERT INTO answers (key, created_ms, provider, model, latency_us, ttft_us, cost_pico,
                   answer)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (key) DO UPDATE SET
                   created_ms = excluded.created_ms, provider = excluded.provider,
                   model = excluded.model, latency_us = excluded.latency_us,
                   ttft_us = excluded.ttft_us, cost_pico = excluded.cost_pico,
                   answer = excluded.answer";
    // Once a batch: the connection finds a statement by hashing the whole text.
    let mut insert = transaction.prepare_cached(sql).map_err(of)?;
    for job in batch {
        let Some(json) = entry::written(&job.kept.generation) else { continue };
        let origin = job.kept.origin;
        let row = params![
            job.key.0,
            job.created_ms,
            job.provider,
            job.model,
            origin.latency_us.map(int),
            origin.ttft_us.map(int),
            origin.saved.map(Money::pico),
            json,
        ];
        insert.execute(row).map_err(of)?;
    }
    drop(insert);
    if uses.hits > 0 {
        let sql = "UPDATE totals SET hits = hits + ?1, saved_pico = saved_pico + ?2,
                       unpriced_hits = unpriced_hits + ?3";
        let row = params![int(uses.hits), uses.saved.pico(), int(uses.unpriced)];
        // Statistics hold up no answers.
        let counted = transaction.prepare_cached(sql).and_then(|mut update| update.execute(row));
        if let Err(error) = counted {
            shared.note(store.error(error).to_string());
        }
    }
    transaction.commit().map_err(of)
}

/// A count, which is never below 0.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let count: Option<i64> = row.get(column)?;
    count
        .map(|count| {
            u64::try_from(count)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, count))
        })
        .transpose()
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
