//! A throw-away PostgreSQL for the tests of one process, and others for tests that stop theirs.
//!
//! The server runs under a small shell that waits for its input to end. When this process ends, however it
//! ends, the shell stops the server and removes its files.

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// Where distributions put the server's programs.
const FOLDERS: [&str; 4] = [
    "/usr/lib/postgresql",
    "/usr/pgsql",
    "/usr/local/pgsql",
    "/opt/homebrew/opt/postgresql",
];

/// Follows orders until the end of its input, then clears up. Signals meant for the tests do not reach the server.
const KEEPER: &str = r#"
trap '' INT HUP TERM
bin=$1 data=$2 port=$3 tls=
certified() {
  printf 'subjectAltName=IP:127.0.0.1' >"$data/names" \
    && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tests \
      -keyout "$data/ca.key" -out "$data/ca.crt" \
    && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
      -keyout "$data/server.key" -out "$data/server.csr" \
    && openssl x509 -req -in "$data/server.csr" -CA "$data/ca.crt" -CAkey "$data/ca.key" -CAcreateserial -days 2 \
      -extfile "$data/names" -out "$data/server.crt" \
    && chmod 600 "$data/server.key"
}
certified >/dev/null 2>&1 && tls="-c ssl=on -c ssl_cert_file=$data/server.crt -c ssl_key_file=$data/server.key"
options="-p $port -k $data -c listen_addresses=127.0.0.1 -c fsync=on -c max_connections=200 -c shared_buffers=128MB $tls"
cleared() { "$bin/pg_ctl" -D "$data/db" -m immediate stop >/dev/null 2>&1; rm -rf "$data"; }
"$bin/initdb" -D "$data/db" -U tessera -A trust -E UTF8 --no-locale >"$data/log" 2>&1 \
  && "$bin/pg_ctl" -D "$data/db" -l "$data/log" -w -t 60 -o "$options" start >>"$data/log" 2>&1 \
  && echo ready || { cat "$data/log"; echo failed; }
while read -r order; do
  case $order in
    stop) "$bin/pg_ctl" -D "$data/db" -m fast stop >>"$data/log" 2>&1; echo done ;;
    start) "$bin/pg_ctl" -D "$data/db" -l "$data/log" -w -t 60 start -o "$options" >>"$data/log" 2>&1; echo done ;;
  esac
done
cleared
"#;

/// A running server.
pub struct Cluster {
    port: u16,
    folder: PathBuf,
    disk: Disk,
    databases: AtomicU32,
    /// Its input is what keeps the server alive.
    keeper: Mutex<Child>,
    said: Mutex<BufReader<ChildStdout>>,
}

/// The disk of a server of a test's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// That of all temporary files.
    Temporary,
    /// One of its own that can be filled, seen by the server's processes only.
    Small,
}

/// The server of this process, started at the first call.
///
/// # Panics
/// When PostgreSQL is not installed or does not start; the message says what to do.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(Disk::Temporary).unwrap_or_else(|why| panic!("{why}")))
}

/// True if the tests can use a server. Without one they are content with SQLite, unless
/// `TESSERA_REQUIRE_POSTGRES` says that its absence is a failure.
pub fn is_wanted() -> bool {
    let required = std::env::var_os("TESSERA_REQUIRE_POSTGRES").is_some();
    let wanted = required || programs().is_some();
    if !wanted {
        eprintln!("PostgreSQL is not installed: this test ran on SQLite only");
    }
    wanted
}

impl Cluster {
    /// A server of a test's own, which may be stopped and started; none where this user may not mount a disk.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn own(disk: Disk) -> Option<Self> {
        if disk == Disk::Small && !is_root() {
            eprintln!(
                "a full disk of the server is not tried: only root may mount one for another user"
            );
            return None;
        }
        Some(Self::start(disk).unwrap_or_else(|why| panic!("{why}")))
    }

    fn start(disk: Disk) -> Result<Self, String> {
        let bin = programs().ok_or(
            "no PostgreSQL server found: install it (`apt install postgresql`), or name the folder of `initdb` in PG_BIN",
        )?;
        let port = free_port()?;
        let folder = tempfile::Builder::new()
            .prefix("tessera-pg-")
            .tempdir()
            .map_err(|error| format!("no temporary folder for PostgreSQL: {error}"))?
            .keep();
        let mut keeper = keeper(&bin, &folder, port, disk)?;
        let output = keeper.stdout.take().ok_or("the keeper has no output")?;
        let mut output = BufReader::new(output);
        let mut said = String::new();
        loop {
            let from = said.len();
            let read = output.read_line(&mut said);
            match (read, said[from..].trim_end()) {
                (Ok(1..), "ready") => break,
                (Ok(1..), line) if line != "failed" => {}
                _ => return Err(format!("PostgreSQL does not start:\n{said}")),
            }
        }
        Ok(Self {
            port,
            folder,
            disk,
            databases: AtomicU32::new(0),
            keeper: Mutex::new(keeper),
            said: Mutex::new(output),
        })
    }

    /// Gives the keeper an order, `stop` or `start`, and waits until it was followed.
    ///
    /// # Panics
    /// When the keeper is gone.
    pub fn order(&self, order: &str) {
        let mut keeper = self.keeper.lock().expect("the keeper");
        let input = keeper.stdin.as_mut().expect("its input");
        writeln!(input, "{order}").expect("the keeper hears");
        let mut said = String::new();
        let mut output = self.said.lock().expect("its output");
        output.read_line(&mut said).expect("the keeper answers");
        assert_eq!(said.trim_end(), "done");
    }

    /// The server's folder as its processes see it.
    pub fn inside(&self) -> PathBuf {
        let keeper = self.keeper.lock().expect("the keeper").id();
        let root = format!("/proc/{keeper}/root");
        Path::new(&root).join(self.folder.strip_prefix("/").expect("an absolute path"))
    }

    /// A fresh, empty database; returns its URL.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn create_database(&self) -> String {
        use sqlx::{Connection, Executor};
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = sqlx::PgConnection::connect(&self.url("postgres"))
            .await
            .expect("the test server answers");
        admin
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("the test server makes a database");
        admin.close().await.expect("the connection closes");
        self.url(&name)
    }

    /// URL of a database over the local socket, which is out of sight on a disk of the server's own.
    pub fn url(&self, database: &str) -> String {
        let folder = match self.disk {
            Disk::Temporary => self.folder.display().to_string().replace('/', "%2F"),
            Disk::Small => "127.0.0.1".to_owned(),
        };
        format!("postgres://tessera@{folder}:{}/{database}", self.port)
    }

    /// URL of a database over TLS, and the certificate of the authority that signed the server's own; none where
    /// `openssl` is not installed.
    pub fn url_over_tls(&self, database: &str) -> Option<(String, PathBuf)> {
        let authority = self.folder.join("ca.crt");
        let url = format!(
            "postgres://tessera@127.0.0.1:{}/{database}?sslmode=verify-full",
            self.port
        );
        authority.exists().then_some((url, authority))
    }

    /// The server's TCP port on 127.0.0.1, for tests that put a proxy in between.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port for PostgreSQL: {error}"))
}

/// One of the server's programs.
///
/// # Panics
/// When PostgreSQL is not installed.
pub fn program(name: &str) -> Command {
    Command::new(programs().expect("PostgreSQL is installed").join(name))
}

/// The folder that holds `initdb`, the newest version first.
pub(crate) fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("PG_BIN") {
        return Some(PathBuf::from(folder));
    }
    let mut found: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| {
            let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
            versions
                .map(|version| version.path().join("bin"))
                .chain([Path::new(folder).join("bin")])
        })
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    })
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Ok(keeper) = self.keeper.get_mut() else {
            return;
        };
        drop(keeper.stdin.take());
        let _ = keeper.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Starts the shell that keeps the server.
fn keeper(bin: &Path, folder: &Path, port: u16, disk: Disk) -> Result<Child, String> {
    let mut command = match disk {
        Disk::Temporary => as_server(folder)?,
        Disk::Small => on_small_disk(folder),
    };
    command
        .args(["-c", KEEPER, "keeper"])
        .arg(bin)
        .arg(folder)
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("PostgreSQL does not start: {error}"))
}

/// A shell that owns the folder: as the user `postgres` where this process is root, which the server refuses to be.
pub fn as_server(folder: &Path) -> Result<Command, String> {
    if !is_root() {
        return Ok(Command::new("sh"));
    }
    let owned = Command::new("chown")
        .args(["-R", "postgres"])
        .arg(folder)
        .status()
        .is_ok_and(|status| status.success());
    if !owned {
        return Err("PostgreSQL does not run as root and there is no user `postgres`".to_owned());
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", "sh"]);
    Ok(command)
}

/// The same on a disk of its own.
fn on_small_disk(folder: &Path) -> Command {
    let script = "mount -t tmpfs -o size=112m none \"$0\" && chown postgres \"$0\" && exec runuser -u postgres -- sh \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(folder);
    command
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
