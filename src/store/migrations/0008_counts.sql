-- What a scorer counted in an answer, as a JSON array of numbers; their sums over a run give its value
-- for the whole run, such as BLEU of a corpus. NULL: the scorer does not count.

ALTER TABLE scores ADD COLUMN counts TEXT;
