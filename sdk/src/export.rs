//! From a rule's type to an exported component.

use std::marker::PhantomData;

/// The four kinds of rule and the WIT world of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Points,
    Tier,
    Referral,
    Promotion,
}

impl Kind {
    /// The word the manifest uses.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Points => "points",
            Kind::Tier => "tier",
            Kind::Referral => "referral",
            Kind::Promotion => "promotion",
        }
    }

    /// The world a component of this kind is built for.
    pub const fn world(self) -> &'static str {
        match self {
            Kind::Points => "tessera:points/points-plugin@0.1.0",
            Kind::Tier => "tessera:tiers/tier-plugin@0.1.0",
            Kind::Referral => "tessera:referrals/referral-plugin@0.1.0",
            Kind::Promotion => "tessera:promotions/promotion-plugin@0.1.0",
        }
    }
}

/// What [`export!`](crate::export!) adds to a rule.
pub trait Exported: Sized {
    type Config;
    type Facts;
    type Answer;
    const KIND: Kind;
    /// Language tag and TOML text of each catalogue.
    const MESSAGES: &'static [(&'static str, &'static str)];
    /// What the rule asks of the host beyond plain facts.
    const PERMISSIONS: &'static [&'static str];
}

/// The face a rule shows to the host.
#[derive(Debug)]
pub struct Component<R>(PhantomData<R>);

/// Makes a rule's type the component its crate builds.
///
/// Only `wasm32` gets exported functions, so several rules link into one native test.
///
/// ```ignore
/// tessera_sdk::export!(
///     points: MyRule,
///     messages: {
///         "en" => include_str!("../messages/en.toml"),
///         "zh-CN" => include_str!("../messages/zh-CN.toml"),
///     },
///     permissions: ["cost"],
/// );
/// ```
///
/// The kind is `points`, `tier`, `referral` or `promotion`. The only permission there is today is
/// `cost`: what lines cost the store.
#[macro_export]
macro_rules! export {
    (
        $kind:ident: $rule:ty,
        messages: { $($language:literal => $catalogue:expr),+ $(,)? }
        $(, permissions: [$($permission:literal),* $(,)?])? $(,)?
    ) => {
        impl $crate::Exported for $rule {
            type Config = $crate::__kind!($kind config $rule);
            type Facts = $crate::__kind!($kind facts);
            type Answer = $crate::__kind!($kind answer);
            const KIND: $crate::Kind = $crate::__kind!($kind kind);
            const MESSAGES: &'static [(&'static str, &'static str)] = &[$(($language, $catalogue)),+];
            const PERMISSIONS: &'static [&'static str] = &[$($($permission),*)?];
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Component<$rule>;
            $crate::__export!($kind Component);
        };

        #[allow(unexpected_cfgs)]
        const _: () = {
            #[cfg(all(tessera_describe, target_arch = "wasm32"))]
            #[unsafe(export_name = "tessera-describe")]
            extern "C" fn describe() -> u64 {
                $crate::describe::describe::<$rule>(&$crate::describe::Crate {
                    name: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                    description: ::core::env!("CARGO_PKG_DESCRIPTION"),
                    authors: ::core::env!("CARGO_PKG_AUTHORS"),
                })
            }
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __kind {
    (points kind) => {
        $crate::Kind::Points
    };
    (points config $rule:ty) => {
        <$rule as $crate::points::PointsRule>::Config
    };
    (points facts) => {
        $crate::points::Facts
    };
    (points answer) => {
        $crate::points::Proposal
    };
    (tier kind) => {
        $crate::Kind::Tier
    };
    (tier config $rule:ty) => {
        <$rule as $crate::tiers::TierRule>::Config
    };
    (tier facts) => {
        $crate::tiers::Facts
    };
    (tier answer) => {
        $crate::tiers::Decision
    };
    (referral kind) => {
        $crate::Kind::Referral
    };
    (referral config $rule:ty) => {
        <$rule as $crate::referrals::ReferralRule>::Config
    };
    (referral facts) => {
        $crate::referrals::Facts
    };
    (referral answer) => {
        $crate::referrals::Proposal
    };
    (promotion kind) => {
        $crate::Kind::Promotion
    };
    (promotion config $rule:ty) => {
        <$rule as $crate::promotions::PromotionRule>::Config
    };
    (promotion facts) => {
        $crate::promotions::Facts
    };
    (promotion answer) => {
        $crate::promotions::Proposal
    };
    ($other:ident $($what:tt)*) => {
        ::core::compile_error!("the kind of a rule is points, tier, referral or promotion")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (points $component:ident) => {
        $crate::bindings::points::export_points!($component with_types_in $crate::bindings::points);
    };
    (tier $component:ident) => {
        $crate::bindings::tiers::export_tier!($component with_types_in $crate::bindings::tiers);
    };
    (referral $component:ident) => {
        $crate::bindings::referrals::export_referral!($component with_types_in $crate::bindings::referrals);
    };
    (promotion $component:ident) => {
        $crate::bindings::promotions::export_promotion!($component with_types_in $crate::bindings::promotions);
    };
}

/// The trait of one kind of rule and what stands behind its exported functions.
macro_rules! rule_kind {
    ($(#[$documentation:meta])* $rule:ident, $interface:ident, $facts:ty => $answer:ty) => {
        $(#[$documentation])*
        pub trait $rule: 'static {
            /// What the merchant sets; its JSON Schema, titles and defaults are shown to him. Use
            /// `#[serde(deny_unknown_fields)]` so that a misspelt key is found when it is written.
            type Config: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema;

            /// Finds what is wrong with a configuration beyond what its types already say. Called when
            /// a binding is made.
            fn check(config: &Self::Config) -> Result<(), Vec<$crate::types::ConfigProblem>> {
                let _ = config;
                Ok(())
            }

            /// What the rule wants in its facts beyond the basket. Called when a binding is made.
            fn needs(config: &Self::Config) -> $crate::types::Needs {
                let _ = config;
                $crate::types::Needs::none()
            }

            /// Answers one call. An error is a sentence for the operator.
            fn evaluate(config: &Self::Config, facts: &$facts) -> Result<$answer, String>;
        }

        impl<R: $rule> $interface::Guest for $crate::Component<R> {
            fn validate_config(config: String) -> Result<Vec<u8>, Vec<$crate::types::ConfigProblem>> {
                #[cfg(target_arch = "wasm32")]
                $crate::guest::report_panics();
                let config = $crate::config::read::<R::Config>(&config)?;
                R::check(&config)?;
                $crate::config::encode(&config)
            }

            fn needs(config: Vec<u8>) -> $crate::types::Needs {
                #[cfg(target_arch = "wasm32")]
                $crate::guest::report_panics();
                match $crate::config::decode::<R::Config>(&config) {
                    Ok(config) => R::needs(&config),
                    // The contract leaves no other answer, and the host only passes what was checked.
                    Err(problem) => panic!("{problem}"),
                }
            }

            fn evaluate(config: Vec<u8>, facts: $facts) -> Result<$answer, String> {
                #[cfg(target_arch = "wasm32")]
                $crate::guest::report_panics();
                let config = $crate::config::decode::<R::Config>(&config)?;
                let answer = R::evaluate(&config, &facts);
                // The whole instance is dropped after the call; freeing piece by piece would only cost.
                #[cfg(target_arch = "wasm32")]
                std::mem::forget((config, facts));
                answer
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl<R: $rule> $crate::testing::RuleOf<R> for $facts {
            type Answer = $answer;

            fn check(config: &str) -> Result<Vec<u8>, Vec<$crate::types::ConfigProblem>> {
                use $interface::Guest;
                $crate::Component::<R>::validate_config(config.to_owned())
            }

            fn run(config: &str, facts: &$facts) -> $crate::testing::Outcome<$answer> {
                use $interface::Guest;
                let config = <$facts as $crate::testing::RuleOf<R>>::check(config)?;
                let needs = $crate::Component::<R>::needs(config.clone());
                let told = $crate::testing::Told::told(facts, &needs);
                Ok((needs, $crate::Component::<R>::evaluate(config, told)))
            }
        }
    };
}
pub(crate) use rule_kind;
