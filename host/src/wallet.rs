//! Use cases around a member's accounts outside a sale: stored value paid in, and points put right by hand.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Principal;
use crate::checkout::request::{MemberReference, TenderRequest};
use crate::checkout::situation::{find_member, intent as tender_intent};
use crate::checkout::{CheckoutError, Intent, posting};
use crate::domain::basket::{MAX_AMOUNT, TenderIntent};
use crate::domain::ledger::{
    AccountKey, AccountName, Command, DEFAULT_PROGRAM, EventRow, MemberDayRow, NewLot, OnShort,
    Receipt, Record, Step, Subject, points_asset,
};
use crate::domain::order::{GIFTS, TOP_UPS};
use crate::domain::rules::Trigger;
use crate::domain::time::Day;
use crate::host::Host;
use crate::occasions::{self, Occasion};
use crate::snapshot::Place;

/// Money paid into a member's stored value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// The store; a terminal's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Minor units the member pays: his principal.
    pub amount: i64,
    /// Minor units the chain gives on top: his bonus. Needs the permission `adjust-points`.
    #[serde(default)]
    pub bonus: i64,
    /// Last day the bonus can be spent, in days since 1970-01-01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub bonus_expires_on: Option<Day>,
    /// How he pays: cash, card, mobile or other.
    pub tender: TenderRequest,
}

/// Points given or taken by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// At the program's scale; negative takes away.
    pub points: i64,
    /// Why, for the record.
    pub reason: String,
    /// Last day given points can be spent, in days since 1970-01-01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub expires_on: Option<Day>,
}

/// Pays money into a member's stored value.
pub async fn top_up(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: TopUp,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    in_range(request.amount, 1, "/amount")?;
    in_range(request.bonus, 0, "/bonus")?;
    if request.bonus > 0 {
        caller.require(crate::access::Permission::AdjustPoints)?;
    }
    let TenderIntent::Money { kind, .. } = tender_intent((0, &request.tender))? else {
        return Err(CheckoutError::TenderForm("/tender/kind".to_owned()));
    };
    let member = known(host, member).await?;
    let place = own_place(host, caller, request.store.as_deref())?;
    let store = &place.store.id;
    let currency = &place.store.currency;
    let now = host.clock.now();
    let id = uuid::Uuid::now_v7().to_string();
    let mut command = Command::new("top-up", Subject::new("top-up", &id), now, place.day(now));
    command.operation = Some(intent.into());
    command.steps = vec![
        Step::Credit {
            account: AccountKey::new(&member, AccountName::Principal, currency),
            amount: request.amount,
            lot: None,
        },
        Step::System {
            name: format!("tender/{}/{store}", posting::kind_name(kind)),
            asset: currency.clone(),
            amount: -request.amount,
        },
    ];
    if request.bonus > 0 {
        command.steps.push(Step::Credit {
            account: AccountKey::new(&member, AccountName::Bonus, currency),
            amount: request.bonus,
            lot: Some(NewLot {
                id: uuid::Uuid::now_v7().to_string(),
                expires_on: request.bonus_expires_on,
                available_on: None,
                source: id.clone(),
            }),
        });
        command.steps.push(Step::System {
            name: "bonus-issued".to_owned(),
            asset: currency.clone(),
            amount: -request.bonus,
        });
    }
    let payload = serde_json::json!({
        "member": member, "amount": request.amount, "bonus": request.bonus, "currency": currency,
    });
    command.records.push(Record::MemberDay(MemberDayRow {
        member: member.clone(),
        day: command.business_date,
        category: TOP_UPS.to_owned(),
        spend: request.amount,
        orders: 0,
        units: 0,
        points: 0,
    }));
    command.records.push(Record::Event(EventRow {
        kind: "member.topped_up".to_owned(),
        subject: member.clone(),
        store: Some(store.clone()),
        payload: payload.to_string(),
    }));
    let receipt = host.writer.submit(command).await?;
    let name = format!("top-up/{}", receipt.subject.id);
    let earning = Occasion {
        amount: request.amount,
        ..Occasion::event(Trigger::TopUp, &member, store, name)
    };
    occasions::noted(host, earning).await;
    Ok(receipt)
}

/// Gives or takes points by hand.
pub async fn adjust(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: Adjustment,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    in_range(request.points.saturating_abs(), 1, "/points")?;
    let member = known(host, member).await?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let now = host.clock.now();
    let points = points_asset(DEFAULT_PROGRAM);
    let id = uuid::Uuid::now_v7().to_string();
    let account = AccountKey::new(&member, AccountName::Points, &points);
    let mut command = Command::new(
        "adjustment",
        Subject::new("adjustment", &id),
        now,
        place.day(now),
    );
    command.operation = Some(intent.into());
    command.steps.push(if request.points > 0 {
        Step::Credit {
            account,
            amount: request.points,
            lot: Some(NewLot {
                id: uuid::Uuid::now_v7().to_string(),
                expires_on: request.expires_on,
                available_on: None,
                source: id.clone(),
            }),
        }
    } else {
        Step::Debit {
            account,
            amount: -request.points,
            on_short: OnShort::Refuse,
        }
    });
    command.steps.push(Step::System {
        name: "points-issued".to_owned(),
        asset: points,
        amount: -request.points,
    });
    if request.points > 0 {
        command.records.push(Record::MemberDay(MemberDayRow {
            member: member.clone(),
            day: command.business_date,
            category: GIFTS.to_owned(),
            spend: 0,
            orders: 0,
            units: 0,
            points: request.points,
        }));
    }
    let payload = serde_json::json!({
        "member": member, "points": request.points, "reason": request.reason,
        "by": caller.staff.as_ref().map_or(&caller.key, |staff| &staff.id),
    });
    command.records.push(Record::Event(EventRow {
        kind: "member.points_adjusted".to_owned(),
        subject: member,
        store: None,
        payload: payload.to_string(),
    }));
    Ok(host.writer.submit(command).await?)
}

async fn known(host: &Host, member: &str) -> Result<String, CheckoutError> {
    let mut conn = host.db.read().await?;
    let reference = MemberReference::Id(member.to_owned());
    Ok(find_member(host, &mut conn, &reference).await?.member.id)
}

fn own_place(
    host: &Host,
    caller: &Principal,
    store: Option<&str>,
) -> Result<Arc<Place>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    let store = store
        .or(caller.store.as_deref())
        .ok_or(CheckoutError::StoreMissing)?;
    caller.require_store(store)?;
    snapshot
        .place(store)
        .ok_or_else(|| CheckoutError::StoreUnknown(store.to_owned()))
}

/// Any store, for an event whose day is the chain's and not a store's.
fn any_place(host: &Host) -> Result<Arc<Place>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    snapshot
        .places()
        .next()
        .cloned()
        .ok_or(CheckoutError::NoChain)
}

fn in_range(amount: i64, least: i64, pointer: &str) -> Result<(), CheckoutError> {
    if (least..=MAX_AMOUNT).contains(&amount) {
        Ok(())
    } else {
        Err(CheckoutError::Amount(pointer.to_owned()))
    }
}
