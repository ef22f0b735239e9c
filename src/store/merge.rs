//! Shards of a run, from this or other files, are put together into one run.
//!
//! Whatever table belongs to a run is copied, row by row as it is, but for three columns: the run's own
//! key, and the places of samples and of trials in the plan of the whole.

use std::path::Path;

use rusqlite::{Transaction, TransactionBehavior, params};

use crate::{
    domain::{
        event::Event,
        run::{RunHeader, RunRecord, RunStatus},
    },
    store::{Store, StoreError, insert::int},
};

/// A shard, and where its samples stand in the whole.
#[derive(Debug)]
pub struct ShardOf<'a> {
    /// Where it is.
    pub store: &'a Store,
    /// The run.
    pub run: &'a RunRecord,
    /// For each of its samples, the place in the whole.
    pub places: Vec<u64>,
}

impl Store {
    /// Writes the run of `header` out of `shards`, which are parts of it, with `status` and the time of
    /// its end. When something goes wrong, nothing of it stays.
    ///
    /// # Errors
    /// A store cannot be read or written, or the run is there already.
    pub fn merge(
        &self,
        header: &RunHeader,
        shards: &[ShardOf<'_>],
        (status, finished_ms): (RunStatus, i64),
    ) -> Result<(), StoreError> {
        let mut started = Some(Event::Started(std::sync::Arc::new(header.clone())));
        self.write_run(&mut || Ok::<_, StoreError>(started.take()))?;
        let record = RunRecord { header: header.clone(), status, finished_ms: Some(finished_ms) };
        let key = self.run_key(&record)?;
        let copied = shards.iter().try_for_each(|shard| self.take_in(key, header, shard));
        let ended = copied.and_then(|()| {
            let sql = "UPDATE runs SET status = ?2, finished_ms = ?3,
                         ended = (SELECT count(*) FROM trials t
                                  WHERE t.run = ?1 AND t.status <> 'open'),
                         errors = (SELECT count(*) FROM trials t
                                   WHERE t.run = ?1 AND t.status = 'error')
                       WHERE run = ?1";
            let row = params![key, status.name(), finished_ms];
            self.conn.execute(sql, row).map(drop).map_err(|error| self.error(error))
        });
        if ended.is_err() {
            self.delete_run(&record)?;
        }
        ended
    }

    /// Copies what belongs to a shard.
    fn take_in(&self, key: i64, header: &RunHeader, shard: &ShardOf<'_>) -> Result<(), StoreError> {
        let of = |error| self.error(error);
        let there = shard.store.run_key(shard.run)?;
        let own = same_file(shard.store.path(), &self.path);
        let schema = if own { "main" } else { "shard" };
        if !own {
            let path = shard.store.path().to_string_lossy();
            self.conn.execute("ATTACH DATABASE ?1 AS shard", [path]).map_err(of)?;
        }
        let copied = self.copy(schema, (there, key), header, &shard.places).map_err(of);
        if !own {
            self.conn.execute("DETACH DATABASE shard", []).map_err(of)?;
        }
        copied
    }

    fn copy(
        &self,
        schema: &str,
        (there, key): (i64, i64),
        header: &RunHeader,
        places: &[u64],
    ) -> rusqlite::Result<()> {
        let change = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        change.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS merged_samples (old INTEGER PRIMARY KEY, new INTEGER);
             CREATE TEMP TABLE IF NOT EXISTS merged_trials (old INTEGER PRIMARY KEY, new INTEGER);
             DELETE FROM temp.merged_samples; DELETE FROM temp.merged_trials;",
        )?;
        {
            let mut insert = change.prepare("INSERT INTO temp.merged_samples VALUES (?1, ?2)")?;
            for (old, new) in places.iter().enumerate() {
                insert.execute(params![int(old as u64), int(*new)])?;
            }
        }
        let counts = [header.prompts.len() as u64, header.models.len() as u64];
        let epochs = u64::from(header.epochs);
        let sql = format!(
            "INSERT INTO temp.merged_trials
             SELECT t.seq, ((s.new * ?2 + t.prompt) * ?3 + t.model) * ?4 + t.epoch
             FROM {schema}.trials t JOIN temp.merged_samples s ON s.old = t.sample
             WHERE t.run = ?1"
        );
        change.execute(&sql, params![there, int(counts[0]), int(counts[1]), int(epochs)])?;
        for table in tables(&change)? {
            let columns = columns(&change, &table)?;
            let has = |name: &str| columns.iter().any(|column| column == name);
            if !has("run") {
                continue;
            }
            let values: Vec<String> = columns
                .iter()
                .map(|column| match column.as_str() {
                    "run" => "?2".to_owned(),
                    "seq" => "q.new".to_owned(),
                    "sample" => "s.new".to_owned(),
                    other => format!("t.\"{other}\""),
                })
                .collect();
            let mut sql = format!(
                "INSERT INTO main.\"{table}\" ({}) SELECT {} FROM {schema}.\"{table}\" t",
                columns.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", "),
                values.join(", ")
            );
            if has("seq") {
                sql += " JOIN temp.merged_trials q ON q.old = t.seq";
            }
            if has("sample") {
                sql += " JOIN temp.merged_samples s ON s.old = t.sample";
            }
            sql += " WHERE t.run = ?1";
            change.execute(&sql, params![there, key])?;
        }
        change.commit()
    }
}

/// Tables of what belongs to a run, those that others refer to first.
fn tables(conn: &rusqlite::Connection) -> rusqlite::Result<Vec<String>> {
    // A run's own row and its models are there already; tags are of the shard.
    let sql =
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
               AND name NOT IN ('runs', 'models', 'run_tags') ORDER BY rowid";
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn columns(conn: &rusqlite::Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_info(?1)";
    conn.prepare(sql)?.query_map([table], |row| row.get(0))?.collect()
}

/// Whether two paths lead to one file.
fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).is_some_and(|path| real(other) == Some(path))
}
