//! Runs as a whole: listed, found, deleted, checked.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use crate::{
    base::{money::Money, text},
    domain::{
        budget::Spent,
        measure::Unscored,
        run::{ModelInfo, RunHeader, RunRecord, RunStatus},
    },
    store::{Store, StoreError, lock},
};

/// Reasons for having no score that are listed of each scorer.
const REASONS: usize = 5;

/// The shortest beginning of an id that is taken for one.
const SHORTEST_PREFIX: usize = 4;

/// A run and how far it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub record: RunRecord,
    /// Trials that have ended.
    pub ended: u64,
    /// Of `ended`: trials without an answer.
    pub errors: u64,
    /// Names that people gave it, in the order in which it got them.
    pub tags: Vec<String>,
}

impl Store {
    /// Every run, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        let sql = "SELECT header, status, finished_ms, ended, errors FROM runs ORDER BY id DESC";
        let mut select = self.conn.prepare_cached(sql).map_err(|error| self.error(error))?;
        let mut rows = select.query([]).map_err(|error| self.error(error))?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.error(error))? {
            let count = |column| row.get::<_, i64>(column).map_err(|error| self.error(error));
            let record = self.record(row)?;
            runs.push(RunSummary {
                tags: self.tags(&record)?,
                record,
                ended: count(3)?.unsigned_abs(),
                errors: count(4)?.unsigned_abs(),
            });
        }
        Ok(runs)
    }

    /// What the requests of a run used, those of open trials and of scorers included. What is not
    /// known is left out.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn spent(&self, run: &RunRecord) -> Result<Spent, StoreError> {
        let sql = "SELECT total(cost_pico), total(input_tokens) + total(output_tokens)
                   FROM attempts WHERE run = ?1";
        Ok(self.sum(sql, run)?.plus(self.spent_by_judges(run)?))
    }

    /// What the requests of scorers used of it.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn spent_by_judges(&self, run: &RunRecord) -> Result<Spent, StoreError> {
        let sql = "SELECT total(cost_pico), total(input_tokens) + total(output_tokens)
                   FROM judgements WHERE run = ?1";
        self.sum(sql, run)
    }

    fn sum(&self, sql: &'static str, run: &RunRecord) -> Result<Spent, StoreError> {
        let run = self.run_key(run)?;
        let sums = self.conn.query_row(sql, [run], |row| Ok((row.get(0)?, row.get(1)?)));
        let (cost, tokens): (f64, f64) = sums.map_err(|error| self.error(error))?;
        Ok(Spent { cost: Money::from_pico(cost as i64), tokens: tokens as u64 })
    }

    /// Why answers of `run` have no score: of each scorer the most frequent reasons, and the rest
    /// put together.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn unscored(&self, run: &RunRecord) -> Result<Vec<Unscored>, StoreError> {
        let sql = "SELECT scorer, error_kind <> 'skipped', error_message, count(*) FROM scores
                   WHERE run = ?1 AND error_kind IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 3";
        let run = self.run_key(run)?;
        let of = |error| self.error(error);
        let mut select = self.conn.prepare_cached(sql).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        let mut found: Vec<Unscored> = Vec::new();
        let mut named = 0;
        while let Some(row) = rows.next().map_err(of)? {
            let scorer: u32 = row.get(0).map_err(of)?;
            let failed: bool = row.get(1).map_err(of)?;
            let n = row.get::<_, i64>(3).map_err(of)?.unsigned_abs();
            named =
                if found.last().is_some_and(|last| last.scorer == scorer) { named + 1 } else { 1 };
            if named <= REASONS {
                let why: Option<String> = row.get(2).map_err(of)?;
                found.push(Unscored { scorer, failed, why: Some(why.unwrap_or_default()), n });
                continue;
            }
            let rest = |rest: &&mut Unscored| {
                rest.scorer == scorer && rest.failed == failed && rest.why.is_none()
            };
            match found.iter_mut().find(rest) {
                Some(rest) => rest.n += n,
                None => found.push(Unscored { scorer, failed, why: None, n }),
            }
        }
        Ok(found)
    }

    /// The mean of answer tokens and of latencies in microseconds that a model had in the newest
    /// run in which it answered; from a few hundred trials at most.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn usual(&self, model: &ModelInfo) -> Result<Option<(f64, f64)>, StoreError> {
        let sql = "SELECT avg(output_tokens), avg(latency_us) FROM (
                       SELECT t.output_tokens, t.latency_us FROM trials t
                       WHERE (t.run, t.model) = (
                           SELECT m.run, m.model FROM models m
                           WHERE m.provider = ?1 AND m.upstream = ?2 AND m.origin = ?3
                               AND EXISTS (SELECT 1 FROM trials a WHERE a.run = m.run
                                           AND a.model = m.model AND a.status = 'ok'
                                           AND a.output_tokens IS NOT NULL)
                           ORDER BY m.run DESC LIMIT 1)
                       AND t.status = 'ok' AND t.output_tokens IS NOT NULL
                       AND t.latency_us IS NOT NULL ORDER BY t.seq LIMIT 500)";
        let row = (&model.provider, &model.model, &model.origin);
        let means = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))));
        let (output, latency): (Option<f64>, Option<f64>) =
            means.map_err(|error| self.error(error))?;
        Ok(output.zip(latency))
    }

    /// The run that `reference` means: `last`; `last~1`, the one before it, and so on;
    /// `last:BRANCH`, the newest of a branch; an id; the beginning of one id, of four characters or
    /// more, in either case; a tag, of which the run is taken that got it last; or the exact name of a
    /// run, of which the newest is taken.
    ///
    /// # Errors
    /// No run is meant, or several are; the store cannot be read.
    pub fn find_run(&self, reference: &str) -> Result<RunRecord, StoreError> {
        let found = match (back(reference), reference.strip_prefix("last:")) {
            (Some(back), _) => {
                let sql = "SELECT run FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?1";
                self.key(sql, back)?
            }
            (None, Some(branch)) => {
                let sql = "SELECT run FROM runs WHERE header ->> '$.context.branch' = ?1
                           ORDER BY id DESC LIMIT 1";
                self.key(sql, branch)?
            }
            (None, None) => self.by_id_or_name(reference)?,
        };
        match found {
            Some(run) => self.load(run),
            None => Err(self.unknown(reference)?),
        }
    }

    /// Deletes `run` and all that belongs to it, and gives the space back to the file system.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be written.
    pub fn delete_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        let key = self.run_key(run)?;
        let of = |error| self.error(error);
        let change =
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).map_err(of)?;
        // Leaves first, so that no row has to look for rows that belong to it one by one.
        for table in [
            "run_tags",
            "labels",
            "scores",
            "judgements",
            "attempts",
            "answers",
            "trials",
            "messages",
            "samples",
            "models",
        ] {
            change.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [key]).map_err(of)?;
        }
        change.execute("DELETE FROM runs WHERE run = ?1", [key]).map_err(of)?;
        change.commit().map_err(of)?;
        self.reclaim().map_err(of)
    }

    /// What is wrong with the file; empty when nothing is.
    ///
    /// # Errors
    /// The store cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut findings = Vec::new();
        let integrity = self.conn.pragma_query(None, "integrity_check", |row| {
            let finding: String = row.get(0)?;
            if finding != "ok" {
                findings.push(finding);
            }
            Ok(())
        });
        integrity.map_err(|error| self.error(error))?;
        let keys = self.conn.pragma_query(None, "foreign_key_check", |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            findings.push(format!("a row of `{table}` belongs to no row of `{parent}`"));
            Ok(())
        });
        keys.map_err(|error| self.error(error))?;
        Ok(findings)
    }

    /// The integer key of `run`.
    pub(super) fn run_key(&self, run: &RunRecord) -> Result<i64, StoreError> {
        let id = run.header.id.as_str();
        match self.key("SELECT run FROM runs WHERE id = ?1", id)? {
            Some(key) => Ok(key),
            None => Err(self.unknown(id)?),
        }
    }

    fn key(&self, sql: &str, by: impl rusqlite::ToSql) -> Result<Option<i64>, StoreError> {
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([by], |row| row.get(0)).optional());
        found.map_err(|error| self.error(error))
    }

    fn by_id_or_name(&self, reference: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT run FROM runs WHERE id = ?1 COLLATE NOCASE";
        if let Some(run) = self.key(sql, reference)? {
            return Ok(Some(run));
        }
        let candidates = self.with_prefix(reference)?;
        if let [(run, _)] = candidates.as_slice() {
            return Ok(Some(*run));
        }
        let sql = "SELECT run FROM runs WHERE name = ?1 ORDER BY id DESC LIMIT 1";
        let named = match self.tagged(reference)? {
            Some(tagged) => Some(tagged),
            None => self.key(sql, reference)?,
        };
        if named.is_some() || candidates.is_empty() {
            return Ok(named);
        }
        let candidates = candidates.into_iter().map(|(_, shown)| shown).collect();
        Err(StoreError::AmbiguousRun { reference: reference.to_owned(), candidates })
    }

    /// Runs whose id begins with `prefix`, newest first, with the text that names them.
    fn with_prefix(&self, prefix: &str) -> Result<Vec<(i64, String)>, StoreError> {
        if prefix.len() < SHORTEST_PREFIX {
            return Ok(Vec::new());
        }
        let sql = "SELECT run, id, name FROM runs
                   WHERE substr(id, 1, length(?1)) = ?1 COLLATE NOCASE ORDER BY id DESC";
        let found = self.conn.prepare_cached(sql).and_then(|mut select| {
            select.query_map([prefix], |row| Ok((row.get(0)?, named(row, 1)?)))?.collect()
        });
        found.map_err(|error| self.error(error))
    }

    /// The error that says which runs there are instead.
    fn unknown(&self, reference: &str) -> Result<StoreError, StoreError> {
        let sql = "SELECT id, name FROM runs ORDER BY id DESC LIMIT 5";
        let newest: rusqlite::Result<Vec<String>> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_map([], |row| named(row, 0))?.collect());
        let newest = newest.map_err(|error| self.error(error))?;
        let reference = reference.to_owned();
        Ok(if newest.is_empty() {
            StoreError::NoRuns { path: self.path.clone(), reference }
        } else {
            StoreError::UnknownRun { reference, newest }
        })
    }

    fn load(&self, run: i64) -> Result<RunRecord, StoreError> {
        let sql = "SELECT header, status, finished_ms FROM runs WHERE run = ?1";
        let mut select = self.conn.prepare_cached(sql).map_err(|error| self.error(error))?;
        let mut rows = select.query(params![run]).map_err(|error| self.error(error))?;
        match rows.next().map_err(|error| self.error(error))? {
            Some(row) => self.record(row),
            None => Err(self.error(rusqlite::Error::QueryReturnedNoRows)),
        }
    }

    /// The run in `row`: header, status, time of its end. A run whose process was killed could not
    /// say so; that nobody holds its lock does.
    fn record(&self, row: &Row<'_>) -> Result<RunRecord, StoreError> {
        let of = |error| self.error(error);
        let header: String = row.get(0).map_err(of)?;
        let header: RunHeader = serde_json::from_str(&header)
            .map_err(|error| self.damaged(format!("the header of a run: {error}")))?;
        let status: String = row.get(1).map_err(of)?;
        let mut status = RunStatus::from_name(&status)
            .ok_or_else(|| self.damaged(format!("a run has the status `{status}`")))?;
        if status == RunStatus::Running && !lock::is_taken(&self.path, &header.id) {
            status = RunStatus::Interrupted;
        }
        Ok(RunRecord { header, status, finished_ms: row.get(2).map_err(of)? })
    }

    pub(super) fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), reason }
    }

    /// Gives free pages back, some thousand at a time: other writers get their turn in between.
    pub(super) fn reclaim(&self) -> rusqlite::Result<()> {
        let free = |conn: &Connection| {
            conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))
        };
        let mut before = free(&self.conn)?;
        while before > 0 {
            let mut vacuum = self.conn.prepare("PRAGMA incremental_vacuum(4000)")?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
            drop(rows);
            let after = free(&self.conn)?;
            if after >= before {
                break;
            }
            before = after;
        }
        // Best effort: the file shrinks when its log is moved into it.
        self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").ok();
        Ok(())
    }
}

/// How many runs before the newest one `reference` means: `last`, `last~2`.
fn back(reference: &str) -> Option<u32> {
    match reference.strip_prefix("last")? {
        "" => Some(0),
        rest => rest.strip_prefix('~')?.parse().ok(),
    }
}

/// A run for people: the id and, in backticks, the name, which stand at `column` and after it.
fn named(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let (id, name): (String, String) = (row.get(column)?, row.get(column + 1)?);
    Ok(format!("{id} `{}`", text::one_line(&name, 40)))
}
