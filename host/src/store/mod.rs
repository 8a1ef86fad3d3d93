//! All SQL. One file per noun; every statement is written once and runs on both databases.

pub mod bulk;
pub mod db;
pub mod error;
mod migrations;

pub use db::{Conn, DataFolder, Db, Dialect, Location, Tx};
pub use error::StoreError;
