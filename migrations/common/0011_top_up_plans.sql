-- What an amount paid in brings on top.
CREATE TABLE top_up_plans (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Minor units the member pays.
    amount BIGINT NOT NULL,
    -- JSON: bonus, points, coupons and a tier.
    gives TEXT NOT NULL,
    -- How often one member may have it; none where any number.
    per_member BIGINT,
    -- How often it may be had in all; none where any number.
    most BIGINT,
    -- First and last business day it is sold.
    starts_on BIGINT,
    ends_on BIGINT,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);
-- Top-ups by a plan, as far as their entry does not tell what they gave.
CREATE TABLE planned_top_ups (
    id TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL,
    plan TEXT NOT NULL,
    -- Codes of the coupons it gave, as a JSON list.
    codes TEXT NOT NULL,
    -- The tier it gave and the one it took the place of, as JSON; none where it gave none.
    tier TEXT
);
