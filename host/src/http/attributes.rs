//! Free attributes of stores, products and members: what rules may ask for by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

const MOST: usize = 64;
const NAME_BYTES: usize = 64;
const TEXT_BYTES: usize = 500;

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

/// At most 64 named values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Attributes(pub BTreeMap<String, Scalar>);

impl Attributes {
    /// The JSON object the store keeps.
    pub fn text(&self) -> String {
        // A map of scalars always serialises.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// What the store kept; unreadable text shows as nothing.
    pub fn stored(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
        if map.len() > MOST {
            return Err(D::Error::custom(format_args!("!too_many {MOST}")));
        }
        for (name, value) in &map {
            if name.is_empty() || name.len() > NAME_BYTES {
                return Err(D::Error::custom(format_args!("!too_long {NAME_BYTES}")));
            }
            if let Scalar::Text(text) = value
                && text.len() > TEXT_BYTES
            {
                return Err(D::Error::custom(format_args!("!too_long {TEXT_BYTES}")));
            }
        }
        Ok(Self(map))
    }
}

impl PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .description(Some(
                "At most 64 names with a text, an integer or a boolean each",
            ))
            .build();
        RefOr::T(Schema::Object(object))
    }
}

impl ToSchema for Attributes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Attributes")
    }
}

/// A list of texts kept as JSON, such as tags.
pub fn list_text<T: Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

/// A stored list of texts.
pub fn stored_list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}
