-- What was settled between the chain and its stores, once per entry.
CREATE TABLE settlements (
    id TEXT NOT NULL PRIMARY KEY,
    -- ISO 4217.
    currency TEXT NOT NULL,
    -- 1 for the first of a currency.
    number BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    settled_by TEXT NOT NULL,
    -- JSON: every store with what it owed and why, and how far its accounts were read.
    doc TEXT NOT NULL,
    UNIQUE (currency, number)
);
