-- What people said of answers, to measure a scorer by: one row an answer, scorer and rater.

CREATE TABLE labels (
  run    INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  scorer INTEGER NOT NULL,
  rater  TEXT NOT NULL,
  value  REAL NOT NULL,
  PRIMARY KEY (run, seq, scorer, rater),
  FOREIGN KEY (run, seq) REFERENCES trials ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
