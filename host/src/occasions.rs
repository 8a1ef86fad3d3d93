//! Rules asked about more than sales: somebody joins, tops up, has his birthday, reaches a tier. Each occasion gives
//! what the rules in force in its store answer, once, by one entry; where they give nothing, nothing is written.
//!
//! An occasion has happened before anybody asks: a rule that fails is left out and told in an event, whatever its
//! binding says, and never stands in the way of an enrolment or a payment.

mod calendar;
mod report;

pub use calendar::round;
pub use report::{Report, Reported, report};

use std::sync::Arc;

use chrono::Datelike as _;

use crate::checkout::campaigns::Reader;
use crate::checkout::codes;
use crate::checkout::review::facts_today;
use crate::checkout::rules::{ask, evaluations};
use crate::checkout::situation::{member_facts, referral, to_day};
use crate::checkout::stored::{self, Evaluation};
use crate::checkout::{CheckoutError, Intent, posting};
use crate::clock::date_of;
use crate::domain::facts::BaseFacts;
use crate::domain::ledger::{
    Command, CounterKey, DEFAULT_PROGRAM, EventRow, MemberDayRow, OccasionRow, Record, Refusal,
    Step, Subject, points_asset,
};
use crate::domain::order::{GIFTS, OrderDocument};
use crate::domain::pricing::{Campaign, Happening, OccasionInput, Priced, occasion};
use crate::domain::rules::{RuleKind, Trigger};
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::snapshot::{Bound, Place, Snapshot};
use crate::store::Conn;
use crate::store::counters;
use crate::store::members::{self, KnownMember, MemberName};

const TIER_REACHED: &str = "tier-reached/";
/// How often an occasion is worked out again because a limit was reached meanwhile.
const TRIES: usize = 8;

/// Something that happened to a member in a store.
#[derive(Debug, Clone)]
pub struct Occasion {
    pub happening: Happening,
    pub member: String,
    pub store: String,
    /// What tells it from every other of this member: it gives something once.
    pub name: String,
    /// Its own money, minor units.
    pub amount: i64,
    /// The order it came from; a full refund of it takes back what this gave.
    pub order: Option<String>,
    /// The business day it falls on; today when absent.
    pub day: Option<Day>,
    /// The key of the request that told of it.
    pub intent: Option<Intent>,
    /// Whether tills go first.
    pub is_bulk: bool,
}

impl Occasion {
    /// An occasion without money.
    pub fn new(happening: Happening, member: &str, store: &str, name: String) -> Self {
        Self {
            happening,
            member: member.to_owned(),
            store: store.to_owned(),
            name,
            amount: 0,
            order: None,
            day: None,
            intent: None,
            is_bulk: false,
        }
    }

    /// An event points rules are asked about.
    pub fn event(trigger: Trigger, member: &str, store: &str, name: String) -> Self {
        Self::new(Happening::Event(trigger), member, store, name)
    }

    /// The counter that lets it happen once, whichever host is first.
    fn once(&self) -> CounterKey {
        (self.member.clone(), counter_of(&self.name))
    }
}

/// The counter of an occasion by its name. That of a tier is by tier and year, whichever order led to it.
fn counter_of(name: &str) -> String {
    let tier = name.strip_prefix(TIER_REACHED);
    let common = tier.and_then(|_| name.rsplit_once('/'));
    format!("occasion/{}", common.map_or(name, |(common, _)| common))
}

/// The counter that lets it happen again once the order it came from is refunded.
pub fn freed(row: &OccasionRow) -> Option<CounterKey> {
    let of_tier = row.name.starts_with(TIER_REACHED);
    of_tier.then(|| (row.member.clone(), counter_of(&row.name)))
}

/// The tier of the occasion that it was reached.
fn tier_of(name: &str) -> Option<&str> {
    // The order, the year, the tier.
    let name = name.strip_prefix(TIER_REACHED)?;
    name.rsplitn(3, '/').nth(2)
}

/// What became of an occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No rule gave anything; what was worked out, where a rule gave no usable answer.
    Nothing(Option<Box<OrderDocument>>),
    /// It gave something now; the id under which it is written.
    Given(String),
    /// It had given something before.
    Before,
}

/// Asks about an occasion that must not fail for it: what goes wrong is told in the log.
pub async fn noted(host: &Host, occasion: Occasion) {
    if let Err(error) = happened(host, &occasion).await {
        let (member, name) = (&occasion.member, &occasion.name);
        tracing::warn!(%member, occasion = %name, %error, "an occasion gave nothing");
    }
}

/// Asks the rules about an occasion and posts what they give.
///
/// # Errors
/// When the store is not known, the database cannot be read, or a limit is fought over for too long.
pub async fn happened(host: &Host, occasion: &Occasion) -> Result<Outcome, CheckoutError> {
    let once = occasion.once();
    for _ in 0..TRIES {
        match attempt(host, occasion, &once).await {
            Err(CheckoutError::Ledger(Refusal::CounterLimit { owner, name, .. }))
                if (&owner, &name) == (&once.0, &once.1) =>
            {
                return Ok(Outcome::Before);
            }
            // It came back whole a moment ago.
            Err(CheckoutError::Ledger(Refusal::OrderRefunded { .. }))
                if occasion.intent.is_none() =>
            {
                return Ok(Outcome::Nothing(None));
            }
            // Somebody else took what was left of a limit: the rules are told and asked again. A key keeps the first
            // answer it got.
            Err(CheckoutError::Ledger(Refusal::CounterLimit { .. }))
                if occasion.intent.is_none() => {}
            other => return other,
        }
    }
    Err(CheckoutError::OrderContended)
}

async fn attempt(
    host: &Host,
    occasion: &Occasion,
    once: &CounterKey,
) -> Result<Outcome, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let place = snapshot
        .place(&occasion.store)
        .ok_or_else(|| CheckoutError::StoreUnknown(occasion.store.clone()))?;
    let now = host.clock.now();
    let mut bound = snapshot.live_in(&place, now);
    bound.retain(|bound| bound.kind == occasion.happening.kind());
    if bound.is_empty() && occasion.intent.is_none() {
        return Ok(Outcome::Nothing(None));
    }
    let (facts, campaigns) = {
        let mut conn = host.db.read().await?;
        if counters::values(&mut conn, std::slice::from_ref(once)).await? != [0] {
            return Ok(Outcome::Before);
        }
        let known = members::known(&mut conn, MemberName::Id(&occasion.member)).await?;
        let Some(known) = known.filter(|known| known.member.status == "active") else {
            return Ok(Outcome::Nothing(None));
        };
        let scale = snapshot.program.scale;
        let mut facts = told(host, &mut conn, &place, occasion, scale, &known, now).await?;
        if !falls_today(occasion, &facts) {
            return Ok(Outcome::Nothing(None));
        }
        let day = facts.order.business_date;
        if occasion.happening == Happening::Joining {
            facts.referral = referral(host, &mut conn, &known.member, day).await?;
            if facts.referral.is_none() {
                return Ok(Outcome::Nothing(None));
            }
        }
        let reader = Reader {
            place: &place,
            day,
            member: Some(&known.member.id),
            referrer: facts.referral.as_ref().map(|of| of.referrer.id.as_str()),
        };
        let campaigns = reader.campaigns(&mut conn, &bound, &[]).await?;
        (facts, campaigns)
    };
    let (priced, asked) = answered(host, &place, occasion, facts, bound, campaigns).await?;
    post(host, &snapshot, &place, occasion, once, priced, &asked).await
}

/// What rules are told of the member on the day of the occasion.
async fn told(
    host: &Host,
    conn: &mut Conn,
    place: &Place,
    occasion: &Occasion,
    points_scale: u8,
    known: &KnownMember,
    now: Instant,
) -> Result<BaseFacts, CheckoutError> {
    let day = occasion.day.unwrap_or_else(|| place.day(now));
    let (member, own_tier) = member_facts(host, conn, known, day).await?;
    let mut facts = facts_today(place, points_scale, member, now);
    facts.own_tier = own_tier;
    facts.order.business_date = day;
    facts.tier_since = known.member.tier_since.map(to_day);
    facts.tier_valid_until = known.member.tier_valid_until.map(to_day);
    Ok(facts)
}

/// A birthday was looked up by a mark other days share, an anniversary is in a later year, and a tier that was reached is
/// still held.
fn falls_today(occasion: &Occasion, facts: &BaseFacts) -> bool {
    let Some(member) = &facts.member else {
        return false;
    };
    match occasion.happening {
        Happening::Event(Trigger::Birthday) => member.is_birthday,
        Happening::Event(Trigger::Anniversary) => member.enrolled_on < facts.order.business_date,
        Happening::Event(Trigger::TierReached) => {
            let own = facts.own_tier().and_then(|own| own.tier);
            tier_of(&occasion.name) == own.as_deref()
        }
        _ => true,
    }
}

async fn answered(
    host: &Host,
    place: &Arc<Place>,
    asked: &Occasion,
    facts: BaseFacts,
    bound: Vec<Arc<Bound>>,
    campaigns: Vec<Campaign>,
) -> Result<(Priced, Vec<Evaluation>), CheckoutError> {
    let (place, happening, amount) = (Arc::clone(place), asked.happening, asked.amount);
    let (outcome, runs) = ask(host, bound.clone(), move |rules| {
        let input = OccasionInput {
            settings: &place.settings,
            happening,
            facts: &facts,
            amount,
            campaigns: &campaigns,
        };
        occasion(&input, rules)
    })
    .await?;
    let mut priced = outcome?;
    let calls = std::mem::take(&mut priced.calls);
    Ok((priced, evaluations(calls, runs, &bound)?))
}

/// Whether anything comes of it.
fn gives(document: &OrderDocument) -> bool {
    let rewards = document.referral.iter().flat_map(|of| &of.rewards);
    rewards.count() + document.awards.len() + document.grants.len() + document.counters.len() > 0
}

async fn post(
    host: &Host,
    snapshot: &Snapshot,
    place: &Place,
    occasion: &Occasion,
    once: &CounterKey,
    priced: Priced,
    asked: &[Evaluation],
) -> Result<Outcome, CheckoutError> {
    let Priced {
        mut document,
        facts,
        ..
    } = priced;
    let (now, today) = (host.clock.now(), place.day(host.clock.now()));
    codes::find_honouring(&mut document, snapshot, place, now);
    document.assign_lots(&mut || uuid::Uuid::now_v7().to_string());
    document.assign_codes(stored::receipt_code)?;
    let id = uuid::Uuid::now_v7().to_string();
    let mut command = Command::new("occasion", Subject::new("occasion", &id), now, today);
    command.records = skipped(occasion, &document).collect();
    let gives = gives(&document);
    // Where a rule failed and nothing is given, nothing is done under the key: once the rule is mended, the same
    // report may be sent again.
    if gives || command.records.is_empty() {
        command.operation = occasion.intent.clone().map(Into::into);
    }
    if gives {
        command.steps.push(Step::Counter {
            owner: once.0.clone(),
            name: once.1.clone(),
            change: 1,
            limit: Some(1),
            floor: Some(0),
            enforce: true,
        });
        let order = occasion.order.clone();
        command
            .steps
            .extend(order.map(|order| Step::OrderStands { order }));
        let points = points_asset(DEFAULT_PROGRAM);
        command
            .steps
            .extend(posting::given(&id, &document, 0, today, &points)?);
        command
            .records
            .extend(written(&id, occasion, &document, &facts, asked, now)?);
    }
    let failed = !gives && !command.records.is_empty();
    if !gives && !failed && command.operation.is_none() {
        return Ok(Outcome::Nothing(None));
    }
    let receipt = if occasion.is_bulk {
        host.writer.submit_bulk(command).await?
    } else {
        host.writer.submit(command).await?
    };
    Ok(match gives {
        _ if receipt.replayed => Outcome::Before,
        true => Outcome::Given(id),
        false => Outcome::Nothing(failed.then(|| Box::new(document))),
    })
}

/// The rows that tell of an occasion.
fn written(
    id: &str,
    occasion: &Occasion,
    document: &OrderDocument,
    facts: &BaseFacts,
    asked: &[Evaluation],
    now: Instant,
) -> Result<Vec<Record>, CheckoutError> {
    let mut records = vec![Record::Occasion(Box::new(OccasionRow {
        id: id.to_owned(),
        member: occasion.member.clone(),
        name: occasion.name.clone(),
        kind: occasion.happening.name().to_owned(),
        store: occasion.store.clone(),
        order: occasion.order.clone(),
        occurred_at: now,
        business_date: document.business_date,
        doc: stored::pack(document)?,
        facts: stored::pack(facts)?,
    }))];
    let asked = stored::evaluation_rows(id, asked)?;
    let asked = asked.into_iter();
    records.extend(asked.map(|row| Record::Evaluation(Box::new(row))));
    records.extend(crate::checkout::draws(id, document));
    records.extend(given(document));
    let rewards = document.referral.iter().flat_map(|of| &of.rewards);
    let payload = serde_json::json!({
        "occasion": id,
        "kind": occasion.happening.name(),
        "member": occasion.member,
        "points": document.totals.points_earned,
        "rewards": rewards.count(),
        "grants": document.grants.len(),
    });
    records.push(Record::Event(EventRow {
        kind: "occasion.rewarded".to_owned(),
        subject: id.to_owned(),
        store: Some(occasion.store.clone()),
        payload: payload.to_string(),
    }));
    Ok(records)
}

/// What members were given on the day: it keeps their points alive.
fn given(document: &OrderDocument) -> impl Iterator<Item = Record> {
    let own = document.awards.iter().map(|award| award.points);
    let own = document.member.iter().zip(own.reduce(i64::saturating_add));
    let rewards = document.referral.iter().flat_map(|of| &of.rewards);
    let rewards = rewards.map(|reward| (&reward.member, reward.points));
    own.chain(rewards).map(|(member, points)| {
        Record::MemberDay(MemberDayRow {
            member: member.clone(),
            day: document.business_date,
            category: GIFTS.to_owned(),
            spend: 0,
            orders: 0,
            units: 0,
            points,
        })
    })
}

/// One event for each rule that gave no usable answer; a limit that is used up is none.
fn skipped<'a>(
    occasion: &'a Occasion,
    document: &'a OrderDocument,
) -> impl Iterator<Item = Record> + 'a {
    document.faults().map(|skipped| {
        let campaign = document.campaigns.get(skipped.campaign as usize);
        let payload = serde_json::json!({
            "kind": occasion.happening.name(),
            "member": occasion.member,
            "binding": campaign.map(|campaign| &campaign.binding),
            "fault": skipped.fault,
            "message": skipped.message,
        });
        Record::Event(EventRow {
            kind: "occasion.rule_skipped".to_owned(),
            subject: occasion.member.clone(),
            store: Some(occasion.store.clone()),
            payload: payload.to_string(),
        })
    })
}

/// A new member: what his joining earns him, what it pays to both sides of a referral, and what it earns who brought
/// him. His birthday may be today. Who enrolled days ago (an import, a key sent again late) is not asked about.
pub async fn enrolled(host: &Host, member: &str) {
    let Some(snapshot) = host.snapshots.current() else {
        return;
    };
    let asked = |bound: &Arc<Bound>| matches!(bound.kind, RuleKind::Points | RuleKind::Referral);
    if !snapshot.rules.iter().any(asked) {
        return;
    }
    let found = match host.db.read().await {
        Ok(mut conn) => members::member(&mut conn, member).await,
        Err(error) => Err(error),
    };
    let newcomer = match found {
        Ok(Some(newcomer)) => newcomer,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%member, %error, "a new member was not asked about");
            return;
        }
    };
    let Some(place) = snapshot.place(&newcomer.home_store) else {
        return;
    };
    let today = place.day(host.clock.now());
    if to_day(newcomer.enrolled_on).plus_days(1) < today {
        return;
    }
    let store = &newcomer.home_store;
    let event = |trigger, name: &str| Occasion::event(trigger, member, store, name.to_owned());
    noted(host, event(Trigger::Enrolment, "enrolment")).await;
    if let Some(referrer) = &newcomer.referred_by {
        let joining = Occasion::new(Happening::Joining, member, store, "joining".to_owned());
        noted(host, joining).await;
        let name = format!("referral/{member}");
        let referral = Occasion::event(Trigger::Referral, referrer, store, name);
        noted(host, referral).await;
    }
    if let Some(date) = date_of(today) {
        let name = format!("birthday/{}", date.year());
        noted(host, event(Trigger::Birthday, &name)).await;
    }
}

/// A member who holds a higher tier because of an order. A tier gives once in a calendar year: of orders quoted side by
/// side one, and not again to who falls and rises.
pub async fn tier_reached(
    host: &Host,
    member: &str,
    tier: &str,
    document: &OrderDocument,
    order: &str,
) {
    let year = date_of(document.business_date).map_or(0, |date| date.year());
    let name = format!("{TIER_REACHED}{tier}/{year}/{order}");
    let store = &document.store;
    let occasion = Occasion {
        order: Some(order.to_owned()),
        ..Occasion::event(Trigger::TierReached, member, store, name)
    };
    noted(host, occasion).await;
}
