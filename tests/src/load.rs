//! What benches share: the shop they measure, its baskets, and how times are told.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tessera::access::{Principal, Role};
use tessera::store::bulk::{Bulk, Cell, Kind};
use tokio::net::TcpStream;

use crate::shop::{Database, Shop};

/// Members written in one transaction.
const AT_ONCE: u64 = 10_000;

const MEMBERS: Bulk = Bulk {
    doing: "making members",
    text: "WITH v (id) AS ({rows})
        INSERT INTO members (id, status, home_store, enrolled_on, created_at, tier_multiplier_num, tier_multiplier_den,
            orders, referral_code, segments, attributes, version)
        SELECT v.id, 'active', 'east', 19000, 0, 1, 1, 0, v.id, '[]', '{}', 0 FROM v",
    columns: &[Kind::Text],
};
const CARDS: Bulk = Bulk {
    doing: "making cards",
    text: "WITH v (id) AS ({rows})
        INSERT INTO cards (number, member_id, kind, status, issued_at) SELECT 'C' || v.id, v.id, 'virtual', 'active', 0
        FROM v",
    columns: &[Kind::Text],
};

/// A shop with four rules in force.
pub async fn furnished(database: Database) -> Shop {
    let shop = Shop::open(database).await;
    for (plugin, config) in [
        (
            "points-standard",
            json!({ "points_per": { "spend": 100, "points": 1 } }),
        ),
        (
            "tier-standard",
            json!({ "tiers": [{ "code": "gold", "name": "Gold", "threshold": 100_000 }] }),
        ),
        (
            "stamp-card",
            json!({ "every": 10, "goods": { "categories": ["drinks/coffee"] } }),
        ),
        (
            "promo-standard",
            json!({ "discount": { "percent": { "rate": "10%", "on": "order" } } }),
        ),
    ] {
        shop.bind(plugin, config).await;
    }
    shop
}

/// What a member buys, one of each line, paid by card.
pub fn basket(member: &str, lines: usize) -> Value {
    let goods = ["coffee", "tea", "cake"];
    let lines: Vec<Value> = (0..lines)
        .map(|at| json!({ "sku": goods[at % goods.len()], "quantity": "1" }))
        .collect();
    json!({
        "store": "east", "member": { "id": member }, "lines": lines, "tenders": [{ "kind": "card" }],
    })
}

/// Who asks where no request comes over HTTP.
pub fn operator() -> Principal {
    Principal {
        key: "bench".to_owned(),
        role: Role::Admin,
        store: None,
        terminal: None,
        staff: None,
    }
}

/// The time that so many of a hundred stay below; `times` need not be sorted.
pub fn percentile(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    times
        .get(times.len() * share / 100)
        .copied()
        .unwrap_or_default()
}

/// Milliseconds with two digits.
pub fn millis(time: Duration) -> String {
    format!("{}.{:02}", time.as_millis(), time.as_micros() % 1_000 / 10)
}

/// Serves the shop on a free port of loopback for as long as the process lives.
///
/// # Panics
/// When no port is free.
pub async fn serve(shop: &Shop) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = shop.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A client with one connection; whatever is not answered as it should ends the bench.
pub struct Client {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    key: String,
}

impl Client {
    /// # Panics
    /// When the host does not answer.
    pub async fn connect(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the host answers");
        stream.set_nodelay(true).expect("a socket option");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::spawn(connection);
        Self {
            sender,
            key: key.to_owned(),
        }
    }

    /// # Panics
    /// When the request is refused.
    pub async fn post(&mut self, path: &str, body: &Value) -> Bytes {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("idempotency-key", uuid::Uuid::now_v7().to_string())
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        self.sender.ready().await.expect("a ready connection");
        let answer = self.sender.send_request(request).await.expect("an answer");
        let status = answer.status();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        assert!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes
    }
}

/// The id of one of the members made by [`make_members`].
pub fn member(number: u64) -> String {
    format!("member-{number:09}")
}

/// Makes members by bulk statements, as erasure leaves them: without a person.
///
/// # Panics
/// When the database refuses.
pub async fn make_members(shop: &Shop, from: u64, to: u64) {
    let mut from = from;
    while from < to {
        let end = to.min(from + AT_ONCE);
        let ids: Vec<Cell> = (from..end)
            .map(|number| Cell::Text(member(number)))
            .collect();
        shop.host
            .writer
            .write("making members", move |tx| {
                Box::pin(async move {
                    MEMBERS.execute(tx, ids.clone()).await?;
                    CARDS.execute(tx, ids).await?;
                    Ok(())
                })
            })
            .await
            .expect("members are made");
        from = end;
    }
}

/// Far from its neighbours, the same in every run (SplitMix64).
pub fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
