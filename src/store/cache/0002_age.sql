-- Answers leave the file when they are too old for everybody, or are the oldest in a full one.

CREATE INDEX answers_age ON answers (created_ms);

ALTER TABLE totals ADD COLUMN longest_ttl_ms INTEGER NOT NULL DEFAULT 0;  -- of all runs that used it
ALTER TABLE totals ADD COLUMN max_bytes      INTEGER NOT NULL DEFAULT 0;  -- of the last run; 0: none
ALTER TABLE totals ADD COLUMN expired        INTEGER NOT NULL DEFAULT 0;  -- deleted for their age
ALTER TABLE totals ADD COLUMN evicted        INTEGER NOT NULL DEFAULT 0;  -- deleted for their room
