//! Names of accounts.
//!
//! A member's account is `<member>/<name>/<asset>`, a system account `system/<name>/<asset>@<writer>`: each
//! writer has its own shard, so hosts on one database do not queue for the same row.

use serde::{Deserialize, Serialize};

/// Owner of every account that is no member's.
pub const SYSTEM: &str = "system";
/// The points program of a chain that names none.
pub const DEFAULT_PROGRAM: &str = "main";

/// The asset of a points program.
pub fn points_asset(program: &str) -> String {
    format!("points:{program}")
}

/// The accounts a member may have, per asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountName {
    /// Spendable points, in lots.
    Points,
    /// Points that become spendable on a later day, in lots.
    PointsPending,
    /// Never above zero: points taken back after they were spent. Later earning repays them.
    PointsDebt,
    /// Points reserved by holds.
    PointsHeld,
    /// Stored value the member paid in.
    Principal,
    /// Stored value the chain gave on top, in lots.
    Bonus,
    /// Bonus that becomes spendable on a later day, in lots.
    BonusPending,
    /// Never above zero: bonus taken back after it was spent. Later bonus repays it.
    BonusDebt,
    PrincipalHeld,
    BonusHeld,
    /// Uses of passes, in lots.
    Pass,
    /// What was paid for them and is no revenue yet, in a lot beside each lot of uses.
    PassValue,
    PassHeld,
    PassValueHeld,
}

impl AccountName {
    pub const ALL: [Self; 14] = [
        Self::Points,
        Self::PointsPending,
        Self::PointsDebt,
        Self::PointsHeld,
        Self::Principal,
        Self::Bonus,
        Self::BonusPending,
        Self::BonusDebt,
        Self::PrincipalHeld,
        Self::BonusHeld,
        Self::Pass,
        Self::PassValue,
        Self::PassHeld,
        Self::PassValueHeld,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::PointsPending => "points-pending",
            Self::PointsDebt => "points-debt",
            Self::PointsHeld => "points-held",
            Self::Principal => "principal",
            Self::Bonus => "bonus",
            Self::BonusPending => "bonus-pending",
            Self::BonusDebt => "bonus-debt",
            Self::PrincipalHeld => "principal-held",
            Self::BonusHeld => "bonus-held",
            Self::Pass => "pass",
            Self::PassValue => "pass-value",
            Self::PassHeld => "pass-held",
            Self::PassValueHeld => "pass-value-held",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// True if the balance is the sum of lots.
    pub fn is_lotted(self) -> bool {
        matches!(
            self,
            Self::Points
                | Self::PointsPending
                | Self::Bonus
                | Self::BonusPending
                | Self::Pass
                | Self::PassValue
        )
    }

    /// Where lots of this account go once they can be spent; none if they can be already.
    pub fn released(self) -> Option<Self> {
        match self {
            Self::PointsPending => Some(Self::Points),
            Self::BonusPending => Some(Self::Bonus),
            _ => None,
        }
    }

    /// What is owed where something spent was taken back; repaid from this account. None if nothing is ever owed.
    pub fn debt(self) -> Option<Self> {
        match self {
            Self::Points => Some(Self::PointsDebt),
            Self::Bonus => Some(Self::BonusDebt),
            _ => None,
        }
    }

    /// True if the balance is what the member owes, so that it never rises above zero.
    pub fn is_debt(self) -> bool {
        matches!(self, Self::PointsDebt | Self::BonusDebt)
    }

    /// The account debts of this one's kind are repaid from.
    pub fn repaying(self) -> Option<Self> {
        match self {
            Self::Points | Self::PointsDebt => Some(Self::Points),
            Self::Bonus | Self::BonusDebt => Some(Self::Bonus),
            _ => None,
        }
    }

    /// True for the four accounts of a points program.
    pub fn is_points(self) -> bool {
        matches!(
            self,
            Self::Points | Self::PointsPending | Self::PointsDebt | Self::PointsHeld
        )
    }

    /// Where a hold parks what it reserves from this account; none if it cannot be held.
    pub fn held(self) -> Option<Self> {
        match self {
            Self::Points => Some(Self::PointsHeld),
            Self::Principal => Some(Self::PrincipalHeld),
            Self::Bonus => Some(Self::BonusHeld),
            Self::Pass => Some(Self::PassHeld),
            Self::PassValue => Some(Self::PassValueHeld),
            _ => None,
        }
    }

    /// True if holds park in it.
    pub fn is_held(self) -> bool {
        Self::ALL.iter().any(|name| name.held() == Some(self))
    }

    /// The system account lots of this account are issued from, and go back to when they expire.
    pub fn issued(self) -> &'static str {
        match self {
            Self::Bonus | Self::BonusPending | Self::BonusDebt | Self::BonusHeld => "bonus-issued",
            Self::Pass | Self::PassHeld => "pass-issued",
            // What was paid and never used is the chain's.
            Self::PassValue | Self::PassValueHeld => "pass-expired",
            _ => "points-issued",
        }
    }
}

/// A member's account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    pub member: String,
    pub name: AccountName,
    /// A currency code, `points:<program>` or `pass:<product>`.
    pub asset: String,
}

impl AccountKey {
    pub fn new(member: impl Into<String>, name: AccountName, asset: impl Into<String>) -> Self {
        Self {
            member: member.into(),
            name,
            asset: asset.into(),
        }
    }

    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.member, self.name.as_str(), self.asset)
    }

    /// Another account of the same member and asset.
    pub fn sibling(&self, name: AccountName) -> Self {
        Self {
            name,
            ..self.clone()
        }
    }

    /// The product whose passes it holds; none of any other account.
    pub fn pass(&self) -> Option<&str> {
        let passes = (self.name == AccountName::Pass).then_some(&self.asset);
        passes?.strip_prefix("pass:")
    }

    /// Reads an id back; none for a system account.
    pub fn parse(id: &str) -> Option<Self> {
        let (member, rest) = id.split_once('/')?;
        if member == SYSTEM {
            return None;
        }
        let (name, asset) = rest.split_once('/')?;
        Some(Self::new(member, AccountName::parse(name)?, asset))
    }
}

/// The id of a writer's shard of a system account such as `sales/<store>`.
pub fn system_account(name: &str, asset: &str, writer: &str) -> String {
    format!("{SYSTEM}/{name}/{asset}@{writer}")
}
