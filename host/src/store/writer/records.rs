//! The records of a batch: rows without limits of their own, one statement per table.

use std::collections::{BTreeMap, BTreeSet};

use super::persist::{Accepted, day, maybe, text};
use crate::domain::ledger::{
    CardRow, ClaimRow, Command, EvaluationRow, EventRow, ExchangeRow, MemberStateRow,
    MemberTierRow, MergeRow, Notice, OccasionRow, OrderRow, PlannedTopUpRow, PrizeDrawRow,
    PrizeOutcomeRow, Record, RefundRow, Step,
};
use crate::store::bulk::{Bulk, Cell, Kind};
use crate::store::error::StoreError;
use crate::store::joined::Writing;

use Kind::{Bytes, Flag, Int, Text};

const ORDERS: Bulk = Bulk {
    doing: "writing orders",
    text: "INSERT INTO orders (id, store, terminal, staff, member, quote_id, external_id, receipt_code, occurred_at,
        business_date, currency, total, doc, facts) {rows}",
    columns: &[
        Text, Text, Text, Text, Text, Text, Text, Text, Int, Int, Text, Int, Bytes, Bytes,
    ],
};

const REFUNDS: Bulk = Bulk {
    doing: "writing refunds",
    text: "INSERT INTO refunds (id, order_id, sequence, store, terminal, staff, occurred_at, business_date, currency,
        total, doc, facts) {rows}",
    columns: &[
        Text, Text, Int, Text, Text, Text, Int, Int, Text, Int, Bytes, Bytes,
    ],
};

const CLAIMS: Bulk = Bulk {
    doing: "writing claims",
    text: "INSERT INTO claims (id, order_id, member, store, terminal, staff, occurred_at, business_date, doc, facts)
        {rows}",
    columns: &[Text, Text, Text, Text, Text, Text, Int, Int, Bytes, Bytes],
};

const OCCASIONS: Bulk = Bulk {
    doing: "writing occasions",
    text: "INSERT INTO occasions (id, member, name, kind, store, order_id, occurred_at, business_date, doc, facts)
        {rows}",
    columns: &[Text, Text, Text, Text, Text, Text, Int, Int, Bytes, Bytes],
};

const EXCHANGES: Bulk = Bulk {
    doing: "writing exchanges",
    text: "INSERT INTO exchanges (id, member, reward, quantity, points, codes, store, exchanged_at) {rows}",
    columns: &[Text, Text, Text, Int, Int, Text, Text, Int],
};

const SETTLEMENTS: Bulk = Bulk {
    doing: "writing settlements",
    text: "INSERT INTO settlements (id, currency, number, settled_at, settled_by, doc) {rows}",
    columns: &[Text, Text, Int, Int, Text, Text],
};

const CARDS: Bulk = Bulk {
    doing: "writing cards",
    text: "INSERT INTO cards (number, member_id, kind, status, issued_at, card_type, batch, expires_on, replaced_by,
        pin_hash) {rows}
        ON CONFLICT (number) DO UPDATE SET member_id = excluded.member_id, status = excluded.status,
            card_type = excluded.card_type, expires_on = excluded.expires_on, replaced_by = excluded.replaced_by,
            pin_hash = COALESCE(excluded.pin_hash, cards.pin_hash)",
    columns: &[Text, Text, Text, Text, Int, Text, Text, Int, Text, Text],
};

const PLANNED_TOP_UPS: Bulk = Bulk {
    doing: "writing top-ups by a plan",
    text: "INSERT INTO planned_top_ups (id, member, plan, codes, tier) {rows}",
    columns: &[Text, Text, Text, Text, Text],
};

const PRIZE_DRAWS: Bulk = Bulk {
    doing: "opening prize draws",
    text: "INSERT INTO prize_draws (id, name, points, prizes, blanks, per_member, seed_hash, opened_at) {rows}",
    columns: &[Text, Text, Int, Text, Int, Int, Text, Int],
};

const PRIZE_DRAW_ENDS: Bulk = Bulk {
    doing: "closing prize draws",
    text: "INSERT INTO prize_draw_ends (draw, seed, closed_at) {rows}",
    columns: &[Text, Text, Int],
};

const PRIZE_OUTCOMES: Bulk = Bulk {
    doing: "writing prizes",
    text: "INSERT INTO prize_outcomes (draw, number, id, member, prize, codes, store, drawn_at) {rows}",
    columns: &[Text, Int, Text, Text, Int, Text, Text, Int],
};

const COUPON_STATES: Bulk = Bulk {
    doing: "writing what happened to coupons",
    text: "INSERT INTO coupon_states (id, code, state, member, subject_kind, subject_id, reason, at) {rows}",
    columns: &[Text, Text, Text, Text, Text, Text, Text, Int],
};

const CARD_ACTIVATIONS: Bulk = Bulk {
    doing: "noting cards that are handed over",
    text: "INSERT INTO card_activations (number, member, store, currency, price, tender, tier) {rows}",
    columns: &[Text, Text, Text, Text, Int, Text, Text],
};

const MERGES: Bulk = Bulk {
    doing: "writing merges",
    text: "INSERT INTO merges (id, member, survivor, merged_at, merged_by, moved) {rows}",
    columns: &[Text, Text, Text, Int, Text, Text],
};

const EVALUATIONS: Bulk = Bulk {
    doing: "writing evaluations",
    text: "INSERT INTO evaluations (subject_id, position, binding_id, component_digest, config_hash, kind, delta, output,
        fuel) {rows}",
    columns: &[Text, Int, Text, Text, Text, Text, Bytes, Bytes, Int],
};

const EVALUATED: Bulk = Bulk {
    doing: "naming evaluated components",
    text: "INSERT INTO evaluated (component_digest, config_hash) {rows}
        ON CONFLICT (component_digest, config_hash) DO NOTHING",
    columns: &[Text, Text],
};

const EVENTS: Bulk = Bulk {
    doing: "writing events",
    text: "INSERT INTO events (id, kind, subject, store, at, payload) {rows}",
    columns: &[Text, Text, Text, Text, Int, Text],
};

const MEMBER_DAYS: Bulk = Bulk {
    doing: "adding to purchases",
    text: "INSERT INTO member_days (member, day, category, spend, orders, units, points) {rows}
        ON CONFLICT (member, day, category) DO UPDATE SET spend = member_days.spend + excluded.spend,
            orders = member_days.orders + excluded.orders, units = member_days.units + excluded.units,
            points = member_days.points + excluded.points",
    columns: &[Text, Int, Text, Int, Int, Int, Int],
};

const MEMBERS: Bulk = Bulk {
    doing: "counting members' orders and writing what they are",
    // What was decided without knowing of a tier given by hand meanwhile names another floor, and changes no tier.
    text: "WITH v (id, change, floor, tier, since, until, num, den, merging, status, merged_into) AS ({rows})
        UPDATE members SET orders = orders + v.change,
            tier = CASE WHEN v.floor = COALESCE(members.tier_floor, '') THEN v.tier ELSE members.tier END,
            tier_since = CASE WHEN v.floor = COALESCE(members.tier_floor, '') THEN v.since
                ELSE members.tier_since END,
            tier_valid_until = CASE WHEN v.floor = COALESCE(members.tier_floor, '') THEN v.until
                ELSE members.tier_valid_until END,
            tier_multiplier_num = CASE WHEN v.floor = COALESCE(members.tier_floor, '') THEN v.num
                ELSE members.tier_multiplier_num END,
            tier_multiplier_den = CASE WHEN v.floor = COALESCE(members.tier_floor, '') THEN v.den
                ELSE members.tier_multiplier_den END,
            status = CASE WHEN v.merging THEN v.status ELSE members.status END,
            merged_into = CASE WHEN v.merging THEN v.merged_into ELSE members.merged_into END
        FROM v WHERE members.id = v.id",
    columns: &[
        Text, Int, Text, Text, Int, Int, Int, Int, Flag, Text, Text,
    ],
};

/// Cells of the records of a batch, by table.
#[derive(Default)]
struct Rows {
    orders: Vec<Cell>,
    refunds: Vec<Cell>,
    claims: Vec<Cell>,
    occasions: Vec<Cell>,
    exchanges: Vec<Cell>,
    settlements: Vec<Cell>,
    /// The last one wins; one statement may change a row only once.
    cards: BTreeMap<String, CardRow>,
    card_activations: Vec<Cell>,
    planned_top_ups: Vec<Cell>,
    coupon_states: Vec<Cell>,
    prize_draws: Vec<Cell>,
    prize_draw_ends: Vec<Cell>,
    prize_outcomes: Vec<Cell>,
    merges: Vec<Cell>,
    evaluations: Vec<Cell>,
    evaluated: BTreeSet<(String, String)>,
    events: Vec<Cell>,
    /// Summed, as one statement may change a row only once.
    member_days: BTreeMap<(String, i64, String), [i64; 4]>,
    members: BTreeMap<String, MemberChange>,
}

/// What becomes of a member; one statement may change a row only once.
#[derive(Default)]
struct MemberChange {
    orders: i64,
    /// The last one wins.
    tier: Option<MemberTierRow>,
    /// Like the tier.
    state: Option<MemberStateRow>,
}

impl MemberChange {
    fn cells(self, member: String) -> [Cell; 11] {
        // None where no tier was decided, which is no floor anybody has.
        let floor = self.tier.as_ref().map(|row| row.floor.clone());
        let floor = floor.map(Option::unwrap_or_default);
        let (tier, since, until, multiplier) = match self.tier {
            Some(row) => (row.tier, row.since, row.valid_until, row.multiplier),
            None => (None, None, None, (1, 1)),
        };
        let merging = self.state.is_some();
        let (status, merged_into) = self
            .state
            .map_or((None, None), |row| (Some(row.status), row.merged_into));
        [
            Cell::Text(member),
            Cell::Int(self.orders),
            Cell::MaybeText(floor),
            Cell::MaybeText(tier),
            day(since),
            day(until),
            Cell::Int(multiplier.0),
            Cell::Int(multiplier.1),
            Cell::Flag(merging),
            Cell::MaybeText(status),
            Cell::MaybeText(merged_into),
        ]
    }
}

/// Adds the records of every accepted command.
pub(super) fn add(writing: &mut Writing, accepted: &[Accepted<'_>]) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for accepted in accepted {
        for record in &accepted.command.records {
            rows.add(record, accepted.command);
        }
        for step in &accepted.command.steps {
            rows.coupon_state(step, accepted.command);
        }
        for notice in &accepted.notices {
            rows.event(&notice_event(notice, accepted.command)?, accepted.command);
        }
    }
    writing.add(&ORDERS, rows.orders);
    writing.add(&REFUNDS, rows.refunds);
    writing.add(&CLAIMS, rows.claims);
    writing.add(&OCCASIONS, rows.occasions);
    writing.add(&EXCHANGES, rows.exchanges);
    writing.add(&SETTLEMENTS, rows.settlements);
    let cards = rows.cards.into_values().flat_map(card_cells).collect();
    writing.add(&CARDS, cards);
    writing.add(&CARD_ACTIVATIONS, rows.card_activations);
    writing.add(&PLANNED_TOP_UPS, rows.planned_top_ups);
    writing.add(&COUPON_STATES, rows.coupon_states);
    writing.add(&PRIZE_DRAWS, rows.prize_draws);
    writing.add(&PRIZE_DRAW_ENDS, rows.prize_draw_ends);
    writing.add(&PRIZE_OUTCOMES, rows.prize_outcomes);
    writing.add(&MERGES, rows.merges);
    writing.add(&EVALUATIONS, rows.evaluations);
    let evaluated = rows
        .evaluated
        .into_iter()
        .flat_map(|(digest, hash)| [Cell::Text(digest), Cell::Text(hash)])
        .collect();
    writing.add(&EVALUATED, evaluated);
    writing.add(&EVENTS, rows.events);
    let days = rows
        .member_days
        .into_iter()
        .flat_map(
            |((member, day, category), [spend, orders, units, points])| {
                [
                    Cell::Text(member),
                    Cell::Int(day),
                    Cell::Text(category),
                    Cell::Int(spend),
                    Cell::Int(orders),
                    Cell::Int(units),
                    Cell::Int(points),
                ]
            },
        )
        .collect();
    writing.add(&MEMBER_DAYS, days);
    let members = rows
        .members
        .into_iter()
        .filter(|(_, change)| change.orders != 0 || change.tier.is_some() || change.state.is_some())
        .flat_map(|(member, change)| change.cells(member))
        .collect();
    writing.add(&MEMBERS, members);
    Ok(())
}

impl Rows {
    fn add(&mut self, record: &Record, command: &Command) {
        match record {
            Record::Order(row) => self.order(row),
            Record::Refund(row) => self.refund(row),
            Record::Claim(row) => self.claim(row),
            Record::Occasion(row) => self.occasion(row),
            Record::Exchange(row) => self.exchange(row, command),
            Record::Settlement(row) => self.settlements.extend([
                text(&row.id),
                text(&row.currency),
                Cell::Int(row.number),
                Cell::Int(command.at.0),
                text(&row.settled_by),
                text(&row.doc),
            ]),
            Record::Merge(row) => self.merge(row, command),
            Record::MemberState(row) => {
                let change = self.members.entry(row.member.clone()).or_default();
                change.state = Some(row.clone());
            }
            Record::Card(row) => {
                self.cards.insert(row.number.clone(), (**row).clone());
            }
            Record::CardActivation(row) => self.card_activations.extend([
                text(&row.number),
                text(&row.member),
                text(&row.store),
                text(&row.currency),
                Cell::Int(row.price),
                maybe(&row.tender),
                maybe(&row.tier),
            ]),
            Record::PlannedTopUp(row) => self.planned_top_up(row),
            Record::PrizeDraw(row) => self.prize_draw(row, command),
            Record::PrizeDrawEnd { draw, seed } => {
                let at = Cell::Int(command.at.0);
                self.prize_draw_ends.extend([text(draw), text(seed), at]);
            }
            Record::PrizeOutcome(row) => self.prize_outcome(row, command),
            Record::Evaluation(row) => self.evaluation(row),
            Record::Event(row) => self.event(row, command),
            Record::MemberDay(row) => {
                let key = (
                    row.member.clone(),
                    i64::from(row.day.0),
                    row.category.clone(),
                );
                let sums = self.member_days.entry(key).or_default();
                let changes = [row.spend, row.orders, row.units, row.points];
                for (sum, change) in sums.iter_mut().zip(changes) {
                    *sum = sum.saturating_add(change);
                }
            }
            Record::MemberOrders { member, change } => {
                let sum = &mut self.members.entry(member.clone()).or_default().orders;
                *sum = sum.saturating_add(*change);
            }
            Record::MemberTier(row) => {
                self.members.entry(row.member.clone()).or_default().tier = Some(row.clone());
            }
        }
    }

    fn exchange(&mut self, row: &ExchangeRow, command: &Command) {
        self.exchanges.extend([
            text(&row.id),
            text(&row.member),
            text(&row.reward),
            Cell::Int(row.quantity),
            Cell::Int(row.points),
            text(&row.codes),
            text(&row.store),
            Cell::Int(command.at.0),
        ]);
    }

    fn planned_top_up(&mut self, row: &PlannedTopUpRow) {
        self.planned_top_ups.extend([
            text(&row.id),
            text(&row.member),
            text(&row.plan),
            text(&row.codes),
            maybe(&row.tier),
        ]);
    }

    fn prize_draw(&mut self, row: &PrizeDrawRow, command: &Command) {
        self.prize_draws.extend([
            text(&row.id),
            text(&row.name),
            Cell::Int(row.points),
            text(&row.prizes),
            Cell::Int(row.blanks),
            Cell::MaybeInt(row.per_member),
            text(&row.seed_hash),
            Cell::Int(command.at.0),
        ]);
    }

    fn prize_outcome(&mut self, row: &PrizeOutcomeRow, command: &Command) {
        self.prize_outcomes.extend([
            text(&row.draw),
            Cell::Int(row.number),
            text(&row.id),
            text(&row.member),
            Cell::MaybeInt(row.prize),
            text(&row.codes),
            text(&row.store),
            Cell::Int(command.at.0),
        ]);
    }

    /// Every step on a coupon is one row of its history, whatever command it is part of.
    fn coupon_state(&mut self, step: &Step, command: &Command) {
        let (code, state, member, reason) = match step {
            Step::IssueCoupon(coupon) => (&coupon.code, "issued", coupon.holder.as_ref(), ""),
            Step::UseCoupon {
                code,
                change,
                member,
                ..
            } => {
                let state = if *change > 0 { "used" } else { "given-back" };
                (code, state, member.as_ref(), "")
            }
            Step::VoidCoupon { code } => (code, "void", None, ""),
            Step::RevokeCoupon { code, reason } => (code, "void", None, reason.as_str()),
            Step::TransferCoupon { code, to, .. } | Step::GiveCoupon { code, to, .. } => {
                (code, "transferred", Some(to), "")
            }
            _ => return,
        };
        self.coupon_states.extend([
            Cell::Text(uuid::Uuid::now_v7().to_string()),
            text(code),
            text(state),
            Cell::MaybeText(member.cloned()),
            text(&command.subject.kind),
            text(&command.subject.id),
            text(reason),
            Cell::Int(command.at.0),
        ]);
    }

    fn merge(&mut self, row: &MergeRow, command: &Command) {
        self.merges.extend([
            text(&row.id),
            text(&row.member),
            text(&row.survivor),
            Cell::Int(command.at.0),
            text(&row.merged_by),
            text(&row.moved),
        ]);
    }

    fn order(&mut self, row: &OrderRow) {
        self.orders.extend([
            text(&row.id),
            text(&row.store),
            text(&row.terminal),
            maybe(&row.staff),
            maybe(&row.member),
            maybe(&row.quote_id),
            maybe(&row.external_id),
            text(&row.receipt_code),
            Cell::Int(row.occurred_at.0),
            Cell::Int(i64::from(row.business_date.0)),
            text(&row.currency),
            Cell::Int(row.total),
            Cell::Bytes(row.doc.clone()),
            Cell::Bytes(row.facts.clone()),
        ]);
    }

    fn refund(&mut self, row: &RefundRow) {
        self.refunds.extend([
            text(&row.id),
            text(&row.order_id),
            Cell::Int(row.sequence),
            text(&row.store),
            text(&row.terminal),
            maybe(&row.staff),
            Cell::Int(row.occurred_at.0),
            Cell::Int(i64::from(row.business_date.0)),
            text(&row.currency),
            Cell::Int(row.total),
            Cell::Bytes(row.doc.clone()),
            Cell::Bytes(row.facts.clone()),
        ]);
    }

    fn claim(&mut self, row: &ClaimRow) {
        self.claims.extend([
            text(&row.id),
            text(&row.order_id),
            text(&row.member),
            text(&row.store),
            text(&row.terminal),
            maybe(&row.staff),
            Cell::Int(row.occurred_at.0),
            Cell::Int(i64::from(row.business_date.0)),
            Cell::Bytes(row.doc.clone()),
            Cell::Bytes(row.facts.clone()),
        ]);
    }

    fn occasion(&mut self, row: &OccasionRow) {
        self.occasions.extend([
            text(&row.id),
            text(&row.member),
            text(&row.name),
            text(&row.kind),
            text(&row.store),
            maybe(&row.order),
            Cell::Int(row.occurred_at.0),
            Cell::Int(i64::from(row.business_date.0)),
            Cell::Bytes(row.doc.clone()),
            Cell::Bytes(row.facts.clone()),
        ]);
    }

    fn evaluation(&mut self, row: &EvaluationRow) {
        self.evaluated
            .insert((row.component_digest.clone(), row.config_hash.clone()));
        self.evaluations.extend([
            text(&row.subject),
            Cell::Int(row.position),
            text(&row.binding_id),
            text(&row.component_digest),
            text(&row.config_hash),
            text(&row.kind),
            Cell::Bytes(row.delta.clone()),
            Cell::Bytes(row.output.clone()),
            Cell::Int(row.fuel),
        ]);
    }

    fn event(&mut self, row: &EventRow, command: &Command) {
        self.events.extend([
            Cell::Text(uuid::Uuid::now_v7().to_string()),
            text(&row.kind),
            text(&row.subject),
            maybe(&row.store),
            Cell::Int(command.at.0),
            text(&row.payload),
        ]);
    }
}

fn card_cells(row: CardRow) -> [Cell; 10] {
    [
        Cell::Text(row.number),
        Cell::MaybeText(row.member),
        Cell::Text(row.kind),
        Cell::Text(row.status),
        Cell::Int(row.issued_at),
        Cell::MaybeText(row.card_type),
        Cell::MaybeText(row.batch),
        day(row.expires_on),
        Cell::MaybeText(row.replaced_by),
        Cell::MaybeText(row.pin_hash),
    ]
}

/// What the ledger noticed goes into the event log as `ledger.<notice>`.
fn notice_event(notice: &Notice, command: &Command) -> Result<EventRow, StoreError> {
    let (kind, store) = match notice {
        Notice::Claimed { store, .. } => ("ledger.claimed", Some(store.clone())),
        Notice::CounterOverrun { .. } => ("ledger.counter-overrun", None),
        Notice::CouponOverrun { .. } => ("ledger.coupon-overrun", None),
        Notice::ExpiredOnReturn { .. } => ("ledger.expired-on-return", None),
        Notice::DebtMade { .. } => ("ledger.debt-made", None),
        Notice::DebtRepaid { .. } => ("ledger.debt-repaid", None),
        Notice::OutsideShift { .. } => ("ledger.outside-shift", None),
    };
    Ok(EventRow {
        kind: kind.to_owned(),
        subject: command.subject.id.clone(),
        store,
        payload: serde_json::to_string(notice).map_err(StoreError::stored("writing a notice"))?,
    })
}
