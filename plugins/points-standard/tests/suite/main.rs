//! One binary for all tests of the rule, since linking costs more than running them.

mod events;
mod figures;
mod goods;
mod limits;
mod support;
mod times;
mod words;
