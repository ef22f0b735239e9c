//! Events become rows.

use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension as _, ffi, params};
use serde::Serialize;

use crate::{
    base::{clock, money::Money},
    domain::{
        event::Event,
        fault::Fault,
        generation::Usage,
        run::RunHeader,
        sample::Sample,
        score::Verdict,
        trial::{Answer, Attempt, Scored, Status, TrialKey, cost, cost_source},
    },
    store::judgements::judged,
};

/// Why an event was not written.
#[derive(Debug)]
pub(super) enum Rejection {
    /// The event contradicts what is stored; the events around it are fine.
    Refused(String),
    /// The store does not work.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Rejection {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => {
                Self::Refused(error.to_string())
            }
            _ => Self::Broken(error),
        }
    }
}

/// The statements of a transaction. Each is looked up once: the connection's own cache hashes the
/// whole text every time.
pub(super) struct Statements<'c> {
    conn: &'c Connection,
    made: Vec<(&'static str, CachedStatement<'c>)>,
}

impl<'c> Statements<'c> {
    /// None yet.
    pub(super) fn on(conn: &'c Connection) -> Self {
        Self { conn, made: Vec::new() }
    }

    /// The statement `sql`, told from others by where its text stands.
    pub(super) fn of(&mut self, sql: &'static str) -> rusqlite::Result<&mut CachedStatement<'c>> {
        let same = |made: &(&'static str, _)| std::ptr::eq(made.0, sql);
        let place = match self.made.iter().position(same) {
            Some(place) => place,
            None => {
                self.made.push((sql, self.conn.prepare_cached(sql)?));
                self.made.len() - 1
            }
        };
        Ok(&mut self.made[place].1)
    }
}

/// What the writer knows between events.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// Key of the run, once it has started.
    run: Option<i64>,
    /// Trials that ended since the last [`flush`].
    ended: i64,
    /// Of these, without an answer.
    errors: i64,
    /// Whether the run had begun before.
    resumed: bool,
    /// Whether what failed is done again.
    retry: bool,
}

/// Writes `event` in the transaction that is open on the connection of `db`.
pub(super) fn event(
    db: &mut Statements<'_>,
    progress: &mut Progress,
    event: &Event,
) -> Result<(), Rejection> {
    if let Event::Started(header) | Event::Resumed(header) | Event::Retried(header) = event {
        flush(db, progress)?;
        let begin = if matches!(event, Event::Started(_)) { started } else { resumed };
        progress.run = Some(begin(db, header)?);
        progress.resumed = !matches!(event, Event::Started(_));
        progress.retry = matches!(event, Event::Retried(_));
        return Ok(());
    }
    let run =
        progress.run.ok_or_else(|| Rejection::Refused("no run has been started".to_owned()))?;
    match event {
        Event::Started(_) | Event::Resumed(_) | Event::Retried(_) => Ok(()),
        Event::Sample(of) => sample(db, run, of),
        Event::Rendered { sample, prompt, messages } => {
            let sql = "INSERT INTO messages (run, sample, prompt, messages) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT DO NOTHING";
            let row = params![run, int(*sample), prompt, json(messages.as_ref())?];
            db.of(sql)?.execute(row)?;
            Ok(())
        }
        Event::Left { key, attempts } => left(db, (run, progress.retry), *key, attempts),
        Event::Answered(answer) => {
            if progress.retry && reopen(db, run, answer.key.seq)? {
                progress.ended -= 1;
                progress.errors -= 1;
            }
            answered(db, run, answer)?;
            progress.ended += 1;
            progress.errors += i64::from(answer.status() == Status::Error);
            Ok(())
        }
        Event::Judged(judgement) => judged(db, run, judgement),
        Event::Scored(of) => {
            if progress.retry {
                let sql = "DELETE FROM scores WHERE run = ?1 AND seq = ?2";
                db.of(sql)?.execute(params![run, int(of.key.seq)])?;
            } else if progress.resumed {
                // What a judge failed to say may be said now.
                let sql = "DELETE FROM scores WHERE run = ?1 AND seq = ?2 AND EXISTS (
                               SELECT 1 FROM scores j WHERE j.run = ?1 AND j.seq = ?2
                               AND j.error_kind = 'judge')";
                db.of(sql)?.execute(params![run, int(of.key.seq)])?;
            }
            scored(db, run, of)
        }
        Event::Finished(status) => {
            let sql = "UPDATE runs SET status = ?2, finished_ms = ?3 WHERE run = ?1";
            let row = params![run, status.name(), clock::now_ms()];
            match db.of(sql)?.execute(row)? {
                0 => Err(Rejection::Refused(gone())),
                _ => Ok(()),
            }
        }
    }
}

/// Adds the counts so far to the run's row, once a transaction.
pub(super) fn flush(
    db: &mut Statements<'_>,
    progress: &mut Progress,
) -> Result<(), rusqlite::Error> {
    if let Some(run) = progress.run
        && (progress.ended, progress.errors) != (0, 0)
    {
        let sql = "UPDATE runs SET ended = ended + ?2, errors = errors + ?3 WHERE run = ?1";
        let row = params![run, progress.ended, progress.errors];
        db.of(sql)?.execute(row)?;
    }
    (progress.ended, progress.errors) = (0, 0);
    Ok(())
}

fn started(db: &mut Statements<'_>, header: &RunHeader) -> Result<i64, Rejection> {
    let sql = "INSERT INTO runs (id, name, status, created_ms, header)
               VALUES (?1, ?2, 'running', ?3, ?4)";
    let row = params![header.id, header.name, header.created_ms, json(header)?];
    db.of(sql)?.execute(row).map_err(|error| {
        explained(error, &format!("run `{}` is already stored", header.id), gone)
    })?;
    let run = db.conn.last_insert_rowid();
    let sql = "INSERT INTO models (run, model, name, provider, upstream, origin, params,
                                   input_pico, output_pico, cache_read_pico, cache_write_pico)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    for (index, model) in header.models.iter().enumerate() {
        let price = model.price.as_ref();
        db.of(sql)?.execute(params![
            run,
            int(index as u64),
            model.name,
            model.provider,
            model.model,
            model.origin,
            json(&model.params)?,
            price.map(|price| price.input.pico()),
            price.map(|price| price.output.pico()),
            price.map(|price| price.cache_read.pico()),
            price.map(|price| price.cache_write.pico()),
        ])?;
    }
    Ok(run)
}

fn resumed(db: &mut Statements<'_>, header: &RunHeader) -> Result<i64, Rejection> {
    let sql = "UPDATE runs SET status = 'running', finished_ms = NULL WHERE id = ?1 RETURNING run";
    db.of(sql)?.query_row([&header.id], |row| row.get(0)).map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => Rejection::Refused(gone()),
        error => error.into(),
    })
}

/// A sample that is there already is left alone, if it is the same one.
fn sample(db: &mut Statements<'_>, run: i64, sample: &Sample) -> Result<(), Rejection> {
    let sql =
        "INSERT INTO samples (run, sample, id, cluster, input, expected, tags, vars, metadata)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    let row = params![
        run,
        int(sample.index),
        sample.id,
        sample.cluster,
        sample.input,
        json(&sample.expected)?,
        json(&sample.tags)?,
        json(&sample.vars)?,
        json(&sample.metadata)?,
    ];
    let added = db.of(sql)?.execute(row).map_err(|error| explained(error, "", gone))?;
    if added == 1 {
        return Ok(());
    }
    let sql = "SELECT id FROM samples WHERE run = ?1 AND sample = ?2";
    let stored: String =
        db.of(sql)?.query_row(params![run, int(sample.index)], |row| row.get(0))?;
    if stored == sample.id {
        return Ok(());
    }
    let reason =
        format!("sample {} is stored as `{stored}` and now comes as `{}`", sample.index, sample.id);
    Err(Rejection::Refused(reason))
}

/// Takes an error back, in the transaction that brings what replaces it. What was tried for it and
/// what that cost stays. Whether the trial had ended in one.
fn reopen(db: &mut Statements<'_>, run: i64, seq: u64) -> Result<bool, Rejection> {
    let sql = "UPDATE trials SET status = 'open', error_kind = NULL
               WHERE run = ?1 AND seq = ?2 AND status = 'error'";
    if db.of(sql)?.execute(params![run, int(seq)])? == 0 {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM scores WHERE run = ?1 AND seq = ?2",
        "DELETE FROM answers WHERE run = ?1 AND seq = ?2",
    ] {
        db.of(sql)?.execute(params![run, int(seq)])?;
    }
    Ok(true)
}

/// The row of a trial that has ended, with what is done `$when` there is one already.
macro_rules! trial {
    ($when:literal) => {
        concat!(
            "INSERT INTO trials (run, seq, sample, prompt, model, epoch, status, error_kind,
                   cached, attempts, latency_us, ttft_us, input_tokens, output_tokens,
                   cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_pico,
                   cache_write_1h_tokens, cost_source, cached_latency_us, cached_ttft_us, saved_pico,
                   stand_in)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                       ?18, ?19, ?20, ?21, ?22, ?23,
                       (SELECT ?24 FROM models WHERE run = ?1 AND model = ?5 AND name <> ?24))
               ON CONFLICT (run, seq) DO ",
            $when
        )
    };
}

/// Most trials have no row yet, and this costs a third of the other.
const NEW_TRIAL: &str = trial!("NOTHING");

/// A trial that was left without an answer gets it, behind the attempts that were made so far.
const KNOWN_TRIAL: &str = trial!(
    "UPDATE SET
                   status = excluded.status, error_kind = excluded.error_kind,
                   cached = excluded.cached, attempts = trials.attempts + excluded.attempts,
                   latency_us = excluded.latency_us, ttft_us = excluded.ttft_us,
                   input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
                   cache_read_tokens = excluded.cache_read_tokens,
                   cache_write_tokens = excluded.cache_write_tokens,
                   reasoning_tokens = excluded.reasoning_tokens,
                   cost_pico = trials.cost_pico + excluded.cost_pico,
                   cached_latency_us = excluded.cached_latency_us,
                   cached_ttft_us = excluded.cached_ttft_us, saved_pico = excluded.saved_pico,
                   stand_in = excluded.stand_in,
                   cache_write_1h_tokens = excluded.cache_write_1h_tokens,
                   cost_source = CASE
                       WHEN trials.cost_source IS NULL THEN excluded.cost_source
                       WHEN excluded.cost_source IS NULL THEN trials.cost_source
                       WHEN excluded.cost_source = trials.cost_source THEN trials.cost_source
                       ELSE 'mixed' END
               WHERE trials.status = 'open'
               RETURNING attempts - ?10"
);

fn answered(db: &mut Statements<'_>, run: i64, answer: &Answer) -> Result<(), Rejection> {
    let key = answer.key;
    let fault = answer.result.as_ref().err();
    let generation = answer.result.as_ref().ok();
    let last = answer.attempts.last();
    let usage = generation
        .and_then(|generation| generation.usage)
        .or_else(|| last.and_then(|attempt| attempt.usage));
    let tokens = tokens(usage);
    let row = params![
        run,
        int(key.seq),
        int(key.sample),
        key.prompt,
        key.model,
        key.epoch,
        answer.status().name(),
        fault.map(|fault| fault.kind.name()),
        answer.cached.is_some(),
        int(answer.attempts.len() as u64),
        answer.latency_us().map(int),
        answer.ttft_us().map(int),
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        tokens[4],
        answer.cost().map(Money::pico),
        tokens[5],
        cost_source(&answer.attempts),
        answer.cached.and_then(|hit| hit.latency_us).map(int),
        answer.cached.and_then(|hit| hit.ttft_us).map(int),
        answer.cached.and_then(|hit| hit.saved).map(Money::pico),
        answer.served_by,
    ];
    let of_run = |error| explained(error, "", gone);
    let mut before = 0;
    if db.of(NEW_TRIAL)?.execute(row).map_err(of_run)? == 0 {
        let known = db.of(KNOWN_TRIAL)?.query_row(row, |row| row.get(0)).optional();
        let taken = || Rejection::Refused(format!("trial {} already has an answer", key.seq));
        before = known.map_err(of_run)?.ok_or_else(taken)?;
    }

    let sql = "INSERT INTO answers (run, seq, served_by, served_model, finish_reason,
                   raw_finish_reason, error_message, output, reasoning, tool_calls, extracted,
                   logprobs)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let calls = generation.map(|generation| generation.tool_calls.as_slice()).unwrap_or_default();
    let logprobs = generation.map(|generation| generation.logprobs.as_slice()).unwrap_or_default();
    db.of(sql)?.execute(params![
        run,
        int(key.seq),
        answer.served_by,
        generation.and_then(|generation| generation.served_model.as_deref()),
        generation.map(|generation| generation.finish_reason.name()),
        generation.and_then(|generation| generation.raw_finish_reason.as_deref()),
        fault.map(|fault| fault.message.as_str()),
        generation.map(|generation| generation.text.as_str()),
        generation.and_then(|generation| generation.reasoning.as_deref()),
        json_unless_empty(calls)?,
        json_unless_empty(&answer.extracted)?,
        json_unless_empty(logprobs)?,
    ])?;
    for (index, attempt) in (before..).zip(&answer.attempts) {
        attempted(db, (run, int(key.seq), index), attempt)?;
    }
    Ok(())
}

/// A trial without an answer: what was tried, and what it cost so far. One that is asked again after
/// an error keeps the error.
fn left(
    db: &mut Statements<'_>,
    (run, retry): (i64, bool),
    key: TrialKey,
    tried: &[Attempt],
) -> Result<(), Rejection> {
    let sql =
        "INSERT INTO trials (run, seq, sample, prompt, model, epoch, status, cached, attempts,
                   cost_pico, cost_source)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', 0, ?7, ?8, ?9)
               ON CONFLICT (run, seq) DO UPDATE SET
                   attempts = trials.attempts + excluded.attempts,
                   cost_pico = trials.cost_pico + excluded.cost_pico,
                   cost_source = CASE
                       WHEN trials.cost_source IS NULL THEN excluded.cost_source
                       WHEN excluded.cost_source IS NULL THEN trials.cost_source
                       WHEN excluded.cost_source = trials.cost_source THEN trials.cost_source
                       ELSE 'mixed' END
               WHERE trials.status = 'open' OR (?10 AND trials.status = 'error')
               RETURNING attempts - ?7";
    let row = params![
        run,
        int(key.seq),
        int(key.sample),
        key.prompt,
        key.model,
        key.epoch,
        int(tried.len() as u64),
        cost(tried).map(Money::pico),
        cost_source(tried),
        retry,
    ];
    let before = db.of(sql)?.query_row(row, |row| row.get(0)).optional();
    let before: Option<i64> = before.map_err(|error| explained(error, "", gone))?;
    let Some(before) = before else {
        return Err(Rejection::Refused(format!("trial {} already has an answer", key.seq)));
    };
    for (index, attempt) in (before..).zip(tried) {
        attempted(db, (run, int(key.seq), index), attempt)?;
    }
    Ok(())
}

fn attempted(
    db: &mut Statements<'_>,
    (run, seq, index): (i64, i64, i64),
    attempt: &Attempt,
) -> Result<(), Rejection> {
    let sql = "INSERT INTO attempts (run, seq, attempt, started_ms, latency_us, ttft_us,
                   http_status, error_kind, error_message, retry_after_ms, partial, input_tokens,
                   output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
                   cost_pico, request_id, credential, queued_us, backoff_us,
                   cache_write_1h_tokens, cost_reported, accepted, masked)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                       ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";
    let fault: Option<&Fault> = attempt.fault.as_ref();
    let tokens = tokens(attempt.usage);
    db.of(sql)?.execute(params![
        run,
        seq,
        index,
        attempt.started_ms,
        int(attempt.latency_us),
        attempt.ttft_us.map(int),
        attempt.status,
        fault.map(|fault| fault.kind.name()),
        fault.map(|fault| fault.message.as_str()),
        fault
            .and_then(|fault| fault.retry_after)
            .map(|wait| int(wait.as_millis().try_into().unwrap_or(u64::MAX))),
        fault.and_then(|fault| fault.partial.as_deref()),
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        tokens[4],
        attempt.cost.map(Money::pico),
        attempt.request_id,
        attempt.credential,
        int(attempt.queued_us),
        int(attempt.backoff_us),
        tokens[5],
        attempt.cost_reported,
        attempt.accepted,
        attempt.masked,
    ])?;
    Ok(())
}

fn scored(db: &mut Statements<'_>, run: i64, scored: &Scored) -> Result<(), Rejection> {
    let sql = "INSERT INTO scores (run, seq, scorer, value, passed, label, explanation, error_kind,
                   error_message, counts)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let insert = db.of(sql)?;
    let seq = scored.key.seq;
    for (scorer, verdict) in scored.verdicts.iter().enumerate() {
        let (score, error) = match verdict {
            Verdict::Scored(score) if score.value.is_finite() => (Some(score), None),
            Verdict::Scored(_) => (None, Some(("scorer", "the score is not a finite number"))),
            Verdict::Skipped(why) => (None, Some(("skipped", why.as_str()))),
            Verdict::Failed(why) => (None, Some(("scorer", why.as_str()))),
            Verdict::Unanswered(why) => (None, Some(("judge", why.as_str()))),
        };
        let counted = score.filter(|score| !score.counts.is_empty());
        let row = params![
            run,
            int(seq),
            int(scorer as u64),
            score.map(|score| score.value),
            score.and_then(|score| score.passed),
            score.and_then(|score| score.label.as_deref()),
            score.and_then(|score| score.explanation.as_deref()),
            error.map(|(kind, _)| kind),
            error.map(|(_, message)| message),
            counted.map(|score| json(&score.counts)).transpose()?,
        ];
        insert.execute(row).map_err(|error| {
            explained(error, &format!("trial {seq} already has its scores"), || {
                format!("trial {seq} has scores, but its answer is not in the store")
            })
        })?;
    }
    Ok(())
}

/// `error`, in words where a constraint was violated: `taken` for a key that exists already,
/// `orphan` for a row that belongs to nothing.
pub(super) fn explained(
    error: rusqlite::Error,
    taken: &str,
    orphan: impl FnOnce() -> String,
) -> Rejection {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match Rejection::from(error) {
        Rejection::Refused(_) if extended == Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
            Rejection::Refused(orphan())
        }
        Rejection::Refused(_)
            if extended == Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
                || extended == Some(ffi::SQLITE_CONSTRAINT_UNIQUE) =>
        {
            Rejection::Refused(taken.to_owned())
        }
        other => other,
    }
}

pub(super) fn gone() -> String {
    "the run is no longer in the store".to_owned()
}

/// Counts that do not fit are as large as can be.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The columns of `usage`, in the order of the tables.
pub(super) fn tokens(usage: Option<Usage>) -> [Option<i64>; 6] {
    let of = |count: fn(&Usage) -> u64| usage.as_ref().map(|usage| int(count(usage)));
    [
        of(|usage| usage.input),
        of(|usage| usage.output),
        of(|usage| usage.cache_read),
        of(|usage| usage.cache_write),
        of(|usage| usage.reasoning),
        of(|usage| usage.cache_write_1h),
    ]
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Rejection> {
    serde_json::to_string(value).map_err(|error| Rejection::Refused(error.to_string()))
}

pub(super) fn json_unless_empty<T: Serialize>(values: &[T]) -> Result<Option<String>, Rejection> {
    if values.is_empty() { Ok(None) } else { json(values).map(Some) }
}
