//! What members may do with their stored value and points outside a sale, and what it costs them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_money::{Overflow, Rate, Rounding, mul_div, mul_rate};

/// Paying stored value out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WithdrawalTerms {
    /// Least that is paid out at once, minor units. Default 1.
    #[schemars(range(min = 1))]
    pub least: i64,
    /// Share of the amount the chain keeps, rounded half-up. Default none; 0.5 % is usual in Chinese chains.
    #[schemars(extend("examples" = ["0.5%"]))]
    pub fee: Rate,
    /// Above so many minor units somebody who holds `pay-out-above-limit` has to agree. Default 0: always.
    #[schemars(range(min = 0))]
    pub approval_above: i64,
    /// What becomes of the unspent gift on top of what is paid out. Default by-share: the share of the principal that
    /// leaves takes the same share of the bonus with it, rounded up; `keep`; `forfeit`: all of it goes with the first payment.
    pub bonus: BonusAtWithdrawal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BonusAtWithdrawal {
    #[default]
    ByShare,
    Keep,
    Forfeit,
}

impl Default for WithdrawalTerms {
    fn default() -> Self {
        Self {
            least: 1,
            fee: Rate::whole(0),
            approval_above: 0,
            bonus: BonusAtWithdrawal::ByShare,
        }
    }
}

impl WithdrawalTerms {
    /// The bonus that goes when `amount` of `principal` is paid out.
    ///
    /// # Errors
    /// When the amounts are beyond all reason.
    pub fn forfeited(&self, amount: i64, principal: i64, bonus: i64) -> Result<i64, Overflow> {
        match self.bonus {
            BonusAtWithdrawal::Keep => Ok(0),
            BonusAtWithdrawal::Forfeit => Ok(bonus),
            BonusAtWithdrawal::ByShare if amount >= principal => Ok(bonus),
            BonusAtWithdrawal::ByShare => mul_div(bonus, amount, principal, Rounding::Up),
        }
    }
}

/// Giving something of one's own to another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransferTerms {
    /// Least that is given at once. Default 1.
    #[schemars(range(min = 1))]
    pub least: i64,
    /// Most that a member gives on one business day, over all transfers. Default no limit.
    #[schemars(range(min = 1), extend("examples" = [50_000]))]
    pub most_per_day: Option<i64>,
    /// What the giver pays on top, as a share of the amount, rounded half-up. Default none.
    #[schemars(extend("examples" = ["1%"]))]
    pub fee: Rate,
    /// Above this somebody who holds `transfer-above-limit` has to agree. Default 0: always.
    #[schemars(range(min = 0))]
    pub approval_above: i64,
}

impl Default for TransferTerms {
    fn default() -> Self {
        Self {
            least: 1,
            most_per_day: None,
            fee: Rate::whole(0),
            approval_above: 0,
        }
    }
}

/// What wallets may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WalletCaps {
    /// Members whose name or phone is known.
    pub named: WalletCap,
    /// Members of whom neither is known: anonymous cards.
    pub anonymous: WalletCap,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WalletCap {
    /// Most of his own money a member may have in a wallet, minor units; the chain's gift on top does not count.
    /// Default no limit.
    #[schemars(range(min = 1), extend("examples" = [500_000]))]
    pub most: Option<i64>,
    /// Most he may pay in on one business day, minor units. Default no limit.
    #[schemars(range(min = 1), extend("examples" = [200_000]))]
    pub top_up_per_day: Option<i64>,
}

/// How many days ahead members are told of what expires, once for each lot and coupon, by an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpiryNotices {
    /// Days before the last day of points: `points.expiring`. Default no notice; 0 is the last day itself.
    #[schemars(range(max = 366), extend("examples" = [30]))]
    pub points_days: Option<u16>,
    /// Days before the last day of bonus: `bonus.expiring`. Default no notice.
    #[schemars(range(max = 366), extend("examples" = [7]))]
    pub bonus_days: Option<u16>,
    /// Days before the last day of a member's coupon: `coupon.expiring`. Default no notice.
    #[schemars(range(max = 366), extend("examples" = [3]))]
    pub coupon_days: Option<u16>,
    /// Days before the last day of a pass: `pass.expiring`. Default no notice.
    #[schemars(range(max = 366), extend("examples" = [7]))]
    pub pass_days: Option<u16>,
    /// Days before a paid membership ends without being paid on: `membership.expiring`. Default no notice.
    #[schemars(range(max = 366), extend("examples" = [14]))]
    pub membership_days: Option<u16>,
}

/// What a share of an amount comes to.
///
/// # Errors
/// When the amounts are beyond all reason.
pub fn fee(amount: i64, share: Rate) -> Result<i64, Overflow> {
    mul_rate(amount, share, Rounding::HalfUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bonus_leaves_with_its_share_of_the_principal_rounded_up() {
        let terms = WithdrawalTerms::default();
        assert_eq!(terms.forfeited(10_000, 50_000, 5_000), Ok(1_000));
        assert_eq!(terms.forfeited(1, 50_000, 5_000), Ok(1));
        assert_eq!(terms.forfeited(50_000, 50_000, 5_000), Ok(5_000));
        assert_eq!(terms.forfeited(1, 50_000, 0), Ok(0));
        let keep = WithdrawalTerms {
            bonus: BonusAtWithdrawal::Keep,
            ..terms.clone()
        };
        assert_eq!(keep.forfeited(50_000, 50_000, 5_000), Ok(0));
        let all = WithdrawalTerms {
            bonus: BonusAtWithdrawal::Forfeit,
            ..terms
        };
        assert_eq!(all.forfeited(1, 50_000, 5_000), Ok(5_000));
    }

    #[test]
    fn a_fee_is_rounded_half_up() {
        let half_a_percent = Rate::basis_points(50);
        assert_eq!(fee(10_000, half_a_percent), Ok(50));
        assert_eq!(fee(100, half_a_percent), Ok(1));
        assert_eq!(fee(99, half_a_percent), Ok(0));
    }
}
