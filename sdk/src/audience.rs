//! For whom a rule is, ready for a configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{ConfigProblem, Member, Order};

/// Most entries of one list.
const NAMES_MAX: usize = 100;
const AGE_MAX: u8 = 120;
/// What facts tell of a birthday.
const BIRTHDAY_DAYS_MAX: u8 = 31;
/// Ten years.
const DAYS_MAX: u16 = 3_660;

/// For whom a rule is. All that is set must fit, and a list fits when one of its entries does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audience {
    /// Whether only members get it. Whatever else is set here leaves out customers without a card anyway.
    #[schemars(title = "Members only", extend("default" = false))]
    #[serde(skip_serializing_if = "is_default")]
    pub members_only: bool,
    /// Codes of the tiers that get it; every tier and none when empty.
    #[schemars(title = "Tiers", extend("examples" = [["silver", "gold"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// Codes of the tiers that do not get it.
    #[schemars(title = "Except tiers", extend("examples" = [["staff"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_tiers: Vec<String>,
    /// Segments that get it; everybody when empty.
    #[schemars(title = "Segments", extend("examples" = [["newsletter"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// Segments that do not get it.
    #[schemars(title = "Except segments", extend("examples" = [["resellers"]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_segments: Vec<String>,
    /// Whether it is a birthday present.
    #[schemars(title = "Birthday", extend("default" = "any"))]
    #[serde(skip_serializing_if = "is_default")]
    pub birthday: Birthday,
    /// Days before the birthday on which it counts already; only with `birthday` = `day`.
    #[schemars(title = "Days before the birthday", range(max = 31), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub birthday_before: u8,
    /// Days after the birthday on which it still counts; only with `birthday` = `day`.
    #[schemars(title = "Days after the birthday", range(max = 31), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub birthday_after: u8,
    /// Age bands of ten years by their first year: 20 for 20 to 29. Who did not tell his age is in none.
    #[schemars(title = "Age bands", extend("examples" = [[60, 70, 80]]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ages: Vec<u8>,
    /// Whether it is only for a member's first order.
    #[schemars(title = "First order", extend("default" = false))]
    #[serde(skip_serializing_if = "is_default")]
    pub first_order: bool,
    /// Days a member is new, the day of the enrolment included. Zero: new and old members.
    #[schemars(title = "New member for days", range(max = 3660), extend("default" = 0))]
    #[serde(skip_serializing_if = "is_default")]
    pub new_for_days: u16,
}

/// How near his birthday a member must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Birthday {
    /// It does not matter.
    #[default]
    Any,
    /// On the day. Who was born on 29 February has it on 28 in other years.
    Day,
    /// In its week, from Monday to Sunday.
    Week,
    /// In its month.
    Month,
}

/// Whether somebody gets what a rule offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Yes,
    /// A card is all that is missing.
    WithCard,
    No,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Audience {
    /// Whether a customer gets it; `None` showed no card.
    pub fn admits(&self, member: Option<&Member>, order: &Order) -> Admission {
        match member {
            Some(member) if self.admits_member(member, order.business_date) => Admission::Yes,
            Some(_) => Admission::No,
            None if self.is_everyone() => Admission::Yes,
            None if self.is_every_member() => Admission::WithCard,
            // Nobody can promise a stranger that he would belong.
            None => Admission::No,
        }
    }

    /// The same of somebody known to be a member, on a business day since 1970-01-01.
    pub fn admits_member(&self, member: &Member, today: i32) -> bool {
        let tier = member.tier.as_ref();
        let in_one = |segments: &[String]| segments.iter().any(|one| member.is_in_segment(one));
        (self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(tier)))
            && !tier.is_some_and(|tier| self.except_tiers.contains(tier))
            && (self.segments.is_empty() || in_one(&self.segments))
            && !in_one(&self.except_segments)
            && self.is_near_enough(member, today)
            && (self.ages.is_empty() || member.age_band.is_some_and(|age| self.ages.contains(&age)))
            && (!self.first_order || member.orders_before == 0)
            && self.is_new_enough(member, today)
    }

    fn is_near_enough(&self, member: &Member, today: i32) -> bool {
        let within = |before: i64, after: i64| {
            let days = member.days_to_birthday;
            days.is_some_and(|days| (-after..=before).contains(&days.into()))
        };
        match self.birthday {
            Birthday::Any => true,
            Birthday::Day => within(self.birthday_before.into(), self.birthday_after.into()),
            Birthday::Week => {
                // 1970-01-01 was a Thursday.
                let since_monday = (i64::from(today) + 3).rem_euclid(7);
                within(6 - since_monday, since_monday)
            }
            Birthday::Month => member.is_birthday_month,
        }
    }

    fn is_new_enough(&self, member: &Member, today: i32) -> bool {
        let days = i64::from(today) - i64::from(member.enrolled_on);
        self.new_for_days == 0 || (0..i64::from(self.new_for_days)).contains(&days)
    }

    /// Whether nobody is left out.
    pub fn is_everyone(&self) -> bool {
        !self.members_only && self.is_every_member()
    }

    /// Whether no member is left out.
    fn is_every_member(&self) -> bool {
        *self
            == Audience {
                members_only: self.members_only,
                ..Audience::default()
            }
    }

    /// What is wrong with it; `pointer` is where it stands in the configuration, such as `/who`.
    pub fn problems(&self, pointer: &str) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut say = |place: String, message: &str| {
            problems.push(ConfigProblem::at(format!("{pointer}/{place}"), message));
        };
        let lists = [
            ("tiers", &self.tiers, None),
            ("except_tiers", &self.except_tiers, Some(&self.tiers)),
            ("segments", &self.segments, None),
            (
                "except_segments",
                &self.except_segments,
                Some(&self.segments),
            ),
        ];
        for (name, list, named) in lists {
            if list.len() > NAMES_MAX {
                say(name.into(), "Name at most 100.");
            }
            for (position, entry) in list.iter().enumerate().take(NAMES_MAX) {
                let at = || format!("{name}/{position}");
                if entry.trim().is_empty() {
                    say(at(), "Write a code or remove the entry.");
                } else if list[..position].contains(entry) {
                    say(at(), "It stands twice; remove one of them.");
                } else if named.is_some_and(|named| named.contains(entry)) {
                    say(at(), "It is both named and excepted; remove one of them.");
                }
            }
        }
        for (position, age) in self.ages.iter().enumerate() {
            let at = || format!("ages/{position}");
            if *age > AGE_MAX || age % 10 != 0 {
                say(at(), "Write the first year of a band: 0, 10, 20 up to 120.");
            } else if self.ages[..position].contains(age) {
                say(at(), "It stands twice; remove one of them.");
            }
        }
        for (name, days) in [
            ("birthday_before", self.birthday_before),
            ("birthday_after", self.birthday_after),
        ] {
            if days > BIRTHDAY_DAYS_MAX {
                say(name.into(), "Write at most 31 days.");
            } else if days > 0 && self.birthday != Birthday::Day {
                say(name.into(), "Set `birthday` to `day`, or leave it out.");
            }
        }
        if self.new_for_days > DAYS_MAX {
            say("new_for_days".into(), "Write at most 3660 days.");
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rate;
    use crate::testing::{FactsBuilder, facts};

    fn admits(json: &str, facts: FactsBuilder) -> Admission {
        let audience: Audience = serde_json::from_str(json).expect(json);
        let facts = facts.promotion();
        audience.admits(facts.member.as_ref(), &facts.order)
    }

    #[test]
    fn all_that_is_set_must_fit() {
        // The member enrolled on 1 January 2025 and has three orders; the day is 15 June 2026.
        let gold = || facts().tier("gold", Rate::ONE);
        for (json, member, expected) in [
            ("{}", facts(), true),
            (r#"{"tiers": ["gold", "silver"]}"#, facts(), false),
            (r#"{"tiers": ["gold", "silver"]}"#, gold(), true),
            (r#"{"except_tiers": ["gold"]}"#, gold(), false),
            (r#"{"except_tiers": ["gold"]}"#, facts(), true),
            (r#"{"segments": ["a", "b"]}"#, facts().segment("b"), true),
            (r#"{"segments": ["a"]}"#, facts().segment("b"), false),
            (
                r#"{"except_segments": ["b"]}"#,
                facts().segment("a").segment("b"),
                false,
            ),
            (r#"{"segments": ["a"], "tiers": ["gold"]}"#, gold(), false),
            (r#"{"birthday": "month"}"#, facts().birthday_month(), true),
            (r#"{"birthday": "month"}"#, facts().birthday(), true),
            (r#"{"birthday": "day"}"#, facts().birthday_month(), false),
            // Monday 15 June: the week ends with the 21st.
            (r#"{"birthday": "week"}"#, facts().days_to_birthday(6), true),
            (
                r#"{"birthday": "week"}"#,
                facts().days_to_birthday(7),
                false,
            ),
            (
                r#"{"birthday": "week"}"#,
                facts().days_to_birthday(-1),
                false,
            ),
            (r#"{"birthday": "week"}"#, facts(), false),
            (
                r#"{"birthday": "day", "birthday_before": 3}"#,
                facts().days_to_birthday(3),
                true,
            ),
            (
                r#"{"birthday": "day", "birthday_before": 3}"#,
                facts().days_to_birthday(-1),
                false,
            ),
            (
                r#"{"birthday": "day", "birthday_after": 7}"#,
                facts().days_to_birthday(-7),
                true,
            ),
            (
                r#"{"birthday": "day", "birthday_after": 7}"#,
                facts().days_to_birthday(1),
                false,
            ),
            (r#"{"ages": [20, 30]}"#, facts().age_band(30), true),
            (r#"{"ages": [20, 30]}"#, facts().age_band(40), false),
            (r#"{"ages": [20, 30]}"#, facts(), false),
            (r#"{"first_order": true}"#, facts(), false),
            (r#"{"first_order": true}"#, facts().orders_before(0), true),
            // New for thirty days: from 17 May on.
            (
                r#"{"new_for_days": 30}"#,
                facts().enrolled("2026-05-17"),
                true,
            ),
            (
                r#"{"new_for_days": 30}"#,
                facts().enrolled("2026-05-16"),
                false,
            ),
            (
                r#"{"new_for_days": 1}"#,
                facts().enrolled("2026-06-15"),
                true,
            ),
        ] {
            let expected = if expected {
                Admission::Yes
            } else {
                Admission::No
            };
            assert_eq!(admits(json, member), expected, "{json}");
        }
    }

    #[test]
    fn a_card_is_all_that_is_missing_only_where_every_member_belongs() {
        let guest = || facts().no_member();
        for (json, expected) in [
            ("{}", Admission::Yes),
            (r#"{"members_only": true}"#, Admission::WithCard),
            (r#"{"tiers": ["gold"]}"#, Admission::No),
            (
                r#"{"members_only": true, "birthday": "day"}"#,
                Admission::No,
            ),
            (r#"{"first_order": true}"#, Admission::No),
        ] {
            assert_eq!(admits(json, guest()), expected, "{json}");
        }
    }

    #[test]
    fn contradictions_are_problems_with_their_place() {
        for (json, pointer) in [
            (r#"{"tiers": ["gold", " "]}"#, "/who/tiers/1"),
            (r#"{"tiers": ["gold", "gold"]}"#, "/who/tiers/1"),
            (
                r#"{"tiers": ["gold"], "except_tiers": ["gold"]}"#,
                "/who/except_tiers/0",
            ),
            (
                r#"{"segments": ["a"], "except_segments": ["b", "a"]}"#,
                "/who/except_segments/1",
            ),
            (r#"{"ages": [25]}"#, "/who/ages/0"),
            (r#"{"ages": [20, 20]}"#, "/who/ages/1"),
            (r#"{"new_for_days": 3661}"#, "/who/new_for_days"),
            (r#"{"birthday_after": 1}"#, "/who/birthday_after"),
            (
                r#"{"birthday": "day", "birthday_before": 32}"#,
                "/who/birthday_before",
            ),
        ] {
            let audience: Audience = serde_json::from_str(json).expect(json);
            let pointers: Vec<_> = audience
                .problems("/who")
                .into_iter()
                .map(|problem| problem.pointer)
                .collect();
            assert_eq!(pointers, [pointer], "{json}");
        }
    }
}
