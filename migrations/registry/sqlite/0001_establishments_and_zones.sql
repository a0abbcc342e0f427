-- The platform's own list of establishments and of the zones they may lie in.
CREATE TABLE zones (
    name TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL
) STRICT;

CREATE TABLE establishments (
    id BLOB NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    uai TEXT UNIQUE,
    zone TEXT REFERENCES zones (name),
    locality TEXT,
    contact_family_name TEXT,
    contact_given_name TEXT,
    contact_email TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
