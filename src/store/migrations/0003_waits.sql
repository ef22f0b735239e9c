-- How long an attempt waited before it was made: for a free place or under a limit, and because
-- the attempt before it had failed. Latencies do not contain it.

ALTER TABLE attempts ADD COLUMN queued_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN backoff_us INTEGER NOT NULL DEFAULT 0;
