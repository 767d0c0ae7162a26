//! A fetcher's connection to the leader, and its three requests, at the versions that
//! `inter.broker.protocol.version` asks for.
//!
//! Kafka: `ReplicaFetcherBlockingSend`, and the versions of `ReplicaFetcherThread`.

use std::collections::BTreeMap;
use std::io;

use super::session::{FetcherRequest, Want};
use crate::base::ids::by_topic;
use crate::base::time::millis;
use crate::base::{BrokerId, Endpoint, LeaderEpoch, Millis, Offset, TopicPartition};
use crate::config::{BrokerConfig, KafkaVersion, RequestVersions};
use crate::log::epochs::EpochEnd;
use crate::net::link::{BrokerLink, LinkLogin, LinkOptions};
use crate::net::peer::PeerError;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic};
use crate::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use crate::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

/// A follower reads all records, whether a transaction has committed them or not.
const READ_UNCOMMITTED: i8 = 0;

/// The form of a fetcher's requests.
#[derive(Clone, Debug)]
pub(super) struct FetcherOptions {
    me: BrokerId,
    pub versions: RequestVersions,
    /// Whether the leaders' version of Kafka has leader epochs at all.
    pub epochs: bool,
    link: LinkOptions,
    max_wait_ms: i32,
    min_bytes: i32,
    max_bytes: i32,
    partition_max_bytes: i32,
}

impl FetcherOptions {
    /// Those of the fetcher of this number, by the broker's settings; `login` is its user at the leaders' listener.
    pub fn of(me: BrokerId, number: usize, config: &BrokerConfig, login: LinkLogin) -> Self {
        let protocol = &config.inter_broker_protocol_version;
        Self {
            me,
            versions: RequestVersions::of(protocol),
            epochs: protocol.at_least(KafkaVersion::V0_11_0_IV2),
            link: LinkOptions {
                client_id: format!("broker-{me}-fetcher-{number}"),
                login,
                connect_limit: millis(config.replica_socket_timeout_ms),
                answer_limit: millis(config.request_timeout_ms),
            },
            max_wait_ms: config.replica_fetch_wait_max_ms,
            min_bytes: config.replica_fetch_min_bytes,
            max_bytes: config.replica_fetch_response_max_bytes,
            partition_max_bytes: config.replica_fetch_max_bytes,
        }
    }

    /// The request on the wire.
    fn fetch_request(&self, request: &FetcherRequest) -> FetchRequest {
        let partition = |id: &TopicPartition, want: &Want| FetchPartition {
            partition: id.partition,
            current_leader_epoch: want.leader_epoch,
            fetch_offset: want.offset,
            log_start_offset: want.log_start,
            partition_max_bytes: self.partition_max_bytes,
            ..Default::default()
        };
        let topics = by_topic(request.to_send.iter().map(|(id, want)| (id, partition(id, want))))
            .map(|(topic, partitions)| FetchTopic { topic: topic.to_string(), partitions });
        let mut forgotten: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for id in &request.to_forget {
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
            topics: topics.collect(),
            forgotten_topics_data: forgotten.collect(),
            ..Default::default()
        }
    }
}

/// A leader epoch of a partition whose end a follower asks for.
#[derive(Debug)]
pub(super) struct AskedEpoch {
    pub partition: TopicPartition,
    /// The leader epoch in which the follower follows.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch whose end is asked for: that of the follower's last record.
    pub leader_epoch: LeaderEpoch,
}

/// The link to a leader, and the requests that a fetcher sends over it.
#[derive(Debug)]
pub(super) struct LeaderLink {
    pub options: FetcherOptions,
    link: BrokerLink,
}

impl LeaderLink {
    pub fn new(options: FetcherOptions, endpoint: Endpoint) -> Self {
        let link = BrokerLink::new(endpoint, options.link.clone());
        Self { options, link }
    }

    /// Goes on at another endpoint of the leader.
    pub fn go_on_at(&mut self, endpoint: Endpoint) {
        self.link = BrokerLink::new(endpoint, self.options.link.clone());
    }

    /// Sends a Fetch.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn fetch(&mut self, request: &FetcherRequest) -> Result<FetchResponse, PeerError> {
        let request = self.options.fetch_request(request);
        self.link.call(&request, self.options.versions.fetch).await
    }

    /// Sends OffsetForLeaderEpoch.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn epoch_ends(
        &mut self,
        asked: &[AskedEpoch],
    ) -> Result<Vec<(TopicPartition, Result<EpochEnd, ErrorCode>)>, PeerError> {
        let mut topics: BTreeMap<&str, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
        for AskedEpoch { partition: id, current_leader_epoch, leader_epoch } in asked {
            topics.entry(&id.topic).or_default().push(OffsetForLeaderPartition {
                partition_index: id.partition,
                current_leader_epoch: *current_leader_epoch,
                leader_epoch: *leader_epoch,
            });
        }
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| OffsetForLeaderTopic { name: name.to_owned(), partitions });
        let request = OffsetForLeaderEpochRequest { replica_id: self.options.me, topics: topics.collect() };
        let answer = self.link.call(&request, self.options.versions.offset_for_leader_epoch).await?;
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

    /// Sends ListOffsets, for the leader's end or start by the timestamp that means it.
    ///
    /// # Errors [`PeerError`]; an error of the leader is in the answer.
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
            replica_id: self.options.me,
            isolation_level: READ_UNCOMMITTED,
            topics: vec![topic],
        };
        let answer = self.link.call(&request, self.options.versions.list_offsets).await?;
        let mut partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        let found = partitions.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the leader says nothing of {id}"))
        })?;
        Ok(match ErrorCode::from_code(found.error_code) {
            ErrorCode::None if self.options.versions.list_offsets == 0 => {
                Ok(found.old_style_offsets.first().copied().unwrap_or(-1))
            }
            ErrorCode::None => Ok(found.offset),
            error => Err(error),
        })
    }
}

#[cfg(test)]
mod tests;
