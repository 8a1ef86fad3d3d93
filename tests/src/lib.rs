//! What scenarios, contracts and benches share.

pub mod components;
pub mod databases;
pub mod facts;
pub mod load;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod replicated;
pub mod shop;
pub mod worked;
