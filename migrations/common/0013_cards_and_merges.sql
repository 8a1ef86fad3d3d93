-- Cards of a type, blank until somebody has them, and what they are read by beside their number.

CREATE TABLE card_types (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The tier its holder gets when it is activated; null where it changes none.
    tier TEXT,
    -- Minor units its activation costs.
    price BIGINT NOT NULL,
    -- Days it is good for, the day of activation included; null without end.
    valid_days BIGINT,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);

-- A blank card has no member yet, which neither database lets a column learn in place.
CREATE TABLE cards_with_blanks (
    number TEXT NOT NULL PRIMARY KEY,
    -- Null while it is blank.
    member_id TEXT REFERENCES members (id),
    -- physical or virtual.
    kind TEXT NOT NULL,
    -- blank, active, blocked, lost, replaced or closed.
    status TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    card_type TEXT REFERENCES card_types (id),
    -- The batch it was made with while it was blank.
    batch TEXT,
    -- Last business day of its member's home store it is good for; null without end.
    expires_on BIGINT,
    replaced_by TEXT,
    -- Argon2id in PHC form; null without PIN.
    pin_hash TEXT,
    failed_tries BIGINT NOT NULL DEFAULT 0
);
INSERT INTO cards_with_blanks (number, member_id, kind, status, issued_at)
    SELECT number, member_id, kind, status, issued_at FROM cards;
DROP TABLE cards;
ALTER TABLE cards_with_blanks RENAME TO cards;
CREATE INDEX cards_by_member ON cards (member_id, number);
CREATE INDEX cards_by_batch ON cards (batch, number) WHERE batch IS NOT NULL;

-- What a reader tells of a card: the UID of its chip, the text of its stripe.
CREATE TABLE card_marks (
    -- Keyed, so that nobody makes a card from the database.
    hash TEXT NOT NULL PRIMARY KEY,
    number TEXT NOT NULL REFERENCES cards (number),
    -- nfc or track.
    kind TEXT NOT NULL,
    UNIQUE (number, kind)
);

-- Two memberships of one person made one.
ALTER TABLE members ADD COLUMN merged_into TEXT REFERENCES members (id);
CREATE INDEX members_merged ON members (merged_into, id) WHERE merged_into IS NOT NULL;

CREATE TABLE merges (
    id TEXT NOT NULL PRIMARY KEY,
    -- Who went, and who stayed.
    member TEXT NOT NULL REFERENCES members (id),
    survivor TEXT NOT NULL REFERENCES members (id),
    -- Microseconds.
    merged_at BIGINT NOT NULL,
    merged_by TEXT NOT NULL,
    -- JSON: cards, coupons and counters that went along, and what the member was before.
    moved TEXT NOT NULL
);
CREATE INDEX merges_by_member ON merges (member, id);
