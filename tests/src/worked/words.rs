//! The short texts of a case: amounts, baskets, tenders, times.

use serde_json::{Value, json};
use tessera::domain::time::Instant;

/// Minor units out of `12.50` or `-0.02`.
pub fn money(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no amount such as 12.50");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, cents) = digits.split_once('.').ok_or_else(wrong)?;
    if cents.len() != 2
        || !(whole.to_owned() + cents)
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    {
        return Err(wrong());
    }
    let number: i64 = (whole.to_owned() + cents).parse().map_err(|_| wrong())?;
    Ok(sign * number)
}

/// An amount as it is written in a case.
pub fn written(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

/// The amount in a field of an answer, as it is written in a case.
pub fn shown(value: &Value) -> String {
    value.as_i64().map_or_else(|| value.to_string(), written)
}

/// `2 coffee` as quantity and product.
pub fn pieces(text: &str) -> Result<(String, String), String> {
    let (quantity, product) = text
        .split_once(' ')
        .ok_or_else(|| format!("`{text}` is not so many of something, such as 2 coffee"))?;
    Ok((quantity.to_owned(), product.to_owned()))
}

/// Lines of a request out of `2 coffee` and `1 cake at 25.00`.
pub fn lines(basket: &[String]) -> Result<Value, String> {
    let line = |text: &String| {
        let (goods, price) = match text.split_once(" at ") {
            Some((goods, price)) => (goods, Some(money(price)?)),
            None => (text.as_str(), None),
        };
        let (quantity, product) = pieces(goods)?;
        let mut line = json!({ "product": product, "quantity": quantity });
        if let Some(price) = price {
            line["unit_price"] = price.into();
        }
        Ok(line)
    };
    basket.iter().map(line).collect()
}

/// Tenders of a request; cash where none is named.
pub fn tenders(pay: &[String]) -> Result<Value, String> {
    if pay.is_empty() {
        return Ok(json!([{ "kind": "cash" }]));
    }
    let tender = |text: &String| {
        let (kind, amount) = text.split_once(' ').unwrap_or((text, ""));
        let mut tender = json!({ "kind": kind });
        match (kind, amount) {
            ("points", points) => {
                let points: i64 = points
                    .parse()
                    .map_err(|_| format!("`{text}` is no number of points"))?;
                tender["points"] = points.into();
            }
            (_, "") => {}
            (_, amount) => tender["amount"] = money(amount)?.into(),
        }
        Ok(tender)
    };
    pay.iter().map(tender).collect()
}

/// An instant out of `2026-03-02 10:00`, which is Beijing time, or `2026-03-02T10:00+06:00`.
pub fn instant(text: &str) -> Result<Instant, String> {
    let full = match text.split_once('T') {
        Some(_) => text.to_owned(),
        None => format!("{}+08:00", text.replacen(' ', "T", 1)),
    };
    chrono::DateTime::parse_from_str(&full, "%Y-%m-%dT%H:%M%:z")
        .map(|time| Instant(time.timestamp_micros()))
        .map_err(|error| format!("`{text}` is no time: {error}"))
}

/// A birthday as the host takes it.
pub fn birthday(text: &str) -> Result<Value, String> {
    let numbers: Vec<u16> = text
        .split('-')
        .map(|part| part.parse().map_err(|_| format!("`{text}` is no birthday")))
        .collect::<Result<_, _>>()?;
    match numbers[..] {
        [month, day] => Ok(json!({ "month": month, "day": day })),
        [year, month, day] => Ok(json!({ "year": year, "month": month, "day": day })),
        _ => Err(format!("`{text}` is no birthday")),
    }
}
