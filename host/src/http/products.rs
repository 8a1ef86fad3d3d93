//! Products, by id, barcode or stock number.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::attributes::{Attributes, list_text, stored_list};
use super::auth::Caller;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Json;
use super::paging::{Page, Paged};
use super::problems::{Code, Fault};
use super::stores::{is_currency, yes};
use super::types::{Date, Id, Name, Text};
use crate::access::Permission;
use crate::checkout::{memberships, passes, reserved};
use crate::domain::membership::MembershipTerms;
use crate::domain::pass::PassTerms;
use crate::domain::reserved::Reserved;
use crate::host::Host;
use crate::store::products::{self, Product};
use crate::store::{Conn, StoreError};

/// Highest price of one unit, minor units: a hundred million of a currency with two digits.
const HIGHEST: i64 = 10_000_000_000;
const MOST_BARCODES: usize = 50;
const MOST_TAGS: usize = 50;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, replace))
}

/// How a product is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// In whole pieces.
    Piece,
    /// In kilograms with three places.
    Weight,
}

/// An article the chain sells. Prices are minor units for one whole unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductBody {
    id: String,
    sku: String,
    name: String,
    /// Path, root first, separated by slashes.
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    unit: String,
    currency: String,
    price: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_price: Option<i64>,
    /// Only shown to those who may manage goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_price: Option<i64>,
    tax_class: String,
    tags: Vec<String>,
    attributes: Attributes,
    /// What its buyer gets to use later, where it is a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<PassTerms>,
    /// What its buyer has while it is paid, where it is a membership.
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<MembershipTerms>,
    /// Whom it is kept for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<ReservedBody>,
    /// Only when one product is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    barcodes: Vec<String>,
    active: bool,
    version: i64,
}

/// Whom goods are kept for, and how long nobody else may buy them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservedBody {
    /// 1 to 20 tiers whose members may buy.
    tiers: Vec<String>,
    /// Last business day of the selling store, in its own zone.
    through: Date,
}

impl From<ReservedBody> for Reserved {
    fn from(body: ReservedBody) -> Self {
        Self {
            tiers: body.tiers,
            through: body.through.0,
        }
    }
}

impl From<Reserved> for ReservedBody {
    fn from(reserved: Reserved) -> Self {
        Self {
            tiers: reserved.tiers,
            through: Date(reserved.through),
        }
    }
}

fn show(product: Product, barcodes: Vec<String>, caller: &Caller) -> ProductBody {
    ProductBody {
        tags: stored_list(&product.tags),
        attributes: Attributes::stored(&product.attributes),
        pass: passes::terms(&product).ok().flatten(),
        membership: memberships::terms(&product).ok().flatten(),
        reserved: reserved::of(&product)
            .ok()
            .flatten()
            .map(ReservedBody::from),
        cost: product.cost.filter(|_| caller.may(Permission::ManageGoods)),
        id: product.id,
        sku: product.sku,
        name: product.name,
        category: product.category,
        brand: product.brand,
        unit: product.unit,
        currency: product.currency,
        price: product.price,
        member_price: product.member_price,
        floor_price: product.floor_price,
        tax_class: product.tax_class,
        barcodes,
        active: product.active,
        version: product.version,
    }
}

/// What a product is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductRequest {
    /// Made by the host when left out; in a change it may be left out too.
    #[serde(default)]
    id: Option<Id>,
    sku: Text<64>,
    name: Name,
    /// Path, root first, separated by slashes.
    category: Text<200>,
    #[serde(default)]
    brand: Option<Text<100>>,
    #[serde(default = "piece")]
    unit: Unit,
    currency: String,
    price: i64,
    #[serde(default)]
    member_price: Option<i64>,
    #[serde(default)]
    cost: Option<i64>,
    /// No discount may bring one whole unit below it.
    #[serde(default)]
    floor_price: Option<i64>,
    tax_class: Text<64>,
    #[serde(default)]
    tags: Vec<Text<64>>,
    #[serde(default)]
    barcodes: Vec<Text<64>>,
    #[serde(default)]
    attributes: Attributes,
    /// Makes it a pass: sold once, to a member, and used many times. Sold by the piece.
    #[serde(default)]
    pass: Option<PassTerms>,
    /// Makes it a paid membership: sold to a member by the piece, for months or days.
    #[serde(default)]
    membership: Option<MembershipTerms>,
    /// Sells it to members of some tiers alone for a time. A sale that happened is recorded whoever bought.
    #[serde(default)]
    reserved: Option<ReservedBody>,
    #[serde(default = "yes")]
    active: bool,
    /// The version read before; left out: not checked.
    #[serde(default)]
    version: i64,
}

fn piece() -> Unit {
    Unit::Piece
}

impl ProductRequest {
    /// Everything wrong with it at once.
    fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let prices = [
            ("/price", Some(self.price)),
            ("/member_price", self.member_price),
            ("/cost", self.cost),
            ("/floor_price", self.floor_price),
        ];
        for (pointer, price) in prices {
            if price.is_some_and(|price| !(0..=HIGHEST).contains(&price)) {
                let arguments = vec![("min", "0".to_owned()), ("max", HIGHEST.to_string())];
                errors.push(FieldError {
                    pointer: pointer.to_owned(),
                    fault: Fault::OutOfRange,
                    arguments,
                });
            }
        }
        for (pointer, count, limit) in [
            ("/tags", self.tags.len(), MOST_TAGS),
            ("/barcodes", self.barcodes.len(), MOST_BARCODES),
        ] {
            if count > limit {
                let arguments = vec![("limit", limit.to_string())];
                errors.push(FieldError {
                    pointer: pointer.to_owned(),
                    fault: Fault::TooMany,
                    arguments,
                });
            }
        }
        if !is_currency(&self.currency) {
            let pointer = "/currency".to_owned();
            errors.push(FieldError {
                pointer,
                fault: Fault::NotACurrency,
                arguments: Vec::new(),
            });
        }
        errors.extend(self.terms_fault());
        let kept = self.reserved.clone().map(Reserved::from);
        if let Some((field, why)) = kept.as_ref().and_then(Reserved::fault) {
            errors.push(FieldError {
                pointer: format!("/reserved/{field}"),
                fault: Fault::Invalid,
                arguments: vec![("reason", why.to_owned())],
            });
        }
        let category = self.category.as_str();
        if category.starts_with('/') || category.ends_with('/') || category.contains("//") {
            let arguments = vec![("reason", "drinks/coffee".to_owned())];
            errors.push(FieldError {
                pointer: "/category".to_owned(),
                fault: Fault::Invalid,
                arguments,
            });
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(errors))
        }
    }

    /// What is wrong with what it gives its buyer.
    fn terms_fault(&self) -> Option<FieldError> {
        let by_weight = matches!(self.unit, Unit::Weight);
        let (at, (field, why)) = match (&self.pass, &self.membership) {
            (None, None) => return None,
            (Some(_), Some(_)) => ("membership", ("", "give a pass or a membership, not both")),
            (Some(pass), None) => {
                let by_weight = by_weight.then_some(("uses", "a pass is sold by the piece"));
                ("pass", pass.fault().or(by_weight)?)
            }
            (None, Some(membership)) => {
                let by_weight =
                    by_weight.then_some(("months", "a membership is sold by the piece"));
                ("membership", membership.fault().or(by_weight)?)
            }
        };
        Some(FieldError {
            pointer: format!("/{at}/{field}").trim_end_matches('/').to_owned(),
            fault: Fault::Invalid,
            arguments: vec![("reason", why.to_owned())],
        })
    }

    fn row(self, id: String) -> (Product, Vec<String>) {
        let mut barcodes: Vec<String> = self.barcodes.into_iter().map(Text::into_string).collect();
        barcodes.sort();
        barcodes.dedup();
        let unit = match self.unit {
            Unit::Piece => "piece",
            Unit::Weight => "weight",
        };
        let product = Product {
            id,
            sku: self.sku.into_string(),
            name: self.name.into_string(),
            category: self.category.into_string(),
            brand: self.brand.map(Text::into_string),
            unit: unit.to_owned(),
            currency: self.currency,
            price: self.price,
            member_price: self.member_price,
            cost: self.cost,
            floor_price: self.floor_price,
            tax_class: self.tax_class.into_string(),
            tags: list_text(&self.tags),
            attributes: self.attributes.text(),
            pass: self.pass.map(|terms| passes::text(&terms)),
            membership: self.membership.map(|terms| memberships::text(&terms)),
            reserved: self
                .reserved
                .map(|kept| reserved::text(&Reserved::from(kept))),
            active: self.active,
            version: self.version,
        };
        (product, barcodes)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Find {
    barcode: Option<String>,
    sku: Option<String>,
    category: Option<String>,
}

/// List the products, or find one by `barcode` or `sku`.
#[utoipa::path(get, path = "/v1/products", tag = "products",
    params(("barcode" = Option<String>, Query), ("sku" = Option<String>, Query),
        ("category" = Option<String>, Query, description = "With its subcategories"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ProductBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    caller: Caller,
    paged: Paged<Find>,
) -> Result<Done<Page<ProductBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let found = match (&paged.filter.barcode, &paged.filter.sku) {
        (Some(barcode), _) => Some(products::product_by_barcode(&mut conn, barcode).await?),
        (None, Some(sku)) => Some(products::product_by_sku(&mut conn, sku).await?),
        (None, None) => None,
    };
    if let Some(found) = found {
        let mut items = Vec::new();
        if let Some(product) = found {
            let barcodes = products::barcodes(&mut conn, &product.id).await?;
            items.push(show(product, barcodes, &caller));
        }
        return Ok(Done::ok(Page { items, next: None }));
    }
    let category = paged.filter.category.as_deref();
    let rows = products::products(&mut conn, category, paged.after(), paged.rows()).await?;
    let page = paged.page(
        rows,
        |product| vec![product.id.clone()],
        |product| show(product, Vec::new(), &caller),
    )?;
    Ok(Done::ok(page))
}

/// Read a product.
#[utoipa::path(get, path = "/v1/products/{id}", tag = "products", params(("id" = Id, Path)),
    responses((status = 200, body = ProductBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
) -> Result<Done<ProductBody>, Problem> {
    let mut conn = host.db.read().await?;
    let (product, barcodes) = read(&mut conn, id.as_str())
        .await?
        .ok_or_else(|| unknown(&id))?;
    Ok(Done::ok(show(product, barcodes, &caller)))
}

fn unknown(id: &Id) -> Problem {
    Problem::unknown(Code::ProductUnknown, id.as_str())
}

async fn read(conn: &mut Conn, id: &str) -> Result<Option<(Product, Vec<String>)>, StoreError> {
    match products::product(conn, id).await? {
        None => Ok(None),
        Some(product) => {
            let barcodes = products::barcodes(conn, id).await?;
            Ok(Some((product, barcodes)))
        }
    }
}

/// Whether a product is a pass without a number of uses; none where it is no pass.
fn is_unlimited(product: &Product) -> Result<Option<bool>, StoreError> {
    Ok(passes::terms(product)?.map(|terms| terms.is_unlimited()))
}

/// A pass that was sold stays what it is: its uses and its periods are paid back by different rules.
fn other_kind() -> Problem {
    let why = "a pass stays with or without a number of uses; make another product";
    Problem::fields(vec![FieldError {
        pointer: "/pass/uses".to_owned(),
        fault: Fault::Invalid,
        arguments: vec![("reason", why.to_owned())],
    }])
}

/// A stock number or barcode that is in use, in our words.
fn taken(error: StoreError) -> Problem {
    if error.is_unique_violation() {
        return Problem::new(Code::Duplicate)
            .with("thing", "product")
            .with("id", "sku, barcodes");
    }
    error.into()
}

/// Add a product.
#[utoipa::path(post, path = "/v1/products", tag = "products", request_body = ProductRequest,
    responses((status = 201, body = ProductBody), (status = "default", body = ProblemBody)))]
async fn create(
    State(host): State<Arc<Host>>,
    caller: Caller,
    Json(mut request): Json<ProductRequest>,
) -> Result<Done<ProductBody>, Problem> {
    request.check()?;
    let id = request.id.take().unwrap_or_else(Id::fresh).into_string();
    let (product, barcodes) = request.row(id.clone());
    let written = host
        .writer
        .write("creating a product", move |tx| {
            Box::pin(async move {
                products::create_product(tx, &product, &barcodes).await?;
                read(tx, &product.id).await
            })
        })
        .await
        .map_err(taken)?;
    let (product, barcodes) =
        written.ok_or_else(|| Problem::internal("a product vanished while it was written"))?;
    Ok(Done::created(
        format!("/v1/products/{id}"),
        show(product, barcodes, &caller),
    ))
}

/// Replace a product and its barcodes.
#[utoipa::path(put, path = "/v1/products/{id}", tag = "products", params(("id" = Id, Path)),
    request_body = ProductRequest,
    responses((status = 200, body = ProductBody), (status = "default", body = ProblemBody)))]
async fn replace(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Json(request): Json<ProductRequest>,
) -> Result<Done<ProductBody>, Problem> {
    request.check()?;
    let (product, barcodes) = request.row(id.as_str().to_owned());
    let written = host
        .writer
        .write("changing a product", move |tx| {
            Box::pin(async move {
                let Some(before) = products::product(tx, &product.id).await? else {
                    return Ok(Err(Problem::unknown(Code::ProductUnknown, &product.id)));
                };
                if is_unlimited(&before)? != is_unlimited(&product)? {
                    return Ok(Err(other_kind()));
                }
                if !products::replace_product(tx, &product, &barcodes).await? {
                    return Ok(Err(Problem::new(Code::VersionConflict)));
                }
                Ok(Ok(read(tx, &product.id).await?))
            })
        })
        .await
        .map_err(taken)??;
    let (product, barcodes) = written.ok_or_else(|| unknown(&id))?;
    Ok(Done::ok(show(product, barcodes, &caller)))
}
