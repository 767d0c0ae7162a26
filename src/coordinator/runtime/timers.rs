//! The deadlines of one partition, each by what it is for.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Millis;

/// Deadlines by their timers. Invariant: both maps hold the same timers.
#[derive(Debug)]
pub struct Timers<T> {
    deadlines: BTreeMap<T, Millis>,
    in_order: BTreeSet<(Millis, T)>,
}

impl<T: Ord + Clone> Timers<T> {
    /// None is set.
    pub fn new() -> Self {
        Self { deadlines: BTreeMap::new(), in_order: BTreeSet::new() }
    }

    /// Sets a timer, in place of its deadline of before.
    pub fn schedule(&mut self, timer: T, at: Millis) {
        if let Some(before) = self.deadlines.insert(timer.clone(), at) {
            self.in_order.remove(&(before, timer.clone()));
        }
        self.in_order.insert((at, timer));
    }

    /// Sets a timer no longer.
    pub fn cancel(&mut self, timer: T) {
        if let Some(at) = self.deadlines.remove(&timer) {
            self.in_order.remove(&(at, timer));
        }
    }

    /// When the first is due.
    pub fn next(&self) -> Option<Millis> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// The first that is due by `now`; it is set no longer.
    pub fn take_due(&mut self, now: Millis) -> Option<T> {
        let (at, _) = self.in_order.first()?;
        if *at > now {
            return None;
        }
        let (_, timer) = self.in_order.pop_first()?;
        self.deadlines.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_due_once_at_its_last_deadline() {
        let mut timers = Timers::new();
        timers.schedule("session", 10);
        timers.schedule("rebalance", 20);
        timers.schedule("session", 30);
        assert_eq!(timers.next(), Some(20));
        assert_eq!(timers.take_due(19), None);
        assert_eq!(timers.take_due(30), Some("rebalance"));
        assert_eq!(timers.take_due(30), Some("session"));
        assert_eq!((timers.take_due(99), timers.next()), (None, None));
    }

    #[test]
    fn a_cancelled_timer_is_never_due() {
        let mut timers = Timers::new();
        timers.schedule(1, 10);
        timers.cancel(1);
        timers.cancel(2);
        assert_eq!(timers.take_due(99), None);
    }
}
