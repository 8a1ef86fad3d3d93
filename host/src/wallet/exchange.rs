//! Points exchanged for goods, coupons or bonus. How many pieces there are is a limit of the ledger.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Movement, known_in, own_place, replayed};
use crate::access::Principal;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::ledger::{
    AccountKey, AccountName, DEFAULT_PROGRAM, ExchangeRow, OnShort, Receipt, Record, Step,
    points_asset,
};
use crate::host::Host;
use crate::store::rewards::Exchange;
use crate::store::{self, StoreError};

/// Pieces of one exchange.
const MOST: i64 = 100;

/// What a member gets for points, a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Gives {
    /// Something to take home.
    Goods {
        /// Product id.
        product: String,
    },
    /// A coupon only he can use, once.
    Coupon {
        /// The binding that honours it.
        binding: String,
        /// Days it can be used, the day of the exchange included; without end when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u16>,
    },
    /// Stored value, as bonus in the store's currency.
    Bonus {
        /// Minor units.
        amount: i64,
        /// Days it can be spent, the day of the exchange included; without end when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u16>,
    },
}

/// Points to exchange.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// The store; a terminal's own when absent.
    #[serde(default)]
    pub store: Option<String>,
    /// Reward id.
    pub reward: String,
    /// Pieces, 1 to 100.
    #[serde(default = "one")]
    pub quantity: i64,
}

fn one() -> i64 {
    1
}

/// Whose count of pieces taken a reward is.
pub fn owner(reward: &str) -> String {
    format!("reward/{reward}")
}

/// Counts the pieces of a reward that were taken.
pub const TAKEN: &str = "taken";

/// Takes the points and gives the reward; answers what is written of it.
pub async fn exchange(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: ExchangeRequest,
    intent: Intent,
) -> Result<(Exchange, Receipt), CheckoutError> {
    if let Some(receipt) = replayed(host, &intent).await? {
        return Ok((written(host, &receipt.subject.id).await?, receipt));
    }
    if !(1..=MOST).contains(&request.quantity) {
        return Err(CheckoutError::Amount("/quantity".to_owned()));
    }
    let place = own_place(host, caller, request.store.as_deref())?;
    let member = known_in(host, &place, member).await?;
    let reward = store::rewards::reward(&mut host.db.read().await?, &request.reward).await?;
    let reward = reward
        .filter(|reward| reward.active)
        .ok_or_else(|| CheckoutError::RewardUnknown(request.reward.clone()))?;
    let gives: Gives = serde_json::from_str(&reward.gives)
        .map_err(StoreError::stored("reading what a reward gives"))?;
    let quantity = u32::try_from(request.quantity).unwrap_or(0);
    let points = reward.points.checked_mul(request.quantity);
    let points = points.ok_or(tessera_money::Overflow)?;
    let (store, asset) = (&place.store.id, points_asset(DEFAULT_PROGRAM));
    let key = intent.key.clone();
    let mut movement = Movement::new(host, &place, "exchange", intent);
    let id = movement.id().to_owned();
    movement.steps([
        Step::Counter {
            owner: owner(&reward.id),
            name: TAKEN.to_owned(),
            change: request.quantity,
            limit: reward.stock,
            floor: None,
            enforce: true,
        },
        Step::Debit {
            account: AccountKey::new(&member, AccountName::Points, &asset),
            amount: points,
            on_short: OnShort::Refuse,
        },
        Step::System {
            name: format!("exchanged/{store}"),
            asset,
            amount: points,
        },
    ]);
    let currency = &place.store.currency;
    let codes = give(
        host,
        &mut movement,
        &gives,
        quantity,
        (&member, currency),
        &key,
    )?;
    let told = serde_json::json!({
        "exchange": id, "reward": reward.id, "quantity": request.quantity, "points": points,
    });
    movement.record(Record::Exchange(Box::new(ExchangeRow {
        id,
        member: member.clone(),
        reward: reward.id,
        quantity: request.quantity,
        points,
        codes: serde_json::to_string(&codes)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        store: store.clone(),
    })));
    movement.event("member.exchanged_points", &member, caller, told);
    let receipt = movement.submit(host).await?;
    Ok((written(host, &receipt.subject.id).await?, receipt))
}

/// Adds pieces of something to a movement; answers the codes of the coupons among them.
pub(super) fn give(
    host: &Host,
    movement: &mut Movement,
    gives: &Gives,
    pieces: u32,
    (member, currency): (&str, &str),
    key: &str,
) -> Result<Vec<String>, CheckoutError> {
    let today = movement.command.business_date;
    let last = |days: Option<u16>| days.map(|days| today.plus_days(i32::from(days) - 1));
    match gives {
        Gives::Goods { .. } => Ok(Vec::new()),
        Gives::Coupon { binding, days } => {
            let made =
                |position| movement.coupon(host, (key, position), binding, member, last(*days));
            Ok((0..pieces).map(made).collect())
        }
        Gives::Bonus { amount, days } => {
            let amount = amount.checked_mul(pieces.into());
            let amount = amount.ok_or(tessera_money::Overflow)?;
            let account = AccountKey::new(member, AccountName::Bonus, currency);
            movement.issue(account, amount, None, last(*days));
            Ok(Vec::new())
        }
    }
}

async fn written(host: &Host, id: &str) -> Result<Exchange, CheckoutError> {
    let found = store::rewards::exchange(&mut host.db.read().await?, id).await?;
    found.ok_or_else(|| CheckoutError::Internal(format!("the exchange `{id}` is not there")))
}

/// The steps that give the pieces and the coupons of an exchange back; its entry says the rest. A coupon that was used
/// refuses it.
pub(super) fn undone(exchange: &Exchange) -> Result<Vec<Step>, StoreError> {
    let codes: Vec<String> = serde_json::from_str(&exchange.codes)
        .map_err(StoreError::stored("reading the codes of an exchange"))?;
    let mut steps = vec![Step::Counter {
        owner: owner(&exchange.reward),
        name: TAKEN.to_owned(),
        change: -exchange.quantity,
        limit: None,
        floor: None,
        enforce: true,
    }];
    for code in codes {
        steps.push(Step::RevokeCoupon {
            code,
            reason: String::new(),
        });
    }
    Ok(steps)
}
