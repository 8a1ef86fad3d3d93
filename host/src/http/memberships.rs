//! Paid memberships of a member: what he has, until when, and what he had.

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
use crate::cards::day_of;
use crate::checkout::memberships::{self, Paid};
use crate::domain::ledger::{AccountKey, AccountName, value_lot};
use crate::domain::time::Day;
use crate::host::Host;
use crate::snapshot::Mark;
use crate::store::members::Member;
use crate::store::products::Product;
use crate::store::{Conn, lots};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new().routes(routes!(memberships))
}

/// What a member is paid up for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipBody {
    /// The product that was sold as the plan, of the period that runs, or of the next where none does.
    product: String,
    name: String,
    /// First business day of that period.
    first_day: Date,
    /// Last business day of all that was paid in advance.
    until: Date,
    /// The tier it lifts him to; absent where his own stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
}

/// A period that was paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipPeriodBody {
    product: String,
    name: String,
    /// The order it was sold with.
    order: String,
    first_day: Date,
    /// Last business day.
    last_day: Date,
    /// `running`, `next`, or `ended`: over, paid back, upgraded or gone to another member.
    state: &'static str,
    /// What was paid and is no revenue yet, tax left out, minor units.
    value: i64,
    currency: String,
}

async fn product_of(host: &Host, paid: &Paid) -> Result<Option<Arc<Product>>, Problem> {
    let mark = Mark::Id(paid.product.clone());
    Ok(host.snapshots.product(&host.db, &mark).await?)
}

fn name_of(product: Option<&Arc<Product>>) -> String {
    product.map_or_else(String::new, |product| product.name.clone())
}

/// What a member is paid up for on the day of his home store.
pub async fn running(
    host: &Host,
    conn: &mut Conn,
    member: &Member,
) -> Result<Option<MembershipBody>, Problem> {
    let today = day_of(host, &member.home_store, host.clock.now());
    let paid = memberships::among(lots::open_lots(conn, &member.id).await?);
    let mut paid: Vec<Paid> = paid
        .into_iter()
        .filter(|paid| !paid.lot.has_expired(today))
        .collect();
    let until = paid.iter().filter_map(|paid| paid.lot.expires_on).max();
    if paid.is_empty() {
        return Ok(None);
    }
    let first = paid.remove(0);
    let product = product_of(host, &first).await?;
    let terms = product.as_deref().map(memberships::terms).transpose()?;
    let tier = terms.flatten().and_then(|terms| terms.tier);
    let tier =
        tier.filter(|tier| first.lot.is_good_on(today) && tier.lifts(member.tier.as_deref()));
    let (Some(first_day), Some(until)) = (first.lot.first_day, until) else {
        return Ok(None);
    };
    Ok(Some(MembershipBody {
        name: name_of(product.as_ref()),
        product: first.product,
        first_day: Date(first_day),
        until: Date(until),
        tier: tier.map(|tier| tier.tier),
    }))
}

/// List the memberships a member has and had, in the order they begin.
#[utoipa::path(get, path = "/v1/members/{id}/memberships", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = [MembershipPeriodBody]), (status = "default", body = ProblemBody)))]
async fn memberships(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<MembershipPeriodBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let member = known(&mut conn, id.as_str()).await?;
    let ever = lots::ever_passes(&mut conn, id.as_str()).await?;
    drop(conn);
    let today = day_of(&host, &member.home_store, host.clock.now());
    let mut values = BTreeMap::new();
    for lot in &ever {
        let account = AccountKey::parse(&lot.account);
        if account.is_some_and(|account| account.name == AccountName::PassValue) {
            values.insert(lot.id.clone(), lot.remaining);
        }
    }
    let mut bodies = Vec::new();
    for paid in memberships::among(ever) {
        let product = product_of(&host, &paid).await?;
        let Some(period) = paid.lot.period() else {
            continue;
        };
        let value = values.get(&value_lot(&paid.lot.id));
        bodies.push(MembershipPeriodBody {
            name: name_of(product.as_ref()),
            currency: product
                .as_ref()
                .map_or_else(String::new, |product| product.currency.clone()),
            state: state(&paid, today),
            order: paid.lot.source,
            first_day: Date(period.first),
            last_day: Date(period.last),
            value: value.copied().unwrap_or(0),
            product: paid.product,
        });
    }
    Ok(Done::ok(bodies))
}

fn state(paid: &Paid, today: Day) -> &'static str {
    if paid.lot.remaining == 0 || paid.lot.has_expired(today) {
        "ended"
    } else if paid.lot.is_good_on(today) {
        "running"
    } else {
        "next"
    }
}
