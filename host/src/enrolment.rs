//! Becoming a member: the pseudonymous row, the sealed person, a card and a referral code, at once.

use crate::clock;
use crate::domain::attributes::AttributeError;
use crate::domain::ledger::Operation;
use crate::domain::settings::EnrolmentCard;
use crate::domain::time::Instant;
use crate::host::Host;
use crate::occasions;
use crate::once::{Effect, OnceError, once};
use crate::person::Person;
use crate::profile;
use crate::store::cards::Card;
use crate::store::members::Member;
use crate::store::persons::SealedPerson;
use crate::store::{self, StoreError, Tx};
use crate::vault::{self, Vault, VaultError};

/// Letters and digits that are not mistaken for each other when read aloud.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const REFERRAL_CODE_LENGTH: usize = 8;
/// Merges that are followed from a referrer to who he is now.
const MOST_MERGES: usize = 16;

/// What a new member brings.
#[derive(Debug, Clone, Default)]
pub struct Newcomer {
    /// Made here when absent.
    pub id: Option<String>,
    pub home_store: String,
    pub person: Person,
    /// The number of a card handed over; a virtual card is made when absent, where the chain wants one.
    pub card: Option<String>,
    /// The code of whoever recommended the chain.
    pub referral_code: Option<String>,
    /// The staff member or key that enrols him.
    pub enrolled_by: String,
    /// The staff member whose customer he will be.
    pub adviser: Option<String>,
    /// A JSON object, and the only store of whoever sets it.
    pub attributes: String,
    pub set_by_store: Option<String>,
    /// A JSON array of strings.
    pub segments: String,
    /// When it happened; now when absent.
    pub enrolled_at: Option<Instant>,
}

/// Why somebody could not be enrolled, or what is known of him not be changed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    #[error("the store `{0}` is not known; use one of the chain's")]
    StoreUnknown(String),
    #[error("nobody has the referral code `{0}`; check it or enrol without one")]
    ReferralCodeUnknown(String),
    #[error("the member whose referral code was given is not active; enrol without it")]
    ReferrerInactive,
    #[error("the referral code belongs to a person with the same phone number; enrol without it")]
    SelfReferral,
    #[error("the member `{0}` is not known")]
    MemberUnknown(String),
    #[error("the member `{id}` is `{into}` now; change that one")]
    Merged { id: String, into: String },
    #[error("the staff member `{0}` is not known; use one of the chain's")]
    AdviserUnknown(String),
    #[error("the phone number belongs to another member; look them up instead")]
    PhoneTaken { member: String },
    #[error("the e-mail address belongs to another member; look them up instead")]
    EmailTaken { member: String },
    #[error("the card number is in use; take another card")]
    CardTaken,
    #[error("the member id is in use; leave it out")]
    IdTaken,
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error("the operation key was used with another request; use a new key")]
    KeyReused,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OnceError<EnrolmentError>> for EnrolmentError {
    fn from(error: OnceError<EnrolmentError>) -> Self {
        match error {
            OnceError::Reused | OnceError::Before(_) => Self::KeyReused,
            OnceError::Refused(refusal) => refusal,
            OnceError::Store(error) => Self::Store(error),
        }
    }
}

/// Enrols a member once per operation key and answers the member's id.
///
/// # Errors
/// See [`EnrolmentError`]; nothing was written then.
pub async fn enrol(
    host: &Host,
    operation: Operation,
    newcomer: Newcomer,
) -> Result<Effect, EnrolmentError> {
    let rows = Rows::make(host, newcomer).await?;
    let effect = once(host, "enrolling a member", "member", operation, move |tx| {
        Box::pin(async move { rows.write(tx).await })
    })
    .await?;
    // Also where the key was seen before: whoever was stopped between the two goes on here.
    occasions::enrolled(host, &effect.subject).await;
    Ok(effect)
}

/// Whether who brings no card gets a virtual one.
fn wants_card(host: &Host, store: &str) -> bool {
    let place = host
        .snapshots
        .current()
        .and_then(|snapshot| snapshot.place(store));
    place.is_none_or(|place| place.settings.enrolment_card == EnrolmentCard::Virtual)
}

/// Everything an enrolment writes, made before the writer is asked.
struct Rows {
    member: Member,
    person: SealedPerson,
    card: Option<Card>,
    referral_code: Option<String>,
}

impl Rows {
    async fn make(host: &Host, newcomer: Newcomer) -> Result<Self, EnrolmentError> {
        let mut conn = host.db.read().await?;
        let store = store::stores::store(&mut conn, &newcomer.home_store).await?;
        drop(conn);
        let store =
            store.ok_or_else(|| EnrolmentError::StoreUnknown(newcomer.home_store.clone()))?;
        let at = newcomer.enrolled_at.unwrap_or_else(|| host.clock.now());
        let zone = clock::zone(&store.time_zone).unwrap_or(chrono_tz::UTC);
        let day = i64::from(clock::business_day(at, zone).0);
        let id = newcomer
            .id
            .unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let who = (newcomer.set_by_store.as_deref(), store.id.as_str());
        let attributes = profile::settled(host, "{}", &newcomer.attributes, who)?;
        let issued = |number, kind| Card::issued(number, &id, kind, at.0);
        let card = match newcomer.card {
            Some(number) => Some(issued(number, "physical")),
            None if wants_card(host, &store.id) => Some(issued(card_number()?, "virtual")),
            None => None,
        };
        Ok(Self {
            person: sealed(&host.vault, &id, &newcomer.person, None)?,
            card,
            member: Member {
                id,
                status: "active".to_owned(),
                home_store: store.id,
                enrolled_on: day,
                created_at: at.0,
                tier: None,
                tier_since: None,
                tier_valid_until: None,
                tier_multiplier_num: 1,
                tier_multiplier_den: 1,
                orders: 0,
                referral_code: code::<REFERRAL_CODE_LENGTH>()?,
                referred_by: None,
                referred_on: None,
                segments: newcomer.segments,
                attributes,
                enrolled_by: Some(newcomer.enrolled_by),
                adviser: newcomer.adviser,
                merged_into: None,
                tier_floor: None,
                version: 1,
            },
            referral_code: newcomer.referral_code,
        })
    }

    /// Checks what must hold now, then writes; refuses before the first write.
    async fn write(mut self, tx: &mut Tx) -> Result<Result<String, EnrolmentError>, StoreError> {
        if store::members::member(tx, &self.member.id).await?.is_some() {
            return Ok(Err(EnrolmentError::IdTaken));
        }
        if let Some(code) = self.referral_code.take() {
            match self.referrer(tx, code).await? {
                Ok(referrer) => {
                    self.member.referred_on = Some(self.member.enrolled_on);
                    self.member.referred_by = Some(referrer);
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        if let Some(refusal) = taken(tx, &self.person).await? {
            return Ok(Err(refusal));
        }
        if let Some(adviser) = &self.member.adviser
            && store::staff::staff(tx, adviser).await?.is_none()
        {
            return Ok(Err(EnrolmentError::AdviserUnknown(adviser.clone())));
        }
        if let Some(card) = &self.card
            && store::cards::card(tx, &card.number).await?.is_some()
        {
            return Ok(Err(EnrolmentError::CardTaken));
        }
        store::members::create_member(tx, &self.member).await?;
        let marks = profile::searchable(&self.member.attributes)?;
        store::members::index_attributes(tx, &self.member.id, &marks).await?;
        store::persons::put_person(tx, &self.person).await?;
        if let Some(card) = &self.card {
            store::cards::create(tx, card).await?;
        }
        let payload = serde_json::json!({
            "member": self.member.id,
            "home_store": self.member.home_store,
            "referred_by": self.member.referred_by,
            "by": self.member.enrolled_by,
        });
        store::events::add(
            tx,
            "member.enrolled",
            &self.member.id,
            Some(&self.member.home_store),
            Instant(self.member.created_at),
            &payload.to_string(),
        )
        .await?;
        Ok(Ok(self.member.id))
    }

    /// The referrer's id. A newcomer is in nobody's line yet, so a ring cannot close; only a second
    /// membership of the same person must be kept out.
    async fn referrer(
        &self,
        tx: &mut Tx,
        code: String,
    ) -> Result<Result<String, EnrolmentError>, StoreError> {
        let Some(referrer) =
            store::members::member_by_referral_code(tx, &code.to_ascii_uppercase()).await?
        else {
            return Ok(Err(EnrolmentError::ReferralCodeUnknown(code)));
        };
        // Whoever became part of another recommends as him.
        let mut referrer = referrer;
        for _ in 0..MOST_MERGES {
            let Some(into) = &referrer.merged_into else {
                break;
            };
            match store::members::member(tx, into).await? {
                Some(survivor) => referrer = survivor,
                None => break,
            }
        }
        if referrer.status != "active" {
            return Ok(Err(EnrolmentError::ReferrerInactive));
        }
        if let Some(hash) = &self.person.phone_hash
            && store::persons::member_by_phone(tx, hash).await?.as_deref()
                == Some(referrer.id.as_str())
        {
            return Ok(Err(EnrolmentError::SelfReferral));
        }
        Ok(Ok(referrer.id))
    }
}

/// A person as he is stored and found, under the key he has already or a fresh one.
///
/// # Errors
/// When the key does not open, or the system gives no random bytes.
pub fn sealed(
    vault: &Vault,
    member: &str,
    person: &Person,
    key: Option<Vec<u8>>,
) -> Result<SealedPerson, VaultError> {
    let sealed = match key {
        Some(key) => vault.seal_under(member, key, person)?,
        None => vault.seal(member, person)?,
    };
    let phone_hash = person.phone.as_deref().map(|phone| vault.phone_hash(phone));
    let email_hash = person.email.as_deref().map(|email| vault.email_hash(email));
    Ok(SealedPerson {
        member_id: member.to_owned(),
        sealed_key: sealed.key,
        master: sealed.master,
        sealed: sealed.data,
        phone_hash,
        birthday_mark: Some(vault.mark_of(person)),
        email_hash: Some(email_hash.unwrap_or_default()),
        version: 1,
    })
}

/// Whether somebody else has the phone number or the e-mail address.
pub async fn taken(
    tx: &mut Tx,
    person: &SealedPerson,
) -> Result<Option<EnrolmentError>, StoreError> {
    let another = |holder: &String| *holder != person.member_id;
    if let Some(hash) = &person.phone_hash {
        let holder = store::persons::member_by_phone(tx, hash).await?;
        if let Some(member) = holder.filter(another) {
            return Ok(Some(EnrolmentError::PhoneTaken { member }));
        }
    }
    if let Some(hash) = &person.email_hash {
        let holder = store::persons::member_by_email(tx, hash).await?;
        if let Some(member) = holder.filter(another) {
            return Ok(Some(EnrolmentError::EmailTaken { member }));
        }
    }
    Ok(None)
}

/// A fresh card number: 15 random digits, the first of them 9 as no bank card has, and a Luhn digit.
///
/// # Errors
/// When the system gives no random bytes.
pub fn card_number() -> Result<String, VaultError> {
    let bytes = vault::random::<32>()?;
    let mut number = String::from("9");
    // Bytes of 250 and above would make low digits likelier.
    number.extend(
        bytes
            .iter()
            .filter(|byte| **byte < 250)
            .take(14)
            .map(|byte| char::from(b'0' + byte % 10)),
    );
    if number.len() < 15 {
        return Err(VaultError::Random("too few usable bytes".to_owned()));
    }
    let digit = check_digit(&number);
    number.push(digit);
    Ok(number)
}

/// Whether a number is one a card of this chain may carry: 16 to 32 digits with a right check digit.
pub fn is_card_number(number: &str) -> bool {
    (16..=32).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && number.ends_with(check_digit(&number[..number.len() - 1]))
}

/// The Luhn digit of a row of digits.
fn check_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            let doubled = digit * 2;
            if place % 2 == 1 {
                digit
            } else if doubled > 9 {
                doubled - 9
            } else {
                doubled
            }
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// A random code of `N` characters, five bits each.
///
/// # Errors
/// When the system gives no random bytes.
pub fn code<const N: usize>() -> Result<String, VaultError> {
    Ok(spell(&vault::random::<N>()?))
}

/// Bytes as characters that are not mistaken for each other; five bits of each byte count.
pub fn spell(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_carries_its_check_digit() {
        for _ in 0..50 {
            let number = card_number().unwrap();
            assert_eq!(number.len(), 16);
            assert!(is_card_number(&number), "{number}");
            let last = number.pop_digit();
            let wrong = format!("{}{}", &number[..15], (last + 1) % 10);
            assert!(!is_card_number(&wrong), "{wrong}");
        }
        // The example of ISO/IEC 7812: 7992739871 has the check digit 3.
        assert_eq!(check_digit("7992739871"), '3');
    }

    trait Last {
        fn pop_digit(&self) -> u32;
    }

    impl Last for String {
        fn pop_digit(&self) -> u32 {
            self.chars().last().and_then(|c| c.to_digit(10)).unwrap()
        }
    }

    #[test]
    fn codes_avoid_letters_that_are_mistaken_for_digits() {
        let code = code::<64>().unwrap();
        assert!(!code.contains(['0', 'O', '1', 'I']), "{code}");
    }
}
