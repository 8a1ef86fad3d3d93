//! The sandbox: engine, catalog, and one file per WIT generation.
