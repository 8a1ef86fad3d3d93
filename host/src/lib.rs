//! Tessera, the membership host of a retail chain. `host/README.md` is the map of the rooms.

pub mod access;
pub mod approval;
pub mod audit;
pub mod cards;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod commission;
pub mod config;
pub mod contacts;
pub mod couponing;
pub mod declaration;
pub mod demo;
pub mod devices;
pub mod domain;
pub mod duty;
pub mod earning;
pub mod enrolment;
pub mod host;
pub mod http;
pub mod jobs;
pub mod lapsing;
pub mod lease;
pub mod merging;
pub mod metrics;
pub mod notices;
pub mod occasions;
pub mod once;
pub mod opening;
pub mod pairing;
pub mod parking;
pub mod person;
pub mod plugins;
pub mod profile;
pub mod reference;
pub mod roles;
mod rounds;
pub mod rules;
pub mod running;
pub mod settlement;
pub mod shift;
pub mod snapshot;
pub mod standing;
pub mod store;
pub mod tier_floors;
pub mod tier_reviews;
pub mod vault;
pub mod wallet;

/// A quote makes thousands of small, short-lived allocations on every core; the system's allocator took a fifth of its
/// time. Set here so that tests and benches run with what the host runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
