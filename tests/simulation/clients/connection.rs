//! A producer's connection to one broker: what is sent on it arrives in order, and is lost with it.

use std::collections::VecDeque;

use barnabas::base::Millis;
use barnabas::client::producer::machine::SentBatch;

/// A Produce request that is not answered.
#[derive(Debug)]
pub struct Exchange {
    /// Its number in the simulation.
    pub number: u64,
    pub batches: Vec<SentBatch>,
    pub sent: Millis,
}

/// The connection.
#[derive(Debug, Default)]
pub struct Connection {
    /// How often it was lost.
    pub number: u64,
    pub in_flight: VecDeque<Exchange>,
    /// Nothing is sent before this time.
    pub not_before: Millis,
    /// When the last request and the last answer arrive.
    last_request: Millis,
    last_answer: Millis,
}

impl Connection {
    /// When a request arrives that is sent now and takes so long, as it arrives behind those before it.
    pub fn arrival(&mut self, at: Millis) -> Millis {
        self.last_request = self.last_request.max(at);
        self.last_request
    }

    /// The same for an answer.
    pub fn answer_arrival(&mut self, at: Millis) -> Millis {
        self.last_answer = self.last_answer.max(at);
        self.last_answer
    }

    /// It is lost; what was in flight.
    pub fn lose(&mut self, not_before: Millis) -> Vec<Exchange> {
        let next = Self { number: self.number + 1, not_before, ..Self::default() };
        std::mem::replace(self, next).in_flight.into()
    }
}
