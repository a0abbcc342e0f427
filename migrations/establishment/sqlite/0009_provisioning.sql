-- Applications that have people and groups written to them over SCIM.
CREATE TABLE provisionings (
    id BLOB NOT NULL PRIMARY KEY,
    application_id BLOB NOT NULL UNIQUE REFERENCES applications (id),
    settings TEXT NOT NULL,
    secret_sealed BLOB,
    enabled INTEGER NOT NULL,
    -- Whether groups of the establishment are written: only then are changes of memberships looked at.
    writes_groups INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- How it goes with each.
CREATE TABLE provisioning_states (
    provisioning_id BLOB NOT NULL PRIMARY KEY REFERENCES provisionings (id) ON DELETE CASCADE,
    -- When everyone was last looked at; never when empty.
    looked_at INTEGER,
    paused TEXT,
    paused_at INTEGER,
    rest_until INTEGER,
    failures INTEGER NOT NULL,
    abilities TEXT,
    abilities_at INTEGER,
    asked TEXT CHECK (asked IN ('report', 'repair')),
    report TEXT,
    written_at INTEGER
) STRICT;

-- What each application has of whom, as far as it was written.
CREATE TABLE provisioned (
    id BLOB NOT NULL PRIMARY KEY,
    provisioning_id BLOB NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    remote_id TEXT,
    written BLOB,
    active INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('marked', 'waiting', 'held', 'done', 'failed', 'given_up')),
    action TEXT CHECK (action IN ('create', 'update', 'deactivate', 'delete')),
    approved INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    error TEXT,
    -- Counts how often it was marked: what ended meanwhile does not hide a newer mark.
    seq INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (provisioning_id, kind, subject)
) STRICT;
CREATE INDEX provisioned_due ON provisioned (provisioning_id, state, kind, due_at);
CREATE INDEX provisioned_subject ON provisioned (kind, subject);

-- Who is to be in which group there, and who was written into it.
CREATE TABLE provisioned_members (
    provisioned_id BLOB NOT NULL REFERENCES provisioned (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL,
    wanted INTEGER NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (provisioned_id, user_id)
) STRICT;
CREATE INDEX provisioned_members_user ON provisioned_members (user_id);

-- How an application differed when it was last compared.
CREATE TABLE provisioning_drifts (
    id BLOB NOT NULL PRIMARY KEY,
    provisioning_id BLOB NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    what TEXT NOT NULL CHECK (what IN ('missing', 'unknown', 'differs')),
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    remote_id TEXT,
    fields TEXT NOT NULL
) STRICT;
CREATE INDEX provisioning_drifts_of ON provisioning_drifts (provisioning_id, id);

-- People and groups to be looked at again for every application: noted by the store itself in the transaction that changes what they are or
-- hold, whoever changes it.
CREATE TABLE provisioning_marks (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    subject BLOB NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT;

CREATE TRIGGER mark_changed_users AFTER UPDATE OF username, given_name, family_name, display_name, email, locale, status, home_unit, units, attributes ON users
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled) AND (OLD.username IS NOT NEW.username OR OLD.given_name IS NOT NEW.given_name OR OLD.family_name IS NOT NEW.family_name OR
        OLD.display_name IS NOT NEW.display_name OR OLD.email IS NOT NEW.email OR OLD.locale IS NOT NEW.locale OR
        OLD.status IS NOT NEW.status OR OLD.home_unit IS NOT NEW.home_unit OR OLD.units IS NOT NEW.units OR
        OLD.attributes IS NOT NEW.attributes)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', NEW.id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = NEW.id);
END;
CREATE TRIGGER mark_removed_users AFTER DELETE ON users
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', OLD.id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = OLD.id);
END;
CREATE TRIGGER mark_given_assignments AFTER INSERT ON assignments
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', NEW.user_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = NEW.user_id);
END;
CREATE TRIGGER mark_changed_assignments AFTER UPDATE OF role, scope, origin, valid_from, valid_until ON assignments
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', NEW.user_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = NEW.user_id);
END;
CREATE TRIGGER mark_taken_assignments AFTER DELETE ON assignments
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', OLD.user_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = OLD.user_id);
END;
CREATE TRIGGER mark_added_memberships AFTER INSERT ON memberships
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', NEW.user_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = NEW.user_id);
END;
CREATE TRIGGER mark_removed_memberships AFTER DELETE ON memberships
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'user', OLD.user_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = OLD.user_id);
END;
CREATE TRIGGER mark_added_nestings AFTER INSERT ON nestings
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'group', NEW.parent_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'group' AND m.subject = NEW.parent_id);
END;
CREATE TRIGGER mark_removed_nestings AFTER DELETE ON nestings
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'group', OLD.parent_id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'group' AND m.subject = OLD.parent_id);
END;
CREATE TRIGGER mark_added_groups AFTER INSERT ON groups
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'group', NEW.id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'group' AND m.subject = NEW.id);
END;
CREATE TRIGGER mark_changed_groups AFTER UPDATE OF name, display_name ON groups
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups) AND (OLD.name IS NOT NEW.name OR OLD.display_name IS NOT NEW.display_name)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'group', NEW.id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'group' AND m.subject = NEW.id);
END;
CREATE TRIGGER mark_removed_groups AFTER DELETE ON groups
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND writes_groups)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT 'group', OLD.id
        WHERE NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'group' AND m.subject = OLD.id);
END;
-- A catalogue decides which of the roles that someone was given count.
CREATE TRIGGER mark_changed_applications AFTER UPDATE ON applications
    WHEN EXISTS (SELECT 1 FROM provisionings WHERE enabled AND application_id = NEW.id)
BEGIN
    INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT 'user', a.user_id FROM assignments a WHERE a.application_id = NEW.id
        AND NOT EXISTS (SELECT 1 FROM provisioning_marks m WHERE m.kind = 'user' AND m.subject = a.user_id);
END;
