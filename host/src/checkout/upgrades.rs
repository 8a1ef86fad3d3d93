//! A membership that begins at once: what was not used of the running ones pays for it.

use tessera_money::{Rounding, mul_div};

use super::error::CheckoutError;
use super::memberships::Paid;
use super::stored::unpack;
use crate::domain::basket::BasketLine;
use crate::domain::card_discount::{HeldDiscount, best};
use crate::domain::ledger::{AccountKey, Lot, value_lot};
use crate::domain::membership::{Ended, UpgradeCredit};
use crate::domain::order::{OrderDocument, OrderLine};
use crate::domain::time::Day;
use crate::snapshot::Place;
use crate::store::db::Conn;
use crate::store::orders::{self, OrderName};

/// Where and when a member's membership is upgraded, and all that is open of his.
pub(super) struct Upgrade<'a> {
    pub place: &'a Place,
    pub open: &'a [Lot],
    /// What his cards take off.
    pub cards: &'a [HeldDiscount],
    pub today: Day,
    /// JSON pointer of what asks for it.
    pub at: &'a str,
}

impl Upgrade<'_> {
    /// Takes what was paid for the days from today on of `running` off the price of a line, whose plan takes their place.
    ///
    /// # Errors
    /// [`CheckoutError::PassUnfit`] where nothing runs, or it is worth more than the line costs.
    pub async fn credit(
        &self,
        conn: &mut Conn,
        line: &mut BasketLine,
        running: Vec<Paid>,
    ) -> Result<UpgradeCredit, CheckoutError> {
        let (place, today) = (self.place, self.today);
        let unfit = |why| CheckoutError::PassUnfit {
            at: self.at.to_owned(),
            why,
        };
        let overflow = |_| unfit("what is left is beyond all reason");
        if running.is_empty() {
            return Err(unfit("he has no membership that could be upgraded"));
        }
        if line.quantity != 1_000 || line.priced_by_till {
            return Err(unfit("an upgrade is one piece at the chain's price"));
        }
        let mut credit = UpgradeCredit::default();
        for paid in running {
            let value = value_lot(&paid.lot.id);
            let value = self.open.iter().find(|lot| lot.id == value);
            let mut deferred = 0;
            if let Some((value, period)) = value.and_then(|lot| Some((lot, lot.period()?))) {
                let account = AccountKey::parse(&value.account);
                if account.is_none_or(|account| account.asset != place.store.currency) {
                    return Err(unfit("the running one was paid for in another currency"));
                }
                let earned = period.earned(value.original, today.plus_days(-1));
                deferred = value.original - earned.map_err(overflow)?;
                let sold = sold_with(conn, &paid.lot).await?;
                let sold = sold.filter(|sold| sold.net > 0);
                let gross = sold.map_or(Ok(deferred), |sold| {
                    mul_div(sold.gross, deferred, sold.net, Rounding::Down)
                });
                credit.gross += gross.map_err(overflow)?;
            }
            credit.ended.push(Ended {
                product: paid.product,
                lot: paid.lot.id,
                deferred,
            });
        }
        credit.amount = match place.settings.prices_include_tax {
            true => credit.gross,
            false => credit.deferred(),
        };
        let list = line.unit_price;
        let card = best(self.cards, &line.category, list, line.floor_price).map_err(overflow)?;
        let others = [line.member_price, card.map(|(price, _)| price)];
        let price = others.into_iter().flatten().fold(list, i64::min);
        if credit.amount > price {
            return Err(unfit(
                "what is left of the running one is worth more; let it run, or pay it back",
            ));
        }
        line.unit_price = price - credit.amount;
        line.member_price = None;
        Ok(credit)
    }
}

/// The line a period was sold with.
async fn sold_with(conn: &mut Conn, lot: &Lot) -> Result<Option<OrderLine>, CheckoutError> {
    let order = orders::order_by(conn, &OrderName::Id(lot.source.clone())).await?;
    let Some(order) = order else { return Ok(None) };
    let document: OrderDocument = unpack(&order.doc)?;
    // After a merge it goes on under a longer name.
    let first = lot.id.split('~').next();
    let sold = document.lines.into_iter().find(|line| {
        let sold = line.pass_sold.as_ref();
        sold.is_some_and(|sold| sold.lot.as_deref() == first)
    });
    Ok(sold)
}
