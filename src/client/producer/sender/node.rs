//! The task that sends a broker the batches of the partitions that it leads.
//!
//! Requests reach the broker in the order in which the batches were drained, up to
//! `max.in.flight.requests.per.connection` of them at a time. Nothing is drained before there is a connection, so that
//! batches go on filling, and move with their partition's leader. Kafka: `Sender`.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::completion::EndedBatches;
use super::old_formats;
use super::produce::{self, SealedBatch};
use crate::base::time::millis;
use crate::base::{BrokerId, Clock, TopicPartition};
use crate::client::connection::BrokerConnection;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::client::producer::accumulator::DrainedBatch;
use crate::client::producer::core::ProducerCore;
use crate::client::producer::delivery::ProduceRequestResult;
use crate::client::producer::machine::{PartitionAnswer, SealFailure, SentBatch};
use crate::client::producer::metrics::count;
use crate::wire::api_key::ApiKey;
use crate::wire::message::produce::ProduceResponse;

/// The answer to a request, and the batches that it is about.
struct ProduceExchange {
    batches: Vec<SentBatch>,
    /// None where the broker does not answer.
    outcome: Result<Option<ProduceResponse>, ClientError>,
    sent: Instant,
}

/// The state of the task.
struct NodeSender {
    core: Arc<ProducerCore>,
    broker: BrokerId,
    wake: Arc<Notify>,
    connection: Option<BrokerConnection>,
    in_flight: FuturesUnordered<BoxFuture<'static, ProduceExchange>>,
    /// No request is sent before this time: the broker has asked for it by a quota, or cannot be reached.
    not_before: Instant,
}

/// Works until the producer has ended.
pub(super) async fn run(core: Arc<ProducerCore>, broker: BrokerId, wake: Arc<Notify>) {
    let in_flight = FuturesUnordered::new();
    let not_before = Instant::now();
    NodeSender { core, broker, wake, connection: None, in_flight, not_before }.run().await;
}

impl NodeSender {
    async fn run(mut self) {
        let core = self.core.clone();
        loop {
            if core.ended.is_cancelled() {
                return;
            }
            if self.may_send() && self.send_next().await {
                continue;
            }
            let waits = self.not_before > Instant::now();
            tokio::select! {
                Some(answered) = self.in_flight.next() => self.apply(answered),
                () = self.wake.notified() => {}
                () = sleep_until(self.not_before), if waits => {}
                () = core.ended.cancelled() => return,
            }
        }
    }

    /// Whether a request may be sent now, if there is a batch for it.
    fn may_send(&self) -> bool {
        self.in_flight.len() < self.core.settings().cluster.max_in_flight
            && self.not_before <= Instant::now()
            && self.core.state.lock().machine.accumulator_mut().has_ready(self.broker)
    }

    /// Connects if need be, and sends a request; whether there may be more to send.
    async fn send_next(&mut self) -> bool {
        let connection = match self.connection.take().filter(BrokerConnection::is_open) {
            Some(connection) => connection,
            None if !self.in_flight.is_empty() => {
                // What was sent on the old connection is sent again before anything new.
                if let Some(answered) = self.in_flight.next().await {
                    self.apply(answered);
                }
                return true;
            }
            None => match self.connect().await {
                Some(connection) => connection,
                None => return true,
            },
        };
        self.connection = Some(connection.clone());
        let now = Clock::System.now();
        let drained = {
            let mut state = self.core.state.lock();
            let drained = state.machine.drain(self.broker, self.core.settings().max_request_size, now);
            if state.wake_nodes() {
                self.core.wake.notify_one();
            }
            drained
        };
        if drained.is_empty() {
            return false;
        }
        self.count_drained(&drained);
        // A broker without Produce answers so to the request itself.
        let magic = old_formats::magic_of(connection.version(ApiKey::Produce).unwrap_or(i16::MAX));
        let sealed = seal(&self.core, drained, magic).await;
        if sealed.is_empty() {
            return true;
        }
        let request = produce::request(&self.core, &sealed);
        let batches = sealed.into_iter().map(|batch| batch.sent).collect();
        let limit = self.core.settings().cluster.request_timeout;
        let sent = Instant::now();
        if self.core.settings().acks == 0 {
            let outcome = connection.send(&request, limit).await.map(|()| None);
            self.apply(ProduceExchange { batches, outcome, sent });
            return true;
        }
        count(&self.core.counters.requests_in_flight, 1);
        match connection.begin(&request, limit).await {
            Ok(pending) => self.in_flight.push(Box::pin(async move {
                ProduceExchange { batches, outcome: pending.answer().await.map(Some), sent }
            })),
            Err(error) => {
                let failed = async move { ProduceExchange { batches, outcome: Err(error), sent } };
                self.in_flight.push(Box::pin(failed));
            }
        }
        true
    }

    /// A connection to the broker; None where it cannot be reached now.
    async fn connect(&mut self) -> Option<BrokerConnection> {
        let cluster = self.core.cluster().clone();
        let target = Target::Broker(self.broker);
        let connected = tokio::select! {
            connected = cluster.connection(&target) => connected,
            () = self.core.ended.cancelled() => return None,
        };
        match connected {
            Ok(connection) => Some(connection),
            Err(_) => {
                cluster.forget(&target);
                cluster.request_update();
                self.not_before = Instant::now() + self.core.settings().cluster.retry_backoff;
                None
            }
        }
    }

    fn count_drained(&self, drained: &[DrainedBatch]) {
        let counters = &self.core.counters;
        count(&counters.requests, 1);
        count(&counters.batches_sent, drained.len() as u64);
        let topics: HashSet<_> = drained.iter().map(|batch| &batch.partition.topic).collect();
        topics.into_iter().for_each(|topic| self.core.cluster().use_topic(topic));
        for batch in drained {
            count(&counters.records_sent, batch.records as u64);
            count(&counters.queue_time_ms, u64::try_from(batch.queued).unwrap_or(0));
        }
    }

    /// Applies the answer to a request.
    fn apply(&mut self, answered: ProduceExchange) {
        let ProduceExchange { batches, outcome, sent } = answered;
        let counters = &self.core.counters;
        if self.core.settings().acks != 0 {
            counters.requests_in_flight.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
        count(&counters.request_latency_ms, u64::try_from(sent.elapsed().as_millis()).unwrap_or(0));
        let answers = match outcome {
            Ok(None) => vec![PartitionAnswer::unanswered(); batches.len()],
            Ok(Some(response)) => {
                let throttle = millis(response.throttle_time_ms);
                if !throttle.is_zero() {
                    count(&counters.throttle_time_ms, u64::try_from(throttle.as_millis()).unwrap_or(0));
                    self.not_before = Instant::now() + throttle;
                }
                produce::answers(&batches, &response)
            }
            Err(error) => {
                self.core.cluster().request_update();
                let answer = PartitionAnswer { outcome: Err(error), log_start: None };
                vec![answer; batches.len()]
            }
        };
        let now = Clock::System.now();
        let completion = |partition: &TopicPartition| ProduceRequestResult::new(partition.clone());
        let ended = {
            let mut state = self.core.state.lock();
            let answered = batches.into_iter().zip(answers);
            let settled: Vec<_> = answered
                .filter_map(|(batch, answer)| state.machine.settle(batch, answer, now, completion))
                .collect();
            state.wake_nodes();
            EndedBatches::of(settled, &mut state)
        };
        ended.report(&self.core);
        self.core.wake.notify_one();
    }
}

/// Makes bytes of the batches; one of which none can be made fails.
async fn seal(core: &ProducerCore, drained: Vec<DrainedBatch>, magic: i8) -> Vec<SealedBatch> {
    let mut batches = Vec::with_capacity(drained.len());
    for batch in drained {
        match produce::seal(core, batch, magic).await {
            Ok(batch) => {
                count(&core.counters.bytes_sent, batch.sent.bytes.len() as u64);
                batches.push(batch);
            }
            Err(failure) => fail(core, failure),
        }
    }
    batches
}

/// Fails a batch that no bytes can be made of.
fn fail(core: &ProducerCore, failure: SealFailure) {
    let ended = {
        let mut state = core.state.lock();
        let settled = state.machine.seal_failed(failure, Clock::System.now());
        EndedBatches::of(settled, &mut state)
    };
    ended.report(core);
}
