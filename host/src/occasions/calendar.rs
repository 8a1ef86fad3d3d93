//! Birthdays and anniversaries: every day of every store, a page of members at a time. How far a round has come is
//! written down after each page, so it goes on where it stopped, on whichever host; whoever is asked about twice is
//! given something once.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate};

use super::{Occasion, happened};
use crate::checkout::CheckoutError;
use crate::clock::{date_of, day_of};
use crate::domain::pricing::Happening;
use crate::domain::rules::{RuleKind, Trigger};
use crate::domain::time::Day;
use crate::host::Host;
use crate::person::{Calendar, LunarDay};
use crate::snapshot::{Place, Snapshot};
use crate::store::occasions::{self, Round};
use crate::store::persons;

/// Members asked about in one round of the jobs; the next one goes on.
const MOST: usize = 2_000;
/// Members of one page.
const PAGE: i64 = 200;
/// Days a host that was away catches up with.
const CATCH_UP: i32 = 7;
/// Years back an enrolment is looked for.
const YEARS: i32 = 100;

/// What comes round every year.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yearly {
    Birthday,
    Anniversary,
}

impl Yearly {
    fn trigger(self) -> Trigger {
        match self {
            Self::Birthday => Trigger::Birthday,
            Self::Anniversary => Trigger::Anniversary,
        }
    }

    /// Members of a store after `after` to ask about on a date.
    async fn candidates(
        self,
        host: &Host,
        store: &str,
        date: NaiveDate,
        after: &str,
    ) -> Result<Vec<String>, CheckoutError> {
        let mut conn = host.db.read().await?;
        Ok(match self {
            Self::Birthday => {
                let marks = marks_of(host, date);
                occasions::marked(&mut conn, store, &marks, after, PAGE).await?
            }
            Self::Anniversary => {
                occasions::enrolled_on(&mut conn, store, &earlier(date), after, PAGE).await?
            }
        })
    }
}

/// The marks of everybody whose birthday may fall on a date, twice where nobody else's do.
fn marks_of(host: &Host, date: NaiveDate) -> [String; 4] {
    let solar = |day| host.vault.birthday_mark(Calendar::Solar, date.month(), day);
    let also = if stands_for_leap_day(date) {
        29
    } else {
        date.day()
    };
    let (first, second) = (solar(date.day()), solar(also));
    let Some(today) = LunarDay::of(date).filter(|day| !day.is_leap) else {
        return [first.clone(), second.clone(), first, second];
    };
    let lunar = |day: u8| {
        let month = today.month.into();
        host.vault.birthday_mark(Calendar::Lunar, month, day.into())
    };
    let also = if today.is_last { 30 } else { today.day };
    [first, second, lunar(today.day), lunar(also)]
}

/// 28 February of a year without the 29th.
fn stands_for_leap_day(date: NaiveDate) -> bool {
    (date.month(), date.day()) == (2, 28) && !date.leap_year()
}

/// The same day of earlier years.
fn earlier(date: NaiveDate) -> Vec<Day> {
    let mut days = Vec::new();
    for year in date.year() - YEARS..date.year() {
        days.extend(date.with_year(year).map(day_of));
        if stands_for_leap_day(date) {
            days.extend(NaiveDate::from_ymd_opt(year, 2, 29).map(day_of));
        }
    }
    days
}

/// Where a store's round stands on a day, and the page to begin with; none where the day is done.
fn next(round: Option<&Round>, today: Day) -> Option<(Day, String)> {
    let earliest = today.plus_days(1 - CATCH_UP);
    let Some(round) = round else {
        return Some((today, String::new()));
    };
    let day = crate::checkout::situation::to_day(round.day);
    if round.done {
        let next = day.plus_days(1);
        (next <= today).then(|| (next.max(earliest), String::new()))
    } else if day < earliest {
        Some((earliest, String::new()))
    } else {
        Some((day, round.after.clone()))
    }
}

/// Goes on with birthdays and anniversaries in every store; answers how many members were asked about.
///
/// # Errors
/// When the database cannot be read or written; the next round goes on.
pub async fn round(host: &Host) -> Result<usize, CheckoutError> {
    let Some(snapshot) = host.snapshots.current() else {
        return Ok(0);
    };
    mark_persons(host).await?;
    let mut asked = 0;
    for yearly in [Yearly::Birthday, Yearly::Anniversary] {
        asked += go_on(host, &snapshot, yearly, MOST - asked).await?;
        if asked >= MOST {
            break;
        }
    }
    Ok(asked)
}

async fn go_on(
    host: &Host,
    snapshot: &Snapshot,
    yearly: Yearly,
    most: usize,
) -> Result<usize, CheckoutError> {
    let job = yearly.trigger().name();
    let rounds = {
        let mut conn = host.db.read().await?;
        occasions::rounds(&mut conn, job).await?
    };
    let rounds: HashMap<&str, &Round> = rounds.iter().map(|one| (&*one.store, one)).collect();
    let now = host.clock.now();
    let note = |place: &Place, day: Day, after: String, done| Round {
        job: job.to_owned(),
        store: place.store.id.clone(),
        day: day.0.into(),
        after,
        done,
    };
    let (mut asked, mut idle) = (0, Vec::new());
    for place in snapshot.places() {
        let today = place.day(now);
        let known = rounds.get(place.store.id.as_str()).copied();
        let live = snapshot.live_in(place, now);
        let is_asked = live.iter().any(|bound| bound.kind == RuleKind::Points);
        let mut at = next(known, today);
        if !is_asked && at.is_some() {
            idle.push(note(place, today, String::new(), true));
            continue;
        }
        while let Some((day, after)) = at.filter(|_| asked < most) {
            let page = ask_page(host, place, yearly, day, &after).await?;
            asked += page.len();
            // A page that is not full was the last.
            let done = (page.len() as i64) < PAGE;
            let round = note(place, day, page.last().cloned().unwrap_or(after), done);
            at = next(Some(&round), today);
            write(host, vec![round]).await?;
        }
    }
    write(host, idle).await?;
    Ok(asked)
}

/// Asks about one page of members; answers them.
async fn ask_page(
    host: &Host,
    place: &Place,
    yearly: Yearly,
    day: Day,
    after: &str,
) -> Result<Vec<String>, CheckoutError> {
    let Some(date) = date_of(day) else {
        return Ok(Vec::new());
    };
    let store = &place.store.id;
    let members = yearly.candidates(host, store, date, after).await?;
    for member in &members {
        let name = format!("{}/{}", yearly.trigger().name(), date.year());
        let happening = Happening::Event(yearly.trigger());
        let occasion = Occasion {
            day: Some(day),
            is_bulk: true,
            ..Occasion::new(happening, member, store, name)
        };
        happened(host, &occasion).await?;
    }
    Ok(members)
}

async fn write(host: &Host, rounds: Vec<Round>) -> Result<(), CheckoutError> {
    if rounds.is_empty() {
        return Ok(());
    }
    let noted = host.writer.write("noting a daily round", move |tx| {
        Box::pin(async move {
            for round in &rounds {
                occasions::note_round(tx, round).await?;
            }
            Ok(())
        })
    });
    Ok(noted.await?)
}

/// Marks persons who were written before there were marks, a page at a time. Of several with one e-mail address the
/// first is found by it.
async fn mark_persons(host: &Host) -> Result<(), CheckoutError> {
    let unmarked = {
        let mut conn = host.db.read().await?;
        persons::unmarked(&mut conn, MOST as i64).await?
    };
    if unmarked.is_empty() {
        return Ok(());
    }
    let mut marks = Vec::with_capacity(unmarked.len());
    for person in unmarked {
        let opened =
            host.vault
                .open_person(&person.member_id, &person.sealed_key, &person.sealed)?;
        let mark = host.vault.mark_of(&opened);
        let email = opened.email.map(|email| host.vault.email_hash(&email));
        marks.push((person.member_id, person.version, mark, email));
    }
    let marked = host.writer.write("marking persons", move |tx| {
        Box::pin(async move {
            for (member, version, mark, email) in &marks {
                let email = match email {
                    Some(hash) if persons::member_by_email(tx, hash).await?.is_none() => hash,
                    _ => "",
                };
                persons::mark(tx, member, *version, mark, email).await?;
            }
            Ok(())
        })
    });
    Ok(marked.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_leap_day_counts_on_the_28th_of_other_years() {
        let counted =
            |on: &str, enrolled: &str| earlier(date(on)).contains(&day_of(date(enrolled)));
        assert!(counted("2027-02-28", "2024-02-29"));
        assert!(counted("2027-02-28", "2024-02-28"));
        assert!(!counted("2028-02-28", "2024-02-29"));
        assert!(counted("2028-02-29", "2024-02-29"));
        assert!(!counted("2028-02-29", "2024-02-28"));
        assert!(!counted("2024-02-29", "2024-02-29"));
    }

    #[test]
    fn a_round_goes_on_where_it_stopped_and_catches_up_a_week() {
        let round = |day: i64, done| Round {
            job: "birthday".into(),
            store: "east".into(),
            day,
            after: "m".into(),
            done,
        };
        let today = Day(100);
        assert_eq!(next(None, today), Some((today, String::new())));
        assert_eq!(next(Some(&round(100, true)), today), None);
        assert_eq!(
            next(Some(&round(100, false)), today),
            Some((today, "m".into()))
        );
        assert_eq!(
            next(Some(&round(98, false)), today),
            Some((Day(98), "m".into()))
        );
        assert_eq!(
            next(Some(&round(98, true)), today),
            Some((Day(99), String::new()))
        );
        assert_eq!(
            next(Some(&round(50, true)), today),
            Some((Day(94), String::new()))
        );
        assert_eq!(
            next(Some(&round(50, false)), today),
            Some((Day(94), String::new()))
        );
        // A store that moved to a zone further west begins nothing again.
        assert_eq!(next(Some(&round(101, true)), today), None);
    }
}
