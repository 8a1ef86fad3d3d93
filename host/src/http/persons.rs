//! Personal data on its way in and out: checked, and masked by default.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{FieldError, Problem};
use super::problems::Fault;
use super::stores::invalid;
use super::types::{Name, Text, Time};
use crate::domain::time::Instant;
use crate::person::{Birthday, Calendar, Channel, Consent, Gender, Person};

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
    #[serde(default)]
    gender: Option<Gender>,
    #[serde(default)]
    address: Option<Text<300>>,
    #[serde(default)]
    occupation: Option<Text<100>>,
    /// At most 20.
    #[serde(default)]
    interests: Vec<Text<50>>,
    /// Each channel once.
    #[serde(default)]
    consents: Vec<ConsentRequest>,
}

const MOST_INTERESTS: usize = 20;

/// Whether somebody may be written to on a channel.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    channel: Channel,
    given: bool,
    /// Where and how he said so: a form, a till, the shop's page.
    how: Text<100>,
}

/// A consent as it was given or withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentBody {
    channel: Channel,
    given: bool,
    how: String,
    at: Time,
}

/// A birthday; the year may be left out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthdayBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    year: Option<u16>,
    month: u8,
    day: u8,
    /// `lunar` for a day of the Chinese calendar; its leap months have none.
    #[serde(default, skip_serializing_if = "Calendar::is_solar")]
    calendar: Calendar,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<Gender>,
    /// Never in the masked form, like what follows up to the consents.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interests: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<ConsentBody>,
}

impl PersonRequest {
    /// The person, checked; `pointer` is where it stands in the body. Consents are given now.
    pub fn checked(self, pointer: &str, now: Instant) -> Result<Person, Problem> {
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
        let birthday = self.birthday.map(Birthday::from);
        if birthday.is_some_and(|birthday| !birthday.exists()) {
            return Err(invalid(&format!("{pointer}/birthday"), "month, day"));
        }
        if self.interests.len() > MOST_INTERESTS {
            return Err(too_many(&format!("{pointer}/interests"), MOST_INTERESTS));
        }
        let mut consents: Vec<Consent> = Vec::new();
        for (position, consent) in self.consents.into_iter().enumerate() {
            if consents
                .iter()
                .any(|other| other.channel == consent.channel)
            {
                let place = format!("{pointer}/consents/{position}/channel");
                return Err(invalid(&place, "each channel once"));
            }
            consents.push(Consent {
                channel: consent.channel,
                given: consent.given,
                how: consent.how.into_string(),
                at: now.0,
            });
        }
        Ok(Person {
            name: self.name.map(Name::into_string),
            phone,
            email: self.email,
            birthday,
            gender: self.gender,
            address: self.address.map(Text::into_string),
            occupation: self.occupation.map(Text::into_string),
            interests: self.interests.into_iter().map(Text::into_string).collect(),
            consents,
        })
    }
}

/// A list longer than it may be.
pub fn too_many(pointer: &str, limit: usize) -> Problem {
    Problem::fields(vec![FieldError {
        pointer: pointer.to_owned(),
        fault: Fault::TooMany,
        arguments: vec![("limit", limit.to_string())],
    }])
}

impl From<BirthdayBody> for Birthday {
    fn from(body: BirthdayBody) -> Self {
        Self {
            year: body.year,
            month: body.month,
            day: body.day,
            calendar: body.calendar,
        }
    }
}

impl From<Consent> for ConsentBody {
    fn from(consent: Consent) -> Self {
        Self {
            channel: consent.channel,
            given: consent.given,
            how: consent.how,
            at: Time::micros(consent.at),
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

/// Whether it looks like an e-mail address.
pub fn is_email(text: &str) -> bool {
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
                calendar: day.calendar,
            }),
            gender: person.gender,
            address: person.address,
            occupation: person.occupation,
            interests: person.interests,
            consents: person.consents.into_iter().map(ConsentBody::from).collect(),
        }
    }
}

/// Enough to recognise the person by, not to reach them: `王*`, `*******8000`, `w***@example.com`; and whether they may
/// be written to.
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
        gender: person.gender,
        address: None,
        occupation: None,
        interests: Vec::new(),
        consents: person
            .consents
            .iter()
            .cloned()
            .map(ConsentBody::from)
            .collect(),
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
                calendar: Calendar::Solar,
            }),
            address: Some("南京路 1 号".into()),
            ..Person::default()
        };
        let body = masked(&person);
        assert_eq!(body.name.as_deref(), Some("王**"));
        assert_eq!(body.phone.as_deref(), Some("*******8000"));
        assert_eq!(body.email.as_deref(), Some("w***@example.com"));
        assert!(body.birthday.is_none() && body.address.is_none());
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
}
