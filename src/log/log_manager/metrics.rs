//! What is measured of the logs: their offsets and sizes, the data directories, flushes (Kafka's gauges of `Log` and
//! `LogManager`, `LogFlushStats`).

use super::LogManager;
use crate::metrics::Metric;

impl LogManager {
    /// The metrics of all logs together, and of the data directories.
    pub fn metrics(&self) -> Vec<Metric> {
        let live = self.live_dirs();
        let offline = |dir: &std::path::PathBuf| usize::from(!live.contains(dir));
        let gauge = |name, value| Metric::gauge("LogManager", name, value);
        let mut metrics = vec![
            gauge("OfflineLogDirectoryCount", self.dirs().iter().map(offline).sum()),
            Metric::timer("LogFlushStats", "LogFlushRateAndTimeMs", &self.shared().flushes),
        ];
        let dirs = self.dirs().iter();
        metrics.extend(
            dirs.map(|dir| gauge("LogDirectoryOffline", offline(dir)).tagged("logDirectory", dir.display())),
        );
        metrics.into_iter().map(|metric| metric.of_group("kafka.log")).collect()
    }

    /// The metrics of each log.
    pub fn metrics_by_partition(&self) -> Vec<Metric> {
        let all = self.all();
        let mut metrics = Vec::with_capacity(all.len() * 4);
        for log in all {
            let id = log.partition();
            let gauges = [
                ("LogStartOffset", log.log_start_offset() as f64),
                ("LogEndOffset", log.log_end_offset() as f64),
                ("NumLogSegments", log.segment_count() as f64),
                ("Size", log.size() as f64),
            ];
            metrics.extend(gauges.map(|(name, value)| {
                Metric::value("Log", name, value)
                    .of_group("kafka.log")
                    .tagged("topic", &id.topic)
                    .tagged("partition", id.partition)
            }));
        }
        metrics
    }
}
