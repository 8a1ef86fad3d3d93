//! One binary for all tests of the rule, since linking costs more than running them.

mod figures;
mod settings;
mod words;
