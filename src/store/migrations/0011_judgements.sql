-- What models said when scorers asked them: a row a question, also where nothing came of it. What is
-- paid for is here before a score is made of it, so that it is asked for once. `error_kind` is NULL
-- where there is a reply, `verdict` where it cannot be used; `last` marks that a judge had given up.

CREATE TABLE judgements (
  run                   INTEGER NOT NULL,
  seq                   INTEGER NOT NULL,
  scorer                INTEGER NOT NULL,
  place                 INTEGER NOT NULL,  -- among those of the scorer about the trial
  step                  TEXT NOT NULL,
  model                 TEXT NOT NULL,
  served_by             TEXT NOT NULL,
  repeat                INTEGER NOT NULL,
  turn                  INTEGER NOT NULL,
  round                 INTEGER NOT NULL,
  key                   BLOB NOT NULL,     -- what it is found under: who was asked what
  messages              TEXT NOT NULL,     -- JSON array
  output                TEXT,
  reasoning             TEXT,
  tool_calls            TEXT,              -- JSON array; NULL: none
  logprobs              TEXT,              -- JSON array; NULL: none
  served_model          TEXT,
  finish_reason         TEXT,
  error_kind            TEXT,
  error_message         TEXT,
  verdict               TEXT,              -- JSON: what was read out of the reply
  problem               TEXT,              -- why it cannot be used
  last                  INTEGER NOT NULL,
  cached                INTEGER NOT NULL,
  saved_pico            INTEGER,
  attempts              INTEGER NOT NULL,
  started_ms            INTEGER,
  latency_us            INTEGER,
  input_tokens          INTEGER,
  output_tokens         INTEGER,
  cache_read_tokens     INTEGER,
  cache_write_tokens    INTEGER,
  reasoning_tokens      INTEGER,
  cache_write_1h_tokens INTEGER,
  cost_pico             INTEGER,           -- all attempts; NULL when one of them is not priced
  PRIMARY KEY (run, seq, scorer, place),
  FOREIGN KEY (run, seq) REFERENCES trials ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX judgements_by_key ON judgements (run, key);
