//! The ways a broker is loaded.

/// The producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Java's `kafka-producer-perf-test.sh`.
    PerfTest,
    /// librdkafka's kcat.
    Kcat,
}

/// One way of producing. What it has produced is consumed by kcat.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The producers.
    pub client: Client,
    /// The bytes of a record's value.
    pub record_size: u64,
    /// The most bytes of a batch.
    pub batch_size: u64,
    /// `compression.type`.
    pub compression: &'static str,
}

impl Workload {
    /// What stands for it in the table.
    pub fn name(&self) -> String {
        let client = match self.client {
            Client::PerfTest => "perf-test",
            Client::Kcat => "kcat",
        };
        let batch = if self.batch_size > 100_000 { "1 MiB" } else { "16 KiB" };
        format!("{client}, {} B, {}, batches of {batch}", self.record_size, self.compression)
    }

    /// How many records make up so many megabytes.
    pub fn count(&self, megabytes: u64) -> u64 {
        megabytes * 1_000_000 / self.record_size
    }
}

/// Every client with every size, batch and codec.
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for client in [Client::PerfTest, Client::Kcat] {
        for record_size in [1024, 100] {
            for compression in ["none", "lz4", "gzip", "snappy", "zstd"] {
                for batch_size in [16 << 10, 1 << 20] {
                    all.push(Workload { client, record_size, batch_size, compression });
                }
            }
        }
    }
    all
}

/// A few of each kind: both clients, both sizes, every codec, both batches.
pub fn few() -> Vec<Workload> {
    let workload = |client, record_size, batch_size, compression| Workload {
        client,
        record_size,
        batch_size,
        compression,
    };
    vec![
        workload(Client::PerfTest, 1024, 16 << 10, "none"),
        workload(Client::PerfTest, 100, 1 << 20, "lz4"),
        workload(Client::PerfTest, 1024, 16 << 10, "gzip"),
        workload(Client::Kcat, 1024, 1 << 20, "none"),
        workload(Client::Kcat, 100, 16 << 10, "snappy"),
        workload(Client::Kcat, 100, 1 << 20, "lz4"),
        workload(Client::Kcat, 100, 1 << 20, "zstd"),
    ]
}
