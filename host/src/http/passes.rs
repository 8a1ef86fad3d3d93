//! Passes a member has: what is left to use, and what was paid for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{Problem, ProblemBody};
use super::members::known;
use super::paging::Filter;
use super::types::{Date, Id};
use crate::domain::ledger::{AccountKey, AccountName, Lot, value_lot};
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
    /// Uses left of all of them, without those of a period, which are as many as he likes. What ran out a moment ago may
    /// still be among them.
    uses: i64,
    /// Last business day of the last period; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unlimited_until: Option<Date>,
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
    /// Uses it was sold with; absent for a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    sold: Option<i64>,
    /// Uses that are left; absent for a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<i64>,
    value: i64,
    /// First business day of a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_day: Option<Date>,
    /// Last business day it can be used; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    /// Present where nothing is left of it: used up, run out, paid back or gone to another membership.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
}

#[derive(Debug, Deserialize)]
struct Which {
    #[serde(default)]
    history: bool,
}

/// List the passes a member can use; with `history`, those of which nothing is left too.
#[utoipa::path(get, path = "/v1/members/{id}/passes", tag = "members",
    params(("id" = Id, Path), ("history" = Option<bool>, Query)),
    responses((status = 200, body = [PassBody]), (status = "default", body = ProblemBody)))]
async fn passes(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    Filter(which): Filter<Which>,
) -> Result<Done<Vec<PassBody>>, Problem> {
    let lots = {
        let mut conn = host.db.read().await?;
        known(&mut conn, id.as_str()).await?;
        match which.history {
            true => store::lots::ever_passes(&mut conn, id.as_str()).await?,
            false => store::lots::open_lots(&mut conn, id.as_str()).await?,
        }
    };
    let (mut paid, mut by_product) = (BTreeMap::new(), BTreeMap::<String, Vec<Lot>>::new());
    for lot in lots {
        let Some(account) = AccountKey::parse(&lot.account) else {
            continue;
        };
        if account.name == AccountName::PassValue {
            paid.insert(lot.id, lot.remaining);
        } else if let Some(product) = account.pass() {
            by_product.entry(product.to_owned()).or_default().push(lot);
        }
    }
    let mut bodies = Vec::with_capacity(by_product.len());
    for (product, lots) in by_product {
        let sold = host
            .snapshots
            .product(&host.db, &Mark::Id(product.clone()))
            .await?;
        let open = lots.iter().filter(|lot| lot.remaining > 0);
        let (periods, counted): (Vec<&Lot>, Vec<&Lot>) =
            open.partition(|lot| lot.first_day.is_some());
        let uses = counted.iter().map(|lot| lot.remaining);
        let uses = uses.fold(0_i64, i64::saturating_add);
        let until = periods.iter().filter_map(|lot| lot.expires_on).max();
        let sales: Vec<_> = lots.into_iter().map(|lot| show(lot, &paid)).collect();
        let value = sales.iter().map(|sale| sale.value);
        bodies.push(PassBody {
            name: sold
                .as_ref()
                .map_or_else(String::new, |sold| sold.name.clone()),
            currency: sold
                .as_ref()
                .map_or_else(String::new, |sold| sold.currency.clone()),
            uses,
            unlimited_until: until.map(Date),
            value: value.fold(0_i64, i64::saturating_add),
            product,
            sales,
        });
    }
    Ok(Done::ok(bodies))
}

fn show(lot: Lot, paid: &BTreeMap<String, i64>) -> PassLotBody {
    let is_counted = lot.first_day.is_none();
    PassLotBody {
        value: paid.get(&value_lot(&lot.id)).copied().unwrap_or(0),
        order: lot.source,
        sold: is_counted.then_some(lot.original),
        left: is_counted.then_some(lot.remaining),
        first_day: lot.first_day.map(Date),
        expires_on: lot.expires_on.map(Date),
        ended: lot.remaining == 0,
    }
}
