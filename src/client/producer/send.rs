//! Sends gathered batches to their leaders, and reports each record's outcome.
//!
//! One Produce request to a leader at a time, so that batches of a partition cannot overtake each other. An
//! idempotent producer's batches carry sequence numbers, by which a broker writes each once. Kafka: Sender.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::accumulate::Pending;
use super::sequences::AssignedSequence;
use super::{Delivered, DeliverySender, ProducerCore};
use crate::base::{BrokerId, Clock, Millis, Records};
use crate::client::error::ClientError;
use crate::client::events::ClientEvent;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::init_producer_id::InitProducerIdRequest;
use crate::wire::message::produce::*;

type PendingBatch = Pending<DeliverySender>;

/// Sends until the producer is closed and nothing waits any more.
pub(super) async fn run(shared: Arc<ProducerCore>) {
    loop {
        let now = Clock::System.now();
        let (batches, due) = {
            let mut gathered = shared.gathered.lock();
            let taken = if shared.flushing() { gathered.take_all(now) } else { gathered.take_due(now) };
            (taken, gathered.next_due())
        };
        if batches.is_empty() {
            if shared.closed() && shared.gathered.lock().is_empty() {
                return;
            }
            let wait = due.map_or(Millis::from(u16::MAX), |due| (due - now).max(1));
            let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
            let _ = tokio::time::timeout(wait, shared.wake.notified()).await;
            continue;
        }
        send_all(&shared, batches).await;
        shared.sent.notify_waiters();
    }
}

async fn send_all(shared: &ProducerCore, batches: Vec<PendingBatch>) {
    let mut by_leader: HashMap<BrokerId, Vec<PendingBatch>> = HashMap::new();
    if let Err(error) = ensure_id(shared).await {
        return batches.into_iter().for_each(|batch| again_or_fail(shared, batch, &error));
    }
    for mut batch in batches {
        if shared.settings.idempotent && batch.sequence.is_none() {
            batch.sequence = shared.sequences.lock().assign(&batch.partition, batch.waiting.len());
        }
        match shared.cluster.leader(&batch.partition).await {
            Ok(leader) => by_leader.entry(leader.broker).or_default().push(batch),
            Err(error) => again_or_fail(shared, batch, &error),
        }
    }
    join_all(by_leader.into_iter().map(|(leader, batches)| send_to(shared, leader, batches))).await;
}

/// Requests a producer id if one is needed.
async fn ensure_id(shared: &ProducerCore) -> Result<(), ClientError> {
    if !shared.settings.idempotent || !shared.sequences.lock().needs_id() {
        return Ok(());
    }
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..Default::default()
    };
    let answer = shared.cluster.call(&Target::Any, &request).await?;
    ClientError::check(answer.error_code, None)?;
    shared.sequences.lock().begin(answer.producer_id, answer.producer_epoch);
    Ok(())
}

/// Sends one request to one leader, and reports the outcome of its batches.
async fn send_to(shared: &ProducerCore, leader: BrokerId, batches: Vec<PendingBatch>) {
    let settings = &shared.settings;
    let request = match request(settings.acks, settings.cluster.request_timeout, &batches) {
        Ok(request) => request,
        Err(error) => return batches.into_iter().for_each(|batch| fail(shared, batch, &error)),
    };
    let target = Target::Broker(leader);
    if settings.acks == 0 {
        match shared.cluster.send(&target, &request).await {
            Ok(()) => batches.into_iter().for_each(|batch| deliver(shared, batch, -1)),
            Err(error) => batches.into_iter().for_each(|batch| again_or_fail(shared, batch, &error)),
        }
        return;
    }
    match shared.cluster.call(&target, &request).await {
        Ok(answer) => settle(shared, batches, &answer),
        Err(error) => batches.into_iter().for_each(|batch| again_or_fail(shared, batch, &error)),
    }
}

fn request(acks: i16, timeout: Duration, batches: &[PendingBatch]) -> Result<ProduceRequest, ClientError> {
    let mut topics: BTreeMap<&str, Vec<PartitionProduceData>> = BTreeMap::new();
    for batch in batches {
        let built = match batch.sequence {
            Some(AssignedSequence { id, epoch, first }) => batch.batch.clone().producer(id, epoch, first),
            None => batch.batch.clone(),
        };
        topics.entry(&batch.partition.topic).or_default().push(PartitionProduceData {
            partition_index: batch.partition.partition,
            records: Some(Records::Memory(built.build()?)),
        });
    }
    let topics =
        topics.into_iter().map(|(name, partitions)| TopicProduceData { name: name.to_owned(), partitions });
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    Ok(ProduceRequest { transactional_id: None, acks, timeout_ms, topics: topics.collect() })
}

fn settle(shared: &ProducerCore, batches: Vec<PendingBatch>, answer: &ProduceResponse) {
    let mut answers = HashMap::new();
    for topic in &answer.responses {
        for partition in &topic.partitions {
            answers.insert((topic.name.as_str(), partition.partition_index), partition);
        }
    }
    for batch in batches {
        let answer = answers.get(&(&*batch.partition.topic, batch.partition.partition)).copied();
        let Some(answer) = answer else {
            fail(shared, batch, &ClientError::NoLeader);
            continue;
        };
        match ClientError::check(answer.error_code, answer.error_message.as_deref()) {
            Ok(()) => deliver(shared, batch, answer.base_offset),
            // The first try was written, but its answer was lost.
            Err(ClientError::Refused { error: ErrorCode::DuplicateSequenceNumber, .. }) => {
                deliver(shared, batch, -1)
            }
            Err(error) => again_or_fail(shared, batch, &error),
        }
    }
}

fn deliver(shared: &ProducerCore, batch: PendingBatch, base_offset: i64) {
    shared.gathered.lock().settle(&batch);
    for (at, waiting) in batch.waiting.into_iter().enumerate() {
        let offset = if base_offset < 0 { -1 } else { base_offset + at as i64 };
        let delivered = Delivered { partition: batch.partition.clone(), offset };
        let _ = waiting.send(Ok(delivered)); // The caller may have stopped waiting.
    }
}

fn fail(shared: &ProducerCore, batch: PendingBatch, error: &ClientError) {
    shared.gathered.lock().settle(&batch);
    if batch.sequence.is_some() {
        // It is not known whether the batch was written, and so the next sequence is not known.
        shared.sequences.lock().give_up();
    }
    let error = Arc::new(error.clone());
    for waiting in batch.waiting {
        let _ = waiting.send(Err(error.clone())); // The caller may have stopped waiting.
    }
}

/// Puts the batch back for another try if the error is retriable and time and retries are left.
fn again_or_fail(shared: &ProducerCore, batch: PendingBatch, error: &ClientError) {
    let settings = &shared.settings;
    let now = Clock::System.now();
    let given_up = now - batch.since > settings.delivery_timeout.as_millis() as Millis;
    if !error.is_retriable() || batch.tries >= settings.retries || given_up {
        return fail(shared, batch, error);
    }
    settings.cluster.events.report(&ClientEvent::BatchRetried {
        partition: batch.partition.clone(),
        attempts_left: settings.retries - batch.tries,
        error: error.clone(),
    });
    shared.cluster.forget(&Target::Leader(batch.partition.clone()));
    let not_before = now + settings.cluster.retry_backoff.as_millis() as Millis;
    shared.gathered.lock().put_back(batch, not_before);
}
