-- Of an answer from the response cache: what the call had taken and cost that it is from. The trial
-- itself has neither, since no request was made for it.

ALTER TABLE trials ADD COLUMN cached_latency_us INTEGER;
ALTER TABLE trials ADD COLUMN cached_ttft_us INTEGER;
ALTER TABLE trials ADD COLUMN saved_pico INTEGER;
