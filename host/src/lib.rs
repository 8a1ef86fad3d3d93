//! Tessera, the membership host of a retail chain. `host/README.md` is the map of the rooms.

pub mod access;
pub mod checkout;
pub mod clock;
pub mod config;
pub mod couponing;
pub mod devices;
pub mod domain;
pub mod duty;
pub mod enrolment;
pub mod host;
pub mod http;
pub mod metrics;
pub mod once;
pub mod pairing;
pub mod plugins;
pub mod store;
pub mod vault;
pub mod audit;
pub mod cli;
pub mod demo;
pub mod jobs;
pub mod rules;
pub mod running;
pub mod snapshot;
pub mod wallet;
