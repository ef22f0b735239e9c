-- Names that people give to runs. A tag may stand at several runs; the one that got it last is meant.

CREATE TABLE run_tags (
  tagged INTEGER PRIMARY KEY AUTOINCREMENT,
  run    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  tag    TEXT NOT NULL,
  UNIQUE (run, tag)
) STRICT;
