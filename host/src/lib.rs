//! Tessera, the membership host of a retail chain. `host/README.md` is the map of the rooms.

pub mod access;
pub mod audit;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod config;
pub mod couponing;
pub mod demo;
pub mod devices;
pub mod domain;
pub mod duty;
pub mod enrolment;
pub mod host;
pub mod http;
pub mod jobs;
pub mod metrics;
pub mod once;
pub mod pairing;
pub mod plugins;
pub mod rules;
pub mod running;
pub mod snapshot;
pub mod store;
pub mod vault;
pub mod wallet;
