//! What models said when scorers asked them.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};
use serde_json::Value;

use crate::{
    base::money::Money,
    domain::{
        generation::{FinishReason, Generation, ToolCall, Usage},
        judgement::{Judgement, JudgementKey, JudgementRecord, KnownReply},
        measure::JudgeTotals,
        message::Message,
        run::{ModelInfo, RunRecord},
        trial::{Hit, TrialKey},
    },
    store::{
        Store, StoreError,
        insert::{Rejection, Statements, explained, gone, int, json, json_unless_empty, tokens},
        read::{Problem, count, parsed},
    },
};

// These two are asked for each question. In a join, with an order, or with a `max` alone, SQLite makes
// its plan anew whenever a value is bound, which costs more than the answer; and left to itself, it
// goes through the whole run instead of the index.
const KNOWN: &str = "SELECT seq, scorer, output, reasoning, tool_calls, logprobs,
       served_model, finish_reason, served_by, latency_us, cost_pico, saved_pico, cached,
       verdict IS NULL, round
     FROM judgements INDEXED BY judgements_by_key
     WHERE run = (SELECT run FROM runs WHERE id = ?1) AND key = ?2 AND error_kind IS NULL
       AND (verdict IS NOT NULL OR round = ?3)";

const ROUND: &str = "SELECT max(round), max(CASE WHEN last THEN round END) FROM judgements
     WHERE run = (SELECT run FROM runs WHERE id = ?1) AND seq = ?2 AND scorer = ?3";

const OF_TRIAL: &str =
    "SELECT scorer, step, model, served_by, repeat, turn, round, messages, output,
       tool_calls, finish_reason, error_kind, error_message, verdict, problem, attempts, cached,
       latency_us, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
       cache_write_1h_tokens, reasoning_tokens, cost_pico
     FROM judgements WHERE run = ?1 AND seq = ?2 ORDER BY scorer, place";

/// Writes `judgement` behind those that its scorer has of the trial.
pub(super) fn judged(
    db: &mut Statements<'_>,
    run: i64,
    judgement: &Judgement,
) -> Result<(), Rejection> {
    let sql = "INSERT INTO judgements (run, seq, scorer, place, step, model, served_by, repeat, turn,
                   round, key, messages, output, reasoning, tool_calls, logprobs, served_model,
                   finish_reason, error_kind, error_message, verdict, problem, last, cached,
                   saved_pico, attempts, started_ms, latency_us, input_tokens, output_tokens,
                   cache_read_tokens, cache_write_tokens, reasoning_tokens, cache_write_1h_tokens,
                   cost_pico)
               VALUES (?1, ?2, ?3, (SELECT CASE count(*) WHEN 0 THEN 0 ELSE max(place) + 1 END
                                    FROM judgements WHERE run = ?1 AND seq = ?2 AND scorer = ?3),
                       ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                       ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34)";
    let generation = judgement.result.as_ref().ok();
    let fault = judgement.result.as_ref().err();
    let calls = generation.map(|generation| generation.tool_calls.as_slice()).unwrap_or_default();
    let logprobs = generation.map(|generation| generation.logprobs.as_slice()).unwrap_or_default();
    let read = judgement.read.as_ref();
    let verdict = read.and_then(|read| read.as_ref().ok()).map(Value::to_string);
    let tokens = tokens(judgement.usage());
    let row = params![
        run,
        int(judgement.seq),
        judgement.scorer,
        judgement.step,
        judgement.model,
        judgement.served_by,
        judgement.repeat,
        judgement.turn,
        judgement.round,
        judgement.key,
        json(judgement.messages.as_ref())?,
        generation.map(|generation| generation.text.as_str()),
        generation.and_then(|generation| generation.reasoning.as_deref()),
        json_unless_empty(calls)?,
        json_unless_empty(logprobs)?,
        generation.and_then(|generation| generation.served_model.as_deref()),
        generation.map(|generation| generation.finish_reason.name()),
        fault.map(|fault| fault.kind.name()),
        fault.map(|fault| fault.message.as_str()),
        verdict,
        read.and_then(|read| read.as_ref().err()),
        judgement.last,
        judgement.cached.is_some(),
        judgement.cached.and_then(|hit| hit.saved).map(Money::pico),
        int(judgement.attempts.len() as u64),
        judgement.attempts.first().map(|attempt| attempt.started_ms),
        judgement.latency_us().map(int),
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        tokens[4],
        tokens[5],
        judgement.cost().map(Money::pico),
    ];
    db.of(sql)?.execute(row).map_err(|error| explained(error, "", gone))?;
    Ok(())
}

impl Store {
    /// A reply to the question `key` that is recorded in the run with this id: one that could be used,
    /// or one of this `round`, of whichever trial. Of several, the one of the last round, and of the
    /// first trial.
    ///
    /// # Errors
    /// The store cannot be read, or is damaged.
    pub fn known_reply(
        &self,
        run: &str,
        key: &JudgementKey,
        round: u32,
    ) -> Result<Option<KnownReply>, StoreError> {
        let read = || -> Result<Option<KnownReply>, Problem> {
            let mut select = self.conn.prepare_cached(KNOWN)?;
            let mut rows = select.query(params![run, key, round])?;
            let mut best = None;
            while let Some(row) = rows.next()? {
                let unusable: bool = row.get(13)?;
                let round: u32 = row.get(14)?;
                let rank = (unusable, Reverse(round), row.get::<_, i64>(0)?);
                if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                    best = Some((rank, known(row)?));
                }
            }
            Ok(best.map(|(_, reply)| reply))
        };
        read().map_err(|problem| self.problem(problem))
    }

    /// How often the trial at `seq` was judged by the scorer and that came to nothing.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn judging_round(&self, run: &str, seq: u64, scorer: u32) -> Result<u32, StoreError> {
        let rounds = self.conn.prepare_cached(ROUND).and_then(|mut select| {
            select.query_row(params![run, int(seq), scorer], |row| {
                Ok((row.get::<_, Option<u32>>(0)?, row.get::<_, Option<u32>>(1)?))
            })
        });
        let (newest, given_up) = rounds.map_err(|error| self.error(error))?;
        Ok(newest.map_or(0, |newest| newest + u32::from(given_up == Some(newest))))
    }

    /// What the models that scorers of `run` asked did and cost, scorer by scorer.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn judge_totals(&self, run: &RunRecord) -> Result<Vec<JudgeTotals>, StoreError> {
        let run = self.run_key(run)?;
        totals(&self.conn, run).map_err(|problem| self.problem(problem))
    }
}

impl Store {
    /// Calls `each` with everything that a model said of an answer of `run` and that has a score:
    /// scorer by scorer, in the order of the plan.
    ///
    /// # Errors
    /// The run is not there; the store cannot be read, or is damaged.
    pub fn opinions(
        &self,
        run: &RunRecord,
        each: &mut dyn FnMut(u32, TrialKey, String, f64),
    ) -> Result<(), StoreError> {
        let run = self.run_key(run)?;
        let mut all = || -> Result<(), Problem> {
            let sql = "SELECT j.scorer, t.seq, t.sample, t.prompt, t.model, t.epoch, j.model,
                              json_extract(j.verdict, '$.score')
                       FROM judgements j JOIN trials t ON t.run = j.run AND t.seq = j.seq
                       WHERE j.run = ?1 AND json_extract(j.verdict, '$.score') IS NOT NULL
                             AND j.step = 'verdict'
                       ORDER BY j.scorer, j.seq, j.place";
            let mut select = self.conn.prepare_cached(sql)?;
            let mut rows = select.query([run])?;
            while let Some(row) = rows.next()? {
                let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
                let key = TrialKey {
                    seq: known(1)?,
                    sample: known(2)?,
                    prompt: row.get(3)?,
                    model: row.get(4)?,
                    epoch: row.get(5)?,
                };
                each(row.get(0)?, key, row.get(6)?, row.get(7)?);
            }
            Ok(())
        };
        all().map_err(|problem| self.problem(problem))
    }

    /// The mean of answer tokens and of latencies in microseconds that a model of this name had when
    /// scorers asked it, of the last few hundred replies.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn usual_judge(&self, model: &ModelInfo) -> Result<Option<(f64, f64)>, StoreError> {
        let sql = "SELECT avg(output_tokens), avg(latency_us) FROM (
                       SELECT output_tokens, latency_us FROM judgements
                       WHERE model = ?1 AND error_kind IS NULL AND output_tokens IS NOT NULL
                       AND run IN (SELECT run FROM judgements WHERE model = ?1
                                   ORDER BY run DESC LIMIT 1)
                       ORDER BY seq LIMIT 500)";
        let means = self.conn.prepare_cached(sql).and_then(|mut select| {
            select.query_row([&model.name], |row| Ok((row.get(0)?, row.get(1)?)))
        });
        let (output, latency): (Option<f64>, Option<f64>) =
            means.map_err(|error| self.error(error))?;
        Ok(output.zip(latency))
    }
}

fn known(row: &Row<'_>) -> Result<KnownReply, Problem> {
    let json = |column| row.get::<_, Option<String>>(column);
    let finish: Option<String> = row.get(7)?;
    let money = |column| Ok::<_, Problem>(row.get::<_, Option<i64>>(column)?.map(Money::from_pico));
    let saved = if row.get::<_, bool>(12)? { money(11)? } else { money(10)? };
    Ok(KnownReply {
        seq: count(row, 0)?.unwrap_or_default(),
        scorer: row.get(1)?,
        generation: Generation {
            text: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            reasoning: row.get(3)?,
            tool_calls: json(4)?.map_or(Ok(Vec::new()), |text| parsed(&text, "tool_calls"))?,
            logprobs: json(5)?.map_or(Ok(Vec::new()), |text| parsed(&text, "logprobs"))?,
            served_model: row.get(6)?,
            finish_reason: finish.as_deref().and_then(FinishReason::from_name).unwrap_or_default(),
            ..Generation::default()
        },
        served_by: row.get(8)?,
        origin: Hit { latency_us: count(row, 9)?, ttft_us: None, saved },
    })
}

/// The judgements of a trial, by the statement [`of_trial_by`] prepares.
pub(super) fn of_trial(
    select: &mut Statement<'_>,
    run: i64,
    seq: u64,
) -> Result<Vec<JudgementRecord>, Problem> {
    let mut rows = select.query(params![run, int(seq)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record(row)?);
    }
    Ok(found)
}

/// Prepares what [`of_trial`] asks.
pub(super) fn of_trial_by(conn: &Connection) -> rusqlite::Result<rusqlite::CachedStatement<'_>> {
    conn.prepare_cached(OF_TRIAL)
}

fn record(row: &Row<'_>) -> Result<JudgementRecord, Problem> {
    let text = |column| row.get::<_, Option<String>>(column);
    let calls: Vec<ToolCall> =
        text(9)?.map_or(Ok(Vec::new()), |text| parsed(&text, "tool_calls"))?;
    let messages: Vec<Message> = parsed(&row.get::<_, String>(7)?, "messages")?;
    let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
    let usage = match count(row, 18)? {
        None => None,
        Some(input) => Some(Usage {
            input,
            output: known(19)?,
            cache_read: known(20)?,
            cache_write: known(21)?,
            cache_write_1h: known(22)?,
            reasoning: known(23)?,
        }),
    };
    Ok(JudgementRecord {
        scorer: row.get(0)?,
        step: row.get(1)?,
        model: row.get(2)?,
        served_by: row.get(3)?,
        repeat: row.get(4)?,
        turn: row.get(5)?,
        round: row.get(6)?,
        messages,
        output: text(8)?,
        arguments: calls.last().map(|call| call.arguments.clone()),
        finish_reason: text(10)?,
        error: text(11)?
            .map(|kind| Ok::<_, Problem>((kind, text(12)?.unwrap_or_default())))
            .transpose()?,
        verdict: text(13)?.map(|verdict| parsed(&verdict, "verdict")).transpose()?,
        problem: text(14)?,
        attempts: row.get(15)?,
        cached: row.get(16)?,
        latency_us: count(row, 17)?,
        usage,
        cost_pico: row.get(24)?,
    })
}

fn totals(conn: &Connection, run: i64) -> Result<Vec<JudgeTotals>, Problem> {
    // A request that may be billed was made wherever the cost is NULL and nothing was known already.
    let sql = "SELECT scorer, model, count(*), sum(cached), sum(error_kind IS NOT NULL),
                      sum(problem IS NOT NULL), sum(attempts), total(cost_pico),
                      sum(cost_pico IS NULL), total(saved_pico), sum(cached AND saved_pico IS NULL),
                      sum(input_tokens), sum(output_tokens)
               FROM judgements WHERE run = ?1 GROUP BY scorer, model ORDER BY scorer, min(place), model";
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let known = |column| Ok::<u64, Problem>(count(row, column)?.unwrap_or_default());
        let money = |column| Ok::<_, Problem>(Money::from_pico(row.get::<_, f64>(column)? as i64));
        let (scorer, model): (u32, String) = (row.get(0)?, row.get(1)?);
        found.push(JudgeTotals {
            latency: latency(conn, (run, scorer, &model))?,
            scorer,
            model,
            questions: known(2)?,
            cached: known(3)?,
            errors: known(4)?,
            unusable: known(5)?,
            requests: known(6)?,
            cost: money(7)?,
            unpriced: known(8)?,
            saved: money(9)?,
            unpriced_hits: known(10)?,
            input_tokens: count(row, 11)?,
            output_tokens: count(row, 12)?,
        });
    }
    Ok(found)
}

/// The middle and the 95th percentile of how long replies took, in milliseconds.
fn latency(
    conn: &Connection,
    (run, scorer, model): (i64, u32, &str),
) -> Result<(Option<f64>, Option<f64>), Problem> {
    let filter = "FROM judgements WHERE run = ?1 AND scorer = ?2 AND model = ?3
                  AND error_kind IS NULL AND latency_us IS NOT NULL";
    let by = params![run, scorer, model];
    let n: i64 = conn
        .prepare_cached(&format!("SELECT count(*) {filter}"))?
        .query_row(by, |row| row.get(0))?;
    let sql = format!("SELECT latency_us {filter} ORDER BY latency_us LIMIT 1 OFFSET ?4");
    let at = |share: f64| -> Result<Option<f64>, Problem> {
        let place = ((n - 1).max(0) as f64 * share).round() as i64;
        let found = conn
            .prepare_cached(&sql)?
            .query_row(params![run, scorer, model, place], |row| row.get::<_, i64>(0));
        Ok(found.optional()?.map(|us| us as f64 / 1e3))
    };
    Ok((at(0.5)?, at(0.95)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every question is looked up in what its run has recorded, so that a search through the run
    /// would make judging slower with each answer.
    #[test]
    fn a_reply_is_found_by_its_key_and_a_round_by_its_trial() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("runs.db")).expect("opened");
        let plan = |sql: &str| -> Vec<String> {
            let mut explain =
                store.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a statement");
            let lines = explain.query_map(params!["run", 0, 0], |row| row.get(3)).expect("a plan");
            lines.map(|line| line.expect("a line")).collect()
        };
        for (sql, way) in [
            (KNOWN, "judgements_by_key (run=? AND key=?)"),
            (ROUND, "PRIMARY KEY (run=? AND seq=? AND scorer=?)"),
        ] {
            let plan = plan(sql);
            assert!(plan.iter().any(|line| line.contains(way)), "{plan:?}");
        }
    }
}
