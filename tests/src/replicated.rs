//! Three PostgreSQL servers that survive the loss of one: etcd and Patroni with strict synchronous replication, on
//! loopback, in a folder of their own.
//!
//! Everything runs under a small shell that takes orders on its input and clears up when that ends, however this
//! process ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::postgres::{as_server, programs};

/// Seconds after which the lease of a leader that is gone ends; the least that Patroni takes.
const LEASE: u32 = 20;
const NODES: usize = 3;

/// Starts everything, then follows orders: `start N`, `kill N`. A kill leaves no process of the node alive.
const KEEPER: &str = r#"
trap '' INT HUP TERM
folder=$1 client=$2 peer=$3
etcd --name one --data-dir "$folder/etcd" --listen-client-urls "http://127.0.0.1:$client" \
  --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
  --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "one=http://127.0.0.1:$peer" \
  >"$folder/etcd.log" 2>&1 </dev/null &
etcd=$!
start() { patroni "$folder/node$1.yml" >>"$folder/node$1.log" 2>&1 </dev/null & eval "node$1=$!"; }
gone() {
  eval "kill -9 \$node$1" 2>/dev/null
  [ -f "$folder/db$1/postmaster.pid" ] && kill -9 "$(head -n 1 "$folder/db$1/postmaster.pid")" 2>/dev/null
}
for node in 1 2 3; do start $node; done
while read -r order node; do
  case $order in start) start "$node" ;; kill) gone "$node" ;; esac
done
for node in 1 2 3; do gone $node; done
kill -9 $etcd
sleep 1
rm -rf "$folder"
"#;

/// The running servers.
pub struct Replicated {
    folder: PathBuf,
    nodes: Vec<Node>,
    keeper: Child,
}

struct Node {
    database: u16,
    control: u16,
}

/// True if the programs are installed. Where `TESSERA_REQUIRE_FAILOVER` is set their absence is a failure.
pub fn is_wanted() -> bool {
    let has = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).exists())
    };
    let installed = programs().is_some() && has("etcd") && has("patroni");
    let required = std::env::var_os("TESSERA_REQUIRE_FAILOVER").is_some();
    assert!(
        installed || !required,
        "the loss of a server is not tried: install etcd-server, patroni and postgresql"
    );
    installed
}

impl Replicated {
    /// Starts the servers and waits for a leader that has a synchronous standby.
    ///
    /// # Panics
    /// When they do not start within a minute and a half, with the end of their logs.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tessera-ha-")
            .tempdir()
            .expect("a folder for the servers")
            .keep();
        let ports = free_ports(2 + 2 * NODES);
        let (client, peer) = (ports[0], ports[1]);
        let nodes: Vec<Node> = ports[2..]
            .chunks(2)
            .map(|pair| Node {
                database: pair[0],
                control: pair[1],
            })
            .collect();
        for (at, node) in nodes.iter().enumerate() {
            let settings = settings(&folder, client, at + 1, node);
            std::fs::write(folder.join(format!("node{}.yml", at + 1)), settings)
                .expect("a file for the settings");
        }
        let keeper = as_server(&folder)
            .expect("a user the server accepts")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .args([client.to_string(), peer.to_string()])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut servers = Self {
            folder,
            nodes,
            keeper,
        };
        servers.wait_for_standby();
        servers
    }

    /// Waits until there is a leader and a standby that has to confirm every commit.
    pub fn wait_for_standby(&mut self) {
        let begun = Instant::now();
        while !(self.leader().is_some() && self.count("/sync") >= 1) {
            assert!(
                begun.elapsed() < Duration::from_secs(90),
                "no leader with a standby:\n{}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until another node leads: the lease of the lost one has to end first.
    pub fn wait_for_leader_other_than(&self, lost: usize) {
        let begun = Instant::now();
        let lost = self.nodes[lost - 1].database;
        while self.leader().is_none_or(|leader| leader.port() == lost) {
            assert!(
                begun.elapsed() < Duration::from_secs(90),
                "nobody took over:\n{}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Where the leader's database listens.
    pub fn leader(&self) -> Option<SocketAddr> {
        let leads = |node: &&Node| is(node.control, "/leader");
        let node = self.nodes.iter().find(leads)?;
        Some(SocketAddr::from(([127, 0, 0, 1], node.database)))
    }

    /// What a proxy asks to follow the leader: each database's port and its control port.
    pub fn ports(&self) -> Vec<(u16, u16)> {
        let pair = |node: &Node| (node.database, node.control);
        self.nodes.iter().map(pair).collect()
    }

    fn count(&self, role: &str) -> usize {
        let has = |node: &&Node| is(node.control, role);
        self.nodes.iter().filter(has).count()
    }

    /// SIGKILL for the leader, its Patroni first; answers which node it was.
    pub fn kill_leader(&mut self) -> usize {
        let leader = self.leader().expect("there is a leader").port();
        let at = self.nodes.iter().position(|node| node.database == leader);
        let at = at.expect("it is one of the nodes") + 1;
        self.order(&format!("kill {at}"));
        at
    }

    /// Starts a node again, as a standby of whoever leads.
    pub fn start_node(&mut self, at: usize) {
        self.order(&format!("start {at}"));
    }

    fn order(&mut self, order: &str) {
        let input = self.keeper.stdin.as_mut().expect("its input");
        writeln!(input, "{order}").expect("the shell listens");
    }

    fn logs(&self) -> String {
        let names = ["etcd.log", "node1.log", "node2.log", "node3.log"];
        let tail = |name: &&str| {
            let text = std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(8).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            format!("{name}:\n{}\n", lines.join("\n"))
        };
        names.iter().map(tail).collect()
    }
}

impl Drop for Replicated {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Whether Patroni's control port says that its node has a role, `/leader` or `/sync`.
pub fn is(control: u16, role: &str) -> bool {
    let asked = || -> std::io::Result<bool> {
        let address = SocketAddr::from(([127, 0, 0, 1], control));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(300))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET {role} HTTP/1.0\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    asked().unwrap_or(false)
}

/// Ports free at the same time.
fn free_ports(count: usize) -> Vec<u16> {
    let bound: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    bound.iter().map(port).collect()
}

fn settings(folder: &Path, etcd: u16, at: usize, node: &Node) -> String {
    let folder = folder.display();
    let bin = programs().expect("the server is installed");
    let (bin, Node { database, control }) = (bin.display(), node);
    format!(
        r#"scope: tessera
name: node{at}
restapi: {{listen: "127.0.0.1:{control}", connect_address: "127.0.0.1:{control}"}}
etcd3: {{hosts: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: {LEASE}
    loop_wait: 1
    retry_timeout: 3
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 100, shared_buffers: 64MB}}
  initdb: [no-locale, data-checksums, {{encoding: UTF8}}]
postgresql:
  listen: "127.0.0.1:{database}"
  connect_address: "127.0.0.1:{database}"
  data_dir: "{folder}/db{at}"
  bin_dir: "{bin}"
  pgpass: "{folder}/pgpass{at}"
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  parameters: {{unix_socket_directories: "{folder}"}}
  authentication:
    superuser: {{username: tessera}}
    replication: {{username: replicator}}
    rewind: {{username: rewinder}}
"#
    )
}
