//! What `--print-metrics` prints: the counts of a client under the names of Java's metrics.
//!
//! Pure but for the printing. Only what the library counts is there; averages are those of the whole run. Kafka:
//! `ToolsUtils.printMetrics`.

use serde::Serialize;

use crate::base::Millis;
use crate::client::{ClientMetrics, Consumer, Producer};

/// A metric and its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricRow {
    group: &'static str,
    name: &'static str,
    client_id: String,
    value: f64,
}

/// Prints rows in the order of their names, in columns.
pub fn print(rows: &[MetricRow]) {
    print!("{}", table(rows));
}

fn table(rows: &[MetricRow]) -> String {
    let name = |row: &MetricRow| format!("{}:{}:{{client-id={}}}", row.group, row.name, row.client_id);
    let mut rows: Vec<_> = rows.iter().map(|row| (name(row), row.value)).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, value)| format!("{name:<width$} : {value:.3}\n"));
    format!("\n{:<width$}   Value\n{}", "Metric Name", lines.collect::<String>())
}

/// A quotient; none where nothing was counted.
fn average(sum: u64, count: u64) -> f64 {
    if count == 0 { f64::NAN } else { sum as f64 / count as f64 }
}

fn rows(
    group: &'static str,
    client_id: &str,
    values: &[(&'static str, f64)],
) -> impl Iterator<Item = MetricRow> {
    let row = move |(name, value): &(&'static str, f64)| MetricRow {
        group,
        name,
        client_id: client_id.to_owned(),
        value: *value,
    };
    values.iter().map(row)
}

/// The counts of a client's connections.
fn of_connections(client: &ClientMetrics) -> [(&'static str, f64); 6] {
    [
        ("connection-count", client.open_connections as f64),
        ("connection-creation-total", client.connections_created as f64),
        ("incoming-byte-total", client.bytes_received as f64),
        ("outgoing-byte-total", client.bytes_sent as f64),
        ("request-total", client.requests as f64),
        ("response-total", client.responses as f64),
    ]
}

/// What a producer has counted in so many milliseconds.
pub fn of_producer(producer: &Producer, elapsed: Millis) -> Vec<MetricRow> {
    let counted = producer.metrics();
    let connections = producer.cluster().metrics();
    let seconds = elapsed.max(1) as f64 / 1000.0;
    let mut values = of_connections(&connections).to_vec();
    values.extend([
        ("batch-size-avg", average(counted.bytes_sent, counted.batches_sent)),
        ("batch-split-total", counted.batches_split as f64),
        ("buffer-available-bytes", counted.buffer_available_bytes as f64),
        ("produce-throttle-time-avg", average(counted.throttle_time_ms, counted.requests)),
        ("record-error-total", counted.record_errors as f64),
        ("record-queue-time-avg", average(counted.queue_time_ms, counted.batches_sent)),
        ("record-retry-total", counted.record_retries as f64),
        ("record-send-rate", counted.records_sent as f64 / seconds),
        ("record-send-total", counted.records_sent as f64),
        ("records-per-request-avg", average(counted.records_sent, counted.requests)),
        ("request-latency-avg", average(counted.request_latency_ms, counted.requests)),
        ("requests-in-flight", counted.requests_in_flight as f64),
        ("waiting-threads", counted.waiting_for_memory as f64),
    ]);
    rows("producer-metrics", &producer.cluster().options().client_id, &values).collect()
}

/// What a consumer has counted in so many milliseconds.
pub fn of_consumer(consumer: &Consumer, elapsed: Millis) -> Vec<MetricRow> {
    let counted = consumer.metrics();
    let seconds = elapsed.max(1) as f64 / 1000.0;
    let fetches: u64 = counted.fetches.values().sum();
    let client_id = &consumer.cluster().options().client_id;
    let fetched = [
        ("bytes-consumed-rate", counted.bytes_fetched as f64 / seconds),
        ("bytes-consumed-total", counted.bytes_fetched as f64),
        ("fetch-size-avg", average(counted.bytes_fetched, fetches)),
        ("fetch-total", fetches as f64),
        ("records-consumed-rate", counted.records_consumed as f64 / seconds),
        ("records-consumed-total", counted.records_consumed as f64),
        ("records-lag-max", counted.lag.values().copied().max().map_or(f64::NAN, |lag| lag as f64)),
        ("records-per-request-avg", average(counted.records_consumed, fetches)),
    ];
    let group = [
        ("commit-total", counted.commits as f64),
        ("failed-rebalance-total", counted.failed_rebalances as f64),
        ("rebalance-total", counted.rebalances as f64),
    ];
    rows("consumer-fetch-manager-metrics", client_id, &fetched)
        .chain(rows("consumer-coordinator-metrics", client_id, &group))
        .chain(rows("consumer-metrics", client_id, &of_connections(&consumer.cluster().metrics())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_stand_in_columns_by_name() {
        let rows: Vec<_> =
            rows("g", "c", &[("longer", 2.0), ("a", average(1, 3)), ("b", average(1, 0))]).collect();
        assert_eq!(
            table(&rows),
            "\nMetric Name              Value\n\
             g:a:{client-id=c}      : 0.333\n\
             g:b:{client-id=c}      : NaN\n\
             g:longer:{client-id=c} : 2.000\n"
        );
    }
}
