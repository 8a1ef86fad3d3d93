//! Tiers reviewed without a sale: every night those that ran out and those of members who bought something, and whenever somebody asks why a member is where he is.
//!
//! A round a day, a page of members at a time. A review that changes something is an occasion of the member, with what the
//! rules were told and answered; one that changes nothing writes nothing.

use std::sync::Arc;

use crate::checkout::campaigns::{Reader, first_day};
use crate::checkout::review::facts_today;
use crate::checkout::rules::{ask, evaluations};
use crate::checkout::situation::{member_facts, to_day};
use crate::checkout::stored::{self, Evaluation};
use crate::checkout::{CheckoutError, tier};
use crate::clock::date_of;
use crate::domain::facts::BaseFacts;
use crate::domain::ledger::{Command, OccasionRow, Record, Step, Subject};
use crate::domain::order::{OrderDocument, TierOutcome};
use crate::domain::pricing::{Happening, OccasionInput, ReviewInput, occasion, review_tier};
use crate::domain::rules::{Occasion, RuleKind, Trigger};
use crate::domain::tier_floor::TierFloor;
use crate::domain::time::Day;
use crate::host::Host;
use crate::rounds::Daily;
use crate::snapshot::{Place, Snapshot};
use crate::store::members::{self, KnownMember, MemberName};
use crate::store::tier_floors as given;
use crate::tier_floors::floor_of;

/// Members of one page.
const PAGE: i64 = 200;
/// Pages of one round of the jobs; the next one goes on.
const PAGES: usize = 4;
const JOB: &str = "tier-review";

/// What the tier rules of a store say of a member today, as a document without lines.
pub struct Reviewed {
    pub document: OrderDocument,
    pub facts: BaseFacts,
    pub evaluations: Vec<Evaluation>,
}

/// Asks the tier rules live in a store about a member; none where there is no such rule.
///
/// # Errors
/// When the database cannot be read.
pub async fn ask_rules(
    host: &Host,
    place: &Arc<Place>,
    known: &KnownMember,
    floor: Option<TierFloor>,
) -> Result<Option<Reviewed>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let now = host.clock.now();
    let mut bound = snapshot.live_in(place, now);
    bound.retain(|bound| bound.kind == RuleKind::Tier);
    if bound.is_empty() {
        return Ok(None);
    }
    let (today, scale) = (place.day(now), snapshot.program.scale);
    let member = &known.member;
    let mut conn = host.db.read().await?;
    let (shown, own_tier) = member_facts(host, &mut conn, known, today).await?;
    let facts = BaseFacts {
        tier_since: member.tier_since.map(to_day),
        tier_valid_until: member.tier_valid_until.map(to_day),
        own_tier,
        ..facts_today(place, scale, shown, now)
    };
    let reader = Reader {
        place,
        day: today,
        member: Some(&member.id),
        referrer: None,
    };
    let campaigns = reader.campaigns(&mut conn, &bound, &[]).await?;
    drop(conn);
    let place = Arc::clone(place);
    let (outcome, runs) = ask(host, bound.clone(), move |rules| {
        let reviewed = review_tier(
            &ReviewInput {
                occasion: Occasion::Review,
                facts: &facts,
                today,
                campaigns: &campaigns,
                change: &[],
                day: today,
                first_day,
                floor: floor.as_ref(),
            },
            rules,
        )?;
        let nothing = OccasionInput {
            settings: &place.settings,
            happening: Happening::Event(Trigger::Manual),
            facts: &facts,
            amount: 0,
            campaigns: &[],
        };
        let mut priced = occasion(&nothing, rules)?;
        let before = facts.own_tier().and_then(|own| own.tier);
        priced.document.tier = reviewed.decided.map(|(campaign, decision)| {
            let campaign = campaigns[campaign].campaign.clone();
            priced.document.campaigns.push(campaign);
            TierOutcome {
                campaign: 0,
                before,
                decision,
                floor,
            }
        });
        Ok::<_, CheckoutError>((priced.document, facts, reviewed.calls))
    })
    .await?;
    let (document, facts, calls) = outcome?;
    Ok(Some(Reviewed {
        document,
        facts,
        evaluations: evaluations(calls, runs, &bound)?,
    }))
}

/// A member, his home store, and what its tier rules say of him today.
pub struct Explained {
    pub known: KnownMember,
    /// None where no rule answers, or the member's store is not known.
    pub reviewed: Option<Reviewed>,
}

/// Why a member has the tier he has, and what is missing for the next.
///
/// # Errors
/// [`CheckoutError::MemberUnknown`], or when the database cannot be read.
pub async fn explain(host: &Host, member: &str) -> Result<Explained, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let mut conn = host.db.read().await?;
    let known = members::known(&mut conn, MemberName::Id(member)).await?;
    let known = known.ok_or_else(|| CheckoutError::MemberUnknown {
        at: "/id",
        id: member.to_owned(),
    })?;
    let Some(place) = snapshot.place(&known.member.home_store) else {
        return Ok(Explained {
            known,
            reviewed: None,
        });
    };
    let bound = snapshot.live_in(&place, host.clock.now());
    let floor = floor_of(&mut conn, &bound, &known.member).await?;
    drop(conn);
    let reviewed = ask_rules(host, &place, &known, floor).await?;
    Ok(Explained { known, reviewed })
}

/// Goes on with the round of `today`, which must have begun in every store; answers how many tiers changed.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Arc<Host>, today: Day, lease: &Step) -> Result<usize, CheckoutError> {
    let snapshot = host.snapshots.current();
    let has_rule = |snapshot: Arc<Snapshot>| {
        snapshot
            .rules
            .iter()
            .any(|bound| bound.kind == RuleKind::Tier)
    };
    if !snapshot.is_some_and(has_rule) {
        return Ok(0);
    }
    let Some(daily) = Daily::of(host, JOB, today).await? else {
        return Ok(0);
    };
    // A round looks at what was bought since the one before it, and remembers when that was.
    let yesterday = i64::from(today.0) - 1;
    let (from, mut after) = match place(&daily.after) {
        Some((from, after)) => (from, after.to_owned()),
        None => (daily.before.unwrap_or(yesterday), String::new()),
    };
    let mut changed = 0;
    for _ in 0..PAGES {
        let members = {
            let mut conn = host.db.read().await?;
            given::to_review(&mut conn, (from, today.0.into()), &after, PAGE).await?
        };
        for member in &members {
            changed += usize::from(review(host, member, lease).await?);
        }
        let done = (members.len() as i64) < PAGE;
        after = members.last().cloned().unwrap_or(after);
        daily.note(host, format!("{from}/{after}"), done).await?;
        if done {
            break;
        }
    }
    Ok(changed)
}

/// The first day a round looks at, and the member it goes on after.
fn place(after: &str) -> Option<(i64, &str)> {
    let (from, after) = after.split_once('/')?;
    Some((from.parse().ok()?, after))
}

/// Reviews a member; answers whether anything of it changed.
async fn review(host: &Host, member: &str, lease: &Step) -> Result<bool, CheckoutError> {
    let Explained { known, reviewed } = explain(host, member).await?;
    let (Some(reviewed), member) = (reviewed, known.member) else {
        return Ok(false);
    };
    let Reviewed {
        document,
        facts,
        evaluations,
    } = reviewed;
    let (today, store) = (document.business_date, &document.store);
    let Some(outcome) = &document.tier else {
        return Ok(false);
    };
    let records = tier::records(&member.id, store, &facts, outcome, today);
    if records.is_empty() {
        return Ok(false);
    }
    let id = uuid::Uuid::now_v7().to_string();
    let now = host.clock.now();
    let mut command = Command::new(JOB, Subject::new("occasion", &id), now, today);
    command.steps.push(lease.clone());
    command.records = records;
    let date = date_of(today).map_or_else(String::new, |date| date.to_string());
    command.records.push(Record::Occasion(Box::new(OccasionRow {
        id: id.clone(),
        member: member.id,
        name: format!("{JOB}/{date}"),
        kind: JOB.to_owned(),
        store: store.clone(),
        order: None,
        occurred_at: now,
        business_date: today,
        doc: stored::pack(&document)?,
        facts: stored::pack(&facts)?,
    })));
    let asked = stored::evaluation_rows(&id, &evaluations)?.into_iter();
    let asked = asked.map(|row| Record::Evaluation(Box::new(row)));
    command.records.extend(asked);
    host.writer.submit_bulk(command).await?;
    Ok(true)
}
