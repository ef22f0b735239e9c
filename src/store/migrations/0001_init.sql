-- Runs and all that belongs to them.
--
-- Integers: milliseconds since the epoch (`_ms`), microseconds (`_us`), picodollars (`_pico`).
-- NULL is "unknown" or "none", never zero. `run` is never used twice, so that a writer whose run
-- was deleted cannot write into another one. The keys of the wide tables follow the plan, so that
-- rows arrive nearly in order and are read in order without sorting.

CREATE TABLE runs (
  run         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,        -- ULID: sorts by time
  name        TEXT NOT NULL,
  status      TEXT NOT NULL,
  created_ms  INTEGER NOT NULL,
  finished_ms INTEGER,
  ended       INTEGER NOT NULL DEFAULT 0,  -- trials that have ended
  errors      INTEGER NOT NULL DEFAULT 0,  -- of `ended`: without an answer
  header      TEXT NOT NULL                -- JSON
) STRICT;

CREATE TABLE models (
  run              INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  model            INTEGER NOT NULL,
  name             TEXT NOT NULL,
  provider         TEXT NOT NULL,
  upstream         TEXT NOT NULL,
  origin           TEXT NOT NULL,
  params           TEXT NOT NULL,          -- JSON
  input_pico       INTEGER,                -- prices of one token
  output_pico      INTEGER,
  cache_read_pico  INTEGER,
  cache_write_pico INTEGER,
  PRIMARY KEY (run, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  run      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sample   INTEGER NOT NULL,
  id       TEXT NOT NULL,
  cluster  TEXT,
  input    TEXT,
  expected TEXT NOT NULL,                  -- JSON array of texts
  tags     TEXT NOT NULL,                  -- JSON array of texts
  vars     TEXT NOT NULL,                  -- JSON object
  metadata TEXT NOT NULL,                  -- JSON object
  PRIMARY KEY (run, sample)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  run      INTEGER NOT NULL,
  sample   INTEGER NOT NULL,
  prompt   INTEGER NOT NULL,
  messages TEXT NOT NULL,                  -- JSON array
  PRIMARY KEY (run, sample, prompt),
  FOREIGN KEY (run, sample) REFERENCES samples ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What metrics need of a trial; its texts are in `answers`, out of the way of a scan.
CREATE TABLE trials (
  run                INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq                INTEGER NOT NULL,
  sample             INTEGER NOT NULL,
  prompt             INTEGER NOT NULL,
  model              INTEGER NOT NULL,
  epoch              INTEGER NOT NULL,
  status             TEXT NOT NULL,
  error_kind         TEXT,
  cached             INTEGER NOT NULL,
  attempts           INTEGER NOT NULL,
  latency_us         INTEGER,
  ttft_us            INTEGER,
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  cache_read_tokens  INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens   INTEGER,
  cost_pico          INTEGER,              -- all attempts; NULL when one of them is not priced
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
  run               INTEGER NOT NULL,
  seq               INTEGER NOT NULL,
  served_by         TEXT NOT NULL,
  served_model      TEXT,
  finish_reason     TEXT,
  raw_finish_reason TEXT,
  error_message     TEXT,
  output            TEXT,
  reasoning         TEXT,
  tool_calls        TEXT,                  -- JSON array; NULL: none
  extracted         TEXT,                  -- JSON array, one entry a pipeline; NULL: no pipelines
  PRIMARY KEY (run, seq),
  FOREIGN KEY (run, seq) REFERENCES trials ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Append-only: what was spent is the sum over attempts, whatever came of them.
CREATE TABLE attempts (
  run                INTEGER NOT NULL,
  seq                INTEGER NOT NULL,
  attempt            INTEGER NOT NULL,
  started_ms         INTEGER NOT NULL,
  latency_us         INTEGER NOT NULL,
  ttft_us            INTEGER,
  http_status        INTEGER,
  error_kind         TEXT,
  error_message      TEXT,
  retry_after_ms     INTEGER,
  partial            TEXT,                 -- text that had arrived before the failure
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  cache_read_tokens  INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens   INTEGER,
  cost_pico          INTEGER,
  request_id         TEXT,
  PRIMARY KEY (run, seq, attempt),
  FOREIGN KEY (run, seq) REFERENCES trials ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE scores (
  run           INTEGER NOT NULL,
  seq           INTEGER NOT NULL,
  scorer        INTEGER NOT NULL,
  value         REAL,                      -- NULL: there is no score
  passed        INTEGER,
  label         TEXT,
  explanation   TEXT,
  error_kind    TEXT,                      -- `skipped`: does not apply; `scorer`: could not be made
  error_message TEXT,
  PRIMARY KEY (run, seq, scorer),
  FOREIGN KEY (run, seq) REFERENCES trials ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
