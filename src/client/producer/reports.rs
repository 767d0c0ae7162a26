//! Which batches have ended without that their records know it yet.
//!
//! Pure. A batch ends under the producer's lock, and its records, counters and interceptors are notified after it. A
//! flush that looks in between must not take the batch for done. Kafka: `ProduceRequestResult.await`.

use std::collections::BTreeSet;

/// The reports that have begun and are not finished. Reports are numbered in the order in which they begin.
#[derive(Debug, Default)]
pub(super) struct UnfinishedReports {
    next: u64,
    unfinished: BTreeSet<u64>,
}

/// A report that has begun, by its number.
#[derive(Debug)]
#[must_use = "a flush waits until the report is finished"]
pub(super) struct BatchReport(u64);

impl UnfinishedReports {
    /// Begins a report. Called in the section under the lock in which its batches end.
    pub(super) fn begin(&mut self) -> BatchReport {
        let number = self.next;
        self.next += 1;
        self.unfinished.insert(number);
        BatchReport(number)
    }

    /// The records of this report are notified.
    pub(super) fn finish(&mut self, BatchReport(number): BatchReport) {
        self.unfinished.remove(&number);
    }

    /// A mark that is passed once every report that has begun now is finished.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    /// Whether every report before the mark is finished.
    pub(super) fn have_passed(&self, mark: u64) -> bool {
        self.unfinished.first().is_none_or(|first| *first >= mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_passed_by_the_reports_before_it() {
        let mut reports = UnfinishedReports::default();
        assert!(reports.have_passed(reports.mark()), "there is none");
        let (first, second) = (reports.begin(), reports.begin());
        let mark = reports.mark();
        let later = reports.begin();
        reports.finish(second);
        assert!(!reports.have_passed(mark), "the first is not finished");
        reports.finish(first);
        assert!(reports.have_passed(mark), "the later one does not count");
        assert!(!reports.have_passed(reports.mark()));
        reports.finish(later);
        assert!(reports.have_passed(reports.mark()));
    }
}
