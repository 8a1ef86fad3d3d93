-- What points are exchanged for.
CREATE TABLE rewards (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- For one piece, at the program's scale.
    points BIGINT NOT NULL,
    -- JSON: goods, a coupon or bonus.
    gives TEXT NOT NULL,
    -- Pieces there are in all, those taken included; none where any number.
    stock BIGINT,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);
-- What was exchanged, once per entry.
CREATE TABLE exchanges (
    id TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL,
    reward TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    points BIGINT NOT NULL,
    -- Codes of the coupons it gave, as a JSON list.
    codes TEXT NOT NULL,
    store TEXT NOT NULL,
    exchanged_at BIGINT NOT NULL
);
CREATE INDEX exchanges_member ON exchanges (member, id);
