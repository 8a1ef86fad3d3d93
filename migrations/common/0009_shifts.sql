-- A terminal between opening and closing its drawer. What is closed never changes again.
CREATE TABLE shifts (
    id TEXT NOT NULL PRIMARY KEY,
    terminal TEXT NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Business day it was opened on, days since 1970-01-01.
    business_date BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    -- A staff member, or a key.
    opened_by TEXT NOT NULL,
    -- Cash it began with, minor units.
    opening_float BIGINT NOT NULL,
    -- None while it is open.
    closed_at BIGINT,
    -- Movements so far, and one for the closing.
    sequence BIGINT NOT NULL,
    base BIGINT NOT NULL,
    -- JSON: by kind of movement how many there were and what each tender took.
    sums TEXT NOT NULL,
    -- JSON: what was counted at the opening, by denomination, and the closing.
    counts TEXT NOT NULL
);
-- One open shift per terminal.
CREATE UNIQUE INDEX shifts_open ON shifts (terminal) WHERE closed_at IS NULL;
CREATE INDEX shifts_store ON shifts (store, id);
-- What happened at a terminal during a shift, in the order of the ledger.
CREATE TABLE shift_movements (
    shift TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    -- Kind of the entry, such as sale or cash-in.
    kind TEXT NOT NULL,
    -- The order, refund or movement.
    subject TEXT NOT NULL,
    -- A staff member, or a key.
    moved_by TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- JSON: minor units by tender, negative where money left.
    tenders TEXT NOT NULL,
    PRIMARY KEY (shift, sequence)
);
-- Somebody else set the PIN: it may only change itself.
ALTER TABLE staff ADD COLUMN pin_must_change BOOLEAN NOT NULL DEFAULT FALSE;
