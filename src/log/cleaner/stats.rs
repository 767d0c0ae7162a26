//! What a cleaning did, for the log line behind it and for the metrics.
//!
//! Pure. Kafka: `CleanerStats`, `LogCleaner.recordStats`.

use std::time::Duration;

use super::filter::FilterCounts;
use crate::base::Offset;

/// What a cleaning of one log did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CleanerStats {
    /// Bytes read to find the latest offsets.
    pub map_bytes_read: u64,
    /// Bytes read to be cleaned.
    pub bytes_read: u64,
    /// Bytes that survive.
    pub bytes_written: u64,
    /// Records read to be cleaned, those that survive and those without a key.
    pub records: FilterCounts,
    /// How full the buffer of keys was, from 0 to 1.
    pub buffer_utilization: f64,
    /// How long the latest offsets took.
    pub index_time: Duration,
    /// How long all of it took.
    pub elapsed: Duration,
}

impl CleanerStats {
    /// What a cleaner reports of a log that it has cleaned from one offset to another.
    pub fn report(&self, cleaner: usize, log: &str, from: Offset, to: Offset) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (all, index) = (self.elapsed.as_secs_f64(), self.index_time.as_secs_f64());
        let cleaning = all - index;
        let rate = |bytes: u64, seconds: f64| mib(bytes) / seconds;
        let share = |seconds: f64| 100.0 * seconds / all;
        let less = |left: u64, of: u64| 100.0 * (1.0 - left as f64 / of as f64);
        let records = &self.records;
        format!(
            "\n\tLog cleaner thread {cleaner} cleaned log {log} (dirty section = [{from}, {to}])\n\
             \t{:.1} MB of log processed in {all:.1} seconds ({:.1} MB/sec).\n\
             \tIndexed {:.1} MB in {index:.1} seconds ({:.1} Mb/sec, {:.1}% of total time)\n\
             \tBuffer utilization: {:.1}%\n\
             \tCleaned {:.1} MB in {cleaning:.1} seconds ({:.1} Mb/sec, {:.1}% of total time)\n\
             \tStart size: {:.1} MB ({} messages)\n\
             \tEnd size: {:.1} MB ({} messages)\n\
             \t{:.1}% size reduction ({:.1}% fewer messages)\n",
            mib(self.bytes_read),
            rate(self.bytes_read, all),
            mib(self.map_bytes_read),
            rate(self.map_bytes_read, index),
            share(index),
            100.0 * self.buffer_utilization,
            mib(self.bytes_read),
            rate(self.bytes_read, cleaning),
            share(cleaning),
            mib(self.bytes_read),
            records.read,
            mib(self.bytes_written),
            records.retained,
            less(self.bytes_written, self.bytes_read),
            less(records.retained, records.read)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_kafkas() {
        let stats = CleanerStats {
            map_bytes_read: 1 << 20,
            bytes_read: 4 << 20,
            bytes_written: 1 << 20,
            records: FilterCounts { read: 1000, retained: 100, invalid: 0 },
            buffer_utilization: 0.125,
            index_time: Duration::from_millis(500),
            elapsed: Duration::from_secs(2),
        };
        let expected = "\n\tLog cleaner thread 0 cleaned log t-0 (dirty section = [7, 900])\n\
                        \t4.0 MB of log processed in 2.0 seconds (2.0 MB/sec).\n\
                        \tIndexed 1.0 MB in 0.5 seconds (2.0 Mb/sec, 25.0% of total time)\n\
                        \tBuffer utilization: 12.5%\n\
                        \tCleaned 4.0 MB in 1.5 seconds (2.7 Mb/sec, 75.0% of total time)\n\
                        \tStart size: 4.0 MB (1000 messages)\n\
                        \tEnd size: 1.0 MB (100 messages)\n\
                        \t75.0% size reduction (90.0% fewer messages)\n";
        assert_eq!(stats.report(0, "t-0", 7, 900), expected);
    }
}
