//! Trials, streamed in the order of the plan.

use std::{collections::HashSet, ops::ControlFlow};

use rusqlite::{Connection, OptionalExtension as _, Row, Statement, Transaction, params};
use serde::de::DeserializeOwned;

use crate::{
    base::money::Money,
    domain::{
        generation::Usage,
        message::Message,
        run::{AttemptRecord, DigestScore, RunRecord, ScoreRecord, TrialDigest, TrialRecord},
        sample::{Vars, value_text},
        slice::{Slices, TAGS},
        trial::{Hit, Status, TrialKey},
    },
    store::{
        Store, StoreError,
        insert::int,
        judgements::{of_trial, of_trial_by},
    },
};

/// Which trials to stream; the default is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrialFilter {
    /// Only failed ones: the status is not ok, a score did not pass, or a scorer could not do its
    /// work.
    pub only_failed: bool,
    /// Only those of the model with this index.
    pub model: Option<u32>,
    /// Only those of the prompt with this index.
    pub prompt: Option<u32>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A trial has failed; `?2` switches the condition on.
macro_rules! failed {
    () => {
        "(t.status <> 'ok' OR EXISTS (SELECT 1 FROM scores f WHERE f.run = t.run AND f.seq = t.seq
             AND (f.passed = 0 OR f.error_kind IN ('scorer', 'judge'))))"
    };
}

/// The columns that [`key`], [`usage`] and the two readers share, in front of their own.
macro_rules! columns {
    () => {
        "t.seq, t.sample, t.prompt, t.model, t.epoch, t.status, t.error_kind, t.cached,
         t.latency_us, t.ttft_us, t.input_tokens, t.output_tokens, t.cache_read_tokens,
         t.cache_write_tokens, t.reasoning_tokens, t.cost_pico"
    };
}

/// The columns that [`hit`] reads, behind the others.
macro_rules! hit_columns {
    () => {
        "t.cached_latency_us, t.cached_ttft_us, t.saved_pico"
    };
}

const TRIALS: &str = concat!(
    "SELECT ",
    columns!(),
    ", t.attempts, a.served_by, a.finish_reason, a.error_message, a.output, a.reasoning,
       a.extracted, t.cache_write_1h_tokens, t.cost_source, a.logprobs, ",
    hit_columns!(),
    ", EXISTS (SELECT 1 FROM attempts m WHERE m.run = t.run AND m.seq = t.seq AND m.masked)
     FROM trials t LEFT JOIN answers a ON a.run = t.run AND a.seq = t.seq
     WHERE t.run = ?1 AND t.status <> 'open' AND (NOT ?2 OR ",
    failed!(),
    ") AND (?3 IS NULL OR t.model = ?3) AND (?4 IS NULL OR t.prompt = ?4)
     ORDER BY t.seq LIMIT ?5"
);

const DIGESTS: &str = concat!(
    "SELECT ",
    columns!(),
    ", t.cache_write_1h_tokens, ",
    hit_columns!(),
    ", t.stand_in FROM trials t WHERE t.run = ?1 AND t.status <> 'open' ORDER BY t.seq"
);

const FAILED_SAMPLES: &str = concat!(
    "SELECT s.id FROM samples s WHERE s.run = ?1 AND s.sample IN
         (SELECT t.sample FROM trials t WHERE t.run = ?1 AND t.status <> 'open' AND ",
    failed!(),
    ")"
);

const SAMPLE: &str =
    "SELECT id, input, expected, tags, vars, cluster FROM samples WHERE run = ?1 AND sample = ?2";
const SLICES: &str = "SELECT sample, tags, vars FROM samples WHERE run = ?1 ORDER BY sample";
const COLUMNS: &str = "SELECT vars FROM samples WHERE run = ?1 ORDER BY sample LIMIT 1";
const CLUSTER: &str = "SELECT cluster FROM samples WHERE run = ?1 AND sample = ?2";
const MESSAGES: &str =
    "SELECT messages FROM messages WHERE run = ?1 AND sample = ?2 AND prompt = ?3";
const SCORES: &str = "SELECT scorer, value, passed, label, explanation, error_kind, error_message
                      FROM scores WHERE run = ?1 AND seq = ?2 ORDER BY scorer";
const ATTEMPTS: &str =
    "SELECT queued_us, backoff_us, latency_us, http_status, error_kind, error_message,
       cost_pico FROM attempts WHERE run = ?1 AND seq = ?2 ORDER BY attempt";
const DIGEST_SCORES: &str =
    "SELECT value, error_kind IN ('scorer', 'judge'), counts, error_kind IS 'judge' FROM scores WHERE run = ?1 AND seq = ?2
     ORDER BY scorer";

impl Store {
    /// Hands the trials of `run` that `filter` lets through to `take`, in the order of the plan,
    /// until it breaks. One trial is in memory at a time; all are of one moment.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn trials(
        &self,
        run: &RunRecord,
        filter: &TrialFilter,
        take: &mut dyn FnMut(TrialRecord) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let of = |error| self.error(error);
        let _one_moment = self.one_moment().map_err(of)?;
        let run = self.run_key(run)?;
        let mut details = Details::over(&self.conn, run).map_err(of)?;
        let mut select = self.conn.prepare_cached(TRIALS).map_err(of)?;
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let wanted = params![run, filter.only_failed, filter.model, filter.prompt, limit];
        let mut rows = select.query(wanted).map_err(of)?;
        while let Some(row) = rows.next().map_err(of)? {
            let trial = details.trial(row).map_err(|problem| self.problem(problem))?;
            if take(trial).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Hands what metrics need of every trial of `run` to `take`, in the order of the plan.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn digests(
        &self,
        run: &RunRecord,
        take: &mut dyn FnMut(TrialDigest),
    ) -> Result<(), StoreError> {
        let of = |error| self.error(error);
        let _one_moment = self.one_moment().map_err(of)?;
        let run = self.run_key(run)?;
        let mut scores = self.conn.prepare_cached(DIGEST_SCORES).map_err(of)?;
        let mut clusters = self.conn.prepare_cached(CLUSTER).map_err(of)?;
        let mut select = self.conn.prepare_cached(DIGESTS).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        let mut held: Option<(u64, Option<String>)> = None;
        while let Some(row) = rows.next().map_err(of)? {
            let problem = |problem| self.problem(problem);
            let key = key(row).map_err(problem)?;
            let cluster = match &held {
                Some((sample, cluster)) if *sample == key.sample => cluster.clone(),
                _ => {
                    let cluster: Option<String> = clusters
                        .query_row(params![run, int(key.sample)], |row| row.get(0))
                        .map_err(of)?;
                    held = Some((key.sample, cluster.clone()));
                    cluster
                }
            };
            let scores = digest_scores(&mut scores, run, key.seq).map_err(problem)?;
            take(digest(row, key, cluster, scores).map_err(problem)?);
        }
        Ok(())
    }

    /// Which slices each sample of `run` belongs to, by these columns. Tags are meant by a name of
    /// [`TAGS`], unless a column has it that is none of tags.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn slices(&self, run: &RunRecord, columns: &[String]) -> Result<Slices, StoreError> {
        let of = |error| self.error(error);
        let mut slices = Slices::by(columns.iter().cloned());
        if columns.is_empty() {
            return Ok(slices);
        }
        let run = self.run_key(run)?;
        let mut select = self.conn.prepare_cached(SLICES).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        let mut next = 0;
        while let Some(row) = rows.next().map_err(of)? {
            let problem = |found| self.problem(found);
            let sample = count(row, 0).map_err(problem)?.unwrap_or_default();
            let text = |column| row.get::<_, String>(column).map_err(of);
            let tags: Vec<String> = parsed(&text(1)?, "tags").map_err(problem)?;
            let vars: Vars = parsed(&text(2)?, "vars").map_err(problem)?;
            // Of a run that was cut off, some samples may not be recorded.
            (next..sample).for_each(|_| slices.add([]));
            next = sample + 1;
            let mut values: Vec<(usize, String)> = Vec::new();
            for (place, column) in columns.iter().enumerate() {
                if TAGS.contains(&column.as_str()) && !tags.is_empty() {
                    values.extend(tags.iter().map(|tag| (place, tag.clone())));
                } else if let Some(value) = vars.get(column).map(value_text) {
                    values.push((place, value));
                }
            }
            let mut values: Vec<_> = values.into_iter().filter(|(_, v)| !v.is_empty()).collect();
            values.sort();
            values.dedup();
            slices.add(values.iter().map(|(place, value)| (*place, value.as_str())));
        }
        Ok(slices)
    }

    /// The columns of the first recorded sample of `run`.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn columns(&self, run: &RunRecord) -> Result<Vec<String>, StoreError> {
        let run = self.run_key(run)?;
        let vars: Option<String> = self
            .conn
            .query_row(COLUMNS, [run], |row| row.get(0))
            .optional()
            .map_err(|error| self.error(error))?;
        let vars: Option<Vars> = vars
            .map(|vars| parsed(&vars, "vars"))
            .transpose()
            .map_err(|found| self.problem(found))?;
        Ok(vars.map(|vars| vars.keys().cloned().collect()).unwrap_or_default())
    }

    /// Ids of the samples of which a trial of `run` has failed, as [`TrialFilter::only_failed`]
    /// means it.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn failed_sample_ids(&self, run: &RunRecord) -> Result<HashSet<String>, StoreError> {
        let run = self.run_key(run)?;
        let found = self
            .conn
            .prepare_cached(FAILED_SAMPLES)
            .and_then(|mut select| select.query_map([run], |row| row.get(0))?.collect());
        found.map_err(|error| self.error(error))
    }

    /// A read transaction, unless the caller is inside of one already.
    fn one_moment(&self) -> rusqlite::Result<Option<Transaction<'_>>> {
        self.conn.is_autocommit().then(|| self.conn.unchecked_transaction()).transpose()
    }

    pub(super) fn problem(&self, problem: Problem) -> StoreError {
        match problem {
            Problem::Sqlite(error) => self.error(error),
            Problem::Damaged(reason) => self.damaged(reason),
        }
    }
}

/// Why a row could not be read.
pub(super) enum Problem {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Looks up what belongs to a trial; what a sample's trials share is read once.
struct Details<'store> {
    run: i64,
    sample_by: rusqlite::CachedStatement<'store>,
    messages_by: rusqlite::CachedStatement<'store>,
    scores_by: rusqlite::CachedStatement<'store>,
    judgements_by: rusqlite::CachedStatement<'store>,
    attempts_by: rusqlite::CachedStatement<'store>,
    sample: Option<(u64, SampleRow)>,
    messages: Option<((u64, u32), Vec<Message>)>,
}

#[derive(Clone)]
struct SampleRow {
    id: String,
    input: Option<String>,
    expected: Vec<String>,
    tags: Vec<String>,
    cluster: Option<String>,
    vars: Vars,
}

impl<'store> Details<'store> {
    fn over(conn: &'store Connection, run: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            run,
            sample_by: conn.prepare_cached(SAMPLE)?,
            messages_by: conn.prepare_cached(MESSAGES)?,
            scores_by: conn.prepare_cached(SCORES)?,
            judgements_by: of_trial_by(conn)?,
            attempts_by: conn.prepare_cached(ATTEMPTS)?,
            sample: None,
            messages: None,
        })
    }

    fn trial(&mut self, row: &Row<'_>) -> Result<TrialRecord, Problem> {
        let key = key(row)?;
        let sample = self.sample(key.sample)?;
        let messages = self.messages(key.sample, key.prompt)?;
        let kind: Option<String> = row.get(6)?;
        let message: Option<String> = row.get(19)?;
        let extracted: Option<String> = row.get(22)?;
        let logprobs: Option<String> = row.get(25)?;
        Ok(TrialRecord {
            key,
            sample_id: sample.id,
            vars: sample.vars,
            input: sample.input,
            expected: sample.expected,
            tags: sample.tags,
            cluster: sample.cluster,
            messages,
            output: row.get(20)?,
            reasoning: row.get(21)?,
            extracted: extracted.map_or(Ok(Vec::new()), |text| parsed(&text, "extracted"))?,
            status: status(row)?,
            error: kind.map(|kind| (kind, message.unwrap_or_default())),
            finish_reason: row.get(18)?,
            served_by: row.get(17)?,
            cached: hit(row, 26)?,
            attempts: row.get(16)?,
            masked: row.get(29)?,
            latency_us: count(row, 8)?,
            ttft_us: count(row, 9)?,
            usage: usage(row, 23)?,
            cost_pico: row.get(15)?,
            cost_source: row.get(24)?,
            logprobs: logprobs.map_or(Ok(Vec::new()), |text| parsed(&text, "logprobs"))?,
            scores: scores(&mut self.scores_by, self.run, key.seq)?,
            judgements: of_trial(&mut self.judgements_by, self.run, key.seq)?,
            tries: attempts(&mut self.attempts_by, self.run, key.seq)?,
        })
    }

    fn sample(&mut self, index: u64) -> Result<SampleRow, Problem> {
        if let Some((held, sample)) = &self.sample
            && *held == index
        {
            return Ok(sample.clone());
        }
        let mut rows = self.sample_by.query(params![self.run, int(index)])?;
        let Some(row) = rows.next()? else {
            return Err(Problem::Damaged(format!("sample {index} is missing")));
        };
        let text = |column| row.get::<_, String>(column);
        let sample = SampleRow {
            id: row.get(0)?,
            input: row.get(1)?,
            expected: parsed(&text(2)?, "expected")?,
            tags: parsed(&text(3)?, "tags")?,
            vars: parsed(&text(4)?, "vars")?,
            cluster: row.get(5)?,
        };
        self.sample = Some((index, sample.clone()));
        Ok(sample)
    }

    /// What was said; nothing when the prompt could not be made.
    fn messages(&mut self, sample: u64, prompt: u32) -> Result<Vec<Message>, Problem> {
        if let Some((held, messages)) = &self.messages
            && *held == (sample, prompt)
        {
            return Ok(messages.clone());
        }
        let text: Option<String> = self
            .messages_by
            .query_row(params![self.run, int(sample), prompt], |row| row.get(0))
            .optional()?;
        let messages: Vec<Message> =
            text.map_or(Ok(Vec::new()), |text| parsed(&text, "messages"))?;
        self.messages = Some(((sample, prompt), messages.clone()));
        Ok(messages)
    }
}

fn attempts(
    select: &mut Statement<'_>,
    run: i64,
    seq: u64,
) -> rusqlite::Result<Vec<AttemptRecord>> {
    let rows = select.query_map(params![run, int(seq)], |row| {
        let kind: Option<String> = row.get(4)?;
        let message: Option<String> = row.get(5)?;
        Ok(AttemptRecord {
            queued_us: row.get::<_, i64>(0)?.unsigned_abs(),
            backoff_us: row.get::<_, i64>(1)?.unsigned_abs(),
            latency_us: row.get::<_, i64>(2)?.unsigned_abs(),
            http_status: row.get(3)?,
            error: kind.map(|kind| (kind, message.unwrap_or_default())),
            cost_pico: row.get(6)?,
        })
    })?;
    rows.collect()
}

fn scores(select: &mut Statement<'_>, run: i64, seq: u64) -> rusqlite::Result<Vec<ScoreRecord>> {
    let rows = select.query_map(params![run, int(seq)], |row| {
        let kind: Option<String> = row.get(5)?;
        let message: Option<String> = row.get(6)?;
        Ok(ScoreRecord {
            scorer: row.get(0)?,
            value: row.get(1)?,
            passed: row.get(2)?,
            label: row.get(3)?,
            explanation: row.get(4)?,
            error: kind.map(|kind| (kind, message.unwrap_or_default())),
        })
    })?;
    rows.collect()
}

fn digest_scores(
    select: &mut Statement<'_>,
    run: i64,
    seq: u64,
) -> Result<Vec<DigestScore>, Problem> {
    let mut rows = select.query(params![run, int(seq)])?;
    let mut scores = Vec::new();
    while let Some(row) = rows.next()? {
        let counts = counts(row, 2)?;
        scores.push(DigestScore {
            value: row.get(0)?,
            counts,
            failed: row.get::<_, Option<bool>>(1)?.unwrap_or(false),
            unanswered: row.get(3)?,
        });
    }
    Ok(scores)
}

/// What a scorer counted.
pub(super) fn counts(row: &Row<'_>, column: usize) -> Result<Vec<f64>, Problem> {
    let json: Option<String> = row.get(column)?;
    json.map_or(Ok(Vec::new()), |json| parsed(&json, "counts"))
}

fn digest(
    row: &Row<'_>,
    key: TrialKey,
    cluster: Option<String>,
    scores: Vec<DigestScore>,
) -> Result<TrialDigest, Problem> {
    let cost_pico: Option<i64> = row.get(15)?;
    Ok(TrialDigest {
        key,
        cluster,
        status: status(row)?,
        error_kind: row.get(6)?,
        stand_in: row.get(20)?,
        cached: hit(row, 17)?,
        // The sum is unknown exactly when a request that may be billed has no known cost.
        unpriced: cost_pico.is_none(),
        latency_us: count(row, 8)?,
        ttft_us: count(row, 9)?,
        usage: usage(row, 16)?,
        cost_pico,
        scores,
    })
}

/// That the answer came from the cache, by the columns from `first` on.
fn hit(row: &Row<'_>, first: usize) -> Result<Option<Hit>, Problem> {
    if !row.get::<_, bool>(7)? {
        return Ok(None);
    }
    Ok(Some(Hit {
        latency_us: count(row, first)?,
        ttft_us: count(row, first + 1)?,
        saved: row.get::<_, Option<i64>>(first + 2)?.map(Money::from_pico),
    }))
}

fn key(row: &Row<'_>) -> Result<TrialKey, Problem> {
    let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
    Ok(TrialKey {
        seq: known(0)?,
        sample: known(1)?,
        prompt: row.get(2)?,
        model: row.get(3)?,
        epoch: row.get(4)?,
    })
}

fn status(row: &Row<'_>) -> Result<Status, Problem> {
    let name: String = row.get(5)?;
    Status::from_name(&name)
        .ok_or_else(|| Problem::Damaged(format!("a trial has the status `{name}`")))
}

/// The tokens; `hour` is the column of those that are cached for an hour.
fn usage(row: &Row<'_>, hour: usize) -> Result<Option<Usage>, Problem> {
    let Some(input) = count(row, 10)? else { return Ok(None) };
    let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
    Ok(Some(Usage {
        input,
        output: known(11)?,
        cache_read: known(12)?,
        cache_write: known(13)?,
        cache_write_1h: known(hour)?,
        reasoning: known(14)?,
    }))
}

/// A count, which is never below 0.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<Option<u64>, Problem> {
    row.get::<_, Option<i64>>(column)?
        .map(|count| {
            u64::try_from(count)
                .map_err(|_| Problem::Damaged(format!("a trial has a count of {count}")))
        })
        .transpose()
}

pub(super) fn parsed<T: DeserializeOwned>(json: &str, column: &str) -> Result<T, Problem> {
    serde_json::from_str(json)
        .map_err(|error| Problem::Damaged(format!("column `{column}`: {error}")))
}
