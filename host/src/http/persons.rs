//! Personal data on its way in and out: checked, and masked by default.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::Problem;
use super::problems::Fault;
use super::stores::invalid;
use super::types::Name;
use crate::vault::{Birthday, Person};

/// What names a person.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    #[serde(default)]
    name: Option<Name>,
    /// 5 to 20 digits with an optional leading `+`; spaces and dashes are dropped.
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    birthday: Option<BirthdayBody>,
}

/// A birthday; the year may be left out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthdayBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    year: Option<u16>,
    month: u8,
    day: u8,
}

/// A person as shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Never in the masked form.
    #[serde(skip_serializing_if = "Option::is_none")]
    birthday: Option<BirthdayBody>,
}

impl PersonRequest {
    /// The person, checked; `pointer` is where it stands in the body.
    pub fn checked(self, pointer: &str) -> Result<Person, Problem> {
        let phone =
            match self.phone {
                None => None,
                Some(text) => {
                    let phone = normal_phone(&text);
                    Some(phone.ok_or_else(|| {
                        Problem::field(format!("{pointer}/phone"), Fault::NotAPhone)
                    })?)
                }
            };
        if self.email.as_deref().is_some_and(|email| !is_email(email)) {
            return Err(Problem::field(
                format!("{pointer}/email"),
                Fault::NotAnEmail,
            ));
        }
        let birthday = match self.birthday {
            None => None,
            Some(birthday) if birthday.exists() => Some(birthday.into()),
            Some(_) => return Err(invalid(&format!("{pointer}/birthday"), "month, day")),
        };
        Ok(Person {
            name: self.name.map(Name::into_string),
            phone,
            email: self.email,
            birthday,
        })
    }
}

impl BirthdayBody {
    fn exists(&self) -> bool {
        // 2000 had a 29th of February, so a birthday without its year may be that day.
        let year = i32::from(self.year.unwrap_or(2000));
        (1900..=2200).contains(&year)
            && chrono::NaiveDate::from_ymd_opt(year, self.month.into(), self.day.into()).is_some()
    }
}

impl From<BirthdayBody> for Birthday {
    fn from(body: BirthdayBody) -> Self {
        Self {
            year: body.year,
            month: body.month,
            day: body.day,
        }
    }
}

/// Digits with an optional leading `+`; none when it is no phone number.
pub fn normal_phone(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '(' | ')'))
        .collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let good = (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(plain)
}

fn is_email(text: &str) -> bool {
    text.len() <= 254
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
        })
}

impl From<Person> for PersonBody {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            phone: person.phone,
            email: person.email,
            birthday: person.birthday.map(|day| BirthdayBody {
                year: day.year,
                month: day.month,
                day: day.day,
            }),
        }
    }
}

/// Enough to recognise the person by, not to reach them: `王*`, `*******8000`, `w***@example.com`.
pub fn masked(person: &Person) -> PersonBody {
    PersonBody {
        name: person.name.as_deref().map(|name| starred(name, 1, 0)),
        phone: person.phone.as_deref().map(|phone| starred(phone, 0, 4)),
        email: person
            .email
            .as_deref()
            .map(|email| match email.split_once('@') {
                Some((user, host)) => format!("{}@{host}", starred(user, 1, 0)),
                None => "***".to_owned(),
            }),
        birthday: None,
    }
}

/// All but the first and last few characters as stars; a short text loses them all.
fn starred(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    if count <= first + last {
        return "*".repeat(count);
    }
    text.chars()
        .enumerate()
        .map(|(place, c)| {
            if place < first || place >= count - last {
                c
            } else {
                '*'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_person_cannot_be_reached() {
        let person = Person {
            name: Some("王小明".into()),
            phone: Some("13812348000".into()),
            email: Some("wang@example.com".into()),
            birthday: Some(Birthday {
                year: Some(1990),
                month: 2,
                day: 3,
            }),
        };
        let body = masked(&person);
        assert_eq!(body.name.as_deref(), Some("王**"));
        assert_eq!(body.phone.as_deref(), Some("*******8000"));
        assert_eq!(body.email.as_deref(), Some("w***@example.com"));
        assert!(body.birthday.is_none());
        assert_eq!(starred("王", 1, 0), "*");
    }

    #[test]
    fn phones_are_compared_without_their_spaces() {
        assert_eq!(
            normal_phone("+86 138-1234-8000").as_deref(),
            Some("+8613812348000")
        );
        assert_eq!(normal_phone("1.38E+10"), None);
        assert_eq!(normal_phone("1234"), None);
    }

    #[test]
    fn the_29th_of_february_is_a_birthday() {
        assert!(
            BirthdayBody {
                year: None,
                month: 2,
                day: 29
            }
            .exists()
        );
        assert!(
            !BirthdayBody {
                year: Some(2001),
                month: 2,
                day: 29
            }
            .exists()
        );
        assert!(
            !BirthdayBody {
                year: None,
                month: 13,
                day: 1
            }
            .exists()
        );
    }
}
