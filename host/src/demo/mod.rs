//! The sample chain of `tessera demo`: what it is (`config/sample-chain.toml`), what it sells, who buys.

mod day;
pub mod fill;
mod memberships;
mod passes;
mod people;
mod products;
mod sample;
