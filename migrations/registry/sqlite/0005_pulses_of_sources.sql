-- How each source that is kept up by itself goes: one row read tells who is late, without opening any store.
CREATE TABLE pulses (
    slug TEXT NOT NULL,
    source_id BLOB NOT NULL,
    source TEXT NOT NULL,
    late_at INTEGER,
    succeeded_at INTEGER,
    bookmark_at INTEGER,
    failures INTEGER NOT NULL,
    paused_until INTEGER,
    PRIMARY KEY (slug, source_id)
) STRICT, WITHOUT ROWID;
