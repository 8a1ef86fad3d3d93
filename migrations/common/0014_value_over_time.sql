-- Whether its holder may give a coupon to another member.
ALTER TABLE coupons ADD COLUMN transferable BOOLEAN NOT NULL DEFAULT FALSE;
-- What happened to a coupon, one row for each.
CREATE TABLE coupon_states (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    -- issued, transferred, used, given-back or void.
    state TEXT NOT NULL,
    -- Who held it from then on, or used it.
    member TEXT,
    -- What it came with, such as an order and its id.
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- Why, where somebody said so; empty otherwise.
    reason TEXT NOT NULL,
    -- Microseconds.
    at BIGINT NOT NULL
);
CREATE INDEX coupon_states_code ON coupon_states (code, id);
-- What members were told of before it expires, once each.
CREATE TABLE expiry_notices (
    -- Id of a lot, or code of a coupon.
    subject TEXT NOT NULL PRIMARY KEY,
    -- Forgotten afterwards.
    last_day BIGINT NOT NULL
);
CREATE INDEX expiry_notices_day ON expiry_notices (last_day);
CREATE INDEX coupons_expiring ON coupons (expires_on, code) WHERE holder IS NOT NULL AND expires_on IS NOT NULL;
-- Prize draws as they were opened.
CREATE TABLE prize_draws (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- Price of a number, at the program's scale.
    points BIGINT NOT NULL,
    -- JSON: name, what it gives, weight and stock of each, in their order.
    prizes TEXT NOT NULL,
    -- Weight of winning nothing.
    blanks BIGINT NOT NULL,
    -- Numbers one member may draw; none where any.
    per_member BIGINT,
    -- SHA-256 of the seed, in hex.
    seed_hash TEXT NOT NULL,
    opened_at BIGINT NOT NULL
);
CREATE TABLE prize_draw_ends (
    draw TEXT NOT NULL PRIMARY KEY,
    -- In hex.
    seed TEXT NOT NULL,
    closed_at BIGINT NOT NULL
);
-- What each number of a draw won.
CREATE TABLE prize_outcomes (
    draw TEXT NOT NULL,
    -- From 1, without a gap.
    number BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    member TEXT NOT NULL,
    -- Position of the prize in the draw; none where it won nothing.
    prize BIGINT,
    -- Codes of the coupons it won, as a JSON list.
    codes TEXT NOT NULL,
    store TEXT NOT NULL,
    drawn_at BIGINT NOT NULL,
    PRIMARY KEY (draw, number)
);
