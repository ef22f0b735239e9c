//! `evals cache`: what is in the response cache, and less of it. And the cache of a run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::json;

use super::{
    Out,
    args::{CacheClearArgs, CacheCommand, CacheFormat, CacheStatsArgs},
    ask, env,
    exit::{Exit, Failure},
    stored::directory_of,
};
use crate::{
    base::{clock, money::Money, quantity},
    client::Caching,
    domain::{
        contract::CacheKey,
        target::{Endpoint, Target},
    },
    plan::Plan,
    store::{AnswerCache, CacheFile, CacheStats, ClearFilter, Keep, StoreError},
};

/// Runs the command.
pub(super) fn run(command: &CacheCommand, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let path = path(db);
    match command {
        CacheCommand::Stats(args) => stats(args, &path, out)?,
        CacheCommand::Clear(args) => clear(args, &path, out)?,
    }
    Ok(Exit::Done)
}

/// The cache lies beside the database of runs.
fn path(db: &Path) -> PathBuf {
    directory_of(db).join("cache.db")
}

fn opened(path: &Path) -> Result<Option<CacheFile>, Failure> {
    CacheFile::open(path).map_err(|error| Failure::from(error).hint(DELETE))
}

const DELETE: &str =
    "the file may be deleted: it holds nothing but answers that can be asked again";

fn stats(args: &CacheStatsArgs, path: &Path, out: &mut Out) -> Result<(), Failure> {
    let stats = match opened(path)? {
        Some(file) => file.stats()?,
        None => CacheStats::default(),
    };
    let saved = (stats.hits == 0 || stats.unpriced_hits < stats.hits).then_some(stats.saved);
    let when = |ms: Option<i64>| ms.map(clock::rfc3339);
    let (oldest, newest) = (when(stats.oldest_ms), when(stats.newest_ms));
    if args.format == CacheFormat::Json {
        let object = json!({
            "path": path.display().to_string(),
            "entries": stats.entries,
            "bytes": stats.bytes,
            "max_bytes": stats.max_bytes,
            "expired": stats.expired,
            "evicted": stats.evicted,
            "hits": stats.hits,
            "unpriced_hits": stats.unpriced_hits,
            "saved_usd": saved.map(Money::usd),
            "oldest": oldest,
            "newest": newest,
        });
        return out.data(&format!("{object:#}\n"));
    }
    let saved = match saved {
        None => "unknown".to_owned(),
        Some(saved) if stats.unpriced_hits > 0 => format!("at least {saved}"),
        Some(saved) => saved.to_string(),
    };
    let none = || "none".to_owned();
    let lines = [
        ("cache", env::shown(path)),
        ("answers", stats.entries.to_string()),
        (
            "size",
            stats.max_bytes.map_or_else(
                || size(stats.bytes),
                |most| format!("{} of {}", size(stats.bytes), size(most)),
            ),
        ),
        ("removed", format!("{} too old, {} for room", stats.expired, stats.evicted)),
        ("hits", stats.hits.to_string()),
        ("saved", saved),
        ("oldest", oldest.unwrap_or_else(none)),
        ("newest", newest.unwrap_or_else(none)),
    ];
    lines.iter().try_for_each(|(name, value)| out.data(&format!("{name:<8} {value}\n")))
}

/// Bytes as people write them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn clear(args: &CacheClearArgs, path: &Path, out: &mut Out) -> Result<(), Failure> {
    let age = args.older_than.as_deref().map(|text| {
        quantity::duration(text).ok_or_else(|| {
            Failure::usage(format!("--older-than: `{text}` is no time, such as 12h or 7d"))
        })
    });
    let before_ms = age.transpose()?.map(|age| clock::now_ms().saturating_sub(milliseconds(age)));
    let filter = ClearFilter { before_ms, model: args.model.clone() };
    let Some(file) = opened(path)? else {
        out.note("there is no cache; `evals run` makes one when it calls a model");
        return Ok(());
    };
    if !args.yes {
        ask::confirm(&format!("delete {} answer(s)?", file.count(&filter)?), out)?;
    }
    let deleted = file.clear(&filter)?;
    out.data(&format!("deleted {deleted} answer(s)\n"))
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Whether any model's answers are cached: those of simulated and recorded ones cost nothing.
fn is_of_use(plan: &Plan) -> bool {
    are_called(plan.targets.iter().chain(&plan.judges))
}

/// Whether any of these is called over the network.
pub(super) fn are_called<'a>(mut targets: impl Iterator<Item = &'a Arc<Target>>) -> bool {
    targets.any(|target| {
        target.with_stand_ins().any(|target| matches!(target.endpoint, Endpoint::Http(_)))
    })
}

/// What says whether an answer is in the cache that a run of `plan` would use; `None` where it uses
/// none, or would look at no answer that is there now.
pub(super) fn look_up(
    plan: &Plan,
    refresh: bool,
    db: &Path,
) -> Option<impl Fn(&CacheKey) -> bool + use<>> {
    let ttl = plan.cache_ttl.filter(|_| !refresh && is_of_use(plan))?;
    let since_ms = clock::now_ms().saturating_sub(milliseconds(ttl));
    // A file that is of no use is told of by the run itself.
    let file = CacheFile::open(&path(db)).ok().flatten()?;
    Some(move |key: &CacheKey| file.has(key, since_ms).unwrap_or(false))
}

/// The cache of a run, if it uses one.
pub(super) struct Used {
    store: Arc<AnswerCache>,
    ttl: Duration,
    since_ms: Option<i64>,
}

impl Used {
    /// Opens the cache for `plan`; with `refresh` only answers count that are kept from now on. One
    /// that cannot be used is said so, and the run goes on without.
    pub(super) fn open(plan: &Plan, refresh: bool, db: &Path, out: &mut Out) -> Option<Self> {
        let ttl = plan.cache_ttl.filter(|_| is_of_use(plan))?;
        Self::keeping((ttl, plan.cache_max_bytes), refresh, db, out)
    }

    /// The same with this age of answers and this size of the file.
    pub(super) fn keeping(
        (ttl, max_bytes): (Duration, Option<u64>),
        refresh: bool,
        db: &Path,
        out: &mut Out,
    ) -> Option<Self> {
        let keep = Keep { ttl, max_bytes: max_bytes.unwrap_or(Keep::MAX_BYTES) };
        match AnswerCache::open(&path(db), keep) {
            Ok(store) => {
                let since_ms = refresh.then(clock::now_ms);
                Some(Self { store: Arc::new(store), ttl, since_ms })
            }
            Err(error) => {
                let hint = match error {
                    StoreError::NotADatabase { .. }
                    | StoreError::Foreign { .. }
                    | StoreError::Newer { .. }
                    | StoreError::Damaged { .. } => format!("; {DELETE}"),
                    _ => String::new(),
                };
                out.note(&format!(
                    "note: the run goes on without a cache: failed to {error}{hint}"
                ));
                None
            }
        }
    }

    /// What the client needs of it.
    pub(super) fn caching(&self) -> Caching {
        Caching { store: Arc::clone(&self.store) as _, ttl: self.ttl, since_ms: self.since_ms }
    }

    /// Writes what is queued, and says what went wrong on the way.
    pub(super) fn close(self, out: &mut Out) {
        // Someone who holds it still was given up, and writes nothing more.
        if let Some(trouble) = Arc::try_unwrap(self.store).ok().and_then(AnswerCache::close) {
            out.note(&format!("note: the cache did not work throughout: failed to {trouble}"));
        }
    }
}
