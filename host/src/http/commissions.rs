//! What a person earned in a period.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{Problem, ProblemBody};
use super::paging::{Filter, Page, Paged};
use super::problems::Code;
use super::types::{Date, Id, Time};
use crate::access::Permission;
use crate::clock::day_of;
use crate::commission::OWED_TO;
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::store;
use crate::store::commissions::{Earned, EarnedSum};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(statement))
        .routes(routes!(entries))
}

/// First and last business day.
#[derive(Debug, Serialize, Deserialize)]
struct Period {
    from: NaiveDate,
    to: NaiveDate,
}

impl Period {
    fn days(&self) -> (Day, Day) {
        (day_of(self.from), day_of(self.to))
    }
}

/// What a person earned in a period, by the days of the entries: a refund counts on its own day.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementBody {
    staff: String,
    from: Date,
    to: Date,
    sums: Vec<EarnedSumBody>,
}

/// What entries of one kind came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct EarnedSumBody {
    currency: String,
    /// `sale`, `refund`, `top-up`, `reversal`, or `commission` for new members.
    kind: String,
    entries: i64,
    /// Minor units; negative where it was taken back.
    amount: i64,
}

impl From<EarnedSum> for EarnedSumBody {
    fn from(sum: EarnedSum) -> Self {
        Self {
            currency: sum.currency,
            kind: sum.kind,
            entries: sum.entries,
            amount: sum.amount,
        }
    }
}

/// One entry that moved a person's commission.
#[derive(Debug, Serialize, ToSchema)]
pub struct EarnedBody {
    entry: String,
    /// `sale`, `refund`, `top-up`, `reversal`, or `commission` for a new member.
    kind: String,
    /// The order, refund, movement or member.
    subject: String,
    business_date: Date,
    at: Time,
    currency: String,
    /// Minor units; negative where it was taken back.
    amount: i64,
}

impl From<Earned> for EarnedBody {
    fn from(row: Earned) -> Self {
        Self {
            entry: row.id,
            kind: row.kind,
            subject: row.subject_id,
            business_date: Date::stored(row.business_date),
            at: Time(Instant(row.at)),
            currency: row.currency,
            amount: row.amount,
        }
    }
}

/// The account of a person the caller may look at: himself, or staff of his store with the permission.
async fn account(host: &Host, caller: &Caller, id: &str) -> Result<String, Problem> {
    let staff = store::staff::staff(&mut host.db.read().await?, id).await?;
    let staff = staff.ok_or_else(|| Problem::unknown(Code::StaffUnknown, id))?;
    let is_own = caller.staff.as_ref().is_some_and(|own| own.id == staff.id);
    if !is_own {
        caller.require(Permission::ReadStaff)?;
        if let Some(store) = &staff.store {
            caller.require_store(store)?;
        }
    }
    Ok(format!("{OWED_TO}{}", staff.id))
}

/// Sum what a person earned on the business days of a period; one's own needs no permission.
#[utoipa::path(get, path = "/v1/staff/{id}/commission", tag = "staff",
    params(("id" = Id, Path), ("from" = String, Query), ("to" = String, Query)),
    responses((status = 200, body = StatementBody), (status = "default", body = ProblemBody)))]
async fn statement(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    Filter(period): Filter<Period>,
) -> Result<Done<StatementBody>, Problem> {
    let account = account(&host, &caller, id.as_str()).await?;
    let (from, to) = period.days();
    let mut conn = host.db.read().await?;
    let sums = store::commissions::sums(&mut conn, &account, (from, to)).await?;
    Ok(Done::ok(StatementBody {
        staff: id.into_string(),
        from: Date(from),
        to: Date(to),
        sums: sums.into_iter().map(EarnedSumBody::from).collect(),
    }))
}

/// List what a person earned on the business days of a period, the newest first.
#[utoipa::path(get, path = "/v1/staff/{id}/commission/entries", tag = "staff",
    params(("id" = Id, Path), ("from" = String, Query), ("to" = String, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<EarnedBody>), (status = "default", body = ProblemBody)))]
async fn entries(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    paged: Paged<Period>,
) -> Result<Done<Page<EarnedBody>>, Problem> {
    let account = account(&host, &caller, id.as_str()).await?;
    let before = (!paged.after().is_empty()).then(|| paged.after());
    let (days, rows) = (paged.filter.days(), paged.rows());
    let mut conn = host.db.read().await?;
    let rows = store::commissions::entries(&mut conn, &account, days, before, rows).await?;
    Ok(Done::ok(paged.page(
        rows,
        |row| vec![row.id.clone()],
        EarnedBody::from,
    )?))
}
