//! A network that loses the answer to a COMMIT, or the COMMIT itself: each command has one effect.

use std::net::{Ipv4Addr, SocketAddr};

use tessera::store::{Db, Location};
use tessera_tests::databases::postgres;
use tessera_tests::postgres::cluster;
use tessera_tests::proxy::{Cut, Proxy};

use crate::bench::*;

async fn survive(cut: Cut) {
    let Some(database) = postgres().await else {
        return;
    };
    let Location::Postgres(url) = &database.location else {
        panic!("a server has a URL");
    };
    let name = url.rsplit('/').next().expect("a database name");
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, cluster().port()));
    let proxy = Proxy::start(move || Some(server));
    // Without TLS, so that the proxy sees what passes.
    let location = Location::Postgres(format!(
        "postgres://tessera@{}/{name}?sslmode=disable",
        proxy.address
    ));
    let through = Db::open(&location, 2).await.expect("opens by the proxy");
    let (writer, task) = writer(&through, "main").await;
    for round in 0..10 {
        // The first commit of the round: on a busy machine there is no second, all commands fit one batch.
        proxy.cut_commits(1, cut);
        // Without operation keys: nothing but the writer itself can notice a second effect.
        let commands = (0..20).map(|_| command(earn("m1", 1))).collect();
        for answer in together(&writer, commands).await {
            answer.expect("a lost connection is survived");
        }
        let sum = balance(&database.db, &points("m1")).await;
        assert_eq!(sum, i64::from(round + 1) * 20);
        assert_eq!(proxy.left_to_cut(), 0, "the connection was cut");
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
