-- Roles a chain defines beside the four there always are.
CREATE TABLE roles (
    id TEXT NOT NULL PRIMARY KEY,
    -- cashier, supervisor, manager or admin: what it holds where it says nothing itself.
    base TEXT NOT NULL,
    -- JSON: allow, approve or deny by permission.
    powers TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- Receipts without prices: whoever shows one may exchange the goods on it.
CREATE TABLE gift_receipts (
    code TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL,
    -- JSON: positions and quantities of the order's lines.
    lines TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_at BIGINT NOT NULL
);
CREATE INDEX gift_receipts_by_order ON gift_receipts (order_id);

-- Whose stored value another member may spend: a family's wallet, an employer's.
CREATE TABLE wallet_shares (
    owner TEXT NOT NULL,
    member TEXT NOT NULL,
    -- Minor units on one business day, and in one calendar month; no limit where null.
    most_per_day BIGINT,
    most_per_month BIGINT,
    -- Last business day; without end where null.
    until BIGINT,
    PRIMARY KEY (owner, member)
);

CREATE INDEX wallet_shares_by_member ON wallet_shares (member, owner);
