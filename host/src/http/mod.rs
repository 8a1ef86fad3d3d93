//! The host's one door: routes, refusals, keys, and one file per resource.
//!
//! A handler reads as a story: who asks, what they send, the use case, the answer.
//!
//! ```ignore
//! /// Commit a quote.
//! #[utoipa::path(post, path = "/v1/quotes/{id}/commit", tag = "quotes",
//!     params(("id" = String, Path), IdempotencyHeader),
//!     request_body = CommitRequest,
//!     responses((status = 200, body = OrderBody), (status = "default", body = ProblemBody)))]
//! async fn commit(
//!     State(host): State<Arc<Host>>,          // what use cases share
//!     caller: Caller,                         // who asks; the route's permission is checked already
//!     language: Language,                     // for reasons rendered in the caller's words
//!     At(id): At<Id>,                         // the path, checked
//!     keyed: Keyed<CommitRequest>,            // Idempotency-Key, hash of the request, checked body
//! ) -> Result<Done<OrderBody>, Problem> {
//!     caller.require_store(&keyed.body.store)?;
//!     let committed = checkout::commit(&host, …).await?;      // its error: `impl From<… > for Problem`
//!     Ok(Done::ok(order_body(committed.order, language)).replayed(committed.replayed))
//! }
//! ```
//!
//! A new route needs three lines elsewhere: its row in [`auth::NEEDS`], its `routes!` in [`router`], and a
//! row per new refusal in [`problems`]. Reads take [`paging::Paged`] or [`paging::Filter`], bodies
//! [`json::Json`] or [`json::Keyed`].

pub mod answer;
mod approvals;
pub mod attributes;
pub mod auth;
mod baskets;
pub mod bindings;
mod cards;
mod claims;
mod code_view;
mod commissions;
mod configuration;
mod contacts;
mod coupons;
pub mod error;
mod events;
mod exchanges;
mod faults;
mod freezing;
mod health;
pub mod json;
mod member_codes;
mod members;
mod memberships;
mod merges;
mod occasions;
mod operations;
mod order_search;
pub mod orders;
pub mod paging;
mod passes;
mod persons;
pub mod plugins;
mod prize_draws;
pub mod problems;
mod products;
mod profile;
mod programs;
pub mod quotes;
mod referrals;
mod refusals;
mod rewards;
mod roles;
mod router;
pub mod sale_view;
mod settlements;
mod shifts;
mod staff;
mod stores;
mod terminals;
#[cfg(test)]
mod tests;
mod tier_view;
mod tiers;
mod top_up_plans;
pub mod types;
mod wallet;
mod wallet_shares;

pub use router::{openapi, router};

/// Bytes a JSON body may have at most unless the configuration says otherwise.
pub const BODY_BYTES: usize = 1 << 20;
