//! The seal over entries: each covers its predecessor, so none can be changed or left out unnoticed.

use sha2::{Digest, Sha256};

use crate::domain::ledger::Entry;

/// Last entry of a writer's sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of entries so far.
    pub seq: i64,
    pub seal: Vec<u8>,
}

impl Head {
    /// Before the first entry.
    pub fn start(writer: &str) -> Self {
        Self {
            seq: 0,
            seal: Sha256::digest(format!("tessera/{writer}")).to_vec(),
        }
    }

    /// The head after `entry`.
    pub fn next(&self, writer: &str, entry: &Entry) -> Self {
        let seq = self.seq + 1;
        let mut hasher = Sha256::new();
        hasher.update(&self.seal);
        hasher.update((writer.len() as u64).to_be_bytes());
        hasher.update(writer.as_bytes());
        hasher.update(seq.to_be_bytes());
        hasher.update(entry.canonical());
        Self {
            seq,
            seal: hasher.finalize().to_vec(),
        }
    }
}
