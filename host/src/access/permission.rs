//! What may be allowed, and the roles there always are.

/// What somebody may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Quote, hold, commit, top up, and claim points by a receipt.
    Sell,
    /// Record a sale that already happened.
    RecordSale,
    Refund,
    /// Refund to another tender than was paid with.
    RefundOtherTender,
    /// Sell an article the host does not know, or at the till's own price.
    PriceAtTill,
    /// Take goods off a basket that was quoted already.
    RemoveLine,
    ReadGoods,
    ManageGoods,
    ReadMembers,
    Enrol,
    ManageMembers,
    /// Fetch what is to be sent to members, such as one-time codes.
    SendMessages,
    /// Give members tiers by hand and withdraw them.
    SetTiers,
    /// See a person's phone, e-mail and birthday in full.
    UnmaskPersons,
    ReadCoupons,
    IssueCoupons,
    AdjustPoints,
    /// Pay stored value out above the limit the chain sets.
    PayOutAboveLimit,
    /// Move a member's value to another above the limit the chain sets.
    TransferAboveLimit,
    /// Freeze and unfreeze what a member has.
    FreezeValue,
    /// Put back what a top-up, withdrawal, transfer or adjustment moved.
    ReverseMovement,
    /// Put cash into a drawer or take some out of it.
    MoveCash,
    /// The same above the limit the chain sets.
    MoveCashAboveLimit,
    /// Close a shift that is off by more than the chain's tolerance.
    CloseWithDifference,
    /// Open and close the shift of another terminal.
    ManageShifts,
    ReadStaff,
    ManageStaff,
    ReadStores,
    ManageStores,
    PairTerminals,
    ManageKeys,
    /// Define roles.
    ManageRoles,
    ReadRules,
    ManageRules,
    InstallPlugins,
    ReadEvents,
    ReadOperations,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 37] = [
        Self::Sell,
        Self::RecordSale,
        Self::Refund,
        Self::RefundOtherTender,
        Self::PriceAtTill,
        Self::RemoveLine,
        Self::ReadGoods,
        Self::ManageGoods,
        Self::ReadMembers,
        Self::Enrol,
        Self::ManageMembers,
        Self::SendMessages,
        Self::SetTiers,
        Self::UnmaskPersons,
        Self::ReadCoupons,
        Self::IssueCoupons,
        Self::AdjustPoints,
        Self::PayOutAboveLimit,
        Self::TransferAboveLimit,
        Self::FreezeValue,
        Self::ReverseMovement,
        Self::MoveCash,
        Self::MoveCashAboveLimit,
        Self::CloseWithDifference,
        Self::ManageShifts,
        Self::ReadStaff,
        Self::ManageStaff,
        Self::ReadStores,
        Self::ManageStores,
        Self::PairTerminals,
        Self::ManageKeys,
        Self::ManageRoles,
        Self::ReadRules,
        Self::ManageRules,
        Self::InstallPlugins,
        Self::ReadEvents,
        Self::ReadOperations,
    ];

    /// What somebody who holds it may let others do once.
    pub const APPROVABLE: [Self; 10] = [
        Self::Refund,
        Self::RefundOtherTender,
        Self::PriceAtTill,
        Self::RemoveLine,
        Self::AdjustPoints,
        Self::PayOutAboveLimit,
        Self::TransferAboveLimit,
        Self::ReverseMovement,
        Self::MoveCashAboveLimit,
        Self::CloseWithDifference,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The name a refusal tells.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sell => "sell",
            Self::RecordSale => "record-sale",
            Self::Refund => "refund",
            Self::RefundOtherTender => "refund-other-tender",
            Self::PriceAtTill => "price-at-till",
            Self::RemoveLine => "remove-line",
            Self::ReadGoods => "read-goods",
            Self::ManageGoods => "manage-goods",
            Self::ReadMembers => "read-members",
            Self::Enrol => "enrol",
            Self::ManageMembers => "manage-members",
            Self::SendMessages => "send-messages",
            Self::SetTiers => "set-tiers",
            Self::UnmaskPersons => "unmask-persons",
            Self::ReadCoupons => "read-coupons",
            Self::IssueCoupons => "issue-coupons",
            Self::AdjustPoints => "adjust-points",
            Self::PayOutAboveLimit => "pay-out-above-limit",
            Self::TransferAboveLimit => "transfer-above-limit",
            Self::FreezeValue => "freeze-value",
            Self::ReverseMovement => "reverse-movement",
            Self::MoveCash => "move-cash",
            Self::MoveCashAboveLimit => "move-cash-above-limit",
            Self::CloseWithDifference => "close-with-difference",
            Self::ManageShifts => "manage-shifts",
            Self::ReadStaff => "read-staff",
            Self::ManageStaff => "manage-staff",
            Self::ReadStores => "read-stores",
            Self::ManageStores => "manage-stores",
            Self::PairTerminals => "pair-terminals",
            Self::ManageKeys => "manage-keys",
            Self::ManageRoles => "manage-roles",
            Self::ReadRules => "read-rules",
            Self::ManageRules => "manage-rules",
            Self::InstallPlugins => "install-plugins",
            Self::ReadEvents => "read-events",
            Self::ReadOperations => "read-operations",
        }
    }
}

/// A named set of permissions; each role holds those of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Cashier,
    Supervisor,
    Manager,
    Admin,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Cashier, Self::Supervisor, Self::Manager, Self::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }

    /// The lowest role that holds a permission.
    const fn least(permission: Permission) -> Self {
        match permission {
            Permission::Sell
            | Permission::RecordSale
            | Permission::Refund
            | Permission::RemoveLine
            | Permission::ReadGoods
            | Permission::ReadMembers
            | Permission::Enrol
            | Permission::MoveCash
            | Permission::ReadCoupons
            | Permission::ReadStores
            | Permission::ReadEvents
            | Permission::ReadOperations => Self::Cashier,
            Permission::RefundOtherTender
            | Permission::PriceAtTill
            | Permission::UnmaskPersons
            | Permission::PayOutAboveLimit
            | Permission::TransferAboveLimit
            | Permission::FreezeValue
            | Permission::ReverseMovement
            | Permission::MoveCashAboveLimit
            | Permission::CloseWithDifference
            | Permission::ManageShifts => Self::Supervisor,
            Permission::ManageGoods
            | Permission::ManageMembers
            | Permission::SetTiers
            | Permission::SendMessages
            | Permission::IssueCoupons
            | Permission::AdjustPoints
            | Permission::ReadStaff
            | Permission::ManageStaff
            | Permission::PairTerminals
            | Permission::ReadRules => Self::Manager,
            Permission::ManageStores
            | Permission::ManageKeys
            | Permission::ManageRoles
            | Permission::ManageRules
            | Permission::InstallPlugins => Self::Admin,
        }
    }

    pub fn may(self, permission: Permission) -> bool {
        self >= Self::least(permission)
    }
}
