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
