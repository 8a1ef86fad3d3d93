//! The whole process killed in the middle of its work: whatever it acknowledged is there afterwards, once.
//!
//! `TESSERA_KILL_ROUNDS` says how often; three rounds when it is not set.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

const CLIENTS: usize = 4;

/// The built program. Cargo does not build another package's program for a test, so the test asks for it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().expect("a test has a path");
        // <target>/<profile>/deps/suite-…
        let profile = own
            .ancestors()
            .nth(2)
            .expect("the folder of the profile")
            .to_owned();
        let target = profile.parent().expect("the target folder");
        let release = profile.ends_with("release");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            // Not `--package tessera`: the workspace's own choice of features is what the tests were built with.
            .args(["build", "--bin", "tessera", "--target-dir"])
            .arg(target);
        if release {
            cargo.arg("--release");
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let status = cargo.current_dir(workspace).status().expect("cargo runs");
        assert!(status.success(), "the program does not build");
        profile.join("tessera")
    })
}

/// A running host on a folder.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = process.stdout.take().expect("its output");
        let line = BufReader::new(output)
            .lines()
            .next()
            .expect("it says where it listens")
            .expect("as text");
        let address = line
            .trim_start_matches("listening on http://")
            .parse()
            .expect("an address");
        Self { process, address }
    }

    /// SIGKILL: nothing of the process gets to run any more.
    fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request on a connection of its own; nothing when the connection broke before the whole answer came.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    key: &str,
    once: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let body = body.to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: tessera\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         idempotency-key: {once}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length: usize = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    })?;
    (body.len() == length)
        .then(|| serde_json::from_str(body).ok())?
        .map(|body| (status, body))
}

fn asked(address: SocketAddr, method: &str, path: &str, key: &str, body: &Value) -> Value {
    let once = uuid::Uuid::now_v7().to_string();
    let (status, answer) = ask(address, method, path, key, &once, body).expect("the host answers");
    assert!(
        (200..300).contains(&status),
        "{method} {path}: {status} {answer}"
    );
    answer
}

/// Sales by idempotency key: the order where one was acknowledged.
type Sales = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Sells until the connection breaks or it is told to stop.
fn sell(address: SocketAddr, key: &str, member: &str, sales: &Sales, stop: &AtomicBool) {
    let basket = json!({
        "store": "store-1", "member": { "id": member },
        "lines": [{ "product": "tea" }], "tenders": [{ "kind": "stored-value", "amount": 1_200 }],
    });
    while !stop.load(Ordering::Relaxed) {
        let once = uuid::Uuid::now_v7().to_string();
        let Some((201, quote)) = ask(address, "POST", "/v1/quotes", key, &once, &basket) else {
            return;
        };
        let path = format!("/v1/quotes/{}/commit", quote["id"].as_str().expect("an id"));
        let answer = ask(address, "POST", &path, key, &once, &json!({}));
        let order = match answer {
            Some((201, order)) => Some(order["id"].as_str().expect("an id").to_owned()),
            Some((status, problem)) => panic!("{status} {problem}"),
            None => None,
        };
        sales
            .lock()
            .expect("no seller panicked")
            .push((once, order));
    }
}

/// Makes a chain, its goods and a member with plenty of stored value; answers the administrator's key and the member.
fn furnish(data: &Path) -> (String, String) {
    let init = Command::new(program())
        .args([
            "init",
            "--name",
            "Kill",
            "--language",
            "en",
            "--tax",
            "13/100",
            "--data",
        ])
        .arg(data)
        .env_remove("DATABASE_URL")
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&init.stdout).into_owned();
    assert!(
        init.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&init.stderr)
    );
    let key = said
        .lines()
        .find_map(|line| line.strip_prefix("Administrator key (shown once): "))
        .expect("a key");
    let running = Running::start(data);
    let post = |path: &str, body: Value| asked(running.address, "POST", path, key, &body);
    post(
        "/v1/products",
        json!({
            "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
            "price": 1_200, "tax_class": "standard",
        }),
    );
    post(
        "/v1/bindings",
        json!({
            "plugin": "points-standard", "config": { "points_per": { "spend": 100, "points": 1 } },
        }),
    );
    let member = post("/v1/members", json!({ "home_store": "store-1" }))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let money =
        json!({ "store": "store-1", "amount": 1_000_000_000, "tender": { "kind": "cash" } });
    post(&format!("/v1/members/{member}/top-ups"), money);
    (key.to_owned(), member)
}

/// Sells with several clients, kills the host under them, and answers what they were told.
fn one_round(data: &Path, key: &str, member: &str, round: u64) -> Vec<(String, Option<String>)> {
    let running = Running::start(data);
    let sales = Sales::default();
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (sales, stop, address) = (Arc::clone(&sales), Arc::clone(&stop), running.address);
            let (key, member) = (key.to_owned(), member.to_owned());
            std::thread::spawn(move || sell(address, &key, &member, &sales, &stop))
        })
        .collect();
    // Another moment of the work each round.
    std::thread::sleep(Duration::from_millis(300 + round * 37 % 400));
    running.kill();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no client was refused");
    }
    let mut sales = sales.lock().expect("no seller panicked");
    std::mem::take(&mut *sales)
}

#[test]
fn whatever_a_killed_host_acknowledged_is_there_once() {
    let rounds = std::env::var("TESSERA_KILL_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = folder.path().join("chain");
    std::fs::create_dir(&data).expect("a folder for the test");
    let (key, member) = furnish(&data);
    let (mut acknowledged, mut unanswered, mut done) = (0_u64, 0_u64, 0_i64);
    for round in 0..rounds {
        let sales = one_round(&data, &key, &member, round);
        let running = Running::start(&data);
        for (once, order) in sales {
            let path = format!("/v1/operations/{once}");
            let (status, outcome) =
                ask(running.address, "GET", &path, &key, &once, &json!({})).expect("it answers");
            match order {
                Some(order) => {
                    acknowledged += 1;
                    assert_eq!(outcome["subject"]["id"], *order, "{outcome}");
                    asked(
                        running.address,
                        "GET",
                        &format!("/v1/orders/{order}"),
                        &key,
                        &json!({}),
                    );
                }
                None => unanswered += 1,
            }
            done += i64::from(status == 200);
        }
        // Once: every sale known by its key took 12.00, and nothing else did.
        let path = format!("/v1/members/{member}/accounts");
        let accounts = asked(running.address, "GET", &path, &key, &json!({}));
        let principal = accounts
            .as_array()
            .expect("a list")
            .iter()
            .find(|account| account["name"] == "principal");
        assert_eq!(
            principal.expect("an account")["balance"],
            1_000_000_000 - 1_200 * done
        );
        running.kill();
        let verify = Command::new(program())
            .args(["verify", "--evaluations", "--data"])
            .arg(&data)
            .env_remove("DATABASE_URL")
            .output()
            .expect("the program runs");
        assert!(
            verify.status.success(),
            "{}",
            String::from_utf8_lossy(&verify.stdout)
        );
    }
    assert!(
        acknowledged > 0,
        "no sale was acknowledged before the host was killed; {unanswered} were not"
    );
}
