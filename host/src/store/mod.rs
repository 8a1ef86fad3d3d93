//! All SQL. One file per noun; every statement is written once and runs on both databases.

pub mod accounts;
pub mod bulk;
pub mod counters;
pub mod coupons;
pub mod db;
pub mod entries;
pub mod error;
pub mod events;
pub mod holds;
pub mod lots;
pub mod member_days;
mod migrations;
pub mod operations;
pub mod orders;
pub mod writer;

pub use db::{Conn, DataFolder, Db, Dialect, Location, Tx};
pub use error::StoreError;
pub use writer::{Writer, WriterSettings};
