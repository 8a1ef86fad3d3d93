//! Tiers given by hand, with a reason and an end: while one holds, reviews may raise the member and do not lower him.
//!
//! [`floor_of`] is the one place that says which tier a member keeps whatever reviews say. What was given, by whom and
//! why stands in rows of its own and in the member's history.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::access::Principal;
use crate::cards::day_of;
use crate::checkout::request::MemberReference;
use crate::checkout::situation::{find_member, to_day};
use crate::checkout::{CheckoutError, Intent};
use crate::clock::date_of;
use crate::domain::ledger::Receipt;
use crate::domain::rules::{Ratio, RuleKind};
use crate::domain::tier_floor::TierFloor;
use crate::domain::time::Day;
use crate::host::Host;
use crate::once::{Effect, once};
use crate::profile::{By, Values, note};
use crate::snapshot::{Bound, Place};
use crate::standing::Standing;
use crate::store::members::{KnownMember, Member};
use crate::store::tier_floors::{self, FloorRow};
use crate::store::{self, Conn, StoreError, Tx};
use crate::tier_reviews;
use crate::wallet::{reasonable, replayed};

/// Days a tier may be given for: a hundred years.
const MOST_DAYS: i32 = 36_525;
/// The field of the member's history.
const FIELD: &str = "tier";

/// A tier to be given by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    pub tier: String,
    /// Why, for the record; 1 to 500 characters.
    pub reason: String,
    /// Last business day of the member's home store; none without end.
    pub last_day: Option<Day>,
}

/// The tier a member keeps whatever reviews say, also where its last day is over, with what is above it on the ladders of
/// the tier rules among `bound`.
///
/// # Errors
/// When the database cannot be read.
pub async fn floor_of(
    conn: &mut Conn,
    bound: &[Arc<Bound>],
    member: &Member,
) -> Result<Option<TierFloor>, StoreError> {
    let Some(id) = &member.tier_floor else {
        return Ok(None);
    };
    let row = tier_floors::by_id(conn, id).await?;
    Ok(row.map(|row| TierFloor {
        above: above(bound, &row.tier),
        id: row.id,
        tier: row.tier,
        multiplier: Ratio {
            numerator: row.multiplier_num,
            denominator: row.multiplier_den,
        },
        last_day: row.last_day.map(to_day),
    }))
}

/// Whether a member keeps what he was given by hand rather than a tier something else gives, such as a card.
///
/// # Errors
/// When the database cannot be read.
pub async fn keeps(host: &Host, member: &Member, tier: &str) -> Result<bool, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let Some(place) = snapshot.place(&member.home_store) else {
        return Ok(false);
    };
    let now = host.clock.now();
    let mut conn = host.db.read().await?;
    let floor = floor_of(&mut conn, &snapshot.live_in(&place, now), member).await?;
    let holds = floor.filter(|floor| floor.holds_on(place.day(now)));
    Ok(holds.is_some_and(|floor| !floor.above.iter().any(|above| above == tier)))
}

/// The ladder of a tier rule, lowest first: the codes in the list `tiers` of its configuration.
fn ladder(bound: &Bound) -> Option<Vec<String>> {
    let config: Value = serde_json::from_str(&bound.config.json).ok()?;
    let tiers = config.get("tiers")?.as_array()?;
    let code = |tier: &Value| tier.get("code").unwrap_or(tier).as_str().map(str::to_owned);
    tiers.iter().map(code).collect()
}

fn ladders(bound: &[Arc<Bound>]) -> Vec<Vec<String>> {
    let rules = bound.iter().filter(|bound| bound.kind == RuleKind::Tier);
    rules.filter_map(|bound| ladder(bound)).collect()
}

/// The tiers above one, on the first ladder that names it.
fn above(bound: &[Arc<Bound>], tier: &str) -> Vec<String> {
    let ladders = ladders(bound).into_iter();
    let mut known = ladders.filter_map(|ladder| {
        let place = ladder.iter().position(|code| code == tier)?;
        Some(ladder[place + 1..].to_vec())
    });
    known.next().unwrap_or_default()
}

/// A member who may be given a tier by the caller, and his home store with its rules.
struct Subject {
    known: KnownMember,
    place: Arc<Place>,
    bound: Vec<Arc<Bound>>,
    today: Day,
}

async fn subject(host: &Host, caller: &Principal, member: &str) -> Result<Subject, CheckoutError> {
    let reference = MemberReference::Id(member.to_owned());
    let known = find_member(host, &mut host.db.read().await?, &reference).await?;
    let home = &known.member.home_store;
    caller.require_store(home)?;
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot.place(home);
    let place = place.ok_or_else(|| CheckoutError::StoreUnknown(home.clone()))?;
    let now = host.clock.now();
    let bound = snapshot.live_in(&place, now);
    Ok(Subject {
        today: place.day(now),
        known,
        place,
        bound,
    })
}

/// Gives a member a tier by hand, once per key; answers the id of what was given. It takes the place of one given before.
///
/// # Errors
/// [`CheckoutError::TierUnknown`] where tier rules say which tiers there are and it is none of them,
/// [`CheckoutError::LastDay`] where it would have ended before it began.
pub async fn give(
    host: &Host,
    caller: &Principal,
    member: &str,
    given: ByHand,
    intent: Intent,
) -> Result<Effect, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(before(receipt));
    }
    reasonable(&given.reason)?;
    let subject = subject(host, caller, member).await?;
    let longest = subject.today.plus_days(MOST_DAYS);
    if given
        .last_day
        .is_some_and(|last| last < subject.today || last > longest)
    {
        return Err(CheckoutError::LastDay);
    }
    let ladders = ladders(&subject.bound);
    if !ladders.is_empty() && !ladders.iter().any(|ladder| ladder.contains(&given.tier)) {
        return Err(CheckoutError::TierUnknown(given.tier));
    }
    let multiplier = multiplier(host, &subject, &given.tier).await?;
    let row = FloorRow {
        id: uuid::Uuid::now_v7().to_string(),
        member: subject.known.member.id,
        tier: given.tier,
        multiplier_num: multiplier.numerator,
        multiplier_den: multiplier.denominator,
        reason: given.reason,
        set_by: caller.who().to_owned(),
        set_at: host.clock.now().0,
        last_day: given.last_day.map(|day| day.0.into()),
        before: String::new(),
        ended_at: None,
        ended_by: None,
        ended_why: None,
    };
    let (by, vault, today) = (By::of(host, caller), host.vault.clone(), subject.today);
    let operation = intent.into();
    let done = once(
        host,
        "giving a tier by hand",
        "tier-floor",
        operation,
        move |tx| Box::pin(async move { write(tx, &vault, &by, row, today).await }),
    );
    Ok(done.await?)
}

/// What was done under a key before.
fn before(receipt: Receipt) -> Effect {
    Effect {
        subject: receipt.subject.id,
        replayed: true,
    }
}

/// What the rules multiply the points of who holds a tier by.
async fn multiplier(host: &Host, subject: &Subject, tier: &str) -> Result<Ratio, CheckoutError> {
    let mut known = subject.known.clone();
    known.member.tier = Some(tier.to_owned());
    // Sure for today, so that the rule tells of the tier itself.
    known.member.tier_valid_until = Some(subject.today.0.into());
    let asked = tier_reviews::ask_rules(host, &subject.place, &known, None).await?;
    let decision = asked
        .and_then(|asked| asked.document.tier)
        .map(|outcome| outcome.decision);
    let of_it = decision.filter(|decision| decision.tier.as_deref() == Some(tier));
    Ok(of_it.map_or(
        Ratio {
            numerator: 1,
            denominator: 1,
        },
        |decision| decision.multiplier,
    ))
}

async fn write(
    tx: &mut Tx,
    vault: &crate::vault::Vault,
    by: &By,
    mut row: FloorRow,
    today: Day,
) -> Result<Result<String, CheckoutError>, StoreError> {
    let Some(mut member) = store::members::member(tx, &row.member).await? else {
        return Ok(Err(CheckoutError::MemberUnusable(row.member)));
    };
    let before = Standing::from(&member);
    row.before = match &member.tier_floor {
        Some(former) => {
            let found = tier_floors::by_id(tx, former).await?;
            let still =
                tier_floors::end(tx, former, row.set_at, (&row.set_by, &row.reason)).await?;
            let standing = found.filter(|former| still && holds(former, today));
            standing.map_or_else(|| text(&before), |former| former.before)
        }
        None => text(&before),
    };
    if member.tier.as_ref() != Some(&row.tier) {
        member.tier_since = Some(today.0.into());
    }
    member.tier = Some(row.tier.clone());
    member.tier_valid_until = row.last_day;
    (member.tier_multiplier_num, member.tier_multiplier_den) =
        (row.multiplier_num, row.multiplier_den);
    member.tier_floor = Some(row.id.clone());
    tier_floors::add(tx, &row).await?;
    tier_floors::put_tier(tx, &member).await?;
    let told = json!({ "tier": row.tier, "last_day": shown(row.last_day), "reason": row.reason });
    if let Err(error) = tell(tx, vault, by, (&before, &member), told, "member.tier_given").await? {
        return Ok(Err(error));
    }
    Ok(Ok(row.id))
}

/// The business day of a member's home store.
pub fn today(host: &Host, member: &Member) -> Day {
    day_of(host, &member.home_store, host.clock.now())
}

/// Whether a tier given by hand holds on a day, withdrawn or not.
pub fn holds(row: &FloorRow, today: Day) -> bool {
    row.last_day.is_none_or(|last| i64::from(today.0) <= last)
}

fn text(standing: &Standing) -> String {
    // Numbers and texts alone: this encodes.
    serde_json::to_string(standing).unwrap_or_default()
}

fn shown(day: Option<i64>) -> Option<String> {
    date_of(to_day(day?)).map(|date| date.to_string())
}

/// Writes the change into the member's history and the event log.
async fn tell(
    tx: &mut Tx,
    vault: &crate::vault::Vault,
    by: &By,
    (before, after): (&Standing, &Member),
    told: Value,
    kind: &str,
) -> Result<Result<(), CheckoutError>, StoreError> {
    let values = Values {
        old: json!({ "tier": before.tier, "valid_until": shown(before.valid_until) }),
        new: told.clone(),
    };
    let person = store::persons::person(tx, &after.id).await?;
    let key = person.as_ref().map(|person| person.sealed_key.as_slice());
    let noted = match note(vault, by, &after.id, key, (FIELD, &values)) {
        Ok(noted) => noted,
        Err(error) => return Ok(Err(error.into())),
    };
    store::changes::add(tx, &noted).await?;
    let store = by.store.as_deref();
    // The reason may name a person: it stands in the history, which can be forgotten.
    let event = json!({ "member": after.id, "tier": told["tier"], "last_day": told["last_day"], "by": by.who });
    store::events::add(tx, kind, &after.id, store, by.at, &event.to_string()).await?;
    if before.tier != after.tier {
        let told = json!({ "member": after.id, "from": before.tier, "to": after.tier }).to_string();
        store::events::add(tx, "member.tier_changed", &after.id, store, by.at, &told).await?;
    }
    Ok(Ok(()))
}

/// Withdraws what was given by hand, once per key: the member gets back the tier he had before, unless a review has raised
/// him since.
///
/// # Errors
/// [`CheckoutError::TierNotGiven`] where nothing given by hand holds today.
pub async fn withdraw(
    host: &Host,
    caller: &Principal,
    member: &str,
    reason: &str,
    intent: Intent,
) -> Result<Effect, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(before(receipt));
    }
    reasonable(reason)?;
    let Subject { known, today, .. } = subject(host, caller, member).await?;
    let (id, reason) = (known.member.id, reason.to_owned());
    let (by, vault) = (By::of(host, caller), host.vault.clone());
    let operation = intent.into();
    let done = once(
        host,
        "withdrawing a tier given by hand",
        "tier-floor",
        operation,
        move |tx| Box::pin(async move { take_back(tx, &vault, &by, &id, &reason, today).await }),
    );
    Ok(done.await?)
}

async fn take_back(
    tx: &mut Tx,
    vault: &crate::vault::Vault,
    by: &By,
    member: &str,
    reason: &str,
    today: Day,
) -> Result<Result<String, CheckoutError>, StoreError> {
    let not_given = || CheckoutError::TierNotGiven(member.to_owned());
    let Some(mut member) = store::members::member(tx, member).await? else {
        return Ok(Err(not_given()));
    };
    let row = match &member.tier_floor {
        Some(id) => tier_floors::by_id(tx, id).await?,
        None => None,
    };
    let Some(row) = row.filter(|row| holds(row, today)) else {
        return Ok(Err(not_given()));
    };
    if !tier_floors::end(tx, &row.id, by.at.0, (&by.who, reason)).await? {
        return Ok(Err(not_given()));
    }
    let now = Standing::from(&member);
    let raised = member.tier.as_ref() != Some(&row.tier);
    if !raised {
        let before: Standing = serde_json::from_str(&row.before)
            .map_err(StoreError::stored("reading a tier given by hand"))?;
        before.put_on(&mut member);
    }
    member.tier_floor = None;
    tier_floors::put_tier(tx, &member).await?;
    let told = json!({ "tier": member.tier, "last_day": shown(member.tier_valid_until), "reason": reason });
    if let Err(error) = tell(
        tx,
        vault,
        by,
        (&now, &member),
        told,
        "member.tier_withdrawn",
    )
    .await?
    {
        return Ok(Err(error));
    }
    Ok(Ok(row.id))
}
