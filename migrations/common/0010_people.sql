-- What else is known of a person, who enrolled him, and who changed what.

-- Keyed hash of the e-mail address, for exact look-up; empty where there is none, null where it is still to be made.
ALTER TABLE persons ADD COLUMN email_hash TEXT;
CREATE UNIQUE INDEX persons_email ON persons (email_hash) WHERE email_hash <> '';
CREATE INDEX persons_unhashed ON persons (member_id) WHERE email_hash IS NULL;

-- The staff member or key that enrolled him; null where nobody noted it.
ALTER TABLE members ADD COLUMN enrolled_by TEXT;
-- The staff member whose customer he is.
ALTER TABLE members ADD COLUMN adviser TEXT REFERENCES staff (id);

-- Every change of a field of a member, in the order it happened.
CREATE TABLE member_changes (
    id TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id),
    -- Such as person.phone, status or attributes.size.
    field TEXT NOT NULL,
    -- The staff member or key that did it, and for which store; null for the whole chain.
    changed_by TEXT NOT NULL,
    store TEXT,
    -- Microseconds.
    changed_at BIGINT NOT NULL,
    -- What it was and is, as JSON under the person's own key; null once he is erased.
    sealed BYTEA,
    -- The same of somebody who has no key any more, because he was erased before the change.
    told TEXT
);
CREATE INDEX member_changes_by_member ON member_changes (member_id, id);

-- What members are found by beside their marks: their attributes one by one.
CREATE TABLE member_attributes (
    member_id TEXT NOT NULL REFERENCES members (id),
    name TEXT NOT NULL,
    -- A text as it is, a number in digits, true or false.
    value TEXT NOT NULL,
    PRIMARY KEY (member_id, name)
);
CREATE INDEX member_attributes_by_value ON member_attributes (name, value, member_id);
