-- The ledger: everything that has a limit, the entries that changed it, and the records written with them.
-- `version` counts the changes of a row; `base` is its version before the batch that wrote it last, so that
-- a bulk upsert can check that nobody else was faster. On SQLite a table marked as clustered lies in its key's
-- order and needs no second tree.

CREATE TABLE writers (
    id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    batch BIGINT NOT NULL,
    head_seq BIGINT NOT NULL,
    head_seal BYTEA NOT NULL,
    UNIQUE (host, epoch)
);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    asset TEXT NOT NULL,
    balance BIGINT NOT NULL,
    version BIGINT NOT NULL,
    base BIGINT NOT NULL
) /* clustered */;

CREATE TABLE entries (
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    business_date BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (writer, seq)
);

CREATE INDEX entries_subject ON entries (subject_id);

-- `lots` is a JSON list of [lot, change] where the account is lotted.
CREATE TABLE postings (
    account TEXT NOT NULL,
    version BIGINT NOT NULL,
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    lots TEXT,
    PRIMARY KEY (account, version)
) /* clustered */;

CREATE INDEX postings_entry ON postings (writer, seq);

CREATE TABLE lots (
    member TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    original BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    expires_on BIGINT,
    available_on BIGINT,
    source TEXT NOT NULL,
    PRIMARY KEY (member, id)
) /* clustered */;

CREATE INDEX lots_open ON lots (member) WHERE remaining > 0;
CREATE INDEX lots_expiring ON lots (expires_on) WHERE remaining > 0 AND expires_on IS NOT NULL;
CREATE INDEX lots_pending ON lots (available_on) WHERE remaining > 0 AND available_on IS NOT NULL;

CREATE TABLE counters (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    version BIGINT NOT NULL,
    base BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
) /* clustered */;

CREATE TABLE coupons (
    code TEXT NOT NULL PRIMARY KEY,
    campaign TEXT NOT NULL,
    holder TEXT,
    uses BIGINT NOT NULL,
    use_limit BIGINT,
    void BOOLEAN NOT NULL,
    starts_on BIGINT,
    expires_on BIGINT,
    version BIGINT NOT NULL,
    base BIGINT NOT NULL
);

CREATE INDEX coupons_holder ON coupons (holder) WHERE holder IS NOT NULL;
CREATE INDEX coupons_campaign ON coupons (campaign);

-- What of an order can still be refunded; `lines` and `tenders` are JSON.
CREATE TABLE refundables (
    order_id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    base BIGINT NOT NULL,
    lines TEXT NOT NULL,
    tenders TEXT NOT NULL
) /* clustered */;

-- `sale` is what the commit of the held quote writes, compressed JSON, so that any host can commit it; empty
-- once the hold has ended.
CREATE TABLE holds (
    id TEXT NOT NULL PRIMARY KEY,
    quote_id TEXT NOT NULL UNIQUE,
    member TEXT,
    held_on BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    reserves TEXT NOT NULL,
    sale BYTEA NOT NULL,
    version BIGINT NOT NULL,
    base BIGINT NOT NULL
);

CREATE INDEX holds_due ON holds (expires_at) WHERE state = 'pending';

-- `refusal` is JSON where the command was refused for good.
CREATE TABLE operations (
    key TEXT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    entry_id TEXT,
    refusal TEXT
) /* clustered */;

-- `facts` is canonical JSON, compressed, once per order; in a refund empty where no rule was asked.
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    store TEXT NOT NULL,
    terminal TEXT NOT NULL,
    staff TEXT,
    member TEXT,
    quote_id TEXT,
    external_id TEXT,
    receipt_code TEXT NOT NULL UNIQUE,
    occurred_at BIGINT NOT NULL,
    business_date BIGINT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    facts BYTEA NOT NULL
);

CREATE UNIQUE INDEX orders_quote ON orders (quote_id) WHERE quote_id IS NOT NULL;
CREATE UNIQUE INDEX orders_external ON orders (store, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX orders_member ON orders (member, id) WHERE member IS NOT NULL;
CREATE INDEX orders_store ON orders (store, business_date, id);

CREATE TABLE refunds (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    store TEXT NOT NULL,
    terminal TEXT NOT NULL,
    staff TEXT,
    occurred_at BIGINT NOT NULL,
    business_date BIGINT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    facts BYTEA NOT NULL,
    UNIQUE (order_id, sequence)
);

-- The points of an order made without a member, given to one later. `doc` is the order as it stands with him: what
-- a refund inverts from then on.
CREATE TABLE claims (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    member TEXT NOT NULL,
    store TEXT NOT NULL,
    terminal TEXT NOT NULL,
    staff TEXT,
    occurred_at BIGINT NOT NULL,
    business_date BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    facts BYTEA NOT NULL
);

CREATE INDEX claims_member ON claims (member, id);

-- `subject_id` is the order, refund or claim the rule was asked for; the facts stand with it.
CREATE TABLE evaluations (
    subject_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    binding_id TEXT NOT NULL,
    component_digest TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    delta BYTEA NOT NULL,
    output BYTEA NOT NULL,
    fuel BIGINT NOT NULL,
    PRIMARY KEY (subject_id, position)
) /* clustered */;

-- Components and configurations some evaluation names; they are never deleted.
CREATE TABLE evaluated (
    component_digest TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    PRIMARY KEY (component_digest, config_hash)
) /* clustered */;

CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    store TEXT,
    at BIGINT NOT NULL,
    payload TEXT NOT NULL
);

-- What a member bought, by category and business day. The empty category is the whole basket; a category's row
-- holds what was bought in it and below it.
CREATE TABLE member_days (
    member TEXT NOT NULL,
    day BIGINT NOT NULL,
    category TEXT NOT NULL,
    spend BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    units BIGINT NOT NULL,
    points BIGINT NOT NULL,
    PRIMARY KEY (member, category, day)
) /* clustered */;
