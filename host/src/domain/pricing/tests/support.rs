//! A shop whose rules answer what a test says.

use tessera_money::{Rate, Rounding, mul_div};

use crate::domain::basket::{Basket, BasketLine, TenderIntent};
use crate::domain::facts::ReferralBase;
use crate::domain::order::{CodeRefusal, OrderDocument};
use crate::domain::pricing::{
    Base, Campaign, CampaignRef, Choice, ClaimInput, FaultKind, Group, MemberInput, OnFault,
    PriceInput, Priced, PricingError, RecordedSale, RuleFault, Rules, Stage, Wallet, claim, price,
};
use crate::domain::rules::{
    Award, Discount, LineFacts, MemberFacts, Message, Needs, OrderFacts, PointsFacts,
    PointsProposal, PromotionFacts, PromotionProposal, Ratio, ReferralFacts, ReferralProposal,
    RuleKind, Target, TenderKind, TierDecision, TierFacts, Window,
};
use crate::domain::settings::{CheckoutSettings, PointsTender, TaxClass};
use crate::domain::time::{Day, Instant};

type Answer<F, P> = Box<dyn Fn(&F) -> Result<P, RuleFault>>;

pub(crate) enum Rule {
    Promotion(Answer<PromotionFacts, PromotionProposal>),
    Points(Answer<PointsFacts, PointsProposal>),
    Tier(Answer<TierFacts, TierDecision>),
    Referral(Answer<ReferralFacts, ReferralProposal>),
}

struct Script<'a>(&'a [Rule]);

fn wrong<T>() -> Result<T, RuleFault> {
    Err(RuleFault {
        kind: FaultKind::Unavailable,
        message: "asked as another kind".to_owned(),
    })
}

impl Rules for Script<'_> {
    fn promotion(
        &mut self,
        campaign: usize,
        facts: PromotionFacts,
    ) -> Result<PromotionProposal, RuleFault> {
        if let Rule::Promotion(rule) = &self.0[campaign] {
            rule(&facts)
        } else {
            wrong()
        }
    }

    fn points(&mut self, campaign: usize, facts: PointsFacts) -> Result<PointsProposal, RuleFault> {
        if let Rule::Points(rule) = &self.0[campaign] {
            rule(&facts)
        } else {
            wrong()
        }
    }

    fn tier(&mut self, campaign: usize, facts: TierFacts) -> Result<TierDecision, RuleFault> {
        if let Rule::Tier(rule) = &self.0[campaign] {
            rule(&facts)
        } else {
            wrong()
        }
    }

    fn referral(
        &mut self,
        campaign: usize,
        facts: ReferralFacts,
    ) -> Result<ReferralProposal, RuleFault> {
        if let Rule::Referral(rule) = &self.0[campaign] {
            rule(&facts)
        } else {
            wrong()
        }
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rule")
    }
}

#[derive(Debug)]
pub(crate) struct Shop {
    pub settings: CheckoutSettings,
    pub basket: Basket,
    pub campaigns: Vec<Campaign>,
    pub refused_codes: Vec<(String, CodeRefusal)>,
    pub rules: Vec<Rule>,
    pub member: Option<MemberInput>,
    pub referral: Option<ReferralBase>,
    pub recorded: Option<RecordedSale>,
}

pub(crate) fn today() -> Day {
    Day(20_000)
}

impl Shop {
    /// Prices include tax: standard 13 %, reduced 9 %, none 0 %. One point-unit pays one fen.
    pub fn new() -> Self {
        let class = |name: &str, percent| TaxClass {
            name: name.to_owned(),
            rate: Rate::percent(percent),
        };
        Self {
            settings: CheckoutSettings {
                tax_classes: vec![class("standard", 13), class("reduced", 9), class("none", 0)],
                points_tender: Some(PointsTender {
                    value: Rate::ONE,
                    minimum: 0,
                    multiple: 1,
                    max_share: None,
                }),
                ..CheckoutSettings::default()
            },
            basket: Basket {
                currency: "CNY".to_owned(),
                currency_scale: 2,
                lines: Vec::new(),
                codes: Vec::new(),
                tenders: Vec::new(),
            },
            campaigns: Vec::new(),
            refused_codes: Vec::new(),
            rules: Vec::new(),
            member: None,
            referral: None,
            recorded: None,
        }
    }

    /// Adds one unit at each price.
    pub fn selling(mut self, prices: &[i64]) -> Self {
        self.basket
            .lines
            .extend(prices.iter().map(|price| line(*price, 1_000)));
        self
    }

    pub fn with_line(mut self, line: BasketLine) -> Self {
        self.basket.lines.push(line);
        self
    }

    pub fn for_member(mut self, wallet: Wallet) -> Self {
        let facts = member("m1");
        self.member = Some(MemberInput {
            facts,
            tier_since: None,
            tier_valid_until: None,
            own_tier: None,
            tier_floor: None,
            card_discounts: Vec::new(),
            wallet,
        });
        self
    }

    pub fn paid_by(mut self, tenders: &[TenderIntent]) -> Self {
        self.basket.tenders.extend_from_slice(tenders);
        self
    }

    pub fn with_rule(mut self, campaign: Campaign, rule: Rule) -> Self {
        self.campaigns.push(campaign);
        self.rules.push(rule);
        self
    }

    pub fn try_price(&self) -> Result<Priced, PricingError> {
        let input = PriceInput {
            settings: &self.settings,
            basket: &self.basket,
            order: OrderFacts {
                currency: "CNY".to_owned(),
                currency_scale: 2,
                occurred_at: Instant(1_728_000_000_000_000),
                utc_offset_minutes: 480,
                business_date: today(),
                store: "s1".to_owned(),
                region: "east".to_owned(),
                prices_include_tax: self.settings.prices_include_tax,
                attributes: Vec::new(),
                store_attributes: Vec::new(),
            },
            member: self.member.clone(),
            referral: self.referral.clone(),
            campaigns: &self.campaigns,
            refused_codes: &self.refused_codes,
            points_scale: 0,
            recorded: self.recorded,
        };
        price(&input, &mut Script(&self.rules))
    }

    /// Gives an order that was sold before to a member, by the rules of this shop.
    pub fn claim(&self, sold: &Priced, member: MemberInput, today: Day) -> Priced {
        let input = ClaimInput {
            settings: &self.settings,
            document: &sold.document,
            facts: &sold.facts,
            member,
            campaigns: &self.campaigns,
            today,
            first_day: |window, day| match window {
                Window::RollingDays(days) => day.plus_days(1 - days as i32),
                _ => Day(i32::MIN),
            },
        };
        claim(&input, &mut Script(&self.rules)).expect("the order can be claimed")
    }

    pub fn price(&self) -> Priced {
        self.try_price().expect("the basket has a price")
    }

    pub fn document(&self) -> OrderDocument {
        self.price().document
    }
}

pub(crate) fn member(id: &str) -> MemberFacts {
    MemberFacts {
        id: id.to_owned(),
        tier: None,
        tier_multiplier: Ratio {
            numerator: 1,
            denominator: 1,
        },
        enrolled_on: Day(19_000),
        age_band: None,
        is_birthday: false,
        is_birthday_month: false,
        days_to_birthday: None,
        orders_before: 0,
        segments: Vec::new(),
        attributes: Vec::new(),
    }
}

pub(crate) fn line(unit_price: i64, quantity: i64) -> BasketLine {
    BasketLine {
        product: Some("p".to_owned()),
        name: "article".to_owned(),
        category: "food/bread".to_owned(),
        tags: Vec::new(),
        quantity,
        unit_price,
        priced_by_till: false,
        member_price: None,
        fixed_amount: None,
        pass: None,
        sells: None,
        reserved: None,
        cost: None,
        tax_class: "standard".to_owned(),
        floor_price: None,
        attributes: Vec::new(),
    }
}

pub(crate) fn campaign(binding: &str, kind: RuleKind) -> Campaign {
    Campaign {
        campaign: CampaignRef {
            binding: binding.to_owned(),
            kind,
            plugin: "test".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "d".to_owned(),
            config: "c".to_owned(),
        },
        stage: Stage::Order,
        priority: 0,
        group: None,
        base: Base::Discounted,
        on_fault: OnFault::Skip,
        needs: Needs::default(),
        aggregates: Vec::new(),
        counters: Vec::new(),
        codes: Vec::new(),
        max_discount: None,
        usage: Vec::new(),
    }
}

pub(crate) fn promo(binding: &str) -> Campaign {
    campaign(binding, RuleKind::Promotion)
}

pub(crate) fn in_group(choice: Choice, priority: i32, campaign: Campaign) -> Campaign {
    Campaign {
        group: Some(Group {
            name: "g".to_owned(),
            choice,
        }),
        priority,
        ..campaign
    }
}

pub(crate) fn reason(key: &str) -> Message {
    Message {
        key: key.to_owned(),
        arguments: Vec::new(),
    }
}

pub(crate) fn discount(target: Target, amount: i64) -> Discount {
    Discount {
        target,
        amount,
        reason: reason("off"),
        basis: Vec::new(),
    }
}

fn total(lines: &[LineFacts]) -> i64 {
    lines.iter().map(|line| line.amount).sum()
}

/// So much off the order.
pub(crate) fn off(amount: i64) -> Rule {
    proposing(vec![discount(Target::Order, amount)])
}

/// So many percent off the order, rounded half up.
pub(crate) fn percent_off(percent: i64) -> Rule {
    Rule::Promotion(Box::new(move |facts| {
        let amount =
            mul_div(total(&facts.lines), percent, 100, Rounding::HalfUp).expect("a small amount");
        let discounts = if amount > 0 {
            vec![discount(Target::Order, amount)]
        } else {
            Vec::new()
        };
        Ok(PromotionProposal {
            discounts,
            ..PromotionProposal::default()
        })
    }))
}

pub(crate) fn proposing(discounts: Vec<Discount>) -> Rule {
    answering(PromotionProposal {
        discounts,
        ..PromotionProposal::default()
    })
}

pub(crate) fn answering(proposal: PromotionProposal) -> Rule {
    Rule::Promotion(Box::new(move |_| Ok(proposal.clone())))
}

pub(crate) fn trapping() -> Rule {
    Rule::Promotion(Box::new(|_| {
        Err(RuleFault {
            kind: FaultKind::Trap,
            message: "unreachable".to_owned(),
        })
    }))
}

pub(crate) fn award(points: i64, lines: Vec<u32>) -> Award {
    Award {
        points,
        reason: reason("earned"),
        lines,
        expires_on: None,
        available_on: None,
    }
}

/// One point for every full `money`.
pub(crate) fn point_per(money: i64) -> Rule {
    Rule::Points(Box::new(move |facts| {
        let points = facts.amount / money;
        let awards = if points > 0 {
            vec![award(points, Vec::new())]
        } else {
            Vec::new()
        };
        Ok(PointsProposal {
            awards,
            ..PointsProposal::default()
        })
    }))
}

pub(crate) fn cash(amount: Option<i64>) -> TenderIntent {
    money(TenderKind::Cash, amount)
}

pub(crate) fn money(kind: TenderKind, amount: Option<i64>) -> TenderIntent {
    TenderIntent::Money {
        kind,
        amount,
        reference: None,
    }
}

pub(crate) fn wallet(points: i64, principal: i64, bonus: i64) -> Wallet {
    Wallet {
        points,
        principal,
        bonus,
    }
}
