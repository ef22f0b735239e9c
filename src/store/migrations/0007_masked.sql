-- Whether a secret was masked in what came back.

ALTER TABLE attempts ADD COLUMN masked INTEGER NOT NULL DEFAULT 0;
