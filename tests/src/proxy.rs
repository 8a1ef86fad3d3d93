//! A TCP proxy between hosts and their database: it follows the leader, as a chain's own would, and can cut
//! connections at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How PostgreSQL's protocol carries the end of a transaction.
const COMMIT: &[u8] = b"COMMIT\0";
const CHUNK: usize = 64 * 1024;

/// A listening proxy.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    leader: Box<dyn Fn() -> Option<SocketAddr> + Send + Sync>,
    /// Commits still to be cut off from their answers.
    commits_to_cut: AtomicUsize,
    stopped: AtomicBool,
}

impl Proxy {
    /// Starts on a free port of loopback; `leader` says where connections go.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(leader: impl Fn() -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            leader: Box::new(leader),
            commits_to_cut: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(client));
            }
        });
        Self { address, shared }
    }

    /// The next so many commits reach the database, but their answers do not come back.
    pub fn cut_commits(&self, count: usize) {
        self.shared.commits_to_cut.store(count, Ordering::Relaxed);
    }

    /// Commits that were to be cut and are not yet.
    pub fn left_to_cut(&self) -> usize {
        self.shared.commits_to_cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Passes one connection on until either side ends it.
    fn serve(&self, client: TcpStream) {
        let Some(server) = self.connect() else { return };
        let (Ok(mut answers), Ok(mut asker)) = (server.try_clone(), client.try_clone()) else {
            return;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let back = std::thread::spawn(move || {
            let _ = std::io::copy(&mut answers, &mut asker);
            let _ = asker.shutdown(Shutdown::Both);
        });
        self.ask(&client, &server);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        let _ = back.join();
    }

    fn ask(&self, mut client: &TcpStream, mut server: &TcpStream) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = client.read(&mut chunk) {
            let chunk = &chunk[..length];
            let commits = chunk.windows(COMMIT.len()).any(|bytes| bytes == COMMIT);
            let cut = commits
                && self
                    .commits_to_cut
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                        left.checked_sub(1)
                    })
                    .is_ok();
            if cut {
                // Nothing of the answer gets through, but the database does its work.
                let _ = client.shutdown(Shutdown::Both);
            }
            if server.write_all(chunk).is_err() {
                return;
            }
            if cut {
                std::thread::sleep(Duration::from_millis(100));
                return;
            }
        }
    }

    fn connect(&self) -> Option<TcpStream> {
        let leader = (self.leader)()?;
        TcpStream::connect_timeout(&leader, Duration::from_secs(1)).ok()
    }
}
