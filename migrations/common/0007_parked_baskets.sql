-- Baskets put aside at one till and taken up at another. Nothing is reserved by them.
CREATE TABLE parked_baskets (
    id TEXT NOT NULL PRIMARY KEY,
    store TEXT NOT NULL,
    -- What the cashier knows it by.
    label TEXT NOT NULL,
    -- Who put it aside: a staff member, or a key.
    parked_by TEXT NOT NULL,
    -- Microseconds.
    parked_at BIGINT NOT NULL,
    -- The operation that took it up; empty while it waits.
    recalled_under TEXT NOT NULL,
    -- The request of a quote, as JSON; its member by id alone.
    basket TEXT NOT NULL
);
CREATE INDEX parked_baskets_by_store ON parked_baskets (store, id);
