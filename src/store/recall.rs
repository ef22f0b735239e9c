//! What a run needs to go on: the last one that can, and recorded answers, whole.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};

use crate::{
    base::money::Money,
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, Usage},
        run::RunRecord,
        score::{Score, Verdict},
        trial::{Answer, Attempt, Hit, TrialKey},
    },
    store::{
        Store, StoreError,
        insert::int,
        read::{Problem, count, counts, parsed},
    },
};

/// A recorded answer and what was made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The answer, with every attempt.
    pub answer: Answer,
    /// One entry a scorer, in the order of the plan; `None` where the scorer itself had failed. Empty
    /// when the answer is not scored yet.
    pub verdicts: Vec<Option<Verdict>>,
}

/// What requests cost whose trial has no answer yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCost {
    /// Index of the model.
    pub model: u32,
    /// The cost in picodollars; `None` when a part of it is not known.
    pub cost_pico: Option<i64>,
}

const ANSWER: &str = "SELECT t.sample, t.prompt, t.model, t.epoch, t.error_kind, t.cached,
       a.served_by, a.served_model, a.finish_reason, a.raw_finish_reason, a.error_message, a.output,
       a.reasoning, a.tool_calls, a.extracted, t.input_tokens, t.output_tokens, t.cache_read_tokens,
       t.cache_write_tokens, t.reasoning_tokens, t.cache_write_1h_tokens, t.cached_latency_us,
       t.cached_ttft_us, t.saved_pico, a.logprobs
     FROM trials t JOIN answers a ON a.run = t.run AND a.seq = t.seq
     WHERE t.run = ?1 AND t.seq = ?2 AND t.status <> 'open'";

const ATTEMPTS: &str = "SELECT started_ms, latency_us, ttft_us, http_status, error_kind,
       error_message, retry_after_ms, partial, cost_pico, request_id, credential, queued_us,
       backoff_us, cost_reported, accepted, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, reasoning_tokens, cache_write_1h_tokens, masked
     FROM attempts WHERE run = ?1 AND seq = ?2 ORDER BY attempt";

const VERDICTS: &str = "SELECT value, passed, label, explanation, error_kind, error_message,
       counts
     FROM scores WHERE run = ?1 AND seq = ?2 ORDER BY scorer";

impl Store {
    /// The newest run that is not complete, or has errors when `failed` ones are looked for too.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_open_run(&self, failed: bool) -> Result<Option<RunRecord>, StoreError> {
        let sql = "SELECT id FROM runs WHERE status <> 'complete' OR (?1 AND errors > 0)
                   ORDER BY id DESC LIMIT 1";
        let id: Option<String> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([failed], |row| row.get(0)).optional())
            .map_err(|error| self.error(error))?;
        id.map(|id| self.find_run(&id)).transpose()
    }

    /// The answer that is recorded for the trial at the place `seq` of `run`.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn recorded(&self, run: &RunRecord, seq: u64) -> Result<Option<Recorded>, StoreError> {
        let run = self.run_key(run)?;
        self.read_recorded(run, seq).map_err(|problem| self.problem(problem))
    }

    /// Calls `each` with the row, the prompt and the messages, as JSON, of everything that was
    /// rendered in `run`.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn rendered(
        &self,
        run: &RunRecord,
        each: &mut dyn FnMut(u64, u32, &str),
    ) -> Result<(), StoreError> {
        let run = self.run_key(run)?;
        let mut all = || -> Result<(), Problem> {
            let sql = "SELECT sample, prompt, messages FROM messages WHERE run = ?1
                       ORDER BY sample, prompt";
            let mut select = self.conn.prepare_cached(sql)?;
            let mut rows = select.query([run])?;
            while let Some(row) = rows.next()? {
                let text = row.get_ref(2)?;
                let text = text.as_str().map_err(rusqlite::Error::from)?;
                each(count(row, 0)?.unwrap_or_default(), row.get(1)?, text);
            }
            Ok(())
        };
        all().map_err(|problem| self.problem(problem))
    }

    /// The messages, as JSON, that a prompt became for a row of `run`.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn rendered_at(
        &self,
        run: &RunRecord,
        sample: u64,
        prompt: u32,
    ) -> Result<Option<String>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT messages FROM messages WHERE run = ?1 AND sample = ?2 AND prompt = ?3";
        let found = self.conn.prepare_cached(sql).and_then(|mut select| {
            select.query_row(params![run, int(sample), prompt], |row| row.get(0)).optional()
        });
        found.map_err(|error| self.error(error))
    }

    /// What was spent on the trials of `run` that have no answer yet.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn open_costs(&self, run: &RunRecord) -> Result<Vec<OpenCost>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT model, cost_pico FROM trials WHERE run = ?1 AND status = 'open'";
        let costs = self.conn.prepare_cached(sql).and_then(|mut select| {
            let row = |row: &Row<'_>| Ok(OpenCost { model: row.get(0)?, cost_pico: row.get(1)? });
            select.query_map([run], row)?.collect()
        });
        costs.map_err(|error| self.error(error))
    }

    fn read_recorded(&self, run: i64, seq: u64) -> Result<Option<Recorded>, Problem> {
        let by = params![run, int(seq)];
        let mut select = self.conn.prepare_cached(ANSWER)?;
        let mut rows = select.query(by)?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let attempts = self.attempts(run, seq)?;
        let answer = answer(row, seq, attempts)?;
        let mut select = self.conn.prepare_cached(VERDICTS)?;
        let mut rows = select.query(by)?;
        let mut verdicts = Vec::new();
        while let Some(row) = rows.next()? {
            verdicts.push(verdict(row)?);
        }
        Ok(Some(Recorded { answer, verdicts }))
    }

    fn attempts(&self, run: i64, seq: u64) -> Result<Vec<Attempt>, Problem> {
        let mut select = self.conn.prepare_cached(ATTEMPTS)?;
        let mut rows = select.query(params![run, int(seq)])?;
        let mut attempts = Vec::new();
        while let Some(row) = rows.next()? {
            attempts.push(attempt(row)?);
        }
        Ok(attempts)
    }
}

fn answer(row: &Row<'_>, seq: u64, attempts: Vec<Attempt>) -> Result<Answer, Problem> {
    let json = |column| row.get::<_, Option<String>>(column);
    let result = match row.get::<_, Option<String>>(4)? {
        Some(kind) => {
            let message: Option<String> = row.get(10)?;
            Err(Fault::new(fault_kind(&kind)?, message.unwrap_or_default()))
        }
        None => Ok(Generation {
            text: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
            reasoning: row.get(12)?,
            tool_calls: json(13)?.map_or(Ok(Vec::new()), |text| parsed(&text, "tool_calls"))?,
            finish_reason: row
                .get::<_, Option<String>>(8)?
                .as_deref()
                .and_then(FinishReason::from_name)
                .unwrap_or_default(),
            raw_finish_reason: row.get(9)?,
            usage: usage(row)?,
            served_model: row.get(7)?,
            logprobs: json(24)?.map_or(Ok(Vec::new()), |text| parsed(&text, "logprobs"))?,
            ..Generation::default()
        }),
    };
    let sample = count(row, 0)?.unwrap_or_default();
    let key = TrialKey { seq, sample, prompt: row.get(1)?, model: row.get(2)?, epoch: row.get(3)? };
    Ok(Answer {
        key,
        result,
        attempts,
        served_by: row.get(6)?,
        cached: hit(row)?,
        extracted: json(14)?.map_or(Ok(Vec::new()), |text| parsed(&text, "extracted"))?,
    })
}

fn hit(row: &Row<'_>) -> Result<Option<Hit>, Problem> {
    if !row.get::<_, bool>(5)? {
        return Ok(None);
    }
    Ok(Some(Hit {
        latency_us: count(row, 21)?,
        ttft_us: count(row, 22)?,
        saved: row.get::<_, Option<i64>>(23)?.map(Money::from_pico),
    }))
}

fn attempt(row: &Row<'_>) -> Result<Attempt, Problem> {
    let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
    let fault = match row.get::<_, Option<String>>(4)? {
        None => None,
        Some(kind) => Some(Fault {
            kind: fault_kind(&kind)?,
            message: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
            status: row.get(3)?,
            retry_after: count(row, 6)?.map(Duration::from_millis),
            partial: row.get(7)?,
        }),
    };
    Ok(Attempt {
        started_ms: row.get(0)?,
        queued_us: known(11)?,
        backoff_us: known(12)?,
        latency_us: known(1)?,
        ttft_us: count(row, 2)?,
        status: row.get(3)?,
        fault,
        usage: usage(row)?,
        cost: row.get::<_, Option<i64>>(8)?.map(Money::from_pico),
        cost_reported: row.get(13)?,
        accepted: row.get(14)?,
        masked: row.get(21)?,
        request_id: row.get(9)?,
        credential: row.get(10)?,
    })
}

/// The tokens, which stand in the columns 15 to 20.
fn usage(row: &Row<'_>) -> Result<Option<Usage>, Problem> {
    let Some(input) = count(row, 15)? else { return Ok(None) };
    let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
    Ok(Some(Usage {
        input,
        output: known(16)?,
        cache_read: known(17)?,
        cache_write: known(18)?,
        cache_write_1h: known(20)?,
        reasoning: known(19)?,
    }))
}

fn fault_kind(name: &str) -> Result<FaultKind, Problem> {
    FaultKind::from_name(name)
        .ok_or_else(|| Problem::Damaged(format!("a trial failed by `{name}`, which is no kind")))
}

fn verdict(row: &Row<'_>) -> Result<Option<Verdict>, Problem> {
    let kind: Option<String> = row.get(4)?;
    let message: Option<String> = row.get(5)?;
    Ok(match (kind.as_deref(), row.get::<_, Option<f64>>(0)?) {
        (Some("skipped"), _) => Some(Verdict::Skipped(message.unwrap_or_default())),
        (None, Some(value)) => Some(Verdict::Scored(Score {
            value,
            passed: row.get(1)?,
            label: row.get(2)?,
            explanation: row.get(3)?,
            counts: counts(row, 6)?,
        })),
        _ => None,
    })
}
