//! All SQL. One file per noun; every statement is written once and runs on both databases.

pub mod accounts;
pub mod bindings;
pub mod bulk;
pub mod chain;
pub mod claims;
pub mod counters;
pub mod coupons;
pub mod db;
pub mod declared;
pub mod entries;
pub mod error;
pub mod events;
mod folder;
pub mod holds;
mod joined;
pub mod keys;
pub mod lots;
pub mod member_days;
pub mod members;
mod migrations;
pub mod occasions;
pub mod operations;
pub mod orders;
pub mod persons;
pub mod plugins;
pub mod products;
mod row;
pub mod staff;
pub mod stores;
pub mod transfer;
pub mod verify;
pub mod writer;

pub use db::{Conn, Db, Dialect, Location, Tx};
pub use error::StoreError;
pub use folder::DataFolder;
pub use writer::{Figures, Writer, WriterSettings};
