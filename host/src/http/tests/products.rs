//! Goods by barcode and page by page.

use serde_json::{Value, json};

use super::Shop;

fn coffee(sku: &str) -> Value {
    json!({"sku": sku, "name": "Coffee", "category": "drinks/coffee", "currency": "CNY", "price": 1800,
        "cost": 700, "tax_class": "standard", "tags": ["hot"], "barcodes": [format!("690{sku}")]})
}

#[tokio::test]
async fn products_are_found_by_barcode_and_listed_page_by_page() {
    let shop = Shop::open().await;
    for sku in ["a", "b", "c"] {
        shop.post("/v1/products", coffee(sku)).await.expect(201);
    }
    let found = shop.get("/v1/products?barcode=690b").await.expect(200).body;
    assert_eq!(found["items"][0]["sku"], "b");
    assert_eq!(
        shop.get("/v1/products?barcode=0").await.expect(200).body["items"],
        json!([])
    );
    shop.post("/v1/products", coffee("a"))
        .await
        .refused(409, "duplicate");
    let page = shop
        .get("/v1/products?category=drinks&limit=2")
        .await
        .expect(200)
        .body;
    let next = page["next"].as_str().unwrap();
    let rest = shop
        .get(&format!("/v1/products?cursor={next}"))
        .await
        .expect(200)
        .body;
    assert_eq!(
        page["items"].as_array().unwrap().len() + rest["items"].as_array().unwrap().len(),
        3
    );
    assert!(rest.get("next").is_none());
    assert_eq!(
        shop.get("/v1/products?category=drink")
            .await
            .expect(200)
            .body["items"],
        json!([])
    );
    let id = found["items"][0]["id"].as_str().unwrap();
    let mut change = coffee("b");
    change["price"] = json!(-1);
    change["currency"] = json!("yuan");
    let refused = shop
        .put(&format!("/v1/products/{id}"), change.clone())
        .await
        .refused(422, "invalid_fields");
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
    change["price"] = json!(2000);
    change["currency"] = json!("CNY");
    change["version"] = json!(1);
    shop.put(&format!("/v1/products/{id}"), change.clone())
        .await
        .expect(200);
    shop.put(&format!("/v1/products/{id}"), change)
        .await
        .refused(409, "version_conflict");
}
