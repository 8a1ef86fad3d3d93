//! Prize draws: points buy a number, and the number wins by a seed that was fixed before. The seed's hash is told when the
//! draw opens and the seed when it closes, so that anybody can work every outcome out again (`domain/draw.rs`).
//!
//! Numbers are given one after another and each prize as often as there are pieces, both by the ledger. A number whose
//! prize is gone wins nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::exchange::give;
use super::{Gives, Movement, any_place, known, own_place, replayed};
use crate::access::Principal;
use crate::checkout::{CheckoutError, Intent};
use crate::domain::draw::won;
use crate::domain::ledger::{
    AccountKey, AccountName, CounterKey, DEFAULT_PROGRAM, OnShort, PrizeDrawRow, PrizeOutcomeRow,
    Receipt, Record, Refusal, Step, points_asset,
};
use crate::host::Host;
use crate::snapshot::Place;
use crate::store::prize_draws::{Outcome, PrizeDraw};
use crate::store::{self, StoreError};
use crate::vault;

/// How often a number is tried for while other hosts take the ones before it.
const TRIES: usize = 32;
/// Outcomes worked out again at a time.
const PAGE: i64 = 1_000;
/// Differing numbers that are named.
const MOST_NAMED: usize = 100;
const DRAWN: &str = "drawn";
const OPEN: &str = "open";

/// Something that can be won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    pub name: String,
    pub gives: Gives,
    /// Its chance is its weight of the sum of all weights and the blanks.
    pub weight: i64,
    /// Pieces there are; any number when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// A draw to open; it stays as it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrizeDrawRequest {
    /// Names the draw for good.
    pub id: String,
    pub name: String,
    /// Price of a number, at the program's scale; 0 for nothing.
    pub points: i64,
    /// 1 to 50, in the order their weights stand in.
    pub prizes: Vec<Prize>,
    /// Weight of winning nothing.
    #[serde(default)]
    pub blanks: i64,
    /// Numbers one member may draw; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_member: Option<i64>,
}

/// A number to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrizeRequest {
    /// The store; a terminal's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Id of the draw.
    pub draw: String,
}

/// What working the outcomes of a draw out again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checked {
    /// Outcomes there are.
    pub outcomes: i64,
    /// Numbers whose outcome is not what the seed says, the first hundred.
    pub differing: Vec<i64>,
}

fn owner(draw: &str) -> String {
    format!("prize-draw/{draw}")
}

fn taken(position: usize) -> String {
    format!("prize/{position}")
}

/// The draw's seed, which nobody without the chain's master key can make before it is told.
pub fn seed(host: &Host, draw: &str) -> [u8; 32] {
    host.vault.derive("prize-draw", draw)
}

/// What a number is won by.
fn code(seed: &[u8; 32], number: i64) -> [u8; 32] {
    vault::mac(seed, &[number.to_string().as_bytes()])
}

fn counter(owner: &str, name: &str, change: i64, limits: (Option<i64>, Option<i64>)) -> Step {
    Step::Counter {
        owner: owner.to_owned(),
        name: name.to_owned(),
        change,
        limit: limits.0,
        floor: limits.1,
        enforce: true,
    }
}

/// Opens a draw, and tells the hash of its seed.
///
/// # Errors
/// [`CheckoutError::DrawExists`] where the id was used before.
pub async fn open_draw(
    host: &Host,
    caller: &Principal,
    request: PrizeDrawRequest,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    let (id, of) = (request.id.clone(), owner(&request.id));
    let exists = || CheckoutError::DrawExists(id.clone());
    if let Some(receipt) = limited(replayed(host, &intent).await, "opened", exists)? {
        return Ok(receipt);
    }
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let mut movement = Movement::new(host, &place, "prize-draw", intent);
    movement.command.subject.id.clone_from(&id);
    movement.steps([
        counter(&of, "opened", 1, (Some(1), None)),
        counter(&of, OPEN, 1, (Some(1), None)),
    ]);
    let hash = hex::encode(Sha256::digest(seed(host, &id)));
    let told = serde_json::json!({ "draw": id, "seed_hash": hash });
    movement.record(Record::PrizeDraw(PrizeDrawRow {
        id: id.clone(),
        name: request.name,
        points: request.points,
        prizes: serde_json::to_string(&request.prizes)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        blanks: request.blanks,
        per_member: request.per_member,
        seed_hash: hash,
    }));
    movement.event("prize-draw.opened", &id, caller, told);
    limited(movement.submit(host).await, "opened", exists)
}

/// Closes a draw for good, and tells its seed.
///
/// # Errors
/// [`CheckoutError::DrawClosed`] where it is not open.
pub async fn close_draw(
    host: &Host,
    caller: &Principal,
    draw: &str,
    intent: Intent,
) -> Result<Receipt, CheckoutError> {
    let closed = || CheckoutError::DrawClosed(draw.to_owned());
    if let Some(receipt) = limited(replayed(host, &intent).await, OPEN, closed)? {
        return Ok(receipt);
    }
    known_draw(host, draw).await?;
    let place = own_place(host, caller, None).or_else(|_| any_place(host))?;
    let mut movement = Movement::new(host, &place, "prize-draw", intent);
    movement.command.subject.id = draw.to_owned();
    movement.steps([counter(&owner(draw), OPEN, -1, (None, Some(0)))]);
    let seed = hex::encode(seed(host, draw));
    let told = serde_json::json!({ "draw": draw, "seed": seed });
    movement.record(Record::PrizeDrawEnd {
        draw: draw.to_owned(),
        seed,
    });
    movement.event("prize-draw.closed", draw, caller, told);
    limited(movement.submit(host).await, OPEN, closed)
}

/// Says what a limit of a draw means where it was refused.
fn limited<T>(
    end: Result<T, CheckoutError>,
    counter: &str,
    meant: impl FnOnce() -> CheckoutError,
) -> Result<T, CheckoutError> {
    end.map_err(|error| match error {
        CheckoutError::Ledger(Refusal::CounterLimit { name, .. }) if name == counter => meant(),
        error => error,
    })
}

/// Draws a member's number; answers what it won.
pub async fn draw(
    host: &Arc<Host>,
    caller: &Principal,
    member: &str,
    request: PrizeRequest,
    intent: Intent,
) -> Result<(Outcome, Receipt), CheckoutError> {
    let closed = || CheckoutError::DrawClosed(request.draw.clone());
    if let Some(receipt) = limited(replayed(host, &intent).await, OPEN, closed)? {
        return Ok((written(host, &receipt.subject.id).await?, receipt));
    }
    let member = known(host, member).await?;
    let place = own_place(host, caller, request.store.as_deref())?;
    let draw = known_draw(host, &request.draw).await?;
    let prizes = prizes_of(&draw)?;
    // Numbers follow each other, so the tills of one host wait here instead of running into each other.
    let _turn = host.drawing.lock().await;
    for _ in 0..TRIES {
        let drawn = (&draw, prizes.as_slice());
        let movement = numbered(host, caller, &place, &member, drawn, intent.clone()).await?;
        match movement.submit(host).await {
            Err(CheckoutError::Ledger(Refusal::TurnTaken { .. })) => {}
            end => {
                let receipt = limited(end, OPEN, closed)?;
                return Ok((written(host, &receipt.subject.id).await?, receipt));
            }
        }
    }
    Err(CheckoutError::OrderContended)
}

/// The next number, and what it wins.
async fn numbered(
    host: &Host,
    caller: &Principal,
    place: &Place,
    member: &str,
    (draw, prizes): (&PrizeDraw, &[Prize]),
    intent: Intent,
) -> Result<Movement, CheckoutError> {
    let of = owner(&draw.id);
    let mut keys: Vec<CounterKey> = vec![(of.clone(), DRAWN.to_owned())];
    keys.extend((0..prizes.len()).map(|position| (of.clone(), taken(position))));
    let standing = store::counters::values(&mut host.db.read().await?, &keys).await?;
    let (drawn, pieces) = standing
        .split_first()
        .map_or((0, &[][..]), |(n, rest)| (*n, rest));
    let number = drawn.saturating_add(1);
    let prize = outcome(&seed(host, &draw.id), number, (prizes, draw.blanks), pieces);
    let key = intent.key.clone();
    let (store, asset) = (&place.store.id, points_asset(DEFAULT_PROGRAM));
    let mut movement = Movement::new(host, place, "prize", intent);
    movement.steps([
        counter(&of, OPEN, 0, (None, Some(1))),
        Step::TakeTurn {
            owner: of.clone(),
            name: DRAWN.to_owned(),
            number: drawn,
        },
        counter(member, &of, 1, (draw.per_member, None)),
        Step::Debit {
            account: AccountKey::new(member, AccountName::Points, &asset),
            amount: draw.points,
            on_short: OnShort::Refuse,
        },
        Step::System {
            name: format!("drawn/{store}"),
            asset,
            amount: draw.points,
        },
    ]);
    let mut codes = Vec::new();
    if let Some((position, prize)) = prize.and_then(|at| Some((at, prizes.get(at)?))) {
        movement.steps([counter(&of, &taken(position), 1, (prize.stock, None))]);
        let currency = &place.store.currency;
        codes = give(
            host,
            &mut movement,
            &prize.gives,
            1,
            (member, currency),
            &key,
        )?;
    }
    let name = prize.and_then(|at| prizes.get(at)).map(|prize| &prize.name);
    let told = serde_json::json!({ "draw": draw.id, "number": number, "prize": name });
    movement.record(Record::PrizeOutcome(PrizeOutcomeRow {
        id: movement.id().to_owned(),
        draw: draw.id.clone(),
        number,
        member: member.to_owned(),
        prize: prize.and_then(|at| i64::try_from(at).ok()),
        codes: serde_json::to_string(&codes)
            .map_err(|error| CheckoutError::Internal(error.to_string()))?,
        store: store.clone(),
    }));
    movement.event("member.drew", member, caller, told);
    Ok(movement)
}

/// What a number wins where so many pieces of each prize were won before it.
fn outcome(
    seed: &[u8; 32],
    number: i64,
    (prizes, blanks): (&[Prize], i64),
    pieces: &[i64],
) -> Option<usize> {
    let weights: Vec<i64> = prizes.iter().map(|prize| prize.weight).collect();
    won(&code(seed, number), &weights, blanks).filter(|at| {
        let gone = pieces.get(*at).copied().unwrap_or(0);
        prizes[*at].stock.is_none_or(|stock| gone < stock)
    })
}

/// Works every outcome of a draw out again.
pub async fn check_draw(host: &Host, draw: &str) -> Result<Checked, CheckoutError> {
    let draw = known_draw(host, draw).await?;
    let (seed, prizes) = (seed(host, &draw.id), prizes_of(&draw)?);
    let mut pieces = vec![0_i64; prizes.len()];
    let mut checked = Checked::default();
    loop {
        let page = {
            let mut conn = host.db.read().await?;
            store::prize_draws::outcomes(&mut conn, &draw.id, checked.outcomes, PAGE).await?
        };
        for row in &page {
            checked.outcomes += 1;
            let number = checked.outcomes;
            let expected = outcome(&seed, number, (&prizes, draw.blanks), &pieces);
            if let Some(piece) = expected.and_then(|at| pieces.get_mut(at)) {
                *piece += 1;
            }
            let same = row.number == number && row.prize == expected.map(|at| at as i64);
            if !same && checked.differing.len() < MOST_NAMED {
                checked.differing.push(row.number);
            }
        }
        if (page.len() as i64) < PAGE {
            return Ok(checked);
        }
    }
}

async fn known_draw(host: &Host, id: &str) -> Result<PrizeDraw, CheckoutError> {
    let found = store::prize_draws::draw(&mut host.db.read().await?, id).await?;
    found.ok_or_else(|| CheckoutError::DrawUnknown(id.to_owned()))
}

/// The prizes of a draw, as they are kept.
pub fn prizes_of(draw: &PrizeDraw) -> Result<Vec<Prize>, StoreError> {
    serde_json::from_str(&draw.prizes).map_err(StoreError::stored("reading the prizes of a draw"))
}

async fn written(host: &Host, id: &str) -> Result<Outcome, CheckoutError> {
    let found = store::prize_draws::outcome(&mut host.db.read().await?, id).await?;
    found.ok_or_else(|| CheckoutError::Internal(format!("the outcome `{id}` is not there")))
}
