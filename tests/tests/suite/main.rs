//! All scenarios and contracts in one binary, so that the big dependencies are linked once.

mod apply;
mod author;
mod breadth;
mod checkout;
mod claims;
mod expired_lots;
mod failover;
mod holds;
mod house;
mod kill;
mod limits;
mod misbehaving;
mod once;
mod operations;
mod plugins;
mod programs;
mod recorded;
mod reference;
mod refunds;
mod several_hosts;
mod stacking;
mod templates;
mod watch;
mod worked;
mod wrong_configurations;
mod wrong_uses;
