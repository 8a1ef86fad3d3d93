//! A TCP proxy between hosts and their database: it follows the leader, as a chain's own would, and can cut
//! connections at the worst moment.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What only the statement that writes and commits a batch says.
const COMMITS: &[u8] = b"UPDATE writers SET batch";
const CHUNK: usize = 64 * 1024;

/// What becomes of a commit that is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never sees it.
    Before,
    /// The server does its work, the answer is lost.
    After,
}

/// A listening proxy.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    leader: Box<dyn Fn() -> Option<SocketAddr> + Send + Sync>,
    /// Commits still to be cut.
    commits_to_cut: AtomicUsize,
    cut: Mutex<Cut>,
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
            cut: Mutex::new(Cut::After),
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

    /// Cuts the connections of the next so many commits.
    pub fn cut_commits(&self, count: usize, cut: Cut) {
        *self
            .shared
            .cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = cut;
        self.shared.commits_to_cut.store(count, Ordering::Release);
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
        let mut requests = Requests::default();
        while let Ok(length @ 1..) = client.read(&mut chunk) {
            requests.waiting.extend_from_slice(&chunk[..length]);
            while let Some((request, commits)) = requests.next() {
                let cut = if commits { self.take_cut() } else { None };
                if cut.is_some() {
                    // Nothing of an answer gets through.
                    let _ = client.shutdown(Shutdown::Both);
                }
                if cut != Some(Cut::Before) && server.write_all(&request).is_err() {
                    return;
                }
                if cut.is_some() {
                    std::thread::sleep(Duration::from_millis(100));
                    return;
                }
            }
        }
    }

    fn take_cut(&self) -> Option<Cut> {
        let one_less = |left: usize| left.checked_sub(1);
        self.commits_to_cut
            .fetch_update(Ordering::Acquire, Ordering::Acquire, one_less)
            .ok()?;
        Some(*self.cut.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connect(&self) -> Option<TcpStream> {
        let leader = (self.leader)()?;
        TcpStream::connect_timeout(&leader, Duration::from_secs(1)).ok()
    }
}

/// The messages of one connection to PostgreSQL, taken apart as its protocol writes them: a letter (the first message
/// has none), the length of the rest in four bytes, the rest.
#[derive(Default)]
struct Requests {
    waiting: Vec<u8>,
    started: bool,
    /// Prepared statements that write a batch.
    writing: HashSet<Vec<u8>>,
}

impl Requests {
    /// The next messages that the server gets at once, up to the one it answers, and whether they commit a batch.
    fn next(&mut self) -> Option<(Vec<u8>, bool)> {
        let mut end = 0;
        let mut commits = false;
        loop {
            let letter = usize::from(self.started);
            let length = self.waiting.get(end + letter..end + letter + 4)?;
            let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
            let message = self.waiting.get(end..end + letter + length)?;
            end += message.len();
            let kind = if self.started { message[0] } else { b' ' };
            self.started = true;
            let mut texts = message.get(5..)?.split(|byte| *byte == 0);
            match kind {
                b'P' => {
                    let name = texts.next().unwrap_or_default().to_vec();
                    let text = texts.next().unwrap_or_default();
                    if text.windows(COMMITS.len()).any(|part| part == COMMITS) {
                        self.writing.insert(name);
                    }
                }
                b'B' => commits |= self.writing.contains(texts.nth(1).unwrap_or_default()),
                b'D' | b'E' | b'C' => {}
                _ => return Some((self.waiting.drain(..end).collect(), commits)),
            }
        }
    }
}
