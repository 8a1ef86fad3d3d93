//! What a till asks: the bodies of quotes, recorded sales and refunds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::rules::{Attribute, TenderKind};

/// A basket to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// The store; a terminal's own store when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Who buys; an anonymous sale when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberReference>,
    /// ISO 4217; must be the store's own. Checked only when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// One to 500 lines.
    pub lines: Vec<LineRequest>,
    /// Coupon codes as scanned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// How the customer means to pay; empty while that is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenders: Vec<TenderRequest>,
    /// Who sold it, for their commission; the staff member on duty when empty. At most 10, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub salespeople: Vec<Salesperson>,
    /// Name and value of whatever a rule of this chain wants to know of the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub attributes: Vec<Attribute>,
    /// Approvals of the till's own prices, where the caller may not name them alone: each of the permission `price-at-till`,
    /// about `<product id or name of the article>@<unit price>`, with what all pieces at that price come to as the amount;
    /// the refusal says what it is. At most 20; the commit uses them up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// The quote of the same basket before this one. What was approved for it need not be approved again, though the
    /// minute of the approval is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

/// Somebody who sold, with his part of the commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Salesperson {
    /// Staff id; of this store, or of all.
    pub staff: String,
    /// 1 to 1000, in proportion to those of the others; 1 when absent.
    #[serde(default = "one")]
    pub share: i64,
}

fn one() -> i64 {
    1
}

/// One of a member's marks. Exactly one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberReference {
    /// Member id.
    Id(String),
    /// Card number, as printed or scanned.
    Card(String),
    /// UID of a card's chip, in hex.
    Nfc(String),
    /// Text of a card's magnetic stripe.
    Track(String),
    /// Phone number, as enrolled.
    Phone(String),
    /// The code his phone shows for a minute; name him by id afterwards.
    Code(String),
}

/// One article of the basket: a product by one of its marks, or an article the till prices itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineRequest {
    /// Product id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// EAN or in-store barcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// The merchant's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// An article the host does not know; needs the permission to price at the till.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<Article>,
    /// Decimal text with at most three places: `2`, `0.345`. One when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// Minor units for one whole unit instead of the product's price; needs the permission to price at the till.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<i64>,
    /// Pays for the line with uses of a pass, one a piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassRequest>,
    /// Begins the membership this line sells at once instead of where the running one ends: what was not used of that one
    /// pays for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub upgrade: bool,
    /// Staff id of who sold this line alone, for the commission; the salespeople of the sale when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesperson: Option<String>,
    /// What a rule of this chain wants to know of the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub attributes: Vec<Attribute>,
}

/// A pass that pays for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassRequest {
    /// The product that was sold as the pass; of several of one member the nearest expiry goes first.
    pub product: String,
    /// Whose it is; the buyer's own when absent. Another's must be shareable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<MemberReference>,
}

/// An article unknown to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// As printed on the receipt.
    pub name: String,
    /// Category path, root first, separated by `/`.
    #[serde(default)]
    pub category: String,
    /// One of the chain's tax classes.
    pub tax_class: String,
}

/// One way to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenderRequest {
    #[schema(value_type = String, example = "cash")]
    pub kind: TenderKind,
    /// Minor units handed over; whatever is left to pay when absent. Not for points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// Points to spend, at the program's scale; only for the kind `points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// The payment provider's own reference. Never a card number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whose stored value pays, where another lets the buyer spend his; only for the kind `stored-value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<MemberReference>,
}

/// A sale that already happened: at a till that was offline, or in the system used before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedSale {
    /// The till's own number of the sale, unique in its store.
    pub external_id: String,
    /// When it happened, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: chrono::DateTime<chrono::FixedOffset>,
    /// What the customer paid, minor units. Where the host's own price differs, the difference becomes a
    /// claim. The host's price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<i64>,
    /// The basket as it was sold.
    pub sale: QuoteRequest,
}

/// Points of a sale made without a member, wanted by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// Code on the receipt; small letters are fine.
    pub receipt_code: String,
    /// Who claims.
    pub member: MemberReference,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// Lines by position, with the quantity that comes back; everything still refundable when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<RefundLine>>,
    /// Pay it all back this way instead of the way it was paid; needs the permission `refund-other-tender` or an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tender: Option<TenderKind>,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The approval, where the caller may not refund or choose the tender alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// A quantity of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// Position in the order, from 0.
    pub line: u32,
    /// Decimal text with at most three places.
    pub quantity: String,
}

/// Thousandths out of decimal text with at most three places; nothing when it is not such text.
pub fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let sound =
        (1..=12).contains(&whole.len()) && fraction.len() <= 3 && digits(whole) && digits(fraction);
    if !sound || text.ends_with('.') {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<3}").parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(fraction)
}

/// Decimal text out of thousandths, without trailing zeros.
pub fn decimal(thousandths: i64) -> String {
    let (whole, fraction) = (thousandths / 1_000, (thousandths % 1_000).abs());
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:03}")
        .trim_end_matches('0')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly_or_not_at_all() {
        let good = [
            ("1", 1_000),
            ("0.345", 345),
            ("2.5", 2_500),
            ("0", 0),
            ("1000000", 1_000_000_000),
        ];
        for (text, value) in good {
            assert_eq!(thousandths(text), Some(value), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "0.3456",
            "NaN",
            "９",
            "1 ",
            "9999999999999",
        ] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_they_were_read() {
        for text in ["1", "0.345", "2.5", "12.01"] {
            assert_eq!(decimal(thousandths(text).expect("sound")), text);
        }
    }
}
