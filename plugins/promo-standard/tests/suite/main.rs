//! One binary for all tests of the rule, since linking costs more than running them.

mod conditions;
mod figures;
mod grants;
mod kinds;
mod limits;
mod support;
mod words;
