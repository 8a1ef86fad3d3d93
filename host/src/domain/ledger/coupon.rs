//! Steps on coupons: issued, used and given back, given away, taken out of use.

use super::command::NewCoupon;
use super::draft::{Draft, invalid, sum};
use super::entry::Notice;
use super::refusal::Refusal;
use super::state::Coupon;

pub(super) fn use_coupon(
    draft: &mut Draft<'_>,
    code: &str,
    change: i64,
    member: Option<&str>,
    enforce: bool,
) -> Result<(), Refusal> {
    let Some(mut coupon) = draft.coupon(code) else {
        if enforce {
            return Err(Refusal::CouponUnknown {
                code: code.to_owned(),
            });
        }
        draft.notices.push(Notice::CouponOverrun {
            code: code.to_owned(),
            why: "unknown".to_owned(),
        });
        return Ok(());
    };
    coupon.uses = sum(coupon.uses, change)?;
    if coupon.uses < 0 {
        return Err(invalid(format!("coupon `{code}` was not used that often")));
    }
    if change > 0 && !draft.reserved_coupons.contains(code) {
        let checked = check_coupon(&coupon, change, member, draft);
        match checked {
            Ok(()) => {}
            Err(refusal) if enforce => return Err(refusal),
            Err(refusal) => draft.notices.push(Notice::CouponOverrun {
                code: code.to_owned(),
                why: refusal.to_string(),
            }),
        }
    }
    coupon.version += 1;
    draft.put_coupon(coupon);
    Ok(())
}

/// Checks a coupon whose uses already include `change`.
fn check_coupon(
    coupon: &Coupon,
    change: i64,
    member: Option<&str>,
    draft: &Draft<'_>,
) -> Result<(), Refusal> {
    let code = coupon.code.clone();
    let day = draft.spendable_as_of;
    if coupon.void {
        return Err(Refusal::CouponVoid { code });
    }
    if coupon.expires_on.is_some_and(|last| last < day)
        || coupon.starts_on.is_some_and(|first| first > draft.today)
    {
        return Err(Refusal::CouponExpired { code });
    }
    if coupon.holder.is_some() && coupon.holder.as_deref() != member {
        return Err(Refusal::CouponHolder { code });
    }
    match coupon.use_limit {
        Some(limit) if coupon.uses > limit => Err(Refusal::CouponUsed {
            code,
            uses: coupon.uses - change,
            limit,
        }),
        _ => Ok(()),
    }
}

pub(super) fn issue_coupon(draft: &mut Draft<'_>, new: &NewCoupon) -> Result<(), Refusal> {
    if draft.coupon(&new.code).is_some() {
        return Err(Refusal::CouponExists {
            code: new.code.clone(),
        });
    }
    if new.code.is_empty() || new.use_limit.is_some_and(|limit| limit < 1) {
        return Err(invalid("a coupon needs a code and at least one use"));
    }
    draft.put_coupon(Coupon {
        code: new.code.clone(),
        campaign: new.campaign.clone(),
        holder: new.holder.clone(),
        uses: 0,
        use_limit: new.use_limit,
        void: false,
        transferable: new.transferable,
        starts_on: new.starts_on,
        expires_on: new.expires_on,
        version: 1,
        base: 0,
    });
    Ok(())
}

fn known(draft: &Draft<'_>, code: &str) -> Result<Coupon, Refusal> {
    draft.coupon(code).ok_or_else(|| Refusal::CouponUnknown {
        code: code.to_owned(),
    })
}

/// A coupon that could be used once more, by `member` where one is named and else by its holder.
fn usable(draft: &Draft<'_>, code: &str, member: Option<&str>) -> Result<Coupon, Refusal> {
    let coupon = known(draft, code)?;
    let mut used = coupon.clone();
    used.uses = sum(used.uses, 1)?;
    // Its first day may be still to come.
    used.starts_on = None;
    check_coupon(&used, 1, member.or(coupon.holder.as_deref()), draft)?;
    Ok(coupon)
}

fn hand_over(draft: &mut Draft<'_>, mut coupon: Coupon, to: &str) {
    coupon.holder = Some(to.to_owned());
    coupon.version += 1;
    draft.put_coupon(coupon);
}

pub(super) fn transfer_coupon(
    draft: &mut Draft<'_>,
    code: &str,
    from: &str,
    to: &str,
) -> Result<(), Refusal> {
    let coupon = usable(draft, code, Some(from))?;
    if !coupon.transferable || coupon.holder.is_none() {
        return Err(Refusal::CouponBound { code: coupon.code });
    }
    hand_over(draft, coupon, to);
    Ok(())
}

/// Moves a member's coupon to who takes his place, whether or not it may be given away.
pub(super) fn give_coupon(
    draft: &mut Draft<'_>,
    code: &str,
    from: &str,
    to: &str,
) -> Result<(), Refusal> {
    let coupon = known(draft, code)?;
    if coupon.holder.as_deref() != Some(from) {
        return Err(Refusal::CouponHolder {
            code: code.to_owned(),
        });
    }
    hand_over(draft, coupon, to);
    Ok(())
}

pub(super) fn void_coupon(draft: &mut Draft<'_>, code: &str) -> Result<(), Refusal> {
    let mut coupon = known(draft, code)?;
    coupon.void = true;
    coupon.version += 1;
    draft.put_coupon(coupon);
    Ok(())
}

/// Voids a coupon that could still be used.
pub(super) fn revoke_coupon(draft: &mut Draft<'_>, code: &str) -> Result<(), Refusal> {
    usable(draft, code, None)?;
    void_coupon(draft, code)
}
