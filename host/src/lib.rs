//! Tessera, the membership host of a retail chain. `host/README.md` is the map of the rooms.

pub mod checkout;
pub mod config;
pub mod devices;
pub mod domain;
pub mod http;
pub mod plugins;
pub mod store;
