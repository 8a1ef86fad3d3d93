//! Issuing coupon codes: through the ledger, because a code is worth something.

use crate::clock;
use crate::domain::ledger::{Command, NewCoupon, Operation, Refusal, Step, Subject};
use crate::domain::time::Day;
use crate::enrolment;
use crate::host::Host;
use crate::store::{self, StoreError};

/// Codes of one batch; each is a step of one command.
pub const MOST_CODES: u32 = 1_000;
const CODE_LENGTH: usize = 12;

/// Coupons to issue together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The binding that accepts them.
    pub binding: String,
    /// Codes the operator chose.
    pub own: Vec<String>,
    /// Codes to make beside them.
    pub count: u32,
    /// Only this member may use them.
    pub holder: Option<String>,
    /// Uses of each; none for any number.
    pub use_limit: Option<i64>,
    pub starts_on: Option<Day>,
    pub expires_on: Option<Day>,
    /// Whether the holder may give them to another member.
    pub transferable: bool,
}

/// The codes that are there now.
#[derive(Debug)]
pub struct Issued {
    pub codes: Vec<String>,
    /// True if they had been issued before under the same key.
    pub replayed: bool,
}

/// Why no code was issued.
#[derive(Debug, thiserror::Error)]
pub enum CouponingError {
    #[error("the binding `{0}` is not known or has ended; make it first")]
    BindingUnknown(String),
    #[error("the member `{0}` is not known; check the holder")]
    MemberUnknown(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Issues a batch once per operation key.
///
/// # Errors
/// See [`CouponingError`]; no code exists then.
pub async fn issue(
    host: &Host,
    operation: Operation,
    batch: Batch,
) -> Result<Issued, CouponingError> {
    let mut conn = host.db.read().await?;
    let binding = store::bindings::binding(&mut conn, &batch.binding).await?;
    if binding.is_none_or(|binding| !binding.active) {
        return Err(CouponingError::BindingUnknown(batch.binding));
    }
    if let Some(holder) = &batch.holder
        && store::members::member(&mut conn, holder).await?.is_none()
    {
        return Err(CouponingError::MemberUnknown(holder.clone()));
    }
    drop(conn);
    let mut codes = batch.own.clone();
    codes.extend((0..batch.count).map(|position| made_code(host, &operation.key, position)));
    let now = host.clock.now();
    // Coupons belong to the chain, whose day is counted in UTC; their own days count in the store.
    let day = clock::business_day(now, chrono_tz::UTC);
    let mut command = Command::new(
        "coupons",
        Subject::new("binding", batch.binding.clone()),
        now,
        day,
    );
    command.operation = Some(operation);
    command.steps = codes
        .iter()
        .map(|code| {
            Step::IssueCoupon(NewCoupon {
                code: code.clone(),
                campaign: batch.binding.clone(),
                holder: batch.holder.clone(),
                use_limit: batch.use_limit,
                starts_on: batch.starts_on,
                expires_on: batch.expires_on,
                transferable: batch.transferable,
            })
        })
        .collect();
    let receipt = host.writer.submit(command).await?;
    Ok(Issued {
        codes,
        replayed: receipt.replayed,
    })
}

/// The same codes for the same key, so that a replay can tell them; nobody without the master key can guess.
pub(crate) fn made_code(host: &Host, key: &str, position: u32) -> String {
    enrolment::spell(&host.vault.derive("coupon", &format!("{key}\0{position}"))[..CODE_LENGTH])
}
