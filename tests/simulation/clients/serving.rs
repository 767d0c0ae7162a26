//! What brokers answer consumers: fetches with and without sessions, the ends of partitions and of leader epochs.

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, LeaderEpoch, Offset, Records};
use barnabas::client::consumer::machines::EpochEndOffsetFound;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchablePartitionResponse, FetchableTopicResponse,
};

use super::data::DataPartition;

/// How many bytes of a partition a fetch brings, unless the first batch is larger.
const FETCH_BYTES: usize = 600;

/// A fetch session, as its broker keeps it.
#[derive(Debug)]
struct BrokerSession {
    epoch: i32,
    partitions: BTreeMap<i32, FetchPartition>,
    /// What was answered of each partition's high watermark and last stable offset.
    answered: BTreeMap<i32, (Offset, Offset)>,
}

/// The fetch sessions of one broker.
#[derive(Debug)]
pub struct BrokerSessions {
    broker: BrokerId,
    /// Whether it has any.
    has_sessions: bool,
    next: i32,
    sessions: BTreeMap<i32, BrokerSession>,
}

impl BrokerSessions {
    pub fn new(broker: BrokerId, has_sessions: bool) -> Self {
        Self { broker, has_sessions, next: 0, sessions: BTreeMap::new() }
    }

    /// Room is made for other sessions.
    pub fn evict(&mut self) {
        self.sessions.pop_first();
    }

    /// Answers a fetch.
    pub fn fetch(&mut self, request: FetchRequest, data: &[DataPartition]) -> FetchResponse {
        let named = request.topics.into_iter().flat_map(|topic| topic.partitions);
        let named: BTreeMap<_, _> = named.map(|it| (it.partition, it)).collect();
        let read_committed = request.isolation_level == 1;
        if request.session_epoch <= 0 {
            self.sessions.remove(&request.session_id);
            let parts = named.values().map(|it| self.part(it, data, read_committed)).collect();
            let is_kept = self.has_sessions && request.session_epoch == 0;
            let session_id = if is_kept { self.keep(named) } else { 0 };
            return answer(ErrorCode::None, session_id, parts);
        }
        let Some(session) = self.sessions.get_mut(&request.session_id) else {
            return answer(ErrorCode::FetchSessionIdNotFound, 0, Vec::new());
        };
        if session.epoch != request.session_epoch {
            return answer(ErrorCode::InvalidFetchSessionEpoch, 0, Vec::new());
        }
        session.epoch += 1;
        let forgotten = request.forgotten_topics_data.into_iter().flat_map(|topic| topic.partitions);
        for partition in forgotten {
            session.partitions.remove(&partition);
        }
        session.partitions.extend(named);
        let wanted: Vec<_> = session.partitions.values().cloned().collect();
        let mut parts: Vec<_> = wanted.iter().map(|it| self.part(it, data, read_committed)).collect();
        let Some(session) = self.sessions.get_mut(&request.session_id) else {
            return answer(ErrorCode::FetchSessionIdNotFound, 0, Vec::new());
        };
        // Only what has changed is named.
        parts.retain(|part| {
            let marks = (part.high_watermark, part.last_stable_offset);
            let is_new = session.answered.insert(part.partition, marks) != Some(marks);
            is_new || part.error_code != 0 || part.record_set.is_some()
        });
        answer(ErrorCode::None, request.session_id, parts)
    }

    fn keep(&mut self, partitions: BTreeMap<i32, FetchPartition>) -> i32 {
        self.next += 1;
        let session = BrokerSession { epoch: 1, partitions, answered: BTreeMap::new() };
        self.sessions.insert(self.next, session);
        self.next
    }

    fn part(
        &self,
        wanted: &FetchPartition,
        data: &[DataPartition],
        read_committed: bool,
    ) -> FetchablePartitionResponse {
        let data = &data[wanted.partition as usize];
        let refused = |error: ErrorCode| FetchablePartitionResponse {
            partition: wanted.partition,
            error_code: error.code(),
            high_watermark: -1,
            ..Default::default()
        };
        if let Err(error) = check_leader(data, self.broker, wanted.current_leader_epoch) {
            return refused(error);
        }
        if wanted.fetch_offset < 0 || wanted.fetch_offset > data.end() {
            return refused(ErrorCode::OffsetOutOfRange);
        }
        let bytes = data.read(wanted.fetch_offset, FETCH_BYTES, read_committed);
        FetchablePartitionResponse {
            partition: wanted.partition,
            error_code: 0,
            high_watermark: data.high_watermark(),
            last_stable_offset: data.last_stable_offset(),
            aborted_transactions: read_committed.then(|| data.aborted(wanted.fetch_offset)),
            record_set: (!bytes.is_empty()).then_some(Records::Memory(bytes)),
            ..Default::default()
        }
    }
}

fn answer(error: ErrorCode, session_id: i32, parts: Vec<FetchablePartitionResponse>) -> FetchResponse {
    let topic = FetchableTopicResponse { topic: "t".to_owned(), partition_responses: parts };
    FetchResponse {
        error_code: error.code(),
        session_id,
        responses: if topic.partition_responses.is_empty() { Vec::new() } else { vec![topic] },
        ..Default::default()
    }
}

/// Whether a broker leads a partition in the epoch that its client knows; -1 leaves that open.
pub fn check_leader(data: &DataPartition, broker: BrokerId, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
    match data.leader == broker {
        false => Err(ErrorCode::NotLeaderOrFollower),
        true if epoch >= 0 && epoch < data.epoch => Err(ErrorCode::FencedLeaderEpoch),
        true if epoch > data.epoch => Err(ErrorCode::UnknownLeaderEpoch),
        true => Ok(()),
    }
}

/// Where an epoch ends in the leader's log.
pub fn end_of_epoch(data: &DataPartition, epoch: LeaderEpoch) -> EpochEndOffsetFound {
    let (found, end_offset) = data.end_of_epoch(epoch);
    EpochEndOffsetFound { epoch: found, end_offset }
}
