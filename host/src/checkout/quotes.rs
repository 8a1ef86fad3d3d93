//! The quotes that wait to be committed: in memory, bounded, oldest out first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::time::Instant;

use super::hold::HeldQuote;
use super::quote::Quote;

/// Shared by all requests; each call holds the lock for one map operation.
pub struct Quotes {
    capacity: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    by_id: HashMap<String, Arc<Quote>>,
    order: VecDeque<String>,
    /// By quote; dropped together with the quote.
    holds: HashMap<String, HeldQuote>,
}

impl Quotes {
    /// Keeps at most `capacity` quotes.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            shelf: Mutex::default(),
        }
    }

    /// Keeps a quote under its id; the same id again replaces it.
    pub fn keep(&self, quote: Arc<Quote>) {
        let mut shelf = self.lock();
        let id = quote.id.clone();
        if shelf.by_id.insert(id.clone(), quote).is_none() {
            shelf.order.push_back(id);
        }
        while shelf.by_id.len() > self.capacity {
            let Some(oldest) = shelf.order.pop_front() else {
                break;
            };
            shelf.by_id.remove(&oldest);
            shelf.holds.remove(&oldest);
        }
    }

    pub fn find(&self, id: &str) -> Option<Arc<Quote>> {
        self.lock().by_id.get(id).cloned()
    }

    /// Whether a quote is known here, without a hold, and can still be committed.
    pub fn is_at_hand(&self, id: &str, now: Instant) -> bool {
        let shelf = self.lock();
        let fresh = |quote: &Arc<Quote>| now <= quote.expires_at;
        shelf.by_id.get(id).is_some_and(fresh) && !shelf.holds.contains_key(id)
    }

    /// The hold on a quote, while it is known here.
    pub fn hold_of(&self, quote: &str) -> Option<HeldQuote> {
        self.lock().holds.get(quote).cloned()
    }

    pub fn note_hold(&self, quote: &str, held: &HeldQuote) {
        self.lock().holds.insert(quote.to_owned(), held.clone());
    }

    pub fn forget_hold(&self, quote: &str) {
        self.lock().holds.remove(quote);
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A panic while the lock was held cannot leave the two collections unusable: the worst is an id in
    // the queue without a quote, which eviction passes over.
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
