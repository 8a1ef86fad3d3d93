//! All scenarios and contracts in one binary, so that the big dependencies are linked once.

mod house;
mod plugins;
