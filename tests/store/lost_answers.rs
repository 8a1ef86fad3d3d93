//! A network that loses the answer to a COMMIT, or the COMMIT itself: each command has one effect.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tessera::store::{Db, Location};
use tessera_tests::databases::postgres;
use tessera_tests::postgres::cluster;

use crate::bench::*;

#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// The server never sees the COMMIT.
    Before,
    /// The server commits, the answer is lost.
    After,
}

/// Forwards to the test server and cuts the connection at the next `armed` COMMITs.
fn proxy(cut: Cut, armed: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let armed = Arc::clone(armed);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", cluster().port())) else {
                return;
            };
            let (Ok(from), Ok(to)) = (server.try_clone(), client.try_clone()) else {
                return;
            };
            thread::spawn(move || copy(from, to, |_| None));
            let armed = Arc::clone(&armed);
            thread::spawn(move || {
                copy(client, server, |bytes| {
                    let commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
                    let fire = |n: usize| n.checked_sub(1);
                    let fired = commit
                        && armed
                            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fire)
                            .is_ok();
                    fired.then_some(cut)
                });
            });
        }
    });
    port
}

fn copy(mut from: TcpStream, mut to: TcpStream, cut: impl Fn(&[u8]) -> Option<Cut>) {
    let mut buffer = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        let cut = cut(bytes);
        if cut == Some(Cut::After) {
            // The client hears nothing any more, but the server gets to commit.
            let _ = from.shutdown(Shutdown::Both);
        }
        if cut != Some(Cut::Before) && to.write_all(bytes).is_err() {
            break;
        }
        if cut.is_some() {
            thread::sleep(Duration::from_millis(50));
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

async fn survive(cut: Cut) {
    let Some(database) = postgres().await else {
        return;
    };
    let Location::Postgres(url) = &database.location else {
        panic!("a server has a URL");
    };
    let name = url.rsplit('/').next().expect("a database name");
    let armed = Arc::new(AtomicUsize::new(0));
    let port = proxy(cut, &armed);
    // Without TLS, so that the proxy sees what passes.
    let location = Location::Postgres(format!(
        "postgres://tessera@127.0.0.1:{port}/{name}?sslmode=disable"
    ));
    let through = Db::open(&location, 2).await.expect("opens by the proxy");
    let (writer, task) = writer(&through, "main").await;
    for round in 0..10 {
        // The first commit of the round: on a busy machine there is no second, all commands fit one batch.
        armed.store(1, Ordering::SeqCst);
        // Without operation keys: nothing but the writer itself can notice a second effect.
        let commands = (0..20).map(|_| command(earn("m1", 1))).collect();
        for answer in together(&writer, commands).await {
            answer.expect("a lost connection is survived");
        }
        let sum = balance(&database.db, &points("m1")).await;
        assert_eq!(sum, i64::from(round + 1) * 20);
        assert_eq!(armed.load(Ordering::SeqCst), 0, "the connection was cut");
    }
    stop((writer, task)).await;
    assert_eq!(check(&database.db).await.entries, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_not_done_again() {
    survive(Cut::After).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_is_done_again() {
    survive(Cut::Before).await;
}
