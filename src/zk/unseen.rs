//! Changes that their reader has not read yet: the newest of each znode, in the order in which they began to
//! wait.
//!
//! Pure. The number of waiting changes is bounded by the number of watched znodes, however often they change
//! and however slow the reader is.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Changes by what they are changes of.
#[derive(Debug)]
pub(super) struct Unseen<K, C> {
    order: VecDeque<K>,
    newest: HashMap<K, C>,
}

impl<K, C> Default for Unseen<K, C> {
    fn default() -> Self {
        Self { order: VecDeque::new(), newest: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, C> Unseen<K, C> {
    /// Adds a change; it replaces an older one of the same key.
    pub fn add(&mut self, key: K, change: C) {
        if self.newest.insert(key.clone(), change).is_none() {
            self.order.push_back(key);
        }
    }

    /// The change that has waited longest.
    pub fn take(&mut self) -> Option<C> {
        let key = self.order.pop_front()?;
        self.newest.remove(&key)
    }

    /// Removes the change of this key.
    pub fn forget(&mut self, key: &K) {
        if self.newest.remove(key).is_some() {
            self.order.retain(|waiting| waiting != key);
        }
    }
}

#[cfg(test)]
mod tests;
