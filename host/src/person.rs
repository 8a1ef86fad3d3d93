//! The person behind a member: what names and describes him, when he was born, what he agreed to.

use chrono::{Datelike, NaiveDate};
use icu_calendar::cal::ChineseTraditional;
use icu_calendar::types::Month;
use icu_calendar::{Date, Iso};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of a person, as it is sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    pub name: Option<String>,
    /// Digits with an optional leading `+`.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub birthday: Option<Birthday>,
    pub gender: Option<Gender>,
    pub address: Option<String>,
    pub occupation: Option<String>,
    pub interests: Vec<String>,
    /// One a channel at most.
    pub consents: Vec<Consent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gender {
    Female,
    Male,
    Other,
}

/// A way to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    Sms,
    Email,
    Call,
    Post,
    Wechat,
    App,
}

/// Whether somebody may be written to on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub channel: Channel,
    pub given: bool,
    /// Where and how he said so.
    pub how: String,
    /// When, in microseconds.
    pub at: i64,
}

impl Person {
    /// A consent that says what it said before keeps its time.
    pub fn keep_times(&mut self, before: &Self) {
        for consent in &mut self.consents {
            let same = |old: &&Consent| {
                (old.channel, old.given, &old.how) == (consent.channel, consent.given, &consent.how)
            };
            if let Some(old) = before.consents.iter().find(same) {
                consent.at = old.at;
            }
        }
    }
}

/// The calendar a birthday comes round in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    #[default]
    Solar,
    /// The Chinese lunar calendar (农历).
    Lunar,
}

impl Calendar {
    pub fn is_solar(&self) -> bool {
        *self == Self::Solar
    }
}

/// A birthday; the year is often not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    pub year: Option<u16>,
    pub month: u8,
    pub day: u8,
    #[serde(default)]
    pub calendar: Calendar,
}

/// A day of the lunar calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LunarDay {
    /// The solar year most of the lunar one lies in.
    pub year: i32,
    pub month: u8,
    pub day: u8,
    /// Whether it lies in a leap month, in which nobody has his birthday.
    pub is_leap: bool,
    /// Whether the month ends with it; who was born on the 30th of a longer one has his birthday then.
    pub is_last: bool,
}

impl LunarDay {
    /// The lunar day of a date.
    pub fn of(date: NaiveDate) -> Option<Self> {
        let month = u8::try_from(date.month()).ok()?;
        let day = u8::try_from(date.day()).ok()?;
        let date = Date::try_new_iso(date.year(), month, day).ok()?;
        let date = date.to_calendar(ChineseTraditional::new());
        Some(Self {
            year: date.year().extended_year(),
            month: date.month().number(),
            day: date.day_of_month().0,
            is_leap: date.month().to_input().is_leap(),
            is_last: date.day_of_month().0 == date.days_in_month(),
        })
    }
}

/// The date of a day of an ordinary lunar month; the 29th where the month has no 30th.
fn of_lunar(year: i32, month: u8, day: u8) -> Option<NaiveDate> {
    let on = |day| {
        Date::try_new(
            year.into(),
            Month::new(month),
            day,
            ChineseTraditional::new(),
        )
        .ok()
    };
    let date = on(day).or_else(|| on(29))?.to_calendar(Iso);
    let (month, day) = (date.month().number(), date.day_of_month().0);
    NaiveDate::from_ymd_opt(date.year().extended_year(), month.into(), day.into())
}

impl Birthday {
    /// Whether there is such a day.
    pub fn exists(&self) -> bool {
        // 2000 had a 29th of February, so a birthday without its year may be that day.
        let year = i32::from(self.year.unwrap_or(2000));
        let (month, day) = (self.month, self.day);
        (1900..=2200).contains(&year)
            && match self.calendar {
                Calendar::Solar => {
                    NaiveDate::from_ymd_opt(year, month.into(), day.into()).is_some()
                }
                Calendar::Lunar => (1..=12).contains(&month) && (1..=30).contains(&day),
            }
    }

    /// The date it falls on in a year of its calendar. Who was born on 29 February has it on the 28th in other years.
    fn in_year(&self, year: i32) -> Option<NaiveDate> {
        match self.calendar {
            Calendar::Solar => {
                let (month, day) = (self.month.into(), self.day.into());
                NaiveDate::from_ymd_opt(year, month, day)
                    .or_else(|| NaiveDate::from_ymd_opt(year, month, 28))
            }
            Calendar::Lunar => of_lunar(year, self.month, self.day),
        }
    }

    /// Days to the nearest birthday, below zero since, where it is within 31 days.
    pub fn days_away(&self, today: NaiveDate) -> Option<i8> {
        let nearest = (today.year() - 1..=today.year() + 1)
            .filter_map(|year| self.in_year(year))
            .map(|birthday| (birthday - today).num_days())
            .min_by_key(|days| days.abs())?;
        i8::try_from(nearest).ok().filter(|days| days.abs() <= 31)
    }

    /// Whether it lies in the month of a date.
    pub fn is_in_month_of(&self, today: NaiveDate) -> bool {
        match self.calendar {
            Calendar::Solar => u32::from(self.month) == today.month(),
            Calendar::Lunar => LunarDay::of(today).is_some_and(|day| day.month == self.month),
        }
    }

    /// Lower end of the ten years his age lies in; the birthday itself already counts.
    pub fn age_band(&self, today: NaiveDate) -> Option<u8> {
        let born = i32::from(self.year?);
        let (year, month, day) = match self.calendar {
            Calendar::Solar => (today.year(), today.month(), today.day()),
            Calendar::Lunar => {
                let today = LunarDay::of(today)?;
                (today.year, today.month.into(), today.day.into())
            }
        };
        let before_birthday = (month, day) < (u32::from(self.month), u32::from(self.day));
        let age = year
            .checked_sub(born)?
            .checked_sub(i32::from(before_birthday))?;
        u8::try_from(age / 10 * 10).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn lunar(month: u8, day: u8) -> Birthday {
        Birthday {
            year: None,
            month,
            day,
            calendar: Calendar::Lunar,
        }
    }

    #[test]
    fn lunar_days_are_those_of_the_almanac() {
        // Spring Festival, Dragon Boat and Mid-Autumn as the State Council published them.
        for (on, month, day) in [
            ("2024-02-10", 1, 1),
            ("2025-01-29", 1, 1),
            ("2026-02-17", 1, 1),
            ("2025-05-31", 5, 5),
            ("2025-10-06", 8, 15),
            ("2026-09-25", 8, 15),
        ] {
            let found = LunarDay::of(date(on)).unwrap();
            assert_eq!((found.month, found.day, found.is_leap), (month, day, false));
            assert_eq!(lunar(month, day).days_away(date(on)), Some(0), "{on}");
        }
        // 2025 has a sixth month twice.
        assert!(LunarDay::of(date("2025-07-25")).unwrap().is_leap);
    }

    #[test]
    fn a_lunar_birthday_comes_once_a_year_and_the_30th_on_the_last_day() {
        let new_years_eve = lunar(12, 30);
        // The twelfth month of 2024 ends on its 29th.
        assert_eq!(new_years_eve.days_away(date("2025-01-28")), Some(0));
        assert_eq!(new_years_eve.days_away(date("2024-02-09")), Some(0));
        assert_eq!(new_years_eve.days_away(date("2025-01-30")), Some(-2));
        let sixth = lunar(6, 1);
        assert_eq!(sixth.days_away(date("2025-06-25")), Some(0));
        assert_ne!(sixth.days_away(date("2025-07-25")), Some(0));
        assert!(!lunar(13, 1).exists() && !lunar(1, 31).exists() && lunar(1, 30).exists());
    }

    #[test]
    fn the_29th_of_february_is_a_birthday() {
        let solar = |year, month, day| Birthday {
            year,
            month,
            day,
            calendar: Calendar::Solar,
        };
        assert!(solar(None, 2, 29).exists());
        assert!(!solar(Some(2001), 2, 29).exists());
        assert!(!solar(None, 13, 1).exists());
        assert_eq!(solar(None, 2, 29).days_away(date("2026-02-28")), Some(0));
        assert_eq!(
            solar(Some(1990), 3, 2).age_band(date("2030-03-01")),
            Some(30)
        );
        assert_eq!(
            solar(Some(1990), 3, 2).age_band(date("2030-03-02")),
            Some(40)
        );
    }

    #[test]
    fn what_was_sealed_before_there_was_more_still_opens() {
        let old = r#"{"name":"王芳","phone":null,"email":null,"birthday":{"year":null,"month":2,"day":3}}"#;
        let person: Person = serde_json::from_str(old).unwrap();
        assert_eq!(person.birthday.unwrap().calendar, Calendar::Solar);
        assert!(person.consents.is_empty());
    }
}
