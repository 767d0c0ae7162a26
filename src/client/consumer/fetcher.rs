//! Which fetches are to be sent, and what was fetched until the application takes it.
//!
//! Pure. At most one fetch is in flight to a broker. Of each partition one fetch is asked for ahead of what is still
//! buffered, as long as the buffer is smaller than `fetch.max.bytes`. Kafka: `Fetcher`, which asks for no more of a
//! partition before all of it is taken.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::subscription_state::{ConsumerPosition, SubscriptionState};
use crate::base::ids::by_topic;
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::settings::ConsumerSettings;
use crate::wire::batch::NO_LEADER_EPOCH;
use crate::wire::error_code::ErrorCode;
use crate::wire::fetch_session::{FetchSessionHandler, FetchSessionRequest};
use crate::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};

mod aborted;
mod buffer;
mod completed_fetch;
mod unpack;

pub use buffer::{TakenRecords, UnpackTask, UnpackedBatch};
use completed_fetch::{CompletedFetch, ReadOptions};

/// Compressed batches of more bytes are not unpacked on the thread that polls.
const LARGEST_UNPACKED_HERE: usize = 64 << 10;

/// The fetches of one consumer.
#[doc(alias = "Fetcher")]
#[derive(Debug)]
pub struct ConsumerFetcher {
    settings: Arc<ConsumerSettings>,
    options: ReadOptions,
    sessions: HashMap<BrokerId, FetchSessionHandler<FetchTarget>>,
    in_flight: HashSet<BrokerId>,
    /// Brokers that are fetched from no earlier than this.
    retry_at: HashMap<BrokerId, Millis>,
    /// In the order in which they came; those of paused partitions stay.
    completed: VecDeque<CompletedFetch>,
    /// Whether the leaders should be looked up again.
    needs_metadata: bool,
}

/// From where a partition is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FetchTarget {
    offset: Offset,
    /// -1 where it is not known.
    leader_epoch: LeaderEpoch,
}

/// What the buffer has of a partition.
#[derive(Clone, Copy, Debug)]
struct Buffered {
    fetches: usize,
    /// The offset after them; None if one of them is an error.
    end: Option<Offset>,
}

impl ConsumerFetcher {
    /// Without anything fetched.
    pub fn new(settings: Arc<ConsumerSettings>) -> Self {
        let options = ReadOptions {
            read_committed: settings.read_committed,
            check_crcs: settings.check_crcs,
            largest_unpacked_here: LARGEST_UNPACKED_HERE,
        };
        Self {
            settings,
            options,
            sessions: HashMap::new(),
            in_flight: HashSet::new(),
            retry_at: HashMap::new(),
            completed: VecDeque::new(),
            needs_metadata: false,
        }
    }

    /// The fetches to send now: each counts as in flight until its answer is given.
    pub fn requests(&mut self, state: &SubscriptionState, now: Millis) -> Vec<(BrokerId, FetchRequest)> {
        let mut by_broker: BTreeMap<BrokerId, Vec<(TopicPartition, FetchTarget)>> = BTreeMap::new();
        for (broker, id, target) in self.targets(state, now) {
            by_broker.entry(broker).or_default().push((id, target));
        }
        let mut requests = Vec::new();
        for (broker, wanted) in by_broker {
            let request = self.sessions.entry(broker).or_default().request(wanted);
            self.in_flight.insert(broker);
            requests.push((broker, self.request(request)));
        }
        requests
    }

    /// The partitions to fetch now: from which broker and offset.
    fn targets(
        &mut self,
        state: &SubscriptionState,
        now: Millis,
    ) -> Vec<(BrokerId, TopicPartition, FetchTarget)> {
        // As long as all fetches are in flight, a poll asks in vain.
        if !state.has_fetchable(now, |broker| broker.is_none_or(|broker| !self.in_flight.contains(&broker))) {
            return Vec::new();
        }
        let buffered = self.buffered();
        let size: usize = self.completed.iter().map(CompletedFetch::size).sum();
        let may_fetch_ahead = size < usize::try_from(self.settings.fetch_max_bytes).unwrap_or(0);
        let (mut targets, mut without_leader) = (Vec::new(), false);
        for (id, position) in state.fetchable() {
            let Some(leader) = position.leader else {
                without_leader = true;
                continue;
            };
            let offset = match buffered.get(id) {
                None => position.offset,
                Some(Buffered { fetches: 1, end: Some(end) }) if may_fetch_ahead => *end,
                Some(_) => continue,
            };
            let broker = state.preferred_read_replica(id, now).unwrap_or(leader.broker);
            let waits = self.retry_at.get(&broker).is_some_and(|at| *at > now);
            if !waits && !self.in_flight.contains(&broker) {
                targets.push((broker, id.clone(), FetchTarget { offset, leader_epoch: leader.epoch }));
            }
        }
        self.needs_metadata |= without_leader;
        targets
    }

    fn buffered(&self) -> HashMap<&TopicPartition, Buffered> {
        let mut buffered: HashMap<&TopicPartition, Buffered> = HashMap::new();
        for fetch in &self.completed {
            let end = (fetch.error == ErrorCode::None).then_some(fetch.end_offset());
            let entry = buffered.entry(&fetch.partition).or_insert(Buffered { fetches: 0, end });
            *entry = Buffered { fetches: entry.fetches + 1, end: entry.end.and(end) };
        }
        buffered
    }

    fn request(&self, session: FetchSessionRequest<FetchTarget>) -> FetchRequest {
        let settings = &self.settings;
        let partition = |(id, target): (TopicPartition, FetchTarget)| {
            let asked = FetchPartition {
                partition: id.partition,
                current_leader_epoch: target.leader_epoch,
                fetch_offset: target.offset,
                last_fetched_epoch: NO_LEADER_EPOCH,
                log_start_offset: -1,
                partition_max_bytes: settings.max_partition_fetch_bytes,
            };
            (id, asked)
        };
        let topics = by_topic(session.to_send.into_iter().map(partition));
        let forgotten = by_topic(session.to_forget.iter().map(|id| (id, id.partition)));
        FetchRequest {
            replica_id: -1,
            max_wait_ms: i32::try_from(settings.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: settings.fetch_min_bytes,
            max_bytes: settings.fetch_max_bytes,
            isolation_level: settings.read_committed.into(),
            session_id: session.session_id,
            session_epoch: session.session_epoch,
            topics: topics
                .map(|(name, partitions)| FetchTopic { topic: name.to_string(), partitions })
                .collect(),
            forgotten_topics_data: forgotten
                .map(|(name, partitions)| ForgottenTopic { topic: name.to_string(), partitions })
                .collect(),
            rack_id: settings.client_rack.clone(),
            ..Default::default()
        }
    }

    /// Applies an answer; what it brought lies in the buffer then. Returns how many bytes these are; None if the answer
    /// is of no use.
    pub fn answered(&mut self, broker: BrokerId, answer: FetchResponse, now: Millis) -> Option<usize> {
        self.in_flight.remove(&broker);
        let session = self.sessions.get_mut(&broker)?;
        let mut named = Vec::new();
        for topic in &answer.responses {
            let name: Arc<str> = topic.topic.as_str().into();
            named.extend(
                topic
                    .partition_responses
                    .iter()
                    .map(|it| TopicPartition { topic: name.clone(), partition: it.partition }),
            );
        }
        if !session.answered(ErrorCode::from_code(answer.error_code), answer.session_id, &named) {
            self.wait(broker, now);
            return None;
        }
        let mut size = 0;
        let parts = answer.responses.into_iter().flat_map(|topic| topic.partition_responses);
        for (id, part) in named.into_iter().zip(parts) {
            if let Some(target) = session.wanted(&id) {
                let fetch = CompletedFetch::new(id, broker, *target, part);
                size += fetch.size();
                self.completed.push_back(fetch);
            }
        }
        Some(size)
    }

    /// A fetch has failed: whether the broker has it is not known. Partitions that were read from the broker as their
    /// preferred replica are read from their leaders.
    pub fn failed(&mut self, broker: BrokerId, state: &mut SubscriptionState, now: Millis) {
        self.in_flight.remove(&broker);
        state.clear_preferred_read_replicas_at(broker);
        if let Some(session) = self.sessions.get_mut(&broker) {
            session.failed();
        }
        self.needs_metadata = true;
        self.wait(broker, now);
    }

    fn wait(&mut self, broker: BrokerId, now: Millis) {
        let backoff =
            Millis::try_from(self.settings.cluster.retry_backoff.as_millis()).unwrap_or(Millis::MAX);
        self.retry_at.insert(broker, now.saturating_add(backoff));
    }

    /// When a broker that failed may be fetched from again.
    pub fn next_retry(&mut self, now: Millis) -> Option<Millis> {
        self.retry_at.retain(|_, at| *at > now);
        self.retry_at.values().min().copied()
    }

    /// Whether the leaders should be looked up again, by what was fetched since the last call.
    pub fn take_needs_metadata(&mut self) -> bool {
        std::mem::take(&mut self.needs_metadata)
    }
}

#[cfg(test)]
mod tests;
