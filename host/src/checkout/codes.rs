//! Coupon codes at the till: which of those presented can be used and why others cannot, and which binding will honour
//! those that are granted.

use std::sync::Arc;

use crate::domain::ledger::Coupon;
use crate::domain::order::{CodeRefusal, OrderDocument};
use crate::domain::time::{Day, Instant};
use crate::snapshot::{Bound, Place, Snapshot};
use crate::store::coupons;
use crate::store::db::Conn;

use super::campaigns::Code;
use super::error::CheckoutError;

/// The codes of a basket that are coupons.
#[derive(Default)]
pub struct Presented {
    /// Those this member can use on this day.
    pub usable: Vec<Code>,
    pub refused: Vec<(String, CodeRefusal)>,
}

impl Presented {
    /// Looks codes up; those no coupon has are left out.
    pub async fn read(
        conn: &mut Conn,
        codes: &[String],
        member: Option<&str>,
        day: Day,
    ) -> Result<Self, CheckoutError> {
        let mut presented = Self::default();
        if codes.is_empty() {
            return Ok(presented);
        }
        for coupon in coupons::by_codes(conn, codes).await? {
            match refusal(&coupon, member, day) {
                Some(why) => presented.refused.push((coupon.code, why)),
                None => presented.usable.push(Code {
                    code: coupon.code,
                    binding: coupon.campaign,
                }),
            }
        }
        Ok(presented)
    }

    /// Keeps the codes of some rules; `why` is said of the others.
    pub fn only_of(&mut self, bound: &[Arc<Bound>], why: CodeRefusal) {
        let of_one = |code: &mut Code| !bound.iter().any(|bound| bound.binding.id == code.binding);
        let others = self.usable.extract_if(.., of_one);
        self.refused.extend(others.map(|code| (code.code, why)));
    }

    /// Whether one of the usable codes belongs to a binding.
    pub fn name(&self, binding: &str) -> bool {
        self.usable.iter().any(|code| code.binding == binding)
    }
}

fn refusal(coupon: &Coupon, member: Option<&str>, day: Day) -> Option<CodeRefusal> {
    let holder = coupon.holder.as_deref();
    let checks = [
        (coupon.void, CodeRefusal::Void),
        (
            holder.is_some() && member.is_none(),
            CodeRefusal::NeedsMember,
        ),
        (
            holder.is_some() && holder != member,
            CodeRefusal::OtherMember,
        ),
        (
            coupon.use_limit.is_some_and(|limit| coupon.uses >= limit),
            CodeRefusal::UsedUp,
        ),
        (
            coupon.starts_on.is_some_and(|first| day < first),
            CodeRefusal::NotYetValid,
        ),
        (
            coupon.expires_on.is_some_and(|last| last < day),
            CodeRefusal::Expired,
        ),
    ];
    checks
        .into_iter()
        .find_map(|(applies, why)| applies.then_some(why))
}

/// Finds for each grant of coupons the binding that honours them as of an instant. What nothing would honour is left
/// out, told in the document and in the log.
pub fn find_honouring(
    document: &mut OrderDocument,
    snapshot: &Snapshot,
    place: &Place,
    at: Instant,
) {
    let before = document.skipped.len();
    document.find_honouring(|name| snapshot.binding_named(place, name, at));
    for skipped in document.skipped.iter().skip(before) {
        let campaign = document.campaigns.get(skipped.campaign as usize);
        let binding = campaign.map(|campaign| campaign.binding.as_str());
        let (store, why) = (place.store.id.as_str(), skipped.message.as_str());
        tracing::warn!(binding, store, why, "a coupon was not granted");
    }
}
