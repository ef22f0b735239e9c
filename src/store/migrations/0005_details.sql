-- Of tokens written to a provider's cache: those that are kept for an hour, which cost more.
-- Whose figure a cost is: `provider`, `price` or, of several attempts, `mixed`; NULL: not known.
-- The tokens of an answer with their log probabilities, as a JSON array; NULL: none.
-- Whether the provider had the whole request and did not refuse it, so that it may bill it.

ALTER TABLE trials ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE trials ADD COLUMN cost_source TEXT;
ALTER TABLE answers ADD COLUMN logprobs TEXT;
ALTER TABLE attempts ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE attempts ADD COLUMN cost_reported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
