//! The HTTP API: router, one file per resource, one file for errors.
