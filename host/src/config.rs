//! Configuration, parsed and validated once.
