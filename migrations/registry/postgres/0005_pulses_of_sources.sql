-- How each source that is kept up by itself goes: one row read tells who is late, without opening any store.
CREATE TABLE pulses (
    slug TEXT COLLATE "C" NOT NULL,
    source_id UUID NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    late_at BIGINT,
    succeeded_at BIGINT,
    bookmark_at BIGINT,
    failures BIGINT NOT NULL,
    paused_until BIGINT,
    PRIMARY KEY (slug, source_id)
);
