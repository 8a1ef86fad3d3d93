//! Use cases around a member's accounts outside a sale: stored value paid in, and points put right by hand. Paying out,
//! giving to others and taking back stand in the files of `wallet/`.

mod bounds;
mod coupons;
mod draw;
mod exchange;
mod plan;
mod reversal;
pub mod sharing;
mod transfer;
mod withdrawal;

pub use bounds::{Freeze, Frozen, freeze, frozen_of};
pub use coupons::{CouponTransfer, Revocation, revoke, transfer_coupon};
pub use draw::{
    Checked, Prize, PrizeDrawRequest, PrizeRequest, check_draw, close_draw, draw, open_draw,
    prizes_of,
};
pub use exchange::{ExchangeRequest, Gives, TAKEN, exchange, owner};
pub use plan::{HAD, PlanGives, owner as plan_owner, read as plan_gives};
pub use reversal::{Reversal, reverse};
pub use transfer::{Transfer, transfer};
pub use withdrawal::{Withdrawal, withdraw};

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::{Permission, Principal};
use crate::approval::{self, Act, Approved};
use crate::checkout::request::{MemberReference, TenderRequest};
use crate::checkout::situation::{find_member, intent as tender_intent, shared_with};
use crate::checkout::{CheckoutError, Intent, outcome, posting};
use crate::commission;
use crate::couponing::made_code;
use crate::domain::basket::{MAX_AMOUNT, TenderIntent};
use crate::domain::commission::CommissionOn;
use crate::domain::ledger::{
    AccountKey, AccountName, Command, DEFAULT_PROGRAM, EventRow, MemberDayRow, NewCoupon, NewLot,
    OnShort, Outcome, Receipt, Record, Step, Subject, points_asset,
};
use crate::domain::order::{GIFTS, TOP_UPS};
use crate::domain::rules::{TenderKind, Trigger};
use crate::domain::time::Day;
use crate::host::Host;
use crate::occasions::{self, Occasion};
use crate::shift;
use crate::snapshot::Place;
use crate::standing::{Raise, Standing};
use crate::store;
use crate::store::members::Member;

/// Money paid into a member's stored value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// The store; a terminal's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Minor units the member pays: his principal.
    pub amount: i64,
    /// Minor units the chain gives on top: his bonus. Needs the permission `adjust-points` or an approval of it.
    #[serde(default)]
    pub bonus: i64,
    /// Last day the bonus can be spent, in days since 1970-01-01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub bonus_expires_on: Option<Day>,
    /// The plan he chose, which says the amount and what comes on top of it; no other bonus goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How he pays: cash, card, mobile or other.
    pub tender: TenderRequest,
    /// The approval, where the caller may not give a bonus alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
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
    /// The approval, where the caller may not do it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// Pays money into a member's stored value.
pub async fn top_up(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: TopUp,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    in_range(request.amount, 1, "/amount")?;
    in_range(request.bonus, 0, "/bonus")?;
    let kind = money_kind(&request.tender)?;
    let member = known(host, member).await?;
    let place = own_place(host, caller, request.store.as_deref())?;
    let act = Act {
        permission: Permission::AdjustPoints,
        subject: &member,
        amount: request.bonus,
    };
    let token = request.approval.as_deref();
    let approved = approval::allowed_above(0, host, caller, act, token)?;
    let planned = match &request.plan {
        Some(plan) => Some(plan::wanted(host, &place, plan, &request).await?),
        None => None,
    };
    let (store, currency) = (&place.store.id, &place.store.currency);
    let key = intent.key.clone();
    let (received, cap) = bounds::received(host, &place, &member).await?;
    let mut movement = Movement::new(host, &place, "top-up", intent);
    let day = movement.command.business_date;
    movement.approved(approved);
    movement.steps([
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
    ]);
    movement.steps(received);
    movement.steps([Step::Counter {
        owner: member.clone(),
        name: bounds::topped_up_on(day, currency),
        change: request.amount,
        limit: cap.top_up_per_day,
        floor: None,
        enforce: true,
    }]);
    if request.bonus > 0 {
        let account = AccountKey::new(&member, AccountName::Bonus, currency);
        movement.issue(account, request.bonus, None, request.bonus_expires_on);
    }
    if let Some(planned) = &planned {
        plan::give(host, &mut movement, &member, planned, &key).await?;
    }
    movement.record(Record::MemberDay(MemberDayRow {
        member: member.clone(),
        day,
        category: TOP_UPS.to_owned(),
        spend: request.amount,
        orders: 0,
        units: 0,
        points: 0,
    }));
    let told = serde_json::json!({
        "member": member, "amount": request.amount, "bonus": request.bonus, "currency": currency,
        "plan": request.plan,
    });
    let on = CommissionOn::TopUp;
    movement.steps(commission::owed_for(caller, &place, on, request.amount)?);
    movement.steps(shift::at_till(host, caller, store));
    movement.event("member.topped_up", &member, caller, told);
    let receipt = movement.submit(host).await?;
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
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok(receipt);
    }
    in_range(request.points.saturating_abs(), 1, "/points")?;
    let member = known(host, member).await?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let act = Act {
        permission: Permission::AdjustPoints,
        subject: &member,
        amount: request.points,
    };
    let approved = approval::allowed(host, caller, act, request.approval.as_deref())?;
    let points = points_asset(DEFAULT_PROGRAM);
    let account = AccountKey::new(&member, AccountName::Points, &points);
    let mut movement = Movement::new(host, &place, "adjustment", intent);
    let (id, day) = (movement.id().to_owned(), movement.command.business_date);
    movement.approved(approved);
    let change = if request.points > 0 {
        Step::Credit {
            account,
            amount: request.points,
            lot: Some(NewLot {
                id: uuid::Uuid::now_v7().to_string(),
                expires_on: request.expires_on,
                available_on: None,
                source: id,
                first_day: None,
            }),
        }
    } else {
        Step::Debit {
            account,
            amount: -request.points,
            on_short: OnShort::Refuse,
        }
    };
    let issued = Step::System {
        name: "points-issued".to_owned(),
        asset: points,
        amount: -request.points,
    };
    movement.steps([change, issued]);
    if request.points > 0 {
        movement.record(Record::MemberDay(MemberDayRow {
            member: member.clone(),
            day,
            category: GIFTS.to_owned(),
            spend: 0,
            orders: 0,
            units: 0,
            points: request.points,
        }));
    }
    let told = serde_json::json!({
        "member": member, "points": request.points, "reason": request.reason,
    });
    movement.event("member.points_adjusted", &member, caller, told);
    movement.submit(host).await
}

/// One change of accounts outside a sale on its way to the ledger.
pub(crate) struct Movement {
    command: Command,
    store: String,
    approved_by: Option<String>,
}

impl Movement {
    pub(crate) fn new(host: &Host, place: &Place, kind: &str, intent: Intent) -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        Self::of(host, place, kind, &id, intent)
    }

    /// One of something that has its id already.
    pub(crate) fn of(host: &Host, place: &Place, kind: &str, id: &str, intent: Intent) -> Self {
        let mut movement = Self::unkeyed(host, place, kind);
        movement.command.subject.id = id.to_owned();
        movement.command.operation = Some(intent.into());
        movement
    }

    /// A change that is the same however often it is asked for.
    pub(crate) fn unkeyed(host: &Host, place: &Place, kind: &str) -> Self {
        let now = host.clock.now();
        let subject = Subject::new(kind, uuid::Uuid::now_v7().to_string());
        let mut command = Command::new(kind, subject, now, place.day(now));
        command.clearing = place.clearing();
        Self {
            command,
            store: place.store.id.clone(),
            approved_by: None,
        }
    }

    /// The business day of its store.
    pub(crate) fn day(&self) -> Day {
        self.command.business_date
    }

    pub(crate) fn id(&self) -> &str {
        &self.command.subject.id
    }

    pub(crate) fn steps(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.command.steps.extend(steps);
    }

    /// Gives a member a new lot, which he can spend from `available_on` through `expires_on`.
    fn issue(
        &mut self,
        account: AccountKey,
        amount: i64,
        available_on: Option<Day>,
        expires_on: Option<Day>,
    ) {
        let issued = Step::System {
            name: account.name.issued().to_owned(),
            asset: account.asset.clone(),
            amount: -amount,
        };
        let lot = NewLot {
            id: uuid::Uuid::now_v7().to_string(),
            expires_on,
            available_on,
            source: self.id().to_owned(),
            first_day: None,
        };
        let credit = Step::Credit {
            account,
            amount,
            lot: Some(lot),
        };
        self.steps([credit, issued]);
    }

    /// Issues the coupon at `position` of those under a key: for its holder alone, to be used once. Answers its code.
    fn coupon(
        &mut self,
        host: &Host,
        (key, position): (&str, u32),
        binding: &str,
        holder: &str,
        expires_on: Option<Day>,
    ) -> String {
        let code = made_code(host, key, position);
        self.steps([Step::IssueCoupon(NewCoupon {
            code: code.clone(),
            campaign: binding.to_owned(),
            holder: Some(holder.to_owned()),
            use_limit: Some(1),
            starts_on: None,
            expires_on,
            transferable: false,
        })]);
        code
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.command.records.push(record);
    }

    /// Makes a tier a member's who was read as he is.
    pub(crate) fn tier(&mut self, member: &Member, tier: &Standing) {
        for record in tier.records(member, &self.store) {
            self.record(record);
        }
    }

    /// Takes a tier back where the member still has it as it was given.
    pub(crate) async fn lower(
        &mut self,
        host: &Host,
        member: &str,
        raise: &Raise,
    ) -> Result<(), CheckoutError> {
        let found = store::members::member(&mut host.db.read().await?, member).await?;
        if let Some(member) = found.filter(|found| raise.given.is_still_of(found)) {
            self.tier(&member, &raise.before);
        }
        Ok(())
    }

    /// Uses an approval up, where one was needed.
    pub(crate) fn approved(&mut self, approved: Option<Approved>) {
        if let Some(approved) = approved {
            self.command.steps.push(approved.step);
            self.approved_by = Some(approved.by);
        }
    }

    /// Says in the events what happened, who did it and who let him.
    pub(crate) fn event(&mut self, kind: &str, subject: &str, caller: &Principal, mut told: Value) {
        told["by"] = caller.who().into();
        if let Some(by) = &self.approved_by {
            told["approved_by"] = by.as_str().into();
        }
        self.record(Record::Event(EventRow {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            store: Some(self.store.clone()),
            payload: told.to_string(),
        }));
    }

    pub(crate) async fn submit(self, host: &Host) -> Result<Receipt, CheckoutError> {
        let receipt = host.writer.submit(self.command).await;
        receipt.map_err(approval::refused)
    }
}

/// What was answered under this key before; the writer itself decides every race.
pub(crate) async fn replayed(
    host: &Host,
    intent: &Intent,
) -> Result<Option<Receipt>, CheckoutError> {
    match outcome(host, intent).await? {
        None => Ok(None),
        Some(Outcome::Refused(refusal)) => Err(approval::refused(refusal)),
        Some(Outcome::Done(receipt)) => Ok(Some(Receipt {
            replayed: true,
            ..receipt
        })),
    }
}

const LONGEST_REASON: usize = 500;

/// Whether a reason says something, and not too much.
pub(crate) fn reasonable(reason: &str) -> Result<(), CheckoutError> {
    match reason.chars().count() {
        1..=LONGEST_REASON => Ok(()),
        _ => Err(CheckoutError::Reason),
    }
}

/// How money changes hands.
pub(crate) fn money_kind(tender: &TenderRequest) -> Result<TenderKind, CheckoutError> {
    match tender_intent((0, tender))? {
        TenderIntent::Money { kind, .. } => Ok(kind),
        _ => Err(CheckoutError::TenderForm("/tender/kind".to_owned())),
    }
}

/// What a member can spend of an account on a day.
async fn held(host: &Host, account: &AccountKey, day: Day) -> Result<i64, CheckoutError> {
    let mut conn = host.db.read().await?;
    if account.name.is_lotted() {
        return Ok(store::lots::spendable(&mut conn, account, day).await?);
    }
    let balances = store::accounts::balances(&mut conn, &account.member).await?;
    let own = balances.iter().find(|balance| balance.account == *account);
    Ok(own.map_or(0, |balance| balance.balance))
}

async fn known(host: &Host, member: &str) -> Result<String, CheckoutError> {
    let mut conn = host.db.read().await?;
    let reference = MemberReference::Id(member.to_owned());
    Ok(find_member(host, &mut conn, &reference).await?.member.id)
}

/// A member who can use his wallet in a store.
async fn known_in(host: &Host, place: &Place, member: &str) -> Result<String, CheckoutError> {
    let mut conn = host.db.read().await?;
    let reference = MemberReference::Id(member.to_owned());
    let known = find_member(host, &mut conn, &reference).await?;
    shared_with(host, place, &known.member.home_store)?;
    Ok(known.member.id)
}

/// The member something goes to, named at a place of the request, who is another than whose it is.
pub(crate) async fn other_than(
    host: &Host,
    giver: &str,
    to: &MemberReference,
    at: &'static str,
) -> Result<String, CheckoutError> {
    let found = find_member(host, &mut host.db.read().await?, to).await;
    let found = found.map_err(|error| match error {
        CheckoutError::MemberUnknown { id, .. } => CheckoutError::MemberUnknown { at, id },
        error => error,
    });
    let to = found?.member.id;
    if to == giver {
        return Err(CheckoutError::ToHimself(at));
    }
    Ok(to)
}

pub(crate) fn own_place(
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
pub(crate) fn any_place(host: &Host) -> Result<Arc<Place>, CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    snapshot
        .places()
        .next()
        .cloned()
        .ok_or(CheckoutError::NoChain)
}

pub(crate) fn in_range(amount: i64, least: i64, pointer: &str) -> Result<(), CheckoutError> {
    if (least..=MAX_AMOUNT).contains(&amount) {
        Ok(())
    } else {
        Err(CheckoutError::Amount(pointer.to_owned()))
    }
}
