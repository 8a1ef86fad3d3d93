//! A whole chain moved from one database to another, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};
use tessera::store::transfer::{self, Moved, Source, Step, TransferError, move_chain};
use tessera::store::{Db, Location, StoreError, Writer, WriterSettings};
use tessera_tests::on_each_database;
use tessera_tests::process::{Running, asked, init, killed_after, run, run_to_end};
use tessera_tests::shop::{Database, MONDAY, Shop, Stopped};

use crate::checkout::{friends, points, tenth_off_from_100};

/// What a chain shows of itself.
#[derive(Debug, PartialEq)]
pub struct Seen {
    wallets: BTreeMap<String, Value>,
    events: Vec<String>,
    orders: usize,
    house: Vec<i64>,
    price: Value,
    replayed: Value,
}

/// Members, and a sale under a known operation key.
pub struct Life {
    members: Vec<String>,
    once: String,
    sale: Value,
    held: String,
    refundable: String,
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

/// Everything that leaves rows: sales, refunds, a hold, a coupon, a referral, a claim, stored value, persons, staff, files.
pub async fn live(shop: &Shop) -> Life {
    let east = "[[region]]\nid = \"north\"\nname = \"North\"\n";
    shop.apply(east).await.ok();
    shop.bind("points-standard", points()).await;
    let referral =
        json!({ "referee_points": 200, "referrer_points": 300, "minimum_amount": 5_000 });
    shop.bind("referral-standard", referral).await;
    let order = json!({ "stage": "order" });
    shop.bind_with("promo-standard", tenth_off_from_100(), order)
        .await;
    let code = json!({ "discount": { "amount": { "off": 500 } }, "trigger": "code" });
    let coupons = json!({ "stage": "coupons", "limits": [{
        "name": "first", "scope": "chain", "period": "lifetime", "counts": "uses", "limit": 5,
    }] });
    let coupon = shop.bind_with("promo-standard", code, coupons).await;
    shop.coupon(&coupon, "ONCE5").await;
    shop.coupon(&coupon, "LEFT5").await;
    let (referrer, member) = friends(shop).await;
    let named = shop
        .member_with(json!({ "person": { "name": "王芳", "phone": "+8613800000001" } }))
        .await;
    shop.top_up(&member, 20_000, 1_000).await;
    shop.give_points_until(&named, 400, "2026-12-31").await;
    let refundable = shop
        .buy(json!({
            "member": { "id": member }, "codes": ["ONCE5"],
            "lines": [{ "product": "coffee", "quantity": "6" }, { "product": "cake", "quantity": "2" }],
            "tenders": [{ "kind": "stored-value", "amount": 3_000 }, { "kind": "cash" }],
        }))
        .await;
    shop.refund(&id(&refundable), json!([[0, "2"]])).await.ok();
    let unknown = shop
        .buy(json!({ "lines": [{ "product": "tea", "quantity": "9" }] }))
        .await;
    let claim = json!({ "receipt_code": unknown["receipt_code"], "member": { "id": named } });
    shop.post("/v1/orders/claims", &shop.till, claim).await.ok();
    let held = shop
        .quote(json!({
            "member": { "id": member }, "lines": [{ "product": "coffee" }],
            "tenders": [{ "kind": "stored-value", "amount": 1_500 }, { "kind": "cash" }],
        }))
        .await;
    let path = format!("/v1/quotes/{}/hold", id(&held));
    shop.post(&path, &shop.till, json!({})).await.ok();
    let quote = shop.quote(basket(&member)).await;
    let (once, path) = (
        "sale-before-the-move",
        format!("/v1/quotes/{}/commit", id(&quote)),
    );
    let sale = shop.post_as(&path, &shop.till, once, json!({})).await.ok();
    Life {
        members: vec![referrer, member, named],
        once: once.to_owned(),
        sale,
        held: id(&held),
        refundable: id(&refundable),
    }
}

fn basket(member: &str) -> Value {
    json!({
        "member": { "id": member }, "lines": [{ "product": "coffee", "quantity": "6" }],
        "tenders": [{ "kind": "cash" }],
    })
}

impl Life {
    pub async fn seen(&self, shop: &Shop) -> Seen {
        let mut wallets = BTreeMap::new();
        for member in &self.members {
            wallets.insert(member.clone(), shop.wallet(member).await);
        }
        let quote = shop.quote(basket(&self.members[1])).await;
        let operation = shop
            .get(&format!("/v1/operations/{}", self.once), &shop.till)
            .await;
        let mut house = Vec::new();
        for (name, asset) in [
            ("sales", "CNY"),
            ("cash", "CNY"),
            ("points-issued", "points:main"),
        ] {
            house.push(shop.system(name, asset).await);
        }
        Seen {
            wallets,
            events: shop.events().await,
            orders: shop.orders().await,
            house,
            price: quote["totals"].clone(),
            replayed: operation.ok(),
        }
    }

    /// The id of an order.
    pub fn sale(&self) -> String {
        id(&self.sale)
    }

    /// What goes on as if nothing had happened: the same key answers the same, the hold commits, the rest is refunded.
    pub async fn go_on(&self, shop: &Shop) {
        let person = shop
            .get(&format!("/v1/members/{}", self.members[2]), &shop.admin)
            .await;
        // Read with the chain's key, and masked.
        assert_eq!(person.ok()["person"]["name"], "王*");
        let path = format!(
            "/v1/quotes/{}/commit",
            self.sale["quote"].as_str().expect("a quote")
        );
        let again = shop.post_as(&path, &shop.till, &self.once, json!({})).await;
        assert!(again.is_replayed(), "{}", again.body);
        assert_eq!(again.ok()["id"], self.sale["id"]);
        shop.commit(&self.held).await.ok();
        shop.refund(&self.refundable, Value::Null).await.ok();
        shop.verify().await;
    }
}

pub fn quietly() -> impl FnMut(Step) + Send {
    |_| ()
}

async fn moved(stopped: &Stopped, to: &Location) -> Result<Moved, TransferError> {
    move_chain(&stopped.location, to, false, &mut quietly()).await
}

fn other(database: Database) -> Database {
    match database {
        Database::Sqlite => Database::Postgres,
        Database::Postgres => Database::Sqlite,
    }
}

/// A chain that was moved away is served by nobody, and moves nowhere else, until it is taken back.
async fn stays_closed(left: &Stopped, there: &Location) {
    let opened = Db::open(&left.location, 1).await;
    assert!(
        matches!(&opened, Err(StoreError::MovedAway { .. })),
        "{:?}",
        opened.err()
    );
    let (_folder, third) = Shop::empty_place(Database::Sqlite, left.folder.path()).await;
    let again = moved(left, &third).await;
    assert!(
        matches!(
            &again,
            Err(TransferError::Store(StoreError::MovedAway { .. }))
        ),
        "{again:?}"
    );
    let anew = moved(left, there).await;
    assert!(
        matches!(anew, Err(TransferError::AlreadyMoved { .. })),
        "{anew:?}"
    );
    let file = left.folder.path().join("late.backup");
    let copied = transfer::back_up(&left.location, &file, None, 0, &mut quietly()).await;
    assert!(
        matches!(
            copied,
            Err(TransferError::Store(StoreError::MovedAway { .. }))
        ),
        "a copy of what it was"
    );
    transfer::take_back(&left.location)
        .await
        .expect("it is taken back");
    let twice = transfer::take_back(&left.location).await;
    assert!(
        matches!(twice, Err(TransferError::NotMoved { .. })),
        "{twice:?}"
    );
    let db = Db::open(&left.location, 1).await.expect("it opens");
    db.close().await;
}

/// Rows of every table, as the database lists its tables itself.
async fn counted(location: &Location) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    match location {
        Location::Sqlite(file) => {
            let url = format!("sqlite:{}", file.display());
            let mut c = sqlx::SqliteConnection::connect(&url)
                .await
                .expect("it opens");
            let tables: Vec<String> =
                sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
                    .fetch_all(&mut c)
                    .await
                    .expect("tables");
            for table in tables {
                let text = AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{table}\""));
                let rows = sqlx::query_scalar(text)
                    .fetch_one(&mut c)
                    .await
                    .expect("a count");
                counts.insert(table, rows);
            }
            c.close().await.expect("it closes");
        }
        Location::Postgres(url) => {
            let mut c = sqlx::PgConnection::connect(url).await.expect("it opens");
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
            ).fetch_all(&mut c).await.expect("tables");
            for table in tables {
                let text = AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{table}\""));
                let rows = sqlx::query_scalar(text)
                    .fetch_one(&mut c)
                    .await
                    .expect("a count");
                counts.insert(table, rows);
            }
            c.close().await.expect("it closes");
        }
    }
    counts
}

/// The same where a chain was moved away, without the mark that says so.
async fn counted_left(location: &Location) -> BTreeMap<String, i64> {
    let mut counts = counted(location).await;
    let mark = counts.remove("transfer");
    assert_eq!(mark, Some(1), "the mark of where it went");
    counts
}

on_each_database! {
    async fn a_moved_chain_goes_on_as_if_nothing_had_happened(shop) {
        let life = live(&shop).await;
        let before = life.seen(&shop).await;
        let first = shop.stop().await;
        let at_first = counted(&first.location).await;

        let (folder, there) = Shop::empty_place(other(shop_kind(&first)), first.folder.path()).await;
        let done = moved(&first, &there).await.expect("it moves");
        assert_eq!(counted(&there).await, at_first);
        stays_closed(&first, &there).await;
        assert_eq!(done.rows + done_elsewhere(&at_first), at_first.values().sum::<i64>() as u64);
        let shop = Shop::open_at(&first, folder, there).await;
        shop.verify().await;
        assert_eq!(life.seen(&shop).await, before);

        let second = shop.stop().await;
        let (folder, back) = Shop::empty_place(shop_kind(&first), first.folder.path()).await;
        moved(&second, &back).await.expect("it moves back");
        let shop = Shop::open_at(&second, folder, back).await;
        assert_eq!(life.seen(&shop).await, before);
        life.go_on(&shop).await;
    }

    async fn every_table_there_is_belongs_to_what_is_moved(shop) {
        let location = shop.location();
        let mut names: Vec<String> = counted(&location).await.into_keys().collect();
        names.retain(|name| name != "_sqlx_migrations" && !name.starts_with("sqlite_"));
        let source = Source::open(&location).await.expect("it opens");
        let moved: Vec<&str> = source.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(moved, names);
        source.close().await;
    }

    // A pooler may keep a host's connection that the server no longer knows of when the chain is moved.
    async fn a_writer_whose_connection_stayed_open_writes_no_more_once_the_chain_was_moved_away(shop) {
        let member = shop.member().await;
        shop.host.writer.write("as a move marks it", |tx| Box::pin(async move {
            for text in [
                "CREATE TABLE transfer (id TEXT NOT NULL PRIMARY KEY, note TEXT NOT NULL)",
                "INSERT INTO transfer (id, note) VALUES ('moved', 'elsewhere')",
                "UPDATE writers SET batch = -1 - batch",
            ] {
                tessera::on!(&mut *tx, c => sqlx::query(text).execute(c).await.map(|_| ()))
                    .map_err(StoreError::during("marking a chain as moved"))?;
            }
            Ok(())
        })).await.expect("it is marked");
        let before = counted(&shop.location()).await;
        let money = json!({ "store": "east", "amount": 100, "tender": { "kind": "cash" } });
        let refused = shop.post(&format!("/v1/members/{member}/top-ups"), &shop.admin, money).await;
        assert_eq!(refused.refused(503), "unavailable");
        let newcomer = shop.post("/v1/members", &shop.admin, json!({ "home_store": "east" })).await;
        assert_eq!(newcomer.refused(503), "unavailable");
        assert_eq!(counted(&shop.location()).await, before);
    }

    // It found no mark when it opened the database, and waits for its place until the move is over.
    async fn a_host_that_comes_up_while_its_chain_is_moved_away_does_not_write(shop) {
        let first = shop.stop().await;
        let Location::Postgres(_) = &first.location else { return };
        let (folder, there) = Shop::empty_place(Database::Sqlite, first.folder.path()).await;
        let (send, receive) = tokio::sync::oneshot::channel();
        let (mut send, from) = (Some(send), first.location.clone());
        let mut meanwhile = |step: Step| {
            if step == Step::Doing("comparing both sides") && let Some(send) = send.take() {
                // The move waits meanwhile, or it would be over before the host has opened.
                let opening = async {
                    // Whoever moves it as well hears that it is in use.
                    let second = Source::open_unserved(&from).await;
                    assert!(matches!(second, Err(TransferError::Served { .. })));
                    Db::open(&from, 1).await.expect("it opens")
                };
                let now = tokio::runtime::Handle::current();
                let db = tokio::task::block_in_place(|| now.block_on(opening));
                tokio::spawn(async move {
                    let starting = Writer::start(db, WriterSettings::new("late", MONDAY)).await;
                    send.send(starting.err()).expect("somebody listens");
                });
            }
        };
        move_chain(&first.location, &there, false, &mut meanwhile).await.expect("it moves");
        let refused = receive.await.expect("it was tried");
        assert!(matches!(refused, Some(StoreError::MovedAway { .. })), "{refused:?}");
        let shop = Shop::open_at(&first, folder, there).await;
        shop.verify().await;
    }

    async fn a_chain_in_use_and_a_target_in_use_are_refused(shop) {
        let life = live(&shop).await;
        let (_folder, there) = Shop::empty_place(other(shop.database), shop.data()).await;
        let served = move_chain(&shop.location(), &there, false, &mut quietly()).await;
        assert!(matches!(served, Err(TransferError::Served { .. })), "{served:?}");
        let other_chain = Shop::open(other(shop.database)).await;
        let occupied = other_chain.location();
        if let Location::Sqlite(file) = shop.location() {
            // Wherever it is named from, it lies in a folder a host owns.
            let elsewhere = tempfile::tempdir().expect("a folder");
            let link = elsewhere.path().join("tessera.db");
            std::os::unix::fs::symlink(&file, &link).expect("a link");
            let linked = move_chain(&Location::Sqlite(link), &there, false, &mut quietly()).await;
            assert!(matches!(linked, Err(TransferError::Served { .. })), "{linked:?}");
        }
        let first = shop.stop().await;
        if matches!(occupied, Location::Sqlite(_)) {
            // A folder in use is refused before anybody looks into it.
            assert!(matches!(moved(&first, &occupied).await, Err(TransferError::Served { .. })));
        }
        let second = other_chain.stop().await;
        let refused = moved(&first, &second.location).await;
        assert!(matches!(refused, Err(TransferError::Occupied { .. })), "{refused:?}");
        let anew = move_chain(&first.location, &second.location, true, &mut quietly()).await;
        assert!(matches!(anew, Err(TransferError::Occupied { .. })), "{anew:?}");
        let itself = moved(&first, &first.location).await;
        assert!(matches!(itself, Err(TransferError::Occupied { .. })), "{itself:?}");
        // Neither was touched.
        let folder = first.folder.path().to_owned();
        let shop = Shop::open_at(&first, copied_folder(&folder), first.location.clone()).await;
        life.go_on(&shop).await;
    }
}

/// The rows of tables that belong to the database and not to the chain.
fn done_elsewhere(counts: &BTreeMap<String, i64>) -> u64 {
    counts
        .iter()
        .filter(|(name, _)| *name == "_sqlx_migrations" || name.starts_with("sqlite_"))
        .map(|(_, rows)| u64::try_from(*rows).unwrap_or(0))
        .sum()
}

fn shop_kind(stopped: &Stopped) -> Database {
    match stopped.location {
        Location::Sqlite(_) => Database::Sqlite,
        Location::Postgres(_) => Database::Postgres,
    }
}

/// A folder with the same files.
pub fn copied_folder(from: &std::path::Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder for the test");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.path().join(entry.file_name())).expect("a copy");
        }
    }
    to
}

/// A chain of a program's own, with many rows, some of them large.
pub async fn large_chain(data: &std::path::Path, rows: usize) -> String {
    let key = init(data);
    let url = format!("sqlite:{}", data.join("tessera.db").display());
    let mut c = sqlx::SqliteConnection::connect(&url)
        .await
        .expect("it opens");
    let text = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO events (id, kind, subject, store, at, payload)
         SELECT printf('0190-%08d', i), 'test', 'nobody', NULL, i, '{{\"text\":\"' || hex(randomblob(40)) || '\"}}' FROM n"
    );
    sqlx::query(AssertSqlSafe(text))
        .execute(&mut c)
        .await
        .expect("rows");
    c.close().await.expect("it closes");
    key
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_killed_at_any_point_goes_on_and_nothing_is_there_twice() {
    if !tessera_tests::postgres::is_wanted() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    let key = large_chain(&data, 30_000).await;
    let url = tessera_tests::postgres::cluster().create_database().await;
    let from = format!("sqlite:{}", data.display());
    let arguments = ["migrate", "--from", &from, "--to", &url];
    let (mut kills, mut half_filled, mut before) = (0, 0, 0);
    let mut wait = 40;
    while !killed_after(&arguments, &data, Duration::from_millis(wait)) {
        kills += 1;
        wait += wait / 3;
        let opened = Db::open(&Location::Postgres(url.clone()), 1).await;
        match opened {
            Err(StoreError::HalfFilled { .. }) => half_filled += 1,
            Err(error) => panic!("{error}"),
            // Killed before the first row: an empty database is a fresh one. Opening made its tables.
            Ok(db) => {
                db.close().await;
                match tessera::store::db::empty(&url, "").await {
                    Ok(()) => before += 1,
                    // Killed on its way out: the whole chain is there.
                    Err(StoreError::Refused(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert!(kills < 200, "it never ends");
    }
    assert!(
        half_filled > 0,
        "{kills} kills, none of them in the middle ({before} before it)"
    );
    let there = Location::Postgres(url.clone());
    let left = counted_left(&Location::choose(&data, None)).await;
    assert_eq!(counted(&there).await, left);
    run(&["verify", "--database-url", &url], &data);
    let running = Running::start_with(&data, &["--database-url", &url]);
    let chain = asked(running.address, "GET", "/v1/chain", &key, &json!({}));
    assert_eq!(chain["name"], "Process");
}

#[tokio::test]
async fn wrong_uses_of_migrate_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    init(&data);
    let from = format!("sqlite:{}", data.display());
    let elsewhere = format!("sqlite:{}", folder.path().join("elsewhere").display());
    let missing = format!("sqlite:{}", folder.path().join("nothing").display());
    let misnamed = format!("sqlite:{}", folder.path().join("chain.db").display());
    for (arguments, said) in [
        (
            ["migrate", "--from", &from, "--to", "mysql://host/database"],
            "names no database",
        ),
        (
            ["migrate", "--from", "tessera.db", "--to", &elsewhere],
            "names no database",
        ),
        (
            ["migrate", "--from", &missing, "--to", &elsewhere],
            "there is no database file",
        ),
        (
            [
                "migrate",
                "--from",
                &from,
                "--to",
                "postgres://nobody@127.0.0.1:1/x",
            ],
            "check that it is reachable",
        ),
        (
            ["migrate", "--from", &from, "--to", &misnamed],
            "no host serves the file",
        ),
        (
            ["migrate", "--from", &from, "--to", &from],
            "holds the source itself",
        ),
    ] {
        let (succeeded, output) = run_to_end(&arguments, &data);
        assert!(
            !succeeded && output.contains(said),
            "{arguments:?}: {output}"
        );
    }
    assert!(
        !folder.path().join("nothing").exists(),
        "a source is never made"
    );
    // Looking at a folder without a chain says so and makes none.
    let bare = folder.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder for the test");
    for command in ["verify", "backup"] {
        let arguments = [
            &[command][..],
            if command == "backup" { &["copy"] } else { &[] },
        ]
        .concat();
        let (succeeded, output) = run_to_end(&arguments, &bare);
        assert!(
            !succeeded && output.contains("holds no chain"),
            "{command}: {output}"
        );
    }
    assert!(!bare.join("tessera.db").exists());
    // A folder that becomes the chain's new home has its key afterwards, and the seals go on under a new writer.
    let said = run(&["migrate", "--from", &from, "--to", &elsewhere], &data);
    assert!(said.contains("the same on both sides"), "{said}");
    let there = folder.path().join("elsewhere");
    let read = |folder: &std::path::Path| std::fs::read(folder.join("master.key")).expect("a key");
    assert_eq!(read(&there), read(&data));
    run(&["verify"], &there);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let (served, said) = run_to_end(&serve, &data);
    assert!(!served && said.contains("was moved to"), "{said}");
    let said = run(&["migrate", "--from", &from, "--take-back"], &data);
    assert!(said.contains("open again"), "{said}");
    run(&["verify"], &data);
}

#[tokio::test]
async fn a_half_filled_target_is_for_its_own_source_only() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (one, two, there) = (
        folder.path().join("one"),
        folder.path().join("two"),
        folder.path().join("there"),
    );
    let mut keys = Vec::new();
    for data in [&one, &two] {
        std::fs::create_dir(data).expect("a folder for the test");
        keys.push(large_chain(data, 20_000).await);
    }
    let place = |data: &std::path::Path| Location::choose(data, None);
    // Whoever hears the rows panics half way: what is written stays.
    let halves = tokio::spawn({
        let (from, to) = (place(&one), place(&there));
        async move {
            let mut rows = 0;
            let mut stop = move |step: Step| {
                if let Step::Rows(more) = step {
                    rows += more;
                    assert!(rows < 9_000, "stopped on purpose");
                }
            };
            move_chain(&from, &to, false, &mut stop).await.map(|_| ())
        }
    });
    assert!(halves.await.is_err(), "it was to be stopped");
    let opened = Db::open(&place(&there), 1).await;
    assert!(matches!(opened, Err(StoreError::HalfFilled { .. })));
    let other = move_chain(&place(&two), &place(&there), false, &mut quietly()).await;
    assert!(
        matches!(other, Err(TransferError::HalfFilled { .. })),
        "{other:?}"
    );
    // The source goes on meanwhile: what was moved is no longer all of it.
    let running = Running::start(&one);
    let member = json!({ "home_store": "store-1" });
    asked(running.address, "POST", "/v1/members", &keys[0], &member);
    running.kill();
    let changed = move_chain(&place(&one), &place(&there), false, &mut quietly()).await;
    assert!(
        matches!(changed, Err(TransferError::SourceChanged { .. })),
        "{changed:?}"
    );
    let done = move_chain(&place(&one), &place(&there), true, &mut quietly()).await;
    let done = done.expect("it begins anew");
    assert_eq!(done.rows, done.written);
    let left = counted_left(&place(&one)).await;
    assert_eq!(counted(&place(&there)).await, left);
    let again = move_chain(&place(&one), &place(&there), true, &mut quietly()).await;
    assert!(
        matches!(again, Err(TransferError::NothingToRedo { .. })),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_table_no_migration_makes_is_not_left_behind_silently() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (data, there) = (folder.path().join("chain"), folder.path().join("there"));
    std::fs::create_dir(&data).expect("a folder for the test");
    init(&data);
    let url = format!("sqlite:{}", data.join("tessera.db").display());
    let mut c = sqlx::SqliteConnection::connect(&url)
        .await
        .expect("it opens");
    sqlx::query("CREATE TABLE later (id TEXT NOT NULL PRIMARY KEY)")
        .execute(&mut c)
        .await
        .expect("a table");
    c.close().await.expect("it closes");
    let (from, to) = (
        Location::choose(&data, None),
        Location::choose(&there, None),
    );
    let refused = transfer::move_chain(&from, &to, false, &mut quietly()).await;
    assert!(
        matches!(refused, Err(TransferError::OtherTables { .. })),
        "{refused:?}"
    );
}
