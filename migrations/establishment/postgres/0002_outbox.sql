-- What is to be sent, committed with its cause: letters, and notices to relying parties. Contents are sealed, and gone once sent.
CREATE TABLE outbox (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('mail', 'logout')),
    recipient TEXT COLLATE "C" NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    content_sealed BYTEA,
    batch UUID,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    error TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_batch ON outbox (batch);

-- OpenID Connect Back-Channel Logout 1.0 §2.2.
ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT COLLATE "C";
ALTER TABLE clients ADD COLUMN backchannel_logout_session_required BOOLEAN NOT NULL DEFAULT false;
