//! The order while it is being priced.

use tessera_money::{Overflow, Rate, Rounding, mul_div, mul_rate, split};

use super::allocation::Lines;
use super::campaign::{Campaign, FaultKind, OnFault, RuleFault};
use super::opening::{Buyer, base_facts, class_of, empty_document, price_line};
use super::{
    CallOutcome, MAX_CAMPAIGNS, PriceInput, Priced, PricingError, RuleCall, codes, tax, tenders,
};
use crate::domain::facts::{BaseFacts, FactsDelta};
use crate::domain::order::{
    Adjustment, AdjustmentSource, CounterOwner, CounterUse, LineShare, NearMissRecord,
    OrderDocument, OrderLine, Skipped, TaxSum, Totals,
};
use crate::domain::rules::{CounterChange, CounterScope, NearMiss, Target};
use crate::domain::settings::CapRest;

const MAX_NEAR_MISSES: usize = 50;

pub struct Work<'a> {
    pub input: &'a PriceInput<'a>,
    pub facts: BaseFacts,
    pub lines: Lines,
    pub document: OrderDocument,
    pub calls: Vec<RuleCall>,
    /// Codes that were used.
    pub used_codes: Vec<String>,
    /// Position in the document's campaigns, by position in the input's.
    named: Vec<Option<u32>>,
    /// Position of each line's tax class in `rates`.
    classes: Vec<usize>,
    rates: Vec<(String, Rate)>,
}

impl<'a> Work<'a> {
    /// Everything at list or member price.
    pub fn start(input: &'a PriceInput<'a>) -> Result<Self, PricingError> {
        input.basket.validate()?;
        let (basket, store) = (&input.basket.currency, &input.order.currency);
        if basket != store || input.basket.currency_scale != input.order.currency_scale {
            return Err(PricingError::Currency {
                basket: basket.clone(),
                store: store.clone(),
            });
        }
        if input.campaigns.len() > MAX_CAMPAIGNS {
            return Err(PricingError::TooManyCampaigns {
                count: input.campaigns.len(),
            });
        }
        if input
            .recorded
            .and_then(|sale| sale.total)
            .is_some_and(|total| total < 0)
        {
            return Err(PricingError::RecordedTotal);
        }
        let (mut lines, mut classes, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        let mut state = Lines {
            initial: Vec::new(),
            left: Vec::new(),
            floors: Vec::new(),
            caps: Vec::new(),
        };
        for (position, line) in input.basket.lines.iter().enumerate() {
            let (class, rate) = class_of(position, line, input.settings, &mut rates)?;
            let buyer = input.member.as_ref().map(|member| Buyer {
                cards: &member.card_discounts,
            });
            let priced = price_line(line, rate, buyer, input.settings)?;
            let floor = line.floor_price.unwrap_or(0);
            let floor = mul_div(floor, line.quantity, 1_000, Rounding::Up)?;
            let bearable = match input.settings.discount_cap(&line.category) {
                Some(share) => mul_rate(priced.list_amount, share, Rounding::Down)?,
                None => priced.list_amount,
            };
            let cap = priced.list_amount - bearable;
            let (floor, cap) = match input.settings.discount_caps_rest {
                CapRest::Dropped => (floor, cap),
                CapRest::Spread => (floor.max(cap), 0),
            };
            state.initial.push(priced.list_amount);
            state.left.push(priced.list_amount);
            state.floors.push(floor.min(priced.list_amount));
            state.caps.push(cap);
            classes.push(class);
            lines.push(priced);
        }
        let facts = base_facts(input, &lines, classes.iter().map(|class| rates[*class].1))?;
        let document = empty_document(input, lines);
        Ok(Self {
            input,
            facts,
            lines: state,
            document,
            calls: Vec::new(),
            used_codes: Vec::new(),
            named: vec![None; input.campaigns.len()],
            classes,
            rates,
        })
    }

    /// An order that was settled before, to ask further rules about it; `facts` are what the others were told.
    pub fn settled(input: &'a PriceInput<'a>, document: OrderDocument, facts: BaseFacts) -> Self {
        Self {
            input,
            facts,
            lines: Lines {
                initial: document.lines.iter().map(|line| line.list_amount).collect(),
                left: document.lines.iter().map(|line| line.amount).collect(),
                floors: vec![0; document.lines.len()],
                caps: vec![0; document.lines.len()],
            },
            document,
            calls: Vec::new(),
            used_codes: Vec::new(),
            named: vec![None; input.campaigns.len()],
            classes: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// Position of a campaign in the document, which from now on remembers it.
    pub fn name(&mut self, campaign: usize) -> u32 {
        if let Some(position) = self.named[campaign] {
            return position;
        }
        // At most MAX_CAMPAIGNS of them.
        let position = self.document.campaigns.len() as u32;
        self.document
            .campaigns
            .push(self.input.campaigns[campaign].campaign.clone());
        self.named[campaign] = Some(position);
        position
    }

    /// Notes a call; its outcome is known only later.
    pub fn note_call(&mut self, campaign: usize, delta: FactsDelta) -> usize {
        self.calls.push(RuleCall {
            campaign,
            delta,
            outcome: CallOutcome::Faulted,
        });
        self.calls.len() - 1
    }

    /// Leaves a campaign out, or refuses the order where its binding says so. A reached limit is no fault, and
    /// a sale that happened is not refused.
    pub fn leave_out(&mut self, campaign: usize, fault: RuleFault) -> Result<(), PricingError> {
        let binding = &self.input.campaigns[campaign];
        let refuses = binding.on_fault == OnFault::RefuseOrder && self.input.recorded.is_none();
        if refuses && fault.kind != FaultKind::LimitReached {
            return Err(PricingError::RuleRefused {
                binding: binding.campaign.binding.clone(),
                plugin: binding.campaign.plugin.clone(),
                fault,
            });
        }
        let named = self.name(campaign);
        self.document.skipped.push(Skipped {
            campaign: named,
            fault: fault.kind,
            message: fault.message,
        });
        Ok(())
    }

    /// Whether a limit of the binding leaves nothing for this order; says so when it does.
    pub fn is_used_up(&mut self, campaign: usize) -> Result<bool, PricingError> {
        let anonymous = self.input.member.is_none();
        let full = self.input.campaigns[campaign]
            .usage
            .iter()
            .find(|usage| usage.left() == 0 || (anonymous && usage.scope.is_of_members()));
        let Some(usage) = full else { return Ok(false) };
        let message = match usage.left() {
            0 => format!("its limit `{}` of {} is used up", usage.name, usage.limit),
            _ => format!(
                "its limit `{}` counts per member and there is none",
                usage.name
            ),
        };
        self.leave_out(
            campaign,
            RuleFault {
                kind: FaultKind::LimitReached,
                message,
            },
        )?;
        Ok(true)
    }

    pub fn note_near_misses(&mut self, campaign: usize, misses: Vec<NearMiss>) {
        for NearMiss { reason, missing } in misses {
            if self.document.near_misses.len() < MAX_NEAR_MISSES {
                let campaign = self.name(campaign);
                self.document.near_misses.push(NearMissRecord {
                    campaign,
                    reason,
                    missing,
                });
            }
        }
    }

    /// Notes what the commit adds to a rule's own counters. A member's counter without a member stays as it is.
    pub fn note_counters(
        &mut self,
        campaign: usize,
        changes: &[CounterChange],
        member: Option<&str>,
    ) {
        let named = self.name(campaign);
        let needs = &self.input.campaigns[campaign].needs.counters;
        for (position, need) in needs.iter().enumerate() {
            let of_this = changes
                .iter()
                .filter(|change| change.counter as usize == position);
            // Checked with the proposal.
            let change = of_this.fold(0_i64, |sum, change| sum.saturating_add(change.change));
            let whose = self.whose(need.scope, member);
            if change == 0 || (need.scope.is_of_members() && whose.is_none()) {
                continue;
            }
            self.document.counters.push(CounterUse {
                campaign: named,
                owner: CounterOwner::Rule,
                name: need.name.clone(),
                scope: need.scope,
                period: need.period,
                member: whose,
                change,
                limit: need.limit,
            });
        }
    }

    /// Whose counter of a scope is meant, where `member` is the one a rule keeps count of.
    fn whose(&self, scope: CounterScope, member: Option<&str>) -> Option<String> {
        match scope {
            CounterScope::Member => member.map(str::to_owned),
            CounterScope::Referee => {
                let buyer = self.input.member.as_ref();
                buyer.map(|buyer| buyer.facts.id.clone())
            }
            CounterScope::Store | CounterScope::Chain => None,
        }
    }

    /// Notes what the commit adds to the binding's limits; those per member count this one.
    pub fn note_usage(&mut self, campaign: usize, money: i64, points: i64, member: Option<&str>) {
        use super::campaign::UsageUnit::{Money, Points, Uses};
        let named = self.name(campaign);
        for usage in &self.input.campaigns[campaign].usage {
            let change = match usage.counts {
                Uses => 1,
                Money => money,
                Points => points,
            };
            if change != 0 {
                let member = self.whose(usage.scope, member);
                self.document.counters.push(CounterUse {
                    campaign: named,
                    owner: CounterOwner::Usage,
                    name: usage.name.clone(),
                    scope: usage.scope,
                    period: usage.period,
                    member,
                    change,
                    limit: Some(usage.limit),
                });
            }
        }
    }

    /// Tax of every line on what is left of it.
    pub fn settle_tax(&mut self) -> Result<(), PricingError> {
        let included = self.input.settings.prices_include_tax;
        let amounts: Vec<(i64, usize)> = self
            .lines
            .left
            .iter()
            .copied()
            .zip(self.classes.iter().copied())
            .collect();
        let rates: Vec<Rate> = self.rates.iter().map(|(_, rate)| *rate).collect();
        let taxes = tax::line_taxes(&amounts, &rates, self.input.settings, included)?;
        for ((line, tax), amount) in self
            .document
            .lines
            .iter_mut()
            .zip(taxes)
            .zip(&self.lines.left)
        {
            let on_top = if included { 0 } else { tax };
            line.amount = *amount;
            line.discount = line.list_amount - amount;
            line.tax = tax;
            line.gross = amount.checked_add(on_top).ok_or(Overflow)?;
            line.net = line.gross - tax;
        }
        Ok(())
    }

    /// Lays a recorded total over the lines: what the till charged is a fact.
    pub fn settle_till_difference(&mut self) -> Result<(), PricingError> {
        let Some(total) = self.input.recorded.and_then(|sale| sale.total) else {
            return Ok(());
        };
        let grosses: Vec<i64> = self.document.lines.iter().map(|line| line.gross).collect();
        let answered = sum(grosses.iter().copied())?;
        if total == answered {
            return Ok(());
        }
        let weights = if answered == 0 {
            self.document
                .lines
                .iter()
                .map(|line| line.list_amount)
                .collect()
        } else {
            grosses
        };
        let new = split(total, &weights);
        let amounts: Vec<(i64, usize)> = new
            .iter()
            .copied()
            .zip(self.classes.iter().copied())
            .collect();
        let rates: Vec<Rate> = self.rates.iter().map(|(_, rate)| *rate).collect();
        let taxes = tax::line_taxes(&amounts, &rates, self.input.settings, true)?;
        let mut allocation = Vec::new();
        for (position, ((line, gross), tax)) in self
            .document
            .lines
            .iter_mut()
            .zip(new)
            .zip(taxes)
            .enumerate()
        {
            let amount = if self.input.settings.prices_include_tax {
                gross
            } else {
                gross - tax
            };
            let share = line.amount - amount;
            if share != 0 {
                allocation.push(LineShare {
                    line: position as u32,
                    share,
                });
            }
            (line.amount, line.gross, line.tax, line.net) = (amount, gross, tax, gross - tax);
            line.discount = line.list_amount - amount;
        }
        let applied = sum(allocation.iter().map(|share| share.share))?;
        self.document.adjustments.push(Adjustment {
            source: AdjustmentSource::TillDifference,
            reason: None,
            target: Target::Order,
            proposed: applied,
            applied,
            allocation,
            basis: Vec::new(),
        });
        Ok(())
    }

    /// Totals, and the tenders that pay them.
    pub fn settle_tenders(&mut self) -> Result<(), PricingError> {
        let input = self.input;
        let lines = &self.document.lines;
        let of = |part: fn(&OrderLine) -> i64| sum(lines.iter().map(part));
        let mut totals = Totals {
            regular: of(|line| line.regular_amount)?,
            list: of(|line| line.list_amount)?,
            discount: of(|line| line.discount)?,
            net: of(|line| line.net)?,
            tax: of(|line| line.tax)?,
            total: of(|line| line.gross)?,
            ..Totals::default()
        };
        let wallet = input.member.as_ref().map(|member| member.wallet);
        let strict = input.recorded.is_none();
        let payment = tenders::pay(
            totals.total,
            &input.basket.tenders,
            input.settings,
            wallet,
            strict,
        )?;
        totals.rounding = payment.rounding;
        totals.paid = payment.paid()?;
        totals.left_to_pay = payment.left;
        totals.change = payment.change;
        totals.points_spent = sum(payment.tenders.iter().map(|tender| tender.points))?;
        self.document.totals = totals;
        self.document.tenders = payment.tenders;
        self.document.taxes = self.tax_sums()?;
        Ok(())
    }

    fn tax_sums(&self) -> Result<Vec<TaxSum>, Overflow> {
        let of_class = |(class, (name, rate)): (usize, &(String, Rate))| {
            let members = || {
                self.document
                    .lines
                    .iter()
                    .zip(&self.classes)
                    .filter(move |(_, of)| **of == class)
            };
            Ok(TaxSum {
                class: name.clone(),
                rate: *rate,
                net: sum(members().map(|(line, _)| line.net))?,
                tax: sum(members().map(|(line, _)| line.tax))?,
                gross: sum(members().map(|(line, _)| line.gross))?,
            })
        };
        self.rates.iter().enumerate().map(of_class).collect()
    }

    pub fn finish(mut self) -> Result<Priced, PricingError> {
        self.document.totals.points_earned =
            sum(self.document.awards.iter().map(|award| award.points))?;
        codes::settle(&mut self);
        Ok(Priced {
            document: self.document,
            facts: self.facts,
            calls: self.calls,
        })
    }

    pub fn campaign(&self, campaign: usize) -> &'a Campaign {
        &self.input.campaigns[campaign]
    }
}

pub fn sum(amounts: impl Iterator<Item = i64>) -> Result<i64, Overflow> {
    amounts
        .into_iter()
        .try_fold(0_i64, |sum, amount| sum.checked_add(amount))
        .ok_or(Overflow)
}
