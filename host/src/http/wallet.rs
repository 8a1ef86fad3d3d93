//! What a member holds (accounts with their lots, entries, coupons) and value moved outside a sale.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{At, Done};
use super::auth::Caller;
use super::coupons::{CouponBody, show_coupon};
use super::error::{Problem, ProblemBody};
use super::json::Keyed;
use super::members::known;
use super::paging::{NoFilter, Page, Paged};
use super::types::{Date, Id, Time};
use crate::domain::ledger::{Entry, Lot, Receipt};
use crate::host::Host;
use crate::store::{self, Conn};
use crate::wallet::{self, Adjustment, Reversal, TopUp, Transfer, Withdrawal};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Arc<Host>> {
    OpenApiRouter::new()
        .routes(routes!(accounts))
        .routes(routes!(entries))
        .routes(routes!(coupons))
        .routes(routes!(top_up))
        .routes(routes!(adjust))
        .routes(routes!(withdraw))
        .routes(routes!(transfer))
        .routes(routes!(reverse))
}

/// One account with what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBody {
    id: String,
    /// `points`, `points-pending`, `points-debt`, `points-held`, `principal`, `bonus`, `bonus-pending`, `bonus-debt`, …
    name: &'static str,
    /// A currency code, or `points:` and a program.
    asset: String,
    /// Minor units, or points at the program's scale.
    balance: i64,
    version: i64,
    /// Nearest expiry first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotBody>,
}

/// Points or bonus with an expiry of their own.
#[derive(Debug, Serialize, ToSchema)]
pub struct LotBody {
    id: String,
    original: i64,
    remaining: i64,
    /// Last business day it can be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    /// First business day it can be spent, while pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_on: Option<Date>,
    /// What it was given for, such as an order id.
    source: String,
}

impl From<Lot> for LotBody {
    fn from(lot: Lot) -> Self {
        Self {
            id: lot.id,
            original: lot.original,
            remaining: lot.remaining,
            expires_on: lot.expires_on.map(Date),
            available_on: lot.available_on.map(Date),
            source: lot.source,
        }
    }
}

/// List a member's accounts with their open lots.
#[utoipa::path(get, path = "/v1/members/{id}/accounts", tag = "members", params(("id" = Id, Path)),
    responses((status = 200, body = [AccountBody]), (status = "default", body = ProblemBody)))]
async fn accounts(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
) -> Result<Done<Vec<AccountBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    Ok(Done::ok(accounts_of(&mut conn, id.as_str()).await?))
}

/// The accounts of a member, each with its open lots.
pub async fn accounts_of(conn: &mut Conn, member: &str) -> Result<Vec<AccountBody>, Problem> {
    let balances = store::accounts::balances(conn, member).await?;
    let mut lots = store::lots::open_lots(conn, member).await?;
    let mut accounts = Vec::with_capacity(balances.len());
    for balance in balances {
        let account = balance.account.id();
        let (own, rest): (Vec<_>, Vec<_>) =
            lots.into_iter().partition(|lot| lot.account == account);
        lots = rest;
        accounts.push(AccountBody {
            name: balance.account.name.as_str(),
            asset: balance.account.asset,
            balance: balance.balance,
            version: balance.version,
            lots: own.into_iter().map(LotBody::from).collect(),
            id: account,
        });
    }
    Ok(accounts)
}

/// One balanced record, as far as it moved this member's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryBody {
    id: String,
    /// `sale`, `refund`, `top-up`, `hold`, …
    kind: String,
    /// What it is about: `order` and its id, for example.
    subject: SubjectBody,
    at: Time,
    business_date: Date,
    postings: Vec<PostingBody>,
}

/// What something is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectBody {
    pub kind: String,
    pub id: String,
}

/// One leg of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingBody {
    account: String,
    asset: String,
    amount: i64,
    balance_after: i64,
}

pub fn show_entry(entry: Entry, member: &str) -> EntryBody {
    let prefix = format!("{member}/");
    let own = entry
        .postings
        .into_iter()
        .filter(|posting| posting.account.starts_with(&prefix));
    let show = |posting: crate::domain::ledger::Posting| PostingBody {
        account: posting.account,
        asset: posting.asset,
        amount: posting.amount,
        balance_after: posting.balance_after,
    };
    EntryBody {
        id: entry.id,
        kind: entry.kind,
        subject: SubjectBody {
            kind: entry.subject.kind,
            id: entry.subject.id,
        },
        at: Time(entry.at),
        business_date: Date(entry.business_date),
        postings: own.map(show).collect(),
    }
}

/// List the entries that moved a member's accounts, the newest first.
#[utoipa::path(get, path = "/v1/members/{id}/entries", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<EntryBody>), (status = "default", body = ProblemBody)))]
async fn entries(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<EntryBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let before = (!paged.after().is_empty()).then(|| paged.after().to_owned());
    let rows =
        store::entries::of_member(&mut conn, id.as_str(), before.as_deref(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |entry| vec![entry.id.clone()],
        |entry| show_entry(entry, id.as_str()),
    )?))
}

/// List the coupons a member holds.
#[utoipa::path(get, path = "/v1/members/{id}/coupons", tag = "members",
    params(("id" = Id, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<CouponBody>), (status = "default", body = ProblemBody)))]
async fn coupons(
    State(host): State<Arc<Host>>,
    At(id): At<Id>,
    paged: Paged<NoFilter>,
) -> Result<Done<Page<CouponBody>>, Problem> {
    let mut conn = host.db.read().await?;
    known(&mut conn, id.as_str()).await?;
    let rows =
        store::coupons::of_member(&mut conn, id.as_str(), paged.after(), paged.rows()).await?;
    Ok(Done::ok(paged.page(
        rows,
        |coupon| vec![coupon.code.clone()],
        show_coupon,
    )?))
}

/// What moved in a member's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementView {
    pub id: String,
    /// The journal entry; absent where no balance moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    pub postings: Vec<PostingView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PostingView {
    /// Name of the member's account, such as `points`.
    pub account: String,
    pub asset: String,
    pub amount: i64,
    pub balance_after: i64,
}

/// Pay money into a member's stored value.
#[utoipa::path(post, path = "/v1/members/{id}/top-ups", tag = "members", request_body = TopUp,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn top_up(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<TopUp>,
) -> Result<Done<MovementView>, Problem> {
    let intent = keyed.intent();
    let receipt = wallet::top_up(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Give or take points by hand.
#[utoipa::path(post, path = "/v1/members/{id}/adjustments", tag = "members", request_body = Adjustment,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn adjust(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Adjustment>,
) -> Result<Done<MovementView>, Problem> {
    let intent = keyed.intent();
    let receipt = wallet::adjust(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Pay stored value out again.
#[utoipa::path(post, path = "/v1/members/{id}/withdrawals", tag = "members", request_body = Withdrawal,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn withdraw(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Withdrawal>,
) -> Result<Done<MovementView>, Problem> {
    let intent = keyed.intent();
    let receipt = wallet::withdraw(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Give stored value or points to another member.
#[utoipa::path(post, path = "/v1/members/{id}/transfers", tag = "members", request_body = Transfer,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn transfer(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At(id): At<Id>,
    keyed: Keyed<Transfer>,
) -> Result<Done<MovementView>, Problem> {
    let intent = keyed.intent();
    let receipt = wallet::transfer(&host, &caller, id.as_str(), keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Put back what a top-up, withdrawal, transfer or adjustment moved: once and whole.
#[utoipa::path(post, path = "/v1/members/{id}/entries/{entry}/reversal", tag = "members", request_body = Reversal,
    params(("id" = String, Path), ("entry" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = MovementView), (status = "default", body = ProblemBody)))]
pub async fn reverse(
    State(host): State<Arc<Host>>,
    caller: Caller,
    At((id, entry)): At<(Id, Id)>,
    keyed: Keyed<Reversal>,
) -> Result<Done<MovementView>, Problem> {
    let intent = keyed.intent();
    let which = (id.as_str(), entry.as_str());
    let receipt = wallet::reverse(&host, &caller, which, keyed.body, intent).await?;
    Ok(moved(id.as_str(), receipt))
}

/// Shows the member's own postings; the chain's side of the entry is not the till's business.
fn moved(member: &str, receipt: Receipt) -> Done<MovementView> {
    let own = |account: &str| {
        account
            .strip_prefix(member)
            .and_then(|rest| rest.strip_prefix('/'))
            .map(str::to_owned)
    };
    let postings = receipt.postings.into_iter().filter_map(|posting| {
        let account = own(&posting.account)?;
        let name = account
            .split_once('/')
            .map_or(account.as_str(), |(name, _)| name)
            .to_owned();
        Some(PostingView {
            account: name,
            asset: posting.asset,
            amount: posting.amount,
            balance_after: posting.balance_after,
        })
    });
    let view = MovementView {
        id: receipt.subject.id,
        entry: receipt.entry_id,
        postings: postings.collect(),
    };
    Done::created(format!("/v1/members/{member}/entries"), view).replayed(receipt.replayed)
}
