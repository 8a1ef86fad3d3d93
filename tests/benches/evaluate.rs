//! What a sandboxed evaluation costs beside the same rule called natively, and what a further line
//! costs in each. `cargo bench --bench evaluate` prints the table; nothing is asserted.
//!
//! Every sandboxed call has a fresh instance; the time is from the host's facts to the host's proposal.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tessera::domain::rules::{PromotionFacts, ReferralFacts};
use tessera::plugins::{CheckedConfig, Engine, EngineSettings, Plugin};
use tessera_sdk::points::PointsRule;
use tessera_sdk::promotions::PromotionRule;
use tessera_sdk::referrals::ReferralRule;
use tessera_sdk::testing;
use tessera_sdk::tiers::TierRule;
use tessera_tests::{components, facts};

const LINES: [usize; 3] = [1, 10, 100];
const SAMPLES: usize = 5_000;
/// Native calls per sample, since the clock is coarser than one of them.
const BATCH: u32 = 20;

const POINTS: &str = r#"{
    "points_per": {"spend": 100, "points": 1},
    "categories": [{"category": "drinks/coffee", "multiplier": "2"}],
    "tags": [{"tag": "organic", "multiplier": "1.5"}],
    "expire_after_days": 365
}"#;
const PROMOTION: &str =
    r#"{"discount": {"percent": {"rate": "10%"}}, "minimum": {"amount": 1000}}"#;
const STAMPS: &str = r#"{"goods": {"categories": ["drinks/coffee"]}, "every": 10}"#;
const TIERS: &str = r#"{"tiers": [
    {"code": "silver", "name": "Silver", "threshold": 100000},
    {"code": "gold", "name": "Gold", "threshold": 500000, "multiplier": "1.5"}
]}"#;
const REFERRAL: &str = r#"{"referee_points": 100, "referrer_points": 200, "minimum_amount": 5000}"#;

fn main() {
    let engine = Engine::new(EngineSettings::default()).expect("this machine can reserve a pool");
    println!("µs per evaluation, one thread; native is the same rule without a sandbox");
    println!(
        "{:<18} {:>5} {:>8} {:>8} {:>8} {:>9} {:>10}",
        "plugin", "lines", "p5", "p50", "p99", "native", "fuel"
    );
    points(&engine);
    promotion::<promo_standard::PromoStandard>(&engine, "promo-standard", PROMOTION);
    promotion::<stamp_card::StampCard>(&engine, "stamp-card", STAMPS);
    tier(&engine);
    referral(&engine);
}

fn points(engine: &Engine) {
    type Rule = points_standard::PointsStandard;
    let (plugin, config, native) =
        rule::<<Rule as PointsRule>::Config>(engine, "points-standard", POINTS);
    let mut medians = Vec::new();
    for lines in LINES {
        let facts = facts::points(lines);
        let own = basket(lines).points();
        let call = || plugin.points(&config, &facts).output.is_ok();
        let times = measure(call, || Rule::evaluate(&native, &own).is_ok());
        row(
            plugin.name(),
            lines,
            &times,
            plugin.points(&config, &facts).fuel,
        );
        medians.push(times);
    }
    further_line(&medians);
}

fn promotion<R: PromotionRule>(engine: &Engine, name: &str, config: &str) {
    let (plugin, config, native) = rule::<R::Config>(engine, name, config);
    let counters = vec![
        7;
        plugin
            .needs(&config)
            .map_or(0, |needs| needs.counters.len())
    ];
    let mut medians = Vec::new();
    for lines in LINES {
        let facts = PromotionFacts {
            counters: counters.clone(),
            ..facts::promotion(lines)
        };
        let own = basket(lines).counters(counters.iter().copied()).promotion();
        let call = || plugin.promotion(&config, &facts).output.is_ok();
        let times = measure(call, || R::evaluate(&native, &own).is_ok());
        row(name, lines, &times, plugin.promotion(&config, &facts).fuel);
        medians.push(times);
    }
    further_line(&medians);
}

fn tier(engine: &Engine) {
    type Rule = tier_standard::TierStandard;
    let (plugin, config, native) =
        rule::<<Rule as TierRule>::Config>(engine, "tier-standard", TIERS);
    let facts = facts::tier(vec![250_000]);
    let own = testing::facts().aggregates([250_000]).tier_review();
    let call = || plugin.tier(&config, &facts).output.is_ok();
    let times = measure(call, || Rule::evaluate(&native, &own).is_ok());
    row(plugin.name(), 0, &times, plugin.tier(&config, &facts).fuel);
}

fn referral(engine: &Engine) {
    type Rule = referral_standard::ReferralStandard;
    let (plugin, config, native) =
        rule::<<Rule as ReferralRule>::Config>(engine, "referral-standard", REFERRAL);
    let counters = vec![
        0;
        plugin
            .needs(&config)
            .map_or(0, |needs| needs.counters.len())
    ];
    let facts = ReferralFacts {
        counters: counters.clone(),
        ..facts::referral(10_000)
    };
    let own = testing::facts()
        .amount(10_000)
        .counters(counters)
        .orders_before(0)
        .referral();
    let call = || plugin.referral(&config, &facts).output.is_ok();
    let times = measure(call, || Rule::evaluate(&native, &own).is_ok());
    row(
        plugin.name(),
        0,
        &times,
        plugin.referral(&config, &facts).fuel,
    );
}

/// The plugin with its configuration, and the configuration as the native rule takes it.
fn rule<C: DeserializeOwned>(
    engine: &Engine,
    name: &str,
    json: &str,
) -> (Plugin, CheckedConfig, C) {
    let component = components::first_party(name);
    let plugin = engine
        .compile(component, None)
        .expect("a first-party plugin compiles");
    let config = plugin
        .validate_config(json)
        .expect("the configuration is valid");
    (
        plugin,
        config,
        serde_json::from_str(json).expect("the configuration is valid"),
    )
}

/// The basket of `facts::lines` as the SDK's test kit builds it.
fn basket(lines: usize) -> testing::FactsBuilder {
    let (categories, tags) = (facts::categories(), facts::tags());
    let mut builder = testing::facts();
    for line in facts::lines(lines) {
        builder = builder
            .line(&line.product)
            .category(&categories[line.category as usize])
            .tag(&tags[line.tags[0] as usize])
            .price(line.unit_price)
            .quantity(line.quantity / 1_000);
    }
    builder
}

/// Times of single sandboxed calls, sorted, and the median of the native one.
struct Times {
    sandboxed: Vec<Duration>,
    native: Duration,
}

/// Measures both in turns, so that whatever else the machine does meets both.
fn measure(mut sandboxed: impl FnMut() -> bool, mut native: impl FnMut() -> bool) -> Times {
    assert!(sandboxed() && native(), "both sides answer");
    let mut calls = Vec::with_capacity(SAMPLES);
    let mut natives = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let started = Instant::now();
        black_box(sandboxed());
        calls.push(started.elapsed());
        let started = Instant::now();
        (0..BATCH).for_each(|_| {
            black_box(native());
        });
        natives.push(started.elapsed() / BATCH);
    }
    calls.sort_unstable();
    natives.sort_unstable();
    Times {
        sandboxed: calls,
        native: natives[SAMPLES / 2],
    }
}

fn row(name: &str, lines: usize, times: &Times, fuel: u64) {
    let at = |percent: usize| micros(times.sandboxed[SAMPLES * percent / 100]);
    println!(
        "{name:<18} {lines:>5} {:>8} {:>8} {:>8} {:>9} {fuel:>10}",
        at(5),
        at(50),
        at(99),
        micros(times.native)
    );
}

/// What a line costs beyond the tenth, from the medians at ten and a hundred.
fn further_line(medians: &[Times]) {
    let lines = u32::try_from(LINES[2] - LINES[1]).expect("ninety");
    let per_line =
        |of: &dyn Fn(&Times) -> Duration| of(&medians[2]).saturating_sub(of(&medians[1])) / lines;
    let sandboxed = per_line(&|times| times.sandboxed[SAMPLES / 2]);
    let native = per_line(&|times| times.native);
    let (sandboxed, native) = (sandboxed.as_nanos(), native.as_nanos());
    println!(
        "{:<18} a further line: {sandboxed} ns sandboxed, {native} ns native",
        ""
    );
}

fn micros(time: Duration) -> String {
    let hundredths = time.as_nanos() / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
