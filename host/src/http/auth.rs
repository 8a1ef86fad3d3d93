//! Who may ask for what: one table of routes, and the layer that keeps it.
//!
//! A route below `/v1` that is not in [`NEEDS`] is refused to everybody, so forgetting a line locks a
//! door instead of leaving it open. Handlers take [`Caller`] to learn who asks and check what depends
//! on the request itself: `caller.require_store(&store)?`, `caller.require(Permission::PriceAtTill)?`.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Problem;
use super::problems::Code;
use crate::access::{self, AccessError, Permission, Principal};
use crate::duty;
use crate::host::Host;
use crate::roles::Power;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// No key at all; pairing is how a terminal gets its first one.
    Nothing,
    /// A key or staff member with this permission.
    May(Permission),
    /// The same, or the approval of somebody who holds it: the handler asks for that.
    Ask(Permission),
    /// Any key, and the PIN of whom it is about: also one that has to be changed.
    OwnPin,
}

use Need::{Ask, May, Nothing, OwnPin};
use Permission as P;

/// Every route of `/v1` and what it needs.
pub const NEEDS: &[(Method, &str, Need)] = &[
    (Method::GET, "/v1/chain", May(P::ReadStores)),
    (Method::PUT, "/v1/chain", May(P::ManageStores)),
    (Method::GET, "/v1/regions", May(P::ReadStores)),
    (Method::PUT, "/v1/regions/{id}", May(P::ManageStores)),
    (Method::GET, "/v1/stores", May(P::ReadStores)),
    (Method::GET, "/v1/stores/{id}", May(P::ReadStores)),
    (Method::PUT, "/v1/stores/{id}", May(P::ManageStores)),
    (Method::GET, "/v1/stores/{id}/orders", May(P::Sell)),
    (Method::GET, "/v1/terminals", May(P::ReadStores)),
    (Method::GET, "/v1/terminals/{id}", May(P::ReadStores)),
    (Method::POST, "/v1/terminals", May(P::PairTerminals)),
    (Method::DELETE, "/v1/terminals/{id}", May(P::PairTerminals)),
    (Method::POST, "/v1/pairing-codes", May(P::PairTerminals)),
    (Method::POST, "/v1/terminals/pair", Nothing),
    (Method::GET, "/v1/keys", May(P::ManageKeys)),
    (Method::POST, "/v1/keys", May(P::ManageKeys)),
    (Method::DELETE, "/v1/keys/{id}", May(P::ManageKeys)),
    (Method::GET, "/v1/staff", May(P::ReadStaff)),
    (Method::GET, "/v1/staff/{id}", May(P::ReadStaff)),
    (Method::POST, "/v1/staff", May(P::ManageStaff)),
    (Method::PUT, "/v1/staff/{id}", May(P::ManageStaff)),
    (Method::PUT, "/v1/staff/{id}/pin", May(P::ManageStaff)),
    (Method::GET, "/v1/roles", May(P::ReadStaff)),
    (Method::GET, "/v1/roles/{id}", May(P::ReadStaff)),
    (Method::PUT, "/v1/roles/{id}", May(P::ManageRoles)),
    // Of others these need `read-staff` beside.
    (Method::GET, "/v1/staff/{id}/commission", May(P::Sell)),
    (
        Method::GET,
        "/v1/staff/{id}/commission/entries",
        May(P::Sell),
    ),
    (Method::GET, "/v1/products", May(P::ReadGoods)),
    (Method::GET, "/v1/products/{id}", May(P::ReadGoods)),
    (Method::POST, "/v1/products", May(P::ManageGoods)),
    (Method::PUT, "/v1/products/{id}", May(P::ManageGoods)),
    (Method::GET, "/v1/members", May(P::ReadMembers)),
    (Method::POST, "/v1/members", May(P::Enrol)),
    (Method::GET, "/v1/members/{id}", May(P::ReadMembers)),
    (Method::PUT, "/v1/members/{id}", May(P::ManageMembers)),
    (
        Method::DELETE,
        "/v1/members/{id}/person",
        May(P::ManageMembers),
    ),
    (
        Method::GET,
        "/v1/members/{id}/changes",
        May(P::UnmaskPersons),
    ),
    (
        Method::GET,
        "/v1/members/{id}/export",
        May(P::UnmaskPersons),
    ),
    (
        Method::POST,
        "/v1/members/{id}/merge",
        May(P::ManageMembers),
    ),
    (
        Method::POST,
        "/v1/members/{id}/merge/undo",
        May(P::ManageMembers),
    ),
    (Method::GET, "/v1/members/{id}/orders", May(P::ReadMembers)),
    (Method::POST, "/v1/members/{id}/codes", May(P::ReadMembers)),
    (
        Method::GET,
        "/v1/members/{id}/wallet-shares",
        May(P::ReadMembers),
    ),
    (
        Method::PUT,
        "/v1/members/{id}/wallet-shares/{member}",
        May(P::ManageMembers),
    ),
    (
        Method::DELETE,
        "/v1/members/{id}/wallet-shares/{member}",
        May(P::ManageMembers),
    ),
    (
        Method::POST,
        "/v1/members/{id}/contact-changes",
        May(P::Enrol),
    ),
    (
        Method::POST,
        "/v1/members/{id}/contact-changes/{change}/confirmation",
        May(P::Enrol),
    ),
    (
        Method::POST,
        "/v1/contact-changes/{id}/message",
        May(P::SendMessages),
    ),
    (Method::GET, "/v1/members/{id}/tier", May(P::ReadMembers)),
    (Method::POST, "/v1/members/{id}/tier", May(P::SetTiers)),
    (
        Method::POST,
        "/v1/members/{id}/tier/withdrawal",
        May(P::SetTiers),
    ),
    (
        Method::GET,
        "/v1/members/{id}/tier/history",
        May(P::ReadMembers),
    ),
    (Method::GET, "/v1/card-types", May(P::ReadMembers)),
    (Method::PUT, "/v1/card-types/{id}", May(P::ManageMembers)),
    (Method::POST, "/v1/cards/batches", May(P::ManageMembers)),
    (Method::GET, "/v1/cards/batches/{id}", May(P::ManageMembers)),
    (Method::POST, "/v1/cards/{number}/activation", May(P::Enrol)),
    // Needs `reverse-movement` or an approval beside.
    (
        Method::POST,
        "/v1/cards/{number}/activation/reversal",
        May(P::Sell),
    ),
    (
        Method::POST,
        "/v1/cards/{number}/replacement",
        May(P::Enrol),
    ),
    (Method::PUT, "/v1/cards/{number}/pin", May(P::Enrol)),
    (Method::PUT, "/v1/cards/{number}/mark", May(P::Enrol)),
    (Method::POST, "/v1/cards/identify", May(P::ReadMembers)),
    (Method::GET, "/v1/members/{id}/cards", May(P::ReadMembers)),
    (Method::POST, "/v1/members/{id}/cards", May(P::Enrol)),
    (
        Method::PUT,
        "/v1/members/{id}/cards/{number}",
        May(P::Enrol),
    ),
    (
        Method::GET,
        "/v1/members/{id}/accounts",
        May(P::ReadMembers),
    ),
    (Method::GET, "/v1/members/{id}/entries", May(P::ReadMembers)),
    (
        Method::GET,
        "/v1/members/{id}/memberships",
        May(P::ReadMembers),
    ),
    (Method::GET, "/v1/members/{id}/passes", May(P::ReadMembers)),
    (Method::GET, "/v1/members/{id}/coupons", May(P::ReadMembers)),
    (
        Method::GET,
        "/v1/members/{id}/occasions",
        May(P::ReadMembers),
    ),
    // What is asked for by hand needs `adjust-points` beside.
    (Method::POST, "/v1/members/{id}/occasions", May(P::Sell)),
    (
        Method::GET,
        "/v1/members/{id}/referrals",
        May(P::ReadMembers),
    ),
    (Method::GET, "/v1/coupons", May(P::IssueCoupons)),
    (Method::POST, "/v1/coupons", May(P::IssueCoupons)),
    (Method::GET, "/v1/coupons/{code}", May(P::ReadCoupons)),
    (
        Method::GET,
        "/v1/coupons/{code}/history",
        May(P::ReadCoupons),
    ),
    (
        Method::POST,
        "/v1/coupons/{code}/void",
        May(P::IssueCoupons),
    ),
    (Method::POST, "/v1/coupons/{code}/transfer", May(P::Sell)),
    (Method::GET, "/v1/programs", May(P::ReadStores)),
    (Method::GET, "/v1/programs/{id}", May(P::ReadStores)),
    (Method::PUT, "/v1/programs/{id}", May(P::ManageRules)),
    (Method::GET, "/v1/plugins", May(P::ReadRules)),
    (Method::GET, "/v1/plugins/{digest}", May(P::ReadRules)),
    (Method::POST, "/v1/plugins", May(P::InstallPlugins)),
    (Method::GET, "/v1/bindings", May(P::ReadRules)),
    (Method::GET, "/v1/bindings/{id}", May(P::ReadRules)),
    (Method::POST, "/v1/bindings", May(P::ManageRules)),
    (Method::DELETE, "/v1/bindings/{id}", May(P::ManageRules)),
    (Method::GET, "/v1/configuration", May(P::ReadRules)),
    (Method::POST, "/v1/configuration", May(P::ManageRules)),
    (Method::POST, "/v1/configuration/plan", May(P::ManageRules)),
    (
        Method::GET,
        "/v1/configuration/revisions",
        May(P::ReadRules),
    ),
    (
        Method::GET,
        "/v1/configuration/revisions/{number}",
        May(P::ReadRules),
    ),
    (Method::GET, "/v1/status", May(P::ReadRules)),
    (Method::POST, "/v1/quotes", May(P::Sell)),
    (Method::GET, "/v1/quotes/{id}", May(P::Sell)),
    (Method::POST, "/v1/quotes/{id}/hold", May(P::Sell)),
    (Method::DELETE, "/v1/quotes/{id}/hold", May(P::Sell)),
    (Method::POST, "/v1/quotes/{id}/removals", Ask(P::RemoveLine)),
    (Method::POST, "/v1/quotes/{id}/commit", May(P::Sell)),
    (Method::GET, "/v1/settlements", May(P::ReadStores)),
    (Method::POST, "/v1/settlements", May(P::ManageStores)),
    (Method::GET, "/v1/settlements/open", May(P::ReadStores)),
    (Method::GET, "/v1/settlements/{id}", May(P::ReadStores)),
    (
        Method::POST,
        "/v1/settlements/{id}/reversal",
        May(P::ManageStores),
    ),
    (Method::GET, "/v1/prize-draws", May(P::ReadGoods)),
    (Method::POST, "/v1/prize-draws", May(P::ManageGoods)),
    (Method::GET, "/v1/prize-draws/{id}", May(P::ReadGoods)),
    (
        Method::POST,
        "/v1/prize-draws/{id}/close",
        May(P::ManageGoods),
    ),
    (
        Method::GET,
        "/v1/prize-draws/{id}/outcomes",
        May(P::ReadGoods),
    ),
    (Method::GET, "/v1/prize-draws/{id}/check", May(P::ReadGoods)),
    (Method::POST, "/v1/members/{id}/prizes", May(P::Sell)),
    (Method::GET, "/v1/top-up-plans", May(P::ReadGoods)),
    (Method::PUT, "/v1/top-up-plans/{id}", May(P::ManageGoods)),
    (Method::GET, "/v1/rewards", May(P::ReadGoods)),
    (Method::PUT, "/v1/rewards/{id}", May(P::ManageGoods)),
    (
        Method::GET,
        "/v1/members/{id}/exchanges",
        May(P::ReadMembers),
    ),
    (Method::POST, "/v1/members/{id}/exchanges", May(P::Sell)),
    (Method::GET, "/v1/shifts", May(P::Sell)),
    (Method::POST, "/v1/shifts", May(P::Sell)),
    (Method::GET, "/v1/shifts/{id}", May(P::Sell)),
    (Method::GET, "/v1/shifts/{id}/movements", May(P::Sell)),
    (Method::POST, "/v1/shifts/{id}/movements", May(P::MoveCash)),
    (Method::POST, "/v1/shifts/{id}/close", May(P::Sell)),
    (Method::GET, "/v1/baskets", May(P::Sell)),
    (Method::POST, "/v1/baskets", May(P::Sell)),
    (Method::POST, "/v1/baskets/{id}/recall", May(P::Sell)),
    (Method::POST, "/v1/orders", May(P::RecordSale)),
    (Method::GET, "/v1/orders", May(P::Sell)),
    (Method::POST, "/v1/orders/claims", May(P::Sell)),
    (Method::GET, "/v1/orders/{id}", May(P::Sell)),
    (Method::POST, "/v1/orders/{id}/refunds", Ask(P::Refund)),
    (Method::GET, "/v1/orders/{id}/refunds", May(P::Sell)),
    (Method::POST, "/v1/orders/{id}/exchanges", Ask(P::Refund)),
    (Method::POST, "/v1/orders/{id}/gift-receipts", May(P::Sell)),
    (Method::GET, "/v1/gift-receipts/{code}", May(P::Sell)),
    (
        Method::GET,
        "/v1/orders/{id}/evaluations",
        May(P::ReadRules),
    ),
    (Method::POST, "/v1/members/{id}/top-ups", May(P::Sell)),
    // These ask for more where the chain's terms say so, or for an approval.
    (Method::POST, "/v1/members/{id}/adjustments", May(P::Sell)),
    (Method::POST, "/v1/members/{id}/withdrawals", May(P::Sell)),
    (Method::GET, "/v1/members/{id}/freeze", May(P::ReadMembers)),
    (Method::POST, "/v1/members/{id}/freeze", May(P::FreezeValue)),
    (
        Method::POST,
        "/v1/members/{id}/unfreeze",
        May(P::FreezeValue),
    ),
    (Method::POST, "/v1/members/{id}/transfers", May(P::Sell)),
    (
        Method::POST,
        "/v1/members/{id}/entries/{entry}/reversal",
        May(P::Sell),
    ),
    (Method::POST, "/v1/approvals", May(P::Sell)),
    (Method::GET, "/v1/operations/{key}", May(P::ReadOperations)),
    (Method::GET, "/v1/events", May(P::ReadEvents)),
    (Method::GET, "/v1/me", May(P::ReadStores)),
    (Method::PUT, "/v1/me/pin", OwnPin),
];

/// Who the request comes from; present on every route the table names.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<Principal>);

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::new(Code::Unauthenticated))
    }
}

/// The layer around every route: who is it, and may they.
pub async fn guard(State(host): State<Arc<Host>>, mut request: Request, next: Next) -> Response {
    let need = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(Some(Nothing), |path| {
            need_of(request.method(), path.as_str())
        });
    match need {
        Some(Nothing) => {}
        Some(need @ (May(_) | Ask(_) | OwnPin)) => {
            match admit(&host, request.headers(), need).await {
                Ok(principal) => {
                    request.extensions_mut().insert(Caller(Arc::new(principal)));
                }
                Err(error) => return Problem::from(error).into_response(),
            }
        }
        None => {
            return Problem::new(Code::Forbidden)
                .with("permission", "none")
                .into_response();
        }
    }
    next.run(request).await
}

/// What a route needs; none when nobody may use it.
fn need_of(method: &Method, path: &str) -> Option<Need> {
    if !path.starts_with("/v1/") {
        return Some(Nothing);
    }
    let method = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut known = false;
    for (its_method, its_path, need) in NEEDS {
        if *its_path == path {
            if its_method == method {
                return Some(*need);
            }
            known = true;
        }
    }
    // The route exists under another method: let the router say 405.
    known.then_some(Nothing)
}

async fn admit(host: &Host, headers: &HeaderMap, need: Need) -> Result<Principal, AccessError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(AccessError::NoKey)?;
    let mut principal = access::identify(host, token).await?;
    if let Some(staff) = headers.get("tessera-staff") {
        let (id, pin) = staff
            .to_str()
            .ok()
            .and_then(|text| text.split_once(':'))
            .ok_or(AccessError::WrongPin)?;
        if id.len() > 64 || pin.len() > 64 {
            return Err(AccessError::WrongPin);
        }
        duty::on_duty(host, &mut principal, (id, pin), need == OwnPin).await?;
    }
    match need {
        May(permission) => principal.require(permission)?,
        Ask(permission) if principal.power(permission) == Power::Deny => {
            return Err(AccessError::Denied(permission));
        }
        Ask(_) | OwnPin | Nothing => {}
    }
    Ok(principal)
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NoKey => Self::new(Code::Unauthenticated),
            AccessError::Revoked => Self::new(Code::KeyRevoked),
            AccessError::Denied(permission) => {
                Self::new(Code::Forbidden).with("permission", permission.name())
            }
            AccessError::NeedsApproval {
                permission,
                subject,
                amount,
            } => Self::new(Code::ApprovalNeeded)
                .with("permission", permission.name())
                .extended(
                    "approve",
                    serde_json::json!({
                        "permission": permission.name(), "subject": subject, "amount": amount,
                    }),
                ),
            AccessError::OtherStore(store) => Self::new(Code::OtherStore).with("store", store),
            AccessError::WrongPin => Self::new(Code::StaffPinWrong),
            AccessError::Locked => Self::new(Code::StaffLocked),
            AccessError::PinMustChange => Self::new(Code::PinMustChange),
            AccessError::Store(error) => error.into(),
            AccessError::Vault(error) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_does_not_name_is_refused() {
        assert_eq!(need_of(&Method::POST, "/v1/unheard-of"), None);
        assert_eq!(need_of(&Method::POST, "/v1/quotes"), Some(May(P::Sell)));
        assert_eq!(need_of(&Method::PATCH, "/v1/quotes"), Some(Nothing));
        assert_eq!(need_of(&Method::GET, "/healthz"), Some(Nothing));
    }

    #[test]
    fn a_role_can_name_every_permission_a_route_asks_for() {
        for (_, path, need) in NEEDS {
            if let May(permission) | Ask(permission) = need {
                let named = Permission::parse(permission.name());
                assert_eq!(named, Some(*permission), "{path}");
            }
        }
        for permission in Permission::APPROVABLE {
            assert_eq!(Permission::parse(permission.name()), Some(permission));
        }
    }

    #[test]
    fn only_pairing_goes_without_a_key() {
        let open: Vec<_> = NEEDS
            .iter()
            .filter(|(_, _, need)| *need == Nothing)
            .collect();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].1, "/v1/terminals/pair");
    }
}
