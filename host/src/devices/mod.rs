//! The hardware of a till, one file per driver.
