//! The writer against a real database.
