//! What goes over the connections of a listener: bytes, requests and answers.
//!
//! Costs each read and each write two additions. Kafka: `Selector.SelectorMetrics`.

use crate::metrics::Meter;

/// Counts what goes over connections.
#[derive(Debug)]
pub(super) struct Traffic {
    incoming: Meter,
    outgoing: Meter,
    requests: Meter,
    answers: Meter,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            incoming: Meter::sharded(),
            outgoing: Meter::sharded(),
            requests: Meter::sharded(),
            answers: Meter::sharded(),
        }
    }
}

impl Traffic {
    /// So many bytes have come.
    pub fn received(&self, bytes: usize) {
        self.incoming.mark(bytes as u64);
    }

    /// The other side has taken so many bytes.
    pub fn sent(&self, bytes: usize) {
        self.outgoing.mark(bytes as u64);
    }

    /// A request has come whole.
    pub fn request(&self) {
        self.requests.mark(1);
    }

    /// So many answers have left.
    pub fn answers(&self, count: u64) {
        self.answers.mark(count);
    }

    /// The attributes of a listener.
    pub fn attributes(&self) -> Vec<(&'static str, f64)> {
        let [incoming, outgoing, requests, answers] =
            [&self.incoming, &self.outgoing, &self.requests, &self.answers].map(Meter::read);
        let all = requests + answers;
        let pairs = [
            ("incoming-byte-total", "incoming-byte-rate", incoming),
            ("outgoing-byte-total", "outgoing-byte-rate", outgoing),
            ("request-total", "request-rate", requests),
            ("response-total", "response-rate", answers),
            ("network-io-total", "network-io-rate", all),
        ];
        pairs
            .into_iter()
            .flat_map(|(total, rate, read)| {
                let [a_second, ..] = read.rates;
                [(total, read.count as f64), (rate, a_second)]
            })
            .collect()
    }
}
