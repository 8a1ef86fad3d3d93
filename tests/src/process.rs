//! The built program as a process of its own: started, asked over real sockets, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The program under test, which cargo builds beside every test binary of this package.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    // <target>/<profile>/deps/suite-…
    let profile = own.ancestors().nth(2).expect("the folder of the profile");
    profile.join("tessera-tested")
}

/// The program, on a PostgreSQL database or on its own.
fn program_on(database: Option<&str>) -> Command {
    let mut command = Command::new(program());
    match database {
        Some(url) => command.env("DATABASE_URL", url),
        None => command.env_remove("DATABASE_URL"),
    };
    command
}

/// A running host on a folder.
pub struct Running {
    process: Child,
    pub address: SocketAddr,
}

impl Running {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// With further arguments of `serve`.
    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::launch(program_on(None).args(more), data, Stdio::null())
    }

    /// On a PostgreSQL database; what it says goes to a file in its folder.
    pub fn start_on(data: &Path, database: &str) -> Self {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(data.join("log"))
            .expect("a file for the log");
        Self::launch(&mut program_on(Some(database)), data, log.into())
    }

    fn launch(program: &mut Command, data: &Path, log: Stdio) -> Self {
        let mut process = program
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(log)
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

    /// Resident memory in kB, where the system tells (`/proc`).
    pub fn resident_kb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// SIGKILL: nothing of the process gets to run any more.
    pub fn kill(mut self) {
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
pub fn ask(
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

/// A request that must succeed, under a fresh idempotency key.
pub fn asked(address: SocketAddr, method: &str, path: &str, key: &str, body: &Value) -> Value {
    let once = uuid::Uuid::now_v7().to_string();
    let (status, answer) = ask(address, method, path, key, &once, body).expect("the host answers");
    assert!(
        (200..300).contains(&status),
        "{method} {path}: {status} {answer}"
    );
    answer
}

/// Runs a command of the program to its end; answers what it printed.
///
/// # Panics
/// When it fails, with all it said.
pub fn run(arguments: &[&str], data: &Path) -> String {
    let (succeeded, said) = run_to_end(arguments, data);
    assert!(succeeded, "{arguments:?}: {said}");
    said
}

/// Runs a command of the program to its end, without a terminal; answers whether it succeeded and all it said.
pub fn run_to_end(arguments: &[&str], data: &Path) -> (bool, String) {
    run_to_end_on(arguments, data, None)
}

/// The same on a PostgreSQL database.
pub fn run_to_end_on(arguments: &[&str], data: &Path, database: Option<&str>) -> (bool, String) {
    let done = program_on(database)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&done.stderr);
    (done.status.success(), format!("{said}{complaint}"))
}

/// Starts a command and kills it after a while; answers whether it had ended by itself before, well.
pub fn killed_after(arguments: &[&str], data: &Path, wait: Duration) -> bool {
    let mut process = Command::new(program())
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    std::thread::sleep(wait);
    let ended = process.try_wait().expect("it can be looked at");
    if ended.is_none() {
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }
    ended.is_some_and(|status| status.success())
}

/// Runs a command whose output nobody reads; answers its exit code and what it complained of.
pub fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = Command::new(program())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(process.stdout.take());
    let done = process.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    (done.status.code(), complaint)
}

/// Makes a chain with one store, `store-1`; answers the administrator's key.
pub fn init(data: &Path) -> String {
    init_on(data, None)
}

/// The same on a PostgreSQL database.
pub fn init_on(data: &Path, database: Option<&str>) -> String {
    let named = ["--name", "Process", "--language", "en", "--tax", "13/100"];
    let arguments = [&["init"][..], &named].concat();
    let (succeeded, said) = run_to_end_on(&arguments, data, database);
    assert!(succeeded, "{arguments:?}: {said}");
    let key = said
        .lines()
        .find_map(|line| line.strip_prefix("Administrator key (shown once): "));
    key.expect("a key").to_owned()
}

/// Puts tea for 12.00 on sale.
///
/// # Panics
/// When the host refuses.
pub fn sell_tea(address: SocketAddr, key: &str) {
    let tea = json!({
        "id": "tea", "sku": "tea", "name": "Tea", "category": "drinks", "unit": "piece", "currency": "CNY",
        "price": 1_200, "tax_class": "standard",
    });
    asked(address, "POST", "/v1/products", key, &tea);
}
