//! A fetcher's connection to the leader, and the three requests it sends, at the versions that
//! `inter.broker.protocol.version` calls for.
//!
//! Kafka: `ReplicaFetcherBlockingSend`, and the versions of `ReplicaFetcherThread`.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::session::Request;
use super::truncation::EpochEnd;
use crate::base::{BrokerId, Endpoint, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::config::{BrokerConfig, KafkaVersion, RequestVersions};
use crate::net::peer::{Peer, PeerError};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request as WireRequest;
use crate::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};
use crate::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use crate::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

/// Everything is read, whether a transaction has committed it or not.
const READ_UNCOMMITTED: i8 = 0;

/// How a fetcher asks.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    me: BrokerId,
    client_id: String,
    pub versions: RequestVersions,
    /// Whether leaders know of leader epochs at all.
    pub epochs: bool,
    connect_limit: Duration,
    answer_limit: Duration,
    max_wait_ms: i32,
    min_bytes: i32,
    max_bytes: i32,
    partition_max_bytes: i32,
}

impl Manner {
    /// That of the fetcher of this number, by the broker's settings.
    pub fn of(me: BrokerId, number: usize, config: &BrokerConfig) -> Self {
        let millis = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let protocol = &config.inter_broker_protocol_version;
        Self {
            me,
            client_id: format!("broker-{me}-fetcher-{number}"),
            versions: RequestVersions::of(protocol),
            epochs: protocol.at_least(KafkaVersion::V0_11_0_IV2),
            connect_limit: millis(config.replica_socket_timeout_ms),
            answer_limit: millis(config.request_timeout_ms),
            max_wait_ms: config.replica_fetch_wait_max_ms,
            min_bytes: config.replica_fetch_min_bytes,
            max_bytes: config.replica_fetch_response_max_bytes,
            partition_max_bytes: config.replica_fetch_max_bytes,
        }
    }

    /// The request on the wire.
    pub fn fetch_request(&self, request: &Request) -> FetchRequest {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (id, want) in &request.send {
            let partition = FetchPartition {
                partition: id.partition,
                current_leader_epoch: want.leader_epoch,
                fetch_offset: want.offset,
                log_start_offset: want.log_start,
                partition_max_bytes: self.partition_max_bytes,
                ..Default::default()
            };
            match topics.last_mut().filter(|topic| topic.topic == *id.topic) {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(FetchTopic { topic: id.topic.to_string(), partitions: vec![partition] }),
            }
        }
        let mut forgotten: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for id in &request.forget {
            forgotten.entry(&id.topic).or_default().push(id.partition);
        }
        let forgotten = forgotten
            .into_iter()
            .map(|(topic, partitions)| ForgottenTopic { topic: topic.to_owned(), partitions });
        FetchRequest {
            replica_id: self.me,
            max_wait_ms: self.max_wait_ms,
            min_bytes: self.min_bytes,
            max_bytes: self.max_bytes,
            isolation_level: READ_UNCOMMITTED,
            session_id: request.session_id,
            session_epoch: request.session_epoch,
            topics,
            forgotten_topics_data: forgotten.collect(),
            ..Default::default()
        }
    }
}

/// A connection to a leader, made when it is needed and given up after a failure.
#[derive(Debug)]
pub(super) struct Link {
    pub manner: Manner,
    endpoint: Endpoint,
    peer: Option<Peer>,
}

impl Link {
    pub fn new(manner: Manner, endpoint: Endpoint) -> Self {
        Self { manner, endpoint, peer: None }
    }

    async fn call<R: WireRequest>(&mut self, request: &R, version: i16) -> Result<R::Response, PeerError> {
        let peer = match self.peer.take().filter(Peer::is_open) {
            Some(peer) => peer,
            None => {
                let port = u16::try_from(self.endpoint.port).unwrap_or(0);
                let Manner { client_id, connect_limit, .. } = &self.manner;
                Peer::connect(&self.endpoint.host, port, client_id, *connect_limit).await?
            }
        };
        let answer = peer.call(request, version, self.manner.answer_limit).await?;
        self.peer = Some(peer);
        Ok(answer)
    }

    /// Fetches.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn fetch(&mut self, request: &Request) -> Result<FetchResponse, PeerError> {
        let request = self.manner.fetch_request(request);
        self.call(&request, self.manner.versions.fetch).await
    }

    /// Asks where epochs end: for each partition the leader epoch as it is known here, and the epoch asked for.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn epoch_ends(
        &mut self,
        asked: &[(TopicPartition, LeaderEpoch, LeaderEpoch)],
    ) -> Result<Vec<(TopicPartition, Result<EpochEnd, ErrorCode>)>, PeerError> {
        let mut topics: BTreeMap<&str, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
        for (id, current_leader_epoch, leader_epoch) in asked {
            topics.entry(&id.topic).or_default().push(OffsetForLeaderPartition {
                partition_index: id.partition,
                current_leader_epoch: *current_leader_epoch,
                leader_epoch: *leader_epoch,
            });
        }
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| OffsetForLeaderTopic { name: name.to_owned(), partitions });
        let request = OffsetForLeaderEpochRequest { replica_id: self.manner.me, topics: topics.collect() };
        let answer = self.call(&request, self.manner.versions.offset_for_leader_epoch).await?;
        let mut ends = Vec::with_capacity(asked.len());
        for topic in answer.topics {
            let name: std::sync::Arc<str> = topic.name.into();
            for it in topic.partitions {
                let end = match ErrorCode::from_code(it.error_code) {
                    ErrorCode::None => Ok(EpochEnd { epoch: it.leader_epoch, offset: it.end_offset }),
                    error => Err(error),
                };
                ends.push((TopicPartition::new(name.clone(), it.partition_index), end));
            }
        }
        Ok(ends)
    }

    /// Asks for the leader's end or start, by a timestamp that stands for it.
    ///
    /// # Errors
    /// [`PeerError`]; what the leader refuses is in the answer.
    pub async fn offset(
        &mut self,
        id: &TopicPartition,
        leader_epoch: LeaderEpoch,
        timestamp: Millis,
    ) -> Result<Result<Offset, ErrorCode>, PeerError> {
        let partition = ListOffsetPartition {
            partition_index: id.partition,
            current_leader_epoch: leader_epoch,
            timestamp,
            ..Default::default()
        };
        let topic = ListOffsetTopic { name: id.topic.to_string(), partitions: vec![partition] };
        let request = ListOffsetRequest {
            replica_id: self.manner.me,
            isolation_level: READ_UNCOMMITTED,
            topics: vec![topic],
        };
        let answer = self.call(&request, self.manner.versions.list_offsets).await?;
        let mut partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        let found = partitions.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the leader says nothing of {id}"))
        })?;
        Ok(match ErrorCode::from_code(found.error_code) {
            ErrorCode::None if self.manner.versions.list_offsets == 0 => {
                Ok(found.old_style_offsets.first().copied().unwrap_or(-1))
            }
            ErrorCode::None => Ok(found.offset),
            error => Err(error),
        })
    }
}

#[cfg(test)]
mod tests;
