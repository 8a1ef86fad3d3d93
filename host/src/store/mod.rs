//! All SQL. One file per noun; every statement is written once and runs on both databases.

pub mod bulk;
pub mod coupons;
pub mod db;
pub mod error;
pub mod holds;
pub mod lots;
mod migrations;
pub mod orders;
pub mod writer;

pub use db::{Conn, DataFolder, Db, Dialect, Location, Tx};
pub use error::StoreError;
pub use writer::{Writer, WriterSettings};
