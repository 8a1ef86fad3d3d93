//! Hosts on PostgreSQL behind PgBouncer, with the settings of `config/operations/pgbouncer.ini`.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tessera::vault::MASTER_KEY_FILE;
use tessera_tests::postgres;
use tessera_tests::process::{Running, asked, init_on, run_to_end_on, sell_tea};

/// The first PgBouncer that follows prepared statements from session to session.
const FOLLOWS_STATEMENTS: (u32, u32) = (1, 21);
const SALES: usize = 20;
const TILLS: usize = 8;

/// Runs the pooler until the end of its input, however the test ends.
const KEEPER: &str = r#"trap '' INT HUP TERM
"$0" "$1" & pooler=$!
cat >/dev/null
kill -9 $pooler"#;

/// A running pooler in front of one database.
struct Pooler {
    process: Child,
    port: u16,
}

impl Pooler {
    fn start(folder: &Path, database: &str, mode: &str) -> Self {
        let given =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/operations/pgbouncer.ini");
        let given = std::fs::read_to_string(given).expect("the settings of the operators");
        let server = postgres::cluster().port();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let changed = given.lines().map(|line| match line.split(" = ").next() {
            Some("tessera") => {
                format!("{database} = host=127.0.0.1 port={server} dbname={database} user=tessera")
            }
            Some("listen_port") => format!("listen_port = {port}\nunix_socket_dir ="),
            Some("auth_type") => "auth_type = any".to_owned(),
            Some("auth_file") => String::new(),
            Some("pool_mode") => format!("pool_mode = {mode}"),
            // One for each connection of the hosts, or so few that statements meet sessions they were not prepared in.
            Some("default_pool_size") => {
                let size = if mode == "session" { 40 } else { 5 };
                format!("default_pool_size = {size}")
            }
            // An older program does not know it.
            Some("max_prepared_statements") if version() < Some(FOLLOWS_STATEMENTS) => {
                String::new()
            }
            _ => line.to_owned(),
        });
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, changed.collect::<Vec<_>>().join("\n")).expect("a file");
        let mut command = postgres::as_server(folder).expect("a user it runs as");
        let process = command
            .args(["-c", KEEPER])
            .arg(program())
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the pooler starts");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "no pooler");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// `PGBOUNCER`, or the one that is installed.
fn program() -> String {
    let named = std::env::var("PGBOUNCER").ok();
    named.unwrap_or_else(|| "/usr/sbin/pgbouncer".to_owned())
}

/// The version of the installed program; none where there is none.
fn version() -> Option<(u32, u32)> {
    let said = Command::new(program()).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let number = said.lines().next()?.strip_prefix("PgBouncer ")?;
    let mut parts = number.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Gives the database what the comments of the settings say it needs.
async fn prepare(url: &str, name: &str) {
    let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/operations/pgbouncer.ini");
    let given = std::fs::read_to_string(given).expect("the settings of the operators");
    let mut server = PgConnection::connect(url).await.expect("it answers");
    let mut given_to_it = 0;
    for line in given.lines() {
        for text in line.trim_start_matches(';').split_inclusive(';') {
            if let Some(setting) = text.trim().strip_prefix("ALTER DATABASE tessera ") {
                let text = format!("ALTER DATABASE {name} {setting}");
                let done = server.execute(sqlx::AssertSqlSafe(text)).await;
                done.expect("a setting of the database");
                given_to_it += 1;
            }
        }
    }
    assert!(given_to_it > 4, "the settings name what hosts need");
}

async fn two_hosts_sell_through_it(mode: &str) {
    let direct = postgres::cluster().create_database().await;
    let name = direct.rsplit('/').next().expect("a name");
    prepare(&direct, name).await;
    let root = tempfile::tempdir().expect("a folder");
    let folders = ["one", "two", "pooler"].map(|name| root.path().join(name));
    for folder in &folders {
        std::fs::create_dir(folder).expect("a folder");
    }
    // Another user has to find his own in it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.path(), open).expect("a folder others may enter");
    let pooler = Pooler::start(&folders[2], name, mode);
    let url = format!("postgres://tessera@127.0.0.1:{}/{name}", pooler.port);
    let key = init_on(&folders[0], Some(&url));
    let copied = folders[1].join(MASTER_KEY_FILE);
    std::fs::copy(folders[0].join(MASTER_KEY_FILE), copied).expect("the key is copied");
    let hosts = [0, 1].map(|at| Running::start_on(&folders[at], &url));
    sell_tea(hosts[0].address, &key);
    let earned = json!({
        "plugin": "points-standard", "config": { "points_per": { "spend": 100, "points": 1 } },
    });
    asked(hosts[0].address, "POST", "/v1/bindings", &key, &earned);
    std::thread::sleep(Duration::from_secs(2));
    let members: Vec<_> = (0..TILLS / 2)
        .map(|_| {
            let home = json!({ "home_store": "store-1" });
            asked(hosts[0].address, "POST", "/v1/members", &key, &home)["id"].clone()
        })
        .collect();
    std::thread::scope(|scope| {
        for till in 0..TILLS {
            let (host, member, key) = (&hosts[till % 2], &members[till / 2], &key);
            scope.spawn(move || {
                for _ in 0..SALES {
                    let basket = json!({
                        "store": "store-1", "member": { "id": member }, "lines": [{ "product": "tea" }],
                        "tenders": [{ "kind": "cash" }],
                    });
                    let quote = asked(host.address, "POST", "/v1/quotes", key, &basket);
                    let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
                    asked(host.address, "POST", &path, key, &json!({}));
                }
            });
        }
    });
    drop(hosts);
    let (held, said) = run_to_end_on(&["verify", "--evaluations"], &folders[0], Some(&url));
    let sold = format!("{} orders", SALES * TILLS);
    assert!(held && said.contains(&sold), "{said}");
}

/// None where no pooler is installed.
fn installed() -> Option<(u32, u32)> {
    let found = postgres::is_wanted().then(version).flatten();
    if found.is_none() {
        eprintln!("hosts behind PgBouncer are not tried: it is not installed");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_sell_through_a_pooler_in_session_mode() {
    if installed().is_some() {
        two_hosts_sell_through_it("session").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_sell_through_a_pooler_that_changes_sessions_or_say_that_it_is_too_old() {
    let Some(version) = installed() else { return };
    if version >= FOLLOWS_STATEMENTS {
        return two_hosts_sell_through_it("transaction").await;
    }
    let direct = postgres::cluster().create_database().await;
    let name = direct.rsplit('/').next().expect("a name");
    let root = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.path(), open).expect("a folder others may enter");
    let data = root.path().join("host");
    std::fs::create_dir(&data).expect("a folder");
    init_on(&data, Some(&direct));
    let folder = root.path().join("pooler");
    std::fs::create_dir(&folder).expect("a folder");
    let pooler = Pooler::start(&folder, name, "transaction");
    let url = format!("postgres://tessera@127.0.0.1:{}/{name}", pooler.port);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let (served, said) = run_to_end_on(&serve, &data, Some(&url));
    assert!(
        !served && said.contains("PgBouncer 1.21 or newer"),
        "{said}"
    );
}
