//! Everything pricing needs to know of one sale, gathered in few reads and no writes.

use std::sync::Arc;

use crate::access::{AccessError, Principal};
use crate::cards::{Pin, Shown, Unusable, code, day_of, mark_hash, usable};
use crate::clock::date_of;
use crate::domain::basket::{Basket, BasketLine, TenderIntent};
use crate::domain::facts::{OwnTier, ReferralBase};
use crate::domain::ledger::{AccountName, points_asset};
use crate::domain::order::{CodeRefusal, SharedWallet};
use crate::domain::pricing::{Campaign, MemberInput, Wallet};
use crate::domain::rules::{MemberFacts, OrderFacts, Ratio, RuleKind, TenderKind};
use crate::domain::time::{Day, Instant};
use crate::host::Host;
use crate::snapshot::{Bound, Mark, Place, Snapshot};
use crate::store::cards::Card;
use crate::store::db::Conn;
use crate::store::members::{KnownMember, MemberName};
use crate::store::{accounts, cards, lots, members};
use crate::tier_floors::floor_of;

use super::campaigns::Reader;
use super::card_prices::card_discounts;
use super::codes::Presented;
use super::error::CheckoutError;
use super::request::{LineRequest, MemberReference, QuoteRequest, TenderRequest, thousandths};
use super::{memberships, passes, periods, reserved, sharing};

/// One sale, resolved: pricing it needs nothing else.
pub struct Situation {
    pub snapshot: Arc<Snapshot>,
    pub place: Arc<Place>,
    pub at: Instant,
    pub day: Day,
    pub basket: Basket,
    pub order: OrderFacts,
    pub member: Option<MemberInput>,
    pub referral: Option<ReferralBase>,
    /// The wallet that pays instead of the buyer's own.
    pub shared: Option<SharedWallet>,
    /// The rules to ask, and how pricing sees each; same positions.
    pub bound: Vec<Arc<Bound>>,
    pub campaigns: Vec<Campaign>,
    /// Presented codes none of the rules is given, and why. What no coupon has is not among them.
    pub refused_codes: Vec<(String, CodeRefusal)>,
}

impl Situation {
    /// Reads what `request` refers to, as of `at`.
    pub async fn gather(
        host: &Host,
        caller: &Principal,
        request: &QuoteRequest,
        at: Instant,
    ) -> Result<Self, CheckoutError> {
        let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
        let place = place(&snapshot, caller, request)?;
        let day = place.day(at);
        let mut basket = basket(host, (&place, day), request).await?;
        basket.validate()?;
        let mut conn = host.db.read().await?;
        let known = match &request.member {
            Some(reference) => Some(find_member_at(host, &mut conn, reference, at).await?),
            None => None,
        };
        let payer = passes::Payer {
            host,
            place: &place,
            buyer: known.as_ref(),
        };
        payer.pay(&mut conn, request, &mut basket).await?;
        if let Some(known) = &known {
            // An upgrade takes its credit off the lowest price there is.
            let cards = match request.lines.iter().any(|line| line.upgrade) {
                true => card_discounts(host, &mut conn, &snapshot, known, at).await?,
                false => Vec::new(),
            };
            let (at, buyer) = ((host, &*place), (known.member.id.as_str(), &cards[..]));
            periods::renew(&mut conn, at, buyer, request, &mut basket, day).await?;
        }
        let mut bound = snapshot.live_in(&place, at);
        if known.is_none() {
            bound.retain(|bound| bound.kind == RuleKind::Promotion);
        }
        if known
            .as_ref()
            .is_none_or(|known| known.member.referred_by.is_none())
        {
            bound.retain(|bound| bound.kind != RuleKind::Referral);
        }
        let referral = match &known {
            Some(known) if bound.iter().any(|bound| bound.kind == RuleKind::Referral) => {
                referral(host, &mut conn, &known.member, day).await?
            }
            _ => None,
        };
        let days = (day, at);
        let shared = sharing::named(host, &mut conn, request, known.as_ref(), days).await?;
        let member = match &known {
            Some(known) => {
                let spends = basket.tenders.iter().any(TenderIntent::spends_wallet);
                if spends {
                    shared_with(host, &place, &known.member.home_store)?;
                }
                let points = points_asset(&snapshot.program.id);
                let assets = (points.as_str(), place.store.currency.as_str());
                let mut own = match spends {
                    true => wallet(&mut conn, &known.member.id, assets, day).await?,
                    // Two reads that nothing would look at.
                    false => Wallet::default(),
                };
                if let Some((owner, _)) = &shared {
                    shared_with(host, &place, &owner.member.home_store)?;
                    let theirs = wallet(&mut conn, &owner.member.id, assets, day).await?;
                    (own.principal, own.bonus) = (theirs.principal, theirs.bonus);
                }
                Some(MemberInput {
                    tier_floor: floor_of(&mut conn, &bound, &known.member).await?,
                    card_discounts: card_discounts(host, &mut conn, &snapshot, known, at).await?,
                    ..member_input(host, &mut conn, known, own, day).await?
                })
            }
            None => None,
        };
        let known_id = known.as_ref().map(|known| known.member.id.as_str());
        let mut codes = Presented::read(&mut conn, &basket.codes, known_id, day).await?;
        codes.only_of(&bound, CodeRefusal::NotInForce);
        let tier = member
            .as_ref()
            .and_then(|member| member.facts.tier.as_deref());
        bound.retain(|bound| {
            let has_code = codes.name(&bound.binding.id);
            bound.needs.preconditions.may_hold(tier, &basket, has_code)
        });
        codes.only_of(&bound, CodeRefusal::ConditionsNotMet);
        let reader = Reader {
            place: &place,
            day,
            member: known_id,
            referrer: referral
                .as_ref()
                .map(|referral| referral.referrer.id.as_str()),
        };
        let campaigns = reader.campaigns(&mut conn, &bound, &codes.usable).await?;
        let order = OrderFacts {
            currency: basket.currency.clone(),
            currency_scale: basket.currency_scale,
            occurred_at: at,
            utc_offset_minutes: place.offset_minutes(at),
            business_date: day,
            store: place.store.id.clone(),
            region: place.store.region.clone(),
            prices_include_tax: place.settings.prices_include_tax,
            attributes: request.attributes.clone(),
            store_attributes: place.attributes.clone(),
        };
        Ok(Self {
            snapshot,
            place,
            at,
            day,
            basket,
            order,
            member,
            referral,
            shared: shared.map(|(_, wallet)| wallet),
            bound,
            campaigns,
            refused_codes: codes.refused,
        })
    }
}

/// The store a request is about, and that the caller may act for it.
pub fn place(
    snapshot: &Snapshot,
    caller: &Principal,
    request: &QuoteRequest,
) -> Result<Arc<Place>, CheckoutError> {
    let store = match (&request.store, &caller.store) {
        (Some(store), _) => store,
        (None, Some(own)) => own,
        (None, None) => return Err(CheckoutError::StoreMissing),
    };
    caller.require_store(store)?;
    let place = snapshot
        .place(store)
        .ok_or_else(|| CheckoutError::StoreUnknown(store.clone()))?;
    if !place.store.active {
        return Err(CheckoutError::StoreClosed(store.clone()));
    }
    match &request.currency {
        Some(currency) if *currency != place.store.currency => Err(CheckoutError::Currency {
            sent: currency.clone(),
            store: place.store.currency.clone(),
        }),
        _ => Ok(place),
    }
}

async fn basket(
    host: &Host,
    (place, day): (&Place, Day),
    request: &QuoteRequest,
) -> Result<Basket, CheckoutError> {
    if request.lines.len() > crate::domain::basket::MAX_LINES {
        return Err(CheckoutError::TooManyLines(request.lines.len()));
    }
    let mut lines = Vec::with_capacity(request.lines.len());
    for (position, line) in request.lines.iter().enumerate() {
        lines.push(basket_line(host, (place, day), position, line).await?);
    }
    let tenders = request
        .tenders
        .iter()
        .enumerate()
        .map(intent)
        .collect::<Result<_, _>>()?;
    Ok(Basket {
        currency: place.store.currency.clone(),
        currency_scale: place.currency_scale,
        lines,
        codes: request
            .codes
            .iter()
            .map(|code| code.trim().to_uppercase())
            .collect(),
        tenders,
    })
}

async fn basket_line(
    host: &Host,
    (place, day): (&Place, Day),
    position: usize,
    line: &LineRequest,
) -> Result<BasketLine, CheckoutError> {
    let at = |field: &str| format!("/lines/{position}/{field}");
    let quantity = match &line.quantity {
        None => 1_000,
        Some(text) => thousandths(text)
            .filter(|quantity| *quantity > 0)
            .ok_or_else(|| CheckoutError::Quantity(at("quantity")))?,
    };
    let priced_by_till = line.unit_price.is_some();
    let mark = match (&line.product, &line.barcode, &line.sku, &line.article) {
        (Some(id), None, None, None) => (Mark::Id(id.clone()), "product"),
        (None, Some(barcode), None, None) => (Mark::Barcode(barcode.clone()), "barcode"),
        (None, None, Some(sku), None) => (Mark::Sku(sku.clone()), "sku"),
        (None, None, None, Some(article)) => {
            let unit_price = line
                .unit_price
                .ok_or_else(|| CheckoutError::ArticlePrice(at("unit_price")))?;
            return Ok(BasketLine {
                product: None,
                name: article.name.clone(),
                category: article.category.clone(),
                tags: Vec::new(),
                quantity,
                unit_price,
                priced_by_till: true,
                member_price: None,
                fixed_amount: None,
                cost: None,
                tax_class: article.tax_class.clone(),
                floor_price: None,
                attributes: line.attributes.clone(),
                pass: None,
                sells: None,
                reserved: None,
            });
        }
        _ => return Err(CheckoutError::OneMark(format!("/lines/{position}"))),
    };
    let (mark, field) = mark;
    let found = host.snapshots.product(&host.db, &mark).await?;
    let product =
        found
            .filter(|product| product.active)
            .ok_or_else(|| CheckoutError::ProductUnknown {
                at: at(field),
                id: mark.text().to_owned(),
            })?;
    if product.currency != place.store.currency {
        return Err(CheckoutError::Currency {
            sent: product.currency.clone(),
            store: place.store.currency.clone(),
        });
    }
    if product.unit == "piece" && quantity % 1_000 != 0 {
        return Err(CheckoutError::WholePieces(at("quantity")));
    }
    let mut attributes = crate::snapshot::attributes(&product.attributes)?;
    if let Some(brand) = &product.brand {
        attributes.push((
            "brand".to_owned(),
            crate::domain::rules::Value::Text(brand.clone()),
        ));
    }
    attributes.extend(line.attributes.iter().cloned());
    Ok(BasketLine {
        product: Some(product.id.clone()),
        name: product.name.clone(),
        category: product.category.clone(),
        tags: serde_json::from_str(&product.tags).unwrap_or_default(),
        quantity,
        unit_price: line.unit_price.unwrap_or(product.price),
        priced_by_till,
        member_price: product.member_price,
        fixed_amount: None,
        cost: product.cost,
        tax_class: product.tax_class.clone(),
        floor_price: product.floor_price,
        attributes,
        pass: None,
        sells: periods::sold(&product, quantity / 1_000, day, &at("quantity"))?,
        reserved: reserved::of(&product)?,
    })
}

/// Refuses a wallet whose home is too far from a store.
pub fn shared_with(host: &Host, place: &Place, home: &str) -> Result<(), CheckoutError> {
    let snapshot = host.snapshots.current().ok_or(CheckoutError::NoChain)?;
    match snapshot.place(home) {
        Some(home) if place.shares_with(&home) => Ok(()),
        _ => Err(CheckoutError::NotShared(home.to_owned())),
    }
}

/// A tender as pricing knows it.
pub fn intent((position, tender): (usize, &TenderRequest)) -> Result<TenderIntent, CheckoutError> {
    let refuse = |field: &str| CheckoutError::TenderForm(format!("/tenders/{position}/{field}"));
    if tender.of.is_some() && tender.kind != TenderKind::StoredValue {
        return Err(refuse("of"));
    }
    match tender.kind {
        TenderKind::Points => {
            let points = tender.points.ok_or_else(|| refuse("points"))?;
            if tender.amount.is_some() {
                return Err(refuse("amount"));
            }
            Ok(TenderIntent::Points { points })
        }
        _ if tender.points.is_some() => Err(refuse("points")),
        TenderKind::StoredValue => Ok(TenderIntent::StoredValue {
            amount: tender.amount,
        }),
        kind => Ok(TenderIntent::Money {
            kind,
            amount: tender.amount,
            reference: tender.reference.clone(),
        }),
    }
}

/// The member a till means now; blocked and closed ones are refused.
pub async fn find_member(
    host: &Host,
    conn: &mut Conn,
    reference: &MemberReference,
) -> Result<KnownMember, CheckoutError> {
    find_member_at(host, conn, reference, host.clock.now()).await
}

/// The member a till meant at an instant, with a card that was good then.
pub async fn find_member_at(
    host: &Host,
    conn: &mut Conn,
    reference: &MemberReference,
    at: Instant,
) -> Result<KnownMember, CheckoutError> {
    let unknown = |at, id: &str| CheckoutError::MemberUnknown {
        at,
        id: id.to_owned(),
    };
    let marked = |shown| mark_hash(&host.vault, &shown).map(|(_, hash)| hash);
    let known = match reference {
        MemberReference::Id(id) => members::known(conn, MemberName::Id(id))
            .await?
            .ok_or_else(|| unknown("/member/id", id))?,
        MemberReference::Card(number) => {
            match members::known(conn, MemberName::Card(number)).await? {
                Some(known) => known,
                None => return Err(nobodys(cards::card(conn, number).await?, number)),
            }
        }
        MemberReference::Nfc(text) => {
            let hash = marked(Shown::Nfc(text.clone()));
            let hash = hash.ok_or(CheckoutError::CardMark("/member/nfc"))?;
            match members::known(conn, MemberName::CardMark(&hash)).await? {
                Some(known) => known,
                None => return Err(nobodys(cards::marked(conn, &hash).await?, "nfc")),
            }
        }
        MemberReference::Track(text) => {
            let hash = marked(Shown::Track(text.clone()));
            let hash = hash.ok_or(CheckoutError::CardMark("/member/track"))?;
            match members::known(conn, MemberName::CardMark(&hash)).await? {
                Some(known) => known,
                None => return Err(nobodys(cards::marked(conn, &hash).await?, "track")),
            }
        }
        MemberReference::Code(code) => {
            let id = code::read(&host.vault, code, at)?;
            members::known(conn, MemberName::Id(&id))
                .await?
                .ok_or_else(|| unknown("/member/code", "code"))?
        }
        MemberReference::Phone(phone) => {
            let hash = host.vault.phone_hash(phone);
            members::known(conn, MemberName::PhoneHash(&hash))
                .await?
                // A phone number is not repeated into answers and logs.
                .ok_or_else(|| unknown("/member/phone", "phone"))?
        }
    };
    if let Some(status) = &known.card_status {
        let today = day_of(host, &known.member.home_store, at);
        let by = known.card_replaced_by.as_deref();
        usable(status, known.card_expires_on, by, today)?;
        if known.card_pin_hash.is_some() {
            return Err(CheckoutError::CardPin(Pin::Needed));
        }
    }
    match known.member.merged_into {
        Some(into) => Err(CheckoutError::MemberMerged {
            id: known.member.id,
            into: survivor(conn, into).await?,
        }),
        None if known.member.status != "active" => {
            Err(CheckoutError::MemberUnusable(known.member.id))
        }
        None => Ok(known),
    }
}

/// Merges that are followed from a member to who he is now.
const MOST_MERGES: usize = 16;

/// Who a merged member is now, through however many merges.
async fn survivor(conn: &mut Conn, mut into: String) -> Result<String, CheckoutError> {
    for _ in 0..MOST_MERGES {
        let next = members::member(conn, &into).await?;
        match next.and_then(|member| member.merged_into) {
            Some(next) => into = next,
            None => break,
        }
    }
    Ok(into)
}

/// Why no member was found by a card: it is blank, or there is none.
fn nobodys(card: Option<Card>, name: &str) -> CheckoutError {
    match card {
        Some(_) => Unusable::Blank.into(),
        None => CheckoutError::no_card("/member/card", name),
    }
}

/// A member with his tier, as pricing sees him on a day; who keeps a tier by hand is asked for apart.
pub async fn member_input(
    host: &Host,
    conn: &mut Conn,
    known: &KnownMember,
    wallet: Wallet,
    day: Day,
) -> Result<MemberInput, CheckoutError> {
    let (facts, own_tier) = member_facts(host, conn, known, day).await?;
    Ok(MemberInput {
        facts,
        own_tier,
        tier_since: known.member.tier_since.map(to_day),
        tier_valid_until: known.member.tier_valid_until.map(to_day),
        tier_floor: None,
        card_discounts: Vec::new(),
        wallet,
    })
}

/// What rules may know of a member on a business day, and the tier of his own where a paid membership lifts him.
pub async fn member_facts(
    host: &Host,
    conn: &mut Conn,
    known: &KnownMember,
    day: Day,
) -> Result<(MemberFacts, Option<OwnTier>), CheckoutError> {
    let member = &known.member;
    let person = match (&known.sealed_key, &known.sealed) {
        (Some(key), Some(sealed)) => host.vault.open_person(&member.id, key, sealed)?,
        _ => Default::default(),
    };
    let today = date_of(day);
    let birthday = person.birthday.as_ref().zip(today);
    let days_to_birthday = birthday.and_then(|(birthday, today)| birthday.days_away(today));
    let mut facts = MemberFacts {
        id: member.id.clone(),
        tier: member.tier.clone(),
        tier_multiplier: Ratio {
            numerator: member.tier_multiplier_num,
            denominator: member.tier_multiplier_den,
        },
        enrolled_on: to_day(member.enrolled_on),
        age_band: birthday.and_then(|(birthday, today)| birthday.age_band(today)),
        is_birthday: days_to_birthday == Some(0),
        is_birthday_month: birthday.is_some_and(|(birthday, today)| birthday.is_in_month_of(today)),
        days_to_birthday,
        orders_before: u32::try_from(member.orders).unwrap_or(0),
        segments: serde_json::from_str(&member.segments).unwrap_or_default(),
        attributes: crate::snapshot::attributes(&member.attributes)?,
    };
    let own_tier = memberships::lift(host, conn, known, &mut facts, day).await?;
    Ok((facts, own_tier))
}

/// What a member can spend on a day.
async fn wallet(
    conn: &mut Conn,
    member: &str,
    (points, currency): (&str, &str),
    day: Day,
) -> Result<Wallet, CheckoutError> {
    let account = |name: AccountName, asset: &str| format!("{member}/{}/{asset}", name.as_str());
    let (points, bonus) = (
        account(AccountName::Points, points),
        account(AccountName::Bonus, currency),
    );
    let principal = account(AccountName::Principal, currency);
    let mut wallet = Wallet::default();
    for lot in lots::open_lots(conn, member).await? {
        if lot.has_expired(day) {
            continue;
        }
        if lot.account == points {
            wallet.points = wallet.points.saturating_add(lot.remaining);
        } else if lot.account == bonus {
            wallet.bonus = wallet.bonus.saturating_add(lot.remaining);
        }
    }
    let balances = accounts::balances(conn, member).await?;
    wallet.principal = balances
        .iter()
        .find(|row| row.account.id() == principal)
        .map_or(0, |row| row.balance);
    Ok(wallet)
}

/// Who brought a member, where both sides are active.
pub async fn referral(
    host: &Host,
    conn: &mut Conn,
    member: &members::Member,
    day: Day,
) -> Result<Option<ReferralBase>, CheckoutError> {
    let (Some(referrer), Some(referred_on)) = (&member.referred_by, member.referred_on) else {
        return Ok(None);
    };
    let Some(referrer) = members::known(conn, MemberName::Id(referrer)).await? else {
        return Ok(None);
    };
    if referrer.member.status != "active" {
        return Ok(None);
    }
    let above = match &referrer.member.referred_by {
        Some(above) if *above != member.id => members::known(conn, MemberName::Id(above)).await?,
        _ => None,
    };
    let second_referrer = match above.filter(|above| above.member.status == "active") {
        Some(above) => Some(member_facts(host, conn, &above, day).await?.0),
        None => None,
    };
    Ok(Some(ReferralBase {
        referrer: member_facts(host, conn, &referrer, day).await?.0,
        second_referrer,
        referred_on: to_day(referred_on),
    }))
}

/// A stored day; days out of range stop at the ends of the calendar.
pub fn to_day(stored: i64) -> Day {
    Day(i32::try_from(stored).unwrap_or(if stored < 0 { i32::MIN } else { i32::MAX }))
}

impl From<AccessError> for CheckoutError {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}
