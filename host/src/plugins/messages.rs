//! Reasons and near misses in the words of a language, from a plugin's own catalogues.
//!
//! Rendering never fails: a missing language falls back to English, a missing key to the key itself,
//! a missing argument to its name in braces.

use tessera_build::Manifest;

use crate::domain::rules::{Message, Ratio, Value};
use crate::domain::time::Day;

/// Bytes of a rendered sentence; the rest is cut off.
const MAX_SENTENCE_BYTES: usize = 1_000;
const FALLBACK: &str = "en";

/// How amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats<'a> {
    /// A language tag such as `zh-CN` or `en-GB`.
    pub language: &'a str,
    /// Digits after the decimal point of money.
    pub currency_scale: u8,
    /// Digits after the decimal point of points.
    pub points_scale: u8,
}

/// The sentence a message stands for.
pub fn render(manifest: &Manifest, message: &Message, formats: &Formats<'_>) -> String {
    let sentence = match template(manifest, formats.language, &message.key) {
        Some(template) => fill(template, message, formats),
        None => message.key.clone(),
    };
    cut(sentence)
}

/// The text of a key: in the language asked for, in one with the same primary tag, in English.
fn template<'a>(manifest: &'a Manifest, language: &str, key: &str) -> Option<&'a str> {
    let primary = |tag: &str| {
        tag.split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let asked = primary(language);
    let in_language = |tag: &str| manifest.messages.get(tag).and_then(|texts| texts.get(key));
    let akin = || {
        manifest
            .messages
            .iter()
            .find(|(tag, _)| primary(tag) == asked)
            .and_then(|(_, texts)| texts.get(key))
    };
    in_language(language)
        .or_else(akin)
        .or_else(|| in_language(FALLBACK))
        .map(String::as_str)
}

/// Replaces `{name}` by the argument of that name; doubled braces stand for themselves.
fn fill(template: &str, message: &Message, formats: &Formats<'_>) -> String {
    let mut sentence = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        sentence.push_str(&rest[..at]);
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(doubled) = after.strip_prefix(brace) {
            sentence.push_str(brace);
            rest = doubled;
        } else if let Some((name, end)) = after.split_once('}').filter(|_| brace == "{") {
            push_argument(&mut sentence, name, message, formats);
            rest = end;
        } else {
            sentence.push_str(brace);
            rest = after;
        }
        if sentence.len() > MAX_SENTENCE_BYTES {
            return sentence;
        }
    }
    sentence.push_str(rest);
    sentence
}

fn push_argument(sentence: &mut String, name: &str, message: &Message, formats: &Formats<'_>) {
    match message
        .arguments
        .iter()
        .find(|(argument, _)| argument == name)
    {
        Some((_, value)) => sentence.push_str(&write(value, formats)),
        None => {
            sentence.push('{');
            sentence.push_str(name);
            sentence.push('}');
        }
    }
}

/// A value as people write it: money and points with their decimals, a ratio in percent, a day as
/// year, month and day.
pub fn write(value: &Value, formats: &Formats<'_>) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => boolean(*truth, formats.language).into(),
        Value::Money(amount) => decimal(i128::from(*amount), u32::from(formats.currency_scale)),
        Value::Points(points) => decimal(i128::from(*points), u32::from(formats.points_scale)),
        Value::Ratio(ratio) => percent(*ratio),
        Value::Date(day) => iso(*day),
    }
}

fn boolean(truth: bool, language: &str) -> &'static str {
    match (language.starts_with("zh"), truth) {
        (true, true) => "是",
        (true, false) => "否",
        (false, true) => "yes",
        (false, false) => "no",
    }
}

/// A whole number of the smallest units, written with `scale` digits after the point.
fn decimal(units: i128, scale: u32) -> String {
    let scale = scale.min(18);
    let one = 10_u128.pow(scale);
    let size = units.unsigned_abs();
    let sign = if units < 0 { "-" } else { "" };
    match scale {
        0 => format!("{sign}{size}"),
        _ => format!(
            "{sign}{}.{:0width$}",
            size / one,
            size % one,
            width = scale as usize
        ),
    }
}

/// A ratio in percent with at most two decimals, cut off beyond them.
fn percent(ratio: Ratio) -> String {
    if ratio.denominator <= 0 {
        return format!("{}/{}", ratio.numerator, ratio.denominator);
    }
    let hundredths = i128::from(ratio.numerator) * 10_000 / i128::from(ratio.denominator);
    let written = decimal(hundredths, 2);
    format!("{}%", written.trim_end_matches('0').trim_end_matches('.'))
}

fn iso(day: Day) -> String {
    let days = chrono::Days::new(u64::from(day.0.unsigned_abs()));
    let epoch = chrono::NaiveDate::default();
    let date = if day.0 < 0 {
        epoch.checked_sub_days(days)
    } else {
        epoch.checked_add_days(days)
    };
    date.map_or_else(
        || day.0.to_string(),
        |date| date.format("%Y-%m-%d").to_string(),
    )
}

fn cut(mut sentence: String) -> String {
    if sentence.len() > MAX_SENTENCE_BYTES {
        let mut end = MAX_SENTENCE_BYTES;
        while !sentence.is_char_boundary(end) {
            end -= 1;
        }
        sentence.truncate(end);
        sentence.push('…');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    const EURO: Formats<'_> = Formats {
        language: "en",
        currency_scale: 2,
        points_scale: 0,
    };

    #[test]
    fn values_are_written_as_people_write_them() {
        let ratio = |numerator, denominator| {
            Value::Ratio(Ratio {
                numerator,
                denominator,
            })
        };
        let cases = [
            (Value::Money(1200), "12.00"),
            (Value::Money(-5), "-0.05"),
            (Value::Money(i64::MIN), "-92233720368547758.08"),
            (Value::Points(30), "30"),
            (Value::Integer(-7), "-7"),
            (Value::Boolean(true), "yes"),
            (ratio(15, 100), "15%"),
            (ratio(1, 3), "33.33%"),
            (ratio(-1, 8), "-12.5%"),
            (ratio(1, 0), "1/0"),
            (Value::Date(Day(0)), "1970-01-01"),
            (Value::Date(Day(-1)), "1969-12-31"),
            (Value::Date(Day(20_778)), "2026-11-21"),
        ];
        for (value, written) in cases {
            assert_eq!(write(&value, &EURO), written);
        }
        assert_eq!(
            write(
                &Value::Money(1200),
                &Formats {
                    currency_scale: 0,
                    ..EURO
                }
            ),
            "1200"
        );
        assert_eq!(
            write(
                &Value::Money(1200),
                &Formats {
                    currency_scale: 3,
                    ..EURO
                }
            ),
            "1.200"
        );
    }

    #[test]
    fn gaps_are_filled_and_what_is_missing_stays_visible() {
        let message = Message {
            key: "more".into(),
            arguments: vec![
                ("missing".into(), Value::Money(1200)),
                ("off".into(), Value::Integer(10)),
            ],
        };
        let filled = |template| fill(template, &message, &EURO);
        assert_eq!(
            filled("{missing} more for {off} % off"),
            "12.00 more for 10 % off"
        );
        assert_eq!(filled("{{{off}}} {gone} { } {"), "{10} {gone} { } {");
        assert_eq!(filled("再买{missing}元"), "再买12.00元");
    }

    #[test]
    fn a_sentence_never_grows_beyond_its_limit() {
        let message = Message {
            key: "long".into(),
            arguments: vec![("x".into(), Value::Text("长".repeat(600)))],
        };
        let sentence = cut(fill("{x}{x}{x}{x}{x}{x}{x}{x}", &message, &EURO));
        assert!(sentence.len() <= MAX_SENTENCE_BYTES + '…'.len_utf8());
    }
}
