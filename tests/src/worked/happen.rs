//! Cases about more than sales: somebody joins, tops up or has his birthday, and what he and who brought him have then.

use std::collections::BTreeMap;

use serde_json::Value;
use tessera::domain::time::Instant;

use super::Member;
use super::play::Story;
use super::words::{money, written};

const DAY: i64 = 86_400;

impl Story<'_> {
    /// Lets happen what the case is about.
    pub(super) async fn happens(&mut self, what: &str, at: Instant) -> Result<(), String> {
        let mut member = self.case.member.clone().unwrap_or_default();
        if what == "has his birthday" {
            // He enrols the day before, so that the daily round finds him.
            let chain = self.shop.host.snapshots.current();
            let east = chain.and_then(|chain| chain.place("east"));
            let day = east.map(|east| east.day(at.plus_seconds(DAY)));
            let date = day.and_then(tessera::clock::date_of).ok_or("no day")?;
            member.birthday = Some(date.format("%m-%d").to_string());
        }
        if what == "joins on a recommendation" {
            member = Member {
                brought: true,
                ..member
            };
        }
        self.enrolled(&member).await?;
        let id = self.member.clone().ok_or("nobody joined")?;
        match what.split(' ').collect::<Vec<_>>()[..] {
            ["tops", "up", amount] => self.shop.top_up(&id, money(amount)?, 0).await,
            ["has", "his", "birthday"] => self.days_pass(at, 1).await?,
            ["stays", "away", days, "days"] => {
                let days = days.parse().map_err(|_| format!("`{days}` is no number"))?;
                self.days_pass(at, days).await?;
            }
            ["joins", ..] => {}
            _ => return Err(format!("`he {what}` is not understood")),
        }
        Ok(())
    }

    async fn days_pass(&self, at: Instant, days: i64) -> Result<(), String> {
        self.shop.set_clock(at.plus_seconds(days * DAY));
        let done = tessera::jobs::run_once(&self.shop.host).await;
        done.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Compares what both sides have with what the case says.
    pub(super) async fn held(&mut self) -> Result<(), String> {
        let sides = [
            ("he holds", &self.case.holds, self.member.clone()),
            (
                "the referrer holds",
                &self.case.referrer_holds,
                self.referrer.clone(),
            ),
        ];
        for (whose, expected, member) in sides {
            let Some(expected) = expected else { continue };
            let member = member.ok_or_else(|| format!("nobody of whom {whose}"))?;
            let mut found = self.holdings(&member).await?;
            found.retain(|name, _| expected.contains_key(name));
            for name in expected.keys().filter(|name| name.starts_with("points")) {
                found.entry(name.clone()).or_insert_with(|| "0".to_owned());
            }
            self.differences.expect(whose, expected, &found);
        }
        Ok(())
    }

    async fn holdings(&self, member: &str) -> Result<BTreeMap<String, String>, String> {
        let shown = |(name, balance): (String, i64)| {
            let is_points = name.starts_with("points");
            let text = if is_points {
                balance.to_string()
            } else {
                written(balance)
            };
            (name, text)
        };
        let balances = self.shop.balances(member).await;
        let mut found: BTreeMap<String, String> = balances.into_iter().map(shown).collect();
        let path = format!("/v1/members/{member}/coupons");
        let coupons = self.shop.get(&path, &self.shop.admin).await;
        let coupons = coupons.body["items"].as_array().map_or(0, Vec::len);
        found.insert("coupons".to_owned(), Value::from(coupons).to_string());
        Ok(found)
    }
}
