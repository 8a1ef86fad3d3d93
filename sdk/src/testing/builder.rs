//! Facts for tests. What is not said is an ordinary weekday noon in a store in China.

use chrono::{DateTime, NaiveDate};

use crate::types::{Attribute, Basket, Line, Member, Order, Owner, Tender, TenderKind, Value};
use crate::{Rate, points, promotions, referrals, tiers};

/// Facts under construction; finish with the kind of rule: `points`, `promotion`, `tier`, `referral`.
#[derive(Debug, Clone)]
pub struct FactsBuilder {
    order: Order,
    member: Option<Member>,
    referrer: Member,
    second_referrer: Option<Member>,
    referred_on: i32,
    basket: Basket,
    attributes: Vec<(String, Owner, Value)>,
    codes: Vec<String>,
    trigger: points::Trigger,
    occasion: tiers::Occasion,
    referral_occasion: referrals::Occasion,
    tier_since: Option<i32>,
    tier_valid_until: Option<i32>,
    amount: Option<i64>,
    points_scale: u8,
    aggregates: Vec<i64>,
    counters: Vec<i64>,
}

/// An empty basket of a member without a tier, on Monday 15 June 2026 at noon in China.
pub fn facts() -> FactsBuilder {
    let builder = FactsBuilder {
        order: Order {
            currency: "CNY".to_owned(),
            currency_scale: 2,
            occurred_at: 0,
            utc_offset_minutes: 0,
            business_date: 0,
            store: "store-1".to_owned(),
            region: "region-1".to_owned(),
            prices_include_tax: true,
        },
        member: Some(member("member-1")),
        referrer: member("member-2"),
        second_referrer: None,
        referred_on: days("2026-06-01"),
        basket: Basket {
            lines: Vec::new(),
            products: Vec::new(),
            categories: vec![String::new()],
            tags: Vec::new(),
            line_tags: Vec::new(),
            costs: Vec::new(),
            tenders: Vec::new(),
        },
        attributes: Vec::new(),
        codes: Vec::new(),
        trigger: points::Trigger::Sale,
        occasion: tiers::Occasion::Sale,
        referral_occasion: referrals::Occasion::Order,
        tier_since: None,
        tier_valid_until: None,
        amount: None,
        points_scale: 0,
        aggregates: Vec::new(),
        counters: Vec::new(),
    };
    builder.at("2026-06-15T12:00:00+08:00")
}

fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        tier: None,
        tier_multiplier: Rate::ONE.into(),
        enrolled_on: days("2025-01-01"),
        age_band: None,
        is_birthday: false,
        is_birthday_month: false,
        days_to_birthday: None,
        orders_before: 3,
        segments: Vec::new(),
    }
}

fn days(date: &str) -> i32 {
    let day: NaiveDate = date
        .parse()
        .unwrap_or_else(|_| panic!("{date} is no date; write YYYY-MM-DD"));
    day.to_epoch_days()
}

/// The position of a text in a table, which it joins when it is new.
fn intern(table: &mut Vec<String>, text: &str) -> u32 {
    let position = table.iter().position(|one| one == text).unwrap_or_else(|| {
        table.push(text.to_owned());
        table.len() - 1
    });
    u32::try_from(position).expect("a test has few categories and tags")
}

/// The order and the basket.
impl FactsBuilder {
    /// When it happened, RFC 3339 with the store's offset; sets the business day too.
    pub fn at(mut self, rfc3339: &str) -> Self {
        let time = DateTime::parse_from_rfc3339(rfc3339)
            .unwrap_or_else(|_| panic!("{rfc3339} is no time; write 2026-06-15T12:00:00+08:00"));
        self.order.occurred_at = time.timestamp_micros();
        self.order.utc_offset_minutes =
            i16::try_from(time.offset().local_minus_utc() / 60).expect("offsets are within a day");
        self.order.business_date = time.date_naive().to_epoch_days();
        self
    }

    /// The business day, where it is not that of the clock: `YYYY-MM-DD`.
    pub fn business_date(mut self, date: &str) -> Self {
        self.order.business_date = days(date);
        self
    }

    pub fn currency(mut self, code: &str, scale: u8) -> Self {
        self.order.currency = code.to_owned();
        self.order.currency_scale = scale;
        self
    }

    pub fn store(mut self, store: &str, region: &str) -> Self {
        self.order.store = store.to_owned();
        self.order.region = region.to_owned();
        self
    }

    pub fn order_attribute(self, name: &str, value: impl Into<Value>) -> Self {
        self.attribute(name, Owner::Order, value)
    }

    pub fn store_attribute(self, name: &str, value: impl Into<Value>) -> Self {
        self.attribute(name, Owner::Store, value)
    }

    fn attribute(mut self, name: &str, owner: Owner, value: impl Into<Value>) -> Self {
        self.attributes.push((name.to_owned(), owner, value.into()));
        self
    }

    /// Another line: one piece, free of charge, without category, until the next calls say more.
    pub fn line(mut self, product: &str) -> Self {
        let first_tag = u32::try_from(self.basket.line_tags.len()).expect("a test has few tags");
        self.basket.lines.push(Line {
            category: 0,
            tag_count: 0,
            first_tag,
            quantity: 1000,
            unit_price: 0,
            list_amount: 0,
            amount: 0,
            reduced_amount: 0,
            tax: 0,
            tax_rate: Rate::ZERO.into(),
        });
        self.basket.products.push(product.to_owned());
        self.basket.costs.push(None);
        self
    }

    fn last(&mut self) -> &mut Line {
        let last = self.basket.lines.last_mut();
        last.expect("call line(\"product\") first")
    }

    /// Category path of the last line, root first.
    pub fn category(mut self, path: &str) -> Self {
        let position = intern(&mut self.basket.categories, path);
        self.last().category = position;
        self
    }

    pub fn tag(mut self, tag: &str) -> Self {
        let position = intern(&mut self.basket.tags, tag);
        self.last().tag_count += 1;
        self.basket.line_tags.push(position);
        self
    }

    /// Price of one whole unit, minor units.
    pub fn price(mut self, unit_price: i64) -> Self {
        self.last().unit_price = unit_price;
        self.price_last()
    }

    /// Whole units.
    pub fn quantity(self, units: i64) -> Self {
        self.thousandths(units * 1000)
    }

    /// Thousandths of a unit, for weighed goods.
    pub fn thousandths(mut self, quantity: i64) -> Self {
        self.last().quantity = quantity;
        self.price_last()
    }

    fn price_last(mut self) -> Self {
        let line = self.last();
        let amount = crate::mul_div(
            line.unit_price,
            line.quantity,
            1000,
            crate::Rounding::HalfUp,
        )
        .expect("a test's prices are small");
        (line.list_amount, line.amount) = (amount, amount);
        line.reduced_amount = amount;
        self
    }

    /// What earlier discounts left of the last line, minor units.
    pub fn discounted_to(mut self, amount: i64) -> Self {
        let line = self.last();
        (line.amount, line.reduced_amount) = (amount, amount);
        self
    }

    /// The same, for a promotion that works on the initial amounts.
    pub fn elsewhere_discounted_to(mut self, amount: i64) -> Self {
        self.last().reduced_amount = amount;
        self
    }

    pub fn tax(mut self, tax: i64) -> Self {
        self.last().tax = tax;
        self
    }

    /// Rate of the last line's tax, such as 13/100.
    pub fn tax_rate(mut self, rate: Rate) -> Self {
        self.last().tax_rate = rate.into();
        self
    }

    /// What one whole unit cost the store, minor units.
    pub fn cost(mut self, cost: i64) -> Self {
        *self
            .basket
            .costs
            .last_mut()
            .expect("call line(\"product\") first") = Some(cost);
        self
    }

    pub fn line_attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.last();
        let position = u32::try_from(self.basket.lines.len() - 1).expect("a test has few lines");
        self.attribute(name, Owner::Line(position), value)
    }

    pub fn tender(mut self, kind: TenderKind, amount: i64) -> Self {
        self.basket.tenders.push(Tender { kind, amount });
        self
    }

    /// A code presented at the till.
    pub fn code(mut self, code: &str) -> Self {
        self.codes.push(code.to_owned());
        self
    }

    pub fn trigger(mut self, trigger: points::Trigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// The amount of the event; the sum of the lines unless said otherwise.
    pub fn amount(mut self, minor_units: i64) -> Self {
        self.amount = Some(minor_units);
        self
    }

    pub fn points_scale(mut self, digits: u8) -> Self {
        self.points_scale = digits;
        self
    }

    /// Answers to the rule's needs, in its order.
    pub fn aggregates(mut self, values: impl IntoIterator<Item = i64>) -> Self {
        self.aggregates = values.into_iter().collect();
        self
    }

    /// Answers to the rule's needs, in its order.
    pub fn counters(mut self, values: impl IntoIterator<Item = i64>) -> Self {
        self.counters = values.into_iter().collect();
        self
    }
}

/// The member, who is the one brought in a referral.
impl FactsBuilder {
    /// Somebody who showed no card.
    pub fn no_member(mut self) -> Self {
        self.member = None;
        self
    }

    fn change_member(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(self.member.as_mut().expect("no_member() was called before"));
        self
    }

    /// His tier and its multiplier for points.
    pub fn tier(self, code: &str, multiplier: Rate) -> Self {
        self.change_member(|member| {
            member.tier = Some(code.to_owned());
            member.tier_multiplier = multiplier.into();
        })
    }

    /// His birthday is today.
    pub fn birthday(self) -> Self {
        self.days_to_birthday(0)
            .change_member(|member| (member.is_birthday, member.is_birthday_month) = (true, true))
    }

    /// So many days until his birthday, below zero since; within 31.
    pub fn days_to_birthday(self, days: i8) -> Self {
        self.change_member(|member| member.days_to_birthday = Some(days))
    }

    pub fn birthday_month(self) -> Self {
        self.change_member(|member| member.is_birthday_month = true)
    }

    pub fn age_band(self, from: u8) -> Self {
        self.change_member(|member| member.age_band = Some(from))
    }

    pub fn orders_before(self, orders: u32) -> Self {
        self.change_member(|member| member.orders_before = orders)
    }

    /// `YYYY-MM-DD`.
    pub fn enrolled(self, date: &str) -> Self {
        self.change_member(|member| member.enrolled_on = days(date))
    }

    pub fn segment(self, segment: &str) -> Self {
        self.change_member(|member| member.segments.push(segment.to_owned()))
    }

    pub fn member_attribute(self, name: &str, value: impl Into<Value>) -> Self {
        self.attribute(name, Owner::Member, value)
    }

    /// The business day he got his tier, `YYYY-MM-DD`.
    pub fn tier_since(mut self, date: &str) -> Self {
        self.tier_since = Some(days(date));
        self
    }

    /// The last business day his tier is sure, `YYYY-MM-DD`.
    pub fn tier_valid_until(mut self, date: &str) -> Self {
        self.tier_valid_until = Some(days(date));
        self
    }

    pub fn occasion(mut self, occasion: tiers::Occasion) -> Self {
        self.occasion = occasion;
        self
    }

    /// The member who brought this one.
    pub fn referrer(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(&mut self.referrer);
        self
    }

    /// Somebody brought the referrer too.
    pub fn second_referrer(mut self, id: &str) -> Self {
        self.second_referrer = Some(member(id));
        self
    }

    /// The referred member joins instead of buying.
    pub fn joining(mut self) -> Self {
        self.referral_occasion = referrals::Occasion::Joining;
        self.amount(0)
    }

    /// The business day of the referral, `YYYY-MM-DD`.
    pub fn referred_on(mut self, date: &str) -> Self {
        self.referred_on = days(date);
        self
    }
}

/// The finished facts of each kind.
impl FactsBuilder {
    fn total(&self) -> i64 {
        let lines = self.basket.lines.iter();
        self.amount
            .unwrap_or_else(|| lines.map(|line| line.amount).sum())
    }

    /// By name, those of lines last.
    fn attributes(&self) -> Vec<Attribute> {
        let mut attributes: Vec<Attribute> = Vec::new();
        for (name, owner, value) in &self.attributes {
            let values = match attributes.iter_mut().find(|one| one.name == *name) {
                Some(attribute) => &mut attribute.values,
                None => {
                    attributes.push(Attribute {
                        name: name.clone(),
                        values: Vec::new(),
                    });
                    &mut attributes.last_mut().expect("one was pushed").values
                }
            };
            values.push((*owner, value.clone()));
        }
        let place = |owner: &Owner| match owner {
            Owner::Line(position) => Some(*position),
            _ => None,
        };
        for attribute in &mut attributes {
            attribute.values.sort_by_key(|(owner, _)| place(owner));
        }
        attributes
    }

    fn known_member(&self) -> Member {
        self.member
            .clone()
            .expect("only promotions are asked without a member")
    }

    pub fn points(self) -> points::Facts {
        points::Facts {
            trigger: self.trigger,
            member: self.known_member(),
            amount: self.total(),
            attributes: self.attributes(),
            order: self.order,
            basket: self.basket,
            points_scale: self.points_scale,
            aggregates: self.aggregates,
            counters: self.counters,
        }
    }

    pub fn promotion(self) -> promotions::Facts {
        promotions::Facts {
            attributes: self.attributes(),
            order: self.order,
            member: self.member,
            basket: self.basket,
            codes: self.codes,
            aggregates: self.aggregates,
            counters: self.counters,
        }
    }

    pub fn tier_review(self) -> tiers::Facts {
        tiers::Facts {
            occasion: self.occasion,
            attributes: self.attributes(),
            member: self.known_member(),
            tier_since: self.tier_since,
            tier_valid_until: self.tier_valid_until,
            business_date: self.order.business_date,
            currency: self.order.currency,
            currency_scale: self.order.currency_scale,
            aggregates: self.aggregates,
        }
    }

    pub fn referral(self) -> referrals::Facts {
        referrals::Facts {
            occasion: self.referral_occasion,
            amount: self.total(),
            attributes: self.attributes(),
            referee: self.known_member(),
            order: self.order,
            referrer: self.referrer,
            second_referrer: self.second_referrer,
            referred_on: self.referred_on,
            points_scale: self.points_scale,
            aggregates: self.aggregates,
            counters: self.counters,
        }
    }
}
