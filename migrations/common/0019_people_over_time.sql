-- Tiers given by hand: who keeps which tier, why and how long.
CREATE TABLE tier_floors (
    id TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL REFERENCES members (id),
    tier TEXT NOT NULL,
    multiplier_num BIGINT NOT NULL,
    multiplier_den BIGINT NOT NULL,
    reason TEXT NOT NULL,
    -- A staff member, or a key.
    set_by TEXT NOT NULL,
    -- Microseconds.
    set_at BIGINT NOT NULL,
    -- Last business day of the member's home store; null without end.
    last_day BIGINT,
    -- JSON: the tier the member had before anybody gave him one by hand.
    before TEXT NOT NULL,
    -- Microseconds; null while nobody withdrew or replaced it.
    ended_at BIGINT,
    ended_by TEXT,
    ended_why TEXT
);
CREATE INDEX tier_floors_member ON tier_floors (member, id);
-- The last tier that was given to the member by hand and not withdrawn, also once its last day is over.
ALTER TABLE members ADD COLUMN tier_floor TEXT;
CREATE INDEX members_tier_ends ON members (tier_valid_until, id) WHERE tier_valid_until IS NOT NULL;

-- Whom goods are kept for and how long, as JSON; null where anybody may buy them.
ALTER TABLE products ADD COLUMN reserved TEXT;

-- What holders of cards of a type pay less, as JSON; null where nothing.
ALTER TABLE card_types ADD COLUMN discount TEXT;
-- What the activation of a card did beside its entry, so that it can be taken back.
CREATE TABLE card_activations (
    number TEXT NOT NULL PRIMARY KEY REFERENCES cards (number),
    member TEXT NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Minor units.
    price BIGINT NOT NULL,
    -- How it was paid; null where it cost nothing.
    tender TEXT,
    -- JSON: the tier it gave and the one it took the place of; null where it gave none.
    tier TEXT
);

-- A phone number or e-mail address that a member is about to have, until he tells the code that was sent there.
CREATE TABLE contact_changes (
    id TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id),
    -- phone or email.
    kind TEXT NOT NULL,
    -- open, confirmed or replaced.
    state TEXT NOT NULL,
    -- The address under the person's own key; null once it is not needed any more.
    sealed BYTEA,
    -- Keyed hash of the code; null until the message was fetched.
    code_hash TEXT,
    -- A staff member, or a key.
    asked_by TEXT NOT NULL,
    store TEXT,
    -- Microseconds.
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX contact_changes_open ON contact_changes (member_id, kind) WHERE state = 'open';
CREATE INDEX contact_changes_old ON contact_changes (expires_at);

-- What of a merged member's history counts for whom he became part of, as it was brought there.
CREATE TABLE merged_days (
    merge_id TEXT NOT NULL REFERENCES merges (id),
    day BIGINT NOT NULL,
    category TEXT NOT NULL,
    spend BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    units BIGINT NOT NULL,
    points BIGINT NOT NULL,
    PRIMARY KEY (merge_id, day, category)
);
-- Members whose referrer became part of another, or who got the referrer of whom became part of them.
CREATE TABLE merged_referrals (
    merge_id TEXT NOT NULL REFERENCES merges (id),
    member TEXT NOT NULL REFERENCES members (id),
    PRIMARY KEY (merge_id, member)
);
-- Orders that went along, and came later; and whether what counts was brought and not parted since.
ALTER TABLE merges ADD COLUMN orders BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merges ADD COLUMN brought BOOLEAN NOT NULL DEFAULT FALSE;
