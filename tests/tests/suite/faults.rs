//! What goes wrong around a host: the machine's clock, the server's connections, the disk, a first start cut off, a newer
//! host beside it. Nothing acknowledged is lost, callers hear what to do, and the host goes on when it is over.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tessera::store::Db;
use tessera_tests::on_each_database;
use tessera_tests::postgres::{self, Cluster, Disk, cluster};
use tessera_tests::process::{
    Running, ask, asked, init_on, killed_after, program, run, run_to_end_on, sell_tea,
};

/// As long as a fault may be felt after it is over.
const PATIENCE: Duration = Duration::from_secs(30);

/// Moments at which a first start is cut off.
const STARTS: u32 = 8;

/// A sale in two requests; none where one of them had no answer.
fn sell(address: SocketAddr, key: &str) -> Option<(u16, Value)> {
    let once = uuid::Uuid::now_v7().to_string();
    let basket = json!({ "store": "store-1", "lines": [{ "product": "tea" }], "tenders": [{ "kind": "cash" }] });
    let (status, quote) = ask(address, "POST", "/v1/quotes", key, &once, &basket)?;
    let Some(id) = quote["id"].as_str().filter(|_| status < 300) else {
        return Some((status, quote));
    };
    let path = format!("/v1/quotes/{id}/commit");
    ask(address, "POST", &path, key, &once, &json!({}))
}

/// Sells until it works again; everything refused until then must be worth trying again.
fn sell_again(address: SocketAddr, key: &str) {
    let begun = Instant::now();
    loop {
        match sell(address, key) {
            Some((200..300, _)) => return,
            Some((status, problem)) => must_be_retryable(status, &problem),
            None => {}
        }
        assert!(begun.elapsed() < PATIENCE, "sales do not go on");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn must_be_retryable(status: u16, problem: &Value) {
    assert_eq!(
        (status, &problem["retryable"]),
        (503, &json!(true)),
        "{problem}"
    );
}

async fn admin(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the server answers")
}

/// How far the host's idea of now is ahead of this machine's, seconds.
fn ahead(address: SocketAddr, key: &str) -> i64 {
    let basket = json!({ "store": "store-1", "lines": [{ "product": "tea" }] });
    let quote = asked(address, "POST", "/v1/quotes", key, &basket);
    let at: DateTime<Utc> = quote["quoted_at"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an instant");
    (at - Utc::now()).num_seconds()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_clock_is_an_hour_off_goes_by_the_servers_and_says_so() {
    if !postgres::is_wanted() {
        return;
    }
    let url = cluster().create_database().await;
    let name = url.rsplit('/').next().expect("a name");
    let mut server = admin(&url).await;
    let by = |minutes: i64| {
        sqlx::AssertSqlSafe(format!(
            "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE SQL AS
             'SELECT pg_catalog.clock_timestamp() + INTERVAL ''{minutes} minutes'''"
        ))
    };
    // To the host a server that is an hour ahead is what a machine an hour behind is.
    server.execute(by(60)).await.expect("a function");
    let path = format!("ALTER DATABASE {name} SET search_path = public, pg_catalog");
    server
        .execute(sqlx::AssertSqlSafe(path))
        .await
        .expect("a setting");
    let data = tempfile::tempdir().expect("a folder");
    let key = init_on(data.path(), Some(&url));
    let host = Running::start_on(data.path(), &url);
    sell_tea(host.address, &key);
    assert!((3_590..3_610).contains(&ahead(host.address, &key)));
    let log = std::fs::read_to_string(data.path().join("log")).expect("a log");
    assert!(log.contains("set the clocks"), "{log}");
    server.execute(by(0)).await.expect("a function");
    let begun = Instant::now();
    while ahead(host.address, &key).abs() > 10 {
        assert!(begun.elapsed() < PATIENCE, "the host stays an hour ahead");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_run_out_at_the_server_cost_tries_and_no_sale() {
    if !postgres::is_wanted() {
        return;
    }
    let url = cluster().create_database().await;
    let name = url.rsplit('/').next().expect("a name");
    let mut server = admin(&url).await;
    let role = format!("limited_{name}");
    for text in [
        format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 12"),
        format!("ALTER DATABASE {name} OWNER TO {role}"),
    ] {
        server
            .execute(sqlx::AssertSqlSafe(text))
            .await
            .expect("a role");
    }
    let url = url.replace("tessera@", &format!("{role}@"));
    let data = tempfile::tempdir().expect("a folder");
    let key = init_on(data.path(), Some(&url));
    let host = Running::start_on(data.path(), &url);
    sell_tea(host.address, &key);
    sell_again(host.address, &key);
    // Somebody else takes every connection, and the host loses those it had.
    let mut taken = Vec::new();
    loop {
        match PgConnection::connect(&url).await {
            Ok(connection) => taken.push(connection),
            Err(_) if taken.len() >= 12 => break,
            Err(_) => {
                let lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'tessera' AND datname = current_database()";
                server.execute(lost).await.expect("connections are ended");
            }
        }
    }
    let (status, problem) = sell(host.address, &key).expect("an answer");
    must_be_retryable(status, &problem);
    drop(taken);
    sell_again(host.address, &key);
    drop(host);
    let (held, said) = run_to_end_on(&["verify"], data.path(), Some(&url));
    assert!(held, "{said}");
}

/// Sells once; answers whether it was accepted, and keeps what was. Whatever is refused must be worth trying again.
fn note(acknowledged: &mut Vec<String>, answer: Option<(u16, Value)>) -> bool {
    match answer {
        Some((200..300, order)) => {
            acknowledged.push(order["id"].as_str().expect("an id").to_owned());
            true
        }
        Some((status, problem)) => {
            must_be_retryable(status, &problem);
            false
        }
        None => panic!("the host went away"),
    }
}

/// Every sale that was acknowledged is there, and the books hold.
fn all_there(host: &Running, key: &str, acknowledged: &[String], data: &Path, url: &str) {
    for order in acknowledged {
        let path = format!("/v1/orders/{order}");
        asked(host.address, "GET", &path, key, &json!({}));
    }
    let (held, said) = run_to_end_on(&["verify"], data, Some(url));
    assert!(held, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_and_started_under_load_loses_no_acknowledged_sale() {
    if !postgres::is_wanted() {
        return;
    }
    let server = Cluster::own(Disk::Temporary).expect("a server");
    let url = server.create_database().await;
    let data = tempfile::tempdir().expect("a folder");
    let key = init_on(data.path(), Some(&url));
    let host = Running::start_on(data.path(), &url);
    sell_tea(host.address, &key);
    let over = AtomicBool::new(false);
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let tills: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut acknowledged = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        if !note(&mut acknowledged, sell(host.address, &key)) {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(700));
            server.order("stop");
            std::thread::sleep(Duration::from_millis(500));
            server.order("start");
            sell_again(host.address, &key);
        }
        over.store(true, Ordering::Relaxed);
        let tills = tills.into_iter().map(|till| till.join().expect("a till"));
        tills.flatten().collect()
    });
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    all_there(&host, &key, &acknowledged, data.path(), &url);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_server_refuses_sales_for_as_long_as_it_is_full_and_loses_none() {
    if !postgres::is_wanted() {
        return;
    }
    let Some(server) = Cluster::own(Disk::Small) else {
        return;
    };
    let url = server.create_database().await;
    let data = tempfile::tempdir().expect("a folder");
    let key = init_on(data.path(), Some(&url));
    let host = Running::start_on(data.path(), &url);
    sell_tea(host.address, &key);
    let mut acknowledged = Vec::new();
    assert!(note(&mut acknowledged, sell(host.address, &key)));
    let filler = server.inside().join("filler");
    let mut file = std::fs::File::create(&filler).expect("a file on the small disk");
    while file.write_all(&[7; 4_096]).is_ok() {}
    let begun = Instant::now();
    while note(&mut acknowledged, sell(host.address, &key)) {
        assert!(begun.elapsed() < PATIENCE, "the disk is not full");
    }
    assert!(!note(&mut acknowledged, sell(host.address, &key)));
    drop(file);
    std::fs::remove_file(&filler).expect("room again");
    // A server that finds no room for its log stops; one that still runs does not mind.
    server.order("start");
    let begun = Instant::now();
    while !note(&mut acknowledged, sell(host.address, &key)) {
        assert!(begun.elapsed() < PATIENCE, "sales do not go on");
    }
    all_there(&host, &key, &acknowledged, data.path(), &url);
}

/// A host on a disk of its own that only its processes see.
struct OnSmallDisk {
    process: Child,
    address: SocketAddr,
    key: String,
}

impl OnSmallDisk {
    /// None where a user may not mount a disk for himself.
    fn start(folder: &Path) -> Option<Self> {
        let script = "mount -t tmpfs -o size=48m none \"$0\" && \"$1\" init --data \"$0\" --name Full --language en \
             --tax 13/100 && exec \"$1\" serve --listen 127.0.0.1:0 --data \"$0\"";
        let may = Command::new("unshare")
            .args(["-rm", "sh", "-c", "mount -t tmpfs none \"$0\""])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        if !may.is_ok_and(|status| status.success()) {
            eprintln!("a full disk is not tried: this user may not mount one for himself");
            return None;
        }
        let mut process = Command::new("unshare")
            .args(["-rm", "sh", "-c", script])
            .args([folder, &program()])
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output"))
            .lines()
            .map_while(Result::ok);
        let mut after = |prefix: &str| {
            let found = lines.find_map(|line| Some(line.strip_prefix(prefix)?.to_owned()));
            found.unwrap_or_else(|| panic!("the program does not say `{prefix}`"))
        };
        let key = after("Administrator key (shown once): ");
        let address = after("listening on http://");
        Some(Self {
            process,
            address: address.parse().expect("an address"),
            key,
        })
    }

    /// The folder as its processes see it.
    fn inside(&self, folder: &Path) -> std::path::PathBuf {
        let root = format!("/proc/{}/root", self.process.id());
        Path::new(&root).join(folder.strip_prefix("/").expect("an absolute path"))
    }
}

impl Drop for OnSmallDisk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_full_disk_refuses_sales_for_as_long_as_it_is_full_and_loses_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(host) = OnSmallDisk::start(folder.path()) else {
        return;
    };
    let (address, key) = (host.address, host.key.as_str());
    sell_tea(address, key);
    let mut acknowledged = Vec::new();
    let mut sold = || note(&mut acknowledged, sell(address, key));
    assert!(sold());
    let filler = host.inside(folder.path()).join("filler");
    let mut file = std::fs::File::create(&filler).expect("a file on the small disk");
    while file.write_all(&[7; 4_096]).is_ok() {}
    // What is allocated already still takes a few.
    let begun = Instant::now();
    while sold() {
        assert!(begun.elapsed() < PATIENCE, "the disk is not full");
    }
    assert!(!sold());
    drop(file);
    std::fs::remove_file(&filler).expect("room again");
    let begun = Instant::now();
    while !sold() {
        assert!(begun.elapsed() < PATIENCE, "sales do not go on");
    }
    for order in &acknowledged {
        asked(
            address,
            "GET",
            &format!("/v1/orders/{order}"),
            key,
            &json!({}),
        );
    }
    let done = Command::new("nsenter")
        .args(["-U", "-m", "--preserve-credentials", "-t"])
        .arg(host.process.id().to_string())
        .arg(program())
        .args(["verify", "--data"])
        .arg(folder.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&done.stdout);
    let orders = format!("{} orders", acknowledged.len());
    assert!(
        done.status.success() && said.contains(&orders),
        "{orders}: {said}"
    );
}

#[test]
fn a_first_start_cut_off_anywhere_is_simply_repeated() {
    let named = [
        "init",
        "--name",
        "Process",
        "--language",
        "en",
        "--tax",
        "13/100",
    ];
    let data = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    run(&named, data.path());
    let whole = begun.elapsed();
    for part in 0..STARTS {
        let data = tempfile::tempdir().expect("a folder");
        let wait = whole * part / STARTS;
        killed_after(&named, data.path(), wait);
        // Either nothing is there that matters, or the chain is.
        let (made, said) = run_to_end_on(&named, data.path(), None);
        assert!(made || said.contains("already"), "after {wait:?}: {said}");
        run(&["verify"], data.path());
    }
}

on_each_database! {
    // A rolling upgrade: the first newer host has changed the tables while this one still serves.
    async fn a_host_serves_on_beside_the_tables_of_a_newer_one(shop) {
        let member = shop.member().await;
        let basket = json!({ "member": { "id": member }, "lines": [{ "product": "coffee" }] });
        shop.buy(basket.clone()).await;
        shop.host.writer.write("as a newer host does", |tx| Box::pin(async move {
            for text in [
                "ALTER TABLE orders ADD COLUMN channel TEXT NOT NULL DEFAULT 'till'",
                "ALTER TABLE accounts ADD COLUMN closed_at BIGINT",
                "ALTER TABLE members ADD COLUMN plan TEXT",
                "CREATE TABLE plans (id TEXT NOT NULL PRIMARY KEY)",
                "CREATE INDEX orders_channel ON orders (channel, id)",
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT version + 1, 'plans', success, checksum, 0 FROM _sqlx_migrations ORDER BY version DESC LIMIT 1",
            ] {
                tessera::on!(&mut *tx, c => sqlx::query(text).execute(c).await.map(|_| ()))
                    .map_err(tessera::store::StoreError::during("changing tables"))?;
            }
            Ok(())
        })).await.expect("the tables change");
        let order = shop.buy(basket).await;
        let order = order["id"].as_str().expect("an id");
        shop.refund(order, json!([[0, "1"]])).await.ok();
        shop.verify().await;
        // It does not start again, lest it write what the newer tables do not allow.
        let again = Db::open(&shop.location(), 1).await;
        let said = again.err().map(|error| error.to_string());
        assert_eq!(
            said.as_deref(),
            Some("bringing the database to this version failed; restore the backup or use the newer host")
        );
    }
}
