-- Applications that have people and groups written to them over SCIM.
CREATE TABLE provisionings (
    id UUID NOT NULL PRIMARY KEY,
    application_id UUID NOT NULL UNIQUE REFERENCES applications (id),
    settings JSONB NOT NULL,
    secret_sealed BYTEA,
    enabled BOOLEAN NOT NULL,
    -- Whether groups of the establishment are written: only then are changes of memberships looked at.
    writes_groups BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- How it goes with each.
CREATE TABLE provisioning_states (
    provisioning_id UUID NOT NULL PRIMARY KEY REFERENCES provisionings (id) ON DELETE CASCADE,
    -- When everyone was last looked at; never when empty.
    looked_at BIGINT,
    paused TEXT COLLATE "C",
    paused_at BIGINT,
    rest_until BIGINT,
    failures BIGINT NOT NULL,
    abilities JSONB,
    abilities_at BIGINT,
    asked TEXT COLLATE "C" CHECK (asked IN ('report', 'repair')),
    report JSONB,
    written_at BIGINT
);

-- What each application has of whom, as far as it was written.
CREATE TABLE provisioned (
    id UUID NOT NULL PRIMARY KEY,
    provisioning_id UUID NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    subject TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    remote_id TEXT COLLATE "C",
    written BYTEA,
    active BOOLEAN NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('marked', 'waiting', 'held', 'done', 'failed', 'given_up')),
    action TEXT COLLATE "C" CHECK (action IN ('create', 'update', 'deactivate', 'delete')),
    approved BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    error TEXT COLLATE "C",
    -- Counts how often it was marked: what ended meanwhile does not hide a newer mark.
    seq BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (provisioning_id, kind, subject)
);
CREATE INDEX provisioned_due ON provisioned (provisioning_id, state, kind, due_at);
CREATE INDEX provisioned_subject ON provisioned (kind, subject);

-- Who is to be in which group there, and who was written into it.
CREATE TABLE provisioned_members (
    provisioned_id UUID NOT NULL REFERENCES provisioned (id) ON DELETE CASCADE,
    user_id UUID NOT NULL,
    wanted BOOLEAN NOT NULL,
    written BOOLEAN NOT NULL,
    PRIMARY KEY (provisioned_id, user_id)
);
CREATE INDEX provisioned_members_user ON provisioned_members (user_id);

-- How an application differed when it was last compared.
CREATE TABLE provisioning_drifts (
    id UUID NOT NULL PRIMARY KEY,
    provisioning_id UUID NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    what TEXT COLLATE "C" NOT NULL CHECK (what IN ('missing', 'unknown', 'differs')),
    name TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    remote_id TEXT COLLATE "C",
    fields JSONB NOT NULL
);
CREATE INDEX provisioning_drifts_of ON provisioning_drifts (provisioning_id, id);

-- People and groups to be looked at again for every application: noted by the store itself in the transaction that changes what they are or
-- hold, whoever changes it.
CREATE TABLE provisioning_marks (
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    subject UUID NOT NULL,
    PRIMARY KEY (kind, subject)
);

CREATE FUNCTION mark_changed_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT 'user', t.id FROM touched t JOIN before b ON b.id = t.id
            WHERE ROW (t.username, t.given_name, t.family_name, t.display_name, t.email, t.locale, t.status, t.home_unit, t.units, t.attributes)
            IS DISTINCT FROM ROW (b.username, b.given_name, b.family_name, b.display_name, b.email, b.locale, b.status, b.home_unit, b.units, b.attributes) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_changed_users AFTER UPDATE ON users
    REFERENCING OLD TABLE AS before NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_changed_users();
CREATE FUNCTION mark_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT 'user', t.id FROM touched t ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_removed_users AFTER DELETE ON users
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_users();
CREATE FUNCTION mark_holders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT 'user', t.user_id FROM touched t ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_given_assignments AFTER INSERT ON assignments
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_holders();
CREATE TRIGGER mark_changed_assignments AFTER UPDATE ON assignments
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_holders();
CREATE TRIGGER mark_taken_assignments AFTER DELETE ON assignments
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_holders();
CREATE FUNCTION mark_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT 'user', t.user_id FROM touched t ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_added_memberships AFTER INSERT ON memberships
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_members();
CREATE TRIGGER mark_removed_memberships AFTER DELETE ON memberships
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_members();
CREATE FUNCTION mark_groups_of_nestings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT 'group', t.parent_id FROM touched t ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_added_nestings AFTER INSERT ON nestings
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_groups_of_nestings();
CREATE TRIGGER mark_removed_nestings AFTER DELETE ON nestings
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_groups_of_nestings();
CREATE FUNCTION mark_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT 'group', t.id FROM touched t ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_added_groups AFTER INSERT ON groups
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_groups();
CREATE TRIGGER mark_removed_groups AFTER DELETE ON groups
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_groups();
CREATE FUNCTION mark_changed_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT 'group', t.id FROM touched t JOIN before b ON b.id = t.id
            WHERE ROW (t.name, t.display_name) IS DISTINCT FROM ROW (b.name, b.display_name) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_changed_groups AFTER UPDATE ON groups
    REFERENCING OLD TABLE AS before NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_changed_groups();
-- A catalogue decides which of the roles that someone was given count.
CREATE FUNCTION mark_holders_of_applications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM provisionings WHERE enabled) THEN
        INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT 'user', a.user_id FROM touched t
            JOIN provisionings p ON p.application_id = t.id AND p.enabled JOIN assignments a ON a.application_id = t.id ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_changed_applications AFTER UPDATE ON applications
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_holders_of_applications();
