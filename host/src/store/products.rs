//! Products and their barcodes.

use std::collections::HashSet;

use super::bulk::{Bulk, Cell, Kind};
use super::chain::bump;
use super::db::Conn;
use super::error::StoreError;
use super::row::record;
use crate::on;

record! {
    /// An article the chain sells.
    Product {
        id: String,
        sku: String,
        name: String,
        /// Path, root first, separated by slashes.
        category: String,
        brand: Option<String>,
        /// `piece` or `weight`.
        unit: String,
        currency: String,
        /// Minor units for one whole unit; so are the other prices.
        price: i64,
        member_price: Option<i64>,
        cost: Option<i64>,
        floor_price: Option<i64>,
        tax_class: String,
        /// A JSON array of strings.
        tags: String,
        /// A JSON object.
        attributes: String,
        /// The terms of the pass it is, as JSON.
        pass: Option<String>,
        /// The terms of the membership it is, as JSON.
        membership: Option<String>,
        /// Whom it is kept for, as JSON.
        reserved: Option<String>,
        active: bool,
        version: i64,
    }
}

macro_rules! columns {
    () => {
        "id, sku, name, category, brand, unit, currency, price, member_price, cost, floor_price, \
         tax_class, tags, attributes, pass, membership, reserved, active, version"
    };
}

/// One product.
pub async fn product(conn: &mut Conn, id: &str) -> Result<Option<Product>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM products WHERE id = $1"))
        .bind(id).fetch_optional(c).await)
    .map_err(StoreError::during("reading a product"))
}

/// The product a barcode stands for.
pub async fn product_by_barcode(
    conn: &mut Conn,
    barcode: &str,
) -> Result<Option<Product>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM products
        WHERE id = (SELECT product FROM barcodes WHERE barcode = $1)"))
        .bind(barcode).fetch_optional(c).await)
    .map_err(StoreError::during("reading a product by barcode"))
}

/// The product with a stock number.
pub async fn product_by_sku(conn: &mut Conn, sku: &str) -> Result<Option<Product>, StoreError> {
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM products WHERE sku = $1"))
        .bind(sku).fetch_optional(c).await)
    .map_err(StoreError::during("reading a product by stock number"))
}

/// Products with an id after `after`, of a category and its subcategories if one is given.
pub async fn products(
    conn: &mut Conn,
    category: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Product>, StoreError> {
    let category = category.unwrap_or_default();
    // Below a path lies what starts with it and a slash; the character after the slash ends the range.
    let (from, to) = (format!("{category}/"), format!("{category}0"));
    on!(conn, c => sqlx::query_as(concat!("SELECT ", columns!(), " FROM products
        WHERE id > $1 AND ($2 = '' OR category = $2 OR (category >= $3 AND category < $4)) ORDER BY id LIMIT $5"))
        .bind(after).bind(category).bind(from).bind(to).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the products"))
}

/// The categories of goods on sale, by path; at most `limit`.
pub async fn categories(conn: &mut Conn, limit: i64) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT DISTINCT category FROM products WHERE active ORDER BY category LIMIT $1")
        .bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading the categories"))
}

const BY_ID: Bulk = Bulk {
    doing: "looking products up",
    text: "WITH v (id) AS ({rows}) SELECT p.id FROM v JOIN products p ON p.id = v.id",
    columns: &[Kind::Text],
};

/// Which of these ids are products, on sale or not.
pub async fn known(conn: &mut Conn, ids: Vec<String>) -> Result<HashSet<String>, StoreError> {
    let cells = ids.into_iter().map(Cell::Text).collect();
    let found: Vec<(String,)> = BY_ID.fetch(conn, cells).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The barcodes of one product.
pub async fn barcodes(conn: &mut Conn, product: &str) -> Result<Vec<String>, StoreError> {
    on!(conn, c => sqlx::query_scalar("SELECT barcode FROM barcodes WHERE product = $1 ORDER BY barcode LIMIT 100")
        .bind(product).fetch_all(c).await)
    .map_err(StoreError::during("reading barcodes"))
}

/// Every barcode with its product after `after`, for a cache of all goods.
pub async fn barcode_pairs(
    conn: &mut Conn,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    on!(conn, c => sqlx::query_as("SELECT barcode, product FROM barcodes WHERE barcode > $1 ORDER BY barcode LIMIT $2")
        .bind(after).bind(limit).fetch_all(c).await)
    .map_err(StoreError::during("reading barcodes"))
}

/// Creates a product with its barcodes.
///
/// # Errors
/// A unique violation when id, stock number or a barcode is taken.
pub async fn create_product(
    conn: &mut Conn,
    product: &Product,
    barcodes: &[String],
) -> Result<(), StoreError> {
    on!(conn, c => sqlx::query(
        "INSERT INTO products (id, sku, name, category, brand, unit, currency, price, member_price, cost,
         floor_price, tax_class, tags, attributes, active, version, pass, membership, reserved)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, $16, $17, $18)")
        .bind(&product.id).bind(&product.sku).bind(&product.name).bind(&product.category).bind(&product.brand)
        .bind(&product.unit).bind(&product.currency).bind(product.price).bind(product.member_price)
        .bind(product.cost).bind(product.floor_price).bind(&product.tax_class).bind(&product.tags)
        .bind(&product.attributes).bind(product.active).bind(&product.pass).bind(&product.membership)
        .bind(&product.reserved)
        .execute(c).await.map(|_| ()))
    .map_err(StoreError::during("creating a product"))?;
    add_barcodes(conn, &product.id, barcodes).await?;
    bump(conn, "goods").await
}

/// Replaces a product and its barcodes; false when it is not known or its version is another
/// (zero skips that check).
///
/// # Errors
/// A unique violation when the stock number or a barcode is taken.
pub async fn replace_product(
    conn: &mut Conn,
    product: &Product,
    barcodes: &[String],
) -> Result<bool, StoreError> {
    let changed = on!(conn, c => sqlx::query(
        "UPDATE products SET sku = $2, name = $3, category = $4, brand = $5, unit = $6, currency = $7, price = $8,
         member_price = $9, cost = $10, floor_price = $11, tax_class = $12, tags = $13, attributes = $14,
         active = $15, pass = $17, membership = $18, reserved = $19, version = version + 1 WHERE id = $1 AND (version = $16 OR $16 = 0)")
        .bind(&product.id).bind(&product.sku).bind(&product.name).bind(&product.category).bind(&product.brand)
        .bind(&product.unit).bind(&product.currency).bind(product.price).bind(product.member_price)
        .bind(product.cost).bind(product.floor_price).bind(&product.tax_class).bind(&product.tags)
        .bind(&product.attributes).bind(product.active).bind(product.version).bind(&product.pass)
        .bind(&product.membership)
        .bind(&product.reserved)
        .execute(c).await.map(|done| done.rows_affected() == 1))
    .map_err(StoreError::during("changing a product"))?;
    if changed {
        on!(conn, c => sqlx::query("DELETE FROM barcodes WHERE product = $1").bind(&product.id).execute(c).await.map(|_| ()))
            .map_err(StoreError::during("removing barcodes"))?;
        add_barcodes(conn, &product.id, barcodes).await?;
        bump(conn, "goods").await?;
    }
    Ok(changed)
}

async fn add_barcodes(
    conn: &mut Conn,
    product: &str,
    barcodes: &[String],
) -> Result<(), StoreError> {
    for barcode in barcodes {
        on!(conn, c => sqlx::query("INSERT INTO barcodes (barcode, product) VALUES ($1, $2)")
            .bind(barcode).bind(product).execute(c).await.map(|_| ()))
        .map_err(StoreError::during("adding a barcode"))?;
    }
    Ok(())
}
