//! `config/sample-chain.toml`, read.

use serde::Deserialize;

const TEXT: &str = include_str!("../../../config/sample-chain.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub name: String,
    pub language: String,
    pub currency: String,
    /// Checkout settings, as `PUT /v1/chain` takes them.
    pub settings: serde_json::Value,
    pub region: Vec<Region>,
    pub store: Vec<Store>,
    pub staff: Vec<Staff>,
    pub binding: Vec<serde_json::Value>,
    pub coupon: Vec<Coupon>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub id: String,
    pub name: String,
    pub region: String,
    pub time_zone: String,
    pub terminals: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    pub id: String,
    pub name: String,
    pub role: String,
    pub store: String,
    pub pin: String,
}

/// A code for the binding of that name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupon {
    pub code: String,
    pub binding: String,
    #[serde(default)]
    pub use_limit: Option<i64>,
}

impl Sample {
    pub fn read() -> anyhow::Result<Self> {
        Ok(toml::from_str(TEXT)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_chain_has_three_stores_in_two_regions_and_all_four_kinds_of_rule() {
        let sample = Sample::read().expect("the sample chain is valid");
        assert_eq!((sample.region.len(), sample.store.len()), (2, 3));
        let zones: std::collections::HashSet<_> =
            sample.store.iter().map(|store| &store.time_zone).collect();
        assert_eq!(zones.len(), 2);
        let bound = |plugin: &str| {
            sample
                .binding
                .iter()
                .any(|binding| binding["plugin"] == plugin)
        };
        for plugin in [
            "points-standard",
            "tier-standard",
            "referral-standard",
            "promo-standard",
            "stamp-card",
        ] {
            assert!(bound(plugin), "{plugin}");
        }
    }
}
