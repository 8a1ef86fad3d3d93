-- The chain, its people, goods and rules: plain rows without limits. Everything with a limit is in the ledger.
-- Times are microseconds since 1970 in UTC, days are days since 1970, money is in minor units.

-- Exactly one row: one database is one chain.
CREATE TABLE chain (
    id TEXT NOT NULL PRIMARY KEY CHECK (id = 'chain'),
    name TEXT NOT NULL,
    -- BCP 47: zh-CN or en.
    language TEXT NOT NULL,
    -- Checkout settings as one JSON document; what is absent has its documented default.
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE regions (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE stores (
    id TEXT NOT NULL PRIMARY KEY,
    region TEXT NOT NULL REFERENCES regions (id),
    name TEXT NOT NULL,
    -- ISO 4217.
    currency TEXT NOT NULL,
    -- IANA name; the business day is the calendar day there.
    time_zone TEXT NOT NULL,
    prices_include_tax BOOLEAN NOT NULL,
    -- JSON object of what rules may read.
    attributes TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE terminals (
    id TEXT NOT NULL PRIMARY KEY,
    store TEXT NOT NULL REFERENCES stores (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX terminals_by_store ON terminals (store, id);

-- Only hashes of keys are kept; a terminal's key is a row with its terminal.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the secret half.
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    store TEXT REFERENCES stores (id),
    terminal TEXT REFERENCES terminals (id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX api_keys_by_terminal ON api_keys (terminal);

CREATE TABLE pairing_codes (
    -- SHA-256 of the code, in hex.
    hash TEXT NOT NULL PRIMARY KEY,
    terminal TEXT NOT NULL REFERENCES terminals (id),
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE staff (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- cashier, supervisor, manager or admin.
    role TEXT NOT NULL,
    -- Null: all stores.
    store TEXT REFERENCES stores (id),
    -- Argon2id in PHC form.
    pin_hash TEXT NOT NULL,
    failed_tries BIGINT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE products (
    id TEXT NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Path, root first, separated by slashes.
    category TEXT NOT NULL,
    brand TEXT,
    -- piece or weight.
    unit TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Of one whole unit.
    price BIGINT NOT NULL,
    member_price BIGINT,
    cost BIGINT,
    -- No discount may bring one whole unit below it.
    floor_price BIGINT,
    tax_class TEXT NOT NULL,
    -- JSON array of strings.
    tags TEXT NOT NULL,
    attributes TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX products_by_category ON products (category, id);

CREATE TABLE barcodes (
    barcode TEXT NOT NULL PRIMARY KEY,
    product TEXT NOT NULL REFERENCES products (id)
);
CREATE INDEX barcodes_by_product ON barcodes (product);

-- What rules and the ledger may know of a member: nothing that names a person.
CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    -- active, blocked or closed.
    status TEXT NOT NULL,
    home_store TEXT NOT NULL REFERENCES stores (id),
    enrolled_on BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    tier TEXT,
    -- Business days.
    tier_since BIGINT,
    tier_valid_until BIGINT,
    tier_multiplier_num BIGINT NOT NULL,
    tier_multiplier_den BIGINT NOT NULL,
    -- Orders committed and not wholly refunded.
    orders BIGINT NOT NULL,
    referral_code TEXT NOT NULL UNIQUE,
    referred_by TEXT REFERENCES members (id),
    referred_on BIGINT,
    -- JSON array of strings.
    segments TEXT NOT NULL,
    attributes TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX members_by_referrer ON members (referred_by, id);

-- The person behind a member. Erasing a person deletes this row, key and all.
CREATE TABLE persons (
    member_id TEXT NOT NULL PRIMARY KEY REFERENCES members (id),
    -- This person's own key, sealed by the master key of the data folder.
    sealed_key BYTEA NOT NULL,
    -- Which master key sealed it.
    master TEXT NOT NULL,
    -- Name, phone, e-mail and birthday under the person's key.
    sealed BYTEA NOT NULL,
    -- Keyed hash of the phone number, for exact look-up.
    phone_hash TEXT UNIQUE,
    version BIGINT NOT NULL
);

CREATE TABLE cards (
    number TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id),
    -- physical or virtual.
    kind TEXT NOT NULL,
    -- active, blocked, lost or replaced.
    status TEXT NOT NULL,
    issued_at BIGINT NOT NULL
);
CREATE INDEX cards_by_member ON cards (member_id, number);

-- Points programs; the asset of program main is points:main.
CREATE TABLE programs (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- Digits after the decimal point of its points.
    scale BIGINT NOT NULL,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- Components as installed. Never deleted while a binding or an evaluation names them.
CREATE TABLE plugins (
    -- SHA-256 of the bytes, in hex.
    digest TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- Semver.
    release TEXT NOT NULL,
    -- points, tier, referral or promotion.
    kind TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    -- JSON.
    manifest TEXT NOT NULL,
    installed_at BIGINT NOT NULL
);
CREATE INDEX plugins_by_name ON plugins (name, release);

-- Configurations some plugin accepted. Never deleted while an evaluation names them.
CREATE TABLE configs (
    -- SHA-256 of `json`, in hex.
    hash TEXT NOT NULL PRIMARY KEY,
    -- Canonical: keys sorted, no white space.
    json TEXT NOT NULL
);

-- One binding is one campaign.
CREATE TABLE bindings (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    plugin TEXT NOT NULL,
    -- Semver requirement the binding admits.
    release_range TEXT NOT NULL,
    -- The component that answers for it now.
    digest TEXT NOT NULL REFERENCES plugins (digest),
    kind TEXT NOT NULL,
    -- chain, region:<id> or store:<id>.
    scope TEXT NOT NULL,
    config TEXT NOT NULL REFERENCES configs (hash),
    -- JSON array of the permissions the operator granted; a release that asks for more does not go live.
    granted TEXT NOT NULL,
    -- Higher goes first.
    priority BIGINT NOT NULL,
    -- JSON: from, to, weekdays, hours, in the store's time zone.
    schedule TEXT NOT NULL,
    exclusive_group TEXT,
    -- best or first.
    group_choice TEXT NOT NULL,
    -- initial or discounted.
    base TEXT NOT NULL,
    -- lines, order or coupons; promotions only.
    stage TEXT NOT NULL,
    -- Most it may take off one order, minor units.
    max_discount BIGINT,
    -- JSON array of limits and budgets the host keeps for it.
    limits TEXT NOT NULL,
    -- skip or refuse-order.
    on_fault TEXT NOT NULL,
    -- api or the file that declares it.
    declared_in TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX bindings_by_scope ON bindings (active, scope, id);

-- One number per thing that caches read: a host compares it to know whether what it holds is current.
CREATE TABLE revisions (
    name TEXT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO revisions (name, revision) VALUES ('rules', 0), ('goods', 0), ('chain', 0);
