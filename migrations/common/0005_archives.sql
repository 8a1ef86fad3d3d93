-- Files that hold what rules were told and answered for old orders. Where the facts of an order are empty, they are in
-- one of the files whose day is later than the order's.
CREATE TABLE archives (
    -- Hash of the file, in hex.
    digest TEXT NOT NULL PRIMARY KEY,
    -- Its name when it was written, without folders.
    file TEXT NOT NULL,
    -- It holds nothing of this business day or a later one.
    before_day BIGINT NOT NULL,
    -- Microseconds.
    taken_at BIGINT NOT NULL,
    row_count BIGINT NOT NULL
);
CREATE INDEX archives_by_day ON archives (before_day);
