-- Writing transactions take turns on this table, as they do on a file: one at a time in one store, whatever the node.
CREATE TABLE write_turn ();

-- The platform's own list of establishments and of the zones they may lie in.
CREATE TABLE zones (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL
);

CREATE TABLE establishments (
    id UUID NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    uai TEXT COLLATE "C" UNIQUE,
    zone TEXT COLLATE "C" REFERENCES zones (name),
    locality TEXT COLLATE "C",
    contact_family_name TEXT COLLATE "C",
    contact_given_name TEXT COLLATE "C",
    contact_email TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'blocked')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
