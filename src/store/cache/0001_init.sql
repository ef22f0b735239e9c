-- Whole answers, by the request that they are for. The file may be deleted at any time.
--
-- Integers: milliseconds since the epoch (`_ms`), microseconds (`_us`), picodollars (`_pico`).
-- NULL is "unknown", never zero. Keys are digests, spread evenly: rows lie in the order in which they
-- were written, and an index of small entries finds them.

CREATE TABLE answers (
  key        BLOB NOT NULL PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  provider   TEXT NOT NULL,
  model      TEXT NOT NULL,                -- the model id sent upstream
  latency_us INTEGER,                      -- of the attempt that brought the answer
  ttft_us    INTEGER,
  cost_pico  INTEGER,
  answer     TEXT NOT NULL                 -- JSON with a version
) STRICT;

-- What the cache was good for, since it was made or cleared.
CREATE TABLE totals (
  one           INTEGER PRIMARY KEY CHECK (one = 1),
  hits          INTEGER NOT NULL,
  saved_pico    INTEGER NOT NULL,          -- as far as known
  unpriced_hits INTEGER NOT NULL           -- hits of which nobody knows what they saved
) STRICT;

INSERT INTO totals VALUES (1, 0, 0, 0);
