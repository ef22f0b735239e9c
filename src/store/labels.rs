//! People's labels, and the scores that they are compared with.

use rusqlite::{Row, Transaction, TransactionBehavior, params};

use crate::{
    domain::{
        calibration::{Judged, Label},
        pairwise,
        run::RunRecord,
    },
    store::{
        Store, StoreError,
        insert::int,
        read::{Problem, counts},
    },
};

impl Store {
    /// Keeps `labels` about the scorer with the index `scorer`, in place of those that are there.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be written.
    pub fn put_labels(
        &self,
        run: &RunRecord,
        scorer: u32,
        labels: &[Label],
    ) -> Result<(), StoreError> {
        let run = self.run_key(run)?;
        let of = |error| self.error(error);
        let change =
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).map_err(of)?;
        let clear = "DELETE FROM labels WHERE run = ?1 AND scorer = ?2";
        change.execute(clear, params![run, scorer]).map_err(of)?;
        let sql = "INSERT INTO labels (run, seq, scorer, rater, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        for label in labels {
            let row = params![run, int(label.seq), scorer, label.rater, label.value];
            change.prepare_cached(sql).and_then(|mut insert| insert.execute(row)).map_err(of)?;
        }
        change.commit().map_err(of)
    }

    /// The labels about answers of `run`, by the index of the scorer, in the order of the plan.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn labels(&self, run: &RunRecord) -> Result<Vec<(u32, Vec<Label>)>, StoreError> {
        let run = self.run_key(run)?;
        let of = |error| self.error(error);
        let sql = "SELECT scorer, seq, rater, value FROM labels WHERE run = ?1
                   ORDER BY scorer, seq, rater";
        let mut select = self.conn.prepare_cached(sql).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        let mut found: Vec<(u32, Vec<Label>)> = Vec::new();
        while let Some(row) = rows.next().map_err(of)? {
            let scorer: u32 = row.get(0).map_err(of)?;
            let seq: i64 = row.get(1).map_err(of)?;
            let label = Label {
                seq: seq.unsigned_abs(),
                rater: row.get(2).map_err(of)?,
                value: row.get(3).map_err(of)?,
            };
            match found.last_mut() {
                Some((last, labels)) if *last == scorer => labels.push(label),
                _ => found.push((scorer, vec![label])),
            }
        }
        Ok(found)
    }

    /// The ids of the samples of `run`, in the order of the plan.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn sample_ids(&self, run: &RunRecord) -> Result<Vec<(u64, String)>, StoreError> {
        let run = self.run_key(run)?;
        let of = |error| self.error(error);
        let sql = "SELECT sample, id FROM samples WHERE run = ?1 ORDER BY sample";
        let mut select = self.conn.prepare_cached(sql).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(of)? {
            let sample: i64 = row.get(0).map_err(of)?;
            found.push((sample.unsigned_abs(), row.get(1).map_err(of)?));
        }
        Ok(found)
    }

    /// Every answer of `run` with its score by the scorer with the index `scorer`, in the order of
    /// the plan; without texts.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn judged(&self, run: &RunRecord, scorer: u32) -> Result<Vec<Judged>, StoreError> {
        let info = run.header.scorers.get(scorer as usize);
        let compares = info.is_some_and(|info| info.name == pairwise::SCORER);
        let run = self.run_key(run)?;
        let sql = "SELECT t.seq, t.sample, t.model, p.cluster, s.value, s.passed, length(a.output),
                          t.prompt, t.epoch, s.counts
                   FROM trials t
                   JOIN samples p ON p.run = t.run AND p.sample = t.sample
                   LEFT JOIN answers a ON a.run = t.run AND a.seq = t.seq
                   LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = ?2
                   WHERE t.run = ?1 AND t.status NOT IN ('open', 'error') ORDER BY t.seq";
        let all = || -> Result<Vec<Judged>, Problem> {
            let mut select = self.conn.prepare_cached(sql)?;
            let mut rows = select.query(params![run, scorer])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(answer(row, compares)?);
            }
            Ok(found)
        };
        all().map_err(|problem| self.problem(problem))
    }
}

fn answer(row: &Row<'_>, compares: bool) -> Result<Judged, Problem> {
    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let length: Option<i64> = row.get(6)?;
    let counted = if compares { counts(row, 9)? } else { Vec::new() };
    Ok(Judged {
        seq: count(0)?,
        sample: count(1)?,
        prompt: row.get(7)?,
        model: row.get(2)?,
        epoch: row.get(8)?,
        cluster: row.get(3)?,
        value: row.get(4)?,
        passed: row.get(5)?,
        length: length.map(i64::unsigned_abs),
        meetings: pairwise::meetings(&counted).into_iter().flatten().collect(),
    })
}
