//! The contract of the store, kept on SQLite and on PostgreSQL.

mod bench;
mod commands;
mod lost_answers;
mod model;
mod races;
mod reads;
mod tampering;
