//! Roles as data: what a chain's own role holds is a built-in role's permissions with changes.
//!
//! What a role says itself counts before everything, also before what the key of the till holds: who may not refund
//! does not refund at a till that may. `approve` stands for what somebody else has to agree to; only some permissions
//! can be approved.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Permission, Role};
use crate::store::roles::DefinedRole;
use crate::store::{Conn, StoreError, roles};

/// What a role says of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// Not even with an approval.
    Deny,
    /// With the approval of somebody who holds it.
    Approve,
    Allow,
}

/// By the names of permissions.
pub type Powers = BTreeMap<String, Power>;

/// A role as it is held: a built-in one, and what a chain's own changes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub name: String,
    pub base: Role,
    pub powers: Arc<Powers>,
}

impl From<Role> for Held {
    fn from(base: Role) -> Self {
        Self {
            name: base.name().to_owned(),
            base,
            powers: Arc::default(),
        }
    }
}

impl Held {
    /// What it says of a permission itself.
    pub fn says(&self, permission: Permission) -> Option<Power> {
        self.powers.get(permission.name()).copied()
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.power(permission) == Power::Allow
    }

    /// What comes of it, with the built-in role behind it.
    pub fn power(&self, permission: Permission) -> Power {
        let by_base = || match self.base.may(permission) {
            true => Power::Allow,
            false if Permission::APPROVABLE.contains(&permission) => Power::Approve,
            false => Power::Deny,
        };
        self.says(permission).unwrap_or_else(by_base)
    }

    /// Every permission with what comes of it.
    pub fn all(&self) -> Powers {
        let all = Permission::ALL.into_iter();
        all.map(|permission| (permission.name().to_owned(), self.power(permission)))
            .collect()
    }
}

/// The role of that name, built in or the chain's own.
///
/// # Errors
/// When the database cannot be read.
pub async fn named(conn: &mut Conn, name: &str) -> Result<Option<Held>, StoreError> {
    if let Some(role) = Role::parse(name) {
        return Ok(Some(role.into()));
    }
    roles::role(conn, name)
        .await?
        .map(|row| held(&row))
        .transpose()
}

/// A chain's own role as it is held.
///
/// # Errors
/// When what is stored cannot be read.
pub fn held(row: &DefinedRole) -> Result<Held, StoreError> {
    let powers = serde_json::from_str(&row.powers);
    Ok(Held {
        name: row.id.clone(),
        // A role whose base this host does not know holds the least.
        base: Role::parse(&row.base).unwrap_or(Role::Cashier),
        powers: Arc::new(powers.map_err(StoreError::stored("reading a role"))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_says_itself_counts_before_its_base() {
        let powers = [("refund", Power::Deny), ("adjust-points", Power::Allow)];
        let powers = powers.map(|(name, power)| (name.to_owned(), power));
        let trainee = Held {
            name: "trainee".to_owned(),
            base: Role::Cashier,
            powers: Arc::new(powers.into()),
        };
        assert!(trainee.may(Permission::Sell) && trainee.may(Permission::AdjustPoints));
        assert_eq!(trainee.power(Permission::Refund), Power::Deny);
        assert_eq!(trainee.power(Permission::ReverseMovement), Power::Approve);
        assert_eq!(trainee.power(Permission::ManageRules), Power::Deny);
        assert_eq!(trainee.all().len(), Permission::ALL.len());
    }
}
