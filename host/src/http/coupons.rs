//! Coupon codes of a binding: made in batches, looked up one by one.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Keyed;
use super::paging::{NoFilter, Page, Paged};
use super::problems::{Code, Fault};
use super::types::{Date, Id, Text, Time};
use super::wallet::SubjectBody;
use crate::couponing::{self, Batch};
use crate::domain::ledger::{Coupon, Operation};
use crate::host::Host;
use crate::store;
use crate::store::coupons::CouponState;
use crate::wallet::{self, CouponTransfer, Revocation};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(history))
        .routes(routes!(void))
        .routes(routes!(transfer))
}

/// A coupon code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponBody {
    code: String,
    binding: String,
    /// Only this member may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    uses: i64,
    /// Left out: any number of uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_limit: Option<i64>,
    void: bool,
    /// Whether its holder may give it to another member.
    transferable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_on: Option<Date>,
    /// Last business day it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
}

/// A coupon as shown.
pub fn show_coupon(coupon: Coupon) -> CouponBody {
    CouponBody {
        code: coupon.code,
        binding: coupon.campaign,
        holder: coupon.holder,
        uses: coupon.uses,
        use_limit: coupon.use_limit,
        void: coupon.void,
        transferable: coupon.transferable,
        starts_on: coupon.starts_on.map(Date),
        expires_on: coupon.expires_on.map(Date),
    }
}

/// Coupons to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponRequest {
    /// The binding that accepts them.
    binding: Id,
    /// How many codes the host makes; 1 when neither this nor `codes` is given.
    #[serde(default)]
    count: Option<u32>,
    /// Codes of your own, such as `WELCOME10`.
    #[serde(default)]
    codes: Vec<Text<64>>,
    /// Only this member may use them.
    #[serde(default)]
    holder: Option<Id>,
    /// Uses of each code; 1 when left out, 0 for any number.
    #[serde(default)]
    use_limit: Option<i64>,
    #[serde(default)]
    starts_on: Option<Date>,
    #[serde(default)]
    expires_on: Option<Date>,
    /// Whether the holder may give them to another member.
    #[serde(default)]
    transferable: bool,
}

/// The codes that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponsMade {
    codes: Vec<String>,
}

fn out_of_range(pointer: &str, min: i64, max: i64) -> Problem {
    let arguments = vec![("min", min.to_string()), ("max", max.to_string())];
    Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::OutOfRange,
        arguments,
    }])
}

/// Make coupon codes.
#[utoipa::path(post, path = "/v1/coupons", tag = "coupons", request_body = CouponRequest,
    params(("Idempotency-Key" = String, Header, description = "One per intent; the same on every retry")),
    responses((status = 200, body = CouponsMade), (status = "default", body = ProblemBody)))]
async fn create(
    State(host): State<Arc<Host>>,
    keyed: Keyed<CouponRequest>,
) -> Result<Done<CouponsMade>, Problem> {
    let request = keyed.body;
    let most = i64::from(couponing::MOST_CODES);
    if request.codes.len() as i64 > most
        || request.count.is_some_and(|count| i64::from(count) > most)
    {
        return Err(out_of_range("/count", 1, most));
    }
    let use_limit = request.use_limit.unwrap_or(1);
    if !(0..=1_000_000_000).contains(&use_limit) {
        return Err(out_of_range("/use_limit", 0, 1_000_000_000));
    }
    if matches!((request.starts_on, request.expires_on), (Some(from), Some(to)) if to < from) {
        return Err(Problem::field("/expires_on", Fault::NotADate));
    }
    let count = if request.codes.is_empty() {
        request.count.unwrap_or(1)
    } else {
        request.count.unwrap_or(0)
    };
    let batch = Batch {
        binding: request.binding.into_string(),
        own: request
            .codes
            .into_iter()
            .map(|code| code.into_string().to_uppercase())
            .collect(),
        count,
        holder: request.holder.map(Id::into_string),
        use_limit: (use_limit > 0).then_some(use_limit),
        starts_on: request.starts_on.map(|date| date.0),
        expires_on: request.expires_on.map(|date| date.0),
        transferable: request.transferable,
    };
    let operation = Operation {
        key: keyed.key.into_string(),
        hash: keyed.hash,
    };
    let made = couponing::issue(&host, operation, batch).await?;
    Ok(Done::ok(CouponsMade { codes: made.codes }).replayed(made.replayed))
}

#[derive(Debug, Serialize, Deserialize)]
struct ByBinding {
    binding: String,
}

/// List the coupons of a binding.
#[utoipa::path(get, path = "/v1/coupons", tag = "coupons",
    params(("binding" = String, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CouponBody>), (status = "default", body = ProblemBody)))]
async fn list(
    State(host): State<Arc<Host>>,
    paged: Paged<ByBinding>,
) -> Result<Done<Page<CouponBody>>, Problem> {
    let mut conn = host.db.read().await?;
    let rows = store::coupons::of_campaign(
        &mut conn,
        &paged.filter.binding,
        paged.after(),
        paged.rows(),
    )
    .await?;
    Ok(Done::ok(paged.page(
        rows,
        |coupon| vec![coupon.code.clone()],
        show_coupon,
    )?))
}

/// Look a coupon up.
#[utoipa::path(get, path = "/v1/coupons/{code}", tag = "coupons", params(("code" = String, Path)),
    responses((status = 200, body = CouponBody), (status = "default", body = ProblemBody)))]
async fn one(
    State(host): State<Arc<Host>>,
    At(code): At<Text<64>>,
) -> Result<Done<CouponBody>, Problem> {
    Ok(Done::ok(coupon_of(&host, &written(&code)).await?))
}

/// A code as it is kept.
fn written(code: &Text<64>) -> String {
    code.as_str().to_uppercase()
}

async fn coupon_of(host: &Host, code: &str) -> Result<CouponBody, Problem> {
    let mut conn = host.db.read().await?;
    let found = store::coupons::by_codes(&mut conn, &[code.to_owned()]).await?;
    let coupon = found.into_iter().next().map(show_coupon);
    coupon.ok_or_else(|| Problem::unknown(Code::CouponUnknown, code))
}

/// Something that happened to a coupon. That it expired is told by `expires_on` of the coupon itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponStateBody {
    /// `issued`, `transferred`, `used`, `given-back` or `void`.
    state: String,
    /// Who held it from then on, or used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// What it came with: `order` and its id, for example.
    subject: SubjectBody,
    /// Why, where somebody said so.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    at: Time,
}

fn show_state(state: CouponState) -> CouponStateBody {
    CouponStateBody {
        state: state.state,
        member: state.member,
        subject: SubjectBody {
            kind: state.subject_kind,
            id: state.subject_id,
        },
        reason: state.reason,
        at: Time::micros(state.at),
    }
}

/// List what happened to a coupon, oldest first.
#[utoipa::path(get, path = "/v1/coupons/{code}/history", tag = "coupons",
    params(("code" = String, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CouponStateBody>), (status = "default", body = ProblemBody)))]
async fn history(
    State(host): State<Arc<Host>>,
    At(code): At<Text<64>>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<CouponStateBody>>, Problem> {
    let code = written(&code);
    coupon_of(&host, &code).await?;
    let mut conn = host.db.read().await?;
    let rows = store::coupons::states(&mut conn, &code, paged.after(), paged.rows()).await?;
    let page = paged.page(rows, |state| vec![state.id.clone()], show_state)?;
    Ok(Done::ok(page))
}

/// Void a coupon that could still be used.
#[utoipa::path(post, path = "/v1/coupons/{code}/void", tag = "coupons", request_body = Revocation,
    params(("code" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CouponBody), (status = "default", body = ProblemBody)))]
async fn void(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(code): At<Text<64>>,
    keyed: Keyed<Revocation>,
) -> Result<Done<CouponBody>, Problem> {
    let (intent, code) = (keyed.intent(), written(&code));
    let receipt = wallet::revoke(&host, &caller, &code, keyed.body, intent).await?;
    Ok(Done::ok(coupon_of(&host, &code).await?).replayed(receipt.replayed))
}

/// Give a coupon that may be given away to another member.
#[utoipa::path(post, path = "/v1/coupons/{code}/transfer", tag = "coupons", request_body = CouponTransfer,
    params(("code" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CouponBody), (status = "default", body = ProblemBody)))]
async fn transfer(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(code): At<Text<64>>,
    keyed: Keyed<CouponTransfer>,
) -> Result<Done<CouponBody>, Problem> {
    let (intent, code) = (keyed.intent(), written(&code));
    let receipt = wallet::transfer_coupon(&host, &caller, &code, keyed.body, intent).await?;
    Ok(Done::ok(coupon_of(&host, &code).await?).replayed(receipt.replayed))
}
