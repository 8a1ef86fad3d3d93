//! What every route shares: problems, the document, the stream of events.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower::ServiceExt;

use super::{Shop, wang};
use crate::declaration::{Declaration, Source, Wrong};

#[tokio::test]
async fn a_request_without_a_key_is_refused_with_words_in_the_callers_language() {
    let shop = Shop::open().await;
    let request = Request::get("/v1/stores")
        .header("accept-language", "zh-CN")
        .body(Body::empty())
        .unwrap();
    let answer = shop.send(request).await.refused(401, "unauthenticated");
    assert_eq!(answer.body["title"], "需要密钥");
    assert_eq!(
        answer.headers[header::WWW_AUTHENTICATE],
        "Bearer realm=\"tessera\""
    );
    let wrong = format!("Bearer {}0", &shop.admin[..shop.admin.len() - 1]);
    let forged = shop
        .with("GET", "/v1/stores", &[("authorization", &wrong)], None)
        .await;
    assert!(shop.admin.ends_with('0') || forged.status == StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn unknown_routes_methods_and_bodies_are_problems_too() {
    let shop = Shop::open().await;
    shop.get("/v1/unheard-of")
        .await
        .refused(404, "route_unknown");
    let answer = shop
        .with("PATCH", "/v1/stores", &[], None)
        .await
        .refused(405, "method_not_allowed");
    assert!(answer.headers.contains_key(header::ALLOW));
    let typed = [("content-type", "text/plain")];
    shop.with("PUT", "/v1/regions/x", &typed, None)
        .await
        .refused(415, "unsupported_media_type");
    let plain = Request::put("/v1/regions/x")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    shop.send(plain)
        .await
        .refused(415, "unsupported_media_type");
    let long = json!({"name": "x".repeat(2 << 20)});
    shop.put("/v1/regions/x", long)
        .await
        .refused(413, "body_too_large");
    let zero = shop
        .put("/v1/regions/x", json!({"name": "a\0b"}))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(zero.body["errors"][0]["pointer"], "/name");
    assert_eq!(zero.body["errors"][0]["code"], "control_character");
    shop.get("/v1/members/a%00b")
        .await
        .refused(400, "invalid_query");
    shop.get("/v1/stores?limit=many")
        .await
        .refused(400, "invalid_query");
}

#[tokio::test]
async fn the_document_names_every_route_and_needs_no_key() {
    let shop = Shop::open().await;
    let document = shop
        .send(Request::get("/openapi.json").body(Body::empty()).unwrap())
        .await
        .expect(200)
        .body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let known = crate::http::auth::NEEDS
                .iter()
                .any(|(its, at, _)| at == path && its.as_str().eq_ignore_ascii_case(method));
            assert!(known, "{method} {path} is refused to everybody");
            routes += 1;
        }
    }
    assert!(routes > 30, "{routes}");
    let page = shop
        .send(Request::get("/docs/").body(Body::empty()).unwrap())
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        shop.send(Request::get("/metrics").body(Body::empty()).unwrap())
            .await
            .body
            .is_string()
    );
    shop.send(Request::get("/readyz").body(Body::empty()).unwrap())
        .await
        .refused(503, "not_ready");
    shop.put(
        "/v1/chain",
        json!({"name": "Daybreak", "language": "zh-CN"}),
    )
    .await
    .expect(200);
    shop.send(Request::get("/readyz").body(Body::empty()).unwrap())
        .await
        .expect(200);
    let told = shop
        .send(
            Request::get("/problems/quote_stale")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .expect(200);
    assert_eq!(told.body["title"], "报价已失效");
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_it_saw() {
    use futures_util::StreamExt;
    let shop = Shop::open().await;
    shop.enrol("k1", wang()).await.expect(201);
    let seen = shop.get("/v1/events").await.expect(200).body["after"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.enrol("k2", json!({"home_store": "bund"}))
        .await
        .expect(201);
    let request = Request::get("/v1/events")
        .header("authorization", format!("Bearer {}", shop.admin))
        .header("accept", "text/event-stream")
        .header("last-event-id", &seen)
        .body(Body::empty())
        .unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    let mut frames = response.into_body().into_data_stream();
    let frame = frames.next().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&frame);
    assert!(
        text.contains("event: member.enrolled") && !text.contains(&seen),
        "{text}"
    );
    shop.enrol("k3", json!({"home_store": "bund"}))
        .await
        .expect(201);
    let next = tokio::time::timeout(std::time::Duration::from_secs(5), frames.next())
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&next.unwrap().unwrap()).contains("member.enrolled"));
    assert!(shop.host.metrics.text().contains("tessera_event_streams 1"));
    shop.host.begin_stop();
    let end = tokio::time::timeout(std::time::Duration::from_secs(5), frames.next())
        .await
        .unwrap();
    assert!(end.is_none());
}

#[test]
fn a_file_declares_a_binding_with_every_key_the_api_takes() {
    let document = serde_json::to_value(crate::http::openapi()).unwrap();
    let properties = &document["components"]["schemas"]["BindingRequest"]["properties"];
    for key in properties.as_object().unwrap().keys() {
        let file = Source {
            name: "a.toml".to_owned(),
            text: format!("[[binding]]\n{key} = 1\n"),
        };
        let faults = Declaration::read(&[file]).unwrap_err();
        assert!(
            !faults.iter().any(|fault| fault.wrong == Wrong::UnknownKey),
            "{key}"
        );
    }
}
