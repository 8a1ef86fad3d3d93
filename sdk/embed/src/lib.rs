//! The first-party plugins as component bytes, built from source for the host to carry.

/// One plugin of `plugins/`.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its crate's name.
    pub name: &'static str,
    /// The checked component.
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Every first-party plugin, by name.
pub fn all() -> &'static [Embedded] {
    EMBEDDED
}
