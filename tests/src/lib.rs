//! What scenarios, contracts and benches share.

pub mod databases;
pub mod postgres;
