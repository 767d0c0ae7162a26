//! How far a copy is, and the lines of JSON that show it, in the order of Kafka's fields.
//!
//! Pure but for the time in the lines.

use serde_json::{Value, json};

/// Counts of one copier.
#[derive(Debug)]
pub(super) struct CopyProgress {
    transactional_id: String,
    total: u64,
    since_rebalance: u64,
    remaining: i64,
}

impl CopyProgress {
    /// Nothing is copied yet; at most so many records are, all for -1.
    pub(super) fn new(transactional_id: &str, most: i32) -> Self {
        let remaining = if most == -1 { i64::MAX } else { most.into() };
        Self { transactional_id: transactional_id.to_owned(), total: 0, since_rebalance: 0, remaining }
    }

    /// There are no more records than these.
    pub(super) fn limit(&mut self, there: i64) {
        self.remaining = self.remaining.min(there);
    }

    /// The partitions were shared out anew, and have so many records left.
    pub(super) fn rebalanced(&mut self, there: i64) {
        (self.remaining, self.since_rebalance) = (there, 0);
    }

    /// A transaction of so many records was committed.
    pub(super) fn copied(&mut self, records: u64) {
        self.total += records;
        self.since_rebalance += records;
        self.remaining -= i64::try_from(records).unwrap_or(i64::MAX);
    }

    /// Whether there is more to copy.
    pub(super) fn has_more(&self) -> bool {
        self.remaining > 0
    }

    /// The line that shows how far it is.
    pub(super) fn status(&self, stage: &str) -> Value {
        json!({
            "consumed": self.since_rebalance, "stage": stage, "totalProcessed": self.total,
            "progress": self.transactional_id, "time": time(), "remaining": self.remaining
        })
    }

    /// The last line.
    pub(super) fn shutdown(&self) -> Value {
        json!({
            "consumed": self.since_rebalance, "shutdown_complete": self.transactional_id,
            "totalProcessed": self.total, "time": time(), "remaining": self.remaining
        })
    }
}

fn time() -> String {
    jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S:%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_ends_with_the_records_that_were_there_or_its_limit() {
        let mut progress = CopyProgress::new("id", -1);
        progress.limit(5);
        progress.copied(3);
        assert!(progress.has_more());
        progress.copied(2);
        assert!(!progress.has_more());
        let line = progress.shutdown();
        assert_eq!((&line["totalProcessed"], &line["remaining"]), (&5.into(), &0.into()));
        progress.rebalanced(7);
        assert_eq!((&progress.status("x")["consumed"], progress.has_more()), (&0.into(), true));
        assert!(!CopyProgress::new("id", 0).has_more());
    }
}
