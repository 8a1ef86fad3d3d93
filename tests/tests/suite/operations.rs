//! What an operator is given in `config/operations`: it names what the host really has.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use tessera_tests::shop::{Database, Shop};

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/operations");
    std::fs::read_to_string(folder.join(name)).expect(name)
}

/// Every word that begins with `tessera_`, without what a histogram adds to its name.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    let ours = words.filter(|word| word.starts_with("tessera_"));
    let plain = |word: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let cut = ends.iter().find_map(|end| word.strip_suffix(end));
        cut.unwrap_or(word).to_owned()
    };
    ours.map(plain).collect()
}

#[tokio::test]
async fn dashboard_and_alarms_name_metrics_the_host_has() {
    let shop = Shop::open(Database::Sqlite).await;
    let request = Request::get("/metrics").body(Body::empty());
    let answer = shop.raw(request.expect("a request")).await;
    let text = answer.body.as_str().expect("a text").to_owned();
    let known: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    for name in ["prometheus-rules.yml", "grafana-dashboard.json"] {
        let named = metrics_in(&file(name));
        assert!(named.len() > 4, "{name} names {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(
            unknown.is_empty(),
            "{name} names {unknown:?}, known are {known:?}"
        );
    }
}

#[test]
fn the_dashboard_is_valid_and_its_panels_do_not_overlap() {
    let board: serde_json::Value =
        serde_json::from_str(&file("grafana-dashboard.json")).expect("JSON");
    let panels = board["panels"].as_array().expect("panels");
    let places: BTreeSet<_> = panels
        .iter()
        .map(|panel| {
            (
                panel["gridPos"]["x"].as_i64(),
                panel["gridPos"]["y"].as_i64(),
            )
        })
        .collect();
    assert_eq!(places.len(), panels.len());
}
