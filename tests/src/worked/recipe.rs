//! Cases out of a page of recipes: under each heading a sentence, the binding and one line of result.
//!
//! ````text
//! ## Double points in the quiet season
//! In January every order earns twice.
//! ```toml
//! [[binding]]
//! …
//! ```
//! Result: 2 coffee; member; on 2026-01-10 10:00 → total 40.00; points 80
//! ````

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Case, Coupon, Gives, Member, Page, Sale};

/// What stands in the code of a recipe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    #[serde(default)]
    settings: Option<Value>,
    #[serde(default)]
    binding: Vec<Value>,
}

/// Every recipe of a page as a page of one case or more: one for each line of result.
///
/// # Errors
/// Says which recipe lacks its sentence, its code or its result, or where the result is not understood.
pub fn recipes(markdown: &str) -> Result<Vec<Page>, String> {
    let mut pages = Vec::new();
    for recipe in markdown.split("\n## ").skip(1) {
        let (title, body) = recipe.split_once('\n').unwrap_or((recipe, ""));
        pages.push(one(title.trim(), body).map_err(|problem| format!("{title}: {problem}"))?);
    }
    Ok(pages)
}

fn one(title: &str, body: &str) -> Result<Page, String> {
    let (before, rest) = body.split_once("```toml\n").ok_or("it has no code")?;
    let (code, after) = rest.split_once("\n```").ok_or("its code does not end")?;
    if before.trim().is_empty() {
        return Err("it has no sentence".to_owned());
    }
    let code: Code = toml::from_str(code).map_err(|error| error.to_string())?;
    let mut page = Page {
        settings: code.settings,
        ..Page::default()
    };
    for (at, mut binding) in code.binding.into_iter().enumerate() {
        let name = binding["name"]
            .as_str()
            .map_or_else(|| format!("binding-{at}"), str::to_owned);
        binding["name"] = name.as_str().into();
        page.program.insert(name, binding);
    }
    for line in after
        .lines()
        .filter_map(|line| line.strip_prefix("Result: "))
    {
        let mut case = result(line).map_err(|problem| format!("`{line}`: {problem}"))?;
        case.title = format!("{title}, {line}");
        case.because = "as the page says".to_owned();
        case.programs = page.program.keys().cloned().collect();
        if let Some(coupon) = case.coupons.first_mut() {
            let by_code =
                |binding: &&String| page.program[*binding].to_string().contains("\"code\"");
            coupon.program = page
                .program
                .keys()
                .find(by_code)
                .cloned()
                .unwrap_or_default();
        }
        page.case.push(case);
    }
    page.checked()
}

fn result(line: &str) -> Result<Case, String> {
    let (situation, outcome) = line.split_once(" → ").ok_or("there is no → in it")?;
    let mut parts = situation.split("; ");
    let first = parts.next().unwrap_or_default();
    let mut case = Case::default();
    match first.strip_prefix("he ") {
        Some(what) => case.when = Some(what.to_owned()),
        None => case.basket = list(first),
    }
    let (held, sold): (Vec<&str>, Vec<&str>) = outcome
        .split("; ")
        .partition(|part| part.contains("holds "));
    for part in held {
        let (whose, what) = match part.strip_prefix("referrer holds ") {
            Some(what) => (&mut case.referrer_holds, what),
            None => (&mut case.holds, part.trim_start_matches("holds ")),
        };
        *whose = Some(holdings(what)?);
    }
    if !sold.is_empty() {
        case.gives = Some(gives(&sold.join("; "))?);
    }
    for part in parts {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        match word {
            "member" => case.member = Some(member(rest)?),
            "on" => case.at = Some(rest.to_owned()),
            "paid" => case.pay = list(rest.strip_prefix("with ").unwrap_or(rest)),
            "code" => {
                case.codes = vec![rest.to_owned()];
                case.coupons = vec![coupon(rest)];
            }
            "after" => case.earlier.push(Sale {
                basket: list(rest),
                ..Sale::default()
            }),
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    Ok(case)
}

fn list(text: &str) -> Vec<String> {
    text.split(", ").map(str::to_owned).collect()
}

/// `points 200, coupons 1`
fn holdings(text: &str) -> Result<BTreeMap<String, String>, String> {
    let one = |part: &str| {
        let held = part.split_once(' ');
        let (name, amount) = held.ok_or_else(|| format!("`{part}` says nothing"))?;
        Ok((name.to_owned(), amount.to_owned()))
    };
    text.split(", ").map(one).collect()
}

fn coupon(code: &str) -> Coupon {
    Coupon {
        code: code.to_owned(),
        program: String::new(),
        uses: None,
        starts: None,
        until: None,
        personal: false,
    }
}

/// `born 1990-03-15`, `with 500 points`, `with 50.00 stored`, `brought`, `enrolled 2026-01-01 10:00`, `of students`, or
/// nothing.
fn member(text: &str) -> Result<Member, String> {
    let mut member = Member::default();
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        [""] => {}
        ["brought"] => member.brought = true,
        ["born", day] => member.birthday = Some(day.to_owned()),
        ["of", segment] => member.segments = vec![segment.to_owned()],
        ["enrolled", day, time] => member.enrolled = Some(format!("{day} {time}")),
        ["with", points, "points"] => {
            member.points = points
                .parse()
                .map_err(|_| format!("`{points}` is no number"))?;
        }
        ["with", amount, "stored"] => member.stored = Some(amount.to_owned()),
        _ => return Err(format!("`member {text}` is not understood")),
    }
    Ok(member)
}

fn gives(text: &str) -> Result<Gives, String> {
    let mut gives = Gives::default();
    for part in text.split("; ") {
        let (word, rest) = part
            .split_once(' ')
            .ok_or_else(|| format!("`{part}` says nothing"))?;
        let owned = || Some(rest.to_owned());
        let number = || rest.parse().map_err(|_| format!("`{rest}` is no number"));
        match word {
            "total" => gives.total = owned(),
            "tax" => gives.tax = owned(),
            "discount" => gives.discount = owned(),
            "change" => gives.change = owned(),
            "lines" => gives.lines = Some(list(rest)),
            "tenders" => gives.tenders = Some(list(rest)),
            "points" => gives.points = Some(number()?),
            "expires" => gives.expires = owned(),
            "available" => gives.available = owned(),
            "tier" => gives.tier = owned(),
            "told" => gives.near = Some(vec![rest.to_owned()]),
            "referrer" | "referee" => {
                let rewards = gives.rewards.get_or_insert_with(BTreeMap::new);
                rewards.insert(word.to_owned(), number()?);
            }
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    Ok(gives)
}
