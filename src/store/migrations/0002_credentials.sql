-- Which registered credential an attempt was made with, by its slug; NULL: none that is registered.

ALTER TABLE attempts ADD COLUMN credential TEXT;
