//! Steps and invariants of the ledger.
