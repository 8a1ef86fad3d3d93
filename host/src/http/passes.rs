//! Passes a member has: what is left to use, and what was paid for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Problem, ProblemBody};
use super::members::known;
use super::types::{Date, Id};
use crate::domain::ledger::{AccountKey, AccountName, Lot, value_lot};
use crate::domain::pass::pass_product;
use crate::host::Host;
use crate::snapshot::Mark;
use crate::store;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(passes))
}

/// The passes of one kind a member has.
#[derive(Debug, Serialize, ToSchema)]
pub struct PassBody {
    /// The product that was sold as the pass.
    product: String,
    name: String,
    /// Uses left of all of them. What ran out a moment ago may still be among them.
    uses: i64,
    /// What was paid for those, tax left out, minor units: no revenue yet.
    value: i64,
    currency: String,
    /// One for each sale, the nearest expiry first: that one is used first.
    sales: Vec<PassLotBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PassLotBody {
    /// The order it was sold with.
    order: String,
    /// Uses it was sold with.
    sold: i64,
    /// Uses that are left.
    left: i64,
    value: i64,
    /// Last business day it can be used; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
}

/// List the passes a member can use.
#[utoipa::path(get, path = "/v1/members/{id}/passes", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = [PassBody]), (status = "default", body = ProblemBody)))]
async fn passes(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<PassBody>>, Problem> {
    let open = {
        let mut conn = host.db.read().await?;
        known(&mut conn, id.as_str()).await?;
        store::lots::open_lots(&mut conn, id.as_str()).await?
    };
    let (mut paid, mut by_product) = (BTreeMap::new(), BTreeMap::<String, Vec<Lot>>::new());
    for lot in open {
        match AccountKey::parse(&lot.account) {
            Some(account) if account.name == AccountName::PassValue => {
                paid.insert(lot.id, lot.remaining);
            }
            Some(account) if account.name == AccountName::Pass => {
                let product = pass_product(&account.asset).to_owned();
                by_product.entry(product).or_default().push(lot);
            }
            _ => {}
        }
    }
    let mut bodies = Vec::with_capacity(by_product.len());
    for (product, lots) in by_product {
        let sold = host
            .snapshots
            .product(&host.db, &Mark::Id(product.clone()))
            .await?;
        let show = |lot: Lot| PassLotBody {
            value: paid.get(&value_lot(&lot.id)).copied().unwrap_or(0),
            order: lot.source,
            sold: lot.original,
            left: lot.remaining,
            expires_on: lot.expires_on.map(Date),
        };
        let sales: Vec<_> = lots.into_iter().map(show).collect();
        let sum =
            |part: fn(&PassLotBody) -> i64| sales.iter().map(part).fold(0_i64, i64::saturating_add);
        bodies.push(PassBody {
            name: sold
                .as_ref()
                .map_or_else(String::new, |sold| sold.name.clone()),
            currency: sold
                .as_ref()
                .map_or_else(String::new, |sold| sold.currency.clone()),
            uses: sum(|sale| sale.left),
            value: sum(|sale| sale.value),
            product,
            sales,
        });
    }
    Ok(Done::ok(bodies))
}
