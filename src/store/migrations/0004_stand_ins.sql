-- The model that answered in place of the one that was asked, by its name; NULL: none did.

ALTER TABLE trials ADD COLUMN stand_in TEXT;
