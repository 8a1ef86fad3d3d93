//! What `wit-bindgen` makes of the four worlds. The shared words are generated once, with the points
//! world, and used by the other three.

// Generated code; its shape is not ours.
#![allow(clippy::all, clippy::pedantic, missing_docs)]

pub mod points {
    wit_bindgen::generate!({
        path: ["../wit/types/0.1.0", "../wit/points/0.1.0"],
        world: "tessera:points/points-plugin@0.1.0",
        pub_export_macro: true,
        export_macro_name: "export_points",
        default_bindings_module: "tessera_sdk::bindings::points",
        runtime_path: "::tessera_sdk::__wit_bindgen::rt",
        additional_derives: [PartialEq, Eq],
        generate_all,
        generate_unused_types: true,
    });
}

macro_rules! with_shared_words {
    ($world:literal, $path:literal, $macro_name:literal, $module:literal) => {
        wit_bindgen::generate!({
            path: ["../wit/types/0.1.0", $path],
            world: $world,
            pub_export_macro: true,
            export_macro_name: $macro_name,
            default_bindings_module: $module,
            runtime_path: "::tessera_sdk::__wit_bindgen::rt",
            additional_derives: [PartialEq, Eq],
            with: {
                "tessera:types/types@0.1.0": crate::bindings::points::tessera::types::types,
                "tessera:types/log@0.1.0": crate::bindings::points::tessera::types::log,
            },
        });
    };
}

pub mod tiers {
    with_shared_words!(
        "tessera:tiers/tier-plugin@0.1.0",
        "../wit/tiers/0.1.0",
        "export_tier",
        "tessera_sdk::bindings::tiers"
    );
}

pub mod referrals {
    with_shared_words!(
        "tessera:referrals/referral-plugin@0.1.0",
        "../wit/referrals/0.1.0",
        "export_referral",
        "tessera_sdk::bindings::referrals"
    );
}

pub mod promotions {
    with_shared_words!(
        "tessera:promotions/promotion-plugin@0.1.0",
        "../wit/promotions/0.1.0",
        "export_promotion",
        "tessera_sdk::bindings::promotions"
    );
}
