-- Rules asked about more than sales: what occasions gave, and how far the daily rounds have come.

-- Something that happened to a member and earned him something. `doc` and `facts` are as in an order, without lines.
CREATE TABLE occasions (
    id TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL,
    -- What tells it from every other of his, such as birthday/2026.
    name TEXT NOT NULL,
    -- enrolment, joining, top-up, birthday, anniversary, feedback, manual, referral or tier-reached.
    kind TEXT NOT NULL,
    store TEXT NOT NULL,
    -- The order it came from: a full refund takes back what it gave.
    order_id TEXT,
    occurred_at BIGINT NOT NULL,
    business_date BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    facts BYTEA NOT NULL,
    UNIQUE (member, name)
);
CREATE INDEX occasions_member ON occasions (member, id);
CREATE INDEX occasions_order ON occasions (order_id) WHERE order_id IS NOT NULL;

-- Finds who may have his birthday: two characters of a keyed hash of month and day. Several days share a mark, so that
-- it tells less than a birthday even beside a known one. Empty where no birthday is known, null where it is still to be
-- made.
ALTER TABLE persons ADD COLUMN birthday_mark TEXT;
CREATE INDEX persons_birthday ON persons (birthday_mark, member_id);

CREATE INDEX members_enrolled ON members (enrolled_on, id);

-- How far a daily round has come in a store (all of the chain where empty): everybody through `after` on `day`.
CREATE TABLE rounds (
    job TEXT NOT NULL,
    store TEXT NOT NULL,
    day BIGINT NOT NULL,
    after TEXT NOT NULL,
    done BOOLEAN NOT NULL,
    PRIMARY KEY (job, store)
);
