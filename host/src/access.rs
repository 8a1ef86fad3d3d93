//! Who is asking and what they may do: keys, staff PINs, roles and permissions.
//!
//! Only hashes are stored, compared in constant time. A key that was just checked is trusted for
//! [`TRUST`] without asking the database again; revoking it at this host forgets it at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, SaltString};
use sha2::{Digest, Sha256};

use crate::host::Host;
use crate::roles::{Held, Power};
use crate::store::keys::ApiKey;
use crate::store::staff::Staff;
use crate::store::{self, StoreError};
use crate::vault::{self, VaultError};

mod permission;

pub use permission::{Permission, Role};

/// How long another host's revocation may stay unnoticed here.
const TRUST: Duration = Duration::from_secs(1);
/// Bound of each cache; it is emptied when full.
const REMEMBERED: usize = 4096;
/// Guesses at pairing codes this host answers in a minute, over all callers.
const WRONG_CODES_PER_MINUTE: u32 = 20;
const PREFIX: &str = "tsk_";

/// A staff member who showed their PIN with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty {
    pub id: String,
    pub role: Held,
    /// Of the record whose PIN was shown.
    pub version: i64,
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The key's public half.
    pub key: String,
    pub role: Role,
    /// The only store the key may act for; none for the whole chain.
    pub store: Option<String>,
    pub terminal: Option<String>,
    pub staff: Option<OnDuty>,
}

/// Why somebody was turned away.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("no valid key was shown; pair the terminal or ask for a key")]
    NoKey,
    #[error("the key was revoked; pair the terminal again")]
    Revoked,
    #[error("the permission `{}` is needed; use a role that holds it", .0.name())]
    Denied(Permission),
    #[error("the permission `{}` is needed, or an approval by somebody who holds it", .permission.name())]
    NeedsApproval {
        permission: Permission,
        subject: String,
        amount: i64,
    },
    #[error("the key may act for store `{0}` only; use a key of the other store")]
    OtherStore(String),
    #[error("the staff PIN is wrong; try again")]
    WrongPin,
    #[error("the staff member is locked; have a manager set a new PIN")]
    Locked,
    #[error("somebody else set the PIN; change it first")]
    PinMustChange,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Principal {
    /// What key and staff member on duty together may. What the role of the person says itself counts before what the key
    /// holds.
    pub fn power(&self, permission: Permission) -> Power {
        let staff = self.staff.as_ref().map(|staff| &staff.role);
        match staff.and_then(|role| role.says(permission)) {
            Some(power) => power,
            None => staff
                .map_or(Power::Deny, |role| role.power(permission))
                .max(Held::from(self.role).power(permission)),
        }
    }

    /// Whether they may without asking anybody.
    pub fn may(&self, permission: Permission) -> bool {
        self.power(permission) == Power::Allow
    }

    /// # Errors
    /// [`AccessError::Denied`] when neither key nor staff member hold it.
    pub fn require(&self, permission: Permission) -> Result<(), AccessError> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(AccessError::Denied(permission))
        }
    }

    /// # Errors
    /// [`AccessError::OtherStore`] when the key is bound to another store.
    pub fn require_store(&self, store: &str) -> Result<(), AccessError> {
        match &self.store {
            Some(own) if own != store => Err(AccessError::OtherStore(own.clone())),
            _ => Ok(()),
        }
    }

    /// Who did it, for the record: the staff member on duty, or the key.
    pub fn who(&self) -> &str {
        self.staff.as_ref().map_or(&self.key, |staff| &staff.id)
    }

    /// The highest role present, key or staff.
    pub fn highest(&self) -> Role {
        self.staff
            .as_ref()
            .map_or(self.role, |staff| staff.role.base.max(self.role))
    }
}

/// A key as its owner holds it; told once.
pub struct FreshKey {
    /// `tsk_<id>_<secret>`.
    pub token: String,
    pub row: ApiKey,
}

/// Makes a key; the caller stores its row.
///
/// # Errors
/// When the system gives no random bytes.
pub fn make_key(
    name: &str,
    role: Role,
    store: Option<String>,
    terminal: Option<String>,
    now: i64,
) -> Result<FreshKey, VaultError> {
    let id = hex::encode(vault::random::<8>()?);
    let secret = hex::encode(vault::random::<32>()?);
    let row = ApiKey {
        hash: Sha256::digest(secret.as_bytes()).to_vec(),
        name: name.to_owned(),
        role: role.name().to_owned(),
        store,
        terminal,
        created_at: now,
        revoked_at: None,
        id: id.clone(),
    };
    Ok(FreshKey {
        token: format!("{PREFIX}{id}_{secret}"),
        row,
    })
}

/// Hashes a PIN with Argon2id; takes tens of milliseconds, so not on a request's thread.
///
/// # Errors
/// When the system gives no random bytes.
pub fn hash_pin(pin: &str) -> Result<String, VaultError> {
    let salt = SaltString::encode_b64(&vault::random::<16>()?).map_err(random_failed)?;
    let hash = Argon2::default()
        .hash_password(pin.as_bytes(), &salt)
        .map_err(random_failed)?;
    Ok(hash.to_string())
}

fn random_failed(error: impl std::fmt::Display) -> VaultError {
    VaultError::Random(error.to_string())
}

/// What was checked lately, so that it need not be checked at every request.
pub struct Recent {
    keys: Mutex<HashMap<String, (Moment, ApiKey)>>,
    /// Staff id → the stored hash a PIN was found right for, and a salted hash of that PIN.
    pins: Mutex<HashMap<String, (String, [u8; 32])>>,
    salt: [u8; 32],
    /// Since when wrong pairing codes are counted, and how many there were.
    wrong_codes: Mutex<Option<(Moment, u32)>>,
    /// Argon2 runs one at a time, so that wrong PINs cannot take the machine's cores and memory.
    pub(crate) hashing: tokio::sync::Semaphore,
}

impl Recent {
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<Self, VaultError> {
        Ok(Self {
            keys: Mutex::default(),
            pins: Mutex::default(),
            salt: vault::random()?,
            wrong_codes: Mutex::default(),
            hashing: tokio::sync::Semaphore::new(1),
        })
    }

    /// Forgets every key, so that a revocation holds from the next request on.
    pub fn forget_keys(&self) {
        lock(&self.keys).clear();
    }

    fn key(&self, id: &str) -> Option<ApiKey> {
        let keys = lock(&self.keys);
        let (at, key) = keys.get(id)?;
        (at.elapsed() < TRUST).then(|| key.clone())
    }

    fn remember_key(&self, key: &ApiKey) {
        let mut keys = lock(&self.keys);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(key.id.clone(), (Moment::now(), key.clone()));
    }

    /// Whether another pairing code may be tried within this minute.
    pub fn may_try_a_code(&self) -> bool {
        lock(&self.wrong_codes).is_none_or(|(since, count)| {
            count < WRONG_CODES_PER_MINUTE || since.elapsed() >= Duration::from_secs(60)
        })
    }

    /// Counts a wrong pairing code.
    pub fn count_wrong_code(&self) {
        let mut wrong = lock(&self.wrong_codes);
        *wrong = match *wrong {
            Some((since, count)) if since.elapsed() < Duration::from_secs(60) => {
                Some((since, count.saturating_add(1)))
            }
            _ => Some((Moment::now(), 1)),
        };
    }

    fn proof(&self, pin: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.salt)
            .chain_update(pin)
            .finalize()
            .into()
    }

    pub(crate) fn knows_pin(&self, staff: &Staff, pin: &str) -> bool {
        let proof = self.proof(pin);
        lock(&self.pins)
            .get(&staff.id)
            .is_some_and(|(hash, known)| *hash == staff.pin_hash && same(known, &proof))
    }

    pub(crate) fn remember_pin(&self, staff: &Staff, pin: &str) {
        let proof = self.proof(pin);
        let mut pins = lock(&self.pins);
        if pins.len() >= REMEMBERED {
            pins.clear();
        }
        pins.insert(staff.id.clone(), (staff.pin_hash.clone(), proof));
    }
}

/// A poisoned cache is still a cache: what is in it was checked.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever owns the data folder of the running process.
fn operator() -> Principal {
    Principal {
        key: "operator".to_owned(),
        role: Role::Admin,
        store: None,
        terminal: None,
        staff: None,
    }
}

/// Compares without telling by its time where the first difference is.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && std::hint::black_box(
            left.iter()
                .zip(right)
                .fold(0, |difference, (a, b)| difference | (a ^ b)),
        ) == 0
}

/// Whose key this is.
///
/// # Errors
/// [`AccessError::NoKey`] for anything that is not a key of this chain, [`AccessError::Revoked`].
pub async fn identify(host: &Host, token: &str) -> Result<Principal, AccessError> {
    if same(host.operator_key().as_bytes(), token.as_bytes()) {
        return Ok(operator());
    }
    let (id, secret) = token
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
        .ok_or(AccessError::NoKey)?;
    if id.len() != 16 || secret.len() != 64 || !token.is_ascii() {
        return Err(AccessError::NoKey);
    }
    let key = match host.recent.key(id) {
        Some(key) => key,
        None => {
            let mut conn = host.db.read().await?;
            let key = store::keys::key(&mut conn, id)
                .await?
                .ok_or(AccessError::NoKey)?;
            host.recent.remember_key(&key);
            key
        }
    };
    if !same(&key.hash, &Sha256::digest(secret.as_bytes())) {
        return Err(AccessError::NoKey);
    }
    if key.revoked_at.is_some() {
        return Err(AccessError::Revoked);
    }
    let role = Role::parse(&key.role).ok_or(AccessError::NoKey)?;
    Ok(Principal {
        key: key.id,
        role,
        store: key.store,
        terminal: key.terminal,
        staff: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::{PasswordHash, PasswordVerifier};

    #[test]
    fn a_role_holds_what_the_role_below_it_holds() {
        assert!(Role::Cashier.may(Permission::Sell));
        assert!(!Role::Cashier.may(Permission::RefundOtherTender));
        assert!(Role::Supervisor.may(Permission::RefundOtherTender));
        assert!(!Role::Manager.may(Permission::InstallPlugins));
        assert!(Role::Admin.may(Permission::InstallPlugins) && Role::Admin.may(Permission::Sell));
    }

    #[test]
    fn a_staff_member_on_duty_adds_their_permissions_to_the_terminals() {
        let mut principal = Principal {
            key: "k".into(),
            role: Role::Cashier,
            store: Some("east".into()),
            terminal: Some("t".into()),
            staff: None,
        };
        assert!(principal.require(Permission::PriceAtTill).is_err());
        principal.staff = Some(OnDuty {
            id: "s".into(),
            role: Role::Supervisor.into(),
            version: 1,
        });
        assert!(principal.require(Permission::PriceAtTill).is_ok());
        assert!(principal.require_store("west").is_err());
    }

    #[test]
    fn only_the_hash_of_a_key_is_in_its_row() {
        let key = make_key("till", Role::Cashier, None, None, 0).unwrap();
        let secret = key.token.rsplit('_').next().unwrap();
        assert_eq!(key.row.hash, Sha256::digest(secret.as_bytes()).to_vec());
        assert!(!format!("{:?}", key.row).contains(secret));
    }

    #[test]
    fn a_pin_is_kept_as_argon2id() {
        let hash = hash_pin("4711").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"4711", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"4712", &parsed).is_err());
    }
}
