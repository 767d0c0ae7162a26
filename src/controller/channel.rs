//! One sender for each broker: requests go out in order, each again and again until it is answered or the broker is gone
//! (`ControllerChannelManager`, `RequestSendThread`).

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::outbox::{LeaderAndIsrRow, Message, MetadataRow, StopRow, Tell};
use crate::base::{Backoff, Broker, BrokerId, TopicPartition};
use crate::config::RequestVersions;
use crate::net::peer::{Peer, PeerError};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{
    LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrTopicState,
};
use crate::wire::message::stop_replica::{
    StopReplicaPartitionState, StopReplicaPartitionV0, StopReplicaRequest, StopReplicaTopicState,
    StopReplicaTopicV1,
};
use crate::wire::message::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState, UpdateMetadataRequest,
    UpdateMetadataTopicState,
};

/// What every channel has in common.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// The controller's broker id.
    pub controller: BrokerId,
    /// The listener between brokers.
    pub listener: String,
    /// The versions of the requests.
    pub versions: RequestVersions,
    /// `controller.socket.timeout.ms`.
    pub timeout: Duration,
    /// Where answers go.
    pub answers: mpsc::Sender<Event>,
}

/// A sender; dropping it ends it and drops what was not sent.
#[derive(Debug)]
pub(super) struct Channel {
    queue: mpsc::UnboundedSender<Tell>,
    over: CancellationToken,
}

impl Channel {
    /// Begins to send to a broker.
    pub fn open(broker: Broker, manner: Manner) -> Self {
        // Unbounded, as its length is that of what the controller has decided and the broker not yet answered.
        let (queue, waiting) = mpsc::unbounded_channel();
        let over = CancellationToken::new();
        let sending = Sender { broker, manner, waiting, peer: None };
        let until = over.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = sending.run() => {}
                () = until.cancelled() => {}
            }
        });
        Self { queue, over }
    }

    /// Sends a request after all those before it.
    pub fn send(&self, tell: Tell) {
        if self.queue.send(tell).is_err() {
            log::debug!(target: "kafka.controller.ControllerChannelManager", "A broker is gone before it was told everything");
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Logs what a broker is about to be sent.
fn log_state_change(controller: BrokerId, tell: &Tell) {
    let broker = tell.to;
    let request = match &tell.message {
        Message::LeaderAndIsr { rows, .. } => {
            let leads = rows.iter().filter(|row| row.leadership.leader_and_isr.leader == broker).count();
            let follows = rows.len() - leads;
            format!(
                "LeaderAndIsr request to broker {broker} with {leads} become-leader and {follows} become-follower partitions"
            )
        }
        Message::UpdateMetadata { rows, .. } => {
            format!("UpdateMetadata request to broker {broker} for {} partitions", rows.len())
        }
        Message::StopReplica { rows, .. } => {
            format!("StopReplica request for {} replicas to broker {broker}", rows.len())
        }
    };
    let epoch = tell.controller_epoch;
    log::info!(target: "state.change.logger", "[Controller id={controller} epoch={epoch}] Sending {request}");
}

struct Sender {
    broker: Broker,
    manner: Manner,
    waiting: mpsc::UnboundedReceiver<Tell>,
    peer: Option<Peer>,
}

impl Sender {
    async fn run(mut self) {
        while let Some(tell) = self.waiting.recv().await {
            log_state_change(self.manner.controller, &tell);
            let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
            let events = loop {
                match self.deliver(&tell).await {
                    Ok(events) => break events,
                    Err(error) => {
                        log::warn!(target: "kafka.controller.RequestSendThread", "[RequestSendThread controllerId={}] Controller epoch {} fails to send request to broker {}: {error}", self.manner.controller, tell.controller_epoch, self.broker.id);
                        self.peer = None;
                        tokio::time::sleep(backoff.next_wait()).await;
                    }
                }
            };
            for event in events {
                if self.manner.answers.send(event).await.is_err() {
                    return;
                }
            }
        }
    }

    async fn connected(&mut self) -> Result<Peer, PeerError> {
        if let Some(peer) = self.peer.as_ref().filter(|peer| peer.is_open()) {
            return Ok(peer.clone());
        }
        let endpoint = self.broker.endpoint(&self.manner.listener).ok_or_else(|| {
            let text = format!("broker {} has no listener {}", self.broker.id, self.manner.listener);
            std::io::Error::new(std::io::ErrorKind::NotFound, text)
        })?;
        let port = u16::try_from(endpoint.port).unwrap_or(0);
        let client_id = self.manner.controller.to_string();
        let peer = Peer::connect(&endpoint.host, port, &client_id, self.manner.timeout).await?;
        self.peer = Some(peer.clone());
        Ok(peer)
    }

    /// Sends one message, as one request or several, and gives what was answered.
    async fn deliver(&mut self, tell: &Tell) -> Result<Vec<Event>, PeerError> {
        let peer = self.connected().await?;
        let (broker, limit) = (self.broker.id, self.manner.timeout);
        match &tell.message {
            Message::LeaderAndIsr { rows, live_leaders } => {
                let version = self.manner.versions.leader_and_isr;
                let request = leader_and_isr(&self.manner, tell, version, rows, live_leaders);
                let answer = peer.call(&request, version, limit).await?;
                let partitions = answer.partition_errors.into_iter().map(|it| {
                    (
                        TopicPartition::new(it.topic_name, it.partition_index),
                        ErrorCode::from_code(it.error_code),
                    )
                });
                let (error, partitions) = (ErrorCode::from_code(answer.error_code), partitions.collect());
                Ok(vec![Event::LeaderAndIsrAnswered { broker, error, partitions }])
            }
            Message::UpdateMetadata { rows, brokers } => {
                let version = self.manner.versions.update_metadata;
                let request = update_metadata(&self.manner, tell, version, rows, brokers);
                let answer = peer.call(&request, version, limit).await?;
                Ok(vec![Event::UpdateMetadataAnswered {
                    broker,
                    error: ErrorCode::from_code(answer.error_code),
                }])
            }
            Message::StopReplica { rows } => {
                let version = self.manner.versions.stop_replica;
                let mut events = Vec::new();
                for (request, deleting) in stop_replica(&self.manner, tell, version, rows) {
                    let answer = peer.call(&request, version, limit).await?;
                    let answered = answer.partition_errors.into_iter().map(|it| {
                        (
                            TopicPartition::new(it.topic_name, it.partition_index),
                            ErrorCode::from_code(it.error_code),
                        )
                    });
                    let partitions: Vec<_> =
                        answered.filter(|(partition, _)| deleting.contains(partition)).collect();
                    if !deleting.is_empty() {
                        let error = ErrorCode::from_code(answer.error_code);
                        events.push(Event::DeletionAnswered { broker, error, partitions });
                    }
                }
                Ok(events)
            }
        }
    }
}

fn leader_and_isr(
    manner: &Manner,
    tell: &Tell,
    version: i16,
    rows: &[LeaderAndIsrRow],
    leaders: &[Broker],
) -> LeaderAndIsrRequest {
    let state = |row: &LeaderAndIsrRow| LeaderAndIsrPartitionState {
        topic_name: if version < 2 { row.partition.topic.to_string() } else { String::new() },
        partition_index: row.partition.partition,
        controller_epoch: row.leadership.controller_epoch,
        leader: row.leadership.leader_and_isr.leader,
        leader_epoch: row.leadership.leader_and_isr.leader_epoch,
        isr: row.leadership.leader_and_isr.isr.clone(),
        zk_version: row.leadership.leader_and_isr.zk_version,
        replicas: row.assignment.replicas.clone(),
        adding_replicas: row.assignment.adding.clone(),
        removing_replicas: row.assignment.removing.clone(),
        is_new: row.is_new,
    };
    let live_leaders = leaders.iter().filter_map(|broker| {
        let endpoint = broker.endpoint(&manner.listener)?;
        Some(LeaderAndIsrLiveLeader {
            broker_id: broker.id,
            host_name: endpoint.host.clone(),
            port: endpoint.port,
        })
    });
    let mut request = LeaderAndIsrRequest {
        controller_id: manner.controller,
        controller_epoch: tell.controller_epoch,
        broker_epoch: tell.broker_epoch,
        live_leaders: live_leaders.collect(),
        ..Default::default()
    };
    if version < 2 {
        request.ungrouped_partition_states = rows.iter().map(state).collect();
    } else {
        let groups = rows.chunk_by(|one, other| one.partition.topic == other.partition.topic);
        request.topic_states = groups
            .map(|group| LeaderAndIsrTopicState {
                topic_name: group[0].partition.topic.to_string(),
                partition_states: group.iter().map(state).collect(),
            })
            .collect();
    }
    request
}

fn update_metadata(
    manner: &Manner,
    tell: &Tell,
    version: i16,
    rows: &[MetadataRow],
    brokers: &[Broker],
) -> UpdateMetadataRequest {
    let state = |row: &MetadataRow| UpdateMetadataPartitionState {
        topic_name: if version < 5 { row.partition.topic.to_string() } else { String::new() },
        partition_index: row.partition.partition,
        controller_epoch: row.leadership.controller_epoch,
        leader: row.leadership.leader_and_isr.leader,
        leader_epoch: row.leadership.leader_and_isr.leader_epoch,
        isr: row.leadership.leader_and_isr.isr.clone(),
        zk_version: row.leadership.leader_and_isr.zk_version,
        replicas: row.replicas.clone(),
        offline_replicas: row.offline.clone(),
    };
    let mut request = UpdateMetadataRequest {
        controller_id: manner.controller,
        controller_epoch: tell.controller_epoch,
        broker_epoch: tell.broker_epoch,
        live_brokers: brokers.iter().map(|broker| live_broker(manner, version, broker)).collect(),
        ..Default::default()
    };
    if version < 5 {
        request.ungrouped_partition_states = rows.iter().map(state).collect();
    } else {
        let groups = rows.chunk_by(|one, other| one.partition.topic == other.partition.topic);
        request.topic_states = groups
            .map(|group| UpdateMetadataTopicState {
                topic_name: group[0].partition.topic.to_string(),
                partition_states: group.iter().map(state).collect(),
            })
            .collect();
    }
    request
}

fn live_broker(manner: &Manner, version: i16, broker: &Broker) -> UpdateMetadataBroker {
    let between = broker.endpoint(&manner.listener);
    let endpoints = broker.endpoints.iter().map(|endpoint| UpdateMetadataEndpoint {
        port: endpoint.port,
        host: endpoint.host.clone(),
        listener: endpoint.listener.clone(),
        security_protocol: endpoint.protocol.id(),
    });
    UpdateMetadataBroker {
        id: broker.id,
        v0_host: between.filter(|_| version == 0).map_or_else(String::new, |endpoint| endpoint.host.clone()),
        v0_port: between.filter(|_| version == 0).map_or(0, |endpoint| endpoint.port),
        endpoints: if version == 0 { Vec::new() } else { endpoints.collect() },
        rack: broker.rack.clone(),
    }
}

/// The requests that stop these replicas, each with the partitions whose logs it deletes. Before version 3, a request
/// deletes all of its partitions or none.
fn stop_replica(
    manner: &Manner,
    tell: &Tell,
    version: i16,
    rows: &[StopRow],
) -> Vec<(StopReplicaRequest, Vec<TopicPartition>)> {
    let head = |delete_partitions: bool| StopReplicaRequest {
        controller_id: manner.controller,
        controller_epoch: tell.controller_epoch,
        broker_epoch: tell.broker_epoch,
        delete_partitions,
        ..Default::default()
    };
    let deleting: Vec<_> = rows.iter().filter(|row| row.delete).map(|row| row.partition.clone()).collect();
    if version >= 3 {
        let mut request = head(false);
        let groups = rows.chunk_by(|one, other| one.partition.topic == other.partition.topic);
        request.topic_states = groups
            .map(|group| StopReplicaTopicState {
                topic_name: group[0].partition.topic.to_string(),
                partition_states: group
                    .iter()
                    .map(|row| StopReplicaPartitionState {
                        partition_index: row.partition.partition,
                        leader_epoch: row.leader_epoch,
                        delete_partition: row.delete,
                    })
                    .collect(),
            })
            .collect();
        return vec![(request, deleting)];
    }
    let mut requests = Vec::new();
    for delete in [false, true] {
        let mine: Vec<_> = rows.iter().filter(|row| row.delete == delete).collect();
        if mine.is_empty() {
            continue;
        }
        let mut request = head(delete);
        if version == 0 {
            let partitions = mine.iter().map(|row| StopReplicaPartitionV0 {
                topic_name: row.partition.topic.to_string(),
                partition_index: row.partition.partition,
            });
            request.ungrouped_partitions = partitions.collect();
        } else {
            let groups = mine.chunk_by(|one, other| one.partition.topic == other.partition.topic);
            request.topics = groups
                .map(|group| StopReplicaTopicV1 {
                    name: group[0].partition.topic.to_string(),
                    partition_indexes: group.iter().map(|row| row.partition.partition).collect(),
                })
                .collect();
        }
        requests.push((request, if delete { deleting.clone() } else { Vec::new() }));
    }
    requests
}
