-- Configuration as files: every revision ever applied, and what the last one declares.

-- Rows are added, never changed: a rollback is a new revision with an old document.
CREATE TABLE configuration_revisions (
    number BIGINT NOT NULL PRIMARY KEY,
    -- Microseconds.
    applied_at BIGINT NOT NULL,
    -- Who applied it: a key, a staff member, operator or watch.
    author TEXT NOT NULL,
    -- The names of its files.
    source TEXT NOT NULL,
    -- JSON array of {name, text}: the files as they were.
    document TEXT NOT NULL,
    -- SHA-256 of what the files say, in hex; comments do not count.
    digest TEXT NOT NULL,
    -- JSON: the difference it made.
    changes TEXT NOT NULL,
    -- The revision a rollback took its document from.
    restores BIGINT
);
CREATE INDEX configuration_revisions_by_author ON configuration_revisions (author, number);

-- Which objects a file declares. A row stays when its object is no longer declared, so that a name declared again
-- means the same binding, with its counters and codes.
CREATE TABLE declared (
    -- chain, region, store, program or binding.
    kind TEXT NOT NULL,
    -- What the file calls it.
    name TEXT NOT NULL,
    -- The id of the row it stands for.
    object TEXT NOT NULL,
    file TEXT NOT NULL,
    -- The last revision that declared it.
    revision BIGINT NOT NULL,
    active BOOLEAN NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX declared_by_object ON declared (kind, object);

INSERT INTO revisions (name, revision) VALUES ('configuration', 0);
