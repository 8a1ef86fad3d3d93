//! Coupon codes of a binding: made in batches, looked up one by one.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::error::{FieldError, Problem, ProblemBody};
use super::json::Keyed;
use super::paging::{Page, Paged};
use super::problems::{Code, Fault};
use super::types::{Date, Id, Text};
use crate::couponing::{self, Batch};
use crate::domain::ledger::{Coupon, Operation};
use crate::host::Host;
use crate::store;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
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
    let mut conn = host.db.read().await?;
    let code = code.as_str().to_uppercase();
    let found = store::coupons::by_codes(&mut conn, std::slice::from_ref(&code))
        .await?
        .pop();
    found
        .map(|coupon| Done::ok(show_coupon(coupon)))
        .ok_or_else(|| Problem::unknown(Code::CouponUnknown, &code))
}
