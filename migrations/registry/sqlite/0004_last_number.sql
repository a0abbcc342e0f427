-- The highest number of an establishment that was deleted: no other gets it, nor one below it, unless someone asks for it.
ALTER TABLE installation ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;
