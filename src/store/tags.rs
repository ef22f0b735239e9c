//! Names that people give to runs, and what pairs of runs need of the store.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, params};

use crate::{
    base::digest::sha256_u64,
    domain::run::{RunRecord, SampleMark},
    store::{Store, StoreError},
};

impl Store {
    /// Gives `run` the name `tag`, of which it becomes the latest.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be written.
    pub fn tag(&self, run: &RunRecord, tag: &str) -> Result<(), StoreError> {
        let run = self.run_key(run)?;
        let sql = "INSERT OR REPLACE INTO run_tags (run, tag) VALUES (?1, ?2)";
        self.conn.execute(sql, params![run, tag]).map(drop).map_err(|error| self.error(error))
    }

    /// Takes the name `tag` from `run`; whether it had it.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be written.
    pub fn untag(&self, run: &RunRecord, tag: &str) -> Result<bool, StoreError> {
        let run = self.run_key(run)?;
        let sql = "DELETE FROM run_tags WHERE run = ?1 AND tag = ?2";
        let gone = self.conn.execute(sql, params![run, tag]);
        gone.map(|gone| gone > 0).map_err(|error| self.error(error))
    }

    /// The tags of `run`, in the order in which it got them.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn tags(&self, run: &RunRecord) -> Result<Vec<String>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT tag FROM run_tags WHERE run = ?1 ORDER BY tagged";
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_map([run], |row| row.get(0))?.collect());
        found.map_err(|error| self.error(error))
    }

    /// Key of the run that got `tag` last.
    pub(super) fn tagged(&self, tag: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT run FROM run_tags WHERE tag = ?1 ORDER BY tagged DESC LIMIT 1";
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([tag], |row| row.get(0)).optional());
        found.map_err(|error| self.error(error))
    }

    /// Hands what pairing needs of every sample of `run` to `take`, in order.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn marks(
        &self,
        run: &RunRecord,
        take: &mut dyn FnMut(SampleMark),
    ) -> Result<(), StoreError> {
        let of = |error| self.error(error);
        let run = self.run_key(run)?;
        let sql = "SELECT sample, id, cluster, coalesce(input, vars), expected FROM samples
                   WHERE run = ?1 ORDER BY sample";
        let mut select = self.conn.prepare_cached(sql).map_err(of)?;
        let mut rows = select.query([run]).map_err(of)?;
        while let Some(row) = rows.next().map_err(of)? {
            let text = |column| row.get_ref(column).and_then(|value| Ok(value.as_str()?));
            let asked = text(3).map_err(of)?;
            let content = format!("{asked}\0{}", text(4).map_err(of)?);
            take(SampleMark {
                index: row.get::<_, i64>(0).map_err(of)?.unsigned_abs(),
                id: row.get(1).map_err(of)?,
                cluster: row.get(2).map_err(of)?,
                content: sha256_u64(content.as_bytes()),
            });
        }
        Ok(())
    }

    /// The samples of `run` whose `column` has `value`; where the rows have no column `tag`, that stands
    /// for their tags.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn samples_where(
        &self,
        run: &RunRecord,
        column: &str,
        value: &str,
    ) -> Result<HashSet<u64>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT s.sample FROM samples s WHERE s.run = ?1 AND (
                       EXISTS (SELECT 1 FROM json_each(s.vars) v WHERE v.key = ?2 AND
                               CASE v.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                                    WHEN 'null' THEN '' ELSE CAST(v.value AS TEXT) END = ?3)
                       OR ?2 = 'tag' AND json_type(s.vars, '$.tag') IS NULL AND
                          EXISTS (SELECT 1 FROM json_each(s.tags) t WHERE t.value = ?3))";
        let found = self.conn.prepare_cached(sql).and_then(|mut select| {
            let rows = select.query_map(params![run, column, value], |row| row.get::<_, i64>(0))?;
            rows.map(|row| row.map(i64::unsigned_abs)).collect()
        });
        found.map_err(|error| self.error(error))
    }

    /// The id of the sample at `index`, if it is there.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn sample_id(&self, run: &RunRecord, index: u64) -> Result<Option<String>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT id FROM samples WHERE run = ?1 AND sample = ?2";
        let found = self.conn.prepare_cached(sql).and_then(|mut select| {
            select
                .query_row(params![run, i64::try_from(index).unwrap_or(i64::MAX)], |row| row.get(0))
                .optional()
        });
        found.map_err(|error| self.error(error))
    }

    /// Who answered for the model at `model`, by the providers' own words, sorted.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be read.
    pub fn served_models(&self, run: &RunRecord, model: u32) -> Result<Vec<String>, StoreError> {
        let run = self.run_key(run)?;
        let sql = "SELECT DISTINCT a.served_model FROM trials t
                   JOIN answers a ON a.run = t.run AND a.seq = t.seq
                   WHERE t.run = ?1 AND t.model = ?2 AND a.served_model IS NOT NULL ORDER BY 1";
        let found = self.conn.prepare_cached(sql).and_then(|mut select| {
            select.query_map(params![run, model], |row| row.get(0))?.collect()
        });
        found.map_err(|error| self.error(error))
    }
}
